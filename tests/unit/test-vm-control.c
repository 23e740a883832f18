/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a machine is asked, and what is made of its answers, which are all written
 * beforehand. */
#include "peer.h"

#include "vm.h"

static struct vmspec spec;
static struct vmspec_network network;
static struct vmspec_host host;
static struct vmspec_vm machine;
static vmspec_diag *diag;

static void
set_up (void)
{
  ours = theirs = -1;
  ck_assert_int_eq (vmspec_diag_new (&diag), 0);
  network = (struct vmspec_network) { VMSPEC_INIT (vmspec_network) };
  spec = (struct vmspec) { VMSPEC_INIT (vmspec), .network = &network };
  host = unit_host ();
  machine = (struct vmspec_vm) { .accel = "kvm:tcg",
                                 .qmp.last = &machine.qmp.first };
  machine.qmp.channel.fd = machine.agent.fd = -1;
}

/* Before the next is asked. */
static void
let_go (void)
{
  vms_qmp_close (&machine.qmp);
  vms_channel_close (&machine.agent);
  machine.qmp.channel.fd = machine.agent.fd = -1;
  peer_close ();
}

static void
tear_down (void)
{
  let_go ();
  vmspec_plan_free (machine.plan);
  vms_arena_free (&machine.answers);
  vmspec_diag_free (diag);
}

/* One that answers the first command so. */
static void
answer (const char *text)
{
  let_go ();
  peer_make ();
  vms_qmp_open (&machine.qmp, ours);
  machine.qmp.greeted = machine.qmp.ready = 1;
  peer_says (text);
}

/* ---- commands ------------------------------------------------------------ */

START_TEST (each_action_is_a_command)
{
  static const char *const commands[]
    = { [VMSPEC_ACTION_POWERDOWN] = "system_powerdown",
        [VMSPEC_ACTION_RESET] = "system_reset", [VMSPEC_ACTION_QUIT] = "quit",
        [VMSPEC_ACTION_PAUSE] = "stop", [VMSPEC_ACTION_CONTINUE] = "cont" };

  for (uint32_t i = 1; i < COUNT (commands); i++) {
    char sent[100];

    answer ("{\"return\": {}, \"id\": 1}\n");
    ck_assert_int_eq (vmspec_vm_control (&machine, i, 1000, diag), 0);
    snprintf (sent, sizeof sent, "{\"execute\":\"%s\",\"id\":1}\n", commands[i]);
    ck_assert_str_eq (peer_hears (), sent);
  }
  ck_assert_int_eq (vmspec_vm_control (&machine, 0, 0, diag), -EINVAL);
  ck_assert_int_eq (vmspec_vm_control (&machine, COUNT (commands), 0, diag),
                    -EINVAL);
  ck_assert_uint_eq (vmspec_diag_count (diag), 0);
}
END_TEST

START_TEST (commands_and_answers_are_json)
{
  static const struct {
    const char *arguments, *text;
  } wrong[] = {
    { "[1]", "the arguments are to be a JSON object and are none: "
             "they are something else" },
    { "", "the arguments are to be a JSON object and are none: "
          "'[' or '{' expected near end of file" },
  };
  const char *text = NULL;

  answer ("{\"return\": [1, \"a\"], \"id\": 1}\n");
  ck_assert_int_eq (vmspec_vm_qmp (&machine, "ask", "{\"a\": \"\\u0000\"}", 1000,
                                   diag, &text), 0);
  ck_assert_str_eq (text, "[1,\"a\"]");
  ck_assert_str_eq (peer_hears (), "{\"execute\":\"ask\",\"id\":1,"
                                   "\"arguments\":{\"a\":\"\\u0000\"}}\n");
  answer ("{\"return\": 7, \"id\": 1}\n");
  ck_assert_int_eq (vmspec_vm_qmp (&machine, "ask", NULL, 1000, diag, &text), 0);
  ck_assert_str_eq (text, "7");
  answer ("{\"return\": 7, \"id\": 1}\n");
  ck_assert_int_eq (vmspec_vm_qmp (&machine, "ask", NULL, 1000, diag, NULL), 0);
  for (size_t i = 0; i < COUNT (wrong); i++) {
    text = NULL;
    ck_assert_int_eq (vmspec_vm_qmp (&machine, "ask", wrong[i].arguments, 1000,
                                     diag, &text), -EINVAL);
    ck_assert_ptr_null (text);
    ck_assert_str_eq (vmspec_diag_get (diag, i)->id, "qmp.arguments");
    ck_assert_str_eq (vmspec_diag_get (diag, i)->text, wrong[i].text);
  }
}
END_TEST

