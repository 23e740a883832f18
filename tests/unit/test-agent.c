/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The guest's agent is asked: it may be absent, interrupted at any place, or the
 * guest's own idea of one.  Synchronisations have the numbers 1, 2, .... */
#include "agent.h"
#include "peer.h"

#include <jansson.h>

static struct channel channel;
static vmspec_diag *diag;

static void
set_up (void)
{
  peer_make ();
  vms_channel_open (&channel, ours);
  ck_assert_int_eq (vmspec_diag_new (&diag), 0);
}

static void
tear_down (void)
{
  vms_channel_close (&channel);
  peer_close ();
  vmspec_diag_free (diag);
}

static void
is_said (const char *id)
{
  ck_assert_uint_eq (vmspec_diag_count (diag), id != NULL);
  ck_assert_msg (!id || unit_finding (diag, id), "%s", unit_findings (diag));
  if (id) {
    ck_assert_str_eq (unit_finding (diag, id)->path, "start.guest_agent");
    ck_assert_uint_eq (unit_finding (diag, id)->severity,
                       VMSPEC_SEVERITY_ERROR);
  }
  vmspec_diag_clear (diag);
}

static int
ask (const char *command, int timeout_ms, const char *expected)
{
  json_t *answer = NULL;
  int r = vms_agent_execute (&channel, command, NULL,
                             vms_deadline_after (timeout_ms), diag, &answer);
  char *text = answer ? json_dumps (answer, JSON_COMPACT | JSON_ENCODE_ANY)
                      : NULL;

  ck_assert_int_eq (r == 0, answer != NULL);
  if (expected)
    ck_assert_str_eq (text, expected);
  free (text);
  json_decref (answer);
  return r;
}

static void
fails (int timeout_ms, int error, const char *id)
{
  ck_assert_int_eq (ask ("guest-ping", timeout_ms, NULL), error);
  is_said (id);
}

/* ---- answers ------------------------------------------------------------- */

START_TEST (the_channel_is_brought_in_step_before_each_command)
{
  json_t *arguments = json_pack ("{s:i}", "pid", 5), *answer = NULL;

  peer_says ("\xff{\"return\": 1}\n{\"return\": {\"a\": 1}}\n");
  ck_assert_int_eq (vms_agent_execute (&channel, "guest-exec-status", arguments,
                                       vms_deadline_after (SOON_MS), diag,
                                       &answer),
                    0);
  ck_assert_str_eq (peer_hears (),
                    "\xff{\"execute\":\"guest-sync-delimited\","
                    "\"arguments\":{\"id\":1}}\n"
                    "{\"execute\":\"guest-exec-status\","
                    "\"arguments\":{\"pid\":5}}\n");
  ck_assert_uint_eq (arguments->refcount, 1);
  ck_assert_uint_eq (answer->refcount, 1);
  json_decref (answer);
  json_decref (arguments);
  peer_says ("\xff{\"return\": 2}\n{\"return\": {}}\n");
  ck_assert_int_eq (ask ("guest-ping", SOON_MS, "{}"), 0);
  is_said (NULL);
}
END_TEST

START_TEST (whatever_the_channel_still_holds_is_passed_over)
{
  static const char *const before[]
    = { "{\"return\": 5}\n", "\xff{\"return\": 5}\n", "\xff\xff", "garbage",
        "\n\n\n", "\xff{\"return\": 1", "\xff{\"return\": 1\xff{}\n\xff{\"retu",
        "\xff{\"error\": {}}\n", "{\"return\": \"", "\xff{\"return\": \"1\"}\n",
        "\xff{\"return\": 1.0}\n", "login: \xff{\"return\": 1}{\"return\"" };

  peer_says (before[_i]);
  peer_says ("\xff{\"return\": 1}\n{\"return\": 9}\n");
  ck_assert_int_eq (ask ("guest-ping", SOON_MS, "9"), 0);
}
END_TEST

START_TEST (refusals_are_told)
{
  peer_says ("\xff{\"return\": 1}\n"
             "{\"error\": {\"class\": \"GenericError\", \"desc\":"
             "\"Guest agent\\u001b[2J says %s no\\n\"}}\n");
  ck_assert_int_eq (ask ("guest-ping", SOON_MS, NULL), -EREMOTEIO);
  ck_assert_str_eq (unit_finding (diag, "agent.refused")->text,
                    "the guest's agent refused guest-ping: Guest agent [2J "
                    "says %s no ");
  is_said ("agent.refused");
  peer_says ("\xff{\"return\": 2}\n{\"error\": 1}\n");
  fails (SOON_MS, -EREMOTEIO, "agent.refused");
}
END_TEST

