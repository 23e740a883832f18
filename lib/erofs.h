/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A read-only image of a directory tree, by mkfs.erofs. */
#ifndef VMSPEC_EROFS_H
#define VMSPEC_EROFS_H

#include "helper.h"
#include "output.h"

struct erofs_setup {
  const char *program;             /* mkfs.erofs, a path */
  const char *tree;                /* directory, an absolute path */
  const char *const *kept;         /* names in the tree's top directory that are
                                      kept; NULL: all.  Ends with NULL */
  const char *label;               /* at most 15 bytes; may be NULL */
  const char *uuid;
};

/* In two halves, so that the program runs while other work is done.  @output is
 * open, empty, and readable and writable for its owner; it and @setup stay the
 * caller's, and live until the end of the second half.  The same tree gives the
 * same bytes.  0 or -errno with a finding. */
struct erofs {
  struct helper helper;
  const struct output *output;
  const struct erofs_setup *setup;
  uint64_t total;                  /* bytes that the image may come to; 0: not
                                      known */
  int sets_label;                  /* the program does it itself */
};
int vms_erofs_start (struct erofs *erofs, const struct erofs_setup *setup,
                     const struct output *output, struct work *work);
int vms_erofs_wait (struct erofs *erofs, struct work *work);
/* Instead of vms_erofs_wait. */
void vms_erofs_abandon (struct erofs *erofs);

/* The first component below @store of each line of @closure (the content of
 * a file that lists store paths), each once, in order.  0, or -EINVAL with
 * a finding about a line that names nothing below the store. */
int vms_erofs_kept_names (struct work *work, const char *closure,
                          const char *store, const char *const **ret_kept);

/* POSIX extended regular expressions that together match every path, relative
 * and without a leading slash, whose first component is none of @kept; no
 * single one is longer than an argument may be.  Of names as the Nix store has
 * them (32 digits, a dash, a name) the first ten digits are compared, and keep
 * whatever starts with them.  NULL without memory. */
const char *const *vms_erofs_exclusions (struct arena *arena,
                                         const char *const *kept);
/* Adds them to @argv as mkfs.erofs takes them.  0, or -E2BIG with a finding if
 * no command line holds them. */
int vms_erofs_add_exclusions (struct work *work, const char *const *kept,
                              struct vector *argv);

#endif
