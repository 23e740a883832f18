/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "qemu-opts.h"
#include "unit.h"

#include "plan.h"

static struct vmspec spec;
static struct vmspec_host host;
static vmspec_plan *plan;

static void
set_up (void)
{
  host = unit_host ();
  spec = (struct vmspec) { VMSPEC_INIT (vmspec) };
  plan = NULL;
}

static void
tear_down (void)
{
  vmspec_plan_free (plan);
}

static const char *const *
rendered (void)
{
  vmspec_plan_free (plan);
  plan = unit_plan (&spec, &host);
  return vmspec_plan_argv (plan);
}

/* The words from the first that is @from, joined by blanks, up to @to. */
static const char *
part (const char *from, const char *to)
{
  static char text[8192];
  const char *const *argv = vmspec_plan_argv (plan);
  char *end = text;
  int i = unit_word (argv, from, NULL);

  *text = '\0';
  for (; i >= 0 && argv[i] && strcmp (argv[i], to); i++) {
    if (end > text)
      end = stpcpy (end, " ");
    end = stpcpy (end, argv[i]);
  }
  return text;
}

/* The value after the n-th @flag, from 0. */
static const char *
nth (const char *flag, size_t n)
{
  const char *const *argv = vmspec_plan_argv (plan);

  for (; *argv; argv++)
    if (!strcmp (*argv, flag) && !n--)
      return argv[1];
  return NULL;
}

/* ---- drives -------------------------------------------------------------- */

#define DRIVE(...)                                                             \
  &(struct vmspec_drive) { VMSPEC_INIT (vmspec_drive), __VA_ARGS__ }
#define PROPERTY(name_, value_)                                                \
  &(struct vmspec_property) {                                                  \
    VMSPEC_INIT (vmspec_property), .name = name_, .value = value_ }

/* Only what is listed. */
static void
drives_alone (void)
{
  spec.builtin_drives = VMSPEC_OFF;
}

START_TEST (risc_v_has_its_interface_by_a_device)
{
  struct vmspec_qemu qemu = { VMSPEC_INIT (vmspec_qemu), .binary = "/q" };

  spec.qemu = &qemu;
  spec.arch = VMSPEC_ARCH_RISCV64;
  rendered ();
  ck_assert_str_eq (part ("-device", "-netdev"),
                    "-device virtio-rng-pci "
                    "-device virtio-net-pci,netdev=user.0");
  qemu.package = "/nix/store/q";
  rendered ();
  ck_assert_str_eq (part ("-net", "-netdev"),
                    "-net nic,netdev=user.0,model=virtio");
}
END_TEST

START_TEST (a_drive_is_attached_by_each_interface)
{
  static const struct {
    uint32_t interface;
    const char *device;
  } cases[] = {
    { VMSPEC_DISK_INTERFACE_VIRTIO,
      "-device virtio-blk-pci,drive=drive1" },
    { VMSPEC_DISK_INTERFACE_SCSI,
      "-device lsi53c895a -device scsi-hd,drive=drive1" },
    { VMSPEC_DISK_INTERFACE_IDE,
      "-device ich9-ahci,id=ahci0 -device ide-hd,bus=ahci0.0,drive=drive1" },
    { VMSPEC_DISK_INTERFACE_VIRTIO_SCSI,
      "-device virtio-scsi-pci,id=scsi0 "
      "-device scsi-hd,bus=scsi0.0,drive=drive1" },
    { VMSPEC_DISK_INTERFACE_NVME, "-device nvme,drive=drive1,serial=drive1" },
  };

  drives_alone ();
  for (size_t i = 0; i < COUNT (cases); i++) {
    struct vmspec_drive drive
      = { VMSPEC_INIT (vmspec_drive), .file = "/d",
          .interface = cases[i].interface };
    char expected[300];

    spec.drives = LIST (vmspec_drive, &drive);
    rendered ();
    snprintf (expected, sizeof expected,
              "-drive file=/d,id=drive1,if=none,index=1 %s", cases[i].device);
    ck_assert_str_eq (part ("-drive", "-device"),
                      "-drive file=/d,id=drive1,if=none,index=1");
    ck_assert_str_eq (part ("-drive", "virtio-keyboard"),
                      strcat (expected, " -device"));
  }
}
END_TEST

