/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Messages come whole, whatever the other side does: in time, and within
 * bounds. */
#include "channel.h"
#include "peer.h"

#include <jansson.h>

static struct channel channel;

static void
set_up (void)
{
  peer_make ();
  vms_channel_open (&channel, ours);
}

static void
tear_down (void)
{
  vms_channel_close (&channel);
  peer_close ();
}

static int
receive (int timeout_ms, json_t **ret_object)
{
  int r;

  *ret_object = NULL;
  r = vms_channel_receive (&channel, vms_deadline_after (timeout_ms),
                           ret_object);
  ck_assert_int_eq (r == 0, *ret_object != NULL);
  return r;
}

/* The next message, written again. */
static void
next_is (const char *expected)
{
  json_t *object;
  char *text;

  ck_assert_int_eq (receive (SOON_MS, &object), 0);
  text = json_dumps (object, JSON_COMPACT | JSON_SORT_KEYS);
  ck_assert_str_eq (text, expected);
  free (text);
  json_decref (object);
}

static void
next_fails (int timeout_ms, int error)
{
  json_t *object;

  ck_assert_int_eq (receive (timeout_ms, &object), error);
}

/* Nothing more comes, but the descriptor is nobody else's. */
static void
is_shut (void)
{
  struct pollfd one = { .fd = ours, .events = POLLIN };

  next_fails (0, -ENOTCONN);
  ck_assert_int_eq (vms_channel_send (&channel, "x", 1, vms_deadline_after (0)),
                    -ENOTCONN);
  ck_assert_int_ge (fcntl (ours, F_GETFD), 0);
  ck_assert_int_eq (poll (&one, 1, 0), 1);
  ck_assert_ptr_null (channel.bytes);
}

/* ---- whole messages ------------------------------------------------------ */

START_TEST (lines_are_messages)
{
  peer_says ("{\"a\": 1}\r\n{}\n  {\"b\":[null,true,\"\\u20ac\"]}\n");
  next_is ("{\"a\":1}");
  next_is ("{}");
  next_is ("{\"b\":[null,true,\"€\"]}");
  next_fails (0, -ETIME);
}
END_TEST

START_TEST (a_peer_that_writes_byte_by_byte_is_understood)
{
  struct writer slow = { .body = "{\"slow\": \"peer\"}\n", .body_size = 17,
                         .times = 20, .piece = 1, .pause = 50 };

  writer_start (&slow);
  for (int i = 0; i < 20; i++)
    next_is ("{\"slow\":\"peer\"}");
  writer_join (&slow);
}
END_TEST

START_TEST (no_byte_is_lost_by_giving_up)
{
  static const char message[] = "{\"late\":1}";

  for (size_t i = 0; i < sizeof message - 1; i++) {
    peer_bytes (message + i, 1);
    next_fails (0, -ETIME);
  }
  peer_says ("\n");
  next_is (message);
}
END_TEST

START_TEST (what_is_there_is_read_without_waiting)
{
  json_t *object;

  peer_says ("{}\n");
  ck_assert_int_eq (receive (0, &object), 0);
  json_decref (object);
  ck_assert_int_eq (receive (0, &object), -ETIME);
}
END_TEST

START_TEST (escaped_nuls_are_characters)
{
  peer_says ("{\"a\":\"b\\u0000c\"}\n");
  next_is ("{\"a\":\"b\\u0000c\"}");
}
END_TEST

/* QEMU has sizes such as 2^64 - 1. */
START_TEST (numbers_may_be_larger_than_the_parsers)
{
  peer_says ("{\"a\": 18446744073709551615, \"b\": \"18446744073709551615\","
             "\"c\": 9223372036854775807, \"d\": -9223372036854775808,"
             "\"e\": -9223372036854775809, \"f\": \"\\\"18446744073709551615\","
             "\"g\": [99999999999999999999.5, 1e30, 98765432109876543210]}\n");
  next_is ("{\"a\":1.8446744073709552e19,\"b\":\"18446744073709551615\","
           "\"c\":9223372036854775807,\"d\":-9223372036854775808,"
           "\"e\":-9.2233720368547758e18,\"f\":\"\\\"18446744073709551615\","
           "\"g\":[1e20,1e30,9.8765432109876543e19]}");
}
END_TEST

