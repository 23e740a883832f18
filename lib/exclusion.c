/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What of a store goes into an image: names to keep, and what matches the rest,
 * since mkfs.erofs can only be told what to leave out. */
#include "erofs.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

/* ---- names to keep ------------------------------------------------------ */

struct line {
  const char *bytes;
  size_t size, number;
};

/* 0 past the last line.  One of blanks only is empty. */
static int
next_line (struct line *line, const char **at)
{
  if (!**at)
    return 0;
  line->bytes = *at;
  line->size = strcspn (*at, "\n");
  line->number++;
  *at += line->size;
  *at += **at == '\n';
  if (line->size && line->bytes[line->size - 1] == '\r')
    line->size--;
  if (strspn (line->bytes, " \t") >= line->size)
    line->size = 0;
  return 1;
}

/* The name at the start of what follows the store in @line. */
static int
find_name (struct line line, const char *store, size_t store_size,
           const char **ret_name, size_t *ret_size)
{
  const char *name = line.bytes + store_size, *end = line.bytes + line.size;
  size_t size = 0;

  if (line.size <= store_size || memcmp (line.bytes, store, store_size) != 0
      || *name != '/')
    return 0;
  while (name < end && *name == '/')
    name++;
  while (name + size < end && name[size] != '/')
    size++;
  *ret_name = name;
  *ret_size = size;
  return size > 0 && size <= NAME_MAX && !(size == 1 && *name == '.')
         && !(size == 2 && !memcmp (name, "..", 2));
}

