/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Start, wait, kill, with this program itself as the emulator: called with
 * VMSPEC_TEST_EMULATOR in its environment, it does what that says.
 */
#include "scratch.h"

#include <dirent.h>
#include <poll.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>

/* ---- the emulator -------------------------------------------------------- */

/* Open descriptors, one a line, but for that of the list itself. */
static void
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

static void
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
static void
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

static void
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
static void
leave_a_link (void)
{
  if (chdir ("..") != 0 || rename ("vmspec.0123456789", "moved") != 0
      || symlink ("precious", "vmspec.0123456789") != 0)
    _exit (99);
}

/* More than is kept. */
static void
talk (void)
{
  for (int i = 0; i < 10000; i++)
    fprintf (stderr, "word %d\n", i);
  fputs ("the last", stderr);
}

static int
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

static void
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

static void
tear_down (void)
{
  vmspec_plan_free (plan);
  vmspec_diag_free (diag);
  scratch_remove ();
}

static void
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

static vmspec_vm *
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
static int
run (const char *what)
{
  vmspec_vm *vm = started (what);
  int status = -1;

  ck_assert_int_eq (vmspec_vm_wait (vm, -1, &status), 0);
  vmspec_vm_free (vm);
  return status;
}

#define RUN "vmspec.0123456789"

/* ---- ends ---------------------------------------------------------------- */

START_TEST (the_exit_status_is_handed_back)
{
  vmspec_vm *vm = started ("exit");
  int status = -1;

  ck_assert_int_eq (vmspec_vm_wait (vm, -1, &status), 0);
  ck_assert (WIFEXITED (status));
  ck_assert_int_eq (WEXITSTATUS (status), 3);
  /* And again, as often as one likes. */
  status = -1;
  ck_assert_int_eq (vmspec_vm_wait (vm, 0, &status), 0);
  ck_assert_int_eq (WEXITSTATUS (status), 3);
  ck_assert_int_eq (vmspec_vm_wait (vm, -1, NULL), 0);
  vmspec_vm_free (vm);
}
END_TEST

START_TEST (the_signal_that_ended_it_is_handed_back)
{
  int status = run ("signal");

  ck_assert (WIFSIGNALED (status));
  ck_assert_int_eq (WTERMSIG (status), SIGTERM);
}
END_TEST