/* ---- garbage ------------------------------------------------------------- */

static const struct {
  const char *bytes;
  size_t size;
} garbage[] = {
#define G(text) { text, sizeof (text) - 1 }
  G ("\n"), G ("\r\n"), G ("nonsense\n"), G ("[]\n"), G ("1\n"), G ("\"{}\"\n"),
  G ("null\n"), G ("{} {}\n"), G ("{\"a\":}\n"), G ("{\"a\" 1}\n"), G ("{\n"),
  G ("}\n"), G ("{\"a\":1,}\n"), G ("{'a':1}\n"), G ("{\"a\":\"\xff\"}\n"),
  G ("{\"a\":\"\xc3\"}\n"), G ("{\"a\":\"\xed\xa0\x80\"}\n"), G ("\0{}\n"),
  G ("{\"a\0\":1}\n"), G ("{\"a\":\"b\0\"}\n"), G ("{}\0\n"), G ("\0\0\0\n"),
  G ("{\"a\\u0000\":1}\n"), G ("{\"a\":\"\\ud800\"}\n"), G ("{\"a\":1e999}\n"),
  G ("\xef\xbb\xbf{}\n"), G ("{\"a\":\"\\\n"), G ("\xff\n"), G ("{\"a\":-}\n"),
  G ("{\"a\":99999999999999999999-9}\n"), G ("{\"\\\n"),
#undef G
};

START_TEST (what_is_no_object_ends_the_connection)
{
  peer_bytes (garbage[_i].bytes, garbage[_i].size);
  peer_says ("{}\n");
  next_fails (SOON_MS, -EPROTO);
  is_shut ();
}
END_TEST

static char *
repeated (const char *text, size_t times, size_t *ret_size)
{
  size_t size = strlen (text);
  char *all = malloc (size * times + 1);

  for (size_t i = 0; i < times; i++)
    memcpy (all + i * size, text, size);
  all[size * times] = '\0';
  *ret_size = size * times;
  return all;
}

/* A message of a head, pieces and a tail, from a thread. */
static int
receive_large (const char *head, const char *piece, size_t times,
               const char *tail, json_t **ret_object)
{
  size_t size, head_size = strlen (head), tail_size = strlen (tail);
  char *body = repeated (piece, times, &size);
  char *all = malloc (head_size + size + tail_size);
  struct writer w = { .body = all, .body_size = head_size + size + tail_size,
                      .times = 1 };
  int r;

  memcpy (all, head, head_size);
  memcpy (all + head_size, body, size);
  memcpy (all + head_size + size, tail, tail_size);
  writer_start (&w);
  r = vms_channel_receive (&channel, vms_deadline_after (SOON_MS), ret_object);
  writer_stop (&w);
  free (body);
  free (all);
  return r;
}

static void
is_large (const char *head, const char *piece, size_t times, const char *tail)
{
  json_t *object = NULL;

  ck_assert_int_eq (receive_large (head, piece, times, tail, &object), 0);
  json_decref (object);
  /* And nothing of it stays. */
  ck_assert_uint_le (channel.capacity, 65536);
}

static void
is_too_large (const char *head, const char *piece, size_t times,
              const char *tail)
{
  json_t *object = NULL;

  ck_assert_int_eq (receive_large (head, piece, times, tail, &object), -EPROTO);
  ck_assert_ptr_null (object);
  is_shut ();
}

START_TEST (deep_nesting_is_no_danger)
{
  size_t size;
  char *open = repeated ("[", 500, &size), *shut = repeated ("]", 500, &size);
  json_t *object;

  peer_says ("{\"a\":");
  peer_bytes (open, size);
  peer_bytes (shut, size);
  peer_says ("}\n");
  ck_assert_int_eq (receive (SOON_MS, &object), 0);
  json_decref (object);
  free (open);
  free (shut);
}
END_TEST

START_TEST (what_is_nested_too_deeply_is_refused)
{
  is_too_large ("{\"a\":", "[", 1000000, "\n");
}
END_TEST

