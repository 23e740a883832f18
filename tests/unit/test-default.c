/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "random-spec.h"

#include "default.h"

/* Everything that other defaults depend on, and what is then expected. */
struct machine {
  struct vmspec spec;
  struct vmspec_qemu qemu;
  struct vmspec_boot boot;
  struct vmspec_efi efi;
  struct vmspec_store store;
  struct vmspec_host host;
};

static struct arena arena;

static void
tear_down (void)
{
  vms_arena_free (&arena);
}

static struct machine
machine (void)
{
  return (struct machine) {
    .spec = { VMSPEC_INIT (vmspec) },
    .qemu = { VMSPEC_INIT (vmspec_qemu) },
    .boot = { VMSPEC_INIT (vmspec_boot) },
    .efi = { VMSPEC_INIT (vmspec_efi) },
    .store = { VMSPEC_INIT (vmspec_store) },
    .host = unit_host (),
  };
}

static struct resolution *
resolved (struct machine *m)
{
  struct resolution *r = vms_arena_alloc (&arena, sizeof *r);
  void *given = NULL;

  m->spec.qemu = &m->qemu;
  m->spec.boot = &m->boot;
  m->spec.efi = &m->efi;
  m->spec.store = &m->store;
  ck_assert_int_eq (vms_spec_copy (&arena, "vmspec", &m->spec, NULL, &given), 0);
  vms_resolve (r, &arena, given, &m->host);
  ck_assert_int_eq (vms_arena_error (&arena), 0);
  return r;
}

static const uint32_t switches[] = { VMSPEC_UNSET, VMSPEC_OFF, VMSPEC_ON };

static uint32_t
or_else (uint32_t said, int otherwise)
{
  return said ? said : otherwise ? VMSPEC_ON : VMSPEC_OFF;
}

static void
same_text (const char *text, const char *expected)
{
  ck_assert_pstr_eq (text, expected);
}

/* ---- what depends on something else -------------------------------------- */

START_TEST (booting_and_the_store_depend_on_loader_system_kernel_and_image)
{
  for (unsigned i = 0; i < 3 * 3 * 3 * 3 * 3 * 2 * 2; i++) {
    struct machine m = machine ();
    unsigned n = i, with_system, with_kernel, loader, image, direct, mount;
    const struct resolution *r;

#define PICK(values) values[n % COUNT (values)]; n /= COUNT (values)
    m.boot.loader = PICK (switches);
    m.boot.direct = PICK (switches);
    m.store.image = PICK (switches);
    m.store.mount_host = PICK (switches);
    m.store.writable = PICK (switches);
    with_system = n & 1;
    with_kernel = n >> 1 & 1;
    m.boot.system = with_system ? "/sys" : NULL;
    m.boot.kernel = with_kernel ? "/vmlinuz" : NULL;
    r = resolved (&m);

    loader = or_else (m.boot.loader, 0);
    image = or_else (m.store.image, 0);
    direct = or_else (m.boot.direct, loader == VMSPEC_OFF
                                       && (with_system || with_kernel));
    mount = or_else (m.store.mount_host, with_system && image == VMSPEC_OFF
                                           && loader == VMSPEC_OFF);
    ck_assert_uint_eq (r->boot.loader, loader);
    ck_assert_uint_eq (r->boot.direct, direct);
    ck_assert_uint_eq (r->store.image, image);
    ck_assert_uint_eq (r->store.mount_host, mount);
    ck_assert_uint_eq (r->store.writable,
                       or_else (m.store.writable, mount == VMSPEC_ON));
    ck_assert_uint_eq (r->efi.keep_variables, loader);
    same_text (r->boot.kernel, with_kernel   ? "/vmlinuz"
                               : with_system ? "/sys/kernel" : NULL);
    same_text (r->boot.initrd, with_system ? "/sys/initrd" : NULL);
    same_text (r->spec.name, with_system ? "nixos" : "vm");
  }
}
END_TEST

START_TEST (smm_goes_with_secure_boot_on_x86)
{
  for (uint32_t arch = VMSPEC_ARCH_X86_64; arch <= VMSPEC_ARCH_S390X; arch++)
    for (size_t i = 0; i < COUNT (switches); i++)
      for (size_t j = 0; j < COUNT (switches); j++) {
        struct machine m = machine ();
        int x86 = arch == VMSPEC_ARCH_X86_64 || arch == VMSPEC_ARCH_I686;

        m.spec.arch = arch;
        m.efi.secure_boot = switches[i];
        m.efi.smm = switches[j];
        ck_assert_uint_eq (resolved (&m)->efi.smm,
                           or_else (switches[j],
                                    x86 && switches[i] == VMSPEC_ON));
      }
}
END_TEST

