/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "leftover.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "descriptor.h"
#include "remove.h"

/* (A directory below one with a set-group-ID bit has that as well.)
 * The sticky bit tells ours from a directory that just has such a name: one that
 * only its owner can write to has no other use for it. */
#define MODE (S_ISVTX | 0700)
#define PREFIX "vmspec."
#define RANDOM 10
/* For a cleaner. */
#define TRIES 1000
#define WAIT_MS 1

static int
open_directory (const char *path)
{
  return open (path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* A cleaner may have been faster between two calls here: then the directory has
 * gone, or is about to. */
int
vms_leftover_lock (const char *path, int *ret_fd)
{
  int fd = open_directory (path);

  fd = vms_descriptor_keep (fd < 0 ? -errno : fd);
  if (fd < 0)
    return fd;
  if (flock (fd, LOCK_EX | LOCK_NB) < 0) {
    int error = errno;

    close (fd);
    return error == EWOULDBLOCK ? -EEXIST : -error;
  }
  if (!vms_descriptor_is_named (fd, path)) {
    close (fd);
    return -ENOENT;
  }
  *ret_fd = fd;
  return 0;
}

int
vms_leftover_make (const char *path, int *ret_fd)
{
  int r;

  for (int i = 0; i < TRIES; i++) {
    if (mkdir (path, MODE) < 0 && (i == 0 || errno != EEXIST))
      return -errno;
    r = vms_leftover_lock (path, ret_fd);
    if (r == 0)
      return 0;
    if (r != -ENOENT && r != -EEXIST) {
      (void) rmdir (path);
      return r;
    }
    poll (NULL, 0, WAIT_MS); /* the cleaner is about to remove it */
  }
  return -EEXIST;
}

static int
is_leftover (int directory, const char *name)
{
  struct stat status;

  return !strncmp (name, PREFIX, strlen (PREFIX))
         && strlen (name) == strlen (PREFIX) + RANDOM
         && fstatat (directory, name, &status, AT_SYMLINK_NOFOLLOW) == 0
         && S_ISDIR (status.st_mode) && (status.st_mode & 05777) == MODE
         && status.st_uid == geteuid ();
}

/* The lock is held until the directory has gone, so that nobody takes it over
 * meanwhile. */
static int
clean_one (const char *directory, const char *name)
{
  char path[PATH_MAX];
  int fd = NO_DESCRIPTOR, gone;

  if (snprintf (path, sizeof path, "%s/%s", directory, name)
        >= (int) sizeof path
      || vms_leftover_lock (path, &fd) < 0)
    return 0;
  vms_remove_tree (path);
  gone = !vms_descriptor_is_named (fd, path);
  close (fd);
  return gone;
}

int
vms_leftover_clean (const char *directory, size_t *ret_removed)
{
  DIR *entries = opendir (directory);
  size_t removed = 0;

  if (!entries)
    return -errno;
  for (struct dirent *entry; (entry = readdir (entries));)
    if (is_leftover (dirfd (entries), entry->d_name))
      removed += (size_t) clean_one (directory, entry->d_name);
  closedir (entries);
  *ret_removed = removed;
  return 0;
}
