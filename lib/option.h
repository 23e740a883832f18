/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VMSPEC_OPTION_H
#define VMSPEC_OPTION_H

#include <vmspec/vmspec.h>

/* The rows of one struct: first (its struct_size), then one after the other. */
const struct vmspec_option *vms_option_first (const char *owner);
const struct vmspec_option *
vms_option_sibling (const struct vmspec_option *option);
/* The name of a valid number of an enumeration; the row must exist. */
const char *vms_option_value (const char *owner, const char *name,
                              uint64_t number);

#endif
