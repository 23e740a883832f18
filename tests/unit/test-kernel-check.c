/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Kernels that are looked at: configurations and directories of modules, good,
 * bad and hostile. */
#include "scratch.h"

#include <sys/resource.h>
#include <sys/wait.h>
#include <zlib.h>

#include "kernel-check.h"

#define MIB ((size_t) 1 << 20)

#define NEED(what, in_module, where, is_builtin)                               \
  &(const struct vmspec_kernel_need) {                                         \
    VMSPEC_INIT (vmspec_kernel_need), .symbol = what, .module = in_module,     \
    .option = where, .builtin = is_builtin }
#define NEEDS(...) LIST (vmspec_kernel_need, __VA_ARGS__)

static const struct vmspec_kernel_need *const *needs_9p;
static const struct vmspec_kernel_need *const *needs_more;
static struct vmspec_guest_settings settings;
static vmspec_diag *diag;
static int descriptors;

static void
set_up (void)
{
  static const struct vmspec_kernel_need p9
    = { VMSPEC_INIT (vmspec_kernel_need), .symbol = "9P_FS", .module = "9p",
        .option = "shares", .builtin = VMSPEC_OFF };
  static const struct vmspec_kernel_need inet
    = { VMSPEC_INIT (vmspec_kernel_need), .symbol = "INET",
        .option = "qemu.builtin_network", .builtin = VMSPEC_ON };
  static const struct vmspec_kernel_need rng
    = { VMSPEC_INIT (vmspec_kernel_need), .symbol = "HW_RANDOM_VIRTIO",
        .module = "virtio_rng", .option = "", .builtin = VMSPEC_OFF };
  static const struct vmspec_kernel_need *const one[] = { &p9, NULL };
  static const struct vmspec_kernel_need *const more[]
    = { &p9, &inet, &rng, NULL };

  scratch_make ();
  ck_assert_int_eq (vmspec_diag_new (&diag), 0);
  needs_9p = one;
  needs_more = more;
  settings = (struct vmspec_guest_settings) {
    VMSPEC_INIT (vmspec_guest_settings), .kernel_needs = needs_9p };
  descriptors = unit_descriptors ();
}

static void
tear_down (void)
{
  ck_assert_int_eq (unit_descriptors (), descriptors);
  vmspec_diag_free (diag);
  scratch_remove ();
}

/* ---- helpers ------------------------------------------------------------ */

static void
write_bytes (const char *path, const void *bytes, size_t size)
{
  FILE *file = fopen (path, "we");

  ck_assert_ptr_nonnull (file);
  ck_assert_uint_eq (fwrite (bytes, 1, size, file), size);
  ck_assert_int_eq (fclose (file), 0);
}

static void
write_gzip (const char *path, const char *mode, const void *bytes, size_t size)
{
  gzFile file = gzopen (path, mode);

  ck_assert_ptr_nonnull (file);
  ck_assert_int_eq (gzwrite (file, bytes, (unsigned) size), (int) size);
  ck_assert_int_eq (gzclose (file), Z_OK);
}

/* Nobody has to listen. */
static int
check_config (const char *file)
{
  int untold = vmspec_check_kernel_config (&settings, file, NULL), r;

  vmspec_diag_clear (diag);
  r = vmspec_check_kernel_config (&settings, file, diag);
  ck_assert_int_eq (untold, r);
  return r;
}

static int
check_modules (const char *directory)
{
  int untold = vmspec_check_kernel_modules (&settings, directory, NULL), r;

  vmspec_diag_clear (diag);
  r = vmspec_check_kernel_modules (&settings, directory, diag);
  ck_assert_int_eq (untold, r);
  return r;
}

static int
check_bytes (const void *bytes, size_t size)
{
  write_bytes (below ("config"), bytes, size);
  return check_config (below ("config"));
}

static int
check_text (const char *text)
{
  return check_bytes (text, strlen (text));
}

static int
check_dep (const char *dependencies, const char *builtin)
{
  write_bytes (below ("modules.dep"), dependencies, strlen (dependencies));
  write_bytes (below ("modules.builtin"), builtin, strlen (builtin));
  return check_modules (scratch);
}

/* "ID (PATH)" of each finding, a line each. */
static const char *
found (void)
{
  static char text[8192];
  size_t used = 0;

  text[0] = '\0';
  for (size_t i = 0; i < vmspec_diag_count (diag); i++) {
    const struct vmspec_finding *f = vmspec_diag_get (diag, i);

    used += (size_t) snprintf (text + used, sizeof text - used, "%s%s (%s)",
                               i ? "\n" : "", f->id, f->path);
    ck_assert_uint_lt (used, sizeof text);
  }
  return text;
}

/* The text of the only finding holds all of these. */
#define SAYS(...) says (STRINGS (__VA_ARGS__))

static void
says (const char *const *wanted)
{
  ck_assert_uint_eq (vmspec_diag_count (diag), 1);
  for (; *wanted; wanted++)
    ck_assert_msg (strstr (vmspec_diag_get (diag, 0)->text, *wanted),
                   "\"%s\" is missing in: %s", *wanted, unit_findings (diag));
}

