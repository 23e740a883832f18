/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "qmp.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static const struct path qmp_path = { .name = "start.qmp" };

#define SAY(diag, id, ...)                                                     \
  vms_diag_add (diag, VMSPEC_SEVERITY_ERROR, id, &qmp_path, NULL, __VA_ARGS__)

void
vms_qmp_open (struct qmp *qmp, int fd)
{
  *qmp = (struct qmp) { .next_id = 1 };
  qmp->last = &qmp->first;
  vms_channel_open (&qmp->channel, fd);
}

static json_t *
take_event (struct qmp *qmp, uint64_t *ret_lost)
{
  struct qmp_event *event = qmp->first;
  json_t *object = event->object;

  *ret_lost = event->lost;
  qmp->first = event->next;
  if (!qmp->first)
    qmp->last = &qmp->first;
  qmp->n_events--;
  qmp->event_bytes -= event->size;
  free (event);
  return object;
}

void
vms_qmp_close (struct qmp *qmp)
{
  uint64_t lost;

  while (qmp->first)
    json_decref (take_event (qmp, &lost));
  vms_channel_close (&qmp->channel);
}

static void
lose_event (struct qmp *qmp)
{
  uint64_t lost;

  json_decref (take_event (qmp, &lost));
  *(qmp->first ? &qmp->first->lost : &qmp->lost) += lost + 1;
}

/* The newest matter most: of a machine that ends, say, why. */
static void
queue_event (struct qmp *qmp, json_t *object)
{
  struct qmp_event *event = malloc (sizeof *event);
  size_t size = qmp->channel.last_size;

  if (!event || size > QMP_MOST_EVENT_BYTES) {
    free (event);
    qmp->lost++;
    json_decref (object);
    return;
  }
  while (qmp->n_events == QMP_MOST_EVENTS
         || qmp->event_bytes + size > QMP_MOST_EVENT_BYTES)
    lose_event (qmp);
  *event = (struct qmp_event) { .object = object, .size = size,
                                .lost = qmp->lost };
  qmp->lost = 0;
  *qmp->last = event;
  qmp->last = &event->next;
  qmp->n_events++;
  qmp->event_bytes += size;
}

/* ---- findings ----------------------------------------------------------- */

static int
say_error (int error, const char *command, vmspec_diag *diag)
{
  switch (error) {
  case -ETIME:
    SAY (diag, "qmp.timeout", "QEMU has not answered %s in time; it is busy, or "
         "stopped: vmspec_vm_kill ends it all the same", command);
    break;
  case -ENOTCONN:
    SAY (diag, "qmp.closed", "QEMU cannot be asked for %s: there is no QMP "
         "socket (qmp is off), or it is closed, as QEMU has ended", command);
    break;
  case -EPROTO:
    SAY (diag, "qmp.garbled", "what came in answer to %s is not QMP; this "
         "program is no QEMU, so turn qmp off", command);
    break;
  case -EINVAL:
    SAY (diag, "qmp.arguments", "a command and its arguments have to be UTF-8, "
         "and these are not");
    break;
  }
  return error;
}

/* QMP's error object: {"class": ..., "desc": ...}. */
static int
say_refused (const json_t *error, const char *command, vmspec_diag *diag)
{
  char reason[CHANNEL_REASON];

  vms_channel_reason (error, reason);
  SAY (diag, "qmp.refused", "QEMU refused %s: %s", command, reason);
  return -EREMOTEIO;
}

/* ---- commands ----------------------------------------------------------- */

#define TICK_MS 100

/* The next message, with ticks while there is none. */
static int
receive (struct qmp *qmp, int64_t deadline, json_t **ret_object)
{
  for (;;) {
    int64_t soon = vms_deadline_after (TICK_MS);
    int wait = qmp->tick && soon < deadline, r;

    r = vms_channel_receive (&qmp->channel, wait ? soon : deadline, ret_object);
    if (r != -ETIME || !wait)
      return r;
    r = qmp->tick (qmp->tick_data);
    if (r < 0)
      return r;
  }
}