START_TEST (large_messages_are_taken)
{
  is_large ("{\"a\":\"", "xxxxxxxx", 1000000, "\"}\n");
  is_large ("{\"a\":[0", ",0", 900000, "]}\n");
  /* These are no values. */
  is_large ("{\"a\":\"", ",\\\"[{", 1500000, "\"}\n");
}
END_TEST

START_TEST (too_many_values_are_refused)
{
  is_too_large ("{\"a\":[{}", ",{}", 600000, "]}\n");
}
END_TEST

START_TEST (what_never_ends_is_not_held)
{
  struct writer endless = { .body = "{\"aaaaaaaaaaaaaaaaaa\": ",
                            .body_size = 24 };

  writer_start (&endless);
  next_fails (SOON_MS, -EPROTO);
  writer_stop (&endless);
  is_shut ();
  /* So much was taken, and no more than that and what waits in between. */
  ck_assert_uint_le (endless.written, CHANNEL_LONGEST + (2 << 20));
}
END_TEST

/* ---- time ---------------------------------------------------------------- */

START_TEST (silence_is_waited_for_and_no_longer)
{
  int64_t start = milliseconds ();

  next_fails (100, -ETIME);
  ck_assert_int_ge (milliseconds () - start, 99);
  ck_assert_int_lt (milliseconds () - start, SOON_MS);
  peer_says ("{}\n");
  next_is ("{}");
}
END_TEST

START_TEST (a_peer_does_not_gain_time_by_trickling)
{
  struct writer trickle = { .body = " ", .body_size = 1, .pause = _i };
  int64_t start = milliseconds ();

  writer_start (&trickle);
  next_fails (200, -ETIME);
  ck_assert_int_lt (milliseconds () - start, SOON_MS);
  writer_stop (&trickle);
}
END_TEST

START_TEST (deadlines)
{
  ck_assert_int_eq (vms_deadline_left (vms_deadline_after (0)), 0);
  ck_assert_int_eq (vms_deadline_left (0), 0);
  ck_assert_int_gt (vms_deadline_left (vms_deadline_after (-1)), 9000);
  ck_assert_int_le (vms_deadline_left (vms_deadline_after (-1)), 10000);
  ck_assert_int_gt (vms_deadline_left (vms_deadline_after (INT32_MAX)),
                    INT32_MAX - 1000);
  ck_assert_int_eq (vms_deadline_left (INT64_MAX), INT32_MAX);
}
END_TEST

/* ---- sending ------------------------------------------------------------- */

START_TEST (messages_are_sent_in_a_line)
{
  json_t *object = json_pack ("{s:s, s:i}", "a", "b\nc", "d", 1);

  ck_assert_int_eq (vms_channel_send_json (&channel, object,
                                           vms_deadline_after (0)),
                    0);
  ck_assert_str_eq (peer_hears (), "{\"a\":\"b\\nc\",\"d\":1}\n");
  ck_assert_uint_eq (object->refcount, 1);
  json_decref (object);
}
END_TEST

START_TEST (whoever_does_not_read_is_not_waited_for_for_ever)
{
  size_t size = 4 << 20;
  char *bytes = calloc (1, size);
  int64_t start = milliseconds ();

  ck_assert_int_eq (vms_channel_send (&channel, bytes, size,
                                      vms_deadline_after (100)),
                    -ETIME);
  ck_assert_int_lt (milliseconds () - start, SOON_MS);
  ck_assert_int_eq (channel.torn, 1);
  free (bytes);
}
END_TEST

static void *
read_slowly (void *data)
{
  char byte[16];

  (void) data;
  while (recv (theirs, byte, sizeof byte, 0) > 0)
    ;
  return NULL;
}

START_TEST (whoever_reads_slowly_does_not_gain_time)
{
  size_t size = 64 << 20;
  char *bytes = calloc (1, size);
  int64_t start = milliseconds ();
  pthread_t thread;

  ck_assert_int_eq (pthread_create (&thread, NULL, read_slowly, NULL), 0);
  ck_assert_int_eq (vms_channel_send (&channel, bytes, size,
                                      vms_deadline_after (100)),
                    -ETIME);
  ck_assert_int_lt (milliseconds () - start, SOON_MS);
  vms_channel_shut (&channel);
  pthread_join (thread, NULL);
  free (bytes);
}
END_TEST

