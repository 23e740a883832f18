/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "random-spec.h"

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct vmspec plain = { VMSPEC_INIT (vmspec) };

START_TEST (nothing_is_given_back_where_there_is_an_error)
{
  struct vmspec wrong = { VMSPEC_INIT (vmspec), .graphics = 1 };
  struct vmspec_host host = unit_host ();
  vmspec_plan *plan = (void *) &wrong;
  vmspec_doc *doc = (void *) &wrong;

  ck_assert_int_eq (vmspec_plan_new (&wrong, &host, NULL, &plan), -EINVAL);
  ck_assert_ptr_eq (plan, (void *) &wrong);
  ck_assert_int_eq (vmspec_resolve (&wrong, &host, NULL, &doc), -EINVAL);
  ck_assert_ptr_eq (doc, (void *) &wrong);
  ck_assert_int_eq (vmspec_check (&wrong, &host, NULL), -EINVAL);
}
END_TEST

START_TEST (a_host_that_is_wrong_is_refused)
{
  struct vmspec_host host = unit_host ();
  vmspec_plan *plan = NULL;

  host.directory = "relative";
  ck_assert_int_eq (vmspec_plan_new (&plain, &host, NULL, &plan), -EINVAL);
  host = unit_host ();
  host.reserved = 1;
  ck_assert_int_eq (vmspec_plan_new (&plain, &host, NULL, &plan), -EINVAL);
  ck_assert_ptr_null (plan);
}
END_TEST

START_TEST (nothing_that_a_plan_says_is_null)
{
  struct vmspec_host host = unit_host ();
  vmspec_plan *plan = unit_plan (&plain, &host);

  ck_assert_ptr_nonnull (vmspec_plan_spec (plan));
  ck_assert_ptr_nonnull (vmspec_plan_argv (plan));
  ck_assert_ptr_nonnull (vmspec_plan_command (plan));
  ck_assert_ptr_nonnull (vmspec_plan_environment (plan));
  ck_assert_ptr_nonnull (vmspec_plan_directory (plan));
  ck_assert_ptr_nonnull (vmspec_plan_accel (plan));
  ck_assert_str_eq (vmspec_plan_argv (plan)[0], "/bin/qemu-system-x86_64");
  vmspec_plan_free (plan);
  vmspec_plan_free (NULL);
}
END_TEST

START_TEST (a_plan_needs_its_description_and_its_host_no_more)
{
  struct arena arena = { 0 };
  struct random r = { 3 };
  struct vmspec *spec = random_struct (&r, &arena, "vmspec");
  struct vmspec_host host = unit_host ();
  vmspec_plan *plan;
  char *command;

  spec->efi = NULL;
  spec->guest = NULL;
  spec->tpm = NULL;
  plan = unit_plan (spec, &host);
  command = strdup (vmspec_plan_command (plan));
  memset (spec, 0xff, sizeof *spec);
  memset (&host, 0xff, sizeof host);
  vms_arena_free (&arena);
  ck_assert_str_eq (vmspec_plan_command (plan), command);
  ck_assert_str_eq (vmspec_plan_argv (plan)[0], "/bin/qemu-system-x86_64");
  free (command);
  vmspec_plan_free (plan);
}
END_TEST

/* ---- the command for people ---------------------------------------------- */

/* What sh makes of the command, with what is not the command's own taken away:
 * the directory, and TMPDIR. */
static size_t
run_by_shell (const char *command, char *output, size_t size)
{
  static const char prologue[]
    = "mkdir () { :; }; cd () { :; }\n"
      "qemu () { printf '%s\\0' \"$@\"; }\n";
  char script[] = "/tmp/vmspec-test.XXXXXX", line[100];
  int fd = mkstemp (script);
  size_t n;
  FILE *pipe;

  ck_assert_int_ge (fd, 0);
  ck_assert_int_eq (write (fd, prologue, sizeof prologue - 1),
                    (ssize_t) sizeof prologue - 1);
  ck_assert_int_eq (write (fd, command, strlen (command)),
                    (ssize_t) strlen (command));
  close (fd);
  snprintf (line, sizeof line, "sh %s", script);
  pipe = popen (line, "r");
  ck_assert_ptr_nonnull (pipe);
  n = fread (output, 1, size, pipe);
  ck_assert_int_eq (pclose (pipe), 0);
  unlink (script);
  return n;
}

