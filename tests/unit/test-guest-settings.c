/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The guest's half as data.  That a NixOS guest is told what NixOS's module says
 * is what the corpus compares; here is what holds for others. */
#include "unit.h"

static struct vmspec spec;
static struct vmspec_boot boot;
static struct vmspec_qemu qemu;
static struct vmspec_store store;
static struct vmspec_tpm tpm;
static struct vmspec_efi efi;
static struct vmspec_disk disk;
static struct vmspec_host host;
static uint32_t form;
static struct vmspec_guest_settings *settings;

static void
set_up (void)
{
  boot = (struct vmspec_boot) { VMSPEC_INIT (vmspec_boot), .kernel = "k" };
  qemu = (struct vmspec_qemu) { VMSPEC_INIT (vmspec_qemu), .binary = "/q" };
  store = (struct vmspec_store) { VMSPEC_INIT (vmspec_store) };
  tpm = (struct vmspec_tpm) { VMSPEC_INIT (vmspec_tpm), .swtpm = "/s" };
  efi = (struct vmspec_efi) { VMSPEC_INIT (vmspec_efi), .firmware = "/f",
                              .variables = "/v" };
  disk = (struct vmspec_disk) { VMSPEC_INIT (vmspec_disk) };
  spec = (struct vmspec) { VMSPEC_INIT (vmspec), .boot = &boot, .qemu = &qemu,
                           .store = &store, .tpm = &tpm, .efi = &efi,
                           .disk = &disk };
  host = unit_host ();
  settings = NULL;
  form = VMSPEC_GUEST_FORM_UNSET;
}

static void
tear_down (void)
{
  vmspec_guest_settings_free (settings);
}

/* The plan is gone when the settings are looked at. */
static void
tell (void)
{
  vmspec_plan *plan = unit_plan (&spec, &host);

  vmspec_guest_settings_free (settings);
  settings = NULL;
  ck_assert_int_eq (vmspec_plan_guest (plan, form, NULL, &settings), 0);
  vmspec_plan_free (plan);
}

static const struct vmspec_kernel_need *
need (const char *symbol, const char *module)
{
  const struct vmspec_kernel_need *const *one = settings->kernel_needs;

  for (; *one; one++)
    if ((!symbol || ((*one)->symbol && !strcmp ((*one)->symbol, symbol)))
        && (!module || ((*one)->module && !strcmp ((*one)->module, module))))
      return *one;
  return NULL;
}

static void
needs (const char *symbol, const char *module, uint32_t initrd,
       const char *option)
{
  const struct vmspec_kernel_need *one = need (symbol, module);

  ck_assert_msg (one != NULL, "%s %s is not needed", symbol, module);
  ck_assert_uint_eq (one->initrd, initrd);
  ck_assert_str_eq (one->option, option);
}

#define NEEDS_NOT(symbol) ck_assert_ptr_null (need (symbol, NULL))

static const char *
joined (const char *const *words)
{
  static char text[1000];
  char *end = text;

  *text = '\0';
  for (; *words; words++)
    end = stpcpy (stpcpy (end, *words), "|");
  return text;
}

START_TEST (a_guest_that_is_not_nixos_is_told_nothing_of_it)
{
  tell ();
  ck_assert_uint_eq (settings->nixos, VMSPEC_OFF);
  ck_assert_ptr_null (settings->overlay);
  ck_assert_str_eq (settings->initrd_commands, "");
  ck_assert_ptr_null (settings->tmpfiles[0]);
  boot.system = "/nix/store/system";
  tell ();
  ck_assert_uint_eq (settings->nixos, VMSPEC_ON);
  ck_assert_str_eq (settings->overlay->lower, "/nix/.ro-store");
  ck_assert_ptr_nonnull (strstr (settings->initrd_commands, "etc/NIXOS"));
  ck_assert_ptr_nonnull (strstr (settings->initrd_commands, "mount -t overlay"));
  ck_assert_ptr_nonnull (settings->tmpfiles[0]);
}
END_TEST

