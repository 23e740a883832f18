/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A test program that is its own emulator: called with VMSPEC_TEST_EMULATOR in its
 * environment, it does what that says.
 */
#ifndef VMSPEC_TESTS_EMULATOR_H
#define VMSPEC_TESTS_EMULATOR_H

#include "clock.h"
#include "scratch.h"

#include <dirent.h>
#include <poll.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>

/* ---- the emulator -------------------------------------------------------- */

/* Open descriptors, one a line, but for that of the list itself. */
static UNUSED void
list_descriptors (FILE *report)
{
  DIR *directory = opendir ("/proc/self/fd");
  struct dirent *entry;

  while ((entry = readdir (directory)))
    if (*entry->d_name != '.' && atoi (entry->d_name) != dirfd (directory)
        && atoi (entry->d_name) != fileno (report))
      fprintf (report, "%s\n", entry->d_name);
  closedir (directory);
}

static UNUSED void
list_signals (FILE *report)
{
  sigset_t blocked;

  sigprocmask (SIG_SETMASK, NULL, &blocked);
  for (int i = 1; i < NSIG; i++) {
    struct sigaction action;

    if (sigismember (&blocked, i) == 1)
      fprintf (report, "blocked %d\n", i);
    /* A sanitizer catches these for itself. */
    if (i == SIGSEGV || i == SIGBUS || i == SIGFPE)
      continue;
    if (sigaction (i, NULL, &action) == 0 && action.sa_handler != SIG_DFL)
      fprintf (report, "not default %d\n", i);
  }
}

/* What a guest may leave in its exchange directory. */
static UNUSED void
leave_a_mess (void)
{
  char name[] = "xchg/link";

  if (symlink (getenv ("PRECIOUS"), name) != 0 || mkdir ("xchg/closed", 0700)
      || mkdir ("xchg/closed/inner", 0700)
      || mkdir ("xchg/closed/inner/innermost", 0700)
      || symlink ("..", "xchg/closed/inner/up")
      || mkfifo ("xchg/fifo", 0) || mkdir ("xchg/.vmspec-1", 0700)
      || mkdir ("xchg/.vmspec-1/full", 0700)
      || link ("/proc/self/exe", "xchg/hard") == 0)
    _exit (99);
  fclose (fopen ("xchg/-rf", "w"));
  fclose (fopen ("xchg/closed/inner/file", "w"));
  chmod ("xchg/closed/inner/innermost", 0000);
  chmod ("xchg/closed/inner", 0000);
  chmod ("xchg/closed", 0000);
}

static UNUSED void
make_deep_tree (int depth)
{
  if (chdir ("xchg") != 0)
    _exit (99);
  for (int i = 0; i < depth; i++) {
    if (mkdir ("d", 0700) != 0 || mkdir ("side", 0700) != 0 || chdir ("d") != 0)
      _exit (99);
    fclose (fopen ("file", "w"));
  }
}

/* The run directory is now a link to somewhere else. */
static UNUSED void
leave_a_link (void)
{
  if (chdir ("..") != 0 || rename ("vmspec.0123456789", "moved") != 0
      || symlink ("precious", "vmspec.0123456789") != 0)
    _exit (99);
}

/* More than is kept. */
static UNUSED void
talk (void)
{
  for (int i = 0; i < 10000; i++)
    fprintf (stderr, "word %d\n", i);
  fputs ("the last", stderr);
}

