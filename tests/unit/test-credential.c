/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a guest is handed by its host, and what cannot be handed over. */
#include "unit.h"

#define PATH_ENTRY "guest.credentials[0]"

static struct vmspec spec;
static struct vmspec_boot boot;
static struct vmspec_qemu qemu;
static struct vmspec_guest guest;
static struct vmspec_credential credential;
static const struct vmspec_credential *credentials[3];
static struct vmspec_host host;
static vmspec_diag *diag;

static void
set_up (void)
{
  boot = (struct vmspec_boot) { VMSPEC_INIT (vmspec_boot), .kernel = "k" };
  credential = (struct vmspec_credential) {
    VMSPEC_INIT (vmspec_credential), .name = "one", .value = "text" };
  credentials[0] = credentials[1] = NULL;
  guest = (struct vmspec_guest) { VMSPEC_INIT (vmspec_guest),
                                  .credentials = credentials };
  qemu = (struct vmspec_qemu) { VMSPEC_INIT (vmspec_qemu), .binary = "/q" };
  spec = (struct vmspec) { VMSPEC_INIT (vmspec), .boot = &boot,
                           .guest = &guest, .qemu = &qemu };
  host = unit_host ();
  ck_assert_int_eq (vmspec_diag_new (&diag), 0);
}

static void
tear_down (void)
{
  vmspec_diag_free (diag);
}

/* ---- rendering ----------------------------------------------------------- */

static void
has (uint32_t arch, const char *flag, const char *value)
{
  vmspec_plan *plan;

  spec.arch = arch;
  plan = unit_plan (&spec, &host);
  ck_assert_msg (unit_word (vmspec_plan_argv (plan), flag, value) >= 0,
                 "no %s '%s' in\n%s", flag, value, vmspec_plan_command (plan));
  vmspec_plan_free (plan);
}

START_TEST (nothing_is_told_that_was_not_asked_for)
{
  vmspec_plan *plan = unit_plan (&spec, &host);

  ck_assert_int_lt (unit_word (vmspec_plan_argv (plan), "-smbios", NULL), 0);
  ck_assert_int_lt (unit_word (vmspec_plan_argv (plan), "-fw_cfg", NULL), 0);
  vmspec_plan_free (plan);
}
END_TEST

START_TEST (x86_has_a_table_for_texts)
{
  credentials[0] = &credential;
  has (VMSPEC_ARCH_X86_64, "-smbios",
       "type=11,value=io.systemd.credential:one=text");
  has (VMSPEC_ARCH_I686, "-smbios",
       "type=11,value=io.systemd.credential:one=text");
  credential.value = "a,b";
  credential.name = "t,o";
  has (VMSPEC_ARCH_X86_64, "-smbios",
       "type=11,value=io.systemd.credential:t,,o=a,,b");
}
END_TEST

/* By RFC 4648's own examples, but with a blank in each. */
START_TEST (what_is_not_one_plain_word_is_encoded)
{
  static const char *const texts[][2] = {
    { "", "" }, { " ", "IA==" }, { "f ", "ZiA=" }, { "fo ", "Zm8g" },
    { "foo b", "Zm9vIGI=" }, { "a\nb", "YQpi" }, { "\xff\xfe", "//4=" },
  };
  char expected[100];

  credentials[0] = &credential;
  for (size_t i = 0; i < COUNT (texts); i++) {
    credential.value = texts[i][0];
    snprintf (expected, sizeof expected,
              "type=11,value=io.systemd.credential.binary:one=%s",
              texts[i][1]);
    has (VMSPEC_ARCH_X86_64, "-smbios", expected);
  }
}
END_TEST

START_TEST (arm_and_files_have_the_firmware_configuration)
{
  credentials[0] = &credential;
  credential.value = "a b,c\n";
  has (VMSPEC_ARCH_AARCH64, "-fw_cfg",
       "name=opt/io.systemd.credentials/one,string=a b,,c\n");
  credential.value = "";
  has (VMSPEC_ARCH_ARMV7L, "-fw_cfg",
       "name=opt/io.systemd.credentials/one,file=/dev/null");
  credential.value = NULL;
  credential.file = "a,b";
  has (VMSPEC_ARCH_X86_64, "-fw_cfg",
       "name=opt/io.systemd.credentials/one,file=/here/a,,b");
}
END_TEST

START_TEST (others_have_the_kernel_s_command_line)
{
  static const uint32_t archs[]
    = { VMSPEC_ARCH_RISCV64, VMSPEC_ARCH_RISCV32, VMSPEC_ARCH_POWERPC64LE,
        VMSPEC_ARCH_S390X };
  static const struct vmspec_credential second
    = { VMSPEC_INIT (vmspec_credential), .name = "two", .value = "a \"b\"" };

  credentials[0] = &credential;
  credentials[1] = &second;
  qemu.consoles = STRINGS ("c0");
  for (size_t i = 0; i < COUNT (archs); i++)
    has (archs[i], "-append",
         "console=c0 systemd.set_credential=one:text "
         "systemd.set_credential_binary=two:YSAiYiI=");
}
END_TEST

