/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include <fcntl.h>
#include <libxml/parser.h>
#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

#include "value.h"
#include "xml.h"

#define ROOT "<vmspec xmlns='urn:vmspec:1'"

static vmspec_diag *diag;
static vmspec_doc *doc;
static char directory[32];

static void
set_up (void)
{
  ck_assert_int_eq (vmspec_diag_new (&diag), 0);
  doc = NULL;
}

static void
tear_down (void)
{
  vmspec_diag_free (diag);
  vmspec_doc_free (doc);
}

/* ---- helpers ------------------------------------------------------------ */

static int
read_bytes (const void *data, size_t size)
{
  vmspec_doc *old = doc, *poison;
  int r;

  memset (&poison, 0x5a, sizeof poison);
  doc = poison;
  vmspec_diag_clear (diag);
  r = vmspec_doc_read_memory (data, size, "a.xml", diag, &doc);
  vmspec_doc_free (old);
  if (r < 0) {
    ck_assert_ptr_eq (doc, poison);
    doc = NULL;
  }
  return r;
}

static void
reads (const char *xml)
{
  int r = read_bytes (xml, strlen (xml));

  ck_assert_msg (r == 0, "%.1000s: %s", xml,
                 vmspec_diag_count (diag) ? vmspec_diag_get (diag, 0)->text
                                          : strerror (-r));
  ck_assert_uint_eq (vmspec_diag_count (diag), 0);
}

/* "LINE ID (PATH)\n" for each finding. */
static const char *
findings (void)
{
  static char all[20000];
  size_t n = 0;

  all[0] = '\0';
  for (size_t i = 0; i < vmspec_diag_count (diag); i++) {
    const struct vmspec_finding *f = vmspec_diag_get (diag, i);

    ck_assert_str_eq (f->file, "a.xml");
    ck_assert_uint_eq (f->severity, VMSPEC_SEVERITY_ERROR);
    n += (size_t) snprintf (all + n, sizeof all - n, "%" PRIu64 " %s (%s)\n",
                            f->line, f->id, f->path);
  }
  return all;
}

static void
bytes_are_refused (const void *data, size_t size, const char *with)
{
  ck_assert_int_eq (read_bytes (data, size), -EINVAL);
  ck_assert_str_eq (findings (), with);
}

static void
refused (const char *xml, const char *with)
{
  bytes_are_refused (xml, strlen (xml), with);
}

static void
message_has (size_t i, const char *part)
{
  const struct vmspec_finding *f = vmspec_diag_get (diag, i);

  ck_assert_ptr_nonnull (f);
  ck_assert_msg (strstr (f->text, part), "'%s' is not in '%s'", part, f->text);
}

static const struct vmspec *
spec (void)
{
  return vmspec_doc_spec (doc);
}

/* Whether two structs say the same, by the table. */
static int same_struct (const struct vmspec_option *rows, const void *a,
                        const void *b);

static int
same_list (const struct vmspec_option *o, const void *const *a,
           const void *const *b)
{
  size_t n = vms_list_length (a);

  if (!a != !b || n != vms_list_length (b))
    return 0;
  for (size_t i = 0; i < n; i++)
    if (o->kind == VMSPEC_KIND_STRINGS
          ? strcmp (a[i], b[i]) != 0
          : !same_struct (vms_option_first (o->element), a[i], b[i]))
      return 0;
  return 1;
}

static int
same_member (const struct vmspec_option *o, const void *a, const void *b)
{
  const void *p, *q;

  if (o->kind == VMSPEC_KIND_UINT32 || o->kind == VMSPEC_KIND_UINT64
      || o->kind == VMSPEC_KIND_SWITCH || o->kind == VMSPEC_KIND_ENUM
      || o->kind == VMSPEC_KIND_SIZE || o->kind == VMSPEC_KIND_RESERVED)
    return vms_option_number (o, a) == vms_option_number (o, b);
  p = vms_option_pointer (o, a);
  q = vms_option_pointer (o, b);
  if (o->kind == VMSPEC_KIND_LIST || o->kind == VMSPEC_KIND_STRINGS)
    return same_list (o, p, q);
  if (!p || !q)
    return p == q;
  return o->kind == VMSPEC_KIND_GROUP
           ? same_struct (vms_option_first (o->element), p, q)
           : !strcmp (p, q);
}

static int
same_struct (const struct vmspec_option *rows, const void *a, const void *b)
{
  for (const struct vmspec_option *o = rows; o; o = vms_option_sibling (o))
    if (!same_member (o, a, b)) {
      fprintf (stderr, "%s.%s differs\n", o->owner, o->name);
      return 0;
    }
  return 1;
}

static void
round_trip (const struct vmspec *given)
{
  vmspec_doc *first;
  const char *xml, *again;

  ck_assert_int_eq (vmspec_doc_new (given, diag, &first), 0);
  ck_assert_int_eq (vmspec_doc_write (first, &xml), 0);
  reads (xml);
  ck_assert (same_struct (vms_option_first ("vmspec"), given, spec ()));
  ck_assert_int_eq (vmspec_doc_write (doc, &again), 0);
  ck_assert_str_eq (again, xml);
  vmspec_doc_free (first);
}

/* ---- a description with everything in it -------------------------------- */

enum filling { SMALLEST, LARGEST, EMPTY_LISTS, N_FILLINGS };

static struct arena arena;

static void *fill (const char *tag, enum filling filling);

/* Every character that means something to XML, every line end, text beyond
 * ASCII of every length, and which member it is. */
static const char *
fill_text (const struct vmspec_option *o, const char *entry)
{
  return vms_arena_printf (&arena, " %s.%s%s \t\n\r\r\n<&>\"'#;]]>&amp;&#65;<!-- "
                           "\x7f\xc2\x80\xe2\x82\xac\xf0\x9f\x92\xa9 ", o->owner,
                           o->name, entry);
}

static void
fill_list (const struct vmspec_option *o, void *to, enum filling filling)
{
  const void **list = vms_arena_alloc (&arena, 4 * sizeof *list);

  for (size_t i = 0; i < 3 && filling != EMPTY_LISTS; i++)
    if (o->kind == VMSPEC_KIND_LIST)
      list[i] = fill (o->element, filling);
    else
      list[i] = i ? fill_text (o, i == 1 ? "1" : "2") : "";
  vms_option_set_pointer (o, to, list);
}

