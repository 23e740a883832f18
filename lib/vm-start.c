/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A plan becomes a running machine. */
#include "vm.h"
#include "descriptor.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "control.h"
#include "run-dir.h"
#include "swtpm.h"
#include "vde.h"

struct launch {
  vmspec_vm *vm;
  const vmspec_plan *plan;
  const struct vmspec_start *said;
  struct work work;
  int inherited[3];                 /* the caller's, or -1 if it has none */
  int null;                         /* /dev/null */
  struct control control;
  struct keeper_descriptor descriptors[KEEPER_FDS];
  size_t n_descriptors;
};

/* ---- whether ------------------------------------------------------------ */

static int
refuse_blocked (const vmspec_plan *plan, vmspec_diag *diag)
{
  if (!plan->diag->blockers)
    return 0;
  for (size_t i = 0; i < vmspec_diag_count (plan->diag); i++) {
    const struct vmspec_finding *f = vmspec_diag_get (plan->diag, i);

    if (f->severity == VMSPEC_SEVERITY_BLOCKER)
      vms_say (diag, VMSPEC_SEVERITY_BLOCKER, f->id, NULL, f->path, "%s", f->text);
  }
  return -ENOEXEC;
}

/* ---- what goes with the machine ----------------------------------------- */

/* Not the fault of what could not be started. */
static int
is_shortage (int error)
{
  return error == -EMFILE || error == -ENFILE || error == -EAGAIN
         || error == -ENOMEM;
}

/* What has no finding of its own. */
static void
say_cannot (vmspec_diag *diag, int error)
{
  if (error == -EPIPE)
    vms_say (diag, VMSPEC_SEVERITY_ERROR, "keeper.ended", "start", "keeper",
             "vmspec-keeper, in whose care the machine was to run, has ended: it was "
             "killed, or is of another version than this library");
  else
    vms_say (diag, VMSPEC_SEVERITY_ERROR, "start.failed", NULL, "start",
             "the machine cannot be started: %s%s", strerrordesc_np (-error),
             is_shortage (error) ? "; raise this process's limits of descriptors, "
                                   "processes or memory" : "");
}

static int
start_keeper (struct launch *l)
{
  const char *program = l->said->keeper ? l->said->keeper
                                        : vms_keeper_program (&l->vm->arena);
  int r = program ? vms_keeper_start (&l->vm->keeper, program,
                                      l->plan->resolution.spec.name)
                  : -ENOMEM;

  if (r < 0 && r != -EPIPE && !is_shortage (r))
    vms_say (l->work.diag, VMSPEC_SEVERITY_ERROR, "keeper.missing", "start",
             "keeper",
             "%s, in whose care machines run, cannot be started: %s%s",
             program ? program : "vmspec-keeper", strerrordesc_np (-r),
             r == -ENOENT || r == -EACCES
               ? "; install it with the library, or name it" : "");
  return r;
}

static int
hold_temporaries (struct launch *l)
{
  const char *const *path = l->said->temporaries;
  int r = 0;

  for (; r == 0 && path && *path; path++) {
    r = **path == '/'
          ? vms_keeper_ask (&l->vm->keeper, KEEPER_HOLD_FILE, NO_DESCRIPTOR,
                            *path)
          : -EINVAL;
    if (r == -EINVAL)
      vms_say (l->work.diag, VMSPEC_SEVERITY_ERROR, "start.temporary", "start",
               "temporaries", "'%s' is no absolute path; let it start with a slash",
               *path);
  }
  return r;
}

