/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the environment, the host and the architecture decide. */
#include "unit.h"

#include "plan.h"

static struct vmspec_host host;
static vmspec_plan *plan;

static void
set_up (void)
{
  host = unit_host ();
  plan = NULL;
}

static void
tear_down (void)
{
  vmspec_plan_free (plan);
}

static const struct decided *
decided (const struct vmspec *spec)
{
  static const struct vmspec plain = { VMSPEC_INIT (vmspec) };

  vmspec_plan_free (plan);
  plan = unit_plan (spec ? spec : &plain, &host);
  return &plan->decided;
}

/* ---- the run directory --------------------------------------------------- */

START_TEST (the_run_directory_is_fresh_unless_tmpdir_itself_is_to_be_used)
{
  static const struct {
    const char *tmpdir, *use_tmpdir, *run;
    int fresh;
  } cases[] = {
    { NULL, NULL, "/tmp/vmspec.0123456789", 1 },
    { NULL, "USE_TMPDIR=1", "/tmp/vmspec.0123456789", 1 },
    { "TMPDIR=", "USE_TMPDIR=1", "/tmp/vmspec.0123456789", 1 },
    { "TMPDIR=/var/tmp", NULL, "/var/tmp/vmspec.0123456789", 1 },
    { "TMPDIR=/var/tmp", "USE_TMPDIR=", "/var/tmp/vmspec.0123456789", 1 },
    { "TMPDIR=/var/tmp", "USE_TMPDIR=1", "/var/tmp", 0 },
    { "TMPDIR=/var/tmp", "USE_TMPDIR=0", "/var/tmp", 0 },
    { "TMPDIR=sub", NULL, "/here/sub/vmspec.0123456789", 1 },
    { "TMPDIR=./sub", "USE_TMPDIR=1", "/here/sub", 0 },
    { "TMPDIR=/a b,c", NULL, "/a b,c/vmspec.0123456789", 1 },
  };

  for (size_t i = 0; i < COUNT (cases); i++) {
    const char *environment[3] = { NULL };
    size_t n = 0;

    if (cases[i].tmpdir)
      environment[n++] = cases[i].tmpdir;
    if (cases[i].use_tmpdir)
      environment[n++] = cases[i].use_tmpdir;
    host.environment = environment;
    ck_assert_str_eq (decided (NULL)->run, cases[i].run);
    ck_assert_str_eq (vmspec_plan_directory (plan), cases[i].run);
    ck_assert_int_eq (decided (NULL)->run_is_fresh, cases[i].fresh);
  }
}
END_TEST

START_TEST (qemu_gets_the_environment_with_the_runs_tmpdir)
{
  const char *const *environment;

  host.environment = STRINGS ("A=b", "TMPDIR=/t", "C=", "NIX_DISK_IMAGE=d");
  decided (NULL);
  environment = vmspec_plan_environment (plan);
  ck_assert_str_eq (vms_environment_get (environment, "TMPDIR"),
                    "/t/vmspec.0123456789");
  ck_assert_str_eq (vms_environment_get (environment, "A"), "b");
  ck_assert_str_eq (vms_environment_get (environment, "C"), "");
  ck_assert_str_eq (vms_environment_get (environment, "NIX_DISK_IMAGE"), "d");
  ck_assert_uint_eq (vms_list_length (environment), 4);
  /* What did not come exported does not go exported. */
  host.environment = STRINGS ("A=b");
  decided (NULL);
  ck_assert_ptr_null (
    vms_environment_get (vmspec_plan_environment (plan), "TMPDIR"));
}
END_TEST

/* ---- variables of the start script --------------------------------------- */

