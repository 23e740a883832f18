/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "portable.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

#ifndef HAVE_STRERRORDESC_NP
/* musl's text is a constant. */
const char *
vms_strerrordesc (int error)
{
  return strerror (error);
}
#endif

#ifndef HAVE_POSIX_SPAWN_FILE_ACTIONS_ADDCLOSEFROM_NP
/* Those that are open now, and would reach the child. */
int
vms_spawn_close_from (posix_spawn_file_actions_t *actions, int from)
{
  DIR *open_now = opendir ("/proc/self/fd");
  struct dirent *entry;
  int r = open_now ? 0 : errno;

  while (r == 0 && (entry = readdir (open_now))) {
    int fd = atoi (entry->d_name);

    if (fd >= from && fcntl (fd, F_GETFD) == 0)
      r = posix_spawn_file_actions_addclose (actions, fd);
  }
  if (open_now)
    closedir (open_now);
  return r;
}
#endif

#ifndef HAVE_RENAMEAT2
int
vms_renameat2 (int from_directory, const char *from, int to_directory,
               const char *to, unsigned flags)
{
  return (int) syscall (SYS_renameat2, from_directory, from, to_directory, to,
                        flags);
}
#endif

#ifndef HAVE_SCANDIRAT
int
vms_scandirat (int directory, const char *path, struct dirent ***ret_names,
               int (*filter) (const struct dirent *),
               int (*compare) (const struct dirent **, const struct dirent **))
{
  int fd = openat (directory, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), n;
  char name[32];

  if (fd < 0)
    return -1;
  snprintf (name, sizeof name, "/proc/self/fd/%d", fd);
  n = scandir (name, ret_names, filter, compare);
  close (fd);
  return n;
}
#endif
