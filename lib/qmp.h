/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* QEMU's machine protocol: docs/interop/qmp-spec in QEMU's sources. */
#ifndef VMSPEC_QMP_H
#define VMSPEC_QMP_H

#include "channel.h"
#include "diag.h"

/* Events that wait for the caller. */
#define QMP_MOST_EVENTS 1000

struct qmp_event {
  struct qmp_event *next;
  json_t *object;
};

struct qmp {
  struct channel channel;
  int greeted;
  json_int_t next_id;
  struct qmp_event *first, **last;
  size_t n_events;
  uint64_t lost;            /* since the last that was taken */
  int (*tick) (void *data); /* called while something is waited for; may end
                               that by its error; or NULL */
  void *tick_data;
};

void qmp_open (struct qmp *qmp, int fd);
void qmp_close (struct qmp *qmp);
/* Waits for the greeting, and asks for nothing special in return.  May be called
 * again after -ETIME. */
int qmp_greet (struct qmp *qmp, int64_t deadline, vmspec_diag *diag);
/* Any command.  @arguments is borrowed; may be NULL.  *ret_answer is the caller's
 * to json_decref; may be NULL.  0, -EREMOTEIO, or as channel_receive; each but 0
 * with a finding. */
int qmp_execute (struct qmp *qmp, const char *command, json_t *arguments,
                 int64_t deadline, vmspec_diag *diag, json_t **ret_answer);
/* The next event, the caller's to json_decref, without waiting.  -EAGAIN,
 * -ENOTCONN. */
int qmp_event (struct qmp *qmp, json_t **ret_event, uint64_t *ret_lost);

#endif