/* One that has not listened for long may do so later. */
START_TEST (a_message_that_was_not_begun_does_no_harm)
{
  json_t *object = json_pack ("{s:i}", "a", 1);
  size_t sent = 0, heard = 0;
  int r;

  do
    r = vms_channel_send_json (&channel, object, vms_deadline_after (0));
  while (r == 0 && ++sent < 1000000);
  json_decref (object);
  ck_assert_int_eq (r, -ETIME);
  ck_assert_int_eq (channel.torn, 0);
  for (const char *text = peer_hears (); *text; text = peer_hears ())
    heard += strlen (text);
  ck_assert_uint_eq (heard, sent * 8);
  ck_assert_int_eq (vms_channel_send (&channel, "{}\n", 3, vms_deadline_after (0)), 0);
  ck_assert_str_eq (peer_hears (), "{}\n");
}
END_TEST

/* ---- the end ------------------------------------------------------------- */

START_TEST (half_a_message_is_none)
{
  peer_says ("{\"a\": 1}\n{\"b\"");
  peer_close ();
  next_is ("{\"a\":1}");
  next_fails (SOON_MS, -ENOTCONN);
  is_shut ();
}
END_TEST

/* QEMU tells why it ends, and ends. */
START_TEST (last_words_are_heard_by_those_who_would_say_something)
{
  peer_says ("{\"a\": 1}\n{\"b\": 2}\n");
  peer_close ();
  for (int i = 0; i < 3; i++)
    ck_assert_int_eq (vms_channel_send (&channel, "{}\n", 3, vms_deadline_after (0)),
                      -ENOTCONN);
  next_is ("{\"a\":1}");
  next_is ("{\"b\":2}");
  next_fails (SOON_MS, -ENOTCONN);
}
END_TEST

START_TEST (unread_messages_at_the_other_end_change_nothing)
{
  ck_assert_int_eq (vms_channel_send (&channel, "{}\n", 3, vms_deadline_after (0)), 0);
  peer_says ("{\"a\": 1}\n");
  peer_close ();
  next_is ("{\"a\":1}");
  next_fails (SOON_MS, -ENOTCONN);
}
END_TEST

START_TEST (without_a_socket_there_is_nothing)
{
  struct channel none = { .fd = -1 };
  json_t *object;

  ck_assert_int_eq (vms_channel_receive (&none, vms_deadline_after (0),
                                         &object),
                    -ENOTCONN);
  ck_assert_int_eq (vms_channel_receive_behind (&none, 'x',
                                                vms_deadline_after (0),
                                                &object),
                    -ENOTCONN);
  ck_assert_int_eq (vms_channel_send (&none, "x", 1, vms_deadline_after (0)),
                    -ENOTCONN);
  vms_channel_shut (&none);
  vms_channel_close (&none);
}
END_TEST

/* ---- in step again ------------------------------------------------------- */

static int
receive_behind (int timeout_ms, json_int_t *ret_number)
{
  json_t *object = NULL;
  int r = vms_channel_receive_behind (&channel, '\xff',
                                      vms_deadline_after (timeout_ms), &object);

  *ret_number = json_integer_value (json_object_get (object, "a"));
  json_decref (object);
  return r;
}

START_TEST (what_is_before_the_byte_is_passed_over)
{
  static const char *const before[]
    = { "\xff", "{\"a\":2}\n\xff", "nonsense\n\n\n\xff", "{\"a\":\xff", "\xff\xff",
        "\xff{\"a\": 2\xff", "\xff{\"a\": 2\xff\xff{\xff" };
  json_int_t number;

  peer_says (before[_i]);
  peer_says ("{\"a\":1}\n{\"a\":3}\n");
  ck_assert_int_eq (receive_behind (SOON_MS, &number), 0);
  ck_assert_int_eq (number, 1);
  next_is ("{\"a\":3}");
}
END_TEST

START_TEST (what_is_behind_the_byte_may_come_later)
{
  json_int_t number;

  peer_says ("nonsense\n\xff{\"a\"");
  ck_assert_int_eq (receive_behind (20, &number), -ETIME);
  ck_assert_int_eq (receive_behind (0, &number), -ETIME);
  peer_says (":1}\n");
  ck_assert_int_eq (receive_behind (SOON_MS, &number), 0);
  ck_assert_int_eq (number, 1);
}
END_TEST

