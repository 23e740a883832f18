/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a library says that was built without some part: without-PART.c stands in
 * the place of the files that need it, so that every symbol is always there.
 */
#ifndef VMSPEC_WITHOUT_H
#define VMSPEC_WITHOUT_H

#include "diag.h"

/* Adds the finding that this library was configured so, and what follows from it.
 * @path is an option's, or NULL.  -EOPNOTSUPP. */
int vms_without (vmspec_diag *diag, const char *id, const char *configured,
                 const char *path, const char *so);

#endif