static void
says_not (const char *unwanted)
{
  ck_assert_msg (!strstr (vmspec_diag_get (diag, 0)->text, unwanted), "%s",
                 unit_findings (diag));
}

/* ---- what is missing ---------------------------------------------------- */

START_TEST (a_kernel_that_has_everything_will_do)
{
  settings.kernel_needs = needs_more;
  ck_assert_int_eq (check_text ("# Linux/x86 6.1 Kernel Configuration\n\n"
                                "CONFIG_9P_FS=m\nCONFIG_HW_RANDOM_VIRTIO=y\n"
                                "CONFIG_LOCALVERSION=\"\"\nCONFIG_NR_CPUS=8\n"
                                "CONFIG_INET=y\n"), 0);
  ck_assert_str_eq (found (), "");
  ck_assert_int_eq (check_dep ("kernel/fs/9p/9p.ko:\n",
                               "kernel/drivers/char/hw_random/virtio-rng.ko\n"),
                    0);
  ck_assert_str_eq (found (), "");
}
END_TEST

START_TEST (what_is_not_set_is_named_with_a_remedy)
{
  ck_assert_int_eq (check_text ("# CONFIG_9P_FS is not set\n"), -ENOEXEC);
  ck_assert_str_eq (found (), "kernel.missing (shares)");
  SAYS (below ("config"), ": CONFIG_9P_FS is not set, ",
        "the option shares needs it;", "CONFIG_9P_FS=y or =m (module 9p)",
        "or change shares");
  ck_assert_int_eq (vmspec_diag_get (diag, 0)->severity,
                    VMSPEC_SEVERITY_ERROR);
}
END_TEST

START_TEST (each_missing_symbol_is_a_finding)
{
  settings.kernel_needs = needs_more;
  ck_assert_int_eq (check_text ("CONFIG_X=y\n"), -ENOEXEC);
  ck_assert_str_eq (found (), "kernel.missing (shares)\n"
                              "kernel.missing (qemu.builtin_network)\n"
                              "kernel.missing ()");
}
END_TEST

START_TEST (what_every_machine_needs_is_no_option)
{
  settings.kernel_needs = NEEDS (needs_more[2]);
  ck_assert_int_eq (check_text ("CONFIG_X=y\n"), -ENOEXEC);
  SAYS ("and every machine needs it;", "or take another one");
  says_not ("change");
  settings.kernel_needs = NEEDS (NEED ("A", NULL, NULL, VMSPEC_UNSET));
  ck_assert_int_eq (check_text ("CONFIG_X=y\n"), -ENOEXEC);
  SAYS ("and every machine needs it;");
}
END_TEST

START_TEST (a_module_will_not_always_do)
{
  settings.kernel_needs = NEEDS (needs_more[1]);
  ck_assert_int_eq (check_text ("CONFIG_INET=m\n"), -ENOEXEC);
  ck_assert_str_eq (found (), "kernel.module (qemu.builtin_network)");
  SAYS ("CONFIG_INET is a module (=m)", "needs it built in", "CONFIG_INET=y");
  says_not ("or =m");
  ck_assert_int_eq (check_text ("CONFIG_X=m\n"), -ENOEXEC);
  ck_assert_str_eq (found (), "kernel.missing (qemu.builtin_network)");
  SAYS ("needs it built in", "CONFIG_INET=y");
  says_not ("or =m");
}
END_TEST

START_TEST (a_module_that_must_be_built_in_is_one_of_modules_builtin)
{
  settings.kernel_needs = NEEDS (NEED ("A", "a", "x", VMSPEC_ON));
  ck_assert_int_eq (check_dep ("a.ko:\n", ""), -ENOEXEC);
  ck_assert_str_eq (found (), "kernel.module (x)");
  SAYS (scratch, "the module a is not built in,", "CONFIG_A=y (module a)");
  ck_assert_int_eq (check_dep ("a.ko:\n", "a.ko\n"), 0);
  ck_assert_int_eq (check_dep ("b.ko:\n", "a.ko\n"), 0);
}
END_TEST

START_TEST (the_same_is_missing_once)
{
  settings.kernel_needs
    = NEEDS (NEED ("A", "a", "first", VMSPEC_OFF), needs_9p[0],
             NEED ("A", "a", "second", VMSPEC_ON),
             NEED ("A", "a", "third", VMSPEC_OFF));
  ck_assert_int_eq (check_text ("CONFIG_9P_FS=y\n"), -ENOEXEC);
  ck_assert_str_eq (found (), "kernel.missing (second)");
  says_not ("or =m");
  ck_assert_int_eq (check_text ("CONFIG_9P_FS=y\nCONFIG_A=m\n"), -ENOEXEC);
  ck_assert_str_eq (found (), "kernel.module (second)");
  ck_assert_int_eq (check_dep ("9p.ko:\n", ""), -ENOEXEC);
  ck_assert_str_eq (found (), "kernel.missing (second)");
}
END_TEST