/* ---- errors -------------------------------------------------------------- */

static const struct {
  const char *error, *expected;
} reasons[] = {
  { "{\"desc\": \"No such thing\"}", "No such thing" },
  { "{\"desc\": \"\"}", "it did not say why" },
  { "{\"desc\": 1}", "it did not say why" },
  { "{\"desc\": null}", "it did not say why" },
  { "{}", "it did not say why" },
  { "[\"desc\"]", "it did not say why" },
  { "\"desc\"", "it did not say why" },
  { "{\"desc\": \"a\\u0000b\"}", "a" },
  { "{\"desc\": \"a\\nb\\r\\tc\\u001b[31md\\u007f\"}", "a b  c [31md " },
  { "{\"desc\": \"\\u0080\\u009b31m\\u009fä\\u00a0€\"}", "  31m ä\u00a0€" },
  { "{\"desc\": \"\\u001f\\u0020!~\\u007f\"}", "  !~ " },
  { "{\"desc\": \"%s%n%100000d\"}", "%s%n%100000d" },
};

START_TEST (a_reason_is_fit_to_be_read)
{
  json_t *error = json_loads (reasons[_i].error,
                              JSON_ALLOW_NUL | JSON_DECODE_ANY, NULL);
  char text[CHANNEL_REASON];

  ck_assert_ptr_nonnull (error);
  vms_channel_reason (error, text);
  ck_assert_str_eq (text, reasons[_i].expected);
  json_decref (error);
}
END_TEST

START_TEST (a_long_reason_ends_with_a_whole_character)
{
  for (size_t shift = 0; shift < 4; shift++) {
    size_t size, kept;
    char *euros = repeated ("€", 1000, &size), text[CHANNEL_REASON];
    json_t *error, *string;

    memset (euros, 'x', 3);
    error = json_pack ("{s:s}", "desc", euros + 3 - shift % 3);
    vms_channel_reason (error, text);
    kept = strlen (text);
    ck_assert_uint_lt (kept, CHANNEL_REASON);
    ck_assert_uint_ge (kept, CHANNEL_REASON - 4);
    string = json_string (text);
    ck_assert_msg (string != NULL, "it is no UTF-8");
    json_decref (string);
    json_decref (error);
    free (euros);
  }
}
END_TEST