START_TEST (a_writable_store_is_an_overlay_in_any_guest)
{
  store.writable = VMSPEC_ON;
  tell ();
  ck_assert_ptr_nonnull (settings->overlay);
  ck_assert_ptr_nonnull (strstr (settings->initrd_commands, "mount -t overlay"));
  ck_assert_ptr_null (strstr (settings->initrd_commands, "NIXOS"));
  needs ("OVERLAY_FS", "overlay", VMSPEC_INITRD_AVAILABLE, "store.writable");
}
END_TEST

START_TEST (parameters_are_those_of_a_direct_boot)
{
  boot.kernel_params = STRINGS ("quiet", "a=b c");
  qemu.consoles = STRINGS ("hvc0", "tty0");
  tell ();
  ck_assert_str_eq (joined (settings->kernel_params),
                    "quiet|a=b c|console=hvc0|console=tty0|");
  ck_assert_str_eq (joined (settings->consoles), "hvc0|tty0|");
  boot.system = "/s";
  boot.registration = "/r";
  tell ();
  ck_assert_str_eq (joined (settings->kernel_params),
                    "quiet|a=b c|init=/s/init|regInfo=/r|console=hvc0|"
                    "console=tty0|");
  boot = (struct vmspec_boot) { VMSPEC_INIT (vmspec_boot),
                                .loader = VMSPEC_ON };
  tell ();
  ck_assert_str_eq (joined (settings->kernel_params),
                    "console=hvc0|console=tty0|");
}
END_TEST

START_TEST (the_boot_loader_goes_to_its_device_but_with_efi)
{
  boot.loader_device = "/dev/vdx";
  tell ();
  ck_assert_str_eq (settings->loader_device, "/dev/vdx");
  efi.enable = VMSPEC_ON;
  tell ();
  ck_assert_str_eq (settings->loader_device, "nodev");
  needs ("EFI", NULL, VMSPEC_INITRD_NO, "efi.enable");
}
END_TEST

START_TEST (what_is_switched_off_depends_on_the_description)
{
  tell ();
  ck_assert_uint_eq (settings->swap, VMSPEC_OFF);
  ck_assert_uint_eq (settings->luks, VMSPEC_OFF);
  ck_assert_uint_eq (settings->initrd_secrets, VMSPEC_OFF);
  ck_assert_uint_eq (settings->ca_certificates, VMSPEC_UNSET);
  ck_assert_uint_eq (settings->guest_agent, VMSPEC_ON);
  ck_assert_uint_eq (settings->graphics, VMSPEC_ON);
  boot.default_file_systems = VMSPEC_OFF;
  boot.loader = spec.host_certs = VMSPEC_ON;
  qemu.guest_agent = spec.graphics = VMSPEC_OFF;
  tell ();
  ck_assert_uint_eq (settings->swap, VMSPEC_UNSET);
  ck_assert_uint_eq (settings->luks, VMSPEC_UNSET);
  ck_assert_uint_eq (settings->initrd_secrets, VMSPEC_UNSET);
  ck_assert_uint_eq (settings->ca_certificates, VMSPEC_OFF);
  ck_assert_uint_eq (settings->guest_agent, VMSPEC_OFF);
  ck_assert_uint_eq (settings->graphics, VMSPEC_OFF);
}
END_TEST

START_TEST (the_display_is_as_large_as_said)
{
  spec.resolution_x = 800;
  spec.resolution_y = 600;
  tell ();
  ck_assert_str_eq (settings->graphics_mode, "800x600");
  ck_assert_uint_eq (settings->resolution_x, 800);
  ck_assert_uint_eq (settings->resolution_y, 600);
}
END_TEST

START_TEST (drivers_are_those_of_the_disks)
{
  static const struct {
    uint32_t interface;
    const char *symbol, *module;
    int is_scsi;
  } all[] = {
    { VMSPEC_DISK_INTERFACE_VIRTIO, "VIRTIO_BLK", "virtio_blk", 0 },
    { VMSPEC_DISK_INTERFACE_SCSI, "SCSI_SYM53C8XX_2", "sym53c8xx", 1 },
    { VMSPEC_DISK_INTERFACE_VIRTIO_SCSI, "SCSI_VIRTIO", "virtio_scsi", 1 },
    { VMSPEC_DISK_INTERFACE_IDE, "SATA_AHCI", "ahci", 1 },
    { VMSPEC_DISK_INTERFACE_NVME, "BLK_DEV_NVME", "nvme", 0 },
  };

  for (size_t i = 0; i < COUNT (all); i++) {
    qemu.disk_interface = all[i].interface;
    tell ();
    for (size_t j = 0; j < COUNT (all); j++)
      ck_assert_int_eq (need (all[j].symbol, all[j].module) != NULL, i == j);
    ck_assert_int_eq (need ("BLK_DEV_SD", "sd_mod") != NULL, all[i].is_scsi);
    needs (all[i].symbol, all[i].module, VMSPEC_INITRD_AVAILABLE,
           "qemu.disk_interface");
  }
}
END_TEST