START_TEST (firmware_of_the_host_is_taken_as_a_pair)
{
  const struct vmspec_host_firmware found = {
    VMSPEC_INIT (vmspec_host_firmware), .arch = VMSPEC_ARCH_X86_64,
    .secure_boot = VMSPEC_OFF, .smm = VMSPEC_ON, .firmware = "/code",
    .variables = "/vars",
  };
  struct machine m = machine ();
  struct resolution *r;

  m.host.firmware = LIST (vmspec_host_firmware, &found);
  r = resolved (&m);
  same_text (r->efi.firmware, "/code");
  same_text (r->efi.variables, "/vars");
  /* It said that it does not run without. */
  ck_assert_uint_eq (r->efi.smm, VMSPEC_ON);
  m.efi.firmware = "/mine";
  r = resolved (&m);
  same_text (r->efi.firmware, "/mine");
  same_text (r->efi.variables, NULL);
  ck_assert_uint_eq (r->efi.smm, VMSPEC_OFF);
  m = machine ();
  m.host.firmware = LIST (vmspec_host_firmware, &found);
  m.efi.variables = "/mine";
  r = resolved (&m);
  same_text (r->efi.firmware, "/code");
  same_text (r->efi.variables, "/mine");
}
END_TEST

START_TEST (a_firmware_package_has_its_files_by_architecture)
{
  static const struct {
    uint32_t arch;
    const char *code, *vars;
  } cases[] = {
    { VMSPEC_ARCH_X86_64, "/p/FV/OVMF_CODE.fd", "/p/FV/OVMF_VARS.fd" },
    { VMSPEC_ARCH_AARCH64, "/p/FV/AAVMF_CODE.fd", "/p/FV/AAVMF_VARS.fd" },
    { VMSPEC_ARCH_RISCV64, "/p/FV/RISCV_VIRT_CODE.fd",
      "/p/FV/RISCV_VIRT_VARS.fd" },
    { VMSPEC_ARCH_S390X, NULL, NULL },
  };

  for (size_t i = 0; i < COUNT (cases); i++) {
    struct machine m = machine ();

    m.spec.arch = cases[i].arch;
    m.efi.package = "/p";
    same_text (resolved (&m)->efi.firmware, cases[i].code);
    same_text (resolved (&m)->efi.variables, cases[i].vars);
  }
}
END_TEST

START_TEST (the_boot_partition_is_that_of_efi)
{
  struct machine m = machine ();

  same_text (resolved (&m)->boot.partition, "");
  m.efi.enable = VMSPEC_ON;
  same_text (resolved (&m)->boot.partition, "/dev/disk/by-label/ESP");
  m.boot.partition = "";
  same_text (resolved (&m)->boot.partition, "");
}
END_TEST

START_TEST (the_last_console_is_the_one_that_is_looked_at)
{
  static const struct {
    uint32_t arch;
    const char *serial, *package_serial;
  } cases[] = {
    { VMSPEC_ARCH_X86_64, "ttyS0,115200n8", "ttyS0,115200n8" },
    { VMSPEC_ARCH_I686, "ttyS0,115200n8", "ttyS0,115200n8" },
    { VMSPEC_ARCH_AARCH64, "ttyAMA0,115200n8", "ttyAMA0,115200n8" },
    { VMSPEC_ARCH_ARMV7L, "ttyAMA0,115200n8", "ttyAMA0,115200n8" },
    { VMSPEC_ARCH_POWERPC64, "hvc0", "ttyAMA0,115200n8" },
    { VMSPEC_ARCH_POWERPC64LE, "hvc0", "ttyAMA0,115200n8" },
    { VMSPEC_ARCH_RISCV64, "ttyS0,115200n8", "ttyS0,115200n8" },
    { VMSPEC_ARCH_RISCV32, "ttyS0,115200n8", "ttyS0,115200n8" },
    { VMSPEC_ARCH_S390X, "ttysclp0", "ttysclp0" },
  };

  for (size_t i = 0; i < COUNT (cases); i++)
    for (int package = 0; package < 2; package++)
      for (size_t j = 0; j < COUNT (switches); j++) {
        struct machine m = machine ();
        int window = switches[j] != VMSPEC_OFF;
        const char *const *consoles;

        m.spec.arch = cases[i].arch;
        m.spec.graphics = switches[j];
        m.qemu.package = package ? "/p" : NULL;
        consoles = resolved (&m)->qemu.consoles;
        same_text (consoles[!window], package ? cases[i].package_serial
                                              : cases[i].serial);
        same_text (consoles[window], "tty0");
        same_text (consoles[2], NULL);
      }
}
END_TEST

