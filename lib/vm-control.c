/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A machine that is asked. */
#include "vm.h"

#include <arpa/inet.h>
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent.h"

/* ---- commands ----------------------------------------------------------- */

/* A caller's JSON object; NULL for none. */
static int
read_arguments (const char *text, vmspec_diag *diag, json_t **ret_object)
{
  json_error_t error = { 0 };
  json_t *json;

  *ret_object = NULL;
  if (!text)
    return 0;
  json = json_loads (text, JSON_ALLOW_NUL, &error);
  if (!json && vms_channel_no_memory (&error))
    return -ENOMEM;
  if (json_is_object (json)) {
    *ret_object = json;
    return 0;
  }
  vms_diag_add (diag, VMSPEC_SEVERITY_ERROR, "qmp.arguments", NULL, NULL,
                "the arguments are to be a JSON object and are none: %s",
                json ? "they are something else" : error.text);
  json_decref (json);
  return -EINVAL;
}

/* The answer as text, which lives until the next call. */
static int
keep_answer (vmspec_vm *vm, json_t *answer, const char **ret_answer)
{
  char *text = json_dumps (answer, JSON_COMPACT | JSON_ENCODE_ANY);
  const char *kept = text ? vms_arena_strdup (vms_vm_answers (vm), text) : NULL;

  free (text);
  if (kept)
    *ret_answer = kept;
  return kept ? 0 : -ENOMEM;
}

/* One that greets late can be asked late. */
static int
execute (vmspec_vm *vm, const char *command, json_t *arguments, int timeout_ms,
         vmspec_diag *diag, json_t **ret_answer)
{
  int64_t deadline = vms_deadline_after (timeout_ms);
  int r = vm->qmp.ready ? 0 : vms_qmp_greet (&vm->qmp, deadline, diag);

  return r < 0 ? r
               : vms_qmp_execute (&vm->qmp, command, arguments, deadline, diag,
                                  ret_answer);
}

int
vmspec_vm_qmp (vmspec_vm *vm, const char *command, const char *arguments,
               int timeout_ms, vmspec_diag *diag, const char **ret_answer)
{
  json_t *object, *answer = NULL;
  int r = read_arguments (arguments, diag, &object);

  if (r == 0)
    r = execute (vm, command, object, timeout_ms, diag, &answer);
  if (r == 0 && ret_answer)
    r = keep_answer (vm, answer, ret_answer);
  json_decref (answer);
  json_decref (object);
  return r;
}

int
vmspec_vm_control (vmspec_vm *vm, uint32_t action, int timeout_ms,
                   vmspec_diag *diag)
{
  static const char *const commands[]
    = { NULL, "system_powerdown", "system_reset", "quit", "stop", "cont" };

  if (action == VMSPEC_ACTION_UNSET
      || action >= sizeof commands / sizeof *commands)
    return -EINVAL;
  return execute (vm, commands[action], NULL, timeout_ms, diag, NULL);
}

/* An answer, but not what QEMU says. */
static int
say_strange (const char *command, vmspec_diag *diag)
{
  vms_diag_add (diag, VMSPEC_SEVERITY_ERROR, "qmp.garbled",
                &(const struct path) { .name = "start.qmp" }, NULL,
                "what came in answer to %s is not what QEMU says; this program is "
                "no QEMU, so turn qmp off", command);
  return -EPROTO;
}

int
vmspec_vm_status (vmspec_vm *vm, int timeout_ms, vmspec_diag *diag,
                  const char **ret_status)
{
  json_t *answer = NULL;
  const char *status;
  int r = execute (vm, "query-status", NULL, timeout_ms, diag, &answer);

  if (r < 0)
    return r;
  status = json_string_value (json_object_get (answer, "status"));
  if (!status)
    r = say_strange ("query-status", diag);
  else if (!(*ret_status = vms_arena_strdup (vms_vm_answers (vm), status)))
    r = -ENOMEM;
  json_decref (answer);
  return r;
}

