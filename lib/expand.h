/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Pieces of shell: words, quotes and variables, by the rules of wordexp(3)
 * (POSIX.1-2017, XSH wordexp) with WRDE_NOCMD.  Files are not looked at, so a
 * pattern stands for itself.
 */
#ifndef VMSPEC_EXPAND_H
#define VMSPEC_EXPAND_H

#include "mem.h"

/* The value of @name in a list of NAME=value, or NULL. */
const char *
vms_environment_get (const char *const *environment, const char *name);
/* The same, but NULL for an empty value as well. */
const char *vms_environment_said (const char *const *environment,
                                  const char *name);

/* Splits @piece into words.  Returns NULL, or what is wrong with it (a constant
 * text); @words then holds something arbitrary. */
const char *vms_expand_words (struct vector *words, const char *piece,
                              const char *const *environment);
/* One path: nothing is split, blanks stand for themselves. */
const char *vms_expand_path (struct text *path, const char *piece,
                             const char *const *environment);
/* Splits at blanks and line ends, as an unquoted $VARIABLE is. */
void vms_split_words (struct vector *words, const char *value);

#endif
