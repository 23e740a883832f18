/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The XML form: attributes for scalars, elements for groups and for entries of
 * lists.  xml-read.c takes a file apart, xml-build.c makes a description of the
 * pieces, xml-write.c does the reverse.
 */
#ifndef VMSPEC_XML_H
#define VMSPEC_XML_H

#include "doc.h"

#define VMSPEC_XML_NAMESPACE "urn:vmspec:1"

/* Far above any machine that can be, and low enough that the worst file costs
 * a moment and some megabytes. */
#define VMSPEC_XML_MAX_SIZE (16 << 20)
#define VMSPEC_XML_MAX_DEPTH 32
#define VMSPEC_XML_MAX_ELEMENTS 100000
#define VMSPEC_XML_MAX_ATTRIBUTES 64
#define VMSPEC_XML_MAX_MISTAKES 100
#define VMSPEC_XML_MAX_TAG (9 << 20)

/* Longer than the name of any member. */
#define VMSPEC_XML_NAME_SIZE 64

/* A member's name with '-' for '_', in @name. */
const char *vms_xml_name (const struct vmspec_option *option,
                          char name[VMSPEC_XML_NAME_SIZE]);

/* How many of the bytes are characters that XML can hold: UTF-8 without
 * control characters.  @size if all are. */
size_t vms_xml_valid (const char *bytes, size_t size);

/* An element that is open. */
struct frame {
  const char *name;
  const struct vmspec_option *rows; /* NULL: holds text, or is passed over */
  void *spec;
  struct list *lists;               /* what it has entries of */
  struct list *text_list;           /* gets the text when the element ends */
  struct text text;
  int stray;                        /* said already that text is misplaced */
  struct path own;
  const struct path *path;          /* &own, or NULL for the document */
};

/* A description in the making. */
struct build {
  vmspec_doc *doc;
  vmspec_diag *diag;
  struct place place;               /* of what comes next */
  const char *name_space;           /* of the root, and so of all */
  struct frame frames[VMSPEC_XML_MAX_DEPTH];
  size_t depth, elements, mistakes;
  int stopped;                      /* there is no use in reading on */
  int error;                        /* -EINVAL after a mistake */
};

/* Names live until the element's end; values are copied. */
void vms_build_start (struct build *build, const char *name,
                      const char *name_space);
void vms_build_attribute (struct build *build, const char *prefix,
                          const char *name, const char *value, size_t size);
void vms_build_text (struct build *build, const char *bytes, size_t size);
void vms_build_end (struct build *build);

/* Counts a mistake; whether it is to be told. */
int vms_build_mistake (struct build *build);

#define BUILD_SAY(build, id, path, ...)                                        \
  do                                                                           \
    if (vms_build_mistake (build))                                             \
      vms_diag_add ((build)->diag, VMSPEC_SEVERITY_ERROR, id, path,            \
                    &(build)->place, __VA_ARGS__);                             \
  while (0)

#endif
