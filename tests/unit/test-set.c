/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "doc.h"
#include "value.h"

static vmspec_diag *diag;
static vmspec_doc *doc;

static void
set_up (void)
{
  ck_assert_int_eq (vmspec_diag_new (&diag), 0);
  ck_assert_int_eq (vmspec_doc_new (NULL, diag, &doc), 0);
}

static void
tear_down (void)
{
  vmspec_diag_free (diag);
  vmspec_doc_free (doc);
}

static const struct vmspec *
spec (void)
{
  return vmspec_doc_spec (doc);
}

static const char *
written (void)
{
  const char *xml = NULL;

  ck_assert_int_eq (vmspec_doc_write (doc, &xml), 0);
  return xml;
}

static void
set (const char *assignment)
{
  int r;

  vmspec_diag_clear (diag);
  r = vmspec_doc_set (doc, assignment, diag);
  ck_assert_msg (r == 0 && !vmspec_diag_count (diag), "%s: %s", assignment,
                 vmspec_diag_count (diag) ? vmspec_diag_get (diag, 0)->text
                                          : strerror (-r));
}

/* Findings, one after the other: "ID (PATH)\n". */
static void
refused (const char *assignment, const char *with)
{
  const struct vmspec *before = spec ();
  const char *xml = written ();
  char all[1000] = "";
  size_t n = 0;

  vmspec_diag_clear (diag);
  ck_assert_int_eq (vmspec_doc_set (doc, assignment, diag), -EINVAL);
  ck_assert_ptr_eq (spec (), before);
  ck_assert_str_eq (written (), xml);
  for (size_t i = 0; i < vmspec_diag_count (diag); i++) {
    const struct vmspec_finding *f = vmspec_diag_get (diag, i);

    ck_assert_uint_eq (f->severity, VMSPEC_SEVERITY_ERROR);
    n += (size_t) snprintf (all + n, sizeof all - n, "%s (%s)\n", f->id,
                            f->path);
  }
  ck_assert_str_eq (all, with);
}

static void
message_has (const char *part)
{
  const char *text = vmspec_diag_get (diag, 0)->text;

  ck_assert_msg (strstr (text, part), "'%s' is not in '%s'", part, text);
  vmspec_diag_clear (diag);
}

START_TEST (scalars_are_set)
{
  set ("memory=4096");
  set ("name=a=b, c");
  set ("graphics=off");
  set ("arch=aarch64");
  ck_assert_uint_eq (spec ()->memory, 4096);
  ck_assert_str_eq (spec ()->name, "a=b, c");
  ck_assert_uint_eq (spec ()->graphics, VMSPEC_OFF);
  ck_assert_uint_eq (spec ()->arch, VMSPEC_ARCH_AARCH64);
  set ("memory=1");
  ck_assert_uint_eq (spec ()->memory, 1);
}
END_TEST

START_TEST (groups_are_made_when_they_are_needed)
{
  set ("qemu.cpu=host");
  set ("disk.image=");
  set ("disk.size=none");
  ck_assert_str_eq (spec ()->qemu->cpu, "host");
  ck_assert_str_eq (spec ()->disk->image, "");
  ck_assert_uint_eq (spec ()->disk->size, VMSPEC_NONE);
  ck_assert_ptr_null (spec ()->boot);
}
END_TEST

START_TEST (a_dash_is_as_good_as_an_underscore)
{
  set ("host-certs=on");
  set ("network.forward-ports[]=host-port=1,guest_port=2");
  ck_assert_uint_eq (spec ()->host_certs, VMSPEC_ON);
  ck_assert_uint_eq (spec ()->network->forward_ports[0]->host_port, 1);
  ck_assert_uint_eq (spec ()->network->forward_ports[0]->guest_port, 2);
}
END_TEST

