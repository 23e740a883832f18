/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include <limits.h>

#include "mem.h"

START_TEST (memory_is_zeroed_and_aligned_for_anything)
{
  struct arena arena = { 0 };

  for (size_t size = 0; size < 5000; size += 1 + size / 7) {
    char *bytes = vms_arena_alloc (&arena, size);

    ck_assert_ptr_nonnull (bytes);
    ck_assert_uint_eq ((uintptr_t) bytes % sizeof (void *), 0);
    ck_assert_uint_eq ((uintptr_t) bytes % _Alignof (uint64_t), 0);
    for (size_t i = 0; i < size; i++)
      ck_assert_int_eq (bytes[i], 0);
    memset (bytes, 0xaa, size);
  }
  vms_arena_free (&arena);
}
END_TEST

START_TEST (no_two_pieces_overlap)
{
  enum { N = 3000 };
  struct arena arena = { 0 };
  struct random random = { 1 };
  unsigned char *pieces[N];
  size_t sizes[N];

  for (size_t i = 0; i < N; i++) {
    sizes[i] = random_below (&random, i % 100 ? 60 : 9000);
    pieces[i] = vms_arena_alloc (&arena, sizes[i]);
    memset (pieces[i], (int) (i % 251), sizes[i]);
  }
  for (size_t i = 0; i < N; i++)
    for (size_t j = 0; j < sizes[i]; j++)
      if (pieces[i][j] != i % 251)
        ck_abort_msg ("piece %zu was overwritten", i);
  ck_assert_int_eq (vms_arena_error (&arena), 0);
  vms_arena_free (&arena);
}
END_TEST

START_TEST (a_piece_may_be_larger_than_any_chunk)
{
  struct arena arena = { 0 };
  const size_t size = 5 << 20;
  char *large, *small;

  small = vms_arena_strdup (&arena, "before");
  large = vms_arena_alloc (&arena, size);
  ck_assert_ptr_nonnull (large);
  memset (large, 1, size);
  ck_assert_str_eq (small, "before");
  ck_assert_str_eq (vms_arena_strdup (&arena, "after"), "after");
  vms_arena_free (&arena);
}
END_TEST

START_TEST (after_one_failure_nothing_works_any_more)
{
  struct arena arena = { 0 };
  struct vector vector = { .arena = &arena };
  struct text text = { .arena = &arena };
  int item = 0;

  vms_vector_add (&vector, &item);
  vms_text_add (&text, "kept");
  ck_assert_ptr_null (vms_arena_alloc (&arena, SIZE_MAX - 3));
  ck_assert_int_eq (vms_arena_error (&arena), -ENOMEM);
  ck_assert_ptr_null (vms_arena_alloc (&arena, 1));
  ck_assert_ptr_null (vms_arena_copy (&arena, "x", 1));
  ck_assert_ptr_null (vms_arena_strdup (&arena, "x"));
  ck_assert_ptr_null (vms_arena_printf (&arena, "%d", 1));
  ck_assert_ptr_null (vms_arena_concat (&arena, "x", (char *) NULL));
  /* There may be room in what there is already, but nothing grows. */
  for (int i = 0; i < 100; i++) {
    vms_vector_add (&vector, &item);
    vms_text_add (&text, "0123456789");
  }
  ck_assert_uint_le (vector.count, 8);
  ck_assert_uint_le (text.size, 64);
  ck_assert_ptr_null (vms_vector_end (&vector));
  ck_assert_ptr_null (vms_text_end (&text));
  ck_assert_int_eq (vms_arena_error (&arena), -ENOMEM);
  vms_arena_free (&arena);
}
END_TEST

START_TEST (sizes_that_overflow_fail)
{
  static const size_t sizes[]
    = { SIZE_MAX, SIZE_MAX - 1, SIZE_MAX - 7, SIZE_MAX - 8, SIZE_MAX - 64,
        SIZE_MAX / 2 + 1 };

  for (size_t i = 0; i < COUNT (sizes); i++) {
    struct arena arena = { 0 };

    /* Some come as far as calloc(), which valgrind then complains of. */
    if (unit_is_watched () && i > 1)
      break;
    ck_assert_ptr_null (vms_arena_alloc (&arena, sizes[i]));
    ck_assert_int_eq (vms_arena_error (&arena), -ENOMEM);
    vms_arena_free (&arena);
  }
}
END_TEST

START_TEST (what_was_freed_can_be_used_again)
{
  struct arena arena = { 0 };

  vms_arena_free (&arena);
  vms_arena_alloc (&arena, SIZE_MAX);
  vms_arena_free (&arena);
  ck_assert_int_eq (vms_arena_error (&arena), 0);
  ck_assert_str_eq (vms_arena_strdup (&arena, "again"), "again");
  vms_arena_free (&arena);
}
END_TEST

START_TEST (copies_end_with_a_nul_and_may_hold_some)
{
  struct arena arena = { 0 };
  char *copy = vms_arena_copy (&arena, "a\0b", 3);

  ck_assert_mem_eq (copy, "a\0b", 4);
  ck_assert_str_eq (vms_arena_copy (&arena, "abc", 1), "a");
  ck_assert_str_eq (vms_arena_copy (&arena, NULL, 0), "");
  ck_assert_ptr_null (vms_arena_strdup (&arena, NULL));
  ck_assert_int_eq (vms_arena_error (&arena), 0);
  vms_arena_free (&arena);
}
END_TEST

