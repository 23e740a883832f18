/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a program wrote before it failed, for a finding. */
#ifndef VMSPEC_WORDS_H
#define VMSPEC_WORDS_H

#include "mem.h"

/* The last 500 bytes or less, whole lines, with "; " between them, as what matters
 * need not stand in the last of them.  NULL without memory. */
const char *vms_words_in_one_line (struct arena *arena, const char *words);

#endif