START_TEST (drivers_are_those_of_what_is_mounted)
{
  static const char *const types[][2] = {
    { "btrfs", "BTRFS_FS" }, { "xfs", "XFS_FS" }, { "squashfs", "SQUASHFS" },
    { "vfat", "VFAT_FS" }, { "erofs", "EROFS_FS" }, { "tmpfs", "TMPFS" },
  };
  struct vmspec_file_system fs = { VMSPEC_INIT (vmspec_file_system),
                                   .mount_point = "/m", .device = "/d" };

  spec.builtin_shares = VMSPEC_OFF;
  tell ();
  needs ("EXT4_FS", "ext4", VMSPEC_INITRD_AVAILABLE, "file_systems");
  NEEDS_NOT ("9P_FS");
  spec.file_systems = LIST (vmspec_file_system, &fs);
  for (size_t i = 0; i < COUNT (types); i++) {
    fs.type = types[i][0];
    tell ();
    for (size_t j = 0; j < COUNT (types); j++)
      ck_assert_int_eq (need (types[j][1], NULL) != NULL, i == j);
  }
  disk.image = "";
  tell ();
  NEEDS_NOT ("EXT4_FS");
  spec.builtin_shares = VMSPEC_UNSET;
  tell ();
  needs ("9P_FS", "9p", VMSPEC_INITRD_AVAILABLE, "shares");
}
END_TEST

START_TEST (drivers_are_those_of_the_machine)
{
  spec.graphics = VMSPEC_OFF;
  tpm.enable = VMSPEC_ON;
  tell ();
  needs ("SERIAL_8250_CONSOLE", NULL, VMSPEC_INITRD_NO, "graphics");
  needs ("TCG_TIS", "tpm_tis", VMSPEC_INITRD_AVAILABLE, "tpm.model");
  needs ("USB_UHCI_HCD", NULL, VMSPEC_INITRD_NO, "qemu.builtin_options");
  NEEDS_NOT ("DMI_SYSFS");
  tpm.model = "tpm-crb";
  spec.guest = &(struct vmspec_guest) { VMSPEC_INIT (vmspec_guest),
                                        .hostname = "h" };
  tell ();
  needs ("TCG_CRB", "tpm_crb", VMSPEC_INITRD_AVAILABLE, "tpm.model");
  needs ("DMI_SYSFS", "dmi_sysfs", VMSPEC_INITRD_NO, "guest");
  NEEDS_NOT ("TCG_TIS");
  tpm.model = NULL;
  spec.arch = VMSPEC_ARCH_AARCH64;
  tell ();
  NEEDS_NOT ("SERIAL_8250_CONSOLE");
  NEEDS_NOT ("DMI_SYSFS");
  needs ("SERIAL_AMBA_PL011_CONSOLE", NULL, VMSPEC_INITRD_NO, "graphics");
  needs ("FW_CFG_SYSFS", "qemu_fw_cfg", VMSPEC_INITRD_NO, "guest");
  needs ("USB_EHCI_PCI", NULL, VMSPEC_INITRD_NO, "qemu.builtin_options");
  tpm.enable = VMSPEC_OFF;
  spec.arch = VMSPEC_ARCH_S390X;
  tell ();
  needs ("VIRTIO_PCI", "virtio_pci", VMSPEC_INITRD_AVAILABLE, "arch");
  needs ("S390_GUEST", NULL, VMSPEC_INITRD_NO, "arch");
  spec.arch = VMSPEC_ARCH_RISCV64;
  tell ();
  NEEDS_NOT ("S390_GUEST");
  needs ("SERIAL_OF_PLATFORM", NULL, VMSPEC_INITRD_NO, "graphics");
  needs ("PCI_HOST_GENERIC", NULL, VMSPEC_INITRD_NO, "arch");
}
END_TEST

