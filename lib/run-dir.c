/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "run-dir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "copy.h"
#include "output.h"

/* ---- making ------------------------------------------------------------- */

/* With @may_exist, a directory that is there will do, also by a link. */
static int
make (const char *path, mode_t mode, int may_exist)
{
  struct stat status;

  if (mkdir (path, mode) == 0)
    return 0;
  if (!may_exist || errno != EEXIST)
    return -errno;
  if (stat (path, &status) < 0)
    return -errno;
  return S_ISDIR (status.st_mode) ? 0 : -ENOTDIR;
}

static int
path_below (const vmspec_plan *plan, const char *name, char path[PATH_MAX])
{
  int size = snprintf (path, PATH_MAX, "%s/%s", plan->decided.run, name);

  return size < PATH_MAX ? 0 : -ENAMETOOLONG;
}

/* What the guest is to see must belong to whoever starts it or owns the run
 * directory: where others can write, somebody may have put a link to elsewhere
 * in its place. */
static int
make_below (const vmspec_plan *plan, const char *name)
{
  struct stat run, status;
  char path[PATH_MAX];
  int r = path_below (plan, name, path);

  if (r == 0)
    r = make (path, 0755, 1);
  if (r < 0)
    return r;
  if (stat (plan->decided.run, &run) < 0 || lstat (path, &status) < 0)
    return -errno;
  if (!S_ISDIR (status.st_mode))
    return -ENOTDIR;
  return status.st_uid == geteuid () || status.st_uid == run.st_uid ? 0
                                                                    : -EPERM;
}

/* An old copy is replaced, not written into: it may be a link by now, or the
 * very file that is read. */
static int
copy_file (struct work *work, const char *from, const char *to)
{
  int in = TEMP_FAILURE_RETRY (open (from, O_RDONLY | O_CLOEXEC)), r;
  struct work silent = *work;
  struct output out;

  if (in < 0)
    return -errno;
  silent.diag = NULL;
  silent.sync = 0; /* it is made again each time */
  r = output_open_anew (&out, &silent, to, 0644);
  if (r == 0)
    r = copy_bytes (&silent, in, out.fd, 0);
  if (r == 0)
    r = output_commit (&out, &silent);
  output_close (&out);
  close (in);
  return r;
}

/* Without a bundle the guest has an empty directory, as with the script. */
static void
copy_certificates (const vmspec_plan *plan, struct work *work)
{
  const struct path option = { .name = "host_certs" };
  const char *from = plan->decided.certificates;
  char to[PATH_MAX];
  int r = path_below (plan, "certs/ca-certificates.crt", to);

  if (r == 0)
    r = from ? copy_file (work, from, to) : -ENOENT;
  if (r < 0)
    diag_add (work->diag, VMSPEC_SEVERITY_WARNING, "host-certs.missing",
              &option, NULL,
              "the guest gets no certificates (%s): NIX_SSL_CERT_FILE has to "
              "name the host's bundle, often "
              "/etc/ssl/certs/ca-certificates.crt", strerrordesc_np (-r));
}

/* Made by an earlier call, and not something that has taken its place since. */
static int
is_ours (const vmspec_plan *plan)
{
  struct stat status;

  return plan->made_run && lstat (plan->decided.run, &status) == 0
         && S_ISDIR (status.st_mode) && status.st_uid == geteuid ();
}

static int
say_failed (const vmspec_plan *plan, vmspec_diag *diag, int error)
{
  const struct path nowhere = { .name = "TMPDIR" };

  diag_add (diag, VMSPEC_SEVERITY_ERROR, "run-directory.failed", &nowhere, NULL,
            "the run directory %s, with xchg and certs in it, cannot be made: "
            "%s; %s", plan->decided.run, strerrordesc_np (-error),
            error == -EEXIST ? "another start of this plan has it, so make a "
                               "plan for each start"
                             : "set TMPDIR to a directory that can be written");
  return error;
}

int
run_dir_make (const vmspec_plan *plan, vmspec_diag *diag, int *ret_made)
{
  const char *path = plan->decided.run;
  int fresh = plan->decided.run_is_fresh;
  int r = make (path, fresh ? 0700 : 0755, !fresh);

  *ret_made = r == 0 && fresh;
  if (r == -EEXIST && fresh && is_ours (plan))
    r = 0;
  return r < 0 ? say_failed (plan, diag, r) : 0;
}

