/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the guest's kernel has to have: one row for each driver.  Those that
 * NixOS's module names come first and in its order; a NixOS system is told of
 * all of them, since its kernel is checked when it is built.
 */
#include "guest.h"

#include <string.h>

typedef int condition (const struct resolution *r);

/* Wanted if all that it says of that holds: nothing is always. */
struct row {
  const char *symbol, *module;
  uint32_t initrd;
  const char *option;
  condition *wanted;
  const char *type;          /* of a file system that is mounted */
  uint32_t interface;        /* of a drive */
  uint32_t builtin, nixos_symbol, nixos_module;
};

static int
is_nixos (const struct resolution *r)
{
  return r->boot.system != NULL;
}

static int
has_interface (const struct resolution *r, uint32_t interface)
{
  const struct vmspec_drive *const *drive = r->spec.drives;

  while (*drive && (*drive)->interface != interface)
    drive++;
  return *drive != NULL;
}

static int
has_type (const struct resolution *r, const char *type)
{
  const struct vmspec_file_system *const *fs = r->spec.file_systems;

  while (*fs && strcmp ((*fs)->type, type))
    fs++;
  return *fs != NULL;
}

static int
has_tpm (const struct resolution *r, const char *start)
{
  return is_on (r->tpm.enable) && r->tpm.model
         && !strncmp (r->tpm.model, start, strlen (start));
}

/* ---- conditions --------------------------------------------------------- */

static int
virtio_disks (const struct resolution *r)
{
  return is_nixos (r) || has_interface (r, VMSPEC_DISK_INTERFACE_VIRTIO);
}

static int
disks (const struct resolution *r)
{
  return is_nixos (r) || *r->spec.drives;
}

static int
lsi_disks (const struct resolution *r)
{
  /* Those that come later count, too. */
  return r->qemu.disk_interface == VMSPEC_DISK_INTERFACE_SCSI
         || has_interface (r, VMSPEC_DISK_INTERFACE_SCSI);
}

static int
ide_disks (const struct resolution *r)
{
  return has_interface (r, VMSPEC_DISK_INTERFACE_IDE);
}

static int
scsi_disks (const struct resolution *r)
{
  return has_interface (r, VMSPEC_DISK_INTERFACE_SCSI) || ide_disks (r)
         || has_interface (r, VMSPEC_DISK_INTERFACE_VIRTIO_SCSI);
}

static int
network (const struct resolution *r)
{
  return is_nixos (r) || is_on (r->qemu.builtin_network)
         || (r->network.vlan_backend != VMSPEC_VLAN_BACKEND_NONE
             && (*r->spec.vlans || *r->spec.interfaces));
}

static int
shares (const struct resolution *r)
{
  return is_nixos (r) || *r->spec.shares;
}

static int
ext4 (const struct resolution *r)
{
  return is_nixos (r) || has_type (r, "ext4") || has_type (r, "ext3")
         || has_type (r, "ext2");
}

/* The serial ports of the machines' own. */
static int
serial_8250 (const struct resolution *r)
{
  return !is_on (r->spec.graphics)
         && (is_nixos (r) || r->arch->family == FAMILY_X86
             || r->arch->family == FAMILY_RISCV);
}

static int
serial_pl011 (const struct resolution *r)
{
  return !is_on (r->spec.graphics) && r->arch->family == FAMILY_ARM;
}

static int
serial_hvc (const struct resolution *r)
{
  return !is_on (r->spec.graphics) && r->arch->family == FAMILY_POWER;
}

/* Found by the device tree. */
static int
serial_of (const struct resolution *r)
{
  return !is_on (r->spec.graphics) && r->arch->family == FAMILY_RISCV;
}

static int
pci_by_tree (const struct resolution *r)
{
  return r->arch->family == FAMILY_RISCV || r->arch->family == FAMILY_ARM;
}

/* How s390x has some of its virtio devices; others are on PCI there, too. */
static int
ccw (const struct resolution *r)
{
  return r->arch->family == FAMILY_S390;
}

static int
overlay (const struct resolution *r)
{
  return is_on (r->store.writable) || has_type (r, "overlay");
}

static int
store_image (const struct resolution *r)
{
  return is_on (r->store.image) && !is_on (r->store.writable);
}

static int
erofs (const struct resolution *r)
{
  return !store_image (r) && has_type (r, "erofs");
}

static int
tpm_tis (const struct resolution *r)
{
  return has_tpm (r, "tpm-tis");
}

static int
tpm_crb (const struct resolution *r)
{
  return has_tpm (r, "tpm-crb");
}

static int
tpm_spapr (const struct resolution *r)
{
  return has_tpm (r, "tpm-spapr");
}

