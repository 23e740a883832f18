/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The guest's half of a description. */
#ifndef VMSPEC_TOOLS_GUEST_H
#define VMSPEC_TOOLS_GUEST_H

#include "run.h"

/* The number of a form by its name; 0 after a message if there is none. */
unsigned guest_form (const char *name);
/* Prints the settings in the form that was asked for; a status. */
int print_guest (struct run *run);
/* Looks at the kernel that was named; a status. */
int check_kernel (struct run *run);

#endif
