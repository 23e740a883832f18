/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Each finding of the stages that look at no file: provoked, and alone.  That
 * no id is forgotten is seen to by finding-ids.sh. */
#include "unit.h"

#define ERROR VMSPEC_SEVERITY_ERROR
#define BLOCKER VMSPEC_SEVERITY_BLOCKER
#define WARNING VMSPEC_SEVERITY_WARNING

/* A description with every group, against which there is nothing to say. */
static struct vmspec spec;
static struct vmspec_qemu qemu;
static struct vmspec_disk disk;
static struct vmspec_network network;
static struct vmspec_boot boot;
static struct vmspec_efi efi;
static struct vmspec_tpm tpm;
static struct vmspec_store store;
static struct vmspec_host host;
static vmspec_diag *diag;

static void
set_up (void)
{
  qemu = (struct vmspec_qemu) { VMSPEC_INIT (vmspec_qemu),
                                .binary = "/bin/qemu" };
  disk = (struct vmspec_disk) { VMSPEC_INIT (vmspec_disk) };
  network = (struct vmspec_network) { VMSPEC_INIT (vmspec_network) };
  boot = (struct vmspec_boot) { VMSPEC_INIT (vmspec_boot) };
  efi = (struct vmspec_efi) { VMSPEC_INIT (vmspec_efi), .firmware = "/code",
                              .variables = "/vars" };
  tpm = (struct vmspec_tpm) { VMSPEC_INIT (vmspec_tpm), .swtpm = "/bin/swtpm" };
  store = (struct vmspec_store) { VMSPEC_INIT (vmspec_store) };
  spec = (struct vmspec) {
    VMSPEC_INIT (vmspec), .qemu = &qemu, .disk = &disk, .network = &network,
    .boot = &boot, .efi = &efi, .tpm = &tpm, .store = &store,
  };
  host = unit_host ();
  ck_assert_int_eq (vmspec_diag_new (&diag), 0);
}

static void
tear_down (void)
{
  vmspec_diag_free (diag);
}

static int
check (void)
{
  vmspec_diag_clear (diag);
  return vmspec_check (&spec, &host, diag);
}

static void
nothing (void)
{
  int r = check ();

  ck_assert_msg (vmspec_diag_count (diag) == 0, "%s", unit_findings (diag));
  ck_assert_int_eq (r, 0);
}

/* This finding and no other. */
static void
only (uint32_t severity, const char *id, const char *path)
{
  int r = check ();
  const struct vmspec_finding *f = vmspec_diag_get (diag, 0);

  ck_assert_msg (vmspec_diag_count (diag) == 1, "%zu findings:%s",
                 vmspec_diag_count (diag), unit_findings (diag));
  ck_assert_str_eq (f->id, id);
  ck_assert_str_eq (f->path, path);
  ck_assert_uint_eq (f->severity, severity);
  ck_assert_uint_gt (strlen (f->text), 10);
  ck_assert_int_eq (r, severity == ERROR ? -EINVAL : 0);
}

START_TEST (there_is_nothing_to_say_against_a_plain_machine)
{
  nothing ();
  boot.kernel = "k";
  boot.initrd = "i";
  efi.enable = tpm.enable = VMSPEC_ON;
  nothing ();
  spec = (struct vmspec) { VMSPEC_INIT (vmspec) };
  nothing ();
}
END_TEST

/* ---- machine ------------------------------------------------------------- */

START_TEST (a_32_bit_guest_has_less_than_2047_mib)
{
  static const uint32_t small[]
    = { VMSPEC_ARCH_I686, VMSPEC_ARCH_ARMV7L, VMSPEC_ARCH_RISCV32 };

  for (size_t i = 0; i < COUNT (small); i++) {
    spec.arch = small[i];
    spec.memory = 2046;
    nothing ();
    spec.memory = 2047;
    only (ERROR, "memory.32bit", "memory");
  }
  spec.arch = VMSPEC_ARCH_AARCH64;
  nothing ();
}
END_TEST

START_TEST (an_emulator_that_was_not_found_is_said)
{
  qemu.binary = "qemu-of-mine";
  only (BLOCKER, "qemu.missing", "qemu.binary");
  qemu.binary = NULL;
  nothing ();
  host.programs = NULL;
  only (BLOCKER, "qemu.missing", "qemu.binary");
}
END_TEST

START_TEST (kvm_that_is_required_must_work)
{
  static const char *const reasons[] = {
    [VMSPEC_KVM_ABSENT] = "there is no /dev/kvm",
    [VMSPEC_KVM_DENIED] = "group",
    [VMSPEC_KVM_NO_HARDWARE] = "vmx or svm",
  };

  qemu.accel = VMSPEC_ACCEL_REQUIRE;
  host.kvm = VMSPEC_KVM_USABLE;
  nothing ();
  for (host.kvm = VMSPEC_KVM_ABSENT; host.kvm <= VMSPEC_KVM_NO_HARDWARE;
       host.kvm++) {
    only (BLOCKER, "qemu.kvm-unusable", "qemu.accel");
    ck_assert_ptr_nonnull (strstr (vmspec_diag_get (diag, 0)->text,
                                   reasons[host.kvm]));
  }
  host.kvm = VMSPEC_KVM_USABLE;
  spec.arch = VMSPEC_ARCH_S390X;
  only (BLOCKER, "qemu.kvm-unusable", "qemu.accel");
}
END_TEST

