/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "copy.h"

#include <errno.h>
#include <unistd.h>

static int
write_all (int fd, const char *bytes, size_t size)
{
  while (size) {
    ssize_t n = TEMP_FAILURE_RETRY (write (fd, bytes, size));

    if (n < 0)
      return -errno;
    bytes += n;
    size -= (size_t) n;
  }
  return 0;
}

int
vms_copy_bytes (struct work *work, int from, int to, uint64_t total)
{
  char bytes[65536];
  uint64_t done = 0;
  int r = 0;

  while (r == 0) {
    ssize_t n;

    if (total && (r = vms_work_progress (work, done, total)) < 0)
      break;
    n = TEMP_FAILURE_RETRY (read (from, bytes, sizeof bytes));
    if (n <= 0)
      return n < 0 ? -errno : 0;
    r = write_all (to, bytes, (size_t) n);
    done += (uint64_t) n;
  }
  return r;
}
