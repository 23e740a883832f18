/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A plan: everything decided, nothing done. */
#ifndef VMSPEC_PLAN_H
#define VMSPEC_PLAN_H

#include "assert.h"
#include "qemu.h"

struct vmspec_plan {
  struct arena arena;
  struct resolution resolution;
  struct decided decided;
  vmspec_diag *diag;        /* what was found, for the start */
  const char *const *argv;
  const char *command;
};

#endif
