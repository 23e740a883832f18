/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Each system call of the library's own fails in its turn: then there is an error
 * with something to say, or it did not matter; no descriptor or process is left
 * behind.  Memory that is left is seen where valgrind or a sanitizer watches;
 * whether files are whole, by tests/integration/interrupted.
 */
#include "failing-calls.h"

#include <sys/wait.h>

#include "emulator.h"
#include "leftover.h"
#include "remove.h"

#define MIB (1024ull * 1024)

static const int errors[] = { EIO, EOPNOTSUPP, EACCES, ENOENT, ENOMEM };

static struct vmspec_work work;
static int error; /* of those, that which the calls fail with */

static void
make_sources (void)
{
  const struct vmspec_image backing
    = { VMSPEC_INIT (vmspec_image), .file = "backing", .size = 8 * MIB };

  ck_assert_int_eq (system (
    "mkdir -p tree/etc esp/EFI/BOOT tree/empty modules && "
    "echo hello > tree/etc/message && ln tree/etc/message tree/same && "
    "ln -s etc/message tree/link && mkfifo tree/pipe && "
    "head -c 200000 /dev/urandom > tree/large && "
    "head -c 70000 /dev/urandom > esp/EFI/BOOT/BOOTX64.EFI && "
    "head -c 440 /dev/urandom > code && head -c 3000 /dev/urandom > core && "
    "echo variables > variables && echo 'CONFIG_9P_FS=m' > config && "
    "echo 'kernel/9p.ko:' > modules/modules.dep && "
    "touch modules/modules.builtin"), 0);
  ck_assert_int_eq (vmspec_image_create (&backing, NULL, NULL), 0);
  work = (struct vmspec_work) { VMSPEC_INIT (vmspec_work), .sync = VMSPEC_ON };
}

/* ---- what is tried ------------------------------------------------------- */

static const struct vmspec_image images[] = {
  { VMSPEC_INIT (vmspec_image), .file = "out", .size = 4 * MIB },
  { VMSPEC_INIT (vmspec_image), .file = "out", .size = 16 * MIB,
    .content = VMSPEC_CONTENT_EXT4, .tree = "tree" },
  { VMSPEC_INIT (vmspec_image), .file = "out", .size = 16 * MIB,
    .format = VMSPEC_IMAGE_FORMAT_RAW, .content = VMSPEC_CONTENT_EXT4 },
  { VMSPEC_INIT (vmspec_image), .file = "out", .size = 2 * MIB,
    .preallocation = VMSPEC_PREALLOCATION_METADATA },
  { VMSPEC_INIT (vmspec_image), .file = "out", .backing = "backing",
    .backing_format = VMSPEC_IMAGE_FORMAT_QCOW2 },
};

static int
try_image (size_t i)
{
  return vmspec_image_create (&images[i], &work, diag);
}

static int
try_info (size_t i)
{
  struct vmspec_image_info *info = NULL;
  int r = vmspec_image_info (i ? "tree/large" : "backing", 0, diag, &info);

  vmspec_image_info_free (info);
  return r;
}

static int
try_system_image (size_t i)
{
  const struct vmspec_system_image image = {
    VMSPEC_INIT (vmspec_system_image), .file = "out", .tree = "tree",
    .seed = "seed", .time = 1700000000, .esp = i ? NULL : "esp",
    .partition_table = i ? VMSPEC_PARTITION_TABLE_LEGACY
                         : VMSPEC_PARTITION_TABLE_EFI,
    .boot_code = i ? "code" : NULL, .core_image = i ? "core" : NULL,
    .variables = i ? NULL : "variables", .variables_file = i ? NULL : "out.fd",
    .esp_size = i ? 0 : 34 * MIB,
  };

  return vmspec_system_image (&image, &work, diag);
}

static int
try_detect (size_t i)
{
  const struct vmspec_host given
    = { VMSPEC_INIT (vmspec_host), .environment = STRINGS ("PATH=/bin:.") };
  struct vmspec_host *found = NULL;
  int r = vmspec_host_detect (&spec, i ? &host : &given, diag, &found);

  vmspec_host_free (found);
  return r;
}

