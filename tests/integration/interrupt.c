/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 *     interrupt kinds
 *     interrupt reference KIND
 *     interrupt TEST KIND MODE STEP
 *
 * In an empty directory, which is the current one.  Prints a line, and before
 * it what is wrong.  0, 1, or 77 where it cannot be tried.
 */
#include "interrupt.h"

#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SKIPPED 77
#define MOST_COMPLAINTS 5

void
fatal (const char *what)
{
  fprintf (stderr, "interrupt: %s: %s\n", what, strerror (errno));
  _exit (2);
}

/* ---- what has to hold --------------------------------------------------- */

void
complain (struct attempt *a, const char *where, const char *what)
{
  if (a->problems++ < MOST_COMPLAINTS)
    printf ("  %s: %s%s%s\n", where, what, *report->said ? "\n    said " : "",
            report->said);
}

static void
check_state (struct attempt *a, const char *where, int flags)
{
  static struct state now;
  const char *problem;

  state_take (&now);
  problem = state_problem (&now, &a->before, &a->reference, flags);
  if (problem)
    complain (a, where, problem);
}

void
check_complete (struct attempt *a, const char *where, int run_again)
{
  char again[200];

  snprintf (again, sizeof again, "%s, then again", where);
  if (run_again && (run_undisturbed (a->mode) || !report->ended
                    || report->result < 0)) {
    complain (a, again, "fails");
    if (report->result)
      printf ("    %s\n", strerror (-report->result));
  }
  check_state (a, again, COMPLETE);
  state_restore (&a->before);
}

static int
after_death (const struct attempt *a)
{
  return a->mode == NAMELESS ? MAY_HAVE_COPY : MAY_HAVE_TEMPORARY;
}

/* A call that was disturbed and has come back: all is done, or it has said why
 * not. */
static void
check_outcome (struct attempt *a, const char *where, int status, int error)
{
  const int r = report->result;

  a->tries++;
  if (WIFSIGNALED (status) && report->may_crash) {
    check_state (a, where, after_death (a));
    check_complete (a, where, 1);
    return;
  }
  if (WIFSIGNALED (status))
    complain (a, where, strsignal (WTERMSIG (status)));
  else if (!report->ended)
    complain (a, where, "did not come back");
  else if (r < 0 && r != -ENOMEM && !report->findings)
    complain (a, where, "fails without a finding");
  else if (error == EINTR && (r < 0 || report->findings))
    complain (a, where, "does not go on");
  else if (error == ENOMEM && r != 0 && r != -ENOMEM)
    complain (a, where, strerror (-r));
  else if (report->leaked)
    complain (a, where, "leaks descriptors");
  check_state (a, where, r == 0 && !report->findings ? COMPLETE : 0);
  check_complete (a, where, 1);
}

/* ---- tests -------------------------------------------------------------- */

/* How many system calls it is without a kill. */
static long
count_calls (struct attempt *a)
{
  const long many = 1000000;
  long n = many;

  run_killed (a->mode, &n);
  state_restore (&a->before);
  return many - n;
}

/* The end, where files get their names, is always looked at closely. */
static void
try_kill (struct attempt *a)
{
  long end = count_calls (a) - 40, step = 1;

  for (long n = 1;; n += step) {
    long left = n;
    int status = run_killed (a->mode, &left);
    char where[100];

    snprintf (where, sizeof where, "killed before call %ld", n);
    step = n + a->step < end ? a->step : n < end ? end - n : 1;
    if (!wait_for_orphans ())
      complain (a, where, "a helper does not end");
    if (!WIFSIGNALED (status) || WTERMSIG (status) != SIGKILL) {
      if (status)
        complain (a, where, "did not survive undisturbed");
      state_restore (&a->before);
      return;
    }
    a->tries++;
    check_state (a, where, after_death (a));
    check_complete (a, where, 1);
  }
}

static void
try_class (struct attempt *a, size_t class)
{
  for (long n = 1;; n += a->step) {
    int status = run_failing (a->mode, class, n), call = report->failed - 1;
    char where[100];

    snprintf (where, sizeof where, "%s from system call %d, call %ld",
              class_name (class), call, n);
    if (call < 0) {
      state_restore (&a->before);
      return;
    }
    check_outcome (a, where, status, class_error (class));
  }
}

static void
try_failures (struct attempt *a)
{
  for (size_t class = 0; class_name (class); class++)
    try_class (a, class);
}

static void
try_memory_once (struct attempt *a, int for_ever)
{
  for (long n = 0;; n += a->step) {
    int status = run_without_memory (a->mode, n, for_ever);
    char where[100];

    snprintf (where, sizeof where, "allocation %ld%s fails", n,
              for_ever ? " and all after it" : "");
    if (!report->failed && !WIFSIGNALED (status)) {
      state_restore (&a->before);
      return;
    }
    check_outcome (a, where, status, ENOMEM);
  }
}

