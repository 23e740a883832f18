/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "start.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pidfile.h"
#include "print.h"
#include "progress.h"
#include "registry.h"
#include "report.h"
#include "signals.h"
#include "supervise.h"
#include "terminal.h"

struct start {
  struct run *run;
  vmspec_vm *vm;
  struct registration registration;
  struct pidfile pidfile;
  struct terminal terminal;
  int uses_terminal;
  int explained;             /* why it has ended was said already */
  int is_silent;             /* QEMU has not answered, or not in QMP */
};

/* ---- starting ----------------------------------------------------------- */

/* Blockers of the plan were printed before. */
static void
explain_start (struct run *run, int error)
{
  int blocked = error == -ENOEXEC
                || (has_finding (run->diag, VMSPEC_SEVERITY_BLOCKER)
                    && !has_finding (run->diag, VMSPEC_SEVERITY_ERROR));

  if (error == -ENOEXEC)
    vmspec_diag_clear (run->diag);
  else
    explain (run, "the machine cannot be started", error);
  if (blocked)
    fputs ("vmspec-run: not started because of a blocker; --force starts it "
           "all the same\n", stderr);
}

/* A QEMU that has no use for the terminal is kept from it: Ctrl-C is for us, and
 * one that reads in the background would be stopped. */
static struct vmspec_start
how_to_start (const struct start *s, const struct vmspec_work *work,
              char *const *temporaries)
{
  const struct options *options = &s->run->options;
  int is_daemon = options->daemonize;
  int is_apart = !s->uses_terminal;
  uint32_t other = is_daemon ? VMSPEC_STDIO_NULL : VMSPEC_STDIO_INHERIT;

  return (struct vmspec_start) {
    VMSPEC_INIT (vmspec_start), .work = work,
    .force = options->force ? VMSPEC_ON : VMSPEC_OFF,
    .qmp = options->no_qmp ? VMSPEC_OFF : VMSPEC_UNSET,
    .guest_agent = options->guest_agent ? VMSPEC_ON : VMSPEC_OFF,
    .keep_directory = options->keep_directory ? VMSPEC_ON : VMSPEC_OFF,
    .own_group = is_apart ? VMSPEC_ON : VMSPEC_OFF,
    .input = is_daemon || (is_apart && isatty (STDIN_FILENO))
               ? VMSPEC_STDIO_NULL : VMSPEC_STDIO_INHERIT,
    .output = other, .error = other,
    .temporaries = (const char *const *) temporaries };
}

static int
is_silent (const vmspec_diag *diag)
{
  const struct vmspec_finding *f;

  for (size_t i = 0; (f = vmspec_diag_get (diag, i)); i++)
    if (!strcmp (f->id, "qmp.silent") || !strcmp (f->id, "qmp.unusable"))
      return 1;
  return 0;
}

static int
start_vm (struct start *s)
{
  struct run *run = s->run;
  struct progress progress;
  const struct vmspec_work work
    = progress_work (&progress, run->options.no_sync);
  char **temporaries = registration_files (&s->registration);
  const struct vmspec_start how = how_to_start (s, &work, temporaries);
  int r = vmspec_vm_start (run->plan, &how, run->diag, &s->vm);

  for (char **one = temporaries; one && *one; one++)
    free (*one);
  free (temporaries);
  progress_end (&progress);
  if (r < 0) {
    explain_start (run, r);
    return r;
  }
  report_accel (s->vm, run->plan, run->host);
  s->explained = has_finding (run->diag, VMSPEC_SEVERITY_ERROR);
  s->is_silent = is_silent (run->diag);
  flush_findings (run, NULL);
  return 0;
}

/* ---- known to others ---------------------------------------------------- */

/* For --status: found from anywhere. */
static char *
absolute (const char *file)
{
  char *path = file && strcmp (file, "-") ? realpath (file, NULL) : NULL;

  return path ? path : strdup (file ? file : "--set");
}