/* ---- one thing more ------------------------------------------------------ */

static struct vmspec_guest guest;
static struct vmspec_file_system mounted;
static struct vmspec_credential credential;
static struct vmspec_network network;
static const struct vmspec_vlan vlan = { VMSPEC_INIT (vmspec_vlan), .number = 1 };
static const struct vmspec_interface interface
  = { VMSPEC_INIT (vmspec_interface), .name = "eth1", .vlan = 2 };

static const struct vmspec_vlan *const vlan_list[] = { &vlan, NULL };
static const struct vmspec_interface *const interface_list[]
  = { &interface, NULL };
static const struct vmspec_file_system *const mounted_list[]
  = { &mounted, NULL };
static const struct vmspec_credential *const credential_list[]
  = { &credential, NULL };
static const char *const key_list[] = { "ssh-ed25519 k", NULL };

/* A machine that has nothing by itself. */
static void
make_bare (uint32_t arch)
{
  tear_down ();
  set_up ();
  guest = (struct vmspec_guest) { VMSPEC_INIT (vmspec_guest),
                                  .mounts = VMSPEC_OFF };
  mounted = (struct vmspec_file_system) {
    VMSPEC_INIT (vmspec_file_system), .mount_point = "/m", .device = "/d" };
  credential = (struct vmspec_credential) { VMSPEC_INIT (vmspec_credential),
                                            .name = "c", .value = "v" };
  network = (struct vmspec_network) {
    VMSPEC_INIT (vmspec_network),
    .vlan_backend = VMSPEC_VLAN_BACKEND_MULTICAST, .machine_number = 1 };
  spec.arch = arch;
  spec.guest = &guest;
  spec.graphics = VMSPEC_ON;
  spec.builtin_drives = spec.builtin_shares = VMSPEC_OFF;
  boot.default_file_systems = VMSPEC_OFF;
  store.image = store.writable = VMSPEC_OFF;
  qemu.builtin_network = qemu.builtin_options = qemu.guest_agent = VMSPEC_OFF;
}

/* The symbols of what is needed that is not in @others, each after a blank. */
static const char *
symbols_without (const char *others)
{
  static char text[2000];
  char *end = text;

  tell ();
  *text = '\0';
  for (const struct vmspec_kernel_need *const *one = settings->kernel_needs;
       *one; one++) {
    char word[80];

    snprintf (word, sizeof word, " %s ",
              (*one)->symbol ? (*one)->symbol : (*one)->module);
    if (!strstr (others, word))
      end += sprintf (end, " %s", (*one)->symbol ? (*one)->symbol
                                                  : (*one)->module);
  }
  strcpy (end, " ");
  return text;
}

#define CHANGE(name, ...) static void name (void) { __VA_ARGS__; }

CHANGE (nothing, (void) 0)
CHANGE (nixos, boot.system = "/s")
CHANGE (nixos_with_tpm, boot.system = "/s"; tpm.enable = VMSPEC_ON;
        tpm.model = "tpm-crb")
CHANGE (text_console, spec.graphics = VMSPEC_OFF)
CHANGE (nixos_text, boot.system = "/s"; spec.graphics = VMSPEC_OFF)
CHANGE (builtin_network, qemu.builtin_network = VMSPEC_ON)
CHANGE (vlans, spec.vlans = vlan_list;
        spec.network = &network)
CHANGE (vlans_of_nobody, vlans ();
        network.vlan_backend = VMSPEC_VLAN_BACKEND_NONE)
CHANGE (interfaces, spec.interfaces = interface_list;
        spec.network = &network)
CHANGE (builtin_drives, spec.builtin_drives = VMSPEC_ON)
CHANGE (scsi_later, qemu.disk_interface = VMSPEC_DISK_INTERFACE_SCSI)
CHANGE (builtin_shares, spec.builtin_shares = VMSPEC_ON)
CHANGE (builtin_options, qemu.builtin_options = VMSPEC_ON)
CHANGE (keyboard_alone, qemu.virtio_keyboard = VMSPEC_ON)
CHANGE (no_keyboard, qemu.virtio_keyboard = VMSPEC_OFF;
        qemu.builtin_options = VMSPEC_ON)
