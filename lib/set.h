/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A table from texts to numbers, for finding duplicates in linear time. */
#ifndef VMSPEC_SET_H
#define VMSPEC_SET_H

#include "mem.h"

struct set {
  struct arena *arena;
  struct set_entry {
    const char *key;  /* not copied */
    size_t number;
  } *entries;
  size_t count, capacity;
};

/* Adds @key with @number.  If it is there already, changes nothing and returns
 * where its number stands; NULL if it was new (or memory is exhausted). */
const size_t *vms_set_add (struct set *set, const char *key, size_t number);
/* Where the number of a key stands, which are the first @size bytes of @key;
 * NULL if it is not there. */
size_t *vms_set_find (const struct set *set, const char *key, size_t size);

#endif