static void
fill_member (const struct vmspec_option *o, void *to, enum filling filling)
{
  switch (o->kind) {
  case VMSPEC_KIND_STRING:
  case VMSPEC_KIND_PATH:
    vms_option_set_pointer (o, to, filling == LARGEST ? fill_text (o, "") : "");
    break;
  case VMSPEC_KIND_UINT32:
  case VMSPEC_KIND_UINT64:
    vms_option_set_number (o, to, filling == LARGEST ? o->max : o->min);
    if (filling == EMPTY_LISTS && o->flags & VMSPEC_OPTION_NONE_OK)
      vms_option_set_number (o, to, VMSPEC_NONE);
    break;
  case VMSPEC_KIND_SWITCH:
    vms_option_set_number (o, to, filling == LARGEST ? VMSPEC_ON : VMSPEC_OFF);
    break;
  case VMSPEC_KIND_ENUM:
    vms_option_set_number (o, to,
                           filling == LARGEST ? vms_list_length (o->values) - 1
                                              : 1);
    break;
  case VMSPEC_KIND_STRINGS:
  case VMSPEC_KIND_LIST:
    fill_list (o, to, filling);
    break;
  case VMSPEC_KIND_GROUP:
    vms_option_set_pointer (o, to, fill (o->element, filling));
    break;
  }
}

static void *
fill (const char *tag, enum filling filling)
{
  void *filled = vms_doc_struct (&arena, tag);

  for (const struct vmspec_option *o = vms_option_first (tag); o;
       o = vms_option_sibling (o))
    fill_member (o, filled, filling);
  return filled;
}

START_TEST (every_option_reads_back_as_it_was_written)
{
  round_trip (fill ("vmspec", _i));
  vms_arena_free (&arena);
}
END_TEST

START_TEST (each_option_alone_reads_back_as_it_was_written)
{
  for (const struct vmspec_option *o = vms_option_first ("vmspec"); o;
       o = vms_option_sibling (o))
    for (int filling = 0; filling < N_FILLINGS; filling++) {
      struct vmspec *alone = vms_doc_struct (&arena, "vmspec");

      fill_member (o, alone, filling);
      round_trip (alone);
    }
  vms_arena_free (&arena);
}
END_TEST

START_TEST (what_is_not_said_is_not_written)
{
  struct vmspec nothing = { VMSPEC_INIT (vmspec) };
  struct vmspec groups = {
    VMSPEC_INIT (vmspec),
    .boot = &(struct vmspec_boot) { VMSPEC_INIT (vmspec_boot) },
    .shares = (const struct vmspec_share *[]) {
      &(struct vmspec_share) { VMSPEC_INIT (vmspec_share) }, NULL },
    .vlans = (const struct vmspec_vlan *[]) {
      &(struct vmspec_vlan) { VMSPEC_INIT (vmspec_vlan) }, NULL },
  };
  const char *xml;

  round_trip (&nothing);
  ck_assert_int_eq (vmspec_doc_write (doc, &xml), 0);
  ck_assert_str_eq (xml, "<vmspec xmlns=\"urn:vmspec:1\"/>\n");
  round_trip (&groups);
  ck_assert_int_eq (vmspec_doc_write (doc, &xml), 0);
  ck_assert_str_eq (xml, "<vmspec xmlns=\"urn:vmspec:1\">\n"
                         "  <boot/>\n"
                         "  <share/>\n"
                         "  <vlan number=\"0\"/>\n"
                         "</vmspec>\n");
}
END_TEST

START_TEST (what_is_written_is_pretty)
{
  const char *xml;

  reads (ROOT " memory='2048' name='demo' drives='' arch='x86_64'"
         " resolution-x='1' resolution-y='2' host-certs='on'>"
         "<share target='/t' tag='a'/>"
         "<qemu cpu='' consoles=''><option>-vga\nstd</option></qemu>"
         "<network><forward-port proto='udp' host-port='1'/></network>"
         "</vmspec>");
  ck_assert_int_eq (vmspec_doc_write (doc, &xml), 0);
  ck_assert_str_eq (
    xml,
    "<vmspec xmlns=\"urn:vmspec:1\" arch=\"x86_64\" name=\"demo\" "
    "memory=\"2048\"\n"
    "        resolution-x=\"1\" resolution-y=\"2\" host-certs=\"on\" "
    "drives=\"\">\n"
    "  <qemu cpu=\"\" consoles=\"\">\n"
    "    <option>-vga\nstd</option>\n"
    "  </qemu>\n"
    "  <network>\n"
    "    <forward-port proto=\"udp\" host-port=\"1\"/>\n"
    "  </network>\n"
    "  <share tag=\"a\" target=\"/t\"/>\n"
    "</vmspec>\n");
}
END_TEST

/* ---- what cannot be written --------------------------------------------- */

static void
not_written (const struct vmspec *given, int error)
{
  const char *xml = "untouched";
  vmspec_doc *own;

  ck_assert_int_eq (vmspec_doc_new (given, diag, &own), 0);
  ck_assert_int_eq (vmspec_doc_write (own, &xml), error);
  ck_assert_str_eq (xml, "untouched");
  vmspec_doc_free (own);
}

static size_t
encode (uint32_t c, size_t size, char *bytes)
{
  static const unsigned char first[] = { 0, 0, 0xc0, 0xe0, 0xf0 };

  for (size_t i = size; i-- > 1; c >>= 6)
    bytes[i] = (char) (0x80 | (c & 0x3f));
  bytes[0] = (char) (first[size] | c);
  return size;
}

START_TEST (characters_are_those_of_xml_in_their_shortest_form)
{
  static const uint32_t ends[] = { 0, 0x80, 0x800, 0x10000, 0x200000 };
  char bytes[5] = "";

  for (uint32_t c = 0; c < 0x200000; c++)
    for (size_t size = 1; size <= 4; size++) {
      int is_character = c < 0x20 ? c == 9 || c == 10 || c == 13
                         : c < 0xd800 || (c >= 0xe000 && c < 0xfffe)
                             || (c >= 0x10000 && c < 0x110000);

      if (c >= ends[size])
        continue;
      encode (c, size, bytes);
      ck_assert_msg (
        vms_xml_valid (bytes, size)
          == (is_character && c >= ends[size - 1] ? size : 0),
        "U+%04X in %zu bytes", c, size);
    }
  for (unsigned c = 0x80; c <= 0xff; c++)
    for (unsigned next = 0; next <= 0xff; next++) {
      memset (bytes, 0xbf, 4);
      bytes[0] = (char) c;
      bytes[1] = (char) next;
      ck_assert_uint_eq (vms_xml_valid (bytes, 1), 0);
      ck_assert_msg (vms_xml_valid (bytes, 4) == 0
                       || (c > 0xc1 && c < 0xf5 && next >> 6 == 2),
                     "%x %x", c, next);
    }
}
END_TEST