START_TEST (what_has_no_name_here_is_not_looked_for)
{
  settings.kernel_needs = NEEDS (NEED (NULL, "a", "x", VMSPEC_OFF),
                                 NEED (NULL, "b", "x", VMSPEC_OFF));
  ck_assert_int_eq (check_text ("CONFIG_9P_FS=y\n"), 0);
  ck_assert_int_eq (check_dep ("a.ko:\n", ""), -ENOEXEC);
  SAYS ("the module b is neither there nor built in,",
        "build the kernel with the module b,");
  settings.kernel_needs = NEEDS (NEED ("A", NULL, "x", VMSPEC_ON),
                                 NEED ("B", NULL, "x", VMSPEC_ON));
  ck_assert_int_eq (check_dep ("a.ko:\n", ""), 0);
  settings.kernel_needs = NULL;
  ck_assert_int_eq (check_text ("CONFIG_9P_FS=y\n"), -EINVAL);
  ck_assert_str_eq (found (), "kernel.no-needs ()");
  ck_assert_int_eq (check_dep ("a.ko:\n", ""), -EINVAL);
}
END_TEST

/* ---- configurations ----------------------------------------------------- */

START_TEST (lines_are_read_as_the_kernel_s_tools_do)
{
  static const struct {
    const char *text;
    int result;
  } cases[] = {
    { "CONFIG_9P_FS=y", 0 },
    { "CONFIG_9P_FS=m", 0 },
    { "\n\n\nCONFIG_9P_FS=m\n\n", 0 },
    { "CONFIG_9P_FS=m\r\nCONFIG_A=y\r\n", 0 },
    { "CONFIG_9P_FS=m\r", 0 },
    { "CONFIG_9P_FS=y \t\nCONFIG_A=y\n", 0 },
    { "# CONFIG_9P_FS is not set\nCONFIG_9P_FS=m\n", 0 },
    { "CONFIG_9P_FS=n\nCONFIG_9P_FS=m\n", 0 },
    { "CONFIG_9P_FS=m\n# CONFIG_9P_FS is not set any more\n", 0 },
    { "CONFIG_9P_FS=m\n#CONFIG_9P_FS is not set\n", 0 },
    { "CONFIG_9P_FS=m\n# CONFIG_9P_FS=n\n", 0 },
    { "CONFIG_9P_FS=m\nCONFIG_9P_FS\n", 0 },
    { "CONFIG_9P_FS=m\nCONFIG_9P_FS n\n", 0 },
    { "CONFIG_9P_FS=m\nCONFIG_9P_FSX=n\nCONFIG_9P=n\nXCONFIG_9P_FS=n\n", 0 },
    { "CONFIG_9P_FS=m\n# CONFIG_ is not set\nCONFIG_=n\nCONFIG\n#\n# \n", 0 },
    { "CONFIG_9P_FS=m\n# CONFIG_9P_FS is not set\n", -ENOEXEC },
    { "CONFIG_9P_FS=m\n# CONFIG_9P_FS is not set\r\n", -ENOEXEC },
    { "CONFIG_9P_FS=m\n# CONFIG_9P_FS is not set", -ENOEXEC },
    { "CONFIG_9P_FS=y\nCONFIG_9P_FS=n\n", -ENOEXEC },
    { "CONFIG_9P_FS=y\nCONFIG_9P_FS=\n", -ENOEXEC },
    { "CONFIG_9P_FS=yes\n", -ENOEXEC },
    { "CONFIG_9P_FS=mod\n", -ENOEXEC },
    { "CONFIG_9P_FS=\"y\"\n", -ENOEXEC },
    { "CONFIG_9P_FS=1\n", -ENOEXEC },
    { "CONFIG_9P_FS=0x1f\n", -ENOEXEC },
    { "CONFIG_9P_FS=M\n", -ENOEXEC },
    { "CONFIG_9P_FS= y\n", -ENOEXEC },
    { "CONFIG_9P_FS=y\nCONFIG_9P_FS=\"m\n", -ENOEXEC },
    { "CONFIG_X=y\n CONFIG_9P_FS=y\n", -ENOEXEC },
    { "CONFIG_X=y\nCONFIG_9P_FS =y\n", -ENOEXEC },
    { "CONFIG_X=y\nCONFIG_9p_fs=y\n", -ENOEXEC },
    { "CONFIG_X=y CONFIG_9P_FS=y\n", -ENOEXEC },
    { "CONFIG_X=\"\nCONFIG_9P_FS_SECURITY=y\n", -ENOEXEC },
    { "# CONFIG_X is not set\n", -ENOEXEC },
    { "CONFIG_AZ=y\n", -ENOEXEC },
    { "CONFIG_az=y\n", -ENOEXEC },
    { "CONFIG_09=y\n", -ENOEXEC },
  };

  for (size_t i = 0; i < COUNT (cases); i++) {
    int r = check_text (cases[i].text);

    ck_assert_msg (r == cases[i].result, "%d for: %s%s", r, cases[i].text,
                   unit_findings (diag));
    ck_assert_str_eq (found (), r ? "kernel.missing (shares)" : "");
  }
}
END_TEST

START_TEST (nuls_are_bytes_like_others)
{
  static const char good[] = "a\0b\n\0\nCONFIG_9P_FS=y\nCONFIG_X=\"\0\"\n\0";
  static const char bad[] = "CONFIG_X=y\n\0CONFIG_9P_FS=y\nCONFIG_9P_FS=y\0\n"
                            "CONFIG_9P_FS\0=y\n";

  ck_assert_int_eq (check_bytes (good, sizeof good - 1), 0);
  ck_assert_int_eq (check_bytes (bad, sizeof bad - 1), -ENOEXEC);
}
END_TEST

