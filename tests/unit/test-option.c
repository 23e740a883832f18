/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include <ctype.h>

#include "option.h"
#include "spec.h"

/* Every public struct that the table describes. */
static const struct public_struct {
  const char *tag;
  size_t size;
} structs[] = {
#define STRUCT(tag) { #tag, sizeof (struct tag) }
  STRUCT (vmspec),
  STRUCT (vmspec_qemu),
  STRUCT (vmspec_disk),
  STRUCT (vmspec_network),
  STRUCT (vmspec_boot),
  STRUCT (vmspec_efi),
  STRUCT (vmspec_tpm),
  STRUCT (vmspec_store),
  STRUCT (vmspec_drive),
  STRUCT (vmspec_property),
  STRUCT (vmspec_empty_disk),
  STRUCT (vmspec_share),
  STRUCT (vmspec_file_system),
  STRUCT (vmspec_vlan),
  STRUCT (vmspec_interface),
  STRUCT (vmspec_forward_port),
  STRUCT (vmspec_host),
  STRUCT (vmspec_host_program),
  STRUCT (vmspec_host_file),
  STRUCT (vmspec_host_firmware),
  STRUCT (vmspec_start),
  STRUCT (vmspec_descriptor),
  STRUCT (vmspec_helper),
  STRUCT (vmspec_event),
  STRUCT (vmspec_exec_result),
  STRUCT (vmspec_work),
  STRUCT (vmspec_progress),
  STRUCT (vmspec_image),
  STRUCT (vmspec_system_image),
  STRUCT (vmspec_image_info),
  STRUCT (vmspec_step),
  STRUCT (vmspec_guest),
  STRUCT (vmspec_credential),
  STRUCT (vmspec_kernel_need),
  STRUCT (vmspec_guest_overlay),
  STRUCT (vmspec_guest_file),
  STRUCT (vmspec_guest_settings),
};

static const struct public_struct *
struct_of (const char *tag)
{
  for (size_t i = 0; i < COUNT (structs); i++)
    if (!strcmp (structs[i].tag, tag))
      return &structs[i];
  return NULL;
}

#define FOR_EACH(o)                                                            \
  for (const struct vmspec_option *o = vmspec_option_next (NULL); o;           \
       o = vmspec_option_next (o))

START_TEST (every_byte_of_every_struct_belongs_to_exactly_one_row)
{
  for (size_t i = 0; i < COUNT (structs); i++) {
    unsigned char owners[1024] = { 0 };

    ck_assert_uint_le (structs[i].size, sizeof owners);
    FOR_EACH (o) {
      if (strcmp (o->owner, structs[i].tag))
        continue;
      ck_assert_uint_le ((size_t) o->offset + o->size, structs[i].size);
      for (size_t byte = o->offset; byte < o->offset + o->size; byte++)
        owners[byte]++;
    }
    for (size_t byte = 0; byte < structs[i].size; byte++)
      ck_assert_msg (owners[byte] == 1, "byte %zu of struct %s is in %d rows",
                     byte, structs[i].tag, owners[byte]);
  }
}
END_TEST

START_TEST (rows_of_a_struct_stand_together_in_the_order_of_their_offsets)
{
  for (size_t i = 0; i < COUNT (structs); i++) {
    const struct vmspec_option *o = vms_option_first (structs[i].tag);
    size_t offset = 0, rows = 0, all = 0;

    ck_assert_ptr_nonnull (o);
    ck_assert_str_eq (o->name, "struct_size");
    for (; o; o = vms_option_sibling (o), rows++) {
      ck_assert_str_eq (o->owner, structs[i].tag);
      ck_assert_uint_eq (o->offset, offset);
      offset += o->size;
    }
    ck_assert_uint_eq (offset, structs[i].size);
    ck_assert_uint_eq (vms_spec_size (vms_option_first (structs[i].tag)),
                       structs[i].size);
    FOR_EACH (any)
      all += !strcmp (any->owner, structs[i].tag);
    ck_assert_uint_eq (rows, all);
  }
}
END_TEST

START_TEST (every_owner_and_every_element_is_a_struct_of_the_header)
{
  FOR_EACH (o) {
    ck_assert_msg (struct_of (o->owner) != NULL, "struct %s", o->owner);
    if (o->element)
      ck_assert_msg (struct_of (o->element) != NULL, "%s.%s: struct %s",
                     o->owner, o->name, o->element);
  }
  ck_assert_ptr_null (vms_option_first ("vmspec_nothing"));
}
END_TEST

START_TEST (walking_the_table_ends)
{
  size_t n = 0;

  FOR_EACH (o) {
    ck_assert_uint_eq (o->struct_size, sizeof *o);
    n++;
  }
  ck_assert_uint_gt (n, 100);
}
END_TEST

