/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "expand.h"

#include <string.h>

/* Braces within braces within braces ...: more is no honest description. */
#define MAX_DEPTH 32

struct scanner {
  const char *const *environment;
  struct vector *words; /* NULL: nothing is split */
  struct text word;
  int in_word;          /* there is a word, even if it is empty so far */
  int at_start;         /* of a word as it is written */
  int depth;
};

const char *
vms_environment_get (const char *const *environment, const char *name)
{
  size_t length = strlen (name);

  for (; environment && *environment; environment++)
    if (!strncmp (*environment, name, length)
        && (*environment)[length] == '=')
      return *environment + length + 1;
  return NULL;
}

const char *
vms_environment_said (const char *const *environment, const char *name)
{
  const char *value = vms_environment_get (environment, name);

  return value && *value ? value : NULL;
}

static int
is_blank (char c)
{
  return c == ' ' || c == '\t' || c == '\n';
}

static int
is_name (char c)
{
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'
         || (c >= '0' && c <= '9');
}

static void
add (struct scanner *s, const char *bytes, size_t size)
{
  vms_text_add_bytes (&s->word, bytes, size);
  s->in_word = 1;
}

static void
end_word (struct scanner *s)
{
  if (s->in_word)
    vms_vector_add (s->words, vms_arena_copy (s->word.arena, s->word.bytes,
                                              s->word.size));
  s->word.size = 0;
  s->in_word = 0;
}

/* The value of a variable: split, unless it is quoted. */
static void
add_value (struct scanner *s, const char *value, int quoted)
{
  if (quoted || !s->words) {
    add (s, value, strlen (value));
    return;
  }
  for (; *value; value++)
    if (is_blank (*value))
      end_word (s);
    else
      add (s, value, 1);
}

/* Past the '}' that ends what starts at @at; NULL if there is none. */
static const char *
closing_brace (const char *at)
{
  int depth = 1;

  for (; *at; at++)
    if (*at == '\\' && at[1])
      at++;
    else if (*at == '\'' || *at == '"') {
      at = strchr (at + 1, *at);
      if (!at)
        return NULL;
    } else if (*at == '$' && at[1] == '{') {
      depth++;
      at++;
    } else if (*at == '}' && --depth == 0)
      return at + 1;
  return NULL;
}

static const char *scan (struct scanner *s, const char *at, const char *end,
                         int quoted);

/* ${NAME}, ${NAME:-word}, ${NAME-word}, ${NAME:+word}, ${NAME+word} */
static const char *
braces (struct scanner *s, const char **at, int quoted)
{
  const char *start = *at + 2, *end = closing_brace (start), *rest = start;
  const char *name, *value;
  int colon, use_word;

  if (!end)
    return "a '${' has no '}'";
  *at = end--;
  while (is_name (*rest))
    rest++;
  name = vms_arena_copy (s->word.arena, start, (size_t) (rest - start));
  if (!name)
    return NULL;
  if (rest == start || (*start >= '0' && *start <= '9'))
    return "'${' must be followed by the name of a variable";
  colon = *rest == ':';
  value = colon ? vms_environment_said (s->environment, name)
                : vms_environment_get (s->environment, name);
  if (rest == end) {
    if (value)
      add_value (s, value, quoted);
    return NULL;
  }
  rest += colon;
  if (*rest != '-' && *rest != '+')
    return "of the forms ${NAME...} only ${NAME}, ${NAME:-word} and "
           "${NAME:+word} are known, with or without the colon";
  use_word = *rest == '-' ? !value : !!value;
  if (use_word)
    return scan (s, rest + 1, end, quoted);
  if (*rest == '-')
    add_value (s, value, quoted);
  return NULL;
}

/* What a '$' at *at stands for; moves *at past it. */
static const char *
dollar (struct scanner *s, const char **at, const char *end, int quoted)
{
  const char *start = *at + 1, *rest = start, *name, *value;

  if (rest < end && *rest == '{')
    return braces (s, at, quoted);
  if (rest < end && *rest == '(')
    return "commands and arithmetic are not run";
  if (rest < end && strchr ("0123456789@*#?$!-", *rest))
    return "parameters of a shell, such as $1 or $?, do not exist here";
  while (rest < end && is_name (*rest))
    rest++;
  *at = rest;
  if (rest == start) {
    add (s, "$", 1);
    return NULL;
  }
  name = vms_arena_copy (s->word.arena, start, (size_t) (rest - start));
  value = name ? vms_environment_get (s->environment, name) : NULL;
  if (value)
    add_value (s, value, quoted);
  return NULL;
}