static int
try_kernel (size_t i)
{
  static const struct vmspec_kernel_need p9
    = { VMSPEC_INIT (vmspec_kernel_need), .symbol = "9P_FS", .module = "9p",
        .option = "shares", .builtin = VMSPEC_OFF };
  const struct vmspec_guest_settings settings = {
    VMSPEC_INIT (vmspec_guest_settings),
    .kernel_needs = LIST (vmspec_kernel_need, &p9) };

  return i ? vmspec_check_kernel_modules (&settings, "modules", diag)
           : vmspec_check_kernel_config (&settings, "config", diag);
}

/* The plan is made without a call. */
static int
try_prepare (size_t i)
{
  struct vmspec_efi efi
    = { VMSPEC_INIT (vmspec_efi), .enable = VMSPEC_ON, .firmware = "/f",
        .keep_variables = VMSPEC_OFF, .variables = below ("variables"),
        .state = below ("out.fd") };
  struct vmspec_tpm tpm
    = { VMSPEC_INIT (vmspec_tpm), .enable = VMSPEC_ON, .swtpm = "/bin/sh",
        .state_dir = below ("out.tpm") };
  struct vmspec_disk disk
    = { VMSPEC_INIT (vmspec_disk), .size = 8, .image = below ("out") };
  struct vmspec_empty_disk empty = { VMSPEC_INIT (vmspec_empty_disk), .size = 1 };
  struct vmspec all = spec;
  int r;

  all.builtin_drives = 0;
  all.efi = &efi;
  all.tpm = i ? NULL : &tpm;
  all.disk = &disk;
  all.empty_disks = LIST (vmspec_empty_disk, &empty);
  snprintf (variables[0], sizeof variables[0], "TMPDIR=%s", scratch);
  environment[0] = variables[0];
  environment[1] = NULL;
  host.environment = environment;
  r = vmspec_plan_new (&all, &host, diag, &plan);
  if (r == 0)
    r = vmspec_plan_prepare (plan, NULL, &work, diag);
  vmspec_plan_free (plan);
  plan = NULL;
  return r;
}

static int
try_start (size_t i)
{
  vmspec_vm *vm = NULL;
  int r;

  /* A plan has to be there; test-nomem looks at how it is made. */
  calls.watching = 0;
  plan_to (i ? "sleep" : "exit");
  calls.watching = 1;
  r = vmspec_vm_start (plan, &plainly, diag, &vm);
  if (r == 0 && i == 0)
    (void) vmspec_vm_wait (vm, -1, NULL);
  vmspec_vm_free (vm);
  return r;
}

/* ---- trying -------------------------------------------------------------- */

static int
says_why (void)
{
  for (size_t i = 0; i < vmspec_diag_count (diag); i++)
    if (vmspec_diag_get (diag, i)->severity != VMSPEC_SEVERITY_WARNING)
      return 1;
  return 0;
}

/* All but what was there before. */
static void
clean (void)
{
  static const char *const sources[]
    = { ".", "..", "backing", "code", "config", "core", "esp", "modules", "tree",
        "variables" };
  DIR *directory = opendir (".");

  for (struct dirent *e; (e = readdir (directory));) {
    size_t i = 0;

    while (i < COUNT (sources) && strcmp (e->d_name, sources[i]))
      i++;
    if (i == COUNT (sources) && unlink (e->d_name) < 0)
      vms_remove_tree (e->d_name);
  }
  closedir (directory);
  vmspec_diag_clear (diag);
}

