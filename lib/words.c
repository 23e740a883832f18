/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "words.h"

#include <string.h>

#define MOST_WORDS 500

/* The last of them, from the beginning of a line if there is one; a byte of UTF-8
 * that continues another is no beginning either. */
static const char *
last_of (const char *words)
{
  size_t size = strlen (words);
  const char *line;

  if (size <= MOST_WORDS)
    return words;
  words += size - MOST_WORDS;
  while ((*words & 0xc0) == 0x80)
    words++;
  line = strchr (words, '\n');
  return line && line[1] ? line + 1 : words;
}

const char *
vms_words_in_one_line (struct arena *arena, const char *words)
{
  struct text text = { .arena = arena };

  for (words = last_of (words); *words; words += strcspn (words, "\n")) {
    words += strspn (words, "\n\r\t ");
    if (*words && text.size)
      vms_text_add (&text, "; ");
    for (size_t i = 0, n = strcspn (words, "\n"); i < n; i++)
      vms_text_add_bytes (&text, (unsigned char) words[i] < ' '
                                 || words[i] == 0x7f ? " " : &words[i], 1);
  }
  if (!text.size)
    vms_text_add (&text, "it did not say why");
  return vms_text_end (&text);
}
