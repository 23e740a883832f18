/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is done with machines that run.  Each returns an exit status. */
#ifndef VMSPEC_TOOLS_MACHINES_H
#define VMSPEC_TOOLS_MACHINES_H

/* Descriptor of the directory, and what is said of the machine, which the caller
 * frees; or an exit status after a message. */
int find_machine (const char *name, int *ret_directory, char **ret_content);

int list_machines (void);
int print_machine (const char *name);
/* Within @grace_ms, or half a minute if it is 0. */
int stop_machine (const char *name, long long grace_ms);
/* Removes what machines have left that were killed with their vmspec-run. */
int clean_machines (void);

#endif
