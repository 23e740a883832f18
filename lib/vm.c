/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A running machine: waited for, signalled, forgotten. */
#include "vm.h"
#include "descriptor.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "explain.h"
#include "leftover.h"
#include "remove.h"
#include "swtpm.h"
#include "words.h"

#define KILLED_MS 1000 /* that the kernel has for it */
#define TPM_LOCK_MS 200
#define TICK_MS 5

struct arena *
vms_vm_answers (vmspec_vm *vm)
{
  vms_arena_free (&vm->answers);
  vm->answers = (struct arena) { 0 };
  return &vm->answers;
}

/* ---- the end ------------------------------------------------------------ */

static void
remove_below (const char *directory, const char *name, struct arena *arena)
{
  const char *path = vms_arena_concat (arena, directory, "/", name, (char *) NULL);

  if (path)
    (void) unlink (path);
}

/* A child of the keeper that was just being born shares its locks for a moment. */
static int
lock_soon (const char *directory, int ms, int *ret_fd)
{
  int r = vms_leftover_lock (directory, ret_fd);

  for (; r == -EEXIST && ms > 0; ms -= TICK_MS) {
    (void) poll (NULL, 0, TICK_MS);
    r = vms_leftover_lock (directory, ret_fd);
  }
  return r;
}

static void
clean_tpm (const char *directory, struct arena *arena)
{
  const char *new = vms_arena_concat (arena, directory, "/" SWTPM_NEW,
                                      (char *) NULL);
  int fd;

  /* Not for long: another machine may have it by now. */
  if (!new || lock_soon (directory, TPM_LOCK_MS, &fd) < 0)
    return;
  for (const char *const *name = vms_swtpm_files; *name; name++)
    remove_below (directory, *name, arena);
  vms_remove_tree (new);
  close (fd);
}

/* Somebody has killed the keeper.  Then the kernel kills its children, which may
 * take a moment, unless they have changed their user (-runas).  What another
 * machine has taken by now is locked. */
static void
clean_up (vmspec_vm *vm)
{
  const struct decided *d = &vm->plan->decided;
  struct pollfd end = { .fd = vm->qemu.pidfd, .events = POLLIN };
  int fd;

  if (vm->keeper.is_done)
    return;
  if (end.fd >= 0)
    (void) syscall (SYS_pidfd_send_signal, end.fd, SIGKILL, NULL, 0);
  if (end.fd >= 0)
    (void) poll (&end, 1, KILLED_MS);
  if (vm->owns_run && lock_soon (d->run, KILLED_MS, &fd) == 0) {
    vms_remove_tree (d->run);
    close (fd);
  }
  if (d->tpm_state)
    clean_tpm (d->tpm_state, &vm->arena);
}

/* QEMU has ended, or the keeper has; the other follows. */
static void
finish (vmspec_vm *vm)
{
  vms_keeper_wait (&vm->keeper);
  vm->error = vm->keeper.children[KEPT_QEMU].ended ? 0 : -ECHILD;
  vm->status = vm->keeper.children[KEPT_QEMU].status;
  clean_up (vm);
  vm->ended = 1;
}

int
vms_vm_has_ended (vmspec_vm *vm)
{
  while (!vm->ended && vms_keeper_listen (&vm->keeper, 0) == 0)
    ;
  return vm->ended || vm->keeper.link < 0
         || vm->keeper.children[KEPT_QEMU].ended;
}

/* The keeper hears of it a moment after those who poll the process. */
static int
is_about_to_end (const vmspec_vm *vm)
{
  struct pollfd end = { .fd = vm->qemu.pidfd, .events = POLLIN };

  return end.fd >= 0 && poll (&end, 1, 0) > 0;
}

static int
ends_in_time (vmspec_vm *vm, int timeout_ms)
{
  int64_t until = vms_deadline_after (timeout_ms < 0 ? 0 : timeout_ms);

  while (!vms_vm_has_ended (vm)) {
    int left = timeout_ms < 0 ? -1 : vms_deadline_left (until);

    if (left == 0 && !is_about_to_end (vm))
      return 0;
    (void) vms_keeper_listen (&vm->keeper, left == 0 ? -1 : left);
  }
  return 1;
}

int
vmspec_vm_wait (vmspec_vm *vm, int timeout_ms, int *ret_status)
{
  if (!vm->ended) {
    if (!ends_in_time (vm, timeout_ms))
      return -ETIME;
    finish (vm);
  }
  if (vm->error == 0 && ret_status)
    *ret_status = vm->status;
  return vm->error;
}

/* ---- the process -------------------------------------------------------- */

int
vmspec_vm_pid (const vmspec_vm *vm)
{
  return vm->qemu.pid;
}

int
vmspec_vm_pidfd (const vmspec_vm *vm)
{
  return vm->qemu.pidfd;
}

/* By the descriptor, which also reaches it past a keeper that was stopped. */
int
vmspec_vm_kill (vmspec_vm *vm, int signal)
{
  if (vms_vm_has_ended (vm))
    return -ESRCH;
  if (vm->qemu.pidfd >= 0
      && syscall (SYS_pidfd_send_signal, vm->qemu.pidfd, signal, NULL, 0) == 0)
    return 0;
  return vms_keeper_signal (&vm->keeper, KEPT_QEMU, signal);
}

