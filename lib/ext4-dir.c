/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Directories.  All names are known from the beginning, so that a directory
 * gets all its blocks at once; they are filled one after the other, and only
 * the one that is being filled is in memory.  ext2fs_link() would read all of
 * them for each entry.
 */
#include "ext4-copy.h"

#include <errno.h>
#include <string.h>

#define LOST_AND_FOUND "lost+found"

/* Of an entry whose name has @length bytes. */
static unsigned
size_of (size_t length)
{
  return ((unsigned) length + EXT2_DIR_ENTRY_HEADER_LEN + EXT2_DIR_ROUND)
         & ~(unsigned) EXT2_DIR_ROUND;
}

static unsigned
entry_size (const char *name)
{
  return size_of (strlen (name));
}

static unsigned
size_of_dots (void)
{
  return entry_size (".") + entry_size ("..");
}

unsigned
vms_ext4_top_used (void)
{
  return size_of_dots () + entry_size (LOST_AND_FOUND);
}

static unsigned
capacity_of (ext2_filsys fs)
{
  return ext2fs_has_feature_metadata_csum (fs->super)
           ? fs->blocksize - (unsigned) sizeof (struct ext2_dir_entry_tail)
           : fs->blocksize;
}

uint32_t
vms_ext4_directory_blocks (unsigned capacity, unsigned used,
                           const char *const *names, size_t count)
{
  uint32_t blocks = 1;

  for (size_t i = 0; i < count; i++) {
    unsigned size = entry_size (names[i]);

    if (used + size > capacity) {
      blocks++;
      used = 0;
    }
    used += size;
  }
  return blocks;
}

/* ---- one block ---------------------------------------------------------- */

static errcode_t
place_of (struct ext4_copy *copy, blk64_t *ret_place)
{
  return ext2fs_bmap2 (copy->fs, copy->open->inode, NULL, NULL, 0,
                       copy->open->at, NULL, ret_place);
}

errcode_t
vms_ext4_close_block (struct ext4_copy *copy)
{
  blk64_t place = 0;
  errcode_t error;

  if (!copy->open)
    return 0;
  error = place_of (copy, &place);
  if (!error)
    error = ext2fs_write_dir_block4 (copy->fs, place, copy->block, 0,
                                     copy->open->inode);
  copy->open = NULL;
  return error;
}

/* An empty block has one entry of nothing. */
static errcode_t
format_block (struct ext4_copy *copy, struct ext4_directory *directory)
{
  ext2_filsys fs = copy->fs;
  struct ext2_dir_entry *first = (struct ext2_dir_entry *) copy->block;

  memset (copy->block, 0, fs->blocksize);
  if (ext2fs_has_feature_metadata_csum (fs->super))
    ext2fs_initialize_dirent_tail (
      fs, EXT2_DIRENT_TAIL (copy->block, fs->blocksize));
  copy->open = directory;
  copy->block_used = 0;
  copy->last = NULL;
  return ext2fs_set_rec_len (fs, capacity_of (fs), first);
}

/* There is room. */
static errcode_t
put_entry (struct ext4_copy *copy, const char *name, ext2_ino_t number,
           int type)
{
  ext2_filsys fs = copy->fs;
  struct ext2_dir_entry *entry
    = (struct ext2_dir_entry *) (copy->block + copy->block_used);
  errcode_t error = 0;

  if (copy->last)
    error = ext2fs_set_rec_len (
      fs, (unsigned) ((char *) entry - (char *) copy->last), copy->last);
  if (!error)
    error = ext2fs_set_rec_len (fs, capacity_of (fs) - copy->block_used, entry);
  entry->inode = number;
  ext2fs_dirent_set_name_len (entry, (int) strlen (name));
  ext2fs_dirent_set_file_type (
    entry, ext2fs_has_feature_filetype (fs->super) ? type : 0);
  memcpy (entry->name, name, strlen (name));
  copy->block_used += entry_size (name);
  copy->last = entry;
  return error;
}