/* @size bytes without a line's end, and then what is looked for. */
static int
check_long_line (size_t size)
{
  static const char last[] = "\nCONFIG_9P_FS=y\n";
  char *bytes = malloc (size);
  int r;

  ck_assert_ptr_nonnull (bytes);
  memset (bytes, 'x', size);
  memcpy (bytes, "CONFIG_X=\"", 10);
  memcpy (bytes + size - strlen (last), last, strlen (last));
  r = check_bytes (bytes, size);
  free (bytes);
  return r;
}

START_TEST (a_file_has_an_end_and_its_lines_have_any_length)
{
  const size_t most = VMSPEC_KERNEL_MAX_FILE * MIB;

  ck_assert_int_eq (check_long_line (5000), 0);
  ck_assert_int_eq (check_long_line (3 * MIB + 1), 0);
  ck_assert_int_eq (check_long_line (most), 0);
  ck_assert_int_eq (check_long_line (most + 1), -EINVAL);
  ck_assert_str_eq (found (), "kernel.size ()");
  SAYS (below ("config"), "more than 16 MiB");
}
END_TEST

START_TEST (what_sets_nothing_is_no_configuration)
{
  static const char *const texts[]
    = { "", "\n", "hello\n", "# CONFIG_9P_FS\n", "CONFIG_=y\n", "\177ELF",
        "# CONFIG_9P_FS is set\n", "CONFIG_", "# CONFIG_", "# ", "\037",
        " CONFIG_9P_FS=y\n", "CONFIG_9P_FS" };

  for (size_t i = 0; i < COUNT (texts); i++) {
    ck_assert_int_eq (check_text (texts[i]), -EINVAL);
    ck_assert_str_eq (found (), "kernel.no-config ()");
    SAYS (below ("config"), "CONFIG_", "/boot/config-VERSION");
  }
}
END_TEST

/* ---- gzip --------------------------------------------------------------- */

START_TEST (a_configuration_may_be_compressed)
{
  static const char text[] = "CONFIG_X=y\nCONFIG_9P_FS=m\n";
  static const char bad[] = "CONFIG_X=y\n# CONFIG_9P_FS is not set\n";

  write_gzip (below ("config"), "wb", text, strlen (text));
  ck_assert_int_eq (check_config (below ("config")), 0);
  write_gzip (below ("config"), "wb", bad, strlen (bad));
  ck_assert_int_eq (check_config (below ("config")), -ENOEXEC);
  ck_assert_str_eq (found (), "kernel.missing (shares)");
  /* Several are one file, as for gunzip: also within a line. */
  write_gzip (below ("config"), "wb", text, 15);
  write_gzip (below ("config"), "ab", text + 15, strlen (text) - 15);
  ck_assert_int_eq (check_config (below ("config")), 0);
  write_gzip (below ("config"), "wb", "", 0);
  ck_assert_int_eq (check_config (below ("config")), -EINVAL);
  ck_assert_str_eq (found (), "kernel.no-config ()");
}
END_TEST

static size_t
gzipped (char *bytes, size_t room)
{
  static const char text[] = "CONFIG_X=y\nCONFIG_9P_FS=m\nCONFIG_Y=\"yyyy\"\n";
  FILE *file;
  size_t size;

  write_gzip (below ("gz"), "wb", text, strlen (text));
  file = fopen (below ("gz"), "re");
  ck_assert_ptr_nonnull (file);
  size = fread (bytes, 1, room, file);
  fclose (file);
  ck_assert_uint_gt (size, 20);
  ck_assert_uint_lt (size, room);
  return size;
}

START_TEST (a_compressed_file_that_is_cut_is_refused)
{
  char bytes[500];
  size_t size = gzipped (bytes, sizeof bytes);

  ck_assert_int_eq (check_bytes (bytes, size), 0);
  for (size_t n = 2; n < size; n++) {
    ck_assert_int_eq (check_bytes (bytes, n), -EINVAL);
    ck_assert_str_eq (found (), "kernel.damaged ()");
    SAYS (below ("config"), "not complete");
  }
}
END_TEST

/* Its check sum tells.  The last bits of what is compressed fill a byte, and
 * mean nothing. */
START_TEST (a_compressed_file_that_is_damaged_is_refused)
{
  char bytes[500];
  size_t size = gzipped (bytes, sizeof bytes);

  for (size_t i = 10; i < size; i++) {
    int r;

    bytes[i] ^= (char) 0x80;
    r = check_bytes (bytes, size);
    ck_assert_msg (r == -EINVAL || (r == 0 && i == size - 9),
                   "%d with another byte %zu", r, i);
    ck_assert_str_eq (found (), r ? "kernel.damaged ()" : "");
    bytes[i] ^= (char) 0x80;
  }
  /* What its header says of it may be anything. */
  for (int value = 0; value < 256; value++) {
    int r;

    memset (bytes + 2, value, 8);
    r = check_bytes (bytes, size);
    ck_assert_msg (r == 0 || r == -EINVAL, "%d with a header of %d", r, value);
  }
}
END_TEST