START_TEST (an_answer_that_comes_too_late_is_thrown_away)
{
  peer_says ("\xff{\"return\": 1}\n");
  fails (20, -ETIME, "agent.timeout");
  peer_says ("{\"return\": \"late\"}\n\xff{\"return\": 2}\n{\"return\": 2}\n");
  ck_assert_int_eq (ask ("guest-ping", SOON_MS, "2"), 0);
}
END_TEST

/* 16 MiB of each of a program's outputs, in base64. */
START_TEST (outputs_may_be_as_large_as_the_agent_keeps_them)
{
  size_t size = 44 << 20;
  char *output = malloc (size);
  struct writer w
    = { .head = TEXT_AND_SIZE ("\xff{\"return\": 1}\n{\"return\": \""),
        .body = output, .body_size = size, .times = 1 };
  json_t *answer = NULL;

  if (unit_is_watched ()) /* less memory for that */
    w.body_size = size = 12 << 20;
  memset (output, 'A', size);
  memcpy (output + size - 3, "\"}\n", 3);
  writer_start (&w);
  ck_assert_int_eq (vms_agent_execute (&channel, "guest-exec-status", NULL,
                                       vms_deadline_after (6 * SOON_MS), diag,
                                       &answer),
                    0);
  writer_join (&w);
  ck_assert_uint_eq (json_string_length (answer), size - 3);
  json_decref (answer);
  free (output);
}
END_TEST

/* ---- no answers ---------------------------------------------------------- */

START_TEST (without_an_agent_time_is_up_at_some_time)
{
  int64_t start = milliseconds ();

  fails (100, -ETIME, "agent.timeout");
  ck_assert_int_ge (milliseconds () - start, 99);
  ck_assert_int_lt (milliseconds () - start, SOON_MS);
}
END_TEST

/* A guest takes minutes to boot, and nobody reads meanwhile. */
START_TEST (an_agent_may_be_asked_for_often_before_it_comes)
{
  struct pollfd room = { .fd = ours, .events = POLLOUT };
  char line[100];
  size_t n = 0;

  for (; poll (&room, 1, 0) > 0 && n < 100000; n++)
    fails (0, -ETIME, "agent.timeout");
  ck_assert_uint_lt (n, 100000);
  for (int i = 0; i < 1000; i++, n++)
    fails (0, -ETIME, "agent.timeout");
  while (*peer_hears ())
    ;
  for (size_t i = 1; i <= 200; i++) {
    snprintf (line, sizeof line, "\xff{\"return\": %zu}\n", i);
    peer_says (line);
  }
  snprintf (line, sizeof line, "\xff{\"return\": %zu}\n{\"return\": 1}\n",
            n + 1);
  peer_says (line);
  ck_assert_int_eq (ask ("guest-ping", SOON_MS, "1"), 0);
}
END_TEST

/* What is in the channel of a command that does not fit is ended by the next
 * sentinel. */
START_TEST (half_a_command_does_no_harm)
{
  char *large = calloc (1, 4 << 20);
  json_t *arguments;

  memset (large, 'x', (4 << 20) - 1);
  arguments = json_pack ("{s:s}", "a", large);
  peer_says ("\xff{\"return\": 1}\n");
  ck_assert_int_eq (vms_agent_execute (&channel, "a", arguments,
                                       vms_deadline_after (50), diag, NULL),
                    -ETIME);
  is_said ("agent.timeout");
  while (*peer_hears ())
    ;
  peer_says ("{\"error\": {}}\n\xff{\"return\": 2}\n{\"return\": 2}\n");
  ck_assert_int_eq (ask ("guest-ping", SOON_MS, "2"), 0);
  ck_assert_int_eq (*peer_hears (), '\xff');
  json_decref (arguments);
  free (large);
}
END_TEST

START_TEST (the_end_may_come_in_the_middle)
{
  static const char *const before[]
    = { "", "\xff{\"ret", "\xff{\"return\": 1}\n", "\xff{\"return\": 1}\n{",
        "\xff{\"return\": 0}\n" };

  peer_says (before[_i]);
  peer_close ();
  fails (SOON_MS, -ENOTCONN, "agent.closed");
  fails (SOON_MS, -ENOTCONN, "agent.closed");
}
END_TEST

