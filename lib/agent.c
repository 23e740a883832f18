/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent.h"

#include <errno.h>
#include <jansson.h>
#include <string.h>

static const struct path agent_path = { .name = "start.guest_agent" };

#define SAY(diag, id, ...)                                                     \
  vms_diag_add (diag, VMSPEC_SEVERITY_ERROR, id, &agent_path, NULL, __VA_ARGS__)

/* The agent answers guest-sync-delimited with this byte first, which is in no
 * JSON text; it takes it as the end of a half command, too. */
#define SENTINEL '\xff'

static int
say_error (int error, const char *command, vmspec_diag *diag)
{
  switch (error) {
  case -ETIME:
    SAY (diag, "agent.timeout", "the guest's agent has not answered %s in time; "
         "qemu-ga has to run in the guest", command);
    break;
  case -ENOTCONN:
    SAY (diag, "agent.closed", "the guest's agent cannot be asked for %s: there "
         "is no channel (guest_agent is off), or QEMU has ended", command);
    break;
  case -EPROTO:
    SAY (diag, "agent.garbled", "what the guest answered to %s is not what "
         "qemu-ga says; the channel is closed", command);
    break;
  case -EINVAL:
    SAY (diag, "agent.arguments", "a command and its arguments have to be "
         "UTF-8, and these are not");
    break;
  }
  return error;
}

static int
send_command (struct channel *channel, const char *command, json_t *arguments,
              int64_t deadline)
{
  json_error_t error = { 0 };
  json_t *object = json_pack_ex (&error, 0, "{s:s, s:O*}", "execute", command,
                                 "arguments", arguments);
  int r;

  if (!object)
    return vms_channel_no_memory (&error) ? -ENOMEM : -EINVAL;
  r = vms_channel_send_json (channel, object, deadline);
  json_decref (object);
  return r;
}

static int
send_synchronisation (struct channel *channel, json_int_t id, int64_t deadline)
{
  const char sentinel = SENTINEL;
  json_t *arguments = json_pack ("{s:I}", "id", id);
  int r
    = arguments ? vms_channel_send (channel, &sentinel, 1, deadline) : -ENOMEM;

  if (r == 0)
    r = send_command (channel, "guest-sync-delimited", arguments, deadline);
  json_decref (arguments);
  return r;
}

/* Answers to earlier ones may come before ours; a guest that never pauses does
 * not get more time by that. */
static int
synchronise (struct channel *channel, int64_t deadline)
{
  json_int_t id = ++channel->serial;
  json_t *object;
  int r = send_synchronisation (channel, id, deadline), is_ours;

  while (r == 0) {
    r = vms_channel_receive_behind (channel, SENTINEL, deadline, &object);
    if (r < 0)
      return r;
    is_ours = json_integer_value (json_object_get (object, "return")) == id;
    json_decref (object);
    if (is_ours)
      return 0;
    if (vms_deadline_left (deadline) == 0)
      return -ETIME;
  }
  return r;
}

/* These end what would answer: the agent says nothing if they succeed. */
static int
has_no_answer (const char *command)
{
  return !strncmp (command, "guest-shutdown", 14)
         || !strncmp (command, "guest-suspend-", 14);
}

/* How long such a command has for an error. */
#define NO_ANSWER_MS 500

static int
receive_answer (struct channel *channel, const char *command, int64_t deadline,
                json_t **ret_object)
{
  int64_t soon = vms_deadline_after (NO_ANSWER_MS);
  int silent = has_no_answer (command);
  int r
    = vms_channel_receive (channel, silent && soon < deadline ? soon : deadline,
                           ret_object);

  if (silent && (r == -ETIME || r == -ENOTCONN)) {
    *ret_object = json_pack ("{s:{}}", "return");
    return *ret_object ? 0 : -ENOMEM;
  }
  return r;
}

static int
read_answer (struct channel *channel, const char *command, json_t *object,
             vmspec_diag *diag, json_t **ret_answer)
{
  json_t *error = json_object_get (object, "error");
  json_t *answer = json_object_get (object, "return");
  char reason[CHANNEL_REASON];

  if (error) {
    vms_channel_reason (error, reason);
    SAY (diag, "agent.refused", "the guest's agent refused %s: %s", command,
         reason);
    return -EREMOTEIO;
  }
  if (!answer) {
    vms_channel_shut (channel);
    return say_error (-EPROTO, command, diag);
  }
  if (ret_answer)
    *ret_answer = json_incref (answer);
  return 0;
}

/* A message of which only a part was sent ends with the next sentinel. */
int
vms_agent_execute (struct channel *channel, const char *command,
                   json_t *arguments, int64_t deadline, vmspec_diag *diag,
                   json_t **ret_answer)
{
  json_t *object = NULL;
  int r;

  channel->longest = AGENT_LONGEST;
  r = synchronise (channel, deadline);
  if (r == 0)
    r = send_command (channel, command, arguments, deadline);
  if (r == 0)
    r = receive_answer (channel, command, deadline, &object);
  if (r < 0)
    return say_error (r, command, diag);
  r = read_answer (channel, command, object, diag, ret_answer);
  json_decref (object);
  return r;
}
