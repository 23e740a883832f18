/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "argv.h"

#include <string.h>

void
vms_argv_init (struct argv *argv, struct arena *arena)
{
  *argv = (struct argv) { .words.arena = arena, .option.arena = arena };
}

void
vms_argv_word (struct argv *argv, const char *word)
{
  /* NULL: there was no memory to make it. */
  if (word)
    vms_vector_add (&argv->words, word);
}

void
vms_argv_words (struct argv *argv, const char *const *words)
{
  for (; words && *words; words++)
    vms_argv_word (argv, *words);
}

void
vms_argv_pair (struct argv *argv, const char *flag, const char *value)
{
  vms_argv_word (argv, flag);
  vms_argv_word (argv, value);
}

void
vms_argv_number (struct argv *argv, const char *flag, unsigned long long number)
{
  vms_argv_begin (argv, flag, "");
  vms_text_add_number (&argv->option, number);
  vms_argv_end (argv);
}

void
vms_argv_begin (struct argv *argv, const char *flag, const char *start)
{
  vms_argv_word (argv, flag);
  argv->option.size = 0;
  vms_argv_raw (argv, start);
}

void
vms_argv_raw (struct argv *argv, const char *text)
{
  vms_text_add (&argv->option, text);
}

void
vms_argv_value (struct argv *argv, const char *value)
{
  const char *comma;

  if (!value)
    return;
  while ((comma = strchr (value, ','))) {
    vms_text_add_bytes (&argv->option, value, (size_t) (comma - value) + 1);
    vms_argv_raw (argv, ",");
    value = comma + 1;
  }
  vms_argv_raw (argv, value);
}

void
vms_argv_key (struct argv *argv, const char *key, const char *value)
{
  if (argv->option.size)
    vms_argv_raw (argv, ",");
  vms_argv_raw (argv, key);
  vms_argv_raw (argv, "=");
  vms_argv_value (argv, value);
}

void
vms_argv_end (struct argv *argv)
{
  vms_argv_word (argv, vms_arena_copy (argv->option.arena, argv->option.bytes,
                                       argv->option.size));
}

static int
is_safe (char c)
{
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')
         || (c >= '0' && c <= '9') || (c && strchr ("%+,-./:=@_", c));
}

void
vms_text_add_quoted (struct text *text, const char *word)
{
  const char *end = word;

  while (is_safe (*end))
    end++;
  if (end > word && !*end) {
    vms_text_add_bytes (text, word, (size_t) (end - word));
    return;
  }
  vms_text_add (text, "'");
  for (; (end = strchr (word, '\'')); word = end + 1) {
    vms_text_add_bytes (text, word, (size_t) (end - word));
    vms_text_add (text, "'\\''");
  }
  vms_text_add (text, word);
  vms_text_add (text, "'");
}
