/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Fresh run directories: how they are marked and locked, so that those of killed
 * machines are recognised; also for vmspec-keeper. */
#ifndef VMSPEC_LEFTOVER_H
#define VMSPEC_LEFTOVER_H

#include <stddef.h>

/* Makes the directory and takes its lock.  The lock is held as long as the
 * descriptor (close-on-exec) is open in any process.  0 or -errno: -EEXIST. */
int vms_leftover_make (const char *path, int *ret_fd);
/* Takes the lock of one that exists.  -EEXIST if somebody has it. */
int vms_leftover_lock (const char *path, int *ret_fd);
/* Removes those in a directory that nobody holds the lock of.  0 with their
 * number, or -errno if the directory cannot be read. */
int vms_leftover_clean (const char *directory, size_t *ret_removed);

#endif
