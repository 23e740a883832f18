/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "value.h"

static struct arena arena;
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
  vms_arena_free (&arena);
}

static const struct vmspec_option *
row (const char *owner, const char *name)
{
  const struct vmspec_option *o = vms_option_first (owner);

  while (strcmp (o->name, name))
    o = vms_option_sibling (o);
  return o;
}

/* Room for any struct, and for a look at what is around a member. */
static union {
  char bytes[512];
  uint64_t align;
} room;

static int
parse (const struct vmspec_option *option, const char *text)
{
  struct path path = { .name = option->name };
  struct place place = { "a.xml", 7 };
  struct origin origin = { &path, &place, diag };

  vmspec_diag_clear (diag);
  return vms_value_parse (&arena, option, text, &room, &origin);
}

static void
refused (const struct vmspec_option *option, const char *text, const char *id,
         const char *in_message)
{
  const struct vmspec_finding *finding;

  memset (&room, 0x5a, sizeof room);
  ck_assert_int_eq (parse (option, text), -EINVAL);
  for (size_t i = 0; i < sizeof room; i++)
    ck_assert_int_eq (room.bytes[i], 0x5a);
  ck_assert_uint_eq (vmspec_diag_count (diag), 1);
  finding = vmspec_diag_get (diag, 0);
  ck_assert_str_eq (finding->id, id);
  ck_assert_str_eq (finding->path, option->name);
  ck_assert_str_eq (finding->file, "a.xml");
  ck_assert_uint_eq (finding->line, 7);
  ck_assert_uint_eq (finding->severity, VMSPEC_SEVERITY_ERROR);
  ck_assert_msg (strstr (finding->text, in_message), "%s", finding->text);
}

static void
number_is (const struct vmspec_option *option, const char *text,
           uint64_t number)
{
  memset (&room, 0, sizeof room);
  ck_assert_int_eq (parse (option, text), 0);
  ck_assert_uint_eq (vms_option_number (option, &room), number);
  ck_assert_uint_eq (vmspec_diag_count (diag), 0);
}

START_TEST (integers_are_decimal_digits_and_nothing_else)
{
  static const char *const wrong[]
    = { "",    " 1",  "1 ", "+1", "-1", "0x10", "1e3", "1.0", "2G",
        "1,0", "none", "١",  "\n", "1\n", "-0",  "NaN" };

  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
    refused (row ("vmspec", "cores"), wrong[i], "value.integer",
             "decimal digits");
  number_is (row ("vmspec", "cores"), "08", 8);
}
END_TEST

START_TEST (integers_have_their_whole_range_and_no_more)
{
  number_is (row ("vmspec", "cores"), "4294967295", UINT32_MAX);
  refused (row ("vmspec", "cores"), "4294967296", "value.range", "4294967296");
  number_is (row ("vmspec", "memory"), "4294967296", 1ull << 32);
  refused (row ("vmspec", "memory"), "4294967297", "value.range",
           "between 1 and 4294967296");
  refused (row ("vmspec_forward_port", "host_port"), "65536", "value.range",
           "65535");
}
END_TEST

START_TEST (a_number_beyond_all_numbers_does_not_wrap)
{
  static const char *const wrong[]
    = { "18446744073709551615", "18446744073709551616", "18446744073709551617",
        "184467440737095516160", "99999999999999999999999999999999999999999" };

  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
    refused (row ("vmspec_disk", "size"), wrong[i], "value.range", wrong[i]);
}
END_TEST

START_TEST (zero_is_refused_where_it_would_mean_nothing)
{
  refused (row ("vmspec", "memory"), "0", "value.range", "between 1");
  refused (row ("vmspec", "memory"), "000", "value.range", "between 1");
  number_is (row ("vmspec_vlan", "number"), "0", 0);
}
END_TEST

START_TEST (none_is_taken_where_the_table_says_so)
{
  number_is (row ("vmspec_disk", "size"), "none", VMSPEC_NONE);
  refused (row ("vmspec_disk", "size"), "None", "value.integer", "or none");
  refused (row ("vmspec", "memory"), "none", "value.integer", "not 'none'");
}
END_TEST

