/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A description that the library owns. */
#ifndef VMSPEC_DOC_H
#define VMSPEC_DOC_H

#include "set.h"
#include "spec.h"

struct vmspec_doc {
  struct arena self;    /* holds the handle */
  struct arena arena;   /* and this the description */
  size_t settled;       /* size of that one when it was last without waste */
  struct vmspec *spec;
  const char *file;     /* the XML file's name, or NULL */
  struct set lines;     /* of elements, by their path: "shares[2]" */
};

/* Where @path stands in the file; line 0 says that it is no longer there. */
void vms_doc_note_line (vmspec_doc *doc, const char *path, uint64_t line);
/* Lets go of what settings have left behind, once that is most of it. */
void vms_doc_settle (vmspec_doc *doc);

/* An empty one, or -ENOMEM. */
int vms_doc_alloc (vmspec_doc **ret_doc);
/* The group that @option of @owner points at, made if it is not there;
 * NULL if memory is exhausted. */
void *vms_doc_group (vmspec_doc *doc, const struct vmspec_option *option,
                     void *owner);
/* A zeroed struct with its struct_size. */
void *vms_doc_struct (struct arena *arena, const char *tag);

#endif
