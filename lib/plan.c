/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The stages put together, for each of the functions that run them. */
#include "plan.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

/* Findings go to @diag, which is this call's own.  Errors in it do not end the
 * stages: what follows has more to say. */
static int
run_resolve (struct arena *arena, const struct vmspec *spec,
             const struct vmspec_host *host, struct resolution *r,
             vmspec_diag *diag)
{
  const struct vmspec empty = { VMSPEC_INIT (vmspec) };
  void *given = NULL;
  int error
    = vms_spec_copy (arena, "vmspec", spec ? spec : &empty, diag, &given);

  if (error < 0)
    return error;
  vms_spec_accept (arena, "vmspec", given, diag);
  error = vms_host_or_detect (given, host, arena, diag, &host);
  if (error < 0)
    return error;
  vms_spec_accept (arena, "vmspec_host", vms_writable (host), diag);
  if (vms_arena_error (arena))
    return vms_arena_error (arena);
  vms_resolve (r, arena, given, host);
  if (vms_arena_error (arena))
    return vms_arena_error (arena);
  vms_resolve_mounts (r, diag);
  return vms_arena_error (arena);
}

/* What a step does; a directory may be there, but what is a file must not be
 * overwritten. */
static void
add_step (struct text *text, const struct vmspec_step *step)
{
  const char *const *command = step->commands;
  int is_file = step->kind != VMSPEC_STEP_KIND_DIRECTORY;

  if (is_file) {
    vms_text_add (text, "{ test -e ");
    vms_text_add_quoted (text, step->file);
    vms_text_add (text, " || { ");
  }
  for (; command && *command; command++) {
    vms_text_add (text, *command);
    vms_text_add (text, command[1] ? " && " : "");
  }
  vms_text_add (text, is_file ? "; }; } &&\n" : " &&\n");
}

/* A line for each option, for people to read and shells to run. */
static const char *
shell_command (struct arena *arena, const vmspec_plan *plan)
{
  const char *const *word = plan->argv;
  const char *tmpdir
    = vms_environment_get (plan->decided.qemu_environment, "TMPDIR");
  struct text text = { .arena = arena };
  size_t size = 0;

  /* Little more than the words themselves, which are most of a large plan. */
  for (; *word; word++)
    size += strlen (*word) + strlen (" \\\n  ");
  word = plan->argv;
  vms_text_reserve (&text, size);
  for (size_t i = 0; i < plan->steps.count; i++)
    add_step (&text, &plan->steps.items[i].told);
  vms_text_add (&text, "cd ");
  vms_text_add_quoted (&text, plan->decided.run);
  vms_text_add (&text, " &&\n");
  if (tmpdir) {
    vms_text_add (&text, "TMPDIR=");
    vms_text_add_quoted (&text, tmpdir);
    vms_text_add (&text, " ");
  }
  for (; *word; word++) {
    if (word != plan->argv)
      vms_text_add (&text, **word == '-' ? " \\\n  " : " ");
    vms_text_add_quoted (&text, *word);
  }
  vms_text_add (&text, "\n");
  return vms_text_end (&text);
}

static int
run_plan (vmspec_plan *plan, const struct vmspec *spec,
          const struct vmspec_host *host)
{
  struct arena *arena = &plan->arena;
  struct argv argv;
  int error = run_resolve (arena, spec, host, &plan->resolution, plan->diag);

  if (error < 0)
    return error;
  vms_decide (&plan->decided, &plan->resolution, plan->diag);
  vms_decide_credentials (&plan->decided, &plan->resolution);
  if (vms_arena_error (arena))
    return vms_arena_error (arena);
  vms_decide_command_line (&plan->decided, &plan->resolution);
  /* What is wrong is said, with what else is. */
  vms_decide_steps (&plan->steps, &plan->resolution, &plan->decided,
                    plan->diag);
  if (vms_arena_error (arena))
    return vms_arena_error (arena);
  vms_assert_description (&plan->resolution, &plan->decided, plan->diag);
  if (vms_arena_error (arena) || vms_diag_error (plan->diag))
    return vms_arena_error (arena) ? vms_arena_error (arena)
                                   : vms_diag_error (plan->diag);
  vms_argv_init (&argv, arena);
  vms_qemu_render (&argv, &plan->resolution, &plan->decided);
  plan->argv = (const void *) vms_vector_end (&argv.words);
  if (plan->argv)
    plan->command = shell_command (arena, plan);
  return vms_arena_error (arena);
}

