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
    = spec_copy (arena, "vmspec", spec ? spec : &empty, diag, &given);

  if (error < 0)
    return error;
  spec_accept (arena, "vmspec", given, diag);
  error = host_or_detect (given, host, arena, diag, &host);
  if (error < 0)
    return error;
  spec_accept (arena, "vmspec_host", writable (host), diag);
  if (arena_error (arena))
    return arena_error (arena);
  resolve (r, arena, given, host);
  if (arena_error (arena))
    return arena_error (arena);
  resolve_mounts (r, diag);
  return arena_error (arena);
}

/* What a step does; a directory may be there, but what is a file must not be
 * overwritten. */
static void
add_step (struct text *text, const struct vmspec_step *step)
{
  const char *const *command = step->commands;
  int is_file = step->kind != VMSPEC_STEP_KIND_DIRECTORY;

  if (is_file) {
    text_add (text, "{ test -e ");
    text_add_quoted (text, step->file);
    text_add (text, " || { ");
  }
  for (; command && *command; command++) {
    text_add (text, *command);
    text_add (text, command[1] ? " && " : "");
  }
  text_add (text, is_file ? "; }; } &&\n" : " &&\n");
}

/* A line for each option, for people to read and shells to run. */
static const char *
shell_command (struct arena *arena, const vmspec_plan *plan)
{
  const char *const *word = plan->argv;
  const char *tmpdir
    = environment_get (plan->decided.qemu_environment, "TMPDIR");
  struct text text = { .arena = arena };
  size_t size = 0;

  /* Little more than the words themselves, which are most of a large plan. */
  for (; *word; word++)
    size += strlen (*word) + strlen (" \\\n  ");
  word = plan->argv;
  text_reserve (&text, size);
  for (size_t i = 0; i < plan->steps.count; i++)
    add_step (&text, &plan->steps.items[i].told);
  text_add (&text, "cd ");
  text_add_quoted (&text, plan->decided.run);
  text_add (&text, " &&\n");
  if (tmpdir) {
    text_add (&text, "TMPDIR=");
    text_add_quoted (&text, tmpdir);
    text_add (&text, " ");
  }
  for (; *word; word++) {
    if (word != plan->argv)
      text_add (&text, **word == '-' ? " \\\n  " : " ");
    text_add_quoted (&text, *word);
  }
  text_add (&text, "\n");
  return text_end (&text);
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
  decide (&plan->decided, &plan->resolution, plan->diag);
  decide_credentials (&plan->decided, &plan->resolution);
  if (arena_error (arena))
    return arena_error (arena);
  /* What is wrong is said, with what else is. */
  decide_steps (&plan->steps, &plan->resolution, &plan->decided, plan->diag);
  if (arena_error (arena))
    return arena_error (arena);
  assert_description (&plan->resolution, &plan->decided, plan->diag);
  if (arena_error (arena) || diag_error (plan->diag))
    return arena_error (arena) ? arena_error (arena) : diag_error (plan->diag);
  argv_init (&argv, arena);
  qemu_render (&argv, &plan->resolution, &plan->decided);
  plan->argv = (const void *) vector_end (&argv.words);
  if (plan->argv)
    plan->command = shell_command (arena, plan);
  return arena_error (arena);
}

/* Findings that were lost are worse than what they were about. */
static int
tell (vmspec_diag *diag, const vmspec_diag *own, int r)
{
  diag_append (diag, own);
  return diag && arena_error (&diag->arena) ? arena_error (&diag->arena) : r;
}

int
vmspec_plan_new (const struct vmspec *spec, const struct vmspec_host *host,
                 vmspec_diag *diag, vmspec_plan **ret_plan)
{
  struct arena arena = { 0 };
  vmspec_plan *plan = arena_alloc (&arena, sizeof *plan);
  int r;

  if (!plan)
    return -ENOMEM;
  plan->arena = arena;
  plan->references = arena_alloc (&plan->arena, sizeof *plan->references);
  plan->run_fd = arena_alloc (&plan->arena, sizeof *plan->run_fd);
  if (!plan->references || !plan->run_fd) {
    arena = plan->arena;
    arena_free (&arena);
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
plan_reference (const vmspec_plan *plan)
{
  __atomic_add_fetch (plan->references, 1, __ATOMIC_RELAXED);
  return writable (plan);
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
  arena_free (&arena);
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
    r = diag_error (own);
  r = tell (diag, own, r);
  if (r == 0)
    r = vmspec_doc_new (&resolution.spec, NULL, ret_doc);
  vmspec_diag_free (own);
  arena_free (&arena);
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
  return emulator_accel (&plan->resolution);
}
