/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "output.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* ---- temporary names ---------------------------------------------------- *
 *
 * ".NAME.vmspec-" and 16 random digits.  A name near the limit is shortened.
 */

#define MARK ".vmspec-"
#define DIGITS "0123456789abcdef"
#define DIGIT_COUNT 16
#define LONGEST_STEM (NAME_MAX - 1 - (sizeof MARK - 1) - DIGIT_COUNT)
/* Others take the file for a leftover, or have its name, by rare chance. */
#define ATTEMPTS 100

static int
stem_size (const char *name)
{
  return (int) strnlen (name, LONGEST_STEM);
}

static void
make_temporary_name (struct output *output)
{
  struct timespec now;
  uint64_t number;

  /* Before the kernel has randomness, what differs each time will do: a name
   * that is taken is not used. */
  if (getrandom (&number, sizeof number, GRND_NONBLOCK) != sizeof number) {
    clock_gettime (CLOCK_MONOTONIC, &now);
    number = ((uint64_t) getpid () << 32 ^ (uint64_t) now.tv_sec << 30
              ^ (uint64_t) now.tv_nsec) * 0x9e3779b97f4a7c15u;
  }
  snprintf (output->temporary, sizeof output->temporary, ".%.*s" MARK "%016llx",
            stem_size (output->name), output->name,
            (unsigned long long) number);
}

static int
is_temporary_name (const struct output *output, const char *entry)
{
  size_t stem = (size_t) stem_size (output->name), mark = strlen (MARK);

  return *entry == '.' && !strncmp (entry + 1, output->name, stem)
         && !strncmp (entry + 1 + stem, MARK, mark)
         && strlen (entry) == 1 + stem + mark + DIGIT_COUNT
         && strspn (entry + 1 + stem + mark, DIGITS) == DIGIT_COUNT;
}

/* Removes a file that its writer left when it died.  A living one has it
 * locked. */
static void
remove_if_left (const struct output *output, const char *entry)
{
  const int flags = O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
  struct stat status;
  int fd = TEMP_FAILURE_RETRY (openat (output->directory, entry,
                                       O_RDWR | flags));

  /* Some file systems lock only what could be written to. */
  if (fd < 0 && errno == EACCES)
    fd = TEMP_FAILURE_RETRY (openat (output->directory, entry,
                                     O_RDONLY | flags));
  if (fd < 0)
    return;
  if (fstat (fd, &status) == 0 && S_ISREG (status.st_mode)
      && flock (fd, LOCK_EX | LOCK_NB) == 0)
    (void) unlinkat (output->directory, entry, 0);
  close (fd);
}

