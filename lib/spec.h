/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copies of public structs, by the option table. */
#ifndef VMSPEC_SPEC_H
#define VMSPEC_SPEC_H

#include "diag.h"
#include "option.h"

/* A deep copy of a caller's struct, with the rule for its size.  @owner is the
 * struct's tag.  Returns 0, -E2BIG, -EINVAL or -ENOMEM. */
int vms_spec_copy (struct arena *arena, const char *owner, const void *from,
                   vmspec_diag *diag, void **ret_copy);

/* Says everything that the table alone can say against our copy of a struct
 * (ranges, names of enumerations, absolute paths, what must be said), and puts
 * something harmless in the place of what cannot be worked with: "" for a
 * text that is missing.
 * 0 or -EINVAL. */
int vms_spec_accept (struct arena *arena, const char *owner, void *spec,
                     vmspec_diag *diag);

/* Our own copy of what public structs show as const. */
void *vms_writable (const void *ours);

/* The size of a struct, which ends where its last member ends. */
size_t vms_spec_size (const struct vmspec_option *first);

/* Number of entries before the NULL; 0 for a list that is not said. */
size_t vms_list_length (const void *list);

/* Rows of numbers. */
uint64_t
vms_option_number (const struct vmspec_option *option, const void *spec);
void vms_option_set_number (const struct vmspec_option *option, void *spec,
                            uint64_t number);
/* Rows of pointers. */
const void *vms_option_pointer (const struct vmspec_option *option,
                                const void *spec);
void vms_option_set_pointer (const struct vmspec_option *option, void *spec,
                             const void *pointer);

#endif