/* The keeper makes it, or takes over the lock from an earlier preparation. */
static int
make_run_directory (struct launch *l)
{
  const struct decided *d = &l->plan->decided;
  struct keeper_request request
    = { KEEPER_DIRECTORY, NO_DESCRIPTOR, d->run,
        is_on (l->said->keep_directory) ? KEEPER_STAYS : 0 };
  int prepared, r;

  if (!d->run_is_fresh)
    return 0;
  prepared = __atomic_exchange_n (l->plan->run_fd, NO_DESCRIPTOR,
                                  __ATOMIC_ACQ_REL);
  if (prepared >= 0) {
    request.kind = KEEPER_HOLD_TREE;
    request.fd = prepared;
  }
  r = vms_keeper_ask_all (&l->vm->keeper, &request, 1);
  vms_descriptor_close (prepared);
  /* A keeper that was killed may have made it without a word. */
  l->vm->owns_run
    = (r == 0 || r == -EPIPE) && !is_on (l->said->keep_directory);
  return r == 0 || r == -EPIPE || is_shortage (r)
           ? r : vms_run_dir_failed (l->plan, l->work.diag, r);
}

/* What killed machines have left beside ours goes when ours runs. */
static void
clean_leftovers (struct launch *l)
{
  const char *run = l->plan->decided.run;
  const char *slash = strrchr (run, '/');
  const char *directory
    = vms_arena_copy (l->work.arena, run,
                      slash == run ? 1 : (size_t) (slash - run));

  if (l->plan->decided.run_is_fresh && directory)
    (void) vms_keeper_ask (&l->vm->keeper, KEEPER_CLEAN, NO_DESCRIPTOR,
                           directory);
}

/* ---- descriptors -------------------------------------------------------- */

static void
give (struct launch *l, int number, int fd)
{
  if (l->n_descriptors < KEEPER_FDS)
    l->descriptors[l->n_descriptors++]
      = (struct keeper_descriptor) { number, fd };
}

/* One that the caller has closed is as good as /dev/null. */
static int
standard (const struct launch *l, uint32_t kind, uint32_t fd, int number)
{
  if (kind == VMSPEC_STDIO_DESCRIPTOR)
    return (int) fd;
  if (kind == VMSPEC_STDIO_NULL || l->inherited[number] < 0)
    return l->null;
  return l->inherited[number];
}

static int
is_open (const struct launch *l, const char *member, uint32_t fd)
{
  if (fcntl ((int) fd, F_GETFD) >= 0)
    return 1;
  vms_say (l->work.diag, VMSPEC_SEVERITY_ERROR, "start.descriptor", "start",
           member, "%u is no open descriptor of this process", fd);
  return 0;
}

static int
are_open (const struct launch *l)
{
  const struct vmspec_start *said = l->said;
  const struct vmspec_descriptor *const *one = said->descriptors;
  int open = 1;

  if (said->input == VMSPEC_STDIO_DESCRIPTOR)
    open &= is_open (l, "input_fd", said->input_fd);
  if (said->output == VMSPEC_STDIO_DESCRIPTOR)
    open &= is_open (l, "output_fd", said->output_fd);
  if (said->error == VMSPEC_STDIO_DESCRIPTOR)
    open &= is_open (l, "error_fd", said->error_fd);
  for (; one && *one; one++)
    open &= is_open (l, "descriptors", (*one)->fd);
  return open;
}

/* *ret_free is the first number that is left for others. */
static int
give_descriptors (struct launch *l, int *ret_free)
{
  const struct vmspec_descriptor *const *one = l->said->descriptors;

  if (!are_open (l))
    return -EBADF;
  *ret_free = STDERR_FILENO + 1;
  give (l, 0, standard (l, l->said->input, l->said->input_fd, 0));
  give (l, 1, standard (l, l->said->output, l->said->output_fd, 1));
  for (; one && *one; one++) {
    give (l, (int) (*one)->number, (int) (*one)->fd);
    if ((int) (*one)->number >= *ret_free)
      *ret_free = (int) (*one)->number + 1;
  }
  return 0;
}

/* ---- QEMU --------------------------------------------------------------- */

