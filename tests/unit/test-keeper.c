/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The keeper by itself, with scripts for children: what it starts, hears, passes
 * on, holds and ends. */
#include "scratch.h"

#include <poll.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>

#include "clock.h"
#include "keeper.h"

/* As they are in keeper-main.c. */
#define MOST_CHILDREN 64

static struct keeper keeper;
static struct arena arena;
static const char *program;
static int null;

static void
set_up (void)
{
  scratch_make ();
  arena = (struct arena) { 0 };
  program = getenv ("VMSPEC_KEEPER");
  if (!program)
    program = vms_keeper_program (&arena);
  null = open ("/dev/null", O_RDWR | O_CLOEXEC);
  ck_assert_int_eq (vms_keeper_start (&keeper, program, "test"), 0);
  ck_assert_int_gt (keeper.link, STDERR_FILENO);
}

static void
tear_down (void)
{
  vms_keeper_end (&keeper);
  vms_keeper_free (&keeper);
  vms_arena_free (&arena);
  close (null);
  scratch_remove ();
}

/* ---- children ------------------------------------------------------------ */

static struct keeper_descriptor descriptors[KEEPER_FDS];
static size_t n_descriptors;
static int error_fd;

static void
give (int number, int fd)
{
  descriptors[n_descriptors++] = (struct keeper_descriptor) { number, fd };
}

/* What was given goes to this one only. */
static int
spawn_program (enum kept child, enum keeper_role role, const char *const *argv,
               const char *directory)
{
  static const char *const environment[] = { "A=1", "B=two words", NULL };
  struct child spawned = { -1, -1 };
  const struct keeper_setup setup
    = { .child = child, .role = role, .argv = argv, .environment = environment,
        .directory = directory, .descriptors = descriptors,
        .n_descriptors = n_descriptors, .error = error_fd ? error_fd : -1 };
  int r = vms_keeper_spawn (&keeper, &setup, &spawned);

  n_descriptors = 0;
  error_fd = 0;
  if (r == 0)
    ck_assert_int_gt (spawned.pid, 0);
  else
    ck_assert_int_eq (spawned.pid, -1);
  if (spawned.pidfd >= 0) {
    ck_assert_int_gt (spawned.pidfd, STDERR_FILENO);
    close (spawned.pidfd);
  }
  return r;
}

static int
spawn (enum kept child, enum keeper_role role, const char *script)
{
  return spawn_program (child, role, STRINGS ("/bin/sh", "-c", script), scratch);
}

static void
await (enum kept child)
{
  while (!keeper.children[child].ended)
    ck_assert_int_eq (vms_keeper_listen (&keeper, 60000), 0);
}

/* To the end; the status is that of waitpid(2). */
static int
run (const char *script)
{
  ck_assert_int_eq (spawn (KEPT_HELPER, KEEPER_TRANSIENT, script), 0);
  await (KEPT_HELPER);
  return keeper.children[KEPT_HELPER].status;
}

static void
await_file (const char *name)
{
  for (int i = 0; i < 6000 && !exists (name); i++)
    poll (NULL, 0, 10);
  ck_assert_msg (exists (name), "%s", name);
}

START_TEST (its_children_end_with_their_status)
{
  int status = run ("exit 0");

  ck_assert_int_eq (status, 0);
  status = run ("exit 7");
  ck_assert (WIFEXITED (status));
  ck_assert_int_eq (WEXITSTATUS (status), 7);
  status = run ("kill -9 $$");
  ck_assert (WIFSIGNALED (status));
  ck_assert_int_eq (WTERMSIG (status), SIGKILL);
  ck_assert_int_eq (keeper.children[KEPT_HELPER].forced, 0);
  ck_assert_uint_eq (keeper.n_ended, 3);
  ck_assert_int_eq (vms_keeper_listen (&keeper, 0), -EAGAIN);
  ck_assert_uint_eq (keeper.children[KEPT_QEMU].ended, 0);
}
END_TEST

