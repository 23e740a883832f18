/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The files of a tree that are no directories: content, links, devices. */
#include "ext4-copy.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

static int
progress (struct ext4_copy *copy)
{
  uint64_t total = copy->tree->total;
  uint64_t done = copy->tree->before + copy->done;

  return vms_work_progress (copy->tree->work, done < total ? done : total,
                            total);
}

/* ---- content ------------------------------------------------------------ */

struct content {
  struct ext4_copy *copy;
  struct tree_directory *in;
  const char *name;
  int fd;
  uint64_t size;
  struct ext4_extents extents;
};

/* What is missing at the end, since the file was cut meanwhile, is zero. */
static int
read_content (struct content *c, uint64_t offset, size_t size)
{
  char *to = c->copy->buffer;
  size_t left = c->size - offset < size ? (size_t) (c->size - offset) : size;

  memset (to + left, 0, size - left);
  while (left) {
    ssize_t n = pread (c->fd, to, left, (off_t) offset);

    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0)
      return vms_tree_fail (&c->copy->walk, c->in, c->name, -errno);
    if (n == 0) {
      memset (to, 0, left);
      return 0;
    }
    to += n;
    offset += (uint64_t) n;
    left -= (size_t) n;
  }
  return 0;
}

/* @count blocks of the file from @logical on, to their place. */
static int
write_content (struct content *c, uint64_t logical, blk64_t place,
               uint64_t count)
{
  ext2_filsys fs = c->copy->fs;
  uint64_t most = EXT4_BUFFER / fs->blocksize;
  int r = 0;

  while (count && r == 0) {
    uint64_t n = count < most ? count : most;

    r = read_content (c, logical * fs->blocksize, n * fs->blocksize);
    if (r == 0)
      r = vms_ext4_copy_fail (
        c->copy, c->in, c->name,
        io_channel_write_blk64 (fs->io, place, (int) n, c->copy->buffer));
    c->copy->done += n * fs->blocksize;
    if (r == 0)
      r = progress (c->copy);
    logical += n;
    place += n;
    count -= n;
  }
  return r;
}

static int
copy_blocks (struct content *c, uint64_t from, uint64_t to)
{
  while (from < to) {
    blk64_t place = 0;
    uint64_t count = 0;
    errcode_t error
      = vms_ext4_extents_add (&c->extents, from, to - from, &place, &count);
    int r = error ? vms_ext4_copy_fail (c->copy, c->in, c->name, error)
                  : write_content (c, from, place, count);

    if (r < 0)
      return r;
    from += count;
  }
  return 0;
}

static int
copy_content (struct content *c, int is_sparse)
{
  uint64_t block = c->copy->fs->blocksize;
  int r = 0;

  for (uint64_t at = 0; at < c->size && r == 0;) {
    uint64_t start = at, end = c->size;

    if (is_sparse && !vms_tree_next_data (c->fd, &start, &end))
      break;
    r = copy_blocks (c, start / block, (end + block - 1) / block);
    at = (end + block - 1) / block * block;
  }
  return r;
}

/* ---- inodes ------------------------------------------------------------- */

static int
new_inode (struct ext4_copy *copy, struct tree_directory *in, const char *name,
           ext2_ino_t *ret_number)
{
  errcode_t error = ext2fs_new_inode (copy->fs, copy->last_inode, 0, NULL,
                                      ret_number);

  if (error)
    return vms_ext4_copy_fail (copy, in, name, error);
  copy->last_inode = *ret_number;
  ext2fs_inode_alloc_stats2 (copy->fs, *ret_number, +1, 0);
  return 0;
}

int
vms_ext4_type_of (mode_t mode)
{
  switch (mode & S_IFMT) {
  case S_IFREG:
    return EXT2_FT_REG_FILE;
  case S_IFLNK:
    return EXT2_FT_SYMLINK;
  case S_IFCHR:
    return EXT2_FT_CHRDEV;
  case S_IFBLK:
    return EXT2_FT_BLKDEV;
  case S_IFIFO:
    return EXT2_FT_FIFO;
  case S_IFSOCK:
    return EXT2_FT_SOCK;
  default:
    return EXT2_FT_UNKNOWN;
  }
}

/* Inode, attributes, entry. */
static int
finish (struct ext4_copy *copy, struct tree_directory *in, const char *name,
        int fd, ext2_ino_t number, struct ext2_inode_large *inode)
{
  const struct ext4_source source = { fd, in->fd, name };
  int r = vms_ext4_copy_fail (copy, in, name,
                              vms_ext4_inode_write (copy, number, inode));

  if (r == 0)
    r = vms_ext4_copy_attributes (copy, number, &source, in, name);
  return r < 0 ? r : vms_ext4_add_entry (copy, in, name, number,
                                         vms_ext4_type_of (inode->i_mode));
}