START_TEST (the_command_is_the_argument_vector_for_a_shell)
{
  static const char *const odd[] = {
    "", " ", "a b", "'", "''", "it's", "\"", "$HOME", "`true`", "\\", "a\nb",
    "-x", "~", "*", "!", "#", "a;b", "&", "\t", "\x01\x7f", "\xff\xfe", "=",
    "%s",
  };
  static const char *list[COUNT (odd) + 1];
  static char output[1 << 16];
  struct vmspec_qemu qemu = { VMSPEC_INIT (vmspec_qemu), .binary = "qemu" };
  struct vmspec_disk none = { VMSPEC_INIT (vmspec_disk), .image = "" };
  struct vmspec spec = { VMSPEC_INIT (vmspec), .qemu = &qemu, .disk = &none,
                         .name = "it's $a, `name`" };
  struct vmspec_host host = unit_host ();
  const char *const *word, *at = output;
  vmspec_plan *plan;
  size_t size;

  memcpy (list, odd, sizeof odd);
  qemu.options = list;
  host.environment = STRINGS ("TMPDIR=/tmp/a b'c");
  host.programs = LIST (vmspec_host_program,
                        &(struct vmspec_host_program) {
                          VMSPEC_INIT (vmspec_host_program), .name = "qemu",
                          .path = "/bin/qemu" });
  plan = unit_plan (&spec, &host);
  word = vmspec_plan_argv (plan);
  {
    /* The function stands for the program. */
    const char *command = vmspec_plan_command (plan);
    const char *program = strstr (command, "/bin/qemu");
    char *changed = NULL;

    ck_assert_ptr_nonnull (program);
    ck_assert_int_gt (asprintf (&changed, "%.*sqemu%s",
                                (int) (program - command), command,
                                program + strlen ("/bin/qemu")), 0);
    size = run_by_shell (changed, output, sizeof output);
    free (changed);
  }
  for (word++; *word; word++) {
    ck_assert_uint_lt ((size_t) (at - output), size);
    ck_assert_str_eq (at, *word);
    at += strlen (at) + 1;
  }
  ck_assert_uint_eq ((size_t) (at - output), size);
  vmspec_plan_free (plan);
}
END_TEST

START_TEST (the_command_says_where_it_runs)
{
  struct vmspec_host host = unit_host ();
  vmspec_plan *plan;

  host.environment = STRINGS ("TMPDIR=/tmp/a b");
  plan = unit_plan (&plain, &host);
  ck_assert_str_eq (vmspec_plan_directory (plan), "/tmp/a b/vmspec.0123456789");
  ck_assert_ptr_eq (strstr (vmspec_plan_command (plan),
                            "mkdir -p '/tmp/a b/vmspec.0123456789' &&\n"),
                    vmspec_plan_command (plan));
  ck_assert_ptr_nonnull (
    strstr (vmspec_plan_command (plan),
            " &&\nmkdir -p '/tmp/a b/vmspec.0123456789/xchg' &&\n"));
  ck_assert_ptr_nonnull (
    strstr (vmspec_plan_command (plan),
            " &&\ncd '/tmp/a b/vmspec.0123456789' &&\n"));
  ck_assert_ptr_nonnull (strstr (vmspec_plan_command (plan),
                                 "TMPDIR='/tmp/a b/vmspec.0123456789' "));
  vmspec_plan_free (plan);
}
END_TEST

/* ---- purity -------------------------------------------------------------- */

START_TEST (the_environment_of_the_process_changes_nothing)
{
  static const char *const names[]
    = { "TMPDIR", "USE_TMPDIR", "NIX_DISK_IMAGE", "NIX_EFI_VARS",
        "NIX_SWTPM_DIR", "SHARED_DIR", "NIX_SSL_CERT_FILE", "QEMU_OPTS",
        "QEMU_NET_OPTS", "QEMU_KERNEL_PARAMS", "HOME", "LANG", "LC_ALL",
        "NIXPKGS_QEMU_KERNEL_vm" };
  struct vmspec_boot boot = { VMSPEC_INIT (vmspec_boot), .kernel = "/k" };
  struct vmspec_efi efi = { VMSPEC_INIT (vmspec_efi), .enable = VMSPEC_ON,
                            .firmware = "/f", .variables = "/v" };
  struct vmspec spec = { VMSPEC_INIT (vmspec), .boot = &boot, .efi = &efi };
  struct vmspec_host host = unit_host ();
  vmspec_plan *plan = unit_plan (&spec, &host), *again;

  for (size_t i = 0; i < COUNT (names); i++) {
    char *old = getenv (names[i]) ? strdup (getenv (names[i])) : NULL;

    setenv (names[i], "/elsewhere", 1);
    again = unit_plan (&spec, &host);
    ck_assert_str_eq (vmspec_plan_command (plan), vmspec_plan_command (again));
    vmspec_plan_free (again);
    if (old)
      setenv (names[i], old, 1);
    else
      unsetenv (names[i]);
    free (old);
  }
  vmspec_plan_free (plan);
}
END_TEST