START_TEST (entries_are_added_and_changed)
{
  set ("shares[]=tag=src,source=/srv,target=/mnt");
  set ("shares[].tag=two");
  set ("shares[1].source=/a,,b");
  set ("shares[0]=source=/new,expand=on");
  ck_assert_uint_eq (vms_list_length (spec ()->shares), 2);
  ck_assert_str_eq (spec ()->shares[0]->tag, "src");
  ck_assert_str_eq (spec ()->shares[0]->source, "/new");
  ck_assert_str_eq (spec ()->shares[0]->target, "/mnt");
  ck_assert_uint_eq (spec ()->shares[0]->expand, VMSPEC_ON);
  ck_assert_str_eq (spec ()->shares[1]->tag, "two");
  /* One member alone is taken as it is. */
  ck_assert_str_eq (spec ()->shares[1]->source, "/a,,b");
  set ("shares=");
  ck_assert_ptr_nonnull (spec ()->shares);
  ck_assert_ptr_null (spec ()->shares[0]);
  set ("shares[]=tag=again");
  ck_assert_str_eq (spec ()->shares[0]->tag, "again");
}
END_TEST

START_TEST (two_commas_stand_for_one)
{
  set ("shares[]=tag=a,source=/x,,y,,,target=/z,,");
  ck_assert_str_eq (spec ()->shares[0]->source, "/x,y,");
  ck_assert_str_eq (spec ()->shares[0]->target, "/z,");
  set ("drives[]=file=a,drive_options[]=name=cache,,value=x,,,,y");
  ck_assert_str_eq (spec ()->drives[0]->drive_options[0]->name, "cache");
  ck_assert_str_eq (spec ()->drives[0]->drive_options[0]->value, "x,y");
}
END_TEST

START_TEST (entries_of_entries_are_reached)
{
  set ("drives[]=file=a");
  set ("drives[]=file=b");
  set ("drives[1].drive_options[]=name=cache,value=none");
  set ("drives[1].drive_options[0].value=");
  ck_assert_ptr_null (spec ()->drives[0]->drive_options);
  ck_assert_str_eq (spec ()->drives[1]->drive_options[0]->name, "cache");
  ck_assert_str_eq (spec ()->drives[1]->drive_options[0]->value, "");
}
END_TEST

START_TEST (texts_in_lists_are_taken_exactly)
{
  set ("qemu.options[]=-vga");
  set ("qemu.options[]= a,b=c.d[0] ");
  set ("qemu.options[]=");
  ck_assert_uint_eq (vms_list_length (spec ()->qemu->options), 3);
  ck_assert_str_eq (spec ()->qemu->options[1], " a,b=c.d[0] ");
  ck_assert_str_eq (spec ()->qemu->options[2], "");
  set ("qemu.options[0]=-nographic");
  ck_assert_str_eq (spec ()->qemu->options[0], "-nographic");
  set ("qemu.options=");
  ck_assert_ptr_nonnull (spec ()->qemu->options);
  ck_assert_ptr_null (spec ()->qemu->options[0]);
}
END_TEST

START_TEST (unknown_keys_are_told_with_what_was_meant)
{
  refused ("memry=1", "set.unknown-key ()\n");
  message_has ("there is no option 'memry'; did you mean 'memory'?");
  refused ("cpu=host", "set.unknown-key ()\n");
  message_has ("did you mean 'qemu.cpu'?");
  refused ("qemu.cpus=host", "set.unknown-key (qemu)\n");
  message_has ("there is no option 'qemu.cpus'; did you mean 'qemu.cpu'?");
  refused ("share[]=tag=a", "set.unknown-key ()\n");
  message_has ("did you mean 'shares'?");
  set ("shares[]=tag=a");
  refused ("shares[0].sorce=a", "set.unknown-key (shares[0])\n");
  message_has ("'shares[0].sorce'; did you mean 'shares[0].source'?");
  refused ("struct_size=1", "set.unknown-key ()\n");
  refused ("reserved=0", "set.unknown-key ()\n");
  refused ("=x", "set.unknown-key ()\n");
  refused (".memory=1", "set.unknown-key ()\n");
  refused ("memory.=1", "set.syntax (memory)\n");
  refused ("qemu.=1", "set.unknown-key (qemu)\n");
  refused (" memory=1", "set.unknown-key ()\n");
}
END_TEST