/* A foreground machine runs without being listed, too. */
static int
register_machine (struct start *s, const char *description)
{
  const struct run *run = s->run;
  int r = registration_make (&s->registration,
                             vmspec_plan_spec (run->plan)->name,
                             !run->options.daemonize,
                             vmspec_plan_directory (run->plan), description);

  return r < 0 && run->options.daemonize ? -1 : 0;
}

static const char *
state_of (const struct start *s)
{
  vmspec_vm *vm = s->vm;
  const char *status;

  if (s->is_silent || vmspec_vm_event_fd (vm) < 0
      || vmspec_vm_status (vm, 1000, NULL, &status) < 0)
    return "running";
  if (!strcmp (status, "paused") || !strcmp (status, "prelaunch"))
    return "paused";
  return strcmp (status, "shutdown") ? "running" : "shutdown";
}

static int
announce (struct start *s)
{
  struct registration *registration = &s->registration;

  registration->qemu = vmspec_vm_pid (s->vm);
  registration->accel = vmspec_vm_accel (s->vm);
  if (!s->is_silent)
    registration->forwards = report_ports (s->vm, s->run->plan);
  registration_say (registration, state_of (s));
  return pidfile_write (&s->pidfile);
}

/* ---- the end ------------------------------------------------------------ */

static int
exit_status (int status)
{
  if (!WIFSIGNALED (status))
    return WEXITSTATUS (status);
  fprintf (stderr, "vmspec-run: QEMU was ended by signal %d (%s)\n",
           WTERMSIG (status), strsignal (WTERMSIG (status)));
  return 128 + WTERMSIG (status);
}

/* Why, unless it is our doing. */
static int
explain_end (struct start *s, const struct supervision *supervision, int status)
{
  struct run *run = s->run;
  int result = supervision->timed_out ? STATUS_TIMEOUT : exit_status (status);

  if (supervision->timed_out || supervision->ending.asked)
    return result;
  if (!s->explained)
    s->explained = vmspec_vm_explain (s->vm, run->diag) < 0;
  flush_findings (run, NULL);
  return result == 0 && s->explained ? STATUS_FAILED : result;
}

static void
say_kept (const struct run *run)
{
  if (!run->options.keep_directory)
    return;
  fputs ("vmspec-run: the run directory was kept: ", stderr);
  print_line (stderr, vmspec_plan_directory (run->plan));
  putc ('\n', stderr);
}

static int
run_vm (struct start *s)
{
  struct supervision supervision = {
    .ending = { .vm = s->vm, .shares_terminal = s->uses_terminal,
                .has_agent = s->run->options.guest_agent,
                .is_silent = s->is_silent },
    .registration = &s->registration, .timeout = s->run->options.timeout };
  int status, r;

  if (vmspec_vm_wait (s->vm, 0, NULL) == -ETIME) {
    if (announce (s) < 0)
      return STATUS_NOT_STARTED;
    daemon_ready (&s->run->daemon);
  }
  r = supervise (&supervision, &status);
  if (r == -ECHILD)
    fputs ("vmspec-run: vmspec-keeper was killed, and the machine with it; how "
           "QEMU ended is not known\n", stderr);
  else if (r < 0)
    say_failure ("the machine was lost", r);
  say_kept (s->run);
  return r < 0 ? STATUS_FAILED : explain_end (s, &supervision, status);
}

/* What was not started is not explained twice. */
static int
run_registered (struct start *s)
{
  int status;

  if (pidfile_open (&s->pidfile, s->run->options.pidfile) < 0
      || start_vm (s) < 0) {
    pidfile_close (&s->pidfile);
    return STATUS_NOT_STARTED;
  }
  status = run_vm (s);
  vmspec_vm_free (s->vm);
  pidfile_close (&s->pidfile);
  return status;
}

int
start_machine (struct run *run)
{
  struct start s = { .run = run };
  char *description = absolute (run->options.file);
  int status = STATUS_NOT_STARTED;

  hold_signals ();
  terminal_save (&s.terminal);
  s.uses_terminal = terminal_is_used_by (vmspec_plan_argv (run->plan));
  if (register_machine (&s, description) == 0)
    status = run_registered (&s);
  terminal_restore (&s.terminal);
  registration_drop (&s.registration);
  free (description);
  return status;
}