START_TEST (the_hosts_processor_takes_hardware_virtualisation)
{
  qemu.cpu = "host,-svm";
  only (BLOCKER, "qemu.cpu-host", "qemu.cpu");
  qemu.cpu = "host";
  only (BLOCKER, "qemu.cpu-host", "qemu.cpu");
  host.kvm = VMSPEC_KVM_USABLE;
  nothing ();
  qemu.accel = VMSPEC_ACCEL_OFF;
  only (BLOCKER, "qemu.cpu-host", "qemu.cpu");
  qemu.cpu = "hostile";
  nothing ();
}
END_TEST

START_TEST (acceleration_cannot_be_required_where_it_cannot_be_said)
{
  host.kvm = VMSPEC_KVM_USABLE;
  qemu.accel = VMSPEC_ACCEL_REQUIRE;
  nothing ();
  qemu.machine = "q35,accel=tcg";
  only (BLOCKER, "qemu.accel-unsaid", "qemu.machine");
  qemu.machine = "";
  only (BLOCKER, "qemu.accel-unsaid", "qemu.machine");
  qemu.accel = VMSPEC_ACCEL_PREFER;
  nothing ();
}
END_TEST

START_TEST (a_package_on_darwin_is_of_the_hosts_architecture)
{
  qemu.binary = NULL;
  qemu.package = "/p";
  host.os = VMSPEC_OS_DARWIN;
  nothing ();
  spec.arch = VMSPEC_ARCH_AARCH64;
  only (ERROR, "qemu.unsupported-host", "qemu.package");
}
END_TEST

/* ---- boot ---------------------------------------------------------------- */

START_TEST (an_initrd_that_is_not_used_is_refused)
{
  boot.initrd = "/i";
  only (ERROR, "boot.initrd-unused", "boot.initrd");
  boot.kernel = "/k";
  nothing ();
  boot.loader = VMSPEC_ON;
  only (ERROR, "boot.initrd-unused", "boot.initrd");
  /* That of the system itself is what would be used anyway. */
  boot.kernel = NULL;
  boot.system = "/sys";
  boot.initrd = "/sys/initrd";
  nothing ();
}
END_TEST

START_TEST (direct_boot_and_a_boot_loader_are_two_things)
{
  boot.kernel = "/k";
  boot.loader = boot.direct = VMSPEC_ON;
  only (WARNING, "boot.direct-and-loader", "boot.loader");
}
END_TEST

START_TEST (direct_boot_takes_a_kernel)
{
  boot.direct = VMSPEC_ON;
  only (BLOCKER, "boot.no-kernel", "boot.kernel");
  qemu.builtin_options = VMSPEC_OFF;
  nothing ();
}
END_TEST

START_TEST (a_bios_and_efi_firmware_exclude_each_other)
{
  boot.bios = "/bios";
  nothing ();
  efi.enable = VMSPEC_ON;
  only (BLOCKER, "boot.bios-and-efi", "boot.bios");
}
END_TEST

START_TEST (efi_takes_firmware)
{
  efi.enable = VMSPEC_ON;
  efi.firmware = NULL;
  only (BLOCKER, "efi.missing", "efi.firmware");
  efi.firmware = "/code";
  efi.variables = NULL;
  only (BLOCKER, "efi.missing", "efi.firmware");
  spec.arch = VMSPEC_ARCH_S390X;
  only (ERROR, "efi.unsupported", "efi.firmware");
  efi.variables = "/vars";
  nothing ();
}
END_TEST

START_TEST (secure_boot_hangs_without_smm)
{
  efi.enable = efi.secure_boot = VMSPEC_ON;
  nothing ();
  efi.smm = VMSPEC_OFF;
  only (BLOCKER, "efi.smm", "efi.smm");
  spec.arch = VMSPEC_ARCH_AARCH64;
  nothing ();
}
END_TEST

/* ---- TPM, store, state --------------------------------------------------- */

START_TEST (a_tpm_takes_swtpm)
{
  tpm.enable = VMSPEC_ON;
  tpm.swtpm = NULL;
  only (BLOCKER, "tpm.missing", "tpm.swtpm");
}
END_TEST

START_TEST (a_tpm_takes_a_device_for_it)
{
  tpm.enable = VMSPEC_ON;
  spec.arch = VMSPEC_ARCH_S390X;
  only (ERROR, "tpm.unsupported", "tpm.model");
  tpm.model = "tpm-of-mine";
  nothing ();
  tpm.model = "tpm-tis";
  only (BLOCKER, "tpm.model", "tpm.model");
  spec.arch = VMSPEC_ARCH_X86_64;
  nothing ();
  /* QEMU would read a property, or JSON. */
  tpm.model = "tpm=tis";
  only (BLOCKER, "tpm.model", "tpm.model");
  tpm.model = "{}";
  only (BLOCKER, "tpm.model", "tpm.model");
}
END_TEST

START_TEST (the_path_of_a_socket_has_at_most_107_bytes)
{
  char path[200] = "/";

  tpm.enable = VMSPEC_ON;
  tpm.state_dir = path;
  memset (path + 1, 'x', 107 - strlen ("//socket"));
  nothing ();
  strcat (path, "x");
  only (BLOCKER, "tpm.socket-path", "tpm.state_dir");
  ck_assert_ptr_nonnull (strstr (vmspec_diag_get (diag, 0)->text, "108"));
}
END_TEST

