/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* vmspec_plan_check_files() on files made for the purpose. */
#include "scratch.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

static struct vmspec spec;
static struct vmspec_qemu qemu;
static struct vmspec_boot boot;
static struct vmspec_efi efi;
static struct vmspec_tpm tpm;
static const struct vmspec_host_program *const *programs;
static vmspec_diag *diag;

/* Everything is there. */
static void
set_up (void)
{
  scratch_make ();
  programs = NULL;
  make_file ("emulator", 0755, "#!/bin/sh\n");
  make_file ("kernel", 0644, "MZ");
  make_file ("initrd", 0644, "");
  make_file ("file", 0644, "");
  ck_assert_int_eq (mkdir ("dir", 0755), 0);
  qemu = (struct vmspec_qemu) { VMSPEC_INIT (vmspec_qemu),
                                .binary = "./emulator" };
  boot = (struct vmspec_boot) { VMSPEC_INIT (vmspec_boot), .kernel = "kernel",
                                .initrd = "initrd" };
  efi = (struct vmspec_efi) { VMSPEC_INIT (vmspec_efi) };
  tpm = (struct vmspec_tpm) { VMSPEC_INIT (vmspec_tpm), .swtpm = "/bin/sh" };
  spec = (struct vmspec) { VMSPEC_INIT (vmspec), .qemu = &qemu, .boot = &boot,
                           .efi = &efi, .tpm = &tpm,
                           .builtin_drives = VMSPEC_OFF };
  ck_assert_int_eq (vmspec_diag_new (&diag), 0);
}

static void
tear_down (void)
{
  vmspec_diag_free (diag);
  scratch_remove ();
}

static int
check_files (void)
{
  struct vmspec_host host = unit_host ();
  vmspec_plan *plan;
  int r;

  host.directory = scratch;
  if (programs)
    host.programs = programs;
  plan = unit_plan (&spec, &host);
  vmspec_diag_clear (diag);
  r = vmspec_plan_check_files (plan, diag);
  ck_assert_int_eq (vmspec_plan_check_files (plan, NULL), r);
  vmspec_plan_free (plan);
  return r;
}

static void
nothing (void)
{
  int r = check_files ();

  ck_assert_msg (r == 0 && !vmspec_diag_count (diag), "%d%s", r,
                 unit_findings (diag));
}

static void
only (const char *id, const char *path, const char *file)
{
  const struct vmspec_finding *f;

  ck_assert_int_eq (check_files (), -ENOENT);
  ck_assert_msg (vmspec_diag_count (diag) == 1, "%s", unit_findings (diag));
  f = vmspec_diag_get (diag, 0);
  ck_assert_str_eq (f->id, id);
  ck_assert_str_eq (f->path, path);
  ck_assert_uint_eq (f->severity, VMSPEC_SEVERITY_BLOCKER);
  ck_assert_msg (strstr (f->text, below (file)), "%s is not in '%s'", file,
                 f->text);
}

START_TEST (nothing_is_missing_where_everything_is_there)
{
  nothing ();
  boot.kernel = "dir/../kernel";
  boot.initrd = NULL;
  nothing ();
}
END_TEST

START_TEST (an_emulator_must_be_a_program)
{
  qemu.binary = "./absent";
  only ("qemu.missing", "qemu.binary", "absent");
  qemu.binary = "./file";
  only ("qemu.missing", "qemu.binary", "file");
}
END_TEST

START_TEST (files_that_are_missing_are_named)
{
  struct vmspec_drive drive
    = { VMSPEC_INIT (vmspec_drive), .file = "file" };

  boot.kernel = "absent";
  only ("file.missing", "boot.kernel", "absent");
  boot.kernel = "kernel";
  boot.initrd = "absent";
  only ("file.missing", "boot.initrd", "absent");
  boot.initrd = NULL;
  boot.bios = "absent";
  only ("file.missing", "boot.bios", "absent");
  boot.bios = NULL;
  spec.drives = LIST (vmspec_drive, &drive);
  nothing ();
  drive.file = "absent";
  only ("file.missing", "drives[0].file", "absent");
  drive.file = "/dev/null"; /* a device is as good as a file */
  nothing ();
}
END_TEST

