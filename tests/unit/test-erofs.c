/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Images of stores by mkfs.erofs, what is left out of them, and programs that
 * help. */
#include "scratch.h"

#include <regex.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include "erofs.h"

#define UUID "eb176051-bd15-49b7-9e6b-462e0b467019"
#define STORE_A "0123456789abcdfghijklmnpqrsvwxyz-a"
#define STORE_B "0123456780abcdfghijklmnpqrsvwxyz-b"

static struct arena arena;
static vmspec_diag *diag;
static struct vmspec_work said;
static struct work work;

#define PATH_VARIABLE "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:" \
                      "/usr/bin:/sbin:/bin"

static void
set_up (void)
{
  scratch_make ();
  arena = (struct arena) { 0 };
  said = (struct vmspec_work) { VMSPEC_INIT (vmspec_work) };
  ck_assert_int_eq (vmspec_diag_new (&diag), 0);
  ck_assert_int_eq (vms_work_init (&work, &arena, &said, diag), 0);
}

static void
tear_down (void)
{
  vms_arena_free (&arena);
  vmspec_diag_free (diag);
  scratch_remove ();
}

/* With other members of "said". */
static void
work_anew (void)
{
  ck_assert_int_eq (vms_work_init (&work, &arena, &said, diag), 0);
}

/* The text of the one finding that there is. */
static const char *
only (const char *id)
{
  const struct vmspec_finding *f = unit_finding (diag, id);

  ck_assert_msg (f && vmspec_diag_count (diag) == 1, "no %s alone:%s", id,
                 unit_findings (diag));
  return f->text;
}

static double
seconds (void)
{
  struct timespec now;

  clock_gettime (CLOCK_MONOTONIC, &now);
  return (double) now.tv_sec + (double) now.tv_nsec / 1e9;
}

