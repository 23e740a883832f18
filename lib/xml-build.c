/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A description made of elements and attributes, by the option table.  Goes on
 * after a mistake, for there may be more of them.
 */
#include "xml.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "nixos-name.h"
#include "suggest.h"
#include "value.h"

/* A list that has entries. */
struct list {
  struct list *next;
  const struct vmspec_option *option;
  struct vector entries;
};

/* ---- mistakes ----------------------------------------------------------- */

int
vms_build_mistake (struct build *b)
{
  b->error = -EINVAL;
  if (b->stopped)
    return 0;
  if (++b->mistakes <= VMSPEC_XML_MAX_MISTAKES)
    return 1;
  vms_diag_add (b->diag, VMSPEC_SEVERITY_ERROR, "xml.too-many", NULL, &b->place,
                "more than %d mistakes; the rest of the file was not read",
                VMSPEC_XML_MAX_MISTAKES);
  b->stopped = 1;
  return 0;
}

/* Offers what may stand in an element; @within ends what is shown. */
static void
offer_members (struct suggestion *near, const struct vmspec_option *rows,
               const char *within)
{
  char name[VMSPEC_XML_NAME_SIZE];

  for (const struct vmspec_option *o = rows; o; o = vms_option_sibling (o))
    if (o->key)
      vms_suggestion_offer (near, o->key, "<%s>%s", o->key, within);
    else if (vms_value_is_scalar (o))
      vms_suggestion_offer (near, vms_xml_name (o, name), "%s=\"...\"%s", name,
                            within);
}

/* What was meant may stand here, or in one of the groups. */
static void
say_unknown (struct build *b, const struct frame *frame, const char *id,
             const char *what, const char *word)
{
  const char *nixos = vms_nixos_name_hint (&b->doc->arena, word);
  struct suggestion near = { .word = word };
  char within[VMSPEC_XML_NAME_SIZE + 8];

  offer_members (&near, frame->rows, "");
  for (const struct vmspec_option *o = frame->rows; o && !*near.hint;
       o = vms_option_sibling (o))
    if (o->kind == VMSPEC_KIND_GROUP) {
      snprintf (within, sizeof within, " in <%s>", o->key);
      offer_members (&near, vms_option_first (o->element), within);
    }
  BUILD_SAY (b, id, frame->path, "<%s> has no %s '%s'%s", frame->name, what,
             word, nixos ? nixos : near.hint);
}

/* ---- lists -------------------------------------------------------------- */

/* The list that an entry of @parent goes to; NULL if there is no memory. */
static struct list *
open_list (struct build *b, struct frame *parent,
           const struct vmspec_option *option)
{
  char name[VMSPEC_XML_NAME_SIZE];
  struct list *list = parent->lists;

  while (list && list->option != option)
    list = list->next;
  if (list)
    return list;
  if (vms_option_pointer (option, parent->spec))
    BUILD_SAY (b, "xml.list", parent->path, "%s=\"\" says that there is no "
               "<%s>; remove one or the other", vms_xml_name (option, name),
               option->key);
  list = vms_arena_alloc (&b->doc->arena, sizeof *list);
  if (list) {
    list->next = parent->lists;
    list->option = option;
    list->entries.arena = &b->doc->arena;
    parent->lists = list;
  }
  return list;
}

static void
add_entry (struct list *list, void *spec, const void *entry)
{
  vms_vector_add (&list->entries, entry);
  vms_option_set_pointer (list->option, spec, vms_vector_end (&list->entries));
}

static void
open_entry (struct build *b, struct frame *parent, struct frame *frame,
            const struct vmspec_option *option)
{
  struct list *list = open_list (b, parent, option);

  if (!list)
    return;
  frame->own.has_index = 1;
  frame->own.index = list->entries.count;
  if (option->kind == VMSPEC_KIND_STRINGS) {
    frame->text_list = list;
    frame->text.arena = &b->doc->arena;
    return;
  }
  frame->spec = vms_doc_struct (&b->doc->arena, option->element);
  add_entry (list, parent->spec, frame->spec);
}

