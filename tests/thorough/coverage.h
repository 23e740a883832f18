/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Included before anything else where coverage is counted: a process that ends at
 * once has to write its counts.  They start again from nothing, as they may be
 * those of a parent by vfork(), which goes on. */
#ifndef VMSPEC_TESTS_COVERAGE_H
#define VMSPEC_TESTS_COVERAGE_H

#include <unistd.h>

void __gcov_dump (void);
void __gcov_reset (void);

#define _exit(status) (__gcov_dump (), __gcov_reset (), _exit (status))

#endif
