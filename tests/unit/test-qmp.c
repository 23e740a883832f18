/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* QEMU is asked, and whatever else may be at the other end.  Commands have the
 * numbers 1, 2, ..., so that answers can be written beforehand. */
#include "qmp.h"
#include "peer.h"

#include <jansson.h>

#define GREETING "{\"QMP\": {\"version\": {}, \"capabilities\": [\"oob\"]}}\r\n"
#define READY GREETING "{\"return\": {}, \"id\": 1}\r\n"

static struct qmp qmp;
static vmspec_diag *diag;

static void
set_up (void)
{
  peer_make ();
  vms_qmp_open (&qmp, ours);
  ck_assert_int_eq (vmspec_diag_new (&diag), 0);
}

static void
tear_down (void)
{
  vms_qmp_close (&qmp);
  peer_close ();
  vmspec_diag_free (diag);
}

/* One finding and no more, or none for NULL. */
static void
is_said (const char *id)
{
  ck_assert_uint_eq (vmspec_diag_count (diag), id != NULL);
  ck_assert_msg (!id || unit_finding (diag, id), "%s", unit_findings (diag));
  if (id) {
    ck_assert_str_eq (unit_finding (diag, id)->path, "start.qmp");
    ck_assert_uint_eq (unit_finding (diag, id)->severity,
                       VMSPEC_SEVERITY_ERROR);
  }
  vmspec_diag_clear (diag);
}

static void
greets (int timeout_ms, int result, const char *id)
{
  ck_assert_int_eq (vms_qmp_greet (&qmp, vms_deadline_after (timeout_ms), diag),
                    result);
  is_said (id);
}

static void
ready (void)
{
  peer_says (READY);
  greets (SOON_MS, 0, NULL);
  (void) peer_hears ();
}

/* The result of a command; its answer has to be the expected one. */
static int
ask (int timeout_ms, const char *expected)
{
  json_t *answer = NULL;
  int r = vms_qmp_execute (&qmp, "query-status", NULL, vms_deadline_after (timeout_ms),
                           diag, &answer);
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
  ck_assert_int_eq (ask (timeout_ms, NULL), error);
  is_said (id);
}

/* The number in the next event's data, and how many are lost before it. */
static json_int_t
next_event (uint64_t *ret_lost)
{
  json_t *event = NULL;
  json_int_t number = -1;

  ck_assert_int_eq (vms_qmp_event (&qmp, &event, ret_lost), 0);
  number = json_integer_value (
    json_object_get (json_object_get (event, "data"), "n"));
  json_decref (event);
  return number;
}

static void
event_is (json_int_t number)
{
  uint64_t lost;

  ck_assert_int_eq (next_event (&lost), number);
  ck_assert_uint_eq (lost, 0);
}

static void
no_event (int error)
{
  json_t *event;
  uint64_t lost;

  ck_assert_int_eq (vms_qmp_event (&qmp, &event, &lost), error);
}

#define EVENT(n) "{\"event\": \"E\", \"data\": {\"n\": " #n "}}\r\n"

/* ---- greetings ----------------------------------------------------------- */

START_TEST (a_greeting_is_answered)
{
  peer_says (READY);
  greets (SOON_MS, 0, NULL);
  ck_assert_str_eq (peer_hears (),
                    "{\"execute\":\"qmp_capabilities\",\"id\":1}\n");
  ck_assert_int_eq (qmp.ready, 1);
}
END_TEST

START_TEST (one_that_is_silent_may_greet_later)
{
  greets (20, -ETIME, "qmp.timeout");
  ck_assert_str_eq (peer_hears (), "");
  greets (0, -ETIME, "qmp.timeout");
  peer_says (READY);
  greets (SOON_MS, 0, NULL);
}
END_TEST

START_TEST (negotiations_may_take_longer_and_are_not_made_twice)
{
  peer_says (GREETING);
  greets (20, -ETIME, "qmp.timeout");
  ck_assert_int_eq (qmp.ready, 1);
  peer_says ("{\"return\": {}, \"id\": 1}\n{\"return\": 5, \"id\": 2}\n");
  ck_assert_int_eq (ask (SOON_MS, "5"), 0);
}
END_TEST

START_TEST (what_does_not_greet_is_no_qemu)
{
  static const char *const greetings[]
    = { "{}\n", "Welcome to this server\n", "[]\n", "\n", EVENT (1),
        "{\"return\": {}, \"id\": 1}\n", "{\"qmp\": {}}\n" };

  peer_says (greetings[_i]);
  peer_says (READY);
  greets (SOON_MS, -EPROTO, "qmp.garbled");
  fails (SOON_MS, -ENOTCONN, "qmp.closed");
  no_event (-ENOTCONN);
}
END_TEST

