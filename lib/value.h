/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Scalar options as text, by their row of the table. */
#ifndef VMSPEC_VALUE_H
#define VMSPEC_VALUE_H

#include "spec.h"

/* Where a text was read, for the findings about it. */
struct origin {
  const struct path *path;
  const struct place *place; /* or NULL */
  vmspec_diag *diag;         /* or NULL */
};

/* Whether @option is one number or one text, and not a group or a list. */
int vms_value_is_scalar (const struct vmspec_option *option);

/* Stores what @text says in @spec; texts are copied to @arena.  -EINVAL with a
 * finding, and @spec as it was, if @option cannot have this value.  What a text
 * must look like beyond that is said by vms_spec_accept, once all is known. */
int vms_value_parse (struct arena *arena, const struct vmspec_option *option,
                     const char *text, void *spec, const struct origin *origin);

/* Whether @spec says anything about @option. */
int vms_value_is_said (const struct vmspec_option *option, const void *spec);

/* The text from which vms_value_parse makes what @spec holds; NULL if there is no
 * such text, or no memory. */
const char *
vms_value_text (struct arena *arena, const struct vmspec_option *option,
                const void *spec);

#endif
