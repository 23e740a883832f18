/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Included before everything else where the C library lacks some of what the GNU
 * C library has, as configure has found out (VMS_PORTABLE).
 */
#ifndef VMSPEC_PORTABLE_H
#define VMSPEC_PORTABLE_H

#include <dirent.h>
#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <unistd.h>

#ifndef TEMP_FAILURE_RETRY
#define TEMP_FAILURE_RETRY(expression)                                         \
  (__extension__({                                                             \
    long result__;                                                             \
                                                                               \
    do                                                                         \
      result__ = (long) (expression);                                          \
    while (result__ < 0 && errno == EINTR);                                    \
    result__;                                                                  \
  }))
#endif

#ifndef HAVE_STRERRORDESC_NP
#define strerrordesc_np vms_strerrordesc
const char *vms_strerrordesc (int error);
#endif

#ifndef HAVE_POSIX_SPAWN_FILE_ACTIONS_ADDCLOSEFROM_NP
#define posix_spawn_file_actions_addclosefrom_np vms_spawn_close_from
int vms_spawn_close_from (posix_spawn_file_actions_t *actions, int from);
#endif

#ifndef HAVE_RENAMEAT2
#ifndef RENAME_NOREPLACE
#define RENAME_NOREPLACE 1
#endif
#define renameat2 vms_renameat2
int vms_renameat2 (int from_directory, const char *from, int to_directory,
                   const char *to, unsigned flags);
#endif

#ifndef HAVE_SCANDIRAT
#define scandirat vms_scandirat
int vms_scandirat (int directory, const char *path, struct dirent ***ret_names,
                   int (*filter) (const struct dirent *),
                   int (*compare) (const struct dirent **,
                                   const struct dirent **));
#endif

#endif
