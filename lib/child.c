/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "child.h"
#include "descriptor.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

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

/* Copies of the descriptors that are handed over, with numbers that none of them
 * is to get: one may well be another's goal. */
#define N_HANDED 4
#define FIRST_COPY (CHILD_EXTRA + 1)

static int
set_descriptors (posix_spawn_file_actions_t *actions,
                 const struct child_setup *setup, int copies[N_HANDED])
{
  const int given[N_HANDED]
    = { setup->input, setup->output, setup->error, setup->extra };
  int r = 0;

  for (int i = 0; r == 0 && i < N_HANDED; i++) {
    if (given[i] < 0)
      continue;
    copies[i] = fcntl (given[i], F_DUPFD_CLOEXEC, FIRST_COPY);
    r = copies[i] < 0 ? errno
                      : posix_spawn_file_actions_adddup2 (actions, copies[i], i);
  }
  if (r == 0)
    r = posix_spawn_file_actions_addclosefrom_np (
      actions, setup->extra < 0 ? CHILD_EXTRA : CHILD_EXTRA + 1);
  if (r == 0 && setup->directory)
    r = posix_spawn_file_actions_addchdir_np (actions, setup->directory);
  return r;
}

static int
spawn (const struct child_setup *setup, posix_spawn_file_actions_t *actions,
       posix_spawnattr_t *attributes, pid_t *ret_pid)
{
  int copies[N_HANDED]
    = { NO_DESCRIPTOR, NO_DESCRIPTOR, NO_DESCRIPTOR, NO_DESCRIPTOR };
  int r = set_signals (attributes);

  if (r == 0)
    r = set_descriptors (actions, setup, copies);
  if (r == 0)
    r = posix_spawn (ret_pid, setup->argv[0], actions, attributes,
                     unconst (setup->argv), unconst (setup->environment));
  for (int i = 0; i < N_HANDED; i++)
    vms_descriptor_close (copies[i]);
  return r;
}

int
vms_child_spawn (const struct child_setup *setup, struct child *ret_child)
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
  r = spawn (setup, &actions, &attributes, &pid);
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
