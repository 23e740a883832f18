/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "child.h"

#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define FIRST_DESCRIPTOR_OF_OTHERS 3

static int
set_signals (posix_spawnattr_t *attributes)
{
  sigset_t none, all;
  int r;

  sigemptyset (&none);
  sigfillset (&all);
  r = posix_spawnattr_setsigmask (attributes, &none);
  if (r == 0)
    r = posix_spawnattr_setsigdefault (attributes, &all);
  if (r == 0)
    r = posix_spawnattr_setflags (attributes, POSIX_SPAWN_SETSIGMASK
                                                | POSIX_SPAWN_SETSIGDEF);
  return r;
}

/* posix_spawn() takes strings that it does not change as if it did. */
static char *const *
unconst (const char *const *strings)
{
  char *const *same;

  memcpy (&same, &strings, sizeof same);
  return same;
}

int
child_spawn (const char *const *argv, const char *const *environment,
             const char *directory, struct child *ret_child)
{
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  pid_t pid = -1;
  int r = posix_spawn_file_actions_init (&actions);

  if (r)
    return -r;
  r = posix_spawnattr_init (&attributes);
  if (r) {
    posix_spawn_file_actions_destroy (&actions);
    return -r;
  }
  r = set_signals (&attributes);
  if (r == 0)
    r = posix_spawn_file_actions_addchdir_np (&actions, directory);
  if (r == 0)
    r = posix_spawn_file_actions_addclosefrom_np (&actions,
                                                  FIRST_DESCRIPTOR_OF_OTHERS);
  if (r == 0)
    r = posix_spawn (&pid, argv[0], &actions, &attributes, unconst (argv),
                     unconst (environment));
  posix_spawnattr_destroy (&attributes);
  posix_spawn_file_actions_destroy (&actions);
  if (r)
    return -r;
  ret_child->pid = pid;
  /* Close-on-exec by definition.  Without one (before Linux 5.3) the child can
   * still be waited for, but not polled. */
  ret_child->pidfd = (int) syscall (SYS_pidfd_open, pid, 0);
  return 0;
}