START_TEST (bytes_may_have_a_unit)
{
  static const char *const wrong[]
    = { "K", "1k", "1KB", "1KiB", "1 K", "1KK", "1E", "-1K", "1.5G" };
  const struct vmspec_option *size = row ("vmspec_image", "size");

  number_is (size, "512", 512);
  number_is (size, "1K", 1 << 10);
  number_is (size, "3M", 3 << 20);
  number_is (size, "2G", 2ull << 30);
  number_is (size, "16T", 16ull << 40);
  number_is (size, "1P", 1ull << 50);
  for (size_t i = 0; i < COUNT (wrong); i++)
    refused (size, wrong[i], "value.integer", "K, M, G, T or P");
  refused (size, "16384P", "value.range", "not 16384P");
  refused (size, "18446744073709551615P", "value.range", "between");
  refused (row ("vmspec", "memory"), "1G", "value.integer", "unit");
}
END_TEST

START_TEST (a_member_of_any_struct_is_set_by_its_row)
{
  struct vmspec_image image = { VMSPEC_INIT (vmspec_image) };
  const char *file = "/a file";

  ck_assert_int_eq (vmspec_option_parse (row ("vmspec_image", "file"), file,
                                         &image, diag), 0);
  ck_assert_ptr_eq (image.file, file);
  ck_assert_int_eq (vmspec_option_parse (row ("vmspec_image", "content"),
                                         "ext4", &image, diag), 0);
  ck_assert_uint_eq (image.content, VMSPEC_CONTENT_EXT4);
  ck_assert_int_eq (vmspec_option_parse (row ("vmspec_image", "size"), "1x",
                                         &image, diag), -EINVAL);
  ck_assert_ptr_nonnull (unit_finding (diag, "value.integer"));
  ck_assert_int_eq (vmspec_option_parse (row ("vmspec_qemu", "options"), "x",
                                         &image, diag), -EINVAL);
  ck_assert_ptr_nonnull (unit_finding (diag, "value.not-scalar"));
}
END_TEST

START_TEST (switches_are_on_or_off)
{
  static const char *const wrong[]
    = { "true", "false", "yes", "no", "1", "0", "2", "3", "", "ON", "onn" };

  number_is (row ("vmspec", "graphics"), "on", VMSPEC_ON);
  number_is (row ("vmspec", "graphics"), "off", VMSPEC_OFF);
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
    refused (row ("vmspec", "graphics"), wrong[i], "value.switch",
             "must be off or on, not");
}
END_TEST

START_TEST (an_unknown_name_gets_all_names_and_the_nearest)
{
  refused (row ("vmspec_drive", "format"), "qcov2", "value.enum",
           "must be raw, qcow2, qcow, vdi, vmdk, vhdx or vpc, not 'qcov2'; "
           "did you mean 'qcow2'?");
  refused (row ("vmspec_forward_port", "proto"), "sctp", "value.enum",
           "must be tcp or udp, not 'sctp'");
  refused (row ("vmspec_forward_port", "proto"), "", "value.enum", "not ''");
}
END_TEST

START_TEST (texts_are_taken_as_they_are)
{
  static const char *const texts[] = { "", " a,b ", "\n", "none", "\xff" };
  const struct vmspec_option *name = row ("vmspec", "name");

  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    ck_assert_int_eq (parse (name, texts[i]), 0);
    ck_assert_ptr_ne (vms_option_pointer (name, &room), texts[i]);
    ck_assert_str_eq (vms_option_pointer (name, &room), texts[i]);
  }
}
END_TEST

START_TEST (no_diag_is_no_reason_to_accept)
{
  struct origin origin = { NULL, NULL, NULL };

  ck_assert_int_eq (vms_value_parse (&arena, row ("vmspec", "memory"), "x", &room,
                                     &origin), -EINVAL);
  ck_assert_int_eq (vms_value_parse (&arena, row ("vmspec", "graphics"), "x",
                                     &room, &origin), -EINVAL);
}
END_TEST