START_TEST (names_are_unique_in_their_struct)
{
  FOR_EACH (a)
    for (const struct vmspec_option *b = vms_option_sibling (a); b;
         b = vms_option_sibling (b)) {
      ck_assert_str_ne (a->name, b->name);
      if (a->key && b->key)
        ck_assert_str_ne (a->key, b->key);
    }
}
END_TEST

static int
is_spelt (const char *text, const char *bytes)
{
  return *text && !text[strspn (text, bytes)];
}

START_TEST (names_are_c_and_keys_are_xml)
{
  FOR_EACH (o) {
    ck_assert_msg (is_spelt (o->name, "abcdefghijklmnopqrstuvwxyz_"), "%s",
                   o->name);
    if (o->key)
      ck_assert_msg (is_spelt (o->key, "abcdefghijklmnopqrstuvwxyz-"), "%s",
                     o->key);
  }
}
END_TEST

START_TEST (each_kind_has_what_it_needs_and_nothing_else)
{
  FOR_EACH (o) {
    int list = o->kind == VMSPEC_KIND_LIST;
    int group = o->kind == VMSPEC_KIND_GROUP;
    int strings = o->kind == VMSPEC_KIND_STRINGS;
    int named = o->kind == VMSPEC_KIND_ENUM || o->kind == VMSPEC_KIND_SWITCH;
    int number = o->kind == VMSPEC_KIND_UINT32 || o->kind == VMSPEC_KIND_UINT64;

    ck_assert_msg (!o->element == !(list || group), "%s.%s", o->owner, o->name);
    ck_assert_msg (!o->key == !(list || group || strings), "%s.%s", o->owner,
                   o->name);
    ck_assert_msg (!o->values == !named, "%s.%s", o->owner, o->name);
    ck_assert_msg (!o->max == !number, "%s.%s", o->owner, o->name);
    ck_assert_uint_ge (o->since, 0x000100);
  }
}
END_TEST

START_TEST (a_range_holds_zero_only_where_zero_is_a_number)
{
  FOR_EACH (o) {
    if (o->kind != VMSPEC_KIND_UINT32 && o->kind != VMSPEC_KIND_UINT64)
      continue;
    ck_assert_uint_lt (o->min, o->max);
    ck_assert_uint_eq (o->min == 0, !!(o->flags & VMSPEC_OPTION_ZERO_OK));
    if (o->kind == VMSPEC_KIND_UINT32)
      ck_assert_uint_le (o->max, UINT32_MAX);
    else
      ck_assert_uint_lt (o->max, VMSPEC_NONE);
  }
}
END_TEST

START_TEST (what_must_be_said_has_no_default)
{
  FOR_EACH (o)
    if (o->flags & VMSPEC_OPTION_REQUIRED)
      ck_assert_msg (!o->default_text, "%s.%s", o->owner, o->name);
}
END_TEST

START_TEST (every_option_is_documented_in_a_sentence)
{
  FOR_EACH (o) {
    if (o->kind == VMSPEC_KIND_SIZE || o->kind == VMSPEC_KIND_RESERVED) {
      ck_assert_ptr_null (o->doc);
      continue;
    }
    ck_assert_msg (o->doc != NULL, "%s.%s", o->owner, o->name);
    ck_assert_msg (!islower (*o->doc) && o->doc[strlen (o->doc) - 1] == '.',
                   "%s.%s: %s", o->owner, o->name, o->doc);
    if (o->nixos)
      ck_assert_msg (*o->nixos && !strpbrk (o->nixos, " ,;"), "%s", o->nixos);
  }
}
END_TEST

START_TEST (every_name_of_an_enumeration_differs)
{
  FOR_EACH (o)
    for (size_t i = 0; o->values && o->values[i]; i++)
      for (size_t j = 0; j < i; j++)
        ck_assert_msg (!*o->values[i] || strcmp (o->values[i], o->values[j]),
                       "%s.%s: %s", o->owner, o->name, o->values[i]);
}
END_TEST

START_TEST (a_name_is_found_by_its_number)
{
  ck_assert_str_eq (vms_option_value ("vmspec_drive", "format",
                                      VMSPEC_IMAGE_FORMAT_VHDX), "vhdx");
  ck_assert_str_eq (vms_option_value ("vmspec", "arch", VMSPEC_ARCH_S390X),
                    "s390x");
}
END_TEST

/* ---- against the header -------------------------------------------------- */

static char *
read_header (void)
{
  static char text[1 << 17];
  const char *top = getenv ("VMSPEC_SRCDIR");
  char path[4096];
  FILE *file;
  size_t size;

  snprintf (path, sizeof path, "%s/include/vmspec/vmspec.h", top ? top : ".");
  file = fopen (path, "r");
  ck_assert_msg (file != NULL, "%s", path);
  size = fread (text, 1, sizeof text - 1, file);
  fclose (file);
  text[size] = '\0';
  return text;
}

