/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "diag.h"

#include <errno.h>
#include <string.h>

int
vmspec_diag_new (vmspec_diag **ret_diag)
{
  struct arena arena = { 0 };
  vmspec_diag *diag = vms_arena_alloc (&arena, sizeof *diag);

  if (!diag)
    return -ENOMEM;
  diag->self = arena;
  diag->findings.arena = &diag->arena;
  *ret_diag = diag;
  return 0;
}

void
vmspec_diag_free (vmspec_diag *diag)
{
  if (diag) {
    struct arena self = diag->self;

    vms_arena_free (&diag->arena);
    vms_arena_free (&self);
  }
}

void
vmspec_diag_clear (vmspec_diag *diag)
{
  if (!diag)
    return;
  vms_arena_free (&diag->arena);
  diag->findings = (struct vector) { .arena = &diag->arena };
  diag->errors = diag->blockers = 0;
}

size_t
vmspec_diag_count (const vmspec_diag *diag)
{
  return diag ? diag->findings.count : 0;
}

const struct vmspec_finding *
vmspec_diag_get (const vmspec_diag *diag, size_t index)
{
  return index < vmspec_diag_count (diag) ? diag->findings.items[index] : NULL;
}

static void
path_add (struct text *text, const struct path *path)
{
  if (!path)
    return;
  path_add (text, path->parent);
  if (text->size)
    vms_text_add (text, ".");
  vms_text_add (text, path->name);
  if (path->has_index) {
    vms_text_add (text, "[");
    vms_text_add_number (text, path->index);
    vms_text_add (text, "]");
  }
}

const char *
vms_path_text (struct arena *arena, const struct path *path)
{
  struct text text = { .arena = arena };

  path_add (&text, path);
  return vms_text_end (&text);
}

static void
count (vmspec_diag *diag, uint32_t severity)
{
  diag->errors += severity == VMSPEC_SEVERITY_ERROR;
  diag->blockers += severity == VMSPEC_SEVERITY_BLOCKER;
}

void
vms_diag_vadd (vmspec_diag *diag, enum vmspec_severity severity, const char *id,
               const struct path *path, const struct place *place,
               const char *format, va_list args)
{
  struct vmspec_finding *finding;
  char *message;

  if (!diag)
    return;
  /* A finding counts even when there is no memory left to describe it. */
  count (diag, severity);
  message = vms_arena_vprintf (&diag->arena, format, args);
  finding = vms_arena_alloc (&diag->arena, sizeof *finding);
  if (!finding || !message)
    return;
  *finding = (struct vmspec_finding) {
    .struct_size = sizeof *finding,
    .severity = severity,
    .id = id,
    .path = vms_path_text (&diag->arena, path),
    .text = message,
    .file = vms_arena_strdup (&diag->arena, place ? place->file : NULL),
    .line = place ? place->line : 0,
  };
  if (finding->path)
    vms_vector_add (&diag->findings, finding);
}

void
vms_diag_add (vmspec_diag *diag, enum vmspec_severity severity, const char *id,
              const struct path *path, const struct place *place,
              const char *format, ...)
{
  va_list args;

  va_start (args, format);
  vms_diag_vadd (diag, severity, id, path, place, format, args);
  va_end (args);
}

int
vms_diag_error (const vmspec_diag *diag)
{
  if (vms_arena_error (&diag->arena))
    return vms_arena_error (&diag->arena);
  return diag->errors ? -EINVAL : 0;
}

static void
append (vmspec_diag *to, const struct vmspec_finding *old)
{
  struct vmspec_finding *copy = vms_arena_alloc (&to->arena, sizeof *copy);

  count (to, old->severity);
  if (!copy)
    return;
  *copy = *old;
  copy->path = vms_arena_strdup (&to->arena, old->path);
  copy->text = vms_arena_strdup (&to->arena, old->text);
  copy->file = vms_arena_strdup (&to->arena, old->file);
  if (copy->path && copy->text)
    vms_vector_add (&to->findings, copy);
}

void
vms_diag_append (vmspec_diag *to, const vmspec_diag *from)
{
  for (size_t i = 0; to && i < from->findings.count; i++)
    append (to, from->findings.items[i]);
}

static int
has (const vmspec_diag *diag, const struct vmspec_finding *one)
{
  for (size_t i = 0; i < diag->findings.count; i++) {
    const struct vmspec_finding *other = diag->findings.items[i];

    if (!strcmp (one->id, other->id) && !strcmp (one->path, other->path)
        && !strcmp (one->text, other->text))
      return 1;
  }
  return 0;
}

void
vms_diag_append_new (vmspec_diag *to, const vmspec_diag *from)
{
  for (size_t i = 0; to && i < from->findings.count; i++)
    if (!has (to, from->findings.items[i]))
      append (to, from->findings.items[i]);
}
