/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a machine's process gets, and its run directory. */
#include "emulator.h"
#include "leftover.h"
#include "remove.h"

/* ---- what the child gets ------------------------------------------------- */

START_TEST (its_group_is_the_callers_unless_it_wants_its_own)
{
  struct vmspec_start start = plainly;
  vmspec_vm *vm = NULL;

  ck_assert_int_eq (run ("group"), 0);
  ck_assert_str_eq (read_file (below ("report")), "shared\n");
  start.own_group = VMSPEC_ON;
  ck_assert_int_eq (vmspec_vm_start (plan, &start, diag, &vm), 0);
  ck_assert_int_eq (vmspec_vm_wait (vm, -1, NULL), 0);
  ck_assert_str_eq (read_file (below ("report")), "own\n");
  vmspec_vm_free (vm);
}
END_TEST

/* With numbers that are in each other's way, and beyond the control socket's. */
START_TEST (it_gets_the_descriptors_that_the_caller_names)
{
  int ends[2];
  struct vmspec_descriptor one = { VMSPEC_INIT (vmspec_descriptor) },
                           other = one;
  const struct vmspec_descriptor *const both[] = { &one, &other, NULL };
  struct vmspec_start start = plainly;
  vmspec_vm *vm = NULL;
  char expected[64];

  ck_assert_int_eq (pipe (ends), 0);
  one.fd = (uint32_t) ends[0];
  other.fd = (uint32_t) ends[1];
  one.number = other.fd;
  other.number = 20;
  start.descriptors = both;
  plan_to ("descriptors");
  ck_assert_int_eq (vmspec_vm_start (plan, &start, diag, &vm), 0);
  ck_assert_int_eq (vmspec_vm_wait (vm, -1, NULL), 0);
  vmspec_vm_free (vm);
  snprintf (expected, sizeof expected, "0\n1\n2\n%u\n20\n", one.number);
  ck_assert_str_eq (read_file (below ("report")), expected);
  close (ends[0]);
  close (ends[1]);
}
END_TEST

START_TEST (it_runs_in_the_run_directory_with_its_arguments)
{
  char expected[3 * PATH_MAX];

  ck_assert_int_eq (run ("where"), 0);
  snprintf (expected, sizeof expected, "%s/" RUN "\n%s/" RUN "\n%s\n", scratch,
            scratch, vmspec_plan_argv (plan)[1]);
  ck_assert_str_eq (read_file (below ("report")), expected);
}
END_TEST

START_TEST (only_the_three_standard_descriptors_are_inherited)
{
  int plain = open ("/dev/null", O_RDONLY), high = fcntl (plain, F_DUPFD, 200);
  int pipes[2];

  ck_assert_int_eq (pipe (pipes), 0);
  ck_assert_int_ge (high, 200);
  ck_assert_int_eq (run ("descriptors"), 0);
  close (plain);
  close (high);
  close (pipes[0]);
  close (pipes[1]);
  ck_assert_str_eq (read_file (below ("report")), "0\n1\n2\n");
}
END_TEST

START_TEST (no_descriptor_is_left_behind)
{
  int before = unit_descriptors ();

  for (int i = 0; i < 5; i++) {
    run ("exit");
    vmspec_vm_free (started ("sleep"));
  }
  ck_assert_int_eq (unit_descriptors (), before);
}
END_TEST

START_TEST (the_callers_signal_mask_and_ignored_signals_stay_with_it)
{
  sigset_t all, old;
  struct sigaction ignore = { .sa_handler = SIG_IGN }, pipe_, term;

  sigfillset (&all);
  sigaction (SIGPIPE, &ignore, &pipe_);
  sigaction (SIGTERM, &ignore, &term);
  sigprocmask (SIG_SETMASK, &all, &old);
  ck_assert_int_eq (run ("signals"), 0);
  sigprocmask (SIG_SETMASK, &old, NULL);
  sigaction (SIGPIPE, &pipe_, NULL);
  sigaction (SIGTERM, &term, NULL);
  ck_assert_str_eq (read_file (below ("report")), "");
}
END_TEST