static int
tpm_other (const struct resolution *r)
{
  return is_nixos (r) && is_on (r->tpm.enable) && !tpm_tis (r);
}

static int
keyboard (const struct resolution *r)
{
  return is_on (r->qemu.virtio_keyboard) && is_on (r->qemu.builtin_options);
}

static int
usb_x86 (const struct resolution *r)
{
  return r->arch->family == FAMILY_X86 && is_on (r->qemu.builtin_options);
}

static int
usb_arm (const struct resolution *r)
{
  return r->arch->family == FAMILY_ARM && is_on (r->qemu.builtin_options);
}

static int
usb (const struct resolution *r)
{
  return usb_x86 (r) || usb_arm (r);
}

static int
agent (const struct resolution *r)
{
  return is_on (r->qemu.guest_agent);
}

static int
initrd (const struct resolution *r)
{
  return is_on (r->boot.direct) && r->boot.initrd;
}

static int
efi (const struct resolution *r)
{
  return is_on (r->efi.enable);
}

static int
efi_stub (const struct resolution *r)
{
  return efi (r) && is_on (r->boot.direct);
}

static int
credentials (const struct resolution *r)
{
  return is_on (r->guest.mounts) || r->guest.hostname || *r->guest.ssh_keys
         || *r->guest.credentials;
}

static int
smbios_strings (const struct resolution *r)
{
  return credentials (r) && r->arch->family == FAMILY_X86;
}

static int
firmware_items (const struct resolution *r)
{
  const struct vmspec_credential *const *one = r->guest.credentials;

  while (*one && !(*one)->file)
    one++;
  return *one || (credentials (r) && r->arch->family == FAMILY_ARM);
}

/* ---- the table ---------------------------------------------------------- */

#define AVAILABLE VMSPEC_INITRD_AVAILABLE
#define LOAD VMSPEC_INITRD_LOAD
#define LATER VMSPEC_INITRD_NO

