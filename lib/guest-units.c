/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "guest.h"

void
guest_units (struct vector *files, const struct vmspec_guest_settings *settings,
             vmspec_diag *diag)
{
  (void) files;
  (void) settings;
  (void) diag;
}
