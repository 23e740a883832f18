/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Many machines in one process, by the public interface:
 *
 *   many-machines threads PROGRAM MACHINES THREADS   all at once
 *   many-machines rounds PROGRAM ROUNDS [CHILDREN]   one after the other
 *
 * CHILDREN is how the process treats SIGCHLD: "default", "ignored", "taken" by a
 * handler that waits for any child, or "threads", which start machines and end.
 * With PROGRAM "qemu" it is the real one.  Says what does not hold.
 */
#include "one-machine.h"

#include <dirent.h>
#include <errno.h>
#include <malloc.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { WARM_UP = 30, MOST_GROWTH = 16 << 10, MOST_RESIDENT_KB = 2048 };

static struct kind kind;

/* ---- all at once --------------------------------------------------------- */

struct share {
  pthread_t thread;
  size_t n;
};

static void *
run_share (void *data)
{
  const struct share *share = data;
  vmspec_vm **all = calloc (share->n, sizeof *all);

  MUST (all);
  for (size_t i = 0; i < share->n; i++)
    all[i] = machine_start (&kind);
  for (size_t i = 0; i < share->n; i++)
    machine_ask (&kind, all[i]);
  for (size_t i = 0; i < share->n; i++)
    machine_stop (&kind, all[i]);
  free (all);
  return NULL;
}

static void
run_threads (size_t machines, size_t threads)
{
  struct share *shares = calloc (threads, sizeof *shares);

  MUST (shares);
  for (size_t i = 0; i < threads; i++) {
    shares[i].n = machines / threads;
    MUST (pthread_create (&shares[i].thread, NULL, run_share, &shares[i]) == 0);
  }
  for (size_t i = 0; i < threads; i++)
    pthread_join (shares[i].thread, NULL);
  free (shares);
}

/* ---- one after the other ------------------------------------------------- */

struct held {
  size_t descriptors, bytes;
  long resident_kb;
};

static struct held
look (void)
{
  struct held held = { .bytes = mallinfo2 ().uordblks + mallinfo2 ().hblkhd };
  DIR *list = opendir ("/proc/self/fd");
  FILE *status = fopen ("/proc/self/status", "re");
  char line[200];

  MUST (list && status);
  while (readdir (list))
    held.descriptors++;
  closedir (list);
  while (fgets (line, sizeof line, status))
    if (sscanf (line, "VmRSS: %ld", &held.resident_kb) == 1)
      break;
  fclose (status);
  return held;
}

static void
run_one (void)
{
  vmspec_vm *vm = machine_start (&kind);

  machine_ask (&kind, vm);
  machine_stop (&kind, vm);
}

static void *
start_only (void *data)
{
  (void) data;
  return machine_start (&kind);
}

static void
run_in_thread (void)
{
  pthread_t thread;
  void *vm;

  MUST (pthread_create (&thread, NULL, start_only, NULL) == 0);
  pthread_join (thread, &vm);
  /* The machine outlives the thread that started it. */
  usleep (1000);
  machine_ask (&kind, vm);
  machine_stop (&kind, vm);
}

static void
take_any_child (int number)
{
  int error = errno;

  (void) number;
  while (waitpid (-1, NULL, WNOHANG) > 0)
    ;
  errno = error;
}

static void (*set_children (const char *children)) (void)
{
  struct sigaction action = { .sa_handler = SIG_DFL };

  if (!strcmp (children, "ignored"))
    action.sa_handler = SIG_IGN;
  else if (!strcmp (children, "taken"))
    action.sa_handler = take_any_child;
  sigaction (SIGCHLD, &action, NULL);
  return !strcmp (children, "threads") ? run_in_thread : run_one;
}

static void
run_rounds (size_t rounds, const char *children)
{
  void (*round) (void) = set_children (children);
  struct held before, after;

  for (size_t i = 0; i < WARM_UP; i++)
    round ();
  before = look ();
  for (size_t i = 0; i < rounds; i++)
    round ();
  after = look ();
  printf ("%zu rounds, children %s: %zu descriptors, %+zd bytes, %+ld KiB "
          "resident\n", rounds, children, after.descriptors - before.descriptors,
          (ssize_t) (after.bytes - before.bytes),
          after.resident_kb - before.resident_kb);
  MUST (after.descriptors == before.descriptors);
  MUST (after.bytes <= before.bytes + MOST_GROWTH);
  MUST (after.resident_kb <= before.resident_kb + MOST_RESIDENT_KB);
}

int
main (int argc, char **argv)
{
  const char *where = getenv ("TMPDIR");
  struct rlimit most;
  char variable[4200];

  MUST (argc >= 4);
  kind.program = argv[2];
  snprintf (variable, sizeof variable, "TMPDIR=%s", where ? where : "/tmp");
  kind.directory = variable;
  /* Four descriptors for each. */
  MUST (getrlimit (RLIMIT_NOFILE, &most) == 0);
  most.rlim_cur = most.rlim_max;
  MUST (setrlimit (RLIMIT_NOFILE, &most) == 0);
  if (!strcmp (argv[1], "threads"))
    run_threads (strtoul (argv[3], NULL, 10),
                 strtoul (argc > 4 ? argv[4] : "1", NULL, 10));
  else
    run_rounds (strtoul (argv[3], NULL, 10), argc > 4 ? argv[4] : "default");
  /* Not even a zombie. */
  MUST (waitpid (-1, NULL, WNOHANG) == -1 && errno == ECHILD);
  return 0;
}
