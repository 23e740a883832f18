/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Programs that do a part of the work, as children of this process and of a
 * keeper: how they start, what they say, and how they end. */
#include "scratch.h"

#include <poll.h>
#include <signal.h>
#include <sys/wait.h>

#include "clock.h"
#include "helper.h"
#include "keeper.h"

static struct keeper keeper;
static struct arena arena;
static struct work work;
static struct helper_setup setup;
static struct text text;
static vmspec_diag *diag;
static const char *argv[6];

/* Once for each parent. */
static void
set_up (void)
{
  scratch_make ();
  arena = (struct arena) { 0 };
  text = (struct text) { .arena = &arena };
  ck_assert_int_eq (vmspec_diag_new (&diag), 0);
  ck_assert_int_eq (vms_work_init (&work, &arena, NULL, diag), 0);
  setup = (struct helper_setup) { .argv = argv, .extra = -1 };
  keeper = (struct keeper) KEEPER_NONE;
}

static void
tear_down (void)
{
  vms_keeper_end (&keeper);
  vms_keeper_free (&keeper);
  vms_arena_free (&arena);
  vmspec_diag_free (diag);
  scratch_remove ();
}

static void
be_kept (int is_kept)
{
  const char *program = getenv ("VMSPEC_KEEPER");

  if (!is_kept)
    return;
  program = program ? program : vms_keeper_program (&arena);
  ck_assert_int_eq (vms_keeper_start (&keeper, program, "test"), 0);
  work.keeper = &keeper;
  setup.directory = scratch; /* its own is another */
}

static void
do_script (const char *script)
{
  argv[0] = "/bin/sh";
  argv[1] = "-c";
  argv[2] = script;
  argv[3] = NULL;
}

static int
run (const char *script)
{
  vmspec_diag_clear (diag);
  do_script (script);
  return vms_helper_run (&work, &setup, NULL, NULL);
}

/* It fails, and the finding has exactly these words. */
static void
says (int error, const char *words)
{
  ck_assert_int_eq (vms_helper_run (&work, &setup, NULL, NULL), error);
  ck_assert_uint_eq (vmspec_diag_count (diag), 1);
  ck_assert_str_eq (vmspec_diag_get (diag, 0)->id, "helper.failed");
  ck_assert_str_eq (vmspec_diag_get (diag, 0)->text, words);
  vmspec_diag_clear (diag);
}

/* ---- starting ------------------------------------------------------------ */

#define OPEN_ONES \
  "for i in 0 1 2 3 4 5 6 7 8 9; do test -L /proc/$$/fd/$i && echo $i; done; :"

START_TEST (it_has_no_input_and_nothing_that_is_not_its_own)
{
  int fd;

  be_kept (_i);
  make_file ("extra", 0600, "extra");
  fd = open ("extra", O_RDONLY | O_CLOEXEC);
  ck_assert_int_ge (dup2 (fd, 9), 0);
  setup.text = &text;
  ck_assert_int_eq (run ("cat; " OPEN_ONES), 0);
  ck_assert_str_eq (vms_text_end (&text), "0\n1\n2\n");
  text = (struct text) { .arena = &arena };
  setup.extra = fd;
  ck_assert_int_eq (run (OPEN_ONES "; cat <&3"), 0);
  ck_assert_str_eq (vms_text_end (&text), "0\n1\n2\n3\nextra");
  close (fd);
  close (9);
}
END_TEST

START_TEST (its_environment_is_the_works_unless_another_is_said)
{
  const char *const own[] = { "OWN=1", "PATH=/bin:/usr/bin", NULL };

  be_kept (_i);
  setup.text = &text;
  ck_assert_int_eq (run ("echo $LC_ALL $OWN $PATH"), 0);
  ck_assert_str_eq (vms_text_end (&text),
                    "C /usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:"
                    "/sbin:/bin\n");
  text = (struct text) { .arena = &arena };
  setup.environment = own;
  ck_assert_int_eq (run ("echo $LC_ALL $OWN $PATH"), 0);
  ck_assert_str_eq (vms_text_end (&text), "1 /bin:/usr/bin\n");
}
END_TEST

