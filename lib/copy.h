/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Small files, such as templates, byte by byte. */
#ifndef VMSPEC_COPY_H
#define VMSPEC_COPY_H

#include "work.h"

/* From one descriptor's place to its end, to another.  @total is told as the
 * whole of the work; with 0 nothing is told.  0 or -errno, without a finding. */
int vms_copy_bytes (struct work *work, int from, int to, uint64_t total);

#endif
