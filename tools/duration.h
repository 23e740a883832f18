/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Time: as it is written on the command line, and as it passes. */
#ifndef VMSPEC_TOOLS_DURATION_H
#define VMSPEC_TOOLS_DURATION_H

/* "10", "0.5", "90s", "5m", "1.5h", "2d" in milliseconds, more than none; -1 if
 * it is something else. */
long long duration_parse (const char *text);

/* Of a clock that nobody sets. */
long long now_ms (void);
/* How long until @deadline, for poll(2): -1 if there is none (it is 0), and 0 if
 * it has passed. */
int ms_until (long long deadline);

#endif
