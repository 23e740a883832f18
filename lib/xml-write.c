/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The XML form of a description, written by the option table. */
#include "xml.h"

#include <errno.h>
#include <string.h>

#include "value.h"

#define WIDTH 80

const char *
vms_xml_name (const struct vmspec_option *option,
              char name[VMSPEC_XML_NAME_SIZE])
{
  size_t i = 0;

  for (; option->name[i] && i < VMSPEC_XML_NAME_SIZE - 1; i++)
    name[i] = option->name[i] == '_' ? '-' : option->name[i];
  name[i] = '\0';
  return name;
}

/* ---- characters --------------------------------------------------------- */

/* The bytes of a character by its first byte; 0 for one inside of others. */
static size_t
sequence_length (unsigned char first)
{
  if (first < 0x80)
    return 1;
  if (first < 0xc0)
    return 0;
  if (first < 0xe0)
    return 2;
  return first < 0xf0 ? 3 : first < 0xf8 ? 4 : 0;
}

static int
is_xml_character (uint32_t c)
{
  if (c < 0x20)
    return c == '\t' || c == '\n' || c == '\r';
  return c < 0xd800 || (c > 0xdfff && c < 0xfffe)
         || (c > 0xffff && c < 0x110000);
}

/* The length of the character at @bytes, 0 if XML cannot hold it. */
static size_t
character_length (const unsigned char *bytes, size_t size)
{
  /* A longer form than needed is a way around filters, and is not UTF-8. */
  static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
  size_t n = sequence_length (bytes[0]);
  uint32_t c = n > 1 ? bytes[0] & (0x7fu >> n) : bytes[0];

  if (!n || n > size)
    return 0;
  for (size_t i = 1; i < n; i++) {
    if ((bytes[i] & 0xc0) != 0x80)
      return 0;
    c = c << 6 | (bytes[i] & 0x3f);
  }
  return c >= least[n] && is_xml_character (c) ? n : 0;
}

size_t
vms_xml_valid (const char *bytes, size_t size)
{
  const unsigned char *start = (const unsigned char *) bytes;
  size_t at = 0, n;

  while (at < size && (n = character_length (start + at, size - at)))
    at += n;
  return at;
}

/* ---- writing ------------------------------------------------------------ */

struct writer {
  struct text text;
  size_t line;     /* where the last line of the text starts */
  size_t elements;
  int error;
};

static void
write_special (struct text *text, char c)
{
  switch (c) {
  case '&':
    vms_text_add (text, "&amp;");
    break;
  case '<':
    vms_text_add (text, "&lt;");
    break;
  case '>':
    vms_text_add (text, "&gt;");
    break;
  case '"':
    vms_text_add (text, "&quot;");
    break;
  default:
    vms_text_add (text, "&#");
    vms_text_add_number (text, (unsigned char) c);
    vms_text_add (text, ";");
  }
}

static void
write_escaped (struct writer *w, const char *value, const char *special)
{
  size_t size = strlen (value);

  if (vms_xml_valid (value, size) < size)
    w->error = -EILSEQ;
  for (;;) {
    size_t plain = strcspn (value, special);

    vms_text_add_bytes (&w->text, value, plain);
    value += plain;
    if (!*value)
      return;
    write_special (&w->text, *value++);
  }
}

static void
write_line (struct writer *w, size_t indent)
{
  vms_text_add (&w->text, "\n");
  w->line = w->text.size;
  while (indent--)
    vms_text_add (&w->text, " ");
}

/* On the line that the tag starts on, or below the first attribute, which has
 * its place @indent characters into the line. */
static void
write_attribute (struct writer *w, const char *name, const char *value,
                 size_t indent)
{
  struct writer attribute = { .text.arena = w->text.arena };
  size_t column = w->text.size - w->line;

  vms_text_add (&attribute.text, name);
  vms_text_add (&attribute.text, "=\"");
  /* A reader takes unescaped blanks of any kind for spaces. */
  write_escaped (&attribute, value, "&<>\"\t\n\r");
  vms_text_add (&attribute.text, "\"");
  if (column > indent && column + 1 + attribute.text.size > WIDTH)
    write_line (w, indent);
  else
    vms_text_add (&w->text, " ");
  vms_text_add_bytes (&w->text, attribute.text.bytes, attribute.text.size);
  if (attribute.error)
    w->error = attribute.error;
}