START_TEST (variables_win_over_options_of_state_files)
{
  struct vmspec_disk disk
    = { VMSPEC_INIT (vmspec_disk), .image = "said.qcow2" };
  struct vmspec_efi efi
    = { VMSPEC_INIT (vmspec_efi), .enable = VMSPEC_ON, .firmware = "/f",
        .variables = "/v", .state = "said.fd" };
  struct vmspec_tpm tpm
    = { VMSPEC_INIT (vmspec_tpm), .enable = VMSPEC_ON, .swtpm = "/s",
        .state_dir = "said-tpm" };
  struct vmspec spec = { VMSPEC_INIT (vmspec), .disk = &disk, .efi = &efi,
                         .tpm = &tpm };

  ck_assert_str_eq (decided (&spec)->image, "/here/said.qcow2");
  ck_assert_str_eq (decided (&spec)->efi_state, "/here/said.fd");
  ck_assert_str_eq (decided (&spec)->tpm_state, "/here/said-tpm");
  ck_assert_str_eq (decided (&spec)->tpm_socket, "/here/said-tpm/socket");
  host.environment = STRINGS ("NIX_DISK_IMAGE=./disk", "NIX_EFI_VARS=/e",
                              "NIX_SWTPM_DIR=t p m");
  ck_assert_str_eq (decided (&spec)->image, "/here/disk");
  ck_assert_str_eq (decided (&spec)->efi_state, "/e");
  ck_assert_str_eq (decided (&spec)->tpm_state, "/here/t p m");
  host.environment = STRINGS ("NIX_DISK_IMAGE=", "NIX_EFI_VARS=",
                              "NIX_SWTPM_DIR=");
  ck_assert_str_eq (decided (&spec)->image, "/here/said.qcow2");
  ck_assert_str_eq (decided (&spec)->efi_state, "/here/said.fd");
  ck_assert_str_eq (decided (&spec)->tpm_state, "/here/said-tpm");
}
END_TEST

START_TEST (state_that_is_not_wanted_is_not_named)
{
  struct vmspec_disk disk = { VMSPEC_INIT (vmspec_disk), .image = "" };
  struct vmspec spec = { VMSPEC_INIT (vmspec), .disk = &disk };

  host.environment = STRINGS ("NIX_DISK_IMAGE=d", "NIX_EFI_VARS=e",
                              "NIX_SWTPM_DIR=t");
  ck_assert_ptr_null (decided (&spec)->efi_state);
  ck_assert_ptr_null (decided (&spec)->tpm_state);
  ck_assert_ptr_null (decided (&spec)->tpm_socket);
  /* This one is made all the same. */
  ck_assert_str_eq (decided (&spec)->image, "/here/d");
  host.environment = STRINGS ("NIX_DISK_IMAGE=");
  ck_assert_ptr_null (decided (&spec)->image);
}
END_TEST

START_TEST (state_files_are_where_their_links_lead)
{
  struct vmspec_host_file file
    = { VMSPEC_INIT (vmspec_host_file), .type = VMSPEC_FILE_TYPE_FILE,
        .path = "/here/vm.qcow2", .real_path = "/data/1.qcow2" };

  host.files = LIST (vmspec_host_file, &file);
  ck_assert_str_eq (decided (NULL)->image, "/data/1.qcow2");
  ck_assert_str_eq (plan->decided.drive_files[0], "/data/1.qcow2");
}
END_TEST

START_TEST (a_kernel_is_replaced_by_the_variable_with_the_machines_name)
{
  static const struct {
    const char *name, *variable;
  } cases[] = {
    { "vm", "NIXPKGS_QEMU_KERNEL_vm=/mine" },
    { "my-vm.1", "NIXPKGS_QEMU_KERNEL_my_vm_1=/mine" },
    { "ü x", "NIXPKGS_QEMU_KERNEL____x=/mine" },
    { "az09AZ", "NIXPKGS_QEMU_KERNEL_az09AZ=/mine" },
    { "`{/:@[", "NIXPKGS_QEMU_KERNEL_______=/mine" },
  };
  struct vmspec_boot boot
    = { VMSPEC_INIT (vmspec_boot), .kernel = "k", .initrd = "i" };
  struct vmspec spec = { VMSPEC_INIT (vmspec), .boot = &boot };

  for (size_t i = 0; i < COUNT (cases); i++) {
    spec.name = cases[i].name;
    host.environment = STRINGS (cases[i].variable);
    ck_assert_str_eq (decided (&spec)->kernel, "/mine");
    ck_assert_str_eq (decided (&spec)->initrd, "/here/i");
    host.environment = STRINGS ("NIXPKGS_QEMU_KERNEL_other=/mine");
    ck_assert_str_eq (decided (&spec)->kernel, "/here/k");
  }
}
END_TEST

START_TEST (arguments_of_the_caller_come_last_and_are_not_touched)
{
  const char *const *argv;
  int at;

  host.environment = STRINGS ("QEMU_OPTS= -S  -name 'a b' ");
  host.arguments = STRINGS ("-x", "a b", "$HOME");
  decided (NULL);
  argv = vmspec_plan_argv (plan);
  at = unit_word (argv, "-S", NULL);
  ck_assert_int_gt (at, 0);
  /* As an unquoted variable: quotes are characters. */
  ck_assert_str_eq (argv[at + 1], "-name");
  ck_assert_str_eq (argv[at + 2], "'a");
  ck_assert_str_eq (argv[at + 3], "b'");
  ck_assert_str_eq (argv[at + 4], "-x");
  ck_assert_str_eq (argv[at + 5], "a b");
  ck_assert_str_eq (argv[at + 6], "$HOME");
  ck_assert_ptr_null (argv[at + 7]);
}
END_TEST

