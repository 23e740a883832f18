/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where distributions put EFI firmware: the best of each kind first. */
#include "firmware.h"

#include <unistd.h>

static const struct vmspec_host_firmware known_firmware[] = {
#define FIRMWARE(arch, secure, needs_smm, code, vars)                          \
  { sizeof (struct vmspec_host_firmware), VMSPEC_ARCH_##arch,                  \
    VMSPEC_##secure, VMSPEC_##needs_smm, code, vars }
  /* Debian and Ubuntu */
  FIRMWARE (X86_64, OFF, OFF, "/usr/share/OVMF/OVMF_CODE_4M.fd",
            "/usr/share/OVMF/OVMF_VARS_4M.fd"),
  FIRMWARE (X86_64, ON, ON, "/usr/share/OVMF/OVMF_CODE_4M.secboot.fd",
            "/usr/share/OVMF/OVMF_VARS_4M.ms.fd"),
  FIRMWARE (X86_64, OFF, OFF, "/usr/share/OVMF/OVMF_CODE.fd",
            "/usr/share/OVMF/OVMF_VARS.fd"),
  FIRMWARE (I686, OFF, OFF, "/usr/share/OVMF/OVMF32_CODE_4M.fd",
            "/usr/share/OVMF/OVMF32_VARS_4M.fd"),
  FIRMWARE (I686, ON, ON, "/usr/share/OVMF/OVMF32_CODE_4M.secboot.fd",
            "/usr/share/OVMF/OVMF32_VARS_4M.fd"),
  FIRMWARE (AARCH64, OFF, OFF, "/usr/share/AAVMF/AAVMF_CODE.fd",
            "/usr/share/AAVMF/AAVMF_VARS.fd"),
  FIRMWARE (RISCV64, OFF, OFF, "/usr/share/qemu-efi-riscv64/RISCV_VIRT_CODE.fd",
            "/usr/share/qemu-efi-riscv64/RISCV_VIRT_VARS.fd"),
  /* Fedora */
  FIRMWARE (X86_64, OFF, OFF, "/usr/share/edk2/ovmf/OVMF_CODE.fd",
            "/usr/share/edk2/ovmf/OVMF_VARS.fd"),
  FIRMWARE (X86_64, ON, ON, "/usr/share/edk2/ovmf/OVMF_CODE.secboot.fd",
            "/usr/share/edk2/ovmf/OVMF_VARS.secboot.fd"),
  FIRMWARE (AARCH64, OFF, OFF, "/usr/share/edk2/aarch64/QEMU_EFI-pflash.raw",
            "/usr/share/edk2/aarch64/vars-template-pflash.raw"),
  /* Arch */
  FIRMWARE (X86_64, OFF, OFF, "/usr/share/edk2/x64/OVMF_CODE.4m.fd",
            "/usr/share/edk2/x64/OVMF_VARS.4m.fd"),
  FIRMWARE (X86_64, ON, ON, "/usr/share/edk2/x64/OVMF_CODE.secboot.4m.fd",
            "/usr/share/edk2/x64/OVMF_VARS.4m.fd"),
  FIRMWARE (AARCH64, OFF, OFF, "/usr/share/edk2/aarch64/QEMU_CODE.fd",
            "/usr/share/edk2/aarch64/QEMU_VARS.fd"),
};

static int
is_installed (const struct vmspec_host_firmware *firmware)
{
  return access (firmware->firmware, R_OK) == 0
         && access (firmware->variables, R_OK) == 0;
}

const struct vmspec_host_firmware *const *
vms_detect_firmware (struct arena *arena, const struct resolution *r)
{
  struct vector list = { .arena = arena };
  size_t n = sizeof known_firmware / sizeof known_firmware[0];

  if (is_on (r->efi.enable))
    for (size_t i = 0; i < n; i++)
      if (known_firmware[i].arch == r->spec.arch
          && is_installed (&known_firmware[i]))
        vms_vector_add (&list, &known_firmware[i]);
  return (const void *) vms_vector_end (&list);
}
