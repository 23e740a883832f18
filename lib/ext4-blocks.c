/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Free blocks for files, as many at once as there are, and the extents that say
 * where a file's blocks are.  Up to four extents stand in the inode and are
 * written there directly; libext2fs makes the trees of more.
 */
#include "ext4-copy.h"

#include <endian.h>
#include <ext2fs/ext3_extents.h>
#include <string.h>

#define IN_INODE 4
/* Blocks of an extent that is initialised. */
#define LONGEST 32768

struct root {
  struct ext3_extent_header header;
  struct ext3_extent extents[IN_INODE];
};

_Static_assert (sizeof (struct root)
                  == sizeof ((struct ext2_inode *) NULL)->i_block,
                "the root of the tree is what the inode has room for");

void
vms_ext4_extents_start (struct ext4_extents *extents, struct ext4_copy *copy,
                        ext2_ino_t number, struct ext2_inode *inode)
{
  struct root root = {
    .header = { .eh_magic = htole16 (EXT3_EXT_MAGIC),
                .eh_max = htole16 (IN_INODE) },
  };

  memcpy (inode->i_block, &root, sizeof root);
  inode->i_flags |= EXT4_EXTENTS_FL;
  *extents = (struct ext4_extents) { .copy = copy, .number = number,
                                     .inode = inode };
}

/* Adds to the inode itself; 0 if it has no room. */
static int
add_to_inode (struct ext2_inode *inode, uint64_t logical, blk64_t first,
              uint64_t count)
{
  struct root root;
  struct ext3_extent *extent;
  int n;

  memcpy (&root, inode->i_block, sizeof root);
  n = le16toh (root.header.eh_entries);
  if (root.header.eh_depth || n == IN_INODE)
    return 0;
  extent = &root.extents[n];
  extent->ee_block = htole32 ((uint32_t) logical);
  extent->ee_len = htole16 ((uint16_t) count);
  extent->ee_start_hi = htole16 ((uint16_t) (first >> 32));
  extent->ee_start = htole32 ((uint32_t) first);
  root.header.eh_entries = htole16 ((uint16_t) (n + 1));
  memcpy (inode->i_block, &root, sizeof root);
  return 1;
}

/* libext2fs takes over the extents that are there, and goes on behind them. */
static errcode_t
open_tree (struct ext4_extents *e, uint64_t logical)
{
  errcode_t error = ext2fs_extent_open2 (e->copy->fs, e->number, e->inode,
                                         &e->tree);

  return error ? error : ext2fs_extent_goto (e->tree, logical - 1);
}

static errcode_t
add_to_tree (struct ext4_extents *e, uint64_t logical, blk64_t first,
             uint64_t count)
{
  struct ext2fs_extent extent = {
    .e_pblk = first, .e_lblk = logical, .e_len = (__u32) count,
    .e_flags = EXT2_EXTENT_FLAGS_LEAF,
  };
  errcode_t error = e->tree ? 0 : open_tree (e, logical);

  /* Where the file has a hole there is nothing to go to, but it ends at the
   * extent before all the same. */
  if (error == EXT2_ET_EXTENT_NOT_FOUND)
    error = 0;
  return error ? error
               : ext2fs_extent_insert (e->tree, EXT2_EXTENT_INSERT_AFTER,
                                       &extent);
}

errcode_t
vms_ext4_extents_add (struct ext4_extents *e, uint64_t logical, uint64_t wanted,
                      blk64_t *ret_first, uint64_t *ret_count)
{
  struct ext4_copy *copy = e->copy;
  ext2_filsys fs = copy->fs;
  blk64_t count = 0;
  errcode_t error
    = ext2fs_new_range (fs, 0, copy->goal,
                        wanted < LONGEST ? wanted : LONGEST, NULL, ret_first,
                        &count);

  if (error)
    return error;
  ext2fs_block_alloc_stats_range (fs, *ret_first, (blk_t) count, +1);
  copy->goal = *ret_first + count;
  *ret_count = count;
  if (!add_to_inode (e->inode, logical, *ret_first, count))
    error = add_to_tree (e, logical, *ret_first, count);
  return error ? error : ext2fs_iblk_add_blocks (fs, e->inode, count);
}

void
vms_ext4_extents_end (struct ext4_extents *e)
{
  if (e->tree)
    ext2fs_extent_free (e->tree);
  e->tree = NULL;
}