START_TEST (network_options_of_the_environment_are_added_as_they_are)
{
  host.environment = STRINGS ("QEMU_NET_OPTS=hostfwd=tcp::1-:2,dns=1.2.3.4");
  decided (NULL);
  ck_assert_int_ge (unit_word (vmspec_plan_argv (plan), "-netdev",
                    "user,id=user.0,hostfwd=tcp::1-:2,dns=1.2.3.4"), 0);
}
END_TEST

START_TEST (kernel_parameters_of_the_environment_come_last)
{
  struct vmspec_boot boot = { VMSPEC_INIT (vmspec_boot), .kernel = "k",
                              .kernel_params = STRINGS ("a", "b") };
  struct vmspec spec = { VMSPEC_INIT (vmspec), .boot = &boot };

  host.environment = STRINGS ("QEMU_KERNEL_PARAMS=c  d");
  decided (&spec);
  ck_assert_int_ge (unit_word (vmspec_plan_argv (plan), "-append",
                    "a b console=ttyS0,115200n8 console=tty0 c  d"), 0);
}
END_TEST

/* ---- virtual networks ---------------------------------------------------- */

#define VLAN(number_) &(struct vmspec_vlan) { VMSPEC_INIT (vmspec_vlan), number_ }
#define INTERFACE(name_, vlan_)                                                \
  &(struct vmspec_interface) { VMSPEC_INIT (vmspec_interface),                 \
                               .name = name_, .vlan = vlan_ }

static struct vmspec_network network;

static const struct decided *
on_networks (uint32_t backend, uint32_t machine_number)
{
  const struct vmspec spec
    = { VMSPEC_INIT (vmspec), .network = &network,
        .vlans = LIST (vmspec_vlan, VLAN (7), VLAN (0)),
        .interfaces = LIST (vmspec_interface, INTERFACE ("lan", 5)) };

  network = (struct vmspec_network) {
    VMSPEC_INIT (vmspec_network), .vlan_backend = backend,
    .vlan_directory = "v", .machine_number = machine_number };
  return decided (&spec);
}

START_TEST (without_a_backend_there_is_nothing_to_connect)
{
  const struct decided *d = on_networks (VMSPEC_VLAN_BACKEND_NONE, 1);

  ck_assert_uint_eq (d->n_vlans, 0);
  ck_assert_uint_eq (d->n_switches, 0);
  ck_assert_ptr_null (d->vlan_directory);
  ck_assert_uint_eq (decided (NULL)->n_vlans, 0);
}
END_TEST

START_TEST (networks_that_are_listed_come_before_the_interfaces)
{
  const struct decided *d = on_networks (VMSPEC_VLAN_BACKEND_MULTICAST, 1);

  ck_assert_uint_eq (d->n_vlans, 3);
  ck_assert_uint_eq (d->vlans[0].number, 7);
  ck_assert_uint_eq (d->vlans[1].number, 0);
  ck_assert_uint_eq (d->vlans[2].number, 5);
  for (size_t i = 0; i < 3; i++) {
    ck_assert_ptr_null (d->vlans[i].socket);
    ck_assert_ptr_null (d->vlans[i].peer);
  }
  ck_assert_ptr_null (d->vlan_directory);
}
END_TEST

START_TEST (each_backend_has_its_sockets_in_the_directory)
{
  const struct decided *d = on_networks (VMSPEC_VLAN_BACKEND_DGRAM, 1);

  ck_assert_str_eq (d->vlans[0].socket, "/here/v/7.1");
  ck_assert_str_eq (d->vlans[0].peer, "/here/v/7.2");
  ck_assert_str_eq (d->vlan_directory, "/here/v");
  d = on_networks (VMSPEC_VLAN_BACKEND_DGRAM, 2);
  ck_assert_str_eq (d->vlans[0].socket, "/here/v/7.2");
  ck_assert_str_eq (d->vlans[0].peer, "/here/v/7.1");
  for (uint32_t machine = 1; machine <= 2; machine++) {
    d = on_networks (VMSPEC_VLAN_BACKEND_STREAM, machine);
    ck_assert_str_eq (d->vlans[2].socket, "/here/v/5");
    ck_assert_ptr_null (d->vlans[2].peer);
    ck_assert_str_eq (d->vlan_directory, "/here/v");
  }
  d = on_networks (VMSPEC_VLAN_BACKEND_VDE, 200);
  ck_assert_str_eq (d->vlans[1].socket, "/here/v/0");
  /* Whoever runs the switches has made it. */
  ck_assert_ptr_null (d->vlan_directory);
  ck_assert_uint_eq (d->n_switches, 0);
}
END_TEST