START_TEST (a_machine_without_interfaces_is_on_the_first_vlan)
{
  const struct vmspec_interface eth
    = { VMSPEC_INIT (vmspec_interface), .name = "eth7" };
  struct machine m = machine ();
  struct resolution *r = resolved (&m);

  ck_assert_uint_eq (vms_list_length (r->spec.vlans), 1);
  ck_assert_uint_eq (r->spec.vlans[0]->number, 1);
  m.spec.interfaces = LIST (vmspec_interface, &eth);
  r = resolved (&m);
  ck_assert_uint_eq (vms_list_length (r->spec.vlans), 0);
  ck_assert_uint_eq (r->spec.interfaces[0]->assign_ip, VMSPEC_OFF);
}
END_TEST

START_TEST (virtual_networks_have_no_devices_unless_a_backend_is_said)
{
  struct vmspec_network network = { VMSPEC_INIT (vmspec_network) };
  struct machine m = machine ();
  struct resolution *r;

  m.spec.network = &network;
  m.host.environment = STRINGS ("XDG_RUNTIME_DIR=/run/user/1");
  r = resolved (&m);
  ck_assert_uint_eq (r->network.vlan_backend, VMSPEC_VLAN_BACKEND_NONE);
  ck_assert_uint_eq (r->network.machine_number, 1);
  ck_assert_uint_eq (r->network.vlan_switch, VMSPEC_OFF);
  same_text (r->network.vlan_directory, NULL);
}
END_TEST

START_TEST (sockets_of_virtual_networks_are_in_the_users_own_directory)
{
  struct vmspec_network network = { VMSPEC_INIT (vmspec_network) };
  struct machine m = machine ();

  m.spec.network = &network;
  for (uint32_t i = VMSPEC_VLAN_BACKEND_VDE; i <= VMSPEC_VLAN_BACKEND_STREAM;
       i++) {
    network.vlan_backend = i;
    m.host.environment = STRINGS ("XDG_RUNTIME_DIR=/run/user/1");
    same_text (resolved (&m)->network.vlan_directory,
               i == VMSPEC_VLAN_BACKEND_MULTICAST
                 ? NULL : "/run/user/1/vmspec-vlans");
    network.vlan_directory = "mine";
    same_text (resolved (&m)->network.vlan_directory, "mine");
    network.vlan_directory = NULL;
    /* Nothing that others might have made. */
    m.host.environment = STRINGS ("XDG_RUNTIME_DIR=", "TMPDIR=/tmp");
    same_text (resolved (&m)->network.vlan_directory, NULL);
  }
}
END_TEST

START_TEST (ports_are_the_ones_that_are_said_and_a_tpm_is_not_set_up)
{
  const struct vmspec_forward_port port
    = { VMSPEC_INIT (vmspec_forward_port), .host_port = 1 };
  struct vmspec_network network
    = { VMSPEC_INIT (vmspec_network),
        .forward_ports = LIST (vmspec_forward_port, &port) };
  struct machine m = machine ();
  struct resolution *r;

  m.spec.network = &network;
  r = resolved (&m);
  ck_assert_uint_eq (r->network.forward_ports[0]->any_host_port, VMSPEC_OFF);
  ck_assert_uint_eq (r->network.forward_ports[0]->host_port, 1);
  ck_assert_uint_eq (r->tpm.setup, VMSPEC_OFF);
  same_text (r->tpm.provision, NULL);
}
END_TEST

START_TEST (state_is_named_after_the_machine)
{
  struct machine m = machine ();
  struct resolution *r;

  m.spec.name = "web";
  r = resolved (&m);
  same_text (r->disk.image, "./web.qcow2");
  same_text (r->efi.state, "./web-efi-vars.fd");
  same_text (r->tpm.state_dir, "./web-swtpm");
}
END_TEST