START_TEST (names_of_the_nixos_module_are_understood)
{
  refused ("memorySize=1", "set.unknown-key ()\n");
  message_has ("'memorySize'; it is called 'memory' here");
  refused ("virtualisation.memorySize=1", "set.unknown-key ()\n");
  message_has ("leave out 'virtualisation.'");
  refused ("useBootLoader=on", "set.unknown-key ()\n");
  message_has ("it is called 'boot.loader' here");
  set ("shares[]=tag=a");
  refused ("shares[0].securityModel=none", "set.unknown-key (shares[0])\n");
  message_has ("it is called 'shares[].security_model' here");
  refused ("pathsInNixDB=a", "set.unknown-key ()\n");
  message_has ("it is called 'store.additional_paths' here");
  refused ("bootDevice=a", "set.unknown-key ()\n");
  message_has ("'boot.root_device'");
  refused ("efiVars=a", "set.unknown-key ()\n");
  message_has ("'efi.variables'");
  refused ("persistBootDevice=on", "set.unknown-key ()\n");
  message_has ("leave it out");
  /* What is spelt wrong is not another name. */
  refused ("option=a", "set.unknown-key ()\n");
  message_has ("did you mean 'qemu.options'?");
}
END_TEST

START_TEST (keys_of_the_wrong_form_are_told)
{
  refused ("memory", "set.syntax ()\n");
  message_has ("KEY=VALUE");
  refused ("", "set.syntax ()\n");
  refused ("memory[0]=1", "set.syntax (memory)\n");
  refused ("qemu=x", "set.syntax (qemu)\n");
  message_has ("qemu.MEMBER=VALUE");
  refused ("shares=x", "set.syntax (shares)\n");
  message_has ("shares[]=");
  refused ("shares.tag=x", "set.syntax (shares)\n");
  refused ("shares[", "set.syntax ()\n");
  refused ("shares[=x", "set.syntax (shares)\n");
  refused ("shares[x]=tag=a", "set.syntax (shares)\n");
  refused ("shares[-1]=tag=a", "set.syntax (shares)\n");
  refused ("shares[]tag=a", "set.syntax (shares[0])\n");
  refused ("shares[]=", "set.syntax (shares[0])\n");
  refused ("shares[]=a", "set.syntax (shares[0])\n");
  message_has ("MEMBER=VALUE");
  refused ("shares[]=tag=a,", "set.syntax (shares[0])\n");
  refused ("qemu.options=-vga", "set.syntax (qemu.options)\n");
  message_has ("options[]=");
  refused ("qemu.options[].x=a", "set.syntax (qemu.options[0])\n");
}
END_TEST

START_TEST (an_index_must_exist)
{
  refused ("shares[0].tag=a", "set.index (shares)\n");
  set ("shares[]=tag=a");
  refused ("shares[1].tag=a", "set.index (shares)\n");
  message_has ("has no entry 1, only 1 in all; write shares[] to add one");
  refused ("shares[18446744073709551616].tag=a", "set.index (shares)\n");
  refused ("shares[99999999999999999999999999].tag=a", "set.index (shares)\n");
  refused ("qemu.options[0]=a", "set.index (qemu.options)\n");
  set ("shares[00].tag=b");
  /* The index is a decimal number. */
  for (int i = 1; i < 120; i++)
    set ("shares[]=tag=b");
  for (int i = 0; i < 120; i++) {
    char text[40];

    snprintf (text, sizeof text, "shares[%d].tag=t%d", i, i);
    set (text);
    snprintf (text, sizeof text, "t%d", i);
    ck_assert_str_eq (spec ()->shares[i]->tag, text);
  }
  refused ("shares[120].tag=a", "set.index (shares)\n");
}
END_TEST

START_TEST (values_are_checked_and_all_mistakes_are_told)
{
  refused ("memory=0", "value.range (memory)\n");
  refused ("memory=4G", "value.integer (memory)\n");
  refused ("graphics=true", "value.switch (graphics)\n");
  refused ("network.forward_ports[]=proto=sctp,host_port=0,sorce=x,nothing,"
           "guest_port=22",
           "value.enum (network.forward_ports[0].proto)\n"
           "value.range (network.forward_ports[0].host_port)\n"
           "set.unknown-key (network.forward_ports[0])\n"
           "set.syntax (network.forward_ports[0])\n");
  ck_assert_ptr_null (spec ()->network);
}
END_TEST

START_TEST (a_failure_changes_nothing)
{
  set ("shares[]=tag=a,source=/s,target=/t");
  set ("qemu.options[]=-vga");
  refused ("shares[0]=tag=changed,source=/changed,expand=maybe",
           "value.switch (shares[0].expand)\n");
  refused ("shares[]=tag=added,expand=maybe",
           "value.switch (shares[1].expand)\n");
  refused ("disk.format=x", "value.enum (disk.format)\n");
  ck_assert_str_eq (spec ()->shares[0]->tag, "a");
  ck_assert_ptr_null (spec ()->shares[1]);
  ck_assert_ptr_null (spec ()->disk);
}
END_TEST