/* Extents count blocks with 32 bits. */
static int
check_size (const struct content *c)
{
  if (c->size <= (uint64_t) UINT32_MAX * c->copy->fs->blocksize)
    return 0;
  return vms_work_fail (c->copy->tree->work, -EFBIG, "tree.file-too-large",
                        c->copy->tree->member,
                        "%s has %llu bytes, more than a file of an ext4 file "
                        "system can have",
                        vms_tree_path (&c->copy->walk, c->in, c->name),
                        (unsigned long long) c->size);
}

/* By its size now, which may not be the one that was measured. */
static int
copy_open_file (struct ext4_copy *copy, struct tree_directory *in,
                const char *name, int fd, ext2_ino_t number)
{
  struct ext2_inode_large inode = { .i_links_count = 1 };
  struct content c = { .copy = copy, .in = in, .name = name, .fd = fd };
  struct stat status;
  int r;

  if (fstat (fd, &status) < 0 || !S_ISREG (status.st_mode))
    return vms_tree_fail (&copy->walk, in, name, errno ? -errno : -EBUSY);
  c.size = (uint64_t) status.st_size;
  vms_ext4_inode_fill (copy, &inode, &status);
  vms_ext4_extents_start (&c.extents, copy, number, EXT2_INODE (&inode));
  r = check_size (&c);
  if (r == 0)
    r = vms_ext4_copy_fail (copy, in, name,
                            ext2fs_inode_size_set (copy->fs,
                                                   EXT2_INODE (&inode),
                                                   status.st_size));
  if (r == 0)
    r = copy_content (&c, (uint64_t) status.st_blocks * 512 < c.size);
  vms_ext4_extents_end (&c.extents);
  return r < 0 ? r : finish (copy, in, name, fd, number, &inode);
}

static int
copy_regular (struct ext4_copy *copy, struct tree_directory *in,
              const char *name, ext2_ino_t number)
{
  int fd = TEMP_FAILURE_RETRY (
    openat (in->fd, name,
            O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  int r;

  if (fd < 0)
    return vms_tree_fail (&copy->walk, in, name, -errno);
  errno = 0;
  r = copy_open_file (copy, in, name, fd, number);
  close (fd);
  return r;
}

/* Short targets stand in the inode, others in a block. */
static int
copy_target (struct ext4_copy *copy, struct tree_directory *in,
             const char *name, ext2_ino_t number,
             struct ext2_inode_large *inode)
{
  struct ext4_extents extents;
  blk64_t place = 0;
  uint64_t count;
  size_t room = copy->fs->blocksize;
  ssize_t size = readlinkat (in->fd, name, copy->buffer, EXT4_BUFFER);
  errcode_t error;

  if (size < 0)
    return vms_tree_fail (&copy->walk, in, name, -errno);
  if ((size_t) size >= room)
    return vms_work_fail (copy->tree->work, -ENAMETOOLONG, "tree.link-too-long",
                          copy->tree->member,
                          "the symbolic link %s is %zd bytes long, and the file "
                          "system's blocks have only %zu",
                          vms_tree_path (&copy->walk, in, name), size, room);
  inode->i_size = (__u32) size;
  if ((size_t) size < sizeof inode->i_block) {
    memcpy (inode->i_block, copy->buffer, (size_t) size);
    return 0;
  }
  memset (copy->buffer + size, 0, room - (size_t) size);
  vms_ext4_extents_start (&extents, copy, number, EXT2_INODE (inode));
  error = vms_ext4_extents_add (&extents, 0, 1, &place, &count);
  vms_ext4_extents_end (&extents);
  if (!error)
    error = io_channel_write_blk64 (copy->fs->io, place, 1, copy->buffer);
  return vms_ext4_copy_fail (copy, in, name, error);
}

/* Small numbers as they were when a device had 16 bits. */
static void
set_device (struct ext2_inode_large *inode, dev_t device)
{
  unsigned high = major (device), low = minor (device);

  if (high < 256 && low < 256)
    inode->i_block[0] = high << 8 | low;
  else
    inode->i_block[1] = (low & 0xff) | high << 8 | (low & ~0xffu) << 12;
}

static int
copy_special (struct ext4_copy *copy, struct tree_directory *in,
              const char *name, const struct stat *status, ext2_ino_t number)
{
  struct ext2_inode_large inode = { .i_links_count = 1 };
  int r = 0;

  vms_ext4_inode_fill (copy, &inode, status);
  if (S_ISLNK (status->st_mode))
    r = copy_target (copy, in, name, number, &inode);
  else if (S_ISCHR (status->st_mode) || S_ISBLK (status->st_mode))
    set_device (&inode, status->st_rdev);
  return r < 0 ? r : finish (copy, in, name, -1, number, &inode);
}

int
vms_ext4_copy_file (struct ext4_copy *copy, struct tree_directory *in,
                    const char *name, const struct stat *status,
                    ext2_ino_t *ret_number)
{
  int r = new_inode (copy, in, name, ret_number);

  if (r == 0)
    r = S_ISREG (status->st_mode)
          ? copy_regular (copy, in, name, *ret_number)
          : copy_special (copy, in, name, status, *ret_number);
  return r < 0 ? r : progress (copy);
}
