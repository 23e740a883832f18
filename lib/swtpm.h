/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The TPM of a machine, emulated by swtpm. */
#ifndef VMSPEC_SWTPM_H
#define VMSPEC_SWTPM_H

#include "keeper.h"
#include "plan.h"
#include "work.h"

/* What is in the directory of a TPM's state for one run only; ends with NULL.  The
 * last is what swtpm writes before it renames it, and leaves if it is killed. */
extern const char *const vms_swtpm_files[];
/* A directory there, in which a new TPM is made. */
#define SWTPM_NEW "new"

/* Takes the lock of the TPM's state, makes and provisions a new TPM where that is
 * asked for, and starts swtpm.  Nothing, without a TPM.  0 or -errno with a
 * finding: -EBUSY if another machine has the state. */
int vms_swtpm_start (struct keeper *keeper, const vmspec_plan *plan,
                     struct work *work);

#endif