/* The one after the first @n; whether there was one left to fail. */
static int
try_once (int (*what) (size_t), size_t i, long n)
{
  int descriptors = unit_descriptors (), r;

  calls = (typeof (calls)) { .watching = 1, .until_failure = n,
                             .error = error };
  r = what (i);
  calls.watching = 0;
  ck_assert_msg (r <= 0, "call %ld, %s: %d", n, calls.failed, r);
  ck_assert_msg (calls.failed || r == 0, "%s%s", strerror (-r),
                 unit_findings (diag));
  ck_assert_msg (r == 0 || r == -ENOMEM || says_why (), "call %ld, %s fails with %s: %s, and "
                 "nothing is said", n, calls.failed, strerror (error),
                 strerror (-r));
  ck_assert_msg (unit_descriptors () == descriptors, "call %ld, %s fails with "
                 "%s: descriptors are left", n, calls.failed, strerror (error));
  ck_assert_msg (waitpid (-1, NULL, WNOHANG) == -1 && errno == ECHILD,
                 "call %ld, %s: a process is left", n, calls.failed);
  return calls.failed != NULL;
}

/* Where that takes long, some of the calls, and fewer the more there are; others with
 * another error. */
static void
try_each (int (*what) (size_t), size_t i, size_t first)
{
  int is_long = what == try_system_image || what == try_start;
  long step = (is_long ? 4 : 1) * (unit_is_watched () ? 7 : 1);
  long n = step > 1 ? (long) first : 0;

  make_sources ();
  for (; try_once (what, i, n); n += step + n / 16)
    clean ();
  ck_assert_int_gt (n + (long) first, 0);
  clean ();
}

#define FAILING(name, what)                                                    \
  START_TEST (name)                                                            \
  {                                                                            \
    error = errors[(size_t) _i % COUNT (errors)];                              \
    try_each (what, (size_t) _i / COUNT (errors), (size_t) _i % COUNT (errors)); \
  }                                                                            \
  END_TEST

FAILING (an_image_is_made_or_not, try_image)
FAILING (an_image_is_looked_at_or_not, try_info)
FAILING (a_system_image_is_made_or_not, try_system_image)
FAILING (a_host_is_looked_at_or_not, try_detect)
FAILING (a_kernel_is_looked_at_or_not, try_kernel)
FAILING (what_a_machine_needs_is_made_or_not, try_prepare)
FAILING (a_machine_starts_or_not, try_start)

START_TEST (a_kernel_without_random_numbers_is_reported)
{
  const struct vmspec_host given = { VMSPEC_INIT (vmspec_host) };
  struct vmspec_host *found = NULL;

  for (long n = 0; !calls.failed || strcmp (calls.failed, "getrandom"); n++) {
    vmspec_diag_clear (diag);
    vmspec_host_free (found);
    found = NULL;
    calls = (typeof (calls)) { .watching = 1, .until_failure = n,
                               .error = ENOSYS };
    (void) vmspec_host_detect (NULL, &given, diag, &found);
    calls.watching = 0;
    ck_assert_int_lt (n, 1000);
  }
  ck_assert_ptr_null (found);
  ck_assert_str_eq (vmspec_diag_get (diag, 0)->id, "host.run-name");
}
END_TEST

START_TEST (a_host_may_have_no_extended_attributes)
{
  static const int none[] = { ENOTSUP, ENOENT, ENOSYS, EACCES, EPERM };

  make_sources ();
  for (size_t i = 0; i <= COUNT (none); i++) {
    int is_error = i == COUNT (none);

    calls = (typeof (calls)) { .watching = 1, .only = "llistxattr",
                               .error = is_error ? EIO : none[i] };
    ck_assert_int_eq (vmspec_image_create (&images[1], &work, diag),
                      is_error ? -EIO : 0);
    ck_assert_ptr_nonnull (calls.failed);
    calls.watching = 0;
    clean ();
  }
}
END_TEST

/* ---- why ----------------------------------------------------------------- */