/* ---- elements ----------------------------------------------------------- */

static void
add_place (struct build *b, const struct path *path)
{
  const char *text = vms_path_text (&b->doc->arena, path);

  if (text)
    vms_doc_note_line (b->doc, text, b->place.line);
}

static void
open_group (struct build *b, struct frame *parent, struct frame *frame,
            const struct vmspec_option *option)
{
  if (!vms_option_pointer (option, parent->spec)) {
    frame->spec = vms_doc_group (b->doc, option, parent->spec);
    return;
  }
  BUILD_SAY (b, "xml.duplicate", &frame->own,
             "<%s> is given twice; put everything into one", option->key);
  /* Read on for further mistakes, but not on top of the first. */
  frame->spec = vms_doc_struct (&b->doc->arena, option->element);
}

static const struct vmspec_option *
find_child (const struct vmspec_option *rows, const char *name)
{
  for (const struct vmspec_option *o = rows; o; o = vms_option_sibling (o))
    if (o->key && !strcmp (o->key, name))
      return o;
  return NULL;
}

static void
open_child (struct build *b, struct frame *parent, struct frame *frame)
{
  const struct vmspec_option *option;

  if (parent->text_list) {
    BUILD_SAY (b, "xml.unknown-element", parent->path,
               "<%s> holds text and no elements, not <%s>", parent->name,
               frame->name);
    return;
  }
  option = find_child (parent->rows, frame->name);
  if (!option) {
    say_unknown (b, parent, "xml.unknown-element", "element", frame->name);
    return;
  }
  frame->own = (struct path) { .parent = parent->path, .name = option->name };
  frame->path = &frame->own;
  if (option->kind == VMSPEC_KIND_GROUP)
    open_group (b, parent, frame, option);
  else
    open_entry (b, parent, frame, option);
  if (frame->spec)
    frame->rows = vms_option_first (option->element);
  add_place (b, frame->path);
}

static int
same_namespace (const char *a, const char *b)
{
  return a && b ? !strcmp (a, b) : a == b;
}

static void
open_root (struct build *b, struct frame *frame, const char *name_space)
{
  b->name_space = name_space;
  if (strcmp (frame->name, "vmspec")) {
    BUILD_SAY (b, "xml.root", NULL, "a description starts with <vmspec "
               "xmlns=\"%s\">, not with <%s>", VMSPEC_XML_NAMESPACE,
               frame->name);
    return;
  }
  /* Said once, and not again for everything inside. */
  if (!same_namespace (name_space, VMSPEC_XML_NAMESPACE))
    BUILD_SAY (b, "xml.namespace", NULL, "the namespace must be %s, not '%s'; "
               "write <vmspec xmlns=\"%s\">", VMSPEC_XML_NAMESPACE,
               name_space ? name_space : "", VMSPEC_XML_NAMESPACE);
  frame->spec = b->doc->spec;
  frame->rows = vms_option_first ("vmspec");
  add_place (b, NULL);
}

/* Nothing is said of what is inside of a mistake. */
static int
is_passed_over (const struct frame *frame)
{
  return !frame->rows && !frame->text_list;
}

static struct frame *
push (struct build *b, const char *name)
{
  struct frame *frame;

  if (++b->elements > VMSPEC_XML_MAX_ELEMENTS) {
    BUILD_SAY (b, "xml.elements", NULL, "there are more than %d elements",
               VMSPEC_XML_MAX_ELEMENTS);
    b->stopped = 1;
  } else if (b->depth == VMSPEC_XML_MAX_DEPTH) {
    BUILD_SAY (b, "xml.depth", NULL, "elements are nested more than %d deep",
               VMSPEC_XML_MAX_DEPTH);
    b->stopped = 1;
  }
  if (b->stopped)
    return NULL;
  frame = &b->frames[b->depth++];
  *frame = (struct frame) { .name = name };
  return frame;
}

