/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "signals.h"

/* The child has a session of its own, where a terminal's signals do not come. */
static void
pass_on (int signals, pid_t child)
{
  struct signalfd_siginfo info;

  if (read (signals, &info, sizeof info) == sizeof info)
    kill (child, (int) info.ssi_signo);
}

/* One byte says that the machine runs; an end without it, that there is none. */
static int
hears_byte (int ready, pid_t child)
{
  sigset_t set = held_signals ();
  int signals = signalfd (-1, &set, SFD_CLOEXEC | SFD_NONBLOCK), got;
  struct pollfd fds[] = { { .fd = ready, .events = POLLIN },
                          { .fd = signals, .events = POLLIN } };
  char byte;

  while (!fds[0].revents) {
    if (poll (fds, 2, -1) < 0 && errno != EINTR)
      break;
    if (fds[1].revents)
      pass_on (signals, child);
  }
  got = read (ready, &byte, 1) == 1;
  if (signals >= 0)
    close (signals);
  return got;
}

static int
wait_for (int ready, pid_t child)
{
  int status;

  if (hears_byte (ready, child))
    return 0;
  while (waitpid (child, &status, 0) < 0)
    if (errno != EINTR)
      return 1;
  return WIFSIGNALED (status) ? 128 + WTERMSIG (status) : WEXITSTATUS (status);
}

int
daemon_start (struct daemon *daemon, int *ret_status)
{
  int ends[2];
  pid_t child;

  if (pipe2 (ends, O_CLOEXEC) < 0)
    return -errno;
  hold_signals ();
  child = fork ();
  if (child < 0) {
    int error = errno;

    close (ends[0]);
    close (ends[1]);
    return -error;
  }
  if (child == 0) {
    close (ends[0]);
    (void) setsid ();
    daemon->ready = ends[1];
    return 0;
  }
  close (ends[1]);
  *ret_status = wait_for (ends[0], child);
  return 1;
}

/* Nothing relative is used from here on. */
void
daemon_ready (struct daemon *daemon)
{
  int null;

  if (daemon->ready < 0)
    return;
  null = open ("/dev/null", O_RDWR | O_CLOEXEC);
  for (int fd = 0; null >= 0 && fd < 3; fd++)
    (void) dup2 (null, fd);
  if (null > 2)
    close (null);
  (void) !chdir ("/");
  (void) !write (daemon->ready, "", 1);
  close (daemon->ready);
  daemon->ready = -1;
}
