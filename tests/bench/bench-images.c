/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What images cost, and beside it in the same run what the start script's
 * programs cost that make the same.  Prints a table; doc/performance.md says how
 * to read it.
 *
 *     bench-images [ROUNDS [DIRECTORY]]
 *
 * Medians of ROUNDS (20), in turns, of files in DIRECTORY (the working one).
 */
#include <vmspec/vmspec.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define KIB 1024ull
#define MIB (KIB * 1024)
#define GIB (MIB * 1024)
#define TIB (GIB * 1024)

#define MOST_ROUNDS 1000

static unsigned rounds = 20;
static vmspec_diag *diag;

static void
die (const char *what)
{
  fprintf (stderr, "bench-images: %s: %s\n", what, strerror (errno));
  for (size_t i = 0; vmspec_diag_get (diag, i); i++)
    fprintf (stderr, "  %s\n", vmspec_diag_get (diag, i)->text);
  exit (1);
}

/* ---- measuring ---------------------------------------------------------- */

static double
vms_now_ms (void)
{
  struct timespec now;

  clock_gettime (CLOCK_MONOTONIC, &now);
  return (double) now.tv_sec * 1e3 + (double) now.tv_nsec / 1e6;
}

static int
by_size (const void *a, const void *b)
{
  const double *one = a, *other = b;

  return (*one > *other) - (*one < *other);
}

static double
median (double *times)
{
  qsort (times, rounds, sizeof *times, by_size);
  return rounds % 2 ? times[rounds / 2]
                    : (times[rounds / 2 - 1] + times[rounds / 2]) / 2;
}

static uint64_t
stored (const char *file)
{
  struct stat status;

  return stat (file, &status) == 0 ? (uint64_t) status.st_blocks * 512 : 0;
}

/* Bytes that this process has handed to write(2) and its like. */
static uint64_t
written (void)
{
  uint64_t bytes = 0;
  FILE *io = fopen ("/proc/self/io", "r");
  char line[80];

  while (io && fgets (line, sizeof line, io))
    sscanf (line, "wchar: %" SCNu64, &bytes);
  if (io)
    fclose (io);
  return bytes;
}

/* ---- theirs ------------------------------------------------------------- */

/* Words up to a NULL: started and waited for, without a shell. */
static void
command (const char *program, ...)
{
  char *words[32];
  size_t n = 0;
  posix_spawn_file_actions_t actions;
  va_list args;
  pid_t pid;
  int status;

  va_start (args, program);
  for (const char *word = program; word; word = va_arg (args, const char *))
    memcpy (&words[n++], &word, sizeof word);
  va_end (args);
  words[n] = NULL;
  posix_spawn_file_actions_init (&actions);
  posix_spawn_file_actions_addopen (&actions, 1, "/dev/null", O_WRONLY, 0);
  posix_spawn_file_actions_addopen (&actions, 2, "/dev/null", O_WRONLY, 0);
  errno = posix_spawnp (&pid, program, &actions, NULL, words, environ);
  posix_spawn_file_actions_destroy (&actions);
  if (errno || waitpid (pid, &status, 0) < 0 || status) {
    fprintf (stderr, "bench-images: %s failed\n", program);
    exit (1);
  }
}

#define COMMAND(...) command (__VA_ARGS__, (char *) NULL)

struct task {
  const char *name, *aim;
  struct vmspec_image image;
  struct vmspec_system_image system; /* if it has a tree */
  void (*theirs) (const struct task *task);
};

static const char *
size_text (const struct task *task)
{
  static char text[32];

  snprintf (text, sizeof text, "%" PRIu64, task->image.size);
  return text;
}

static void
pipeline (const struct task *task)
{
  unlink ("temp");
  COMMAND ("qemu-img", "create", "-f", "raw", "temp", size_text (task));
  COMMAND ("mkfs.ext4", "-L", "nixos", "temp");
  COMMAND ("qemu-img", "convert", "-f", "raw", "-O", "qcow2", "temp",
           "theirs");
  unlink ("temp");
}