void
vms_vm_find_accel (vmspec_vm *vm, int64_t deadline)
{
  json_t *answer = NULL;

  if (vms_qmp_execute (&vm->qmp, "query-kvm", NULL, deadline, NULL, &answer) < 0)
    return;
  if (json_is_true (json_object_get (answer, "enabled")))
    vm->accel = "kvm";
  else if (!strstr (vm->accel, "hvf"))
    vm->accel = "tcg";
  json_decref (answer);
}

/* ---- events ------------------------------------------------------------- */

int
vmspec_vm_event_fd (const vmspec_vm *vm)
{
  return vm->qmp.channel.fd;
}

static int
keep_event (struct arena *arena, const json_t *object, uint64_t lost,
            const struct vmspec_event **ret_event)
{
  const json_t *time = json_object_get (object, "timestamp");
  json_t *data = json_object_get (object, "data");
  char *text = json_is_object (data) ? json_dumps (data, JSON_COMPACT) : NULL;
  struct vmspec_event *event = vms_arena_alloc (arena, sizeof *event);
  const char *name = json_string_value (json_object_get (object, "event"));

  if (event)
    *event = (struct vmspec_event) {
      VMSPEC_INIT (vmspec_event), .lost = lost,
      .name = vms_arena_strdup (arena, name ? name : ""),
      .data = vms_arena_strdup (arena, text ? text : "{}"),
      .seconds
      = (uint64_t) json_integer_value (json_object_get (time, "seconds")),
      .microseconds = (uint32_t) json_integer_value (
        json_object_get (time, "microseconds")) };
  if (json_is_object (data) && !text)
    return -ENOMEM;
  free (text);
  if (vms_arena_error (arena))
    return -ENOMEM;
  *ret_event = event;
  return 0;
}

int
vmspec_vm_event (vmspec_vm *vm, const struct vmspec_event **ret_event)
{
  json_t *object;
  uint64_t lost;
  int r = vms_qmp_event (&vm->qmp, &object, &lost);

  if (r < 0)
    return r;
  r = keep_event (vms_vm_answers (vm), object, lost, ret_event);
  json_decref (object);
  return r;
}

/* ---- ports -------------------------------------------------------------- */

/* QEMU writes addresses in one way, users in several; "*" is 0.0.0.0. */
static int
is_address (const char *written, const char *wanted)
{
  struct in_addr one = { 0 }, other;

  return inet_aton (wanted, &other)
         && (!strcmp (written, "*") || inet_aton (written, &one))
         && one.s_addr == other.s_addr;
}

/* QEMU's defaults are any address of the host, and the guest's first. */
static int
is_rule (const char *from, const char *to, uint32_t guest_port,
         const struct vmspec_forward_port *rule)
{
  return guest_port == rule->guest_port
         && is_address (from, *rule->host_address ? rule->host_address : "0")
         && (!*rule->guest_address || is_address (to, rule->guest_address));
}

/* A line of "info usernet": TCP[HOST_FORWARD]  12  127.0.0.1 40123  10.0.2.15 22
 * and two numbers more. */
static uint32_t
port_of_line (const char *text, const struct vmspec_forward_port *rule)
{
  char line[256], proto[32], from[64], to[64];
  unsigned fd, port, guest_port;
  const char *wanted
    = rule->proto == VMSPEC_PROTO_UDP ? "UDP[HOST_FORWARD]" : "TCP[HOST_FORWARD]";

  snprintf (line, sizeof line, "%.*s", (int) strcspn (text, "\n"), text);
  if (sscanf (line, " %31s %u %63s %u %63s %u", proto, &fd, from, &port, to,
              &guest_port) != 6
      || strcmp (proto, wanted) || port > 65535
      || !is_rule (from, to, guest_port, rule))
    return 0;
  return port;
}

