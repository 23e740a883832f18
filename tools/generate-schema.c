/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "generate.h"

static void
print_escaped (FILE *out, const char *text)
{
  for (; *text; text++)
    switch (*text) {
    case '&':
      fputs ("&amp;", out);
      break;
    case '<':
      fputs ("&lt;", out);
      break;
    case '>':
      fputs ("&gt;", out);
      break;
    default:
      putc (*text, out);
    }
}

static void
print_doc (FILE *out, const struct vmspec_option *o, const char *indent)
{
  fprintf (out, "%s<a:documentation>", indent);
  print_escaped (out, o->doc);
  if (o->default_text) {
    fputs (" Default: ", out);
    print_escaped (out, o->default_text);
    putc ('.', out);
  }
  fputs ("</a:documentation>\n", out);
}

/* ---- values ------------------------------------------------------------- */

static void
print_name_values (FILE *out, const char *const *names)
{
  fputs ("        <choice>\n", out);
  for (; *names; names++)
    if (**names)
      fprintf (out, "          <value type=\"string\">%s</value>\n", *names);
  fputs ("        </choice>\n", out);
}

static void
print_number (FILE *out, const struct vmspec_option *o)
{
  unsigned none = o->flags & VMSPEC_OPTION_NONE_OK;
  const char *in = none ? "  " : "";

  if (none)
    fputs ("        <choice>\n"
           "          <value type=\"string\">none</value>\n", out);
  fprintf (out, "%s        <data type=\"unsignedLong\">\n"
           "%s          <param name=\"pattern\">[0-9]+</param>\n"
           "%s          <param name=\"minInclusive\">%llu</param>\n"
           "%s          <param name=\"maxInclusive\">%llu</param>\n"
           "%s        </data>\n", in, in, in, (unsigned long long) o->min, in,
           (unsigned long long) o->max, in);
  if (none)
    fputs ("        </choice>\n", out);
}

static void
print_text (FILE *out, const struct vmspec_option *o)
{
  unsigned empty = o->flags & (VMSPEC_OPTION_NONE_OK | VMSPEC_OPTION_EMPTY_OK);

  fputs ("        <data type=\"string\">\n", out);
  if (o->flags & VMSPEC_OPTION_ABSOLUTE)
    fprintf (out, "          <param name=\"pattern\">%s</param>\n",
             empty ? "(/[\\s\\S]*)?" : "/[\\s\\S]*");
  else if (!empty)
    fputs ("          <param name=\"minLength\">1</param>\n", out);
  fputs ("        </data>\n", out);
}

/* ---- members ------------------------------------------------------------ */

static void
print_attribute (FILE *out, const struct vmspec_option *o)
{
  unsigned required = o->flags & VMSPEC_OPTION_REQUIRED;

  fputs (required ? "    <group>\n" : "    <optional>\n", out);
  fputs ("      <attribute name=\"", out);
  print_xml_name (out, o->name);
  fputs ("\">\n", out);
  print_doc (out, o, "        ");
  if (o->values)
    print_name_values (out, o->values);
  else if (o->kind == VMSPEC_KIND_STRING || o->kind == VMSPEC_KIND_PATH)
    print_text (out, o);
  else
    print_number (out, o);
  fputs ("      </attribute>\n", out);
  fputs (required ? "    </group>\n" : "    </optional>\n", out);
}

static void
print_element (FILE *out, const struct vmspec_option *o)
{
  fprintf (out, "        <element name=\"%s\">\n", o->key);
  print_doc (out, o, "          ");
  if (o->element)
    fprintf (out, "          <ref name=\"%s\"/>\n", o->element);
  else
    fputs ("          <data type=\"string\"/>\n", out);
  fputs ("        </element>\n", out);
}

/* An attribute that says that there are none, or entries. */
static void
print_list (FILE *out, const struct vmspec_option *o)
{
  fputs ("      <choice>\n        <attribute name=\"", out);
  print_xml_name (out, o->name);
  fputs ("\"><value type=\"string\"/></attribute>\n"
         "        <zeroOrMore>\n", out);
  print_element (out, o);
  fputs ("        </zeroOrMore>\n      </choice>\n", out);
}

static void
print_group (FILE *out, const struct vmspec_option *o)
{
  fputs ("      <optional>\n", out);
  print_element (out, o);
  fputs ("      </optional>\n", out);
}

static int
has_children (const char *tag)
{
  for (const struct vmspec_option *o = first_row (tag); o; o = next_row (o))
    if (o->key)
      return 1;
  return 0;
}

static void
print_struct (FILE *out, const char *tag)
{
  fprintf (out, "  <define name=\"%s\">\n", tag);
  for (const struct vmspec_option *o = first_row (tag); o; o = next_row (o))
    if (is_scalar (o))
      print_attribute (out, o);
  if (has_children (tag)) {
    fputs ("    <interleave>\n", out);
    for (const struct vmspec_option *o = first_row (tag); o; o = next_row (o))
      if (o->kind == VMSPEC_KIND_GROUP)
        print_group (out, o);
      else if (o->key)
        print_list (out, o);
    fputs ("    </interleave>\n", out);
  }
  fputs ("  </define>\n", out);
}

void
generate_schema (FILE *out)
{
  fputs ("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
         "<!-- SPDX-License-Identifier: LGPL-2.1-or-later -->\n"
         "<!-- Made of the option table: \"make regenerate\". -->\n"
         "<grammar xmlns=\"http://relaxng.org/ns/structure/1.0\"\n"
         "         xmlns:a=\"http://relaxng.org/ns/compatibility/"
         "annotations/1.0\"\n"
         "         ns=\"urn:vmspec:1\"\n"
         "         datatypeLibrary=\"http://www.w3.org/2001/"
         "XMLSchema-datatypes\">\n"
         "  <start>\n"
         "    <element name=\"vmspec\">\n"
         "      <ref name=\"vmspec\"/>\n"
         "    </element>\n"
         "  </start>\n", out);
  visit_structs (print_struct, out);
  fputs ("</grammar>\n", out);
}