START_TEST (firmware_and_its_variables_must_be_there)
{
  efi.enable = VMSPEC_ON;
  efi.firmware = below ("absent");
  efi.variables = below ("file");
  efi.state = "file";
  only ("file.missing", "efi.firmware", "absent");
  efi.firmware = below ("file");
  nothing ();
  efi.state = "absent";
  nothing ();
  efi.variables = below ("none");
  only ("file.missing", "efi.variables", "none");
}
END_TEST

START_TEST (kept_variables_are_beside_the_system_image)
{
  struct vmspec_disk disk = { VMSPEC_INIT (vmspec_disk) };

  spec.disk = &disk;
  efi.enable = efi.keep_variables = VMSPEC_ON;
  efi.firmware = efi.variables = below ("file");
  efi.state = "absent";
  only ("file.missing", "efi.state", "absent");
  disk.system_image = below ("dir/image");
  only ("file.missing", "disk.system_image", "dir/efi-vars.fd");
  make_file ("dir/efi-vars.fd", 0644, "");
  nothing ();
}
END_TEST

START_TEST (an_image_must_be_what_it_is_said_to_be)
{
  struct vmspec_drive drive = { VMSPEC_INIT (vmspec_drive), .file = "file",
                                .format = VMSPEC_IMAGE_FORMAT_QCOW2 };

  spec.drives = LIST (vmspec_drive, &drive);
  only ("image.format", "drives[0].file", "file");
  drive.format = VMSPEC_IMAGE_FORMAT_RAW;
  nothing ();
  drive.format = VMSPEC_IMAGE_FORMAT_UNSET;
  nothing ();
  drive.file = "overlay";
  ck_assert_int_eq (system ("qemu-img create -q -f qcow2 base 1M && "
                            "qemu-img create -q -f qcow2 -b base -F qcow2 "
                            "overlay && mv base away"), 0);
  only ("image.backing-missing", "drives[0].file", "overlay");
}
END_TEST

START_TEST (an_image_that_is_smaller_than_asked_for_is_said)
{
  struct vmspec_drive drive = { VMSPEC_INIT (vmspec_drive), .file = "file",
                                .format = VMSPEC_IMAGE_FORMAT_RAW, .size = 2 };

  spec.drives = LIST (vmspec_drive, &drive);
  ck_assert_int_eq (truncate ("file", 1 << 20), 0);
  ck_assert_int_eq (check_files (), 0);
  ck_assert_uint_eq (vmspec_diag_count (diag), 1);
  ck_assert_str_eq (vmspec_diag_get (diag, 0)->id, "image.small");
  ck_assert_str_eq (vmspec_diag_get (diag, 0)->path, "drives[0].size");
  ck_assert_int_eq (truncate ("file", 2 << 20), 0);
  nothing ();
}
END_TEST

START_TEST (an_image_that_is_in_use_is_named)
{
  struct vmspec_drive drive = { VMSPEC_INIT (vmspec_drive), .file = "file",
                                .format = VMSPEC_IMAGE_FORMAT_RAW };
  struct flock lock = { .l_type = F_RDLCK, .l_start = 201, .l_len = 1 };
  int fd = open ("file", O_RDWR | O_CLOEXEC);

  spec.drives = LIST (vmspec_drive, &drive);
  ck_assert_int_eq (fcntl (fd, F_OFD_SETLK, &lock), 0);
  only ("image.in-use", "drives[0].file", "file");
  close (fd);
  nothing ();
}
END_TEST

START_TEST (images_that_are_made_need_not_be_there)
{
  struct vmspec_drive drive
    = { VMSPEC_INIT (vmspec_drive), .file = "made", .size = 1 };
  struct vmspec_empty_disk empty = { VMSPEC_INIT (vmspec_empty_disk), .size = 1 };

  spec.drives = LIST (vmspec_drive, &drive);
  spec.empty_disks = LIST (vmspec_empty_disk, &empty);
  spec.builtin_drives = VMSPEC_ON;
  nothing ();
  drive.size = 0;
  only ("file.missing", "drives[0].file", "made");
}
END_TEST