START_TEST (its_children_have_the_environment_and_directory_of_theirs)
{
  ck_assert_int_eq (run ("/usr/bin/env > env; pwd > pwd; echo \"$0\" $# > args"),
                    0);
  ck_assert_ptr_nonnull (strstr (read_file ("env"), "A=1\n"));
  ck_assert_ptr_nonnull (strstr (read_file ("env"), "B=two words\n"));
  ck_assert_ptr_null (strstr (read_file ("env"), "HOME="));
  ck_assert_int_eq (strncmp (read_file ("pwd"), scratch, strlen (scratch)), 0);
  give (1, open ("out", O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
  ck_assert_int_eq (spawn_program (KEPT_HELPER, KEEPER_TRANSIENT,
                                   STRINGS ("/bin/sh", "-c",
                                            "pwd; echo \"$0\" \"$1\" $#", "a b",
                                            "", "c"), NULL), 0);
  close (descriptors[0].fd);
  await (KEPT_HELPER);
  ck_assert_str_eq (read_file ("out"), "/\na b  2\n");
}
END_TEST

START_TEST (what_cannot_be_started_is_told_and_takes_no_place)
{
  make_file ("text", 0644, "");
  make_file ("data", 0755, "\x7f");
  for (int i = 0; i <= MOST_CHILDREN; i++)
    ck_assert_int_eq (spawn_program (KEPT_QEMU, KEEPER_MAIN,
                                     STRINGS ("/nowhere/program"), NULL),
                      -ENOENT);
  ck_assert_int_eq (spawn_program (KEPT_QEMU, KEEPER_MAIN,
                                   STRINGS (below ("text")), NULL), -EACCES);
  ck_assert_int_eq (spawn_program (KEPT_QEMU, KEEPER_MAIN,
                                   STRINGS (below ("data")), NULL), -ENOEXEC);
  ck_assert_int_eq (spawn_program (KEPT_QEMU, KEEPER_MAIN,
                                   STRINGS ("/bin/sh"), "/nowhere"), -ENOENT);
  ck_assert_int_eq (run ("exit 0"), 0);
  ck_assert_uint_eq (keeper.n_ended, 1);
}
END_TEST

START_TEST (it_has_so_many_children_at_once_and_no_more)
{
  const char *const *sleep = STRINGS ("/bin/sleep", "100");

  for (int i = 0; i < MOST_CHILDREN; i++)
    ck_assert_int_eq (spawn_program ((enum kept) (i % N_KEPT), KEEPER_TRANSIENT,
                                     sleep, NULL), 0);
  ck_assert_int_eq (spawn (KEPT_QEMU, KEEPER_TRANSIENT, "exit 0"), -EAGAIN);
  /* The last places are as good as the first. */
  ck_assert_int_eq (vms_keeper_signal (&keeper, N_KEPT - 1, SIGKILL), 0);
  await (N_KEPT - 1);
  ck_assert_int_eq (run ("echo a word >&2"), 0);
  ck_assert_int_eq (spawn_program (N_KEPT - 1, KEEPER_TRANSIENT, sleep, NULL), 0);
  ck_assert_int_eq (spawn (KEPT_QEMU, KEEPER_TRANSIENT, "exit 0"), -EAGAIN);
}
END_TEST

/* ---- descriptors --------------------------------------------------------- */

/* Says which are open, but for those of the shell's own for a moment. */
#define OPEN_ONES \
  "for i in $(seq 0 200); do test -L /proc/$$/fd/$i && echo $i; done; :"

/* Each holds the number that it is to get; in the keeper most of them have the
 * number of another. */
START_TEST (descriptors_get_the_numbers_that_were_said)
{
  int fds[10], out = open ("out", O_RDWR | O_CREAT | O_CLOEXEC, 0600);

  for (int i = 0; i < 10; i++) {
    char name[2] = { (char) ('0' + i), '\0' };

    make_file (name, 0600, name);
    fds[i] = open (name, O_RDONLY | O_CLOEXEC);
  }
  for (int i = 9; i >= 0; i--)
    if (i != 1 && i != 2)
      give (i, fds[i]);
  give (1, out);
  ck_assert_int_eq (run ("for i in 0 3 4 5 6 7 8 9; do cat <&$i; done; echo; "
                         OPEN_ONES), 0);
  ck_assert_str_eq (read_file ("out"),
                    "03456789\n0\n1\n2\n3\n4\n5\n6\n7\n8\n9\n");
  for (int i = 0; i < 10; i++)
    close (fds[i]);
  close (out);
}
END_TEST

START_TEST (descriptors_with_gaps_are_these_and_no_others)
{
  int out = open ("out", O_RDWR | O_CREAT | O_CLOEXEC, 0600);

  give (1, out);
  give (100, null);
  give (7, null);
  ck_assert_int_eq (run (OPEN_ONES), 0);
  ck_assert_str_eq (read_file ("out"), "0\n1\n2\n7\n100\n");
  close (out);
}
END_TEST

/* Three of them are the keeper's own. */
START_TEST (so_many_descriptors_can_be_given)
{
  for (int n = KEEPER_FDS - 4; n <= KEEPER_FDS - 2; n++) {
    for (int i = 0; i < n; i++)
      give (i < 2 ? i : i + 1, null);
    error_fd = null;
    ck_assert_int_eq (spawn (KEPT_HELPER, KEEPER_TRANSIENT, "exit 0"),
                      n == KEEPER_FDS - 2 ? -EMFILE : 0);
    if (n < KEEPER_FDS - 2)
      await (KEPT_HELPER);
    ck_assert_int_eq (keeper.children[KEPT_HELPER].status, 0);
  }
}
END_TEST

/* ---- words --------------------------------------------------------------- */

static char written[3 * KEEPER_RING], words[4 * KEEPER_RING];

/* Bytes that say where they are, in a file. */
static void
make_words (size_t size)
{
  FILE *file = fopen ("words", "we");
  struct random r = { size };

  for (size_t i = 0; i < size; i++)
    written[i] = (char) (1 + random_below (&r, 255));
  ck_assert_uint_eq (fwrite (written, 1, size, file), size);
  fclose (file);
}

/* What is kept is the end of what was written. */
static void
has_kept (size_t size)
{
  size_t kept = 0, expected = size < KEEPER_RING ? size : KEEPER_RING;
  const char *last
    = vms_keeper_words (&keeper, KEPT_HELPER, &arena, &kept);

  ck_assert_uint_eq (kept, expected);
  ck_assert_mem_eq (last, written + size - expected, expected);
  ck_assert_int_eq (last[expected], '\0');
}

static const size_t sizes[]
  = { 0, 1, 4095, 4096, 4097, KEEPER_RING - 4096, KEEPER_RING - 1, KEEPER_RING,
      KEEPER_RING + 1, KEEPER_RING + 4097, 2 * KEEPER_RING,
      3 * KEEPER_RING - 5 };

START_TEST (the_last_words_are_kept)
{
  size_t size;

  for (size_t i = 0; i < COUNT (sizes); i++) {
    make_words (sizes[i]);
    ck_assert_int_eq (run ("exec cat words >&2"), 0);
    has_kept (sizes[i]);
  }
  /* Whoever gives a standard error has its words. */
  give (2, null);
  ck_assert_int_eq (run ("echo nothing >&2"), 0);
  ck_assert_ptr_nonnull (vms_keeper_words (&keeper, KEPT_SWTPM, &arena, &size));
  ck_assert_uint_eq (size, 0);
}
END_TEST

/* Reads all, and closes. */
static size_t
read_all (int fd)
{
  size_t used = 0;
  ssize_t n;

  while ((n = read (fd, words + used, sizeof words - used)) > 0)
    used += (size_t) n;
  close (fd);
  return used;
}

/* A file, a pipe or a socket. */
static void
open_ends (int kind, int ends[2])
{
  if (kind == 0) {
    (void) unlink ("error");
    ends[1] = open ("error", O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    ends[0] = open ("error", O_RDONLY | O_CLOEXEC);
  } else if (kind == 1)
    ck_assert_int_eq (pipe2 (ends, O_CLOEXEC), 0);
  else
    ck_assert_int_eq (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends),
                      0);
}

START_TEST (words_go_on_to_where_they_are_wanted)
{
  for (int kind = 0; kind < 3; kind++)
    for (size_t i = 0; i < COUNT (sizes); i++) {
      int ends[2];

      make_words (sizes[i]);
      open_ends (kind, ends);
      error_fd = ends[1];
      ck_assert_int_eq (spawn (KEPT_HELPER, KEEPER_TRANSIENT,
                               "exec cat words >&2"), 0);
      close (ends[1]);
      if (kind == 0)
        await (KEPT_HELPER);
      ck_assert_uint_eq (read_all (ends[0]), sizes[i]);
      ck_assert_mem_eq (words, written, sizes[i]);
      await (KEPT_HELPER);
      has_kept (sizes[i]);
    }
}
END_TEST

START_TEST (a_reader_that_goes_away_disturbs_nobody)
{
  for (int kind = 1; kind < 3; kind++) {
    int ends[2];

    make_words (2 * KEEPER_RING);
    open_ends (kind, ends);
    error_fd = ends[1];
    ck_assert_int_eq (spawn (KEPT_HELPER, KEEPER_TRANSIENT,
                             "cat words >&2 && exit 5"), 0);
    close (ends[1]);
    close (ends[0]);
    await (KEPT_HELPER);
    ck_assert_int_eq (WEXITSTATUS (keeper.children[KEPT_HELPER].status), 5);
    has_kept (2 * KEEPER_RING);
  }
}
END_TEST

/* What nobody reads is not thrown away: who writes waits, as without the keeper. */
START_TEST (who_has_no_reader_waits_and_loses_nothing)
{
  const size_t size = 3 * KEEPER_RING - 5;
  int ends[2];

  make_words (size);
  open_ends (1, ends);
  error_fd = ends[1];
  ck_assert_int_eq (spawn (KEPT_HELPER, KEEPER_TRANSIENT,
                           "cat words >&2; echo done > done"), 0);
  close (ends[1]);
  poll (NULL, 0, 100);
  ck_assert_int_eq (vms_keeper_listen (&keeper, 0), -EAGAIN);
  ck_assert (!exists ("done"));
  ck_assert_uint_eq (read_all (ends[0]), size);
  ck_assert_mem_eq (words, written, size);
  await (KEPT_HELPER);
  ck_assert (exists ("done"));
}
END_TEST

/* At its end it is waited for a moment only. */
START_TEST (last_words_that_nobody_reads_are_kept_all_the_same)
{
  const size_t size = KEEPER_RING + 40000;
  int64_t begin = vms_now_ms ();
  int ends[2];

  make_words (size);
  open_ends (1, ends);
  error_fd = ends[1];
  ck_assert_int_eq (spawn (KEPT_HELPER, KEEPER_TRANSIENT,
                           "exec cat words >&2"), 0);
  close (ends[1]);
  await (KEPT_HELPER);
  ck_assert_int_ge (vms_now_ms () - begin, 150);
  ck_assert_int_lt (vms_now_ms () - begin, 20000);
  has_kept (size);
  ck_assert_uint_eq (read_all (ends[0]), KEEPER_RING);
}
END_TEST

/* ---- requests ------------------------------------------------------------ */

START_TEST (signals_go_to_the_child_of_that_number)
{
  ck_assert_int_eq (spawn (KEPT_SWTPM, KEEPER_TRANSIENT, "exec sleep 100"), 0);
  ck_assert_int_eq (spawn (KEPT_HELPER, KEEPER_TRANSIENT, "exec sleep 100"), 0);
  ck_assert_int_eq (vms_keeper_signal (&keeper, KEPT_QEMU, SIGTERM), -ESRCH);
  ck_assert_int_eq (vms_keeper_signal (&keeper, KEPT_HELPER, 999), -EINVAL);
  ck_assert_int_eq (vms_keeper_signal (&keeper, KEPT_HELPER, SIGUSR1), 0);
  await (KEPT_HELPER);
  ck_assert_int_eq (WTERMSIG (keeper.children[KEPT_HELPER].status), SIGUSR1);
  ck_assert_int_eq (vms_keeper_signal (&keeper, KEPT_HELPER, SIGTERM), -ESRCH);
  ck_assert_int_eq (vms_keeper_signal (&keeper, KEPT_SWTPM, 0), 0);
  ck_assert_uint_eq (keeper.children[KEPT_SWTPM].ended, 0);
}
END_TEST

START_TEST (what_it_says_meanwhile_is_no_answer)
{
  ck_assert_int_eq (spawn (KEPT_SWTPM, KEEPER_TRANSIENT, "exit 5"), 0);
  ck_assert_int_eq (poll (&(struct pollfd) { .fd = keeper.link,
                                             .events = POLLIN }, 1, 60000), 1);
  ck_assert_uint_eq (keeper.n_ended, 0);
  ck_assert_int_eq (vms_keeper_ask (&keeper, KEEPER_HOLD, null, NULL), 0);
  ck_assert_uint_eq (keeper.n_ended, 1);
  ck_assert_int_eq (keeper.children[KEPT_SWTPM].status, 5 << 8);
  ck_assert_int_eq (spawn (KEPT_SWTPM, KEEPER_TRANSIENT, "exit 6"), 0);
  ck_assert_uint_eq (keeper.children[KEPT_SWTPM].ended, 0);
  await (KEPT_SWTPM);
  ck_assert_uint_eq (keeper.children[KEPT_SWTPM].ended, 2);
}
END_TEST

START_TEST (a_path_is_taken_whole_or_not_at_all)
{
  char path[PATH_MAX + 1];

  memset (path, '/', sizeof path);
  path[PATH_MAX] = '\0';
  ck_assert_int_eq (vms_keeper_ask (&keeper, KEEPER_HOLD_FILE, -1, path),
                    -ENAMETOOLONG);
  path[PATH_MAX - 1] = '\0';
  ck_assert_int_eq (vms_keeper_ask (&keeper, KEEPER_HOLD_FILE, -1, path), 0);
}
END_TEST

START_TEST (it_holds_as_much_as_its_descriptors_are)
{
  const struct rlimit few = { 200, 200 };
  int n = 0, r;

  ck_assert_int_eq (prlimit (keeper.pid, RLIMIT_NOFILE, &few, NULL), 0);
  while ((r = vms_keeper_ask (&keeper, KEEPER_HOLD, null, NULL)) == 0)
    n++;
  ck_assert_int_eq (r, -EMFILE);
  ck_assert_int_gt (n, 180);
  /* Then it is not made, or not for long. */
  ck_assert_int_eq (vms_keeper_ask (&keeper, KEEPER_DIRECTORY, -1,
                                    below ("directory")), -EMFILE);
  ck_assert (!exists ("directory"));
}
END_TEST

START_TEST (of_many_requests_the_first_failure_is_told)
{
  const struct keeper_request requests[] = {
    { KEEPER_HOLD, null, NULL, 0 },
    { KEEPER_DIRECTORY, -1, below ("there"), 0 },
    { KEEPER_DIRECTORY, -1, below ("no/such"), 0 },
    { KEEPER_HOLD_FILE, -1, below ("file"), 0 } };

  ck_assert_int_eq (mkdir ("there", 0700), 0);
  make_file ("file", 0600, "");
  ck_assert_int_eq (vms_keeper_ask_all (&keeper, requests, 4), -EEXIST);
  ck_assert_int_eq (vms_keeper_ask_all (&keeper, requests + 2, 2), -ENOENT);
  ck_assert_int_eq (vms_keeper_ask_all (&keeper, requests, 1), 0);
  ck_assert_int_eq (vms_keeper_ask_all (&keeper, requests, 0), 0);
  ck_assert_int_eq (vms_keeper_ask (&keeper, 99, -1, NULL), -EBADMSG);
  ck_assert_int_eq (run ("exit 3"), 3 << 8);
  vms_keeper_end (&keeper);
  ck_assert (exists ("there"));
  ck_assert (!exists ("file"));
}
END_TEST

/* Whether a lock can be had. */
static int
is_free (const char *path)
{
  int fd = open (path, O_RDONLY | O_CLOEXEC), r;

  ck_assert_int_ge (fd, 0);
  r = flock (fd, LOCK_EX | LOCK_NB);
  close (fd);
  return r == 0;
}

START_TEST (what_it_holds_goes_with_it_but_for_what_stays)
{
  const struct keeper_request requests[] = {
    { KEEPER_DIRECTORY, -1, below ("goes"), 0 },
    { KEEPER_DIRECTORY, -1, below ("stays"), KEEPER_STAYS },
    { KEEPER_HOLD_FILE, -1, below ("full"), 0 },
    { KEEPER_HOLD_FILE, -1, below ("empty"), 0 },
    { KEEPER_HOLD_FILE, -1, below ("empty/file"), 0 },
    { KEEPER_HOLD_FILE, -1, below ("link"), 0 },
    { KEEPER_HOLD_FILE, -1, below ("locked"), 0 } };
  struct stat status;
  int lock;

  ck_assert_int_eq (system ("mkdir full empty && touch full/file empty/file "
                            "locked mine && ln -s mine link"), 0);
  lock = open ("locked", O_RDONLY | O_CLOEXEC);
  ck_assert_int_eq (flock (lock, LOCK_EX), 0);
  ck_assert_int_eq (vms_keeper_ask_all (&keeper, requests, COUNT (requests)), 0);
  ck_assert_int_eq (stat ("goes", &status), 0);
  ck_assert_int_eq (status.st_mode & 0777, 0700);
  ck_assert (!is_free ("goes"));
  ck_assert (!is_free ("stays"));
  make_file ("goes/file", 0600, "");
  make_file ("stays/file", 0600, "");
  vms_keeper_end (&keeper);
  ck_assert_int_eq (keeper.is_done, 1);
  ck_assert (!exists ("goes"));
  ck_assert (exists ("stays/file"));
  ck_assert (is_free ("stays"));
  ck_assert (exists ("full/file"));
  ck_assert (!exists ("empty"));
  ck_assert (!exists ("link"));
  ck_assert (exists ("mine"));
  ck_assert (exists ("locked"));
  close (lock);
}
END_TEST

/* Of directories of killed ones those go that nobody holds. */
START_TEST (leftovers_go_when_it_has_time)
{
  ck_assert_int_eq (vms_keeper_ask (&keeper, KEEPER_DIRECTORY, -1,
                                    below ("vmspec.0123456789")), 0);
  ck_assert_int_eq (kill (keeper.pid, SIGKILL), 0);
  vms_keeper_wait (&keeper);
  vms_keeper_free (&keeper);
  make_file ("vmspec.0123456789/file", 0600, "");
  ck_assert_int_eq (mkdir ("vmspec.9876543210", 0700), 0);
  ck_assert_int_eq (vms_keeper_start (&keeper, program, "test"), 0);
  ck_assert_int_eq (vms_keeper_ask (&keeper, KEEPER_DIRECTORY, -1,
                                    below ("vmspec.abcdefghij")), 0);
  ck_assert_int_eq (vms_keeper_ask (&keeper, KEEPER_CLEAN, -1, "/nowhere"), 0);
  ck_assert_int_eq (vms_keeper_ask (&keeper, KEEPER_CLEAN, -1, scratch), 0);
  for (int i = 0; i < 1000 && exists ("vmspec.0123456789"); i++)
    poll (NULL, 0, 10);
  ck_assert (!exists ("vmspec.0123456789"));
  ck_assert (exists ("vmspec.9876543210"));
  ck_assert (exists ("vmspec.abcdefghij"));
  /* And it is there for others as before. */
  ck_assert_int_eq (run ("exit 3"), 3 << 8);
}
END_TEST

START_TEST (a_lock_that_it_is_given_is_its_own)
{
  int fd;

  ck_assert_int_eq (mkdir ("tree", 0700), 0);
  make_file ("tree/file", 0600, "");
  make_file ("lock", 0600, "");
  fd = open ("lock", O_RDONLY | O_CLOEXEC);
  ck_assert_int_eq (flock (fd, LOCK_EX), 0);
  ck_assert_int_eq (vms_keeper_ask (&keeper, KEEPER_HOLD, fd, NULL), 0);
  close (fd);
  fd = open ("tree", O_RDONLY | O_CLOEXEC);
  ck_assert_int_eq (flock (fd, LOCK_EX), 0);
  ck_assert_int_eq (vms_keeper_ask (&keeper, KEEPER_HOLD_TREE, fd,
                                    below ("tree")), 0);
  close (fd);
  ck_assert (!is_free ("lock"));
  ck_assert (!is_free ("tree"));
  vms_keeper_end (&keeper);
  ck_assert (is_free ("lock"));
  ck_assert (!exists ("tree"));
}
END_TEST

/* ---- what is no request -------------------------------------------------- */

/* The answer to a child of so many bytes. */
static int
spawn_of (const void *bytes, size_t size, int what)
{
  struct keeper_message message = { .kind = KEEPER_SPAWN, .n_fds = 1,
                                    .fds = { what }, .child = KEPT_HELPER,
                                    .role = KEEPER_TRANSIENT };
  int fd = memfd_create ("payload", MFD_CLOEXEC), fds[KEEPER_FDS];

  ck_assert_int_eq (write (fd, bytes, size), size);
  ck_assert_int_eq (vms_link_send (keeper.link, &message, &fd), 0);
  close (fd);
  do
    ck_assert_int_eq (vms_link_receive (keeper.link, &message, fds), 0);
  while (message.kind != KEEPER_REPLY);
  while (message.n_fds)
    close (fds[--message.n_fds]);
  return message.number;
}

START_TEST (a_child_is_said_whole_or_not_at_all)
{
  struct {
    struct keeper_payload head;
    char strings[40];
  } said = { { 1, 0 }, "/\0/bin/true" };
  const size_t head = sizeof said.head, size = head + sizeof "/\0/bin/true";

  ck_assert_int_gt (spawn_of (&said, size, KEEPER_FD_PAYLOAD), 0);
  ck_assert_int_eq (spawn_of (&said, size, KEEPER_FD_RING), -EBADMSG);
  for (size_t part = 0; part < size; part++)
    ck_assert_int_eq (spawn_of (&said, part, KEEPER_FD_PAYLOAD), -EBADMSG);
  said.head.arguments = 0;
  ck_assert_int_eq (spawn_of (&said, size, KEEPER_FD_PAYLOAD), -EBADMSG);
  /* What was promised and is not there is left out. */
  said.head = (struct keeper_payload) { 3, 2 };
  ck_assert_int_gt (spawn_of (&said, size, KEEPER_FD_PAYLOAD), 0);
  await (KEPT_HELPER);
}
END_TEST

/* ---- ends ---------------------------------------------------------------- */

#define SLEEP "exec sleep 100"

START_TEST (with_the_machine_everything_ends)
{
  ck_assert_int_eq (spawn (KEPT_SWITCH, KEEPER_BOUND, SLEEP), 0);
  ck_assert_int_eq (spawn (KEPT_HELPER, KEEPER_TRANSIENT,
                           "trap 'echo heard > heard' TERM; : > ready; "
                           "while :; do sleep 0.1; done"), 0);
  await_file ("ready");
  ck_assert_int_eq (spawn (KEPT_QEMU, KEEPER_MAIN, "exit 4"), 0);
  vms_keeper_wait (&keeper);
  ck_assert_int_eq (keeper.is_done, 1);
  ck_assert_int_eq (keeper.pid, -1);
  ck_assert_uint_eq (keeper.n_ended, 3);
  ck_assert_uint_eq (keeper.children[KEPT_QEMU].ended, 1);
  ck_assert_int_eq (keeper.children[KEPT_QEMU].status, 4 << 8);
  ck_assert_int_eq (keeper.children[KEPT_SWITCH].status, SIGTERM);
  ck_assert_int_eq (keeper.children[KEPT_HELPER].status, SIGKILL);
  ck_assert_int_eq (keeper.children[KEPT_QEMU].forced, 0);
  ck_assert_int_eq (keeper.children[KEPT_SWITCH].forced, 0);
  ck_assert (!exists ("heard"));
}
END_TEST

START_TEST (what_a_machine_is_bound_to_ends_it_after_a_moment)
{
  int64_t begin;

  ck_assert_int_eq (spawn (KEPT_QEMU, KEEPER_MAIN, SLEEP), 0);
  ck_assert_int_eq (run ("exit 0"), 0);
  ck_assert_int_eq (spawn (KEPT_SWTPM, KEEPER_BOUND, SLEEP), 0);
  begin = vms_now_ms ();
  ck_assert_int_eq (vms_keeper_signal (&keeper, KEPT_SWTPM, SIGKILL), 0);
  await (KEPT_SWTPM);
  vms_keeper_wait (&keeper);
  ck_assert_int_ge (vms_now_ms () - begin, 400);
  ck_assert_int_lt (vms_now_ms () - begin, 20000);
  ck_assert_int_eq (keeper.children[KEPT_QEMU].status, SIGTERM);
  ck_assert_int_eq (keeper.children[KEPT_QEMU].forced, 1);
  ck_assert_int_eq (keeper.children[KEPT_SWTPM].forced, 0);
}
END_TEST

START_TEST (a_machine_that_ends_by_itself_in_that_moment_was_not_forced)
{
  ck_assert_int_eq (spawn (KEPT_QEMU, KEEPER_MAIN,
                           "until test -e end; do sleep 0.02; done; exit 6"), 0);
  ck_assert_int_eq (spawn (KEPT_SWTPM, KEEPER_BOUND, ": > end; exit 1"), 0);
  vms_keeper_wait (&keeper);
  ck_assert_int_eq (keeper.children[KEPT_QEMU].status, 6 << 8);
  ck_assert_int_eq (keeper.children[KEPT_QEMU].forced, 0);
}
END_TEST

START_TEST (a_machine_that_does_not_obey_is_killed)
{
  ck_assert_int_eq (spawn (KEPT_QEMU, KEEPER_MAIN,
                           "trap 'echo heard >> heard' TERM; : > ready; "
                           "while :; do sleep 0.02; done"), 0);
  await_file ("ready");
  vms_keeper_end (&keeper);
  ck_assert_int_eq (keeper.children[KEPT_QEMU].status, SIGKILL);
  ck_assert_int_eq (keeper.children[KEPT_QEMU].forced, 0);
  ck_assert_str_eq (read_file ("heard"), "heard\n");
}
END_TEST

START_TEST (what_a_machine_is_bound_to_outlives_it)
{
  ck_assert_int_eq (spawn (KEPT_SWTPM, KEEPER_BOUND, "echo $$ > swtpm; " SLEEP),
                    0);
  await_file ("swtpm");
  ck_assert_int_eq (spawn (KEPT_QEMU, KEEPER_MAIN,
                           "trap 'sleep 0.1; kill -0 $(cat swtpm); exit $?' TERM; "
                           ": > ready; while :; do sleep 0.02; done"), 0);
  await_file ("ready");
  vms_keeper_end (&keeper);
  ck_assert_int_eq (keeper.children[KEPT_QEMU].status, 0);
  ck_assert_int_eq (keeper.children[KEPT_SWTPM].status, SIGTERM);
  ck_assert_uint_eq (keeper.children[KEPT_QEMU].ended, 1);
  ck_assert_uint_eq (keeper.children[KEPT_SWTPM].ended, 2);
}
END_TEST

START_TEST (at_its_end_it_takes_no_more_requests_than_signals)
{
  const struct keeper_message end = { .kind = KEEPER_END };

  ck_assert_int_eq (spawn (KEPT_QEMU, KEEPER_MAIN,
                           "trap '' TERM; : > ready; while :; do sleep 0.02; "
                           "done"), 0);
  await_file ("ready");
  ck_assert_int_eq (vms_link_send (keeper.link, &end, NULL), 0);
  ck_assert_int_eq (vms_keeper_ask (&keeper, KEEPER_HOLD, null, NULL),
                    -ESHUTDOWN);
  ck_assert_int_eq (spawn (KEPT_HELPER, KEEPER_TRANSIENT, "exit 0"), -ESHUTDOWN);
  ck_assert_int_eq (vms_keeper_signal (&keeper, KEPT_QEMU, 0), 0);
  ck_assert_int_eq (vms_keeper_signal (&keeper, KEPT_QEMU, SIGUSR2), 0);
  vms_keeper_wait (&keeper);
  ck_assert_int_eq (keeper.children[KEPT_QEMU].status, SIGUSR2);
}
END_TEST

/* Nanoseconds of processor time that the keeper takes meanwhile. */
static int64_t
time_of_keeper (int ms)
{
  struct timespec before, after;
  clockid_t clock;

  ck_assert_int_eq (clock_getcpuclockid (keeper.pid, &clock), 0);
  ck_assert_int_eq (clock_gettime (clock, &before), 0);
  poll (NULL, 0, ms);
  ck_assert_int_eq (clock_gettime (clock, &after), 0);
  return (after.tv_sec - before.tv_sec) * 1000000000ll
         + after.tv_nsec - before.tv_nsec;
}

START_TEST (it_waits_without_working)
{
  const struct keeper_message end = { .kind = KEEPER_END };

  if (unit_is_watched ())
    return;
  ck_assert_int_eq (spawn (KEPT_QEMU, KEEPER_MAIN,
                           "trap '' TERM; : > ready; while :; do sleep 0.1; "
                           "done"), 0);
  await_file ("ready");
  ck_assert_int_lt (time_of_keeper (200), 50000000);
  ck_assert_int_eq (vms_link_send (keeper.link, &end, NULL), 0);
  ck_assert_int_lt (time_of_keeper (150), 50000000);
  ck_assert_int_eq (vms_keeper_signal (&keeper, KEPT_QEMU, SIGKILL), 0);
}
END_TEST

static int
descriptors_of_keeper (void)
{
  char path[64];
  DIR *directory;
  int n = 0;

  snprintf (path, sizeof path, "/proc/%d/fd", (int) keeper.pid);
  directory = opendir (path);
  ck_assert_ptr_nonnull (directory);
  while (readdir (directory))
    n++;
  closedir (directory);
  return n;
}

/* How many rings of words it has in its memory. */
static int
rings_of_keeper (void)
{
  char path[64];
  const char *at;
  int n = 0;

  snprintf (path, sizeof path, "/proc/%d/maps", (int) keeper.pid);
  for (at = read_file (path); (at = strstr (at, "vmspec-words")); at++)
    n++;
  return n;
}

START_TEST (it_keeps_nothing_of_what_has_ended)
{
  int before, ends[2];

  ck_assert_int_eq (run ("exit 0"), 0);
  before = descriptors_of_keeper ();
  for (int i = 0; i < 3; i++) {
    give (1, null);
    error_fd = null;
    ck_assert_int_eq (run ("echo word >&2"), 0);
    open_ends (2, ends);
    error_fd = ends[1];
    ck_assert_int_eq (run ("echo word >&2"), 0);
    close (ends[0]);
    close (ends[1]);
    give (2, null);
    ck_assert_int_eq (run ("exit 0"), 0);
    give (5, null);
    error_fd = null;
    ck_assert_int_eq (spawn_program (KEPT_QEMU, KEEPER_MAIN,
                                     STRINGS ("/nowhere/program"), NULL), -ENOENT);
    ck_assert_int_eq (vms_keeper_ask (&keeper, 99, null, NULL), -EBADMSG);
    ck_assert_int_eq (vms_keeper_ask (&keeper, KEEPER_HOLD_FILE, -1, "/no"), 0);
    ck_assert_int_eq (vms_keeper_ask (&keeper, KEEPER_DIRECTORY, -1, scratch),
                      -EEXIST);
  }
  ck_assert_int_eq (descriptors_of_keeper (), before);
  ck_assert_int_eq (rings_of_keeper (), 0);
  ck_assert_int_eq (vms_keeper_ask (&keeper, KEEPER_HOLD, null, NULL), 0);
  ck_assert_int_eq (descriptors_of_keeper (), before + 1);
}
END_TEST

/* The quickest of some, as others may be in the way. */
START_TEST (an_end_takes_no_time_where_nothing_is_left)
{
  int64_t least = INT64_MAX;

  if (unit_is_watched ())
    return;
  for (int i = 0; i < 5; i++) {
    int64_t begin = vms_now_ms ();

    vms_keeper_end (&keeper);
    if (vms_now_ms () - begin < least)
      least = vms_now_ms () - begin;
    vms_keeper_free (&keeper);
    ck_assert_int_eq (vms_keeper_start (&keeper, program, "test"), 0);
  }
  ck_assert_int_lt (least, 200);
}
END_TEST

START_TEST (children_of_children_end_as_well)
{
  int pid;

  ck_assert_int_eq (run ("sleep 100 & echo $! > pid"), 0);
  pid = atoi (read_file ("pid"));
  ck_assert_int_eq (kill (pid, 0), 0);
  vms_keeper_end (&keeper);
  ck_assert_int_eq (kill (pid, 0), -1);
  ck_assert_int_eq (keeper.is_done, 1);
}
END_TEST

START_TEST (a_keeper_that_was_killed_is_gone)
{
  pid_t pid = keeper.pid;

  ck_assert_int_eq (spawn (KEPT_QEMU, KEEPER_MAIN, SLEEP), 0);
  ck_assert_int_eq (vms_keeper_is_ours (&keeper), 1);
  ck_assert_int_eq (kill (pid, SIGKILL), 0);
  ck_assert_int_eq (vms_keeper_listen (&keeper, -1), -EPIPE);
  ck_assert_int_eq (vms_keeper_listen (&keeper, -1), -EPIPE);
  ck_assert_int_eq (vms_keeper_ask (&keeper, KEEPER_HOLD, null, NULL), -EPIPE);
  ck_assert_int_eq (spawn (KEPT_HELPER, KEEPER_TRANSIENT, "exit 0"), -EPIPE);
  ck_assert_int_eq (vms_keeper_signal (&keeper, KEPT_QEMU, SIGTERM), -ESRCH);
  vms_keeper_wait (&keeper);
  ck_assert_int_eq (keeper.is_done, 0);
  ck_assert_uint_eq (keeper.children[KEPT_QEMU].ended, 0);
  ck_assert_int_eq (kill (pid, 0), -1);
}
END_TEST

START_TEST (whoever_lets_go_of_it_has_it_end)
{
  int pid;

  ck_assert_int_eq (vms_keeper_ask (&keeper, KEEPER_DIRECTORY, -1,
                                    below ("directory")), 0);
  ck_assert_int_eq (spawn (KEPT_QEMU, KEEPER_MAIN, "echo $$ > pid; " SLEEP), 0);
  await_file ("pid");
  while (!(pid = atoi (read_file ("pid"))))
    poll (NULL, 0, 10);
  close (keeper.link);
  keeper.link = -1;
  vms_keeper_wait (&keeper);
  ck_assert (!exists ("directory"));
  ck_assert_int_eq (kill (pid, 0), -1);
}
END_TEST

int
main (void)
{
  TCase *t = unit_case ("keeper");

  tcase_add_checked_fixture (t, set_up, tear_down);
  tcase_add_test (t, its_children_end_with_their_status);
  tcase_add_test (t,
                  its_children_have_the_environment_and_directory_of_theirs);
  tcase_add_test (t, what_cannot_be_started_is_told_and_takes_no_place);
  tcase_add_test (t, it_has_so_many_children_at_once_and_no_more);
  tcase_add_test (t, descriptors_get_the_numbers_that_were_said);
  tcase_add_test (t, descriptors_with_gaps_are_these_and_no_others);
  tcase_add_test (t, so_many_descriptors_can_be_given);
  tcase_add_test (t, the_last_words_are_kept);
  tcase_add_test (t, words_go_on_to_where_they_are_wanted);
  tcase_add_test (t, a_reader_that_goes_away_disturbs_nobody);
  tcase_add_test (t, who_has_no_reader_waits_and_loses_nothing);
  tcase_add_test (t, last_words_that_nobody_reads_are_kept_all_the_same);
  tcase_add_test (t, signals_go_to_the_child_of_that_number);
  tcase_add_test (t, what_it_says_meanwhile_is_no_answer);
  tcase_add_test (t, a_path_is_taken_whole_or_not_at_all);
  tcase_add_test (t, it_holds_as_much_as_its_descriptors_are);
  tcase_add_test (t, of_many_requests_the_first_failure_is_told);
  tcase_add_test (t, what_it_holds_goes_with_it_but_for_what_stays);
  tcase_add_test (t, leftovers_go_when_it_has_time);
  tcase_add_test (t, a_lock_that_it_is_given_is_its_own);
  tcase_add_test (t, a_child_is_said_whole_or_not_at_all);
  tcase_add_test (t, with_the_machine_everything_ends);
  tcase_add_test (t, what_a_machine_is_bound_to_ends_it_after_a_moment);
  tcase_add_test (t,
                  a_machine_that_ends_by_itself_in_that_moment_was_not_forced);
  tcase_add_test (t, a_machine_that_does_not_obey_is_killed);
  tcase_add_test (t, what_a_machine_is_bound_to_outlives_it);
  tcase_add_test (t, at_its_end_it_takes_no_more_requests_than_signals);
  tcase_add_test (t, it_waits_without_working);
  tcase_add_test (t, it_keeps_nothing_of_what_has_ended);
  tcase_add_test (t, an_end_takes_no_time_where_nothing_is_left);
  tcase_add_test (t, children_of_children_end_as_well);
  tcase_add_test (t, a_keeper_that_was_killed_is_gone);
  tcase_add_test (t, whoever_lets_go_of_it_has_it_end);
  return unit_run ("keeper", t);
}