START_TEST (names_keys_and_mounts_have_well_known_names)
{
  guest.hostname = "h.example";
  has (VMSPEC_ARCH_X86_64, "-smbios",
       "type=11,value=io.systemd.credential:system.hostname=h.example");
  guest.ssh_keys = STRINGS ("ssh-ed25519 A", "ssh-rsa B me");
  has (VMSPEC_ARCH_AARCH64, "-fw_cfg",
       "name=opt/io.systemd.credentials/ssh.authorized_keys.root,"
       "string=ssh-ed25519 A\nssh-rsa B me\n");
}
END_TEST

START_TEST (all_mounts_but_the_root_are_told)
{
  guest.mounts = VMSPEC_ON;
  spec.builtin_shares = VMSPEC_OFF;
  spec.shares = LIST (vmspec_share, &(struct vmspec_share) {
    VMSPEC_INIT (vmspec_share), .tag = "src", .source = "/s",
    .target = "/mnt/a b" });
  has (VMSPEC_ARCH_AARCH64, "-fw_cfg",
       "name=opt/io.systemd.credentials/fstab.extra,string="
       "src /mnt/a\\040b 9p trans=virtio,,version=9p2000.L,,msize=16384 0 0\n");
}
END_TEST

/* ---- findings ------------------------------------------------------------ */

static const struct vmspec_finding *
only (uint32_t severity, const char *id, const char *path)
{
  const struct vmspec_finding *f;
  int r;

  vmspec_diag_clear (diag);
  r = vmspec_check (&spec, &host, diag);
  f = vmspec_diag_get (diag, 0);
  ck_assert_msg (vmspec_diag_count (diag) == 1, "%s", unit_findings (diag));
  ck_assert_str_eq (f->id, id);
  ck_assert_str_eq (f->path, path);
  ck_assert_uint_eq (f->severity, severity);
  ck_assert_int_eq (r, severity == VMSPEC_SEVERITY_ERROR ? -EINVAL : 0);
  return f;
}

static void
nothing (void)
{
  vmspec_diag_clear (diag);
  ck_assert_int_eq (vmspec_check (&spec, &host, diag), 0);
  ck_assert_msg (vmspec_diag_count (diag) == 0, "%s", unit_findings (diag));
}

START_TEST (host_names_are_those_of_rfc_1123)
{
  static const char *const good[]
    = { "a", "a-b", "0.x", "A.b-c.d", "az.AZ.09", "x23456789012345678901234567890"
        "1234567890123456789012345678901" };
  static const char *const bad[]
    = { "-a", "a-", "a..b", ".a", "a.", "a_b", "a b", "a.-b", "a-.b",
        "a/b", "a:b", "a@b", "a[b", "a`b", "a{b",
        "\xc3\xa4", "x2345678901234567890123456789012345678901234567890"
        "12345678901234" };

  for (size_t i = 0; i < COUNT (good); i++) {
    guest.hostname = good[i];
    nothing ();
  }
  for (size_t i = 0; i < COUNT (bad); i++) {
    guest.hostname = bad[i];
    only (VMSPEC_SEVERITY_ERROR, "guest.hostname", "guest.hostname");
  }
}
END_TEST

START_TEST (keys_are_one_line_and_public)
{
  static const char *const bad[]
    = { "", "key", "ssh-rsa A\nssh-rsa B",
        "-----BEGIN OPENSSH PRIVATE KEY-----" };

  for (size_t i = 0; i < COUNT (bad); i++) {
    guest.ssh_keys = STRINGS ("ssh-rsa A", bad[i]);
    only (VMSPEC_SEVERITY_ERROR, "guest.ssh-key", "guest.ssh_keys[1]");
  }
}
END_TEST

START_TEST (names_are_those_that_systemd_takes)
{
  static const char *const bad[]
    = { ".", "..", "a b", "a=b", "a\"b", "a'b", "a\\b", "a/b", "a:b", "a\n", "\x7f", "\xc3\xa4" };
  char name[257];

  credentials[0] = &credential;
  memset (name, 'x', sizeof name);
  name[255] = '\0';
  credential.name = name;
  nothing ();
  name[255] = 'x';
  name[256] = '\0';
  only (VMSPEC_SEVERITY_ERROR, "credential.name", PATH_ENTRY);
  for (size_t i = 0; i < COUNT (bad); i++) {
    credential.name = bad[i];
    only (VMSPEC_SEVERITY_ERROR, "credential.name", PATH_ENTRY);
  }
}
END_TEST