START_TEST (controllers_are_shared_as_far_as_they_reach)
{
  struct vmspec_drive ide = { VMSPEC_INIT (vmspec_drive), .file = "/d",
                              .interface = VMSPEC_DISK_INTERFACE_IDE };
  struct vmspec_drive scsi = { VMSPEC_INIT (vmspec_drive), .file = "/s",
                               .interface = VMSPEC_DISK_INTERFACE_VIRTIO_SCSI };
  size_t ahci = 0, virtio_scsi = 0;
  const char *const *argv;

  drives_alone ();
  spec.drives = LIST (vmspec_drive, &ide, &scsi, &ide, &ide, &ide, &ide, &ide,
                      &ide, &scsi);
  argv = rendered ();
  for (; *argv; argv++) {
    ahci += !strncmp (*argv, "ich9-ahci", 9);
    virtio_scsi += !strncmp (*argv, "virtio-scsi-pci", 15);
  }
  ck_assert_uint_eq (ahci, 2);
  ck_assert_uint_eq (virtio_scsi, 1);
  argv = vmspec_plan_argv (plan);
  ck_assert_int_ge (unit_word (argv, "-device",
                               "ide-hd,bus=ahci0.5,drive=drive7"), 0);
  ck_assert_int_ge (unit_word (argv, "-device",
                               "ide-hd,bus=ahci1.0,drive=drive8"), 0);
  /* A controller stands before what hangs on it. */
  ck_assert_int_lt (unit_word (argv, "ich9-ahci,id=ahci1", NULL),
                    unit_word (argv, "ide-hd,bus=ahci1.0,drive=drive8", NULL));
}
END_TEST

START_TEST (properties_come_sorted_and_once_and_ours_win)
{
  drives_alone ();
  spec.drives = LIST (vmspec_drive, DRIVE (
    .file = "/d", .format = VMSPEC_IMAGE_FORMAT_QCOW2,
    .interface = VMSPEC_DISK_INTERFACE_IDE,
    .drive_options = LIST (vmspec_property, PROPERTY ("werror", "report"),
                           PROPERTY ("cache", "none,x"),
                           PROPERTY ("file", "/other"),
                           PROPERTY ("media", NULL),
                           PROPERTY ("cache", "uns,afe"),
                           PROPERTY ("file", "/another")),
    .device_options = LIST (vmspec_property, PROPERTY ("serial", "a,b"),
                            PROPERTY ("bus", "mine.0"),
                            PROPERTY ("drive", "other"),
                            PROPERTY ("serial", "c,d"))));
  rendered ();
  ck_assert_str_eq (nth ("-drive", 0),
                    "cache=uns,,afe,file=/d,format=qcow2,id=drive1,if=none,"
                    "index=1,media=,werror=report");
  ck_assert_int_ge (unit_word (vmspec_plan_argv (plan), "-device",
                    "ide-hd,bus=mine.0,drive=drive1,serial=c,,d"), 0);
}
END_TEST

START_TEST (the_root_disk_is_first_and_boots_first)
{
  spec.drives = LIST (vmspec_drive, DRIVE (.file = "/d"));
  rendered ();
  ck_assert_str_eq (nth ("-drive", 0),
                    "cache=writeback,file=/here/vm.qcow2,id=drive1,if=none,"
                    "index=1,werror=report");
  ck_assert_str_eq (nth ("-drive", 1), "file=/d,id=drive2,if=none,index=2");
  ck_assert_int_ge (unit_word (vmspec_plan_argv (plan), "-device",
                    "virtio-blk-pci,bootindex=1,drive=drive1,serial=root"), 0);
}
END_TEST

/* ---- network ------------------------------------------------------------- */

#define PORT(...)                                                              \
  &(struct vmspec_forward_port) { VMSPEC_INIT (vmspec_forward_port),           \
                                  __VA_ARGS__ }

static const char *
netdev (const struct vmspec_forward_port *port, uint32_t restricted,
        const char *netcat)
{
  struct vmspec_network network
    = { VMSPEC_INIT (vmspec_network), .restricted = restricted,
        .netcat = netcat, .forward_ports = LIST (vmspec_forward_port, port) };

  spec.network = &network;
  rendered ();
  spec.network = NULL;
  return nth ("-netdev", 0);
}