START_TEST (its_directory_is_ours_unless_another_is_said)
{
  setup.text = &text;
  ck_assert_int_eq (run ("pwd"), 0);
  setup.directory = "/proc";
  ck_assert_int_eq (run ("pwd"), 0);
  vms_text_end (&text);
  ck_assert_int_eq (strncmp (text.bytes, scratch, strlen (scratch)), 0);
  ck_assert_str_eq (text.bytes + strlen (scratch), "\n/proc\n");
}
END_TEST

START_TEST (its_signals_are_as_at_a_programs_begin)
{
  const unsigned long long ours
    = 1ull << (SIGPIPE - 1) | 1ull << (SIGUSR1 - 1) | 1ull << (SIGUSR2 - 1);
  unsigned long long blocked = ours, ignored = ours;
  sigset_t some, old;

  sigemptyset (&some);
  sigaddset (&some, SIGUSR1);
  sigprocmask (SIG_BLOCK, &some, &old);
  signal (SIGPIPE, SIG_IGN);
  signal (SIGUSR2, SIG_IGN);
  setup.text = &text;
  ck_assert_int_eq (run ("exec grep -E 'SigBlk|SigIgn' /proc/self/status"), 0);
  sigprocmask (SIG_SETMASK, &old, NULL);
  signal (SIGPIPE, SIG_DFL);
  signal (SIGUSR2, SIG_DFL);
  ck_assert_int_eq (sscanf (vms_text_end (&text), "SigBlk: %llx SigIgn: %llx",
                            &blocked, &ignored), 2);
  ck_assert_uint_eq (blocked & ours, 0);
  ck_assert_uint_eq (ignored & ours, 0);
}
END_TEST

/* Each of its descriptors has a number that another is to get. */
static void
start_crossed (void)
{
  struct child_setup crossed = { .environment = STRINGS (NULL),
    .argv = STRINGS ("/bin/sh", "-c", "cat; cat <&3; echo bad >&2"),
    .input = 3, .output = 2, .error = 0, .extra = 1 };
  struct child child = { -1, -1 };
  int fds[4] = { open ("error", O_WRONLY | O_CREAT, 0600),
                 open ("extra", O_RDONLY),
                 open ("out", O_WRONLY | O_CREAT, 0600),
                 open ("in", O_RDONLY) };
  int status = -1;

  for (int i = 0; i < 4; i++)
    fds[i] = fcntl (fds[i], F_DUPFD, 20);
  for (int i = 0; i < 4; i++)
    if (dup2 (fds[i], i) != i)
      _exit (10);
  /* Of pidfd_open(2) valgrind knows nothing. */
  if (vms_child_spawn (&crossed, &child) != 0
      || (child.pidfd < 0 && !unit_is_watched ())
      || waitpid (child.pid, &status, 0) != child.pid || status)
    _exit (11);
  /* And without the last, or any. */
  crossed.argv = STRINGS ("/bin/sh", "-c", "test ! -e /proc/self/fd/3");
  crossed.extra = -1;
  if (vms_child_spawn (&crossed, &child) != 0
      || waitpid (child.pid, &status, 0) != child.pid || status)
    _exit (12);
  crossed.argv = STRINGS ("/bin/sh", "-c", "echo more >&2");
  crossed.input = crossed.output = crossed.error = -1;
  if (vms_child_spawn (&crossed, &child) != 0
      || waitpid (child.pid, &status, 0) != child.pid || status)
    _exit (13);
  for (int i = 0; i < 4; i++)
    if (fcntl (i, F_GETFD) < 0)
      _exit (14);
  _exit (0);
}

