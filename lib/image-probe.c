/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * File systems and partition tables, by libblkid's low-level probes, which
 * read neither its cache nor its configuration.
 *
 * It reads files.  For other formats the start and the end of the disk are
 * copied to one, since that is where such things are recognised.
 */
#include "image-layer.h"

#include <blkid.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/param.h>
#include <unistd.h>

#define HEAD ((uint64_t) 4 << 20)
#define TAIL ((uint64_t) 1 << 20)
#define PIECE 65536

/* ---- a copy ------------------------------------------------------------- */

static int
is_zero (const unsigned char *data, size_t size)
{
  return !size || (!*data && !memcmp (data, data + 1, size - 1));
}

static int
copy_piece (struct image_reader *reader, int to, uint64_t offset,
            unsigned char *piece, size_t size)
{
  int r = vms_image_content_read (reader, offset, piece, size);

  for (size_t done = 0; r == 0 && done < size && !is_zero (piece, size);) {
    ssize_t n = pwrite (to, piece + done, size - done, (off_t) (offset + done));

    if (n < 0 && errno != EINTR)
      r = -errno;
    if (n > 0)
      done += (size_t) n;
  }
  return r;
}

static int
copy (struct image_reader *reader, int to, uint64_t from, uint64_t end)
{
  unsigned char *piece = malloc (PIECE);
  int r = piece ? 0 : -ENOMEM;

  for (uint64_t at = from; r == 0 && at < end; at += PIECE)
    r = copy_piece (reader, to, at, piece,
                    (size_t) MIN (end - at, PIECE));
  free (piece);
  return r;
}

/* The descriptor of the copy, or -errno. */
static int
copy_disk (struct image_layer *top)
{
  struct image_reader reader = { .top = top };
  uint64_t size = top->info->virtual_size;
  uint64_t head = MIN (size, HEAD);
  uint64_t tail = size - MIN (size - head, TAIL);
  int fd = vms_image_memory_file ("disk"), r;

  if (fd < 0)
    return fd;
  r = ftruncate (fd, (off_t) size) < 0 ? -errno : 0;
  if (r == 0)
    r = copy (&reader, fd, 0, head);
  if (r == 0)
    r = copy (&reader, fd, tail, size);
  vms_image_reader_free (&reader);
  if (r < 0)
    close (fd);
  return r < 0 ? r : fd;
}

/* ---- what is on it ------------------------------------------------------ */

static const char *
value (struct work *work, blkid_probe probe, const char *name)
{
  const char *data;
  size_t size;

  if (blkid_probe_lookup_value (probe, name, &data, &size) < 0 || !size)
    return NULL;
  /* The NUL at the end counts. */
  return *data ? vms_arena_copy (work->arena, data, strnlen (data, size))
               : NULL;
}

static void
note (struct work *work, blkid_probe probe, struct vmspec_image_info *info)
{
  info->partition_table = value (work, probe, "PTTYPE");
  if (info->partition_table) {
    info->uuid = value (work, probe, "PTUUID");
    return;
  }
  info->file_system = value (work, probe, "TYPE");
  if (info->file_system) {
    info->label = value (work, probe, "LABEL");
    info->uuid = value (work, probe, "UUID");
  }
}

static int
set_up (blkid_probe probe, int fd)
{
  char gpt[] = "gpt", dos[] = "dos", *tables[] = { gpt, dos, NULL };

  return blkid_probe_set_device (probe, fd, 0, 0)
         || blkid_probe_enable_superblocks (probe, 1)
         || blkid_probe_set_superblocks_flags (
              probe, BLKID_SUBLKS_LABEL | BLKID_SUBLKS_UUID | BLKID_SUBLKS_TYPE)
         || blkid_probe_enable_partitions (probe, 1)
         || blkid_probe_filter_partitions_type (probe, BLKID_FLTR_ONLYIN,
                                                tables);
}

int
vms_image_probe (struct work *work, struct image_layer *top)
{
  int is_raw = top->info->format == VMSPEC_IMAGE_FORMAT_RAW;
  int fd = is_raw ? top->fd : copy_disk (top);
  blkid_probe probe;

  /* Without memory files, say, nothing is known. */
  if (fd < 0)
    return fd == -ENOMEM ? fd : 0;
  probe = blkid_new_probe ();
  /* 1 is nothing found, -2 more than one thing. */
  if (probe && set_up (probe, fd) == 0 && blkid_do_safeprobe (probe) == 0)
    note (work, probe, top->info);
  if (probe)
    blkid_free_probe (probe);
  if (!is_raw)
    close (fd);
  return probe ? 0 : -ENOMEM;
}
