/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A piece of work with effects: what it was asked to do, how far it is, and what
 * went wrong. */
#ifndef VMSPEC_WORK_H
#define VMSPEC_WORK_H

#include "spec.h"

struct keeper;

struct work {
  struct arena *arena;
  const struct vmspec_work *said; /* our own copy, never NULL */
  vmspec_diag *diag;
  int sync;
  int may_exist;                  /* what is to be made: then -EEXIST is no
                                     failure and has no finding */
  const char *step;               /* its name, for progress */
  const char *option;             /* the option that asked for it; NULL: the
                                     member that a finding is about */
  int64_t next_report;            /* in ms */
  uint64_t done, total;           /* as was reported last */
  struct keeper *keeper;          /* the parent of helper programs, which end
                                     with this process then; or NULL */
};

/* @said may be NULL.  0 or what vms_spec_copy and vms_spec_accept say. */
int vms_work_init (struct work *work, struct arena *arena,
                   const struct vmspec_work *said, vmspec_diag *diag);

/* Tells the caller how far the work is, unless it was told a moment ago.
 * 0 or -ECANCELED.  @total is 0 while it is not known. */
int vms_work_progress (struct work *work, uint64_t done, uint64_t total);
/* The same again, by who does not know how far it is: to be cancelled. */
int vms_work_poll (struct work *work);
/* Tells it in any case. */
int vms_work_progress_now (struct work *work, uint64_t done, uint64_t total);

/* Adds a finding that is an error about the @member of the struct that was given
 * ("tree"), or about the option that asked for the step.  Returns @error. */
int vms_work_fail (struct work *work, int error, const char *id,
                   const char *member, const char *format, ...)
  __attribute__ ((format (printf, 5, 6)));

/* Where a helper program is in the PATH of the environment that was given:
 * an absolute path, or NULL. */
const char *vms_work_program (struct work *work, const char *name);
/* The environment of helper programs; never NULL. */
const char *const *vms_work_environment (const struct work *work);

#endif