START_TEST (text_that_xml_cannot_hold_is_not_written)
{
  static const char *const wrong[]
    = { "\x01", "a\x1f", "\xff", "\xc3", "\xc3(", "\xc0\x80", "\xe0\x80\xaf",
        "\xed\xa0\x80", "\xef\xbf\xbe", "\xef\xbf\xbf", "\xf4\x90\x80\x80",
        "\xf8\x88\x80\x80\x80", "\x80", "ok\xf0\x9f\x92" };

  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    struct vmspec name = { VMSPEC_INIT (vmspec), .name = wrong[i] };
    struct vmspec_qemu qemu
      = { VMSPEC_INIT (vmspec_qemu),
          .options = (const char *[]) { "fine", wrong[i], NULL } };
    struct vmspec list = { VMSPEC_INIT (vmspec), .qemu = &qemu };

    not_written (&name, -EILSEQ);
    not_written (&list, -EILSEQ);
  }
}
END_TEST

START_TEST (numbers_that_no_option_has_are_not_written)
{
  not_written (&(struct vmspec) { VMSPEC_INIT (vmspec), .graphics = 1 },
               -EINVAL);
  not_written (&(struct vmspec) { VMSPEC_INIT (vmspec), .arch = 77 }, -EINVAL);
  not_written (&(struct vmspec) { VMSPEC_INIT (vmspec), .memory = UINT64_MAX },
               -EINVAL);
}
END_TEST

START_TEST (what_would_be_too_large_to_read_is_not_written)
{
  size_t size = VMSPEC_XML_MAX_SIZE;
  char *large = malloc (size + 1);
  const char *list[] = { large, NULL };
  struct vmspec_qemu qemu = { VMSPEC_INIT (vmspec_qemu), .options = list };
  struct vmspec text = { VMSPEC_INIT (vmspec), .qemu = &qemu };
  struct vmspec attribute = { VMSPEC_INIT (vmspec), .name = large };

  memset (large, 'x', size);
  large[size] = '\0';
  not_written (&text, -EFBIG);
  large[size - 1000] = '\0';
  round_trip (&text);
  large[VMSPEC_XML_MAX_TAG] = '\0';
  not_written (&attribute, -EFBIG);
  large[VMSPEC_XML_MAX_TAG - 50] = '\0';
  round_trip (&attribute);
  free (large);
}
END_TEST

/* ---- reading ------------------------------------------------------------ */

START_TEST (attributes_elements_and_lists_arrive_where_they_belong)
{
  reads ("<?xml version='1.0' encoding='UTF-8'?>\n"
         "<!-- before --><?target data?>\n"
         "<vmspec xmlns='urn:vmspec:1' name='demo' memory='2048'"
         " graphics='off' vlans=''>\n"
         "  <!-- inside --><?target data?>\n"
         "  <boot kernel='/boot/vmlinuz' initrd='initrd.img'/>\n"
         "  <share tag='src' source='/home/me/src, second try'"
         " target='/mnt/src'/>\n"
         "  <drive file='a'/>\n"
         "  <share tag='two'/>\n"
         "  <disk size='none' image=''/>\n"
         "  <drive file='b'><drive-option name='cache' value='none'/>"
         "<device-option name='serial'/></drive>\n"
         "  <network restricted='on' forward-ports=''/>\n"
         "</vmspec>\n<!-- after -->\n");
  ck_assert_str_eq (spec ()->name, "demo");
  ck_assert_uint_eq (spec ()->memory, 2048);
  ck_assert_uint_eq (spec ()->graphics, VMSPEC_OFF);
  ck_assert_str_eq (spec ()->boot->initrd, "initrd.img");
  ck_assert_uint_eq (vms_list_length (spec ()->shares), 2);
  ck_assert_str_eq (spec ()->shares[0]->source, "/home/me/src, second try");
  ck_assert_str_eq (spec ()->shares[1]->tag, "two");
  ck_assert_uint_eq (vms_list_length (spec ()->drives), 2);
  ck_assert_str_eq (spec ()->drives[1]->drive_options[0]->value, "none");
  ck_assert_str_eq (spec ()->drives[1]->device_options[0]->name, "serial");
  ck_assert_ptr_null (spec ()->drives[0]->drive_options);
  ck_assert_uint_eq (spec ()->disk->size, VMSPEC_NONE);
  ck_assert_str_eq (spec ()->disk->image, "");
  ck_assert_uint_eq (spec ()->network->restricted, VMSPEC_ON);
  ck_assert_ptr_nonnull (spec ()->network->forward_ports);
  ck_assert_ptr_null (spec ()->network->forward_ports[0]);
  ck_assert_ptr_nonnull (spec ()->vlans);
  ck_assert_ptr_null (spec ()->vlans[0]);
  ck_assert_ptr_null (spec ()->interfaces);
  ck_assert_ptr_null (spec ()->tpm);
}
END_TEST

START_TEST (texts_are_taken_exactly)
{
  const char *const *options;

  reads (ROOT " name=' a\tb\n&#9;&#10;&#13;&amp;&lt;&#38;amp;&#x20AC; '><qemu>"
         "<option/><option> a&amp;b&lt;&#38;lt; \r\n</option>"
         "<option>a<!-- c -->b<?p i?>c<![CDATA[<&>]]>d</option>"
         "<option>\n</option></qemu></vmspec>");
  ck_assert_str_eq (spec ()->name, " a b \t\n\r&<&amp;\xe2\x82\xac ");
  options = spec ()->qemu->options;
  ck_assert_uint_eq (vms_list_length (options), 4);
  ck_assert_str_eq (options[0], "");
  ck_assert_str_eq (options[1], " a&b<&lt; \n");
  ck_assert_str_eq (options[2], "abc<&>d");
  ck_assert_str_eq (options[3], "\n");
}
END_TEST

