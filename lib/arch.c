/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "arch.h"

#include <string.h>

#define SERIAL "ttyS0,115200n8"
#define AMBA "ttyAMA0,115200n8"

/* The package lines were observed; see the corpus.  The older module's table
 * had no RISC-V, and no revision of that time had s390x or riscv32: these take
 * the line for any other architecture.
 *
 * pauth-impdef: QEMU's default algorithm for pointer authentication makes a
 * guest's start four times slower under TCG (QEMU manual, "Arm CPU features").
 * rv64, not max: QEMU's RISC-V has a "max" since 8.2 only.
 * pseries, not powernv: powernv has no PCI bus for the devices that are
 * attached to every machine, and KVM knows only pseries. */
static const struct arch archs[] = {
  [VMSPEC_ARCH_X86_64] = {
    "x86_64", FAMILY_X86, 64, "qemu-system-x86_64",
    "qemu-kvm -cpu max",
    "qemu-system-x86_64 -machine type=q35,accel=hvf:tcg -cpu max",
    "", "max", "max", SERIAL, SERIAL, "OVMF", "tpm-tis", 2047 },
  [VMSPEC_ARCH_I686] = {
    "i686", FAMILY_X86, 32, "qemu-system-i386",
    "qemu-kvm", NULL,
    "", "max", "max", SERIAL, SERIAL, "OVMF", "tpm-tis", 2047 },
  [VMSPEC_ARCH_AARCH64] = {
    "aarch64", FAMILY_ARM, 64, "qemu-system-aarch64",
    "qemu-system-aarch64 -machine virt,gic-version=max,accel=kvm:tcg -cpu max",
    "qemu-system-aarch64 -machine virt,gic-version=2,accel=hvf:tcg -cpu max",
    "virt,gic-version=max", "max,pauth-impdef=on", "max", AMBA, AMBA, "AAVMF",
    "tpm-tis-device", 2047 },
  [VMSPEC_ARCH_ARMV7L] = {
    "armv7l", FAMILY_ARM, 32, "qemu-system-arm",
    "qemu-system-arm -machine virt,accel=kvm:tcg -cpu max", NULL,
    "virt", "max", "max", AMBA, AMBA, NULL, NULL, 1023 },
  [VMSPEC_ARCH_POWERPC64] = {
    "powerpc64", FAMILY_POWER, 64, "qemu-system-ppc64",
    "qemu-system-ppc64 -machine powernv", NULL,
    "pseries", "max", "max", AMBA, "hvc0", NULL, NULL, 2047 },
  [VMSPEC_ARCH_POWERPC64LE] = {
    "powerpc64le", FAMILY_POWER, 64, "qemu-system-ppc64",
    "qemu-system-ppc64 -machine powernv", NULL,
    "pseries", "max", "max", AMBA, "hvc0", NULL, NULL, 2047 },
  [VMSPEC_ARCH_RISCV64] = {
    "riscv64", FAMILY_RISCV, 64, "qemu-system-riscv64",
    "qemu-system-riscv64 -machine virt", NULL,
    "virt", "rv64", "host", SERIAL, SERIAL, "RISCV_VIRT", NULL, 1023 },
  [VMSPEC_ARCH_RISCV32] = {
    "riscv32", FAMILY_RISCV, 32, "qemu-system-riscv32",
    "qemu-kvm", NULL,
    "virt", "rv32", "host", SERIAL, SERIAL, NULL, NULL, 1023 },
  [VMSPEC_ARCH_S390X] = {
    "s390x", FAMILY_S390, 64, "qemu-system-s390x",
    "qemu-kvm", NULL,
    "s390-ccw-virtio", "max", "max", "ttysclp0", "ttysclp0", NULL, NULL, 4095 },
};

#define N_ARCHS (sizeof archs / sizeof archs[0])

const struct arch *
vms_arch_get (uint32_t number)
{
  return number > 0 && number < N_ARCHS ? &archs[number] : NULL;
}

enum vmspec_arch
vms_arch_by_machine (const char *machine)
{
  static const struct {
    const char *machine;
    enum vmspec_arch arch;
  } aliases[] = {
    { "i386", VMSPEC_ARCH_I686 },       { "i586", VMSPEC_ARCH_I686 },
    { "amd64", VMSPEC_ARCH_X86_64 },    { "arm64", VMSPEC_ARCH_AARCH64 },
    { "ppc64", VMSPEC_ARCH_POWERPC64 }, { "ppc64le", VMSPEC_ARCH_POWERPC64LE },
    { "armv8l", VMSPEC_ARCH_ARMV7L },
  };

  for (uint32_t i = 1; i < N_ARCHS; i++)
    if (!strcmp (machine, archs[i].name))
      return (enum vmspec_arch) i;
  for (size_t i = 0; i < sizeof aliases / sizeof aliases[0]; i++)
    if (!strcmp (machine, aliases[i].machine))
      return aliases[i].arch;
  return VMSPEC_ARCH_UNSET;
}

int
vms_arch_kvm (uint32_t host, uint32_t guest)
{
  const struct arch *h = vms_arch_get (host), *g = vms_arch_get (guest);

  if (!h || !g)
    return 0;
  /* A 64-bit x86 host runs 32-bit guests in the same program; on ARM that
   * takes the 64-bit emulator. */
  if (h->family == FAMILY_X86)
    return g->family == FAMILY_X86 && g->bits <= h->bits;
  return !strcmp (h->emulator, g->emulator);
}
