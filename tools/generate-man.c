/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "generate.h"

#include <stdlib.h>
#include <string.h>

#define LINE_MAX_BYTES 78

/* A character for roff. */
static const char *
roff_of (char c)
{
  switch (c) {
  case '-':
    return "\\-";
  case '\\':
    return "\\e";
  case '\'':
    return "\\(aq";
  case '"':
    return "\\(dq";
  case '|':
    return "|\\:"; /* a line may be broken there */
  default:
    return NULL;
  }
}

/* Text of @size bytes in the middle of a line, for roff, or only how many bytes
 * that is. */
static size_t
print_roff_bytes (FILE *out, const char *text, size_t size)
{
  size_t printed = 0;

  for (size_t i = 0; i < size; i++) {
    const char one[] = { text[i], '\0' }, *roff = roff_of (text[i]);

    if (!roff)
      roff = one;
    if (out)
      fputs (roff, out);
    printed += strlen (roff);
  }
  return printed;
}

static void
print_roff (FILE *out, const char *text)
{
  print_roff_bytes (out, text, strlen (text));
}

/* Words that go on at @column, in lines that are not too long.  "\&" keeps a dot
 * at the start of one from being a request. */
static void
print_roff_words (FILE *out, const char *text, size_t column)
{
  while (*text) {
    size_t size = strcspn (text, " ");
    size_t width = print_roff_bytes (NULL, text, size);

    if (column && column + 1 + width > LINE_MAX_BYTES) {
      fputs (*text == '.' ? "\n\\&" : "\n", out);
      column = 0;
    } else if (column) {
      putc (' ', out);
      column++;
    }
    column += print_roff_bytes (out, text, size);
    text += size + (text[size] == ' ');
  }
}

/* The same where a name's '_' is '-'. */
static void
print_roff_name (FILE *out, const char *name)
{
  for (; *name; name++)
    if (*name == '_')
      fputs ("\\-", out);
    else
      putc (*name, out);
}

/* A sentence starts a line; "\&" keeps a dot there from being a request. */
static void
print_doc (FILE *out, const struct vmspec_option *o)
{
  fputs ("\\&", out);
  print_roff_words (out, o->doc, 0);
  putc ('\n', out);
  if (o->flags & VMSPEC_OPTION_REQUIRED)
    fputs ("Must be said.\n", out);
  else if (o->default_text) {
    fputs ("Default:", out);
    print_roff_words (out, o->default_text, strlen ("Default:"));
    fputs (".\n", out);
  }
  if (o->nixos) {
    fputs ("NixOS:\n.IR \\%", out); /* and not here */
    print_roff (out, o->nixos);
    fputs (" .\n", out);
  }
}

/* TYPE names are italic, what is written as it stands is not. */
static void
print_value (FILE *out, const struct vmspec_option *o)
{
  char *text = NULL;
  size_t size;
  FILE *buffer = open_memstream (&text, &size);

  if (!buffer)
    return;
  print_values (buffer, o);
  if (fclose (buffer) == 0) {
    fputs (o->values ? "\\fB" : "\\fI", out);
    print_roff (out, text);
    fputs ("\\fR", out);
  }
  free (text);
}

static void
print_attribute (FILE *out, const struct vmspec_option *o)
{
  fputs (".TP\n\\fB", out);
  print_roff_name (out, o->name);
  fputs ("\\fR\\ =\\ ", out);
  print_value (out, o);
  putc ('\n', out);
  print_doc (out, o);
}

static void
print_element (FILE *out, const struct vmspec_option *o)
{
  fputs (".TP\n\\fB<", out);
  print_roff (out, o->key);
  if (o->kind == VMSPEC_KIND_STRINGS) {
    fputs (">\\fITEXT\\fB</", out);
    print_roff (out, o->key);
    fputs (">\\fR ...\n", out);
  } else
    fprintf (out, "/>\\fR%s\n", o->kind == VMSPEC_KIND_LIST ? " ..." : "");
  print_doc (out, o);
  if (o->kind != VMSPEC_KIND_GROUP) {
    fputs ("For none:\n.BR ", out);
    print_roff_name (out, o->name);
    fputs ("=\\(dq\\(dq .\n", out);
  }
}

/* "<drive-option>, <device-option> in <drive>" */
static void
print_heading (FILE *out, const char *tag)
{
  const struct vmspec_option *o = vmspec_option_next (NULL);
  const char *between = "", *last = "";

  fputs (".SS \"", out);
  if (!strcmp (tag, "vmspec"))
    fputs ("<vmspec>", out);
  for (; o; o = vmspec_option_next (o))
    if (o->element && !strcmp (o->element, tag) && strcmp (o->key, last)) {
      fprintf (out, "%s<", between);
      print_roff (out, o->key);
      putc ('>', out);
      between = ", ";
      last = o->key;
    }
  fputs ("\"\n", out);
}

static void
print_struct (FILE *out, const char *tag)
{
  print_heading (out, tag);
  for (const struct vmspec_option *o = first_row (tag); o; o = next_row (o))
    if (is_scalar (o))
      print_attribute (out, o);
  for (const struct vmspec_option *o = first_row (tag); o; o = next_row (o))
    if (o->key)
      print_element (out, o);
}

void
generate_options (FILE *out)
{
  fputs (".\\\" Made of the option table: \"make regenerate\".\n.ad l\n", out);
  visit_structs (print_struct, out);
}
