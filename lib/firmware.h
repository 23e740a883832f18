/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VMSPEC_FIRMWARE_H
#define VMSPEC_FIRMWARE_H

#include "default.h"

/* What is installed for the machine's architecture, if it wants EFI at all. */
const struct vmspec_host_firmware *const *
vms_detect_firmware (struct arena *arena, const struct resolution *r);

#endif
