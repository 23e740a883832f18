/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One run of vmspec-run, and what it says. */
#ifndef VMSPEC_TOOLS_RUN_H
#define VMSPEC_TOOLS_RUN_H

#include <vmspec/vmspec.h>

#include "daemon.h"
#include "options.h"

enum {
  STATUS_FAILED = 1,
  STATUS_USAGE = 2,
  STATUS_REFUSED = 3,
  STATUS_NO_MACHINE = 3,     /* of that name, as for an LSB service */
  STATUS_NOT_STARTED = 4,
  STATUS_TIMEOUT = 124       /* as of timeout(1) */
};

/* All that lives until the end. */
struct run {
  struct options options;
  struct daemon daemon;
  vmspec_diag *diag;
  vmspec_doc *doc;
  struct vmspec_host *host;
  vmspec_plan *plan;
};

/* An error that has no finding. */
void say_failure (const char *what, int error);
/* Prints what was found, once. */
void flush_findings (struct run *run, const char *origin);
/* The same, but what has no findings has an error. */
void explain (struct run *run, const char *what, int error);

#endif
