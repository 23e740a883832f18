/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <vmspec/vmspec.h>

const char *
vmspec_version (void)
{
  return PACKAGE_VERSION;
}