START_TEST (a_byte_order_mark_is_no_text)
{
  reads ("\xef\xbb\xbf" ROOT "/>");
}
END_TEST

START_TEST (an_unknown_name_is_told_with_what_was_meant)
{
  refused (ROOT " memry='1'>\n"
           "<shrae/>\n"
           "<qemu cpus='host'\n"
           "  memory='1'>\n"
           "</qemu>\n"
           "<network><forward_port hostport='1'/></network>\n"
           "<forward-port host_port='1'/>\n"
           "<memory>2048</memory>\n"
           "<x/></vmspec>",
           "1 xml.unknown-attribute ()\n"
           "2 xml.unknown-element ()\n"
           "3 xml.unknown-attribute (qemu)\n"
           "3 xml.unknown-attribute (qemu)\n"
           "6 xml.unknown-element (network)\n"
           "7 xml.unknown-element ()\n"
           "8 xml.unknown-element ()\n"
           "9 xml.unknown-element ()\n");
  message_has (0, "<vmspec> has no attribute 'memry'; did you mean "
                  "memory=\"...\"?");
  message_has (1, "<vmspec> has no element 'shrae'; did you mean <share>?");
  message_has (2, "; did you mean cpu=\"...\"?");
  message_has (4, "; did you mean <forward-port>?");
  message_has (5, "; did you mean <forward-port> in <network>?");
  message_has (6, "; did you mean memory=\"...\"?");
  ck_assert_str_eq (vmspec_diag_get (diag, 7)->text,
                    "<vmspec> has no element 'x'");
}
END_TEST

START_TEST (members_that_are_not_options_are_unknown)
{
  refused (ROOT " struct-size='1' reserved='0' boot='' xmlns:a='urn:a'/>",
           "1 xml.unknown-attribute ()\n"
           "1 xml.unknown-attribute ()\n"
           "1 xml.unknown-attribute ()\n");
  message_has (2, "has no attribute 'boot'; did you mean <boot>?");
}
END_TEST

START_TEST (all_mistakes_are_told_at_once_with_their_lines)
{
  refused ("<vmspec\n"
           "  xmlns='urn:vmspec:1'\n"
           "  memory='0'\n"
           "  cores='99999999999999999999'>\n"
           "  <disk size='big' format='qcow3'/>\n"
           "  stray\n"
           "  <network>\n"
           "    <forward-port proto='tcp'/>\n"
           "    <forward-port\n"
           "      proto='sctp'\n"
           "      host-port='70000'/>\n"
           "  </network>\n"
           "  <disk/>\n"
           "  <qemu><option a='b'><c/></option></qemu>\n"
           "  <share tag='a' expand='true'/>\n"
           "</vmspec>",
           "1 value.range (memory)\n"
           "1 value.range (cores)\n"
           "5 value.integer (disk.size)\n"
           "5 value.enum (disk.format)\n"
           "6 xml.text ()\n"
           "9 value.enum (network.forward_ports[1].proto)\n"
           "9 value.range (network.forward_ports[1].host_port)\n"
           "13 xml.duplicate (disk)\n"
           "14 xml.unknown-attribute (qemu.options[0])\n"
           "14 xml.unknown-element (qemu.options[0])\n"
           "15 value.switch (shares[0].expand)\n");
}
END_TEST

START_TEST (lists_are_elements_or_said_to_be_empty)
{
  refused (ROOT " shares='a' drives=''>\n<drive/><drive/>"
           "<qemu options=' '/></vmspec>",
           "1 xml.list (shares)\n"
           "2 xml.list ()\n"
           "2 xml.list (qemu.options)\n");
  message_has (0, "write a <share> for each entry, or shares=\"\" for none");
  message_has (1, "drives=\"\" says that there is no <drive>");
}
END_TEST

START_TEST (a_second_group_is_told_and_looked_through)
{
  refused (ROOT ">\n<qemu cpu='a'><option>1</option></qemu>\n"
           "<qemu cpu='b' accel='x'><option>2</option></qemu></vmspec>",
           "3 xml.duplicate (qemu)\n3 value.enum (qemu.accel)\n");
}
END_TEST

START_TEST (a_missing_or_wrong_namespace_is_told_once)
{
  refused ("<vmspec memory='x'><disk size='y'/></vmspec>",
           "1 xml.namespace ()\n1 value.integer (memory)\n"
           "1 value.integer (disk.size)\n");
  message_has (0, "write <vmspec xmlns=\"urn:vmspec:1\">");
  refused ("<vmspec xmlns='urn:vmspec:2'><disk/></vmspec>",
           "1 xml.namespace ()\n");
  reads ("<v:vmspec xmlns:v='urn:vmspec:1'><v:disk/></v:vmspec>");
  refused (ROOT "><disk xmlns='urn:other' size='x'><a/></disk>"
           "<o:boot xmlns:o='urn:other'/><no:boot/></vmspec>",
           "1 xml.namespace ()\n1 xml.namespace ()\n1 xml.namespace ()\n");
  /* It is one of the element that it stands in. */
  refused (ROOT "><disk><o:boot xmlns:o='urn:other'/></disk></vmspec>",
           "1 xml.namespace (disk)\n");
  refused (ROOT " xml:lang='en' xmlns:v='urn:vmspec:1' v:name='x' no:name='y'"
           "/>", "1 xml.namespace ()\n1 xml.namespace ()\n1 xml.namespace ()\n");
}
END_TEST

START_TEST (another_root_is_no_description)
{
  refused ("<domain type='kvm'>\n<name>x</name></domain>", "1 xml.root ()\n");
  message_has (0, "not with <domain>");
}
END_TEST