START_TEST (descriptors_may_have_each_others_numbers)
{
  pid_t pid;
  int status;

  make_file ("in", 0600, "in ");
  make_file ("extra", 0600, "extra");
  pid = fork ();
  if (pid == 0)
    start_crossed ();
  ck_assert_int_eq (waitpid (pid, &status, 0), pid);
  ck_assert_int_eq (status, 0);
  /* The last one's standard error is ours, which was the output. */
  ck_assert_str_eq (read_file ("out"), "in extramore\n");
  ck_assert_str_eq (read_file ("error"), "bad\n");
}
END_TEST

START_TEST (what_cannot_be_started_is_said)
{
  /* posix_spawn() learns nothing from its child there. */
  if (unit_is_watched () && !_i)
    return;
  be_kept (_i);
  argv[0] = "/nowhere/program";
  argv[1] = NULL;
  says (-ENOENT, "/nowhere/program cannot be started: "
                 "No such file or directory");
  make_file ("text", 0644, "");
  argv[0] = below ("text");
  ck_assert_int_eq (vms_helper_run (&work, &setup, NULL, NULL), -EACCES);
}
END_TEST

/* ---- what it says -------------------------------------------------------- */

START_TEST (what_it_says_is_handed_over_up_to_a_limit)
{
  static const size_t sizes[]
    = { 0, 1, 2047, 2048, 2049, HELPER_TEXT_LARGEST - 1, HELPER_TEXT_LARGEST,
        HELPER_TEXT_LARGEST + 1, 3 * HELPER_TEXT_LARGEST };
  static char bytes[3 * HELPER_TEXT_LARGEST];
  struct random r = { 1 };
  FILE *file;

  be_kept (_i);
  for (size_t i = 0; i < sizeof bytes; i++)
    bytes[i] = (char) random_number (&r);
  for (size_t i = 0; i < COUNT (sizes); i++) {
    size_t expected
      = sizes[i] < HELPER_TEXT_LARGEST ? sizes[i] : HELPER_TEXT_LARGEST;

    file = fopen ("bytes", "we");
    ck_assert_uint_eq (fwrite (bytes, 1, sizes[i], file), sizes[i]);
    fclose (file);
    text = (struct text) { .arena = &arena };
    setup.text = &text;
    ck_assert_int_eq (run (i % 2 ? "cat bytes" : "cat bytes >&2"), 0);
    ck_assert_uint_eq (text.size, expected);
    ck_assert_mem_eq (text.bytes ? text.bytes : "", bytes, expected);
  }
  /* In pieces that do not end at the limit. */
  text = (struct text) { .arena = &arena };
  ck_assert_int_eq (run ("head -c 1000 bytes; sleep 0.1; cat bytes"), 0);
  ck_assert_uint_eq (text.size, HELPER_TEXT_LARGEST);
  ck_assert_mem_eq (text.bytes, bytes, 1000);
  ck_assert_mem_eq (text.bytes + 1000, bytes, HELPER_TEXT_LARGEST - 1000);
}
END_TEST

static const struct {
  const char *output, *mark, *words;
} failures[] = {
  { "", NULL, "it did not say why" },
  { "\\n", NULL, "it did not say why" },
  { " \\n \\r\\n", NULL, "it did not say why" },
  { "one", NULL, "one" },
  { "one\\n", NULL, "one" },
  { "one\\ntwo\\n\\n \\n", NULL, "two" },
  { "one\\rtwo", NULL, "two" },
  { "one\\rtwo\\r", NULL, "two" },
  { "  one", NULL, "  one" },
  { "\\033one", NULL, " one" },
  { "a\\tb\\033c\\037d !~\\177e", NULL, "a b c d !~ e" },
  { "a\\303\\244\\377", NULL, "a\xc3\xa4\xff" },
  { "E: one\\ntwo\\n", "E:", "E: one" },
  { "E: one\\nE: two\\n\\nthree\\n", "E:", "E: two" },
  { "one\\ntwo E:\\n", "E:", "two E:" },
  { "one\\n\\nE: two\\n \\nthree\\nfour", "E:", "E: two" },
  { "one\\ntwo", "E:", "two" },
  { "", "E:", "it did not say why" },
};

