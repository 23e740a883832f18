/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "signals.h"

#include <stddef.h>

sigset_t
held_signals (void)
{
  static const int numbers[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };
  sigset_t signals;

  sigemptyset (&signals);
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
    struct sigaction action;

    if (sigaction (numbers[i], NULL, &action) == 0
        && action.sa_handler != SIG_IGN)
      sigaddset (&signals, numbers[i]);
  }
  return signals;
}

void
hold_signals (void)
{
  sigset_t signals = held_signals ();

  sigprocmask (SIG_BLOCK, &signals, NULL);
}

int
signal_waits (void)
{
  sigset_t held = held_signals (), waiting, both;

  return sigpending (&waiting) == 0 && sigandset (&both, &held, &waiting) == 0
         && !sigisemptyset (&both);
}

void
let_signals_pass (void)
{
  sigset_t signals = held_signals ();

  sigprocmask (SIG_UNBLOCK, &signals, NULL);
}
