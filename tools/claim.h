/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Small files that say something of a process as long as it lives.  The process
 * holds a lock on its file, which goes with it however it ends: a file that
 * nobody holds is stale, whatever is in it.  Files appear, and change, whole.
 */
#ifndef VMSPEC_TOOLS_CLAIM_H
#define VMSPEC_TOOLS_CLAIM_H

#include <limits.h>
#include <stddef.h>

struct claim {
  int directory;             /* the caller's */
  int fd;                    /* -1: nothing is held */
  char name[NAME_MAX + 1];
};

/* Makes @name in @directory, in the place of a stale one.  -EEXIST: another
 * process holds it. */
int claim_make (struct claim *claim, int directory, const char *name,
                const char *content);
int claim_change (struct claim *claim, const char *content);
/* Removes it. */
void claim_drop (struct claim *claim);

/* What is in a file that a process holds; the caller frees it.
 * -ENOENT: there is none, or a stale one. */
int claim_read (int directory, const char *name, char **ret_content);
/* Removes a stale one: 1 if it did, 0 if there was none, or -errno. */
int claim_clean (int directory, const char *name);

#endif
