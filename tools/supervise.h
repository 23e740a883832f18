/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Waiting for a machine, and what is done meanwhile. */
#ifndef VMSPEC_TOOLS_SUPERVISE_H
#define VMSPEC_TOOLS_SUPERVISE_H

#include "ending.h"
#include "registry.h"

struct supervision {
  struct ending ending;
  struct registration *registration;
  long long timeout;         /* ms; 0 for none */
  int timed_out;
};

/* Until the machine has ended; *ret_status as from waitpid(2).  0 or -errno. */
int supervise (struct supervision *supervision, int *ret_status);

#endif
