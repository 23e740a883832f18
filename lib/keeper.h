/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* vmspec-keeper, from the library's side: the parent of a machine's processes,
 * which ends them and removes what goes with them when this process ends. */
#ifndef VMSPEC_KEEPER_H
#define VMSPEC_KEEPER_H

#include "child.h"
#include "keeper-link.h"
#include "mem.h"

/* By whom a child is known here and there. */
enum kept { KEPT_QEMU, KEPT_SWTPM, KEPT_HELPER, KEPT_SWITCH, N_KEPT = 48 };

struct kept_state {
  int status;
  unsigned ended;             /* 0, or as the how many-th it has */
  int forced;                 /* by the keeper, since a helper had ended */
  struct keeper_ring *ring;   /* of what it wrote to standard error, or NULL */
};

struct keeper {
  pid_t owner;                /* who started it: not a child of that by fork() */
  pid_t pid;                  /* -1: none */
  int link;                   /* -1: closed */
  unsigned n_ended;
  int is_done;                /* it has removed everything */
  struct kept_state children[N_KEPT];
};

struct keeper_descriptor {
  int number;                 /* in the child */
  int fd;                     /* here */
};

struct keeper_setup {
  enum kept child;
  enum keeper_role role;
  int own_group;
  const char *const *argv, *const *environment;
  const char *directory;      /* NULL: "/" */
  const struct keeper_descriptor *descriptors;
  size_t n_descriptors;
  int error;                  /* where standard error goes on to, or -1 */
};

#define KEEPER_NONE { .pid = -1, .link = -1 }

/* Where the program is: beside the library, as installed or as built.  NULL
 * without memory. */
const char *vms_keeper_program (struct arena *arena);

/* Each returns 0 or -errno; -EPIPE if the keeper was killed. */
int
vms_keeper_start (struct keeper *keeper, const char *program, const char *name);
/* KEEPER_DIRECTORY, _HOLD... or _CLEAN; @fd is -1, @path NULL where they have
 * none. */
int vms_keeper_ask (struct keeper *keeper, enum keeper_kind kind, int fd,
                    const char *path);
/* Several at once, which takes the time of one; the first failure. */
struct keeper_request {
  enum keeper_kind kind;
  int fd;
  const char *path;
  uint32_t flags;
};
int vms_keeper_ask_all (struct keeper *keeper,
                        const struct keeper_request *requests, size_t n);
/* The end of the child is noticed, and its standard error is kept unless the list
 * of descriptors has a number 2. */
int vms_keeper_spawn (struct keeper *keeper, const struct keeper_setup *setup,
                      struct child *ret_child);
/* -ESRCH: it has ended. */
int vms_keeper_signal (struct keeper *keeper, enum kept child, int signal);
/* Takes what the keeper has said meanwhile, after at most so many milliseconds
 * (for ever if negative): 0 if it said something, -EAGAIN if not, -EPIPE if it
 * has ended. */
int vms_keeper_listen (struct keeper *keeper, int timeout_ms);
/* Has everything ended and removed, and waits for that. */
void vms_keeper_end (struct keeper *keeper);
/* Waits for one that ends by itself, since QEMU has ended, or that was killed. */
void vms_keeper_wait (struct keeper *keeper);
/* Whether it is this process's to end. */
int vms_keeper_is_ours (const struct keeper *keeper);
/* The last of what a child wrote, after which comes a NUL.  NULL without
 * memory. */
const char *vms_keeper_words (const struct keeper *keeper, enum kept child,
                              struct arena *arena, size_t *ret_size);
/* Memory only: the keeper has ended. */
void vms_keeper_free (struct keeper *keeper);

#endif