START_TEST (one_that_has_not_greeted_is_asked_after_it_has)
{
  answer ("{\"QMP\": {}}\n{\"return\": {}, \"id\": 1}\n"
          "{\"return\": {\"status\": \"running\"}, \"id\": 2}\n");
  machine.qmp.greeted = machine.qmp.ready = 0;
  {
    const char *status;

    ck_assert_int_eq (vmspec_vm_status (&machine, 1000, diag, &status), 0);
    ck_assert_str_eq (status, "running");
  }
  ck_assert_str_eq (peer_hears (), "{\"execute\":\"qmp_capabilities\",\"id\":1}\n"
                                   "{\"execute\":\"query-status\",\"id\":2}\n");
}
END_TEST

START_TEST (a_status_is_a_word)
{
  static const char *const strange[]
    = { "{}", "7", "{\"status\": 7}", "{\"state\": \"running\"}" };
  const char *status = NULL;

  for (size_t i = 0; i < COUNT (strange); i++) {
    char text[100];

    snprintf (text, sizeof text, "{\"return\": %s, \"id\": 1}\n", strange[i]);
    answer (text);
    ck_assert_int_eq (vmspec_vm_status (&machine, 1000, diag, &status), -EPROTO);
    ck_assert_ptr_null (status);
    ck_assert_str_eq (vmspec_diag_get (diag, i)->id, "qmp.garbled");
    ck_assert_str_eq (vmspec_diag_get (diag, i)->path, "start.qmp");
  }
}
END_TEST

START_TEST (what_accelerates_is_what_is_said)
{
  static const struct {
    const char *planned, *answer, *is;
  } rows[] = {
    { "kvm:tcg", "{\"return\": {\"enabled\": true}, \"id\": 1}\n", "kvm" },
    { "kvm:tcg", "{\"return\": {\"enabled\": false}, \"id\": 1}\n", "tcg" },
    { "", "{\"return\": {}, \"id\": 1}\n", "tcg" },
    { "hvf:tcg", "{\"return\": {\"enabled\": false}, \"id\": 1}\n", "hvf:tcg" },
    { "kvm:tcg", "{\"error\": {\"desc\": \"no\"}, \"id\": 1}\n", "kvm:tcg" },
  };

  for (size_t i = 0; i < COUNT (rows); i++) {
    machine.accel = rows[i].planned;
    answer (rows[i].answer);
    vms_vm_find_accel (&machine, milliseconds () + 1000);
    ck_assert_str_eq (vmspec_vm_accel (&machine), rows[i].is);
  }
}
END_TEST

START_TEST (events_are_told_as_they_are)
{
  static const struct {
    const char *text, *name, *data;
    uint64_t seconds;
    uint32_t microseconds;
  } rows[] = {
    { "{\"event\": \"STOP\", \"timestamp\": {\"seconds\": 17, "
      "\"microseconds\": 999999}, \"data\": {\"a\": [1, 2]}}\n", "STOP",
      "{\"a\":[1,2]}", 17, 999999 },
    { "{\"event\": \"STOP\"}\n", "STOP", "{}", 0, 0 },
    { "{\"event\": 7, \"data\": [1], \"timestamp\": 7}\n", "", "{}", 0, 0 },
  };
  const struct vmspec_event *event = NULL;

  for (size_t i = 0; i < COUNT (rows); i++) {
    answer (rows[i].text);
    ck_assert_int_eq (vmspec_vm_event (&machine, &event), 0);
    ck_assert_uint_eq (event->struct_size, sizeof *event);
    ck_assert_str_eq (event->name, rows[i].name);
    ck_assert_str_eq (event->data, rows[i].data);
    ck_assert_uint_eq (event->seconds, rows[i].seconds);
    ck_assert_uint_eq (event->microseconds, rows[i].microseconds);
    ck_assert_uint_eq (event->lost, 0);
    ck_assert_int_eq (vmspec_vm_event (&machine, &event), -EAGAIN);
  }
}
END_TEST

