/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "clock.h"

#include <time.h>

int64_t
vms_now_ms (void)
{
  struct timespec now;

  clock_gettime (CLOCK_MONOTONIC, &now);
  return (int64_t) now.tv_sec * 1000 + now.tv_nsec / 1000000;
}