START_TEST (names_are_taken_once)
{
  static const struct vmspec_credential same
    = { VMSPEC_INIT (vmspec_credential), .name = "one", .value = "" };

  credentials[0] = &credential;
  credentials[1] = &same;
  only (VMSPEC_SEVERITY_ERROR, "credential.twice", "guest.credentials[1]");
  credentials[1] = NULL;
  credential.name = "system.hostname";
  nothing ();
  guest.hostname = "h";
  only (VMSPEC_SEVERITY_ERROR, "credential.twice", PATH_ENTRY);
}
END_TEST

START_TEST (content_is_a_value_or_a_file)
{
  credentials[0] = &credential;
  credential.file = "f";
  only (VMSPEC_SEVERITY_ERROR, "credential.content", PATH_ENTRY);
  credential.file = credential.value = NULL;
  nothing ();
  has (VMSPEC_ARCH_X86_64, "-smbios",
       "type=11,value=io.systemd.credential.binary:one=");
}
END_TEST

START_TEST (names_of_files_are_short)
{
  credentials[0] = &credential;
  credential.name = "a2345678901234567890123456789";
  nothing ();
  credential.value = NULL;
  credential.file = "f";
  only (VMSPEC_SEVERITY_BLOCKER, "credential.long-name", PATH_ENTRY);
  credential.name++;
  nothing ();
}
END_TEST

START_TEST (machines_without_a_device_take_texts_of_a_direct_boot)
{
  spec.arch = VMSPEC_ARCH_S390X;
  credentials[0] = &credential;
  nothing ();
  boot.kernel = NULL;
  only (VMSPEC_SEVERITY_BLOCKER, "credential.unsupported", PATH_ENTRY);
  credential.value = NULL;
  credential.file = "f";
  only (VMSPEC_SEVERITY_BLOCKER, "credential.file", PATH_ENTRY);
  credentials[0] = NULL;
  guest.mounts = VMSPEC_ON;
  only (VMSPEC_SEVERITY_BLOCKER, "credential.unsupported", "guest.mounts");
  guest.mounts = VMSPEC_OFF;
  guest.ssh_keys = STRINGS ("ssh-rsa A");
  only (VMSPEC_SEVERITY_BLOCKER, "credential.unsupported", "guest.ssh_keys");
}
END_TEST

START_TEST (there_is_room_for_so_much)
{
  static char large[60001];

  memset (large, 'x', sizeof large - 1);
  credentials[0] = &credential;
  large[1000] = '\0';
  credential.value = large;
  nothing ();
  spec.arch = VMSPEC_ARCH_POWERPC64;
  nothing ();
  large[1000] = 'x';
  large[2000] = '\0';
  only (VMSPEC_SEVERITY_BLOCKER, "boot.long-command-line",
        "boot.kernel_params");
  /* What is plain is not made longer. */
  spec.arch = VMSPEC_ARCH_RISCV64;
  large[900] = '\0';
  nothing ();
  large[900] = 'x';
  spec.arch = VMSPEC_ARCH_X86_64;
  nothing ();
  large[2000] = 'x';
  only (VMSPEC_SEVERITY_BLOCKER, "credential.size", "guest.credentials");
}
END_TEST

/* A third more for base64, and 40 bytes for what stands before it. */
START_TEST (texts_share_60000_bytes)
{
  static char large[44968 + 1];

  memset (large, 'x', sizeof large - 1);
  credential.name = "four";
  credential.value = large;
  credentials[0] = &credential;
  large[sizeof large - 2] = '\0';
  nothing ();
  large[sizeof large - 2] = 'x';
  only (VMSPEC_SEVERITY_BLOCKER, "credential.size", "guest.credentials");
}
END_TEST

START_TEST (kernels_have_room_for_so_many_parameters)
{
  static const struct {
    uint32_t arch;
    size_t max;
  } all[] = {
    { VMSPEC_ARCH_X86_64, 2047 }, { VMSPEC_ARCH_AARCH64, 2047 },
    { VMSPEC_ARCH_ARMV7L, 1023 }, { VMSPEC_ARCH_POWERPC64LE, 2047 },
    { VMSPEC_ARCH_RISCV64, 1023 }, { VMSPEC_ARCH_S390X, 4095 },
    { VMSPEC_ARCH_I686, 2047 }, { VMSPEC_ARCH_POWERPC64, 2047 },
    { VMSPEC_ARCH_RISCV32, 1023 },
  };
  static char text[5000];

  memset (text, 'x', sizeof text - 1);
  boot.kernel_params = STRINGS (text);
  qemu.consoles = STRINGS ("c");
  for (size_t i = 0; i < COUNT (all); i++) {
    size_t size = all[i].max - strlen (" console=c");

    spec.arch = all[i].arch;
    text[size] = '\0';
    nothing ();
    text[size] = 'x';
    text[size + 1] = '\0';
    only (VMSPEC_SEVERITY_BLOCKER, "boot.long-command-line",
          "boot.kernel_params");
    text[size + 1] = 'x';
  }
}
END_TEST

