/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "set.h"

#include <stdint.h>
#include <string.h>

/* FNV-1a.  Keys come from the caller's own description: one that makes them
 * collide slows nobody down but itself. */
static uint64_t
hash (const char *key, size_t size)
{
  uint64_t h = 0xcbf29ce484222325u;

  for (size_t i = 0; i < size; i++)
    h = (h ^ (unsigned char) key[i]) * 0x100000001b3u;
  return h ^ h >> 32;
}

static struct set_entry *
find (struct set_entry *entries, size_t capacity, const char *key,
      size_t size)
{
  size_t at = hash (key, size) & (capacity - 1);

  while (entries[at].key
         && (strncmp (entries[at].key, key, size) || entries[at].key[size]))
    at = (at + 1) & (capacity - 1);
  return &entries[at];
}

static int
grow (struct set *set)
{
  size_t capacity = set->capacity ? set->capacity * 4 : 16;
  struct set_entry *larger
    = vms_arena_alloc (set->arena, capacity * sizeof *larger);

  if (!larger)
    return 0;
  for (size_t i = 0; i < set->capacity; i++) {
    const char *key = set->entries[i].key;

    if (key)
      *find (larger, capacity, key, strlen (key)) = set->entries[i];
  }
  set->entries = larger;
  set->capacity = capacity;
  return 1;
}

const size_t *
vms_set_add (struct set *set, const char *key, size_t number)
{
  struct set_entry *entry;

  if (set->count * 2 >= set->capacity && !grow (set))
    return NULL;
  entry = find (set->entries, set->capacity, key, strlen (key));
  if (entry->key)
    return &entry->number;
  entry->key = key;
  entry->number = number;
  set->count++;
  return NULL;
}

size_t *
vms_set_find (const struct set *set, const char *key, size_t size)
{
  struct set_entry *entry;

  if (!set->capacity)
    return NULL;
  entry = find (set->entries, set->capacity, key, size);
  return entry->key ? &entry->number : NULL;
}
