/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The run directory: made before QEMU starts, gone after it ended. */
#ifndef VMSPEC_RUN_DIR_H
#define VMSPEC_RUN_DIR_H

#include "plan.h"
#include "work.h"

/* Each returns 0 or -errno with a finding.  One that is not fresh (USE_TMPDIR) may
 * exist.  A fresh one's lock is in *ret_lock: as long as that is open in some
 * process the directory is in use. */
int
vms_run_dir_make (const vmspec_plan *plan, vmspec_diag *diag, int *ret_lock);
int vms_run_dir_exchange (const vmspec_plan *plan, vmspec_diag *diag);
int vms_run_dir_certificates (const vmspec_plan *plan, struct work *work);
/* Adds the finding, and returns @error. */
int vms_run_dir_failed (const vmspec_plan *plan, vmspec_diag *diag, int error);

#endif
