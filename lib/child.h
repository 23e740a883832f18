/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A child process with clean signals and only the descriptors it is to have. */
#ifndef VMSPEC_CHILD_H
#define VMSPEC_CHILD_H

#include <sys/types.h>

struct child {
  pid_t pid;
  int pidfd;
};

struct child_setup {
  const char *const *argv, *const *environment;
  const char *directory; /* NULL: the caller's */
  /* Standard input, output and error: a descriptor, or -1 for the caller's. */
  int input, output, error;
  int extra;             /* descriptor to be number CHILD_EXTRA, or -1 */
};

#define CHILD_EXTRA 3

/* The child inherits what is set up and nothing else; every signal is as at its
 * birth, none is blocked.  0 or -errno: also when the program could not be
 * run. */
int vms_child_spawn (const struct child_setup *setup, struct child *ret_child);

#endif