/* ---- the run directory --------------------------------------------------- */

START_TEST (the_run_directory_is_the_users_alone_and_goes_with_the_machine)
{
  vmspec_vm *vm = started ("sleep");
  struct stat status;

  ck_assert_int_eq (stat (below (RUN), &status), 0);
  ck_assert_uint_eq (status.st_mode & 07777, S_ISVTX | 0700);
  ck_assert (exists (below (RUN "/xchg")));
  vmspec_vm_kill (vm, SIGTERM);
  ck_assert_int_eq (vmspec_vm_wait (vm, -1, NULL), 0);
  ck_assert (!exists (below (RUN)));
  vmspec_vm_free (vm);
}
END_TEST

START_TEST (a_run_directory_stays_if_it_is_to)
{
  struct vmspec_start start = plainly;
  vmspec_vm *vm = NULL;

  start.keep_directory = VMSPEC_ON;
  plan_to ("exit");
  ck_assert_int_eq (vmspec_vm_start (plan, &start, diag, &vm), 0);
  ck_assert_int_eq (vmspec_vm_wait (vm, -1, NULL), 0);
  vmspec_vm_free (vm);
  ck_assert (exists (below (RUN "/xchg")));
}
END_TEST

START_TEST (one_that_was_prepared_is_taken_over)
{
  size_t removed = 99;
  vmspec_vm *vm = NULL;

  plan_to ("exit");
  ck_assert_int_eq (vmspec_plan_prepare (plan, NULL, NULL, diag), 0);
  ck_assert_int_eq (vmspec_plan_prepare (plan, NULL, NULL, diag), 0);
  ck_assert_int_eq (mkdir (RUN "/mine", 0700), 0);
  /* It is in use already. */
  ck_assert_int_eq (vmspec_clean (scratch, &removed), 0);
  ck_assert_uint_eq (removed, 0);
  ck_assert (exists (below (RUN "/mine")));
  ck_assert_int_eq (vmspec_vm_start (plan, &plainly, diag, &vm), 0);
  ck_assert_int_eq (vmspec_vm_wait (vm, -1, NULL), 0);
  vmspec_vm_free (vm);
  ck_assert (!exists (below (RUN)));
}
END_TEST

START_TEST (one_that_was_prepared_for_nothing_is_a_leftover)
{
  size_t removed = 0;

  plan_to ("exit");
  ck_assert_int_eq (vmspec_plan_prepare (plan, NULL, NULL, diag), 0);
  vmspec_plan_free (plan);
  plan = NULL;
  ck_assert (exists (below (RUN "/xchg")));
  ck_assert_int_eq (vmspec_clean (scratch, &removed), 0);
  ck_assert_uint_eq (removed, 1);
  ck_assert (!exists (below (RUN)));
  ck_assert_int_eq (vmspec_clean (below ("nowhere"), &removed), -ENOENT);
}
END_TEST

static const char *
inside (const char *directory, const char *name)
{
  static char path[PATH_MAX];

  snprintf (path, sizeof path, "%s/%s", directory, name);
  return path;
}

START_TEST (only_ours_are_leftovers)
{
  static const struct {
    const char *name;
    mode_t mode;
  } others[] = { { "vmspec.regression", 0700 }, { "vmspec.short", 01700 },
                 { "vmspecs.012345678", 01700 }, { "vmspec.01234567890", 01700 },
                 { "vmspec.public0000", 01777 }, { "vmspec.012345678", 01700 },
                 { "vmspec.other00001", 01701 }, { "vmspec.other00010", 01710 },
                 { "vmspec.setuid0000", 05700 }, { "vmspec.readonly00", 01500 },
                 { "xmspec.0123456789", 01700 } };
  size_t removed = 99;

  for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
    ck_assert_int_eq (mkdir (others[i].name, 0700), 0);
    ck_assert_int_eq (chmod (others[i].name, others[i].mode), 0);
  }
  make_file ("vmspec.a00000file", 01700, "");
  ck_assert_int_eq (symlink ("vmspec.regression", "vmspec.a00000link"), 0);
  ck_assert_int_eq (vmspec_clean (scratch, &removed), 0);
  ck_assert_uint_eq (removed, 0);
  for (size_t i = 0; i < sizeof others / sizeof *others; i++)
    ck_assert (exists (others[i].name));
  ck_assert (exists ("vmspec.a00000file"));
  ck_assert (exists ("vmspec.a00000link"));
}
END_TEST

