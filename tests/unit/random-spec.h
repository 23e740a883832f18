/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Random descriptions, and whether two are the same, both by the option table
 * alone.  What comes out keeps to the table's rules; whether a machine makes
 * sense beyond them is left to chance.
 */
#ifndef VMSPEC_TESTS_RANDOM_SPEC_H
#define VMSPEC_TESTS_RANDOM_SPEC_H

#include "spec.h"
#include "unit.h"

static UNUSED const char *
random_text (struct random *r, struct arena *arena,
             const struct vmspec_option *o)
{
  static const char *const texts[]
    = { "a", "b", "c-1", "two words", "x,y", "it''s", "\xc3\xbc", "root",
        "$V", "${W:-none}", "a\"\"b", "tmpfs", "store" };
  static const char *const addresses[]
    = { "127.0.0.1", "10.0.2.15", "0.0.0.0" };
  const char *text = texts[random_below (r, COUNT (texts))];

  if (strstr (o->name, "address"))
    text = addresses[random_below (r, COUNT (addresses))];
  if (o->flags & (VMSPEC_OPTION_NONE_OK | VMSPEC_OPTION_EMPTY_OK)
      && !random_below (r, 5))
    return "";
  return o->flags & VMSPEC_OPTION_ABSOLUTE
           ? vms_arena_concat (arena, "/", text, (char *) NULL)
           : vms_arena_strdup (arena, text);
}

static UNUSED uint64_t
random_integer (struct random *r, const struct vmspec_option *o)
{
  uint64_t room = o->max - o->min + 1;

  if (o->kind == VMSPEC_KIND_UINT64 && o->flags & VMSPEC_OPTION_NONE_OK
      && !random_below (r, 5))
    return VMSPEC_NONE;
  if (random_below (r, 2) && room > 5000)
    room = 5000;
  return o->min + (room ? random_number (r) % room : 0);
}

/* The number of a name that has one. */
static UNUSED uint64_t
random_choice (struct random *r, const struct vmspec_option *o)
{
  uint64_t n = vms_list_length (o->values), choice;

  do
    choice = random_below (r, n);
  while (!*o->values[choice]);
  return choice;
}

static UNUSED void *random_struct (struct random *r, struct arena *arena,
                                   const char *tag);

static UNUSED const void *
random_list (struct random *r, struct arena *arena,
             const struct vmspec_option *o)
{
  size_t n = random_below (r, 4);
  const void **list = vms_arena_alloc (arena, (n + 1) * sizeof *list);

  for (size_t i = 0; i < n; i++)
    list[i] = o->kind == VMSPEC_KIND_LIST ? random_struct (r, arena, o->element)
                                          : random_text (r, arena, o);
  return list;
}

static UNUSED void *
random_struct (struct random *r, struct arena *arena, const char *tag)
{
  const struct vmspec_option *rows = vms_option_first (tag);
  char *spec = vms_arena_alloc (arena, vms_spec_size (rows));

  vms_option_set_number (rows, spec, vms_spec_size (rows));
  for (const struct vmspec_option *o = vms_option_sibling (rows); o;
       o = vms_option_sibling (o)) {
    if (!(o->flags & VMSPEC_OPTION_REQUIRED) && random_below (r, 3))
      continue;
    switch (o->kind) {
    case VMSPEC_KIND_STRING:
    case VMSPEC_KIND_PATH:
      vms_option_set_pointer (o, spec, random_text (r, arena, o));
      break;
    case VMSPEC_KIND_UINT32:
    case VMSPEC_KIND_UINT64:
      vms_option_set_number (o, spec, random_integer (r, o));
      break;
    case VMSPEC_KIND_SWITCH:
    case VMSPEC_KIND_ENUM:
      vms_option_set_number (o, spec, random_choice (r, o));
      break;
    case VMSPEC_KIND_STRINGS:
    case VMSPEC_KIND_LIST:
      vms_option_set_pointer (o, spec, random_list (r, arena, o));
      break;
    case VMSPEC_KIND_GROUP:
      vms_option_set_pointer (o, spec, random_struct (r, arena, o->element));
      break;
    }
  }
  return spec;
}

/* The path of the first difference is printed to @where; 1 if there is none. */
static UNUSED int same_struct (const char *tag, const void *a, const void *b,
                               char *where, size_t size);

static UNUSED int
same_list (const struct vmspec_option *o, const void *const *a,
           const void *const *b, char *where, size_t size)
{
  size_t n = vms_list_length (a);

  if (n != vms_list_length (b)) {
    snprintf (where, size, "%s: %zu and %zu entries", o->name, n,
              vms_list_length (b));
    return 0;
  }
  for (size_t i = 0; i < n; i++)
    if (o->kind == VMSPEC_KIND_STRINGS) {
      if (strcmp (a[i], b[i])) {
        snprintf (where, size, "%s[%zu]: '%s' and '%s'", o->name, i,
                  (const char *) a[i], (const char *) b[i]);
        return 0;
      }
    } else if (!same_struct (o->element, a[i], b[i], where, size))
      return 0;
  return 1;
}

static UNUSED int
same_pointer (const struct vmspec_option *o, const void *a, const void *b,
              char *where, size_t size)
{
  if (!a != !b) {
    snprintf (where, size, "%s.%s: said only once", o->owner, o->name);
    return 0;
  }
  if (!a)
    return 1;
  if (o->kind == VMSPEC_KIND_GROUP)
    return same_struct (o->element, a, b, where, size);
  if (o->kind == VMSPEC_KIND_LIST || o->kind == VMSPEC_KIND_STRINGS)
    return same_list (o, a, b, where, size);
  if (!strcmp (a, b))
    return 1;
  snprintf (where, size, "%s.%s: '%s' and '%s'", o->owner, o->name,
            (const char *) a, (const char *) b);
  return 0;
}

static UNUSED int
same_struct (const char *tag, const void *a, const void *b, char *where,
             size_t size)
{
  for (const struct vmspec_option *o = vms_option_first (tag); o;
       o = vms_option_sibling (o)) {
    switch (o->kind) {
    case VMSPEC_KIND_UINT32:
    case VMSPEC_KIND_UINT64:
    case VMSPEC_KIND_SWITCH:
    case VMSPEC_KIND_ENUM:
    case VMSPEC_KIND_RESERVED:
    case VMSPEC_KIND_SIZE:
      if (vms_option_number (o, a) == vms_option_number (o, b))
        break;
      snprintf (where, size, "%s.%s: %" PRIu64 " and %" PRIu64, tag, o->name,
                vms_option_number (o, a), vms_option_number (o, b));
      return 0;
    default:
      if (!same_pointer (o, vms_option_pointer (o, a),
                         vms_option_pointer (o, b), where, size))
        return 0;
    }
  }
  return 1;
}

#endif