START_TEST (the_guest_is_like_its_host_unless_said_otherwise)
{
  struct machine m = machine ();

  m.host.arch = VMSPEC_ARCH_RISCV64;
  ck_assert_uint_eq (resolved (&m)->spec.arch, VMSPEC_ARCH_RISCV64);
  m.spec.arch = VMSPEC_ARCH_I686;
  ck_assert_uint_eq (resolved (&m)->spec.arch, VMSPEC_ARCH_I686);
  m = machine ();
  m.host.arch = VMSPEC_ARCH_UNSET;
  ck_assert_uint_eq (resolved (&m)->spec.arch, VMSPEC_ARCH_X86_64);
}
END_TEST

START_TEST (kernel_parameters_are_those_of_the_system)
{
  const struct vmspec_host_file params = {
    VMSPEC_INIT (vmspec_host_file), .type = VMSPEC_FILE_TYPE_FILE,
    .path = "/sys/kernel-params", .content = "loglevel=4 x=\"a b\"\n\n",
  };
  struct machine m = machine ();

  m.boot.system = "/sys";
  m.host.files = LIST (vmspec_host_file, &params);
  same_text (resolved (&m)->boot.kernel_params[0], "loglevel=4 x=\"a b\"");
  same_text (resolved (&m)->boot.kernel_params[1], NULL);
  m.boot.kernel_params = STRINGS (NULL);
  same_text (resolved (&m)->boot.kernel_params[0], NULL);
  m = machine ();
  same_text (resolved (&m)->boot.kernel_params[0], NULL);
}
END_TEST

START_TEST (built_in_drives_come_first_and_are_no_longer_built_in)
{
  const struct vmspec_empty_disk empty
    = { VMSPEC_INIT (vmspec_empty_disk), .size = 1 };
  const struct vmspec_drive drive
    = { VMSPEC_INIT (vmspec_drive), .file = "mine" };
  struct machine m = machine ();
  struct resolution *r;

  m.spec.empty_disks = LIST (vmspec_empty_disk, &empty, &empty);
  m.spec.drives = LIST (vmspec_drive, &drive);
  m.store.image = VMSPEC_ON;
  m.qemu.disk_interface = VMSPEC_DISK_INTERFACE_NVME;
  r = resolved (&m);
  ck_assert_uint_eq (r->own_drives, 4);
  ck_assert_uint_eq (vms_list_length (r->spec.drives), 5);
  same_text (r->spec.drives[0]->name, "root");
  same_text (r->spec.drives[1]->name, "nix-store");
  same_text (r->spec.drives[2]->file, "$TMPDIR/empty0.qcow2");
  same_text (r->spec.drives[3]->file, "$TMPDIR/empty1.qcow2");
  same_text (r->spec.drives[4]->file, "mine");
  ck_assert_uint_eq (r->spec.builtin_drives, VMSPEC_OFF);
  for (size_t i = 0; i < 5; i++) {
    ck_assert_uint_eq (r->spec.drives[i]->interface,
                       VMSPEC_DISK_INTERFACE_NVME);
    ck_assert_uint_eq (r->spec.drives[i]->expand,
                       i < 4 ? VMSPEC_ON : VMSPEC_OFF);
  }
  m.spec.builtin_drives = VMSPEC_OFF;
  r = resolved (&m);
  ck_assert_uint_eq (vms_list_length (r->spec.drives), 1);
}
END_TEST

START_TEST (a_store_image_is_raw_unless_it_is_written_to)
{
  struct machine m = machine ();

  m.store.image = VMSPEC_ON;
  ck_assert_uint_eq (resolved (&m)->spec.drives[1]->format,
                     VMSPEC_IMAGE_FORMAT_RAW);
  m.store.writable = VMSPEC_ON;
  ck_assert_uint_eq (resolved (&m)->spec.drives[1]->format,
                     VMSPEC_IMAGE_FORMAT_QCOW2);
}
END_TEST

START_TEST (without_an_image_there_is_no_root_drive)
{
  struct machine m = machine ();
  const struct vmspec_disk none = { VMSPEC_INIT (vmspec_disk), .image = "" };

  m.spec.disk = &none;
  ck_assert_uint_eq (vms_list_length (resolved (&m)->spec.drives), 0);
}
END_TEST