START_TEST (it_failed_with_its_last_line_or_that_with_the_mark)
{
  char script[300], words[300];

  be_kept (_i);
  for (size_t i = 0; i < COUNT (failures); i++) {
    snprintf (script, sizeof script, "printf '%s'; exit %zu",
              failures[i].output, i + 1);
    snprintf (words, sizeof words, "sh failed with status %zu: %s", i + 1,
              failures[i].words);
    setup.mark = failures[i].mark;
    do_script (script);
    says (-EIO, words);
  }
}
END_TEST

/* Some digits from a place on of 00000001000200030004... */
static const char *
numbers (size_t at, size_t size)
{
  static char all[12000];
  static char part[600];

  for (size_t i = 0; i + 4 < sizeof all; i += 4)
    snprintf (all + i, 5, "%04zu", i / 4);
  memcpy (part, all + at, size);
  part[size] = '\0';
  return part;
}

/* 4095 bytes are kept, and 500 of a line are told. */
START_TEST (of_a_long_line_a_part_is_told)
{
  static const struct {
    size_t size, at, told;
  } lines[] = { { 499, 0, 499 }, { 500, 0, 500 }, { 501, 0, 500 },
                { 4095, 0, 500 }, { 4096, 1, 500 }, { 4097, 2, 500 },
                { 10001, 10001 - 4095, 500 } };
  char script[200], words[700];

  be_kept (_i);
  for (size_t i = 0; i < COUNT (lines); i++) {
    snprintf (script, sizeof script,
              "seq -f %%04g 0 2999 | tr -d '\\n' | head -c %zu; exit 1",
              lines[i].size);
    snprintf (words, sizeof words, "sh failed with status 1: %s",
              numbers (lines[i].at, lines[i].told));
    do_script (script);
    says (-EIO, words);
  }
}
END_TEST

/* ---- the end ------------------------------------------------------------- */

START_TEST (how_it_ended_is_told)
{
  be_kept (_i);
  do_script ("echo nothing; kill -9 $$");
  says (-EIO, "sh was killed by signal 9");
  do_script ("kill -15 $$");
  says (-EIO, "sh was killed by signal 15");
  do_script ("exit 255");
  says (-EIO, "sh failed with status 255: it did not say why");
  ck_assert_int_eq (run ("echo nothing; exit 0"), 0);
  ck_assert_uint_eq (vmspec_diag_count (diag), 0);
  /* A name without a slash. */
  make_file ("program", 0755, "#!/bin/sh\nexit 2\n");
  argv[0] = "program";
  argv[1] = NULL;
  setup.directory = scratch;
  says (-EIO, "program failed with status 2: it did not say why");
}
END_TEST

START_TEST (what_somebody_else_has_waited_for_is_lost)
{
  signal (SIGCHLD, SIG_IGN);
  do_script ("exit 3");
  says (-ECHILD, "the status of sh is lost: No child processes; the program "
                 "that waits for all children has to leave this one to vmspec");
  signal (SIGCHLD, SIG_DFL);
}
END_TEST

START_TEST (its_output_may_end_before_or_after_it)
{
  int64_t begin;

  be_kept (_i);
  setup.text = &text;
  ck_assert_int_eq (run ("echo a; exec >&- 2>&-; sleep 0.2; echo > ended"), 0);
  ck_assert (exists ("ended"));
  begin = vms_now_ms ();
  ck_assert_int_eq (run ("sleep 30 & echo $! > pid; echo b"), 0);
  ck_assert_int_lt (vms_now_ms () - begin, 20000);
  ck_assert_str_eq (vms_text_end (&text), "a\nb\n");
  kill (atoi (read_file ("pid")), SIGKILL);
}
END_TEST