static int
say_failed (const struct launch *l, int error)
{
  const char *program = l->plan->argv[0];
  int there = access (program, F_OK) == 0;

  if (error == -EPIPE || is_shortage (error))
    return error;
  vms_say (l->work.diag, VMSPEC_SEVERITY_ERROR,
           error == -ENOENT && !there ? "qemu.missing" : "qemu.failed", "qemu",
           "binary", "%s cannot be started: %s; %s", program,
           strerrordesc_np (-error),
           error != -ENOENT ? "set qemu.binary to a program that runs here"
           : there ? "it needs an interpreter or a loader that is not there"
                   : "install QEMU or set qemu.binary");
  return error == -ENOEXEC ? -EIO : error; /* it means a blocker */
}

/* The plan's, and what control takes. */
static const char *const *
complete_argv (struct launch *l)
{
  struct vector argv = { .arena = l->work.arena };

  if (!l->control.option)
    return l->plan->argv;
  for (const char *const *word = l->plan->argv; *word; word++)
    vms_vector_add (&argv, *word);
  vms_vector_add (&argv, "-readconfig");
  vms_vector_add (&argv, l->control.option);
  return (const void *) vms_vector_end (&argv);
}

static int
spawn_qemu (struct launch *l)
{
  const char *const *argv;
  int number, r = give_descriptors (l, &number);

  if (r < 0)
    return r;
  r = vms_control_open (&l->control, l->vm, l->said, number, &l->work);
  if (r == -EOPNOTSUPP)
    return r; /* that has a finding */
  for (size_t i = 0; i < l->control.n_given; i++)
    give (l, l->control.given[i].number, l->control.given[i].fd);
  argv = complete_argv (l);
  if (r == 0 && !argv)
    r = -ENOMEM;
  if (r == 0)
    r = vms_keeper_spawn (&l->vm->keeper,
                          &(struct keeper_setup) {
                        .child = KEPT_QEMU, .role = KEEPER_MAIN,
                        .own_group = is_on (l->said->own_group),
                        .argv = argv,
                        .environment = l->plan->decided.qemu_environment,
                        .directory = l->plan->decided.run,
                        .descriptors = l->descriptors,
                        .n_descriptors = l->n_descriptors,
                        .error = standard (l, l->said->error,
                                           l->said->error_fd, 2) },
                          &l->vm->qemu);
  return r < 0 ? say_failed (l, r) : 0;
}

/* ---- ready -------------------------------------------------------------- */

static int
poll_work (void *data)
{
  return vms_work_poll (data);
}

static void
warn (struct launch *l, const char *id, const char *text)
{
  vms_say (l->work.diag, VMSPEC_SEVERITY_WARNING, id, "start", "qmp", "%s", text);
}

/* QEMU greets before it has made its devices, and answers query-status after
 * that. */
static int
wait_until_ready (struct launch *l)
{
  vmspec_vm *vm = l->vm;
  uint32_t timeout = l->said->ready_timeout ? l->said->ready_timeout : 5000;
  int64_t deadline = vms_deadline_after ((int) timeout);
  int r;

  if (vm->qmp.channel.fd < 0)
    return 0;
  vm->qmp.tick = poll_work;
  vm->qmp.tick_data = &l->work;
  r = vms_qmp_greet (&vm->qmp, deadline, NULL);
  if (r == 0)
    r = vms_qmp_execute (&vm->qmp, "query-status", NULL, deadline, NULL, NULL);
  vm->qmp.tick = NULL;
  if (r == 0)
    vms_vm_find_accel (vm, deadline);
  if (r == -ENOTCONN) {
    int ended = vmspec_vm_wait (vm, (int) timeout, NULL);

    if (ended == -ECHILD)
      return -EPIPE;
    if (ended == 0) {
      (void) vmspec_vm_explain (vm, l->work.diag);
      return 0;
    }
  }
  /* Whoever has no time to wait has a machine all the same. */
  if (r == -ETIME || r == -ECANCELED)
    warn (l, "qmp.silent", "QEMU has not answered yet; the machine was started, "
          "but cannot be asked before it does");
  else if (r < 0)
    warn (l, "qmp.unusable", "this program speaks no QMP, as QEMU does: the "
          "machine was started, but cannot be asked");
  return 0;
}

