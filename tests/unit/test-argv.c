/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "qemu-opts.h"
#include "unit.h"

#include <unistd.h>

#include "argv.h"

static struct arena arena;
static struct argv argv;

static void
set_up (void)
{
  vms_argv_init (&argv, &arena);
}

static void
tear_down (void)
{
  vms_arena_free (&arena);
}

static const char *
word (size_t index)
{
  ck_assert_uint_lt (index, argv.words.count);
  return argv.words.items[index];
}

START_TEST (words_are_passed_as_they_are)
{
  vms_argv_word (&argv, "a,b");
  vms_argv_word (&argv, "");
  vms_argv_pair (&argv, "-m", "c d");
  vms_argv_number (&argv, "-smp", 18446744073709551615u);
  vms_argv_words (&argv, STRINGS ("x", "y"));
  vms_argv_words (&argv, NULL);
  vms_argv_word (&argv, NULL);
  ck_assert_uint_eq (argv.words.count, 8);
  ck_assert_str_eq (word (0), "a,b");
  ck_assert_str_eq (word (1), "");
  ck_assert_str_eq (word (2), "-m");
  ck_assert_str_eq (word (3), "c d");
  ck_assert_str_eq (word (5), "18446744073709551615");
  ck_assert_str_eq (word (7), "y");
}
END_TEST

START_TEST (commas_in_values_are_doubled_and_nothing_else_is)
{
  vms_argv_begin (&argv, "-device", "x");
  vms_argv_key (&argv, "a", ",b,,c,");
  vms_argv_key (&argv, "d", "e=f\\'\"");
  vms_argv_raw (&argv, ",g=h,");
  vms_argv_value (&argv, "i,j");
  vms_argv_end (&argv);
  ck_assert_str_eq (word (0), "-device");
  ck_assert_str_eq (word (1), "x,a=,,b,,,,c,,,d=e=f\\'\",g=h,i,,j");
}
END_TEST

START_TEST (the_first_key_has_no_comma_before_it)
{
  vms_argv_begin (&argv, "-drive", "");
  vms_argv_key (&argv, "file", "");
  vms_argv_key (&argv, "id", "d");
  vms_argv_end (&argv);
  ck_assert_str_eq (word (1), "file=,id=d");
}
END_TEST

START_TEST (an_option_does_not_change_those_before_it)
{
  vms_argv_begin (&argv, "-a", "one");
  vms_argv_end (&argv);
  vms_argv_begin (&argv, "-b", "x");
  vms_argv_end (&argv);
  vms_argv_begin (&argv, "-c", "");
  vms_argv_end (&argv);
  ck_assert_str_eq (word (1), "one");
  ck_assert_str_eq (word (3), "x");
  ck_assert_str_eq (word (5), "");
}
END_TEST

START_TEST (what_is_rendered_is_read_back_by_qemus_rules)
{
  enum { MOST = 6 };
  static struct opt expected[MOST], read;

  for (unsigned i = 0; i < unit_rounds (20000); i++) {
    struct random r = { i };
    size_t n = 1 + random_below (&r, MOST);
    const char *text;

    vms_argv_init (&argv, &arena);
    vms_argv_begin (&argv, "-drive", "");
    for (size_t k = 0; k < n; k++) {
      snprintf (expected[k].key, sizeof expected[k].key, "key-%zu.x_%zu", k,
                random_below (&r, 1000));
      random_bytes (&r, expected[k].value, 40);
      vms_argv_key (&argv, expected[k].key, expected[k].value);
    }
    vms_argv_end (&argv);
    text = word (1);
    for (size_t k = 0; k < n; k++) {
      ck_assert_msg (text != NULL, "seed %u: only %zu keys", i, k);
      text = opt_read (text, &read);
      ck_assert_str_eq (read.key, expected[k].key);
      ck_assert_str_eq (read.value, expected[k].value);
    }
    ck_assert_msg (!text, "seed %u: more keys than were given: %s", i, text);
    vms_arena_free (&arena);
  }
}
END_TEST

START_TEST (without_memory_there_are_no_half_options)
{
  vms_argv_begin (&argv, "-a", "b");
  arena.error = -ENOMEM;
  vms_argv_key (&argv, "c", "d");
  vms_argv_end (&argv);
  ck_assert_ptr_null (vms_vector_end (&argv.words));
}
END_TEST

