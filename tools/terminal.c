/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "terminal.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

int
terminal_is_used_by (const char *const *argv)
{
  if (!isatty (STDIN_FILENO))
    return 0;
  for (; *argv; argv++)
    if (!strcmp (*argv, "-nographic") || !strcmp (*argv, "--nographic")
        || strstr (*argv, "curses") || strstr (*argv, "stdio"))
      return 1;
  return 0;
}

void
terminal_save (struct terminal *terminal)
{
  terminal->has_settings
    = isatty (STDIN_FILENO)
      && tcgetattr (STDIN_FILENO, &terminal->settings) == 0;
  for (int fd = 0; fd < 3; fd++)
    terminal->flags[fd] = fcntl (fd, F_GETFL);
}

/* A terminal that somebody else is in the foreground of has their settings. */
static int
is_ours (void)
{
  pid_t foreground = tcgetpgrp (STDIN_FILENO);

  return foreground < 0 || foreground == getpgrp ();
}

void
terminal_restore (const struct terminal *terminal)
{
  sigset_t stop, before;

  /* QEMU does not wait for what it reads, and whoever has the same terminal or
   * pipe would not, either. */
  for (int fd = 0; fd < 3; fd++)
    if (terminal->flags[fd] >= 0)
      (void) fcntl (fd, F_SETFL, terminal->flags[fd]);
  if (!terminal->has_settings || !is_ours ())
    return;
  sigemptyset (&stop);
  sigaddset (&stop, SIGTTOU);
  sigprocmask (SIG_BLOCK, &stop, &before);
  (void) tcsetattr (STDIN_FILENO, TCSADRAIN, &terminal->settings);
  sigprocmask (SIG_SETMASK, &before, NULL);
}
