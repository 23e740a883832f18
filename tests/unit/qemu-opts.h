/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * QEMU's own rules for option strings, written down a second time and
 * independently of the library (QEMU's manual, "Introduction": "If a comma is
 * needed in a value, it is written twice"; the first "=" ends the key).
 */
#ifndef VMSPEC_TESTS_QEMU_OPTS_H
#define VMSPEC_TESTS_QEMU_OPTS_H

#include <string.h>

#ifndef UNUSED
#define UNUSED __attribute__ ((unused))
#endif

/* For keys, values and words, with their NUL. */
#ifndef OPT_ROOM
#define OPT_ROOM 600
#endif

struct opt {
  char key[OPT_ROOM], value[OPT_ROOM];
};

/* Reads one "key=value", or a "value" without a key; where the next starts, or
 * NULL at the end. */
static UNUSED const char *
opt_read (const char *text, struct opt *opt)
{
  size_t n = strcspn (text, "=,");
  char *to = opt->value;

  opt->key[0] = '\0';
  if (text[n] == '=') {
    memcpy (opt->key, text, n);
    opt->key[n] = '\0';
    text += n + 1;
  }
  for (; *text; text++) {
    if (*text == ',' && *++text != ',')
      break;
    *to++ = *text;
  }
  *to = '\0';
  return text[0] ? text : NULL;
}

/* The value of the first @key; NULL if there is none. */
static UNUSED const char *
opt_get (const char *text, const char *key)
{
  static struct opt opt;

  while (text) {
    text = opt_read (text, &opt);
    if (!strcmp (opt.key, key))
      return opt.value;
  }
  return NULL;
}

/* The words of a command as g_shell_parse_argv() of GLib has them: quotes,
 * backslashes, blanks, and a comment where a word starts with "#".  0 for what
 * it refuses. */
static UNUSED size_t
shell_split (const char *text, char words[][OPT_ROOM], size_t room)
{
  size_t n = 0;

  while (*text) {
    char *to;

    text += strspn (text, " \t\n");
    if (!*text)
      break;
    if (*text == '#') {
      text += strcspn (text, "\n");
      continue;
    }
    if (n == room)
      return 0;
    to = words[n++];
    while (*text && !strchr (" \t\n", *text)) {
      char quote = *text++;

      if (quote == '\\') {
        if (!*text)
          return 0;
        if (*text != '\n')
          *to++ = *text;
        text++;
      } else if (quote == '\'') {
        while (*text && *text != '\'')
          *to++ = *text++;
        if (!*text++)
          return 0;
      } else if (quote == '"') {
        while (*text && *text != '"') {
          if (*text == '\\' && text[1] && strchr ("\"\\`$\n", text[1]))
            text++;
          *to++ = *text++;
        }
        if (!*text++)
          return 0;
      } else
        *to++ = quote;
    }
    *to = '\0';
  }
  return n;
}

#endif