START_TEST (the_directory_is_made_for_whoever_needs_it)
{
  const struct vmspec_step *step = NULL;

  on_networks (VMSPEC_VLAN_BACKEND_STREAM, 1);
  for (size_t i = 0; (step = vmspec_plan_step (plan, i)); i++)
    if (!strcmp (step->name, "vlans"))
      break;
  ck_assert_ptr_nonnull (step);
  ck_assert_uint_eq (step->kind, VMSPEC_STEP_KIND_DIRECTORY);
  ck_assert_str_eq (step->file, "/here/v");
  ck_assert_str_eq (step->option, "network.vlan_directory");
  ck_assert_uint_eq (step->lasts, VMSPEC_ON);
  on_networks (VMSPEC_VLAN_BACKEND_MULTICAST, 1);
  for (size_t i = 0; (step = vmspec_plan_step (plan, i)); i++)
    ck_assert_str_ne (step->name, "vlans");
}
END_TEST

START_TEST (a_switch_is_started_for_each_network_whose_variable_names_none)
{
  const struct vmspec spec
    = { VMSPEC_INIT (vmspec), .network = &network,
        .vlans = LIST (vmspec_vlan, VLAN (7), VLAN (10), VLAN (7), VLAN (1)) };
  const struct decided *d;

  network = (struct vmspec_network) {
    VMSPEC_INIT (vmspec_network), .vlan_directory = "/v",
    .vlan_backend = VMSPEC_VLAN_BACKEND_VDE, .vlan_switch = VMSPEC_ON };
  host.environment = STRINGS ("QEMU_VDE_SOCKET_10=there",
                              "QEMU_VDE_SOCKET_1=");
  d = decided (&spec);
  ck_assert_uint_eq (d->n_switches, 2);
  ck_assert_uint_eq (d->switches[0].number, 7);
  ck_assert_str_eq (d->switches[0].directory, "/v/7");
  ck_assert_uint_eq (d->switches[1].number, 1);
  ck_assert_str_eq (d->switches[1].directory, "/v/1");
  ck_assert_str_eq (d->vlan_directory, "/v");
  ck_assert_str_eq (d->vlans[1].socket, "/here/there");
  ck_assert_int_eq (d->vlans[1].is_running, 1);
  ck_assert_int_eq (d->vlans[0].is_running, 0);
  /* Then a directory need not be known. */
  host.environment = STRINGS ("QEMU_VDE_SOCKET_7=/a", "QEMU_VDE_SOCKET_10=/b",
                              "QEMU_VDE_SOCKET_1=/c");
  network.vlan_directory = NULL;
  d = decided (&spec);
  ck_assert_uint_eq (d->n_switches, 0);
  ck_assert_ptr_null (d->vlan_directory);
}
END_TEST

/* ---- helpers of the start script ------------------------------------------ */

static const char *
joined (const char *const *words)
{
  static char text[1024];
  char *end = text;

  *text = '\0';
  for (; *words; words++) {
    if (end > text)
      end = stpcpy (end, " ");
    end = stpcpy (end, *words);
  }
  return text;
}

