/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef BENCH_STAND_IN_H
#define BENCH_STAND_IN_H

/* Below 10, since shells use those above for themselves. */
#define STAMP_FD 9

#endif