/* Symbols are those of Linux 6.x. */
/* clang-format off */
static const struct row rows[] = {
  { "VIRTIO_BLK", "virtio_blk", AVAILABLE, "qemu.disk_interface", virtio_disks, .nixos_symbol = 1 },
  { "VIRTIO_PCI", "virtio_pci", AVAILABLE, "arch", NULL, .nixos_symbol = 1 },
  { "VIRTIO_NET", "virtio_net", LATER, "qemu.builtin_network", network, .nixos_symbol = 1 },
  { "EXT4_FS", "ext4", AVAILABLE, "file_systems", ext4, .nixos_symbol = 1 },
  { "NET_9P_VIRTIO", "9pnet_virtio", AVAILABLE, "shares", shares, .nixos_symbol = 1 },
  { "9P_FS", "9p", AVAILABLE, "shares", shares, .nixos_symbol = 1 },
  { "BLK_DEV", NULL, LATER, "drives", disks, .builtin = 1, .nixos_symbol = 1 },
  { "PCI", NULL, LATER, "arch", NULL, .builtin = 1, .nixos_symbol = 1 },
  { "NETDEVICES", NULL, LATER, "qemu.builtin_network", network, .builtin = 1, .nixos_symbol = 1 },
  { "NET_CORE", NULL, LATER, "qemu.builtin_network", network, .builtin = 1, .nixos_symbol = 1 },
  { "INET", NULL, LATER, "qemu.builtin_network", network, .builtin = 1, .nixos_symbol = 1 },
  { "NETWORK_FILESYSTEMS", NULL, LATER, "shares", shares, .builtin = 1, .nixos_symbol = 1 },
  { "SERIAL_8250_CONSOLE", NULL, LATER, "graphics", serial_8250, .builtin = 1, .nixos_symbol = 1 },
  { "SERIAL_8250", NULL, LATER, "graphics", serial_8250, .builtin = 1, .nixos_symbol = 1 },
  { "OVERLAY_FS", "overlay", AVAILABLE, "store.writable", overlay, .nixos_symbol = 1, .nixos_module = 1 },
  { "SCSI_SYM53C8XX_2", "sym53c8xx", AVAILABLE, "qemu.disk_interface", lsi_disks, .nixos_module = 1 },
  { "TCG_TIS", "tpm_tis", AVAILABLE, "tpm.model", tpm_tis, .nixos_module = 1 },
  /* It is named whatever the model is. */
  { NULL, "tpm_tis", AVAILABLE, "tpm.enable", tpm_other, .nixos_module = 1 },
  { "EROFS_FS", "erofs", LOAD, "store.image", store_image, .nixos_module = 1 },

  { "SCSI_VIRTIO", "virtio_scsi", AVAILABLE, "qemu.disk_interface", .interface = VMSPEC_DISK_INTERFACE_VIRTIO_SCSI },
  { "SATA_AHCI", "ahci", AVAILABLE, "qemu.disk_interface", .wanted = ide_disks },
  { "BLK_DEV_NVME", "nvme", AVAILABLE, "qemu.disk_interface", .interface = VMSPEC_DISK_INTERFACE_NVME },
  { "BLK_DEV_SD", "sd_mod", AVAILABLE, "qemu.disk_interface", .wanted = scsi_disks },
  { "EROFS_FS", "erofs", AVAILABLE, "file_systems", .wanted = erofs },
  { "BTRFS_FS", "btrfs", AVAILABLE, "file_systems", .type = "btrfs" },
  { "XFS_FS", "xfs", AVAILABLE, "file_systems", .type = "xfs" },
  { "SQUASHFS", "squashfs", AVAILABLE, "file_systems", .type = "squashfs" },
  { "VFAT_FS", "vfat", LATER, "file_systems", .type = "vfat" },
  { "NLS_CODEPAGE_437", "nls_cp437", LATER, "file_systems", .type = "vfat" },
  { "TMPFS", NULL, LATER, "file_systems", .type = "tmpfs", .builtin = 1 },
  { "TCG_CRB", "tpm_crb", AVAILABLE, "tpm.model", .wanted = tpm_crb },
  { "TCG_IBMVTPM", "tpm_ibmvtpm", AVAILABLE, "tpm.model", .wanted = tpm_spapr },
  { "HW_RANDOM_VIRTIO", "virtio_rng", LATER, "", .wanted = NULL },
  { "VIRTIO_INPUT", "virtio_input", LATER, "qemu.virtio_keyboard", .wanted = keyboard },
  { "USB_UHCI_HCD", "uhci_hcd", LATER, "qemu.builtin_options", .wanted = usb_x86 },
  { "USB_EHCI_PCI", "ehci_pci", LATER, "qemu.builtin_options", .wanted = usb_arm },
  { "USB_HID", "usbhid", LATER, "qemu.builtin_options", .wanted = usb },
  { "HID_GENERIC", "hid_generic", LATER, "qemu.builtin_options", .wanted = usb },
  { "VIRTIO_CONSOLE", "virtio_console", LATER, "qemu.guest_agent", .wanted = agent },
  { "SERIAL_AMBA_PL011_CONSOLE", NULL, LATER, "graphics", serial_pl011, .builtin = 1 },
  { "HVC_CONSOLE", NULL, LATER, "graphics", serial_hvc, .builtin = 1 },
  { "SERIAL_OF_PLATFORM", NULL, LATER, "graphics", serial_of, .builtin = 1 },
  { "PCI_HOST_GENERIC", NULL, LATER, "arch", pci_by_tree, .builtin = 1 },
  { "S390_GUEST", NULL, LATER, "arch", ccw, .builtin = 1 },
  { "DMI_SYSFS", "dmi_sysfs", LATER, "guest", .wanted = smbios_strings },
  { "FW_CFG_SYSFS", "qemu_fw_cfg", LATER, "guest", .wanted = firmware_items },
  { "BLK_DEV_INITRD", NULL, LATER, "boot.initrd", initrd, .builtin = 1 },
  { "EFI", NULL, LATER, "efi.enable", efi, .builtin = 1 },
  { "EFI_STUB", NULL, LATER, "efi.enable", efi_stub, .builtin = 1 },
};
/* clang-format on */

static int
is_wanted (const struct row *row, const struct resolution *r)
{
  return (!row->wanted || row->wanted (r))
         && (!row->type || has_type (r, row->type))
         && (!row->interface || has_interface (r, row->interface));
}

const struct vmspec_kernel_need *const *
vms_guest_kernel_needs (const struct resolution *r)
{
  struct vector needs = { .arena = r->arena };

  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    const struct row *row = &rows[i];
    struct vmspec_kernel_need *need;

    if (!is_wanted (row, r))
      continue;
    need = vms_arena_alloc (r->arena, sizeof *need);
    if (!need)
      break;
    *need = (struct vmspec_kernel_need) {
      VMSPEC_INIT (vmspec_kernel_need), .symbol = row->symbol,
      .module = row->module, .initrd = row->initrd, .option = row->option,
      .builtin = to_switch (row->builtin != 0),
      .nixos_symbol = to_switch (row->nixos_symbol != 0),
      .nixos_module = to_switch (row->nixos_module != 0) };
    vms_vector_add (&needs, need);
  }
  return (const void *) vms_vector_end (&needs);
}
