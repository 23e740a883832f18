/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A running machine. */
#include "run-dir.h"
#include "child.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct vmspec_vm {
  struct arena arena;
  struct child child;
  const char *run;    /* to be removed, or NULL */
  int run_fd;         /* holds its lock, or -1 */
  int ended;
  int error, status;  /* of the end: somebody else may have taken the status */
};

/* ---- start -------------------------------------------------------------- */

static int
refuse_blocked (const vmspec_plan *plan, vmspec_diag *diag)
{
  if (!plan->diag->blockers)
    return 0;
  for (size_t i = 0; i < vmspec_diag_count (plan->diag); i++) {
    const struct vmspec_finding *f = vmspec_diag_get (plan->diag, i);

    if (f->severity == VMSPEC_SEVERITY_BLOCKER)
      say (diag, VMSPEC_SEVERITY_BLOCKER, f->id, NULL, f->path, "%s", f->text);
  }
  return -ENOEXEC;
}

static int
say_failed (const vmspec_plan *plan, int error, vmspec_diag *diag)
{
  say (diag, VMSPEC_SEVERITY_ERROR,
       error == -ENOENT ? "qemu.missing" : "qemu.failed", "qemu", "binary",
       "%s cannot be started: %s%s", plan->argv[0], strerrordesc_np (-error),
       error == -ENOENT ? "; install QEMU or set qemu.binary" : "");
  return error;
}

static int
take_run_directory (vmspec_vm *vm, const vmspec_plan *plan, vmspec_diag *diag)
{
  int r;

  if (!plan->decided.run_is_fresh)
    return 0;
  r = run_dir_lock (plan, diag, &vm->run_fd);
  if (r < 0)
    return r;
  vm->run = arena_strdup (&vm->arena, plan->decided.run);
  if (!vm->run)
    run_dir_remove (plan->decided.run);
  return vm->run ? 0 : -ENOMEM;
}

static int
start (vmspec_vm *vm, const vmspec_plan *plan, vmspec_diag *diag)
{
  int r = take_run_directory (vm, plan, diag);

  if (r < 0)
    return r;
  r = child_spawn (&(struct child_setup) {
    .argv = plan->argv, .environment = plan->decided.qemu_environment,
    .directory = plan->decided.run, .input = -1, .output = -1, .error = -1,
    .extra = -1 }, &vm->child);
  return r < 0 ? say_failed (plan, r, diag) : 0;
}

static int
may_start (const vmspec_plan *plan, const struct vmspec_start *said,
           vmspec_diag *diag)
{
  int blocked, r;

  if (is_on (said->force))
    return 0;
  blocked = refuse_blocked (plan, diag);
  r = vmspec_plan_check_files (plan, diag);
  return blocked < 0 ? blocked : r;
}

static int
make_vm (vmspec_vm **ret_vm)
{
  struct arena arena = { 0 };
  vmspec_vm *vm = arena_alloc (&arena, sizeof *vm);

  if (!vm)
    return -ENOMEM;
  vm->arena = arena;
  vm->child.pidfd = vm->run_fd = -1;
  *ret_vm = vm;
  return 0;
}

int
vmspec_vm_start (const vmspec_plan *plan, const struct vmspec_start *options,
                 vmspec_diag *diag, vmspec_vm **ret_vm)
{
  const struct vmspec_start none = { VMSPEC_INIT (vmspec_start) };
  const struct vmspec_start *said = NULL;
  void *copy = NULL;
  vmspec_vm *vm;
  int r = make_vm (&vm), made_run = 0;

  if (r < 0)
    return r;
  r = spec_copy (&vm->arena, "vmspec_start", options ? options : &none, diag,
                 &copy);
  if (r == 0)
    r = spec_accept (&vm->arena, "vmspec_start", copy, diag);
  said = copy;
  if (r == 0)
    r = may_start (plan, said, diag);
  if (r == 0)
    r = plan_prepare (plan, NULL, said->work, diag, &made_run);
  if (r == 0)
    r = start (vm, plan, diag);
  /* One that another machine has is not ours to remove. */
  if (r < 0 && made_run && !vm->run && r != -EEXIST)
    run_dir_remove (plan->decided.run);
  if (r < 0) {
    vm->ended = 1;
    vmspec_vm_free (vm);
    return r;
  }
  *ret_vm = vm;
  return 0;
}

/* ---- end ---------------------------------------------------------------- */

static void
clean_up (vmspec_vm *vm)
{
  if (vm->run)
    run_dir_remove (vm->run);
  if (vm->run_fd >= 0)
    close (vm->run_fd);
  vm->run = NULL;
  vm->run_fd = -1;
}

static void
reap (vmspec_vm *vm)
{
  pid_t pid;

  do
    pid = waitpid (vm->child.pid, &vm->status, 0);
  while (pid < 0 && errno == EINTR);
  vm->error = pid < 0 ? -errno : 0;
  vm->ended = 1;
  clean_up (vm);
}

static int64_t
now_ms (void)
{
  struct timespec now;

  clock_gettime (CLOCK_MONOTONIC, &now);
  return (int64_t) now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

#define STEP_MS 10

/* Whether the process ends within a moment.  Without a descriptor to poll that
 * is looked at in steps. */
static int
ends_within (const vmspec_vm *vm, int ms)
{
  struct pollfd end = { .fd = vm->child.pidfd, .events = POLLIN };
  siginfo_t info = { .si_pid = 0 };

  if (end.fd >= 0)
    return poll (&end, 1, ms) > 0;
  if (waitid (P_PID, (id_t) vm->child.pid, &info, WEXITED | WNOHANG | WNOWAIT)
        < 0 || info.si_pid)
    return 1;
  poll (NULL, 0, ms >= 0 && ms < STEP_MS ? ms : STEP_MS);
  return 0;
}

static int
ends_in_time (const vmspec_vm *vm, int timeout_ms)
{
  int64_t until = now_ms () + timeout_ms, left = timeout_ms;

  while (!ends_within (vm, (int) left)) {
    if (timeout_ms >= 0)
      left = until - now_ms ();
    if (timeout_ms >= 0 && left <= 0)
      return ends_within (vm, 0);
  }
  return 1;
}

int
vmspec_vm_wait (vmspec_vm *vm, int timeout_ms, int *ret_status)
{
  if (!vm->ended) {
    if (!ends_in_time (vm, timeout_ms))
      return -ETIME;
    reap (vm);
  }
  if (vm->error == 0 && ret_status)
    *ret_status = vm->status;
  return vm->error;
}

int
vmspec_vm_pid (const vmspec_vm *vm)
{
  return vm->child.pid;
}

int
vmspec_vm_pidfd (const vmspec_vm *vm)
{
  return vm->child.pidfd;
}

int
vmspec_vm_kill (vmspec_vm *vm, int signal)
{
  if (vm->ended)
    return -ESRCH;
  /* The caller may have reaped it by waiting for all children; then the number
   * could be another process's by now, but not the descriptor. */
  if (vm->child.pidfd >= 0)
    return syscall (SYS_pidfd_send_signal, vm->child.pidfd, signal, NULL, 0) == 0
             ? 0 : -errno;
  return kill (vm->child.pid, signal) == 0 ? 0 : -errno;
}

void
vmspec_vm_free (vmspec_vm *vm)
{
  struct arena arena;

  if (!vm)
    return;
  if (!vm->ended) {
    vmspec_vm_kill (vm, SIGKILL);
    reap (vm);
  }
  clean_up (vm);
  if (vm->child.pidfd >= 0)
    close (vm->child.pidfd);
  arena = vm->arena;
  arena_free (&arena);
}