START_TEST (the_sockets_for_provisioning_have_longer_names)
{
  char path[200] = "/";

  tpm.enable = VMSPEC_ON;
  tpm.state_dir = path;
  tpm.provision = "/bin/true";
  memset (path + 1, 'x', 107 - strlen ("//provision.ctrl"));
  nothing ();
  strcat (path, "x");
  only (BLOCKER, "tpm.socket-path", "tpm.state_dir");
  tpm.provision = NULL;
  nothing ();
}
END_TEST

START_TEST (a_writable_store_image_is_costly)
{
  store.image = store.mount_host = VMSPEC_ON;
  spec.builtin_shares = VMSPEC_OFF; /* the store would be there twice */
  only (WARNING, "store.image-writable", "store.writable");
  store.writable = VMSPEC_ON;
  nothing ();
}
END_TEST

START_TEST (state_files_need_their_directories)
{
  struct vmspec_host_file file
    = { VMSPEC_INIT (vmspec_host_file), .type = VMSPEC_FILE_TYPE_NO_PARENT };

  host.files = LIST (vmspec_host_file, &file);
  file.path = "/here/vm.qcow2";
  only (BLOCKER, "file.no-parent", "disk.image");
  file.path = "/here/vm-efi-vars.fd";
  nothing ();
  efi.enable = tpm.enable = VMSPEC_ON;
  only (BLOCKER, "file.no-parent", "efi.state");
  file.path = "/here/vm-swtpm";
  only (BLOCKER, "file.no-parent", "tpm.state_dir");
  file.type = VMSPEC_FILE_TYPE_ABSENT;
  nothing ();
}
END_TEST

START_TEST (a_root_disk_of_its_own_has_a_size)
{
  disk.size = VMSPEC_NONE;
  only (BLOCKER, "disk.no-size", "disk.size");
  boot.loader = VMSPEC_ON;
  nothing ();
  boot.loader = VMSPEC_UNSET;
  disk.image = "";
  nothing ();
}
END_TEST

START_TEST (an_overlay_of_the_system_image_is_qcow2)
{
  struct vmspec_host_file file
    = { VMSPEC_INIT (vmspec_host_file), .type = VMSPEC_FILE_TYPE_FILE,
        .path = "/here/vm.qcow2" };

  disk.system_image = "/srv/system.qcow2";
  disk.format = VMSPEC_IMAGE_FORMAT_RAW;
  nothing ();
  boot.loader = VMSPEC_ON;
  only (BLOCKER, "disk.overlay-format", "disk.format");
  disk.format = VMSPEC_IMAGE_FORMAT_QCOW2;
  nothing ();
  disk.format = VMSPEC_IMAGE_FORMAT_VDI;
  only (BLOCKER, "disk.overlay-format", "disk.format");
  host.files = LIST (vmspec_host_file, &file); /* what is there is used as it is */
  nothing ();
  host.files = NULL;
  boot.default_file_systems = VMSPEC_OFF;
  nothing ();
}
END_TEST

/* ---- file systems -------------------------------------------------------- */

START_TEST (two_file_systems_want_one_mount_point)
{
  struct vmspec_file_system fs
    = { VMSPEC_INIT (vmspec_file_system), .mount_point = "/" };

  spec.file_systems = LIST (vmspec_file_system, &fs);
  nothing ();
  fs.type = "ext4";
  nothing ();
  fs.type = "btrfs";
  only (ERROR, "mounts.conflict", "file_systems[0].type");
  fs.replace = VMSPEC_ON;
  nothing ();
  fs = (struct vmspec_file_system) {
    VMSPEC_INIT (vmspec_file_system), .mount_point = "/tmp/xchg",
    .needed_for_boot = VMSPEC_OFF };
  only (ERROR, "mounts.conflict", "file_systems[0].needed_for_boot");
}
END_TEST

#define MOUNT(...)                                                             \
  &(struct vmspec_file_system) { VMSPEC_INIT (vmspec_file_system),             \
                                 .mount_point = "/a", __VA_ARGS__ }

static void
conflicts (const struct vmspec_file_system *const *mounts, const char *with)
{
  char text[200];

  spec.file_systems = mounts;
  check ();
  snprintf (text, sizeof text, "two file systems want to be mounted at /a, with "
            "%s; move one of them, or let one replace the other", with);
  ck_assert_uint_eq (vmspec_diag_count (diag), 1);
  ck_assert_str_eq (vmspec_diag_get (diag, 0)->text, text);
}

START_TEST (a_conflict_of_mounts_is_told_with_both_sides)
{
  conflicts (LIST (vmspec_file_system, MOUNT (.device = "x"),
                   MOUNT (.device = "y")), "device 'x' and 'y'");
  conflicts (LIST (vmspec_file_system, MOUNT (.device = "x"), MOUNT (),
                   MOUNT (.device = "x", .type = "z"), MOUNT (.type = "w")),
             "type 'z' and 'w'");
  conflicts (LIST (vmspec_file_system, MOUNT (.no_check = VMSPEC_ON),
                   MOUNT (.no_check = VMSPEC_OFF)), "no_check 'on' and 'off'");
  conflicts (LIST (vmspec_file_system, MOUNT (),
                   MOUNT (.needed_for_boot = VMSPEC_OFF),
                   MOUNT (.needed_for_boot = VMSPEC_ON)),
             "needed_for_boot 'off' and 'on'");
  spec.file_systems
    = LIST (vmspec_file_system,
            MOUNT (.no_check = VMSPEC_ON, .replace = VMSPEC_ON, .type = "x"),
            MOUNT (.no_check = VMSPEC_OFF, .type = "y"));
  nothing ();
}
END_TEST