/* Rules that say the same have a port each; any of them is as good. */
static size_t
same_before (const struct vmspec_forward_port *const *rules, size_t index)
{
  const struct vmspec_forward_port *rule = rules[index];
  size_t n = 0;

  for (size_t i = 0; i < index; i++)
    n += rules[i]->from == rule->from && rules[i]->proto == rule->proto
         && rules[i]->guest_port == rule->guest_port
         && rules[i]->any_host_port == rule->any_host_port
         && !strcmp (rules[i]->host_address, rule->host_address)
         && !strcmp (rules[i]->guest_address, rule->guest_address);
  return n;
}

/* Whether a rule with a port of its own has taken it. */
static int
is_said (const struct vmspec_forward_port *const *rules, uint32_t port,
         uint32_t proto)
{
  for (; rules && *rules; rules++)
    if (!is_on ((*rules)->any_host_port) && (*rules)->host_port == port
        && (*rules)->from == VMSPEC_FORWARD_FROM_HOST
        && (*rules)->proto == proto)
      return 1;
  return 0;
}

static uint32_t
find_port (const char *text, const struct vmspec_forward_port *const *rules,
           size_t index)
{
  size_t before = same_before (rules, index);

  while (text) {
    uint32_t port = port_of_line (text, rules[index]);

    if (port && !is_said (rules, port, rules[index]->proto) && before-- == 0)
      return port;
    text = strchr (text, '\n');
    text = text ? text + 1 : NULL;
  }
  return 0;
}

int
vms_vm_taken_port (vmspec_vm *vm, size_t index, vmspec_diag *diag,
                   uint32_t *ret_port)
{
  const struct vmspec_forward_port *const *rules
    = vm->plan->resolution.network.forward_ports;
  json_t *arguments = json_pack ("{s:s}", "command-line", "info usernet");
  json_t *answer = NULL;
  const char *text;
  int r = arguments ? execute (vm, "human-monitor-command", arguments, -1, diag,
                               &answer)
                    : -ENOMEM;

  json_decref (arguments);
  if (r < 0)
    return r;
  text = json_string_value (answer);
  *ret_port = text ? find_port (text, rules, index) : 0;
  json_decref (answer);
  if (*ret_port)
    return 0;
  vms_diag_add (diag, VMSPEC_SEVERITY_ERROR, "network.port-unknown",
                &(const struct path) { .name = "network.forward_ports",
                                   .index = index, .has_index = 1 }, NULL,
                "QEMU does not tell a port that it has taken for this rule; it needs "
                "a network card with QEMU's own network (user)");
  return -EPROTO;
}

/* ---- the guest's agent -------------------------------------------------- */

int
vmspec_vm_agent (vmspec_vm *vm, const char *command, const char *arguments,
                 int timeout_ms, vmspec_diag *diag, const char **ret_answer)
{
  json_t *object, *answer = NULL;
  int r = read_arguments (arguments, diag, &object);

  if (r == 0)
    r = vms_agent_execute (&vm->agent, command, object,
                           vms_deadline_after (timeout_ms), diag, &answer);
  if (r == 0 && ret_answer)
    r = keep_answer (vm, answer, ret_answer);
  json_decref (answer);
  json_decref (object);
  return r;
}

static int
base64_digit (char c)
{
  static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqr"
                               "stuvwxyz0123456789+/";
  const char *at = c ? strchr (digits, c) : NULL;

  return at ? (int) (at - digits) : -1;
}

/* RFC 4648, section 4; ends where something else comes. */
static const char *
decode (struct arena *arena, const char *text, uint64_t *ret_size)
{
  size_t size = 0;
  char *bytes = vms_arena_alloc (arena, text ? strlen (text) / 4 * 3 + 4 : 1);
  uint32_t bits = 0;

  for (size_t i = 0; bytes && text && base64_digit (text[i]) >= 0; i++) {
    bits = bits << 6 | (uint32_t) base64_digit (text[i]);
    if (i % 4)
      bytes[size++] = (char) (bits >> (6 - 2 * (i % 4)));
  }
  if (bytes)
    bytes[size] = '\0';
  *ret_size = size;
  return bytes;
}

