/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Files of kernels, which may be compressed by gzip. */
#include "kernel-check.h"

#include <errno.h>
#include <unistd.h>
#include <zlib.h>

/* That are read at a time. */
#define BYTES 32768

/* What has kept zlib from reading on, if anything did. */
static int
look_at_end (struct kernel_check *check, gzFile file, const char *name)
{
  int read_error = errno, error;

  gzerror (file, &error);
  switch (error) {
  case Z_OK:
  case Z_STREAM_END:
    return 0;
  case Z_MEM_ERROR:
    return -ENOMEM;
  case Z_ERRNO:
    return vms_kernel_unreadable (check, read_error ? -read_error : -EIO, name);
  default:
    return vms_kernel_fail (check, -EINVAL, "kernel.damaged", "%s is a gzip file "
                            "that is damaged or not complete; copy it again", name);
  }
}

static int
read_all (struct kernel_check *check, gzFile file, const char *name,
          struct text *text)
{
  char bytes[BYTES];
  int n;

  errno = 0;
  while ((n = gzread (file, bytes, sizeof bytes)) > 0) {
    if (text->size + (size_t) n > MAX_BYTES)
      return vms_kernel_too_large (check, name);
    vms_text_add_bytes (text, bytes, (size_t) n);
  }
  return look_at_end (check, file, name);
}

int
vms_kernel_read_all (struct kernel_check *check, int fd, const char *name,
                     struct text *text)
{
  gzFile file = gzdopen (fd, "r");
  int r;

  if (!file) {
    close (fd);
    return -ENOMEM;
  }
  r = read_all (check, file, name, text);
  gzclose_r (file);
  return r;
}