static void
try_memory (struct attempt *a)
{
  try_memory_once (a, 0);
  try_memory_once (a, 1);
}

static void
try_limits (struct attempt *a)
{
  for (uint64_t size = 0; size < 64 << 20; size = size ? size * 3 / 2 + 1 : 1) {
    char where[100];
    int status = run_limited (a->mode, size);

    snprintf (where, sizeof where, "files of at most %llu bytes",
              (unsigned long long) size);
    check_outcome (a, where, status, EFBIG);
  }
}

/* ---- a full disk -------------------------------------------------------- */

#define PAGE 4096u

/* A small file system of our own in the place of the current directory. */
static int
mount_small (void)
{
  char here[4096];

  return getcwd (here, sizeof here) && unshare (CLONE_NEWNS) == 0
         && mount ("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0
         && mount ("none", here, "tmpfs", 0, "size=64m") == 0
         && chdir (here) == 0;
}

static void
resize (uint64_t pages)
{
  char options[100], here[4096];

  snprintf (options, sizeof options, "size=%llu",
            (unsigned long long) pages * PAGE);
  if (!getcwd (here, sizeof here)
      || mount ("none", here, NULL, MS_REMOUNT, options) < 0)
    fatal ("remount");
}

static void
try_full (struct attempt *a)
{
  struct statvfs status;
  int complete = 0;

  if (statvfs (".", &status) < 0)
    fatal ("statvfs");
  for (uint64_t n = 0; complete < 2; n += 1 + n / 8) {
    char where[100];
    int end;

    resize (status.f_blocks - status.f_bavail + n);
    snprintf (where, sizeof where, "%llu pages are free",
              (unsigned long long) n);
    end = run_undisturbed (a->mode);
    complete += report->ended && report->result == 0 && !report->findings;
    resize (status.f_blocks);
    check_outcome (a, where, end, ENOSPC);
  }
}

/* ------------------------------------------------------------------------- */

static const struct test {
  const char *name;
  void (*run) (struct attempt *a);
} tests[] = {
  { "kill", try_kill },         { "fail", try_failures },
  { "memory", try_memory },     { "limit", try_limits },
  { "full", try_full },         { "starters", try_starters },
  { "killed-starters", try_killed_starters },
};

static void
choose_mode (struct attempt *a, const char *name)
{
  while (strcmp (mode_names[a->mode], name))
    if (++a->mode == N_MODES)
      fatal ("no such mode");
}

static unsigned
microseconds (void)
{
  struct timespec now;

  clock_gettime (CLOCK_MONOTONIC, &now);
  return (unsigned) (now.tv_sec * 1000000 + now.tv_nsec / 1000);
}

static int
set_up (struct attempt *a, const char *kind)
{
  int r = kind_set_up (kind);

  if (r)
    return r;
  state_take (&a->before);
  a->duration = microseconds ();
  if (run_undisturbed (a->mode) || !report->ended || report->result < 0) {
    complain (a, "undisturbed", strerror (-report->result));
    return 1;
  }
  a->duration = microseconds () - a->duration + 1;
  state_take (&a->reference);
  return 0;
}

static int
run (const struct test *test, const char *kind, const char *mode, long step)
{
  static struct attempt a;
  int r;

  a.step = step > 0 ? step : 1;
  choose_mode (&a, mode);
  disturb_set_up ();
  if (test && test->run == try_full && !mount_small ())
    return SKIPPED;
  r = set_up (&a, kind);
  if (r || !test)
    return r;
  state_restore (&a.before);
  test->run (&a);
  printf ("%s %s %s %s: %u tries", a.problems ? "FAILED" : "ok", test->name,
          kind, mode, a.tries);
  printf (a.problems ? ", %u problems\n" : "\n", a.problems);
  return a.problems || !a.tries;
}

int
main (int argc, char **argv)
{
  if (argc == 2 && !strcmp (argv[1], "kinds")) {
    kind_list ();
    return 0;
  }
  /* Only what is judged by others. */
  if (argc == 3 && !strcmp (argv[1], "reference"))
    return run (NULL, argv[2], mode_names[NAMELESS], 1);
  for (size_t i = 0; argc == 5 && i < COUNT (tests); i++)
    if (!strcmp (argv[1], tests[i].name))
      return run (&tests[i], argv[2], argv[3], atol (argv[4]));
  errno = EINVAL;
  fatal ("usage: interrupt TEST KIND MODE STEP");
}