START_TEST (a_caller_s_structs_are_never_written)
{
  const struct vmspec_share share
    = { VMSPEC_INIT (vmspec_share), .tag = "mine" };
  const struct vmspec_share *const shares[] = { &share, NULL };
  const struct vmspec_qemu qemu = { VMSPEC_INIT (vmspec_qemu), .cpu = "max" };
  const struct vmspec mine
    = { VMSPEC_INIT (vmspec), .shares = shares, .qemu = &qemu };

  vmspec_doc_free (doc);
  ck_assert_int_eq (vmspec_doc_new (&mine, diag, &doc), 0);
  set ("shares[0].tag=theirs");
  set ("qemu.cpu=host");
  ck_assert_str_eq (share.tag, "mine");
  ck_assert_str_eq (qemu.cpu, "max");
  ck_assert_str_eq (spec ()->shares[0]->tag, "theirs");
  ck_assert_str_eq (spec ()->qemu->cpu, "host");
}
END_TEST

/* By the table: each member of each struct that a description is made of, with
 * the path that a finding about it would have. */
static void
set_all (const char *owner, const char *prefix)
{
  char key[200], assignment[400];

  for (const struct vmspec_option *o = vms_option_first (owner); o;
       o = vms_option_sibling (o)) {
    const char *value = "1";

    snprintf (key, sizeof key, "%s%s", prefix, o->name);
    if (o->kind == VMSPEC_KIND_GROUP) {
      strcat (key, ".");
      set_all (o->element, key);
    } else if (o->kind == VMSPEC_KIND_LIST) {
      strcat (key, "[0].");
      set_all (o->element, key);
    } else if (o->kind == VMSPEC_KIND_STRINGS) {
      snprintf (assignment, sizeof assignment, "%s[]=x", key);
      set (assignment);
    } else if (vms_value_is_scalar (o)) {
      if (o->values)
        value = o->values[vms_list_length (o->values) - 1];
      snprintf (assignment, sizeof assignment, "%s=%s", key, value);
      set (assignment);
    }
  }
}

/* Makes one entry in each list, so that "[0]" exists. */
static void
add_entries (const char *owner, const char *prefix)
{
  char key[200], assignment[400];

  for (const struct vmspec_option *o = vms_option_first (owner); o;
       o = vms_option_sibling (o)) {
    const struct vmspec_option *member;

    snprintf (key, sizeof key, "%s%s.", prefix, o->name);
    if (o->kind == VMSPEC_KIND_GROUP)
      add_entries (o->element, key);
    if (o->kind != VMSPEC_KIND_LIST)
      continue;
    member = vms_option_first (o->element);
    while (!vms_value_is_scalar (member))
      member = vms_option_sibling (member);
    snprintf (assignment, sizeof assignment, "%s%s[].%s=%s", prefix, o->name,
              member->name, member->values ? member->values[2] : "1");
    set (assignment);
    snprintf (key, sizeof key, "%s%s[0].", prefix, o->name);
    add_entries (o->element, key);
  }
}

START_TEST (every_option_of_the_table_can_be_set)
{
  add_entries ("vmspec", "");
  set_all ("vmspec", "");
  ck_assert_uint_eq (spec ()->drives[0]->interface,
                     VMSPEC_DISK_INTERFACE_NVME);
  ck_assert_str_eq (spec ()->store->additional_paths[0], "x");
}
END_TEST

