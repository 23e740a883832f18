/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Start, wait, stop, kill, and why. */
#include "emulator.h"

/* ---- ends ---------------------------------------------------------------- */

START_TEST (the_exit_status_is_handed_back)
{
  vmspec_vm *vm = started ("exit");
  int status = -1;

  ck_assert_int_eq (vmspec_vm_wait (vm, -1, &status), 0);
  ck_assert (WIFEXITED (status));
  ck_assert_int_eq (WEXITSTATUS (status), 3);
  /* And again, as often as one likes. */
  status = -1;
  ck_assert_int_eq (vmspec_vm_wait (vm, 0, &status), 0);
  ck_assert_int_eq (WEXITSTATUS (status), 3);
  ck_assert_int_eq (vmspec_vm_wait (vm, -1, NULL), 0);
  vmspec_vm_free (vm);
}
END_TEST

START_TEST (the_signal_that_ended_it_is_handed_back)
{
  int status = run ("signal");

  ck_assert (WIFSIGNALED (status));
  ck_assert_int_eq (WTERMSIG (status), SIGTERM);
}
END_TEST

START_TEST (waiting_ends_when_the_time_is_up)
{
  vmspec_vm *vm = started ("sleep");
  int64_t start = vms_now_ms ();
  int status = 12345;

  ck_assert_int_eq (vmspec_vm_wait (vm, 0, &status), -ETIME);
  ck_assert_int_eq (vmspec_vm_wait (vm, 60, &status), -ETIME);
  ck_assert_int_ge (vms_now_ms () - start, 59);
  ck_assert_int_eq (status, 12345);
  ck_assert_int_eq (vmspec_vm_kill (vm, SIGKILL), 0);
  ck_assert_int_eq (vmspec_vm_wait (vm, 60000, &status), 0);
  ck_assert (WIFSIGNALED (status));
  ck_assert_int_eq (WTERMSIG (status), SIGKILL);
  vmspec_vm_free (vm);
}
END_TEST

static void
ignore_alarm (int number)
{
  (void) number;
}

START_TEST (signals_of_the_caller_neither_end_nor_lengthen_waiting)
{
  struct sigaction action = { .sa_handler = ignore_alarm }, old;
  struct itimerval often = { { 0, 10000 }, { 0, 10000 } }, never = { 0 };
  vmspec_vm *vm = started ("sleep");
  int64_t start = vms_now_ms ();

  sigaction (SIGALRM, &action, &old);
  setitimer (ITIMER_REAL, &often, NULL);
  ck_assert_int_eq (vmspec_vm_wait (vm, 150, NULL), -ETIME);
  setitimer (ITIMER_REAL, &never, NULL);
  sigaction (SIGALRM, &old, NULL);
  ck_assert_int_ge (vms_now_ms () - start, 149);
  ck_assert_int_lt (vms_now_ms () - start, 5000);
  vmspec_vm_free (vm);
}
END_TEST