static const char *
single_quotes (struct scanner *s, const char **at, const char *end)
{
  const char *start = *at + 1;
  const char *close = memchr (start, '\'', (size_t) (end - start));

  if (!close)
    return "a single quote is not closed";
  add (s, start, (size_t) (close - start));
  *at = close + 1;
  return NULL;
}

/* Past the '"' that ends the quotes which start at @at. */
static const char *
closing_quote (const char *at, const char *end)
{
  for (; at < end; at++)
    if (*at == '\\' && at + 1 < end)
      at++;
    else if (*at == '$' && at + 1 < end && at[1] == '{') {
      at = closing_brace (at + 2);
      if (!at || at > end)
        return NULL;
      at--;
    } else if (*at == '"')
      return at + 1;
  return NULL;
}

static const char *
double_quotes (struct scanner *s, const char **at, const char *end)
{
  const char *start = *at + 1, *close = closing_quote (start, end);

  if (!close)
    return "a double quote is not closed";
  add (s, "", 0);
  *at = close;
  return scan (s, start, close - 1, 1);
}

static void
backslash (struct scanner *s, const char **at, const char *end, int quoted)
{
  const char *next = *at + 1;

  *at = next < end ? next + 1 : next;
  if (next == end)
    add (s, "\\", 1);
  else if (*next == '\n')
    return;
  else if (quoted && !strchr ("$`\"\\", *next))
    add (s, next - 1, 2);
  else
    add (s, next, 1);
}

/* "~" and "~/..." at the start of a word. */
static int
tilde (struct scanner *s, const char *at, const char *end)
{
  const char *home = vms_environment_said (s->environment, "HOME");
  int alone = at + 1 == end || at[1] == '/' || (s->words && is_blank (at[1]));

  if (!home || !alone)
    return 0;
  add (s, home, strlen (home));
  return 1;
}

static const char *
scan_one (struct scanner *s, const char **at, const char *end, int quoted)
{
  char c = **at;
  int at_start = s->at_start;

  s->at_start = 0;
  switch (c) {
  case '$':
    return dollar (s, at, end, quoted);
  case '`':
    return "commands are not run";
  case '\\':
    backslash (s, at, end, quoted);
    return NULL;
  case '"':
    if (!quoted)
      return double_quotes (s, at, end);
    /* Only within "${NAME:-...}": quotes in quotes, which vanish. */
    ++*at;
    return NULL;
  case '\'':
    if (!quoted)
      return single_quotes (s, at, end);
    break;
  case '~':
    if (at_start && tilde (s, *at, end)) {
      ++*at;
      return NULL;
    }
    break;
  default:
    if (!quoted && strchr ("|&;<>(){}", c))
      return "the characters | & ; < > ( ) { } must be quoted";
    if (!quoted && s->words && is_blank (c)) {
      end_word (s);
      s->at_start = 1;
      ++*at;
      return NULL;
    }
  }
  add (s, (*at)++, 1);
  return NULL;
}

static const char *
scan (struct scanner *s, const char *at, const char *end, int quoted)
{
  const char *problem = NULL;

  if (++s->depth > MAX_DEPTH)
    return "variables are nested too deeply";
  s->at_start = !quoted;
  while (at < end && !problem && !vms_arena_error (s->word.arena))
    problem = scan_one (s, &at, end, quoted);
  s->at_start = 0;
  s->depth--;
  return problem;
}

const char *
vms_expand_words (struct vector *words, const char *piece,
                  const char *const *environment)
{
  struct scanner s = { .environment = environment, .words = words,
                       .word.arena = words->arena };
  const char *problem = scan (&s, piece, piece + strlen (piece), 0);

  if (!problem)
    end_word (&s);
  return problem;
}

const char *
vms_expand_path (struct text *path, const char *piece,
                 const char *const *environment)
{
  struct scanner s = { .environment = environment,
                       .word.arena = path->arena };
  const char *problem = scan (&s, piece, piece + strlen (piece), 0);

  *path = s.word;
  return problem;
}

void
vms_split_words (struct vector *words, const char *value)
{
  struct scanner s = { .words = words, .word.arena = words->arena };

  add_value (&s, value, 0);
  end_word (&s);
}