START_TEST (ports_are_forwarded_from_the_host)
{
  ck_assert_str_eq (
    netdev (PORT (.host_port = 2222, .guest_port = 22), 0, NULL),
    "user,id=user.0,hostfwd=tcp::2222-:22,");
  ck_assert_str_eq (
    netdev (PORT (.host_port = 53, .guest_port = 5353,
                  .proto = VMSPEC_PROTO_UDP, .host_address = "127.0.0.1",
                  .guest_address = "10.0.2.15"), VMSPEC_ON, NULL),
    "user,id=user.0,hostfwd=udp:127.0.0.1:53-10.0.2.15:5353,restrict=on,");
  ck_assert_str_eq (netdev (NULL, VMSPEC_OFF, NULL), "user,id=user.0,");
}
END_TEST

START_TEST (a_port_that_qemu_is_to_take_is_0)
{
  ck_assert_str_eq (
    netdev (PORT (.any_host_port = VMSPEC_ON, .guest_port = 22,
                  .host_address = "127.0.0.1"), 0, NULL),
    "user,id=user.0,hostfwd=tcp:127.0.0.1:0-:22,");
  /* In spite of what is said besides, which blocks. */
  ck_assert_str_eq (
    netdev (PORT (.any_host_port = VMSPEC_ON, .guest_port = 22,
                  .host_port = 2222), 0, NULL),
    "user,id=user.0,hostfwd=tcp::0-:22,");
}
END_TEST

START_TEST (ports_are_forwarded_from_the_guest_by_netcat)
{
  struct vmspec_forward_port port
    = { VMSPEC_INIT (vmspec_forward_port), .from = VMSPEC_FORWARD_FROM_GUEST,
        .guest_address = "10.0.2.10", .guest_port = 80,
        .host_address = "127.0.0.1", .host_port = 8080 };

  ck_assert_str_eq (netdev (&port, 0, "/bin/nc"),
                    "user,id=user.0,guestfwd=tcp:10.0.2.10:80-cmd:/bin/nc "
                    "127.0.0.1 8080,");
}
END_TEST

START_TEST (the_netcat_that_qemu_splits_off_is_the_one_that_was_said)
{
  static char words[4][600];

  for (unsigned i = 0; i < unit_rounds (2000); i++) {
    struct random r = { i };
    char netcat[40] = "/";
    const char *value, *command;

    random_bytes (&r, netcat + 1, sizeof netcat - 2);
    value = netdev (PORT (.from = VMSPEC_FORWARD_FROM_GUEST,
                          .guest_address = "10.0.2.10", .guest_port = 80,
                          .host_address = "127.0.0.1", .host_port = 8080), 0,
                    netcat);
    command = strstr (opt_get (value, "guestfwd"), "-cmd:");
    ck_assert_ptr_nonnull (command);
    ck_assert_uint_eq (shell_split (command + 5, words, 4), 3);
    ck_assert_str_eq (words[0], netcat);
    ck_assert_str_eq (words[1], "127.0.0.1");
    ck_assert_str_eq (words[2], "8080");
  }
}
END_TEST

START_TEST (the_network_can_be_left_to_the_caller)
{
  struct vmspec_qemu qemu
    = { VMSPEC_INIT (vmspec_qemu), .builtin_network = VMSPEC_OFF,
        .first_network_options = STRINGS ("-nic", "none"),
        .network_options = STRINGS ("-x") };

  spec.qemu = &qemu;
  rendered ();
  ck_assert_int_lt (unit_word (vmspec_plan_argv (plan), "-netdev", NULL), 0);
  ck_assert_int_lt (unit_word (vmspec_plan_argv (plan), "-net", NULL), 0);
  ck_assert_str_eq (part ("-nic", "-virtfs"), "-nic none -x");
  qemu.builtin_network = VMSPEC_ON;
  rendered ();
  ck_assert_str_eq (part ("-nic", "-virtfs"),
                    "-nic none -net nic,netdev=user.0,model=virtio "
                    "-netdev user,id=user.0, -x");
}
END_TEST

/* ---- virtual networks ---------------------------------------------------- */

#define VLAN(number_) &(struct vmspec_vlan) { VMSPEC_INIT (vmspec_vlan), number_ }

static const char *
vlans (uint32_t backend, uint32_t machine_number)
{
  const struct vmspec_network network
    = { VMSPEC_INIT (vmspec_network), .vlan_backend = backend,
        .vlan_directory = "/a,b", .machine_number = machine_number };
  const struct vmspec_qemu qemu
    = { VMSPEC_INIT (vmspec_qemu), .network_options = STRINGS ("-x") };

  spec.vlans = LIST (vmspec_vlan, VLAN (0), VLAN (10));
  spec.network = &network;
  spec.qemu = &qemu;
  rendered ();
  spec.network = NULL;
  spec.qemu = NULL;
  return part ("-x", "-virtfs");
}

