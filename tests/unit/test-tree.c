/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Trees copied into ext4 file systems, looked at with e2fsprogs. */
#include "judges.h"

#include <ext2fs/ext2fs.h>
#include <sys/socket.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/xattr.h>

#include "ext4-copy.h"

#define MIB (1024ull * 1024)
#define TIME 1700000000

static struct arena arena;
static struct work work;
static vmspec_diag *diag;

/* What the progress function does. */
static unsigned calls, cancel_at;
static uint64_t reports[16]; /* the first: how much was done */
static void (*at_first_call) (void);

static int
count_call (void *data, const struct vmspec_progress *progress)
{
  struct work *w = data;

  ck_assert_uint_le (progress->done, progress->total);
  w->next_report = 0; /* every one of them */
  if (calls < COUNT (reports))
    reports[calls] = progress->done;
  if (!calls++ && at_first_call)
    at_first_call ();
  return cancel_at && calls == cancel_at;
}

static void
set_up (void)
{
  const struct vmspec_work said = {
    VMSPEC_INIT (vmspec_work), .progress = count_call, .data = &work,
  };

  scratch_make ();
  calls = cancel_at = 0;
  at_first_call = NULL;
  arena = (struct arena) { 0 };
  ck_assert_int_eq (vmspec_diag_new (&diag), 0);
  ck_assert_int_eq (vms_work_init (&work, &arena, &said, diag), 0);
  ck_assert_int_eq (mkdir ("tree", 0755), 0);
}

static void
tear_down (void)
{
  vms_arena_free (&arena);
  vmspec_diag_free (diag);
  scratch_remove ();
}

/* ---- making and looking -------------------------------------------------- */

static uint32_t block_size;
static int root_owned;
static uint64_t done_before;

static int
make_fs (const char *file, uint64_t size, const struct tree_needs *needs)
{
  static const unsigned char uuid[16] = { 1, 2, 3 };
  const struct ext4_setup setup = {
    .size = size, .uuid = uuid, .hash_seed = uuid, .time = TIME,
    .inodes = needs->files, .label = "tree", .block_size = block_size,
  };
  const struct image_format format = {
    .format = VMSPEC_IMAGE_FORMAT_RAW, .size = size, .cluster_size = 65536,
  };
  struct ext4_tree tree = { .work = &work, .member = "tree", .tree = "tree",
                            .root_owned = root_owned, .total = needs->bytes,
                            .before = done_before };
  int fd = open (file, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644), r;
  struct image *image;

  ck_assert_int_ge (fd, 0);
  ck_assert_int_eq (vms_image_new (fd, &format, &image), 0);
  r = vms_ext4_make (image, &setup, vms_ext4_tree_fill, &tree, &work);
  if (r == 0)
    r = vms_image_finish (image);
  vms_image_free (image);
  close (fd);
  return r;
}

/* As large as it has to be. */
static int
make (const char *file)
{
  struct tree_needs needs;
  int r = vms_tree_measure (&work, "tree", "tree", &needs);

  return r < 0 ? r
               : make_fs (file, vms_tree_file_system_size (&needs, 0), &needs);
}

static __attribute__ ((format (printf, 1, 2))) const char *
output_of (const char *format, ...)
{
  char command[4096];
  va_list args;

  va_start (args, format);
  vsnprintf (command, sizeof command, format, args);
  va_end (args);
  RUN ("%s", command);
  return judgement;
}

static void
must_make (const char *file)
{
  int r = make (file);

  ck_assert_msg (r == 0, "%s%s", strerror (-r), unit_findings (diag));
  output_of ("e2fsck -fn %s 2>&1", file);
}

static const char *
debugfs (const char *request)
{
  return output_of ("debugfs -R '%s' fs 2> /dev/null", request);
}

#define HAS(text, part)                                                        \
  ck_assert_msg (strstr (text, part) != NULL, "no %s in %s", part, text)

/* The content that comes out is the one that went in. */
static void
compare (const char *name)
{
  char request[PATH_MAX];

  snprintf (request, sizeof request, "dump %s out", name);
  (void) unlink ("out");
  debugfs (request);
  output_of ("cmp 'tree/%s' out", name);
}

