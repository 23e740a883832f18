/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Allocations that are counted, and that fail in their turn: the linker puts these
 * in the place of the C library's (--wrap). */
#ifndef VMSPEC_TESTS_NOMEM_H
#define VMSPEC_TESTS_NOMEM_H

#include "unit.h"

static struct {
  long until_failure; /* counts down; the one at 0 fails */
  int for_ever;       /* and all that follow */
  int failed;
  long live;
  int watching;
} memory;

void *__real_malloc (size_t size);
void *__real_calloc (size_t n, size_t size);
void *__real_realloc (void *old, size_t size);
void __real_free (void *old);
void *__wrap_malloc (size_t size);
void *__wrap_calloc (size_t n, size_t size);
void *__wrap_realloc (void *old, size_t size);
void __wrap_free (void *old);

static int
fails (void)
{
  if (!memory.watching)
    return 0;
  if (memory.until_failure-- == 0 || (memory.for_ever && memory.failed)) {
    memory.failed = 1;
    return 1;
  }
  return 0;
}

static void *
counted (void *block)
{
  if (memory.watching && block)
    memory.live++;
  return block;
}

void *
__wrap_malloc (size_t size)
{
  return fails () ? NULL : counted (__real_malloc (size));
}

void *
__wrap_calloc (size_t n, size_t size)
{
  return fails () ? NULL : counted (__real_calloc (n, size));
}

void *
__wrap_realloc (void *old, size_t size)
{
  if (fails ())
    return NULL;
  return old ? __real_realloc (old, size) : counted (__real_malloc (size));
}

void
__wrap_free (void *old)
{
  if (memory.watching && old)
    memory.live--;
  __real_free (old);
}

#endif
