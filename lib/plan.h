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
  unsigned *references;     /* the caller's, and one of each machine and of
                               each guest's settings */
  int *run_fd;              /* holds the lock of a fresh run directory that was
                               prepared and not started yet, or -1 */
};

/* One more, for vmspec_plan_free to take back.  Machines of one plan may be in
 * several threads. */
vmspec_plan *vms_plan_reference (const vmspec_plan *plan);

struct keeper;

/* Takes the steps (prepare.c).  With a keeper, a fresh run directory is there
 * already, and helper programs end when this process does. */
int vms_plan_prepare (const vmspec_plan *plan, const char *const *names,
                      const struct vmspec_work *said, vmspec_diag *diag,
                      struct keeper *keeper);

#endif