/* ---- ports --------------------------------------------------------------- */

#define RULE(...)                                                              \
  (struct vmspec_forward_port) { VMSPEC_INIT (vmspec_forward_port), __VA_ARGS__ }
#define ANY(port, ...)                                                         \
  RULE (.any_host_port = VMSPEC_ON, .guest_port = port, __VA_ARGS__)
#define TCP(from, port, to, guest)                                             \
  "  TCP[HOST_FORWARD]  12  " from " " port "  " to " " guest " 0 0\\r\\n"
#define UDP(from, port, to, guest)                                             \
  "  UDP[HOST_FORWARD]  13  " from " " port "  " to " " guest " 0 0\\r\\n"
#define GUEST "10.0.2.15"

static const struct {
  struct vmspec_forward_port rules[2];
  size_t index;
  const char *text;
  uint32_t port; /* 0: it is not told */
} ports[] = {
  { { ANY (22) }, 0, "", 0 },
  { { ANY (22) }, 0, TCP ("*", "40123", GUEST, "22"), 40123 },
  { { ANY (22) }, 0, "Hub -1 (user.0):\\r\\n"
    "  Protocol[State]    FD  Source Address  Port   Dest. Address  Port RecvQ\\r\\n"
    TCP ("0.0.0.0", "40123", GUEST, "22"), 40123 },
  { { ANY (22) }, 0, "  TCP[HOST_FORWARD]  12  * 1  " GUEST " 22", 1 },
  { { ANY (22) }, 0, "  TCP[HOST_FORWARD]  12  * 1  " GUEST, 0 },
  { { ANY (22) }, 0, "  TCP[ESTABLISHED]  12  * 40123 " GUEST " 22 0 0\\r\\n", 0 },
  { { ANY (22) }, 0, TCP ("*", "65535", GUEST, "22"), 65535 },
  { { ANY (22) }, 0, TCP ("*", "65536", GUEST, "22"), 0 },
  { { ANY (22) }, 0, TCP ("*", "0", GUEST, "22") TCP ("*", "5", GUEST, "22"), 5 },
  { { ANY (22) }, 0, TCP ("*", "5", GUEST, "23") TCP ("*", "6", GUEST, "22"), 6 },
  /* Addresses. */
  { { ANY (22) }, 0, TCP ("127.0.0.1", "5", GUEST, "22"), 0 },
  { { ANY (22) }, 0, TCP ("nowhere", "5", GUEST, "22"), 0 },
  { { ANY (22, .host_address = "127.1") }, 0,
    TCP ("*", "5", GUEST, "22") TCP ("127.0.0.1", "6", GUEST, "22"), 6 },
  { { ANY (22, .host_address = "0.0.0.0") }, 0, TCP ("*", "5", GUEST, "22"), 5 },
  { { ANY (22, .host_address = "x") }, 0, TCP ("*", "5", GUEST, "22"), 0 },
  { { ANY (22, .guest_address = "10.0.2.16") }, 0,
    TCP ("*", "5", GUEST, "22") TCP ("*", "6", "10.0.2.16", "22"), 6 },
  { { ANY (22, .guest_address = "10.0.2.16") }, 0, TCP ("*", "5", GUEST, "22"),
    0 },
  /* Protocols. */
  { { ANY (22, .proto = VMSPEC_PROTO_UDP) }, 0,
    TCP ("*", "5", GUEST, "22") UDP ("*", "6", GUEST, "22"), 6 },
  { { ANY (22) }, 0, UDP ("*", "5", GUEST, "22") TCP ("*", "6", GUEST, "22"), 6 },
  /* Rules that say the same have a port each. */
  { { ANY (22), ANY (22) }, 0,
    TCP ("*", "5", GUEST, "22") TCP ("*", "6", GUEST, "22"), 5 },
  { { ANY (22), ANY (22) }, 1,
    TCP ("*", "5", GUEST, "22") TCP ("*", "6", GUEST, "22"), 6 },
  { { ANY (22), ANY (22) }, 1, TCP ("*", "5", GUEST, "22"), 0 },
  { { ANY (23), ANY (22) }, 1, TCP ("*", "5", GUEST, "22"), 5 },
  { { ANY (22, .proto = VMSPEC_PROTO_UDP), ANY (22) }, 1,
    TCP ("*", "5", GUEST, "22"), 5 },
  { { ANY (22, .host_address = "0.0.0.0"), ANY (22) }, 1,
    TCP ("*", "5", GUEST, "22"), 5 },
  { { ANY (22, .guest_address = GUEST), ANY (22) }, 1,
    TCP ("*", "5", GUEST, "22"), 5 },
  { { RULE (.host_port = 5, .guest_port = 22, .any_host_port = VMSPEC_OFF),
      ANY (22) }, 1,
    TCP ("*", "6", GUEST, "22"), 6 },
  /* A port that another rule says is that one's. */
  { { RULE (.host_port = 5, .guest_port = 22), ANY (22) }, 1,
    TCP ("*", "5", GUEST, "22") TCP ("*", "6", GUEST, "22"), 6 },
  { { RULE (.host_port = 5, .guest_port = 22, .proto = VMSPEC_PROTO_UDP),
      ANY (22) }, 1,
    TCP ("*", "5", GUEST, "22") TCP ("*", "6", GUEST, "22"), 5 },
  { { RULE (.host_port = 5, .guest_port = 22, .from = VMSPEC_FORWARD_FROM_GUEST,
            .guest_address = "10.0.2.10"), ANY (22) }, 1,
    TCP ("*", "5", GUEST, "22") TCP ("*", "6", GUEST, "22"), 5 },
  { { ANY (22, .host_port = 5), ANY (22, .host_address = "127.0.0.1") }, 1,
    TCP ("127.0.0.1", "5", GUEST, "22") TCP ("127.0.0.1", "6", GUEST, "22"), 5 },
};