/* The directory's own descriptor is only for finding files. */
static int
open_to_read (const struct output *output)
{
  return TEMP_FAILURE_RETRY (
    openat (output->directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
}

static void
remove_leftovers (const struct output *output)
{
  int fd = open_to_read (output);
  DIR *directory = fd < 0 ? NULL : fdopendir (fd);

  if (!directory) {
    if (fd >= 0)
      close (fd);
    return;
  }
  for (struct dirent *entry; (entry = readdir (directory));)
    if (is_temporary_name (output, entry->d_name))
      remove_if_left (output, entry->d_name);
  closedir (directory);
}

/* Where there are no locks, nobody takes the file for a leftover. */
static int
lock (int fd)
{
  return TEMP_FAILURE_RETRY (flock (fd, LOCK_EX)) == 0 || errno == ENOLCK
             || errno == EOPNOTSUPP || errno == ENOSYS || errno == EINVAL
           ? 0 : -errno;
}

/* -EEXIST: try again. */
static int
try_to_open_named (struct output *output, unsigned mode)
{
  struct stat status;
  int r;

  make_temporary_name (output);
  output->fd = TEMP_FAILURE_RETRY (
    openat (output->directory, output->temporary,
            O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, mode));
  if (output->fd < 0) {
    r = -errno;
    *output->temporary = '\0'; /* not ours */
    return r;
  }
  r = lock (output->fd);
  if (r < 0)
    return r;
  /* Somebody may have taken it for a leftover before it was locked. */
  if (fstatat (output->directory, output->temporary, &status,
               AT_SYMLINK_NOFOLLOW) == 0)
    return 0;
  if (errno != ENOENT)
    return -errno;
  close (output->fd);
  output->fd = -1;
  return -EEXIST;
}

static int
open_named (struct output *output, unsigned mode)
{
  int r = -EEXIST;

  remove_leftovers (output);
  for (int i = 0; r == -EEXIST && i < ATTEMPTS; i++)
    r = try_to_open_named (output, mode);
  return r == -EEXIST ? -EBUSY : r;
}

static int
open_nameless (struct output *output, unsigned mode)
{
  /* Without it the file could not get its name (link_nameless). */
  if (access ("/proc/self/fd", F_OK) < 0)
    return -EOPNOTSUPP;
  output->fd = TEMP_FAILURE_RETRY (openat (output->directory, ".", O_RDWR
                                             | O_TMPFILE | O_CLOEXEC, mode));
  return output->fd < 0 ? -errno : 0;
}

/* Of file systems, and of kernels, that have never heard of it. */
static int
needs_name (int error)
{
  return error == -EOPNOTSUPP || error == -EISDIR || error == -EINVAL
         || error == -ENOENT;
}

/* ---- opening ------------------------------------------------------------ */

static int
open_directory (struct output *output, struct work *work)
{
  const char *slash = strrchr (output->path, '/');
  const char *directory = ".";
  int r;

  if (slash)
    directory = vms_arena_copy (work->arena, output->path,
                                slash == output->path
                                  ? 1 : (size_t) (slash - output->path));
  if (!directory)
    return -ENOMEM;
  output->name = slash ? slash + 1 : output->path;
  output->directory = TEMP_FAILURE_RETRY (open (directory, O_PATH | O_DIRECTORY
                                                             | O_CLOEXEC));
  if (output->directory >= 0)
    return 0;
  r = -errno;
  return vms_work_fail (work, r, "image.directory", "file",
                        "%s cannot be made, for its directory %s cannot be entered "
                        "(%s); make the directory, or name another file",
                        output->path, directory, strerrordesc_np (-r));
}

static int
say_failed (const struct output *output, struct work *work, int error)
{
  return vms_work_fail (work, error, "image.failed", "file",
                        "%s cannot be made: %s", output->path,
                        strerrordesc_np (-error));
}

static int
leads_nowhere (const struct output *output)
{
  struct stat file;

  return fstatat (output->directory, output->name, &file, 0) < 0
         && (errno == ENOENT || errno == ELOOP || errno == ENOTDIR);
}

/* The writer of what exists may have died between giving it this name and
 * taking the other one away; others, while they wrote the same. */
static void
tidy (struct output *output)
{
  struct stat status;
  int has_two_names
    = fstatat (output->directory, output->name, &status, AT_SYMLINK_NOFOLLOW)
        == 0 && S_ISREG (status.st_mode) && status.st_nlink > 1;
  int r = has_two_names ? 0 : open_nameless (output, 0600);

  if (has_two_names || needs_name (r))
    remove_leftovers (output);
  if (output->fd >= 0)
    close (output->fd);
  output->fd = -1;
}

void
vms_output_tidy (struct work *work, const char *path)
{
  struct output output = { -1, -1, .path = path };
  struct work silent = *work;

  silent.diag = NULL;
  if (open_directory (&output, &silent) == 0)
    tidy (&output);
  vms_output_close (&output);
}

/* What has the name already. */
static int
refuse_existing (struct output *output, struct work *work)
{
  struct stat status;

  if (fstatat (output->directory, output->name, &status, AT_SYMLINK_NOFOLLOW)
      < 0)
    return errno == ENOENT ? 0 : say_failed (output, work, -errno);
  if (S_ISLNK (status.st_mode) && leads_nowhere (output))
    return vms_work_fail (work, -ELOOP, "image.dangling-link", "file",
                          "%s is a symbolic link that leads nowhere; remove it, or "
                          "name the file that it should lead to", output->path);
  tidy (output);
  if (work->may_exist)
    return -EEXIST;
  return vms_work_fail (work, -EEXIST, "image.exists", "file",
                        "%s exists, and nothing is ever overwritten; remove it, or "
                        "name another file", output->path);
}

static int
open_file (struct output *output, struct work *work, unsigned mode)
{
  int r = !*output->name    ? say_failed (output, work, -EISDIR)
          : output->replaces ? 0 : refuse_existing (output, work);

  if (r < 0)
    return r;
  /* What has no name can only get one that is free. */
  r = output->replaces ? -EOPNOTSUPP : open_nameless (output, mode);
  if (needs_name (r))
    r = open_named (output, mode);
  return r < 0 ? say_failed (output, work, r) : 0;
}

static int
open_path (struct output *output, struct work *work, unsigned mode)
{
  int r = open_directory (output, work);

  if (r == 0)
    r = open_file (output, work, mode);
  if (r < 0)
    vms_output_close (output);
  return r;
}

int
vms_output_open (struct output *output, struct work *work, const char *path,
                 unsigned mode)
{
  *output = (struct output) { .fd = -1, .directory = -1, .path = path };
  return open_path (output, work, mode);
}

int
vms_output_open_anew (struct output *output, struct work *work,
                      const char *path, unsigned mode)
{
  *output = (struct output) { -1, -1, .path = path, .replaces = 1 };
  return open_path (output, work, mode);
}

/* ---- the name ----------------------------------------------------------- */

/* By the descriptor's own name in /proc, which unlike AT_EMPTY_PATH takes no
 * privilege. */
static int
link_nameless (const struct output *output)
{
  char source[64];

  snprintf (source, sizeof source, "/proc/self/fd/%d", output->fd);
  if (linkat (AT_FDCWD, source, output->directory, output->name,
              AT_SYMLINK_FOLLOW) == 0
      || (errno == ENOENT
          && linkat (output->fd, "", output->directory, output->name,
                     AT_EMPTY_PATH) == 0))
    return 0;
  return -errno;
}

/* In one move where the file system can; otherwise it has both names for a
 * moment, and refuse_existing knows. */
static int
rename_named (struct output *output)
{
  if (renameat2 (output->directory, output->temporary, output->directory,
                 output->name, output->replaces ? 0 : RENAME_NOREPLACE) < 0) {
    if (output->replaces || (errno != EINVAL && errno != ENOSYS))
      return -errno;
    if (linkat (output->directory, output->temporary, output->directory,
                output->name, 0) < 0)
      return -errno;
    (void) unlinkat (output->directory, output->temporary, 0);
  }
  *output->temporary = '\0';
  return 0;
}

static int
sync_file (int fd)
{
  return TEMP_FAILURE_RETRY (fsync (fd)) < 0 ? -errno : 0;
}

/* O_PATH descriptors cannot be synced.  Who may write to a directory may still
 * not read it. */
static int
sync_directory (const struct output *output)
{
  int fd = open_to_read (output), r;

  if (fd < 0 && errno == EACCES)
    return syncfs (output->fd) < 0 ? -errno : 0;
  if (fd < 0)
    return -errno;
  r = sync_file (fd);
  close (fd);
  /* Some file systems have nothing to sync. */
  return r == -EINVAL || r == -EOPNOTSUPP ? 0 : r;
}

int
vms_output_commit (struct output *output, struct work *work)
{
  int r = work->sync ? sync_file (output->fd) : 0;

  if (r == 0)
    r = *output->temporary ? rename_named (output) : link_nameless (output);
  if (r < 0)
    return r == -EEXIST ? r : say_failed (output, work, r);
  output->is_named = 1;
  r = work->sync ? sync_directory (output) : 0;
  if (r < 0)
    vms_work_fail (work, r, "image.failed", "file",
                   "%s is made, but may be lost if the power fails now: %s",
                   output->path, strerrordesc_np (-r));
  return r;
}

void
vms_output_close (struct output *output)
{
  if (*output->temporary)
    (void) unlinkat (output->directory, output->temporary, 0);
  if (output->fd >= 0)
    close (output->fd);
  if (output->directory >= 0)
    close (output->directory);
  output->fd = output->directory = -1;
  *output->temporary = '\0';
}