/* Both are built in: the root, and a share there. */
START_TEST (a_conflict_of_built_in_mounts_is_named_by_its_place)
{
  struct vmspec_share share = { VMSPEC_INIT (vmspec_share), .tag = "t",
                                .source = "/s", .target = "/" };

  spec.shares = LIST (vmspec_share, &share);
  check ();
  ck_assert_ptr_nonnull (unit_finding (diag, "mounts.conflict"));
  ck_assert_str_eq (unit_finding (diag, "mounts.conflict")->path,
                    "file_systems[/].device");
  /* And where it is one of those that are said, by its number. */
  spec.file_systems = LIST (vmspec_file_system, MOUNT (.device = "x"),
                            &(struct vmspec_file_system) {
                              VMSPEC_INIT (vmspec_file_system),
                              .mount_point = "/", .type = "q" });
  check ();
  ck_assert_str_eq (unit_finding (diag, "mounts.conflict")->path,
                    "file_systems[1].type");
}
END_TEST

/* ---- drives -------------------------------------------------------------- */

#define PROPERTY(name_, value_)                                                \
  &(struct vmspec_property) {                                                  \
    VMSPEC_INIT (vmspec_property), .name = name_, .value = value_ }

START_TEST (drives_have_names_of_their_own)
{
  struct vmspec_drive one
    = { VMSPEC_INIT (vmspec_drive), .file = "/1", .name = "a" };
  struct vmspec_drive other
    = { VMSPEC_INIT (vmspec_drive), .file = "/2", .name = "b" };

  spec.drives = LIST (vmspec_drive, &one, &other);
  nothing ();
  other.name = "a";
  only (BLOCKER, "drive.duplicate-name", "drives[1].name");
  other.name = NULL;
  one.name = "root"; /* the root disk's */
  only (BLOCKER, "drive.duplicate-name", "drives[0].name");
}
END_TEST

START_TEST (drives_boot_one_after_the_other)
{
  struct vmspec_drive drive
    = { VMSPEC_INIT (vmspec_drive), .file = "/1",
        .device_options = LIST (vmspec_property, PROPERTY ("bootindex", "1")) };

  spec.drives = LIST (vmspec_drive, &drive);
  only (BLOCKER, "drive.duplicate-bootindex", "drives[0].device_options");
  drive.device_options = LIST (vmspec_property, PROPERTY ("bootindex", "3"));
  nothing ();
}
END_TEST

START_TEST (an_image_is_attached_once)
{
  struct vmspec_drive one = { VMSPEC_INIT (vmspec_drive), .file = "/1" };
  struct vmspec_drive other = { VMSPEC_INIT (vmspec_drive), .file = "/1" };

  spec.drives = LIST (vmspec_drive, &one, &other);
  only (BLOCKER, "drive.duplicate-file", "drives[1].file");
  one.drive_options = LIST (vmspec_property, PROPERTY ("readonly", "on"));
  only (BLOCKER, "drive.duplicate-file", "drives[1].file");
  other.drive_options = LIST (vmspec_property, PROPERTY ("media", "cdrom"));
  nothing ();
  other.file = "./vm.qcow2"; /* the root disk's */
  other.drive_options = NULL;
  only (BLOCKER, "drive.duplicate-file", "drives[1].file");
}
END_TEST

START_TEST (names_of_properties_cannot_be_escaped)
{
  static const char *const wrong[] = { "a,b", "a=b", "a b", "\xc3\xbc" };
  struct vmspec_property property
    = { VMSPEC_INIT (vmspec_property), .value = "x,y=z" };
  struct vmspec_drive drive
    = { VMSPEC_INIT (vmspec_drive), .file = "/1",
        .drive_options = LIST (vmspec_property, PROPERTY ("a", "b"),
                               &property) };

  spec.drives = LIST (vmspec_drive, &drive);
  property.name = "x-Some.property_1";
  nothing ();
  for (size_t i = 0; i < COUNT (wrong); i++) {
    property.name = wrong[i];
    only (BLOCKER, "drive.property-name", "drives[0].drive_options[1].name");
  }
  drive.device_options = drive.drive_options;
  drive.drive_options = NULL;
  only (BLOCKER, "drive.property-name", "drives[0].device_options[1].name");
}
END_TEST

START_TEST (a_drive_whose_file_is_nothing_is_none)
{
  struct vmspec_drive drive = { VMSPEC_INIT (vmspec_drive),
                                .file = "$UNSET", .expand = VMSPEC_ON };

  spec.drives = LIST (vmspec_drive, &drive);
  only (BLOCKER, "drive.empty-file", "drives[0].file");
  host.environment = STRINGS ("UNSET=/a");
  nothing ();
}
END_TEST

/* ---- shares -------------------------------------------------------------- */

static struct vmspec_share share;

static void
share_is (const char *tag, const char *source, const char *target)
{
  static const struct vmspec_share *const list[] = { &share, NULL };

  share = (struct vmspec_share) { VMSPEC_INIT (vmspec_share), .tag = tag,
                                  .source = source, .target = target };
  spec.shares = list;
}

START_TEST (a_tag_is_an_id_of_qemus)
{
  static const char *const wrong[]
    = { "1a", "-", "_a", "a b", "a,b", "\xc3\xbc" };

  share_is ("a-Z.9_", "/s", "/t");
  nothing ();
  for (size_t i = 0; i < COUNT (wrong); i++) {
    share_is (wrong[i], "/s", "/t");
    only (BLOCKER, "share.tag-id", "shares[0].tag");
  }
}
END_TEST

