/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * QEMU's locks on images.  Whoever opens one holds a read lock on a byte for
 * each thing that it does (block/file-posix.c of QEMU), and on another byte for
 * each thing that nobody else may do meanwhile.  A write lock on a byte could
 * be had if nobody held it; that is all that is asked here.
 */
#include "image-info.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CONSISTENT_READ = 0, WRITE = 1, RESIZE = 3 };

#define DONE_AT(what) (100 + (what))
#define FORBIDDEN_AT(what) (200 + (what))

/* What QEMU does with an image, and lets nobody else do: a reader relies on
 * that nobody writes, too. */
static const unsigned char reader[] = {
  FORBIDDEN_AT (CONSISTENT_READ), DONE_AT (WRITE), DONE_AT (RESIZE), 0 };
static const unsigned char writer[] = {
  FORBIDDEN_AT (CONSISTENT_READ), FORBIDDEN_AT (WRITE), FORBIDDEN_AT (RESIZE),
  DONE_AT (WRITE), DONE_AT (RESIZE), 0 };

static int
test_byte (int fd, off_t byte)
{
  struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET,
                        .l_start = byte, .l_len = 1 };
  int r = fcntl (fd, F_OFD_GETLK, &lock);

  /* An old kernel, or a file system that only knows the other kind. */
  if (r < 0 && errno == EINVAL) {
    lock.l_pid = 0;
    r = fcntl (fd, F_GETLK, &lock);
  }
  if (r < 0)
    return -errno;
  return lock.l_type == F_UNLCK ? 0 : -EAGAIN;
}

int
vms_image_lock_test_fd (int fd, enum image_use use)
{
  const unsigned char *byte = use == IMAGE_WRITE ? writer : reader;
  int r = 0;

  for (; r == 0 && *byte; byte++)
    r = test_byte (fd, *byte);
  /* Where there are no locks, nobody holds one. */
  return r == -EAGAIN ? r : 0;
}

int
vms_image_open (const char *file)
{
  struct stat status;
  int fd;

  /* Opening a device that is no disk may do something. */
  if (stat (file, &status) < 0)
    return -errno;
  if (S_ISDIR (status.st_mode))
    return -EISDIR;
  if (!S_ISREG (status.st_mode) && !S_ISBLK (status.st_mode))
    return -EINVAL;
  do
    fd = open (file, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  while (fd < 0 && errno == EINTR);
  if (fd < 0)
    return -errno;
  if (fstat (fd, &status) < 0
      || (!S_ISREG (status.st_mode) && !S_ISBLK (status.st_mode))) {
    close (fd);
    return -EINVAL;
  }
  return fd;
}

int
vms_image_lock_test (const char *file, enum image_use use)
{
  int fd = vms_image_open (file), r;

  if (fd < 0)
    return fd;
  r = vms_image_lock_test_fd (fd, use);
  close (fd);
  return r;
}