/* Below a directory with a set-group-ID bit, ours have it too. */
START_TEST (each_leftover_is_counted)
{
  static const char *const names[]
    = { "vmspec.aaaaaaaaaa", "vmspec.bbbbbbbbbb", "vmspec.cccccccccc" };
  size_t removed = 99;

  for (size_t i = 0; i < COUNT (names); i++) {
    ck_assert_int_eq (mkdir (names[i], 0700), 0);
    ck_assert_int_eq (mkdir (inside (names[i], "full"), 0700), 0);
    ck_assert_int_eq (chmod (names[i], i == 1 ? 03700 : 01700), 0);
  }
  ck_assert_int_eq (vmspec_clean (scratch, &removed), 0);
  ck_assert_uint_eq (removed, 3);
  for (size_t i = 0; i < COUNT (names); i++)
    ck_assert (!exists (names[i]));
  ck_assert_int_eq (vmspec_clean (scratch, NULL), 0);
}
END_TEST

START_TEST (a_lock_is_had_once)
{
  int first = -1, second = -1;

  ck_assert_int_eq (vms_leftover_lock ("fresh", &first), -ENOENT);
  ck_assert_int_eq (vms_leftover_make ("fresh", &first), 0);
  ck_assert_int_ge (first, 0);
  ck_assert_int_eq (vms_leftover_lock ("fresh", &second), -EEXIST);
  ck_assert_int_eq (vms_leftover_make ("fresh", &second), -EEXIST);
  ck_assert_int_eq (second, -1);
  close (first);
  ck_assert_int_eq (vms_leftover_make ("fresh", &second), -EEXIST);
  ck_assert_int_eq (vms_leftover_lock ("fresh", &second), 0);
  close (second);
  make_file ("file", 0600, "");
  ck_assert_int_eq (vms_leftover_lock ("file", &second), -ENOTDIR);
  ck_assert_int_eq (vms_leftover_make ("no/where", &second), -ENOENT);
}
END_TEST

/* What the guest is to see may be read by all, whatever the user's mask is for. */
START_TEST (a_directory_of_the_users_own_gets_what_the_guest_is_to_see)
{
  mode_t mask = umask (0);
  struct stat status;
  vmspec_vm *vm = NULL;

  make_file ("bundle", 0600, "certificate");
  snprintf (variables[0], sizeof variables[0], "TMPDIR=%s/own", scratch);
  host.environment = STRINGS (variables[0], "USE_TMPDIR=1",
                              "NIX_SSL_CERT_FILE=bundle",
                              "VMSPEC_TEST_EMULATOR=exit");
  spec.host_certs = VMSPEC_ON;
  plan = unit_plan (&spec, &host);
  ck_assert_int_eq (vmspec_vm_start (plan, &plainly, diag, &vm), 0);
  ck_assert_int_eq (vmspec_vm_wait (vm, -1, NULL), 0);
  vmspec_vm_free (vm);
  ck_assert_uint_eq (vmspec_diag_count (diag), 0);
  umask (mask);
  for (size_t i = 0; i < 3; i++) {
    ck_assert_int_eq (stat (i ? i == 1 ? "own/xchg" : "own/certs" : "own",
                            &status), 0);
    ck_assert_uint_eq (status.st_mode, S_IFDIR | 0755);
  }
  ck_assert_int_eq (stat ("own/certs/ca-certificates.crt", &status), 0);
  ck_assert_uint_eq (status.st_mode, S_IFREG | 0644);
}
END_TEST

