/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Memory: an arena for each handle, freed as a whole.
 *
 * Everything built on an arena is sticky: after the first failed allocation
 * all further ones fail, builders do nothing, and whoever made the arena asks
 * arena_error() once, at the end.
 */
#ifndef VMSPEC_MEM_H
#define VMSPEC_MEM_H

#include <stdarg.h>
#include <stddef.h>

struct arena {
  struct chunk *chunks; /* the newest first */
  size_t next_size;
  size_t total;         /* bytes of all chunks */
  int error;            /* 0 or -ENOMEM */
};

/* Zeroed and aligned for any pointer or integer; NULL on failure. */
void *arena_alloc (struct arena *arena, size_t size);
char *arena_copy (struct arena *arena, const char *text, size_t size);
/* NULL for NULL. */
char *arena_strdup (struct arena *arena, const char *text);
char *arena_printf (struct arena *arena, const char *format, ...)
  __attribute__ ((format (printf, 2, 3)));
char *arena_vprintf (struct arena *arena, const char *format, va_list args)
  __attribute__ ((format (printf, 2, 0)));
/* Strings one after the other, up to a NULL. */
char *arena_concat (struct arena *arena, const char *first, ...)
  __attribute__ ((sentinel));
int arena_error (const struct arena *arena);
void arena_free (struct arena *arena);

/* Room for one item more in a growing array.  The array lives in the arena and
 * always ends with a NULL that is not counted. */
struct vector {
  struct arena *arena;
  const void **items;
  size_t count, capacity;
};

void vector_add (struct vector *vector, const void *item);
/* The items and their final NULL; never NULL unless the arena failed. */
const void **vector_end (struct vector *vector);

/* A growing text. */
struct text {
  struct arena *arena;
  char *bytes;
  size_t size, capacity;
};

/* Nothing for NULL. */
void text_add (struct text *text, const char *string);
void text_add_bytes (struct text *text, const char *bytes, size_t size);
void text_add_number (struct text *text, unsigned long long number);
/* Makes room for so many bytes more at once. */
void text_reserve (struct text *text, size_t size);
/* NUL-terminated; NULL if the arena failed. */
const char *text_end (struct text *text);

#endif
