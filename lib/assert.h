/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What makes no sense, in three grades: errors (the NixOS module refuses it),
 * blockers (QEMU would fail on it, or hang) and warnings.
 */
#ifndef VMSPEC_ASSERT_H
#define VMSPEC_ASSERT_H

#include "decide.h"

void vms_assert_description (const struct resolution *r,
                             const struct decided *d, vmspec_diag *diag);

/* By topic. */
void vms_assert_drives (const struct resolution *r, const struct decided *d,
                        vmspec_diag *diag);
void vms_assert_shares (const struct resolution *r, const struct decided *d,
                        vmspec_diag *diag);
void vms_assert_network (const struct resolution *r, const struct decided *d,
                         vmspec_diag *diag);

int vms_drive_is_read_only (const struct vmspec_drive *drive);

/* A finding about a member of a group: "boot.initrd". */
void vms_say (vmspec_diag *diag, enum vmspec_severity severity, const char *id,
              const char *group, const char *member, const char *format, ...)
  __attribute__ ((format (printf, 6, 7)));

#endif
