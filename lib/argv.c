/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "argv.h"

#include <string.h>

void
argv_init (struct argv *argv, struct arena *arena)
{
  *argv = (struct argv) { .words.arena = arena, .option.arena = arena };
}

void
argv_word (struct argv *argv, const char *word)
{
  /* NULL: there was no memory to make it. */
  if (word)
    vector_add (&argv->words, word);
}

void
argv_words (struct argv *argv, const char *const *words)
{
  for (; words && *words; words++)
    argv_word (argv, *words);
}

void
argv_pair (struct argv *argv, const char *flag, const char *value)
{
  argv_word (argv, flag);
  argv_word (argv, value);
}

void
argv_number (struct argv *argv, const char *flag, unsigned long long number)
{
  argv_begin (argv, flag, "");
  text_add_number (&argv->option, number);
  argv_end (argv);
}

void
argv_begin (struct argv *argv, const char *flag, const char *start)
{
  argv_word (argv, flag);
  argv->option.size = 0;
  argv_raw (argv, start);
}

void
argv_raw (struct argv *argv, const char *text)
{
  text_add (&argv->option, text);
}

void
argv_value (struct argv *argv, const char *value)
{
  const char *comma;

  if (!value)
    return;
  while ((comma = strchr (value, ','))) {
    text_add_bytes (&argv->option, value, (size_t) (comma - value) + 1);
    argv_raw (argv, ",");
    value = comma + 1;
  }
  argv_raw (argv, value);
}

void
argv_key (struct argv *argv, const char *key, const char *value)
{
  if (argv->option.size)
    argv_raw (argv, ",");
  argv_raw (argv, key);
  argv_raw (argv, "=");
  argv_value (argv, value);
}

void
argv_end (struct argv *argv)
{
  argv_word (argv, arena_copy (argv->option.arena, argv->option.bytes,
                               argv->option.size));
}

static int
is_safe (char c)
{
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')
         || (c >= '0' && c <= '9') || (c && strchr ("%+,-./:=@_", c));
}

void
text_add_quoted (struct text *text, const char *word)
{
  const char *end = word;

  while (is_safe (*end))
    end++;
  if (end > word && !*end) {
    text_add_bytes (text, word, (size_t) (end - word));
    return;
  }
  text_add (text, "'");
  for (; (end = strchr (word, '\'')); word = end + 1) {
    text_add_bytes (text, word, (size_t) (end - word));
    text_add (text, "'\\''");
  }
  text_add (text, word);
  text_add (text, "'");
}
