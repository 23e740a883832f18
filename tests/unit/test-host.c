/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "arch.h"
#include "host.h"

static struct arena arena;
static struct vmspec_host host;

static void
set_up (void)
{
  host = unit_host ();
}

static void
tear_down (void)
{
  vms_arena_free (&arena);
}

START_TEST (relative_paths_start_at_the_hosts_directory)
{
  static const char *const cases[][2] = {
    { "a", "/here/a" },
    { "a/b", "/here/a/b" },
    { "./a", "/here/a" },
    { "././a/./b/.", "/here/a/b" },
    { "a//b///c/", "/here/a/b/c" },
    { ".", "/here" },
    { "", "/here" },
    { "./", "/here" },
    /* What ".." leads to depends on links, so it stays. */
    { "../a", "/here/../a" },
    { "a/../b", "/here/a/../b" },
    { "..a/.b/...", "/here/..a/.b/..." },
    { "a b,c", "/here/a b,c" },
  };

  for (size_t i = 0; i < COUNT (cases); i++)
    ck_assert_str_eq (vms_host_absolute (&arena, &host, cases[i][0]),
                      cases[i][1]);
}
END_TEST

START_TEST (absolute_paths_are_left_alone)
{
  static const char *const paths[] = { "/", "//", "/a/./b//c", "/dev/null" };

  for (size_t i = 0; i < COUNT (paths); i++)
    ck_assert_ptr_eq (vms_host_absolute (&arena, &host, paths[i]), paths[i]);
  ck_assert_ptr_null (vms_host_absolute (&arena, &host, NULL));
}
END_TEST

START_TEST (without_a_directory_paths_start_at_the_root)
{
  host.directory = NULL;
  ck_assert_str_eq (vms_host_absolute (&arena, &host, "a"), "/a");
  host.directory = "/";
  ck_assert_str_eq (vms_host_absolute (&arena, &host, "./a"), "/a");
  ck_assert_str_eq (vms_host_absolute (&arena, &host, "."), "/");
}
END_TEST

START_TEST (what_is_made_absolute_stays_the_same)
{
  static const char *const parts[] = { "a", ".", "..", "/", "b", "/", "//" };

  for (unsigned i = 0; i < unit_rounds (5000); i++) {
    struct random r = { i };
    char path[100], *end = path;
    const char *once;

    *path = '\0';
    for (size_t n = random_below (&r, 8); n; n--)
      end = stpcpy (end, parts[random_below (&r, COUNT (parts))]);
    if (*path == '/')
      continue;
    once = vms_host_absolute (&arena, &host, path);
    ck_assert_int_eq (*once, '/');
    ck_assert_ptr_null (strstr (once, "//"));
    ck_assert_ptr_null (strstr (once, "/./"));
    ck_assert_str_eq (vms_host_absolute (&arena, &host, once), once);
    ck_assert_str_eq (
      vms_host_absolute (&arena, &host,
                         vms_arena_concat (&arena, "./", path, "/", (char *) NULL)),
      once);
  }
}
END_TEST

START_TEST (real_paths_are_those_that_are_known)
{
  struct vmspec_host_file link = { VMSPEC_INIT (vmspec_host_file),
                                   .type = VMSPEC_FILE_TYPE_FILE,
                                   .path = "/here/link",
                                   .real_path = "/data/disk" };
  struct vmspec_host_file plain = { VMSPEC_INIT (vmspec_host_file),
                                    .path = "/here/plain" };

  host.files = LIST (vmspec_host_file, &link, &plain);
  ck_assert_str_eq (vms_host_real_path (&arena, &host, "./link"), "/data/disk");
  ck_assert_str_eq (vms_host_real_path (&arena, &host, "/here/link"), "/data/disk");
  ck_assert_str_eq (vms_host_real_path (&arena, &host, "plain"), "/here/plain");
  ck_assert_str_eq (vms_host_real_path (&arena, &host, "other"), "/here/other");
  ck_assert_ptr_eq (vms_host_file (&host, "/here/plain"), &plain);
  ck_assert_ptr_null (vms_host_file (&host, "/here"));
  ck_assert_ptr_null (vms_host_file (&host, NULL));
  host.files = NULL;
  ck_assert_ptr_null (vms_host_file (&host, "/here/plain"));
}
END_TEST

