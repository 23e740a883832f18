/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "explain.h"

void
explain_failure (const vmspec_plan *plan, const char *words, size_t size,
                 vmspec_diag *diag)
{
  (void) plan;
  (void) size;
  diag_add (diag, VMSPEC_SEVERITY_ERROR, "qemu.ended", NULL, NULL,
            "QEMU failed: %.500s", *words ? words : "it did not say why");
}
