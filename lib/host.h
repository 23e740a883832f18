/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Questions to a struct vmspec_host.  Nothing here looks at the machine;
 * detect.c does. */
#ifndef VMSPEC_HOST_H
#define VMSPEC_HOST_H

#include "expand.h"
#include "spec.h"

/* @path as seen from the host's directory.  One that is absolute stays as it
 * is; one that is not loses its "." and "//". */
const char *
vms_host_absolute (struct arena *arena, const struct vmspec_host *host,
                   const char *path);
/* What is known of an absolute path, or NULL. */
const struct vmspec_host_file *vms_host_file (const struct vmspec_host *host,
                                              const char *path);
/* As by readlink -f: absolute, symbolic links followed. */
const char *
vms_host_real_path (struct arena *arena, const struct vmspec_host *host,
                    const char *path);
/* Where a program is: a path is itself, a name is looked up; NULL if it was not
 * found. */
const char *vms_host_program (const struct vmspec_host *host, const char *name);
const struct vmspec_host_firmware *
vms_host_firmware (const struct vmspec_host *host, uint32_t arch,
                   int secure_boot);
/* Whether a firmware image is known not to run without SMM. */
int
vms_host_firmware_needs_smm (const struct vmspec_host *host, const char *path);

/* The host that is asked when the caller gave none: looks now. */
int vms_host_or_detect (const struct vmspec *spec,
                        const struct vmspec_host *given, struct arena *arena,
                        vmspec_diag *diag, const struct vmspec_host **ret_host);

#endif
