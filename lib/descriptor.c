/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "descriptor.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

int
vms_descriptor_keep (int fd)
{
  int kept;

  if (fd < 0 || fd > STDERR_FILENO)
    return fd;
  kept = fcntl (fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
  if (kept < 0)
    kept = -errno;
  close (fd);
  return kept;
}

void
vms_descriptor_close (int fd)
{
  if (fd >= 0)
    close (fd);
}

int
vms_descriptor_is_named (int fd, const char *path)
{
  struct stat named, open;

  return lstat (path, &named) == 0 && fstat (fd, &open) == 0
         && named.st_dev == open.st_dev && named.st_ino == open.st_ino;
}
