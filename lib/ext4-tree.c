/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A tree copied into an ext4 file system: what is where, and hard links. */
#include "ext4-copy.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int
vms_ext4_copy_fail (struct ext4_copy *copy, const struct tree_directory *in,
                    const char *name, long code)
{
  const struct ext4_tree *tree = copy->tree;
  int r = vms_ext4_errno (code);

  /* See vms_ext4_make. */
  if (errno == ENOMEM)
    return -ENOMEM;
  if (r == 0)
    return 0;
  if (r == -ENOSPC && code != ENOSPC)
    return vms_work_fail (tree->work, r, "tree.no-space", tree->member,
                          "the file system is too small for %s: it is full at %s; "
                          "make it larger, or leave its size out", tree->tree,
                          vms_tree_path (&copy->walk, in, name));
  return vms_work_fail (tree->work, r, "image.failed", "file",
                        "%s cannot be copied into the image: %s",
                        vms_tree_path (&copy->walk, in, name),
                        r == -EIO && code >= 256 ? "libext2fs fails"
                                                 : strerrordesc_np (-r));
}

/* ---- hard links --------------------------------------------------------- */

static int
add_link (struct ext4_copy *copy, struct tree_directory *in, const char *name,
          const struct stat *status, ext2_ino_t number)
{
  struct ext2_inode inode;
  errcode_t error = ext2fs_read_inode (copy->fs, number, &inode);

  if (!error && inode.i_links_count >= EXT2_LINK_MAX)
    return vms_work_fail (copy->tree->work, -EMLINK, "tree.too-many-links",
                          copy->tree->member,
                          "%s has more than %d names, which an ext4 file system "
                          "does not allow", vms_tree_path (&copy->walk, in, name),
                          EXT2_LINK_MAX);
  inode.i_links_count++;
  if (!error)
    error = ext2fs_write_inode (copy->fs, number, &inode);
  return error ? vms_ext4_copy_fail (copy, in, name, error)
               : vms_ext4_add_entry (copy, in, name, number,
                                     vms_ext4_type_of (status->st_mode));
}

static int
visit (void *data, struct tree_directory *in, const char *name,
       const struct stat *status)
{
  struct ext4_copy *copy = data;
  struct tree_link *link = NULL;
  ext2_ino_t number = 0;
  int r;

  if (!in->parent && !strcmp (name, "lost+found"))
    return vms_work_fail (copy->tree->work, -EEXIST, "tree.lost-and-found",
                          copy->tree->member,
                          "%s is no directory, but every ext4 file system has one "
                          "of this name; rename it",
                          vms_tree_path (&copy->walk, in, name));
  if (status->st_nlink > 1) {
    link = vms_tree_link (&copy->links, status);
    if (!link)
      return -ENOMEM;
    if (link->value)
      return add_link (copy, in, name, status, (ext2_ino_t) link->value);
  }
  errno = 0;
  r = vms_ext4_copy_file (copy, in, name, status, &number);
  if (link)
    link->value = number;
  return r;
}

static int
enter (void *data, struct tree_directory *directory, const struct stat *status)
{
  return vms_ext4_enter (data, directory, status);
}

static int
leave (void *data, struct tree_directory *directory)
{
  return vms_ext4_leave (data, directory);
}

/* ---- all of it ---------------------------------------------------------- */

static int
allocate (struct ext4_copy *copy)
{
  copy->block = malloc (copy->fs->blocksize);
  copy->buffer = malloc (EXT4_BUFFER);
  copy->names = malloc (ATTRIBUTES_SIZE);
  copy->value = malloc (ATTRIBUTES_SIZE);
  return copy->block && copy->buffer && copy->names && copy->value ? 0
                                                                   : -ENOMEM;
}

static void
release (struct ext4_copy *copy)
{
  free (copy->block);
  free (copy->buffer);
  free (copy->names);
  free (copy->value);
  vms_tree_links_free (&copy->links);
}

int
vms_ext4_tree_fill (void *data, void *fs)
{
  const struct ext4_tree *tree = data;
  struct ext4_copy copy = {
    .tree = tree, .fs = fs,
    .walk = { .work = tree->work, .member = tree->member, .tree = tree->tree,
              .own_size = sizeof (struct ext4_directory), .enter = enter,
              .leave = leave, .visit = visit, .data = &copy },
  };
  int r;

  if (!ext2fs_has_feature_extents (copy.fs->super))
    return vms_work_fail (tree->work, -ENOTSUP, "tree.no-extents", tree->member,
                          "/etc/mke2fs.conf has taken the feature \"extent\" from "
                          "ext4; a tree can be copied only with it");
  r = allocate (&copy);
  if (r == 0)
    r = vms_tree_walk (&copy.walk);
  release (&copy);
  return r;
}

/* ---- how much there is -------------------------------------------------- */

struct room {
  uint64_t bytes, inodes;
  int is_known;
};

static int
look_at_room (void *data, void *fs)
{
  ext2_filsys file_system = fs;
  struct room *room = data;

  room->bytes = ext2fs_free_blocks_count (file_system->super)
                * file_system->blocksize;
  room->inodes = file_system->super->s_free_inodes_count;
  room->is_known = 1;
  return -ECANCELED; /* that was all */
}

int
vms_ext4_room (struct work *work, const struct ext4_setup *setup,
               uint64_t *ret_bytes, uint64_t *ret_inodes)
{
  struct ext4_setup alone = *setup;
  const struct image_format format = {
    .format = VMSPEC_IMAGE_FORMAT_RAW, .size = setup->size,
    .cluster_size = 65536,
  };
  struct image *image = NULL;
  struct room room = { 0 };
  int fd = memfd_create ("vmspec", MFD_CLOEXEC);
  int r = fd < 0 ? -errno : vms_image_new (fd, &format, &image);

  alone.offset = 0;
  if (r < 0)
    vms_work_fail (work, r, "image.failed", NULL,
                   "there is no room to try how large a file system gets: %s",
                   strerrordesc_np (-r));
  else
    r = vms_ext4_make (image, &alone, look_at_room, &room, work);
  vms_image_free (image);
  if (fd >= 0)
    close (fd);
  if (!room.is_known)
    return r;
  *ret_bytes = room.bytes;
  *ret_inodes = room.inodes;
  return 0;
}
