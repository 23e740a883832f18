/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Inodes: owners, modes, times, extended attributes. */
#include "ext4-copy.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>

/* ---- times -------------------------------------------------------------- *
 *
 * Seconds are 32 bits with a sign, and two more bits that count how often they
 * went round, which reaches to the year 2446.  Beside these: nanoseconds.
 */

#define FIRST_SECOND (-(1ll << 31))
#define LAST_SHORT ((1ll << 31) - 1)
#define LAST_SECOND ((1ll << 34) - (1ll << 31) - 1)

static void
set_time (__u32 *seconds, __u32 *extra, const struct timespec *time,
          int has_extra)
{
  long long last = has_extra ? LAST_SECOND : LAST_SHORT;
  long long s = time->tv_sec;

  if (s < FIRST_SECOND)
    s = FIRST_SECOND;
  if (s > last)
    s = last;
  *seconds = (__u32) s;
  *extra = (__u32) (((s - (int32_t) s) >> 32 & 3)
                    | (long long) time->tv_nsec << 2);
}

/* The time of the last access changes by being copied, so that it would make a
 * difference between two copies of the same tree: it is the file's age.  The
 * inode itself is as old as the file system. */
static void
set_times (struct ext4_copy *copy, struct ext2_inode_large *inode,
           const struct stat *status)
{
  const struct timespec now = { .tv_sec = copy->fs->now };
  int has_extra = EXT2_INODE_SIZE (copy->fs->super) > EXT2_GOOD_OLD_INODE_SIZE;

  set_time (&inode->i_mtime, &inode->i_mtime_extra, &status->st_mtim,
            has_extra);
  set_time (&inode->i_atime, &inode->i_atime_extra, &status->st_mtim,
            has_extra);
  set_time (&inode->i_ctime, &inode->i_ctime_extra, &now, has_extra);
  set_time (&inode->i_crtime, &inode->i_crtime_extra, &now, has_extra);
}

/* ---- the inode ---------------------------------------------------------- */

void
vms_ext4_inode_fill (struct ext4_copy *copy, struct ext2_inode_large *inode,
                     const struct stat *status)
{
  uint32_t uid = copy->tree->root_owned ? 0 : status->st_uid;
  uint32_t gid = copy->tree->root_owned ? 0 : status->st_gid;

  inode->i_mode = (__u16) status->st_mode;
  inode->i_uid = (__u16) uid;
  inode->osd2.linux2.l_i_uid_high = (__u16) (uid >> 16);
  inode->i_gid = (__u16) gid;
  inode->osd2.linux2.l_i_gid_high = (__u16) (gid >> 16);
  inode->i_extra_isize = sizeof *inode - EXT2_GOOD_OLD_INODE_SIZE;
  set_times (copy, inode, status);
}

errcode_t
vms_ext4_inode_write (struct ext4_copy *copy, ext2_ino_t number,
                      struct ext2_inode_large *inode)
{
  /* Of which it takes as much as the file system's inodes have room for. */
  return ext2fs_write_inode_full (copy->fs, number, EXT2_INODE (inode),
                                  (int) sizeof *inode);
}

/* ---- extended attributes ------------------------------------------------ */

/* Symbolic links, devices and the like are not opened.  Only by way of /proc do
 * they have a path that starts at a descriptor. */
static const char *
source_path (const struct ext4_source *source, char path[PATH_MAX])
{
  snprintf (path, PATH_MAX, "/proc/self/fd/%d/%s", source->directory,
            source->name);
  return path;
}

static ssize_t
list_attributes (const struct ext4_source *source, char *names)
{
  char path[PATH_MAX];

  return source->fd >= 0 ? flistxattr (source->fd, names, ATTRIBUTES_SIZE)
                         : llistxattr (source_path (source, path), names,
                                       ATTRIBUTES_SIZE);
}