START_TEST (its_descriptor_can_be_polled)
{
  vmspec_vm *vm = started ("sleep");
  struct pollfd end = { .fd = vmspec_vm_pidfd (vm), .events = POLLIN };

  ck_assert_int_ge (end.fd, 0);
  ck_assert_int_eq (fcntl (end.fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
  ck_assert_int_eq (poll (&end, 1, 0), 0);
  ck_assert_int_eq (vmspec_vm_kill (vm, SIGTERM), 0);
  ck_assert_int_eq (poll (&end, 1, 60000), 1);
  ck_assert_int_eq (vmspec_vm_wait (vm, 0, NULL), 0);
  vmspec_vm_free (vm);
}
END_TEST

START_TEST (what_has_ended_cannot_be_killed)
{
  vmspec_vm *vm = started ("exit");

  ck_assert_int_eq (vmspec_vm_wait (vm, -1, NULL), 0);
  ck_assert_int_eq (vmspec_vm_kill (vm, SIGTERM), -ESRCH);
  vmspec_vm_free (vm);
}
END_TEST

START_TEST (a_machine_that_is_let_go_is_killed_and_cleaned_up)
{
  vmspec_vm *vm = started ("sleep");
  int pid = vmspec_vm_pid (vm);

  ck_assert_int_gt (pid, 0);
  ck_assert_int_eq (kill (pid, 0), 0);
  ck_assert (exists (below (RUN "/xchg")));
  vmspec_vm_free (vm);
  ck_assert_int_eq (kill (pid, 0), -1);
  ck_assert (!exists (below (RUN)));
  vmspec_vm_free (NULL);
}
END_TEST

START_TEST (ignored_children_do_not_lose_its_status)
{
  struct sigaction ignore = { .sa_handler = SIG_IGN }, old;
  int status;

  sigaction (SIGCHLD, &ignore, &old);
  status = run ("exit");
  sigaction (SIGCHLD, &old, NULL);
  ck_assert (WIFEXITED (status));
  ck_assert_int_eq (WEXITSTATUS (status), 3);
}
END_TEST

START_TEST (it_is_stopped_without_qmp_as_well)
{
  vmspec_vm *vm = started ("sleep");
  int status = -1;

  ck_assert_int_eq (vmspec_vm_stop (vm, 60000, &status), 0);
  ck_assert (WIFSIGNALED (status));
  ck_assert_int_eq (WTERMSIG (status), SIGTERM);
  ck_assert_int_eq (vmspec_vm_stop (vm, 60000, NULL), 0);
  vmspec_vm_free (vm);
  vm = started ("sleep");
  ck_assert_int_eq (vmspec_vm_stop (vm, 0, &status), 0);
  ck_assert_int_eq (WTERMSIG (status), SIGKILL);
  vmspec_vm_free (vm);
}
END_TEST

START_TEST (its_plan_may_go_before_it)
{
  vmspec_vm *vm = started ("exit");

  vmspec_plan_free (plan);
  plan = NULL;
  ck_assert_int_eq (vmspec_vm_wait (vm, -1, NULL), 0);
  ck_assert_int_eq (vmspec_vm_explain (vm, diag), -EIO);
  vmspec_vm_free (vm);
}
END_TEST

START_TEST (the_copy_of_a_handle_in_a_forked_child_ends_nothing)
{
  vmspec_vm *vm = started ("sleep");
  pid_t child = fork ();
  int status;

  if (child == 0) {
    vmspec_vm_free (vm);
    _exit (0);
  }
  ck_assert_int_eq (waitpid (child, &status, 0), child);
  ck_assert_int_eq (status, 0);
  ck_assert_int_eq (vmspec_vm_wait (vm, 50, NULL), -ETIME);
  ck_assert (exists (below (RUN)));
  vmspec_vm_free (vm);
}
END_TEST

START_TEST (who_kills_the_keeper_leaves_nothing_either)
{
  vmspec_vm *vm = started ("sleep");
  int pid = vmspec_vm_pid (vm);

  ck_assert_int_eq (kill (parent_of (pid), SIGKILL), 0);
  ck_assert_int_eq (vmspec_vm_wait (vm, 60000, NULL), -ECHILD);
  ck_assert (!exists (below (RUN)));
  ck_assert_int_eq (vmspec_vm_kill (vm, SIGTERM), -ESRCH);
  vmspec_vm_free (vm);
}
END_TEST

/* As soon as there is an emulator. */
static int
has_no_time (void *data, const struct vmspec_progress *progress)
{
  (void) data;
  (void) progress;
  return exists (below ("report"));
}

START_TEST (who_has_no_time_to_wait_has_a_machine_all_the_same)
{
  struct vmspec_work work = { VMSPEC_INIT (vmspec_work),
                              .progress = has_no_time };
  struct vmspec_start start = plainly;
  vmspec_vm *vm = NULL;
  int64_t begin = vms_now_ms ();

  start.qmp = VMSPEC_ON;
  start.ready_timeout = 60000;
  start.work = &work;
  plan_to ("sleep");
  ck_assert_int_eq (vmspec_vm_start (plan, &start, diag, &vm), 0);
  ck_assert_int_lt (vms_now_ms () - begin, 30000);
  ck_assert_ptr_nonnull (unit_finding (diag, "qmp.silent"));
  ck_assert_int_eq (vmspec_vm_wait (vm, 0, NULL), -ETIME);
  vmspec_vm_free (vm);
}
END_TEST

/* ---- why ----------------------------------------------------------------- */

START_TEST (its_last_words_are_kept)
{
  struct vmspec_start start = plainly;
  vmspec_vm *vm = NULL;
  const char *words;
  size_t size;

  start.error = VMSPEC_STDIO_NULL;
  plan_to ("talk");
  ck_assert_int_eq (vmspec_vm_start (plan, &start, diag, &vm), 0);
  ck_assert_int_eq (vmspec_vm_wait (vm, -1, NULL), 0);
  words = vmspec_vm_last_words (vm, &size);
  ck_assert_uint_eq (size, 65536);
  ck_assert_uint_eq (strlen (words), size);
  ck_assert_str_eq (words + size - 18, "word 9999\nthe last");
  vmspec_vm_free (vm);
}
END_TEST

/* Nothing for a moment, and then all. */
static int
read_slowly (int fd, size_t expected)
{
  char bytes[4096];
  size_t size = 0;
  ssize_t n;

  poll (NULL, 0, 20);
  while ((n = read (fd, bytes, sizeof bytes)) > 0)
    size += (size_t) n;
  return size != expected;
}

START_TEST (a_slow_reader_gets_all_of_its_words)
{
  struct vmspec_start start = plainly;
  vmspec_vm *vm = NULL;
  int ends[2], status;
  pid_t reader;

  ck_assert_int_eq (pipe2 (ends, O_CLOEXEC), 0);
  reader = fork ();
  if (reader == 0) {
    close (ends[1]);
    _exit (read_slowly (ends[0], 10000 * strlen ("word \n") + 38890
                                   + strlen ("the last")));
  }
  start.error = VMSPEC_STDIO_DESCRIPTOR;
  start.error_fd = (uint32_t) ends[1];
  plan_to ("talk");
  ck_assert_int_eq (vmspec_vm_start (plan, &start, diag, &vm), 0);
  ck_assert_int_eq (vmspec_vm_wait (vm, -1, NULL), 0);
  vmspec_vm_free (vm);
  close (ends[0]);
  close (ends[1]);
  ck_assert_int_eq (waitpid (reader, &status, 0), reader);
  ck_assert_int_eq (status, 0);
}
END_TEST

START_TEST (what_killed_it_is_said)
{
  vmspec_vm *vm = started ("sleep");

  ck_assert_int_eq (vmspec_vm_explain (vm, diag), 0);
  vmspec_vm_kill (vm, SIGKILL);
  ck_assert_int_eq (vmspec_vm_wait (vm, -1, NULL), 0);
  ck_assert_uint_eq (vmspec_diag_count (diag), 0);
  ck_assert_int_eq (vmspec_vm_explain (vm, diag), -EIO);
  ck_assert_ptr_nonnull (unit_finding (diag, "qemu.killed"));
  vmspec_vm_free (vm);
}
END_TEST

START_TEST (what_it_is_accelerated_by_is_known)
{
  vmspec_vm *vm;

  qemu.accel = VMSPEC_ACCEL_OFF;
  vm = started ("exit");
  ck_assert_str_eq (vmspec_vm_accel (vm), "tcg");
  vmspec_vm_free (vm);
}
END_TEST

/* ---- refusals ------------------------------------------------------------ */

static void
start_fails (const struct vmspec_start *start, int error, const char *id)
{
  vmspec_vm *untouched = (void *) &spec, *vm = untouched;
  int before = unit_descriptors ();

  vmspec_diag_clear (diag);
  ck_assert_int_eq (vmspec_vm_start (plan, start, diag, &vm), error);
  ck_assert_ptr_eq (vm, untouched);
  ck_assert_msg (unit_finding (diag, id) != NULL, "%s", unit_findings (diag));
  ck_assert (!exists (below (RUN)));
  ck_assert_int_eq (unit_descriptors (), before);
  /* No child either. */
  ck_assert_int_eq (waitpid (-1, NULL, WNOHANG), -1);
}

START_TEST (a_program_that_is_not_there_is_said)
{
  qemu.binary = "/no/such/program";
  plan_to ("exit");
  start_fails (&plainly, -ENOENT, "qemu.missing");
  start_fails (&force, -ENOENT, "qemu.missing");
}
END_TEST

START_TEST (a_program_that_is_none_is_said)
{
  make_file ("data", 0755, "no program");
  make_file ("text", 0644, "no program");
  qemu.binary = below ("text");
  plan_to ("exit");
  start_fails (&plainly, -ENOENT, "qemu.missing");
  start_fails (&force, -EACCES, "qemu.failed");
  qemu.binary = below ("data");
  plan_to ("exit");
  start_fails (&plainly, -EIO, "qemu.failed");
}
END_TEST

START_TEST (a_descriptor_that_is_none_is_said)
{
  struct vmspec_descriptor one
    = { VMSPEC_INIT (vmspec_descriptor), .number = 5, .fd = 987 };
  const struct vmspec_descriptor *const list[] = { &one, NULL };
  struct vmspec_start start = plainly;

  start.descriptors = list;
  start.input = start.output = start.error = VMSPEC_STDIO_DESCRIPTOR;
  start.input_fd = start.output_fd = start.error_fd = 986;
  plan_to ("exit");
  start_fails (&start, -EBADF, "start.descriptor");
  ck_assert_uint_eq (vmspec_diag_count (diag), 4);
}
END_TEST

/* One that another process has taken over since is not removed. */
START_TEST (files_of_the_callers_go_with_the_machine)
{
  char paths[4][PATH_MAX + 16];
  const char *const list[] = { paths[0], paths[1], paths[2], paths[3], NULL };
  static const char *const names[]
    = { "full", "empty", "empty/mine", "full/locked" };
  struct vmspec_start start = plainly;
  vmspec_vm *vm = NULL;
  int lock;

  for (int i = 0; i < 4; i++)
    snprintf (paths[i], sizeof paths[i], "%s/%s", scratch, names[i]);
  ck_assert_int_eq (mkdir ("full", 0700), 0);
  ck_assert_int_eq (mkdir ("empty", 0700), 0);
  make_file ("empty/mine", 0600, "");
  make_file ("full/locked", 0600, "");
  lock = open ("full/locked", O_RDONLY | O_CLOEXEC);
  ck_assert_int_eq (flock (lock, LOCK_EX), 0);
  start.temporaries = list;
  plan_to ("sleep");
  ck_assert_int_eq (vmspec_vm_start (plan, &start, diag, &vm), 0);
  ck_assert (exists (below ("empty/mine")));
  vmspec_vm_free (vm);
  ck_assert (!exists (below ("empty")));
  ck_assert (exists (below ("full/locked")));
  close (lock);
  start.temporaries = STRINGS ("full");
  start_fails (&start, -EINVAL, "start.temporary");
  ck_assert (exists (below ("full/locked")));
}
END_TEST

/* Whose limits are the reason, not what could not be started. */
START_TEST (a_caller_without_descriptors_is_told_so)
{
  struct rlimit limit, old;
  vmspec_vm *vm = NULL;
  int next = dup (0);

  close (next);
  plan_to ("exit");
  getrlimit (RLIMIT_NOFILE, &old);
  for (rlim_t more = 0; more < 20; more++) {
    limit = (struct rlimit) { (rlim_t) next + more, old.rlim_max };
    setrlimit (RLIMIT_NOFILE, &limit);
    vmspec_diag_clear (diag);
    if (vmspec_vm_start (plan, &force, diag, &vm) == 0)
      break;
    ck_assert_msg (unit_finding (diag, "start.failed") != NULL, "%s",
                   unit_findings (diag));
    ck_assert (!exists (below (RUN)));
  }
  setrlimit (RLIMIT_NOFILE, &old);
  ck_assert_ptr_nonnull (vm);
  vmspec_vm_free (vm);
}
END_TEST

START_TEST (a_machine_with_a_blocker_is_started_by_force_only)
{
  struct vmspec_disk disk = { VMSPEC_INIT (vmspec_disk), .size = VMSPEC_NONE };
  vmspec_vm *vm = NULL;

  spec.disk = &disk;
  plan_to ("exit");
  start_fails (&plainly, -ENOEXEC, "disk.no-size");
  start_fails (&(struct vmspec_start) { VMSPEC_INIT (vmspec_start) }, -ENOEXEC,
               "disk.no-size");
  start_fails (&(struct vmspec_start) { VMSPEC_INIT (vmspec_start),
                                        .force = VMSPEC_OFF }, -ENOEXEC,
               "disk.no-size");
  ck_assert_str_eq (unit_finding (diag, "disk.no-size")->path, "disk.size");
  ck_assert_int_eq (vmspec_vm_start (plan, &force, diag, &vm), 0);
  vmspec_vm_free (vm);
}
END_TEST

START_TEST (a_missing_file_is_overlooked_by_force_only)
{
  struct vmspec_boot boot
    = { VMSPEC_INIT (vmspec_boot), .kernel = "/no/kernel" };
  vmspec_vm *vm = NULL;

  spec.boot = &boot;
  plan_to ("exit");
  start_fails (&plainly, -ENOENT, "file.missing");
  ck_assert_int_eq (vmspec_vm_start (plan, &force, diag, &vm), 0);
  vmspec_vm_free (vm);
}
END_TEST

START_TEST (options_of_the_start_follow_the_rule_for_structs)
{
  struct {
    struct vmspec_start known;
    uint64_t tail;
  } newer = { force, 1 };
  struct vmspec_start wrong = { VMSPEC_INIT (vmspec_start), .force = 1 };
  struct vmspec_start none = { .force = VMSPEC_ON };
  vmspec_vm *vm = NULL;

  newer.known.struct_size = sizeof newer;
  plan_to ("exit");
  start_fails (&newer.known, -E2BIG, "struct.too-new");
  start_fails (&wrong, -EINVAL, "option.switch");
  start_fails (&none, -EINVAL, "struct.size");
  newer.tail = 0;
  ck_assert_int_eq (vmspec_vm_start (plan, &newer.known, diag, &vm), 0);
  vmspec_vm_free (vm);
}
END_TEST

START_TEST (where_nothing_can_be_made_nothing_is_started)
{
  plan_to ("exit");
  snprintf (variables[0], sizeof variables[0], "TMPDIR=%s/no/such", scratch);
  vmspec_plan_free (plan);
  plan = unit_plan (&spec, &host);
  start_fails (&plainly, -ENOENT, "run-directory.failed");
}
END_TEST

START_TEST (a_plan_can_be_started_again_and_again)
{
  vmspec_vm *vm = NULL;

  plan_to ("exit");
  for (int i = 0; i < 3; i++) {
    ck_assert_int_eq (vmspec_vm_start (plan, &plainly, NULL, &vm), 0);
    ck_assert_int_eq (vmspec_vm_wait (vm, -1, NULL), 0);
    vmspec_vm_free (vm);
  }
}
END_TEST

static TCase *
tests (void)
{
  TCase *t = unit_case ("vm");

  tcase_add_test (t, the_exit_status_is_handed_back);
  tcase_add_test (t, the_signal_that_ended_it_is_handed_back);
  tcase_add_test (t, waiting_ends_when_the_time_is_up);
  tcase_add_test (t, signals_of_the_caller_neither_end_nor_lengthen_waiting);
  tcase_add_test (t, its_descriptor_can_be_polled);
  tcase_add_test (t, what_has_ended_cannot_be_killed);
  tcase_add_test (t, a_machine_that_is_let_go_is_killed_and_cleaned_up);
  tcase_add_test (t, ignored_children_do_not_lose_its_status);
  tcase_add_test (t, it_is_stopped_without_qmp_as_well);
  tcase_add_test (t, its_plan_may_go_before_it);
  tcase_add_test (t, the_copy_of_a_handle_in_a_forked_child_ends_nothing);
  tcase_add_test (t, who_kills_the_keeper_leaves_nothing_either);
  tcase_add_test (t, who_has_no_time_to_wait_has_a_machine_all_the_same);
  tcase_add_test (t, its_last_words_are_kept);
  tcase_add_test (t, a_slow_reader_gets_all_of_its_words);
  tcase_add_test (t, what_killed_it_is_said);
  tcase_add_test (t, what_it_is_accelerated_by_is_known);
  tcase_add_test (t, a_program_that_is_not_there_is_said);
  tcase_add_test (t, a_program_that_is_none_is_said);
  tcase_add_test (t, a_descriptor_that_is_none_is_said);
  tcase_add_test (t, files_of_the_callers_go_with_the_machine);
  tcase_add_test (t, a_caller_without_descriptors_is_told_so);
  tcase_add_test (t, a_machine_with_a_blocker_is_started_by_force_only);
  tcase_add_test (t, a_missing_file_is_overlooked_by_force_only);
  tcase_add_test (t, options_of_the_start_follow_the_rule_for_structs);
  tcase_add_test (t, where_nothing_can_be_made_nothing_is_started);
  tcase_add_test (t, a_plan_can_be_started_again_and_again);
  return t;
}

int
main (int argc, char **argv)
{
  return emulator_or_tests (argc, argv, tests, "vm");
}