START_TEST (a_program_is_looked_up_by_name_and_taken_by_path)
{
  ck_assert_str_eq (vms_host_program (&host, "qemu-system-x86_64"),
                    "/bin/qemu-system-x86_64");
  ck_assert_ptr_null (vms_host_program (&host, "qemu-system-x86"));
  ck_assert_str_eq (vms_host_program (&host, "./nc"), "./nc");
  ck_assert_str_eq (vms_host_program (&host, "/opt/nc"), "/opt/nc");
  host.programs = NULL;
  ck_assert_ptr_null (vms_host_program (&host, "nc"));
}
END_TEST

START_TEST (the_first_firmware_that_fits_is_taken)
{
#define FIRMWARE(arch_, secure, name)                                          \
  &(struct vmspec_host_firmware) {                                             \
    VMSPEC_INIT (vmspec_host_firmware), .arch = VMSPEC_ARCH_##arch_,           \
    .secure_boot = secure, .firmware = name, .variables = "v" }
  host.firmware
    = LIST (vmspec_host_firmware, FIRMWARE (AARCH64, VMSPEC_OFF, "arm"),
            FIRMWARE (X86_64, VMSPEC_ON, "secure"),
            FIRMWARE (X86_64, VMSPEC_UNSET, "first"),
            FIRMWARE (X86_64, VMSPEC_OFF, "second"));
  ck_assert_str_eq (vms_host_firmware (&host, VMSPEC_ARCH_X86_64, 0)->firmware,
                    "first");
  ck_assert_str_eq (vms_host_firmware (&host, VMSPEC_ARCH_X86_64, 1)->firmware,
                    "secure");
  ck_assert_str_eq (vms_host_firmware (&host, VMSPEC_ARCH_AARCH64, 0)->firmware,
                    "arm");
  ck_assert_ptr_null (vms_host_firmware (&host, VMSPEC_ARCH_AARCH64, 1));
  host.firmware = NULL;
  ck_assert_ptr_null (vms_host_firmware (&host, VMSPEC_ARCH_X86_64, 0));
}
END_TEST

START_TEST (firmware_says_by_its_path_what_it_needs)
{
  host.firmware = LIST (
    vmspec_host_firmware,
    &(struct vmspec_host_firmware) {
      VMSPEC_INIT (vmspec_host_firmware), .firmware = "/a", .smm = VMSPEC_OFF },
    &(struct vmspec_host_firmware) {
      VMSPEC_INIT (vmspec_host_firmware), .firmware = "/b", .smm = VMSPEC_ON },
    &(struct vmspec_host_firmware) {
      VMSPEC_INIT (vmspec_host_firmware), .firmware = "/c" });
  ck_assert (!vms_host_firmware_needs_smm (&host, "/a"));
  ck_assert (vms_host_firmware_needs_smm (&host, "/b"));
  ck_assert (!vms_host_firmware_needs_smm (&host, "/c"));
  ck_assert (!vms_host_firmware_needs_smm (&host, "/d"));
  ck_assert (!vms_host_firmware_needs_smm (&host, NULL));
  host.firmware = NULL;
  ck_assert (!vms_host_firmware_needs_smm (&host, "/b"));
}
END_TEST

START_TEST (a_host_that_was_given_is_copied_and_nothing_is_looked_up)
{
  struct vmspec spec = { VMSPEC_INIT (vmspec) };
  const struct vmspec_host *ours = NULL;

  host.os = VMSPEC_OS_DARWIN;
  ck_assert_int_eq (vms_host_or_detect (&spec, &host, &arena, NULL, &ours), 0);
  ck_assert_ptr_ne (ours, &host);
  ck_assert_uint_eq (ours->os, VMSPEC_OS_DARWIN);
  ck_assert_str_eq (ours->directory, "/here");
  ck_assert_ptr_ne (ours->directory, host.directory);
}
END_TEST