START_TEST (a_tag_has_at_most_31_bytes)
{
  share_is ("a234567890123456789012345678901", "/s", "/t");
  nothing ();
  share_is ("a2345678901234567890123456789012", "/s", "/t");
  only (BLOCKER, "share.tag-length", "shares[0].tag");
}
END_TEST

START_TEST (shares_have_tags_and_targets_of_their_own)
{
  struct vmspec_share other = { VMSPEC_INIT (vmspec_share), .tag = "a",
                                .source = "/s", .target = "/t2" };

  share_is ("a", "/s", "/t");
  spec.shares = LIST (vmspec_share, &share, &other);
  only (BLOCKER, "share.duplicate-tag", "shares[1].tag");
  other.tag = "b";
  nothing ();
  other.target = "/t";
  only (BLOCKER, "share.duplicate-target", "shares[1].target");
  other.target = "/tmp/xchg"; /* the exchange directory's */
  only (BLOCKER, "share.duplicate-target", "shares[1].target");
}
END_TEST

START_TEST (a_share_of_nothing_is_none)
{
  share_is ("a", "$UNSET", "/t");
  nothing ();
  share.expand = VMSPEC_ON;
  only (BLOCKER, "share.empty-source", "shares[0].source");
}
END_TEST

START_TEST (a_piece_of_shell_that_is_none_is_refused)
{
  struct vmspec_drive drive = { VMSPEC_INIT (vmspec_drive), .file = "'",
                                .expand = VMSPEC_ON };

  share_is ("a", "$(date)", "/t");
  share.expand = VMSPEC_ON;
  only (ERROR, "expand.syntax", "shares[0].source");
  spec.shares = NULL;
  spec.drives = LIST (vmspec_drive, &drive);
  only (ERROR, "expand.syntax", "drives[0].file");
  spec.drives = NULL;
  qemu.options = STRINGS ("-a", "${b");
  nothing ();
  qemu.expand = VMSPEC_ON;
  only (ERROR, "expand.syntax", "qemu.options[1]");
  qemu.options = NULL;
  qemu.first_network_options = STRINGS ("`a`");
  only (ERROR, "expand.syntax", "qemu.first_network_options[0]");
}
END_TEST

/* ---- network ------------------------------------------------------------- */

static struct vmspec_forward_port port;

/* A rule against which there is nothing to say. */
static void
port_from (uint32_t from)
{
  static const struct vmspec_forward_port *const list[] = { &port, NULL };

  port = (struct vmspec_forward_port) {
    VMSPEC_INIT (vmspec_forward_port), .from = from, .host_port = 80,
    .guest_port = 8080 };
  if (from == VMSPEC_FORWARD_FROM_GUEST) {
    port.host_address = "127.0.0.1";
    port.guest_address = "10.0.2.10";
    network.netcat = "/bin/nc";
  }
  network.forward_ports = list;
}

START_TEST (from_the_guest_only_tcp_is_forwarded)
{
  port_from (VMSPEC_FORWARD_FROM_GUEST);
  nothing ();
  port.proto = VMSPEC_PROTO_UDP;
  only (ERROR, "forward-port.guest-udp", "network.forward_ports[0].proto");
  port_from (VMSPEC_FORWARD_FROM_HOST);
  port.proto = VMSPEC_PROTO_UDP;
  nothing ();
}
END_TEST

START_TEST (a_guest_connects_to_an_address_of_its_own_network)
{
  static const char *const taken[]
    = { "10.0.2.0", "10.0.2.2", "10.0.2.3", "10.0.2.255" };

  port_from (VMSPEC_FORWARD_FROM_GUEST);
  port.guest_address = "10.0.3.10";
  only (ERROR, "forward-port.guest-address",
        "network.forward_ports[0].guest_address");
  port.guest_address = NULL;
  only (ERROR, "forward-port.guest-address",
        "network.forward_ports[0].guest_address");
  for (size_t i = 0; i < COUNT (taken); i++) {
    port.guest_address = taken[i];
    only (BLOCKER, "forward-port.guest-reserved",
          "network.forward_ports[0].guest_address");
  }
}
END_TEST

START_TEST (what_a_guest_connects_to_is_on_the_host)
{
  port_from (VMSPEC_FORWARD_FROM_GUEST);
  port.host_address = NULL;
  only (BLOCKER, "forward-port.no-host",
        "network.forward_ports[0].host_address");
}
END_TEST

START_TEST (ports_have_numbers)
{
  port_from (VMSPEC_FORWARD_FROM_HOST);
  port.host_port = 0;
  only (BLOCKER, "forward-port.port", "network.forward_ports[0].host_port");
  port.host_port = 1;
  port.guest_port = 0;
  only (BLOCKER, "forward-port.port", "network.forward_ports[0].guest_port");
}
END_TEST

START_TEST (addresses_are_four_numbers)
{
  static const char *const wrong[]
    = { "localhost", "::1", "1.2.3", "1.2.3.4.5", "256.0.0.1", "1.2.3.4 ",
        "1.2.3.4,x" };

  port_from (VMSPEC_FORWARD_FROM_HOST);
  for (size_t i = 0; i < COUNT (wrong); i++) {
    port.host_address = wrong[i];
    only (BLOCKER, "forward-port.address",
          "network.forward_ports[0].host_address");
  }
  port.host_address = "192.168.0.1";
  port.guest_address = "x";
  only (BLOCKER, "forward-port.address",
        "network.forward_ports[0].guest_address");
}
END_TEST

