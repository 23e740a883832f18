/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent.h"

#include <errno.h>
#include <string.h>
#include <time.h>

static const struct path agent_path = { .name = "start.guest_agent" };

#define SAY(diag, id, ...)                                                     \
  diag_add (diag, VMSPEC_SEVERITY_ERROR, id, &agent_path, NULL, __VA_ARGS__)

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
  }
  return error;
}

static int
send_command (struct channel *channel, const char *command, json_t *arguments,
              int64_t deadline)
{
  json_t *object = json_pack ("{s:s, s:O*}", "execute", command, "arguments",
                              arguments);
  int r = object ? channel_send_json (channel, object, deadline) : -EINVAL;

  json_decref (object);
  return r;
}

/* Answers to earlier ones may come before ours. */
static int
synchronise (struct channel *channel, int64_t deadline)
{
  const char sentinel = SENTINEL;
  json_int_t id = (json_int_t) (deadline & 0x7fffffff);
  json_t *arguments = json_pack ("{s:I}", "id", id), *object = NULL;
  int r = arguments ? channel_send (channel, &sentinel, 1, deadline) : -ENOMEM;

  if (r == 0)
    r = send_command (channel, "guest-sync-delimited", arguments, deadline);
  json_decref (arguments);
  while (r == 0) {
    int is_ours;

    r = channel_skip (channel, SENTINEL, deadline);
    if (r == 0)
      r = channel_receive (channel, deadline, &object);
    if (r < 0)
      break;
    is_ours = json_integer_value (json_object_get (object, "return")) == id;
    json_decref (object);
    if (is_ours)
      return 0;
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
                vmspec_diag *diag, json_t **ret_answer)
{
  json_t *object = NULL, *error;
  int64_t soon = deadline_after (NO_ANSWER_MS);
  int silent = has_no_answer (command), r;

  r = channel_receive (channel, silent && soon < deadline ? soon : deadline,
                       &object);
  if (silent && (r == -ETIME || r == -ENOTCONN)) {
    if (ret_answer)
      *ret_answer = json_object ();
    return 0;
  }
  if (r < 0)
    return say_error (r, command, diag);
  error = json_object_get (object, "error");
  if (error) {
    const char *text = json_string_value (json_object_get (error, "desc"));

    SAY (diag, "agent.refused", "the guest's agent refused %s: %s", command,
         text ? text : "it did not say why");
    r = -EREMOTEIO;
  } else if (ret_answer)
    *ret_answer = json_incref (json_object_get (object, "return"));
  json_decref (object);
  return r;
}

int
agent_execute (struct channel *channel, const char *command, json_t *arguments,
               int64_t deadline, vmspec_diag *diag, json_t **ret_answer)
{
  int r = synchronise (channel, deadline);

  if (r == 0)
    r = send_command (channel, command, arguments, deadline);
  if (r < 0)
    return say_error (r, command, diag);
  return receive_answer (channel, command, deadline, diag, ret_answer);
}