START_TEST (a_processor_has_the_names_that_kernels_give_it)
{
  static const struct {
    const char *machine;
    uint32_t arch;
  } names[] = {
    { "x86_64", VMSPEC_ARCH_X86_64 },   { "amd64", VMSPEC_ARCH_X86_64 },
    { "i386", VMSPEC_ARCH_I686 },       { "i586", VMSPEC_ARCH_I686 },
    { "i686", VMSPEC_ARCH_I686 },       { "aarch64", VMSPEC_ARCH_AARCH64 },
    { "arm64", VMSPEC_ARCH_AARCH64 },   { "armv7l", VMSPEC_ARCH_ARMV7L },
    { "armv8l", VMSPEC_ARCH_ARMV7L },   { "ppc64", VMSPEC_ARCH_POWERPC64 },
    { "ppc64le", VMSPEC_ARCH_POWERPC64LE }, { "vax", VMSPEC_ARCH_UNSET },
  };

  for (size_t i = 0; i < COUNT (names); i++)
    ck_assert_msg (vms_arch_by_machine (names[i].machine) == names[i].arch,
                   "%s", names[i].machine);
}
END_TEST

START_TEST (a_host_runs_guests_of_its_own_kind_only_with_its_processor)
{
  ck_assert (vms_arch_kvm (VMSPEC_ARCH_X86_64, VMSPEC_ARCH_X86_64));
  ck_assert (vms_arch_kvm (VMSPEC_ARCH_X86_64, VMSPEC_ARCH_I686));
  ck_assert (!vms_arch_kvm (VMSPEC_ARCH_I686, VMSPEC_ARCH_X86_64));
  ck_assert (!vms_arch_kvm (VMSPEC_ARCH_X86_64, VMSPEC_ARCH_AARCH64));
  ck_assert (vms_arch_kvm (VMSPEC_ARCH_AARCH64, VMSPEC_ARCH_AARCH64));
  ck_assert (!vms_arch_kvm (VMSPEC_ARCH_AARCH64, VMSPEC_ARCH_ARMV7L));
  ck_assert (!vms_arch_kvm (VMSPEC_ARCH_UNSET, VMSPEC_ARCH_X86_64));
  ck_assert (!vms_arch_kvm (VMSPEC_ARCH_X86_64, VMSPEC_ARCH_UNSET));
}
END_TEST

START_TEST (no_host_is_this_machine)
{
  const struct vmspec_host *found = NULL;
  const struct vmspec empty = { VMSPEC_INIT (vmspec) };

  ck_assert_int_eq (vms_host_or_detect (&empty, NULL, &arena, NULL, &found), 0);
  ck_assert_str_ne (found->directory, "");
  ck_assert_ptr_nonnull (found->run_name);
}
END_TEST

int
main (void)
{
  TCase *t = unit_case ("host");

  tcase_add_checked_fixture (t, set_up, tear_down);
  tcase_add_test (t, relative_paths_start_at_the_hosts_directory);
  tcase_add_test (t, absolute_paths_are_left_alone);
  tcase_add_test (t, without_a_directory_paths_start_at_the_root);
  tcase_add_test (t, what_is_made_absolute_stays_the_same);
  tcase_add_test (t, real_paths_are_those_that_are_known);
  tcase_add_test (t, a_program_is_looked_up_by_name_and_taken_by_path);
  tcase_add_test (t, the_first_firmware_that_fits_is_taken);
  tcase_add_test (t, firmware_says_by_its_path_what_it_needs);
  tcase_add_test (t,
                  a_host_that_was_given_is_copied_and_nothing_is_looked_up);
  tcase_add_test (t, a_processor_has_the_names_that_kernels_give_it);
  tcase_add_test (t,
                  a_host_runs_guests_of_its_own_kind_only_with_its_processor);
  tcase_add_test (t, no_host_is_this_machine);
  return unit_run ("host", t);
}
