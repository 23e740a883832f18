/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "diag.h"

static vmspec_diag *diag;

static void
set_up (void)
{
  ck_assert_int_eq (vmspec_diag_new (&diag), 0);
}

static void
tear_down (void)
{
  vmspec_diag_free (diag);
}

static const struct path network = { .name = "network" };
static const struct path rule = { .parent = &network, .name = "forward_ports",
                                  .has_index = 1, .index = 2 };
static const struct path proto = { .parent = &rule, .name = "proto" };

START_TEST (paths_are_written_as_the_manual_has_them)
{
  struct arena arena = { 0 };
  struct path first = { .name = "shares", .has_index = 1 };

  ck_assert_str_eq (vms_path_text (&arena, NULL), "");
  ck_assert_str_eq (vms_path_text (&arena, &network), "network");
  ck_assert_str_eq (vms_path_text (&arena, &rule), "network.forward_ports[2]");
  ck_assert_str_eq (vms_path_text (&arena, &proto),
                    "network.forward_ports[2].proto");
  ck_assert_str_eq (vms_path_text (&arena, &first), "shares[0]");
  vms_arena_free (&arena);
}
END_TEST

START_TEST (a_finding_holds_all_that_was_said)
{
  char file[] = "a.xml";
  struct place place = { file, 12 };
  const struct vmspec_finding *f;

  vms_diag_add (diag, VMSPEC_SEVERITY_WARNING, "a.b", &proto, &place, "%d, %s", 5,
                "6");
  memset (file, '!', sizeof file - 1);
  ck_assert_uint_eq (vmspec_diag_count (diag), 1);
  f = vmspec_diag_get (diag, 0);
  ck_assert_uint_eq (f->struct_size, sizeof *f);
  ck_assert_uint_eq (f->severity, VMSPEC_SEVERITY_WARNING);
  ck_assert_str_eq (f->id, "a.b");
  ck_assert_str_eq (f->path, "network.forward_ports[2].proto");
  ck_assert_str_eq (f->text, "5, 6");
  ck_assert_str_eq (f->file, "a.xml");
  ck_assert_uint_eq (f->line, 12);
}
END_TEST

START_TEST (what_was_not_said_is_empty_and_not_missing)
{
  const struct vmspec_finding *f;

  vms_diag_add (diag, VMSPEC_SEVERITY_ERROR, "a.b", NULL, NULL, "text");
  f = vmspec_diag_get (diag, 0);
  ck_assert_str_eq (f->path, "");
  ck_assert_ptr_null (f->file);
  ck_assert_uint_eq (f->line, 0);
}
END_TEST

START_TEST (findings_stay_in_order_and_where_they_are)
{
  const struct vmspec_finding *first;
  char expected[32];

  vms_diag_add (diag, VMSPEC_SEVERITY_ERROR, "a.b", NULL, NULL, "number 0");
  first = vmspec_diag_get (diag, 0);
  for (int i = 1; i < 1000; i++)
    vms_diag_add (diag, VMSPEC_SEVERITY_ERROR, "a.b", &proto, NULL, "number %d", i);
  ck_assert_ptr_eq (vmspec_diag_get (diag, 0), first);
  ck_assert_uint_eq (vmspec_diag_count (diag), 1000);
  for (size_t i = 0; i < 1000; i++) {
    snprintf (expected, sizeof expected, "number %zu", i);
    ck_assert_str_eq (vmspec_diag_get (diag, i)->text, expected);
  }
  ck_assert_ptr_null (vmspec_diag_get (diag, 1000));
  ck_assert_ptr_null (vmspec_diag_get (diag, SIZE_MAX));
}
END_TEST

START_TEST (a_long_message_is_whole)
{
  char message[30001];

  memset (message, 'm', sizeof message);
  message[30000] = '\0';
  vms_diag_add (diag, VMSPEC_SEVERITY_ERROR, "a.b", NULL, NULL, "%s", message);
  ck_assert_str_eq (vmspec_diag_get (diag, 0)->text, message);
}
END_TEST

START_TEST (only_errors_are_errors)
{
  vms_diag_add (diag, VMSPEC_SEVERITY_WARNING, "a.b", NULL, NULL, "w");
  vms_diag_add (diag, VMSPEC_SEVERITY_BLOCKER, "a.b", NULL, NULL, "b");
  ck_assert_int_eq (vms_diag_error (diag), 0);
  ck_assert_uint_eq (diag->blockers, 1);
  vms_diag_add (diag, VMSPEC_SEVERITY_ERROR, "a.b", NULL, NULL, "e");
  ck_assert_int_eq (vms_diag_error (diag), -EINVAL);
}
END_TEST