/* Goes on with a block that was left or that libext2fs has made. */
static errcode_t
open_block (struct ext4_copy *copy, struct ext4_directory *directory)
{
  unsigned capacity = capacity_of (copy->fs), length = 0;
  blk64_t place = 0;
  errcode_t error = vms_ext4_close_block (copy);

  if (error)
    return error;
  copy->open = directory;
  copy->last = NULL;
  error = place_of (copy, &place);
  if (!error)
    error = ext2fs_read_dir_block4 (copy->fs, place, copy->block, 0,
                                    directory->inode);
  copy->block_used = 0;
  for (unsigned at = 0; !error && at < capacity; at += length) {
    struct ext2_dir_entry *entry = (struct ext2_dir_entry *) (copy->block + at);

    error = ext2fs_get_rec_len (copy->fs, entry, &length);
    if (!error && entry->inode) {
      copy->last = entry;
      copy->block_used
        = at + size_of ((size_t) ext2fs_dirent_name_len (entry));
    }
  }
  if (error)
    copy->open = NULL;
  return error;
}

static errcode_t
next_block (struct ext4_copy *copy, struct ext4_directory *directory)
{
  errcode_t error = vms_ext4_close_block (copy);

  if (error)
    return error;
  if (directory->at + 1 >= directory->blocks)
    return EXT2_ET_DIR_NO_SPACE;
  directory->at++;
  return format_block (copy, directory);
}

int
vms_ext4_add_entry (struct ext4_copy *copy, struct tree_directory *in,
                    const char *name, ext2_ino_t number, int type)
{
  struct ext4_directory *directory = in->own;
  errcode_t error = 0;

  /* Other file systems count a name's characters. */
  if (strlen (name) > EXT2_NAME_LEN)
    return vms_tree_fail (&copy->walk, in, name, -ENAMETOOLONG);
  if (copy->open != directory)
    error = open_block (copy, directory);
  if (!error && copy->block_used + entry_size (name) > capacity_of (copy->fs))
    error = next_block (copy, directory);
  if (!error)
    error = put_entry (copy, name, number, type);
  return vms_ext4_copy_fail (copy, in, name, error);
}

/* ---- directories -------------------------------------------------------- */

static int
is_lost_and_found (const struct tree_directory *directory)
{
  return directory->depth == 1 && !strcmp (directory->name, LOST_AND_FOUND);
}

/* Blocks up to @blocks. */
static errcode_t
grow (struct ext4_copy *copy, struct ext4_directory *directory,
      struct ext2_inode_large *inode, uint32_t blocks)
{
  struct ext4_extents extents;
  errcode_t error = ext2fs_inode_size_set (
    copy->fs, EXT2_INODE (inode), (ext2_off64_t) blocks * copy->fs->blocksize);

  if (directory->blocks)
    extents = (struct ext4_extents) { .copy = copy,
                                      .number = directory->inode,
                                      .inode = EXT2_INODE (inode) };
  else
    vms_ext4_extents_start (&extents, copy, directory->inode,
                            EXT2_INODE (inode));
  while (!error && directory->blocks < blocks) {
    blk64_t first;
    uint64_t count = 0;

    error = vms_ext4_extents_add (&extents, directory->blocks,
                                  blocks - directory->blocks, &first, &count);
    directory->blocks += (uint32_t) count;
  }
  vms_ext4_extents_end (&extents);
  return error;
}

static errcode_t
enter_new (struct ext4_copy *copy, struct tree_directory *directory,
           const struct stat *status)
{
  const struct ext4_directory *parent = directory->parent->own;
  struct ext4_directory *own = directory->own;
  struct ext2_inode_large inode = { .i_links_count = 2 };
  uint32_t blocks = vms_ext4_directory_blocks (capacity_of (copy->fs),
                                               size_of_dots (),
                                               directory->names,
                                               directory->n_names);
  errcode_t error = ext2fs_new_inode (copy->fs, copy->last_inode, 0, NULL,
                                      &own->inode);

  if (error)
    return error;
  copy->last_inode = own->inode;
  ext2fs_inode_alloc_stats2 (copy->fs, own->inode, +1, 1);
  vms_ext4_inode_fill (copy, &inode, status);
  error = grow (copy, own, &inode, blocks);
  if (!error)
    error = vms_ext4_inode_write (copy, own->inode, &inode);
  if (!error)
    error = vms_ext4_close_block (copy);
  if (!error)
    error = format_block (copy, own);
  if (!error)
    error = put_entry (copy, ".", own->inode, EXT2_FT_DIR);
  return error ? error : put_entry (copy, "..", parent->inode, EXT2_FT_DIR);
}