static int
keep_result (struct arena *arena, const json_t *status,
             const struct vmspec_exec_result **ret_result)
{
  struct vmspec_exec_result *result = vms_arena_alloc (arena, sizeof *result);

  if (!result)
    return -ENOMEM;
  *result = (struct vmspec_exec_result) {
    VMSPEC_INIT (vmspec_exec_result),
    .truncated
    = json_is_true (json_object_get (status, "out-truncated"))
          || json_is_true (json_object_get (status, "err-truncated"))
        ? VMSPEC_ON : VMSPEC_OFF,
    .exit_code
    = (uint32_t) json_integer_value (json_object_get (status, "exitcode")),
    .signal
    = (uint32_t) json_integer_value (json_object_get (status, "signal")) };
  result->output = decode (
    arena, json_string_value (json_object_get (status, "out-data")),
    &result->output_size);
  result->error = decode (
    arena, json_string_value (json_object_get (status, "err-data")),
    &result->error_size);
  *ret_result = result;
  return vms_arena_error (arena);
}

/* guest-exec's arguments; NULL if one is no UTF-8, which is not to be left out,
 * or there is no memory. */
static json_t *
exec_arguments (const char *const *argv)
{
  json_t *arguments = json_array ();
  int r = 0;

  for (size_t i = 1; r == 0 && argv[0] && argv[i]; i++)
    r = json_array_append_new (arguments, json_string (argv[i]));
  if (r == 0)
    return json_pack ("{s:s, s:o, s:b}", "path", argv[0] ? argv[0] : "", "arg",
                      arguments, "capture-output", 1);
  json_decref (arguments);
  return NULL;
}

static int
say_unusable (vmspec_diag *diag)
{
  vms_diag_add (diag, VMSPEC_SEVERITY_ERROR, "agent.arguments", NULL, NULL,
                "a program's name and arguments have to be UTF-8 to be sent to the "
                "guest's agent, and these are not");
  return -EINVAL;
}

#define FIRST_PAUSE_US 5000
#define LONGEST_PAUSE_US 200000

/* Until the program has ended; the pauses between looks grow. */
static int
await_exec (vmspec_vm *vm, json_int_t pid, int64_t deadline, vmspec_diag *diag,
            json_t **ret_status)
{
  json_t *arguments = json_pack ("{s:I}", "pid", pid);
  useconds_t pause = FIRST_PAUSE_US;
  int r = arguments ? 0 : -ENOMEM;

  while (r == 0) {
    r = vms_agent_execute (&vm->agent, "guest-exec-status", arguments, deadline,
                           diag, ret_status);
    if (r < 0 || json_is_true (json_object_get (*ret_status, "exited")))
      break;
    json_decref (*ret_status);
    usleep (pause);
    pause = pause * 2 > LONGEST_PAUSE_US ? LONGEST_PAUSE_US : pause * 2;
  }
  json_decref (arguments);
  return r;
}

int
vmspec_vm_exec (vmspec_vm *vm, const char *const *argv, int timeout_ms,
                vmspec_diag *diag,
                const struct vmspec_exec_result **ret_result)
{
  int64_t deadline = vms_deadline_after (timeout_ms);
  json_t *arguments = exec_arguments (argv), *answer = NULL, *status;
  int r = arguments ? vms_agent_execute (&vm->agent, "guest-exec", arguments,
                                         deadline, diag, &answer)
                    : say_unusable (diag);
  json_int_t pid = json_integer_value (json_object_get (answer, "pid"));

  json_decref (arguments);
  json_decref (answer);
  if (r == 0)
    r = await_exec (vm, pid, deadline, diag, &status);
  if (r < 0)
    return r;
  r = keep_result (vms_vm_answers (vm), status, ret_result);
  json_decref (status);
  return r;
}