START_TEST (a_directory_is_no_file)
{
  boot.kernel = "dir";
  only ("file.is-directory", "boot.kernel", "dir");
}
END_TEST

START_TEST (only_directories_are_shared)
{
  struct vmspec_share share = { VMSPEC_INIT (vmspec_share), .tag = "a",
                                .source = "dir", .target = "/t" };

  spec.shares = LIST (vmspec_share, &share);
  nothing ();
  share.source = "absent";
  only ("file.missing", "shares[0].source", "absent");
  share.source = "file";
  only ("file.not-directory", "shares[0].source", "file");
}
END_TEST

START_TEST (what_the_start_makes_need_not_be_there)
{
  struct vmspec_share share
    = { VMSPEC_INIT (vmspec_share), .tag = "a", .expand = VMSPEC_ON,
        .source = "$TMPDIR/xchg", .target = "/t" };

  spec.shares = LIST (vmspec_share, &share);
  nothing ();
}
END_TEST

START_TEST (a_kernel_in_elf_has_no_tpm)
{
  make_file ("vmlinux", 0644, "\177ELF and more");
  boot.kernel = "vmlinux";
  nothing ();
  tpm.enable = VMSPEC_ON;
  only ("boot.elf-kernel-and-tpm", "boot.kernel", "vmlinux");
  boot.kernel = "kernel";
  nothing ();
}
END_TEST

/* The start runs them. */
START_TEST (programs_for_a_tpm_must_be_there)
{
  tpm.swtpm = "./absent";
  tpm.provision = "./absent";
  nothing ();
  tpm.provision = NULL;
  tpm.enable = VMSPEC_ON;
  only ("tpm.missing", "tpm.swtpm", "absent");
  tpm.swtpm = "./file";
  only ("tpm.missing", "tpm.swtpm", "file");
  tpm.swtpm = "./emulator";
  nothing ();
  tpm.provision = "./absent";
  only ("tpm.missing", "tpm.provision", "absent");
  tpm.provision = "./file";
  only ("tpm.missing", "tpm.provision", "file");
  tpm.provision = "./emulator";
  nothing ();
}
END_TEST

START_TEST (a_new_tpm_takes_a_program_that_makes_it)
{
  tpm.enable = tpm.setup = VMSPEC_ON;
  ck_assert_int_eq (check_files (), -ENOENT);
  ck_assert_str_eq (vmspec_diag_get (diag, 0)->id, "tpm.missing");
  ck_assert_str_eq (vmspec_diag_get (diag, 0)->path, "tpm.setup");
  ck_assert_ptr_nonnull (strstr (vmspec_diag_get (diag, 0)->text,
                                 "swtpm_setup"));
  programs = LIST (vmspec_host_program, &unit_qemu,
                   &(struct vmspec_host_program) {
                     VMSPEC_INIT (vmspec_host_program),
                     .name = "swtpm_setup", .path = below ("emulator") });
  nothing ();
}
END_TEST

/* QEMU neither waits nor tries again. */
START_TEST (what_virtual_networks_connect_to_must_be_there)
{
  struct vmspec_network network
    = { VMSPEC_INIT (vmspec_network), .vlan_directory = "dir",
        .vlan_backend = VMSPEC_VLAN_BACKEND_VDE };

  spec.network = &network;
  only ("vlan.no-switch", "network.vlan_backend", "dir/1");
  ck_assert_int_eq (mkdir ("dir/1", 0700), 0);
  nothing ();
  ck_assert_int_eq (rmdir ("dir/1"), 0);
  network.vlan_switch = VMSPEC_ON;
  nothing ();
  network.vlan_switch = VMSPEC_OFF;
  network.vlan_backend = VMSPEC_VLAN_BACKEND_STREAM;
  nothing ();
  network.machine_number = 2;
  only ("vlan.no-peer", "network.vlan_backend", "dir/1");
  make_file ("dir/1", 0600, "");
  nothing ();
  /* The other one may come later. */
  network.vlan_backend = VMSPEC_VLAN_BACKEND_DGRAM;
  nothing ();
}
END_TEST