/* A shortage is not the fault of what could not be started. */
START_TEST (what_a_start_lacks_is_said)
{
  static const struct {
    int error;
    const char *id, *text;
  } rows[] = {
    { EMFILE, "start.failed", "the machine cannot be started: Too many open files; "
      "raise this process's limits of descriptors, processes or memory" },
    { ENFILE, "start.failed", "the machine cannot be started: Too many open files "
      "in system; raise this process's limits of descriptors, processes or memory" },
    { EAGAIN, "start.failed", "the machine cannot be started: Resource temporarily "
      "unavailable; raise this process's limits of descriptors, processes or "
      "memory" },
    { ENOMEM, "start.failed", "the machine cannot be started: Cannot allocate "
      "memory; raise this process's limits of descriptors, processes or memory" },
    { EIO, "keeper.missing", "%s, in whose care machines run, cannot be started: "
      "Input/output error" },
    { EACCES, "keeper.missing", "%s, in whose care machines run, cannot be started: "
      "Permission denied; install it with the library, or name it" },
    { ENOENT, "keeper.missing", "%s, in whose care machines run, cannot be started: "
      "No such file or directory; install it with the library, or name it" },
  };
  vmspec_vm *vm = NULL;

  plainly.keeper = "/keeper";
  plan_to ("exit");
  for (size_t i = 0; i < COUNT (rows); i++) {
    char text[400];

    calls = (typeof (calls)) { .watching = 1, .only = "socketpair",
                               .error = rows[i].error };
    ck_assert_int_eq (vmspec_vm_start (plan, &plainly, diag, &vm),
                      -rows[i].error);
    calls = (typeof (calls)) { 0 };
    ck_assert_uint_eq (vmspec_diag_count (diag), 1);
    ck_assert_str_eq (vmspec_diag_get (diag, 0)->id, rows[i].id);
    snprintf (text, sizeof text, "%s%s",
              *rows[i].text == '%' ? "/keeper" : "",
              rows[i].text + (*rows[i].text == '%' ? 2 : 0));
    ck_assert_str_eq (vmspec_diag_get (diag, 0)->text, text);
    vmspec_diag_clear (diag);
  }
}
END_TEST

/* The state of a TPM is kept for good before it has its name, and locked. */
START_TEST (a_tpm_is_kept_or_not)
{
  static const struct {
    const char *call;
    int error, n, r;
    uint32_t sync;
    const char *id; /* NULL: the call is not made */
  } rows[] = {
    { "fsync", EIO, 0, -EIO, 0, "tpm.state" },
    { "fsync", EIO, 1, -EIO, VMSPEC_ON, "tpm.state" },
    { "fsync", EIO, 2, 0, VMSPEC_ON, NULL },
    { "fsync", EIO, 0, 0, VMSPEC_OFF, NULL },
    { "flock", ENOLCK, 0, -ENOLCK, 0, "tpm.state" },
    { "flock", EWOULDBLOCK, 0, -EBUSY, 0, "tpm.in-use" },
  };
  struct vmspec_host_program setup
    = { VMSPEC_INIT (vmspec_host_program), .name = "swtpm_setup" };
  struct vmspec_tpm tpm
    = { VMSPEC_INIT (vmspec_tpm), .enable = VMSPEC_ON, .setup = VMSPEC_ON,
        .state_dir = "tpm" };
  struct vmspec_disk disk = { VMSPEC_INIT (vmspec_disk), .size = VMSPEC_NONE };
  struct vmspec_work how = { VMSPEC_INIT (vmspec_work) };
  vmspec_vm *vm = NULL;

  make_file ("swtpm", 0755, "#!/bin/sh\nexec sleep 100\n");
  make_file ("setup", 0755, "#!/bin/sh\n: > new/tpm2-00.permall\n");
  setup.path = below ("setup");
  tpm.swtpm = below ("swtpm");
  host.programs = LIST (vmspec_host_program, &setup);
  spec.tpm = &tpm;
  spec.disk = &disk;
  force.work = &how;
  plan_to ("exit");
  for (size_t i = 0; i < COUNT (rows); i++) {
    how.sync = rows[i].sync;
    calls = (typeof (calls)) { .watching = 1, .only = rows[i].call,
                               .until_failure = rows[i].n,
                               .error = rows[i].error };
    ck_assert_msg (vmspec_vm_start (plan, &force, diag, &vm) == rows[i].r,
                   "row %zu%s", i, unit_findings (diag));
    calls.watching = 0;
    ck_assert_int_eq (calls.failed != NULL, rows[i].id != NULL);
    if (rows[i].id)
      ck_assert_str_eq (vmspec_diag_get (diag, 0)->id, rows[i].id);
    vmspec_vm_free (vm);
    vm = NULL;
    vmspec_diag_clear (diag);
    (void) unlink ("tpm/tpm2-00.permall");
  }
}
END_TEST