#define NIC(vlan, vv, mm)                                                      \
  " -device virtio-net-pci,netdev=vlan" vlan ",mac=52:54:00:12:" vv ":" mm

START_TEST (virtual_networks_come_after_all_other_networks)
{
  static const struct {
    uint32_t backend, machine;
    const char *expected;
  } cases[] = {
    { VMSPEC_VLAN_BACKEND_UNSET, 0, "-x" },
    { VMSPEC_VLAN_BACKEND_NONE, 3, "-x" },
    { VMSPEC_VLAN_BACKEND_VDE, 254,
      "-x" NIC ("1", "00", "FE") " -netdev vde,id=vlan1,sock=/a,,b/0"
      NIC ("2", "0A", "FE") " -netdev vde,id=vlan2,sock=/a,,b/10" },
    { VMSPEC_VLAN_BACKEND_MULTICAST, 0,
      "-x" NIC ("1", "00", "01") " -netdev socket,id=vlan1,"
      "mcast=239.255.86.0:18600,localaddr=127.0.0.1"
      NIC ("2", "0A", "01") " -netdev socket,id=vlan2,"
      "mcast=239.255.86.10:18610,localaddr=127.0.0.1" },
    { VMSPEC_VLAN_BACKEND_DGRAM, 1,
      "-x" NIC ("1", "00", "01") " -netdev dgram,id=vlan1,"
      "local.type=unix,local.path=/a,,b/0.1,"
      "remote.type=unix,remote.path=/a,,b/0.2"
      NIC ("2", "0A", "01") " -netdev dgram,id=vlan2,"
      "local.type=unix,local.path=/a,,b/10.1,"
      "remote.type=unix,remote.path=/a,,b/10.2" },
    { VMSPEC_VLAN_BACKEND_STREAM, 1,
      "-x" NIC ("1", "00", "01") " -netdev stream,id=vlan1,server=on,"
      "addr.type=unix,addr.path=/a,,b/0"
      NIC ("2", "0A", "01") " -netdev stream,id=vlan2,server=on,"
      "addr.type=unix,addr.path=/a,,b/10" },
    { VMSPEC_VLAN_BACKEND_STREAM, 2,
      "-x" NIC ("1", "00", "02") " -netdev stream,id=vlan1,server=off,"
      "addr.type=unix,addr.path=/a,,b/0"
      NIC ("2", "0A", "02") " -netdev stream,id=vlan2,server=off,"
      "addr.type=unix,addr.path=/a,,b/10" },
  };

  for (size_t i = 0; i < COUNT (cases); i++)
    ck_assert_str_eq (vlans (cases[i].backend, cases[i].machine),
                      cases[i].expected);
}
END_TEST

START_TEST (virtual_networks_do_not_need_the_built_in_one)
{
  const struct vmspec_network network
    = { VMSPEC_INIT (vmspec_network),
        .vlan_backend = VMSPEC_VLAN_BACKEND_MULTICAST };
  const struct vmspec_qemu qemu
    = { VMSPEC_INIT (vmspec_qemu), .builtin_network = VMSPEC_OFF };

  spec.network = &network;
  spec.qemu = &qemu;
  rendered ();
  ck_assert_str_eq (nth ("-netdev", 0), "socket,id=vlan1,"
                    "mcast=239.255.86.1:18601,localaddr=127.0.0.1");
  ck_assert_ptr_null (nth ("-netdev", 1));
}
END_TEST

/* ---- shares, names, odd paths -------------------------------------------- */

START_TEST (shares_come_in_the_order_of_their_tags_bytes)
{
#define SHARE(tag_)                                                            \
  &(struct vmspec_share) { VMSPEC_INIT (vmspec_share), .tag = tag_,            \
                           .source = "/s", .target = "/t/" tag_ }
  spec.shares = LIST (vmspec_share, SHARE ("z"), SHARE ("B"), SHARE ("a-1"),
                      SHARE ("a"), SHARE ("y"));
  rendered ();
  ck_assert_str_eq (nth ("-virtfs", 0),
                    "local,path=/s,security_model=mapped-xattr,mount_tag=B");
  ck_assert_str_eq (opt_get (nth ("-virtfs", 1), "mount_tag"), "a");
  ck_assert_str_eq (opt_get (nth ("-virtfs", 2), "mount_tag"), "a-1");
  ck_assert_str_eq (opt_get (nth ("-virtfs", 3), "mount_tag"), "shared");
  ck_assert_str_eq (opt_get (nth ("-virtfs", 4), "mount_tag"), "xchg");
  ck_assert_str_eq (opt_get (nth ("-virtfs", 5), "mount_tag"), "y");
  ck_assert_str_eq (opt_get (nth ("-virtfs", 6), "mount_tag"), "z");
  ck_assert_ptr_null (nth ("-virtfs", 7));
}
END_TEST

