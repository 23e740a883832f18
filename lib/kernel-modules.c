/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "guest.h"

#include <errno.h>

int
vmspec_check_kernel_modules (const struct vmspec_guest_settings *settings,
                             const char *directory, vmspec_diag *diag)
{
  (void) settings;
  (void) directory;
  (void) diag;
  return -ENOSYS;
}