START_TEST (what_is_not_xml_is_told_once)
{
  static const char *const wrong[]
    = { "", " ", "memory=4096", ROOT, ROOT ">", ROOT "></vmspec",
        ROOT "/>x", ROOT "/><vmspec/>", ROOT "><a></b></a></vmspec>",
        ROOT " name='a' name='b'/>", ROOT " name=a/>", ROOT " name='<'/>",
        ROOT " name='&no;'/>", ROOT ">&no;</vmspec>", ROOT " name='&#1;'/>",
        ROOT " name='&#xd800;'/>", ROOT "><!-- -- --></vmspec>",
        "<?xml version='1.0'", ROOT "><![CDATA[</vmspec>" };

  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    ck_assert_int_eq (read_bytes (wrong[i], strlen (wrong[i])), -EINVAL);
    ck_assert_msg (vmspec_diag_count (diag) >= 1, "%s", wrong[i]);
    ck_assert_str_eq (
      vmspec_diag_get (diag, vmspec_diag_count (diag) - 1)->id, "xml.syntax");
    for (size_t j = 0; j + 1 < vmspec_diag_count (diag); j++)
      ck_assert_str_ne (vmspec_diag_get (diag, j)->id, "xml.syntax");
  }
  refused (ROOT " memory='x'>\n\n<boot</vmspec>",
           "1 value.integer (memory)\n3 xml.syntax ()\n");
  ck_assert_ptr_null (strchr (vmspec_diag_get (diag, 1)->text, '\n'));
}
END_TEST

START_TEST (only_utf_8_is_read)
{
  static const char nul[] = ROOT " name='a\0b'/>";
  static const char utf_16[] = "\xff\xfe<\0v\0m\0/\0>\0";

  bytes_are_refused (nul, sizeof nul - 1, "1 xml.encoding ()\n");
  bytes_are_refused (utf_16, sizeof utf_16 - 1, "1 xml.encoding ()\n");
  refused (ROOT ">\n\n<disk image='\xff'/></vmspec>", "3 xml.encoding ()\n");
  refused (ROOT " name='\xc0\x80'/>", "1 xml.encoding ()\n");
  refused (ROOT " name='\xed\xa0\x80'/>", "1 xml.encoding ()\n");
  refused (ROOT " name='\x08'/>", "1 xml.encoding ()\n");
  refused ("<?xml version='1.0' encoding='ISO-8859-1'?>" ROOT
           " name='\xe9'/>", "1 xml.encoding ()\n");
  /* Whatever it claims to be. */
  reads ("<?xml version='1.0' encoding='ISO-8859-1'?>" ROOT
         " name='\xc3\xa9'/>");
  ck_assert_str_eq (spec ()->name, "\xc3\xa9");
}
END_TEST

/* ---- hostile files ------------------------------------------------------ */

START_TEST (a_document_type_is_refused_before_it_is_read)
{
  refused ("<!DOCTYPE vmspec>\n" ROOT "/>", "1 xml.doctype ()\n");
  refused ("<?xml version='1.0'?>\n<!DOCTYPE vmspec [\n"
           "<!ENTITY a 'aaaaaaaaaa'>\n"
           "<!ENTITY b '&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;'>\n"
           "<!ENTITY c '&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;'>\n"
           "<!ENTITY d '&c;&c;&c;&c;&c;&c;&c;&c;&c;&c;'>\n"
           "<!ENTITY e '&d;&d;&d;&d;&d;&d;&d;&d;&d;&d;'>\n"
           "<!ENTITY f '&e;&e;&e;&e;&e;&e;&e;&e;&e;&e;'>\n"
           "<!ENTITY g '&f;&f;&f;&f;&f;&f;&f;&f;&f;&f;'>\n"
           "<!ENTITY h '&g;&g;&g;&g;&g;&g;&g;&g;&g;&g;'>\n"
           "]>" ROOT " name='&h;'/>", "2 xml.doctype ()\n");
  refused ("<!DOCTYPE vmspec SYSTEM 'file:///etc/passwd'>" ROOT "/>",
           "1 xml.doctype ()\n");
  refused ("<!DOCTYPE v [<!ENTITY x SYSTEM '/etc/passwd'>]>" ROOT
           " name='&x;'/>", "1 xml.doctype ()\n");
  refused ("<!DOCTYPE v [<!ENTITY % p '<!ENTITY x \"y\">'>%p;]>" ROOT
           "/>", "1 xml.doctype ()\n");
  refused ("<!DOCTYPE v [<!ATTLIST vmspec memory CDATA '7'>]>" ROOT "/>",
           "1 xml.doctype ()\n");
}
END_TEST

static size_t
repeat (char *to, const char *what, size_t times)
{
  size_t size = strlen (what);

  for (size_t i = 0; i < times; i++)
    memcpy (to + i * size, what, size);
  return times * size;
}

START_TEST (depth_has_a_limit)
{
  static char xml[1 << 20];
  size_t n;

  /* 32 levels with the root, in a place where nothing is known. */
  n = (size_t) sprintf (xml, "%s>\n", ROOT);
  n += repeat (xml + n, "<a>", 31);
  n += repeat (xml + n, "</a>", 31);
  strcpy (xml + n, "</vmspec>");
  refused (xml, "2 xml.unknown-element ()\n");
  n = (size_t) sprintf (xml, "%s>\n", ROOT);
  n += repeat (xml + n, "<a>", 32);
  n += repeat (xml + n, "</a>", 32);
  strcpy (xml + n, "</vmspec>");
  refused (xml, "2 xml.unknown-element ()\n2 xml.depth ()\n");
  xml[repeat (xml, "<a>", sizeof xml / 3 - 1)] = '\0';
  refused (xml, "1 xml.root ()\n1 xml.depth ()\n");
}
END_TEST

/* A file of @size bytes, of which all but the start and the end are "@what"
 * again and again. */
static char *
large_file (const char *start, const char *what, const char *end, size_t size)
{
  char *xml = malloc (size + 1);
  size_t n = strlen (start), m = strlen (end), filled;

  memcpy (xml, start, n);
  filled = n + repeat (xml + n, what, (size - n - m) / strlen (what));
  memset (xml + filled, ' ', size - m - filled);
  memcpy (xml + size - m, end, m + 1);
  return xml;
}

START_TEST (size_has_a_limit)
{
  size_t limit = VMSPEC_XML_MAX_SIZE;
  char *xml = large_file (ROOT ">", "<!-- x -->", "</vmspec>", limit);

  ck_assert_int_eq (read_bytes (xml, limit), 0);
  free (xml);
  xml = large_file (ROOT ">", "<!-- x -->", "</vmspec>", limit + 1);
  bytes_are_refused (xml, limit + 1, "0 xml.size ()\n");
  free (xml);
  xml = large_file (ROOT ">", "<!-- x -->", "</vmspec>", 17 << 20);
  bytes_are_refused (xml, 17 << 20, "0 xml.size ()\n");
  free (xml);
  /* Nothing is read of what is too large. */
  bytes_are_refused ("", SIZE_MAX, "0 xml.size ()\n");
}
END_TEST

