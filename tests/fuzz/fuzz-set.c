/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The input is KEY=VALUE settings, one a line: each takes effect or leaves the
 * description as it was. */
#include "fuzz.h"

static void
set (vmspec_doc *doc, const char *assignment)
{
  const struct vmspec *before = vmspec_doc_spec (doc);
  vmspec_diag *diag = new_diag ();
  int r = vmspec_doc_set (doc, assignment, diag);

  holds_findings (r, diag);
  if (r < 0)
    HOLDS (vmspec_doc_spec (doc) == before);
  vmspec_diag_free (diag);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  char *text = malloc (size + 1), *line, *rest = text;
  vmspec_doc *doc = NULL;

  HOLDS (text && vmspec_doc_new (NULL, NULL, &doc) == 0);
  memcpy (text, data, size);
  text[size] = '\0';
  while ((line = strsep (&rest, "\n")))
    set (doc, line);
  holds_round_trip (doc);
  vmspec_doc_free (doc);
  free (text);
  return 0;
}