/* What comments say is no constant. */
static void
blank_comments (char *text)
{
  char *start, *end;

  while ((start = strstr (text, "/*"))) {
    end = strstr (start, "*/") + 2;
    memset (start, ' ', (size_t) (end - start));
  }
}

/* The enumeration's name in the header. */
static const char *
enum_of (const struct vmspec_option *o)
{
  static const char *const others[][2] = {
    { "format", "image_format" }, { "interface", "disk_interface" },
    { "from", "forward_from" }, { "type", "file_type" },
    { "system_format", "image_format" }, { "backing_format", "image_format" },
    { "kind", "step_kind" }, { "input", "stdio" }, { "output", "stdio" },
    { "error", "stdio" }, { "form", "guest_form" },
  };

  if (o->kind == VMSPEC_KIND_SWITCH)
    return "switch";
  for (size_t i = 0; i < COUNT (others); i++)
    if (!strcmp (o->name, others[i][0]))
      return others[i][1];
  return o->name;
}

/* VMSPEC_SECURITY_MODEL_MAPPED_FILE is "mapped-file". */
static void
constant_name (char *name, size_t size, const char *tag, const char *value)
{
  snprintf (name, size, "VMSPEC_%s_%s", tag, *value ? value : "UNSET");
  if (!strcmp (tag, "switch"))
    snprintf (name, size, "VMSPEC_%s", *value ? value : "UNSET");
  for (char *c = name; *c; c++)
    *c = strchr ("-+", *c) ? '_' : (char) toupper (*c);
}

static void
assert_names (const char *header, const struct vmspec_option *o)
{
  char start[80], expected[80], *list, *end;
  uint64_t number = 0;

  snprintf (start, sizeof start, "enum vmspec_%s {", enum_of (o));
  list = strstr (header, start);
  ck_assert_msg (list != NULL, "%s", start);
  list = strndup (list + strlen (start), strcspn (list + strlen (start), "}"));
  end = list;
  for (char *item; (item = strsep (&end, ","));) {
    char constant[80];
    int fields
      = sscanf (item, " %79[A-Z0-9_] = %" SCNu64, constant, &number);

    ck_assert_int_ge (fields, 1);
    ck_assert_msg (number < vms_list_length (o->values), "%s has no name",
                   constant);
    constant_name (expected, sizeof expected, enum_of (o), o->values[number]);
    ck_assert_str_eq (constant, expected);
    number++;
  }
  ck_assert_msg (!o->values[number], "%s.%s: %s is in no enumeration",
                 o->owner, o->name, o->values[number]);
  free (list);
}

START_TEST (names_of_enumerations_are_those_of_the_headers_constants)
{
  char *header = read_header ();

  blank_comments (header);
  FOR_EACH (o)
    if (o->values)
      assert_names (header, o);
}
END_TEST

START_TEST (every_struct_of_the_header_with_a_size_is_in_the_table)
{
  char *at = read_header ();

  blank_comments (at);
  while ((at = strstr (at, "\nstruct vmspec"))) {
    char tag[80], member[80];

    at += 7;
    if (sscanf (at, " %79[a-z_] { uint32_t %79[a-z_];", tag, member) < 2)
      continue;
    ck_assert_str_eq (member, "struct_size");
    /* What only the library writes. */
    if (!strcmp (tag, "vmspec_option") || !strcmp (tag, "vmspec_finding"))
      continue;
    ck_assert_msg (struct_of (tag) != NULL, "struct %s", tag);
  }
}
END_TEST

int
main (void)
{
  TCase *t = unit_case ("option");

  tcase_add_test (t, every_byte_of_every_struct_belongs_to_exactly_one_row);
  tcase_add_test (t,
    rows_of_a_struct_stand_together_in_the_order_of_their_offsets);
  tcase_add_test (t, every_owner_and_every_element_is_a_struct_of_the_header);
  tcase_add_test (t, walking_the_table_ends);
  tcase_add_test (t, names_are_unique_in_their_struct);
  tcase_add_test (t, names_are_c_and_keys_are_xml);
  tcase_add_test (t, each_kind_has_what_it_needs_and_nothing_else);
  tcase_add_test (t, a_range_holds_zero_only_where_zero_is_a_number);
  tcase_add_test (t, what_must_be_said_has_no_default);
  tcase_add_test (t, every_option_is_documented_in_a_sentence);
  tcase_add_test (t, every_name_of_an_enumeration_differs);
  tcase_add_test (t, a_name_is_found_by_its_number);
  tcase_add_test (t, names_of_enumerations_are_those_of_the_headers_constants);
  tcase_add_test (t, every_struct_of_the_header_with_a_size_is_in_the_table);
  return unit_run ("option", t);
}