static void
create (const struct task *task)
{
  COMMAND ("qemu-img", "create", "-f", "qcow2", "theirs", size_text (task));
}

static void
create_overlay (const struct task *task)
{
  (void) task;
  COMMAND ("qemu-img", "create", "-f", "qcow2", "-b", "base", "-F", "qcow2",
           "theirs");
}

/* As large as ours, which follows from the tree. */
static void
populate (const struct task *task)
{
  struct vmspec_image_info *info = NULL;
  char size[32];

  if (vmspec_image_info ("ours", VMSPEC_IMAGE_FORMAT_QCOW2, diag, &info) < 0)
    die ("the image cannot be read");
  snprintf (size, sizeof size, "%" PRIu64, info->virtual_size);
  vmspec_image_info_free (info);
  unlink ("temp");
  COMMAND ("qemu-img", "create", "-f", "raw", "temp", size);
  COMMAND ("mke2fs", "-t", "ext4", "-L", "nixos", "-d", task->system.tree,
           "temp");
  COMMAND ("qemu-img", "convert", "-f", "raw", "-O", "qcow2", "temp",
           "theirs");
  unlink ("temp");
}

/* ---- ours --------------------------------------------------------------- */

static void
ours (const struct task *task, uint32_t sync)
{
  const struct vmspec_work work = { VMSPEC_INIT (vmspec_work), .sync = sync };
  int r = task->system.tree
            ? vmspec_system_image (&task->system, &work, diag)
            : vmspec_image_create (&task->image, &work, diag);

  if (r < 0) {
    errno = -r;
    die (task->name);
  }
}

/* What a raw image of the same takes: the bytes that are not zero, in blocks. */
static uint64_t
least (const struct task *task)
{
  struct task raw = *task;
  uint64_t bytes;

  unlink ("raw");
  raw.image.format = raw.system.format = VMSPEC_IMAGE_FORMAT_RAW;
  raw.image.file = raw.system.file = "raw";
  ours (&raw, VMSPEC_OFF);
  bytes = stored ("raw");
  unlink ("raw");
  return bytes;
}

/* ---- the table ---------------------------------------------------------- */

static void
print_size (uint64_t bytes)
{
  if (bytes < MIB)
    printf ("%9.0f KiB", (double) bytes / KIB);
  else
    printf ("%9.2f MiB", (double) bytes / MIB);
}

static void
measure (const struct task *task)
{
  static double without[MOST_ROUNDS], with[MOST_ROUNDS], beside[MOST_ROUNDS];
  uint64_t bytes = 0, our_size = 0, their_size = 0;
  double a, b, c;

  for (unsigned i = 0; i < rounds; i++) {
    double start;

    unlink ("ours");
    start = vms_now_ms ();
    ours (task, VMSPEC_ON);
    with[i] = vms_now_ms () - start;
    unlink ("ours");
    bytes = written ();
    start = vms_now_ms ();
    ours (task, VMSPEC_OFF);
    without[i] = vms_now_ms () - start;
    bytes = written () - bytes;
    our_size = stored ("ours");
    unlink ("theirs");
    start = vms_now_ms ();
    task->theirs (task);
    beside[i] = vms_now_ms () - start;
    their_size = stored ("theirs");
  }
  unlink ("ours");
  unlink ("theirs");
  a = median (without);
  b = median (with);
  c = median (beside);
  printf ("%-24s %9.3f %9.3f %5.0f %% %10.2f %8.1f %8s  ", task->name, a, b,
          b > a ? (b - a) / b * 100 : 0, c, c / a, task->aim);
  print_size (bytes);
  if (!task->image.content && !task->system.tree)
    printf ("%13s", "-");
  else
    print_size (least (task));
  print_size (our_size);
  print_size (their_size);
  putchar ('\n');
  fflush (stdout);
}

