/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* QEMU's machine protocol: docs/interop/qmp-spec in QEMU's sources. */
#ifndef VMSPEC_QMP_H
#define VMSPEC_QMP_H

#include "channel.h"
#include "diag.h"

/* Events that wait for the caller, and their text. */
#define QMP_MOST_EVENTS 1000
#define QMP_MOST_EVENT_BYTES (1 << 20)

struct qmp_event {
  struct qmp_event *next;
  struct json_t *object;
  size_t size;              /* as text */
  uint64_t lost;            /* before it */
};

struct qmp {
  struct channel channel;
  int greeted;              /* by QEMU */
  int ready;                /* and it was told that it may take commands */
  int64_t next_id;
  struct qmp_event *first, **last;
  size_t n_events, event_bytes;
  uint64_t lost;            /* behind the last that waits */
  int (*tick) (void *data); /* called while something is waited for; may end
                               that by its error; or NULL */
  void *tick_data;
};

void vms_qmp_open (struct qmp *qmp, int fd);
void vms_qmp_close (struct qmp *qmp);
/* Waits for the greeting, and asks for nothing special in return.  To be called
 * until it is ready. */
int vms_qmp_greet (struct qmp *qmp, int64_t deadline, vmspec_diag *diag);
/* Any command.  @arguments is borrowed; may be NULL.  *ret_answer is the caller's
 * to json_decref; may be NULL.  0, -EREMOTEIO, -EINVAL, or as vms_channel_receive;
 * each but 0 and -ENOMEM with a finding. */
int vms_qmp_execute (struct qmp *qmp, const char *command, struct json_t *arguments,
                     int64_t deadline, vmspec_diag *diag, struct json_t **ret_answer);
/* The next event, the caller's to json_decref, without waiting.  -EAGAIN,
 * -ENOTCONN, -ENOMEM. */
int vms_qmp_event (struct qmp *qmp, struct json_t **ret_event, uint64_t *ret_lost);

#endif
