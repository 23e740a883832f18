/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "duration.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* A year; longer ones are mistakes. */
#define LONGEST_S (366.0 * 24 * 60 * 60)

static int
unit_seconds (const char *unit)
{
  static const struct {
    const char *name;
    int seconds;
  } units[] = { { "", 1 }, { "s", 1 }, { "m", 60 }, { "h", 3600 },
                { "d", 86400 } };

  for (size_t i = 0; i < sizeof units / sizeof *units; i++)
    if (!strcmp (unit, units[i].name))
      return units[i].seconds;
  return -1;
}

long long
duration_parse (const char *text)
{
  char *unit;
  double seconds;
  int factor;

  /* strtod takes names and signs as well. */
  if (text[strspn (text, "0123456789.")] == 'x' || !*text
      || !strchr ("0123456789.", *text))
    return -1;
  seconds = strtod (text, &unit);
  factor = unit == text ? -1 : unit_seconds (unit);
  if (factor < 0 || seconds * factor < 0.001 || seconds * factor > LONGEST_S)
    return -1;
  return (long long) (seconds * factor * 1000);
}

long long
now_ms (void)
{
  struct timespec now;

  clock_gettime (CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

int
ms_until (long long deadline)
{
  long long left = deadline - now_ms ();

  if (!deadline)
    return -1;
  return left < 0 ? 0 : left > INT_MAX ? INT_MAX : (int) left;
}