CHANGE (agent, qemu.guest_agent = VMSPEC_ON)
CHANGE (initrd, boot.initrd = "i")
CHANGE (efi_direct, efi.enable = VMSPEC_ON)
CHANGE (efi_loader, efi.enable = VMSPEC_ON; boot.kernel = NULL;
        boot.loader = VMSPEC_ON)
CHANGE (loader, boot.kernel = NULL; boot.loader = VMSPEC_ON)
CHANGE (writable_store, store.writable = VMSPEC_ON)
CHANGE (store_image, store.image = VMSPEC_ON)
CHANGE (writable_store_image, store.image = store.writable = VMSPEC_ON)
CHANGE (hostname, guest.hostname = "h")
CHANGE (mounts, guest.mounts = VMSPEC_ON)
CHANGE (keys, guest.ssh_keys = key_list)
CHANGE (value, guest.credentials = credential_list)
CHANGE (file, credential.value = NULL; credential.file = "/f";
        guest.credentials = credential_list)
CHANGE (tis, tpm.enable = VMSPEC_ON; tpm.model = "tpm-tis")
CHANGE (tis_device, tpm.enable = VMSPEC_ON; tpm.model = "tpm-tis-device")
CHANGE (crb, tpm.enable = VMSPEC_ON; tpm.model = "tpm-crb")
CHANGE (spapr, tpm.enable = VMSPEC_ON; tpm.model = "tpm-spapr")
CHANGE (no_tpm, tpm.model = "tpm-tis")

#define MOUNT(type_)                                                           \
  CHANGE (mount_##type_, mounted.type = #type_;                                \
          spec.file_systems = mounted_list)

MOUNT (ext2)
MOUNT (ext3)
MOUNT (ext4)
MOUNT (overlay)
MOUNT (erofs)
MOUNT (vfat)
MOUNT (9p)

/* What a NixOS system is told of in any case, since it checks its kernel. */
#define NIXOS                                                                  \
  " VIRTIO_BLK VIRTIO_NET EXT4_FS NET_9P_VIRTIO 9P_FS BLK_DEV NETDEVICES"      \
  " NET_CORE INET NETWORK_FILESYSTEMS"