static void
print_head (void)
{
  printf ("%-24s %9s %9s %7s %10s %8s %8s  %13s%13s%13s%13s\n", "", "ours",
          "ours with", "share", "theirs", "times", "aim", "bytes we", "at",
          "stored", "stored");
  printf ("%-24s %9s %9s %7s %10s %8s %8s  %13s%13s%13s%13s\n", "", "ms",
          "fsync, ms", "of it", "ms", "faster", "", "write", "least", "by us",
          "by them");
}

/* 20,000 files of up to 100 KiB in 200 directories: 1 GiB. */
static void
make_tree (const char *root)
{
  static char bytes[108 * 1024];
  unsigned state = 1;
  char path[100];

  for (size_t i = 0; i < sizeof bytes; i++)
    bytes[i] = (char) ((state = state * 1103515245u + 12345u) >> 16);
  if (mkdir (root, 0755) < 0)
    die (root);
  for (unsigned i = 0; i < 20000; i++) {
    size_t size = (state = state * 1103515245u + 12345u) % sizeof bytes;
    int fd;

    snprintf (path, sizeof path, "%s/%u", root, i / 100);
    if (i % 100 == 0 && mkdir (path, 0755) < 0)
      die (path);
    snprintf (path, sizeof path, "%s/%u/file-%u", root, i / 100, i);
    fd = open (path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (fd < 0 || write (fd, bytes + sizeof bytes - size, size) != (ssize_t) size)
      die (path);
    close (fd);
  }
}

#define IMAGE(...)                                                             \
  .image = { VMSPEC_INIT (vmspec_image), .file = "ours", __VA_ARGS__ }
#define EXT4 .content = VMSPEC_CONTENT_EXT4, .label = "nixos"

static const struct task tasks[] = {
  { "ext4 in qcow2, 1 GiB", "20", IMAGE (EXT4, .size = GIB),
    .theirs = pipeline },
  { "ext4 in qcow2, 100 GiB", "10", IMAGE (EXT4, .size = 100 * GIB),
    .theirs = pipeline },
  { "ext4 in qcow2, 1 TiB", "10", IMAGE (EXT4, .size = TIB),
    .theirs = pipeline },
  { "empty qcow2, 1 GiB", "20", IMAGE (.size = GIB), .theirs = create },
  { "empty qcow2, 1 TiB", "20", IMAGE (.size = TIB), .theirs = create },
  { "empty qcow2, 2 PiB", "20", IMAGE (.size = 2048 * TIB), .theirs = create },
  { "overlay on a qcow2", "20", IMAGE (.backing = "base"),
    .theirs = create_overlay },
  { "tree, 20,000 files, 1 GiB", "1",
    .system = { VMSPEC_INIT (vmspec_system_image), .file = "ours",
                .tree = "tree", .label = "nixos" },
    .theirs = populate },
};

static long
peak_kib (void)
{
  struct rusage usage;

  getrusage (RUSAGE_SELF, &usage);
  return usage.ru_maxrss;
}

int
main (int argc, char **argv)
{
  char directory[] = "bench.XXXXXX";

  if (argc > 1)
    rounds = (unsigned) strtoul (argv[1], NULL, 10);
  if (rounds < 1 || rounds > MOST_ROUNDS)
    rounds = 20;
  if (vmspec_diag_new (&diag) < 0 || (argc > 2 && chdir (argv[2]) < 0)
      || !mkdtemp (directory) || chdir (directory) < 0)
    die ("no place to work");
  make_tree ("tree");
  COMMAND ("qemu-img", "create", "-f", "qcow2", "base", "1G");
  printf ("Images, medians of %u:\n\n", rounds);
  print_head ();
  for (size_t i = 0; i < sizeof tasks / sizeof *tasks; i++)
    measure (&tasks[i]);
  printf ("\npeak memory of this process: %ld MiB\n", peak_kib () / 1024);
  if (chdir ("..") == 0)
    COMMAND ("rm", "-rf", directory);
  vmspec_diag_free (diag);
  return 0;
}