/* ------------------------------------------------------------------------- */

/* The keeper loads while files are looked for. */
static int
start_keeper_if_allowed (struct launch *l)
{
  int force = is_on (l->said->force);
  int blocked = force ? 0 : refuse_blocked (l->plan, l->work.diag);
  int r = blocked < 0 ? 0 : start_keeper (l);
  int missing = force ? 0 : vmspec_plan_check_files (l->plan, l->work.diag);

  return blocked < 0 ? blocked : r < 0 ? r : missing;
}

static int
run (struct launch *l)
{
  int r = start_keeper_if_allowed (l);

  if (r == 0)
    r = hold_temporaries (l);
  if (r == 0)
    r = make_run_directory (l);
  if (r == 0)
    r = vms_plan_prepare (l->plan, NULL, l->said->work, l->work.diag,
                          &l->vm->keeper);
  if (r == 0)
    r = vms_swtpm_start (&l->vm->keeper, l->plan, &l->work);
  if (r == 0)
    r = vms_vde_start (&l->vm->keeper, l->plan, &l->work);
  if (r == 0)
    r = spawn_qemu (l);
  return r;
}

static int
launch (vmspec_vm *vm, const vmspec_plan *plan,
        const struct vmspec_start *said, struct arena *arena,
        vmspec_diag *diag)
{
  struct launch l = { .vm = vm, .plan = plan, .said = said };
  size_t found = diag ? diag->errors + diag->blockers : 0;
  int r = vms_work_init (&l.work, arena, said->work, diag);

  if (r < 0)
    return r;
  /* Before anything of ours may have their numbers. */
  for (int i = 0; i < 3; i++)
    l.inherited[i] = fcntl (i, F_GETFD) < 0 ? NO_DESCRIPTOR : i;
  l.null = open ("/dev/null", O_RDWR | O_CLOEXEC);
  r = l.null < 0 ? -errno : run (&l);
  vms_control_close (&l.control);
  vms_descriptor_close (l.null);
  if (r == 0)
    r = wait_until_ready (&l);
  if (r == 0)
    clean_leftovers (&l);
  if (r < 0 && r != -ECANCELED && diag
      && diag->errors + diag->blockers == found)
    say_cannot (diag, r);
  return r;
}

static int
make_vm (const vmspec_plan *plan, vmspec_vm **ret_vm)
{
  struct arena arena = { 0 };
  vmspec_vm *vm = vms_arena_alloc (&arena, sizeof *vm);

  if (!vm)
    return -ENOMEM;
  vm->arena = arena;
  vm->plan = vms_plan_reference (plan);
  vm->keeper = (struct keeper) KEEPER_NONE;
  vm->qemu.pidfd = vm->qmp.channel.fd = vm->agent.fd = NO_DESCRIPTOR;
  vm->qmp.last = &vm->qmp.first;
  vm->accel = vmspec_plan_accel (plan);
  *ret_vm = vm;
  return 0;
}

int
vmspec_vm_start (const vmspec_plan *plan, const struct vmspec_start *options,
                 vmspec_diag *diag, vmspec_vm **ret_vm)
{
  const struct vmspec_start none = { VMSPEC_INIT (vmspec_start) };
  struct arena arena = { 0 };
  void *copy = NULL;
  vmspec_vm *vm = NULL;
  int r = vms_spec_copy (&arena, "vmspec_start", options ? options : &none, diag,
                         &copy);

  if (r == 0)
    r = vms_spec_accept (&arena, "vmspec_start", copy, diag);
  if (r == 0)
    r = make_vm (plan, &vm);
  if (r == 0)
    r = launch (vm, plan, copy, &arena, diag);
  vms_arena_free (&arena);
  if (r < 0)
    vmspec_vm_free (vm);
  else
    *ret_vm = vm;
  return r;
}