START_TEST (a_port_is_forwarded_once)
{
  struct vmspec_forward_port other;

  port_from (VMSPEC_FORWARD_FROM_HOST);
  other = port;
  network.forward_ports = LIST (vmspec_forward_port, &port, &other);
  only (BLOCKER, "forward-port.duplicate",
        "network.forward_ports[1].host_port");
  other.proto = VMSPEC_PROTO_UDP;
  nothing ();
  other.proto = VMSPEC_PROTO_TCP;
  other.host_address = "127.0.0.1"; /* which the first listens on, too */
  only (BLOCKER, "forward-port.duplicate",
        "network.forward_ports[1].host_port");
  port.host_address = "127.0.0.2";
  nothing ();
  other.host_address = "0.0.0.0";
  only (BLOCKER, "forward-port.duplicate",
        "network.forward_ports[1].host_port");
  port_from (VMSPEC_FORWARD_FROM_GUEST);
  other = port;
  other.host_port++;
  network.forward_ports = LIST (vmspec_forward_port, &port, &other);
  only (BLOCKER, "forward-port.duplicate",
        "network.forward_ports[1].guest_port");
  other.guest_address = "10.0.2.11";
  nothing ();
}
END_TEST

START_TEST (a_port_that_qemu_takes_is_not_said_and_is_nobody_elses)
{
  struct vmspec_forward_port other;

  port_from (VMSPEC_FORWARD_FROM_HOST);
  port.any_host_port = VMSPEC_ON;
  only (BLOCKER, "forward-port.any-and-one",
        "network.forward_ports[0].any_host_port");
  port.host_port = 0;
  nothing ();
  other = port;
  network.forward_ports = LIST (vmspec_forward_port, &port, &other);
  nothing ();
  /* What one says in vain does not stand in another's way. */
  other.any_host_port = VMSPEC_OFF;
  other.host_port = port.host_port = 80;
  only (BLOCKER, "forward-port.any-and-one",
        "network.forward_ports[0].any_host_port");
  port.host_port = 0;
  port.any_host_port = VMSPEC_OFF;
  only (BLOCKER, "forward-port.port", "network.forward_ports[0].host_port");
  port_from (VMSPEC_FORWARD_FROM_GUEST);
  port.host_port = 0;
  port.any_host_port = VMSPEC_ON;
  only (BLOCKER, "forward-port.any-from-guest",
        "network.forward_ports[0].any_host_port");
}
END_TEST

START_TEST (system_management_mode_takes_q35)
{
  static const char *const good[] = { "q35", "q35,accel=tcg", "pc-q35-7.2",
                                      "accel=tcg", "" };
  static const char *const bad[] = { "pc,accel=tcg", "q3", "pc-q3", "pc-q3-7.2",
                                     "none" };

  efi.enable = efi.smm = VMSPEC_ON;
  for (size_t i = 0; i < COUNT (good); i++) {
    qemu.machine = good[i];
    nothing ();
  }
  for (size_t i = 0; i < COUNT (bad); i++) {
    qemu.machine = bad[i];
    only (WARNING, "efi.machine", "qemu.machine");
  }
  efi.smm = VMSPEC_OFF;
  nothing ();
}
END_TEST

START_TEST (shares_have_packets_that_linux_takes)
{
  spec.msize = 4096;
  nothing ();
  spec.msize = 512000;
  nothing ();
  spec.msize = 512001;
  only (WARNING, "share.msize-large", "msize");
  spec.msize = 4095;
  only (BLOCKER, "share.msize-small", "msize");
  spec.builtin_shares = VMSPEC_OFF;
  nothing ();
}
END_TEST

START_TEST (a_restricted_guest_cannot_answer_datagrams)
{
  port_from (VMSPEC_FORWARD_FROM_HOST);
  network.restricted = VMSPEC_ON;
  nothing ();
  port.proto = VMSPEC_PROTO_UDP;
  only (WARNING, "forward-port.restricted-udp",
        "network.forward_ports[0].proto");
}
END_TEST

START_TEST (connections_from_the_guest_take_netcat)
{
  port_from (VMSPEC_FORWARD_FROM_GUEST);
  network.netcat = NULL;
  only (BLOCKER, "network.netcat-missing", "network.netcat");
}
END_TEST

START_TEST (a_network_that_is_off_forwards_nothing)
{
  qemu.builtin_network = VMSPEC_OFF;
  nothing ();
  network.restricted = VMSPEC_ON;
  only (WARNING, "network.unused", "qemu.builtin_network");
  network.restricted = VMSPEC_UNSET;
  port_from (VMSPEC_FORWARD_FROM_HOST);
  only (WARNING, "network.unused", "qemu.builtin_network");
}
END_TEST

/* ---- virtual networks ---------------------------------------------------- */

#define VLAN(number_) &(struct vmspec_vlan) { VMSPEC_INIT (vmspec_vlan), number_ }

START_TEST (the_number_of_a_network_is_a_byte)
{
  struct vmspec_vlan one = { VMSPEC_INIT (vmspec_vlan), 255 };
  struct vmspec_interface lan
    = { VMSPEC_INIT (vmspec_interface), .name = "lan", .vlan = 256 };

  spec.vlans = LIST (vmspec_vlan, &one);
  network.vlan_backend = VMSPEC_VLAN_BACKEND_MULTICAST;
  nothing ();
  one.number = 256;
  only (ERROR, "vlan.number", "vlans[0].number");
  one.number = 255;
  spec.interfaces = LIST (vmspec_interface, &lan);
  only (ERROR, "vlan.number", "interfaces[0].vlan");
  /* Without a device there is no address. */
  network.vlan_backend = VMSPEC_VLAN_BACKEND_NONE;
  nothing ();
}
END_TEST