/* What was sent of a message that is not complete cannot be taken back. */
static int
send_command (struct qmp *qmp, const char *command, json_t *arguments,
              int64_t deadline)
{
  json_error_t error = { 0 };
  json_t *object = json_pack_ex (&error, 0, "{s:s, s:I, s:O*}", "execute",
                                 command, "id", (json_int_t) qmp->next_id, "arguments",
                                 arguments);
  int r;

  if (!object)
    return vms_channel_no_memory (&error) ? -ENOMEM : -EINVAL;
  r = vms_channel_send_json (&qmp->channel, object, deadline);
  if (r < 0 && qmp->channel.torn)
    vms_channel_shut (&qmp->channel);
  json_decref (object);
  return r;
}

static int
is_answer (const struct qmp *qmp, const json_t *object)
{
  return json_integer_value (json_object_get (object, "id")) == qmp->next_id
         && (json_object_get (object, "return")
             || json_object_get (object, "error"));
}

/* Answers to what was given up before are passed over. */
static int
receive_answer (struct qmp *qmp, int64_t deadline, json_t **ret_object)
{
  json_t *object;
  int r;

  for (;;) {
    r = receive (qmp, deadline, &object);
    if (r < 0)
      return r;
    if (is_answer (qmp, object)) {
      *ret_object = object;
      return 0;
    }
    if (json_object_get (object, "event"))
      queue_event (qmp, object);
    else
      json_decref (object);
    /* Whoever never pauses does not get more time by that. */
    if (vms_deadline_left (deadline) == 0)
      return -ETIME;
  }
}

/* What QEMU does not understand at all it refuses without an id. */
int
vms_qmp_execute (struct qmp *qmp, const char *command, json_t *arguments,
                 int64_t deadline, vmspec_diag *diag, json_t **ret_answer)
{
  json_t *object = NULL, *error;
  int r = send_command (qmp, command, arguments, deadline);

  if (r == 0)
    r = receive_answer (qmp, deadline, &object);
  qmp->next_id++;
  if (r < 0)
    return say_error (r, command, diag);
  error = json_object_get (object, "error");
  if (error)
    r = say_refused (error, command, diag);
  else if (ret_answer)
    *ret_answer = json_incref (json_object_get (object, "return"));
  json_decref (object);
  return r;
}

static int
await_greeting (struct qmp *qmp, int64_t deadline)
{
  json_t *object;
  int r = receive (qmp, deadline, &object);

  if (r < 0)
    return r;
  qmp->greeted = json_object_get (object, "QMP") != NULL;
  json_decref (object);
  if (qmp->greeted)
    return 0;
  vms_channel_shut (&qmp->channel);
  return -EPROTO;
}

int
vms_qmp_greet (struct qmp *qmp, int64_t deadline, vmspec_diag *diag)
{
  int r = qmp->greeted ? 0 : await_greeting (qmp, deadline);

  if (r < 0)
    return say_error (r, "its greeting", diag);
  r = vms_qmp_execute (qmp, "qmp_capabilities", NULL, deadline, diag, NULL);
  /* An answer that is late, or not waited for, is one to what was sent. */
  qmp->ready = r == 0 || r == -ETIME || r == -ECANCELED;
  return r;
}

int
vms_qmp_event (struct qmp *qmp, json_t **ret_event, uint64_t *ret_lost)
{
  json_t *object;
  int r = 0;

  /* Up to one queue's worth at a time, so that a flood ends here. */
  for (int i = 0; r == 0 && i < QMP_MOST_EVENTS; i++) {
    r = vms_channel_receive (&qmp->channel, vms_deadline_after (0), &object);
    if (r == 0 && json_object_get (object, "event"))
      queue_event (qmp, object);
    else if (r == 0)
      json_decref (object);
  }
  if (!qmp->first)
    return r == -ETIME || r == 0 ? -EAGAIN : r == -ENOMEM ? r : -ENOTCONN;
  *ret_event = take_event (qmp, ret_lost);
  return 0;
}