START_TEST (many_large_attributes_are_read_up_to_the_limit)
{
  char *name = malloc (1000001), *xml = malloc (VMSPEC_XML_MAX_SIZE);
  size_t n = (size_t) sprintf (xml, "%s>", ROOT);

  memset (name, 'x', 1000000);
  name[1000000] = '\0';
  for (int i = 0; i < 15; i++)
    n += (size_t) sprintf (xml + n, "<drive name='%s'/>", name);
  strcpy (xml + n, "</vmspec>");
  reads (xml);
  ck_assert_str_eq (spec ()->drives[14]->name, name);
  free (xml);
  xml = large_file (ROOT " name='", "x", "'/>", VMSPEC_XML_MAX_SIZE);
  refused (xml, "1 xml.tag ()\n");
  free (xml);
  free (name);
}
END_TEST

START_TEST (elements_and_mistakes_have_a_limit)
{
  size_t limit = VMSPEC_XML_MAX_SIZE, last;
  char *xml = large_file (ROOT ">", "<vlan/>", "</vmspec>", limit);

  bytes_are_refused (xml, limit, "1 xml.elements ()\n");
  free (xml);
  for (size_t more = 0; more < 2; more++) {
    size_t size = strlen (ROOT "></vmspec>");

    xml = large_file (ROOT ">", "<vlan/>", "</vmspec>",
                      size + 7 * (VMSPEC_XML_MAX_ELEMENTS - 1 + more));
    (void) read_bytes (xml, strlen (xml));
    ck_assert_int_eq (unit_finding (diag, "xml.elements") != NULL, more);
    free (xml);
  }
  xml = large_file (ROOT ">", "<disk/>", "</vmspec>", limit);
  ck_assert_int_eq (read_bytes (xml, limit), -EINVAL);
  last = vmspec_diag_count (diag) - 1;
  ck_assert_uint_eq (last, VMSPEC_XML_MAX_MISTAKES);
  ck_assert_str_eq (vmspec_diag_get (diag, last)->id, "xml.too-many");
  free (xml);
  xml = large_file (ROOT ">", "<drive format='x'/>", "</vmspec>", limit);
  ck_assert_int_eq (read_bytes (xml, limit), -EINVAL);
  ck_assert_uint_eq (vmspec_diag_count (diag), VMSPEC_XML_MAX_MISTAKES + 1);
  free (xml);
}
END_TEST

/* libxml2 alone takes hours for this. */
START_TEST (attributes_have_a_limit)
{
  size_t limit = VMSPEC_XML_MAX_SIZE, n;
  char *xml = malloc (limit + 1);

  n = (size_t) sprintf (xml, "%s", ROOT);
  for (size_t i = 0; n < limit - 20; i++)
    n += (size_t) sprintf (xml + n, " a%zx=''", i);
  strcpy (xml + n, "/>");
  refused (xml, "1 xml.tag ()\n");
  /* Quotes and ends of tags inside of values are neither. */
  n = (size_t) sprintf (xml, "%s name=\"'>", ROOT);
  n += repeat (xml + n, "='a' ", 1000);
  strcpy (xml + n, "\"/>");
  reads (xml);
  n = (size_t) sprintf (xml, "%s><!-- <a ", ROOT);
  n += repeat (xml + n, "'a' ", 1000);
  n += (size_t) sprintf (xml + n, "--><?x <a ");
  n += repeat (xml + n, "'a' ", 1000);
  n += (size_t) sprintf (xml + n, "?><qemu><option><![CDATA[<a ");
  n += repeat (xml + n, "'a' ", 1000);
  strcpy (xml + n, "]]></option></qemu></vmspec>");
  reads (xml);
  n = (size_t) sprintf (xml, "%s name='\">'", ROOT);
  for (size_t i = 0; i < VMSPEC_XML_MAX_ATTRIBUTES; i++)
    n += (size_t) sprintf (xml + n, "\n a%zx='\">'", i);
  strcpy (xml + n, "/>");
  refused (xml, "1 xml.tag ()\n");
  free (xml);
}
END_TEST

static int
has_large_tag (const char *start, size_t attributes)
{
  char *xml = malloc (VMSPEC_XML_MAX_SIZE);
  size_t n = (size_t) sprintf (xml, "%s><%s", ROOT, start);

  for (size_t i = 0; i < attributes; i++)
    n += (size_t) sprintf (xml + n, " a%zx=''", i);
  n += (size_t) sprintf (xml + n, "/></vmspec>");
  (void) read_bytes (xml, n);
  free (xml);
  return unit_finding (diag, "xml.tag") != NULL;
}

START_TEST (every_element_has_the_same_limit_of_attributes)
{
  static const char *const names[]
    = { "a", "z", "A", "Z", "_", ":", "\xc2\x80", "\xc3\xbf", "disk" };

  for (size_t i = 0; i < COUNT (names); i++) {
    ck_assert (!has_large_tag (names[i], VMSPEC_XML_MAX_ATTRIBUTES));
    ck_assert_msg (has_large_tag (names[i], VMSPEC_XML_MAX_ATTRIBUTES + 1),
                   "<%s", names[i]);
  }
  ck_assert (!has_large_tag ("1", VMSPEC_XML_MAX_ATTRIBUTES + 1));
}
END_TEST

START_TEST (a_tag_may_be_as_large_as_its_limit)
{
  const char *start = ROOT " name='", *end = "></vmspec>";
  size_t before = (size_t) (strrchr (start, '<') + 1 - start);

  for (size_t more = 0; more < 2; more++) {
    char *xml = large_file (start, "x", "'></vmspec>",
                            before + VMSPEC_XML_MAX_TAG + more + strlen (end));

    (void) read_bytes (xml, strlen (xml));
    ck_assert_int_eq (unit_finding (diag, "xml.tag") != NULL, more);
    free (xml);
  }
}
END_TEST