START_TEST (a_machine_is_on_a_network_once)
{
  const struct vmspec_interface lan
    = { VMSPEC_INIT (vmspec_interface), .name = "lan", .vlan = 3 };

  network.vlan_backend = VMSPEC_VLAN_BACKEND_MULTICAST;
  spec.vlans = LIST (vmspec_vlan, VLAN (3), VLAN (4));
  nothing ();
  spec.vlans = LIST (vmspec_vlan, VLAN (3), VLAN (4), VLAN (3));
  only (BLOCKER, "vlan.duplicate", "vlans[2].number");
  spec.vlans = LIST (vmspec_vlan, VLAN (4), VLAN (3));
  spec.interfaces = LIST (vmspec_interface, &lan);
  only (BLOCKER, "vlan.duplicate", "interfaces[0].vlan");
  network.vlan_backend = VMSPEC_VLAN_BACKEND_UNSET;
  nothing ();
}
END_TEST

START_TEST (a_pair_has_two_machines)
{
  static const uint32_t pairs[]
    = { VMSPEC_VLAN_BACKEND_DGRAM, VMSPEC_VLAN_BACKEND_STREAM };

  network.vlan_directory = "/v";
  network.machine_number = 254;
  for (uint32_t i = VMSPEC_VLAN_BACKEND_NONE;
       i <= VMSPEC_VLAN_BACKEND_MULTICAST; i++) {
    network.vlan_backend = i;
    nothing ();
  }
  for (size_t i = 0; i < COUNT (pairs); i++) {
    network.vlan_backend = pairs[i];
    network.machine_number = 3;
    only (BLOCKER, "vlan.machine-number", "network.machine_number");
    network.machine_number = 2;
    nothing ();
  }
}
END_TEST

START_TEST (sockets_of_networks_take_a_directory)
{
  spec.vlans = LIST (vmspec_vlan, VLAN (1), VLAN (2));
  for (uint32_t i = VMSPEC_VLAN_BACKEND_VDE; i <= VMSPEC_VLAN_BACKEND_STREAM;
       i++) {
    network.vlan_backend = i;
    host = unit_host ();
    if (i == VMSPEC_VLAN_BACKEND_MULTICAST)
      nothing ();
    else
      only (ERROR, "vlan.directory", "network.vlan_directory");
    host.environment = STRINGS ("XDG_RUNTIME_DIR=/run/user/1");
    nothing ();
  }
  network.vlan_backend = VMSPEC_VLAN_BACKEND_VDE;
  host.environment = STRINGS ("QEMU_VDE_SOCKET_2=/v");
  only (ERROR, "vlan.directory", "network.vlan_directory");
  host.environment
    = STRINGS ("QEMU_VDE_SOCKET_2=/v", "QEMU_VDE_SOCKET_1=/w");
  nothing ();
}
END_TEST

static void
sockets_have_at_most (uint32_t backend, const char *last)
{
  char path[200] = "/";

  network.vlan_backend = backend;
  network.vlan_directory = path;
  memset (path + 1, 'x', 107 - strlen ("/") - strlen (last));
  nothing ();
  strcat (path, "x");
  only (BLOCKER, "vlan.socket-path", "network.vlan_directory");
  ck_assert_ptr_nonnull (strstr (vmspec_diag_get (diag, 0)->text, "108"));
}

START_TEST (the_paths_of_sockets_of_networks_have_at_most_107_bytes)
{
  char variable[200] = "QEMU_VDE_SOCKET_12=/";

  spec.vlans = LIST (vmspec_vlan, VLAN (12));
  sockets_have_at_most (VMSPEC_VLAN_BACKEND_STREAM, "/12");
  sockets_have_at_most (VMSPEC_VLAN_BACKEND_DGRAM, "/12.1");
  /* A client's own is in the switch's directory: /.PID-COUNTER. */
  sockets_have_at_most (VMSPEC_VLAN_BACKEND_VDE, "/12/.4194304-00000");
  network.vlan_directory = NULL;
  memset (variable + strlen (variable), 'x', 100);
  host.environment = STRINGS (variable);
  only (BLOCKER, "vlan.socket-path", "network.vlan_directory");
  ck_assert_ptr_nonnull (strstr (vmspec_diag_get (diag, 0)->text,
                                 "a shorter QEMU_VDE_SOCKET_12"));
}
END_TEST

START_TEST (only_vde_has_a_switch_and_it_takes_vde_switch)
{
  static const struct vmspec_host_program program
    = { VMSPEC_INIT (vmspec_host_program), .name = "vde_switch",
        .path = "/bin/vde_switch" };

  network.vlan_switch = VMSPEC_ON;
  only (WARNING, "vlan.switch-unused", "network.vlan_switch");
  network.vlan_backend = VMSPEC_VLAN_BACKEND_MULTICAST;
  only (WARNING, "vlan.switch-unused", "network.vlan_switch");
  network.vlan_backend = VMSPEC_VLAN_BACKEND_VDE;
  network.vlan_directory = "/v";
  only (BLOCKER, "vlan.switch-missing", "network.vlan_switch");
  host.environment = STRINGS ("QEMU_VDE_SOCKET_1=/s");
  nothing ();
  host = unit_host ();
  host.programs = LIST (vmspec_host_program, &unit_qemu, &program);
  nothing ();
  host = unit_host ();
  network.vlan_switch = VMSPEC_OFF;
  nothing ();
}
END_TEST