void
vms_build_start (struct build *b, const char *name, const char *name_space)
{
  struct frame *frame = push (b, name);

  if (!frame)
    return;
  if (b->depth == 1)
    open_root (b, frame, name_space);
  else if (is_passed_over (frame - 1))
    return;
  else if (same_namespace (name_space, b->name_space))
    open_child (b, frame - 1, frame);
  else
    BUILD_SAY (b, "xml.namespace", frame[-1].path, "<%s> is not in the "
               "namespace of its document; remove its xmlns or prefix", name);
}

void
vms_build_end (struct build *b)
{
  struct frame *frame = &b->frames[--b->depth];

  if (frame->text_list)
    add_entry (frame->text_list, frame[-1].spec, vms_text_end (&frame->text));
}

/* ---- attributes and text ------------------------------------------------ */

static const struct vmspec_option *
find_attribute (const struct vmspec_option *rows, const char *wanted)
{
  char name[VMSPEC_XML_NAME_SIZE];

  for (const struct vmspec_option *o = rows; o; o = vms_option_sibling (o))
    if ((vms_value_is_scalar (o) || o->kind == VMSPEC_KIND_LIST
         || o->kind == VMSPEC_KIND_STRINGS)
        && !strcmp (vms_xml_name (o, name), wanted))
      return o;
  return NULL;
}

static void
set_scalar (struct build *b, const struct vmspec_option *option, void *spec,
            const char *value, const struct path *path)
{
  int full = b->mistakes == VMSPEC_XML_MAX_MISTAKES;
  struct origin origin = { path, &b->place, full ? NULL : b->diag };

  if (vms_value_parse (&b->doc->arena, option, value, spec, &origin) == -EINVAL)
    vms_build_mistake (b);
}

/* A list's attribute says that it is empty. */
static void
set_empty (struct build *b, const struct vmspec_option *option, void *spec,
           const char *name, const char *value, const struct path *path)
{
  if (*value)
    BUILD_SAY (b, "xml.list", path, "%s is a list: write a <%s> for each "
               "entry, or %s=\"\" for none", name, option->key, name);
  else
    vms_option_set_pointer (option, spec,
                            vms_arena_alloc (&b->doc->arena, sizeof (void *)));
}

static void
set_attribute (struct build *b, struct frame *frame, const char *name,
               const char *value)
{
  const struct vmspec_option *option = find_attribute (frame->rows, name);
  struct path path = { .parent = frame->path };

  if (!option) {
    say_unknown (b, frame, "xml.unknown-attribute", "attribute", name);
    return;
  }
  path.name = option->name;
  if (vms_value_is_scalar (option))
    set_scalar (b, option, frame->spec, value, &path);
  else
    set_empty (b, option, frame->spec, name, value, &path);
}

void
vms_build_attribute (struct build *b, const char *prefix, const char *name,
                     const char *value, size_t size)
{
  struct frame *frame = &b->frames[b->depth - 1];
  const char *text;

  if (b->stopped || is_passed_over (frame))
    return;
  if (prefix)
    BUILD_SAY (b, "xml.namespace", frame->path, "attributes are in no "
               "namespace; remove %s:%s", prefix, name);
  else if (frame->text_list)
    BUILD_SAY (b, "xml.unknown-attribute", frame->path, "<%s> holds text and "
               "no attributes, not '%s'", frame->name, name);
  else if ((text = vms_arena_copy (&b->doc->arena, value, size)))
    set_attribute (b, frame, name, text);
}

void
vms_build_text (struct build *b, const char *bytes, size_t size)
{
  struct frame *frame = &b->frames[b->depth - 1];

  if (frame->text_list)
    vms_text_add_bytes (&frame->text, bytes, size);
  if (!frame->rows || frame->stray)
    return;
  for (size_t i = 0; i < size && !frame->stray; i++)
    frame->stray = !strchr (" \t\n\r", bytes[i]);
  if (frame->stray)
    BUILD_SAY (b, "xml.text", frame->path, "<%s> holds no text; values are "
               "attributes", frame->name);
}
