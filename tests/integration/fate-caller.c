/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A caller that does what it is told, one word a line on a socket:
 *
 *     fate-caller SOCKET [SETTING...]
 *
 * It answers with a line of numbers, then findings or strings, then a line with
 * a full stop.  What it says and hears goes by no standard descriptor, as those
 * may be closed.
 */
#include "fate.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define MOST_PASSED 8
/* Out of the way of those that a test is about. */
#define HIGH 500

static struct machine machine;
static vmspec_vm *vm;
static struct vmspec_descriptor passed[MOST_PASSED];
static const struct vmspec_descriptor *all_passed[MOST_PASSED + 1];
static FILE *control;

static void
print_all (const char *const *strings)
{
  for (; *strings; strings++)
    fprintf (control, "%s\n", *strings);
}

static void
print_findings (void)
{
  const struct vmspec_finding *f;

  for (size_t i = 0; (f = vmspec_diag_get (machine.diag, i)); i++)
    fprintf (control, "finding %s %s: %.*s\n", f->id, f->path,
             (int) strcspn (f->text, "\n"), f->text);
}

/* ---- the machine -------------------------------------------------------- */

static int
plan (const char *argument)
{
  (void) argument;
  return machine_plan (&machine);
}

static int
start (const char *argument)
{
  (void) argument;
  return vmspec_vm_start (machine.plan, &machine.start, machine.diag, &vm);
}

/* As a program does that makes things before it starts. */
static int
prepare (const char *argument)
{
  (void) argument;
  return vmspec_plan_prepare (machine.plan, NULL, NULL, machine.diag);
}

static int
wait_for (const char *argument)
{
  int status = -1, r = vmspec_vm_wait (vm, atoi (argument), &status);

  fprintf (control, "%d ", status);
  return r;
}

static int
stop (const char *argument)
{
  int status = -1, r = vmspec_vm_stop (vm, atoi (argument), &status);

  fprintf (control, "%d ", status);
  return r;
}

static int
explain (const char *argument)
{
  (void) argument;
  return vmspec_vm_explain (vm, machine.diag);
}

static int
quit (const char *argument)
{
  (void) argument;
  return vmspec_vm_control (vm, VMSPEC_ACTION_QUIT, -1, machine.diag);
}

static int
forget (const char *argument)
{
  (void) argument;
  vmspec_vm_free (vm);
  vm = NULL;
  return 0;
}

static int
pid (const char *argument)
{
  (void) argument;
  return vmspec_vm_pid (vm);
}

static int
clean (const char *argument)
{
  size_t removed = 0;
  int r = vmspec_clean (argument, &removed);

  return r < 0 ? r : (int) removed;
}

static int
end (const char *argument)
{
  exit (atoi (argument));
}

/* Has all descriptors of ours, and outlives us. */
static int
make_copy (const char *argument)
{
  pid_t child = fork ();

  (void) argument;
  while (child == 0)
    pause ();
  return child < 0 ? -errno : child;
}

/* ---- what is handed down, and what is not ------------------------------- */

/* Descriptors of all kinds, which every child would get. */
static int
leak (const char *argument)
{
  for (int i = atoi (argument); i > 0; i -= 5) {
    int ends[2];

    if (pipe (ends) < 0 || socketpair (AF_UNIX, SOCK_STREAM, 0, ends) < 0
        || open ("/dev/zero", O_RDWR) < 0)
      return -errno;
  }
  return 0;
}

static int
close_one (const char *argument)
{
  return close (atoi (argument)) < 0 ? -errno : 0;
}

/* "NUMBER PATH": a file under this number, here. */
static int
open_as (const char *argument)
{
  const char *path = strchr (argument, ' ');
  int number = atoi (argument);
  int fd = path ? open (path + 1, O_RDWR | O_CREAT, 0600) : -1;

  if (fd < 0 || (fd != number && dup2 (fd, number) < 0))
    return -errno;
  if (fd != number)
    close (fd);
  return 0;
}

