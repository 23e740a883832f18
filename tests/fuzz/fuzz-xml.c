/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The input is an XML file: it reads or is refused with findings, and what was
 * read can be written and read again. */
#include "fuzz.h"

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  vmspec_diag *diag = new_diag ();
  vmspec_doc *doc = NULL;
  int r = vmspec_doc_read_memory (data, size, "fuzz.xml", diag, &doc);

  holds_findings (r, diag);
  HOLDS ((r == 0) == (doc != NULL));
  if (doc) {
    const char *file;
    uint64_t line;

    /* XML came in, so it can go out. */
    HOLDS (holds_round_trip (doc));
    HOLDS (vmspec_doc_locate (doc, "qemu.options[0]", &file, &line) == 0);
    HOLDS (!strcmp (file, "fuzz.xml") && line > 0);
  }
  vmspec_doc_free (doc);
  vmspec_diag_free (diag);
  return 0;
}