START_TEST (a_tpm_has_the_helpers_of_the_start_script)
{
  static const struct vmspec_host_program socat
    = { VMSPEC_INIT (vmspec_host_program), .name = "socat",
        .path = "/s/socat" };
  struct vmspec_tpm tpm = { VMSPEC_INIT (vmspec_tpm), .enable = VMSPEC_ON,
                            .swtpm = "./swtpm", .state_dir = "t" };
  struct vmspec spec = { VMSPEC_INIT (vmspec), .tpm = &tpm };
  const struct vmspec_helper *helper;

  decided (&spec);
  helper = vmspec_plan_helper (plan, 0);
  ck_assert_str_eq (helper->name, "swtpm");
  ck_assert_uint_eq (helper->at_exit, VMSPEC_OFF);
  ck_assert_uint_eq (helper->struct_size, sizeof *helper);
  ck_assert_str_eq (joined (helper->argv),
                    "/here/swtpm socket --tpmstate dir=/here/t --ctrl "
                    "type=unixio,path=/here/t/socket,terminate --pid "
                    "file=/here/t/pid --daemon --tpm2 --log "
                    "file=/here/t/stdout,level=6");
  helper = vmspec_plan_helper (plan, 1);
  ck_assert_str_eq (helper->name, "socat");
  ck_assert_uint_eq (helper->at_exit, VMSPEC_ON);
  ck_assert_str_eq (joined (helper->argv),
                    "socat STDIO UNIX-CONNECT:/here/t/socket");
  ck_assert_ptr_null (vmspec_plan_helper (plan, 2));
  ck_assert_ptr_null (vmspec_plan_helper (plan, SIZE_MAX));
  host.programs = LIST (vmspec_host_program, &unit_qemu, &socat);
  decided (&spec);
  ck_assert_str_eq (vmspec_plan_helper (plan, 1)->argv[0], "/s/socat");
  /* One that was not found keeps its name. */
  tpm.swtpm = "my-swtpm";
  decided (&spec);
  ck_assert_str_eq (vmspec_plan_helper (plan, 0)->argv[0], "my-swtpm");
  tpm.swtpm = NULL;
  decided (&spec);
  ck_assert_str_eq (vmspec_plan_helper (plan, 0)->argv[0], "swtpm");
}
END_TEST

START_TEST (a_machine_without_a_tpm_has_no_helpers)
{
  decided (NULL);
  ck_assert_ptr_null (vmspec_plan_helper (plan, 0));
}
END_TEST

/* ---- accelerators -------------------------------------------------------- */

static int
can_share_kvm (uint32_t arch, uint32_t guest)
{
  if (arch == VMSPEC_ARCH_X86_64)
    return guest == VMSPEC_ARCH_X86_64 || guest == VMSPEC_ARCH_I686;
  if (arch == VMSPEC_ARCH_POWERPC64 || arch == VMSPEC_ARCH_POWERPC64LE)
    return guest == VMSPEC_ARCH_POWERPC64 || guest == VMSPEC_ARCH_POWERPC64LE;
  return arch == guest;
}

static const char *
expected_accel (uint32_t os, uint32_t kvm, uint32_t arch, uint32_t guest,
                uint32_t accel)
{
  int works = os == VMSPEC_OS_DARWIN
                ? arch == guest
                : kvm == VMSPEC_KVM_USABLE && can_share_kvm (arch, guest);

  if (accel == VMSPEC_ACCEL_OFF)
    return "tcg";
  if (accel == VMSPEC_ACCEL_REQUIRE)
    return os == VMSPEC_OS_DARWIN ? "hvf" : "kvm";
  return !works ? "tcg" : os == VMSPEC_OS_DARWIN ? "hvf:tcg" : "kvm:tcg";
}

START_TEST (an_accelerator_is_tried_only_where_it_works)
{
  uint32_t os, kvm, arch, guest, accel;

  for (os = VMSPEC_OS_LINUX; os <= VMSPEC_OS_DARWIN; os++)
    for (kvm = VMSPEC_KVM_USABLE; kvm <= VMSPEC_KVM_NO_HARDWARE; kvm++)
      for (arch = VMSPEC_ARCH_X86_64; arch <= VMSPEC_ARCH_S390X; arch++)
        for (guest = VMSPEC_ARCH_X86_64; guest <= VMSPEC_ARCH_S390X; guest++)
          for (accel = VMSPEC_ACCEL_UNSET; accel <= VMSPEC_ACCEL_OFF; accel++) {
            struct vmspec_qemu qemu
              = { VMSPEC_INIT (vmspec_qemu), .accel = accel };
            struct vmspec spec
              = { VMSPEC_INIT (vmspec), .arch = guest, .qemu = &qemu };
            const char *expected = expected_accel (os, kvm, arch, guest, accel);
            int at;

            host.os = os;
            host.kvm = kvm;
            host.arch = arch;
            decided (&spec);
            ck_assert_str_eq (vmspec_plan_accel (plan), expected);
            at = unit_word (vmspec_plan_argv (plan), "-machine", NULL);
            ck_assert_int_eq (at, 1);
            ck_assert_ptr_nonnull (strstr (vmspec_plan_argv (plan)[2],
                                           "accel="));
            ck_assert_str_eq (strstr (vmspec_plan_argv (plan)[2], "accel=")
                                + strlen ("accel="), expected);
          }
}
END_TEST