/* A child by fork() has a copy of the handle, but the machine is its parent's. */
void
vmspec_vm_free (vmspec_vm *vm)
{
  struct arena arena;

  if (!vm)
    return;
  if (!vm->ended && vms_keeper_is_ours (&vm->keeper)) {
    if (vm->qemu.pid > 0)
      (void) vmspec_vm_kill (vm, SIGKILL);
    vms_keeper_end (&vm->keeper);
    clean_up (vm);
  }
  vms_qmp_close (&vm->qmp);
  vms_channel_close (&vm->agent);
  vms_descriptor_close (vm->qemu.pidfd);
  vms_keeper_free (&vm->keeper);
  vmspec_plan_free (vm->plan);
  vms_arena_free (&vm->answers);
  arena = vm->arena;
  vms_arena_free (&arena);
}

/* ---- why ---------------------------------------------------------------- */

const char *
vmspec_vm_last_words (vmspec_vm *vm, size_t *ret_size)
{
  (void) vms_vm_has_ended (vm);
  return vms_keeper_words (&vm->keeper, KEPT_QEMU, vms_vm_answers (vm),
                           ret_size);
}

const char *
vmspec_vm_accel (const vmspec_vm *vm)
{
  return vm->accel;
}

static const char *
how_it_ended (const struct kept_state *state, char room[32])
{
  snprintf (room, 32, WIFSIGNALED (state->status) ? "signal %d" : "status %d",
            WIFSIGNALED (state->status) ? WTERMSIG (state->status)
                                        : WEXITSTATUS (state->status));
  return room;
}

/* After QEMU it ends because of that; and in order just before, since QEMU tells
 * it to. */
static int
is_reason (const vmspec_vm *vm, enum kept child)
{
  const struct kept_state *state = &vm->keeper.children[child];
  const struct kept_state *qemu = &vm->keeper.children[KEPT_QEMU];

  return state->ended && !(qemu->ended && qemu->ended < state->ended)
         && (state->status != 0 || qemu->forced);
}

static int
explain_tpm (vmspec_vm *vm, vmspec_diag *diag)
{
  const struct path tpm = { .name = "tpm" };
  struct arena *arena = vms_vm_answers (vm);
  const char *words;
  char how[32];
  size_t size;

  if (!is_reason (vm, KEPT_SWTPM))
    return 0;
  words = vms_keeper_words (&vm->keeper, KEPT_SWTPM, arena, &size);
  vms_diag_add (diag, VMSPEC_SEVERITY_ERROR, "tpm.ended", &tpm, NULL,
                "swtpm ended with %s before QEMU did, and a machine does not run on "
                "without its TPM; its log is %s/stdout: %s",
                how_it_ended (&vm->keeper.children[KEPT_SWTPM], how),
                vm->plan->decided.tpm_state,
                words ? vms_words_in_one_line (arena, words) : "");
  return -EIO;
}

/* A child that should have outlived QEMU. */
static int
explain_helper (vmspec_vm *vm, vmspec_diag *diag)
{
  const struct path network = { .name = "network" };
  const struct path path = { .parent = &network, .name = "vlan_switch" };
  int r = explain_tpm (vm, diag);
  char how[32];

  for (size_t i = 0; i < vm->plan->decided.n_switches; i++) {
    const struct decided_switch *one = &vm->plan->decided.switches[i];

    if (KEPT_SWITCH + i >= N_KEPT || !is_reason (vm, KEPT_SWITCH + i))
      continue;
    r = -EIO;
    vms_diag_add (diag, VMSPEC_SEVERITY_ERROR, "vlan.switch-ended", &path, NULL,
                  "the vde_switch in %s ended with %s before QEMU did, and a "
                  "machine does not run on without a switch of its own",
                  one->directory,
                  how_it_ended (&vm->keeper.children[KEPT_SWITCH + i], how));
  }
  return r;
}

/* QEMU has words about SIGABRT only, which it sends itself. */
static void
say_killed (int signal, vmspec_diag *diag)
{
  vms_diag_add (diag, VMSPEC_SEVERITY_ERROR, "qemu.killed", NULL, NULL,
                "QEMU was killed by signal %d (%s)%s", signal, strsignal (signal),
                signal == SIGKILL ? "; if nobody did that, the kernel may have run "
                                    "out of memory: its log tells" : "");
}

static int
explain (vmspec_vm *vm, vmspec_diag *diag)
{
  const struct kept_state *qemu = &vm->keeper.children[KEPT_QEMU];
  const char *words;
  size_t size;
  int r;

  if (!vms_vm_has_ended (vm))
    return 0;
  r = explain_helper (vm, diag);
  if (r < 0 || (qemu->ended && qemu->status == 0))
    return r;
  if (qemu->ended && WIFSIGNALED (qemu->status)
      && WTERMSIG (qemu->status) != SIGABRT) {
    say_killed (WTERMSIG (qemu->status), diag);
    return -EIO;
  }
  words = vmspec_vm_last_words (vm, &size);
  if (!words)
    return -ENOMEM;
  vms_explain_failure (vm->plan, words, size, diag);
  return -EIO;
}

/* The start may have said it already. */
int
vmspec_vm_explain (vmspec_vm *vm, vmspec_diag *diag)
{
  vmspec_diag *own;
  int r = vmspec_diag_new (&own);

  if (r < 0)
    return r;
  r = explain (vm, own);
  vms_diag_append_new (diag, own);
  vmspec_diag_free (own);
  return r;
}

int
vmspec_vm_host_port (vmspec_vm *vm, size_t index, vmspec_diag *diag,
                     uint32_t *ret_port)
{
  const struct vmspec_forward_port *const *rules
    = vm->plan->resolution.network.forward_ports;
  uint32_t port = 0;
  int r = 0;

  if (index >= vms_list_length (rules))
    return -ENOENT;
  if (is_on (rules[index]->any_host_port))
    r = vms_vm_taken_port (vm, index, diag, &port);
  else
    port = rules[index]->host_port;
  if (r == 0)
    *ret_port = port;
  return r;
}