START_TEST (a_kernel_that_is_not_booted_is_not_looked_at)
{
  boot.direct = VMSPEC_OFF;
  boot.initrd = NULL;
  boot.kernel = "absent";
  nothing ();
}
END_TEST

/* A failed assertion of a child is told by its end. */
START_TEST (a_file_that_cannot_be_read_is_named)
{
  int status;
  pid_t pid;

  make_file ("secret", 0000, "");
  ck_assert_int_eq (chmod (scratch, 0755), 0);
  boot.kernel = "secret";
  pid = fork ();
  if (pid == 0) {
    be_nobody ();
    _exit (check_files () == -ENOENT && vmspec_diag_count (diag) == 1
             && unit_finding (diag, "file.unreadable") ? 0 : 1);
  }
  ck_assert_int_eq (waitpid (pid, &status, 0), pid);
  ck_assert_int_eq (status, 0);
}
END_TEST

START_TEST (an_image_that_cannot_be_written_is_named)
{
  struct vmspec_property readonly
    = { VMSPEC_INIT (vmspec_property), .name = "readonly", .value = "on" };
  struct vmspec_drive drive
    = { VMSPEC_INIT (vmspec_drive), .file = "image" };
  int status;
  pid_t pid;

  make_file ("image", 0444, "");
  ck_assert_int_eq (chmod (scratch, 0755), 0);
  spec.drives = LIST (vmspec_drive, &drive);
  pid = fork ();
  if (pid == 0) {
    be_nobody ();
    if (check_files () != -ENOENT || vmspec_diag_count (diag) != 1
        || !unit_finding (diag, "file.unwritable"))
      _exit (1);
    drive.drive_options = LIST (vmspec_property, &readonly);
    vmspec_diag_clear (diag);
    _exit (check_files () == 0 ? 0 : 2);
  }
  ck_assert_int_eq (waitpid (pid, &status, 0), pid);
  ck_assert_int_eq (status, 0);
}
END_TEST

START_TEST (everything_that_is_missing_is_said)
{
  struct vmspec_share share = { VMSPEC_INIT (vmspec_share), .tag = "a",
                                .source = "absent", .target = "/t" };

  spec.shares = LIST (vmspec_share, &share);
  boot.kernel = boot.initrd = "absent";
  qemu.binary = "./absent";
  ck_assert_int_eq (check_files (), -ENOENT);
  ck_assert_msg (vmspec_diag_count (diag) == 4, "%s", unit_findings (diag));
}
END_TEST

int
main (void)
{
  TCase *t = unit_case ("files");

  tcase_add_checked_fixture (t, set_up, tear_down);
  tcase_add_test (t, nothing_is_missing_where_everything_is_there);
  tcase_add_test (t, an_emulator_must_be_a_program);
  tcase_add_test (t, files_that_are_missing_are_named);
  tcase_add_test (t, firmware_and_its_variables_must_be_there);
  tcase_add_test (t, kept_variables_are_beside_the_system_image);
  tcase_add_test (t, an_image_must_be_what_it_is_said_to_be);
  tcase_add_test (t, an_image_that_is_smaller_than_asked_for_is_said);
  tcase_add_test (t, an_image_that_is_in_use_is_named);
  tcase_add_test (t, images_that_are_made_need_not_be_there);
  tcase_add_test (t, a_directory_is_no_file);
  tcase_add_test (t, only_directories_are_shared);
  tcase_add_test (t, what_the_start_makes_need_not_be_there);
  tcase_add_test (t, a_kernel_in_elf_has_no_tpm);
  tcase_add_test (t, programs_for_a_tpm_must_be_there);
  tcase_add_test (t, a_new_tpm_takes_a_program_that_makes_it);
  tcase_add_test (t, what_virtual_networks_connect_to_must_be_there);
  tcase_add_test (t, a_kernel_that_is_not_booted_is_not_looked_at);
  tcase_add_test (t, a_file_that_cannot_be_read_is_named);
  tcase_add_test (t, an_image_that_cannot_be_written_is_named);
  tcase_add_test (t, everything_that_is_missing_is_said);
  return unit_run ("files", t);
}
