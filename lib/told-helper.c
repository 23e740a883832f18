/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The helpers of the NixOS start script, as it runs them.  A start has vectors
 * of its own (swtpm.c), which do the same. */
#include "plan.h"

#define MOST_HELPERS 2 /* a TPM's */

static const char *
program (const struct resolution *r, const char *said, const char *name)
{
  const char *wanted = said ? said : name;
  const char *found = vms_host_program (r->host, wanted);

  return found ? vms_host_absolute (r->arena, r->host, found) : wanted;
}

static void
add (struct decided *d, struct vmspec_helper *helpers, const char *name,
     int at_exit, struct vector *argv)
{
  helpers[d->n_helpers++] = (struct vmspec_helper) {
    VMSPEC_INIT (vmspec_helper), .name = name, .at_exit = to_switch (at_exit),
    .argv = (const void *) vms_vector_end (argv) };
}

static void
add_words (struct vector *argv, const char *const *words)
{
  for (; *words; words++)
    vms_vector_add (argv, *words);
}

#define ADD_WORDS(argv, ...)                                                   \
  add_words (argv, (const char *const[]) { __VA_ARGS__, NULL })

static void
add_swtpm (struct decided *d, const struct resolution *r,
           struct vmspec_helper *helpers)
{
  struct arena *arena = r->arena;
  struct vector argv = { .arena = arena };
  const char *directory = d->tpm_state;

  ADD_WORDS (&argv, program (r, r->tpm.swtpm, "swtpm"), "socket",
             "--tpmstate", vms_arena_concat (arena, "dir=", directory,
                                             (char *) NULL));
  ADD_WORDS (&argv, "--ctrl",
             vms_arena_concat (arena, "type=unixio,path=", d->tpm_socket,
                               ",terminate", (char *) NULL));
  ADD_WORDS (&argv, "--pid", vms_arena_concat (arena, "file=", directory, "/pid",
                                               (char *) NULL));
  ADD_WORDS (&argv, "--daemon", "--tpm2", "--log",
             vms_arena_concat (arena, "file=", directory, "/stdout,level=6",
                               (char *) NULL));
  add (d, helpers, "swtpm", 0, &argv);
}

/* One connection to its socket, and swtpm ends. */
static void
add_socat (struct decided *d, const struct resolution *r,
           struct vmspec_helper *helpers)
{
  struct vector argv = { .arena = r->arena };

  ADD_WORDS (&argv, program (r, NULL, "socat"), "STDIO",
             vms_arena_concat (r->arena, "UNIX-CONNECT:", d->tpm_socket,
                               (char *) NULL));
  add (d, helpers, "socat", 1, &argv);
}

void
vms_decide_helpers (struct decided *d, const struct resolution *r)
{
  struct vmspec_helper *helpers
    = vms_arena_alloc (r->arena, MOST_HELPERS * sizeof *helpers);

  if (!helpers || !d->tpm_state || !d->tpm_socket)
    return;
  d->helpers = helpers;
  add_swtpm (d, r, helpers);
  add_socat (d, r, helpers);
}

const struct vmspec_helper *
vmspec_plan_helper (const vmspec_plan *plan, size_t index)
{
  return index < plan->decided.n_helpers ? &plan->decided.helpers[index]
                                         : NULL;
}
