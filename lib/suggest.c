/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "suggest.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Longer words are no misspelt names, and would be costly to compare. */
#define LONGEST 64

/* Case, and which line joins two words, are no difference. */
static char
folded (char c)
{
  if (c >= 'A' && c <= 'Z')
    return (char) (c - 'A' + 'a');
  return (char) (c == '_' ? '-' : c);
}

static size_t
smaller (size_t a, size_t b)
{
  return a < b ? a : b;
}

/* How many letters are missing, too many, wrong, or swapped with the next
 * (optimal string alignment; each row needs the two before it). */
static size_t
distance (const char *a, size_t n, const char *b, size_t m)
{
  size_t rows[3][LONGEST + 1];

  for (size_t i = 0; i <= n; i++) {
    size_t *row = rows[i % 3], *last = rows[(i + 2) % 3],
           *before = rows[(i + 1) % 3];

    row[0] = i;
    for (size_t j = 1; j <= m; j++) {
      if (!i) {
        row[j] = j;
        continue;
      }
      row[j] = last[j - 1] + (folded (a[i - 1]) != folded (b[j - 1]));
      row[j] = smaller (row[j], smaller (last[j], row[j - 1]) + 1);
      if (i > 1 && j > 1 && folded (a[i - 1]) == folded (b[j - 2])
          && folded (a[i - 2]) == folded (b[j - 1]))
        row[j] = smaller (row[j], before[j - 2] + 1);
    }
  }
  return rows[n % 3][m];
}

/* How far apart two names may be that are meant to be the same. */
static size_t
tolerance (size_t n, size_t m)
{
  size_t longer = n > m ? n : m;

  return longer < 6 ? 1 : longer / 3;
}

/* From 1 for the same name; 0 if the names are too far apart. */
static size_t
nearness (const char *word, const char *name)
{
  size_t n = strnlen (word, LONGEST + 1), m = strnlen (name, LONGEST + 1);
  size_t d;

  if (!n || !m || n > LONGEST || m > LONGEST)
    return 0;
  d = distance (word, n, name, m);
  if (d <= tolerance (n, m))
    return d + 1;
  /* An abbreviation is as far away as can be. */
  if (n >= 3 && n < m && !distance (word, n, name, n))
    return LONGEST;
  return 0;
}

/* What an option is called elsewhere: no misspelling, but easily written. */
static int
is_called_so (const char *word, const char *name)
{
  static const struct {
    const char *elsewhere, *here;
  } names[] = {
    { "cpus", "cores" },          { "vcpu", "cores" },
    { "vcpus", "cores" },         { "smp", "cores" },
    { "ram", "memory" },
    { "append", "kernel-param" }, { "append", "kernel_params" },
    { "cmdline", "kernel-param" }, { "cmdline", "kernel_params" },
  };

  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
    if (!strcmp (names[i].elsewhere, word) && !strcmp (names[i].here, name))
      return 1;
  return 0;
}

void
vms_suggestion_offer (struct suggestion *suggestion, const char *name,
                      const char *format, ...)
{
  static const char start[] = "; did you mean ";
  size_t near = nearness (suggestion->word, name), room, size;
  va_list args;

  if (is_called_so (suggestion->word, name))
    near = 1;
  if (!near || (suggestion->distance && suggestion->distance <= near))
    return;
  suggestion->distance = near;
  room = sizeof suggestion->hint - sizeof start; /* and the mark */
  memcpy (suggestion->hint, start, sizeof start);
  va_start (args, format);
  vsnprintf (suggestion->hint + sizeof start - 1, room, format, args);
  va_end (args);
  size = strlen (suggestion->hint);
  memcpy (suggestion->hint + size, "?", 2);
}
