/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A child process with clean signals and only the descriptors it is to have. */
#ifndef VMSPEC_CHILD_H
#define VMSPEC_CHILD_H

#include <sys/types.h>

struct child {
  pid_t pid;
  int pidfd;
};

/* The child inherits standard input, output and error and nothing else; every
 * signal is as at its birth, none is blocked.  0 or -errno: also when the
 * program could not be run. */
int child_spawn (const char *const *argv, const char *const *environment,
                 const char *directory, struct child *ret_child);

#endif
