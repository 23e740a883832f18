/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VMSPEC_CLOCK_H
#define VMSPEC_CLOCK_H

#include <stdint.h>

/* Milliseconds of a clock that nobody sets. */
int64_t vms_now_ms (void);
/* A moment so many milliseconds from now; negative: ten seconds. */
int64_t vms_deadline_after (int timeout_ms);
/* Milliseconds until then, 0 when it has passed. */
int vms_deadline_left (int64_t deadline);

#endif
