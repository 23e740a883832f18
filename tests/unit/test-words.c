/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a program said last, for a message of one line. */
#include "unit.h"

#include "words.h"

static struct arena arena;

static void
tear_down (void)
{
  vms_arena_free (&arena);
}

static void
becomes (const char *words, const char *line)
{
  ck_assert_str_eq (vms_words_in_one_line (&arena, words), line);
}

START_TEST (lines_are_joined)
{
  becomes ("one", "one");
  becomes ("one\ntwo\n", "one; two");
  becomes ("one\r\n\n \t two", "one ; two");
  becomes ("\n\n one", "one");
}
END_TEST

START_TEST (control_characters_are_blanks)
{
  becomes ("a\tb\x7f" "c\x1b[1m", "a b c [1m");
  becomes ("a !~", "a !~");
  becomes ("a\037b", "a b");
  becomes ("a \t\r b", "a    b");
  becomes ("\t\ra\n\t\r b", "a; b");
}
END_TEST

START_TEST (nothing_said_is_said)
{
  becomes ("", "it did not say why");
  becomes (" \n\t\n", "it did not say why");
}
END_TEST

/* 500 bytes, from the beginning of a line if there is one. */
START_TEST (of_many_words_the_last_are_taken)
{
  char words[1200], expected[501];

  memset (words, 'x', sizeof words);
  memset (expected, 'x', sizeof expected);
  words[500] = expected[500] = '\0';
  becomes (words, expected);
  words[500] = 'x';
  words[501] = '\0';
  becomes (words, expected);
  words[501] = 'x';
  words[1000] = '\0';
  becomes (words, expected);
  words[900] = '\n';
  expected[99] = '\0';
  becomes (words, expected);
  words[900] = 'x';
  words[999] = '\n';
  memset (expected, 'x', 499);
  expected[499] = '\0';
  becomes (words, expected);
}
END_TEST

START_TEST (no_character_is_cut)
{
  char words[600];

  memset (words, 'x', sizeof words);
  words[599] = '\0';
  /* The first of the last 500 bytes is the third of these. */
  memcpy (words + 97, "\xe2\x82\xac", 3);
  ck_assert_uint_eq (strlen (vms_words_in_one_line (&arena, words)), 499);
  memset (words, 'x', 99);
  memcpy (words + 98, "\xc2\x80", 2);
  ck_assert_uint_eq (strlen (vms_words_in_one_line (&arena, words)), 499);
  memcpy (words + 98, "\xc2\xbf", 2);
  ck_assert_uint_eq (strlen (vms_words_in_one_line (&arena, words)), 499);
  memcpy (words + 96, "\xf0\x9f\x98\x80", 4);
  ck_assert_uint_eq (strlen (vms_words_in_one_line (&arena, words)), 499);
  memcpy (words + 97, "\xf0\x9f\x98\x80", 4);
  ck_assert_uint_eq (strlen (vms_words_in_one_line (&arena, words)), 498);
  memset (words, 'x', 110);
  memcpy (words + 99, "\xc0", 1);
  ck_assert_uint_eq (strlen (vms_words_in_one_line (&arena, words)), 500);
  memcpy (words + 99, "\x7f", 1);
  ck_assert_uint_eq (strlen (vms_words_in_one_line (&arena, words)), 500);
  memset (words, 'x', 110);
  memcpy (words + 99, "\xe2\x82\xac", 3);
  ck_assert_uint_eq (strlen (vms_words_in_one_line (&arena, words)), 500);
}
END_TEST

int
main (void)
{
  TCase *t = unit_case ("words");

  tcase_add_checked_fixture (t, NULL, tear_down);
  tcase_add_test (t, lines_are_joined);
  tcase_add_test (t, control_characters_are_blanks);
  tcase_add_test (t, nothing_said_is_said);
  tcase_add_test (t, of_many_words_the_last_are_taken);
  tcase_add_test (t, no_character_is_cut);
  return unit_run ("words", t);
}
