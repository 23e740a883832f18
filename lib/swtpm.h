/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The TPM of a machine, emulated by swtpm. */
#ifndef VMSPEC_SWTPM_H
#define VMSPEC_SWTPM_H

#include "keeper.h"
#include "plan.h"
#include "work.h"

/* Takes the lock of the TPM's state, makes and provisions a new TPM where that is
 * asked for, and starts swtpm.  Nothing, without a TPM.  0 or -errno with a
 * finding: -EBUSY if another machine has the state. */
int swtpm_start (struct keeper *keeper, const vmspec_plan *plan,
                 struct work *work);

#endif