/* Findings that were lost are worse than what they were about. */
static int
tell (vmspec_diag *diag, const vmspec_diag *own, int r)
{
  vms_diag_append (diag, own);
  return diag && vms_arena_error (&diag->arena) ? vms_arena_error (&diag->arena)
                                                : r;
}

int
vmspec_plan_new (const struct vmspec *spec, const struct vmspec_host *host,
                 vmspec_diag *diag, vmspec_plan **ret_plan)
{
  struct arena arena = { 0 };
  vmspec_plan *plan = vms_arena_alloc (&arena, sizeof *plan);
  int r;

  if (!plan)
    return -ENOMEM;
  plan->arena = arena;
  plan->references = vms_arena_alloc (&plan->arena, sizeof *plan->references);
  plan->run_fd = vms_arena_alloc (&plan->arena, sizeof *plan->run_fd);
  if (!plan->references || !plan->run_fd) {
    arena = plan->arena;
    vms_arena_free (&arena);
    return -ENOMEM;
  }
  *plan->references = 1;
  *plan->run_fd = -1;
  r = vmspec_diag_new (&plan->diag);
  if (r == 0)
    r = tell (diag, plan->diag, run_plan (plan, spec, host));
  if (r < 0)
    vmspec_plan_free (plan);
  else
    *ret_plan = plan;
  return r;
}

vmspec_plan *
vms_plan_reference (const vmspec_plan *plan)
{
  __atomic_add_fetch (plan->references, 1, __ATOMIC_RELAXED);
  return vms_writable (plan);
}

void
vmspec_plan_free (vmspec_plan *plan)
{
  struct arena arena;

  if (!plan
      || __atomic_sub_fetch (plan->references, 1, __ATOMIC_ACQ_REL) > 0)
    return;
  if (*plan->run_fd >= 0)
    close (*plan->run_fd);
  vmspec_diag_free (plan->diag);
  arena = plan->arena;
  vms_arena_free (&arena);
}

int
vmspec_check (const struct vmspec *spec, const struct vmspec_host *host,
              vmspec_diag *diag)
{
  vmspec_plan *plan = NULL;
  int r = vmspec_plan_new (spec, host, diag, &plan);

  if (r == 0)
    vmspec_plan_free (plan);
  return r;
}

int
vmspec_resolve (const struct vmspec *spec, const struct vmspec_host *host,
                vmspec_diag *diag, vmspec_doc **ret_doc)
{
  struct arena arena = { 0 };
  struct resolution resolution;
  vmspec_diag *own;
  int r = vmspec_diag_new (&own);

  if (r < 0)
    return r;
  r = run_resolve (&arena, spec, host, &resolution, own);
  if (r == 0)
    r = vms_diag_error (own);
  r = tell (diag, own, r);
  if (r == 0)
    r = vmspec_doc_new (&resolution.spec, NULL, ret_doc);
  vmspec_diag_free (own);
  vms_arena_free (&arena);
  return r;
}

const struct vmspec *
vmspec_plan_spec (const vmspec_plan *plan)
{
  return &plan->resolution.spec;
}

const char *const *
vmspec_plan_argv (const vmspec_plan *plan)
{
  return plan->argv;
}

const char *
vmspec_plan_command (const vmspec_plan *plan)
{
  return plan->command;
}

const char *const *
vmspec_plan_environment (const vmspec_plan *plan)
{
  return plan->decided.qemu_environment;
}

const char *
vmspec_plan_directory (const vmspec_plan *plan)
{
  return plan->decided.run;
}

const struct vmspec_step *
vmspec_plan_step (const vmspec_plan *plan, size_t index)
{
  return index < plan->steps.count ? &plan->steps.items[index].told : NULL;
}

const char *
vmspec_plan_accel (const vmspec_plan *plan)
{
  return vms_emulator_accel (&plan->resolution);
}
