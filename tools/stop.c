/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Has the process that keeps a machine end it, as Ctrl-C there would. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "duration.h"
#include "machines.h"
#include "print.h"
#include "registry.h"
#include "run.h"

#define GRACE_MS 30000
/* Two signals that come faster are one: see ending.c. */
#define LEAST_SHARE_MS 500
/* What does not take longer is not spoken of. */
#define QUICK_MS 1000

static int
process_of (const char *content)
{
  char pid[16];

  registry_value (content, "pid", pid, sizeof pid);
  return atoi (pid);
}

/* Since the file is held after the descriptor was opened, this is the process
 * that holds it, and no other that has its number by now. */
static int
open_process (int directory, const char *name, const char *content)
{
  int pid = process_of (content), fd, same;
  char *again;

  if (pid <= 0)
    return -ESRCH;
  fd = (int) syscall (SYS_pidfd_open, pid, 0);
  if (fd < 0)
    return -errno;
  if (registry_read (directory, name, &again) < 0) {
    close (fd);
    return -ESRCH;
  }
  same = process_of (again) == pid;
  free (again);
  if (!same)
    close (fd);
  return same ? fd : -ESRCH;
}

/* One that is stopped would hear nothing. */
static int
send (int process, int signal)
{
  int r = (int) syscall (SYS_pidfd_send_signal, process, signal, NULL, 0);

  if (r == 0)
    (void) syscall (SYS_pidfd_send_signal, process, SIGCONT, NULL, 0);
  return r == 0 || errno == ESRCH ? 0 : -errno;
}

static int
ends_within (int process, long long ms)
{
  struct pollfd end = { .fd = process, .events = POLLIN };
  long long deadline = now_ms () + ms;
  int n;

  do
    n = poll (&end, 1, ms_until (deadline));
  while (n < 0 && errno == EINTR);
  return n > 0;
}

static void
say_waiting (const char *name, const char *what)
{
  fputs ("vmspec-run: ", stderr);
  print_line (stderr, name);
  fprintf (stderr, " %s\n", what);
}

static int
ask_to_end (int process, const char *name, long long share)
{
  static const struct {
    int signal;
    const char *said;
  } ways[] = { { SIGTERM, "was asked to power down, and has not ended yet" },
               { SIGTERM, "does not power down: QEMU is told to quit" },
               { SIGTERM, "does not quit: QEMU is killed" },
               { SIGKILL, "has not ended: its vmspec-run is killed" } };

  for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
    long long quick = i ? 0 : share < QUICK_MS ? share : QUICK_MS;
    int r = send (process, ways[i].signal);

    if (r < 0)
      return r;
    if (quick && ends_within (process, quick))
      return 0;
    say_waiting (name, ways[i].said);
    if (ends_within (process, share - quick))
      return 0;
  }
  return -ETIME;
}

int
stop_machine (const char *name, long long grace_ms)
{
  long long share = (grace_ms ? grace_ms : GRACE_MS) / 3;
  char *content;
  int directory, status = find_machine (name, &directory, &content), process, r;

  if (status)
    return status;
  process = open_process (directory, name, content);
  free (content);
  registry_close (directory);
  if (process == -ESRCH)
    return 0; /* it has ended meanwhile */
  r = process < 0 ? process
                  : ask_to_end (process, name, share < LEAST_SHARE_MS
                                                 ? LEAST_SHARE_MS : share);
  if (process >= 0)
    close (process);
  if (r < 0)
    say_failure (name, r);
  return r < 0 ? STATUS_FAILED : 0;
}
