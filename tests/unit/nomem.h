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

/* ---- trying -------------------------------------------------------------- */

/* What a try leaves behind in foreign libraries is put away by this. */
static UNUSED void (*after_each) (void);

static UNUSED int
try_with_failure (int (*what) (void), long n, int for_ever)
{
  int r;

  memory = (typeof (memory)) { .until_failure = n, .for_ever = for_ever,
                               .watching = 1 };
  r = what ();
  if (after_each)
    after_each ();
  memory.watching = 0;
  return r;
}

/* Each allocation in its turn, until there is none left to fail. */
static UNUSED void
survives_each (int (*what) (void), int for_ever)
{
  for (long n = 0;; n++) {
    int r = try_with_failure (what, n, for_ever);

    ck_assert_msg (memory.live == 0, "allocation %ld%s failed: %ld blocks are "
                   "left", n, for_ever ? " and all after it" : "",
                   memory.live);
    if (!memory.failed) {
      ck_assert_int_gt (n, 0);
      ck_assert_int_eq (r, 0);
      return;
    }
    ck_assert_msg (r == -ENOMEM, "allocation %ld%s failed and the result is "
                   "%d", n, for_ever ? " and all after it" : "", r);
  }
}

#endif
