/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Why QEMU ended, by what it wrote. */
#ifndef VMSPEC_EXPLAIN_H
#define VMSPEC_EXPLAIN_H

#include "plan.h"

/* Adds findings, at least one, that are errors: about the option that QEMU's
 * message is about, if it is known.  @words ends with a NUL that is not counted,
 * and may hold anything. */
void explain_failure (const vmspec_plan *plan, const char *words, size_t size,
                      vmspec_diag *diag);

#endif