/* ---- a processor --------------------------------------------------------- */

/* What is found about KVM where /dev/kvm fails to open in this way, or opens. */
static uint32_t
kvm_with (int failure, uint32_t arch)
{
  const struct vmspec_host given
    = { VMSPEC_INIT (vmspec_host), .arch = arch, .directory = scratch,
        .run_name = "run", .environment = STRINGS ("PATH=/nowhere") };
  struct vmspec_host *found = NULL;
  uint32_t kvm;

  calls = (typeof (calls)) { .watching = failure != 0, .only = "open",
                             .error = failure, .of = "/dev/kvm",
                             .instead = "/dev/null", .and_of = "/proc/cpuinfo",
                             .and_instead = "cpuinfo" };
  ck_assert_int_eq (vmspec_host_detect (NULL, &given, NULL, &found), 0);
  calls = (typeof (calls)) { 0 };
  kvm = found->kvm;
  vmspec_host_free (found);
  return kvm;
}

START_TEST (kvm_may_be_there_or_denied)
{
  make_file ("cpuinfo", 0600, "flags\t\t: fpu\n");
  ck_assert_uint_eq (kvm_with (EACCES, VMSPEC_ARCH_X86_64), VMSPEC_KVM_DENIED);
  ck_assert_uint_eq (kvm_with (EPERM, VMSPEC_ARCH_X86_64), VMSPEC_KVM_DENIED);
  ck_assert_uint_eq (kvm_with (ENOENT, VMSPEC_ARCH_X86_64), VMSPEC_KVM_ABSENT);
  ck_assert_uint_eq (kvm_with (ENODEV, VMSPEC_ARCH_X86_64), VMSPEC_KVM_ABSENT);
  ck_assert_uint_eq (kvm_with (EBUSY, VMSPEC_ARCH_AARCH64), VMSPEC_KVM_ABSENT);
  /* Only of x86 processors is more known. */
  ck_assert_uint_eq (kvm_with (0, VMSPEC_ARCH_AARCH64), VMSPEC_KVM_USABLE);
  ck_assert_uint_eq (kvm_with (0, VMSPEC_ARCH_X86_64), VMSPEC_KVM_NO_HARDWARE);
  ck_assert_uint_eq (kvm_with (0, VMSPEC_ARCH_I686), VMSPEC_KVM_NO_HARDWARE);
}
END_TEST

static const struct {
  const char *text;
  int has_flag;
} processors[] = {
  { "", 0 },
  { "flags\t\t: fpu vmx sse\n", 1 },
  { "flags\t\t: fpu svm sse\n", 1 },
  { "flags\t\t: vmx\n", 1 },
  { "flags\t\t: fpu sse svm\nbugs\t:\n", 1 },
  { "flags\t\t: fpu\n", 0 },
  { "flags\t\t: fpu vmxx xvmx ept_vmx vmx_ept\n", 0 },
  { "flags\t\t: fpu vmxx svm_lock vmx\n", 1 },
  { "flags\t\t: fpu svmsvm svm\n", 1 },
  { "flags\t\t:\tvmx\tsvm\n", 0 },
  { "vmx svmx\n", 0 },
  { "svm", 0 },
  { "flags\t\t: fpu vmx", 1 },
};

START_TEST (kvm_is_usable_by_a_flag_of_the_processor)
{
  for (size_t i = 0; i < COUNT (processors); i++) {
    (void) unlink ("cpuinfo");
    make_file ("cpuinfo", 0600, processors[i].text);
    ck_assert_msg (kvm_with (0, VMSPEC_ARCH_X86_64)
                     == (processors[i].has_flag ? VMSPEC_KVM_USABLE
                                                : VMSPEC_KVM_NO_HARDWARE),
                   "%s", processors[i].text);
  }
}
END_TEST

