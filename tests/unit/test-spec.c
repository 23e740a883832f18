/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "random-spec.h"

#include "spec.h"

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

static int
copy (const char *tag, const void *from, void **ret_copy)
{
  vmspec_diag_clear (diag);
  return vms_spec_copy (&arena, tag, from, diag, ret_copy);
}

/* The copy is refused with one finding, and nothing is given back. */
static void
refused (const char *tag, const void *from, int error, const char *id,
         const char *path, const char *in_text)
{
  void *untouched = &arena, *ret = untouched;
  const struct vmspec_finding *f;

  ck_assert_int_eq (copy (tag, from, &ret), error);
  ck_assert_ptr_eq (ret, untouched);
  ck_assert_uint_eq (vmspec_diag_count (diag), 1);
  f = vmspec_diag_get (diag, 0);
  ck_assert_str_eq (f->id, id);
  ck_assert_str_eq (f->path, path);
  ck_assert_uint_eq (f->severity, VMSPEC_SEVERITY_ERROR);
  ck_assert_msg (strstr (f->text, in_text), "'%s' in '%s'", in_text, f->text);
}

/* ---- sizes --------------------------------------------------------------- */

START_TEST (a_shorter_struct_is_extended_with_zeros)
{
  struct vmspec full = {
    VMSPEC_INIT (vmspec), .arch = VMSPEC_ARCH_AARCH64, .name = "n",
    .memory = 99, .cores = 3,
  };
  void *result = NULL;
  struct vmspec *same;

  full.struct_size = offsetof (struct vmspec, memory);
  ck_assert_int_eq (copy ("vmspec", &full, &result), 0);
  same = result;
  ck_assert_uint_eq (same->struct_size, sizeof *same);
  ck_assert_uint_eq (same->arch, VMSPEC_ARCH_AARCH64);
  ck_assert_str_eq (same->name, "n");
  ck_assert_uint_eq (same->memory, 0);
  ck_assert_uint_eq (same->cores, 0);
}
END_TEST

START_TEST (a_shorter_struct_is_not_read_past_its_end)
{
  for (const struct vmspec_option *o = vms_option_first ("vmspec"); o;
       o = vms_option_sibling (o)) {
    size_t size = (size_t) o->offset + o->size;
    char *exact = malloc (size);
    uint32_t said = (uint32_t) size;
    void *result = NULL;

    /* What valgrind or a sanitizer would see. */
    memset (exact, 0, size);
    memcpy (exact, &said, sizeof said);
    ck_assert_int_eq (copy ("vmspec", exact, &result), 0);
    free (exact);
  }
}
END_TEST

START_TEST (a_longer_struct_with_zeros_at_its_end_is_accepted)
{
  struct {
    struct vmspec_vlan known;
    uint32_t tail[5];
  } newer = { { sizeof newer, 7 }, { 0 } };
  void *result = NULL;

  ck_assert_int_eq (copy ("vmspec_vlan", &newer, &result), 0);
  ck_assert_uint_eq (((struct vmspec_vlan *) result)->struct_size,
                     sizeof (struct vmspec_vlan));
  ck_assert_uint_eq (((struct vmspec_vlan *) result)->number, 7);
  ck_assert_uint_eq (vmspec_diag_count (diag), 0);
}
END_TEST

START_TEST (any_byte_beyond_what_is_known_is_refused_by_both_sizes)
{
  struct {
    struct vmspec_vlan known;
    unsigned char tail[16];
  } newer = { { sizeof newer, 7 }, { 0 } };
  char sizes[2][40];

  snprintf (sizes[0], sizeof sizes[0], "has %zu bytes", sizeof newer);
  snprintf (sizes[1], sizeof sizes[1], "knows %zu bytes", sizeof newer.known);
  for (size_t i = 0; i < sizeof newer.tail; i++) {
    memset (newer.tail, 0, sizeof newer.tail);
    newer.tail[i] = 1;
    refused ("vmspec_vlan", &newer, -E2BIG, "struct.too-new", "", sizes[0]);
    refused ("vmspec_vlan", &newer, -E2BIG, "struct.too-new", "", sizes[1]);
  }
}
END_TEST

START_TEST (too_new_structs_are_found_wherever_they_stand)
{
  struct {
    struct vmspec_property known;
    uint64_t tail;
  } newer = { { sizeof newer, 0, "a", "b" }, 1 };
  const struct vmspec_property *const list[] = { &newer.known, NULL };
  struct vmspec_drive drive
    = { VMSPEC_INIT (vmspec_drive), .device_options = list };
  struct vmspec spec = { VMSPEC_INIT (vmspec),
                         .drives = LIST (vmspec_drive, &drive) };

  refused ("vmspec", &spec, -E2BIG, "struct.too-new",
           "drives[0].device_options[0]", "vmspec_property");
}
END_TEST