START_TEST (a_plan_runs_once_at_a_time)
{
  vmspec_vm *vm = started ("sleep"), *other = NULL;

  ck_assert_int_eq (vmspec_vm_start (plan, &plainly, diag, &other), -EEXIST);
  ck_assert_ptr_null (other);
  ck_assert_int_eq (vmspec_vm_wait (vm, 0, NULL), -ETIME);
  ck_assert (exists (below (RUN "/xchg")));
  vmspec_vm_free (vm);
}
END_TEST

START_TEST (a_directory_of_the_users_own_stays)
{
  snprintf (variables[0], sizeof variables[0], "TMPDIR=%s/own", scratch);
  host.environment = STRINGS (variables[0], "USE_TMPDIR=1",
                              "VMSPEC_TEST_EMULATOR=exit");
  for (int i = 0; i < 2; i++) {
    vmspec_vm *vm = NULL;

    plan = unit_plan (&spec, &host);
    ck_assert_int_eq (vmspec_vm_start (plan, &plainly, diag, &vm), 0);
    ck_assert_int_eq (vmspec_vm_wait (vm, -1, NULL), 0);
    vmspec_vm_free (vm);
    ck_assert (exists (below ("own/xchg")));
    vmspec_plan_free (plan);
    plan = NULL;
  }
}
END_TEST

START_TEST (a_directory_of_somebody_else_is_not_touched)
{
  vmspec_vm *vm = NULL;

  ck_assert_int_eq (mkdir (RUN, 0700), 0);
  make_file (RUN "/precious", 0600, "mine");
  plan_to ("exit");
  ck_assert_int_eq (vmspec_vm_start (plan, &plainly, diag, &vm), -EEXIST);
  ck_assert_ptr_null (vm);
  ck_assert_ptr_nonnull (unit_finding (diag, "run-directory.failed"));
  ck_assert_str_eq (read_file (RUN "/precious"), "mine");
  ck_assert (!exists (RUN "/xchg"));
  /* Nor is what a link leads to. */
  ck_assert_int_eq (rename (RUN, "elsewhere"), 0);
  ck_assert_int_eq (symlink ("elsewhere", RUN), 0);
  ck_assert_int_eq (vmspec_vm_start (plan, &plainly, diag, &vm), -EEXIST);
  ck_assert_str_eq (read_file ("elsewhere/precious"), "mine");
}
END_TEST

START_TEST (the_hosts_certificates_are_handed_to_the_guest)
{
  vmspec_vm *vm = NULL;

  make_file ("bundle", 0600, "certificate");
  spec.host_certs = VMSPEC_ON;
  plan_to ("sleep");
  environment[3] = "NIX_SSL_CERT_FILE=bundle";
  vmspec_plan_free (plan);
  plan = unit_plan (&spec, &host);
  ck_assert_int_eq (vmspec_vm_start (plan, &plainly, diag, &vm), 0);
  ck_assert_uint_eq (vmspec_diag_count (diag), 0);
  ck_assert_str_eq (read_file (RUN "/certs/ca-certificates.crt"),
                    "certificate");
  vmspec_vm_free (vm);
  ck_assert_str_eq (read_file ("bundle"), "certificate");
}
END_TEST

START_TEST (without_certificates_the_guest_has_none_and_that_is_said)
{
  vmspec_vm *vm;

  spec.host_certs = VMSPEC_ON;
  vm = started ("sleep");
  ck_assert_ptr_nonnull (unit_finding (diag, "host-certs.missing"));
  ck_assert_uint_eq (unit_finding (diag, "host-certs.missing")->severity,
                     VMSPEC_SEVERITY_WARNING);
  ck_assert (exists (RUN "/certs"));
  ck_assert (!exists (RUN "/certs/ca-certificates.crt"));
  vmspec_vm_free (vm);
}
END_TEST