START_TEST (a_reason_is_cut_where_there_is_no_more_room)
{
  static const char *const characters[]
    = { "y", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80" };

  for (size_t i = 0; i < COUNT (characters); i++)
    for (size_t before = 0; before < 4; before++)
      for (size_t more = 0; more < 3; more++) {
        size_t width = strlen (characters[i]);
        size_t n = (CHANNEL_REASON - 1 - before) / width;
        char said[2 * CHANNEL_REASON] = "xxx", text[CHANNEL_REASON];
        json_t *error;

        said[before] = '\0';
        for (size_t j = 0; j < n + more - 1; j++)
          strcat (said, characters[i]);
        error = json_pack ("{s:s}", "desc", said);
        vms_channel_reason (error, text);
        if (more == 2)
          said[before + n * width] = '\0';
        ck_assert_str_eq (text, said);
        json_decref (error);
      }
}
END_TEST

/* ---- limits -------------------------------------------------------------- */

START_TEST (so_many_values_are_taken)
{
  size_t size = 2 * CHANNEL_MOST_VALUES + 10;
  char *text = malloc (size);

  for (size_t more = 0; more < 2; more++) {
    size_t n = CHANNEL_MOST_VALUES - 2 + more; /* besides { and [ */
    struct writer w = { .head = text, .times = 1, .body = "", .body_size = 0 };
    json_t *object;

    strcpy (text, "{\"a\":[0");
    for (size_t i = 0; i < n; i++)
      memcpy (text + 7 + 2 * i, ",0", 2);
    strcpy (text + 7 + 2 * n, "]}\n");
    w.head_size = strlen (text);
    writer_start (&w);
    ck_assert_int_eq (receive (SOON_MS, &object), more ? -EPROTO : 0);
    json_decref (object);
    writer_stop (&w);
  }
  free (text);
}
END_TEST

/* A line of so many bytes. */
static int
receive_line (size_t size)
{
  char *text = malloc (size);
  json_t *object;
  int r;

  memset (text, ' ', size);
  text[0] = '{';
  text[size - 2] = '}';
  text[size - 1] = '\n';
  peer_bytes (text, size);
  r = receive (SOON_MS, &object);
  json_decref (object);
  free (text);
  return r;
}

START_TEST (so_long_a_line_is_taken_and_no_longer)
{
  static const size_t longest[] = { 8192, 12288, 16384, 40960 };

  for (size_t i = 0; i < COUNT (longest); i++) {
    channel.longest = longest[i];
    ck_assert_int_eq (receive_line (longest[i] - 1), 0);
    ck_assert_int_eq (receive_line (longest[i]), 0);
    ck_assert_uint_eq (channel.capacity, longest[i]);
    ck_assert_int_eq (receive_line (longest[i] + 1), -EPROTO);
    tear_down ();
    set_up ();
  }
}
END_TEST

START_TEST (the_room_for_a_long_line_is_not_kept)
{
  ck_assert_int_eq (receive_line (65536), 0);
  ck_assert_ptr_nonnull (channel.bytes);
  ck_assert_uint_eq (channel.capacity, 65536);
  ck_assert_int_eq (receive_line (65537), 0);
  ck_assert_ptr_null (channel.bytes);
  ck_assert_uint_eq (channel.capacity, 0);
  ck_assert_int_eq (receive_line (3), 0);
  ck_assert_uint_eq (channel.capacity, 8192);
}
END_TEST

int
main (void)
{
  TCase *t = unit_case ("channel");

  tcase_add_checked_fixture (t, set_up, tear_down);
  tcase_add_test (t, lines_are_messages);
  tcase_add_test (t, a_peer_that_writes_byte_by_byte_is_understood);
  tcase_add_test (t, no_byte_is_lost_by_giving_up);
  tcase_add_test (t, what_is_there_is_read_without_waiting);
  tcase_add_test (t, escaped_nuls_are_characters);
  tcase_add_test (t, numbers_may_be_larger_than_the_parsers);
  tcase_add_loop_test (t, what_is_no_object_ends_the_connection, 0,
                       COUNT (garbage));
  tcase_add_test (t, deep_nesting_is_no_danger);
  tcase_add_test (t, what_is_nested_too_deeply_is_refused);
  tcase_add_test (t, large_messages_are_taken);
  tcase_add_test (t, too_many_values_are_refused);
  tcase_add_test (t, what_never_ends_is_not_held);
  tcase_add_test (t, silence_is_waited_for_and_no_longer);
  tcase_add_loop_test (t, a_peer_does_not_gain_time_by_trickling, 0, 2);
  tcase_add_test (t, deadlines);
  tcase_add_test (t, messages_are_sent_in_a_line);
  tcase_add_test (t, whoever_does_not_read_is_not_waited_for_for_ever);
  tcase_add_test (t, whoever_reads_slowly_does_not_gain_time);
  tcase_add_test (t, a_message_that_was_not_begun_does_no_harm);
  tcase_add_test (t, half_a_message_is_none);
  tcase_add_test (t, last_words_are_heard_by_those_who_would_say_something);
  tcase_add_test (t, unread_messages_at_the_other_end_change_nothing);
  tcase_add_test (t, without_a_socket_there_is_nothing);
  tcase_add_loop_test (t, what_is_before_the_byte_is_passed_over, 0, 7);
  tcase_add_test (t, what_is_behind_the_byte_may_come_later);
  tcase_add_loop_test (t, a_reason_is_fit_to_be_read, 0, COUNT (reasons));
  tcase_add_test (t, a_long_reason_ends_with_a_whole_character);
  tcase_add_test (t, a_reason_is_cut_where_there_is_no_more_room);
  tcase_add_test (t, so_many_values_are_taken);
  tcase_add_test (t, so_long_a_line_is_taken_and_no_longer);
  tcase_add_test (t, the_room_for_a_long_line_is_not_kept);
  return unit_run ("channel", t);
}