START_TEST (a_struct_without_its_size_is_refused)
{
  struct vmspec_disk disk = { .size = 5 };
  struct vmspec spec = { VMSPEC_INIT (vmspec), .disk = &disk };

  refused ("vmspec", &spec, -EINVAL, "struct.size", "disk",
           "VMSPEC_INIT (vmspec_disk)");
  disk.struct_size = 3;
  refused ("vmspec", &spec, -EINVAL, "struct.size", "disk", "struct_size");
  disk.struct_size = 4;
  ck_assert_int_eq (copy ("vmspec", &spec, &(void *) { NULL }), 0);
}
END_TEST

START_TEST (a_member_that_is_there_by_half_is_not_there)
{
  struct vmspec_vlan vlan = { sizeof vlan - 2, 0x01020304 };
  void *result = NULL;

  ck_assert_int_eq (copy ("vmspec_vlan", &vlan, &result), 0);
  ck_assert_uint_eq (((struct vmspec_vlan *) result)->number, 0);
}
END_TEST

/* ---- copies -------------------------------------------------------------- */

START_TEST (a_copy_is_the_same_and_needs_its_source_no_more)
{
  char where[200];

  for (unsigned i = 0; i < unit_rounds (500); i++) {
    struct arena source = { 0 }, other = { 0 };
    struct random r = { i }, again = { i };
    void *spec = random_struct (&r, &source, "vmspec");
    void *twin = random_struct (&again, &other, "vmspec"), *result = NULL;

    ck_assert_int_eq (copy ("vmspec", spec, &result), 0);
    ck_assert_msg (same_struct ("vmspec", spec, result, where, sizeof where),
                   "seed %u: %s", i, where);
    /* The source is changed and gone, with everything it pointed to. */
    memset (spec, 0xff, sizeof (struct vmspec));
    vms_arena_free (&source);
    ck_assert_msg (same_struct ("vmspec", twin, result, where, sizeof where),
                   "seed %u: %s", i, where);
    vms_arena_free (&other);
    vms_arena_free (&arena);
  }
}
END_TEST

START_TEST (a_copy_shares_no_text_and_no_list_with_its_source)
{
  char tag[] = "tag", option[] = "-snapshot";
  const char *options[] = { option, NULL };
  struct vmspec_share share = { VMSPEC_INIT (vmspec_share), .tag = tag };
  const struct vmspec_share *shares[] = { &share, NULL };
  struct vmspec_qemu qemu = { VMSPEC_INIT (vmspec_qemu), .options = options };
  struct vmspec spec = { VMSPEC_INIT (vmspec), .shares = shares,
                         .qemu = &qemu };
  void *result = NULL;
  struct vmspec *same;

  ck_assert_int_eq (copy ("vmspec", &spec, &result), 0);
  same = result;
  tag[0] = option[0] = '!';
  options[0] = NULL;
  shares[0] = NULL;
  qemu.options = NULL;
  ck_assert_str_eq (same->shares[0]->tag, "tag");
  ck_assert_ptr_null (same->shares[1]);
  ck_assert_str_eq (same->qemu->options[0], "-snapshot");
}
END_TEST

START_TEST (not_said_and_empty_stay_what_they_are)
{
  struct vmspec spec = { VMSPEC_INIT (vmspec), .name = "",
                         .vlans = LIST (vmspec_vlan, NULL) };
  void *result = NULL;
  struct vmspec *same;

  ck_assert_int_eq (copy ("vmspec", &spec, &result), 0);
  same = result;
  ck_assert_str_eq (same->name, "");
  ck_assert_ptr_nonnull (same->vlans);
  ck_assert_ptr_null (*same->vlans);
  ck_assert_ptr_null (same->shares);
  ck_assert_ptr_null (same->qemu);
}
END_TEST

START_TEST (reserved_members_must_be_zero)
{
  for (const struct vmspec_option *o = vmspec_option_next (NULL); o;
       o = vmspec_option_next (o)) {
    const struct vmspec_option *rows = vms_option_first (o->owner);
    char expected[100];
    uint64_t spec[64] = { 0 };

    if (o->kind != VMSPEC_KIND_RESERVED)
      continue;
    snprintf (expected, sizeof expected, "%s.%s", o->owner, o->name);
    vms_option_set_number (rows, spec, vms_spec_size (rows));
    vms_option_set_number (o, spec, 1u << 31);
    refused (o->owner, spec, -EINVAL, "struct.reserved", o->name, expected);
  }
}
END_TEST