START_TEST (shares_that_are_said_replace_built_in_ones_of_their_tag)
{
  const struct vmspec_share mine
    = { VMSPEC_INIT (vmspec_share), .tag = "xchg", .source = "/x",
        .target = "/y" };
  struct machine m = machine ();
  struct resolution *r;

  m.boot.system = "/sys";
  m.spec.host_certs = VMSPEC_ON;
  r = resolved (&m);
  ck_assert_uint_eq (vms_list_length (r->spec.shares), 4);
  ck_assert_uint_eq (r->own_shares, 4);
  same_text (r->spec.shares[0]->tag, "nix-store");
  same_text (r->spec.shares[1]->tag, "xchg");
  same_text (r->spec.shares[2]->source, "${SHARED_DIR:-$TMPDIR/xchg}");
  same_text (r->spec.shares[3]->tag, "certs");
  m.spec.shares = LIST (vmspec_share, &mine);
  r = resolved (&m);
  ck_assert_uint_eq (r->own_shares, 3);
  same_text (r->spec.shares[3]->source, "/x");
  ck_assert_uint_eq (r->spec.shares[3]->security_model,
                     VMSPEC_SECURITY_MODEL_MAPPED_XATTR);
  m.spec.builtin_shares = VMSPEC_OFF;
  ck_assert_uint_eq (vms_list_length (resolved (&m)->spec.shares), 1);
}
END_TEST

START_TEST (paths_of_the_store_start_with_the_system)
{
  struct machine m = machine ();

  m.boot.system = "/sys";
  m.store.additional_paths = STRINGS ("/a", "/b");
  same_text (resolved (&m)->store.additional_paths[0], "/sys");
  same_text (resolved (&m)->store.additional_paths[2], "/b");
  m.store.builtin_paths = VMSPEC_OFF;
  same_text (resolved (&m)->store.additional_paths[0], "/a");
}
END_TEST

/* ---- as a whole ---------------------------------------------------------- */

/* A description of the table's grammar that has no errors. */
static struct vmspec *
random_spec (unsigned seed)
{
  struct random r = { seed };
  struct vmspec *spec = random_struct (&r, &arena, "vmspec");

  /* A package's directory is absolute, though the table does not say so. */
  if (spec->efi && spec->efi->package) {
    struct vmspec_efi *efi = vms_writable (spec->efi);

    efi->package = vms_arena_concat (&arena, "/", efi->package, (char *) NULL);
  }
  return spec;
}

static int
is_refused (const struct vmspec *spec, const struct vmspec_host *host)
{
  return vmspec_check (spec, host, NULL) < 0;
}

START_TEST (resolving_again_changes_nothing)
{
  const struct vmspec_host_firmware firmware = {
    VMSPEC_INIT (vmspec_host_firmware), .arch = VMSPEC_ARCH_X86_64,
    .firmware = "/code", .variables = "/vars",
  };
  unsigned rounds = unit_rounds (6000), accepted = 0;
  struct vmspec_host host = unit_host ();
  char where[200];

  host.firmware = LIST (vmspec_host_firmware, &firmware);
  for (unsigned i = 0; i < rounds; i++) {
    struct vmspec *spec = random_spec (i);
    vmspec_doc *once = NULL, *twice = NULL;
    vmspec_plan *plan, *again;
    const char *xml = NULL, *same = NULL;

    if (is_refused (spec, &host))
      continue;
    accepted++;
    ck_assert_int_eq (vmspec_resolve (spec, &host, NULL, &once), 0);
    ck_assert_msg (vmspec_resolve (vmspec_doc_spec (once), &host, NULL, &twice)
                     == 0, "seed %u: refused when resolved", i);
    ck_assert_msg (same_struct ("vmspec", vmspec_doc_spec (once),
                                vmspec_doc_spec (twice), where, sizeof where),
                   "seed %u: %s", i, where);
    ck_assert_int_eq (vmspec_doc_write (once, &xml), 0);
    ck_assert_int_eq (vmspec_doc_write (twice, &same), 0);
    ck_assert_str_eq (xml, same);
    /* Nor is the machine another one. */
    plan = unit_plan (spec, &host);
    again = unit_plan (vmspec_doc_spec (once), &host);
    ck_assert_str_eq (vmspec_plan_command (plan), vmspec_plan_command (again));
    vmspec_plan_free (plan);
    vmspec_plan_free (again);
    vmspec_doc_free (once);
    vmspec_doc_free (twice);
    vms_arena_free (&arena);
  }
  ck_assert_uint_gt (accepted, rounds / 4);
}
END_TEST