START_TEST (one_that_closes_is_closed)
{
  peer_says ("{\"QMP\": {");
  peer_close ();
  greets (SOON_MS, -ENOTCONN, "qmp.closed");
}
END_TEST

START_TEST (without_a_socket_it_is_closed)
{
  struct qmp none = { .channel.fd = -1 };
  json_t *event;
  uint64_t lost;

  ck_assert_int_eq (vms_qmp_greet (&none, vms_deadline_after (0), diag),
                    -ENOTCONN);
  is_said ("qmp.closed");
  ck_assert_int_eq (vms_qmp_execute (&none, "quit", NULL, vms_deadline_after (0), diag,
                                     NULL), -ENOTCONN);
  is_said ("qmp.closed");
  ck_assert_int_eq (vms_qmp_event (&none, &event, &lost), -ENOTCONN);
}
END_TEST

/* ---- commands ------------------------------------------------------------ */

START_TEST (commands_have_arguments_and_answers)
{
  json_t *arguments = json_pack ("{s:s}", "id", "disk1"), *answer = NULL;

  ready ();
  peer_says ("{\"return\": {\"a\": [1]}, \"id\": 2}\n");
  ck_assert_int_eq (vms_qmp_execute (&qmp, "device_del", arguments,
                                     vms_deadline_after (SOON_MS), diag,
                                     &answer),
                    0);
  ck_assert_str_eq (peer_hears (),
                    "{\"execute\":\"device_del\",\"id\":2,"
                    "\"arguments\":{\"id\":\"disk1\"}}\n");
  ck_assert_uint_eq (arguments->refcount, 1);
  ck_assert_uint_eq (answer->refcount, 1);
  ck_assert_uint_eq (json_array_size (json_object_get (answer, "a")), 1);
  json_decref (answer);
  json_decref (arguments);
  peer_says ("{\"return\": {}, \"id\": 3}\n");
  ck_assert_int_eq (vms_qmp_execute (&qmp, "stop", NULL, vms_deadline_after (SOON_MS),
                                     NULL, NULL), 0);
  is_said (NULL);
}
END_TEST

START_TEST (refusals_are_told)
{
  ready ();
  peer_says ("{\"id\": 2, \"error\": {\"class\": \"GenericError\","
             "\"desc\": \"Device 'x' not found\"}}\n");
  ck_assert_int_eq (ask (SOON_MS, NULL), -EREMOTEIO);
  ck_assert_str_eq (unit_finding (diag, "qmp.refused")->text,
                    "QEMU refused query-status: Device 'x' not found");
  is_said ("qmp.refused");
  peer_says ("{\"return\": 1, \"id\": 3}\n");
  ck_assert_int_eq (ask (SOON_MS, "1"), 0);
}
END_TEST

START_TEST (refusals_may_be_hostile)
{
  static const char *const errors[]
    = { "null", "1", "[]", "{}", "{\"desc\": null}", "{\"desc\": {}}",
        "{\"desc\": \"\\u001b]0;title\\u0007 %s %n \\n\\u009b\"}",
        "{\"desc\": \"\\u0000\"}" };
  char line[200];
  const char *text;

  ready ();
  snprintf (line, sizeof line, "{\"error\": %s, \"id\": 2}\n", errors[_i]);
  peer_says (line);
  ck_assert_int_eq (ask (SOON_MS, NULL), -EREMOTEIO);
  for (text = unit_finding (diag, "qmp.refused")->text; *text; text++)
    ck_assert_int_ge (*text, ' ');
  is_said ("qmp.refused");
}
END_TEST

START_TEST (a_long_refusal_is_cut_short)
{
  struct writer w = { .head = TEXT_AND_SIZE ("{\"id\": 2, \"error\": {\"desc\":"
                                             "\""),
                      .body = TEXT_AND_SIZE ("abcdefghijklmnopqrstuvwxyz"),
                      .times = 200 };

  ready ();
  writer_start (&w);
  writer_join (&w);
  peer_says ("\"}}\n");
  ck_assert_int_eq (ask (SOON_MS, NULL), -EREMOTEIO);
  ck_assert_uint_lt (strlen (unit_finding (diag, "qmp.refused")->text), 1100);
  is_said ("qmp.refused");
}
END_TEST