static int
compare_names (const void *a, const void *b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

static void
sort_names (struct vector *names)
{
  size_t kept = 0;

  if (names->count)
    qsort (names->items, names->count, sizeof *names->items, compare_names);
  for (size_t i = 0; i < names->count; i++)
    if (!kept || strcmp (names->items[kept - 1], names->items[i]) != 0)
      names->items[kept++] = names->items[i];
  if (names->count)
    names->items[kept] = NULL;
  names->count = kept;
}

int
vms_erofs_kept_names (struct work *work, const char *closure, const char *store,
                      const char *const **ret_kept)
{
  struct vector names = { .arena = work->arena };
  struct line line = { 0 };
  size_t store_size = strlen (store), size;
  const char *name;

  while (store_size && store[store_size - 1] == '/')
    store_size--;
  while (next_line (&line, &closure))
    if (line.size) {
      if (!find_name (line, store, store_size, &name, &size))
        return vms_work_fail (work, -EINVAL, "erofs.closure", "closure",
                              "line %zu of the closure, '%.*s', names nothing "
                              "below %s; list store paths only, or make the list "
                              "of this store", line.number,
                              (int) (line.size < 300 ? line.size : 300),
                              line.bytes, store);
      vms_vector_add (&names, vms_arena_copy (work->arena, name, size));
    }
  if (vms_arena_error (work->arena))
    return -ENOMEM;
  sort_names (&names);
  *ret_kept = (const char *const *) vms_vector_end (&names);
  return *ret_kept ? 0 : -ENOMEM;
}

/* ---- keys --------------------------------------------------------------- *
 *
 * What is compared of a kept name: the whole of it, or how it starts.
 */

#define STORE_DIGITS "0123456789abcdfghijklmnpqrsvwxyz"
#define STORE_DIGIT_COUNT 32
#define COMPARED_DIGITS 10

struct key {
  const char *bytes;
  size_t size;
  int whole;
};

static int
is_store_name (const char *name)
{
  return strspn (name, STORE_DIGITS) >= STORE_DIGIT_COUNT
         && name[STORE_DIGIT_COUNT] == '-';
}

/* A start before the name that is no longer than it. */
static int
compare_keys (const void *a, const void *b)
{
  const struct key *x = a, *y = b;
  int r = memcmp (x->bytes, y->bytes, x->size < y->size ? x->size : y->size);

  if (r == 0)
    r = (x->size > y->size) - (x->size < y->size);
  return r ? r : x->whole - y->whole;
}

/* Whether what matches @key matches @previous as well. */
static int
is_covered (const struct key *key, const struct key *previous)
{
  return key->size >= previous->size
         && !memcmp (key->bytes, previous->bytes, previous->size)
         && (!previous->whole || key->size == previous->size);
}

/* In order, none of which makes another needless.  A name that no file can have
 * is not among them. */
static struct key *
make_keys (struct arena *arena, const char *const *kept, size_t *ret_count)
{
  size_t n = 0, count = 0;
  struct key *keys;

  while (kept[n])
    n++;
  keys = vms_arena_alloc (arena, n * sizeof *keys);
  if (!keys)
    return NULL;
  for (size_t i = 0; i < n; i++) {
    int whole = !is_store_name (kept[i]);
    size_t size = whole ? strlen (kept[i]) : COMPARED_DIGITS;

    if (size > 0 && size <= NAME_MAX && !memchr (kept[i], '/', size))
      keys[count++] = (struct key) { kept[i], size, whole };
  }
  qsort (keys, count, sizeof *keys, compare_keys);
  n = count;
  count = 0;
  for (size_t i = 0; i < n; i++)
    if (!count || !is_covered (&keys[i], &keys[count - 1]))
      keys[count++] = keys[i];
  *ret_count = count;
  return keys;
}

/* ---- expressions -------------------------------------------------------- *
 *
 * The keys, being sorted, are a trie.  A path is left out if it departs from
 * the trie at some node, which is written
 *
 *   (departs here|x(departs below x)|y(departs below y))
 *
 * When the expression grows too long, all open nodes are closed and the next
 * one opens them again, for what is still to be said there.
 */

/* The kernel takes 128 KiB.  A node adds less than the slack before the length
 * is looked at again. */
#define LONGEST (100 * 1024)
#define SLACK 2048

struct writer {
  const struct key *keys;
  struct vector expressions;
  struct text text;
};

static void
add_byte (struct text *text, char byte)
{
  if (strchr (".[]\\()*+?{}|^$", byte))
    vms_text_add (text, "\\");
  vms_text_add_bytes (text, &byte, 1);
}

static void
open_nodes (struct writer *w, const char *bytes, size_t depth)
{
  w->text = (struct text) { .arena = w->expressions.arena };
  vms_text_add (&w->text, "^(");
  for (size_t i = 0; i < depth; i++) {
    add_byte (&w->text, bytes[i]);
    vms_text_add (&w->text, "(");
  }
}

static void
close_nodes (struct writer *w, size_t depth)
{
  for (size_t i = 0; i <= depth; i++)
    vms_text_add (&w->text, ")");
  vms_vector_add (&w->expressions, vms_text_end (&w->text));
}

/* Past the keys that have the same byte at @depth. */
static size_t
next_child (const struct writer *w, size_t from, size_t to, size_t depth)
{
  char byte = w->keys[from].bytes[depth];

  while (from < to && w->keys[from].bytes[depth] == byte)
    from++;
  return from;
}

/* No order of the bytes may look like a range or a class: the bracket comes
 * first, "[" and "-" last. */
static void
add_departures (struct writer *w, size_t from, size_t to, size_t depth,
                int is_whole)
{
  int bracket = 0, open = 0, dash = 0;

  for (size_t i = from; i < to; i = next_child (w, i, to, depth))
    bracket |= w->keys[i].bytes[depth] == ']';
  vms_text_add (&w->text, bracket ? "[^]" : "[^");
  for (size_t i = from; i < to; i = next_child (w, i, to, depth)) {
    const char *byte = w->keys[i].bytes + depth;

    open |= *byte == '[';
    dash |= *byte == '-';
    if (!strchr ("[]-", *byte))
      vms_text_add_bytes (&w->text, byte, 1);
  }
  vms_text_add (&w->text, is_whole ? "/" : NULL);
  vms_text_add (&w->text, open ? "[" : NULL);
  vms_text_add (&w->text, dash ? "-]" : "]");
  vms_text_add (&w->text, is_whole ? NULL : "|$");
}

/* The keys from @from to before @to are equal up to @depth. */
static void
add_node (struct writer *w, size_t from, size_t to, size_t depth)
{
  int is_whole = w->keys[from].size == depth;
  size_t end;

  from += (size_t) is_whole;
  add_departures (w, from, to, depth, is_whole);
  for (; from < to; from = end) {
    const struct key *key = &w->keys[from];

    end = next_child (w, from, to, depth);
    if (key->size == depth + 1 && !key->whole)
      continue; /* kept, whatever follows */
    if (w->text.size > LONGEST - SLACK) {
      close_nodes (w, depth);
      open_nodes (w, key->bytes, depth);
    } else {
      vms_text_add (&w->text, "|");
    }
    add_byte (&w->text, key->bytes[depth]);
    vms_text_add (&w->text, "(");
    add_node (w, from, end, depth + 1);
    vms_text_add (&w->text, ")");
  }
}

const char *const *
vms_erofs_exclusions (struct arena *arena, const char *const *kept)
{
  struct writer w = { .expressions.arena = arena };
  size_t count = 0;

  w.keys = make_keys (arena, kept, &count);
  if (!w.keys)
    return NULL;
  if (count) {
    open_nodes (&w, NULL, 0);
    add_node (&w, 0, count, 0);
    close_nodes (&w, 0);
  } else {
    vms_vector_add (&w.expressions, "^");
  }
  return (const char *const *) vms_vector_end (&w.expressions);
}

/* The kernel takes 2 MiB with its usual limits, environment included. */
#define ARGUMENTS_LARGEST (1536 * 1024)

int
vms_erofs_add_exclusions (struct work *work, const char *const *kept,
                          struct vector *argv)
{
  const char *const *all = vms_erofs_exclusions (work->arena, kept);
  size_t total = 0;

  for (; all && *all; all++) {
    const char *argument = vms_arena_concat (work->arena, "--exclude-regex=", *all,
                                             (char *) NULL);

    total += argument ? strlen (argument) + 1 : 0;
    vms_vector_add (argv, argument);
  }
  if (total > ARGUMENTS_LARGEST)
    return vms_work_fail (work, -E2BIG, "erofs.closure-size", NULL,
                          "the closure lists more than mkfs.erofs can be told (%zu "
                          "bytes of %d); list less, or take the whole store",
                          total, ARGUMENTS_LARGEST);
  return all ? 0 : -ENOMEM;
}