START_TEST (a_port_is_that_of_its_rule)
{
  const struct vmspec_forward_port *list[3] = { NULL };
  uint32_t port = 12345;
  char text[2000];

  for (size_t i = 0; i < 2 && ports[_i].rules[i].struct_size; i++)
    list[i] = &ports[_i].rules[i];
  network.forward_ports = list;
  machine.plan = unit_plan (&spec, &host);
  snprintf (text, sizeof text, "{\"return\": \"%s\", \"id\": 1}\n",
            ports[_i].text);
  answer (text);
  ck_assert_int_eq (vmspec_vm_host_port (&machine, ports[_i].index, diag, &port),
                    ports[_i].port ? 0 : -EPROTO);
  ck_assert_uint_eq (port, ports[_i].port ? ports[_i].port : 12345);
  ck_assert_str_eq (peer_hears (),
                    "{\"execute\":\"human-monitor-command\",\"id\":1,"
                    "\"arguments\":{\"command-line\":\"info usernet\"}}\n");
  ck_assert_uint_eq (vmspec_diag_count (diag), !ports[_i].port);
}
END_TEST

START_TEST (what_is_no_answer_about_ports_has_none)
{
  uint32_t port = 12345;

  network.forward_ports
    = LIST (vmspec_forward_port, &ANY (22), &ANY (23));
  machine.plan = unit_plan (&spec, &host);
  answer ("{\"return\": 7, \"id\": 1}\n");
  ck_assert_int_eq (vmspec_vm_host_port (&machine, 1, diag, &port), -EPROTO);
  ck_assert_str_eq (vmspec_diag_get (diag, 0)->path, "network.forward_ports[1]");
  answer ("{\"error\": {\"desc\": \"no\"}, \"id\": 1}\n");
  ck_assert_int_eq (vmspec_vm_host_port (&machine, 0, diag, &port), -EREMOTEIO);
  ck_assert_int_eq (vmspec_vm_host_port (&machine, 2, diag, &port), -ENOENT);
  ck_assert_uint_eq (port, 12345);
}
END_TEST