START_TEST (only_the_answer_to_this_command_is_one)
{
  static const char *const others[]
    = { "{\"return\": 0, \"id\": 1}\n", "{\"return\": 0, \"id\": 3}\n",
        "{\"return\": 0}\n", "{\"return\": 0, \"id\": \"2\"}\n",
        "{\"return\": 0, \"id\": 2.0}\n", "{\"return\": 0, \"id\": null}\n",
        "{\"return\": 0, \"id\": [2]}\n", "{\"return\": 0, \"id\": -2}\n",
        "{\"id\": 2}\n", "{}\n", GREETING, "{\"error\": {\"desc\": \"\"}}\n",
        "{\"return\": 0, \"id\": 18446744073709551618}\n" };

  ready ();
  for (size_t i = 0; i < COUNT (others); i++)
    peer_says (others[i]);
  peer_says ("{\"return\": 7, \"id\": 2}\n");
  ck_assert_int_eq (ask (SOON_MS, "7"), 0);
}
END_TEST

START_TEST (an_answer_that_comes_too_late_is_thrown_away)
{
  ready ();
  fails (20, -ETIME, "qmp.timeout");
  fails (0, -ETIME, "qmp.timeout");
  peer_says ("{\"return\": 2, \"id\": 2}\n{\"return\": 3, \"id\": 3}\n"
             "{\"return\": 4, \"id\": 4}\n");
  ck_assert_int_eq (ask (SOON_MS, "4"), 0);
}
END_TEST

START_TEST (garbage_ends_the_connection)
{
  ready ();
  peer_says (EVENT (1) "{\"return\": {\"id\": 2}\n{\"return\": 1, \"id\": 2}\n");
  fails (SOON_MS, -EPROTO, "qmp.garbled");
  fails (SOON_MS, -ENOTCONN, "qmp.closed");
  event_is (1);
  no_event (-ENOTCONN);
}
END_TEST

START_TEST (the_end_may_come_in_the_middle)
{
  ready ();
  peer_says (EVENT (1) "{\"return\": {");
  peer_close ();
  fails (SOON_MS, -ENOTCONN, "qmp.closed");
  event_is (1);
  no_event (-ENOTCONN);
}
END_TEST

START_TEST (the_last_events_are_not_lost_by_asking)
{
  ready ();
  peer_says (EVENT (1) EVENT (2));
  peer_close ();
  fails (SOON_MS, -ENOTCONN, "qmp.closed");
  event_is (1);
  event_is (2);
  no_event (-ENOTCONN);
}
END_TEST

START_TEST (what_is_no_text_is_not_sent)
{
  ready ();
  ck_assert_int_eq (vms_qmp_execute (&qmp, "quit\xff", NULL, vms_deadline_after (0),
                                     diag, NULL), -EINVAL);
  is_said ("qmp.arguments");
  ck_assert_str_eq (peer_hears (), "");
}
END_TEST

/* Half a command would spoil the next one. */
START_TEST (a_peer_that_does_not_read_is_left)
{
  char *large = calloc (1, 4 << 20);
  json_t *arguments;
  int64_t start = milliseconds ();

  ready ();
  memset (large, 'x', (4 << 20) - 1);
  arguments = json_pack ("{s:s}", "a", large);
  ck_assert_int_eq (vms_qmp_execute (&qmp, "a", arguments, vms_deadline_after (50),
                                     diag, NULL), -ETIME);
  is_said ("qmp.timeout");
  fails (0, -ENOTCONN, "qmp.closed");
  ck_assert_int_lt (milliseconds () - start, SOON_MS);
  json_decref (arguments);
  free (large);
}
END_TEST

START_TEST (a_peer_that_sleeps_is_not)
{
  struct pollfd room = { .fd = ours, .events = POLLOUT };
  size_t n = 0;

  ready ();
  for (; poll (&room, 1, 0) > 0 && n < 100000; n++)
    fails (0, -ETIME, "qmp.timeout");
  ck_assert_uint_lt (n, 100000);
  for (int i = 0; i < 1000; i++)
    fails (0, -ETIME, "qmp.timeout");
  while (*peer_hears ())
    ;
  fails (0, -ETIME, "qmp.timeout");
  ck_assert_ptr_nonnull (strstr (peer_hears (), "query-status"));
}
END_TEST

/* ---- ticks --------------------------------------------------------------- */

static int
count_tick (void *data)
{
  int *left = data;

  return --*left ? 0 : -ECANCELED;
}

START_TEST (waiting_can_be_ended)
{
  int left = 3;

  qmp.tick = count_tick;
  qmp.tick_data = &left;
  greets (SOON_MS, -ECANCELED, NULL);
  ck_assert_int_eq (left, 0);
  left = 3;
  peer_says (READY);
  greets (SOON_MS, 0, NULL);
  ck_assert_int_eq (left, 3);
  /* Time that is up is up, with ticks or without. */
  left = 1000;
  fails (250, -ETIME, "qmp.timeout");
  ck_assert_int_lt (left, 1000);
}
END_TEST

