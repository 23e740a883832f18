/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A guest may leave a tree of any depth in its exchange directory.  So nothing
 * here is recursive: a directory's subdirectories are moved to the top, until
 * the top has none.
 */
#include "remove.h"

#include "descriptor.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int
open_directory (int parent, const char *name)
{
  const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
  int fd = openat (parent, name, flags);

  if (fd < 0 && errno == EACCES && fchmodat (parent, name, S_IRWXU, 0) == 0)
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
    (void) fchmod (fd, S_IRWXU);
    close (fd);
  }
}

static int
remove_or_move (int from, const char *name, int top, unsigned long *counter)
{
  char free_name[NAME_MAX];

  if (unlinkat (from, name, 0) == 0 || unlinkat (from, name, AT_REMOVEDIR) == 0)
    return 0;
  if (from == top || (errno != ENOTEMPTY && errno != EEXIST))
    return -errno;
  do
    snprintf (free_name, sizeof free_name, ".vmspec-%lu", ++*counter);
  while (!faccessat (top, free_name, F_OK, AT_SYMLINK_NOFOLLOW));
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
  (void) fchmod (fd, S_IRWXU);
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

  if (!directory) {
    vms_descriptor_close (fd);
    return 0;
  }
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
vms_remove_tree (const char *path)
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
