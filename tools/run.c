/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "run.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "print.h"

void
say_failure (const char *what, int error)
{
  fprintf (stderr, "vmspec-run: %s: %s\n", what,
           error == -ECANCELED ? "interrupted; nothing was left half made"
                               : strerror (-error));
}

void
flush_findings (struct run *run, const char *origin)
{
  print_findings (run->diag, origin ? NULL : run->doc, origin);
  vmspec_diag_clear (run->diag);
}

void
explain (struct run *run, const char *what, int error)
{
  if (vmspec_diag_count (run->diag) == 0)
    say_failure (what, error);
  flush_findings (run, NULL);
}