START_TEST (what_was_set_does_not_stand_in_the_file)
{
  static const char xml[] = "<vmspec xmlns='urn:vmspec:1' name='a'>\n"
                            "<share tag='a'/>\n<share tag='b'/></vmspec>";
  const char *file;
  uint64_t line;

  vmspec_doc_free (doc);
  ck_assert_int_eq (vmspec_doc_read_memory (xml, sizeof xml - 1, "a.xml", diag,
                                            &doc), 0);
  set ("memory=1");
  set ("shares[1].source=/s");
  set ("shares[]=tag=c");
  if (vmspec_doc_locate (doc, "memory", &file, &line) == 0)
    ck_assert_uint_eq (line, 0);
  if (vmspec_doc_locate (doc, "shares[1].source", &file, &line) == 0)
    ck_assert_uint_eq (line, 0);
  if (vmspec_doc_locate (doc, "shares[2].target", &file, &line) == 0)
    ck_assert_uint_eq (line, 0);
  ck_assert_int_eq (vmspec_doc_locate (doc, "name", &file, &line), 0);
  ck_assert_uint_eq (line, 1);
  ck_assert_int_eq (vmspec_doc_locate (doc, "shares[1].tag", &file, &line), 0);
  ck_assert_uint_eq (line, 3);
}
END_TEST

START_TEST (no_diag_is_no_reason_to_accept)
{
  ck_assert_int_eq (vmspec_doc_set (doc, "memory=x", NULL), -EINVAL);
  ck_assert_int_eq (vmspec_doc_set (doc, "x", NULL), -EINVAL);
  ck_assert_int_eq (vmspec_doc_set (doc, "x=y", NULL), -EINVAL);
  ck_assert_uint_eq (spec ()->memory, 0);
}
END_TEST

/* Each setting copies what it leads through; the copies are let go of. */
START_TEST (many_settings_take_no_more_than_their_result)
{
  enum { N = 4000 };
  char assignment[64];

  for (int i = 0; i < N; i++) {
    snprintf (assignment, sizeof assignment, "drives[]=file=/srv/%d", i);
    ck_assert_int_eq (vmspec_doc_set (doc, assignment, NULL), 0);
  }
  ck_assert_uint_eq (vms_list_length (vmspec_doc_spec (doc)->drives), N);
  ck_assert_str_eq (vmspec_doc_spec (doc)->drives[N - 1]->file, "/srv/3999");
  ck_assert_uint_lt (doc->arena.total, 8 << 20);
}
END_TEST

/* The line of what was read from a file survives that. */
START_TEST (lines_survive_many_settings)
{
  static const char xml[]
    = "<vmspec xmlns=\"urn:vmspec:1\">\n<share tag=\"a\"/></vmspec>";
  const char *file;
  uint64_t line;

  vmspec_doc_free (doc);
  ck_assert_int_eq (vmspec_doc_read_memory (xml, sizeof xml - 1, "f.xml", NULL,
                                            &doc), 0);
  for (int i = 0; i < 2000; i++)
    ck_assert_int_eq (vmspec_doc_set (doc, "qemu.options[]=-s", NULL), 0);
  ck_assert_uint_gt (doc->settled, 0);
  ck_assert_int_eq (vmspec_doc_locate (doc, "shares[0].source", &file, &line),
                    0);
  ck_assert_str_eq (file, "f.xml");
  ck_assert_uint_eq (line, 2);
}
END_TEST

int
main (void)
{
  TCase *all = unit_case ("all");

  tcase_add_checked_fixture (all, set_up, tear_down);
  tcase_add_test (all, scalars_are_set);
  tcase_add_test (all, groups_are_made_when_they_are_needed);
  tcase_add_test (all, a_dash_is_as_good_as_an_underscore);
  tcase_add_test (all, entries_are_added_and_changed);
  tcase_add_test (all, two_commas_stand_for_one);
  tcase_add_test (all, entries_of_entries_are_reached);
  tcase_add_test (all, texts_in_lists_are_taken_exactly);
  tcase_add_test (all, unknown_keys_are_told_with_what_was_meant);
  tcase_add_test (all, names_of_the_nixos_module_are_understood);
  tcase_add_test (all, keys_of_the_wrong_form_are_told);
  tcase_add_test (all, an_index_must_exist);
  tcase_add_test (all, values_are_checked_and_all_mistakes_are_told);
  tcase_add_test (all, a_failure_changes_nothing);
  tcase_add_test (all, a_caller_s_structs_are_never_written);
  tcase_add_test (all, every_option_of_the_table_can_be_set);
  tcase_add_test (all, what_was_set_does_not_stand_in_the_file);
  tcase_add_test (all, no_diag_is_no_reason_to_accept);
  tcase_add_test (all, many_settings_take_no_more_than_their_result);
  tcase_add_test (all, lines_survive_many_settings);
  return unit_run ("set", all);
}