START_TEST (after_clear_all_is_forgotten)
{
  vms_diag_add (diag, VMSPEC_SEVERITY_BLOCKER, "a.b", NULL, NULL, "b");
  vms_diag_add (diag, VMSPEC_SEVERITY_ERROR, "a.b", NULL, NULL, "e");
  vmspec_diag_clear (diag);
  ck_assert_uint_eq (vmspec_diag_count (diag), 0);
  ck_assert_ptr_null (vmspec_diag_get (diag, 0));
  ck_assert_int_eq (vms_diag_error (diag), 0);
  ck_assert_uint_eq (diag->blockers, 0);
  vms_diag_add (diag, VMSPEC_SEVERITY_WARNING, "c.d", NULL, NULL, "w");
  ck_assert_str_eq (vmspec_diag_get (diag, 0)->id, "c.d");
}
END_TEST

START_TEST (findings_outlive_the_diagnosis_they_were_taken_from)
{
  struct place place = { "a.xml", 3 };
  const struct vmspec_finding *f;
  vmspec_diag *from;

  ck_assert_int_eq (vmspec_diag_new (&from), 0);
  vms_diag_add (from, VMSPEC_SEVERITY_BLOCKER, "a.b", &proto, &place, "text");
  vms_diag_add (from, VMSPEC_SEVERITY_ERROR, "c.d", NULL, NULL, "more");
  vms_diag_append (diag, from);
  vms_diag_append (NULL, from);
  vmspec_diag_free (from);
  ck_assert_uint_eq (vmspec_diag_count (diag), 2);
  f = vmspec_diag_get (diag, 0);
  ck_assert_str_eq (f->path, "network.forward_ports[2].proto");
  ck_assert_str_eq (f->text, "text");
  ck_assert_str_eq (f->file, "a.xml");
  ck_assert_uint_eq (f->line, 3);
  ck_assert_uint_eq (diag->blockers, 1);
  ck_assert_int_eq (vms_diag_error (diag), -EINVAL);
}
END_TEST

START_TEST (what_was_found_already_is_not_appended_again)
{
  static const struct {
    const char *id, *name, *text;
  } said[] = { { "a", "one", "text" }, { "b", "one", "text" },
               { "a", "two", "text" }, { "a", "one", "words" } };
  vmspec_diag *to;

  ck_assert_int_eq (vmspec_diag_new (&to), 0);
  for (size_t i = 0; i < COUNT (said); i++) {
    const struct path path = { .name = said[i].name };

    vms_diag_add (diag, VMSPEC_SEVERITY_WARNING, said[i].id, &path, NULL, "%s",
                  said[i].text);
    vms_diag_append_new (to, diag);
    ck_assert_uint_eq (vmspec_diag_count (to), i + 1);
    ck_assert_str_eq (vmspec_diag_get (to, i)->id, said[i].id);
    ck_assert_str_eq (vmspec_diag_get (to, i)->path, said[i].name);
    ck_assert_str_eq (vmspec_diag_get (to, i)->text, said[i].text);
  }
  vms_diag_append (to, diag);
  ck_assert_uint_eq (vmspec_diag_count (to), 2 * COUNT (said));
  vms_diag_append (NULL, diag);
  vms_diag_append_new (NULL, diag);
  vmspec_diag_free (to);
}
END_TEST

START_TEST (no_diagnosis_is_needed)
{
  vms_diag_add (NULL, VMSPEC_SEVERITY_ERROR, "a.b", &proto, NULL, "text");
  vmspec_diag_free (NULL);
}
END_TEST

START_TEST (an_error_counts_even_without_memory_to_describe_it)
{
  diag->arena.error = -ENOMEM;
  vms_diag_add (diag, VMSPEC_SEVERITY_ERROR, "a.b", &proto, NULL, "text");
  ck_assert_uint_eq (vmspec_diag_count (diag), 0);
  ck_assert_uint_eq (diag->errors, 1);
  ck_assert_int_eq (vms_diag_error (diag), -ENOMEM);
}
END_TEST

int
main (void)
{
  TCase *t = unit_case ("diag");

  tcase_add_checked_fixture (t, set_up, tear_down);
  tcase_add_test (t, paths_are_written_as_the_manual_has_them);
  tcase_add_test (t, a_finding_holds_all_that_was_said);
  tcase_add_test (t, what_was_not_said_is_empty_and_not_missing);
  tcase_add_test (t, findings_stay_in_order_and_where_they_are);
  tcase_add_test (t, a_long_message_is_whole);
  tcase_add_test (t, only_errors_are_errors);
  tcase_add_test (t, after_clear_all_is_forgotten);
  tcase_add_test (t, findings_outlive_the_diagnosis_they_were_taken_from);
  tcase_add_test (t, what_was_found_already_is_not_appended_again);
  tcase_add_test (t, no_diagnosis_is_needed);
  tcase_add_test (t, an_error_counts_even_without_memory_to_describe_it);
  return unit_run ("diag", t);
}
