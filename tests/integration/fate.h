/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Callers of the library whose machines are to leave nothing, however they end.
 * "fate" says who ends, and looks at what is left.
 */
#ifndef VMSPEC_TESTS_FATE_H
#define VMSPEC_TESTS_FATE_H

#include <vmspec/vmspec.h>

/* What is started, and how. */
struct machine {
  vmspec_doc *doc;
  struct vmspec_start start;
  struct vmspec_host *host;
  vmspec_plan *plan;
  vmspec_diag *diag;
};

/* What the test itself needs and does not get. */
void fatal (const char *what) __attribute__ ((noreturn));

void machine_init (struct machine *machine);
/* "memory=64" for the description, "start.qmp=off" for the start.  The text has
 * to stay.  0 or -errno. */
int machine_set (struct machine *machine, char *assignment);
/* A plan of its own, and so a fresh run directory, from this process's
 * environment and directory.  0 or -errno. */
int machine_plan (struct machine *machine);

#endif