/* Scalars, and lists that are said to be empty. */
static void
write_member (struct writer *w, const struct vmspec_option *option,
              const void *spec, size_t indent)
{
  char name[VMSPEC_XML_NAME_SIZE];
  const char *value = "";

  if (vms_value_is_scalar (option)) {
    if (!vms_value_is_said (option, spec))
      return;
    value = vms_value_text (w->text.arena, option, spec);
    if (!value) {
      w->error = -EINVAL;
      return;
    }
  } else if ((option->kind != VMSPEC_KIND_LIST
              && option->kind != VMSPEC_KIND_STRINGS)
             || !vms_option_pointer (option, spec)
             || vms_list_length (vms_option_pointer (option, spec)))
    return;
  write_attribute (w, vms_xml_name (option, name), value, indent);
}

static void
write_text_element (struct writer *w, const char *name, const char *value)
{
  w->elements++;
  vms_text_add (&w->text, "<");
  vms_text_add (&w->text, name);
  vms_text_add (&w->text, ">");
  write_escaped (w, value, "&<>\r");
  vms_text_add (&w->text, "</");
  vms_text_add (&w->text, name);
  vms_text_add (&w->text, ">");
}

static void write_struct (struct writer *w, const char *name,
                          const struct vmspec_option *rows, const void *spec,
                          size_t depth);

static void
write_list (struct writer *w, const struct vmspec_option *option,
            const void *const *list, size_t depth)
{
  for (; *list; list++) {
    write_line (w, depth * 2);
    if (option->kind == VMSPEC_KIND_STRINGS)
      write_text_element (w, option->key, *list);
    else
      write_struct (w, option->key, vms_option_first (option->element), *list,
                    depth);
  }
}

/* Groups, and the entries of lists. */
static void
write_children (struct writer *w, const struct vmspec_option *rows,
                const void *spec, size_t depth)
{
  for (const struct vmspec_option *o = rows; o; o = vms_option_sibling (o)) {
    const void *child;

    if (!o->key || !(child = vms_option_pointer (o, spec)))
      continue;
    if (o->kind != VMSPEC_KIND_GROUP) {
      write_list (w, o, child, depth);
      continue;
    }
    write_line (w, depth * 2);
    write_struct (w, o->key, vms_option_first (o->element), child, depth);
  }
}

static void
write_struct (struct writer *w, const char *name,
              const struct vmspec_option *rows, const void *spec, size_t depth)
{
  size_t indent = depth * 2 + strlen (name) + 2, start = w->text.size, before;

  w->elements++;
  vms_text_add (&w->text, "<");
  vms_text_add (&w->text, name);
  if (!depth)
    write_attribute (w, "xmlns", VMSPEC_XML_NAMESPACE, indent);
  for (const struct vmspec_option *o = rows; o; o = vms_option_sibling (o))
    write_member (w, o, spec, indent);
  before = w->text.size;
  if (before - start > VMSPEC_XML_MAX_TAG)
    w->error = -EFBIG;
  vms_text_add (&w->text, ">");
  write_children (w, rows, spec, depth + 1);
  if (w->text.size == before + 1) {
    w->text.size = before;
    vms_text_add (&w->text, "/>");
    return;
  }
  write_line (w, depth * 2);
  vms_text_add (&w->text, "</");
  vms_text_add (&w->text, name);
  vms_text_add (&w->text, ">");
}

int
vmspec_doc_write (vmspec_doc *doc, const char **ret_xml)
{
  struct writer w = { .text.arena = &doc->arena };
  const char *xml;

  write_struct (&w, "vmspec", vms_option_first ("vmspec"), doc->spec, 0);
  write_line (&w, 0);
  xml = vms_text_end (&w.text);
  if (vms_arena_error (&doc->arena))
    return vms_arena_error (&doc->arena);
  if (w.error)
    return w.error;
  /* What the reader would refuse is of no use to anybody. */
  if (w.text.size > VMSPEC_XML_MAX_SIZE || w.elements > VMSPEC_XML_MAX_ELEMENTS)
    return -EFBIG;
  *ret_xml = xml;
  return 0;
}
