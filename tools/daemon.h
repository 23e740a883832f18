/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A process in the background, which has started when the machine runs. */
#ifndef VMSPEC_TOOLS_DAEMON_H
#define VMSPEC_TOOLS_DAEMON_H

struct daemon {
  int ready;                 /* pipe to the parent; -1: this is no daemon */
};

/* Goes on in a child, in a session of its own: returns 0 there.  In the parent
 * it returns when the machine runs, or the child has ended: 1 with the status
 * that the parent exits with.  -errno if there can be no child. */
int daemon_start (struct daemon *daemon, int *ret_status);
/* Lets the parent go, and everything else that a daemon keeps from others. */
void daemon_ready (struct daemon *daemon);

#endif