/* Of a long text the first 16383 bytes are looked at. */
START_TEST (the_flags_of_the_first_processor_are_enough)
{
  static char text[16385];

  for (int more = 0; more < 2; more++) {
    memset (text, 'x', 16379 + (size_t) more);
    strcpy (text + 16379 + more, " vmx");
    (void) unlink ("cpuinfo");
    make_file ("cpuinfo", 0600, text);
    ck_assert_uint_eq (kvm_with (0, VMSPEC_ARCH_X86_64),
                       more ? VMSPEC_KVM_NO_HARDWARE : VMSPEC_KVM_USABLE);
  }
}
END_TEST

/* What cannot be read stays, and no descriptor of it. */
START_TEST (a_tree_that_cannot_be_read_is_left)
{
  ck_assert_int_eq (mkdir ("fresh", 0700), 0);
  ck_assert_int_eq (mkdir ("fresh/below", 0700), 0);
  calls = (typeof (calls)) { .watching = 1, .only = "fdopendir",
                             .error = ENOMEM };
  vms_remove_tree ("fresh");
  calls.watching = 0;
  ck_assert_ptr_nonnull (calls.failed);
  ck_assert (exists ("fresh/below"));
  vms_remove_tree ("fresh");
  ck_assert (!exists ("fresh"));
}
END_TEST

/* Who has the lock just now may be somebody that cleans up, and it is tried again;
 * what cannot be locked at all does not stay. */
START_TEST (a_directory_is_locked_once_its_cleaner_has_gone)
{
  static const struct {
    const char *only;
    int error, result;
  } cases[] = {
    { "flock", EWOULDBLOCK, 0 }, { LARGE_NAME ("fstat"), EIO, 0 },
    { LARGE_NAME ("lstat"), ENOENT, 0 }, { "flock", EIO, -EIO },
    { "flock", ENOLCK, -ENOLCK },
  };

  for (size_t i = 0; i < COUNT (cases); i++) {
    int fd = -1;

    calls = (typeof (calls)) { .watching = 1, .only = cases[i].only,
                               .error = cases[i].error };
    ck_assert_int_eq (vms_leftover_make ("fresh", &fd), cases[i].result);
    calls.watching = 0;
    ck_assert_ptr_nonnull (calls.failed);
    ck_assert_int_eq (exists ("fresh"), cases[i].result == 0);
    if (cases[i].result == 0) {
      close (fd);
      ck_assert_int_eq (rmdir ("fresh"), 0);
    }
  }
}
END_TEST

static TCase *
tests (void)
{
  TCase *t = unit_case ("failing-calls");
  const int n = (int) COUNT (errors);

  tcase_add_loop_test (t, an_image_is_made_or_not, 0, (int) COUNT (images) * n);
  tcase_add_loop_test (t, an_image_is_looked_at_or_not, 0, 2 * n);
  tcase_add_loop_test (t, a_system_image_is_made_or_not, 0, 2 * n);
  tcase_add_loop_test (t, a_host_is_looked_at_or_not, 0, 2 * n);
  tcase_add_loop_test (t, a_kernel_is_looked_at_or_not, 0, 2 * n);
  tcase_add_loop_test (t, what_a_machine_needs_is_made_or_not, 0, 2 * n);
  tcase_add_loop_test (t, a_machine_starts_or_not, 0, 2 * n);
  tcase_add_test (t, a_kernel_without_random_numbers_is_reported);
  tcase_add_test (t, a_host_may_have_no_extended_attributes);
  tcase_add_test (t, what_a_start_lacks_is_said);
  tcase_add_test (t, a_tpm_is_kept_or_not);
  tcase_add_test (t, kvm_may_be_there_or_denied);
  tcase_add_test (t, kvm_is_usable_by_a_flag_of_the_processor);
  tcase_add_test (t, the_flags_of_the_first_processor_are_enough);
  tcase_add_test (t, a_tree_that_cannot_be_read_is_left);
  tcase_add_test (t, a_directory_is_locked_once_its_cleaner_has_gone);
  return t;
}

int
main (int argc, char **argv)
{
  return emulator_or_tests (argc, argv, tests, "failing-calls");
}
