/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* mke2fs.conf(5): with which features and ratios this system makes file
 * systems. */
#ifndef VMSPEC_MKE2FS_CONF_H
#define VMSPEC_MKE2FS_CONF_H

#include "mem.h"

struct mke2fs_conf {
  const char *text; /* of the file */
  struct arena *arena;
};

/* Reads @path (NULL: the system's); without it, what e2fsprogs has built in is
 * taken. */
void vms_mke2fs_conf_read (struct mke2fs_conf *conf, struct arena *arena,
                           const char *path);
/* The value of @name in the section [fs_types] of a type; NULL without. */
const char *vms_mke2fs_conf_of_type (const struct mke2fs_conf *conf,
                                     const char *type, const char *name);
/* Of the last of the @types (ends with NULL) that has one, or of [defaults], or
 * else @fallback. */
const char *vms_mke2fs_conf_get (const struct mke2fs_conf *conf,
                                 const char *const *types, const char *name,
                                 const char *fallback);
long vms_mke2fs_conf_number (const struct mke2fs_conf *conf,
                             const char *const *types, const char *name,
                             long fallback);

#endif