/* ---- acceptance ---------------------------------------------------------- */

static struct vmspec *
accept (const struct vmspec *spec)
{
  void *ours = NULL;

  ck_assert_int_eq (copy ("vmspec", spec, &ours), 0);
  vms_spec_accept (&arena, "vmspec", ours, diag);
  return ours;
}

/* Exactly this is found. */
static void
found (const char *id, const char *path)
{
  ck_assert_msg (vmspec_diag_count (diag) == 1, "%s", unit_findings (diag));
  ck_assert_str_eq (vmspec_diag_get (diag, 0)->id, id);
  ck_assert_str_eq (vmspec_diag_get (diag, 0)->path, path);
}

START_TEST (a_switch_of_one_is_refused)
{
  struct vmspec spec = { VMSPEC_INIT (vmspec), .graphics = 1 };

  /* What is refused is gone, so that later stages can go on. */
  ck_assert_uint_eq (accept (&spec)->graphics, VMSPEC_UNSET);
  found ("option.switch", "graphics");
  spec.graphics = 4;
  accept (&spec);
  found ("option.switch", "graphics");
  spec.graphics = UINT32_MAX;
  accept (&spec);
  found ("option.switch", "graphics");
  spec.graphics = VMSPEC_ON;
  ck_assert_uint_eq (accept (&spec)->graphics, VMSPEC_ON);
  ck_assert_uint_eq (vmspec_diag_count (diag), 0);
}
END_TEST

START_TEST (an_enumeration_has_only_its_members)
{
  struct vmspec spec = { VMSPEC_INIT (vmspec), .arch = VMSPEC_ARCH_S390X };

  ck_assert_uint_eq (accept (&spec)->arch, VMSPEC_ARCH_S390X);
  ck_assert_uint_eq (vmspec_diag_count (diag), 0);
  spec.arch = VMSPEC_ARCH_S390X + 1;
  ck_assert_uint_eq (accept (&spec)->arch, VMSPEC_ARCH_UNSET);
  found ("option.enum", "arch");
}
END_TEST

START_TEST (integers_are_within_their_ranges)
{
  struct vmspec_disk disk = { VMSPEC_INIT (vmspec_disk), .size = 1ull << 43 };
  struct vmspec spec = { VMSPEC_INIT (vmspec), .memory = 1ull << 32,
                         .disk = &disk };

  accept (&spec);
  ck_assert_uint_eq (vmspec_diag_count (diag), 0);
  spec.memory++;
  ck_assert_uint_eq (accept (&spec)->memory, 1ull << 32);
  found ("option.range", "memory");
  spec.memory = VMSPEC_NONE; /* which means nothing here */
  accept (&spec);
  found ("option.range", "memory");
  spec.memory = 1;
  disk.size = VMSPEC_NONE;
  ck_assert_uint_eq (accept (&spec)->disk->size, VMSPEC_NONE);
  ck_assert_uint_eq (vmspec_diag_count (diag), 0);
  disk.size--;
  accept (&spec);
  found ("option.range", "disk.size");
}
END_TEST

START_TEST (what_must_be_said_is_missed)
{
  struct vmspec_empty_disk disk = { VMSPEC_INIT (vmspec_empty_disk) };
  struct vmspec_share share
    = { VMSPEC_INIT (vmspec_share), .tag = "t", .target = "/t" };
  struct vmspec spec = { VMSPEC_INIT (vmspec),
                         .shares = LIST (vmspec_share, &share) };

  ck_assert_str_eq (accept (&spec)->shares[0]->source, "");
  found ("option.missing", "shares[0].source");
  spec = (struct vmspec) { VMSPEC_INIT (vmspec),
                           .empty_disks = LIST (vmspec_empty_disk, &disk) };
  accept (&spec);
  found ("option.missing", "empty_disks[0].size");
}
END_TEST

START_TEST (the_empty_text_is_refused_where_it_means_nothing)
{
  struct vmspec_share share
    = { VMSPEC_INIT (vmspec_share), .tag = "", .source = "s", .target = "/t" };
  struct vmspec_disk disk = { VMSPEC_INIT (vmspec_disk), .image = "" };
  struct vmspec spec = { VMSPEC_INIT (vmspec), .disk = &disk };

  ck_assert_str_eq (accept (&spec)->disk->image, "");
  ck_assert_uint_eq (vmspec_diag_count (diag), 0);
  spec.name = "";
  ck_assert_ptr_null (accept (&spec)->name);
  found ("option.empty", "name");
  spec.name = "n";
  spec.shares = LIST (vmspec_share, &share);
  accept (&spec);
  found ("option.empty", "shares[0].tag");
}
END_TEST