int
run_dir_exchange (const vmspec_plan *plan, vmspec_diag *diag)
{
  int r = make_below (plan, "xchg");

  return r < 0 ? say_failed (plan, diag, r) : 0;
}

int
run_dir_certificates (const vmspec_plan *plan, struct work *work)
{
  int r = make_below (plan, "certs");

  if (r < 0)
    return say_failed (plan, work->diag, r);
  copy_certificates (plan, work);
  return 0;
}

int
run_dir_lock (const vmspec_plan *plan, vmspec_diag *diag, int *ret_fd)
{
  int fd = open (plan->decided.run, O_RDONLY | O_DIRECTORY | O_CLOEXEC), r = 0;

  if (fd < 0)
    return say_failed (plan, diag, -errno);
  if (flock (fd, LOCK_EX | LOCK_NB) < 0)
    r = say_failed (plan, diag, errno == EWOULDBLOCK ? -EEXIST : -errno);
  if (r < 0)
    close (fd);
  else
    *ret_fd = fd;
  return r;
}

/* ---- removing ----------------------------------------------------------- *
 *
 * A guest may leave a tree of any depth in its exchange directory.  So nothing
 * here is recursive: a directory's subdirectories are moved to the top, until
 * the top has none.
 */

static int
open_directory (int parent, const char *name)
{
  const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
  int fd = openat (parent, name, flags);

  if (fd < 0 && errno == EACCES && fchmodat (parent, name, 0700, 0) == 0)
    fd = openat (parent, name, flags);
  return fd;
}

static int
is_dot (const char *name)
{
  return !strcmp (name, ".") || !strcmp (name, "..");
}

/* Renaming a directory changes its "..", which takes its owner's leave. */
static void
make_writable (int from, const char *name)
{
  int fd = open_directory (from, name);

  if (fd >= 0) {
    (void) fchmod (fd, 0700);
    close (fd);
  }
}

static int
remove_or_move (int from, const char *name, int top, unsigned long *counter)
{
  char free_name[32];

  if (unlinkat (from, name, 0) == 0 || unlinkat (from, name, AT_REMOVEDIR) == 0)
    return 0;
  if (from == top || (errno != ENOTEMPTY && errno != EEXIST))
    return -errno;
  do
    snprintf (free_name, sizeof free_name, ".vmspec-%lu", ++*counter);
  while (faccessat (top, free_name, F_OK, AT_SYMLINK_NOFOLLOW) == 0);
  make_writable (from, name);
  return renameat (from, name, top, free_name) == 0 ? 0 : -errno;
}

/* Empties the directory @name of @top; its subdirectories end up in @top. */
static int
empty (int top, const char *name, unsigned long *counter)
{
  int fd = open_directory (top, name), r = 0;
  DIR *directory;

  if (fd < 0)
    return -errno;
  (void) fchmod (fd, 0700);
  directory = fdopendir (fd);
  if (!directory) {
    close (fd);
    return -errno;
  }
  for (struct dirent *entry; r == 0 && (entry = readdir (directory));)
    if (!is_dot (entry->d_name))
      r = remove_or_move (fd, entry->d_name, top, counter);
  closedir (directory);
  return r;
}

/* One subdirectory of @top less, or several more that lay within it; 0 when
 * there was none. */
static int
remove_one (int top, unsigned long *counter)
{
  int fd = openat (top, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR *directory = fd < 0 ? NULL : fdopendir (fd);
  int removed = 0;

  if (!directory)
    return 0;
  for (struct dirent *entry; !removed && (entry = readdir (directory));) {
    int r = is_dot (entry->d_name)
              ? 0 : remove_or_move (top, entry->d_name, top, counter);

    /* Anything else, such as a busy mount point, is not ours to empty. */
    if (r == -ENOTEMPTY || r == -EEXIST)
      removed = empty (top, entry->d_name, counter) == 0
                && unlinkat (top, entry->d_name, AT_REMOVEDIR) == 0;
  }
  closedir (directory);
  return removed;
}

void
run_dir_remove (const char *path)
{
  unsigned long counter = 0;
  int top = open_directory (AT_FDCWD, path);

  if (top < 0)
    return;
  while (remove_one (top, &counter))
    ;
  close (top);
  (void) rmdir (path);
}