START_TEST (texts_are_put_together_whole)
{
  struct arena arena = { 0 };
  char long_text[20001];

  memset (long_text, 'x', sizeof long_text);
  long_text[20000] = '\0';
  ck_assert_str_eq (vms_arena_concat (&arena, "a", "", "bc", (char *) NULL), "abc");
  ck_assert_str_eq (vms_arena_concat (&arena, NULL, (char *) NULL), "");
  ck_assert_str_eq (vms_arena_printf (&arena, "%s %d%%", "a", -7), "a -7%");
  ck_assert_uint_eq (strlen (vms_arena_printf (&arena, "%s!", long_text)), 20001);
  ck_assert_uint_eq (strlen (vms_arena_concat (&arena, long_text, long_text,
                                               (char *) NULL)),
                     40000);
  vms_arena_free (&arena);
}
END_TEST

START_TEST (a_vector_ends_with_null_however_far_it_grew)
{
  enum { N = 1000 };
  static const char items[N];
  struct arena arena = { 0 };
  struct vector vector = { .arena = &arena };

  for (size_t n = 1; n <= N; n++) {
    vms_vector_add (&vector, &items[n - 1]);
    ck_assert_uint_eq (vector.count, n);
    ck_assert_uint_lt (vector.count, vector.capacity);
    ck_assert_ptr_null (vector.items[n]);
  }
  for (size_t i = 0; i < N; i++)
    ck_assert_ptr_eq (vms_vector_end (&vector)[i], &items[i]);
  vms_arena_free (&arena);
}
END_TEST

START_TEST (an_empty_vector_is_a_list_with_only_its_null)
{
  struct arena arena = { 0 };
  struct vector vector = { .arena = &arena };

  ck_assert_ptr_nonnull (vms_vector_end (&vector));
  ck_assert_ptr_null (*vms_vector_end (&vector));
  ck_assert_uint_eq (vector.count, 0);
  vms_vector_add (&vector, "later");
  ck_assert_str_eq (*vms_vector_end (&vector), "later");
  vms_arena_free (&arena);
}
END_TEST

START_TEST (a_text_grows_by_pieces_of_any_size)
{
  struct arena arena = { 0 };
  struct random random = { 2 };
  struct text text = { .arena = &arena };
  static char expected[200000], block[3000];
  size_t size = 0;

  while (size + sizeof block < sizeof expected) {
    size_t n = random_below (&random, sizeof block);

    for (size_t i = 0; i < n; i++)
      block[i] = (char) random_number (&random);
    memcpy (expected + size, block, n);
    size += n;
    vms_text_add_bytes (&text, block, n);
    ck_assert_uint_eq (text.size, size);
  }
  ck_assert_mem_eq (vms_text_end (&text), expected, size);
  ck_assert_int_eq (vms_text_end (&text)[size], '\0');
  vms_arena_free (&arena);
}
END_TEST

START_TEST (a_text_can_go_on_after_its_end_was_asked_for)
{
  struct arena arena = { 0 };
  struct text text = { .arena = &arena };

  ck_assert_str_eq (vms_text_end (&text), "");
  vms_text_add (&text, "");
  vms_text_add (&text, "one");
  ck_assert_str_eq (vms_text_end (&text), "one");
  vms_text_add (&text, " two");
  ck_assert_str_eq (vms_text_end (&text), "one two");
  ck_assert_uint_eq (text.size, 7);
  /* Cut short: what was there before does not come back. */
  text.size = 2;
  ck_assert_str_eq (vms_text_end (&text), "on");
  vms_arena_free (&arena);
}
END_TEST

START_TEST (a_text_that_just_fills_its_room_gets_its_nul)
{
  for (size_t size = 0; size < 300; size++) {
    struct arena arena = { 0 };
    struct text text = { .arena = &arena };

    for (size_t i = 0; i < size; i++)
      vms_text_add (&text, "x");
    ck_assert_uint_eq (strlen (vms_text_end (&text)), size);
    vms_arena_free (&arena);
  }
}
END_TEST

START_TEST (numbers_are_decimal)
{
  static const unsigned long long numbers[]
    = { 0, 1, 9, 10, 99, 100, 4294967295u, ULLONG_MAX };
  struct arena arena = { 0 };

  for (size_t i = 0; i < COUNT (numbers); i++) {
    struct text text = { .arena = &arena };
    char expected[32];

    vms_text_add_number (&text, numbers[i]);
    snprintf (expected, sizeof expected, "%llu", numbers[i]);
    ck_assert_str_eq (vms_text_end (&text), expected);
  }
  vms_arena_free (&arena);
}
END_TEST

int
main (void)
{
  TCase *t = unit_case ("mem");

  tcase_add_test (t, memory_is_zeroed_and_aligned_for_anything);
  tcase_add_test (t, no_two_pieces_overlap);
  tcase_add_test (t, a_piece_may_be_larger_than_any_chunk);
  tcase_add_test (t, after_one_failure_nothing_works_any_more);
  tcase_add_test (t, sizes_that_overflow_fail);
  tcase_add_test (t, what_was_freed_can_be_used_again);
  tcase_add_test (t, copies_end_with_a_nul_and_may_hold_some);
  tcase_add_test (t, texts_are_put_together_whole);
  tcase_add_test (t, a_vector_ends_with_null_however_far_it_grew);
  tcase_add_test (t, an_empty_vector_is_a_list_with_only_its_null);
  tcase_add_test (t, a_text_grows_by_pieces_of_any_size);
  tcase_add_test (t, a_text_can_go_on_after_its_end_was_asked_for);
  tcase_add_test (t, a_text_that_just_fills_its_room_gets_its_nul);
  tcase_add_test (t, numbers_are_decimal);
  return unit_run ("mem", t);
}
