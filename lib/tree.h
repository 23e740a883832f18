/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A walk through a directory tree: depth first, in the order of the names'
 * bytes, so that it is always the same.  Symbolic links are never followed.  A
 * few descriptors and no recursion, however deep it goes.
 */
#ifndef VMSPEC_TREE_H
#define VMSPEC_TREE_H

#include "work.h"

#include <sys/stat.h>

struct tree_directory {
  struct tree_directory *parent; /* NULL: the top */
  const char *name;              /* in its parent */
  int fd;                        /* in callbacks, of the current one: open */
  int depth;
  dev_t device;
  ino_t inode;
  const char **names;            /* what is in it, sorted */
  size_t n_names, next;
  char *bytes;                   /* of the names */
  void *own;                     /* zeroed room for whoever walks */
};

struct tree_walk {
  struct work *work;
  const char *member;            /* for findings: "tree" */
  const char *tree;
  size_t own_size;
  /* All return 0 or -errno, which ends the walk.  A directory is entered, its
   * names are known; it is left, after everything in it; and something else is
   * in directory @in.  Each may be NULL. */
  int (*enter) (void *data, struct tree_directory *directory,
                const struct stat *status);
  int (*leave) (void *data, struct tree_directory *directory);
  int (*visit) (void *data, struct tree_directory *in, const char *name,
                const struct stat *status);
  void *data;
};

/* 0 or -errno, with a finding unless it comes from a callback. */
int vms_tree_walk (const struct tree_walk *walk);

/* The path of @name in @in, for findings; @name may be NULL for the directory
 * itself.  Never NULL. */
const char *vms_tree_path (const struct tree_walk *walk,
                           const struct tree_directory *in, const char *name);
/* Adds the finding that something in @in cannot be read.  Returns @error. */
int
vms_tree_fail (const struct tree_walk *walk, const struct tree_directory *in,
               const char *name, int error);

/* Where the next data of a file is, from *start on and before *end, which is at
 * most the file's size.  Returns whether there is any. */
int vms_tree_next_data (int fd, uint64_t *start, uint64_t *end);

/* Files with several names: what is known of each, by its inode. */
struct tree_link {
  struct tree_file {
    dev_t device;
    ino_t inode;
  } file;
  uint64_t value;       /* 0 at first */
};

struct tree_links {
  void *root; /* tsearch(3) */
};

/* NULL without memory. */
struct tree_link *vms_tree_link (struct tree_links *links,
                                 const struct stat *status);
void vms_tree_links_free (struct tree_links *links);

#endif
