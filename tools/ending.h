/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A machine that is to end: asked, told, killed, a way for each signal. */
#ifndef VMSPEC_TOOLS_ENDING_H
#define VMSPEC_TOOLS_ENDING_H

#include <vmspec/vmspec.h>

struct ending {
  vmspec_vm *vm;
  int shares_terminal;       /* QEMU gets what the terminal sends, too */
  int has_agent;
  int is_silent;             /* it did not answer when it was started */
  int asked;                 /* how often */
  int next;                  /* the kindest way that is left */
  long long last;            /* when */
};

/* Reads a signal from a signalfd, and does what is due: the guest is asked to
 * power down; the second time QEMU is told to quit; the third time it is killed.
 * What is not possible is passed over.  Says what it did. */
void ending_read (struct ending *ending, int signals, const char *state);

#endif
