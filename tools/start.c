/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "start.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- accelerator -------------------------------------------------------- */

static const char *
why_not_kvm (const struct vmspec *spec, const struct vmspec_host *host)
{
  if (spec->qemu->accel == VMSPEC_ACCEL_OFF)
    return "qemu.accel is off";
  switch (host->kvm) {
  case VMSPEC_KVM_ABSENT:
    return "there is no /dev/kvm";
  case VMSPEC_KVM_DENIED:
    return "this user may not open /dev/kvm";
  case VMSPEC_KVM_NO_HARDWARE:
    return "/dev/kvm is there, but the processor has no vmx or svm behind it";
  }
  return spec->arch == host->arch ? NULL
                                  : "the host has another architecture";
}

void
print_accel (const vmspec_plan *plan, const struct vmspec_host *host)
{
  const char *accel = vmspec_plan_accel (plan);
  const char *why = why_not_kvm (vmspec_plan_spec (plan), host);

  if (!*accel)
    fputs ("vmspec-run: qemu.package or qemu.machine says what accelerates\n",
           stderr);
  else if (strcmp (accel, "tcg") || !why)
    fprintf (stderr, "vmspec-run: using %s\n", accel);
  else
    fprintf (stderr, "vmspec-run: using tcg: %s\n", why);
}

/* ---- waiting ------------------------------------------------------------ */

/* Not those that whoever started us has us ignore, as nohup(1) does: they would
 * wait, too. */
static sigset_t
held_signals (void)
{
  static const int numbers[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };
  sigset_t signals;

  sigemptyset (&signals);
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
    struct sigaction action;

    if (sigaction (numbers[i], NULL, &action) == 0
        && action.sa_handler != SIG_IGN)
      sigaddset (&signals, numbers[i]);
  }
  return signals;
}

void
hold_signals (void)
{
  sigset_t signals = held_signals ();

  sigprocmask (SIG_BLOCK, &signals, NULL);
}

int
signal_waits (void)
{
  sigset_t held = held_signals (), waiting, both;

  return sigpending (&waiting) == 0 && sigandset (&both, &held, &waiting) == 0
         && !sigisemptyset (&both);
}

void
let_signals_pass (void)
{
  sigset_t signals = held_signals ();

  sigprocmask (SIG_UNBLOCK, &signals, NULL);
}

/* What a terminal sends, QEMU has got as well. */
static void
pass_on (vmspec_vm *vm, int fd)
{
  struct signalfd_siginfo info;

  if (read (fd, &info, sizeof info) == sizeof info && info.ssi_code != SI_KERNEL)
    vmspec_vm_kill (vm, (int) info.ssi_signo);
}

static int
wait_and_pass_on (vmspec_vm *vm, int signals, int *ret_status)
{
  struct pollfd fds[] = { { .fd = vmspec_vm_pidfd (vm), .events = POLLIN },
                          { .fd = signals, .events = POLLIN } };

  while (!fds[0].revents) {
    if (poll (fds, 2, -1) < 0 && errno != EINTR)
      return -errno;
    if (fds[1].revents)
      pass_on (vm, signals);
  }
  return vmspec_vm_wait (vm, -1, ret_status);
}

static int
exit_status (int status)
{
  if (!WIFSIGNALED (status))
    return WEXITSTATUS (status);
  fprintf (stderr, "vmspec-run: QEMU was ended by signal %d (%s)\n",
           WTERMSIG (status), strsignal (WTERMSIG (status)));
  return 128 + WTERMSIG (status);
}

int
run_machine (vmspec_vm *vm, int *ret_status)
{
  sigset_t set = held_signals ();
  int signals = signalfd (-1, &set, SFD_CLOEXEC | SFD_NONBLOCK), status, r;

  if (signals >= 0 && vmspec_vm_pidfd (vm) >= 0)
    r = wait_and_pass_on (vm, signals, &status);
  else {
    let_signals_pass ();
    r = vmspec_vm_wait (vm, -1, &status);
  }
  if (signals >= 0)
    close (signals);
  if (r == 0)
    *ret_status = exit_status (status);
  return r;
}
