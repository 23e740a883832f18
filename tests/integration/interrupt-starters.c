/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Several processes, and threads, that make the same at once. */
#include "interrupt.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#define ROUNDS 50
#define MOST 16

static unsigned
random_below (unsigned n)
{
  return (unsigned) random () % n;
}

/* How many of them failed. */
static int
wait_for_all (const pid_t *pids, int n, int may_be_killed)
{
  int failed = 0, status;

  for (int i = 0; i < n; i++)
    if (waitpid (pids[i], &status, 0) != pids[i]
        || (status && !(may_be_killed && WIFSIGNALED (status)
                        && WTERMSIG (status) == SIGKILL)))
      failed++;
  return failed;
}

static void
end_round (struct attempt *a, const char *where, int failed)
{
  a->tries++;
  if (failed)
    complain (a, where, "some failed");
  if (!wait_for_orphans ())
    complain (a, where, "a helper does not end");
}

/* Two processes, sixteen, and one with sixteen threads. */
void
try_starters (struct attempt *a)
{
  pid_t pids[MOST];

  srandom (1);
  for (int round = 0; round < ROUNDS; round++) {
    int n = round % 3 == 0 ? 2 : round % 3 == 1 ? MOST : 1;
    const char *where = n == 1 ? "threads" : n == 2 ? "two" : "sixteen";

    for (int i = 0; i < n; i++)
      pids[i] = n == 1 ? start_threads (a->mode, MOST)
                       : start_undisturbed (a->mode, random_below (3000));
    end_round (a, where, wait_for_all (pids, n, 0));
    check_complete (a, where, 0);
  }
}

/* Half of them are killed at some time, mostly at work; what they leave is gone
 * when the next was there. */
void
try_killed_starters (struct attempt *a)
{
  enum { N = 8 };
  pid_t pids[N];

  srandom (2);
  for (int round = 0; round < ROUNDS; round++) {
    for (int i = 0; i < N / 2; i++)
      pids[N / 2 + i] = start_undisturbed (a->mode, random_below (a->duration));
    for (int i = 0; i < N / 2; i++) {
      pids[i] = start_undisturbed (a->mode, 0);
      usleep (random_below (a->duration));
      kill (pids[i], SIGKILL);
    }
    end_round (a, "killed among others", wait_for_all (pids, N, 1));
    check_complete (a, "killed among others", 1);
  }
}
