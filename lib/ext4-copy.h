/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the parts of copying a tree into an ext4 file system share. */
#ifndef VMSPEC_EXT4_COPY_H
#define VMSPEC_EXT4_COPY_H

#include "ext4-tree.h"
#include "tree.h"

#include <ext2fs/ext2fs.h>

/* A directory while it is filled: tree_directory.own. */
struct ext4_directory {
  ext2_ino_t inode;
  uint32_t blocks;         /* that it has */
  uint32_t at;             /* the block that is filled now */
  uint32_t subdirectories; /* new ones */
};

struct ext4_copy {
  const struct ext4_tree *tree;
  struct tree_walk walk;
  ext2_filsys fs;
  blk64_t goal;              /* where to look for free blocks */
  ext2_ino_t last_inode;     /* and inodes */
  uint64_t done;             /* bytes of content */
  /* The directory that is filled: its block "at", or NULL for none. */
  struct ext4_directory *open;
  char *block;
  unsigned block_used;       /* bytes of it */
  struct ext2_dir_entry *last; /* its last entry */
  char *buffer;              /* for content */
  char *names, *value;       /* of extended attributes */
  struct tree_links links;   /* and their new inodes */
};

#define EXT4_BUFFER ((size_t) 256 * 1024)

/* Says what libext2fs returned.  0 for 0. */
int vms_ext4_copy_fail (struct ext4_copy *copy, const struct tree_directory *in,
                        const char *name, long code);

/* ---- ext4-blocks.c ------------------------------------------------------ */

/* The blocks of a file, in the file's order. */
struct ext4_extents {
  struct ext4_copy *copy;
  ext2_ino_t number;
  struct ext2_inode *inode;  /* its size is known */
  ext2_extent_handle_t tree; /* once they do not fit in the inode */
};

/* An inode without blocks. */
void
vms_ext4_extents_start (struct ext4_extents *extents, struct ext4_copy *copy,
                        ext2_ino_t number, struct ext2_inode *inode);
/* Takes up to @wanted free blocks, one after the other, for the file's blocks
 * from @logical on. */
errcode_t vms_ext4_extents_add (struct ext4_extents *extents, uint64_t logical,
                                uint64_t wanted, blk64_t *ret_first,
                                uint64_t *ret_count);
void vms_ext4_extents_end (struct ext4_extents *extents);

/* ---- ext4-inode.c ------------------------------------------------------- */

struct ext4_source {
  int fd;                    /* of what is copied, or -1 */
  int directory;             /* and then where it is */
  const char *name;
};

/* Owner, mode and times of @status. */
void
vms_ext4_inode_fill (struct ext4_copy *copy, struct ext2_inode_large *inode,
                     const struct stat *status);
errcode_t vms_ext4_inode_write (struct ext4_copy *copy, ext2_ino_t number,
                                struct ext2_inode_large *inode);
/* All extended attributes of @source that can be read.  @in and @path_name are
 * for findings. */
int
vms_ext4_copy_attributes (struct ext4_copy *copy, ext2_ino_t number,
                          const struct ext4_source *source,
                          const struct tree_directory *in, const char *name);
/* The names of the attributes that are copied, sorted and one after the other,
 * in @names (ATTRIBUTES_SIZE bytes).  The number of bytes or -errno. */
#define ATTRIBUTES_SIZE 65536
ssize_t
vms_ext4_attribute_names (const struct ext4_source *source, char *names);

/* ---- ext4-file.c -------------------------------------------------------- */

/* Anything but a directory. */
int vms_ext4_copy_file (struct ext4_copy *copy, struct tree_directory *in,
                        const char *name, const struct stat *status,
                        ext2_ino_t *ret_number);
/* One of EXT2_FT_... */
int vms_ext4_type_of (mode_t mode);

/* ---- ext4-dir.c --------------------------------------------------------- */

/* Makes directory @directory's inode, with room for all names, and its entry in
 * the parent; the top and lost+found exist already. */
int vms_ext4_enter (struct ext4_copy *copy, struct tree_directory *directory,
                    const struct stat *status);
int vms_ext4_leave (struct ext4_copy *copy, struct tree_directory *directory);
/* Adds an entry; @type is one of EXT2_FT_... */
int vms_ext4_add_entry (struct ext4_copy *copy, struct tree_directory *in,
                        const char *name, ext2_ino_t number, int type);
/* Writes the block that is filled now. */
errcode_t vms_ext4_close_block (struct ext4_copy *copy);
/* Blocks that a directory with @names takes, each with room for @capacity bytes
 * of entries, when @used bytes of the first are in use. */
uint32_t vms_ext4_directory_blocks (unsigned capacity, unsigned used,
                                    const char *const *names, size_t count);
/* Bytes in use in the top's first block: ".", "..", "lost+found". */
unsigned vms_ext4_top_used (void);

#endif
