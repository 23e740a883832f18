/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The run directory: made before QEMU starts, gone after it ended. */
#ifndef VMSPEC_RUN_DIR_H
#define VMSPEC_RUN_DIR_H

#include "plan.h"

/* 0 or -errno with a finding.  A directory that is not fresh (USE_TMPDIR) may
 * exist. */
int run_dir_make (const vmspec_plan *plan, vmspec_diag *diag);
/* Removes a fresh one with everything in it, whatever a guest put there. */
void run_dir_remove (const char *path);

#endif
