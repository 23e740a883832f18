/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Kills a process before and after each of its system calls:
 *
 *     fate-kill caller|helped-caller|keeper STEP DIRECTORY STATE [SETTING...]
 *
 * or at each STEP-th of these moments.  It is the caller in vmspec_vm_start, or the keeper from its birth to its
 * end; a helped caller has a helper program that runs long, and is killed as
 * long as it does something itself.  Fresh run directories come and go in
 * DIRECTORY; STATE is that of the TPM.  All descendants without a parent become
 * ours, so that none can be overlooked.
 */
#include "fate.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
  LIMIT_MS = 2000,           /* what is promised */
  SLACK_MS = 1000,           /* of a machine that is busy */
  MOST_PROBLEMS = 10,
  PATIENCE_MS = 500,         /* with a helper */
  TRY_AGAIN = 16,            /* after so many kills, an undisturbed start */
  LOST = 3                   /* exit status of who has lost the keeper */
};

static const char *directory, *state;
static unsigned n_settings;
static char **settings;
static unsigned problems;
static int last_call = -1, is_entered; /* at the last stop */
static int kills_keeper, is_helped;

static void
complain (long stop, const char *what, const char *which)
{
  problems++;
  printf ("  killed at stop %ld, %s system call %d: %s%s\n", stop,
          is_entered ? "before" : "after", last_call, what, which);
}