/* "NUMBER FD": QEMU gets the one as the other. */
static int
pass (const char *argument)
{
  size_t n = 0;
  char *rest;

  while (all_passed[n])
    n++;
  if (n == MOST_PASSED)
    return -ENOBUFS;
  passed[n] = (struct vmspec_descriptor) {
    VMSPEC_INIT (vmspec_descriptor),
    .number = (uint32_t) strtoul (argument, &rest, 10),
    .fd = (uint32_t) strtoul (rest, NULL, 10) };
  all_passed[n] = &passed[n];
  machine.start.descriptors = all_passed;
  return 0;
}

static int
refuse_signals (const char *argument)
{
  sigset_t all;

  (void) argument;
  for (int i = 1; i < NSIG; i++)
    if (i != SIGKILL && i != SIGSTOP)
      (void) signal (i, SIG_IGN);
  sigfillset (&all);
  return sigprocmask (SIG_SETMASK, &all, NULL) < 0 ? -errno : 0;
}

static int
ignore (const char *argument)
{
  return signal (atoi (argument), SIG_IGN) == SIG_ERR ? -errno : 0;
}

static int
set (const char *argument)
{
  char *copy = strdup (argument);

  return copy ? machine_set (&machine, copy) : -ENOMEM;
}

/* ---- what is intended --------------------------------------------------- */

static int
print_environment (const char *argument)
{
  (void) argument;
  fputs ("0\n", control);
  print_all (vmspec_plan_environment (machine.plan));
  return -1;
}

static int
print_argv (const char *argument)
{
  (void) argument;
  fputs ("0\n", control);
  print_all (vmspec_plan_argv (machine.plan));
  return -1;
}

static int
print_directory (const char *argument)
{
  (void) argument;
  fprintf (control, "0\n%s\n", vmspec_plan_directory (machine.plan));
  return -1;
}

/* ------------------------------------------------------------------------- */

static const struct command {
  const char *name;
  int (*run) (const char *argument);
  int prints;                /* its own answer */
} commands[] = {
  { "plan", plan, 0 },
  { "start", start, 0 },
  { "prepare", prepare, 0 },
  { "wait", wait_for, 0 },
  { "stop", stop, 0 },
  { "explain", explain, 0 },
  { "quit", quit, 0 },
  { "free", forget, 0 },
  { "pid", pid, 0 },
  { "clean", clean, 0 },
  { "exit", end, 0 },
  { "fork", make_copy, 0 },
  { "leak", leak, 0 },
  { "close", close_one, 0 },
  { "open", open_as, 0 },
  { "pass", pass, 0 },
  { "signals", refuse_signals, 0 },
  { "ignore", ignore, 0 },
  { "set", set, 0 },
  { "environment", print_environment, 1 },
  { "argv", print_argv, 1 },
  { "directory", print_directory, 1 },
};

static void
obey (char *line)
{
  char *argument = strchr (line, ' ');

  if (argument)
    *argument++ = '\0';
  vmspec_diag_clear (machine.diag);
  for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
    if (!strcmp (line, commands[i].name)) {
      int r = commands[i].run (argument ? argument : "");

      if (!commands[i].prints)
        fprintf (control, "%d\n", r);
      print_findings ();
      fputs (".\n", control);
      fflush (control);
      return;
    }
  errno = EINVAL;
  fatal (line);
}

/* Two streams of one socket, as one stream cannot turn round. */
static FILE *
open_high (int socket, const char *mode)
{
  int fd = fcntl (socket, F_DUPFD_CLOEXEC, HIGH);
  FILE *stream = fd < 0 ? NULL : fdopen (fd, mode);

  if (!stream)
    fatal ("control");
  return stream;
}

int
main (int argc, char **argv)
{
  int socket = argc < 2 ? -1 : atoi (argv[1]);
  char *line = NULL;
  size_t size = 0;
  ssize_t length;
  FILE *orders = open_high (socket, "r");

  control = open_high (socket, "w");
  close (socket);
  machine_init (&machine);
  for (int i = 2; i < argc; i++)
    if (machine_set (&machine, argv[i]) < 0)
      fatal (argv[i]);
  while ((length = getline (&line, &size, orders)) > 0) {
    line[strcspn (line, "\n")] = '\0';
    obey (line);
  }
  return 0;
}
