/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "clock.h"

#include <limits.h>
#include <time.h>

#define DEFAULT_MS 10000
#define MS_PER_S 1000
#define NS_PER_MS 1000000

int64_t
vms_now_ms (void)
{
  struct timespec now;

  clock_gettime (CLOCK_MONOTONIC, &now);
  return (int64_t) now.tv_sec * MS_PER_S + now.tv_nsec / NS_PER_MS;
}

int64_t
vms_deadline_after (int timeout_ms)
{
  return vms_now_ms () + (timeout_ms < 0 ? DEFAULT_MS : timeout_ms);
}

int
vms_deadline_left (int64_t deadline)
{
  int64_t left = deadline - vms_now_ms ();

  return left < 0 ? 0 : left > INT_MAX ? INT_MAX : (int) left;
}
