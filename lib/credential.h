/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a guest with systemd is handed by its host: systemd.system-credentials(7),
 * and systemd(1) for the ways. */
#ifndef VMSPEC_CREDENTIAL_H
#define VMSPEC_CREDENTIAL_H

#include "argv.h"
#include "decide.h"

/* -smbios and -fw_cfg options. */
void vms_qemu_credentials (struct argv *argv, const struct decided *d);
/* Those that there is no other way for: a blank before each. */
void vms_credential_params (struct text *line, const struct decided *d);

void vms_assert_credentials (const struct resolution *r,
                             const struct decided *d, vmspec_diag *diag);

#endif
