/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The argument vector: one function for each device, in QEMU's order. */
#ifndef VMSPEC_QEMU_H
#define VMSPEC_QEMU_H

#include "argv.h"
#include "decide.h"

void vms_qemu_render (struct argv *argv, const struct resolution *r,
                      const struct decided *d);
/* Drives and their controllers (drives.c). */
void vms_qemu_drives (struct argv *argv, const struct resolution *r,
                      const struct decided *d);

#endif
