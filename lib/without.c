/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "without.h"

#include <errno.h>

int
vms_without (vmspec_diag *diag, const char *id, const char *configured,
             const char *path, const char *so)
{
  vms_diag_add (diag, VMSPEC_SEVERITY_ERROR, id,
                &(const struct path) { .name = path ? path : "" }, NULL,
                "this libvmspec was configured %s, so %s", configured, so);
  return -EOPNOTSUPP;
}
