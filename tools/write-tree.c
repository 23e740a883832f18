/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "write-tree.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The directory @name of @parent, made if it does not exist; closes @parent. */
static int
enter (int parent, const char *name)
{
  int r = mkdirat (parent, name, 0755) < 0 && errno != EEXIST ? -errno : 0;
  int fd = -1;

  if (r == 0) {
    fd = openat (parent, name,
                 O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    r = fd < 0 ? -errno : fd;
  }
  close (parent);
  return r;
}

static int
write_all (int fd, const char *content)
{
  size_t left = strlen (content);

  while (left) {
    ssize_t n = write (fd, content, left);

    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0)
      return -errno;
    content += n;
    left -= (size_t) n;
  }
  return 0;
}

static int
write_file (int directory, const char *name, const char *content, mode_t mode)
{
  int fd = openat (directory, name,
                   O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
  int r;

  if (fd < 0)
    return -errno;
  r = write_all (fd, content);
  if (close (fd) < 0 && r == 0)
    r = -errno;
  if (r < 0)
    unlinkat (directory, name, 0);
  return r;
}

int
write_tree_file (const char *top, const char *name, const char *content,
                 int executable)
{
  char part[NAME_MAX + 1];
  int directory = open (top, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

  if (directory < 0)
    return -errno;
  for (;;) {
    size_t size;
    int r;

    name += strspn (name, "/");
    size = strcspn (name, "/");
    if (size > NAME_MAX) {
      close (directory);
      return -ENAMETOOLONG;
    }
    memcpy (part, name, size);
    part[size] = '\0';
    if (!name[size]) {
      r = write_file (directory, part, content, executable ? 0755 : 0644);
      close (directory);
      return r;
    }
    directory = enter (directory, part);
    if (directory < 0)
      return directory;
    name += size;
  }
}
