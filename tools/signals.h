/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Signals that would end this program wait until it has time for them. */
#ifndef VMSPEC_TOOLS_SIGNALS_H
#define VMSPEC_TOOLS_SIGNALS_H

#include <signal.h>

/* SIGINT, SIGTERM, SIGHUP, SIGQUIT; not those that whoever started us has us
 * ignore, as nohup(1) does: they would wait, too. */
sigset_t held_signals (void);
/* From here on they wait. */
void hold_signals (void);
/* Whether one waits. */
int signal_waits (void);
/* Lets it end this program. */
void let_signals_pass (void);

#endif
