/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Files that appear whole or not at all. */
#include "scratch.h"

#include <dirent.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "copy.h"
#include "output.h"

static struct arena arena;
static vmspec_diag *diag;
static struct vmspec_work said;
static struct work work;
static struct output output;

static void
set_up (void)
{
  scratch_make ();
  arena = (struct arena) { 0 };
  said = (struct vmspec_work) { VMSPEC_INIT (vmspec_work) };
  ck_assert_int_eq (vmspec_diag_new (&diag), 0);
  ck_assert_int_eq (vms_work_init (&work, &arena, &said, diag), 0);
  work.sync = 0;
}

static void
tear_down (void)
{
  vms_arena_free (&arena);
  vmspec_diag_free (diag);
  scratch_remove ();
}

/* The text of the one finding that there is, which is about the file. */
static const char *
only (const char *id)
{
  const struct vmspec_finding *f = unit_finding (diag, id);

  ck_assert_msg (f && vmspec_diag_count (diag) == 1, "no %s alone:%s", id,
                 unit_findings (diag));
  ck_assert_str_eq (f->path, "file");
  return f->text;
}

static int
put (const char *text)
{
  size_t size = strlen (text);

  return write (output.fd, text, size) == (ssize_t) size ? 0 : -errno;
}

/* Opens, writes, and gives the name. */
static int
make (const char *path, unsigned mode, const char *text)
{
  int r = vms_output_open (&output, &work, path, mode);

  if (r == 0)
    r = put (text);
  if (r == 0)
    r = vms_output_commit (&output, &work);
  vms_output_close (&output);
  return r;
}

static void
made (const char *path)
{
  ck_assert_msg (make (path, 0644, "content") == 0, "%s", unit_findings (diag));
  ck_assert_str_eq (read_file (path), "content");
  ck_assert_uint_eq (vmspec_diag_count (diag), 0);
}

static void
refused (const char *path, int error, const char *id)
{
  ck_assert_int_eq (make (path, 0644, "new"), error);
  only (id);
  vmspec_diag_clear (diag);
}

/* How many entries a directory has. */
static int
entries (const char *path)
{
  DIR *directory = opendir (path);
  int n = -2; /* "." and ".." */

  ck_assert_ptr_nonnull (directory);
  while (readdir (directory))
    n++;
  closedir (directory);
  return n;
}

/* ---- children ----------------------------------------------------------- */

/* Calls the function in a child process, where it may do to the process what it
 * likes.  What it returns is the status: 0 is good, 77 that it cannot be done
 * here. */
static void
in_child (int (*function) (void))
{
  int status;
  pid_t pid = fork ();

  ck_assert_int_ge (pid, 0);
  if (pid == 0)
    _exit (function ());
  ck_assert_int_eq (waitpid (pid, &status, 0), pid);
  ck_assert_msg (status == 0 || status == 77 << 8, "status %#x", status);
}