START_TEST (lines_beyond_65535_are_told_right)
{
  char *xml = malloc (200000);
  size_t n = (size_t) sprintf (xml, "%s>", ROOT);

  n += repeat (xml + n, "\n", 99999);
  strcpy (xml + n, "<disk size='x'/>\n</vmspec>");
  refused (xml, "100000 value.integer (disk.size)\n");
  strcpy (xml + n, "<disk>\n</vmspec>");
  refused (xml, "100001 xml.syntax ()\n");
  free (xml);
}
END_TEST

/* ---- places ------------------------------------------------------------- */

static void
stands_in_line (const char *path, uint64_t line)
{
  const char *file;
  uint64_t found;

  ck_assert_int_eq (vmspec_doc_locate (doc, path, &file, &found), 0);
  ck_assert_str_eq (file, "a.xml");
  ck_assert_msg (found == line, "%s: %" PRIu64, path, found);
}

START_TEST (options_are_located_by_their_innermost_element)
{
  reads ("<!-- one\n-->\n"
         "<vmspec\n xmlns='urn:vmspec:1'\n name='a'>\n"
         "  <network\n   restricted='on'>\n"
         "    <forward-port/>\n"
         "    <forward-port\n      proto='udp'\n    />\n"
         "  </network>\n"
         "  <qemu>\n"
         "    <option>a</option>\n"
         "    <option\n>b\n\n</option>\n"
         "  </qemu>\n</vmspec>");
  stands_in_line ("", 3);
  stands_in_line ("name", 3);
  stands_in_line ("disk.size", 3);
  stands_in_line ("network", 6);
  stands_in_line ("network.restricted", 6);
  stands_in_line ("network.forward_ports[0].proto", 8);
  stands_in_line ("network.forward_ports[1]", 9);
  stands_in_line ("network.forward_ports[1].proto", 9);
  stands_in_line ("qemu.options[0]", 14);
  stands_in_line ("qemu.options[1]", 15);
}
END_TEST

/* ---- files -------------------------------------------------------------- */

static void
make_directory (void)
{
  strcpy (directory, "/tmp/vmspec-test-xml.XXXXXX");
  ck_assert_ptr_nonnull (mkdtemp (directory));
}

static const char *
path_of (const char *name)
{
  static char path[100];

  snprintf (path, sizeof path, "%s/%s", directory, name);
  return path;
}

