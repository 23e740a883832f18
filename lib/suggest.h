/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What somebody meant who wrote a name that is not known.  Offer every name
 * that is known, then put the hint at the end of the message.  Needs nothing
 * of the library: vmspec-run uses it for its own options.
 */
#ifndef VMSPEC_SUGGEST_H
#define VMSPEC_SUGGEST_H

#include <stddef.h>

struct suggestion {
  const char *word;
  size_t distance; /* of the best offer so far, from 1; 0 if there is none */
  char hint[120];  /* "; did you mean 'memory'?", or "" */
};

/* Compares @name; what is shown is made by @format. */
void vms_suggestion_offer (struct suggestion *suggestion, const char *name,
                           const char *format, ...)
  __attribute__ ((format (printf, 3, 4)));

#endif