START_TEST (negotiations_that_nobody_waits_for_are_not_made_twice)
{
  int left = 1;

  qmp.tick = count_tick;
  qmp.tick_data = &left;
  peer_says (GREETING);
  greets (SOON_MS, -ECANCELED, NULL);
  ck_assert_int_eq (qmp.ready, 1);
  left = 1000;
  peer_says ("{\"return\": {}, \"id\": 1}\n{\"return\": 5, \"id\": 2}\n");
  ck_assert_int_eq (ask (SOON_MS, "5"), 0);
}
END_TEST

/* ---- events -------------------------------------------------------------- */

START_TEST (events_come_in_their_order)
{
  ready ();
  no_event (-EAGAIN);
  peer_says (EVENT (1) EVENT (2) "{\"return\": 1, \"id\": 2}\n" EVENT (3));
  ck_assert_int_eq (ask (SOON_MS, "1"), 0);
  event_is (1);
  event_is (2);
  event_is (3);
  no_event (-EAGAIN);
  peer_says (EVENT (4) "{\"event\"");
  event_is (4);
  no_event (-EAGAIN);
  peer_says (": 5}\n");
  event_is (0);
}
END_TEST

START_TEST (answers_are_no_events)
{
  ready ();
  fails (0, -ETIME, "qmp.timeout");
  peer_says ("{\"return\": 1, \"id\": 2}\n" EVENT (1));
  event_is (1);
}
END_TEST

/* Numbered events, by a thread; then an answer. */
static char *
make_flood (size_t n, size_t *ret_size)
{
  char *flood = malloc (n * 64 + 64);

  *ret_size = 0;
  for (size_t i = 1; i <= n; i++)
    *ret_size += (size_t) sprintf (flood + *ret_size,
                                   "{\"event\": \"E\", \"data\": {\"n\": %zu}}\n",
                                   i);
  *ret_size += (size_t) sprintf (flood + *ret_size,
                                 "{\"return\": 1, \"id\": 2}\n");
  return flood;
}

START_TEST (of_a_flood_the_newest_are_kept_and_the_others_counted)
{
  size_t size;
  char *flood = make_flood (5000, &size);
  struct writer w = { .body = flood, .body_size = size, .times = 1 };
  uint64_t lost;

  ready ();
  writer_start (&w);
  ck_assert_int_eq (ask (SOON_MS, "1"), 0);
  writer_join (&w);
  ck_assert_uint_eq (qmp.n_events, QMP_MOST_EVENTS);
  ck_assert_int_eq (next_event (&lost), 4001);
  ck_assert_uint_eq (lost, 4000);
  for (int i = 4002; i <= 5000; i++)
    event_is (i);
  no_event (-EAGAIN);
  ck_assert_uint_eq (qmp.event_bytes, 0);
  free (flood);
}
END_TEST

START_TEST (exactly_so_many_are_kept)
{
  size_t size;
  char *flood = make_flood (QMP_MOST_EVENTS, &size);
  struct writer w = { .body = flood, .body_size = size, .times = 1 };

  ready ();
  writer_start (&w);
  ck_assert_int_eq (ask (SOON_MS, "1"), 0);
  writer_join (&w);
  for (int i = 1; i <= QMP_MOST_EVENTS; i++)
    event_is (i);
  no_event (-EAGAIN);
  free (flood);
}
END_TEST

START_TEST (large_events_are_fewer)
{
  static char large[300000], sentence[300100];
  struct writer w = { .body = sentence, .times = 20 };
  json_t *event;
  uint64_t lost;
  int kept = 0;

  memset (large, 'x', sizeof large - 1);
  w.body_size = (size_t) snprintf (sentence, sizeof sentence,
                                   "{\"event\": \"%s\"}\n", large);
  ready ();
  writer_start (&w);
  while (__atomic_load_n (&w.written, __ATOMIC_RELAXED) < 20 * w.body_size)
    fails (10, -ETIME, "qmp.timeout");
  writer_join (&w);
  while (recv (ours, sentence, 1, MSG_PEEK | MSG_DONTWAIT) > 0)
    fails (10, -ETIME, "qmp.timeout");
  ck_assert_uint_le (qmp.event_bytes, QMP_MOST_EVENT_BYTES);
  while (vms_qmp_event (&qmp, &event, &lost) == 0) {
    ck_assert_int_eq (lost > 0, kept == 0);
    json_decref (event);
    kept++;
  }
  ck_assert_int_eq (kept, 3);
  ck_assert_uint_eq (qmp.event_bytes, 0);
}
END_TEST

