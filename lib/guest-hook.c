/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "guest.h"

void
guest_hook (struct vector *files, const struct vmspec_guest_settings *settings)
{
  (void) files;
  (void) settings;
}