static int
has_children (void)
{
  siginfo_t info;

  return waitid (P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0;
}

/* ---- helpers ------------------------------------------------------------ */

#define SHELL(script) \
  (&(struct helper_setup) { \
    .argv = STRINGS ("/bin/sh", "-c", script), .extra = -1 })

static int ticks, last_tick;

/* Cancels with the last one. */
static int
count_ticks (void *data UNUSED)
{
  return ++ticks == last_tick ? -ECANCELED : 0;
}

/* The text that the script says. */
static const char *
said_by (struct helper_setup *setup)
{
  struct text *text = vms_arena_alloc (&arena, sizeof *text);

  text->arena = &arena;
  setup->text = text;
  ck_assert_msg (vms_helper_run (&work, setup, NULL, NULL) == 0, "%s",
                 unit_findings (diag));
  return vms_text_end (text);
}

START_TEST (a_helper_that_fails_says_why_in_its_last_line)
{
  ck_assert_int_eq (vms_helper_run (&work, SHELL ("echo first; echo 'it is '"
                                                  "broken' ' >&2; echo; exit 3"),
                                    NULL, NULL), -EIO);
  ck_assert_str_eq (only ("helper.failed"),
                    "sh failed with status 3: it is broken");
  vmspec_diag_clear (diag);
  ck_assert_int_eq (vms_helper_run (&work, SHELL ("exit 1"), NULL, NULL), -EIO);
  ck_assert_str_eq (only ("helper.failed"),
                    "sh failed with status 1: it did not say why");
  vmspec_diag_clear (diag);
  /* A terminal would obey, and a line may be long. */
  ck_assert_int_eq (vms_helper_run (&work, SHELL ("printf 'x\\r\\033[31m%01000d'"
                                                  " 0; exit 1"),
                                    NULL, NULL), -EIO);
  ck_assert_int_eq (strncmp (only ("helper.failed"),
                             "sh failed with status 1:  [31m000", 33), 0);
  ck_assert_uint_lt (strlen (only ("helper.failed")), 600);
}
END_TEST

START_TEST (a_line_with_the_mark_comes_before_the_last)
{
  struct helper_setup *setup
    = SHELL ("echo '<E> one'; echo '<E> two'; echo usage; exit 1");

  setup->mark = "<E>";
  ck_assert_int_eq (vms_helper_run (&work, setup, NULL, NULL), -EIO);
  ck_assert_str_eq (only ("helper.failed"), "sh failed with status 1: <E> two");
  vmspec_diag_clear (diag);
  setup = SHELL ("echo one; echo two; exit 1");
  setup->mark = "<E>";
  ck_assert_int_eq (vms_helper_run (&work, setup, NULL, NULL), -EIO);
  ck_assert_str_eq (only ("helper.failed"), "sh failed with status 1: two");
}
END_TEST

START_TEST (a_helper_that_is_killed_or_missing_is_reported)
{
  const struct helper_setup absent
    = { .argv = STRINGS ("/absent"), .extra = -1 };

  ck_assert_int_eq (vms_helper_run (&work, SHELL ("kill -9 $$"), NULL, NULL), -EIO);
  ck_assert_str_eq (only ("helper.failed"), "sh was killed by signal 9");
  vmspec_diag_clear (diag);
  /* valgrind lets the start of what is missing succeed. */
  if (!unit_is_watched ()) {
    ck_assert_int_eq (vms_helper_run (&work, &absent, NULL, NULL), -ENOENT);
    ck_assert_str_eq (only ("helper.failed"),
                      "/absent cannot be started: No such file or directory");
  }
  ck_assert (!has_children ());
}
END_TEST

START_TEST (what_a_helper_says_is_kept_within_limits)
{
  const char *text = said_by (SHELL ("head -c 3000000 /dev/zero | tr '\\0' x;"
                                     "echo end"));

  ck_assert_uint_eq (strlen (text), HELPER_TEXT_LARGEST);
  ck_assert_str_eq (said_by (SHELL ("echo out; echo err >&2; cat")),
                    "out\nerr\n");
}
END_TEST

START_TEST (a_helper_is_waited_for_after_it_has_closed_its_output)
{
  struct rusage before, after;
  double start = seconds ();

  getrusage (RUSAGE_SELF, &before);
  ticks = last_tick = 0;
  ck_assert_int_eq (vms_helper_run (&work, SHELL ("exec >&- 2>&-; sleep 0.5;"
                                                  "exit 7"),
                                    count_ticks, NULL), -EIO);
  getrusage (RUSAGE_SELF, &after);
  only ("helper.failed");
  ck_assert (seconds () - start >= 0.5);
  /* Not in a circle as fast as it can. */
  ck_assert_int_ge (ticks, 3);
  ck_assert_int_le (ticks, 20);
  if (!unit_is_watched ())
    ck_assert_int_lt (after.ru_utime.tv_sec * 1000
                        + after.ru_utime.tv_usec / 1000
                        - before.ru_utime.tv_sec * 1000
                        - before.ru_utime.tv_usec / 1000, 200);
}
END_TEST

START_TEST (a_helper_is_cancelled_also_when_it_is_silent)
{
  static const char *const scripts[]
    = { "exec sleep 100", "exec >&- 2>&-; exec sleep 100", "exec yes" };

  for (size_t i = 0; i < COUNT (scripts); i++) {
    double start = seconds ();

    ticks = 0;
    last_tick = 3;
    ck_assert_int_eq (vms_helper_run (&work, SHELL (scripts[i]), count_ticks,
                                      NULL),
                      -ECANCELED);
    ck_assert (seconds () - start < 20);
    ck_assert_int_eq (ticks, 3);
    ck_assert (!has_children ());
  }
  ck_assert_uint_eq (vmspec_diag_count (diag), 0);
}
END_TEST

START_TEST (what_a_helper_leaves_running_is_not_waited_for)
{
  double start = seconds ();
  const char *text;

  /* It holds the output. */
  text = said_by (SHELL ("sh -c 'echo $$ > pid; exec sleep 60' & "
                         "while ! test -s pid; do :; done; echo last"));
  ck_assert (seconds () - start < 30);
  ck_assert_str_eq (text, "last\n");
  ck_assert (!has_children ());
  ck_assert_int_eq (kill (atoi (read_file ("pid")), SIGKILL), 0);
}
END_TEST

START_TEST (a_helper_that_is_killed_is_reaped)
{
  struct helper helper;

  ck_assert_int_eq (vms_helper_start (&helper, &work, SHELL ("exec sleep 100")), 0);
  ck_assert (has_children ());
  vms_helper_kill (&helper);
  ck_assert (!has_children ());
  vms_helper_kill (&helper); /* nothing is left to kill */
}
END_TEST

START_TEST (an_ignored_sigchld_gives_a_finding)
{
  struct sigaction ignore = { .sa_handler = SIG_IGN }, old;
  double start = seconds ();

  ck_assert_int_eq (sigaction (SIGCHLD, &ignore, &old), 0);
  ck_assert_int_eq (vms_helper_run (&work, SHELL ("sleep 0.2"), NULL, NULL),
                    -ECHILD);
  ck_assert_int_eq (sigaction (SIGCHLD, &old, NULL), 0);
  ck_assert_ptr_nonnull (strstr (only ("helper.failed"), "is lost"));
  ck_assert (seconds () - start >= 0.2);
}
END_TEST

static void
ignore_and_block (struct sigaction *old, sigset_t *old_mask)
{
  struct sigaction ignore = { .sa_handler = SIG_IGN };
  sigset_t mask;

  sigemptyset (&mask);
  sigaddset (&mask, SIGTERM);
  sigaddset (&mask, SIGUSR1);
  ck_assert_int_eq (sigprocmask (SIG_BLOCK, &mask, old_mask), 0);
  ck_assert_int_eq (sigaction (SIGPIPE, &ignore, old), 0);
}

START_TEST (a_helper_has_no_signals_of_its_parent)
{
  /* But for two that the C library keeps for itself. */
  const unsigned long long of_programs = 0x7fffffff;
  struct sigaction old;
  sigset_t old_mask;
  unsigned long long blocked, ignored;
  const char *text;

  ignore_and_block (&old, &old_mask);
  text = said_by (&(struct helper_setup) {
    .argv = STRINGS ("/bin/grep", "^Sig[BI]", "/proc/self/status"),
    .extra = -1 });
  sigaction (SIGPIPE, &old, NULL);
  sigprocmask (SIG_SETMASK, &old_mask, NULL);
  ck_assert_int_eq (sscanf (text, "SigBlk: %llx SigIgn: %llx", &blocked,
                            &ignored), 2);
  ck_assert_uint_eq (blocked, 0);
  ck_assert_uint_eq (ignored & of_programs, 0);
}
END_TEST

/* Prints its descriptors, without the one that it reads the directory by. */
#define LIST_DESCRIPTORS \
  "set -- /proc/$$/fd/*; for f; do test ! -e \"$f\" || " \
  "printf '%s ' \"${f##*/}\"; done"

START_TEST (a_helper_has_its_descriptors_and_no_others)
{
  struct helper_setup *setup = SHELL (LIST_DESCRIPTORS);
  int file = open ("/dev/null", O_RDWR), other = dup (file);

  ck_assert_str_eq (said_by (setup), "0 1 2 ");
  setup->extra = file;
  ck_assert_str_eq (said_by (setup), "0 1 2 3 ");
  close (file);
  close (other);
}
END_TEST

/* In a child process: nobody else's descriptors are in the way. */
static int
run_without_descriptors (unsigned closed)
{
  struct helper_setup *setup
    = SHELL (LIST_DESCRIPTORS "; test \"$(readlink /proc/$$/fd/3)\" = "
             "\"$PWD/extra\" && test /dev/null = \"$(readlink "
             "/proc/$$/fd/0)\" && exit 5");
  struct text text = { .arena = &arena };
  const char *list;

  for (int i = 0; i < 4; i++)
    if (closed & 1u << i)
      close (i);
  setup->text = &text;
  setup->extra = open ("extra", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  setup->directory = scratch;
  if (setup->extra < 0 || vms_helper_run (&work, setup, NULL, NULL) != -EIO)
    return 1;
  list = vms_text_end (&text);
  if (!list || strcmp (list, "0 1 2 3 ") != 0)
    return 2;
  return strstr (vmspec_diag_get (diag, 0)->text, "status 5") ? 0 : 3;
}

START_TEST (descriptors_that_the_caller_has_closed_do_no_harm)
{
  for (unsigned closed = 0; closed < 16; closed++) {
    int status;
    pid_t pid = fork ();

    ck_assert_int_ge (pid, 0);
    if (pid == 0)
      _exit (run_without_descriptors (closed));
    ck_assert_int_eq (waitpid (pid, &status, 0), pid);
    ck_assert_msg (status == 0, "closed %#x: status %#x", closed, status);
  }
}
END_TEST

START_TEST (a_program_is_looked_for_in_the_path_that_was_given)
{
  const char *found;

  ck_assert_int_eq (mkdir ("bin", 0755), 0);
  ck_assert_int_eq (mkdir ("bin/tool", 0755), 0);
  ck_assert_int_eq (mkdir ("sbin", 0755), 0);
  make_file ("sbin/tool", 0755, "#!/bin/sh\n");
  make_file ("bin/text", 0644, "");
  said.environment = STRINGS ("A=b", "PATH=/absent:bin::sbin");
  work_anew ();
  found = vms_work_program (&work, "tool"); /* a directory is none */
  ck_assert_str_eq (found, below ("sbin/tool"));
  ck_assert_ptr_null (vms_work_program (&work, "text"));
  ck_assert_int_eq (chdir ("sbin"), 0);
  ck_assert_str_eq (vms_work_program (&work, "tool"), below ("sbin/tool"));
  said.environment = STRINGS ("A=b");
  work_anew ();
  ck_assert_ptr_null (vms_work_program (&work, "sh"));
  said.environment = NULL;
  work_anew ();
  ck_assert_ptr_nonnull (vms_work_program (&work, "sh"));
}
END_TEST

/* ---- names to keep ------------------------------------------------------ */

static const char *
kept_of (const char *closure, const char *store)
{
  struct text text = { .arena = &arena };
  const char *const *kept = NULL;

  ck_assert_msg (vms_erofs_kept_names (&work, closure, store, &kept) == 0, "%s",
                 unit_findings (diag));
  for (; *kept; kept++) {
    vms_text_add (&text, *kept);
    vms_text_add (&text, "|");
  }
  return vms_text_end (&text);
}

START_TEST (names_below_the_store_are_taken_once_and_in_order)
{
  ck_assert_str_eq (kept_of ("", "/nix/store"), "");
  ck_assert_str_eq (kept_of ("\n \n\r\n", "/nix/store"), "");
  ck_assert_str_eq (kept_of ("/nix/store/b", "/nix/store"), "b|");
  ck_assert_str_eq (kept_of ("/nix/store/b\n/nix/store/a/bin/sh\r\n\n"
                             "/nix/store/b/\n/nix/store//ab\n", "/nix/store//"),
                    "a|ab|b|");
  ck_assert_str_eq (kept_of ("/c d\n/.x\n", "/"), ".x|c d|");
}
END_TEST

START_TEST (a_line_outside_of_the_store_is_an_error)
{
  static const char *const lines[]
    = { "/etc/passwd", "/nix/store", "/nix/store/", "/nix/store//", "name",
        "/nix/storeb/a", "/nix/store/../a", "/nix/store/.", " /nix/store/a",
        "/nix/stor" };
  const char *const *kept;
  char closure[400], name[300];

  for (size_t i = 0; i < COUNT (lines); i++) {
    snprintf (closure, sizeof closure, "/nix/store/a\n\n%s\n", lines[i]);
    ck_assert_msg (vms_erofs_kept_names (&work, closure, "/nix/store", &kept)
                     == -EINVAL, "%s", lines[i]);
    ck_assert_ptr_nonnull (strstr (only ("erofs.closure"), "line 3"));
    vmspec_diag_clear (diag);
  }
  memset (name, 'x', 255);
  name[255] = '\0';
  snprintf (closure, sizeof closure, "/s/%s", name);
  ck_assert_uint_eq (strlen (kept_of (closure, "/s")), 256);
  snprintf (closure, sizeof closure, "/s/%sy", name);
  ck_assert_int_eq (vms_erofs_kept_names (&work, closure, "/s", &kept), -EINVAL);
  only ("erofs.closure");
}
END_TEST

START_TEST (of_a_line_that_is_long_the_start_is_told)
{
  static const size_t sizes[][2] = { { 299, 299 }, { 300, 300 }, { 301, 300 },
                                     { 1000, 300 } };
  const char *const *kept;
  char closure[1010], expected[600];

  for (size_t i = 0; i < COUNT (sizes); i++) {
    memset (closure, 'x', sizes[i][0]);
    strcpy (closure + sizes[i][0], "\n");
    ck_assert_int_eq (vms_erofs_kept_names (&work, closure, "/s", &kept),
                      -EINVAL);
    snprintf (expected, sizeof expected, "line 1 of the closure, '%.*s', names "
              "nothing below /s; list store paths only, or make the list of this "
              "store", (int) sizes[i][1], closure);
    ck_assert_str_eq (only ("erofs.closure"), expected);
    vmspec_diag_clear (diag);
  }
}
END_TEST

/* ---- exclusions --------------------------------------------------------- */

struct rules {
  regex_t regex[64];
  size_t count;
};

static void
compile (struct rules *rules, const char *const *kept)
{
  const char *const *all = vms_erofs_exclusions (&arena, kept);

  ck_assert_ptr_nonnull (all);
  for (rules->count = 0; all[rules->count]; rules->count++) {
    const char *one = all[rules->count];

    ck_assert_uint_lt (rules->count, COUNT (rules->regex));
    ck_assert_uint_le (strlen (one), 100 * 1024);
    ck_assert_msg (regcomp (&rules->regex[rules->count], one,
                            REG_EXTENDED | REG_NOSUB) == 0, "%.200s", one);
  }
}

static int
excludes (const struct rules *rules, const char *path)
{
  for (size_t i = 0; i < rules->count; i++)
    if (regexec (&rules->regex[i], path, 0, NULL, 0) == 0)
      return 1;
  return 0;
}

static void
release (struct rules *rules)
{
  for (size_t i = 0; i < rules->count; i++)
    regfree (&rules->regex[i]);
}

static const char digits[] = "0123456789abcdfghijklmnpqrsvwxyz";

/* The rule once more, in other words. */
static int
is_kept (const char *const *kept, const char *path)
{
  size_t size = strcspn (path, "/");

  for (; *kept; kept++) {
    int is_store = strlen (*kept) > 32 && (*kept)[32] == '-';

    for (int i = 0; is_store && i < 32; i++)
      is_store = strchr (digits, (*kept)[i]) != NULL;
    if (is_store ? size >= 10 && !memcmp (*kept, path, 10)
                 : size == strlen (*kept) && !memcmp (*kept, path, size))
      return 1;
  }
  return 0;
}

/* Of few different bytes, so that names are often starts of others. */
static void
random_name (struct random *r, char *name)
{
  static const char odd[] = ".[]\\()*+?{}|^$-:=ab\200\377\303\251 \"',&!";
  size_t size = 1 + random_below (r, 5), n = 0;
  size_t set = 1 + random_below (r, sizeof odd - 1);

  if (random_below (r, 2)) {
    size_t start = random_below (r, 8) ? 32 : random_below (r, 34);

    for (; n < start; n++)
      name[n] = "01zc"[random_below (r, n == 4 || n == 9 ? 4 : 1)];
    if (random_below (r, 8))
      name[n++] = '-';
    size = n + random_below (r, 2);
  }
  while (n < size)
    name[n++] = odd[random_below (r, set)];
  if (!n || (n == 1 && *name == '.'))
    name[n++] = 'x';
  name[n] = '\0';
}

/* Something near a kept name, and below it. */
static void
random_path (struct random *r, const char *const *kept, size_t n, char *path)
{
  size_t size;

  if (n && random_below (r, 4))
    strcpy (path, kept[random_below (r, n)]);
  else
    random_name (r, path);
  size = strlen (path);
  switch (random_below (r, 6)) {
  case 0:
    path[1 + random_below (r, size)] = '\0';
    break;
  case 1:
    random_name (r, path + size);
    break;
  case 2:
    path[random_below (r, size)] = "a0z\n]^-"[random_below (r, 7)];
    break;
  case 3:
    strcat (path, "\n");
    break;
  }
  if (random_below (r, 2))
    strcat (path, "/0/[a]\n");
}

/* No more than has to be said: of names of the store their first ten digits, and
 * nothing twice. */
START_TEST (an_expression_departs_from_the_names)
{
#define NINE                                                                   \
  "^([^0]|$|0([^1]|$|1([^2]|$|2([^3]|$|3([^4]|$|4([^5]|$|5([^6]|$|6([^7]|$|"   \
  "7([^8]|$|8("
  static const struct {
    const char *kept[5], *expression;
  } cases[] = {
    { { NULL }, "^" },
    { { "a" }, "^([^a]|$|a([^/]))" },
    { { "a", "a", "", "b/c" }, "^([^a]|$|a([^/]))" },
    { { "ab", "a" }, "^([^a]|$|a([^b/]|b([^/])))" },
    { { "b", "ac", "ab" },
      "^([^ab]|$|a([^bc]|$|b([^/])|c([^/]))|b([^/]))" },
    { { "]", "[", "-", "a" },
      "^([^]a[-]|$|-([^/])|\\[([^/])|\\]([^/])|a([^/]))" },
    { { "." }, "^([^.]|$|\\.([^/]))" },
    { { STORE_A, "0123456789zcdfghijklmnpqrsvwxyzz-b" },
      NINE "[^9]|$))))))))))" },
    { { STORE_A, "0123456789", "0123456789x", "012345678" },
      NINE "[^9/]))))))))))" },
    { { STORE_A, STORE_B }, NINE "[^09]|$))))))))))" },
  };

  for (size_t i = 0; i < COUNT (cases); i++) {
    const char *const *all = vms_erofs_exclusions (&arena, cases[i].kept);

    ck_assert_str_eq (all[0], cases[i].expression);
    ck_assert_ptr_null (all[1]);
  }
}
END_TEST

START_TEST (every_path_is_left_out_but_those_of_kept_names)
{
  for (uint64_t seed = 1; seed <= unit_rounds (3000); seed++) {
    struct random r = { seed };
    static char names[20][100];
    const char *kept[21] = { NULL };
    size_t n = random_below (&r, 21);
    struct rules rules;
    char path[300];

    for (size_t i = 0; i < n; i++) {
      random_name (&r, names[i]);
      kept[i] = names[i];
    }
    compile (&rules, kept);
    for (int i = 0; i < 100; i++) {
      random_path (&r, kept, n, path);
      ck_assert_msg (excludes (&rules, path) == !is_kept (kept, path),
                     "seed %" PRIu64 ", path '%s'", seed, path);
    }
    release (&rules);
    vms_arena_free (&arena);
  }
  work_anew ();
}
END_TEST

START_TEST (any_two_bytes_may_stand_beside_each_other)
{
  struct random r = { 1 };

  for (unsigned round = 0; round < unit_rounds (1500); round++) {
    char a[2] = { (char) (1 + random_below (&r, 255)) };
    char b[2] = { (char) (1 + random_below (&r, 255)) };
    struct rules rules;

    if (*a == '/' || *b == '/')
      continue;
    compile (&rules, STRINGS (a, b, "]-", "[-"));
    for (int c = 1; c < 256; c++) {
      char path[2] = { (char) c };

      ck_assert_msg (c == '/' || excludes (&rules, path)
                                   == (*path != *a && *path != *b),
                     "%#x among %#x and %#x", c, *a, *b);
    }
    release (&rules);
    vms_arena_free (&arena);
  }
  work_anew ();
}
END_TEST

START_TEST (the_start_of_a_name_keeps_more_than_the_name)
{
  struct rules rules;

  compile (&rules, STRINGS ("0123456789", STORE_A, "0123456789x"));
  ck_assert (!excludes (&rules, "0123456789"));
  ck_assert (!excludes (&rules, "0123456789y/a"));
  ck_assert (excludes (&rules, "012345678"));
  ck_assert (excludes (&rules, "012345678/9"));
  release (&rules);
}
END_TEST

START_TEST (without_a_name_all_is_left_out)
{
  struct rules rules;

  /* No file can have this one. */
  compile (&rules, STRINGS ("a/b", "/", ""));
  ck_assert (excludes (&rules, "a"));
  ck_assert (excludes (&rules, "a/b"));
  release (&rules);
  compile (&rules, STRINGS (NULL));
  ck_assert_uint_eq (rules.count, 1);
  ck_assert (excludes (&rules, "a"));
  ck_assert (excludes (&rules, "\n/x"));
  release (&rules);
}
END_TEST

static const char *const *
random_store (struct random *r, size_t n)
{
  const char **kept = vms_arena_alloc (&arena, (n + 1) * sizeof *kept);

  for (size_t i = 0; i < n; i++) {
    char name[] = "00000000000000000000000000000000-name";

    for (int k = 0; k < 32; k++)
      name[k] = digits[random_below (r, 32)];
    kept[i] = vms_arena_strdup (&arena, name);
  }
  return kept;
}

START_TEST (twenty_thousand_names_are_no_trouble)
{
  size_t n = unit_rounds (20000), total = 0;
  struct random r = { 1 };
  const char *const *kept = random_store (&r, n);
  const char *const *all = vms_erofs_exclusions (&arena, kept);
  struct rules rules;

  for (; *all; all++)
    total += strlen (*all) + 20;
  ck_assert_uint_lt (total, 1536 * 1024);
  compile (&rules, kept);
  for (size_t i = 0; i < 5 * n; i++) {
    char path[] = "00000000000000000000000000000000-other/bin";
    size_t place = random_below (&r, 10);

    memcpy (path, kept[i % n], 32);
    path[place] = digits[random_below (&r, 32)];
    ck_assert_msg (excludes (&rules, path) == (path[place]
                                               != kept[i % n][place]),
                   "%s", path);
  }
  release (&rules);
}
END_TEST

START_TEST (an_expression_that_grows_too_long_goes_on_in_another)
{
  const size_t n = 3000;
  const char **kept = vms_arena_alloc (&arena, (n + 1) * sizeof *kept);
  struct rules rules;
  char name[256];

  memset (name, '.', sizeof name);
  for (size_t i = 0; i < n; i++) {
    snprintf (name + 150, 106, "%04u%0101d", (unsigned) i * 3 % 10000, 0);
    kept[i] = vms_arena_strdup (&arena, name);
  }
  compile (&rules, kept);
  ck_assert_uint_gt (rules.count, 5);
  for (size_t i = 0; i < unit_rounds (3 * (unsigned) n); i++) {
    memset (name, '.', 150);
    snprintf (name + 150, 106, "%04u%0101d", (unsigned) i % 10000, 0);
    ck_assert_msg (excludes (&rules, name) == (i % 3 != 0), "%s", name);
    name[i % 255] = '/';
    ck_assert_msg (excludes (&rules, name), "%s", name);
  }
  release (&rules);
}
END_TEST

/* ---- images ------------------------------------------------------------- */

static struct erofs_setup setup;
static struct output output;

static const char *
mkfs (void)
{
  return vms_work_program (&work, "mkfs.erofs");
}

static void
set_up_image (const char *program, const char *file)
{
  setup = (struct erofs_setup) { .program = program, .tree = below ("tree"),
                                 .label = "nix-store", .uuid = UUID };
  ck_assert_msg (vms_output_open (&output, &work, below (file), 0644) == 0, "%s",
                 unit_findings (diag));
}

/* Both halves. */
static int
make_image (void)
{
  struct erofs erofs;
  int r = vms_erofs_start (&erofs, &setup, &output, &work);

  if (r == 0)
    r = vms_erofs_wait (&erofs, &work);
  else
    vms_erofs_abandon (&erofs);
  if (r == 0)
    r = vms_output_commit (&output, &work);
  vms_output_close (&output);
  ck_assert (!has_children ());
  return r;
}

static void
succeed (void)
{
  ck_assert_msg (make_image () == 0, "%s", unit_findings (diag));
  ck_assert_uint_eq (vmspec_diag_count (diag), 0);
}

/* What a command prints, which must end well. */
static const char *
output_of (const char *command)
{
  return said_by (SHELL (command));
}

static void
make_tree (const char *name)
{
  char old[PATH_MAX];

  ck_assert_ptr_nonnull (getcwd (old, sizeof old));
  ck_assert_int_eq (mkdir (name, 0755), 0);
  ck_assert_int_eq (chdir (name), 0);
  ck_assert_int_eq (mkdir (STORE_A, 0755), 0);
  ck_assert_int_eq (mkdir (STORE_B, 0755), 0);
  make_file (STORE_A "/file", 0444, "content");
  /* Only root's fsck.erofs can extract that. */
  ck_assert_int_eq (chmod (STORE_A, geteuid () == 0 ? 0555 : 0755), 0);
  make_file (STORE_B "/program", 0555, "#!/bin/sh\n");
  make_file ("other", 0644, "");
  make_file ("other2", 0644, "");
  make_file ("[x].*", 0644, "");
  make_file ("\303\244 b", 0644, "");
  ck_assert_int_eq (mkdir (".links", 0755), 0);
  make_file (".links/one", 0644, "one");
  ck_assert_int_eq (link (".links/one", STORE_B "/one"), 0);
  ck_assert_int_eq (symlink (STORE_A, "link"), 0);
  ck_assert_int_eq (chdir (old), 0);
}

/* The image's top directory, in order. */
static const char *
content_of (const char *image)
{
  static char command[PATH_MAX + 100];

  snprintf (command, sizeof command, "rm -rf x; fsck.erofs --extract=x '%s' "
            "> /dev/null && LC_ALL=C ls -A x", image);
  return output_of (command);
}

/* Version 1.5 finds a wrong checksum, says so, and ends well. */
#define CHECK_IMAGE \
  "out=$(fsck.erofs image 2>&1) || echo failed; " \
  "echo \"$out\" | grep '<[EW]>'; :"

START_TEST (an_image_has_the_label_the_uuid_and_a_valid_checksum)
{
  if (!mkfs ())
    return;
  make_tree ("tree");
  set_up_image (mkfs (), "image");
  succeed ();
  ck_assert_str_eq (output_of ("blkid -p -o value -s LABEL image; "
                               "blkid -p -o value -s UUID image; "
                               "blkid -p -o value -s TYPE image"),
                    "nix-store\n" UUID "\nerofs\n");
  ck_assert_ptr_nonnull (strstr (output_of ("dump.erofs -s image"), UUID));
  ck_assert_str_eq (output_of (CHECK_IMAGE), "");
  output_of ("printf X | dd of=image bs=1 seek=1100 conv=notrunc 2> /dev/null");
  ck_assert_str_ne (output_of (CHECK_IMAGE), "");
}
END_TEST

START_TEST (an_image_needs_no_label)
{
  if (!mkfs ())
    return;
  make_tree ("tree");
  set_up_image (mkfs (), "image");
  setup.label = NULL;
  succeed ();
  ck_assert_str_eq (output_of (CHECK_IMAGE), "");
  ck_assert_str_eq (output_of ("dd if=image bs=1 skip=1088 count=16 "
                               "2> /dev/null | od -An -tx1 | tr -d ' \\n'"),
                    "00000000000000000000000000000000");
}
END_TEST

START_TEST (everything_is_in_an_image_unless_names_are_listed)
{
  if (!mkfs ())
    return;
  make_tree ("tree");
  set_up_image (mkfs (), "all");
  succeed ();
  ck_assert_str_eq (content_of ("all"),
                    ".links\n" STORE_B "\n" STORE_A "\n[x].*\nlink\nother\n"
                    "other2\n\303\244 b\n");
  output_of ("diff -r --no-dereference tree x");
  set_up_image (mkfs (), "some");
  setup.kept = STRINGS (STORE_A, "[x].*", "other", "\303\244 b", "absent");
  succeed ();
  ck_assert_str_eq (content_of ("some"),
                    STORE_A "\n[x].*\nother\n\303\244 b\n");
  output_of ("diff -r tree/" STORE_A " x/" STORE_A);
  set_up_image (mkfs (), "none");
  setup.kept = STRINGS (NULL);
  succeed ();
  ck_assert_str_eq (content_of ("none"), "");
}
END_TEST

START_TEST (everything_in_an_image_belongs_to_root)
{
  if (!mkfs () || geteuid () != 0)
    return;
  make_tree ("tree");
  output_of ("chown -hR 65534:65534 tree");
  set_up_image (mkfs (), "image");
  succeed ();
  ck_assert_str_eq (output_of ("fsck.erofs --extract=x image > /dev/null; "
                               "find x ! -uid 0 -o ! -gid 0"), "");
}
END_TEST

START_TEST (the_same_tree_gives_the_same_bytes)
{
  if (!mkfs ())
    return;
  make_tree ("tree");
  set_up_image (mkfs (), "one");
  succeed ();
  /* Later, in another order of inodes, and with another idea of time. */
  output_of ("mv tree old; mkdir tree; cd old; "
             "ls -Ar | while read -r f; do cp -a \"$f\" ../tree; done; "
             "cd ../tree; ln -f .links/one " STORE_B "/one; "
             "find . -exec touch -h -d 2001-02-03 {} +");
  said.environment = STRINGS (PATH_VARIABLE, "SOURCE_DATE_EPOCH=1234567",
                              "LC_CTYPE=C.UTF-8", "LANG=C.UTF-8",
                              "LC_ALL=C.UTF-8");
  work_anew ();
  set_up_image (mkfs (), "two");
  succeed ();
  output_of ("cmp one two");
}
END_TEST

START_TEST (a_tree_may_have_an_odd_name)
{
  static const char *const names[]
    = { "-L", "a b,c", "a\nb", "--help", "\\.*", "tree/../tree/" };

  if (!mkfs ())
    return;
  make_tree ("tree");
  for (size_t i = 0; i < COUNT (names); i++) {
    char command[PATH_MAX];

    snprintf (command, sizeof command, "rm -f image; test -e './%s' || "
              "cp -a tree './%s'", names[i], names[i]);
    output_of (command);
    set_up_image (mkfs (), "image");
    setup.tree = below (names[i]);
    setup.kept = STRINGS ("other", "[x].*");
    succeed ();
    ck_assert_str_eq (content_of ("image"), "[x].*\nother\n");
  }
}
END_TEST

START_TEST (an_image_runs_beside_other_work_and_can_be_abandoned)
{
  struct erofs erofs;

  if (!mkfs ())
    return;
  make_tree ("tree");
  output_of ("truncate -s 4G tree/large");
  set_up_image (mkfs (), "image");
  ck_assert_int_eq (vms_erofs_start (&erofs, &setup, &output, &work), 0);
  ck_assert (has_children ());
  vms_erofs_abandon (&erofs);
  ck_assert (!has_children ());
  vms_erofs_abandon (&erofs);
  vms_output_close (&output);
  ck_assert (!exists ("image"));
}
END_TEST

struct seen {
  unsigned calls, cancel_at;
  int is_partly_done;
  uint64_t done, total, largest_total;
};

static int
see (void *data, const struct vmspec_progress *progress)
{
  struct seen *seen = data;

  ck_assert (!progress->total || progress->done <= progress->total);
  seen->is_partly_done |= progress->done < progress->total;
  seen->done = progress->done;
  seen->total = progress->total;
  if (seen->largest_total < progress->total)
    seen->largest_total = progress->total;
  work.next_report = 0; /* the next is told, too */
  return ++seen->calls == seen->cancel_at;
}

START_TEST (progress_ends_with_all_of_the_image)
{
  struct seen seen = { 0 };
  struct stat status;

  if (!mkfs ())
    return;
  make_tree ("tree");
  output_of ("truncate -s 200M tree/large");
  said.progress = see;
  said.data = &seen;
  work_anew ();
  set_up_image (mkfs (), "image");
  succeed ();
  ck_assert_uint_ge (seen.calls, 1);
  ck_assert (seen.is_partly_done);
  ck_assert_int_eq (stat ("image", &status), 0);
  ck_assert_uint_eq (seen.done, (uint64_t) status.st_size);
  ck_assert_uint_eq (seen.total, seen.done);
  ck_assert_uint_ge (seen.largest_total, 200 << 20);
  ck_assert_uint_lt (seen.largest_total, 300 << 20);
}
END_TEST

/* ---- other programs in its place ---------------------------------------- */

#define OPTIONS " --force-uid=#\n --force-gid=#\n -T#\n -UX\n" \
                " --exclude-regex=X\n"

/* Answers questions with these texts, and runs a script for an image. */
static const char *
pretend (const char *help, const char *version, const char *script)
{
  char text[4000];

  snprintf (text, sizeof text,
            "#!/bin/sh\ncase $1 in\n--help) cat <<'EOF'\n%s\nEOF\n;;\n"
            "-V) echo '%s'; exit 1;;\n*) %s\n;;\nesac\n", help, version,
            script);
  unlink ("pretended");
  make_file ("pretended", 0755, text);
  if (!exists ("tree"))
    make_tree ("tree");
  unlink ("image");
  set_up_image (below ("pretended"), "image");
  return below ("pretended");
}

START_TEST (a_version_that_lacks_an_option_is_named)
{
  static const char *const lacking[]
    = { " --force-gid=#\n -T#\n -UX\n --exclude-regex=X\n",
        " --force-uid=#\n --force-gid=#\n -UX\n --exclude-regex=X\n",
        " --force-uid=#\n --force-gid=#\n -T#\n (-UX)\n --exclude-regex=X\n",
        " --force-uid=#\n --force-gid=#\n -T#\n -UX\n --exclude-path=X\n", "" };

  for (size_t i = 0; i < COUNT (lacking); i++) {
    pretend (lacking[i], "mkfs.erofs (erofs-utils) 1.2.1", "exit 9");
    ck_assert_int_eq (make_image (), -EOPNOTSUPP);
    ck_assert_ptr_nonnull (strstr (only ("erofs.outdated"), "(1.2.1)"));
    ck_assert (!exists ("image"));
    vmspec_diag_clear (diag);
  }
  pretend ("", "no idea", "exit 9");
  ck_assert_int_eq (make_image (), -EOPNOTSUPP);
  ck_assert_ptr_nonnull (strstr (only ("erofs.outdated"), "unknown version"));
}
END_TEST

START_TEST (a_newer_version_sets_the_label_itself)
{
  if (!mkfs ())
    return;
  pretend (OPTIONS " -L label\n --quiet\n", "",
           "test \"$1 $2 $3 $4 $5 $6 $7 $8 $9\" = '--force-uid=0 "
           "--force-gid=0 -L nix-store -U " UUID " -T 0 --quiet' || exit 7; "
           "test $# = 11 || exit 8; shift 9; exec mkfs.erofs \"$@\"");
  succeed ();
  /* The one that was run instead has not done it. */
  ck_assert_str_eq (output_of ("blkid -p -o value -s LABEL image || :"), "");
}
END_TEST

START_TEST (what_is_no_image_is_not_taken_for_one)
{
  static const char *const scripts[]
    = { ":", "echo x > /proc/self/fd/3",
        "head -c 1024 /dev/zero > /proc/self/fd/3; head -c 4096 /dev/zero | "
        "tr '\\0' x >> /proc/self/fd/3",
        /* a superblock with blocks of 4 KiB that is not all there */
        "{ head -c 1024 /dev/zero; printf '\\342\\341\\365\\340\\0\\0\\0\\0"
        "\\1\\0\\0\\0\\14'; head -c 200 /dev/zero; } > /proc/self/fd/3",
        /* and one with blocks of 2^200 bytes */
        "{ head -c 1024 /dev/zero; printf '\\342\\341\\365\\340\\0\\0\\0\\0"
        "\\1\\0\\0\\0\\310'; head -c 9000 /dev/zero; } > /proc/self/fd/3" };

  for (size_t i = 0; i < COUNT (scripts); i++) {
    pretend (OPTIONS, "", scripts[i]);
    ck_assert_int_eq (make_image (), -EINVAL);
    only ("erofs.damaged");
    ck_assert (!exists ("image"));
    vmspec_diag_clear (diag);
  }
}
END_TEST

/* A superblock at 1024: its magic number, at 8 whether it has a checksum, and at 12
 * of how many bytes a block is, as a power of 2; and what else may be there. */
static void
fill_superblock (unsigned char *image, size_t size, unsigned bits,
                 unsigned features)
{
  static const unsigned char magic[] = { 0xe2, 0xe1, 0xf5, 0xe0 };
  struct random r = { size };

  for (size_t i = 0; i < size; i++)
    image[i] = (unsigned char) random_number (&r);
  memcpy (image + 1024, magic, sizeof magic);
  image[1024 + 8] = (unsigned char) features;
  image[1024 + 12] = (unsigned char) bits;
}

/* The image that the program makes, and whether it is taken for one. */
static int
make_pretended (const unsigned char *image, size_t size)
{
  int fd = open ("prepared", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644), r;

  ck_assert_int_eq (write (fd, image, size), (ssize_t) size);
  close (fd);
  r = make_image ();
  if (r < 0)
    only ("erofs.damaged");
  vmspec_diag_clear (diag);
  return r;
}

static const char *
prepare (void)
{
  return pretend (OPTIONS, "", vms_arena_concat (&arena, "cat ", scratch,
                                                 "/prepared > /proc/self/fd/3",
                                                 (char *) NULL));
}

START_TEST (an_image_is_known_by_its_superblock)
{
  static unsigned char image[1024 + 128];
  static const struct {
    size_t at;
    unsigned char byte;
    int result;
  } cases[] = {
    { 1024 + 12, 9, 0 }, { 1024 + 12, 8, -EINVAL }, { 1024 + 12, 16, 0 },
    { 1024 + 12, 17, -EINVAL }, { 1024 + 12, 0, -EINVAL },
    { 1024, 0xe3, -EINVAL }, { 1025, 0xe0, -EINVAL }, { 1026, 0xf4, -EINVAL },
    { 1027, 0xe1, -EINVAL }, { 0, 0, 0 },
  };

  for (size_t i = 0; i < COUNT (cases); i++) {
    prepare ();
    setup.label = NULL;
    fill_superblock (image, sizeof image, 12, 1);
    image[cases[i].at] = cases[i].byte;
    ck_assert_int_eq (make_pretended (image, sizeof image), cases[i].result);
  }
  prepare ();
  setup.label = NULL;
  fill_superblock (image, sizeof image, 12, 1);
  ck_assert_int_eq (make_pretended (image, sizeof image - 1), -EINVAL);
}
END_TEST

/* By the definition: the rest of a division of polynomials, of which the highest
 * power is each byte's lowest bit. */
static uint32_t
rest_of_division (const unsigned char *bytes, size_t size)
{
  uint32_t rest = 0xffffffff, reversed = 0;

  for (size_t i = 0; i < size * 8; i++) {
    uint32_t bit = (bytes[i / 8] >> i % 8 & 1u) ^ rest >> 31;

    rest = rest << 1 ^ (bit ? 0x1edc6f41 : 0);
  }
  for (int i = 0; i < 32; i++)
    reversed |= (rest >> i & 1) << (31 - i);
  return reversed;
}

START_TEST (a_label_is_all_that_is_changed)
{
  static unsigned char image[1024 + 65536];
  static const char *const labels[]
    = { "", "a", "fifteen letters", "sixteen letters.", "seventeen letters" };
  static const struct {
    unsigned bits;
    size_t checked; /* bytes that the checksum is of, from 1024 on */
  } blocks[] = { { 9, 512 }, { 10, 1024 }, { 11, 1024 }, { 12, 3072 },
                 { 16, 64512 } };

  for (size_t i = 0; i < COUNT (blocks) * COUNT (labels); i++) {
    const char *label = labels[i % COUNT (labels)];
    size_t checked = blocks[i / COUNT (labels)].checked;
    size_t size = 1024 + checked;
    unsigned features = (unsigned) (i % 4);
    char *found;
    int fd;

    prepare ();
    setup.label = label;
    fill_superblock (image, size, blocks[i / COUNT (labels)].bits, features);
    ck_assert_int_eq (make_pretended (image, size), 0);
    memset (image + 1024 + 64, 0, 16);
    memcpy (image + 1024 + 64, label, strlen (label) < 16 ? strlen (label) : 16);
    if (features & 1) {
      uint32_t sum;

      memset (image + 1024 + 4, 0, 4);
      sum = rest_of_division (image + 1024, checked);
      for (int byte = 0; byte < 4; byte++)
        image[1024 + 4 + byte] = (unsigned char) (sum >> 8 * byte);
    }
    found = vms_arena_alloc (&arena, size + 1);
    fd = open ("image", O_RDONLY | O_CLOEXEC);
    ck_assert_int_eq (read (fd, found, size + 1), (ssize_t) size);
    close (fd);
    ck_assert_int_eq (memcmp (found, image, size), 0);
    /* All that the checksum is of has to be there. */
    prepare ();
    setup.label = label;
    ck_assert_int_eq (make_pretended (image, size - 1), -EINVAL);
  }
}
END_TEST

/* The total of what is reported, or the image's size if that is not known. */
static uint64_t
expected_total (const char *const *kept)
{
  static unsigned char image[1024 + 128];
  struct seen seen = { 0 };

  said.progress = see;
  said.data = &seen;
  work_anew ();
  pretend (OPTIONS, "", vms_arena_concat (&arena, "sleep 0.3; cat ", scratch,
                                          "/prepared > /proc/self/fd/3",
                                          (char *) NULL));
  setup.label = NULL;
  setup.kept = kept;
  fill_superblock (image, sizeof image, 12, 0);
  ck_assert_int_eq (make_pretended (image, sizeof image), 0);
  return seen.largest_total;
}

/* Four blocks, and for each entry the largest inode, its name twice, and what a
 * file or a link holds; and an eighth more. */
START_TEST (an_image_is_expected_to_be_as_large_as_its_tree)
{
  output_of ("mkdir -p tree/bb; truncate -s 1000000 tree/a; "
             "ln -s xyz tree/bb/c; mkfifo tree/d");
  ck_assert_uint_eq (expected_total (NULL),
                     (16384 + (64 + 2 + 1000000) + (64 + 4) + (64 + 2 + 3)
                      + (64 + 2)) * 9 / 8);
  ck_assert_uint_eq (expected_total (STRINGS ("bb", "absent", "d")),
                     (16384 + (64 + 4) + (64 + 2 + 3) + (64 + 2)) * 9 / 8);
  ck_assert_uint_eq (expected_total (STRINGS (NULL)), 16384 * 9 / 8);
}
END_TEST

START_TEST (how_large_a_very_deep_tree_becomes_is_not_known)
{
  char command[200];

  snprintf (command, sizeof command, "mkdir -p tree$(printf '/%%.0sd' %s)",
            "$(seq 61)");
  output_of (command);
  ck_assert_uint_eq (expected_total (NULL), (16384 + 61 * (64 + 2)) * 9 / 8);
  output_of ("touch tree$(printf '/%.0sd' $(seq 61))/e");
  ck_assert_uint_eq (expected_total (NULL), 1024 + 128);
}
END_TEST

START_TEST (the_reason_of_a_failure_stands_before_the_options)
{
  pretend (OPTIONS, "", "echo '<E> erofs: no space' >&2; echo usage; exit 1");
  ck_assert_int_eq (make_image (), -EIO);
  ck_assert_str_eq (only ("helper.failed"),
                    "pretended failed with status 1: <E> erofs: no space");
  ck_assert (!exists ("image"));
}
END_TEST

START_TEST (a_tree_that_is_missing_is_reported)
{
  if (!mkfs ())
    return;
  set_up_image (mkfs (), "image");
  ck_assert_int_eq (make_image (), -EIO);
  ck_assert_ptr_nonnull (strstr (only ("helper.failed"), "No such file"));
}
END_TEST

START_TEST (a_cancelled_image_leaves_nothing)
{
  struct seen seen = { .cancel_at = 2 };

  said.progress = see;
  said.data = &seen;
  work_anew ();
  pretend (OPTIONS, "", "exec sleep 100");
  ck_assert_int_eq (make_image (), -ECANCELED);
  ck_assert_uint_eq (seen.calls, 2);
  ck_assert_uint_eq (vmspec_diag_count (diag), 0);
  ck_assert (!exists ("image"));
  /* Before it has said what it can do. */
  seen = (struct seen) { .cancel_at = 1 };
  pretend ("", "", ":");
  output_of ("printf '#!/bin/sh\\nexec sleep 100\\n' > pretended");
  ck_assert_int_eq (make_image (), -ECANCELED);
}
END_TEST

START_TEST (no_more_is_done_than_there_is)
{
  struct seen seen = { 0 };

  said.progress = see;
  said.data = &seen;
  work_anew ();
  pretend (OPTIONS, "", "head -c 9000000 /dev/zero > /proc/self/fd/3; "
                        "sleep 0.5");
  ck_assert_int_eq (make_image (), -EINVAL);
  ck_assert_uint_gt (seen.total, 0);
  ck_assert_uint_lt (seen.total, 9000000);
  ck_assert_uint_eq (seen.done, seen.total);
}
END_TEST

START_TEST (an_image_is_cancelled_while_the_tree_is_looked_through)
{
  struct seen seen = { 0 };
  struct erofs erofs;

  said.progress = see;
  said.data = &seen;
  work_anew ();
  pretend (OPTIONS, "", "exec sleep 100");
  output_of ("cd tree; seq 2000 | xargs touch");
  ck_assert_int_eq (vms_erofs_start (&erofs, &setup, &output, &work), 0);
  seen.cancel_at = seen.calls + 1;
  work.next_report = 0;
  ck_assert_int_eq (vms_erofs_wait (&erofs, &work), -ECANCELED);
  ck_assert_uint_eq (seen.total, 0); /* not known yet */
  ck_assert (!has_children ());
  vms_output_close (&output);
}
END_TEST

START_TEST (a_closure_that_no_command_line_holds_is_refused)
{
  size_t n = 10000;
  const char **kept = vms_arena_alloc (&arena, (n + 1) * sizeof *kept);
  struct random r = { 1 };

  for (size_t i = 0; i < n; i++)
    kept[i] = vms_arena_printf (&arena, "%016" PRIx64 "%016" PRIx64,
                                random_number (&r), random_number (&r));
  pretend (OPTIONS, "", "exit 9");
  setup.kept = kept;
  ck_assert_int_eq (make_image (), -E2BIG);
  only ("erofs.closure-size");
}
END_TEST

START_TEST (the_largest_command_line_is_accepted)
{
  struct random r = { 1 };

  if (!mkfs ())
    return;
  make_tree ("tree");
  set_up_image (mkfs (), "image");
  setup.kept = random_store (&r, unit_rounds (20000));
  succeed ();
  ck_assert_str_eq (content_of ("image"), "");
}
END_TEST

int
main (void)
{
  TCase *tcase = unit_case ("erofs");

  tcase_add_checked_fixture (tcase, set_up, tear_down);
  tcase_add_test (tcase, a_helper_that_fails_says_why_in_its_last_line);
  tcase_add_test (tcase, a_line_with_the_mark_comes_before_the_last);
  tcase_add_test (tcase, a_helper_that_is_killed_or_missing_is_reported);
  tcase_add_test (tcase, what_a_helper_says_is_kept_within_limits);
  tcase_add_test (tcase, a_helper_is_waited_for_after_it_has_closed_its_output);
  tcase_add_test (tcase, a_helper_is_cancelled_also_when_it_is_silent);
  tcase_add_test (tcase, what_a_helper_leaves_running_is_not_waited_for);
  tcase_add_test (tcase, a_helper_that_is_killed_is_reaped);
  tcase_add_test (tcase, an_ignored_sigchld_gives_a_finding);
  tcase_add_test (tcase, a_helper_has_no_signals_of_its_parent);
  tcase_add_test (tcase, a_helper_has_its_descriptors_and_no_others);
  tcase_add_test (tcase, descriptors_that_the_caller_has_closed_do_no_harm);
  tcase_add_test (tcase, a_program_is_looked_for_in_the_path_that_was_given);
  tcase_add_test (tcase, names_below_the_store_are_taken_once_and_in_order);
  tcase_add_test (tcase, a_line_outside_of_the_store_is_an_error);
  tcase_add_test (tcase, of_a_line_that_is_long_the_start_is_told);
  tcase_add_test (tcase, an_expression_departs_from_the_names);
  tcase_add_test (tcase, every_path_is_left_out_but_those_of_kept_names);
  tcase_add_test (tcase, any_two_bytes_may_stand_beside_each_other);
  tcase_add_test (tcase, the_start_of_a_name_keeps_more_than_the_name);
  tcase_add_test (tcase, without_a_name_all_is_left_out);
  tcase_add_test (tcase, twenty_thousand_names_are_no_trouble);
  tcase_add_test (tcase, an_expression_that_grows_too_long_goes_on_in_another);
  tcase_add_test (tcase, an_image_has_the_label_the_uuid_and_a_valid_checksum);
  tcase_add_test (tcase, an_image_needs_no_label);
  tcase_add_test (tcase, everything_is_in_an_image_unless_names_are_listed);
  tcase_add_test (tcase, everything_in_an_image_belongs_to_root);
  tcase_add_test (tcase, the_same_tree_gives_the_same_bytes);
  tcase_add_test (tcase, a_tree_may_have_an_odd_name);
  tcase_add_test (tcase, an_image_runs_beside_other_work_and_can_be_abandoned);
  tcase_add_test (tcase, progress_ends_with_all_of_the_image);
  tcase_add_test (tcase, a_version_that_lacks_an_option_is_named);
  tcase_add_test (tcase, a_newer_version_sets_the_label_itself);
  tcase_add_test (tcase, what_is_no_image_is_not_taken_for_one);
  tcase_add_test (tcase, an_image_is_known_by_its_superblock);
  tcase_add_test (tcase, a_label_is_all_that_is_changed);
  tcase_add_test (tcase, an_image_is_expected_to_be_as_large_as_its_tree);
  tcase_add_test (tcase, how_large_a_very_deep_tree_becomes_is_not_known);
  tcase_add_test (tcase, the_reason_of_a_failure_stands_before_the_options);
  tcase_add_test (tcase, a_tree_that_is_missing_is_reported);
  tcase_add_test (tcase, a_cancelled_image_leaves_nothing);
  tcase_add_test (tcase, no_more_is_done_than_there_is);
  tcase_add_test (tcase,
                  an_image_is_cancelled_while_the_tree_is_looked_through);
  tcase_add_test (tcase, a_closure_that_no_command_line_holds_is_refused);
  tcase_add_test (tcase, the_largest_command_line_is_accepted);
  return unit_run ("erofs", tcase);
}