START_TEST (without_a_channel_it_is_closed)
{
  struct channel none = { .fd = -1 };

  ck_assert_int_eq (vms_agent_execute (&none, "guest-ping", NULL,
                                       vms_deadline_after (0), diag, NULL),
                    -ENOTCONN);
  is_said ("agent.closed");
}
END_TEST

START_TEST (garbage_ends_the_connection)
{
  static const char *const garbage[]
    = { "\xff\n", "\xffnonsense\n", "\xff[1]\n", "\xff{\"return\": 1}\n\n",
        "\xff{\"return\": 1}\n[]\n", "\xff{\"return\": 1}\n{}\n",
        "\xff{\"return\": 1}\n{\"event\": \"E\"}\n",
        "\xff{\"return\": 1}\n{\"return\": \"\x01\"}\n",
        "\xff{\"return\": 1}\n\xff{\"return\": {}}\n" };

  peer_says (garbage[_i]);
  fails (SOON_MS, -EPROTO, "agent.garbled");
  fails (SOON_MS, -ENOTCONN, "agent.closed");
}
END_TEST

/* ---- guests that mean no good -------------------------------------------- */

START_TEST (a_flood_without_end_is_no_reason_to_wait)
{
  static const struct {
    const char *bytes;
    size_t size;
    const char *id;
    int error;
  } floods[] = {
    { TEXT_AND_SIZE ("\xff{}\n"), "agent.timeout", -ETIME },
    { TEXT_AND_SIZE ("\xff{\"return\": 0}\n"), "agent.timeout", -ETIME },
    { TEXT_AND_SIZE ("{\"return\": 1}\n"), NULL, 0 },
    { TEXT_AND_SIZE ("\xff"), NULL, 0 },
    { TEXT_AND_SIZE ("\xff{\"a\":"), NULL, 0 },
  };
  struct writer w = { .body = floods[_i].bytes, .body_size = floods[_i].size };
  int64_t start = milliseconds ();
  int r;

  writer_start (&w);
  r = ask ("guest-ping", 200, NULL);
  ck_assert_int_lt (milliseconds () - start, SOON_MS);
  /* Some are too much before the time is up, and some are not. */
  if (floods[_i].id)
    ck_assert_int_eq (r, floods[_i].error);
  ck_assert (r == -ETIME || r == -EPROTO);
  is_said (r == -ETIME ? "agent.timeout" : "agent.garbled");
  writer_stop (&w);
  ck_assert_uint_le (channel.capacity, AGENT_LONGEST);
}
END_TEST

START_TEST (no_more_is_read_when_the_time_is_up)
{
  for (int i = 0; i < 100; i++)
    peer_says ("\xff{}\n");
  fails (0, -ETIME, "agent.timeout");
  ck_assert_uint_eq (channel.size - channel.start, 99 * 4);
}
END_TEST

/* What is small as text and large in memory. */
START_TEST (a_guest_does_not_make_the_host_hold_much)
{
  static const char piece[] = ",{},{},{},{},{},{},{},{}";
  size_t size = strlen (piece), n = 70000;
  char *body = malloc (n * size + 3);
  struct writer w = { .head = TEXT_AND_SIZE ("\xff{\"return\": 1}\n"
                                             "{\"return\": [0"),
                      .body = body, .body_size = n * size + 3, .times = 1 };

  for (size_t i = 0; i < n; i++)
    memcpy (body + i * size, piece, size);
  memcpy (body + n * size, "]}\n", 3);
  writer_start (&w);
  fails (SOON_MS, -EPROTO, "agent.garbled");
  writer_stop (&w);
  free (body);
}
END_TEST

/* ---- commands without an answer ------------------------------------------ */

START_TEST (a_guest_that_goes_does_not_say_so)
{
  static const char *const commands[]
    = { "guest-shutdown", "guest-suspend-ram", "guest-suspend-disk",
        "guest-suspend-hybrid" };

  peer_says ("\xff{\"return\": 1}\n");
  ck_assert_int_eq (ask (commands[_i], 50, "{}"), 0);
  is_said (NULL);
  peer_says ("\xff{\"return\": 2}\n");
  peer_close ();
  (void) ask (commands[_i], SOON_MS, NULL);
  /* That it could not be sent is another thing than no answer. */
  is_said ("agent.closed");
}
END_TEST

