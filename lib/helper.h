/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A program that does a part of the work for us, beside us or while we wait. */
#ifndef VMSPEC_HELPER_H
#define VMSPEC_HELPER_H

#include "child.h"
#include "work.h"

struct helper {
  struct child child;
  struct keeper *keeper; /* its parent, or NULL: this process */
  const char *name;      /* for findings */
  const char *mark;
  struct text *text;
  int output;            /* what it writes, both to output and error */
  char said[4096];       /* the last of it */
  size_t said_size;
};

struct helper_setup {
  const char *const *argv;
  const char *const *environment; /* NULL: the work's */
  const char *directory; /* NULL: the caller's.  A relative argv[0] is looked
                            for there */
  const char *mark;      /* what its error messages hold, or NULL: the last line
                            that holds it tells why it failed */
  struct text *text;     /* where to add what it says, at most
                            HELPER_TEXT_LARGEST bytes; or NULL */
  int extra;             /* descriptor that it gets as number CHILD_EXTRA, so
                            that /proc/self/fd/3 names it; or -1 */
};

#define HELPER_TEXT_LARGEST (64 * 1024)

/* Standard input is empty.  0 or -errno with a finding "helper.failed". */
int vms_helper_start (struct helper *helper, struct work *work,
                      const struct helper_setup *setup);
/* Waits for the end; meanwhile calls @tick (with @data, may be NULL) at least
 * ten times a second, and kills the helper if that returns an error.  What the
 * helper has started itself is not waited for.  0, or an error with a finding:
 * -EIO if the helper failed; or what @tick returned, without one. */
int vms_helper_wait (struct helper *helper, struct work *work,
                     int (*tick) (void *data), void *data);
/* One after the other. */
int vms_helper_run (struct work *work, const struct helper_setup *setup,
                    int (*tick) (void *data), void *data);
/* Kills one that was not waited for. */
void vms_helper_kill (struct helper *helper);

#endif
