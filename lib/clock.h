/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VMSPEC_CLOCK_H
#define VMSPEC_CLOCK_H

#include <stdint.h>

/* Milliseconds of a clock that nobody sets. */
int64_t vms_now_ms (void);

#endif