START_TEST (a_requirement_that_cannot_be_met_blocks)
{
  struct vmspec_qemu qemu
    = { VMSPEC_INIT (vmspec_qemu), .accel = VMSPEC_ACCEL_REQUIRE };
  struct vmspec spec = { VMSPEC_INIT (vmspec), .qemu = &qemu };

  host.kvm = VMSPEC_KVM_USABLE;
  decided (&spec);
  ck_assert_uint_eq (plan->diag->blockers, 0);
  for (uint32_t kvm = VMSPEC_KVM_ABSENT; kvm <= VMSPEC_KVM_NO_HARDWARE; kvm++) {
    host.kvm = kvm;
    decided (&spec);
    ck_assert_ptr_nonnull (unit_finding (plan->diag, "qemu.kvm-unusable"));
  }
}
END_TEST

START_TEST (machine_and_processor_are_taken_as_they_are_said)
{
  struct vmspec_qemu qemu
    = { VMSPEC_INIT (vmspec_qemu), .machine = "q35,smm=off", .cpu = "qemu64" };
  struct vmspec spec = { VMSPEC_INIT (vmspec), .qemu = &qemu };

  decided (&spec);
  ck_assert_str_eq (vmspec_plan_argv (plan)[2], "q35,smm=off,accel=tcg");
  ck_assert_str_eq (vmspec_plan_argv (plan)[4], "qemu64");
  qemu.machine = qemu.cpu = "";
  decided (&spec);
  ck_assert_str_eq (vmspec_plan_accel (plan), "");
  ck_assert_int_lt (unit_word (vmspec_plan_argv (plan), "-machine", NULL), 0);
  ck_assert_int_lt (unit_word (vmspec_plan_argv (plan), "-cpu", NULL), 0);
}
END_TEST

START_TEST (each_architecture_has_its_machine_and_processor)
{
  static const struct {
    const char *program, *machine, *cpu;
  } cases[] = {
    [VMSPEC_ARCH_X86_64] = { "qemu-system-x86_64", "accel=tcg", "max" },
    [VMSPEC_ARCH_I686] = { "qemu-system-i386", "accel=tcg", "max" },
    [VMSPEC_ARCH_AARCH64] = { "qemu-system-aarch64",
                              "virt,gic-version=max,accel=tcg",
                              "max,pauth-impdef=on" },
    [VMSPEC_ARCH_ARMV7L] = { "qemu-system-arm", "virt,accel=tcg", "max" },
    [VMSPEC_ARCH_POWERPC64] = { "qemu-system-ppc64", "pseries,accel=tcg",
                                "max" },
    [VMSPEC_ARCH_POWERPC64LE] = { "qemu-system-ppc64", "pseries,accel=tcg",
                                  "max" },
    [VMSPEC_ARCH_RISCV64] = { "qemu-system-riscv64", "virt,accel=tcg",
                              "rv64" },
    [VMSPEC_ARCH_RISCV32] = { "qemu-system-riscv32", "virt,accel=tcg",
                              "rv32" },
    [VMSPEC_ARCH_S390X] = { "qemu-system-s390x", "s390-ccw-virtio,accel=tcg",
                            "max" },
  };

  host.programs = NULL;
  for (uint32_t arch = 1; arch < COUNT (cases); arch++) {
    struct vmspec spec = { VMSPEC_INIT (vmspec), .arch = arch };
    const char *const *argv;

    decided (&spec);
    argv = vmspec_plan_argv (plan);
    ck_assert_str_eq (argv[0], cases[arch].program);
    ck_assert_str_eq (argv[2], cases[arch].machine);
    ck_assert_str_eq (argv[4], cases[arch].cpu);
  }
}
END_TEST

/* ---- a package's fixed line ---------------------------------------------- */

/* The words up to "-name". */
static const char *
first_words (void)
{
  static char line[400];
  char *end = line;

  *line = '\0';
  for (const char *const *word = vmspec_plan_argv (plan);
       strcmp (*word, "-name"); word++) {
    if (end > line)
      end = stpcpy (end, " ");
    end = stpcpy (end, *word);
  }
  return line;
}