/* 1 GiB of nothing in 1 MiB. */
static void
write_bomb (const char *path)
{
  char *zeros = calloc (1, 16 * MIB), *packed = malloc (MIB);
  FILE *file;
  size_t size;

  ck_assert (zeros && packed);
  write_gzip (below ("member"), "wb1", zeros, 16 * MIB);
  file = fopen (below ("member"), "re");
  size = fread (packed, 1, MIB, file);
  fclose (file);
  file = fopen (path, "we");
  for (int i = 0; i < 64; i++)
    ck_assert_uint_eq (fwrite (packed, 1, size, file), size);
  ck_assert_int_eq (fclose (file), 0);
  free (packed);
  free (zeros);
}

static void
with_little_memory (void)
{
  const struct rlimit limit = { 256 * MIB, 256 * MIB };

  ck_assert (unit_is_watched () || setrlimit (RLIMIT_AS, &limit) == 0);
}

START_TEST (a_bomb_does_not_go_off)
{
  int status;
  pid_t pid;

  write_bomb (below ("bomb"));
  pid = fork ();
  if (pid == 0) {
    with_little_memory ();
    _exit (vmspec_check_kernel_config (&settings, below ("bomb"), NULL)
           != -EINVAL);
  }
  ck_assert_int_eq (waitpid (pid, &status, 0), pid);
  ck_assert_int_eq (status, 0);
  ck_assert_int_eq (check_config (below ("bomb")), -EINVAL);
  ck_assert_str_eq (found (), "kernel.size ()");
  SAYS (below ("bomb"), "more than 16 MiB when it is uncompressed");
}
END_TEST

/* It would have to be read to its end to know that nothing is in it. */
START_TEST (a_large_file_is_not_read)
{
  write_gzip (below ("config"), "wb", "", 0);
  ck_assert_int_eq (truncate (below ("config"), (off_t) 1 << 40), 0);
  ck_assert_int_eq (check_config (below ("config")), -EINVAL);
  ck_assert_str_eq (found (), "kernel.size ()");
}
END_TEST

/* Of 16 MiB, not more; nor may that be what is read of a compressed one. */
START_TEST (a_file_may_have_sixteen_mebibytes)
{
  static const struct {
    size_t size;
    int result;
  } files[] = { { 16 * MIB - 1, 0 }, { 16 * MIB, 0 }, { 16 * MIB + 1, -EINVAL } };
  char *bytes = malloc (16 * MIB + 1);

  ck_assert_ptr_nonnull (bytes);
  memset (bytes, '\n', 16 * MIB + 1);
  memcpy (bytes, "CONFIG_9P_FS=y", 14);
  for (size_t i = 0; i < COUNT (files); i++) {
    ck_assert_int_eq (check_bytes (bytes, files[i].size), files[i].result);
    ck_assert_str_eq (found (), files[i].result ? "kernel.size ()" : "");
    write_gzip (below ("config"), "wb1", bytes, files[i].size);
    ck_assert_int_eq (check_config (below ("config")), files[i].result);
    ck_assert_str_eq (found (), files[i].result ? "kernel.size ()" : "");
  }
  free (bytes);
}
END_TEST

/* The needs are as long as they are, and what is found is kept for each. */
START_TEST (each_of_many_needs_has_its_answer)
{
  static struct vmspec_kernel_need needs[100];
  static const struct vmspec_kernel_need *list[101];
  static char symbols[100][8];
  struct text text = { .arena = &(struct arena) { 0 } };

  for (size_t i = 0; i < COUNT (needs); i++) {
    snprintf (symbols[i], sizeof symbols[i], "S%02zu", i);
    needs[i] = (struct vmspec_kernel_need) {
      VMSPEC_INIT (vmspec_kernel_need), .symbol = symbols[i], .option = "x",
      .builtin = i % 4 < 2 ? VMSPEC_ON : VMSPEC_OFF };
    list[i] = &needs[i];
    vms_text_add (&text, "CONFIG_");
    vms_text_add (&text, symbols[i]);
    vms_text_add (&text, i % 2 ? "=y\n" : "=m\n");
  }
  settings.kernel_needs = list;
  ck_assert_int_eq (check_text (vms_text_end (&text)), -ENOEXEC);
  ck_assert_uint_eq (vmspec_diag_count (diag), 25);
  for (size_t i = 0; i < 25; i++)
    ck_assert_ptr_nonnull (strstr (vmspec_diag_get (diag, i)->text,
                                   symbols[4 * i]));
  vms_arena_free (text.arena);
}
END_TEST

/* ---- files that cannot be read ------------------------------------------ */

START_TEST (a_file_that_is_not_there_is_elsewhere)
{
  ck_assert_int_eq (check_config (below ("config-6.1")), -ENOENT);
  ck_assert_str_eq (found (), "kernel.file ()");
  SAYS (below ("config-6.1"), "does not exist", "/boot/config-VERSION");
  says_not ("IKCONFIG");
}
END_TEST