START_TEST (paths_of_the_guest_are_absolute)
{
  struct vmspec_share share
    = { VMSPEC_INIT (vmspec_share), .tag = "t", .source = "s", .target = "t" };
  struct vmspec spec = { VMSPEC_INIT (vmspec),
                         .shares = LIST (vmspec_share, &share) };

  accept (&spec);
  found ("option.not-absolute", "shares[0].target");
}
END_TEST

START_TEST (everything_is_said_at_once)
{
  struct vmspec_share share
    = { VMSPEC_INIT (vmspec_share), .security_model = 9, .expand = 1,
        .target = "t" };
  struct vmspec_boot boot = { VMSPEC_INIT (vmspec_boot), .system = "s" };
  struct vmspec spec = { VMSPEC_INIT (vmspec), .arch = 77, .memory = 1ull << 33,
                         .graphics = 1, .boot = &boot, .name = "",
                         .shares = LIST (vmspec_share, &share) };
  static const char *const expected[][2] = {
    { "option.enum", "arch" },
    { "option.empty", "name" },
    { "option.range", "memory" },
    { "option.switch", "graphics" },
    { "option.not-absolute", "boot.system" },
    { "option.enum", "shares[0].security_model" },
    { "option.missing", "shares[0].tag" },
    { "option.missing", "shares[0].source" },
    { "option.not-absolute", "shares[0].target" },
    { "option.switch", "shares[0].expand" },
  };

  accept (&spec);
  ck_assert_msg (vmspec_diag_count (diag) == COUNT (expected), "%s",
                 unit_findings (diag));
  for (size_t i = 0; i < COUNT (expected); i++) {
    ck_assert_str_eq (vmspec_diag_get (diag, i)->id, expected[i][0]);
    ck_assert_str_eq (vmspec_diag_get (diag, i)->path, expected[i][1]);
  }
}
END_TEST

START_TEST (what_follows_the_table_is_accepted_as_it_is)
{
  char where[200];

  for (unsigned i = 0; i < unit_rounds (500); i++) {
    struct arena source = { 0 };
    struct random r = { i };
    void *spec = random_struct (&r, &source, "vmspec");

    ck_assert_msg (same_struct ("vmspec", spec, accept (spec), where,
                                sizeof where), "seed %u: %s", i, where);
    ck_assert_msg (vmspec_diag_count (diag) == 0, "seed %u: %s", i,
                   unit_findings (diag));
    vms_arena_free (&source);
    vms_arena_free (&arena);
  }
}
END_TEST

START_TEST (lists_that_are_not_said_have_no_entries)
{
  ck_assert_uint_eq (vms_list_length (NULL), 0);
  ck_assert_uint_eq (vms_list_length (STRINGS (NULL)), 0);
  ck_assert_uint_eq (vms_list_length (STRINGS ("a", "b")), 2);
}
END_TEST

int
main (void)
{
  TCase *t = unit_case ("spec");

  tcase_add_checked_fixture (t, set_up, tear_down);
  tcase_add_test (t, a_shorter_struct_is_extended_with_zeros);
  tcase_add_test (t, a_shorter_struct_is_not_read_past_its_end);
  tcase_add_test (t, a_longer_struct_with_zeros_at_its_end_is_accepted);
  tcase_add_test (t, any_byte_beyond_what_is_known_is_refused_by_both_sizes);
  tcase_add_test (t, too_new_structs_are_found_wherever_they_stand);
  tcase_add_test (t, a_struct_without_its_size_is_refused);
  tcase_add_test (t, a_member_that_is_there_by_half_is_not_there);
  tcase_add_test (t, a_copy_is_the_same_and_needs_its_source_no_more);
  tcase_add_test (t, a_copy_shares_no_text_and_no_list_with_its_source);
  tcase_add_test (t, not_said_and_empty_stay_what_they_are);
  tcase_add_test (t, reserved_members_must_be_zero);
  tcase_add_test (t, a_switch_of_one_is_refused);
  tcase_add_test (t, an_enumeration_has_only_its_members);
  tcase_add_test (t, integers_are_within_their_ranges);
  tcase_add_test (t, what_must_be_said_is_missed);
  tcase_add_test (t, the_empty_text_is_refused_where_it_means_nothing);
  tcase_add_test (t, paths_of_the_guest_are_absolute);
  tcase_add_test (t, everything_is_said_at_once);
  tcase_add_test (t, what_follows_the_table_is_accepted_as_it_is);
  tcase_add_test (t, lists_that_are_not_said_have_no_entries);
  return unit_run ("spec", t);
}
