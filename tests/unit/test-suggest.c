/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "suggest.h"

static const char *
hint_among (struct suggestion *near, const char *word,
            const char *const *names)
{
  *near = (struct suggestion) { .word = word };
  for (; *names; names++)
    vms_suggestion_offer (near, *names, "'%s'", *names);
  return near->hint;
}

#define NAMES(...) ((const char *const[]) { __VA_ARGS__, NULL })
#define HINT(word, ...) hint_among (&near, word, NAMES (__VA_ARGS__))

START_TEST (a_missing_wrong_surplus_or_swapped_letter_is_seen)
{
  static const char *const words[]
    = { "memry", "menory", "memoory", "mmeory", "emory", "memor" };
  struct suggestion near;

  for (size_t i = 0; i < sizeof words / sizeof *words; i++)
    ck_assert_str_eq (HINT (words[i], "cores", "memory", "name"),
                      "; did you mean 'memory'?");
}
END_TEST

START_TEST (the_nearest_is_taken_and_the_first_of_equals)
{
  struct suggestion near;

  ck_assert_str_eq (HINT ("consols", "controls", "consoles", "console"),
                    "; did you mean 'consoles'?");
  ck_assert_str_eq (HINT ("secure_boot", "secure_root", "secure-boot"),
                    "; did you mean 'secure-boot'?");
}
END_TEST

/* One more than the mistakes, or 0 where these are too many to be some. */
START_TEST (mistakes_are_counted_and_longer_names_may_have_more)
{
  static const struct {
    const char *word, *name;
    size_t distance;
  } cases[] = {
    { "ab", "ab", 1 }, { "ab", "a", 2 }, { "ab", "ba", 2 }, { "a", "b", 2 },
    { "abcde", "abcdx", 2 }, { "abcde", "abcxx", 0 }, { "abcde", "bacdx", 0 },
    { "abcdef", "abcdxx", 3 }, { "abcdef", "abcxxx", 0 },
    { "abcdef", "bacdfe", 3 }, { "abcdef", "badcfe", 0 },
    { "abcdefgh", "abcdefxx", 3 }, { "abcdefgh", "abcdexxx", 0 },
    { "abcdefghi", "abcdefxxx", 4 }, { "abcdefghi", "abcdexxxx", 0 },
    { "abcdefghi", "badcfeghi", 4 }, { "abcdefghi", "cbafeighd", 0 },
    { "xabcdef", "abcdefx", 3 }, { "abcdef", "abcdefxx", 3 },
    { "abc", "abcdefghi", 64 }, { "ab", "abcdefghi", 0 },
    { "abcd", "abcdefghi", 64 }, { "abcx", "abcdefghi", 0 },
  };

  for (size_t i = 0; i < COUNT (cases); i++) {
    struct suggestion near = { .word = cases[i].word };

    vms_suggestion_offer (&near, cases[i].name, "%s", cases[i].name);
    ck_assert_msg (near.distance == cases[i].distance, "%s, %s: %zu",
                   cases[i].word, cases[i].name, near.distance);
  }
}
END_TEST

START_TEST (case_and_underscores_are_no_difference)
{
  struct suggestion near;

  HINT ("AZ@[_-", "az@[-_");
  ck_assert_uint_eq (near.distance, 1);

  ck_assert_str_eq (HINT ("HOST_PORT", "host-port"),
                    "; did you mean 'host-port'?");
  ck_assert_uint_eq (near.distance, 1);
}
END_TEST

START_TEST (an_abbreviation_is_seen_but_comes_last)
{
  struct suggestion near;

  ck_assert_str_eq (HINT ("mem", "cores", "memory"),
                    "; did you mean 'memory'?");
  ck_assert_str_eq (HINT ("mem", "memory", "men"), "; did you mean 'men'?");
  ck_assert_str_eq (HINT ("me", "memory"), "");
}
END_TEST

START_TEST (what_is_not_alike_is_not_suggested)
{
  struct suggestion near;

  ck_assert_str_eq (HINT ("cpu", "name", "arch", "tpm"), "");
  ck_assert_str_eq (HINT ("yes", "on", "off"), "");
  ck_assert_str_eq (HINT ("", "on", ""), "");
  ck_assert_str_eq (HINT ("x", ""), "");
}
END_TEST

START_TEST (no_length_does_harm)
{
  static char word[100001], name[101];
  struct suggestion near;

  memset (word, 'a', sizeof word - 1);
  memset (name, 'a', sizeof name - 1);
  ck_assert_str_eq (HINT (word, name, "a"), "");
  ck_assert_str_eq (HINT (name, word, "a"), "");
  name[64] = '\0';
  ck_assert_str_ne (HINT (name, name), "");
  word[65] = '\0';
  ck_assert_str_eq (HINT (word, name), "");
  ck_assert_str_eq (HINT (name, word), "");
}
END_TEST

START_TEST (a_long_hint_is_cut_and_still_a_question)
{
  static char shown[400];
  struct suggestion near = { .word = "name" };

  memset (shown, 'x', sizeof shown - 1);
  vms_suggestion_offer (&near, "name", "%s", shown);
  ck_assert_uint_eq (strlen (near.hint), sizeof near.hint - 1);
  ck_assert_str_eq (near.hint + sizeof near.hint - 3, "x?");
}
END_TEST

START_TEST (names_from_elsewhere_are_understood)
{
  struct suggestion near = { .word = "smp" };

  vms_suggestion_offer (&near, "smm", "smm");
  vms_suggestion_offer (&near, "cores", "cores");
  ck_assert_str_eq (near.hint, "; did you mean cores?");
}
END_TEST

int
main (void)
{
  TCase *all = unit_case ("all");

  tcase_add_test (all, a_missing_wrong_surplus_or_swapped_letter_is_seen);
  tcase_add_test (all, the_nearest_is_taken_and_the_first_of_equals);
  tcase_add_test (all, mistakes_are_counted_and_longer_names_may_have_more);
  tcase_add_test (all, case_and_underscores_are_no_difference);
  tcase_add_test (all, an_abbreviation_is_seen_but_comes_last);
  tcase_add_test (all, what_is_not_alike_is_not_suggested);
  tcase_add_test (all, no_length_does_harm);
  tcase_add_test (all, a_long_hint_is_cut_and_still_a_question);
  tcase_add_test (all, names_from_elsewhere_are_understood);
  return unit_run ("suggest", all);
}
