/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is said of a machine that has started, on standard error. */
#ifndef VMSPEC_TOOLS_REPORT_H
#define VMSPEC_TOOLS_REPORT_H

#include <vmspec/vmspec.h>

/* What it is run by, and why not by KVM. */
void report_accel (const vmspec_vm *vm, const vmspec_plan *plan,
                   const struct vmspec_host *host);
/* Ports that were chosen; and all that lead into the guest as lines "forward ..."
 * which the caller frees, or NULL if there are none. */
char *report_ports (vmspec_vm *vm, const vmspec_plan *plan);

#endif
