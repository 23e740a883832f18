/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One machine by the public interface, of a stand-in or of the real QEMU. */
#ifndef VMSPEC_TEST_ONE_MACHINE_H
#define VMSPEC_TEST_ONE_MACHINE_H

#include <vmspec/vmspec.h>

#include <stdio.h>
#include <stdlib.h>

/* Says what does not hold, and ends. */
#define MUST(condition)                                                        \
  do {                                                                         \
    if (!(condition)) {                                                        \
      fprintf (stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__,       \
               #condition);                                                    \
      exit (1);                                                                \
    }                                                                          \
  } while (0)

/* What a machine is of. */
struct kind {
  const char *program;      /* "qemu" is the real one */
  const char *directory;    /* "TMPDIR=...", for the run directory of each */
};

vmspec_vm *machine_start (const struct kind *kind);
/* How it is, and what accelerator it has. */
void machine_ask (const struct kind *kind, vmspec_vm *vm);
/* Stops and frees it. */
void machine_stop (const struct kind *kind, vmspec_vm *vm);

#endif