START_TEST (a_guest_may_close_the_channel_as_it_goes)
{
  struct writer w = { .body = TEXT_AND_SIZE ("\xff{\"return\": 1}\n"),
                      .times = 1 };
  json_t *answer = NULL;

  writer_start (&w);
  writer_join (&w);
  ck_assert_int_eq (shutdown (theirs, SHUT_WR), 0);
  ck_assert_int_eq (vms_agent_execute (&channel, "guest-shutdown", NULL,
                                       vms_deadline_after (SOON_MS), diag,
                                       &answer),
                    0);
  ck_assert_uint_eq (json_object_size (answer), 0);
  json_decref (answer);
  is_said (NULL);
}
END_TEST

START_TEST (a_guest_that_does_not_go_says_so)
{
  peer_says ("\xff{\"return\": 1}\n{\"error\": {\"desc\": \"no\"}}\n");
  ck_assert_int_eq (ask ("guest-shutdown", SOON_MS, NULL), -EREMOTEIO);
  is_said ("agent.refused");
}
END_TEST

START_TEST (without_an_agent_nothing_is_said_to_have_gone)
{
  ck_assert_int_eq (ask ("guest-shutdown", 50, NULL), -ETIME);
  is_said ("agent.timeout");
}
END_TEST

START_TEST (what_is_no_text_is_not_sent)
{
  peer_says ("\xff{\"return\": 1}\n");
  ck_assert_int_eq (ask ("guest-ping\xff", SOON_MS, NULL), -EINVAL);
  is_said ("agent.arguments");
}
END_TEST

/* The end of the channel is one then, and for no other command. */
START_TEST (commands_that_end_the_agent_have_no_answer)
{
  static const struct {
    const char *command;
    int is_end;
  } rows[] = {
    { "guest-shutdown", 1 }, { "guest-suspend-disk", 1 },
    { "guest-suspend-ram", 1 }, { "guest-suspend-hybrid", 1 },
    { "guest-shutdow", 0 }, { "guest-shutdowx", 0 }, { "guest-suspend", 0 },
    { "guest-suspendx", 0 }, { "guest-ping", 0 },
  };

  for (size_t i = 0; i < COUNT (rows); i++) {
    tear_down ();
    set_up ();
    peer_says ("\xff{\"return\": 1}\n");
    ck_assert_int_eq (shutdown (theirs, SHUT_WR), 0);
    ck_assert_int_eq (ask (rows[i].command, SOON_MS,
                           rows[i].is_end ? "{}" : NULL),
                      rows[i].is_end ? 0 : -ENOTCONN);
    is_said (rows[i].is_end ? NULL : "agent.closed");
  }
}
END_TEST

int
main (void)
{
  TCase *t = unit_case ("agent");

  tcase_add_checked_fixture (t, set_up, tear_down);
  tcase_add_test (t, the_channel_is_brought_in_step_before_each_command);
  tcase_add_loop_test (t, whatever_the_channel_still_holds_is_passed_over, 0,
                       12);
  tcase_add_test (t, refusals_are_told);
  tcase_add_test (t, an_answer_that_comes_too_late_is_thrown_away);
  tcase_add_test (t, outputs_may_be_as_large_as_the_agent_keeps_them);
  tcase_add_test (t, without_an_agent_time_is_up_at_some_time);
  tcase_add_test (t, an_agent_may_be_asked_for_often_before_it_comes);
  tcase_add_test (t, half_a_command_does_no_harm);
  tcase_add_loop_test (t, the_end_may_come_in_the_middle, 0, 5);
  tcase_add_test (t, without_a_channel_it_is_closed);
  tcase_add_loop_test (t, garbage_ends_the_connection, 0, 9);
  tcase_add_loop_test (t, a_flood_without_end_is_no_reason_to_wait, 0, 5);
  tcase_add_test (t, no_more_is_read_when_the_time_is_up);
  tcase_add_test (t, a_guest_does_not_make_the_host_hold_much);
  tcase_add_loop_test (t, a_guest_that_goes_does_not_say_so, 0, 4);
  tcase_add_test (t, a_guest_may_close_the_channel_as_it_goes);
  tcase_add_test (t, a_guest_that_does_not_go_says_so);
  tcase_add_test (t, without_an_agent_nothing_is_said_to_have_gone);
  tcase_add_test (t, what_is_no_text_is_not_sent);
  tcase_add_test (t, commands_that_end_the_agent_have_no_answer);
  return unit_run ("agent", t);
}
