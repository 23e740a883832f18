/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the library and vmspec-keeper say to each other: one message a packet of
 * a SOCK_SEQPACKET socket, descriptors beside it.  In an upgrade they may be of
 * different versions for a moment: KEEPER_VERSION changes with this file, and a
 * keeper ends at once if it is told another.
 */
#ifndef VMSPEC_KEEPER_LINK_H
#define VMSPEC_KEEPER_LINK_H

#include <limits.h>
#include <stddef.h>
#include <stdint.h>

#define KEEPER_VERSION "2"

/* Most descriptors of a message, ours included; less than the kernel's 253. */
#define KEEPER_FDS 128
/* The last of what a child wrote to standard error that is kept. */
#define KEEPER_RING 65536

enum keeper_kind {
  KEEPER_CALLER = 1,    /* the descriptor is the caller's pidfd; no reply */
  /* Each is answered by a KEEPER_REPLY with 0 or -errno. */
  KEEPER_DIRECTORY,     /* makes the directory at path, with a lock on it that
                           it holds, and removes it at the end */
  KEEPER_HOLD_TREE,     /* holds the descriptor, which has a lock, and removes
                           the directory at path at the end */
  KEEPER_HOLD,          /* holds the descriptor */
  KEEPER_HOLD_FILE,     /* removes the file or empty directory at path then,
                           unless a process has locked it */
  KEEPER_SPAWN,         /* the reply has the process in number, and its pidfd */
  KEEPER_SIGNAL,        /* sends the child the signal in number: -ESRCH if it
                           has ended */
  KEEPER_CLEAN,         /* removes leftovers in the directory at path, later */
  KEEPER_END,           /* as if the caller had ended: there is no reply */
  /* From the keeper. */
  KEEPER_REPLY,
  KEEPER_DONE,          /* everything has ended and is removed */
  KEEPER_ENDED          /* the child, with its status from waitpid() */
};

/* How a child's end and the others' go together. */
enum keeper_role {
  KEEPER_MAIN,          /* QEMU: its end is that of all others */
  KEEPER_BOUND,         /* swtpm: it ends after QEMU, and QEMU soon after it */
  KEEPER_TRANSIENT      /* does its work and ends */
};

enum {
  KEEPER_OWN_GROUP = 1, /* of processes: for KEEPER_SPAWN */
  KEEPER_STAYS = 4,     /* for KEEPER_DIRECTORY and _HOLD_TREE: locked only */
  KEEPER_FORCED = 2     /* KEEPER_ENDED: it would have run on, but a helper that
                           it is bound to has ended */
};

/* What a descriptor beside the message is: a number that the child gets it as,
 * or one of these. */
enum {
  KEEPER_FD_PAYLOAD = -1, /* a file with struct keeper_payload */
  KEEPER_FD_RING = -2,    /* a file with struct keeper_ring */
  KEEPER_FD_ERROR = -3    /* where standard error goes on to, besides the ring */
};

struct keeper_message {
  uint32_t kind;
  int32_t number;
  uint32_t child;              /* the caller's number for it */
  uint32_t role, flags;
  uint32_t n_fds;
  int32_t fds[KEEPER_FDS];     /* what each of the descriptors is */
  char path[PATH_MAX];         /* the packet ends behind its NUL */
};

/* Followed by NUL-terminated strings: the directory, the arguments, the
 * environment. */
struct keeper_payload {
  uint32_t arguments, variables;
};

/* total counts all bytes ever written; the last are in the ring, byte n at
 * n % KEEPER_RING. */
struct keeper_ring {
  uint64_t total;
  char bytes[KEEPER_RING];
};

/* Sends a message up to the end of its path, with descriptors, one for each of
 * message->n_fds.  0 or -errno: -EPIPE if the other side has ended. */
int
vms_link_send (int link, const struct keeper_message *message, const int *fds);
/* Receives one, with at most KEEPER_FDS descriptors (close-on-exec), whose number
 * is then message->n_fds.  0, or -errno: -EAGAIN, -EPIPE at the end, -EMFILE if
 * they cannot be received, -EBADMSG. */
int vms_link_receive (int link, struct keeper_message *message, int *fds);

#endif