static ssize_t
get_attribute (const struct ext4_source *source, const char *name, char *value)
{
  char path[PATH_MAX];

  return source->fd >= 0 ? fgetxattr (source->fd, name, value, ATTRIBUTES_SIZE)
                         : lgetxattr (source_path (source, path), name, value,
                                      ATTRIBUTES_SIZE);
}

/* What an ext4 file system has.  Others, say of NFS, would be refused by a
 * kernel that finds them there. */
static int
is_copied (const char *name)
{
  return vms_starts_with (name, "user.") || vms_starts_with (name, "security.")
         || vms_starts_with (name, "trusted.")
         || !strcmp (name, "system.posix_acl_access")
         || !strcmp (name, "system.posix_acl_default");
}

static int
by_text (const void *a, const void *b)
{
  const char *const *one = a, *const *other = b;

  return strcmp (*one, *other);
}

/* Keeps what is copied, in an order that does not depend on where it is
 * from.  There are fewer names than bytes of them. */
static ssize_t
sort_names (char *names, size_t size)
{
  const char **sorted;
  char *kept;
  size_t n = 0, used = 0;

  sorted = calloc (size, sizeof *sorted);
  kept = malloc (size);
  if (!sorted || !kept) {
    free (sorted);
    free (kept);
    return -ENOMEM;
  }
  for (size_t i = 0; i < size; i += strlen (names + i) + 1)
    if (is_copied (names + i))
      sorted[n++] = names + i;
  qsort (sorted, n, sizeof *sorted, by_text);
  for (size_t i = 0; i < n; i++) {
    strcpy (kept + used, sorted[i]);
    used += strlen (sorted[i]) + 1;
  }
  memcpy (names, kept, used);
  free (sorted);
  free (kept);
  return (ssize_t) used;
}

ssize_t
vms_ext4_attribute_names (const struct ext4_source *source, char *names)
{
  ssize_t size = list_attributes (source, names);

  /* A file system without attributes, or no /proc to ask by. */
  if (size < 0)
    return errno == ENOTSUP || errno == ENOENT || errno == ENOSYS
             || errno == EACCES || errno == EPERM ? 0 : -errno;
  return size ? sort_names (names, (size_t) size) : 0;
}

static errcode_t
set_attributes (struct ext4_copy *copy, struct ext2_xattr_handle *handle,
                const struct ext4_source *source, size_t size,
                const char **ret_name)
{
  errcode_t error = ext2fs_xattrs_read (handle);

  for (size_t i = 0; !error && i < size; i += strlen (copy->names + i) + 1) {
    ssize_t n = get_attribute (source, copy->names + i, copy->value);

    if (n >= 0) /* some are shown, but not to everybody */
      error = ext2fs_xattr_set (handle, copy->names + i, copy->value,
                                (size_t) n);
    *ret_name = copy->names + i;
  }
  return error;
}

int
vms_ext4_copy_attributes (struct ext4_copy *copy, ext2_ino_t number,
                          const struct ext4_source *source,
                          const struct tree_directory *in, const char *name)
{
  struct ext2_xattr_handle *handle;
  ssize_t size = vms_ext4_attribute_names (source, copy->names);
  const char *attribute = "";
  errcode_t error;

  if (size == 0)
    return 0;
  if (size < 0)
    return vms_tree_fail (&copy->walk, in, name, (int) size);
  error = ext2fs_xattrs_open (copy->fs, number, &handle);
  if (!error) {
    error = set_attributes (copy, handle, source, (size_t) size, &attribute);
    ext2fs_xattrs_close (&handle);
  }
  if (error == EXT2_ET_EA_NO_SPACE)
    return vms_work_fail (copy->tree->work, -ENOSPC, "tree.attributes",
                          copy->tree->member,
                          "the extended attributes of %s are too large for an ext4 "
                          "file system, which has one block for them (at %s)",
                          vms_tree_path (&copy->walk, in, name), attribute);
  return vms_ext4_copy_fail (copy, in, name, error);
}