static void
reads_back (const struct vmspec_option *option, uint64_t number)
{
  const char *text;

  memset (&room, 0, sizeof room);
  vms_option_set_number (option, &room, number);
  text = vms_value_text (&arena, option, &room);
  ck_assert_msg (text, "%s.%s %" PRIu64, option->owner, option->name, number);
  number_is (option, text, number);
}

START_TEST (every_number_of_the_table_has_a_text_that_reads_back)
{
  for (const struct vmspec_option *o = vmspec_option_next (NULL); o;
       o = vmspec_option_next (o))
    switch (o->kind) {
    case VMSPEC_KIND_UINT32:
    case VMSPEC_KIND_UINT64:
      reads_back (o, o->min);
      reads_back (o, o->max);
      if (o->flags & VMSPEC_OPTION_NONE_OK)
        reads_back (o, VMSPEC_NONE);
      break;
    case VMSPEC_KIND_SWITCH:
    case VMSPEC_KIND_ENUM:
      for (size_t i = 0; i < vms_list_length (o->values); i++)
        if (*o->values[i])
          reads_back (o, i);
      break;
    }
}
END_TEST

static void
has_no_text (const char *owner, const char *name, uint64_t number)
{
  memset (&room, 0, sizeof room);
  vms_option_set_number (row (owner, name), &room, number);
  ck_assert_ptr_null (vms_value_text (&arena, row (owner, name), &room));
}

START_TEST (what_could_not_be_read_back_has_no_text)
{
  has_no_text ("vmspec", "graphics", 1);
  has_no_text ("vmspec", "graphics", 4);
  has_no_text ("vmspec", "arch", 10);
  has_no_text ("vmspec", "arch", UINT32_MAX);
  has_no_text ("vmspec", "memory", (1ull << 32) + 1);
  has_no_text ("vmspec", "memory", VMSPEC_NONE);
  has_no_text ("vmspec_forward_port", "host_port", 65536);
}
END_TEST

START_TEST (zero_and_null_are_not_said_unless_zero_is_a_number)
{
  memset (&room, 0, sizeof room);
  for (const struct vmspec_option *o = vmspec_option_next (NULL); o;
       o = vmspec_option_next (o))
    if (vms_value_is_scalar (o))
      ck_assert_int_eq (vms_value_is_said (o, &room),
                        (o->flags & VMSPEC_OPTION_ZERO_OK) != 0);
}
END_TEST

START_TEST (memory_that_runs_out_is_no_crash)
{
  ck_assert_int_eq (parse (row ("vmspec", "name"), "a"), 0);
  arena.error = -ENOMEM;
  ck_assert_int_eq (parse (row ("vmspec", "name"), "a"), -ENOMEM);
  ck_assert_int_eq (parse (row ("vmspec", "arch"), "a"), -EINVAL);
}
END_TEST

int
main (void)
{
  TCase *all = unit_case ("all");

  tcase_add_checked_fixture (all, set_up, tear_down);
  tcase_add_test (all, integers_are_decimal_digits_and_nothing_else);
  tcase_add_test (all, integers_have_their_whole_range_and_no_more);
  tcase_add_test (all, a_number_beyond_all_numbers_does_not_wrap);
  tcase_add_test (all, zero_is_refused_where_it_would_mean_nothing);
  tcase_add_test (all, none_is_taken_where_the_table_says_so);
  tcase_add_test (all, bytes_may_have_a_unit);
  tcase_add_test (all, a_member_of_any_struct_is_set_by_its_row);
  tcase_add_test (all, switches_are_on_or_off);
  tcase_add_test (all, an_unknown_name_gets_all_names_and_the_nearest);
  tcase_add_test (all, texts_are_taken_as_they_are);
  tcase_add_test (all, no_diag_is_no_reason_to_accept);
  tcase_add_test (all, every_number_of_the_table_has_a_text_that_reads_back);
  tcase_add_test (all, what_could_not_be_read_back_has_no_text);
  tcase_add_test (all, zero_and_null_are_not_said_unless_zero_is_a_number);
  tcase_add_test (all, memory_that_runs_out_is_no_crash);
  return unit_run ("value", all);
}
