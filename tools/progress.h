/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How far images are, on a terminal. */
#ifndef VMSPEC_TOOLS_PROGRESS_H
#define VMSPEC_TOOLS_PROGRESS_H

#include <vmspec/vmspec.h>

struct progress {
  int is_terminal;
  long long start;  /* ms: what is quick shows nothing */
  int shown;
};

/* Work that shows a bar on standard error if that is a terminal, and that ends
 * when a signal waits that would end this program. */
struct vmspec_work progress_work (struct progress *progress, int no_sync);
/* Takes the bar away. */
void progress_end (struct progress *progress);

#endif