/* Its parts as a process of nobody, for whom modes mean something.  The name of
 * the program has to be within nobody's reach. */
static void
as_nobody (int (*test) (void))
{
  int status;
  pid_t pid;

  ck_assert_int_eq (chmod (scratch, 0777), 0);
  pid = fork ();
  if (pid == 0) {
    be_nobody ();
    _exit (test ());
  }
  ck_assert_int_eq (waitpid (pid, &status, 0), pid);
  ck_assert (WIFEXITED (status));
  if (WEXITSTATUS (status) != 77)
    ck_assert_int_eq (WEXITSTATUS (status), 0);
}

static int
run_and_look (const char *what)
{
  vmspec_vm *vm = NULL;
  int status = -1;

  plan_to (what);
  if (access (self, X_OK) < 0 || access (plainly.keeper, X_OK) < 0)
    return 77;
  if (vmspec_vm_start (plan, &plainly, diag, &vm) < 0)
    return 1;
  if (vmspec_vm_wait (vm, -1, &status) < 0 || status != 0)
    return 2;
  vmspec_vm_free (vm);
  if (exists (below (RUN)))
    return 3;
  return strcmp (read_file (below ("precious/file")), "mine") ? 4 : 0;
}

static int
run_mess (void)
{
  return run_and_look ("mess");
}

static void
make_precious (void)
{
  ck_assert_int_eq (mkdir ("precious", 0777), 0);
  ck_assert_int_eq (chmod ("precious", 0777), 0);
  make_file ("precious/file", 0644, "mine");
}

START_TEST (whatever_modes_a_guest_sets_everything_goes)
{
  make_precious ();
  as_nobody (run_mess);
}
END_TEST

START_TEST (links_in_the_run_directory_are_not_followed)
{
  make_precious ();
  ck_assert_int_eq (run_and_look ("mess"), 0);
}
END_TEST

START_TEST (a_link_in_the_place_of_the_run_directory_is_not_followed)
{
  make_precious ();
  ck_assert_int_eq (run ("link"), 0);
  ck_assert_str_eq (read_file ("precious/file"), "mine");
}
END_TEST

START_TEST (certificates_are_not_written_through_a_link)
{
  vmspec_vm *vm = NULL;

  make_precious ();
  make_file ("bundle", 0600, "certificate");
  ck_assert_int_eq (mkdir ("own", 0700), 0);
  ck_assert_int_eq (mkdir ("own/certs", 0700), 0);
  ck_assert_int_eq (symlink ("../../precious/file",
                             "own/certs/ca-certificates.crt"), 0);
  snprintf (variables[0], sizeof variables[0], "TMPDIR=%s/own", scratch);
  host.environment = STRINGS (variables[0], "USE_TMPDIR=1",
                              "NIX_SSL_CERT_FILE=bundle",
                              "VMSPEC_TEST_EMULATOR=exit");
  spec.host_certs = VMSPEC_ON;
  plan = unit_plan (&spec, &host);
  if (vmspec_vm_start (plan, &plainly, diag, &vm) == 0)
    vmspec_vm_free (vm);
  ck_assert_str_eq (read_file ("precious/file"), "mine");
}
END_TEST

START_TEST (a_tree_goes_however_deep_it_is)
{
  make_precious ();
  ck_assert_int_eq (run_and_look ("deep"), 0);
}
END_TEST

START_TEST (directories_that_may_not_be_read_are_removed)
{
  static const char *const names[]
    = { "tree", "tree/none", "tree/none/none", "tree/other", "tree/other/none" };
  uid_t user = geteuid ();

  if (user == 0) {
    ck_assert_int_eq (chown (".", 65534, (gid_t) -1), 0);
    ck_assert_int_eq (seteuid (65534), 0);
  }
  for (size_t i = 0; i < COUNT (names); i++)
    ck_assert_int_eq (mkdir (names[i], 0700), 0);
  for (size_t i = COUNT (names); i--;)
    ck_assert_int_eq (chmod (names[i], 0), 0);
  vms_remove_tree ("tree");
  ck_assert_int_eq (access ("tree", F_OK), -1);
  ck_assert_int_eq (seteuid (user), 0);
}
END_TEST

