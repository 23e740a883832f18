/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The words of descriptions, as a dictionary for fuzzers, out of the option
 * table. */
#include <vmspec/vmspec.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Quoted as in a dictionary. */
static const char *const marks[]
  = { "<vmspec xmlns=\\\"urn:vmspec:1\\\"", "</vmspec>", "/>", "<", ">",
      "=\\\"\\\"", "[]", "[0]", "${", "}", ":-", "&#10;" };

static const char *words[4096];
static size_t n_words;

static void
add (const char *word)
{
  if (word && *word && n_words < sizeof words / sizeof *words)
    words[n_words++] = word;
}

/* Attributes have '-' where members have '_'. */
static const char *
attribute (const char *name)
{
  char *copy = strdup (name);

  for (char *c = copy; c && *c; c++)
    if (*c == '_')
      *c = '-';
  return copy;
}

static int
by_bytes (const void *a, const void *b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

int
main (void)
{
  for (const struct vmspec_option *o = NULL; (o = vmspec_option_next (o));) {
    if (!strncmp (o->owner, "vmspec_host", 11)
        || !strcmp (o->owner, "vmspec_start") || o->kind >= VMSPEC_KIND_SIZE)
      continue;
    add (o->name);
    add (attribute (o->name));
    add (o->key);
    for (const char *const *value = o->values; value && *value; value++)
      add (*value);
  }
  qsort (words, n_words, sizeof *words, by_bytes);
  puts ("# Made from the option table by print-dict.c; "
        "VMSPEC_REGEN=1 tests/fuzz/replay makes it again.");
  for (size_t i = 0; i < sizeof marks / sizeof *marks; i++)
    printf ("\"%s\"\n", marks[i]);
  for (size_t i = 0; i < n_words; i++)
    if (i == 0 || strcmp (words[i], words[i - 1]))
      printf ("\"%s\"\n", words[i]);
  return 0;
}
