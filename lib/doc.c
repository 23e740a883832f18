/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "doc.h"

#include <errno.h>
#include <string.h>

void *
doc_struct (struct arena *arena, const char *tag)
{
  const struct vmspec_option *rows = option_first (tag);
  size_t size = spec_size (rows);
  void *spec = arena_alloc (arena, size);

  if (spec)
    option_set_number (rows, spec, size);
  return spec;
}

int
doc_alloc (vmspec_doc **ret_doc)
{
  struct arena arena = { 0 };
  vmspec_doc *doc = arena_alloc (&arena, sizeof *doc);

  if (!doc)
    return -ENOMEM;
  doc->arena = arena;
  doc->places.arena = &doc->arena;
  doc->spec = doc_struct (&doc->arena, "vmspec");
  if (!doc->spec) {
    vmspec_doc_free (doc);
    return -ENOMEM;
  }
  *ret_doc = doc;
  return 0;
}

void *
doc_group (vmspec_doc *doc, const struct vmspec_option *option, void *owner)
{
  const void *given = option_pointer (option, owner);
  void *group;

  if (given)
    return writable (given);
  group = doc_struct (&doc->arena, option->element);
  option_set_pointer (option, owner, group);
  return group;
}

int
vmspec_doc_new (const struct vmspec *spec, vmspec_diag *diag,
                vmspec_doc **ret_doc)
{
  vmspec_doc *doc;
  void *copy;
  int r = doc_alloc (&doc);

  if (r == 0 && spec) {
    r = spec_copy (&doc->arena, "vmspec", spec, diag, &copy);
    if (r < 0)
      vmspec_doc_free (doc);
    else
      doc->spec = copy;
  }
  if (r == 0)
    *ret_doc = doc;
  return r;
}

const struct vmspec *
vmspec_doc_spec (const vmspec_doc *doc)
{
  return doc->spec;
}

int
vmspec_doc_locate (const vmspec_doc *doc, const char *path,
                   const char **ret_file, uint64_t *ret_line)
{
  const struct doc_place *best = NULL;
  size_t best_length = 0;

  for (size_t i = 0; i < doc->places.count; i++) {
    const struct doc_place *place = doc->places.items[i];
    size_t length = strlen (place->path);

    /* The path itself or one of its parents; the document is everyone's. */
    if (strncmp (place->path, path, length)
        || (length && path[length] && !strchr (".[", path[length])))
      continue;
    if (!best || length >= best_length) {
      best = place;
      best_length = length;
    }
  }
  /* Line 0: it was changed by a setting since the file was read. */
  if (!best || !best->line)
    return -ENOENT;
  *ret_file = doc->file;
  *ret_line = best->line;
  return 0;
}

void
vmspec_doc_free (vmspec_doc *doc)
{
  if (doc) {
    struct arena arena = doc->arena;

    arena_free (&arena);
  }
}