#ifdef __x86_64__
#define ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined __aarch64__
#define ARCHITECTURE AUDIT_ARCH_AARCH64
#endif

#ifdef ARCHITECTURE
/* From here on the process may get memory, and end; anything else kills it. */
static int
allow_only_memory (void)
{
#define ALLOW(call)                                                            \
  BPF_JUMP (BPF_JMP | BPF_JEQ | BPF_K, SYS_##call, 0, 1),                      \
    BPF_STMT (BPF_RET | BPF_K, SECCOMP_RET_ALLOW)
  struct sock_filter filter[] = {
    BPF_STMT (BPF_LD | BPF_W | BPF_ABS, offsetof (struct seccomp_data, arch)),
    BPF_JUMP (BPF_JMP | BPF_JEQ | BPF_K, ARCHITECTURE, 1, 0),
    BPF_STMT (BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
    BPF_STMT (BPF_LD | BPF_W | BPF_ABS, offsetof (struct seccomp_data, nr)),
    ALLOW (brk), ALLOW (mmap), ALLOW (munmap), ALLOW (mremap), ALLOW (madvise),
    ALLOW (exit_group),
    BPF_STMT (BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
  };
  struct sock_fprog program = { COUNT (filter), filter };

  return prctl (PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0
         && prctl (PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

enum { CANNOT_TRY = 77 };

static int
make_plans (void)
{
  struct vmspec_host host = unit_host ();
  struct arena arena = { 0 };

  for (unsigned i = 0; i < 300; i++) {
    struct random r = { i };
    struct vmspec *spec = random_struct (&r, &arena, "vmspec");
    vmspec_diag *diag = NULL;
    vmspec_doc *doc = NULL;
    vmspec_plan *plan = NULL;
    const char *xml;

    if (vmspec_diag_new (&diag) < 0)
      return 1;
    if (vmspec_plan_new (spec, &host, diag, &plan) == 0)
      vmspec_plan_free (plan);
    if (vmspec_resolve (spec, &host, diag, &doc) == 0) {
      vmspec_doc_write (doc, &xml);
      vmspec_doc_set (doc, "shares[]=tag=a,source=b,target=/c", diag);
      vmspec_doc_free (doc);
    }
    vmspec_check (spec, &host, diag);
    vmspec_diag_free (diag);
    vms_arena_free (&arena);
  }
  return 0;
}

START_TEST (resolving_checking_planning_and_rendering_touch_nothing)
{
  int status;
  pid_t pid;

  if (unit_is_watched ())
    return;
  pid = fork ();
  if (pid == 0) {
    /* Not by _exit(), which may have counts of coverage to write. */
    syscall (SYS_exit_group, allow_only_memory () ? make_plans () : CANNOT_TRY);
  }
  ck_assert_int_eq (waitpid (pid, &status, 0), pid);
  ck_assert_msg (!WIFSIGNALED (status), "ended by signal %d (%d: a system call "
                 "that is no business of a plan)", WTERMSIG (status), SIGSYS);
  ck_assert (WEXITSTATUS (status) == 0 || WEXITSTATUS (status) == CANNOT_TRY);
}
END_TEST
#endif

START_TEST (the_same_gives_the_same)
{
  struct vmspec_host host = unit_host ();

  for (unsigned i = 0; i < unit_rounds (300); i++) {
    struct arena arena = { 0 };
    struct random r = { i };
    struct vmspec *spec = random_struct (&r, &arena, "vmspec");
    vmspec_plan *one = NULL, *other = NULL;
    int first = vmspec_plan_new (spec, &host, NULL, &one);

    ck_assert_int_eq (vmspec_plan_new (spec, &host, NULL, &other), first);
    if (first == 0)
      ck_assert_str_eq (vmspec_plan_command (one), vmspec_plan_command (other));
    vmspec_plan_free (one);
    vmspec_plan_free (other);
    vms_arena_free (&arena);
  }
}
END_TEST

int
main (void)
{
  TCase *t = unit_case ("plan");

  tcase_add_test (t, nothing_is_given_back_where_there_is_an_error);
  tcase_add_test (t, a_host_that_is_wrong_is_refused);
  tcase_add_test (t, nothing_that_a_plan_says_is_null);
  tcase_add_test (t, a_plan_needs_its_description_and_its_host_no_more);
  tcase_add_test (t, the_command_is_the_argument_vector_for_a_shell);
  tcase_add_test (t, the_command_says_where_it_runs);
  tcase_add_test (t, the_environment_of_the_process_changes_nothing);
#ifdef ARCHITECTURE
  tcase_add_test (t, resolving_checking_planning_and_rendering_touch_nothing);
#endif
  tcase_add_test (t, the_same_gives_the_same);
  return unit_run ("plan", t);
}