static const char *
name_read_back (const char *option)
{
  static struct opt first;
  const char *guest = opt_get (option, "guest");

  /* Without a key the first is "guest". */
  if (guest)
    return guest;
  opt_read (option, &first);
  ck_assert_str_eq (first.key, "");
  return first.value;
}

START_TEST (whatever_bytes_a_path_has_qemu_reads_it_as_it_was)
{
  for (unsigned i = 0; i < unit_rounds (3000); i++) {
    struct random r = { i };
    char path[60] = "/", source[60] = "/", kernel[60] = "/", state[60] = "/";
    char name[40] = "n";
    struct vmspec_drive drive = { VMSPEC_INIT (vmspec_drive), .file = path };
    struct vmspec_share share = { VMSPEC_INIT (vmspec_share), .tag = "a",
                                  .source = source, .target = "/t" };
    struct vmspec_boot boot = { VMSPEC_INIT (vmspec_boot), .kernel = kernel };
    struct vmspec_efi efi = { VMSPEC_INIT (vmspec_efi), .enable = VMSPEC_ON,
                              .firmware = source, .variables = "/v",
                              .state = state };
    struct vmspec_tpm tpm = { VMSPEC_INIT (vmspec_tpm), .enable = VMSPEC_ON,
                              .swtpm = "/s", .state_dir = state };

    random_bytes (&r, path + 1, 50);
    random_bytes (&r, source + 1, 50);
    random_bytes (&r, kernel + 1, 50);
    random_bytes (&r, state + 1, 40);
    random_bytes (&r, name + 1, 30);
    spec = (struct vmspec) {
      VMSPEC_INIT (vmspec), .name = name, .boot = &boot, .efi = &efi,
      .tpm = &tpm, .drives = LIST (vmspec_drive, &drive),
      .shares = LIST (vmspec_share, &share), .builtin_drives = VMSPEC_OFF,
    };
    rendered ();
    ck_assert_str_eq (opt_get (nth ("-drive", 0), "file"), path);
    ck_assert_str_eq (opt_get (nth ("-drive", 0), "id"), "drive1");
    ck_assert_str_eq (opt_get (nth ("-virtfs", 0), "path"), source);
    ck_assert_str_eq (opt_get (nth ("-virtfs", 0), "mount_tag"), "a");
    ck_assert_str_eq (opt_get (nth ("-drive", 1), "file"), source);
    ck_assert_str_eq (opt_get (nth ("-drive", 2), "file"), state);
    ck_assert_str_eq (nth ("-kernel", 0), kernel);
    ck_assert_int_eq (strncmp (opt_get (nth ("-chardev", 0), "path"), state,
                               strlen (state)), 0);
    ck_assert_str_eq (name_read_back (nth ("-name", 0)), name);
  }
}
END_TEST

START_TEST (a_file_is_never_taken_for_a_protocol)
{
  static const char *const names[]
    = { "nbd:x", "a:b.qcow2", "json:{}", "file:x", "-x" };

  drives_alone ();
  for (size_t i = 0; i < COUNT (names); i++) {
    spec.drives = LIST (vmspec_drive, DRIVE (.file = names[i]));
    rendered ();
    ck_assert_int_eq (*opt_get (nth ("-drive", 0), "file"), '/');
  }
}
END_TEST

/* ---- firmware, TPM, display ---------------------------------------------- */

