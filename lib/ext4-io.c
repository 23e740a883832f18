/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ext4-io.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

void
vms_ext4_disk_name (const struct ext4_disk *disk, char *name)
{
  snprintf (name, EXT4_DISK_NAME, "%p", (const void *) disk);
}

static errcode_t
open_channel (const char *name, int flags, io_channel *ret_channel)
{
  io_channel channel;
  void *disk;
  errcode_t error;

  (void) flags;
  if (sscanf (name, "%p", &disk) != 1)
    return EXT2_ET_BAD_DEVICE_NAME;
  error = ext2fs_get_memzero (sizeof *channel, &channel);
  if (error)
    return error;
  error = ext2fs_get_mem (strlen (name) + 1, &channel->name);
  if (error) {
    ext2fs_free_mem (&channel);
    return error;
  }
  strcpy (channel->name, name);
  channel->magic = EXT2_ET_MAGIC_IO_CHANNEL;
  memcpy (&channel->manager, &(const void *) { &vms_ext4_io_manager },
          sizeof channel->manager);
  channel->block_size = 1024;
  channel->refcount = 1;
  channel->private_data = disk;
  channel->flags = CHANNEL_FLAGS_DISCARD_ZEROES;
  *ret_channel = channel;
  return 0;
}

static errcode_t
close_channel (io_channel channel)
{
  if (--channel->refcount > 0)
    return 0;
  ext2fs_free_mem (&channel->name);
  ext2fs_free_mem (&channel);
  return 0;
}

static errcode_t
set_block_size (io_channel channel, int size)
{
  channel->block_size = size;
  return 0;
}

/* A negative count is one of bytes. */
static uint64_t
bytes_of (io_channel channel, int count)
{
  return count < 0 ? (uint64_t) -(int64_t) count
                   : (uint64_t) count * (uint64_t) channel->block_size;
}

static int
is_outside (const struct ext4_disk *disk, uint64_t at, uint64_t size)
{
  return at > disk->size || size > disk->size - at;
}

/* Once that was so, nothing is done any more: libext2fs does not stop at every
 * error. */
static int
is_cancelled (struct ext4_disk *disk)
{
  if (!disk->cancelled && disk->work)
    disk->cancelled = vms_work_poll (disk->work) < 0;
  return disk->cancelled;
}

static errcode_t
read_blocks (io_channel channel, unsigned long long block, int count,
             void *data)
{
  struct ext4_disk *disk = channel->private_data;
  uint64_t at = block * (uint64_t) channel->block_size;
  uint64_t size = bytes_of (channel, count);

  if (is_outside (disk, at, size))
    return EXT2_ET_SHORT_READ;
  return -vms_image_read (disk->image, disk->offset + at, data, size);
}

static errcode_t
write_blocks (io_channel channel, unsigned long long block, int count,
              const void *data)
{
  struct ext4_disk *disk = channel->private_data;
  uint64_t at = block * (uint64_t) channel->block_size;
  uint64_t size = bytes_of (channel, count);

  if (is_outside (disk, at, size))
    return EXT2_ET_SHORT_WRITE;
  if (is_cancelled (disk))
    return ECANCELED;
  return -vms_image_write (disk->image, disk->offset + at, data, size);
}

static errcode_t
read_blocks_32 (io_channel channel, unsigned long block, int count, void *data)
{
  return read_blocks (channel, block, count, data);
}

static errcode_t
write_blocks_32 (io_channel channel, unsigned long block, int count,
                 const void *data)
{
  return write_blocks (channel, block, count, data);
}

static errcode_t
write_bytes (io_channel channel, unsigned long offset, int count,
             const void *data)
{
  struct ext4_disk *disk = channel->private_data;

  if (count < 0 || is_outside (disk, offset, (uint64_t) count))
    return EXT2_ET_SHORT_WRITE;
  return -vms_image_write (disk->image, disk->offset + offset, data,
                           (uint64_t) count);
}

static errcode_t
zero_blocks (io_channel channel, unsigned long long block,
             unsigned long long count)
{
  struct ext4_disk *disk = channel->private_data;
  uint64_t at = block * (uint64_t) channel->block_size;
  uint64_t size = count * (uint64_t) channel->block_size;

  if (is_outside (disk, at, size))
    return EXT2_ET_SHORT_WRITE;
  return -vms_image_zero (disk->image, disk->offset + at, size);
}

static errcode_t
flush_channel (io_channel channel)
{
  (void) channel;
  return 0;
}

static errcode_t
set_option (io_channel channel, const char *name, const char *value)
{
  (void) channel, (void) name, (void) value;
  return 0;
}

const struct struct_io_manager vms_ext4_io_manager = {
  .magic = EXT2_ET_MAGIC_IO_MANAGER,
  .name = "vmspec image",
  .open = open_channel,
  .close = close_channel,
  .set_blksize = set_block_size,
  .read_blk = read_blocks_32,
  .write_blk = write_blocks_32,
  .flush = flush_channel,
  .write_byte = write_bytes,
  .set_option = set_option,
  .read_blk64 = read_blocks,
  .write_blk64 = write_blocks,
  .discard = zero_blocks,
  .zeroout = zero_blocks,
};