START_TEST (a_resolved_description_survives_its_xml)
{
  unsigned rounds = unit_rounds (2000);
  struct vmspec_host host = unit_host ();
  char where[200];

  for (unsigned i = 0; i < rounds; i++) {
    struct vmspec *spec = random_spec (i);
    vmspec_doc *doc = NULL, *read = NULL;
    const char *xml = NULL;

    if (vmspec_resolve (spec, &host, NULL, &doc) == 0) {
      ck_assert_int_eq (vmspec_doc_write (doc, &xml), 0);
      ck_assert_int_eq (vmspec_doc_read_memory (xml, strlen (xml), NULL, NULL,
                                                &read), 0);
      ck_assert_msg (same_struct ("vmspec", vmspec_doc_spec (doc),
                                  vmspec_doc_spec (read), where, sizeof where),
                     "seed %u: %s", i, where);
    }
    vmspec_doc_free (doc);
    vmspec_doc_free (read);
    vms_arena_free (&arena);
  }
}
END_TEST

START_TEST (everything_that_has_a_default_has_it_after_resolving)
{
  struct vmspec_host host = unit_host ();
  struct vmspec spec = { VMSPEC_INIT (vmspec) };
  vmspec_doc *doc = NULL;
  const struct vmspec *s;

  ck_assert_int_eq (vmspec_resolve (&spec, &host, NULL, &doc), 0);
  s = vmspec_doc_spec (doc);
  for (const struct vmspec_option *o = vms_option_first ("vmspec"); o;
       o = vms_option_sibling (o)) {
    const struct vmspec_option *in;

    if (o->kind == VMSPEC_KIND_SWITCH || o->kind == VMSPEC_KIND_ENUM
        || o->kind == VMSPEC_KIND_UINT32)
      ck_assert_msg (vms_option_number (o, s) != 0, "%s", o->name);
    if (o->kind != VMSPEC_KIND_GROUP)
      continue;
    ck_assert_msg (vms_option_pointer (o, s) != NULL, "%s", o->name);
    for (in = vms_option_first (o->element); in; in = vms_option_sibling (in))
      if (in->kind == VMSPEC_KIND_SWITCH)
        ck_assert_msg (vms_option_number (in, vms_option_pointer (o, s)) != 0,
                       "%s.%s", o->name, in->name);
  }
  vmspec_doc_free (doc);
}
END_TEST

/* The mount points of a description's file systems, once resolved. */
static const char *
order_of (const struct vmspec_file_system *const *list)
{
  static char text[1000];
  struct vmspec spec = { VMSPEC_INIT (vmspec), .file_systems = list,
                         .builtin_file_systems = VMSPEC_OFF };
  struct vmspec_host host = unit_host ();
  vmspec_doc *doc = NULL;
  char *end = text;

  ck_assert_int_eq (vmspec_resolve (&spec, &host, NULL, &doc), 0);
  list = vmspec_doc_spec (doc)->file_systems;
  for (; *list; list++)
    end = stpcpy (stpcpy (end, (*list)->mount_point), " ");
  vmspec_doc_free (doc);
  return text;
}

#define MOUNT(point, from)                                                     \
  (&(const struct vmspec_file_system) {                                        \
    VMSPEC_INIT (vmspec_file_system), .mount_point = point, .device = from })
#define ORDER(...) order_of (LIST (vmspec_file_system, __VA_ARGS__))