START_TEST (an_event_that_is_too_large_is_lost)
{
  struct writer w = { .head = TEXT_AND_SIZE (EVENT (1) "{\"event\": \""),
                      .body = TEXT_AND_SIZE ("xxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"),
                      .times = 40000 };
  uint64_t lost;

  ready ();
  writer_start (&w);
  fails (50, -ETIME, "qmp.timeout");
  while (__atomic_load_n (&w.written, __ATOMIC_RELAXED) < 1200000)
    fails (10, -ETIME, "qmp.timeout");
  writer_join (&w);
  peer_says ("\"}\n" EVENT (2));
  event_is (1);
  ck_assert_int_eq (next_event (&lost), 2);
  ck_assert_uint_eq (lost, 1);
}
END_TEST

/* Neither a command nor a look for events takes for ever, or more memory. */
START_TEST (a_flood_without_end_is_no_reason_to_wait)
{
  struct writer w = { .body = TEXT_AND_SIZE (EVENT (1)) };
  int64_t start = milliseconds ();
  uint64_t lost;

  ready ();
  writer_start (&w);
  fails (200, -ETIME, "qmp.timeout");
  for (int i = 0; i < 100; i++)
    ck_assert_int_eq (next_event (&lost), 1);
  ck_assert_uint_le (qmp.n_events, QMP_MOST_EVENTS);
  ck_assert_int_lt (milliseconds () - start, SOON_MS);
  writer_stop (&w);
}
END_TEST

START_TEST (no_more_is_read_when_the_time_is_up)
{
  ready ();
  for (int i = 0; i < 100; i++)
    peer_says (EVENT (1));
  fails (0, -ETIME, "qmp.timeout");
  ck_assert_uint_eq (qmp.n_events, 1);
}
END_TEST

/* ---- the caller's own ---------------------------------------------------- */

START_TEST (the_parsers_memory_is_still_the_callers)
{
  json_malloc_t allocate;
  json_free_t release;

  ready ();
  json_get_alloc_funcs (&allocate, &release);
  ck_assert (allocate == malloc);
  ck_assert (release == free);
}
END_TEST

int
main (void)
{
  TCase *t = unit_case ("qmp");

  tcase_add_checked_fixture (t, set_up, tear_down);
  tcase_add_test (t, a_greeting_is_answered);
  tcase_add_test (t, one_that_is_silent_may_greet_later);
  tcase_add_test (t, negotiations_may_take_longer_and_are_not_made_twice);
  tcase_add_loop_test (t, what_does_not_greet_is_no_qemu, 0, 7);
  tcase_add_test (t, one_that_closes_is_closed);
  tcase_add_test (t, without_a_socket_it_is_closed);
  tcase_add_test (t, commands_have_arguments_and_answers);
  tcase_add_test (t, refusals_are_told);
  tcase_add_loop_test (t, refusals_may_be_hostile, 0, 8);
  tcase_add_test (t, a_long_refusal_is_cut_short);
  tcase_add_test (t, only_the_answer_to_this_command_is_one);
  tcase_add_test (t, an_answer_that_comes_too_late_is_thrown_away);
  tcase_add_test (t, garbage_ends_the_connection);
  tcase_add_test (t, the_end_may_come_in_the_middle);
  tcase_add_test (t, the_last_events_are_not_lost_by_asking);
  tcase_add_test (t, what_is_no_text_is_not_sent);
  tcase_add_test (t, a_peer_that_does_not_read_is_left);
  tcase_add_test (t, a_peer_that_sleeps_is_not);
  tcase_add_test (t, waiting_can_be_ended);
  tcase_add_test (t, negotiations_that_nobody_waits_for_are_not_made_twice);
  tcase_add_test (t, events_come_in_their_order);
  tcase_add_test (t, answers_are_no_events);
  tcase_add_test (t, of_a_flood_the_newest_are_kept_and_the_others_counted);
  tcase_add_test (t, exactly_so_many_are_kept);
  tcase_add_test (t, large_events_are_fewer);
  tcase_add_test (t, an_event_that_is_too_large_is_lost);
  tcase_add_test (t, a_flood_without_end_is_no_reason_to_wait);
  tcase_add_test (t, no_more_is_read_when_the_time_is_up);
  tcase_add_test (t, the_parsers_memory_is_still_the_callers);
  return unit_run ("qmp", t);
}
