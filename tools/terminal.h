/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What QEMU does to our standard descriptors, and may not undo. */
#ifndef VMSPEC_TOOLS_TERMINAL_H
#define VMSPEC_TOOLS_TERMINAL_H

#include <termios.h>

struct terminal {
  int has_settings;
  struct termios settings;
  int flags[3];             /* of descriptors 0 to 2; -1 for a closed one */
};

/* Whether standard input is a terminal that QEMU's arguments give to the guest or
 * to the monitor. */
int terminal_is_used_by (const char *const *argv);
void terminal_save (struct terminal *terminal);
/* Also when a shell has put us into the background since. */
void terminal_restore (const struct terminal *terminal);

#endif