static void
write_file (const char *path, const char *data, size_t size)
{
  int fd = open (path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

  ck_assert_int_ge (fd, 0);
  for (ssize_t n; size; data += n, size -= (size_t) n)
    ck_assert_int_gt (n = write (fd, data, size), 0);
  close (fd);
}

static int
read_path (const char *path)
{
  vmspec_doc_free (doc);
  doc = NULL;
  vmspec_diag_clear (diag);
  return vmspec_doc_read_file (path, diag, &doc);
}

static int
open_files (void)
{
  int n = 0;

  for (int fd = 0; fd < 100; fd++)
    n += fcntl (fd, F_GETFD) >= 0;
  return n;
}

START_TEST (files_are_read_whole_and_closed)
{
  int before = open_files ();
  char *xml = large_file (ROOT " name='last'><!--", "x\n", "--></vmspec>",
                          1 << 20);

  make_directory ();
  write_file (path_of ("a"), xml, 1 << 20);
  ck_assert_int_eq (read_path (path_of ("a")), 0);
  ck_assert_str_eq (spec ()->name, "last");
  write_file (path_of ("a"), ROOT " memory='x'/>", strlen (ROOT) + 13);
  ck_assert_int_eq (read_path (path_of ("a")), -EINVAL);
  ck_assert_str_eq (vmspec_diag_get (diag, 0)->file, path_of ("a"));
  free (xml);
  xml = large_file (ROOT "><!--", "x\n", "--></vmspec>", 17 << 20);
  write_file (path_of ("a"), xml, 17 << 20);
  ck_assert_int_eq (read_path (path_of ("a")), -EINVAL);
  ck_assert_str_eq (vmspec_diag_get (diag, 0)->id, "xml.size");
  free (xml);
  ck_assert_int_eq (open_files (), before);
  unlink (path_of ("a"));
  rmdir (directory);
}
END_TEST

START_TEST (what_cannot_be_read_is_told_by_errno)
{
  int before = open_files ();

  ck_assert_int_eq (read_path ("/nonexistent/a.xml"), -ENOENT);
  ck_assert_int_eq (read_path ("/etc/passwd/a.xml"), -ENOTDIR);
  ck_assert_int_eq (read_path ("/tmp"), -EISDIR);
  ck_assert_int_eq (read_path (""), -ENOENT);
  ck_assert_uint_eq (vmspec_diag_count (diag), 0);
  ck_assert_int_eq (read_path ("/dev/null"), -EINVAL);
  ck_assert_str_eq (vmspec_diag_get (diag, 0)->id, "xml.syntax");
  ck_assert_int_eq (open_files (), before);
}
END_TEST

static void *
write_pieces (void *path)
{
  static const char *const pieces[] = { ROOT, " name=", "'piped'/", ">" };
  int fd = open (path, O_WRONLY);

  for (size_t i = 0; i < COUNT (pieces); i++) {
    if (write (fd, pieces[i], strlen (pieces[i])) < 0)
      return path;
    usleep (20000);
  }
  close (fd);
  return NULL;
}

START_TEST (a_pipe_that_comes_in_pieces_is_read_to_its_end)
{
  pthread_t writer;
  char *path;
  void *failed;

  make_directory ();
  path = strdup (path_of ("pipe"));
  ck_assert_int_eq (mkfifo (path, 0600), 0);
  ck_assert_int_eq (pthread_create (&writer, NULL, write_pieces, path), 0);
  ck_assert_int_eq (read_path (path), 0);
  ck_assert_str_eq (spec ()->name, "piped");
  ck_assert_int_eq (pthread_join (writer, &failed), 0);
  ck_assert_ptr_null (failed);
  unlink (path);
  free (path);
  rmdir (directory);
}
END_TEST

/* ---- a good guest of libxml2 -------------------------------------------- */

static int complaints;

static void
complain (void *data, const char *format, ...)
{
  (void) data, (void) format;
  complaints++;
}

static void
complain_in_detail (void *data, xmlErrorPtr error)
{
  (void) data, (void) error;
  complaints++;
}

START_TEST (the_program_s_own_use_of_libxml2_is_left_alone)
{
  xmlSetGenericErrorFunc (&complaints, complain);
  xmlSetStructuredErrorFunc (&complaints, complain_in_detail);
  xmlKeepBlanksDefault (0);
  xmlSubstituteEntitiesDefault (1);
  refused (ROOT "><boot</vmspec>", "1 xml.syntax ()\n");
  refused ("<!DOCTYPE v SYSTEM 'http://localhost/x'>" ROOT "/>",
           "1 xml.doctype ()\n");
  refused (ROOT " xmlns:a='no uri'><no:a/></vmspec>", "1 xml.namespace ()\n");
  reads (ROOT "><qemu> <option> </option> </qemu></vmspec>");
  ck_assert_str_eq (spec ()->qemu->options[0], " ");
  ck_assert_int_eq (complaints, 0);
  ck_assert_ptr_eq (xmlGenericError, complain);
  ck_assert_ptr_eq (xmlGenericErrorContext, &complaints);
  ck_assert_int_eq (xmlKeepBlanksDefault (1), 0);
  ck_assert_int_eq (xmlSubstituteEntitiesDefault (0), 1);
  xmlSetGenericErrorFunc (NULL, NULL);
  xmlSetStructuredErrorFunc (NULL, NULL);
}
END_TEST

static size_t allocations, fail_at; /* the latter counts from 1 */

static void *
failing_malloc (size_t size)
{
  return ++allocations == fail_at ? NULL : malloc (size);
}

static void *
failing_realloc (void *old, size_t size)
{
  return ++allocations == fail_at ? NULL : realloc (old, size);
}

static char *
failing_strdup (const char *text)
{
  return ++allocations == fail_at ? NULL : strdup (text);
}

START_TEST (memory_that_runs_out_in_libxml2_is_no_empty_description)
{
  static const char xml[] = ROOT " name='a&amp;b'><qemu cpu='x'><option>a&lt;"
    "</option></qemu><share tag='a' source='b' target='c'/></vmspec>";
  int r;

  fail_at = 0;
  xmlInitParser ();
  xmlMemSetup (free, failing_malloc, failing_realloc, failing_strdup);
  do {
    fail_at++;
    allocations = 0;
    r = read_bytes (xml, sizeof xml - 1);
    if (r == 0) {
      ck_assert_str_eq (spec ()->name, "a&b");
      ck_assert_str_eq (spec ()->qemu->options[0], "a<");
      ck_assert_str_eq (spec ()->shares[0]->target, "c");
    } else
      ck_assert_msg (r == -ENOMEM, "allocation %zu: %d", fail_at, r);
  } while (allocations >= fail_at);
  xmlMemSetup (free, malloc, realloc, strdup);
  ck_assert_uint_gt (fail_at, 10);
}
END_TEST

START_TEST (no_diag_is_no_reason_to_accept)
{
  vmspec_doc *none = NULL;

  ck_assert_int_eq (vmspec_doc_read_memory (ROOT " memory='x'/>",
                                            strlen (ROOT) + 13, NULL, NULL,
                                            &none), -EINVAL);
  ck_assert_int_eq (vmspec_doc_read_memory ("<", 1, NULL, NULL, &none),
                    -EINVAL);
  ck_assert_int_eq (vmspec_doc_read_memory (NULL, 0, NULL, NULL, &none),
                    -EINVAL);
  ck_assert_ptr_null (none);
}
END_TEST

int
main (void)
{
  TCase *all = unit_case ("all");

  tcase_add_checked_fixture (all, set_up, tear_down);
  tcase_add_loop_test (all, every_option_reads_back_as_it_was_written, 0, N_FILLINGS);
  tcase_add_test (all, each_option_alone_reads_back_as_it_was_written);
  tcase_add_test (all, what_is_not_said_is_not_written);
  tcase_add_test (all, what_is_written_is_pretty);
  tcase_add_test (all, characters_are_those_of_xml_in_their_shortest_form);
  tcase_add_test (all, text_that_xml_cannot_hold_is_not_written);
  tcase_add_test (all, numbers_that_no_option_has_are_not_written);
  tcase_add_test (all, what_would_be_too_large_to_read_is_not_written);
  tcase_add_test (all, attributes_elements_and_lists_arrive_where_they_belong);
  tcase_add_test (all, texts_are_taken_exactly);
  tcase_add_test (all, a_byte_order_mark_is_no_text);
  tcase_add_test (all, an_unknown_name_is_told_with_what_was_meant);
  tcase_add_test (all, members_that_are_not_options_are_unknown);
  tcase_add_test (all, all_mistakes_are_told_at_once_with_their_lines);
  tcase_add_test (all, lists_are_elements_or_said_to_be_empty);
  tcase_add_test (all, a_second_group_is_told_and_looked_through);
  tcase_add_test (all, a_missing_or_wrong_namespace_is_told_once);
  tcase_add_test (all, another_root_is_no_description);
  tcase_add_test (all, what_is_not_xml_is_told_once);
  tcase_add_test (all, only_utf_8_is_read);
  tcase_add_test (all, a_document_type_is_refused_before_it_is_read);
  tcase_add_test (all, depth_has_a_limit);
  tcase_add_test (all, size_has_a_limit);
  tcase_add_test (all, many_large_attributes_are_read_up_to_the_limit);
  tcase_add_test (all, elements_and_mistakes_have_a_limit);
  tcase_add_test (all, attributes_have_a_limit);
  tcase_add_test (all, every_element_has_the_same_limit_of_attributes);
  tcase_add_test (all, a_tag_may_be_as_large_as_its_limit);
  tcase_add_test (all, lines_beyond_65535_are_told_right);
  tcase_add_test (all, options_are_located_by_their_innermost_element);
  tcase_add_test (all, files_are_read_whole_and_closed);
  tcase_add_test (all, what_cannot_be_read_is_told_by_errno);
  tcase_add_test (all, a_pipe_that_comes_in_pieces_is_read_to_its_end);
  tcase_add_test (all, the_program_s_own_use_of_libxml2_is_left_alone);
  tcase_add_test (all,
                  memory_that_runs_out_in_libxml2_is_no_empty_description);
  tcase_add_test (all, no_diag_is_no_reason_to_accept);
  return unit_run ("xml", all);
}