/* ---- all of them --------------------------------------------------------- */

START_TEST (findings_of_every_stage_come_together)
{
  port_from (VMSPEC_FORWARD_FROM_GUEST);
  port.proto = VMSPEC_PROTO_UDP;
  share_is ("1", "$(x)", "/t");
  share.expand = VMSPEC_ON;
  spec.graphics = 1;
  boot.direct = VMSPEC_ON;
  ck_assert_int_eq (check (), -EINVAL);
  ck_assert_ptr_nonnull (unit_finding (diag, "option.switch"));
  ck_assert_ptr_nonnull (unit_finding (diag, "expand.syntax"));
  ck_assert_ptr_nonnull (unit_finding (diag, "forward-port.guest-udp"));
  ck_assert_ptr_nonnull (unit_finding (diag, "share.tag-id"));
  ck_assert_ptr_nonnull (unit_finding (diag, "boot.no-kernel"));
  ck_assert_uint_eq (vmspec_diag_count (diag), 5);
}
END_TEST

int
main (void)
{
  TCase *t = unit_case ("assert");

  tcase_add_checked_fixture (t, set_up, tear_down);
  tcase_add_test (t, there_is_nothing_to_say_against_a_plain_machine);
  tcase_add_test (t, a_32_bit_guest_has_less_than_2047_mib);
  tcase_add_test (t, an_emulator_that_was_not_found_is_said);
  tcase_add_test (t, kvm_that_is_required_must_work);
  tcase_add_test (t, the_hosts_processor_takes_hardware_virtualisation);
  tcase_add_test (t, acceleration_cannot_be_required_where_it_cannot_be_said);
  tcase_add_test (t, a_package_on_darwin_is_of_the_hosts_architecture);
  tcase_add_test (t, an_initrd_that_is_not_used_is_refused);
  tcase_add_test (t, direct_boot_and_a_boot_loader_are_two_things);
  tcase_add_test (t, direct_boot_takes_a_kernel);
  tcase_add_test (t, a_bios_and_efi_firmware_exclude_each_other);
  tcase_add_test (t, efi_takes_firmware);
  tcase_add_test (t, secure_boot_hangs_without_smm);
  tcase_add_test (t, a_tpm_takes_swtpm);
  tcase_add_test (t, a_tpm_takes_a_device_for_it);
  tcase_add_test (t, the_path_of_a_socket_has_at_most_107_bytes);
  tcase_add_test (t, the_sockets_for_provisioning_have_longer_names);
  tcase_add_test (t, a_writable_store_image_is_costly);
  tcase_add_test (t, state_files_need_their_directories);
  tcase_add_test (t, a_root_disk_of_its_own_has_a_size);
  tcase_add_test (t, an_overlay_of_the_system_image_is_qcow2);
  tcase_add_test (t, two_file_systems_want_one_mount_point);
  tcase_add_test (t, a_conflict_of_mounts_is_told_with_both_sides);
  tcase_add_test (t, a_conflict_of_built_in_mounts_is_named_by_its_place);
  tcase_add_test (t, drives_have_names_of_their_own);
  tcase_add_test (t, drives_boot_one_after_the_other);
  tcase_add_test (t, an_image_is_attached_once);
  tcase_add_test (t, names_of_properties_cannot_be_escaped);
  tcase_add_test (t, a_drive_whose_file_is_nothing_is_none);
  tcase_add_test (t, a_tag_is_an_id_of_qemus);
  tcase_add_test (t, a_tag_has_at_most_31_bytes);
  tcase_add_test (t, shares_have_tags_and_targets_of_their_own);
  tcase_add_test (t, a_share_of_nothing_is_none);
  tcase_add_test (t, a_piece_of_shell_that_is_none_is_refused);
  tcase_add_test (t, from_the_guest_only_tcp_is_forwarded);
  tcase_add_test (t, a_guest_connects_to_an_address_of_its_own_network);
  tcase_add_test (t, what_a_guest_connects_to_is_on_the_host);
  tcase_add_test (t, ports_have_numbers);
  tcase_add_test (t, addresses_are_four_numbers);
  tcase_add_test (t, a_port_is_forwarded_once);
  tcase_add_test (t, a_port_that_qemu_takes_is_not_said_and_is_nobody_elses);
  tcase_add_test (t, system_management_mode_takes_q35);
  tcase_add_test (t, shares_have_packets_that_linux_takes);
  tcase_add_test (t, a_restricted_guest_cannot_answer_datagrams);
  tcase_add_test (t, connections_from_the_guest_take_netcat);
  tcase_add_test (t, a_network_that_is_off_forwards_nothing);
  tcase_add_test (t, the_number_of_a_network_is_a_byte);
  tcase_add_test (t, a_machine_is_on_a_network_once);
  tcase_add_test (t, a_pair_has_two_machines);
  tcase_add_test (t, sockets_of_networks_take_a_directory);
  tcase_add_test (t, the_paths_of_sockets_of_networks_have_at_most_107_bytes);
  tcase_add_test (t, only_vde_has_a_switch_and_it_takes_vde_switch);
  tcase_add_test (t, findings_of_every_stage_come_together);
  return unit_run ("assert", t);
}