/* In a child, which looks where there is none even if this kernel has one. */
static int
look_for_own_config (void)
{
  if (exists ("/proc/config.gz") && chroot (scratch) < 0)
    return 77;
  if (check_config ("/proc/config.gz") != -ENOENT
      || strcmp (found (), "kernel.file ()"))
    return 1;
  SAYS ("/proc/config.gz does not exist", "CONFIG_IKCONFIG_PROC",
        "/boot/config-VERSION");
  return 0;
}

START_TEST (a_kernel_may_not_tell_its_configuration)
{
  int status;
  pid_t pid = fork ();

  if (pid == 0)
    _exit (look_for_own_config ());
  ck_assert_int_eq (waitpid (pid, &status, 0), pid);
  ck_assert (WIFEXITED (status));
  ck_assert (WEXITSTATUS (status) == 0 || WEXITSTATUS (status) == 77);
  if (exists ("/proc/config.gz")) {
    int r = check_config ("/proc/config.gz");

    ck_assert (r == 0 || r == -ENOEXEC);
  }
}
END_TEST

START_TEST (only_files_are_read)
{
  ck_assert_int_eq (check_config (scratch), -EISDIR);
  ck_assert_str_eq (found (), "kernel.file ()");
  SAYS (scratch, "is a directory", "/boot/config-VERSION");
  /* These would keep us waiting, or have no end. */
  ck_assert_int_eq (mkfifo (below ("pipe"), 0600), 0);
  ck_assert_int_eq (check_config (below ("pipe")), -EINVAL);
  SAYS (below ("pipe"), "neither a file nor a directory");
  ck_assert_int_eq (check_config ("/dev/zero"), -EINVAL);
  ck_assert_str_eq (found (), "kernel.file ()");
}
END_TEST

START_TEST (an_error_of_the_system_is_passed_on)
{
  char longer[5000] = "";

  ck_assert_int_eq (symlink ("loop", below ("loop")), 0);
  ck_assert_int_eq (check_config (below ("loop")), -ELOOP);
  ck_assert_str_eq (found (), "kernel.file ()");
  SAYS (below ("loop"), "cannot be read", "symbolic links");
  memset (longer, 'x', sizeof longer - 1);
  ck_assert_int_eq (check_config (longer), -ENAMETOOLONG);
  /* It opens, but nothing is there to be read. */
  ck_assert_int_eq (check_config ("/proc/self/mem"), -EIO);
  ck_assert_str_eq (found (), "kernel.file ()");
  SAYS ("/proc/self/mem cannot be read: Input/output error");
}
END_TEST

/* Runs it in a child that is nobody, and who may not read. */
static void
be_refused (int (*check) (const char *path), const char *path)
{
  int status;
  pid_t pid = fork ();

  if (pid == 0) {
    be_nobody ();
    _exit (check (path) != -EACCES || strcmp (found (), "kernel.file ()"));
  }
  ck_assert_int_eq (waitpid (pid, &status, 0), pid);
  ck_assert_int_eq (status, 0);
}

START_TEST (what_may_not_be_read_is_refused)
{
  ck_assert_int_eq (chmod (scratch, 0755), 0);
  make_file (below ("config"), 0, "CONFIG_9P_FS=y\n");
  make_file (below ("modules.dep"), 0, "9p.ko:\n");
  be_refused (check_config, below ("config"));
  be_refused (check_modules, scratch);
}
END_TEST

/* ---- directories of modules --------------------------------------------- */

START_TEST (modules_are_known_by_their_files)
{
  static const struct {
    const char *dependencies, *builtin;
    int result;
  } cases[] = {
    { "kernel/fs/9p/9p.ko: kernel/net/9p/9pnet.ko\n", "", 0 },
    { "kernel/fs/9p/9p.ko.xz: kernel/net/9p/9pnet.ko.xz\n", "", 0 },
    { "kernel/fs/9p/9p.ko.zst:\n", "", 0 },
    { "kernel/fs/9p/9p.ko.gz:\r\n", "", 0 },
    { "/lib/modules/6.1/updates/9p.ko:", "", 0 },
    { "9p.ko", "", 0 },
    { "a.ko:\nb.ko: a.ko\n9p.ko:\n", "", 0 },
    { "", "kernel/fs/9p/9p.ko\n", 0 },
    { "a.ko:\n", "a.ko\nkernel/fs/9p/9p.ko", 0 },
    { "kernel/net/9p/9pnet.ko: kernel/fs/9p/9p.ko\n", "", -ENOEXEC },
    { "kernel/fs/9p/9pp.ko:\n9.ko:\n.ko:\n", "9\n", -ENOEXEC },
    { "a.ko:\n9p:\n9p.ko.xz.gz:\n9p.o:\n9p.ko.bz2:\n9pko:\n", "", -ENOEXEC },
    { "a.ko:\nkernel/9p.ko/a.ko:\n 9p.ko:\n9p .ko:\n", "", -ENOEXEC },
    { "a.ko:\n9P.ko:\n", "x/9p.ko/\n", -ENOEXEC },
  };

  for (size_t i = 0; i < COUNT (cases); i++) {
    int r = check_dep (cases[i].dependencies, cases[i].builtin);

    ck_assert_msg (r == cases[i].result, "%d for: %s%s%s", r,
                   cases[i].dependencies, cases[i].builtin,
                   unit_findings (diag));
    ck_assert_str_eq (found (), r ? "kernel.missing (shares)" : "");
  }
  SAYS (scratch, "the module 9p is neither there nor built in,",
        "CONFIG_9P_FS=y or =m (module 9p)", "or change shares");
}
END_TEST