START_TEST (smm_takes_a_q35_and_a_flash_that_only_it_writes)
{
  struct vmspec_efi efi
    = { VMSPEC_INIT (vmspec_efi), .enable = VMSPEC_ON,
        .secure_boot = VMSPEC_ON, .firmware = "/f", .variables = "/v" };

  spec.efi = &efi;
  rendered ();
  ck_assert_int_ge (unit_word (vmspec_plan_argv (plan), "-machine",
                               "q35,smm=on"), 0);
  ck_assert_int_ge (unit_word (vmspec_plan_argv (plan), "-global",
                    "driver=cfi.pflash01,property=secure,value=on"), 0);
  ck_assert_str_eq (nth ("-drive", 1),
                    "if=pflash,format=raw,unit=0,readonly=on,file=/f");
  ck_assert_str_eq (nth ("-drive", 2),
                    "if=pflash,format=raw,unit=1,readonly=off,"
                    "file=/here/vm-efi-vars.fd");
  efi.secure_boot = VMSPEC_OFF;
  rendered ();
  ck_assert_int_lt (unit_word (vmspec_plan_argv (plan), "-global", NULL), 0);
  /* On ARM there is nothing like it. */
  efi.secure_boot = VMSPEC_ON;
  efi.smm = VMSPEC_ON;
  spec.arch = VMSPEC_ARCH_AARCH64;
  rendered ();
  ck_assert_int_lt (unit_word (vmspec_plan_argv (plan), "-global", NULL), 0);
}
END_TEST

START_TEST (a_tpm_is_reached_by_its_socket)
{
  struct vmspec_tpm tpm = { VMSPEC_INIT (vmspec_tpm), .enable = VMSPEC_ON,
                            .swtpm = "/s", .state_dir = "/a,b" };

  spec.tpm = &tpm;
  rendered ();
  ck_assert_str_eq (nth ("-chardev", 0),
                    "socket,id=chrtpm,path=/a,,b/socket");
  ck_assert_str_eq (nth ("-tpmdev", 0),
                    "emulator,id=tpm_dev_0,chardev=chrtpm");
  ck_assert_int_ge (unit_word (vmspec_plan_argv (plan), "-device",
                               "tpm-tis,tpmdev=tpm_dev_0"), 0);
}
END_TEST

START_TEST (without_graphics_there_is_no_window)
{
  rendered ();
  ck_assert_int_lt (unit_word (vmspec_plan_argv (plan), "-nographic", NULL), 0);
  spec.graphics = VMSPEC_OFF;
  rendered ();
  ck_assert_int_ge (unit_word (vmspec_plan_argv (plan), "-nographic", NULL), 0);
}
END_TEST

/* Each of these is there if it is said, and only then. */
START_TEST (what_boots_is_what_is_said)
{
  struct vmspec_boot boot = { VMSPEC_INIT (vmspec_boot) };
  struct vmspec_efi efi
    = { VMSPEC_INIT (vmspec_efi), .enable = VMSPEC_OFF, .firmware = "/f",
        .variables = "/v", .keep_variables = VMSPEC_OFF, .state = "/s" };

  spec.boot = &boot;
  spec.efi = &efi;
  for (int i = 0; i < 16; i++) {
    const char *const *argv;

    boot.kernel = i & 1 ? "/k" : NULL;
    boot.initrd = (i & 3) == 3 ? "/i" : NULL;
    boot.bios = i & 4 ? "/b" : NULL;
    efi.enable = i & 8 ? VMSPEC_ON : VMSPEC_OFF;
    argv = rendered ();
    ck_assert_int_eq (unit_word (argv, "-kernel", "/k") >= 0, (i & 1) != 0);
    ck_assert_int_eq (unit_word (argv, "-append", NULL) >= 0, (i & 1) != 0);
    ck_assert_int_eq (unit_word (argv, "-initrd", "/i") >= 0, (i & 3) == 3);
    ck_assert_int_eq (unit_word (argv, "-bios", "/b") >= 0, (i & 4) != 0);
    ck_assert_int_eq (unit_word (argv, "-bios", NULL) >= 0, (i & 4) != 0);
    ck_assert_int_eq (unit_word (argv, "-drive", "if=pflash,format=raw,unit=0,"
                                 "readonly=on,file=/f") >= 0, (i & 8) != 0);
    ck_assert_int_eq (unit_word (argv, "-drive", "if=pflash,format=raw,unit=1,"
                                 "readonly=off,file=/s") >= 0, (i & 8) != 0);
  }
}
END_TEST

