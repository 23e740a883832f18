/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* In place of kernel-gzip.c. */
#include "kernel-check.h"

#include <errno.h>
#include <unistd.h>

#include "without.h"

static int
is_gzip (const struct text *text)
{
  return text->size > 2 && text->bytes[0] == '\x1f'
         && text->bytes[1] == '\x8b';
}

int
vms_kernel_read_all (struct kernel_check *check, int fd, const char *name,
                     struct text *text)
{
  char bytes[1 << 15];
  ssize_t n;
  int error;

  while ((n = TEMP_FAILURE_RETRY (read (fd, bytes, sizeof bytes))) > 0
         && text->size + (size_t) n <= MAX_BYTES)
    vms_text_add_bytes (text, bytes, (size_t) n);
  error = errno;
  close (fd);
  if (n < 0)
    return vms_kernel_unreadable (check, -error, name);
  if (n > 0)
    return vms_kernel_too_large (check, name);
  if (is_gzip (text))
    return vms_without (check->diag, "build.without-zlib", "--without-zlib",
                        NULL, "it reads no compressed file of a kernel: "
                        "uncompress it before, by gzip -d");
  return 0;
}