/* ---- quoting ------------------------------------------------------------- */

static const char *
quoted (const char *word_)
{
  struct text text = { .arena = &arena };

  vms_text_add_quoted (&text, word_);
  return vms_text_end (&text);
}

START_TEST (only_what_needs_quotes_has_them)
{
  ck_assert_str_eq (quoted ("-m"), "-m");
  ck_assert_str_eq (quoted ("a=b,c:d/e.f_g@h%i+j"), "a=b,c:d/e.f_g@h%i+j");
  ck_assert_str_eq (quoted (""), "''");
  ck_assert_str_eq (quoted ("a b"), "'a b'");
  ck_assert_str_eq (quoted ("it's"), "'it'\\''s'");
  ck_assert_str_eq (quoted ("~"), "'~'");
  ck_assert_str_eq (quoted ("#a"), "'#a'");
  ck_assert_str_eq (quoted ("\xc3\xbc"), "'\xc3\xbc'");
}
END_TEST

START_TEST (quoted_words_come_out_of_a_shell_as_they_were)
{
  unsigned rounds = unit_rounds (5000);
  struct text script = { .arena = &arena }, expected = { .arena = &arena };
  char name[] = "/tmp/vmspec-test.XXXXXX", command[100], word_[60], *output;
  int fd = mkstemp (name);
  size_t size;
  FILE *pipe;

  for (unsigned i = 0; i < rounds; i++) {
    struct random r = { i };

    random_bytes (&r, word_, sizeof word_ - 1);
    vms_text_add (&script, "printf '%s\\0' ");
    vms_text_add_quoted (&script, word_);
    vms_text_add (&script, "\n");
    vms_text_add_bytes (&expected, word_, strlen (word_) + 1);
  }
  ck_assert_int_eq (write (fd, script.bytes, script.size),
                    (ssize_t) script.size);
  close (fd);
  snprintf (command, sizeof command, "LC_ALL=C sh %s", name);
  pipe = popen (command, "r");
  ck_assert_ptr_nonnull (pipe);
  output = vms_arena_alloc (&arena, expected.size + 1);
  size = fread (output, 1, expected.size + 1, pipe);
  ck_assert_int_eq (pclose (pipe), 0);
  unlink (name);
  ck_assert_uint_eq (size, expected.size);
  ck_assert_mem_eq (output, vms_text_end (&expected), size);
}
END_TEST

START_TEST (quoted_words_come_out_of_glibs_splitting_as_they_were)
{
  static char words[3][600];
  char one[60], other[60];

  for (unsigned i = 0; i < unit_rounds (20000); i++) {
    struct random r = { i };
    struct text text = { .arena = &arena };

    random_bytes (&r, one, sizeof one - 1);
    random_bytes (&r, other, sizeof other - 1);
    vms_text_add_quoted (&text, one);
    vms_text_add (&text, " ");
    vms_text_add_quoted (&text, other);
    ck_assert_uint_eq (shell_split (vms_text_end (&text), words, 3), 2);
    ck_assert_str_eq (words[0], one);
    ck_assert_str_eq (words[1], other);
    vms_arena_free (&arena);
  }
}
END_TEST

int
main (void)
{
  TCase *t = unit_case ("argv");

  tcase_add_checked_fixture (t, set_up, tear_down);
  tcase_add_test (t, words_are_passed_as_they_are);
  tcase_add_test (t, commas_in_values_are_doubled_and_nothing_else_is);
  tcase_add_test (t, the_first_key_has_no_comma_before_it);
  tcase_add_test (t, an_option_does_not_change_those_before_it);
  tcase_add_test (t, what_is_rendered_is_read_back_by_qemus_rules);
  tcase_add_test (t, without_memory_there_are_no_half_options);
  tcase_add_test (t, only_what_needs_quotes_has_them);
  tcase_add_test (t, quoted_words_come_out_of_a_shell_as_they_were);
  tcase_add_test (t, quoted_words_come_out_of_glibs_splitting_as_they_were);
  return unit_run ("argv", t);
}
