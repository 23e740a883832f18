/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "guest.h"

#include <errno.h>

int
vmspec_check_kernel_config (const struct vmspec_guest_settings *settings,
                            const char *file, vmspec_diag *diag)
{
  (void) settings;
  (void) file;
  (void) diag;
  return -ENOSYS;
}