START_TEST (without_the_built_in_options_only_those_listed_are_passed)
{
  struct vmspec_boot boot = { VMSPEC_INIT (vmspec_boot), .kernel = "/k" };
  struct vmspec_qemu qemu
    = { VMSPEC_INIT (vmspec_qemu), .builtin_options = VMSPEC_OFF,
        .builtin_network = VMSPEC_OFF, .first_options = STRINGS ("-first"),
        .options = STRINGS ("-a,b", "c d") };

  spec.boot = &boot;
  spec.qemu = &qemu;
  spec.graphics = VMSPEC_OFF;
  spec.builtin_shares = VMSPEC_OFF;
  drives_alone ();
  rendered ();
  ck_assert_str_eq (part ("virtio-rng-pci", "never"),
                    "virtio-rng-pci -first -a,b c d");
}
END_TEST

START_TEST (a_kernels_command_line_has_its_parts_in_order)
{
  struct vmspec_boot boot
    = { VMSPEC_INIT (vmspec_boot), .system = "/sys", .registration = "/reg",
        .kernel_params = STRINGS ("a=1", "b") };

  spec.boot = &boot;
  spec.graphics = VMSPEC_OFF;
  rendered ();
  ck_assert_str_eq (nth ("-append", 0),
                    "a=1 b init=/sys/init regInfo=/reg console=tty0 "
                    "console=ttyS0,115200n8 ");
  ck_assert_str_eq (nth ("-kernel", 0), "/sys/kernel");
  ck_assert_str_eq (nth ("-initrd", 0), "/sys/initrd");
  boot = (struct vmspec_boot) { VMSPEC_INIT (vmspec_boot), .kernel = "k" };
  rendered ();
  ck_assert_str_eq (nth ("-append", 0),
                    "console=tty0 console=ttyS0,115200n8");
  ck_assert_ptr_null (nth ("-initrd", 0));
}
END_TEST

START_TEST (pointer_and_keyboard_fit_the_architecture)
{
  rendered ();
  ck_assert_int_ge (unit_word (vmspec_plan_argv (plan), "-device",
                               "usb-tablet,bus=usb-bus.0"), 0);
  spec.arch = VMSPEC_ARCH_AARCH64;
  rendered ();
  ck_assert_int_ge (unit_word (vmspec_plan_argv (plan), "-device",
                               "virtio-gpu-pci"), 0);
  ck_assert_int_ge (unit_word (vmspec_plan_argv (plan), "-device",
                               "usb-kbd"), 0);
  spec.arch = VMSPEC_ARCH_S390X;
  rendered ();
  ck_assert_int_lt (unit_word (vmspec_plan_argv (plan), "-usb", NULL), 0);
  ck_assert_int_ge (unit_word (vmspec_plan_argv (plan), "-device",
                               "virtio-keyboard"), 0);
}
END_TEST

int
main (void)
{
  TCase *t = unit_case ("qemu");

  tcase_add_checked_fixture (t, set_up, tear_down);
  tcase_add_test (t, risc_v_has_its_interface_by_a_device);
  tcase_add_test (t, a_drive_is_attached_by_each_interface);
  tcase_add_test (t, controllers_are_shared_as_far_as_they_reach);
  tcase_add_test (t, properties_come_sorted_and_once_and_ours_win);
  tcase_add_test (t, the_root_disk_is_first_and_boots_first);
  tcase_add_test (t, ports_are_forwarded_from_the_host);
  tcase_add_test (t, a_port_that_qemu_is_to_take_is_0);
  tcase_add_test (t, virtual_networks_come_after_all_other_networks);
  tcase_add_test (t, virtual_networks_do_not_need_the_built_in_one);
  tcase_add_test (t, ports_are_forwarded_from_the_guest_by_netcat);
  tcase_add_test (t,
                  the_netcat_that_qemu_splits_off_is_the_one_that_was_said);
  tcase_add_test (t, the_network_can_be_left_to_the_caller);
  tcase_add_test (t, shares_come_in_the_order_of_their_tags_bytes);
  tcase_add_test (t, whatever_bytes_a_path_has_qemu_reads_it_as_it_was);
  tcase_add_test (t, a_file_is_never_taken_for_a_protocol);
  tcase_add_test (t, smm_takes_a_q35_and_a_flash_that_only_it_writes);
  tcase_add_test (t, a_tpm_is_reached_by_its_socket);
  tcase_add_test (t, without_graphics_there_is_no_window);
  tcase_add_test (t, without_the_built_in_options_only_those_listed_are_passed);
  tcase_add_test (t, a_kernels_command_line_has_its_parts_in_order);
  tcase_add_test (t, pointer_and_keyboard_fit_the_architecture);
  tcase_add_test (t, what_boots_is_what_is_said);
  return unit_run ("qemu", t);
}
