/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Running the machine. */
#ifndef VMSPEC_TOOLS_START_H
#define VMSPEC_TOOLS_START_H

#include "run.h"

/* Starts what is planned, and waits for its end.  The exit status. */
int start_machine (struct run *run);

#endif