/* What is needed at all, and what more for each part. */
START_TEST (each_part_needs_its_drivers)
{
  static const struct {
    uint32_t arch;
    void (*change) (void);
    const char *symbols;
  } cases[] = {
    { VMSPEC_ARCH_X86_64, nothing, " VIRTIO_PCI PCI HW_RANDOM_VIRTIO " },
    { VMSPEC_ARCH_X86_64, nixos, NIXOS " BLK_DEV_INITRD " },
    { VMSPEC_ARCH_X86_64, nixos_with_tpm,
      NIXOS " tpm_tis TCG_CRB BLK_DEV_INITRD " },
    { VMSPEC_ARCH_X86_64, text_console, " SERIAL_8250_CONSOLE SERIAL_8250 " },
    { VMSPEC_ARCH_X86_64, nixos_text,
      NIXOS " SERIAL_8250_CONSOLE SERIAL_8250 BLK_DEV_INITRD " },
    { VMSPEC_ARCH_X86_64, builtin_network,
      " VIRTIO_NET NETDEVICES NET_CORE INET " },
    { VMSPEC_ARCH_X86_64, vlans, " VIRTIO_NET NETDEVICES NET_CORE INET " },
    { VMSPEC_ARCH_X86_64, vlans_of_nobody, " " },
    { VMSPEC_ARCH_X86_64, interfaces, " VIRTIO_NET NETDEVICES NET_CORE INET " },
    { VMSPEC_ARCH_X86_64, builtin_drives, " VIRTIO_BLK BLK_DEV " },
    { VMSPEC_ARCH_X86_64, scsi_later, " SCSI_SYM53C8XX_2 " },
    { VMSPEC_ARCH_X86_64, builtin_shares,
      " NET_9P_VIRTIO 9P_FS NETWORK_FILESYSTEMS " },
    { VMSPEC_ARCH_X86_64, builtin_options,
      " VIRTIO_INPUT USB_UHCI_HCD USB_HID HID_GENERIC " },
    { VMSPEC_ARCH_X86_64, keyboard_alone, " " },
    { VMSPEC_ARCH_X86_64, no_keyboard, " USB_UHCI_HCD USB_HID HID_GENERIC " },
    { VMSPEC_ARCH_X86_64, agent, " VIRTIO_CONSOLE " },
    { VMSPEC_ARCH_X86_64, initrd, " BLK_DEV_INITRD " },
    { VMSPEC_ARCH_X86_64, efi_direct, " EFI EFI_STUB " },
    { VMSPEC_ARCH_X86_64, efi_loader, " VFAT_FS NLS_CODEPAGE_437 EFI " },
    { VMSPEC_ARCH_X86_64, loader, " " },
    { VMSPEC_ARCH_X86_64, writable_store, " OVERLAY_FS TMPFS " },
    { VMSPEC_ARCH_X86_64, store_image, " EROFS_FS " },
    { VMSPEC_ARCH_X86_64, writable_store_image, " OVERLAY_FS TMPFS " },
    { VMSPEC_ARCH_X86_64, hostname, " DMI_SYSFS " },
    { VMSPEC_ARCH_X86_64, mounts, " DMI_SYSFS " },
    { VMSPEC_ARCH_X86_64, keys, " DMI_SYSFS " },
    { VMSPEC_ARCH_X86_64, value, " DMI_SYSFS " },
    { VMSPEC_ARCH_X86_64, file, " DMI_SYSFS FW_CFG_SYSFS " },
    { VMSPEC_ARCH_X86_64, tis, " TCG_TIS " },
    { VMSPEC_ARCH_X86_64, tis_device, " TCG_TIS " },
    { VMSPEC_ARCH_X86_64, crb, " TCG_CRB " },
    { VMSPEC_ARCH_X86_64, no_tpm, " " },
    { VMSPEC_ARCH_X86_64, mount_ext2, " EXT4_FS " },
    { VMSPEC_ARCH_X86_64, mount_ext3, " EXT4_FS " },
    { VMSPEC_ARCH_X86_64, mount_ext4, " EXT4_FS " },
    { VMSPEC_ARCH_X86_64, mount_overlay, " OVERLAY_FS " },
    { VMSPEC_ARCH_X86_64, mount_erofs, " EROFS_FS " },
    { VMSPEC_ARCH_X86_64, mount_vfat, " VFAT_FS NLS_CODEPAGE_437 " },
    { VMSPEC_ARCH_X86_64, mount_9p, " " },
    { VMSPEC_ARCH_AARCH64, nothing,
      " VIRTIO_PCI PCI HW_RANDOM_VIRTIO PCI_HOST_GENERIC " },
    { VMSPEC_ARCH_AARCH64, text_console, " SERIAL_AMBA_PL011_CONSOLE " },
    { VMSPEC_ARCH_AARCH64, nixos_text,
      NIXOS " SERIAL_8250_CONSOLE SERIAL_8250 "
      "SERIAL_AMBA_PL011_CONSOLE BLK_DEV_INITRD " },
    { VMSPEC_ARCH_AARCH64, builtin_options,
      " VIRTIO_INPUT USB_EHCI_PCI USB_HID HID_GENERIC " },
    { VMSPEC_ARCH_AARCH64, hostname, " FW_CFG_SYSFS " },
    { VMSPEC_ARCH_POWERPC64LE, nothing, " VIRTIO_PCI PCI HW_RANDOM_VIRTIO " },
    { VMSPEC_ARCH_POWERPC64LE, text_console, " HVC_CONSOLE " },
    { VMSPEC_ARCH_POWERPC64LE, nixos_text,
      NIXOS " SERIAL_8250_CONSOLE SERIAL_8250 HVC_CONSOLE BLK_DEV_INITRD " },
    { VMSPEC_ARCH_POWERPC64LE, builtin_options, " VIRTIO_INPUT " },
    { VMSPEC_ARCH_POWERPC64LE, hostname, " " },
    { VMSPEC_ARCH_RISCV64, nothing,
      " VIRTIO_PCI PCI HW_RANDOM_VIRTIO PCI_HOST_GENERIC " },
    { VMSPEC_ARCH_RISCV64, text_console,
      " SERIAL_8250_CONSOLE SERIAL_8250 SERIAL_OF_PLATFORM " },
    { VMSPEC_ARCH_RISCV64, nixos_text,
      NIXOS " SERIAL_8250_CONSOLE SERIAL_8250 "
      "SERIAL_OF_PLATFORM BLK_DEV_INITRD " },
    { VMSPEC_ARCH_RISCV64, builtin_options, " VIRTIO_INPUT " },
    { VMSPEC_ARCH_RISCV64, hostname, " " },
    { VMSPEC_ARCH_S390X, nothing,
      " VIRTIO_PCI PCI HW_RANDOM_VIRTIO S390_GUEST " },
    { VMSPEC_ARCH_S390X, text_console, " " },
    { VMSPEC_ARCH_S390X, nixos_text,
      NIXOS " SERIAL_8250_CONSOLE SERIAL_8250 BLK_DEV_INITRD " },
    { VMSPEC_ARCH_S390X, builtin_options, " VIRTIO_INPUT " },
    { VMSPEC_ARCH_S390X, hostname, " " },
    { VMSPEC_ARCH_AARCH64, value, " FW_CFG_SYSFS " },
    { VMSPEC_ARCH_AARCH64, file, " FW_CFG_SYSFS " },
    { VMSPEC_ARCH_AARCH64, tis_device, " TCG_TIS " },
    { VMSPEC_ARCH_POWERPC64LE, spapr, " TCG_IBMVTPM " },
  };

  for (size_t i = 0; i < COUNT (cases); i++) {
    char bare[2000];
    const char *more;

    make_bare (cases[i].arch);
    strcpy (bare, cases[i].change == nothing ? "" : symbols_without (""));
    cases[i].change ();
    more = symbols_without (bare);
    ck_assert_str_eq (more, cases[i].symbols);
  }
}
END_TEST

