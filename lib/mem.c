/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "mem.h"

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct chunk {
  struct chunk *older;
  size_t used, size;
  max_align_t bytes[];
};

#define FIRST_CHUNK 4000
#define LARGEST_CHUNK (1 << 20)
#define ALIGNMENT sizeof (void *)

_Static_assert (_Alignof (uint64_t) <= ALIGNMENT, "integers fit");

static struct chunk *
chunk_new (struct arena *arena, size_t needed)
{
  size_t size = arena->next_size ? arena->next_size : FIRST_CHUNK;
  struct chunk *chunk;

  if (needed > size)
    size = needed;
  if (size > SIZE_MAX - sizeof *chunk)
    return NULL;
  /* The one place where the library allocates. */
  chunk = calloc (1, sizeof *chunk + size);
  if (!chunk)
    return NULL;
  chunk->size = size;
  arena->total += size;
  chunk->older = arena->chunks;
  arena->chunks = chunk;
  if (arena->next_size < LARGEST_CHUNK)
    arena->next_size = size * 2;
  return chunk;
}

void *
vms_arena_alloc (struct arena *arena, size_t size)
{
  struct chunk *chunk = arena->chunks;
  char *start;

  if (arena->error)
    return NULL;
  if (size > SIZE_MAX - ALIGNMENT)
    goto failed;
  size = (size + ALIGNMENT - 1) & ~(ALIGNMENT - 1);
  if (!chunk || chunk->size - chunk->used < size)
    chunk = chunk_new (arena, size);
  if (!chunk)
    goto failed;
  start = (char *) chunk->bytes + chunk->used;
  chunk->used += size;
  return start;

failed:
  arena->error = -ENOMEM;
  return NULL;
}

char *
vms_arena_copy (struct arena *arena, const char *text, size_t size)
{
  char *copy = size < SIZE_MAX ? vms_arena_alloc (arena, size + 1) : NULL;

  if (copy && size)
    memcpy (copy, text, size);
  return copy;
}

char *
vms_arena_strdup (struct arena *arena, const char *text)
{
  return text ? vms_arena_copy (arena, text, strlen (text)) : NULL;
}

char *
vms_arena_vprintf (struct arena *arena, const char *format, va_list args)
{
  va_list again;
  char *text = NULL;
  int size;

  va_copy (again, args);
  size = vsnprintf (NULL, 0, format, args);
  if (size < 0)
    arena->error = -ENOMEM;
  else
    text = vms_arena_alloc (arena, (size_t) size + 1);
  if (text)
    vsnprintf (text, (size_t) size + 1, format, again);
  va_end (again);
  return text;
}

char *
vms_arena_printf (struct arena *arena, const char *format, ...)
{
  va_list args;
  char *text;

  va_start (args, format);
  text = vms_arena_vprintf (arena, format, args);
  va_end (args);
  return text;
}

char *
vms_arena_concat (struct arena *arena, const char *first, ...)
{
  va_list args;
  size_t size = 0;
  char *text, *end;

  va_start (args, first);
  for (const char *s = first; s; s = va_arg (args, const char *))
    size += strlen (s);
  va_end (args);
  text = end = vms_arena_alloc (arena, size + 1);
  if (!text)
    return NULL;
  va_start (args, first);
  for (const char *s = first; s; s = va_arg (args, const char *))
    end = stpcpy (end, s);
  va_end (args);
  return text;
}

int
vms_arena_error (const struct arena *arena)
{
  return arena->error;
}

void
vms_arena_free (struct arena *arena)
{
  struct chunk *chunk = arena->chunks;

  while (chunk) {
    struct chunk *older = chunk->older;

    free (chunk);
    chunk = older;
  }
  *arena = (struct arena) { 0 };
}

/* Twice the room of a block that is full, with the old bytes at its start. */
static void *
grown (struct arena *arena, const void *old, size_t used, size_t capacity)
{
  void *block = vms_arena_alloc (arena, capacity);

  if (block && used)
    memcpy (block, old, used);
  return block;
}

void
vms_vector_add (struct vector *vector, const void *item)
{
  if (vector->count + 1 >= vector->capacity) {
    size_t capacity = vector->capacity ? vector->capacity * 2 : 8;
    const void **items
      = grown (vector->arena, vector->items,
               vector->count * sizeof *items, capacity * sizeof *items);

    if (!items)
      return;
    vector->items = items;
    vector->capacity = capacity;
  }
  vector->items[vector->count++] = item;
}

const void **
vms_vector_end (struct vector *vector)
{
  if (!vector->items)
    vector->items = vms_arena_alloc (vector->arena, sizeof *vector->items);
  return vector->arena->error ? NULL : vector->items;
}

void
vms_text_reserve (struct text *text, size_t size)
{
  size_t capacity = text->capacity ? text->capacity * 2 : 64;
  char *larger;

  if (size < text->capacity - text->size)
    return;
  if (capacity - text->size <= size)
    capacity = text->size + size + 1;
  larger = grown (text->arena, text->bytes, text->size, capacity);
  if (!larger)
    return;
  text->bytes = larger;
  text->capacity = capacity;
}

void
vms_text_add_bytes (struct text *text, const char *bytes, size_t size)
{
  vms_text_reserve (text, size);
  if (!size || size >= text->capacity - text->size)
    return;
  memcpy (text->bytes + text->size, bytes, size);
  text->size += size;
}

void
vms_text_add (struct text *text, const char *string)
{
  /* NULL: there was no memory to make it. */
  if (string)
    vms_text_add_bytes (text, string, strlen (string));
}

void
vms_text_add_number (struct text *text, unsigned long long number)
{
  char digits[24], *start = digits + sizeof digits;

  do
    *--start = (char) ('0' + number % 10);
  while (number /= 10);
  vms_text_add_bytes (text, start, (size_t) (digits + sizeof digits - start));
}

const char *
vms_text_end (struct text *text)
{
  /* Memory beyond the text may be stale after it was cut short. */
  vms_text_add_bytes (text, "", 1);
  if (text->arena->error)
    return NULL;
  text->size--;
  return text->bytes;
}

int
vms_starts_with (const char *text, const char *start)
{
  return !strncmp (text, start, strlen (start));
}