START_TEST (a_package_fixes_the_first_words)
{
  static const char *const lines[] = {
    [VMSPEC_ARCH_X86_64] = "/p/bin/qemu-kvm -cpu max",
    [VMSPEC_ARCH_I686] = "/p/bin/qemu-kvm",
    [VMSPEC_ARCH_AARCH64]
    = "/p/bin/qemu-system-aarch64 -machine virt,gic-version=max,accel=kvm:tcg "
      "-cpu max",
    [VMSPEC_ARCH_ARMV7L]
    = "/p/bin/qemu-system-arm -machine virt,accel=kvm:tcg -cpu max",
    [VMSPEC_ARCH_POWERPC64] = "/p/bin/qemu-system-ppc64 -machine powernv",
    [VMSPEC_ARCH_POWERPC64LE] = "/p/bin/qemu-system-ppc64 -machine powernv",
    [VMSPEC_ARCH_RISCV64] = "/p/bin/qemu-system-riscv64 -machine virt",
    [VMSPEC_ARCH_RISCV32] = "/p/bin/qemu-kvm",
    [VMSPEC_ARCH_S390X] = "/p/bin/qemu-kvm",
  };

  for (uint32_t arch = 1; arch < COUNT (lines); arch++) {
    struct vmspec_qemu qemu = { VMSPEC_INIT (vmspec_qemu), .package = "/p" };
    struct vmspec spec
      = { VMSPEC_INIT (vmspec), .arch = arch, .qemu = &qemu };

    decided (&spec);
    ck_assert_str_eq (first_words (), lines[arch]);
    ck_assert_str_eq (vmspec_plan_accel (plan), "");
  }
}
END_TEST

START_TEST (a_package_on_darwin_runs_its_own_architecture_only)
{
  struct vmspec_qemu qemu = { VMSPEC_INIT (vmspec_qemu), .package = "/p" };
  struct vmspec spec = { VMSPEC_INIT (vmspec), .qemu = &qemu };
  vmspec_plan *none = NULL;

  host.os = VMSPEC_OS_DARWIN;
  decided (&spec);
  ck_assert_str_eq (first_words (), "/p/bin/qemu-system-x86_64 -machine "
                    "type=q35,accel=hvf:tcg -cpu max");
  host.arch = VMSPEC_ARCH_AARCH64;
  decided (&spec);
  ck_assert_str_eq (first_words (), "/p/bin/qemu-system-aarch64 -machine "
                    "virt,gic-version=2,accel=hvf:tcg -cpu max");
  spec.arch = VMSPEC_ARCH_X86_64;
  ck_assert_int_eq (vmspec_plan_new (&spec, &host, NULL, &none), -EINVAL);
}
END_TEST

START_TEST (what_is_said_takes_the_place_of_the_packages_line)
{
  struct vmspec_qemu qemu = { VMSPEC_INIT (vmspec_qemu), .package = "/p",
                              .accel = VMSPEC_ACCEL_OFF };
  struct vmspec spec = { VMSPEC_INIT (vmspec), .qemu = &qemu };

  decided (&spec);
  ck_assert_str_eq (first_words (),
                    "/p/bin/qemu-kvm -machine accel=tcg -cpu max");
  qemu.cpu = "host";
  decided (&spec);
  ck_assert_str_eq (first_words (),
                    "/p/bin/qemu-kvm -machine accel=tcg -cpu host");
  qemu.binary = "/my/qemu";
  decided (&spec);
  ck_assert_str_eq (first_words (), "/my/qemu -machine accel=tcg -cpu host");
}
END_TEST

START_TEST (an_emulator_is_a_path_or_is_looked_up)
{
  struct vmspec_qemu qemu
    = { VMSPEC_INIT (vmspec_qemu), .binary = "qemu-system-x86_64" };
  struct vmspec spec = { VMSPEC_INIT (vmspec), .qemu = &qemu };

  decided (&spec);
  ck_assert_str_eq (vmspec_plan_argv (plan)[0], "/bin/qemu-system-x86_64");
  qemu.binary = "./qemu";
  decided (&spec);
  ck_assert_str_eq (vmspec_plan_argv (plan)[0], "/here/qemu");
  qemu.binary = "unknown";
  decided (&spec);
  ck_assert_str_eq (vmspec_plan_argv (plan)[0], "unknown");
  ck_assert_ptr_nonnull (unit_finding (plan->diag, "qemu.missing"));
}
END_TEST

/* ---- pieces of shell ----------------------------------------------------- */

START_TEST (pieces_see_the_variables_of_the_start_script)
{
  struct vmspec_drive drive = { VMSPEC_INIT (vmspec_drive), .expand = VMSPEC_ON,
                                .file = "$TMPDIR/$NIX_DISK_IMAGE" };
  struct vmspec_share share
    = { VMSPEC_INIT (vmspec_share), .tag = "t", .expand = VMSPEC_ON,
        .source = "${MINE:-rel}", .target = "/t" };
  struct vmspec spec
    = { VMSPEC_INIT (vmspec), .drives = LIST (vmspec_drive, &drive),
        .shares = LIST (vmspec_share, &share) };
  const struct decided *d;

  host.environment = STRINGS ("TMPDIR=/t", "SHARED_DIR=/a b");
  d = decided (&spec);
  ck_assert_str_eq (d->drive_files[0], "/here/vm.qcow2");
  ck_assert_str_eq (d->drive_files[1],
                    "/t/vmspec.0123456789//here/vm.qcow2");
  ck_assert_str_eq (d->share_sources[0], "/t/vmspec.0123456789/xchg");
  ck_assert_str_eq (d->share_sources[1], "/a b");
  ck_assert_str_eq (d->share_sources[2], "/here/rel");
}
END_TEST

