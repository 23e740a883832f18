/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Why QEMU ended, by what it wrote. */
#ifndef VMSPEC_EXPLAIN_H
#define VMSPEC_EXPLAIN_H

#include "plan.h"

/* Adds findings, at least one, that are errors: about the option that QEMU's
 * message is about, if it is known.  @words ends with a NUL that is not counted,
 * and may hold anything. */
void vms_explain_failure (const vmspec_plan *plan, const char *words,
                          size_t size, vmspec_diag *diag);

/* ---- what is known (explain-table.c) ------------------------------------ */

struct failure {
  const char *pattern;  /* of the message, see vms_explain_matches */
  const char *id;
  const char *remedy;
  const char *member;   /* what it is about in an entry of a list, or NULL */
  const char *flags;    /* where to look if QEMU does not say: "-kernel" */
  const char *about;    /* a pattern that this option and its value have to
                           match, or NULL */
};

/* Any of the alternatives, which '|' separates: each has parts that have to
 * follow each other in the text, which '*' separates; in any case. */
int vms_explain_matches (const char *text, const char *pattern);
/* @option: "-cpu host", if QEMU has named it, or NULL. */
const struct failure *
vms_explain_find (const char *message, const char *option);

/* ---- where it comes from (explain-origin.c) ----------------------------- */

/* One or two words of the vector: an option, and its value if it was said to be
 * about both. */
struct culprit {
  size_t index, count;
};

/* The path of the option of the description that the words come from, or of its
 * member, if it has such.  NULL if there is none. */
const char *vms_explain_origin (const vmspec_plan *plan, struct arena *arena,
                                struct culprit culprit, const char *message,
                                const char *member);
/* The same, for a failure that QEMU names no option for: by its flags. */
const char *vms_explain_likely_origin (const vmspec_plan *plan,
                                       struct arena *arena, const char *message,
                                       const struct failure *failure);

#endif