/* ---- programs in the guest ----------------------------------------------- */

static void
let_agent_say (const char *text)
{
  let_go ();
  peer_make ();
  vms_channel_open (&machine.agent, ours);
  peer_says (text);
}

static const struct {
  const char *status;
  uint32_t exit_code, signal, truncated;
  const char *output, *error;
  size_t output_size, error_size;
} results[] = {
  { "\"exitcode\":3", 3, 0, VMSPEC_OFF, "", "", 0, 0 },
  { "\"signal\":9", 0, 9, VMSPEC_OFF, "", "", 0, 0 },
  { "\"out-truncated\":true", 0, 0, VMSPEC_ON, "", "", 0, 0 },
  { "\"err-truncated\":true", 0, 0, VMSPEC_ON, "", "", 0, 0 },
  { "\"err-truncated\":false,\"out-truncated\":false", 0, 0, VMSPEC_OFF, "", "",
    0, 0 },
  { "\"out-data\":\"\",\"err-data\":\"\"", 0, 0, VMSPEC_OFF, "", "", 0, 0 },
  { "\"out-data\":\"YQ==\",\"err-data\":\"YWI=\"", 0, 0, VMSPEC_OFF, "a", "ab", 1,
    2 },
  { "\"out-data\":\"YWJj\",\"err-data\":\"YWJjZA==\"", 0, 0, VMSPEC_OFF, "abc",
    "abcd", 3, 4 },
  { "\"out-data\":\"AAH+/w==\"", 0, 0, VMSPEC_OFF, "\0\1\xfe\xff", "", 4, 0 },
  { "\"out-data\":\"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
    "0123456789+/\"", 0, 0, VMSPEC_OFF,
    "\x00\x10\x83\x10\x51\x87\x20\x92\x8b\x30\xd3\x8f\x41\x14\x93\x51"
    "\x55\x97\x61\x96\x9b\x71\xd7\x9f\x82\x18\xa3\x92\x59\xa7\xa2\x9a"
    "\xab\xb2\xdb\xaf\xc3\x1c\xb3\xd3\x5d\xb7\xe3\x9e\xbb\xf3\xdf\xbf", "", 48,
    0 },
  /* It ends where something else comes. */
  { "\"out-data\":\"YWJj*YWJj\",\"err-data\":\"Y\"", 0, 0, VMSPEC_OFF, "abc", "",
    3, 0 },
};

START_TEST (results_are_told_as_they_are)
{
  const struct vmspec_exec_result *result = NULL;

  for (size_t i = 0; i < COUNT (results); i++) {
    char text[400];

    snprintf (text, sizeof text, "\xff{\"return\":1}\n{\"return\":{\"pid\":7}}\n"
              "\xff{\"return\":2}\n{\"return\":{\"exited\":false}}\n"
              "\xff{\"return\":3}\n{\"return\":{\"exited\":true,%s}}\n",
              results[i].status);
    let_agent_say (text);
    ck_assert_int_eq (vmspec_vm_exec (&machine, STRINGS ("/bin/a", "b", "c"), 1000,
                                      diag, &result), 0);
    ck_assert_uint_eq (result->struct_size, sizeof *result);
    ck_assert_uint_eq (result->exit_code, results[i].exit_code);
    ck_assert_uint_eq (result->signal, results[i].signal);
    ck_assert_uint_eq (result->truncated, results[i].truncated);
    ck_assert_uint_eq (result->output_size, results[i].output_size);
    ck_assert_mem_eq (result->output, results[i].output,
                      results[i].output_size + 1);
    ck_assert_uint_eq (result->error_size, results[i].error_size);
    ck_assert_mem_eq (result->error, results[i].error, results[i].error_size + 1);
  }
  ck_assert_str_eq (
    peer_hears (),
    "\xff{\"execute\":\"guest-sync-delimited\",\"arguments\":{\"id\":1}}\n"
    "{\"execute\":\"guest-exec\",\"arguments\":{\"path\":\"/bin/a\","
    "\"arg\":[\"b\",\"c\"],\"capture-output\":true}}\n"
    "\xff{\"execute\":\"guest-sync-delimited\",\"arguments\":{\"id\":2}}\n"
    "{\"execute\":\"guest-exec-status\",\"arguments\":{\"pid\":7}}\n"
    "\xff{\"execute\":\"guest-sync-delimited\",\"arguments\":{\"id\":3}}\n"
    "{\"execute\":\"guest-exec-status\",\"arguments\":{\"pid\":7}}\n");
}
END_TEST

