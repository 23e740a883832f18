/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A directory tree copied into an ext4 file system. */
#ifndef VMSPEC_EXT4_TREE_H
#define VMSPEC_EXT4_TREE_H

#include "ext4.h"

struct tree_needs {
  uint64_t bytes;  /* of file content, in whole blocks of 4 KiB */
  uint64_t files;  /* inodes, with those that every file system has */
  uint64_t blocks; /* of 4 KiB for directories, extents, attributes: at most */
};

/* What @tree takes.  Findings are about @member. */
int vms_tree_measure (struct work *work, const char *member, const char *tree,
                      struct tree_needs *ret_needs);
/* The size of a file system that holds it, with so many bytes free. */
uint64_t vms_tree_file_system_size (const struct tree_needs *needs,
                                    uint64_t additional_space);

struct ext4_tree {
  struct work *work;
  const char *member;  /* for findings: "tree" */
  const char *tree;
  int root_owned;
  uint64_t before;     /* bytes that were done before, for progress */
  uint64_t total;      /* bytes in all */
};

/* What a file system made like this has free for files, by making it in memory.
 * 0 or -errno with a finding. */
int vms_ext4_room (struct work *work, const struct ext4_setup *setup,
                   uint64_t *ret_bytes, uint64_t *ret_inodes);

/* For vms_ext4_make: @data is a struct ext4_tree. */
int vms_ext4_tree_fill (void *data, void *fs);

#endif