START_TEST (what_is_mounted_on_or_from_comes_before)
{
  ck_assert_str_eq (ORDER (MOUNT ("/b/c", "x"), MOUNT ("/b-", "x"),
                           MOUNT ("/b", "x"), MOUNT ("/", "x"),
                           MOUNT ("/a", "x")), "/ /a /b /b/c /b- ");
  ck_assert_str_eq (ORDER (MOUNT ("/bind", "/data/x"), MOUNT ("/data", "y"),
                           MOUNT ("/a", "x")), "/a /data /bind ");
  ck_assert_str_eq (ORDER (MOUNT ("/a", "/b"), MOUNT ("/b", "/c/d/e"),
                           MOUNT ("/c", "/d"), MOUNT ("/c/d", "x"),
                           MOUNT ("/d", "x")), "/d /c /c/d /b /a ");
  /* The parent of what is waited for, too. */
  ck_assert_str_eq (ORDER (MOUNT ("/a", "/z/y/x"), MOUNT ("/z", "x"),
                           MOUNT ("/z/y", "x")), "/z /z/y /a ");
  /* A name that only starts so is another. */
  ck_assert_str_eq (ORDER (MOUNT ("/a", "/data2"), MOUNT ("/data", "x")),
                    "/a /data ");
  /* Devices are not below /dev, if that is mounted. */
  ck_assert_str_eq (ORDER (MOUNT ("/a", "/dev/vdb"), MOUNT ("/dev", "x")),
                    "/a /dev ");
  ck_assert_str_eq (ORDER (MOUNT ("/a", "/devx/y"), MOUNT ("/devx", "x")),
                    "/devx /a ");
  ck_assert_str_eq (ORDER (MOUNT ("/a", "dev/y"), MOUNT ("/dev", "x")),
                    "/a /dev ");
  /* A slash comes before all other bytes, and after none. */
  ck_assert_str_eq (ORDER (MOUNT ("/b\1c", "x"), MOUNT ("/b/", "x"),
                           MOUNT ("/b/c", "x"), MOUNT ("/b", "x")),
                    "/b /b/ /b/c /b\1c ");
  ck_assert_str_eq (ORDER (MOUNT ("/\377", "x"), MOUNT ("/a", "x")),
                    "/a /\377 ");
  /* Of many, too. */
  ck_assert_str_eq (ORDER (MOUNT ("/a", "/h/1"), MOUNT ("/b", "/g/1"),
                           MOUNT ("/c", "/f"), MOUNT ("/d", "/e/x/y"),
                           MOUNT ("/e", "x"), MOUNT ("/e/x", "x"),
                           MOUNT ("/f", "x"), MOUNT ("/g", "x"),
                           MOUNT ("/h", "x"), MOUNT ("/i", "/0"),
                           MOUNT ("/j", "/zz")),
                    "/h /a /g /b /f /c /e /e/x /d /i /j ");
  /* Two that wait for each other. */
  ck_assert_str_eq (ORDER (MOUNT ("/a", "/b/x"), MOUNT ("/b", "/a/x")),
                    "/b /a ");
  ck_assert_str_eq (ORDER (MOUNT ("/a", "/a/x")), "/a ");
}
END_TEST

/* All of the mount table, a line each: what is unset is "-". */
static const char *
table_of (const struct vmspec *spec)
{
  static char text[4000];
  struct vmspec_host host = unit_host ();
  const struct vmspec_file_system *const *fs;
  vmspec_doc *doc = NULL;
  char *end = text;

  *text = '\0';
  ck_assert_int_eq (vmspec_resolve (spec, &host, NULL, &doc), 0);
  for (fs = vmspec_doc_spec (doc)->file_systems; *fs; fs++) {
    end += sprintf (end, "%s %s %s", (*fs)->mount_point,
                    (*fs)->device ? (*fs)->device : "-", (*fs)->type);
    for (const char *const *o = (*fs)->options; *o; o++)
      end += sprintf (end, "%c%s", o == (*fs)->options ? ' ' : ',', *o);
    end += sprintf (end, "%s%s\n",
                    (*fs)->needed_for_boot == VMSPEC_ON ? " boot" : "",
                    (*fs)->no_check == VMSPEC_ON ? " unchecked" : "");
  }
  vmspec_doc_free (doc);
  return text;
}

#define SAID(...)                                                              \
  LIST (vmspec_file_system, &(const struct vmspec_file_system) {               \
    VMSPEC_INIT (vmspec_file_system), __VA_ARGS__ })