static int64_t
now_ms (void)
{
  struct timespec now;

  clock_gettime (CLOCK_MONOTONIC, &now);
  return (int64_t) now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

START_TEST (waiting_ends_when_the_time_is_up)
{
  vmspec_vm *vm = started ("sleep");
  int64_t start = now_ms ();
  int status = 12345;

  ck_assert_int_eq (vmspec_vm_wait (vm, 0, &status), -ETIME);
  ck_assert_int_eq (vmspec_vm_wait (vm, 60, &status), -ETIME);
  ck_assert_int_ge (now_ms () - start, 59);
  ck_assert_int_eq (status, 12345);
  ck_assert_int_eq (vmspec_vm_kill (vm, SIGKILL), 0);
  ck_assert_int_eq (vmspec_vm_wait (vm, 60000, &status), 0);
  ck_assert (WIFSIGNALED (status));
  ck_assert_int_eq (WTERMSIG (status), SIGKILL);
  vmspec_vm_free (vm);
}
END_TEST

static void
ignore_alarm (int number)
{
  (void) number;
}

START_TEST (signals_of_the_caller_neither_end_nor_lengthen_waiting)
{
  struct sigaction action = { .sa_handler = ignore_alarm }, old;
  struct itimerval often = { { 0, 10000 }, { 0, 10000 } }, never = { 0 };
  vmspec_vm *vm = started ("sleep");
  int64_t start = now_ms ();

  sigaction (SIGALRM, &action, &old);
  setitimer (ITIMER_REAL, &often, NULL);
  ck_assert_int_eq (vmspec_vm_wait (vm, 150, NULL), -ETIME);
  setitimer (ITIMER_REAL, &never, NULL);
  sigaction (SIGALRM, &old, NULL);
  ck_assert_int_ge (now_ms () - start, 149);
  ck_assert_int_lt (now_ms () - start, 5000);
  vmspec_vm_free (vm);
}
END_TEST

START_TEST (its_descriptor_can_be_polled)
{
  vmspec_vm *vm = started ("sleep");
  struct pollfd end = { .fd = vmspec_vm_pidfd (vm), .events = POLLIN };

  ck_assert_int_ge (end.fd, 0);
  ck_assert_int_eq (fcntl (end.fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
  ck_assert_int_eq (poll (&end, 1, 0), 0);
  ck_assert_int_eq (vmspec_vm_kill (vm, SIGTERM), 0);
  ck_assert_int_eq (poll (&end, 1, 60000), 1);
  ck_assert_int_eq (vmspec_vm_wait (vm, 0, NULL), 0);
  vmspec_vm_free (vm);
}
END_TEST

START_TEST (what_has_ended_cannot_be_killed)
{
  vmspec_vm *vm = started ("exit");

  ck_assert_int_eq (vmspec_vm_wait (vm, -1, NULL), 0);
  ck_assert_int_eq (vmspec_vm_kill (vm, SIGTERM), -ESRCH);
  vmspec_vm_free (vm);
}
END_TEST

START_TEST (a_machine_that_is_let_go_is_killed_and_cleaned_up)
{
  vmspec_vm *vm = started ("sleep");
  int pid = vmspec_vm_pid (vm);

  ck_assert_int_gt (pid, 0);
  ck_assert_int_eq (kill (pid, 0), 0);
  ck_assert (exists (below (RUN "/xchg")));
  vmspec_vm_free (vm);
  ck_assert_int_eq (kill (pid, 0), -1);
  ck_assert (!exists (below (RUN)));
  vmspec_vm_free (NULL);
}
END_TEST

START_TEST (ignored_children_do_not_lose_its_status)
{
  struct sigaction ignore = { .sa_handler = SIG_IGN }, old;
  int status;

  sigaction (SIGCHLD, &ignore, &old);
  status = run ("exit");
  sigaction (SIGCHLD, &old, NULL);
  ck_assert (WIFEXITED (status));
  ck_assert_int_eq (WEXITSTATUS (status), 3);
}
END_TEST

START_TEST (it_is_stopped_without_qmp_as_well)
{
  vmspec_vm *vm = started ("sleep");
  int status = -1;

  ck_assert_int_eq (vmspec_vm_stop (vm, 60000, &status), 0);
  ck_assert (WIFSIGNALED (status));
  ck_assert_int_eq (WTERMSIG (status), SIGTERM);
  ck_assert_int_eq (vmspec_vm_stop (vm, 60000, NULL), 0);
  vmspec_vm_free (vm);
  vm = started ("sleep");
  ck_assert_int_eq (vmspec_vm_stop (vm, 0, &status), 0);
  ck_assert_int_eq (WTERMSIG (status), SIGKILL);
  vmspec_vm_free (vm);
}
END_TEST

START_TEST (its_plan_may_go_before_it)
{
  vmspec_vm *vm = started ("exit");

  vmspec_plan_free (plan);
  plan = NULL;
  ck_assert_int_eq (vmspec_vm_wait (vm, -1, NULL), 0);
  ck_assert_int_eq (vmspec_vm_explain (vm, diag), -EIO);
  vmspec_vm_free (vm);
}
END_TEST

START_TEST (the_copy_of_a_handle_in_a_forked_child_ends_nothing)
{
  vmspec_vm *vm = started ("sleep");
  pid_t child = fork ();
  int status;

  if (child == 0) {
    vmspec_vm_free (vm);
    _exit (0);
  }
  ck_assert_int_eq (waitpid (child, &status, 0), child);
  ck_assert_int_eq (status, 0);
  ck_assert_int_eq (vmspec_vm_wait (vm, 50, NULL), -ETIME);
  ck_assert (exists (below (RUN)));
  vmspec_vm_free (vm);
}
END_TEST

/* The parent of a process, from proc(5). */
static pid_t
parent_of (int pid)
{
  char name[64];
  int parent = 0;

  snprintf (name, sizeof name, "/proc/%d/stat", pid);
  ck_assert_int_eq (sscanf (read_file (name), "%*d (%*[^)]) %*c %d", &parent), 1);
  return parent;
}

START_TEST (who_kills_the_keeper_leaves_nothing_either)
{
  vmspec_vm *vm = started ("sleep");
  int pid = vmspec_vm_pid (vm);

  ck_assert_int_eq (kill (parent_of (pid), SIGKILL), 0);
  ck_assert_int_eq (vmspec_vm_wait (vm, 60000, NULL), -ECHILD);
  ck_assert (!exists (below (RUN)));
  ck_assert_int_eq (vmspec_vm_kill (vm, SIGTERM), -ESRCH);
  vmspec_vm_free (vm);
}
END_TEST

/* As soon as there is an emulator. */
static int
has_no_time (void *data, const struct vmspec_progress *progress)
{
  (void) data;
  (void) progress;
  return exists (below ("report"));
}

START_TEST (who_has_no_time_to_wait_has_a_machine_all_the_same)
{
  struct vmspec_work work = { VMSPEC_INIT (vmspec_work),
                              .progress = has_no_time };
  struct vmspec_start start = plainly;
  vmspec_vm *vm = NULL;
  int64_t begin = now_ms ();

  start.qmp = VMSPEC_ON;
  start.ready_timeout = 60000;
  start.work = &work;
  plan_to ("sleep");
  ck_assert_int_eq (vmspec_vm_start (plan, &start, diag, &vm), 0);
  ck_assert_int_lt (now_ms () - begin, 30000);
  ck_assert_ptr_nonnull (unit_finding (diag, "qmp.silent"));
  ck_assert_int_eq (vmspec_vm_wait (vm, 0, NULL), -ETIME);
  vmspec_vm_free (vm);
}
END_TEST

/* ---- why ----------------------------------------------------------------- */

START_TEST (its_last_words_are_kept)
{
  struct vmspec_start start = plainly;
  vmspec_vm *vm = NULL;
  const char *words;
  size_t size;

  start.error = VMSPEC_STDIO_NULL;
  plan_to ("talk");
  ck_assert_int_eq (vmspec_vm_start (plan, &start, diag, &vm), 0);
  ck_assert_int_eq (vmspec_vm_wait (vm, -1, NULL), 0);
  words = vmspec_vm_last_words (vm, &size);
  ck_assert_uint_eq (size, 65536);
  ck_assert_uint_eq (strlen (words), size);
  ck_assert_str_eq (words + size - 18, "word 9999\nthe last");
  vmspec_vm_free (vm);
}
END_TEST

/* Nothing for a moment, and then all. */
static int
read_slowly (int fd, size_t expected)
{
  char bytes[4096];
  size_t size = 0;
  ssize_t n;

  poll (NULL, 0, 100);
  while ((n = read (fd, bytes, sizeof bytes)) > 0)
    size += (size_t) n;
  return size != expected;
}

START_TEST (a_slow_reader_gets_all_of_its_words)
{
  struct vmspec_start start = plainly;
  vmspec_vm *vm = NULL;
  int ends[2], status;
  pid_t reader;

  ck_assert_int_eq (pipe2 (ends, O_CLOEXEC), 0);
  reader = fork ();
  if (reader == 0) {
    close (ends[1]);
    _exit (read_slowly (ends[0], 10000 * strlen ("word \n") + 38890
                                   + strlen ("the last")));
  }
  start.error = VMSPEC_STDIO_DESCRIPTOR;
  start.error_fd = (uint32_t) ends[1];
  plan_to ("talk");
  ck_assert_int_eq (vmspec_vm_start (plan, &start, diag, &vm), 0);
  ck_assert_int_eq (vmspec_vm_wait (vm, -1, NULL), 0);
  vmspec_vm_free (vm);
  close (ends[0]);
  close (ends[1]);
  ck_assert_int_eq (waitpid (reader, &status, 0), reader);
  ck_assert_int_eq (status, 0);
}
END_TEST

START_TEST (what_killed_it_is_said)
{
  vmspec_vm *vm = started ("sleep");

  ck_assert_int_eq (vmspec_vm_explain (vm, diag), 0);
  vmspec_vm_kill (vm, SIGKILL);
  ck_assert_int_eq (vmspec_vm_wait (vm, -1, NULL), 0);
  ck_assert_uint_eq (vmspec_diag_count (diag), 0);
  ck_assert_int_eq (vmspec_vm_explain (vm, diag), -EIO);
  ck_assert_ptr_nonnull (unit_finding (diag, "qemu.killed"));
  vmspec_vm_free (vm);
}
END_TEST

START_TEST (what_it_is_accelerated_by_is_known)
{
  vmspec_vm *vm;

  qemu.accel = VMSPEC_ACCEL_OFF;
  vm = started ("exit");
  ck_assert_str_eq (vmspec_vm_accel (vm), "tcg");
  vmspec_vm_free (vm);
}
END_TEST

/* ---- what the child gets ------------------------------------------------- */

START_TEST (its_group_is_the_callers_unless_it_wants_its_own)
{
  struct vmspec_start start = plainly;
  vmspec_vm *vm = NULL;

  ck_assert_int_eq (run ("group"), 0);
  ck_assert_str_eq (read_file (below ("report")), "shared\n");
  start.own_group = VMSPEC_ON;
  ck_assert_int_eq (vmspec_vm_start (plan, &start, diag, &vm), 0);
  ck_assert_int_eq (vmspec_vm_wait (vm, -1, NULL), 0);
  ck_assert_str_eq (read_file (below ("report")), "own\n");
  vmspec_vm_free (vm);
}
END_TEST

/* With numbers that are in each other's way, and beyond the control socket's. */
START_TEST (it_gets_the_descriptors_that_the_caller_names)
{
  int ends[2];
  struct vmspec_descriptor one = { VMSPEC_INIT (vmspec_descriptor) },
                           other = one;
  const struct vmspec_descriptor *const both[] = { &one, &other, NULL };
  struct vmspec_start start = plainly;
  vmspec_vm *vm = NULL;
  char expected[64];

  ck_assert_int_eq (pipe (ends), 0);
  one.fd = (uint32_t) ends[0];
  other.fd = (uint32_t) ends[1];
  one.number = other.fd;
  other.number = 20;
  start.descriptors = both;
  plan_to ("descriptors");
  ck_assert_int_eq (vmspec_vm_start (plan, &start, diag, &vm), 0);
  ck_assert_int_eq (vmspec_vm_wait (vm, -1, NULL), 0);
  vmspec_vm_free (vm);
  snprintf (expected, sizeof expected, "0\n1\n2\n%u\n20\n", one.number);
  ck_assert_str_eq (read_file (below ("report")), expected);
  close (ends[0]);
  close (ends[1]);
}
END_TEST

START_TEST (it_runs_in_the_run_directory_with_its_arguments)
{
  char expected[3 * PATH_MAX];

  ck_assert_int_eq (run ("where"), 0);
  snprintf (expected, sizeof expected, "%s/" RUN "\n%s/" RUN "\n%s\n", scratch,
            scratch, vmspec_plan_argv (plan)[1]);
  ck_assert_str_eq (read_file (below ("report")), expected);
}
END_TEST

static int
count_descriptors (void)
{
  DIR *directory = opendir ("/proc/self/fd");
  int n = 0;

  while (readdir (directory))
    n++;
  closedir (directory);
  return n;
}

START_TEST (only_the_three_standard_descriptors_are_inherited)
{
  int plain = open ("/dev/null", O_RDONLY), high = fcntl (plain, F_DUPFD, 200);
  int pipes[2];

  ck_assert_int_eq (pipe (pipes), 0);
  ck_assert_int_ge (high, 200);
  ck_assert_int_eq (run ("descriptors"), 0);
  close (plain);
  close (high);
  close (pipes[0]);
  close (pipes[1]);
  ck_assert_str_eq (read_file (below ("report")), "0\n1\n2\n");
}
END_TEST

START_TEST (no_descriptor_is_left_behind)
{
  int before = count_descriptors ();

  for (int i = 0; i < 5; i++) {
    run ("exit");
    vmspec_vm_free (started ("sleep"));
  }
  ck_assert_int_eq (count_descriptors (), before);
}
END_TEST

START_TEST (the_callers_signal_mask_and_ignored_signals_stay_with_it)
{
  sigset_t all, old;
  struct sigaction ignore = { .sa_handler = SIG_IGN }, pipe_, term;

  sigfillset (&all);
  sigaction (SIGPIPE, &ignore, &pipe_);
  sigaction (SIGTERM, &ignore, &term);
  sigprocmask (SIG_SETMASK, &all, &old);
  ck_assert_int_eq (run ("signals"), 0);
  sigprocmask (SIG_SETMASK, &old, NULL);
  sigaction (SIGPIPE, &pipe_, NULL);
  sigaction (SIGTERM, &term, NULL);
  ck_assert_str_eq (read_file (below ("report")), "");
}
END_TEST

/* ---- the run directory --------------------------------------------------- */

START_TEST (the_run_directory_is_the_users_alone_and_goes_with_the_machine)
{
  vmspec_vm *vm = started ("sleep");
  struct stat status;

  ck_assert_int_eq (stat (below (RUN), &status), 0);
  ck_assert_uint_eq (status.st_mode & 07777, S_ISVTX | 0700);
  ck_assert (exists (below (RUN "/xchg")));
  vmspec_vm_kill (vm, SIGTERM);
  ck_assert_int_eq (vmspec_vm_wait (vm, -1, NULL), 0);
  ck_assert (!exists (below (RUN)));
  vmspec_vm_free (vm);
}
END_TEST

START_TEST (a_run_directory_stays_if_it_is_to)
{
  struct vmspec_start start = plainly;
  vmspec_vm *vm = NULL;

  start.keep_directory = VMSPEC_ON;
  plan_to ("exit");
  ck_assert_int_eq (vmspec_vm_start (plan, &start, diag, &vm), 0);
  ck_assert_int_eq (vmspec_vm_wait (vm, -1, NULL), 0);
  vmspec_vm_free (vm);
  ck_assert (exists (below (RUN "/xchg")));
}
END_TEST

START_TEST (one_that_was_prepared_is_taken_over)
{
  size_t removed = 99;
  vmspec_vm *vm = NULL;

  plan_to ("exit");
  ck_assert_int_eq (vmspec_plan_prepare (plan, NULL, NULL, diag), 0);
  ck_assert_int_eq (vmspec_plan_prepare (plan, NULL, NULL, diag), 0);
  ck_assert_int_eq (mkdir (RUN "/mine", 0700), 0);
  /* It is in use already. */
  ck_assert_int_eq (vmspec_clean (scratch, &removed), 0);
  ck_assert_uint_eq (removed, 0);
  ck_assert (exists (below (RUN "/mine")));
  ck_assert_int_eq (vmspec_vm_start (plan, &plainly, diag, &vm), 0);
  ck_assert_int_eq (vmspec_vm_wait (vm, -1, NULL), 0);
  vmspec_vm_free (vm);
  ck_assert (!exists (below (RUN)));
}
END_TEST

START_TEST (one_that_was_prepared_for_nothing_is_a_leftover)
{
  size_t removed = 0;

  plan_to ("exit");
  ck_assert_int_eq (vmspec_plan_prepare (plan, NULL, NULL, diag), 0);
  vmspec_plan_free (plan);
  plan = NULL;
  ck_assert (exists (below (RUN "/xchg")));
  ck_assert_int_eq (vmspec_clean (scratch, &removed), 0);
  ck_assert_uint_eq (removed, 1);
  ck_assert (!exists (below (RUN)));
  ck_assert_int_eq (vmspec_clean (below ("nowhere"), &removed), -ENOENT);
}
END_TEST

START_TEST (only_ours_are_leftovers)
{
  static const struct {
    const char *name;
    mode_t mode;
  } others[] = { { "vmspec.regression", 0700 }, { "vmspec.short", 01700 },
                 { "vmspecs.012345678", 01700 }, { "vmspec.01234567890", 01700 },
                 { "vmspec.public0000", 01777 } };
  size_t removed = 99;

  for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
    ck_assert_int_eq (mkdir (others[i].name, 0700), 0);
    ck_assert_int_eq (chmod (others[i].name, others[i].mode), 0);
  }
  ck_assert_int_eq (vmspec_clean (scratch, &removed), 0);
  ck_assert_uint_eq (removed, 0);
  for (size_t i = 0; i < sizeof others / sizeof *others; i++)
    ck_assert (exists (others[i].name));
}
END_TEST

START_TEST (a_plan_runs_once_at_a_time)
{
  vmspec_vm *vm = started ("sleep"), *other = NULL;

  ck_assert_int_eq (vmspec_vm_start (plan, &plainly, diag, &other), -EEXIST);
  ck_assert_ptr_null (other);
  ck_assert_int_eq (vmspec_vm_wait (vm, 0, NULL), -ETIME);
  ck_assert (exists (below (RUN "/xchg")));
  vmspec_vm_free (vm);
}
END_TEST

START_TEST (a_directory_of_the_users_own_stays)
{
  snprintf (variables[0], sizeof variables[0], "TMPDIR=%s/own", scratch);
  host.environment = STRINGS (variables[0], "USE_TMPDIR=1",
                              "VMSPEC_TEST_EMULATOR=exit");
  for (int i = 0; i < 2; i++) {
    vmspec_vm *vm = NULL;

    plan = unit_plan (&spec, &host);
    ck_assert_int_eq (vmspec_vm_start (plan, &plainly, diag, &vm), 0);
    ck_assert_int_eq (vmspec_vm_wait (vm, -1, NULL), 0);
    vmspec_vm_free (vm);
    ck_assert (exists (below ("own/xchg")));
    vmspec_plan_free (plan);
    plan = NULL;
  }
}
END_TEST

START_TEST (a_directory_of_somebody_else_is_not_touched)
{
  vmspec_vm *vm = NULL;

  ck_assert_int_eq (mkdir (RUN, 0700), 0);
  make_file (RUN "/precious", 0600, "mine");
  plan_to ("exit");
  ck_assert_int_eq (vmspec_vm_start (plan, &plainly, diag, &vm), -EEXIST);
  ck_assert_ptr_null (vm);
  ck_assert_ptr_nonnull (unit_finding (diag, "run-directory.failed"));
  ck_assert_str_eq (read_file (RUN "/precious"), "mine");
  ck_assert (!exists (RUN "/xchg"));
  /* Nor is what a link leads to. */
  ck_assert_int_eq (rename (RUN, "elsewhere"), 0);
  ck_assert_int_eq (symlink ("elsewhere", RUN), 0);
  ck_assert_int_eq (vmspec_vm_start (plan, &plainly, diag, &vm), -EEXIST);
  ck_assert_str_eq (read_file ("elsewhere/precious"), "mine");
}
END_TEST

START_TEST (the_hosts_certificates_are_handed_to_the_guest)
{
  vmspec_vm *vm = NULL;

  make_file ("bundle", 0600, "certificate");
  spec.host_certs = VMSPEC_ON;
  plan_to ("sleep");
  environment[3] = "NIX_SSL_CERT_FILE=bundle";
  vmspec_plan_free (plan);
  plan = unit_plan (&spec, &host);
  ck_assert_int_eq (vmspec_vm_start (plan, &plainly, diag, &vm), 0);
  ck_assert_uint_eq (vmspec_diag_count (diag), 0);
  ck_assert_str_eq (read_file (RUN "/certs/ca-certificates.crt"),
                    "certificate");
  vmspec_vm_free (vm);
  ck_assert_str_eq (read_file ("bundle"), "certificate");
}
END_TEST

START_TEST (without_certificates_the_guest_has_none_and_that_is_said)
{
  vmspec_vm *vm;

  spec.host_certs = VMSPEC_ON;
  vm = started ("sleep");
  ck_assert_ptr_nonnull (unit_finding (diag, "host-certs.missing"));
  ck_assert_uint_eq (unit_finding (diag, "host-certs.missing")->severity,
                     VMSPEC_SEVERITY_WARNING);
  ck_assert (exists (RUN "/certs"));
  ck_assert (!exists (RUN "/certs/ca-certificates.crt"));
  vmspec_vm_free (vm);
}
END_TEST

/* Its parts as a process of nobody, for whom modes mean something.  The name of
 * the program has to be within nobody's reach. */
static void
as_nobody (int (*test) (void))
{
  int status;
  pid_t pid;

  ck_assert_int_eq (chmod (scratch, 0777), 0);
  pid = fork ();
  if (pid == 0) {
    be_nobody ();
    _exit (test ());
  }
  ck_assert_int_eq (waitpid (pid, &status, 0), pid);
  ck_assert (WIFEXITED (status));
  if (WEXITSTATUS (status) != 77)
    ck_assert_int_eq (WEXITSTATUS (status), 0);
}

static int
run_and_look (const char *what)
{
  vmspec_vm *vm = NULL;
  int status = -1;

  plan_to (what);
  if (access (self, X_OK) < 0 || access (plainly.keeper, X_OK) < 0)
    return 77;
  if (vmspec_vm_start (plan, &plainly, diag, &vm) < 0)
    return 1;
  if (vmspec_vm_wait (vm, -1, &status) < 0 || status != 0)
    return 2;
  vmspec_vm_free (vm);
  if (exists (below (RUN)))
    return 3;
  return strcmp (read_file (below ("precious/file")), "mine") ? 4 : 0;
}

static int
run_mess (void)
{
  return run_and_look ("mess");
}

static void
make_precious (void)
{
  ck_assert_int_eq (mkdir ("precious", 0777), 0);
  ck_assert_int_eq (chmod ("precious", 0777), 0);
  make_file ("precious/file", 0644, "mine");
}

START_TEST (whatever_modes_a_guest_sets_everything_goes)
{
  make_precious ();
  as_nobody (run_mess);
}
END_TEST

START_TEST (links_in_the_run_directory_are_not_followed)
{
  make_precious ();
  ck_assert_int_eq (run_and_look ("mess"), 0);
}
END_TEST

START_TEST (a_link_in_the_place_of_the_run_directory_is_not_followed)
{
  make_precious ();
  ck_assert_int_eq (run ("link"), 0);
  ck_assert_str_eq (read_file ("precious/file"), "mine");
}
END_TEST

START_TEST (certificates_are_not_written_through_a_link)
{
  vmspec_vm *vm = NULL;

  make_precious ();
  make_file ("bundle", 0600, "certificate");
  ck_assert_int_eq (mkdir ("own", 0700), 0);
  ck_assert_int_eq (mkdir ("own/certs", 0700), 0);
  ck_assert_int_eq (symlink ("../../precious/file",
                             "own/certs/ca-certificates.crt"), 0);
  snprintf (variables[0], sizeof variables[0], "TMPDIR=%s/own", scratch);
  host.environment = STRINGS (variables[0], "USE_TMPDIR=1",
                              "NIX_SSL_CERT_FILE=bundle",
                              "VMSPEC_TEST_EMULATOR=exit");
  spec.host_certs = VMSPEC_ON;
  plan = unit_plan (&spec, &host);
  if (vmspec_vm_start (plan, &plainly, diag, &vm) == 0)
    vmspec_vm_free (vm);
  ck_assert_str_eq (read_file ("precious/file"), "mine");
}
END_TEST

START_TEST (a_tree_goes_however_deep_it_is)
{
  make_precious ();
  ck_assert_int_eq (run_and_look ("deep"), 0);
}
END_TEST

/* ---- refusals ------------------------------------------------------------ */

static void
start_fails (const struct vmspec_start *start, int error, const char *id)
{
  vmspec_vm *untouched = (void *) &spec, *vm = untouched;
  int before = count_descriptors ();

  vmspec_diag_clear (diag);
  ck_assert_int_eq (vmspec_vm_start (plan, start, diag, &vm), error);
  ck_assert_ptr_eq (vm, untouched);
  ck_assert_msg (unit_finding (diag, id) != NULL, "%s", unit_findings (diag));
  ck_assert (!exists (below (RUN)));
  ck_assert_int_eq (count_descriptors (), before);
  /* No child either. */
  ck_assert_int_eq (waitpid (-1, NULL, WNOHANG), -1);
}

START_TEST (a_program_that_is_not_there_is_said)
{
  qemu.binary = "/no/such/program";
  plan_to ("exit");
  start_fails (&plainly, -ENOENT, "qemu.missing");
  start_fails (&force, -ENOENT, "qemu.missing");
}
END_TEST

START_TEST (a_program_that_is_none_is_said)
{
  make_file ("data", 0755, "no program");
  make_file ("text", 0644, "no program");
  qemu.binary = below ("text");
  plan_to ("exit");
  start_fails (&plainly, -ENOENT, "qemu.missing");
  start_fails (&force, -EACCES, "qemu.failed");
  qemu.binary = below ("data");
  plan_to ("exit");
  start_fails (&plainly, -EIO, "qemu.failed");
}
END_TEST

START_TEST (a_descriptor_that_is_none_is_said)
{
  struct vmspec_descriptor one
    = { VMSPEC_INIT (vmspec_descriptor), .number = 5, .fd = 987 };
  const struct vmspec_descriptor *const list[] = { &one, NULL };
  struct vmspec_start start = plainly;

  start.descriptors = list;
  start.input = start.output = start.error = VMSPEC_STDIO_DESCRIPTOR;
  start.input_fd = start.output_fd = start.error_fd = 986;
  plan_to ("exit");
  start_fails (&start, -EBADF, "start.descriptor");
  ck_assert_uint_eq (vmspec_diag_count (diag), 4);
}
END_TEST

/* One that another process has taken over since is not removed. */
START_TEST (files_of_the_callers_go_with_the_machine)
{
  char paths[4][PATH_MAX + 16];
  const char *const list[] = { paths[0], paths[1], paths[2], paths[3], NULL };
  static const char *const names[]
    = { "full", "empty", "empty/mine", "full/locked" };
  struct vmspec_start start = plainly;
  vmspec_vm *vm = NULL;
  int lock;

  for (int i = 0; i < 4; i++)
    snprintf (paths[i], sizeof paths[i], "%s/%s", scratch, names[i]);
  ck_assert_int_eq (mkdir ("full", 0700), 0);
  ck_assert_int_eq (mkdir ("empty", 0700), 0);
  make_file ("empty/mine", 0600, "");
  make_file ("full/locked", 0600, "");
  lock = open ("full/locked", O_RDONLY | O_CLOEXEC);
  ck_assert_int_eq (flock (lock, LOCK_EX), 0);
  start.temporaries = list;
  plan_to ("sleep");
  ck_assert_int_eq (vmspec_vm_start (plan, &start, diag, &vm), 0);
  ck_assert (exists (below ("empty/mine")));
  vmspec_vm_free (vm);
  ck_assert (!exists (below ("empty")));
  ck_assert (exists (below ("full/locked")));
  close (lock);
  start.temporaries = STRINGS ("full");
  start_fails (&start, -EINVAL, "start.temporary");
  ck_assert (exists (below ("full/locked")));
}
END_TEST

/* Whose limits are the reason, not what could not be started. */
START_TEST (a_caller_without_descriptors_is_told_so)
{
  struct rlimit limit, old;
  vmspec_vm *vm = NULL;
  int next = dup (0);

  close (next);
  plan_to ("exit");
  getrlimit (RLIMIT_NOFILE, &old);
  for (rlim_t more = 0; more < 20; more++) {
    limit = (struct rlimit) { (rlim_t) next + more, old.rlim_max };
    setrlimit (RLIMIT_NOFILE, &limit);
    vmspec_diag_clear (diag);
    if (vmspec_vm_start (plan, &force, diag, &vm) == 0)
      break;
    ck_assert_msg (unit_finding (diag, "start.failed") != NULL, "%s",
                   unit_findings (diag));
    ck_assert (!exists (below (RUN)));
  }
  setrlimit (RLIMIT_NOFILE, &old);
  ck_assert_ptr_nonnull (vm);
  vmspec_vm_free (vm);
}
END_TEST

START_TEST (a_machine_with_a_blocker_is_started_by_force_only)
{
  struct vmspec_disk disk = { VMSPEC_INIT (vmspec_disk), .size = VMSPEC_NONE };
  vmspec_vm *vm = NULL;

  spec.disk = &disk;
  plan_to ("exit");
  start_fails (&plainly, -ENOEXEC, "disk.no-size");
  start_fails (&(struct vmspec_start) { VMSPEC_INIT (vmspec_start) }, -ENOEXEC,
               "disk.no-size");
  start_fails (&(struct vmspec_start) { VMSPEC_INIT (vmspec_start),
                                        .force = VMSPEC_OFF }, -ENOEXEC,
               "disk.no-size");
  ck_assert_str_eq (unit_finding (diag, "disk.no-size")->path, "disk.size");
  ck_assert_int_eq (vmspec_vm_start (plan, &force, diag, &vm), 0);
  vmspec_vm_free (vm);
}
END_TEST

START_TEST (a_missing_file_is_overlooked_by_force_only)
{
  struct vmspec_boot boot
    = { VMSPEC_INIT (vmspec_boot), .kernel = "/no/kernel" };
  vmspec_vm *vm = NULL;

  spec.boot = &boot;
  plan_to ("exit");
  start_fails (&plainly, -ENOENT, "file.missing");
  ck_assert_int_eq (vmspec_vm_start (plan, &force, diag, &vm), 0);
  vmspec_vm_free (vm);
}
END_TEST

START_TEST (options_of_the_start_follow_the_rule_for_structs)
{
  struct {
    struct vmspec_start known;
    uint64_t tail;
  } newer = { force, 1 };
  struct vmspec_start wrong = { VMSPEC_INIT (vmspec_start), .force = 1 };
  struct vmspec_start none = { .force = VMSPEC_ON };
  vmspec_vm *vm = NULL;

  newer.known.struct_size = sizeof newer;
  plan_to ("exit");
  start_fails (&newer.known, -E2BIG, "struct.too-new");
  start_fails (&wrong, -EINVAL, "option.switch");
  start_fails (&none, -EINVAL, "struct.size");
  newer.tail = 0;
  ck_assert_int_eq (vmspec_vm_start (plan, &newer.known, diag, &vm), 0);
  vmspec_vm_free (vm);
}
END_TEST

START_TEST (where_nothing_can_be_made_nothing_is_started)
{
  plan_to ("exit");
  snprintf (variables[0], sizeof variables[0], "TMPDIR=%s/no/such", scratch);
  vmspec_plan_free (plan);
  plan = unit_plan (&spec, &host);
  start_fails (&plainly, -ENOENT, "run-directory.failed");
}
END_TEST

START_TEST (a_plan_can_be_started_again_and_again)
{
  vmspec_vm *vm = NULL;

  plan_to ("exit");
  for (int i = 0; i < 3; i++) {
    ck_assert_int_eq (vmspec_vm_start (plan, &plainly, NULL, &vm), 0);
    ck_assert_int_eq (vmspec_vm_wait (vm, -1, NULL), 0);
    vmspec_vm_free (vm);
  }
}
END_TEST

int
main (int argc, char **argv)
{
  const char *what = getenv ("VMSPEC_TEST_EMULATOR");
  TCase *t;

  if (what)
    return emulator (what, argc ? argv : (char *[2]) { NULL });
  t = unit_case ("vm");
  tcase_add_checked_fixture (t, set_up, tear_down);
  tcase_add_test (t, the_exit_status_is_handed_back);
  tcase_add_test (t, the_signal_that_ended_it_is_handed_back);
  tcase_add_test (t, waiting_ends_when_the_time_is_up);
  tcase_add_test (t, signals_of_the_caller_neither_end_nor_lengthen_waiting);
  tcase_add_test (t, its_descriptor_can_be_polled);
  tcase_add_test (t, what_has_ended_cannot_be_killed);
  tcase_add_test (t, a_machine_that_is_let_go_is_killed_and_cleaned_up);
  tcase_add_test (t, it_runs_in_the_run_directory_with_its_arguments);
  tcase_add_test (t, only_the_three_standard_descriptors_are_inherited);
  tcase_add_test (t, no_descriptor_is_left_behind);
  tcase_add_test (t, the_callers_signal_mask_and_ignored_signals_stay_with_it);
  tcase_add_test (t,
    the_run_directory_is_the_users_alone_and_goes_with_the_machine);
  tcase_add_test (t, ignored_children_do_not_lose_its_status);
  tcase_add_test (t, it_is_stopped_without_qmp_as_well);
  tcase_add_test (t, its_plan_may_go_before_it);
  tcase_add_test (t, the_copy_of_a_handle_in_a_forked_child_ends_nothing);
  tcase_add_test (t, who_kills_the_keeper_leaves_nothing_either);
  tcase_add_test (t, who_has_no_time_to_wait_has_a_machine_all_the_same);
  tcase_add_test (t, its_last_words_are_kept);
  tcase_add_test (t, a_slow_reader_gets_all_of_its_words);
  tcase_add_test (t, what_killed_it_is_said);
  tcase_add_test (t, what_it_is_accelerated_by_is_known);
  tcase_add_test (t, its_group_is_the_callers_unless_it_wants_its_own);
  tcase_add_test (t, it_gets_the_descriptors_that_the_caller_names);
  tcase_add_test (t, a_run_directory_stays_if_it_is_to);
  tcase_add_test (t, one_that_was_prepared_is_taken_over);
  tcase_add_test (t, one_that_was_prepared_for_nothing_is_a_leftover);
  tcase_add_test (t, only_ours_are_leftovers);
  tcase_add_test (t, a_plan_runs_once_at_a_time);
  tcase_add_test (t, a_directory_of_the_users_own_stays);
  tcase_add_test (t, a_directory_of_somebody_else_is_not_touched);
  tcase_add_test (t, the_hosts_certificates_are_handed_to_the_guest);
  tcase_add_test (t,
                  without_certificates_the_guest_has_none_and_that_is_said);
  tcase_add_test (t, whatever_modes_a_guest_sets_everything_goes);
  tcase_add_test (t, links_in_the_run_directory_are_not_followed);
  tcase_add_test (t, a_link_in_the_place_of_the_run_directory_is_not_followed);
  tcase_add_test (t, certificates_are_not_written_through_a_link);
  tcase_add_test (t, a_tree_goes_however_deep_it_is);
  tcase_add_test (t, a_program_that_is_not_there_is_said);
  tcase_add_test (t, a_program_that_is_none_is_said);
  tcase_add_test (t, a_descriptor_that_is_none_is_said);
  tcase_add_test (t, files_of_the_callers_go_with_the_machine);
  tcase_add_test (t, a_caller_without_descriptors_is_told_so);
  tcase_add_test (t, a_machine_with_a_blocker_is_started_by_force_only);
  tcase_add_test (t, a_missing_file_is_overlooked_by_force_only);
  tcase_add_test (t, options_of_the_start_follow_the_rule_for_structs);
  tcase_add_test (t, where_nothing_can_be_made_nothing_is_started);
  tcase_add_test (t, a_plan_can_be_started_again_and_again);
  return unit_run ("vm", t);
}
