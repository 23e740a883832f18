/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "claim.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define LARGEST (1 << 20)
/* Between two looks somebody may have removed a file, or put another in its
 * place. */
#define TRIES 1000

/* ---- looking ------------------------------------------------------------ */

static int
open_file (int directory, const char *name)
{
  int fd = openat (directory, name,
                   O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  struct stat status;

  if (fd < 0)
    return -errno;
  if (fstat (fd, &status) == 0 && S_ISREG (status.st_mode))
    return fd;
  close (fd);
  return -EINVAL;
}

static int
is_named (int directory, const char *name, int fd)
{
  struct stat named, open;

  return fstatat (directory, name, &named, AT_SYMLINK_NOFOLLOW) == 0
         && fstat (fd, &open) == 0 && named.st_dev == open.st_dev
         && named.st_ino == open.st_ino;
}

/* Opens a file: 1 if it is stale, and locked by us now; 0 if somebody holds it;
 * -errno. */
static int
look (int directory, const char *name, int *ret_fd)
{
  for (int i = 0; i < TRIES; i++) {
    int fd = open_file (directory, name), stale;

    if (fd < 0)
      return fd;
    stale = flock (fd, LOCK_EX | LOCK_NB) == 0;
    if (!stale && errno != EWOULDBLOCK) {
      int error = errno;

      close (fd);
      return -error;
    }
    if (is_named (directory, name, fd)) {
      *ret_fd = fd;
      return stale;
    }
    close (fd);
  }
  return -EAGAIN;
}

int
claim_clean (int directory, const char *name)
{
  int fd, stale = look (directory, name, &fd);

  if (stale < 0)
    return stale == -ENOENT ? 0 : stale;
  if (stale && unlinkat (directory, name, 0) < 0)
    stale = -errno;
  close (fd);
  return stale;
}

/* ---- reading ------------------------------------------------------------ */

static int
read_all (int fd, char **ret_content)
{
  struct stat status;
  size_t size;
  char *content;
  ssize_t n;

  if (fstat (fd, &status) < 0)
    return -errno;
  size = status.st_size > LARGEST ? LARGEST : (size_t) status.st_size;
  content = malloc (size + 1);
  if (!content)
    return -ENOMEM;
  n = pread (fd, content, size, 0);
  if (n < 0) {
    free (content);
    return -errno;
  }
  content[n] = '\0';
  *ret_content = content;
  return 0;
}

int
claim_read (int directory, const char *name, char **ret_content)
{
  int fd, stale = look (directory, name, &fd), r;

  if (stale < 0)
    return stale;
  r = stale ? -ENOENT : read_all (fd, ret_content);
  close (fd);
  return r;
}

/* ---- making ------------------------------------------------------------- */

static int
write_all (int fd, const char *content)
{
  size_t size = strlen (content);
  ssize_t n = write (fd, content, size);

  return n < 0 ? -errno : (size_t) n == size ? 0 : -ENOSPC;
}

/* Before it has its lock, a file may be taken for a stale one, and removed. */
static int
make_locked (int directory, const char *name)
{
  for (int i = 0; i < TRIES; i++) {
    int fd = openat (directory, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
                     0644);

    if (fd < 0)
      return -errno;
    if (flock (fd, LOCK_EX | LOCK_NB) == 0 && is_named (directory, name, fd))
      return fd;
    if (errno != EWOULDBLOCK && is_named (directory, name, fd)) {
      int error = errno;

      (void) unlinkat (directory, name, 0);
      close (fd);
      return -error;
    }
    (void) unlinkat (directory, name, 0);
    close (fd);
  }
  return -EAGAIN;
}

/* A file of another name, whole and locked. */
static int
make_aside (int directory, const char *name, const char *content,
            char aside[NAME_MAX + 1], int *ret_fd)
{
  int fd, r;

  if (snprintf (aside, NAME_MAX + 1, ".%s.%d", name, (int) getpid ())
      > NAME_MAX)
    return -ENAMETOOLONG;
  /* One of that name was left by a process that had our number. */
  (void) unlinkat (directory, aside, 0);
  fd = make_locked (directory, aside);
  if (fd < 0)
    return fd;
  r = write_all (fd, content);
  if (r < 0) {
    (void) unlinkat (directory, aside, 0);
    close (fd);
    return r;
  }
  *ret_fd = fd;
  return 0;
}

/* A link, as renaming would replace what is there. */
static int
put_in_place (int directory, const char *aside, const char *name)
{
  int held = 0;

  for (int i = 0; i < TRIES; i++) {
    int stale;

    if (linkat (directory, aside, directory, name, 0) == 0)
      return 0;
    if (errno != EEXIST)
      return -errno;
    stale = claim_clean (directory, name);
    if (stale < 0)
      return stale;
    /* For a moment, also somebody who looks at a stale one holds it. */
    if (!stale && ++held == 3)
      return -EEXIST;
    if (!stale)
      usleep (5000);
  }
  return -EAGAIN;
}

int
claim_make (struct claim *claim, int directory, const char *name,
            const char *content)
{
  char aside[NAME_MAX + 1];
  int fd, r = make_aside (directory, name, content, aside, &fd);

  if (r < 0)
    return r;
  r = put_in_place (directory, aside, name);
  (void) unlinkat (directory, aside, 0);
  if (r < 0) {
    close (fd);
    return r;
  }
  *claim = (struct claim) { .directory = directory, .fd = fd };
  snprintf (claim->name, sizeof claim->name, "%s", name);
  return 0;
}

/* Whoever opened the old file sees that another has its name now. */
int
claim_change (struct claim *claim, const char *content)
{
  char aside[NAME_MAX + 1];
  int fd, r = make_aside (claim->directory, claim->name, content, aside, &fd);

  if (r < 0)
    return r;
  if (renameat (claim->directory, aside, claim->directory, claim->name) < 0) {
    r = -errno;
    (void) unlinkat (claim->directory, aside, 0);
    close (fd);
    return r;
  }
  close (claim->fd);
  claim->fd = fd;
  return 0;
}

void
claim_drop (struct claim *claim)
{
  if (claim->fd < 0)
    return;
  if (is_named (claim->directory, claim->name, claim->fd))
    (void) unlinkat (claim->directory, claim->name, 0);
  close (claim->fd);
  claim->fd = -1;
}