START_TEST (a_store_image_is_loaded_at_once)
{
  store.image = VMSPEC_ON;
  tell ();
  needs ("EROFS_FS", "erofs", VMSPEC_INITRD_LOAD, "store.image");
}
END_TEST

START_TEST (there_are_files_in_the_form_that_was_asked_for)
{
  vmspec_plan *plan;

  tell ();
  ck_assert_ptr_null (settings->files[0]);
  for (form = VMSPEC_GUEST_FORM_FSTAB; form <= VMSPEC_GUEST_FORM_JSON;
       form++) {
    tell ();
    ck_assert_ptr_nonnull (settings->files[0]);
    for (size_t i = 0; settings->files[i]; i++) {
      ck_assert_uint_eq (settings->files[i]->form, form);
      ck_assert_uint_gt (strlen (settings->files[i]->content), 0);
      ck_assert_uint_gt (strlen (settings->files[i]->name), 0);
    }
  }
  plan = unit_plan (&spec, &host);
  vmspec_guest_settings_free (settings);
  settings = NULL;
  ck_assert_int_eq (vmspec_plan_guest (plan, form, NULL, &settings), -EINVAL);
  ck_assert_ptr_null (settings);
  vmspec_plan_free (plan);
  vmspec_guest_settings_free (NULL);
}
END_TEST

int
main (void)
{
  TCase *tcase = unit_case ("guest-settings");

  tcase_add_checked_fixture (tcase, set_up, tear_down);
  tcase_add_test (tcase, a_guest_that_is_not_nixos_is_told_nothing_of_it);
  tcase_add_test (tcase, a_writable_store_is_an_overlay_in_any_guest);
  tcase_add_test (tcase, parameters_are_those_of_a_direct_boot);
  tcase_add_test (tcase, the_boot_loader_goes_to_its_device_but_with_efi);
  tcase_add_test (tcase, what_is_switched_off_depends_on_the_description);
  tcase_add_test (tcase, the_display_is_as_large_as_said);
  tcase_add_test (tcase, drivers_are_those_of_the_disks);
  tcase_add_test (tcase, drivers_are_those_of_what_is_mounted);
  tcase_add_test (tcase, drivers_are_those_of_the_machine);
  tcase_add_test (tcase, each_part_needs_its_drivers);
  tcase_add_test (tcase, a_store_image_is_loaded_at_once);
  tcase_add_test (tcase, there_are_files_in_the_form_that_was_asked_for);
  return unit_run ("guest-settings", tcase);
}