static void
fill_file (const char *name, size_t size)
{
  char *bytes = malloc (size + 1);
  struct random r = { size };
  int fd = open (name, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

  ck_assert_ptr_nonnull (bytes);
  for (size_t i = 0; i < size; i++)
    bytes[i] = (char) random_number (&r);
  ck_assert_int_ge (fd, 0);
  ck_assert_int_eq (write (fd, bytes, size), (ssize_t) size);
  close (fd);
  free (bytes);
}

static void
write_piece (const char *name, uint64_t at, size_t size)
{
  int fd = open (name, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
  char *piece = malloc (size);

  ck_assert_int_ge (fd, 0);
  ck_assert_ptr_nonnull (piece);
  memset (piece, 'p', size);
  ck_assert_int_eq (pwrite (fd, piece, size, (off_t) at), (ssize_t) size);
  free (piece);
  close (fd);
}

static void
expect (int error, const char *id)
{
  const struct vmspec_finding *f;
  int r = make ("fs");

  ck_assert_int_eq (r, error);
  f = unit_finding (diag, id);
  ck_assert_msg (f != NULL, "no %s in %s", id, unit_findings (diag));
  ck_assert_str_eq (f->path, "tree");
}

/* ---- kinds --------------------------------------------------------------- */

START_TEST (files_of_every_size_come_out_as_they_went_in)
{
  static const size_t sizes[]
    = { 0, 1, 59, 60, 4095, 4096, 4097, 262143, 262144, 262145, 3000000 };
  char name[40];

  for (size_t i = 0; i < COUNT (sizes); i++) {
    snprintf (name, sizeof name, "tree/%zu", sizes[i]);
    fill_file (name, sizes[i]);
  }
  block_size = 4096;
  must_make ("fs");
  block_size = 0;
  for (size_t i = 0; i < COUNT (sizes); i++) {
    snprintf (name, sizeof name, "%zu", sizes[i]);
    compare (name);
  }
  HAS (debugfs ("stat 3000000"), "(0-732):"); /* in one piece */
}
END_TEST

START_TEST (modes_and_owners_are_kept)
{
  make_file ("tree/setuid", 04751, "x");
  ck_assert_int_eq (mkdir ("tree/sticky", 0), 0);
  ck_assert_int_eq (chmod ("tree/sticky", 01777), 0);
  ck_assert_int_eq (chmod ("tree", 0711), 0);
  if (geteuid () == 0) {
    ck_assert_int_eq (chown ("tree/setuid", 100000, 3000000000u), 0);
    ck_assert_int_eq (chmod ("tree/setuid", 04751), 0);
  }
  must_make ("fs");
  HAS (debugfs ("stat setuid"), "Mode:  04751");
  HAS (debugfs ("stat sticky"), "Mode:  01777");
  HAS (debugfs ("stat /"), "Mode:  0711");
  if (geteuid () == 0) {
    HAS (debugfs ("stat setuid"), "User: 100000");
    HAS (debugfs ("stat setuid"), "Group: -1294967296");
  }
  root_owned = 1;
  must_make ("fs");
  root_owned = 0;
  HAS (debugfs ("stat setuid"), "User:     0   Group:     0");
}
END_TEST

START_TEST (symbolic_links_short_and_long_are_kept)
{
  char target[4096];

  memset (target, 'x', sizeof target);
  for (size_t size = 58; size <= 61; size++) {
    char name[20];

    snprintf (name, sizeof name, "tree/%zu", size);
    target[size] = '\0';
    ck_assert_int_eq (symlink (target, name), 0);
    target[size] = 'x';
  }
  target[4000] = '\0';
  ck_assert_int_eq (symlink (target, "tree/long"), 0);
  ck_assert_int_eq (symlink ("/etc", "tree/directory"), 0);
  block_size = 4096;
  must_make ("fs");
  block_size = 0;
  HAS (debugfs ("stat 59"), "Fast link dest: \"xxx");
  HAS (debugfs ("stat 60"), "EXTENTS");
  ck_assert_str_eq (debugfs ("cat long"), target);
  HAS (debugfs ("stat directory"), "Type: symlink");
}
END_TEST

START_TEST (devices_fifos_and_sockets_are_kept)
{
  struct sockaddr_un address = { .sun_family = AF_UNIX,
                                 .sun_path = "tree/socket" };
  int fd = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

  ck_assert_int_eq (bind (fd, (struct sockaddr *) &address, sizeof address), 0);
  close (fd);
  ck_assert_int_eq (mkfifo ("tree/fifo", 0600), 0);
  if (geteuid () == 0) {
    ck_assert_int_eq (mknod ("tree/old", S_IFCHR | 0600, makedev (5, 1)), 0);
    ck_assert_int_eq (mknod ("tree/new", S_IFBLK | 0600, makedev (300, 70000)),
                      0);
  }
  must_make ("fs");
  HAS (debugfs ("stat socket"), "Type: socket");
  HAS (debugfs ("stat fifo"), "Type: FIFO");
  if (geteuid () == 0) {
    HAS (debugfs ("stat old"), "Device major/minor number: 05:01");
    HAS (debugfs ("stat new"), "Device major/minor number: 300:70000");
  }
}
END_TEST

/* What a block has after the end of a file or of a link's target. */
static void
ends_with_zeros (const char *name, size_t size)
{
  const char *place;
  char request[80];

  snprintf (request, sizeof request, "bmap %s %zu", name, size / 4096);
  place = debugfs (request);
  output_of ("dd if=fs bs=4096 skip=%ld count=1 status=none "
             "| tail -c +%zu | cmp -n %zu - /dev/zero", strtol (place, NULL, 10),
             size % 4096 + 1, 4096 - size % 4096);
}

START_TEST (nothing_stands_between_an_end_and_the_next_block)
{
  char target[1001];

  memset (target, 'x', sizeof target - 1);
  target[sizeof target - 1] = '\0';
  fill_file ("tree/a", 300000);
  fill_file ("tree/b", 4097);
  ck_assert_int_eq (symlink (target, "tree/c"), 0);
  fill_file ("tree/d", 1);
  block_size = 4096;
  must_make ("fs");
  block_size = 0;
  ends_with_zeros ("a", 300000);
  ends_with_zeros ("b", 4097);
  ends_with_zeros ("c", 1000);
  ends_with_zeros ("d", 1);
}
END_TEST

START_TEST (hard_links_are_one_inode)
{
  ck_assert_int_eq (mkdir ("tree/sub", 0755), 0);
  fill_file ("tree/one", 10000);
  ck_assert_int_eq (link ("tree/one", "tree/sub/two"), 0);
  ck_assert_int_eq (link ("tree/one", "tree/three"), 0);
  ck_assert_int_eq (link ("tree/one", "outside"), 0);
  ck_assert_int_eq (symlink ("x", "tree/link"), 0);
  ck_assert_int_eq (link ("tree/link", "tree/link2"), 0);
  must_make ("fs");
  HAS (debugfs ("stat one"), "Links: 3");
  HAS (debugfs ("stat link2"), "Links: 2");
  compare ("sub/two");
  HAS (debugfs ("stat /"), "Links: 4");
}
END_TEST

START_TEST (times_are_kept_beyond_2038_and_before_1970)
{
  static const struct {
    const char *name;
    long long seconds;
    const char *expected;
  } times[] = {
    { "tree/2300", 10413792000, "mtime: 0x6cb5db00:1d6f3456" },
    { "tree/1969", -1, "mtime: 0xffffffff:1d6f3454" },
    { "tree/1970", 0, "mtime: 0x00000000:1d6f3454" },
  };

  /* A time_t of 32 bits ends in 2038. */
  size_t first = sizeof (time_t) > 4 ? 0 : 1;

  for (size_t i = first; i < COUNT (times); i++) {
    struct timespec stamps[2] = { { (time_t) times[i].seconds, 123456789 },
                                  { (time_t) times[i].seconds, 123456789 } };

    make_file (times[i].name, 0644, "x");
    ck_assert_int_eq (utimensat (AT_FDCWD, times[i].name, stamps, 0), 0);
  }
  must_make ("fs");
  for (size_t i = first; i < COUNT (times); i++) {
    char request[40];

    snprintf (request, sizeof request, "stat %s", times[i].name + 5);
    HAS (debugfs (request), times[i].expected);
    HAS (debugfs (request), "ctime: 0x6553f100:00000000");
  }
}
END_TEST

START_TEST (holes_stay_holes)
{
  int fd = open ("tree/sparse", O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

  ck_assert_int_eq (pwrite (fd, "a", 1, 0), 1);
  ck_assert_int_eq (pwrite (fd, "b", 1, 50 * MIB + 5), 1);
  ck_assert_int_eq (ftruncate (fd, (off_t) (100 * MIB + 7)), 0);
  close (fd);
  /* With extents for a tree of its own. */
  fd = open ("tree/torn", O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
  for (int i = 0; i < 1000; i++)
    ck_assert_int_eq (pwrite (fd, "c", 1, (off_t) i * 16384), 1);
  close (fd);
  must_make ("fs");
  HAS (debugfs ("stat sparse"), "Blockcount: 16");
  compare ("sparse");
  compare ("torn");
}
END_TEST

/* ---- attributes ---------------------------------------------------------- */

static void
set_attribute (const char *file, const char *name, const void *value,
               size_t size)
{
  ck_assert_msg (lsetxattr (file, name, value, size, 0) == 0, "%s: %s", name,
                 strerror (errno));
}

START_TEST (extended_attributes_are_kept)
{
  /* rw for the owner, r for user 1000, mask r, others nothing. */
  static const unsigned char acl[]
    = { 2, 0, 0, 0, 1, 0, 6, 0, 255, 255, 255, 255, 2, 0, 4, 0, 232, 3, 0, 0,
        4, 0, 0, 0, 255, 255, 255, 255, 16, 0, 4, 0, 255, 255, 255, 255,
        32, 0, 0, 0, 255, 255, 255, 255 };
  char large[3000];

  memset (large, 'l', sizeof large);
  block_size = 4096;
  make_file ("tree/file", 0600, "x");
  ck_assert_int_eq (mkdir ("tree/directory", 0755), 0);
  ck_assert_int_eq (symlink ("x", "tree/link"), 0);
  set_attribute ("tree/file", "user.small", "value", 5);
  set_attribute ("tree/directory", "user.large", large, sizeof large);
  set_attribute ("tree/directory", "user.empty", "", 0);
  set_attribute ("tree", "user.top", "t", 1);
  set_attribute ("tree/file", "system.posix_acl_access", acl, sizeof acl);
  if (geteuid () == 0)
    set_attribute ("tree/link", "trusted.link", "of a link", 9);
  must_make ("fs");
  HAS (debugfs ("ea_list file"), "user.small (5) = \"value\"");
  HAS (debugfs ("ea_list file"), "system.posix_acl_access");
  HAS (debugfs ("ea_list directory"), "user.large (3000)");
  HAS (debugfs ("ea_list directory"), "user.empty (0)");
  HAS (debugfs ("ea_list /"), "user.top (1)");
  debugfs ("ea_get -f out file system.posix_acl_access");
  {
    int fd = open ("out", O_RDONLY | O_CLOEXEC);
    unsigned char found[sizeof acl + 1];

    ck_assert_int_eq (read (fd, found, sizeof found), sizeof acl);
    close (fd);
    /* Where there is no user it makes no difference which. */
    memset (found + 8, 255, 4), memset (found + 24, 255, 4);
    memset (found + 32, 255, 4), memset (found + 40, 255, 4);
    ck_assert_mem_eq (found, acl, sizeof acl);
  }
  if (geteuid () == 0)
    HAS (debugfs ("ea_list link"), "trusted.link (9)");
  block_size = 0;
}
END_TEST

START_TEST (attributes_that_are_too_large_are_refused)
{
  char large[2000];

  memset (large, 'l', sizeof large);
  make_file ("tree/file", 0600, "x");
  set_attribute ("tree/file", "user.large", large, sizeof large);
  block_size = 1024;
  expect (-ENOSPC, "tree.attributes");
  block_size = 0;
}
END_TEST

/* ---- directories --------------------------------------------------------- */

START_TEST (large_directories_are_complete)
{
  unsigned n = unit_is_watched () ? 1000 : 20000;
  const char *listed;
  char name[80];

  ck_assert_int_eq (mkdir ("tree/many", 0755), 0);
  for (unsigned i = 0; i < n; i++) {
    snprintf (name, sizeof name, "tree/many/a name of some length %u", i);
    if (i % 100)
      make_file (name, 0644, "");
    else
      ck_assert_int_eq (mkdir (name, 0755), 0);
  }
  must_make ("fs");
  listed = output_of ("debugfs -R 'ls -p many' fs "
                      "2> /dev/null | grep -c 'a name of some length'");
  ck_assert_int_eq (atoi (listed), (int) n);
}
END_TEST

START_TEST (names_of_every_length_fit)
{
  char name[300] = "tree/";

  for (size_t size = 1; size <= 255; size++) {
    memset (name + 5, 'n', size);
    name[5 + size] = '\0';
    make_file (name, 0644, "");
  }
  for (block_size = 1024; block_size <= 4096; block_size *= 4) {
    must_make ("fs");
    snprintf (name, sizeof name, "debugfs -R 'ls -p' "
              "fs 2> /dev/null | grep -c /nn*/");
    ck_assert_int_eq (atoi (output_of ("%s", name)), 255);
  }
  block_size = 0;
}
END_TEST

static void
make_deep (int depth)
{
  ck_assert_int_eq (chdir ("tree"), 0);
  for (int i = 0; i < depth; i++) {
    ck_assert_int_eq (mkdir ("d", 0755), 0);
    ck_assert_int_eq (chdir ("d"), 0);
    if (i % 100 == 0)
      make_file ("file", 0644, "deep");
  }
  ck_assert_int_eq (chdir (scratch), 0);
}

START_TEST (deep_trees_are_complete)
{
  make_deep (3000);
  make_file ("tree/z", 0644, "after everything");
  must_make ("fs");
  HAS (output_of ("dumpe2fs -h fs 2> /dev/null"),
       "Inode count");
  HAS (debugfs ("cat z"), "after everything");
}
END_TEST

START_TEST (lost_and_found_is_one_directory)
{
  ck_assert_int_eq (mkdir ("tree/lost+found", 0700), 0);
  ck_assert_int_eq (mkdir ("tree/lost+found/sub", 0700), 0);
  make_file ("tree/lost+found/found", 0644, "found");
  make_file ("tree/zzz", 0644, "");
  must_make ("fs");
  HAS (debugfs ("stat lost+found"), "Inode: 11 ");
  HAS (debugfs ("cat lost+found/found"), "found");
}
END_TEST

/* Only in the top. */
START_TEST (lost_and_found_may_be_anything_elsewhere)
{
  ck_assert_int_eq (mkdir ("tree/a", 0700), 0);
  ck_assert_int_eq (mkdir ("tree/a/lost+found", 0700), 0);
  make_file ("tree/a/lost+found/file", 0644, "further down");
  ck_assert_int_eq (mkdir ("tree/b", 0700), 0);
  make_file ("tree/b/lost+found", 0644, "a file");
  must_make ("fs");
  HAS (debugfs ("cat a/lost+found/file"), "further down");
  HAS (debugfs ("cat b/lost+found"), "a file");
  HAS (debugfs ("stat a"), "Links: 3");
  HAS (debugfs ("stat /"), "Links: 5");
}
END_TEST

START_TEST (lost_and_found_must_be_a_directory)
{
  make_file ("tree/lost+found", 0644, "");
  expect (-EEXIST, "tree.lost-and-found");
}
END_TEST

/* ---- what cannot be ------------------------------------------------------ */

START_TEST (unreadable_files_are_named)
{
  int status;
  pid_t pid;

  make_file ("tree/one", 0000, "secret");
  make_file ("tree/two", 0000, "secret");
  ck_assert_int_eq (chmod (scratch, 0777), 0);
  pid = fork ();
  if (pid == 0) {
    struct tree_needs needs;
    int r;

    be_nobody ();
    r = vms_tree_measure (&work, "tree", "tree", &needs);
    _exit (r == -EACCES && vmspec_diag_count (diag) == 2
           && strstr (vmspec_diag_get (diag, 0)->text, "tree/one")
           && strstr (vmspec_diag_get (diag, 1)->text, "tree/two")
           && !strcmp (vmspec_diag_get (diag, 0)->id, "tree.unreadable")
             ? 0 : 1);
  }
  ck_assert_int_eq (waitpid (pid, &status, 0), pid);
  ck_assert_int_eq (status, 0);
}
END_TEST

START_TEST (a_tree_that_is_missing_is_named)
{
  ck_assert_int_eq (rmdir ("tree"), 0);
  expect (-ENOENT, "tree.unreadable");
}
END_TEST

static void
cut (void)
{
  ck_assert_int_eq (truncate ("tree/file", 300000), 0);
}

static void
extend (void)
{
  ck_assert_int_eq (truncate ("tree/file", 5000000), 0);
}

/* The size is looked at when the file is opened; the first report comes after
 * the first 256 KiB. */
START_TEST (a_file_that_changes_has_the_size_that_was_seen)
{
  struct tree_needs needs;

  fill_file ("tree/file", 1000000);
  ck_assert_int_eq (vms_tree_measure (&work, "tree", "tree", &needs), 0);
  calls = 0;
  at_first_call = _i ? extend : cut;
  ck_assert_int_eq (make_fs ("fs", 16 * MIB, &needs), 0);
  at_first_call = NULL;
  output_of ("e2fsck -fn fs 2>&1");
  HAS (debugfs ("stat file"), "Size: 1000000");
  debugfs ("dump file out");
  output_of ("cmp -n %d tree/file out", _i ? 1000000 : 300000);
  if (!_i) /* and nothing else after that */
    output_of ("tail -c +300001 out | cmp -n 700000 - /dev/zero");
}
END_TEST

START_TEST (too_small_a_file_system_is_said_to_be)
{
  struct tree_needs needs;

  fill_file ("tree/file", 8000000);
  ck_assert_int_eq (vms_tree_measure (&work, "tree", "tree", &needs), 0);
  ck_assert_int_eq (make_fs ("fs", 4 * MIB, &needs), -ENOSPC);
  ck_assert_ptr_nonnull (unit_finding (diag, "tree.no-space"));
}
END_TEST

START_TEST (a_link_longer_than_a_block_is_refused)
{
  char target[2000];

  memset (target, 'x', sizeof target);
  target[sizeof target - 1] = '\0';
  ck_assert_int_eq (symlink (target, "tree/link"), 0);
  block_size = 1024;
  expect (-ENAMETOOLONG, "tree.link-too-long");
  block_size = 0;
}
END_TEST

START_TEST (a_file_larger_than_ext4_has_is_refused)
{
  make_file ("tree/file", 0644, "");
  ck_assert_int_eq (truncate ("tree/file", (off_t) (5 * MIB * MIB)), 0);
  block_size = 1024;
  expect (-EFBIG, "tree.file-too-large");
  block_size = 0;
}
END_TEST

/* A file system of memory has no limit of its own. */
START_TEST (too_many_names_of_a_file_are_refused)
{
  char top[] = "/dev/shm/vmspec-test.XXXXXX", name[100], command[100];

  if (unit_is_watched () || !mkdtemp (top))
    return;
  ck_assert_int_eq (rmdir ("tree"), 0);
  ck_assert_int_eq (symlink (top, "tree"), 0);
  make_file ("tree/0", 0644, "");
  for (int i = 1; i <= 65000; i++) {
    snprintf (name, sizeof name, "tree/%d", i);
    ck_assert_int_eq (link ("tree/0", name), 0);
  }
  expect (-EMLINK, "tree.too-many-links");
  snprintf (command, sizeof command, "rm -rf %s", top);
  ck_assert_int_eq (system (command), 0);
}
END_TEST

START_TEST (a_file_system_without_extents_is_refused)
{
  struct ext2_super_block wanted = { .s_rev_level = EXT2_DYNAMIC_REV };
  struct ext4_tree tree = { .work = &work, .member = "tree", .tree = "tree" };
  ext2_filsys fs;

  make_file ("fs", 0644, "");
  ext2fs_blocks_count_set (&wanted, 4096);
  ck_assert_int_eq (
    ext2fs_initialize ("fs", 0, &wanted, unix_io_manager, &fs), 0);
  ck_assert_int_eq (vms_ext4_tree_fill (&tree, fs), -ENOTSUP);
  ck_assert_ptr_nonnull (unit_finding (diag, "tree.no-extents"));
  ext2fs_free (fs);
}
END_TEST

static int
move_away (void *data, struct tree_directory *in, const char *name,
           const struct stat *status)
{
  (void) data, (void) name, (void) status;
  return in->depth < 20 ? 0
                        : rename ("tree/d/d", "tree/moved") == 0 ? 0 : -errno;
}

START_TEST (a_directory_that_is_moved_meanwhile_is_noticed)
{
  const struct tree_walk walk = { .work = &work, .member = "tree",
                                  .tree = "tree", .visit = move_away };

  make_deep (40);
  make_file ("tree/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/f", 0644, "");
  ck_assert_int_eq (vms_tree_walk (&walk), -EBUSY);
  ck_assert_str_eq (unit_finding (diag, "tree.changed")->text,
                    "tree/d was moved while it was read; leave the tree alone "
                    "until the work is done");
}
END_TEST

/* ---- walks --------------------------------------------------------------- */

static char walked[4096];
static int most_descriptors;

static int
note (const char *what, const struct tree_directory *in, const char *name)
{
  const struct tree_walk walk = { .work = &work, .tree = "tree" };
  size_t used = strlen (walked);
  int descriptors = unit_descriptors ();

  snprintf (walked + used, sizeof walked - used, "%s %d %s\n", what, in->depth,
            vms_tree_path (&walk, in, name));
  if (descriptors > most_descriptors)
    most_descriptors = descriptors;
  return 0;
}

static int
note_enter (void *data, struct tree_directory *directory,
            const struct stat *status)
{
  const size_t *room = directory->own;

  ck_assert_uint_eq (room[0] | room[1], 0);
  ck_assert_ptr_eq (data, walked);
  ck_assert (S_ISDIR (status->st_mode));
  ck_assert_uint_eq (status->st_ino, directory->inode);
  ck_assert_uint_eq (status->st_dev, directory->device);
  return note ("enter", directory, NULL);
}

static int
note_leave (void *data UNUSED, struct tree_directory *directory)
{
  return note ("leave", directory, NULL);
}

static int
note_visit (void *data UNUSED, struct tree_directory *in, const char *name,
            const struct stat *status)
{
  ck_assert (!S_ISDIR (status->st_mode));
  return note ("visit", in, name);
}

static const struct tree_walk noting = {
  .work = &work, .member = "tree", .tree = "tree", .data = walked,
  .own_size = 2 * sizeof (size_t), .enter = note_enter, .leave = note_leave,
  .visit = note_visit,
};

START_TEST (a_walk_goes_deep_first_by_the_bytes_of_names)
{
  static const char *const directories[]
    = { "tree/b", "tree/b/..a", "tree/b/..a/c", "tree/empty", "tree/\xff" };
  static const char *const names[]
    = { "tree/.a", "tree/...", "tree/..b", "tree/a",
        "tree/B", "tree/b!", "tree/b/..a/c/file", "tree/b/z", "tree/z" };

  for (size_t i = 0; i < COUNT (directories); i++)
    ck_assert_int_eq (mkdir (directories[i], 0700), 0);
  for (size_t i = 0; i < COUNT (names); i++)
    make_file (names[i], 0600, "");
  ck_assert_int_eq (symlink ("b", "tree/c"), 0);
  walked[0] = '\0';
  ck_assert_int_eq (vms_tree_walk (&noting), 0);
  ck_assert_str_eq (walked, "enter 0 tree\n"
                            "visit 0 tree/...\n"
                            "visit 0 tree/..b\n"
                            "visit 0 tree/.a\n"
                            "visit 0 tree/B\n"
                            "visit 0 tree/a\n"
                            "enter 1 tree/b\n"
                            "enter 2 tree/b/..a\n"
                            "enter 3 tree/b/..a/c\n"
                            "visit 3 tree/b/..a/c/file\n"
                            "leave 3 tree/b/..a/c\n"
                            "leave 2 tree/b/..a\n"
                            "visit 1 tree/b/z\n"
                            "leave 1 tree/b\n"
                            "visit 0 tree/b!\n"
                            "visit 0 tree/c\n"
                            "enter 1 tree/empty\n"
                            "leave 1 tree/empty\n"
                            "visit 0 tree/z\n"
                            "enter 1 tree/\xff\n"
                            "leave 1 tree/\xff\n"
                            "leave 0 tree\n");
}
END_TEST

/* The one where it is, and fifteen above it. */
START_TEST (a_walk_keeps_few_directories_open)
{
  make_deep (40);
  walked[0] = '\0';
  most_descriptors = 0;
  ck_assert_int_eq (vms_tree_walk (&noting), 0);
  ck_assert_int_eq (most_descriptors, unit_descriptors () + 16);
}
END_TEST

START_TEST (a_walk_may_call_nothing)
{
  struct tree_walk walk = { .work = &work, .tree = "tree", .member = "tree" };

  make_file ("tree/file", 0600, "");
  ck_assert_int_eq (vms_tree_walk (&walk), 0);
  walk.visit = note_visit;
  walked[0] = '\0';
  ck_assert_int_eq (vms_tree_walk (&walk), 0);
  ck_assert_str_eq (walked, "visit 0 tree/file\n");
  ck_assert_uint_eq (vmspec_diag_count (diag), 0);
}
END_TEST

START_TEST (data_is_found_between_holes)
{
  static const struct {
    uint64_t start, end; /* in blocks of 4 KiB */
    int is_data;
    uint64_t data_start, data_end;
  } pieces[] = {
    { 0, 100, 1, 10, 12 }, { 10, 100, 1, 10, 12 }, { 11, 100, 1, 11, 12 },
    { 12, 100, 1, 40, 41 }, { 0, 11, 1, 10, 11 }, { 0, 12, 1, 10, 12 },
    { 0, 10, 0, 0, 10 }, { 0, 9, 0, 0, 9 }, { 41, 100, 0, 41, 100 },
    { 100, 100, 0, 100, 100 }, { 40, 41, 1, 40, 41 }, { 12, 40, 0, 12, 40 },
  };
  int fd;

  write_piece ("file", 10 * 4096, 2 * 4096);
  write_piece ("file", 40 * 4096, 4096);
  ck_assert_int_eq (truncate ("file", 100 * 4096), 0);
  fd = open ("file", O_RDONLY | O_CLOEXEC);
  ck_assert_int_ge (fd, 0);
  for (size_t i = 0; i < COUNT (pieces); i++) {
    uint64_t start = pieces[i].start * 4096, end = pieces[i].end * 4096;

    ck_assert_int_eq (vms_tree_next_data (fd, &start, &end), pieces[i].is_data);
    ck_assert_uint_eq (start, pieces[i].data_start * 4096);
    ck_assert_uint_eq (end, pieces[i].data_end * 4096);
  }
  close (fd);
}
END_TEST

START_TEST (files_are_known_by_device_and_inode)
{
  struct tree_links links = { 0 };

  for (unsigned round = 0; round < 2; round++)
    for (unsigned i = 0; i < 1000; i++) {
      const struct stat status = { .st_dev = i % 3, .st_ino = i / 3 };
      struct tree_link *link = vms_tree_link (&links, &status);

      ck_assert_ptr_nonnull (link);
      ck_assert_uint_eq (link->value, round * (i + 1));
      link->value = i + 1;
    }
  vms_tree_links_free (&links);
  ck_assert_ptr_null (links.root);
  vms_tree_links_free (&links);
}
END_TEST

/* ---- sizes, progress ----------------------------------------------------- */

static void
make_mixture (void)
{
  char name[80];

  for (int i = 0; i < 200; i++) {
    if (i % 50 == 0) {
      snprintf (name, sizeof name, "tree/d%d", i / 50);
      ck_assert_int_eq (mkdir (name, 0755), 0);
    }
    snprintf (name, sizeof name, "tree/d%d/%d", i / 50, i);
    fill_file (name, (size_t) i * 500);
  }
}

START_TEST (the_same_tree_gives_the_same_bytes)
{
  make_mixture ();
  must_make ("one");
  must_make ("two");
  output_of ("cmp one two");
}
END_TEST

static struct tree_needs
measured (void)
{
  struct tree_needs needs;
  int r = vms_tree_measure (&work, "tree", "tree", &needs);

  ck_assert_msg (r == 0, "%s%s", strerror (-r), unit_findings (diag));
  return needs;
}

/* What is in the tree takes more than an empty one. */
static void
takes (uint64_t bytes, uint64_t files, uint64_t blocks)
{
  struct tree_needs needs = measured ();

  ck_assert_uint_eq (needs.bytes, bytes);
  ck_assert_uint_eq (needs.files, 16 + 1 + files);
  ck_assert_uint_eq (needs.blocks, 8 + 1 + blocks);
}

START_TEST (content_takes_whole_blocks)
{
  takes (0, 0, 0);
  fill_file ("tree/0", 0);
  takes (0, 1, 0);
  fill_file ("tree/1", 1);
  takes (4096, 2, 0);
  fill_file ("tree/4096", 4096);
  takes (8192, 3, 0);
  fill_file ("tree/4097", 4097);
  takes (16384, 4, 0);
  ck_assert_int_eq (link ("tree/4097", "tree/same"), 0);
  takes (16384, 4, 0);
  ck_assert_int_eq (mkfifo ("tree/fifo", 0600), 0);
  takes (16384, 5, 0);
  ck_assert_int_eq (mkdir ("tree/directory", 0700), 0);
  takes (16384, 6, 1);
}
END_TEST

START_TEST (a_link_takes_a_block_from_sixty_bytes_on)
{
  char target[61];

  memset (target, 'x', sizeof target);
  target[59] = '\0';
  ck_assert_int_eq (symlink (target, "tree/short"), 0);
  takes (0, 1, 0);
  target[59] = 'x';
  target[60] = '\0';
  ck_assert_int_eq (symlink (target, "tree/long"), 0);
  takes (0, 2, 1);
}
END_TEST

START_TEST (attributes_take_a_block)
{
  fill_file ("tree/file", 1);
  takes (4096, 1, 0);
  set_attribute ("tree/file", "user.one", "1", 1);
  set_attribute ("tree/file", "user.two", "2", 1);
  takes (4096, 1, 1);
  set_attribute ("tree", "user.top", "3", 1);
  takes (4096, 1, 2);
}
END_TEST

/* A few pieces stand in the inode; more, with what a file with holes has at its end,
 * take a block for each eighty.  A file breaks after each 8 MiB besides. */
START_TEST (pieces_of_files_take_blocks)
{
  static const struct {
    uint64_t size;
    unsigned pieces; /* of 4 KiB */
    uint64_t blocks;
  } files[] = {
    { MIB, 0, 0 }, { MIB, 1, 0 }, { MIB, 2, 1 }, { 6 * MIB, 78, 1 },
    { 6 * MIB, 79, 2 }, { 8 * MIB - 4096, 1, 0 }, { 8 * MIB, 1, 1 },
    { 624 * MIB - 4096, 1, 1 }, { 624 * MIB, 1, 2 },
  };
  static const struct {
    uint64_t size, hole, blocks;
  } full[] = {
    { 8 * MIB, 0, 0 }, { 8 * MIB, 4096, 1 }, { 16 * MIB - 4096, 0, 0 },
    { 16 * MIB, 0, 1 },
  };

  for (size_t i = 0; i < COUNT (files); i++) {
    write_piece ("tree/file", 0, 0);
    for (unsigned n = 0; n < files[i].pieces; n++)
      write_piece ("tree/file", n * 65536, 4096);
    ck_assert_int_eq (truncate ("tree/file", (off_t) files[i].size), 0);
    takes (files[i].pieces * 4096, 1, files[i].blocks);
    ck_assert_int_eq (unlink ("tree/file"), 0);
  }
  for (size_t i = 0; i < COUNT (full); i++) {
    write_piece ("tree/file", full[i].hole, full[i].size - full[i].hole);
    takes (full[i].size - full[i].hole, 1, full[i].blocks);
    ck_assert_int_eq (unlink ("tree/file"), 0);
  }
}
END_TEST

/* Names of three bytes take 12 in a directory's block, those of nine 20: with 79 and
 * one, a block of 1 KiB is full that has ".", ".." and "lost+found" too. */
START_TEST (names_take_blocks_of_their_directory)
{
  static const struct {
    unsigned short_names, long_size;
  } blocks[] = { { 79, 9 }, { 83, 5 }, { 83, 5 }, { 83, 5 } };
  char name[40];
  unsigned n = 0;

  for (size_t i = 0; i < COUNT (blocks); i++) {
    for (unsigned j = 0; j < blocks[i].short_names; j++) {
      snprintf (name, sizeof name, "tree/%c%02u", (char) ('a' + i), j);
      make_file (name, 0644, "");
    }
    snprintf (name, sizeof name, "tree/%cz%0*u", (char) ('a' + i),
              (int) blocks[i].long_size - 2, 0);
    make_file (name, 0644, "");
    n += blocks[i].short_names + 1;
  }
  takes (0, n, 0);
  make_file ("tree/z", 0644, "");
  takes (0, n + 1, 1);
}
END_TEST

START_TEST (only_the_first_unreadable_files_are_named)
{
  int status;
  pid_t pid;

  for (int i = 0; i < 12; i++) {
    char name[20];

    snprintf (name, sizeof name, "tree/%d", i);
    make_file (name, 0000, "secret");
  }
  ck_assert_int_eq (chmod (scratch, 0777), 0);
  pid = fork ();
  if (pid == 0) {
    struct tree_needs needs;
    int r;

    be_nobody ();
    r = vms_tree_measure (&work, "tree", "tree", &needs);
    _exit (r == -EACCES ? (int) vmspec_diag_count (diag) : 99);
  }
  ck_assert_int_eq (waitpid (pid, &status, 0), pid);
  ck_assert_int_eq (status, 10 << 8);
}
END_TEST

/* The most content that a size has room for; with one byte more it is the next
 * size. */
START_TEST (a_size_is_the_next_mebibyte_that_holds_everything)
{
  static const struct {
    uint64_t files, content, size, next; /* sizes in MiB */
  } rows[] = {
    { 0, 3706880, 8, 9 },
    { 0, 27447296, 31, 34 },
    { 20000, 52180992, 60, 61 },
    { 16, 92405760, 100, 101 },
    { 0, 118929408, 127, 133 },
    { 0, 244154368, 255, 260 },
    { 200000, 245866496, 300, 301 },
    { 0, 366694400, 384, 385 },
    { 0, 491202560, 511, 512 },
    { 0, 492316672, 512, 513 },
    { 1000000, 355004416, 600, 601 },
    { 0, 641843200, 640, 641 },
    { 0, 642875392, 641, 642 },
    { 0, 1036079104, 1023, 1040 },
    { 0, 1283842048, 1281, 1282 },
    { 0, 2072453120, 2047, 2080 },
    { 0, 3354849280, 3328, 3329 },
    { 0, 8348405760, 8191, 8192 },
    { 0, 8350453760, 8193, 8194 },
    { 0, 16794615808, 16383, 16449 },
    { 0, 33632534528, 32767, 32898 },
    { 0, 67312558080, 65535, 65796 },
    { 0, 134672506880, 131071, 131592 },
    { 30000000, 205903556608, 204800, 204801 },
    { 0, 1081033711616, 1048576, 1048577 },
    { 0, 1319874895872, 1279999, 1280000 },
    { 0, 1319876943872, 1280001, 1280002 },
    { 0, 1320007000064, 1280127, 1280203 },
    { 0, 1320013127680, 1280208, 1280209 },
    { 0, 17313645944832, 16777216, 16777217 },
  };

  for (size_t i = 0; i < COUNT (rows); i++) {
    struct tree_needs needs = { .bytes = rows[i].content - 2 * 4096 - 1,
                                .blocks = 2, .files = rows[i].files };

    ck_assert_uint_eq (vms_tree_file_system_size (&needs, 1),
                       rows[i].size * MIB);
    ck_assert_uint_eq (vms_tree_file_system_size (&needs, 2),
                       rows[i].next * MIB);
  }
}
END_TEST

START_TEST (additional_space_is_left_free)
{
  static const uint64_t spaces[] = { 0, 1, 100 * MIB, 3000 * MIB };

  make_mixture ();
  for (size_t i = 0; i < COUNT (spaces); i++) {
    struct tree_needs needs;
    uint64_t size;
    const char *free_blocks;

    ck_assert_int_eq (vms_tree_measure (&work, "tree", "tree", &needs), 0);
    size = vms_tree_file_system_size (&needs, spaces[i]);
    ck_assert_uint_le (size, (needs.bytes + spaces[i]) * 5 / 4 + 40 * MIB);
    ck_assert_int_eq (make_fs ("fs", size, &needs), 0);
    free_blocks = output_of (
      "dumpe2fs -h fs 2> /dev/null | awk '/^Free blocks:/ { f = $3 } "
      "/^Block size:/ { printf \"%%.0f\", f * $3 }'");
    ck_assert_uint_ge (strtoull (free_blocks, NULL, 10), spaces[i]);
  }
}
END_TEST

START_TEST (what_is_free_can_be_known_before)
{
  static const unsigned char uuid[16] = { 1 };
  const struct ext4_setup setup = { .size = 64 * MIB, .uuid = uuid,
                                    .hash_seed = uuid, .time = TIME };
  uint64_t bytes, inodes;

  ck_assert_int_eq (vms_ext4_room (&work, &setup, &bytes, &inodes), 0);
  ck_assert_uint_gt (bytes, 40 * MIB);
  ck_assert_uint_lt (bytes, 64 * MIB);
  ck_assert_uint_gt (inodes, 1000);
  ck_assert_uint_eq (vmspec_diag_count (diag), 0);
}
END_TEST

/* Each report is as far as the content that is written; the last is repeated when
 * the file has its name. */
START_TEST (progress_follows_the_bytes)
{
  static const uint64_t expected[]
    = { 0, 0, 262144, 524288, 602112, 602112 };
  struct tree_needs needs;

  fill_file ("tree/file", 600000);
  needs = measured ();
  ck_assert_uint_eq (calls, 2);
  block_size = 4096;
  ck_assert_int_eq (make_fs ("fs", 16 * MIB, &needs), 0);
  ck_assert_uint_eq (calls, COUNT (expected));
  ck_assert_mem_eq (reports, expected, sizeof expected);
  /* Something was done before; and more cannot be done than there is. */
  calls = 0;
  done_before = 100000;
  ck_assert_int_eq (make_fs ("fs", 16 * MIB, &needs), 0);
  block_size = 0;
  done_before = 0;
  ck_assert_uint_eq (calls, 4);
  ck_assert_uint_eq (reports[0], 362144);
  ck_assert_uint_eq (reports[1], 602112);
  ck_assert_uint_eq (reports[3], 602112);
}
END_TEST

START_TEST (every_report_may_be_the_last)
{
  unsigned total;

  make_mixture ();
  must_make ("fs");
  total = calls;
  ck_assert_uint_gt (total, 200);
  for (unsigned i = 1; i <= total; i += total / unit_rounds (40) + 1) {
    calls = 0;
    cancel_at = i;
    ck_assert_int_eq (make ("fs"), -ECANCELED);
    ck_assert_uint_eq (calls, i);
  }
  ck_assert_uint_eq (vmspec_diag_count (diag), 0);
}
END_TEST

int
main (void)
{
  TCase *tcase = unit_case ("tree");

  tcase_add_checked_fixture (tcase, set_up, tear_down);
  tcase_add_test (tcase, files_of_every_size_come_out_as_they_went_in);
  tcase_add_test (tcase, modes_and_owners_are_kept);
  tcase_add_test (tcase, symbolic_links_short_and_long_are_kept);
  tcase_add_test (tcase, devices_fifos_and_sockets_are_kept);
  tcase_add_test (tcase, nothing_stands_between_an_end_and_the_next_block);
  tcase_add_test (tcase, hard_links_are_one_inode);
  tcase_add_test (tcase, times_are_kept_beyond_2038_and_before_1970);
  tcase_add_test (tcase, holes_stay_holes);
  tcase_add_test (tcase, extended_attributes_are_kept);
  tcase_add_test (tcase, attributes_that_are_too_large_are_refused);
  tcase_add_test (tcase, large_directories_are_complete);
  tcase_add_test (tcase, names_of_every_length_fit);
  tcase_add_test (tcase, deep_trees_are_complete);
  tcase_add_test (tcase, lost_and_found_is_one_directory);
  tcase_add_test (tcase, lost_and_found_may_be_anything_elsewhere);
  tcase_add_test (tcase, lost_and_found_must_be_a_directory);
  tcase_add_test (tcase, unreadable_files_are_named);
  tcase_add_test (tcase, a_tree_that_is_missing_is_named);
  tcase_add_loop_test (tcase, a_file_that_changes_has_the_size_that_was_seen, 0,
                       2);
  tcase_add_test (tcase, too_small_a_file_system_is_said_to_be);
  tcase_add_test (tcase, a_link_longer_than_a_block_is_refused);
  tcase_add_test (tcase, a_file_larger_than_ext4_has_is_refused);
  tcase_add_test (tcase, too_many_names_of_a_file_are_refused);
  tcase_add_test (tcase, a_file_system_without_extents_is_refused);
  tcase_add_test (tcase, a_directory_that_is_moved_meanwhile_is_noticed);
  tcase_add_test (tcase, a_walk_goes_deep_first_by_the_bytes_of_names);
  tcase_add_test (tcase, a_walk_keeps_few_directories_open);
  tcase_add_test (tcase, a_walk_may_call_nothing);
  tcase_add_test (tcase, data_is_found_between_holes);
  tcase_add_test (tcase, files_are_known_by_device_and_inode);
  tcase_add_test (tcase, the_same_tree_gives_the_same_bytes);
  tcase_add_test (tcase, content_takes_whole_blocks);
  tcase_add_test (tcase, a_link_takes_a_block_from_sixty_bytes_on);
  tcase_add_test (tcase, attributes_take_a_block);
  tcase_add_test (tcase, pieces_of_files_take_blocks);
  tcase_add_test (tcase, names_take_blocks_of_their_directory);
  tcase_add_test (tcase, only_the_first_unreadable_files_are_named);
  tcase_add_test (tcase, a_size_is_the_next_mebibyte_that_holds_everything);
  tcase_add_test (tcase, additional_space_is_left_free);
  tcase_add_test (tcase, what_is_free_can_be_known_before);
  tcase_add_test (tcase, progress_follows_the_bytes);
  tcase_add_test (tcase, every_report_may_be_the_last);
  return unit_run ("tree", tcase);
}