static UNUSED int
emulator (const char *what, char **argv)
{
  const char *report_name = getenv ("REPORT");
  char directory[PATH_MAX];
  FILE *report = fopen (report_name ? report_name : "/dev/null", "we");

  if (!strcmp (what, "exit"))
    return 3;
  if (!strcmp (what, "signal"))
    raise (SIGTERM);
  if (!strcmp (what, "sleep"))
    sleep (100);
  if (!strcmp (what, "descriptors"))
    list_descriptors (report);
  if (!strcmp (what, "signals"))
    list_signals (report);
  if (!strcmp (what, "where"))
    fprintf (report, "%s\n%s\n%s\n", getcwd (directory, sizeof directory),
             getenv ("TMPDIR") ? getenv ("TMPDIR") : "", argv[1]);
  if (!strcmp (what, "group"))
    fprintf (report, "%s\n", getpgrp () == getpid () ? "own" : "shared");
  if (!strcmp (what, "talk"))
    talk ();
  if (!strcmp (what, "mess"))
    leave_a_mess ();
  if (!strcmp (what, "link"))
    leave_a_link ();
  if (!strcmp (what, "deep"))
    make_deep_tree (3000);
  fclose (report);
  return 0;
}

/* ---- plans for it -------------------------------------------------------- */

static char self[PATH_MAX];
static struct vmspec spec;
static struct vmspec_qemu qemu;
static struct vmspec_host host;
static const char *environment[5];
static char variables[3][PATH_MAX + 40];
static vmspec_plan *plan;
static vmspec_diag *diag;
/* This emulator speaks no QMP. */
static struct vmspec_start plainly, force;

static UNUSED void
set_up (void)
{
  ssize_t size = readlink ("/proc/self/exe", self, sizeof self - 1);

  ck_assert_int_gt (size, 0);
  self[size] = '\0';
  scratch_make ();
  qemu = (struct vmspec_qemu) { VMSPEC_INIT (vmspec_qemu), .binary = self };
  spec = (struct vmspec) { VMSPEC_INIT (vmspec), .qemu = &qemu,
                           .builtin_drives = VMSPEC_OFF };
  host = unit_host ();
  host.directory = scratch;
  plainly = (struct vmspec_start) { VMSPEC_INIT (vmspec_start),
                                    .qmp = VMSPEC_OFF,
                                    .keeper = getenv ("VMSPEC_KEEPER") };
  force = plainly;
  force.force = VMSPEC_ON;
  plan = NULL;
  ck_assert_int_eq (vmspec_diag_new (&diag), 0);
}

static UNUSED void
tear_down (void)
{
  vmspec_plan_free (plan);
  vmspec_diag_free (diag);
  scratch_remove ();
}

static UNUSED void
plan_to (const char *what)
{
  snprintf (variables[0], sizeof variables[0], "TMPDIR=%s", scratch);
  snprintf (variables[1], sizeof variables[1], "REPORT=%s/report", scratch);
  snprintf (variables[2], sizeof variables[2], "VMSPEC_TEST_EMULATOR=%s", what);
  environment[0] = variables[0];
  environment[1] = variables[1];
  environment[2] = variables[2];
  environment[3] = "PRECIOUS=../../precious";
  environment[4] = NULL;
  host.environment = environment;
  vmspec_plan_free (plan);
  plan = unit_plan (&spec, &host);
}

static UNUSED vmspec_vm *
started (const char *what)
{
  vmspec_vm *vm = NULL;
  int r;

  plan_to (what);
  r = vmspec_vm_start (plan, &plainly, diag, &vm);
  ck_assert_msg (r == 0, "%s%s", strerror (-r), unit_findings (diag));
  return vm;
}

/* Runs to the end; the status is that of waitpid(2). */
static UNUSED int
run (const char *what)
{
  vmspec_vm *vm = started (what);
  int status = -1;

  ck_assert_int_eq (vmspec_vm_wait (vm, -1, &status), 0);
  vmspec_vm_free (vm);
  return status;
}

#define RUN "vmspec.0123456789"

/* The main program of such a test. */
static int
emulator_or_tests (int argc, char **argv, TCase *(*tests) (void),
                   const char *name)
{
  const char *what = getenv ("VMSPEC_TEST_EMULATOR");
  TCase *t;

  if (what)
    return emulator (what, argc ? argv : (char *[2]) { NULL });
  t = tests ();
  tcase_add_checked_fixture (t, set_up, tear_down);
  return unit_run (name, t);
}

#endif
