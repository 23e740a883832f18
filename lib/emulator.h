/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The program, its accelerator, and the first words of its command line. */
#ifndef VMSPEC_EMULATOR_H
#define VMSPEC_EMULATOR_H

#include "default.h"

/* Whether guests of this description can use KVM on this host. */
int vms_emulator_kvm (const struct resolution *r);
/* In QEMU's form: "kvm:tcg"; "" where a package's line says it. */
const char *vms_emulator_accel (const struct resolution *r);
/* Program, machine, processor. */
const char *const *vms_emulator_command (const struct resolution *r,
                                         vmspec_diag *diag);

#endif