/* Names that it would give are there already, some where they are moved to. */
START_TEST (a_tree_goes_whatever_its_names_are)
{
  static const char *const directories[]
    = { "tree", "tree/.vmspec-1", "tree/.vmspec-1/.vmspec-2",
        "tree/.vmspec-1/.vmspec-2/a", "tree/.vmspec-3", "tree/a", "tree/a/a",
        "tree/a/a/a", "tree/a/a/a/a", "tree/..a", "tree/...", "tree/.../b",
        "tree/.../b/c" };

  for (size_t i = 0; i < COUNT (directories); i++) {
    ck_assert_int_eq (mkdir (directories[i], 0700), 0);
    make_file (inside (directories[i], "file"), 0, "");
    ck_assert_int_eq (symlink ("/", inside (directories[i], "link")), 0);
  }
  make_file ("tree/.vmspec-4", 0600, "");
  /* What has failed before is not taken for what fails now. */
  errno = EACCES;
  vms_remove_tree ("tree");
  ck_assert (!exists ("tree"));
  vms_remove_tree ("tree");
  make_file ("tree", 0600, "");
  vms_remove_tree ("tree");
  ck_assert (exists ("tree"));
}
END_TEST

static TCase *
tests (void)
{
  TCase *t = unit_case ("run-dir");

  tcase_add_test (t, it_runs_in_the_run_directory_with_its_arguments);
  tcase_add_test (t, only_the_three_standard_descriptors_are_inherited);
  tcase_add_test (t, no_descriptor_is_left_behind);
  tcase_add_test (t, the_callers_signal_mask_and_ignored_signals_stay_with_it);
  tcase_add_test (t,
    the_run_directory_is_the_users_alone_and_goes_with_the_machine);
  tcase_add_test (t, its_group_is_the_callers_unless_it_wants_its_own);
  tcase_add_test (t, it_gets_the_descriptors_that_the_caller_names);
  tcase_add_test (t, a_run_directory_stays_if_it_is_to);
  tcase_add_test (t, one_that_was_prepared_is_taken_over);
  tcase_add_test (t, one_that_was_prepared_for_nothing_is_a_leftover);
  tcase_add_test (t, only_ours_are_leftovers);
  tcase_add_test (t, a_lock_is_had_once);
  tcase_add_test (t, each_leftover_is_counted);
  tcase_add_test (t, a_plan_runs_once_at_a_time);
  tcase_add_test (t, a_directory_of_the_users_own_stays);
  tcase_add_test (t, a_directory_of_the_users_own_gets_what_the_guest_is_to_see);
  tcase_add_test (t, a_directory_of_somebody_else_is_not_touched);
  tcase_add_test (t, the_hosts_certificates_are_handed_to_the_guest);
  tcase_add_test (t, without_certificates_the_guest_has_none_and_that_is_said);
  tcase_add_test (t, whatever_modes_a_guest_sets_everything_goes);
  tcase_add_test (t, links_in_the_run_directory_are_not_followed);
  tcase_add_test (t, a_link_in_the_place_of_the_run_directory_is_not_followed);
  tcase_add_test (t, certificates_are_not_written_through_a_link);
  tcase_add_test (t, a_tree_goes_however_deep_it_is);
  tcase_add_test (t, a_tree_goes_whatever_its_names_are);
  tcase_add_test (t, directories_that_may_not_be_read_are_removed);
  return t;
}

int
main (int argc, char **argv)
{
  return emulator_or_tests (argc, argv, tests, "run-dir");
}