START_TEST (a_dash_is_an_underscore_in_a_name)
{
  static const char *const names[] = { "a_b-c", "a-b_c", "a-b-c", "a_b_c" };

  for (size_t i = 0; i < COUNT (names); i++) {
    settings.kernel_needs = NEEDS (NEED ("A", names[i], "x", VMSPEC_OFF));
    ck_assert_int_eq (check_dep ("x-y/a-b-c.ko:\n", ""), 0);
    ck_assert_int_eq (check_dep ("x-y/a_b_c.ko:\n", ""), 0);
    ck_assert_int_eq (check_dep ("x-y/a-b_c.ko.xz:\n", ""), 0);
    ck_assert_int_eq (check_dep ("x-y/a.b.c.ko:\n", ""), -ENOEXEC);
  }
}
END_TEST

START_TEST (a_directory_without_modules_is_refused)
{
  ck_assert_int_eq (check_modules (scratch), -EINVAL);
  ck_assert_str_eq (found (), "kernel.no-modules ()");
  SAYS (scratch, "has no modules.dep", "depmod", "/lib/modules/VERSION");
  ck_assert_int_eq (check_dep ("", ""), -EINVAL);
  ck_assert_str_eq (found (), "kernel.no-modules ()");
  ck_assert_int_eq (unlink (below ("modules.dep")), 0);
  /* modules.builtin alone is what a build leaves before depmod is run. */
  write_bytes (below ("modules.builtin"), "9p.ko\n", 6);
  ck_assert_int_eq (check_modules (scratch), -EINVAL);
  ck_assert_str_eq (found (), "kernel.no-modules ()");
}
END_TEST

START_TEST (the_directory_of_all_versions_leads_to_one)
{
  static const char *const versions[]
    = { "6.1.0-1", "5.4", "4.19", "6.0", "6.12.0-1", "5.10", "6.11", "3.2" };

  ck_assert_int_eq (mkdir (below ("7.0"), 0755), 0);
  write_bytes (below ("file"), "", 0);
  for (size_t i = 0; i < COUNT (versions); i++) {
    char name[100];

    ck_assert_int_eq (mkdir (below (versions[i]), 0755), 0);
    snprintf (name, sizeof name, "%s/modules.dep", versions[i]);
    write_bytes (below (name), "9p.ko:\n", 7);
  }
  ck_assert_int_eq (check_modules (scratch), -EINVAL);
  ck_assert_str_eq (found (), "kernel.no-modules ()");
  SAYS (scratch, "name one of these", below ("6.12.0-1"));
}
END_TEST

START_TEST (what_is_built_in_may_not_be_known)
{
  write_bytes (below ("modules.dep"), "a.ko:\n", 6);
  ck_assert_int_eq (check_modules (scratch), -ENOEXEC);
  ck_assert_str_eq (found (), "kernel.no-builtin ()\n"
                              "kernel.missing (shares)");
  ck_assert_int_eq (vmspec_diag_get (diag, 0)->severity,
                    VMSPEC_SEVERITY_WARNING);
  write_bytes (below ("modules.dep"), "9p.ko:\n", 7);
  ck_assert_int_eq (check_modules (scratch), 0);
  SAYS (scratch, "has no modules.builtin", "copy it");
}
END_TEST

START_TEST (only_directories_have_modules)
{
  ck_assert_int_eq (check_modules (below ("6.1")), -ENOENT);
  ck_assert_str_eq (found (), "kernel.directory ()");
  SAYS (below ("6.1"), "No such file", "/lib/modules/VERSION");
  write_bytes (below ("file"), "", 0);
  ck_assert_int_eq (check_modules (below ("file")), -ENOTDIR);
  ck_assert_str_eq (found (), "kernel.directory ()");
  ck_assert_int_eq (mkdir (below ("modules.dep"), 0755), 0);
  ck_assert_int_eq (check_modules (scratch), -EISDIR);
  ck_assert_str_eq (found (), "kernel.file ()");
  SAYS (below ("modules.dep"));
}
END_TEST

START_TEST (lists_of_modules_may_be_hostile)
{
  write_bytes (below ("modules.dep"), "9p.ko:\n", 7);
  ck_assert_int_eq (mkfifo (below ("modules.builtin"), 0600), 0);
  ck_assert_int_eq (check_modules (scratch), -EINVAL);
  ck_assert_str_eq (found (), "kernel.file ()");
  SAYS (below ("modules.builtin"));
  ck_assert_int_eq (unlink (below ("modules.builtin")), 0);
  write_bomb (below ("modules.builtin"));
  ck_assert_int_eq (check_modules (scratch), -EINVAL);
  ck_assert_str_eq (found (), "kernel.size ()");
}
END_TEST

/* ---- a plan ------------------------------------------------------------- */

