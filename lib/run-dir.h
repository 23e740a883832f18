/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The run directory: made before QEMU starts, gone after it ended. */
#ifndef VMSPEC_RUN_DIR_H
#define VMSPEC_RUN_DIR_H

#include "plan.h"
#include "work.h"

/* Each returns 0 or -errno with a finding.  The directory may exist: one that is
 * not fresh (USE_TMPDIR) anyhow, and a fresh one if an earlier call made it. */
int run_dir_make (const vmspec_plan *plan, vmspec_diag *diag, int *ret_made);
int run_dir_exchange (const vmspec_plan *plan, vmspec_diag *diag);
int run_dir_certificates (const vmspec_plan *plan, struct work *work);
/* A machine has its fresh run directory for itself as long as the descriptor is
 * open.  -EEXIST with a finding if another machine has it. */
int run_dir_lock (const vmspec_plan *plan, vmspec_diag *diag, int *ret_fd);
/* Removes a fresh one with everything in it, whatever a guest put there. */
void run_dir_remove (const char *path);

#endif