START_TEST (what_is_said_of_a_mount_is_added_to_what_is_built_in)
{
  struct vmspec_store store = { VMSPEC_INIT (vmspec_store) };
  struct vmspec_share one = { VMSPEC_INIT (vmspec_share), .tag = "b",
                              .source = "/s", .target = "/b" };
  struct vmspec_share other = { VMSPEC_INIT (vmspec_share), .tag = "nix-store",
                                .source = "/s", .target = "/c" };
  struct vmspec_boot boot = { VMSPEC_INIT (vmspec_boot), .kernel = "/k",
                              .default_file_systems = VMSPEC_OFF };
  struct vmspec spec = { VMSPEC_INIT (vmspec), .store = &store, .boot = &boot,
                         .builtin_shares = VMSPEC_OFF, .msize = 4096,
                         .shares = LIST (vmspec_share, &one, &other) };

  store.writable = store.image = VMSPEC_OFF;
  ck_assert_str_eq (table_of (&spec),
                    "/b b 9p trans=virtio,version=9p2000.L,msize=4096 boot\n"
                    "/c nix-store 9p trans=virtio,version=9p2000.L,msize=4096,"
                    "cache=loose boot\n");
  spec.file_systems = SAID (.mount_point = "/b", .options = STRINGS ("x", "y"),
                            .no_check = VMSPEC_ON);
  ck_assert_str_eq (table_of (&spec),
                    "/b b 9p x,y,trans=virtio,version=9p2000.L,msize=4096 boot "
                    "unchecked\n"
                    "/c nix-store 9p trans=virtio,version=9p2000.L,msize=4096,"
                    "cache=loose boot\n");
  spec.file_systems = SAID (.mount_point = "/b", .options = STRINGS ("x"),
                            .replace = VMSPEC_ON);
  spec.shares = LIST (vmspec_share, &one);
  ck_assert_str_eq (table_of (&spec), "/b - auto x\n");
  spec.file_systems = SAID (.mount_point = "/b");
  ck_assert_str_eq (table_of (&spec),
                    "/b b 9p trans=virtio,version=9p2000.L,msize=4096 boot\n");
  spec.file_systems = SAID (.mount_point = "/d", .type = "tmpfs");
  spec.shares = NULL;
  ck_assert_str_eq (table_of (&spec), "/d tmpfs tmpfs defaults\n");
  /* Of the store alone, and if it is writable. */
  spec.shares = LIST (vmspec_share, &one, &other);
  spec.file_systems = NULL;
  store.writable = VMSPEC_ON;
  store.writable_tmpfs = VMSPEC_OFF;
  ck_assert_str_eq (table_of (&spec),
                    "/b b 9p trans=virtio,version=9p2000.L,msize=4096 boot\n"
                    "/nix/.ro-store nix-store 9p trans=virtio,version=9p2000.L,"
                    "msize=4096,cache=loose boot\n");
  spec.shares = NULL;
  store.image = VMSPEC_ON;
  store.writable_tmpfs = VMSPEC_ON;
  ck_assert_str_eq (table_of (&spec),
                    "/nix/.ro-store /dev/disk/by-label/nix-store auto ro boot\n"
                    "/nix/.rw-store tmpfs tmpfs mode=0755 boot\n");
  store.writable = VMSPEC_OFF;
  ck_assert_str_eq (table_of (&spec),
                    "/nix/store /dev/disk/by-label/nix-store auto ro boot\n");
  spec.builtin_file_systems = VMSPEC_OFF;
  ck_assert_str_eq (table_of (&spec), "");
}
END_TEST

int
main (void)
{
  TCase *t = unit_case ("default");

  tcase_add_checked_fixture (t, NULL, tear_down);
  tcase_add_test (t,
    booting_and_the_store_depend_on_loader_system_kernel_and_image);
  tcase_add_test (t, smm_goes_with_secure_boot_on_x86);
  tcase_add_test (t, firmware_of_the_host_is_taken_as_a_pair);
  tcase_add_test (t, a_firmware_package_has_its_files_by_architecture);
  tcase_add_test (t, the_boot_partition_is_that_of_efi);
  tcase_add_test (t, the_last_console_is_the_one_that_is_looked_at);
  tcase_add_test (t, a_machine_without_interfaces_is_on_the_first_vlan);
  tcase_add_test (t,
                  virtual_networks_have_no_devices_unless_a_backend_is_said);
  tcase_add_test (t,
                  sockets_of_virtual_networks_are_in_the_users_own_directory);
  tcase_add_test (t, ports_are_the_ones_that_are_said_and_a_tpm_is_not_set_up);
  tcase_add_test (t, state_is_named_after_the_machine);
  tcase_add_test (t, the_guest_is_like_its_host_unless_said_otherwise);
  tcase_add_test (t, kernel_parameters_are_those_of_the_system);
  tcase_add_test (t, built_in_drives_come_first_and_are_no_longer_built_in);
  tcase_add_test (t, a_store_image_is_raw_unless_it_is_written_to);
  tcase_add_test (t, without_an_image_there_is_no_root_drive);
  tcase_add_test (t, shares_that_are_said_replace_built_in_ones_of_their_tag);
  tcase_add_test (t, paths_of_the_store_start_with_the_system);
  tcase_add_test (t, resolving_again_changes_nothing);
  tcase_add_test (t, a_resolved_description_survives_its_xml);
  tcase_add_test (t, everything_that_has_a_default_has_it_after_resolving);
  tcase_add_test (t, what_is_mounted_on_or_from_comes_before);
  tcase_add_test (t, what_is_said_of_a_mount_is_added_to_what_is_built_in);
  return unit_run ("default", t);
}