/* A configuration, and modules, that have all but one need. */
static void
write_all_but (const struct vmspec_kernel_need *const *needs,
               const struct vmspec_kernel_need *left_out)
{
  FILE *config = fopen (below ("config"), "we");
  FILE *modules = fopen (below ("modules.dep"), "we");

  ck_assert (config && modules);
  fputs ("CONFIG_X=y\n", config);
  fputs ("x.ko:\n", modules);
  for (; *needs; needs++) {
    const struct vmspec_kernel_need *need = *needs;

    if (need->symbol && need != left_out)
      fprintf (config, "CONFIG_%s=%c\n", need->symbol,
               need->builtin == VMSPEC_ON ? 'y' : 'm');
    if (need->module && need != left_out)
      fprintf (modules, "kernel/%s.ko:\n", need->module);
  }
  fclose (config);
  fclose (modules);
}

static void
is_missing (int r, const char *key, const struct vmspec_kernel_need *need)
{
  ck_assert_int_eq (r, key ? -ENOEXEC : 0);
  if (!key)
    return;
  ck_assert_uint_eq (vmspec_diag_count (diag), 1);
  ck_assert_str_eq (vmspec_diag_get (diag, 0)->id, "kernel.missing");
  ck_assert_str_eq (vmspec_diag_get (diag, 0)->path, need->option);
  SAYS (key);
}

START_TEST (each_need_of_a_plan_is_looked_for)
{
  const struct vmspec spec
    = { VMSPEC_INIT (vmspec),
        .boot = &(const struct vmspec_boot) {
          VMSPEC_INIT (vmspec_boot), .kernel = "/k", .initrd = "/i" } };
  const struct vmspec_host host = unit_host ();
  vmspec_plan *plan = unit_plan (&spec, &host);
  struct vmspec_guest_settings *made = NULL;
  const struct vmspec_kernel_need *const *need;
  size_t n = 0;

  ck_assert_int_eq (vmspec_plan_guest (plan, 0, diag, &made), 0);
  settings = *made;
  write_bytes (below ("modules.builtin"), "", 0);
  write_all_but (settings.kernel_needs, NULL);
  ck_assert_int_eq (check_config (below ("config")), 0);
  ck_assert_int_eq (check_modules (scratch), 0);
  for (need = settings.kernel_needs; *need; need++, n++) {
    write_all_but (settings.kernel_needs, *need);
    is_missing (check_config (below ("config")), (*need)->symbol, *need);
    is_missing (check_modules (scratch), (*need)->module, *need);
  }
  ck_assert_uint_gt (n, 10);
  vmspec_guest_settings_free (made);
  vmspec_plan_free (plan);
}
END_TEST

int
main (void)
{
  TCase *t = unit_case ("kernel-check");

  tcase_add_checked_fixture (t, set_up, tear_down);
  tcase_add_test (t, a_kernel_that_has_everything_will_do);
  tcase_add_test (t, what_is_not_set_is_named_with_a_remedy);
  tcase_add_test (t, each_missing_symbol_is_a_finding);
  tcase_add_test (t, what_every_machine_needs_is_no_option);
  tcase_add_test (t, a_module_will_not_always_do);
  tcase_add_test (t, a_module_that_must_be_built_in_is_one_of_modules_builtin);
  tcase_add_test (t, the_same_is_missing_once);
  tcase_add_test (t, what_has_no_name_here_is_not_looked_for);
  tcase_add_test (t, lines_are_read_as_the_kernel_s_tools_do);
  tcase_add_test (t, nuls_are_bytes_like_others);
  tcase_add_test (t, a_file_has_an_end_and_its_lines_have_any_length);
  tcase_add_test (t, what_sets_nothing_is_no_configuration);
  tcase_add_test (t, a_configuration_may_be_compressed);
  tcase_add_test (t, a_compressed_file_that_is_cut_is_refused);
  tcase_add_test (t, a_compressed_file_that_is_damaged_is_refused);
  tcase_add_test (t, a_bomb_does_not_go_off);
  tcase_add_test (t, a_large_file_is_not_read);
  tcase_add_test (t, a_file_may_have_sixteen_mebibytes);
  tcase_add_test (t, each_of_many_needs_has_its_answer);
  tcase_add_test (t, a_file_that_is_not_there_is_elsewhere);
  tcase_add_test (t, a_kernel_may_not_tell_its_configuration);
  tcase_add_test (t, only_files_are_read);
  tcase_add_test (t, an_error_of_the_system_is_passed_on);
  tcase_add_test (t, what_may_not_be_read_is_refused);
  tcase_add_test (t, modules_are_known_by_their_files);
  tcase_add_test (t, a_dash_is_an_underscore_in_a_name);
  tcase_add_test (t, a_directory_without_modules_is_refused);
  tcase_add_test (t, the_directory_of_all_versions_leads_to_one);
  tcase_add_test (t, what_is_built_in_may_not_be_known);
  tcase_add_test (t, only_directories_have_modules);
  tcase_add_test (t, lists_of_modules_may_be_hostile);
  tcase_add_test (t, each_need_of_a_plan_is_looked_for);
  return unit_run ("kernel-check", t);
}