/* Says in which line a child process found something wrong. */
#define EXPECT(condition) \
  do { \
    if (!(condition)) { \
      fprintf (stderr, "%s:%d: %s (errno %d)%s\n", __FILE__, __LINE__, \
               #condition, errno, unit_findings (diag)); \
      _exit (1); \
    } \
  } while (0)

#define LOW_HALF (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? 0 : 4)

/* From now on a system call fails with an error, as it would on a file system
 * that does not know it: always, or if one of these bits is in its argument.
 * 77 if the kernel does not do that for us. */
static int
fail_calls (long number, unsigned argument, unsigned bits, int error)
{
  struct sock_filter code[] = {
    BPF_STMT (BPF_LD | BPF_W | BPF_ABS, offsetof (struct seccomp_data, nr)),
    BPF_JUMP (BPF_JMP | BPF_JEQ | BPF_K, (unsigned) number, 0, 3),
    BPF_STMT (BPF_LD | BPF_W | BPF_ABS,
              offsetof (struct seccomp_data, args)
                + argument * sizeof (uint64_t) + LOW_HALF),
    BPF_JUMP (BPF_JMP | BPF_JSET | BPF_K, bits, 0, 1),
    BPF_STMT (BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned) error),
    BPF_STMT (BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const struct sock_fprog program = { COUNT (code), code };

  if (!bits)
    code[1].jt = 2; /* whatever the argument is */
  return prctl (PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0
                 && prctl (PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0
           ? 0 : 77;
}

/* As on a file system without nameless files. */
static int
forbid_nameless (void)
{
  return fail_calls (SYS_openat, 2, O_TMPFILE & ~O_DIRECTORY, EOPNOTSUPP);
}

/* ---- names -------------------------------------------------------------- */

START_TEST (a_file_appears_under_its_name_when_it_is_complete)
{
  int before = unit_descriptors ();

  ck_assert_int_eq (vms_output_open (&output, &work, below ("a"), 0644), 0);
  ck_assert_int_eq (put ("content"), 0);
  ck_assert_int_eq (entries ("."), 0);
  ck_assert_int_eq (vms_output_commit (&output, &work), 0);
  ck_assert_int_eq (entries ("."), 1);
  vms_output_close (&output);
  vms_output_close (&output);
  ck_assert_str_eq (read_file ("a"), "content");
  ck_assert_int_eq (unit_descriptors (), before);
}
END_TEST

START_TEST (a_file_that_is_given_up_leaves_nothing)
{
  int before = unit_descriptors ();

  ck_assert_int_eq (vms_output_open (&output, &work, below ("a"), 0644), 0);
  ck_assert_int_eq (put ("content"), 0);
  vms_output_close (&output);
  ck_assert_int_eq (entries ("."), 0);
  ck_assert_int_eq (unit_descriptors (), before);
}
END_TEST

START_TEST (a_path_may_be_relative_long_or_with_links)
{
  char name[256];

  ck_assert_int_eq (mkdir ("dir", 0755), 0);
  ck_assert_int_eq (symlink ("dir", "link"), 0);
  made ("a");
  made ("./dir/b");
  made ("link//c");
  made ("link/../d");
  ck_assert (exists ("dir/b") && exists ("dir/c") && exists ("d"));
  memset (name, 'n', 255);
  name[255] = '\0';
  made (name);
}
END_TEST

START_TEST (a_path_that_cannot_be_is_reported)
{
  int before = unit_descriptors ();
  char name[PATH_MAX + 10];

  refused ("absent/a", -ENOENT, "image.directory");
  make_file ("file", 0644, "");
  refused ("file/a", -ENOTDIR, "image.directory");
  refused ("", -EISDIR, "image.failed");
  refused ("dir/", -ENOENT, "image.directory");
  refused ("/", -EISDIR, "image.failed");
  memset (name, 'n', 256);
  name[256] = '\0';
  refused (name, -ENAMETOOLONG, "image.failed");
  memset (name, 'n', PATH_MAX + 8);
  strcpy (name + PATH_MAX, "/n");
  refused (name, -ENAMETOOLONG, "image.directory");
  ck_assert_int_eq (unit_descriptors (), before);
  /* Nothing is left to close. */
  ck_assert_int_eq (vms_output_open (&output, &work, "file", 0644), -EEXIST);
  ck_assert_int_eq (output.fd, -1);
  ck_assert_int_eq (unit_descriptors (), before);
}
END_TEST

START_TEST (what_exists_is_never_replaced)
{
  make_file ("file", 0644, "old");
  ck_assert_int_eq (mkdir ("dir", 0755), 0);
  ck_assert_int_eq (mkfifo ("fifo", 0600), 0);
  ck_assert_int_eq (symlink ("file", "link"), 0);
  ck_assert_int_eq (symlink ("dir", "dirlink"), 0);
  refused ("file", -EEXIST, "image.exists");
  refused ("dir", -EEXIST, "image.exists");
  refused ("fifo", -EEXIST, "image.exists");
  refused ("link", -EEXIST, "image.exists");
  refused ("dirlink", -EEXIST, "image.exists");
  refused (".", -EEXIST, "image.exists");
  ck_assert_str_eq (read_file ("file"), "old");
}
END_TEST

START_TEST (what_may_exist_is_no_finding)
{
  make_file ("file", 0644, "old");
  ck_assert_int_eq (symlink ("absent", "dangling"), 0);
  work.may_exist = 1;
  ck_assert_int_eq (make ("file", 0644, "new"), -EEXIST);
  ck_assert_uint_eq (vmspec_diag_count (diag), 0);
  refused ("dangling", -ELOOP, "image.dangling-link");
}
END_TEST

START_TEST (a_link_that_leads_nowhere_is_refused)
{
  make_file ("file", 0644, "");
  ck_assert_int_eq (symlink ("absent", "dangling"), 0);
  ck_assert_int_eq (symlink ("loop", "loop"), 0);
  ck_assert_int_eq (symlink ("file/a", "through"), 0);
  refused ("dangling", -ELOOP, "image.dangling-link");
  refused ("loop", -ELOOP, "image.dangling-link");
  refused ("through", -ELOOP, "image.dangling-link");
  ck_assert (!exists ("absent"));
}
END_TEST

START_TEST (the_umask_is_respected)
{
  struct stat status;
  mode_t old = umask (027);

  made ("a");
  ck_assert_int_eq (make ("b", 0600, ""), 0);
  umask (old);
  ck_assert_int_eq (stat ("a", &status), 0);
  ck_assert_uint_eq (status.st_mode & 07777, 0640);
  ck_assert_int_eq (stat ("b", &status), 0);
  ck_assert_uint_eq (status.st_mode & 07777, 0600);
}
END_TEST

START_TEST (somebody_else_may_make_the_file_meanwhile)
{
  ck_assert_int_eq (vms_output_open (&output, &work, "a", 0644), 0);
  ck_assert_int_eq (put ("late"), 0);
  make_file ("a", 0644, "early");
  ck_assert_int_eq (vms_output_commit (&output, &work), -EEXIST);
  vms_output_close (&output);
  ck_assert_uint_eq (vmspec_diag_count (diag), 0);
  ck_assert_str_eq (read_file ("a"), "early");
  ck_assert_int_eq (entries ("."), 1);
}
END_TEST

START_TEST (the_directory_may_vanish_meanwhile)
{
  ck_assert_int_eq (mkdir ("dir", 0755), 0);
  ck_assert_int_eq (vms_output_open (&output, &work, "dir/a", 0644), 0);
  ck_assert_int_eq (rmdir ("dir"), 0);
  ck_assert_int_eq (vms_output_commit (&output, &work), -ENOENT);
  vms_output_close (&output);
  only ("image.failed");
}
END_TEST

/* ---- with a name from the start ----------------------------------------- */

static int
write_with_a_name (void)
{
  char name[256];

  if (forbid_nameless ())
    return 77;
  EXPECT (vms_output_open (&output, &work, "a", 0640) == 0);
  EXPECT (entries (".") == 1 && !exists ("a") && *output.temporary == '.');
  EXPECT (put ("content") == 0);
  EXPECT (vms_output_commit (&output, &work) == 0);
  vms_output_close (&output);
  EXPECT (entries (".") == 1 && !strcmp (read_file ("a"), "content"));
  EXPECT (vms_output_open (&output, &work, "b", 0640) == 0);
  vms_output_close (&output);
  EXPECT (entries (".") == 1);
  memset (name, 'n', 255);
  name[255] = '\0';
  EXPECT (make (name, 0644, "") == 0 && exists (name));
  EXPECT (entries (".") == 2);
  /* Meanwhile. */
  EXPECT (vms_output_open (&output, &work, "c", 0644) == 0);
  make_file ("c", 0644, "early");
  EXPECT (vms_output_commit (&output, &work) == -EEXIST);
  vms_output_close (&output);
  EXPECT (entries (".") == 3 && !strcmp (read_file ("c"), "early"));
  EXPECT (vmspec_diag_count (diag) == 0);
  return 0;
}

START_TEST (a_file_has_another_name_where_it_cannot_be_without)
{
  in_child (write_with_a_name);
}
END_TEST

static int
write_with_two_names (void)
{
  struct stat status;

  if (forbid_nameless () || fail_calls (SYS_renameat2, 0, 0, EINVAL))
    return 77;
  EXPECT (make ("a", 0644, "content") == 0);
  EXPECT (!strcmp (read_file ("a"), "content") && entries (".") == 1);
  EXPECT (stat ("a", &status) == 0 && status.st_nlink == 1);
  EXPECT (vms_output_open (&output, &work, "b", 0644) == 0);
  make_file ("b", 0644, "early");
  EXPECT (vms_output_commit (&output, &work) == -EEXIST);
  vms_output_close (&output);
  EXPECT (entries (".") == 2 && !strcmp (read_file ("b"), "early"));
  return 0;
}

START_TEST (a_file_system_need_not_rename_without_replacing)
{
  in_child (write_with_two_names);
}
END_TEST

static int
write_without_links (void)
{
  if (forbid_nameless () || fail_calls (SYS_renameat2, 0, 0, EINVAL)
      || fail_calls (SYS_linkat, 0, 0, EPERM))
    return 77;
  EXPECT (make ("a", 0644, "content") == -EPERM);
  EXPECT (unit_finding (diag, "image.failed") && entries (".") == 0);
  return 0;
}

START_TEST (a_file_that_cannot_get_its_name_disappears)
{
  in_child (write_without_links);
}
END_TEST

static int
write_without_locks (void)
{
  if (forbid_nameless () || fail_calls (SYS_flock, 0, 0, ENOLCK))
    return 77;
  EXPECT (make ("a", 0644, "content") == 0);
  EXPECT (entries (".") == 1);
  return 0;
}

START_TEST (a_file_system_need_not_have_locks)
{
  in_child (write_without_locks);
}
END_TEST

/* Each error by itself: what file systems and kernels say about what they do
 * not know is no failure, and everything else is. */
static const struct {
  long call;
  unsigned argument, bits;
  int error, is_failure;
} errors[] = {
  { SYS_openat, 2, O_TMPFILE & ~O_DIRECTORY, EOPNOTSUPP, 0 },
  { SYS_openat, 2, O_TMPFILE & ~O_DIRECTORY, EISDIR, 0 },
  { SYS_openat, 2, O_TMPFILE & ~O_DIRECTORY, EINVAL, 0 },
  { SYS_openat, 2, O_TMPFILE & ~O_DIRECTORY, ENOENT, 0 },
  { SYS_openat, 2, O_TMPFILE & ~O_DIRECTORY, EACCES, 1 },
  { SYS_openat, 2, O_TMPFILE & ~O_DIRECTORY, ENOSPC, 1 },
  { SYS_flock, 0, 0, ENOLCK, 0 }, { SYS_flock, 0, 0, EOPNOTSUPP, 0 },
  { SYS_flock, 0, 0, ENOSYS, 0 }, { SYS_flock, 0, 0, EINVAL, 0 },
  { SYS_flock, 0, 0, EIO, 1 },
  { SYS_renameat2, 0, 0, EINVAL, 0 }, { SYS_renameat2, 0, 0, ENOSYS, 0 },
  { SYS_renameat2, 0, 0, EPERM, 1 }, { SYS_renameat2, 0, 0, EIO, 1 },
};
static size_t error_at;

static int
write_in_spite_of_an_error (void)
{
  int error = errors[error_at].error, fails = errors[error_at].is_failure;
  char text[200];

  if ((errors[error_at].call != SYS_openat && forbid_nameless ())
      || fail_calls (errors[error_at].call, errors[error_at].argument,
                     errors[error_at].bits, error))
    return 77;
  EXPECT (make ("a", 0644, "content") == (fails ? -error : 0));
  EXPECT (entries (".") == !fails);
  snprintf (text, sizeof text, "a cannot be made: %s", strerror (error));
  EXPECT (fails ? !strcmp (only ("image.failed"), text)
                : !strcmp (read_file ("a"), "content"));
  return 0;
}

START_TEST (each_error_is_a_failure_or_none)
{
  for (error_at = 0; error_at < COUNT (errors); error_at++) {
    in_child (write_in_spite_of_an_error);
    (void) unlink ("a");
  }
}
END_TEST

static int
sync_in_spite_of_an_error (void)
{
  static const int all[] = { EINVAL, EOPNOTSUPP, EIO };
  int error = all[error_at];

  if (fail_calls (SYS_fsync, 0, 0, error))
    return 77;
  work.sync = 1;
  EXPECT (make ("a", 0644, "content") == -error && entries (".") == 0);
  return 0;
}

START_TEST (a_file_that_cannot_be_synced_is_not_made)
{
  for (error_at = 0; error_at < 3; error_at++)
    in_child (sync_in_spite_of_an_error);
}
END_TEST

/* What glibc calls on 32-bit processors. */
#ifndef SYS_newfstatat
#define SYS_newfstatat SYS_statx
#endif

static int
write_without_luck (void)
{
  /* The file is gone whenever it is looked for. */
  if (forbid_nameless () || fail_calls (SYS_newfstatat, 3, AT_SYMLINK_NOFOLLOW,
                                        ENOENT))
    return 77;
  EXPECT (vms_output_open (&output, &work, "a", 0644) == -EBUSY);
  return 0;
}

START_TEST (nobody_tries_for_ever)
{
  in_child (write_without_luck);
}
END_TEST

/* ---- leftovers ---------------------------------------------------------- */

static int
leave_something (const char *name)
{
  if (forbid_nameless ())
    return 77;
  EXPECT (vms_output_open (&output, &work, name, 0444) == 0);
  kill (getpid (), SIGKILL);
  return 1;
}

/* Starts one that dies while it writes. */
static void
die_writing (const char *name)
{
  int status;
  pid_t pid = fork ();

  if (pid == 0)
    _exit (leave_something (name));
  EXPECT (waitpid (pid, &status, 0) == pid);
  EXPECT (WIFSIGNALED (status));
}

static int
find_leftovers (void)
{
  char name[256];

  if (forbid_nameless ())
    return 77;
  memset (name, 'n', 255);
  name[255] = '\0';
  die_writing (name);
  EXPECT (entries (".") == 1);
  EXPECT (make (name, 0644, "content") == 0);
  EXPECT (entries (".") == 1 && unlink (name) == 0);
  die_writing ("a");
  die_writing ("a");
  /* The second has removed what the first has left. */
  EXPECT (entries (".") == 1);
  EXPECT (make ("b", 0644, "content") == 0);
  EXPECT (entries (".") == 2); /* somebody else's */
  EXPECT (make ("a", 0644, "content") == 0);
  EXPECT (entries (".") == 2 && exists ("a") && exists ("b"));
  return 0;
}

START_TEST (what_a_dead_writer_has_left_is_removed)
{
  in_child (find_leftovers);
}
END_TEST

static int
meet_a_living_writer (void)
{
  struct output other;

  if (forbid_nameless ())
    return 77;
  EXPECT (vms_output_open (&other, &work, "a", 0644) == 0);
  EXPECT (write (other.fd, "mine", 4) == 4);
  EXPECT (vms_output_open (&output, &work, "a", 0644) == 0);
  EXPECT (entries (".") == 2);
  EXPECT (vms_output_commit (&other, &work) == 0);
  EXPECT (vms_output_commit (&output, &work) == -EEXIST);
  vms_output_close (&other);
  vms_output_close (&output);
  EXPECT (entries (".") == 1 && !strcmp (read_file ("a"), "mine"));
  return 0;
}

START_TEST (what_a_living_writer_has_is_left_alone)
{
  in_child (meet_a_living_writer);
}
END_TEST

static int
meet_strange_names (void)
{
  static const char *const names[]
    = { ".a.vmspec-0123456789abcdeg", ".a.vmspec-0123456789abcde",
        ".a.vmspec-0123456789abcdef0", ".b.vmspec-0123456789abcdef",
        "a.vmspec-0123456789abcdef", ".a.vmspec", ".a" };

  if (forbid_nameless ())
    return 77;
  for (size_t i = 0; i < COUNT (names); i++)
    make_file (names[i], 0644, "precious");
  EXPECT (mkdir (".a.vmspec-0123456789abcdef", 0755) == 0);
  EXPECT (mkfifo (".a.vmspec-1123456789abcdef", 0600) == 0);
  EXPECT (symlink (".a", ".a.vmspec-2123456789abcdef") == 0);
  make_file (".a.vmspec-3123456789abcdef", 0444, "left");
  EXPECT (make ("a", 0644, "content") == 0);
  EXPECT (!exists (".a.vmspec-3123456789abcdef"));
  EXPECT (entries (".") == (int) COUNT (names) + 4);
  return 0;
}

START_TEST (only_leftovers_are_taken_for_some)
{
  in_child (meet_strange_names);
}
END_TEST

START_TEST (who_dies_between_two_names_is_cleaned_up_after)
{
  make_file ("a", 0644, "whole");
  ck_assert_int_eq (link ("a", ".a.vmspec-0123456789abcdef"), 0);
  refused ("a", -EEXIST, "image.exists");
  ck_assert_int_eq (entries ("."), 1);
  ck_assert_str_eq (read_file ("a"), "whole");
}
END_TEST

/* ---- several at once ---------------------------------------------------- */

/* Writes its own number many times over; 0, or 1 if it came too late. */
static int
compete (char number, int ready)
{
  char text[10000], byte;
  int r;

  memset (text, number, sizeof text - 1);
  text[sizeof text - 1] = '\0';
  while (read (ready, &byte, 1) > 0) {
  }
  r = make ("a", 0644, text);
  return r == 0 ? 0 : r == -EEXIST ? 1 : 2;
}

static void
race (int (*prepare) (void))
{
  enum { N = 8 };
  int start[2], winners = 0, winner = 0, status;
  pid_t pids[N];

  ck_assert_int_eq (pipe2 (start, O_CLOEXEC), 0);
  for (int i = 0; i < N; i++) {
    pids[i] = fork ();
    ck_assert_int_ge (pids[i], 0);
    if (pids[i] == 0) {
      close (start[1]);
      _exit (prepare () ? 77 : compete ((char) ('0' + i), start[0]));
    }
  }
  close (start[0]);
  close (start[1]);
  for (int i = 0; i < N; i++) {
    ck_assert_int_eq (waitpid (pids[i], &status, 0), pids[i]);
    if (status == 77 << 8)
      winners = -N * N;
    ck_assert (WIFEXITED (status) && WEXITSTATUS (status) != 2);
    winners += status == 0;
    winner = status == 0 ? i : winner;
  }
  if (winners < 0)
    return;
  ck_assert_int_eq (winners, 1);
  ck_assert_int_eq (entries ("."), 1);
  ck_assert_uint_eq (strspn (read_file ("a"), (char[]) { (char) ('0' + winner),
                                                         '\0' }), 9999);
  ck_assert_int_eq (unlink ("a"), 0);
}

static int
prepare_nothing (void)
{
  return 0;
}

static int
prepare_links (void)
{
  return forbid_nameless () || fail_calls (SYS_renameat2, 0, 0, EINVAL);
}

START_TEST (of_several_writers_one_wins)
{
  for (unsigned i = 0; i < unit_rounds (20); i++) {
    race (prepare_nothing);
    race (forbid_nameless);
    race (prepare_links);
  }
}
END_TEST

/* ---- what goes wrong ---------------------------------------------------- */

static int
write_as_nobody (void)
{
  be_nobody ();
  EXPECT (make ("closed/a", 0644, "") == -EACCES);
  EXPECT (unit_finding (diag, "image.failed"));
  vmspec_diag_clear (diag);
  EXPECT (make ("hidden/a", 0644, "") == -EACCES);
  EXPECT (unit_finding (diag, "image.failed"));
  vmspec_diag_clear (diag);
  EXPECT (make ("hidden/dir/a", 0644, "") == -EACCES);
  EXPECT (unit_finding (diag, "image.directory"));
  vmspec_diag_clear (diag);
  /* Something is there, though nobody knows what. */
  EXPECT (make ("into-hidden", 0644, "") == -EEXIST);
  EXPECT (unit_finding (diag, "image.exists"));
  vmspec_diag_clear (diag);
  /* A box that one can only drop things into. */
  work.sync = 1;
  EXPECT (make ("box/a", 0644, "content") == 0);
  EXPECT (!strcmp (read_file ("box/a"), "content"));
  return 0;
}

START_TEST (a_directory_that_must_not_be_written_to_is_reported)
{
  ck_assert_int_eq (chmod (".", 0755), 0);
  ck_assert_int_eq (mkdir ("closed", 0555), 0);
  ck_assert_int_eq (mkdir ("hidden", 0700), 0);
  ck_assert_int_eq (mkdir ("hidden/dir", 0755), 0);
  ck_assert_int_eq (chmod ("hidden", 0), 0);
  ck_assert_int_eq (symlink ("hidden/a", "into-hidden"), 0);
  ck_assert_int_eq (mkdir ("box", 0755), 0);
  ck_assert_int_eq (chmod ("box", 0333), 0);
  in_child (write_as_nobody);
  ck_assert_int_eq (chmod ("hidden", 0700), 0);
  ck_assert_int_eq (chmod ("box", 0700), 0);
}
END_TEST

static int
fail_to_sync (void)
{
  if (fail_calls (SYS_fsync, 0, 0, EIO))
    return 77;
  EXPECT (make ("a", 0644, "content") == 0); /* nothing is synced */
  work.sync = 1;
  EXPECT (make ("b", 0644, "content") == -EIO);
  EXPECT (unit_finding (diag, "image.failed") && !exists ("b"));
  return 0;
}

START_TEST (a_file_is_synced_before_it_has_its_name_if_at_all)
{
  in_child (fail_to_sync);
}
END_TEST

static int
fail_to_sync_the_directory (void)
{
  /* Only the directory is opened anew. */
  if (fail_calls (SYS_openat, 2, O_DIRECTORY, EIO))
    return 77;
  work.sync = 1;
  EXPECT (vms_output_commit (&output, &work) == -EIO);
  EXPECT (strstr (unit_finding (diag, "image.failed")->text, "is made, but"));
  EXPECT (!strcmp (read_file ("a"), "content"));
  return 0;
}

START_TEST (the_directory_is_synced_after_it_holds_the_name)
{
  ck_assert_int_eq (vms_output_open (&output, &work, "a", 0644), 0);
  ck_assert_int_eq (put ("content"), 0);
  in_child (fail_to_sync_the_directory);
  vms_output_close (&output);
  work.sync = 1;
  made ("b");
}
END_TEST

static int
fill_a_small_file_system (void)
{
  static char text[1 << 18];

  if (unshare (CLONE_NEWNS) < 0
      || mount ("none", "/", "none", MS_REC | MS_PRIVATE, "") < 0
      || mount ("none", scratch, "tmpfs", 0, "size=64k") < 0
      || chdir (scratch) < 0)
    return 77;
  memset (text, 'x', sizeof text - 1);
  EXPECT (make ("a", 0644, text) != 0 && !exists ("a"));
  EXPECT (make ("b", 0644, "content") == 0 && exists ("b"));
  if (forbid_nameless ())
    return 77;
  EXPECT (make ("c", 0644, text) != 0 && entries (".") == 1);
  EXPECT (make ("d", 0644, "content") == 0 && entries (".") == 2);
  return 0;
}

START_TEST (a_full_disk_leaves_nothing)
{
  in_child (fill_a_small_file_system);
}
END_TEST

static int
exceed_a_limit (void)
{
  const struct rlimit limit = { 4096, 4096 };
  static char text[8192];

  signal (SIGXFSZ, SIG_IGN);
  EXPECT (setrlimit (RLIMIT_FSIZE, &limit) == 0);
  memset (text, 'x', sizeof text - 1);
  EXPECT (vms_output_open (&output, &work, "a", 0644) == 0);
  EXPECT (write (output.fd, text, 4096) == 4096);
  EXPECT (put (text) == -EFBIG);
  vms_output_close (&output);
  EXPECT (entries (".") == 0);
  return 0;
}

START_TEST (a_limit_on_file_sizes_leaves_nothing)
{
  in_child (exceed_a_limit);
}
END_TEST

/* ---- work --------------------------------------------------------------- */

static int
count_reports (void *data, const struct vmspec_progress *progress)
{
  ck_assert_str_eq (progress->step, "image");
  return ++*(int *) data >= 3;
}

START_TEST (progress_is_told_now_and_then_and_may_cancel)
{
  int reports = 0;

  ck_assert_int_eq (vms_work_progress_now (&work, 1, 2), 0);
  said.progress = count_reports;
  said.data = &reports;
  ck_assert_int_eq (vms_work_init (&work, &arena, &said, diag), 0);
  ck_assert_int_eq (vms_work_progress (&work, 0, 2), 0);
  ck_assert_int_eq (reports, 1);
  work.next_report = INT64_MAX; /* a moment ago */
  ck_assert_int_eq (vms_work_progress (&work, 1, 2), 0);
  ck_assert_int_eq (reports, 1);
  ck_assert_int_eq (vms_work_progress_now (&work, 1, 2), 0);
  ck_assert_int_eq (vms_work_progress_now (&work, 2, 2), -ECANCELED);
  ck_assert_int_eq (reports, 3);
}
END_TEST

static int
expect_next (void *data, const struct vmspec_progress *progress)
{
  uint64_t *next = data;

  ck_assert_uint_eq (progress->done, *next);
  *next = *next + 65536 < progress->total ? *next + 65536 : progress->total;
  work.next_report = 0;
  return 0;
}

START_TEST (copies_are_whole_and_tell_how_far_they_are)
{
  static char bytes[200001], copied[sizeof bytes + 1];
  struct random random = { .state = 3 };
  uint64_t next = 0;
  int from = open ("from", O_RDWR | O_CREAT, 0600);
  int to = open ("to", O_RDWR | O_CREAT, 0600);

  for (size_t i = 0; i < sizeof bytes; i++)
    bytes[i] = (char) random_number (&random);
  ck_assert_int_eq (write (from, bytes, sizeof bytes), sizeof bytes);
  said.progress = expect_next;
  said.data = &next;
  ck_assert_int_eq (vms_work_init (&work, &arena, &said, diag), 0);
  lseek (from, 0, SEEK_SET);
  ck_assert_int_eq (vms_copy_bytes (&work, from, to, sizeof bytes), 0);
  ck_assert_uint_eq (next, sizeof bytes);
  ck_assert_int_eq (pread (to, copied, sizeof copied, 0), sizeof bytes);
  ck_assert_mem_eq (copied, bytes, sizeof bytes);
  lseek (from, 0, SEEK_SET);
  next = 1; /* would not be told */
  ck_assert_int_eq (vms_copy_bytes (&work, from, to, 0), 0);
  ck_assert_int_eq (vms_copy_bytes (&work, -1, to, 0), -EBADF);
  close (from);
  close (to);
}
END_TEST

START_TEST (work_is_synced_unless_it_is_said)
{
  ck_assert_int_eq (vms_work_init (&work, &arena, NULL, diag), 0);
  ck_assert_int_eq (work.sync, 1);
  said.sync = VMSPEC_OFF;
  ck_assert_int_eq (vms_work_init (&work, &arena, &said, diag), 0);
  ck_assert_int_eq (work.sync, 0);
  said.sync = 77;
  ck_assert_int_eq (vms_work_init (&work, &arena, &said, diag), -EINVAL);
}
END_TEST

START_TEST (a_finding_is_about_the_option_that_asked_for_the_work)
{
  work.option = "disk.image";
  ck_assert_int_eq (vms_output_open (&output, &work, "absent/a", 0644), -ENOENT);
  ck_assert_str_eq (unit_finding (diag, "image.directory")->path, "disk.image");
}
END_TEST

int
main (void)
{
  TCase *tcase = unit_case ("output");

  tcase_add_checked_fixture (tcase, set_up, tear_down);
  tcase_add_test (tcase, a_file_appears_under_its_name_when_it_is_complete);
  tcase_add_test (tcase, a_file_that_is_given_up_leaves_nothing);
  tcase_add_test (tcase, a_path_may_be_relative_long_or_with_links);
  tcase_add_test (tcase, a_path_that_cannot_be_is_reported);
  tcase_add_test (tcase, what_exists_is_never_replaced);
  tcase_add_test (tcase, what_may_exist_is_no_finding);
  tcase_add_test (tcase, a_link_that_leads_nowhere_is_refused);
  tcase_add_test (tcase, the_umask_is_respected);
  tcase_add_test (tcase, somebody_else_may_make_the_file_meanwhile);
  tcase_add_test (tcase, the_directory_may_vanish_meanwhile);
  tcase_add_test (tcase, a_file_has_another_name_where_it_cannot_be_without);
  tcase_add_test (tcase, a_file_system_need_not_rename_without_replacing);
  tcase_add_test (tcase, a_file_that_cannot_get_its_name_disappears);
  tcase_add_test (tcase, a_file_system_need_not_have_locks);
  tcase_add_test (tcase, each_error_is_a_failure_or_none);
  tcase_add_test (tcase, a_file_that_cannot_be_synced_is_not_made);
  tcase_add_test (tcase, nobody_tries_for_ever);
  tcase_add_test (tcase, what_a_dead_writer_has_left_is_removed);
  tcase_add_test (tcase, what_a_living_writer_has_is_left_alone);
  tcase_add_test (tcase, only_leftovers_are_taken_for_some);
  tcase_add_test (tcase, who_dies_between_two_names_is_cleaned_up_after);
  tcase_add_test (tcase, of_several_writers_one_wins);
  tcase_add_test (tcase, a_directory_that_must_not_be_written_to_is_reported);
  tcase_add_test (tcase, a_file_is_synced_before_it_has_its_name_if_at_all);
  tcase_add_test (tcase, the_directory_is_synced_after_it_holds_the_name);
  tcase_add_test (tcase, a_full_disk_leaves_nothing);
  tcase_add_test (tcase, a_limit_on_file_sizes_leaves_nothing);
  tcase_add_test (tcase, copies_are_whole_and_tell_how_far_they_are);
  tcase_add_test (tcase, progress_is_told_now_and_then_and_may_cancel);
  tcase_add_test (tcase, work_is_synced_unless_it_is_said);
  tcase_add_test (tcase, a_finding_is_about_the_option_that_asked_for_the_work);
  return unit_run ("output", tcase);
}