START_TEST (programs_have_names_and_arguments_that_are_text)
{
  const struct vmspec_exec_result *result = NULL;

  let_agent_say ("\xff{\"return\":1}\n{\"error\":{\"desc\":\"no such\"}}\n");
  ck_assert_int_eq (vmspec_vm_exec (&machine, STRINGS (NULL), 1000, diag, &result),
                    -EREMOTEIO);
  ck_assert_ptr_nonnull (strstr (peer_hears (), "{\"path\":\"\",\"arg\":[],"));
  ck_assert_int_eq (vmspec_vm_exec (&machine, STRINGS ("a", "b", "\xff"), 1000,
                                    diag, &result), -EINVAL);
  ck_assert_int_eq (vmspec_vm_exec (&machine, STRINGS ("\xff"), 1000, diag,
                                    &result), -EINVAL);
  ck_assert_str_eq (peer_hears (), "");
  ck_assert_ptr_null (result);
  ck_assert_ptr_nonnull (unit_finding (diag, "agent.arguments"));
}
END_TEST

/* A look, pauses of 5, 10, 20 ms and so on between looks, and none for ever. */
START_TEST (the_end_of_a_program_is_waited_for_as_long_as_there_is_time)
{
  const struct vmspec_exec_result *result = NULL;
  char text[4000] = "\xff{\"return\":1}\n{\"return\":{\"pid\":7}}\n";
  int64_t begin = milliseconds ();

  for (int i = 2; i < 8; i++)
    snprintf (text + strlen (text), sizeof text - strlen (text),
              "\xff{\"return\":%d}\n{\"return\":{\"exited\":%s}}\n", i,
              i < 7 ? "false" : "true");
  let_agent_say (text);
  ck_assert_int_eq (vmspec_vm_exec (&machine, STRINGS ("a"), 60000, diag, &result),
                    0);
  ck_assert_int_ge (milliseconds () - begin, 5 + 10 + 20 + 40 + 80);
  ck_assert_int_lt (milliseconds () - begin, SOON_MS);
  let_agent_say ("\xff{\"return\":1}\n{\"return\":{\"pid\":7}}\n");
  machine.agent.serial = 0;
  ck_assert_int_eq (vmspec_vm_exec (&machine, STRINGS ("a"), 50, diag, &result),
                    -ETIME);
}
END_TEST

int
main (void)
{
  TCase *t = unit_case ("vm-control");

  tcase_add_checked_fixture (t, set_up, tear_down);
  tcase_add_test (t, each_action_is_a_command);
  tcase_add_test (t, commands_and_answers_are_json);
  tcase_add_test (t, one_that_has_not_greeted_is_asked_after_it_has);
  tcase_add_test (t, a_status_is_a_word);
  tcase_add_test (t, what_accelerates_is_what_is_said);
  tcase_add_test (t, events_are_told_as_they_are);
  tcase_add_loop_test (t, a_port_is_that_of_its_rule, 0, (int) COUNT (ports));
  tcase_add_test (t, what_is_no_answer_about_ports_has_none);
  tcase_add_test (t, results_are_told_as_they_are);
  tcase_add_test (t, programs_have_names_and_arguments_that_are_text);
  tcase_add_test (t,
                  the_end_of_a_program_is_waited_for_as_long_as_there_is_time);
  return unit_run ("vm-control", t);
}
