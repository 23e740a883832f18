/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* vmspec-keeper's children. */
#ifndef VMSPEC_KEEPER_CHILD_H
#define VMSPEC_KEEPER_CHILD_H

#include <sys/types.h>

#include "keeper-link.h"

struct kept_child {
  pid_t pid;                 /* 0: an empty place */
  uint32_t number;           /* the caller's for it */
  uint32_t role;
  int64_t term_at, kill_at;  /* when it gets which signal, in ms; 0: never */
  int output;                /* what it writes to standard error, or -1 */
  int error;                 /* where that goes on to, or -1 */
  int is_socket;             /* that is */
  struct keeper_ring *ring;  /* or NULL */
  size_t unwritten;          /* bytes at the end of the ring for error */
};

/* Starts what the message asks for, with its descriptors, which stay the
 * caller's.  @group is the process group of who started the keeper.
 * 0 or -errno. */
int
vms_kept_spawn (struct kept_child *child, const struct keeper_message *message,
                const int *fds, pid_t group);
/* Takes what the child has written, without waiting, and passes it on.  Whether
 * there may be more. */
int vms_kept_listen (struct kept_child *child);
/* Passes on what is left, if that can be without waiting. */
void vms_kept_pass_on (struct kept_child *child);
void vms_kept_close (struct kept_child *child);

#endif