START_TEST (without_expand_everything_stands_for_itself)
{
  struct vmspec_drive drive
    = { VMSPEC_INIT (vmspec_drive), .file = "$A 'b'" };
  struct vmspec_qemu qemu
    = { VMSPEC_INIT (vmspec_qemu), .options = STRINGS ("$A 'b'") };
  struct vmspec spec = { VMSPEC_INIT (vmspec), .qemu = &qemu,
                         .drives = LIST (vmspec_drive, &drive) };
  const struct decided *d;

  host.environment = STRINGS ("A=x y");
  d = decided (&spec);
  ck_assert_str_eq (d->drive_files[1], "/here/$A 'b'");
  ck_assert_str_eq (d->options[0], "$A 'b'");
  drive.expand = VMSPEC_ON;
  qemu.expand = VMSPEC_ON;
  d = decided (&spec);
  ck_assert_str_eq (d->drive_files[1], "/here/x y b");
  ck_assert_str_eq (d->options[0], "x");
  ck_assert_str_eq (d->options[1], "y");
  ck_assert_str_eq (d->options[2], "b");
}
END_TEST

START_TEST (entries_are_counted_from_the_first_that_somebody_wrote)
{
  struct arena arena = { 0 };
  struct path own = vms_entry_path ("drives", 1, 2);
  struct path said = vms_entry_path ("drives", 2, 2);

  ck_assert_str_eq (vms_path_text (&arena, &own), "drives");
  ck_assert_str_eq (vms_path_text (&arena, &said), "drives[0]");
  vms_arena_free (&arena);
}
END_TEST

int
main (void)
{
  TCase *t = unit_case ("decide");

  tcase_add_checked_fixture (t, set_up, tear_down);
  tcase_add_test (t,
    the_run_directory_is_fresh_unless_tmpdir_itself_is_to_be_used);
  tcase_add_test (t, qemu_gets_the_environment_with_the_runs_tmpdir);
  tcase_add_test (t, variables_win_over_options_of_state_files);
  tcase_add_test (t, state_that_is_not_wanted_is_not_named);
  tcase_add_test (t, state_files_are_where_their_links_lead);
  tcase_add_test (t,
                  a_kernel_is_replaced_by_the_variable_with_the_machines_name);
  tcase_add_test (t, arguments_of_the_caller_come_last_and_are_not_touched);
  tcase_add_test (t, network_options_of_the_environment_are_added_as_they_are);
  tcase_add_test (t, kernel_parameters_of_the_environment_come_last);
  tcase_add_test (t, without_a_backend_there_is_nothing_to_connect);
  tcase_add_test (t, networks_that_are_listed_come_before_the_interfaces);
  tcase_add_test (t, each_backend_has_its_sockets_in_the_directory);
  tcase_add_test (t, the_directory_is_made_for_whoever_needs_it);
  tcase_add_test (t,
    a_switch_is_started_for_each_network_whose_variable_names_none);
  tcase_add_test (t, a_tpm_has_the_helpers_of_the_start_script);
  tcase_add_test (t, a_machine_without_a_tpm_has_no_helpers);
  tcase_add_test (t, an_accelerator_is_tried_only_where_it_works);
  tcase_add_test (t, a_requirement_that_cannot_be_met_blocks);
  tcase_add_test (t, machine_and_processor_are_taken_as_they_are_said);
  tcase_add_test (t, each_architecture_has_its_machine_and_processor);
  tcase_add_test (t, a_package_fixes_the_first_words);
  tcase_add_test (t, a_package_on_darwin_runs_its_own_architecture_only);
  tcase_add_test (t, what_is_said_takes_the_place_of_the_packages_line);
  tcase_add_test (t, an_emulator_is_a_path_or_is_looked_up);
  tcase_add_test (t, pieces_see_the_variables_of_the_start_script);
  tcase_add_test (t, without_expand_everything_stands_for_itself);
  tcase_add_test (t, entries_are_counted_from_the_first_that_somebody_wrote);
  return unit_run ("decide", t);
}
