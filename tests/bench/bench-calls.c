/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How many system calls a start takes: a change is seen that the noise of times
 * would hide. */
#include "bench-start.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* A prctl() of this number, which there is not, begins and ends the count. */
#define MARK 0x76737065
#define MOST 16

struct traced {
  pid_t pid;
  unsigned before_exec, after_exec;
  int executed, in_call;
};

static struct traced traced[MOST];
static size_t n_traced;
static int counting;

static struct traced *
find (pid_t pid)
{
  for (size_t i = 0; i < n_traced; i++)
    if (traced[i].pid == pid)
      return &traced[i];
  if (n_traced == MOST)
    die ("too many processes");
  traced[n_traced] = (struct traced) { .pid = pid };
  return &traced[n_traced++];
}

static void
count_call (struct traced *one)
{
  struct __ptrace_syscall_info info = { 0 };

  if (ptrace (PTRACE_GET_SYSCALL_INFO, one->pid, sizeof info, &info) <= 0
      || info.op != PTRACE_SYSCALL_INFO_ENTRY)
    return;
  if (info.entry.nr == SYS_prctl && info.entry.args[0] == MARK)
    counting = info.entry.args[1] != 0;
  else if (counting && one->executed)
    one->after_exec++;
  else if (counting)
    one->before_exec++;
}

/* Returns the signal that it is to get. */
static int
look_at (pid_t pid, int status)
{
  struct traced *one = find (pid);
  int signal = WSTOPSIG (status);

  if (signal == (SIGTRAP | 0x80))
    count_call (one);
  else if (status >> 8 == (SIGTRAP | PTRACE_EVENT_EXEC << 8))
    one->executed = 1;
  else if (signal != SIGTRAP && signal != SIGSTOP)
    return signal;
  return 0;
}

static void
trace (pid_t child)
{
  int status;
  pid_t pid;

  if (waitpid (child, &status, 0) < 0
      || ptrace (PTRACE_SETOPTIONS, child, 0,
                 PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK
                   | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE
                   | PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL) < 0)
    die ("ptrace");
  find (child);
  ptrace (PTRACE_SYSCALL, child, 0, 0);
  while ((pid = waitpid (-1, &status, __WALL)) > 0 || errno == EINTR)
    if (pid > 0 && WIFSTOPPED (status))
      ptrace (PTRACE_SYSCALL, pid, 0, look_at (pid, status));
}

static void
start_in_child (const struct machine *m)
{
  vmspec_vm *vm;

  if (ptrace (PTRACE_TRACEME, 0, 0, 0) < 0)
    _exit (1);
  raise (SIGSTOP);
  prctl (MARK, 1);
  vm = machine_start (m, m->plan);
  prctl (MARK, 0);
  (void) vmspec_vm_control (vm, VMSPEC_ACTION_QUIT, -1, NULL);
  vmspec_vm_free (vm);
  _exit (0);
}

struct calls {
  unsigned caller, keeper_before, keeper, qemu;
};

static struct calls
count (const struct machine *m)
{
  pid_t child;

  n_traced = 0;
  fflush (stdout);
  child = fork ();
  if (child < 0)
    die ("fork");
  if (child == 0)
    start_in_child (m);
  trace (child);
  return (struct calls) { traced[0].before_exec, traced[1].before_exec,
                          traced[1].after_exec,
                          traced[n_traced - 1].before_exec };
}

static unsigned
lesser (unsigned a, unsigned b)
{
  return a < b ? a : b;
}

/* The least of a few runs: whoever finds that an answer is not there yet takes a
 * call more. */
static void
print_least (const char *label, int tpm)
{
  static struct machine machine;
  struct calls least;

  machine_make (&machine, 0, tpm, VMSPEC_ON);
  least = count (&machine);
  for (int i = 0; i < 5; i++) {
    struct calls calls = count (&machine);

    least.caller = lesser (least.caller, calls.caller);
    least.keeper_before = lesser (least.keeper_before, calls.keeper_before);
    least.keeper = lesser (least.keeper, calls.keeper);
    least.qemu = lesser (least.qemu, calls.qemu);
  }
  machine_free (&machine);
  printf ("%-34s  %9u  %9u  %9u  %9u\n", label, least.caller,
          least.keeper_before, least.keeper, least.qemu);
}

void
print_calls (void)
{
  printf ("System calls of a start:\n\n%-34s  %9s  %9s  %9s  %9s\n"
          "%-34s  %9s  %9s  %9s  %9s\n",
          "", "the", "keeper,", "keeper", "QEMU,", "", "caller", "to exec", "",
          "to exec");
  print_least ("vmspec_vm_start", 0);
  if (find_program ("swtpm"))
    print_least ("  with a TPM", 1);
}
