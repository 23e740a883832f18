/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What depends on the guest's architecture alone: one row for each. */
#ifndef VMSPEC_ARCH_H
#define VMSPEC_ARCH_H

#include <vmspec/vmspec.h>

enum arch_family { FAMILY_X86, FAMILY_ARM, FAMILY_POWER, FAMILY_RISCV, FAMILY_S390 };

struct arch {
  const char *name;
  enum arch_family family;
  int bits;
  const char *emulator;        /* qemu-system-... */
  const char *package_linux;   /* first words with a NixOS QEMU package */
  const char *package_darwin;  /* the same on Darwin; NULL: not supported */
  const char *machine;         /* without a package; "" is QEMU's own choice */
  const char *tcg_cpu;         /* emulated: a fast one that can do everything */
  const char *accel_cpu;       /* with hardware virtualisation */
  const char *package_serial;  /* console= of the serial port, with a package */
  const char *serial;          /* and without */
  const char *firmware_prefix; /* of the files in an OVMF package, or NULL */
  const char *tpm_model;       /* or NULL */
  uint32_t command_line_max;   /* the kernel's COMMAND_LINE_SIZE, less its NUL */
};

/* NULL if @number is none of enum vmspec_arch. */
const struct arch *vms_arch_get (uint32_t number);
/* By uname(2)'s name; VMSPEC_ARCH_UNSET if unknown. */
enum vmspec_arch vms_arch_by_machine (const char *machine);
/* Whether KVM of this host can run guests of that architecture. */
int vms_arch_kvm (uint32_t host, uint32_t guest);

#endif
