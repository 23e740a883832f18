/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A plan: everything decided, nothing done. */
#ifndef VMSPEC_PLAN_H
#define VMSPEC_PLAN_H

#include "assert.h"
#include "qemu.h"
#include "step.h"

struct vmspec_plan {
  struct arena arena;
  struct resolution resolution;
  struct decided decided;
  struct steps steps;
  vmspec_diag *diag;        /* what was found, for the start */
  const char *const *argv;
  const char *command;
  int made_run;             /* the fresh run directory is there already */
};

/* Takes the steps (prepare.c).  *ret_made_run says whether a fresh run directory
 * was made by this call, which is then the caller's to remove. */
int plan_prepare (const vmspec_plan *plan, const char *const *names,
                  const struct vmspec_work *work, vmspec_diag *diag,
                  int *ret_made_run);

#endif