START_TEST (a_store_cannot_be_laid_over_by_fstab)
{
  struct vmspec_store store = { VMSPEC_INIT (vmspec_store),
                                .writable = VMSPEC_ON };

  spec.store = &store;
  nothing ();
  guest.mounts = VMSPEC_ON;
  only (VMSPEC_SEVERITY_WARNING, "guest.mounts-overlay", "guest.mounts");
}
END_TEST

START_TEST (blanks_around_a_key_are_none_of_it)
{
  guest.ssh_keys = STRINGS ("\n  ssh-rsa A \n", "ssh-rsa B");
  nothing ();
  has (VMSPEC_ARCH_AARCH64, "-fw_cfg",
       "name=opt/io.systemd.credentials/ssh.authorized_keys.root,"
       "string=ssh-rsa A\nssh-rsa B\n");
}
END_TEST

START_TEST (there_is_room_for_so_many)
{
  static struct vmspec_credential many[256];
  static const struct vmspec_credential *list[257];
  static char names[256][8];

  guest.credentials = list;
  for (size_t i = 0; i < COUNT (many); i++) {
    snprintf (names[i], sizeof names[i], "c%zu", i);
    many[i] = (struct vmspec_credential) { VMSPEC_INIT (vmspec_credential),
                                           .name = names[i] };
    list[i] = &many[i];
  }
  list[255] = NULL;
  nothing ();
  list[255] = &many[255];
  only (VMSPEC_SEVERITY_BLOCKER, "credential.too-many", "guest.credentials");
  spec.arch = VMSPEC_ARCH_AARCH64;
  list[16] = NULL;
  nothing ();
  list[16] = &many[16];
  list[17] = NULL;
  ck_assert_ptr_nonnull (
    strstr (only (VMSPEC_SEVERITY_BLOCKER, "credential.too-many",
                  "guest.credentials")->text,
            "; put several into one"));
  spec.arch = VMSPEC_ARCH_X86_64;
  nothing ();
  for (size_t i = 0; i < 17; i++)
    many[i].file = "f";
  ck_assert_ptr_nonnull (
    strstr (only (VMSPEC_SEVERITY_BLOCKER, "credential.too-many",
                  "guest.credentials")->text,
            "; say value in place of file"));
}
END_TEST

START_TEST (a_file_has_to_be_there)
{
  vmspec_plan *plan;
  int found = 0;

  credential.value = NULL;
  credential.file = "/does/not/exist";
  credentials[0] = &credential;
  plan = unit_plan (&spec, &host);
  ck_assert_int_eq (vmspec_plan_check_files (plan, diag), -ENOENT);
  for (size_t i = 0; i < vmspec_diag_count (diag); i++)
    found |= !strcmp (vmspec_diag_get (diag, i)->path, PATH_ENTRY ".file");
  ck_assert_msg (found, "%s", unit_findings (diag));
  vmspec_plan_free (plan);
}
END_TEST

int
main (void)
{
  TCase *tcase = unit_case ("credential");

  tcase_add_checked_fixture (tcase, set_up, tear_down);
  tcase_add_test (tcase, nothing_is_told_that_was_not_asked_for);
  tcase_add_test (tcase, x86_has_a_table_for_texts);
  tcase_add_test (tcase, what_is_not_one_plain_word_is_encoded);
  tcase_add_test (tcase, arm_and_files_have_the_firmware_configuration);
  tcase_add_test (tcase, others_have_the_kernel_s_command_line);
  tcase_add_test (tcase, names_keys_and_mounts_have_well_known_names);
  tcase_add_test (tcase, all_mounts_but_the_root_are_told);
  tcase_add_test (tcase, host_names_are_those_of_rfc_1123);
  tcase_add_test (tcase, keys_are_one_line_and_public);
  tcase_add_test (tcase, names_are_those_that_systemd_takes);
  tcase_add_test (tcase, names_are_taken_once);
  tcase_add_test (tcase, content_is_a_value_or_a_file);
  tcase_add_test (tcase, names_of_files_are_short);
  tcase_add_test (tcase, machines_without_a_device_take_texts_of_a_direct_boot);
  tcase_add_test (tcase, there_is_room_for_so_much);
  tcase_add_test (tcase, there_is_room_for_so_many);
  tcase_add_test (tcase, texts_share_60000_bytes);
  tcase_add_test (tcase, kernels_have_room_for_so_many_parameters);
  tcase_add_test (tcase, a_store_cannot_be_laid_over_by_fstab);
  tcase_add_test (tcase, blanks_around_a_key_are_none_of_it);
  tcase_add_test (tcase, a_file_has_to_be_there);
  return unit_run ("credential", tcase);
}