static int64_t
vms_now_ms (void)
{
  struct timespec now;

  clock_gettime (CLOCK_MONOTONIC, &now);
  return (int64_t) now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* ---- the caller --------------------------------------------------------- */

static void
say_findings (const struct machine *machine)
{
  const struct vmspec_finding *f;

  for (size_t i = 0; (f = vmspec_diag_get (machine->diag, i)); i++)
    printf ("  %s: %s\n", f->id, f->text);
  fflush (stdout);
}

static void
prepare_machine (struct machine *machine)
{
  machine_init (machine);
  for (unsigned i = 0; i < n_settings; i++) {
    char *copy = strdup (settings[i]);

    if (!copy || machine_set (machine, copy) < 0)
      fatal (settings[i]);
  }
  if (machine_plan (machine) < 0) {
    say_findings (machine);
    fatal ("plan");
  }
}

static void
be_traced (struct machine *machine)
{
  prepare_machine (machine);
  if (ptrace (PTRACE_TRACEME, 0, NULL, NULL) < 0)
    _exit (77);
  raise (SIGSTOP);
}

/* What is counted begins with the stop by a signal. */
static void
be_killed (void)
{
  struct machine machine;
  vmspec_vm *vm = NULL;
  int r;

  be_traced (&machine);
  r = vmspec_vm_start (machine.plan, &machine.start, machine.diag, &vm);
  if (r < 0)
    say_findings (&machine);
  _exit (r < 0);
}

/* The start may fail then, with a finding.  What there is after a moment is gone
 * when the handle is. */
static void
lose_keeper (void)
{
  struct machine machine;
  vmspec_vm *vm = NULL;
  int r;

  be_traced (&machine);
  r = vmspec_vm_start (machine.plan, &machine.start, machine.diag, &vm);
  if (r < 0)
    _exit (vmspec_diag_count (machine.diag) ? LOST : 1);
  r = vmspec_vm_wait (vm, 0, NULL);
  vmspec_vm_free (vm);
  _exit (r == -ETIME ? 0 : r == -ECHILD ? LOST : 1);
}

/* Also takes the machine down again. */
static void
be_undisturbed (void)
{
  struct machine machine;
  vmspec_vm *vm = NULL;
  int r;

  prepare_machine (&machine);
  r = vmspec_vm_start (machine.plan, &machine.start, machine.diag, &vm);
  if (r < 0 || vmspec_diag_count (machine.diag))
    say_findings (&machine);
  if (r == 0 && vmspec_vm_wait (vm, 0, NULL) != -ETIME)
    r = -ESRCH;
  vmspec_vm_free (vm);
  _exit (r < 0);
}

static pid_t
start (void (*caller) (void))
{
  pid_t pid;

  fflush (NULL);
  pid = fork ();
  if (pid < 0)
    fatal ("fork");
  if (pid == 0) {
    alarm (60); /* it hangs */
    caller ();
  }
  return pid;
}

static int
wait_for (pid_t pid)
{
  int status;

  while (waitpid (pid, &status, 0) < 0)
    if (errno != EINTR)
      fatal ("waitpid");
  return status;
}

static void
trace (pid_t pid, long more)
{
  if (ptrace (PTRACE_SETOPTIONS, pid, NULL,
              PTRACE_O_EXITKILL | PTRACE_O_TRACESYSGOOD | more) < 0)
    fatal ("ptrace");
}

static void
note_call (pid_t pid)
{
  struct __ptrace_syscall_info info;

  if (ptrace (PTRACE_GET_SYSCALL_INFO, pid, (void *) sizeof info, &info) < 0)
    return;
  is_entered = info.op == PTRACE_SYSCALL_INFO_ENTRY;
  if (is_entered)
    last_call = (int) info.entry.nr;
}

/* From one stop to the next, or to its death at that where *left has come down to
 * 0; one that takes too long is let go, and asked to end. */
static void
move_on (pid_t pid, int stopped_by, int64_t until, long *left)
{
  int is_call = stopped_by == (SIGTRAP | 0x80);
  long passed = is_call || stopped_by == SIGSTOP || stopped_by == SIGTRAP
                  ? 0 : stopped_by;

  if (is_call)
    note_call (pid);
  if (is_call && --*left == 0)
    kill (pid, SIGKILL);
  else if (vms_now_ms () < until)
    ptrace (PTRACE_SYSCALL, pid, NULL, passed);
  else {
    kill (pid, SIGTERM);
    ptrace (PTRACE_DETACH, pid, NULL, 0L);
  }
}

/* To the end; returns waitpid's status. */
static int
follow (pid_t pid, int status, long *left)
{
  int64_t until = vms_now_ms () + (is_helped ? PATIENCE_MS : 60000);

  while (WIFSTOPPED (status)) {
    move_on (pid, WSTOPSIG (status), until, left);
    status = wait_for (pid);
  }
  return status;
}

/* The status is that of the caller, and SIGKILL if it came so far. */
static int
kill_caller (long *left)
{
  pid_t pid = start (be_killed);
  int status = wait_for (pid);

  if (WIFSTOPPED (status))
    trace (pid, 0);
  return follow (pid, status, left);
}

/* The caller's first child: it is born stopped. */
static pid_t
wait_for_keeper (pid_t caller)
{
  unsigned long keeper = 0;
  int status;

  trace (caller, PTRACE_O_TRACEVFORK | PTRACE_O_TRACEFORK
                   | PTRACE_O_TRACECLONE);
  ptrace (PTRACE_CONT, caller, NULL, 0L);
  status = wait_for (caller);
  if (!WIFSTOPPED (status) || status >> 16 == 0
      || ptrace (PTRACE_GETEVENTMSG, caller, NULL, &keeper) < 0)
    fatal ("the caller starts no keeper");
  (void) wait_for ((pid_t) keeper);
  trace ((pid_t) keeper, 0);
  ptrace (PTRACE_DETACH, caller, NULL, NULL);
  return (pid_t) keeper;
}

/* The keeper is its parent's to wait for, after us.  The status is SIGKILL if it
 * was killed, and what its caller made of that otherwise. */
static int
kill_keeper (long *left)
{
  pid_t caller = start (lose_keeper), keeper;
  int status = wait_for (caller), killed;

  if (!WIFSTOPPED (status))
    return status;
  keeper = wait_for_keeper (caller);
  ptrace (PTRACE_SYSCALL, keeper, NULL, 0L);
  status = follow (keeper, wait_for (keeper), left);
  killed = WIFSIGNALED (status);
  status = wait_for (caller);
  if (killed && WIFEXITED (status)
      && (WEXITSTATUS (status) == 0 || WEXITSTATUS (status) == LOST))
    return SIGKILL;
  return status;
}

/* ---- what is left ------------------------------------------------------- */

/* Until there are no children of children left either, or for so long. */
static int
wait_for_orphans (int64_t until)
{
  const struct timespec moment = { 0, 500000 };

  for (;;) {
    pid_t pid = waitpid (-1, NULL, WNOHANG);

    if (pid < 0)
      return 1;
    if (pid == 0 && vms_now_ms () >= until)
      return 0;
    if (pid == 0)
      nanosleep (&moment, NULL);
  }
}

static void
name_process (long pid, char *name, size_t size)
{
  char path[40];
  FILE *file;

  snprintf (path, sizeof path, "/proc/%ld/comm", pid);
  file = fopen (path, "re");
  if (!file || !fgets (name, (int) size, file))
    snprintf (name, size, "?");
  name[strcspn (name, "\n")] = '\0';
  if (file)
    fclose (file);
}

/* So that the next try does not find them. */
static void
end_orphans (long stop)
{
  char path[60], name[40];
  FILE *file;
  long pid;

  for (int round = 0; round < 10; round++) {
    snprintf (path, sizeof path, "/proc/self/task/%d/children",
              (int) getpid ());
    file = fopen (path, "re");
    while (file && fscanf (file, "%ld", &pid) == 1) {
      name_process (pid, name, sizeof name);
      complain (stop, "a process is left: ", name);
      kill ((pid_t) pid, SIGKILL);
    }
    if (file)
      fclose (file);
    if (wait_for_orphans (vms_now_ms () + 200))
      return;
  }
}

static int
is_own_state (const char *name)
{
  return !strcmp (name, "tpm2-00.permall") || !strcmp (name, ".lock")
         || !strcmp (name, "stdout"); /* its log */
}

/* So that the next try does not find it; what lies deeper has to be looked for by
 * whoever reads of it. */
static void
remove_entry (int parent, const char *name)
{
  int fd = openat (parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW
                                   | O_CLOEXEC);
  DIR *entries = fd < 0 ? NULL : fdopendir (fd);

  for (struct dirent *entry; entries && (entry = readdir (entries));)
    if (unlinkat (fd, entry->d_name, 0) < 0)
      (void) unlinkat (fd, entry->d_name, AT_REMOVEDIR);
  if (entries)
    closedir (entries);
  (void) unlinkat (parent, name, entries ? AT_REMOVEDIR : 0);
}

static void
look_into (long stop, const char *path, const char *what,
           int (*may_stay) (const char *name))
{
  DIR *entries = opendir (path);

  if (!entries)
    return;
  for (struct dirent *entry; (entry = readdir (entries));)
    if (strcmp (entry->d_name, ".") && strcmp (entry->d_name, "..")
        && !(may_stay && may_stay (entry->d_name))) {
      complain (stop, what, entry->d_name);
      remove_entry (dirfd (entries), entry->d_name);
    }
  closedir (entries);
}

static void
check_lock (long stop)
{
  int fd = open (state, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

  if (fd >= 0 && flock (fd, LOCK_EX | LOCK_NB) < 0)
    complain (stop, "the state is locked: ", state);
  if (fd >= 0)
    close (fd);
}

static void
check (long stop, int64_t death)
{
  if (!wait_for_orphans (death + LIMIT_MS + SLACK_MS))
    end_orphans (stop);
  look_into (stop, directory, "left in the directory: ", NULL);
  look_into (stop, state, "left in the state: ", is_own_state);
  check_lock (stop);
}

/* Of a caller that waits for its helper there is no undisturbed start. */
static void
check_start (long stop)
{
  int status;

  if (is_helped)
    return;
  status = wait_for (start (be_undisturbed));
  if (status)
    complain (stop, "the next start fails", "");
  check (stop, vms_now_ms ());
}

/* ------------------------------------------------------------------------- */

/* How many stops there were until the end, or until enough was wrong; -1 without
 * ptrace(2). */
static long
try_all (long step)
{
  for (long stop = 1;; stop += step) {
    long left = stop;
    int status = kills_keeper ? kill_keeper (&left) : kill_caller (&left);
    int64_t death = vms_now_ms ();

    if (WIFEXITED (status) && WEXITSTATUS (status) == 77)
      return -1;
    check (stop, death);
    if (!WIFSIGNALED (status) || WTERMSIG (status) != SIGKILL) {
      if (status && !(WIFSIGNALED (status) && WTERMSIG (status) == SIGTERM))
        complain (stop, "did not survive undisturbed", "");
      if (!status)
        check_start (stop);
      return stop - left;
    }
    if (problems >= MOST_PROBLEMS)
      return stop;
    if (stop / step % TRY_AGAIN == 0)
      check_start (stop);
  }
}

int
main (int argc, char **argv)
{
  long stops;

  if (argc < 5 || atol (argv[2]) < 1) {
    errno = EINVAL;
    fatal ("usage: fate-kill WHO STEP DIRECTORY STATE [SETTING...]");
  }
  kills_keeper = !strcmp (argv[1], "keeper");
  is_helped = !strcmp (argv[1], "helped-caller");
  directory = argv[3];
  state = argv[4];
  settings = argv + 5;
  n_settings = (unsigned) (argc - 5);
  if (prctl (PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0)
    fatal ("prctl");
  stops = try_all (atol (argv[2]));
  if (stops < 0)
    return 77;
  printf ("%ld stops, %u problems\n", stops, problems);
  return problems || !stops;
}
