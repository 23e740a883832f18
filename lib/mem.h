/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Memory: an arena for each handle, freed as a whole.
 *
 * Everything built on an arena is sticky: after the first failed allocation
 * all further ones fail, builders do nothing, and whoever made the arena asks
 * vms_arena_error() once, at the end.
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
void *vms_arena_alloc (struct arena *arena, size_t size);
char *vms_arena_copy (struct arena *arena, const char *text, size_t size);
/* NULL for NULL. */
char *vms_arena_strdup (struct arena *arena, const char *text);
char *vms_arena_printf (struct arena *arena, const char *format, ...)
  __attribute__ ((format (printf, 2, 3)));
char *vms_arena_vprintf (struct arena *arena, const char *format, va_list args)
  __attribute__ ((format (printf, 2, 0)));
/* Strings one after the other, up to a NULL. */
char *vms_arena_concat (struct arena *arena, const char *first, ...)
  __attribute__ ((sentinel));
int vms_arena_error (const struct arena *arena);
void vms_arena_free (struct arena *arena);

/* Room for one item more in a growing array.  The array lives in the arena and
 * always ends with a NULL that is not counted. */
struct vector {
  struct arena *arena;
  const void **items;
  size_t count, capacity;
};

void vms_vector_add (struct vector *vector, const void *item);
/* The items and their final NULL; never NULL unless the arena failed. */
const void **vms_vector_end (struct vector *vector);

/* A growing text. */
struct text {
  struct arena *arena;
  char *bytes;
  size_t size, capacity;
};

/* Nothing for NULL. */
void vms_text_add (struct text *text, const char *string);
void vms_text_add_bytes (struct text *text, const char *bytes, size_t size);
void vms_text_add_number (struct text *text, unsigned long long number);
/* Makes room for so many bytes more at once. */
void vms_text_reserve (struct text *text, size_t size);
/* NUL-terminated; NULL if the arena failed. */
const char *vms_text_end (struct text *text);

int vms_starts_with (const char *text, const char *start);

#endif
