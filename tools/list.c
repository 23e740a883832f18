/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The option table for people to read. */
#include "print.h"

#include <string.h>

#define WIDTH 80
#define INDENT 6
#define KEY_SIZE 128

const struct vmspec_option *
first_row (const char *owner)
{
  const struct vmspec_option *o = vmspec_option_next (NULL);

  while (o && strcmp (o->owner, owner))
    o = vmspec_option_next (o);
  return o;
}

const struct vmspec_option *
next_row (const struct vmspec_option *option)
{
  const struct vmspec_option *next = vmspec_option_next (option);

  return next && !strcmp (next->owner, option->owner) ? next : NULL;
}

int
is_scalar (const struct vmspec_option *option)
{
  switch (option->kind) {
  case VMSPEC_KIND_STRING:
  case VMSPEC_KIND_PATH:
  case VMSPEC_KIND_UINT32:
  case VMSPEC_KIND_UINT64:
  case VMSPEC_KIND_SWITCH:
  case VMSPEC_KIND_ENUM:
    return 1;
  default:
    return 0;
  }
}

static void
print_names (FILE *out, const char *const *names)
{
  const char *between = "";

  for (; *names; names++)
    if (**names) {
      fprintf (out, "%s%s", between, *names);
      between = "|";
    }
}

static void
print_range (FILE *out, const struct vmspec_option *o)
{
  if (o->max == UINT32_MAX)
    fprintf (out, "%llu or more", (unsigned long long) o->min);
  else
    fprintf (out, "%llu to %llu", (unsigned long long) o->min,
             (unsigned long long) o->max);
  if (o->flags & VMSPEC_OPTION_NONE_OK)
    fputs (" or none", out);
}

void
print_values (FILE *out, const struct vmspec_option *o)
{
  if (o->values)
    print_names (out, o->values);
  else if (o->kind == VMSPEC_KIND_UINT32 || o->kind == VMSPEC_KIND_UINT64)
    print_range (out, o);
  else if (o->kind == VMSPEC_KIND_PATH)
    fputs (o->flags & VMSPEC_OPTION_ABSOLUTE ? "/PATH" : "PATH", out);
  else
    fputs ("TEXT", out);
  if ((o->kind == VMSPEC_KIND_STRING || o->kind == VMSPEC_KIND_PATH)
      && !o->values && o->flags & VMSPEC_OPTION_NONE_OK)
    fputs (" or \"\"", out);
}

/* Words, with line breaks between them; goes on at @column, and returns where
 * it ended. */
static size_t
print_words (FILE *out, const char *text, size_t column)
{
  while (*text) {
    size_t size = strcspn (text, " ");

    if (column + 1 + size > WIDTH) {
      fprintf (out, "\n%*s", INDENT, "");
      column = INDENT;
    } else {
      putc (' ', out);
      column++;
    }
    fwrite (text, 1, size, out);
    column += size;
    text += size + (text[size] == ' ');
  }
  return column;
}

static void
print_row (FILE *out, const struct vmspec_option *o, const char *prefix)
{
  int list = o->kind == VMSPEC_KIND_STRINGS;
  size_t column;

  fprintf (out, "  %s%s%s=", prefix, o->name, list ? "[]" : "");
  print_values (out, o);
  column = print_words (out, o->doc, WIDTH);
  if (o->flags & VMSPEC_OPTION_REQUIRED)
    print_words (out, "Must be said.", column);
  else if (o->default_text) {
    column = print_words (out, "Default:", column);
    print_words (out, o->default_text, column);
    putc ('.', out);
  }
  putc ('\n', out);
}

static void
list_struct (FILE *out, const char *owner, const char *prefix)
{
  for (const struct vmspec_option *o = first_row (owner); o; o = next_row (o))
    if (is_scalar (o) || o->kind == VMSPEC_KIND_STRINGS)
      print_row (out, o, prefix);
  for (const struct vmspec_option *o = first_row (owner); o; o = next_row (o)) {
    int list = o->kind == VMSPEC_KIND_LIST;
    char key[KEY_SIZE];

    if (!list && o->kind != VMSPEC_KIND_GROUP)
      continue;
    fprintf (out, "\n%s%s%s: %s\n\n", prefix, o->name, list ? "[]" : "",
             o->doc);
    snprintf (key, sizeof key, "%s%s%s.", prefix, o->name, list ? "[]" : "");
    list_struct (out, o->element, key);
  }
}

void
list_options (FILE *out)
{
  list_struct (out, "vmspec", "");
}
