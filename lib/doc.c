/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "doc.h"

#include <errno.h>
#include <string.h>

void *
vms_doc_struct (struct arena *arena, const char *tag)
{
  const struct vmspec_option *rows = vms_option_first (tag);
  size_t size = vms_spec_size (rows);
  void *spec = vms_arena_alloc (arena, size);

  if (spec)
    vms_option_set_number (rows, spec, size);
  return spec;
}

int
vms_doc_alloc (vmspec_doc **ret_doc)
{
  struct arena arena = { 0 };
  vmspec_doc *doc = vms_arena_alloc (&arena, sizeof *doc);

  if (!doc)
    return -ENOMEM;
  doc->self = arena;
  doc->lines.arena = &doc->arena;
  doc->spec = vms_doc_struct (&doc->arena, "vmspec");
  if (!doc->spec) {
    vmspec_doc_free (doc);
    return -ENOMEM;
  }
  *ret_doc = doc;
  return 0;
}

void *
vms_doc_group (vmspec_doc *doc, const struct vmspec_option *option, void *owner)
{
  const void *given = vms_option_pointer (option, owner);
  void *group;

  if (given)
    return vms_writable (given);
  group = vms_doc_struct (&doc->arena, option->element);
  vms_option_set_pointer (option, owner, group);
  return group;
}

int
vmspec_doc_new (const struct vmspec *spec, vmspec_diag *diag,
                vmspec_doc **ret_doc)
{
  vmspec_doc *doc;
  void *copy;
  int r = vms_doc_alloc (&doc);

  if (r == 0 && spec) {
    r = vms_spec_copy (&doc->arena, "vmspec", spec, diag, &copy);
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

void
vms_doc_note_line (vmspec_doc *doc, const char *path, uint64_t line)
{
  size_t *known = vms_set_find (&doc->lines, path, strlen (path));

  if (known)
    *known = line;
  else
    vms_set_add (&doc->lines, path, line);
}

/* A copy of the table whose keys are in @arena. */
static struct set
copy_lines (struct arena *arena, const struct set *lines)
{
  struct set copy = { .arena = arena };

  for (size_t i = 0; i < lines->capacity; i++) {
    const char *path = vms_arena_strdup (arena, lines->entries[i].key);

    if (path)
      vms_set_add (&copy, path, lines->entries[i].number);
  }
  return copy;
}

#define WORTH_SETTLING (1 << 20)

void
vms_doc_settle (vmspec_doc *doc)
{
  struct vmspec_doc next = *doc;
  void *spec = NULL;

  if (doc->arena.total < WORTH_SETTLING + 2 * doc->settled)
    return;
  next.arena = (struct arena) { 0 };
  next.lines = copy_lines (&next.arena, &doc->lines);
  next.file = vms_arena_strdup (&next.arena, doc->file);
  /* Without the memory for it, the waste stays. */
  if (vms_spec_copy (&next.arena, "vmspec", doc->spec, NULL, &spec) < 0) {
    vms_arena_free (&next.arena);
    return;
  }
  next.spec = spec;
  next.settled = next.arena.total;
  vms_arena_free (&doc->arena);
  *doc = next;
  doc->lines.arena = &doc->arena;
}

/* The path without its last member or index. */
static size_t
parent_size (const char *path, size_t size)
{
  while (size && !strchr (".[", path[size - 1]))
    size--;
  return size ? size - 1 : 0;
}

int
vmspec_doc_locate (const vmspec_doc *doc, const char *path,
                   const char **ret_file, uint64_t *ret_line)
{
  size_t size = strlen (path);
  const size_t *line = vms_set_find (&doc->lines, path, size);

  while (!line && size) {
    size = parent_size (path, size);
    line = vms_set_find (&doc->lines, path, size);
  }
  if (!line || !*line)
    return -ENOENT;
  *ret_file = doc->file;
  *ret_line = *line;
  return 0;
}

void
vmspec_doc_free (vmspec_doc *doc)
{
  if (doc) {
    struct arena self = doc->self;

    vms_arena_free (&doc->arena);
    vms_arena_free (&self);
  }
}
