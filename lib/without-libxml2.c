/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* In place of xml-read.c. */
#include "without.h"

static int
refuse (vmspec_diag *diag)
{
  return vms_without (diag, "build.without-libxml2", "--without-libxml2", NULL,
                      "it reads no XML: describe the machine by key=value "
                      "(vmspec_doc_set, vmspec-run --set)");
}

int
vmspec_doc_read_file (const char *file, vmspec_diag *diag, vmspec_doc **ret_doc)
{
  (void) file;
  (void) ret_doc;
  return refuse (diag);
}

int
vmspec_doc_read_memory (const void *data, size_t size, const char *name,
                        vmspec_diag *diag, vmspec_doc **ret_doc)
{
  (void) data;
  (void) size;
  (void) name;
  (void) ret_doc;
  return refuse (diag);
}
