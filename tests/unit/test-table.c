/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* lib/set.c, the table from texts to numbers. */
#include "unit.h"

#include <string.h>

#include "set.h"

static struct arena arena;

static void
tear_down (void)
{
  vms_arena_free (&arena);
}

START_TEST (the_first_of_equal_keys_stays)
{
  struct set set = { .arena = &arena };
  char same[] = "key";

  ck_assert_ptr_null (vms_set_add (&set, "key", 7));
  ck_assert_uint_eq (*vms_set_add (&set, same, 8), 7);
  ck_assert_uint_eq (*vms_set_find (&set, same, strlen (same)), 7);
  ck_assert_uint_eq (set.count, 1);
}
END_TEST

START_TEST (what_was_not_added_is_not_found)
{
  struct set set = { .arena = &arena };

  ck_assert_ptr_null (vms_set_find (&set, "", strlen ("")));
  vms_set_add (&set, "a", 0);
  ck_assert_ptr_null (vms_set_find (&set, "", strlen ("")));
  ck_assert_ptr_null (vms_set_find (&set, "b", strlen ("b")));
  ck_assert_ptr_null (vms_set_find (&set, "aa", strlen ("aa")));
  ck_assert_ptr_nonnull (vms_set_find (&set, "a", strlen ("a")));
}
END_TEST

START_TEST (the_empty_text_is_a_key_and_zero_a_number)
{
  struct set set = { .arena = &arena };

  ck_assert_ptr_null (vms_set_add (&set, "", 0));
  ck_assert_ptr_nonnull (vms_set_find (&set, "", strlen ("")));
  ck_assert_uint_eq (*vms_set_find (&set, "", strlen ("")), 0);
}
END_TEST

START_TEST (nothing_is_lost_when_the_table_grows)
{
  struct set set = { .arena = &arena };
  size_t n = unit_rounds (50000);

  for (size_t i = 0; i < n; i++) {
    ck_assert_ptr_null (vms_set_add (&set, vms_arena_printf (&arena, "%zu", i), i));
    ck_assert_uint_eq (*vms_set_find (&set, "0", strlen ("0")), 0);
  }
  for (size_t i = 0; i < n; i++) {
    char key[32];

    snprintf (key, sizeof key, "%zu", i);
    ck_assert_uint_eq (*vms_set_find (&set, key, strlen (key)), i);
  }
  ck_assert_uint_eq (set.count, n);
}
END_TEST

START_TEST (without_memory_nothing_is_added)
{
  struct set set = { .arena = &arena };

  arena.error = -ENOMEM;
  ck_assert_ptr_null (vms_set_add (&set, "a", 1));
  ck_assert_ptr_null (vms_set_find (&set, "a", strlen ("a")));
}
END_TEST

int
main (void)
{
  TCase *t = unit_case ("table");

  tcase_add_checked_fixture (t, NULL, tear_down);
  tcase_add_test (t, the_first_of_equal_keys_stays);
  tcase_add_test (t, what_was_not_added_is_not_found);
  tcase_add_test (t, the_empty_text_is_a_key_and_zero_a_number);
  tcase_add_test (t, nothing_is_lost_when_the_table_grows);
  tcase_add_test (t, without_memory_nothing_is_added);
  return unit_run ("table", t);
}
