/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Running the machine. */
#ifndef VMSPEC_TOOLS_START_H
#define VMSPEC_TOOLS_START_H

#include <vmspec/vmspec.h>

/* Says on standard error what the machine is run by. */
void print_accel (const vmspec_plan *plan, const struct vmspec_host *host);

/* From here on, signals that would end this program wait for run_machine. */
void hold_signals (void);
/* Whether one waits. */
int signal_waits (void);
/* Lets it end this program. */
void let_signals_pass (void);
/* Waits until the machine has ended, and passes signals on to it.  0 with the
 * status that vmspec-run exits with, or -errno. */
int run_machine (vmspec_vm *vm, int *ret_status);

#endif