/* One that the file system has by itself: what is in it stays. */
static errcode_t
enter_old (struct ext4_copy *copy, struct tree_directory *directory,
           const struct stat *status)
{
  struct ext4_directory *own = directory->own;
  struct ext2_inode_large inode;
  unsigned used = directory->parent ? size_of_dots () : vms_ext4_top_used ();
  uint32_t blocks = vms_ext4_directory_blocks (capacity_of (copy->fs), used,
                                               directory->names,
                                               directory->n_names);
  errcode_t error;

  memset (&inode, 0, sizeof inode);
  error = ext2fs_read_inode_full (copy->fs, own->inode, EXT2_INODE (&inode),
                                  sizeof inode);
  if (error)
    return error;
  own->blocks = (uint32_t) (inode.i_size / copy->fs->blocksize);
  vms_ext4_inode_fill (copy, &inode, status);
  if (blocks > own->blocks)
    error = grow (copy, own, &inode, blocks);
  return error ? error : vms_ext4_inode_write (copy, own->inode, &inode);
}

int
vms_ext4_enter (struct ext4_copy *copy, struct tree_directory *directory,
                const struct stat *status)
{
  const struct ext4_source source = { .fd = directory->fd };
  struct tree_directory *parent = directory->parent;
  struct ext4_directory *own = directory->own;
  errcode_t error = 0;
  int r = 0;

  if (!parent)
    own->inode = EXT2_ROOT_INO;
  else if (is_lost_and_found (directory))
    error = ext2fs_lookup (copy->fs, EXT2_ROOT_INO, LOST_AND_FOUND,
                           (int) strlen (LOST_AND_FOUND), NULL, &own->inode);
  if (!error)
    error = own->inode ? enter_old (copy, directory, status)
                       : enter_new (copy, directory, status);
  if (error)
    return vms_ext4_copy_fail (copy, parent, directory->name, error);
  if (parent && !is_lost_and_found (directory)) {
    r = vms_ext4_add_entry (copy, parent, directory->name, own->inode,
                            EXT2_FT_DIR);
    ((struct ext4_directory *) parent->own)->subdirectories++;
  }
  return r < 0 ? r
               : vms_ext4_copy_attributes (copy, own->inode, &source, parent,
                                           directory->name);
}

/* Above its largest number of links, a directory has 1, which says "many". */
static errcode_t
count_links (struct ext4_copy *copy, const struct ext4_directory *directory)
{
  struct ext2_inode inode;
  uint32_t links;
  errcode_t error = ext2fs_read_inode (copy->fs, directory->inode, &inode);

  if (error)
    return error;
  links = inode.i_links_count + directory->subdirectories;
  if (links > EXT2_LINK_MAX) {
    ext2fs_set_feature_dir_nlink (copy->fs->super);
    links = 1;
  }
  inode.i_links_count = (__u16) links;
  return ext2fs_write_inode (copy->fs, directory->inode, &inode);
}

int
vms_ext4_leave (struct ext4_copy *copy, struct tree_directory *directory)
{
  struct ext4_directory *own = directory->own;
  errcode_t error = 0;

  /* A name that was counted may have been there already, as in a top with a
   * lost+found. */
  while (!error && own->at + 1 < own->blocks)
    error = next_block (copy, own);
  if (!error && copy->open == own)
    error = vms_ext4_close_block (copy);
  if (!error && own->subdirectories)
    error = count_links (copy, own);
  return vms_ext4_copy_fail (copy, directory, NULL, error);
}