struct ticks {
  int seen, end_at;
};

static int
count_tick (void *data)
{
  struct ticks *ticks = data;

  return ++ticks->seen == ticks->end_at ? -ECANCELED : 0;
}

START_TEST (whoever_waits_is_asked_now_and_then)
{
  struct ticks ticks = { 0 };
  int pid;

  be_kept (_i);
  do_script ("sleep 0.45");
  ck_assert_int_eq (vms_helper_run (&work, &setup, count_tick, &ticks), 0);
  ck_assert_int_ge (ticks.seen, 4);
  /* A keeper may take a moment to tell of an end that is seen already. */
  if (!_i)
    ck_assert_int_lt (ticks.seen, 50);
  /* And may end it. */
  ticks = (struct ticks) { .end_at = 3 };
  do_script ("echo $$ > pid; exec sleep 100");
  ck_assert_int_eq (vms_helper_run (&work, &setup, count_tick, &ticks),
                    -ECANCELED);
  ck_assert_int_eq (ticks.seen, 3);
  ck_assert_uint_eq (vmspec_diag_count (diag), 0);
  pid = atoi (read_file ("pid"));
  ck_assert_int_gt (pid, 0);
  ck_assert_int_eq (kill (pid, 0), -1);
}
END_TEST

START_TEST (it_can_be_killed_and_again)
{
  struct helper helper;
  pid_t pid;

  be_kept (_i);
  do_script ("exec sleep 100");
  ck_assert_int_eq (vms_helper_start (&helper, &work, &setup), 0);
  pid = helper.child.pid;
  ck_assert_int_eq (kill (pid, 0), 0);
  vms_helper_kill (&helper);
  ck_assert_int_eq (kill (pid, 0), -1);
  vms_helper_kill (&helper);
}
END_TEST

START_TEST (with_its_keeper_it_ends)
{
  struct helper helper;

  be_kept (1);
  do_script ("exec sleep 100");
  ck_assert_int_eq (vms_helper_start (&helper, &work, &setup), 0);
  ck_assert_int_eq (kill (keeper.pid, SIGKILL), 0);
  ck_assert_int_eq (vms_helper_wait (&helper, &work, NULL, NULL), -EPIPE);
}
END_TEST

int
main (void)
{
  TCase *t = unit_case ("helper");

  tcase_add_checked_fixture (t, set_up, tear_down);
  tcase_add_loop_test (t, it_has_no_input_and_nothing_that_is_not_its_own, 0,
                       2);
  tcase_add_loop_test (t, its_environment_is_the_works_unless_another_is_said, 0,
                       2);
  tcase_add_test (t, its_directory_is_ours_unless_another_is_said);
  tcase_add_test (t, its_signals_are_as_at_a_programs_begin);
  tcase_add_test (t, descriptors_may_have_each_others_numbers);
  tcase_add_loop_test (t, what_cannot_be_started_is_said, 0, 2);
  tcase_add_loop_test (t, what_it_says_is_handed_over_up_to_a_limit, 0, 2);
  tcase_add_loop_test (t, it_failed_with_its_last_line_or_that_with_the_mark, 0,
                       2);
  tcase_add_loop_test (t, of_a_long_line_a_part_is_told, 0, 2);
  tcase_add_loop_test (t, how_it_ended_is_told, 0, 2);
  tcase_add_test (t, what_somebody_else_has_waited_for_is_lost);
  tcase_add_loop_test (t, its_output_may_end_before_or_after_it, 0, 2);
  tcase_add_loop_test (t, whoever_waits_is_asked_now_and_then, 0, 2);
  tcase_add_loop_test (t, it_can_be_killed_and_again, 0, 2);
  tcase_add_test (t, with_its_keeper_it_ends);
  return unit_run ("helper", t);
}
