/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What NixOS's module calls an option, for those who know it by that name. */
#ifndef VMSPEC_NIXOS_NAME_H
#define VMSPEC_NIXOS_NAME_H

#include "mem.h"

/* What to write in place of @word, which is a name of NixOS's module, for the end
 * of a message: "; it is called 'memory' here".  NULL if it is none. */
const char *vms_nixos_name_hint (struct arena *arena, const char *word);

#endif
