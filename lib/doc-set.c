/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * key=value.  Whatever a key leads through is copied on the way, and the new
 * description takes the place of the old one only when all went well.
 */
#include "doc.h"

#include <errno.h>
#include <string.h>

#include "nixos-name.h"
#include "suggest.h"
#include "value.h"

struct assignment {
  vmspec_doc *doc;
  vmspec_diag *diag;
  const char *place; /* what is no longer as the file says, or NULL */
  int error;
};

#define SAY(a, id, path, ...)                                                  \
  do {                                                                         \
    (a)->error = -EINVAL;                                                      \
    vms_diag_add ((a)->diag, VMSPEC_SEVERITY_ERROR, id, path, NULL, __VA_ARGS__); \
  } while (0)

/* What a message calls the option: all of its key. */
static const char *
key (struct assignment *a, const struct path *path)
{
  const char *text = vms_path_text (&a->doc->arena, path);

  return text ? text : path->name;
}

static void
note_place (struct assignment *a, const struct path *path)
{
  if (!a->place)
    a->place = vms_path_text (&a->doc->arena, path);
}

/* A struct of our own to change; a new one if there is none yet. */
static void *
own_copy (struct assignment *a, const char *tag, const void *from)
{
  void *copy = vms_doc_struct (&a->doc->arena, tag);

  if (copy && from)
    memcpy (copy, from, vms_spec_size (vms_option_first (tag)));
  return copy;
}

/* ---- keys --------------------------------------------------------------- */

static int
same_name (const char *name, const char *text, size_t size)
{
  for (size_t i = 0; i < size; i++)
    if (name[i] != (text[i] == '-' ? '_' : text[i]))
      return 0;
  return !name[size];
}

static const struct vmspec_option *
find_member (const struct vmspec_option *rows, const char *text, size_t size)
{
  for (const struct vmspec_option *o = rows; o; o = vms_option_sibling (o))
    if (o->kind < VMSPEC_KIND_SIZE && same_name (o->name, text, size))
      return o;
  return NULL;
}

/* What was meant may stand here, or in one of the groups. */
static void
offer_members (struct suggestion *near, const struct vmspec_option *rows,
               const char *prefix, const char *group)
{
  const char *dot = *group ? "." : "";

  for (const struct vmspec_option *o = rows; o; o = vms_option_sibling (o))
    if (o->kind < VMSPEC_KIND_SIZE)
      vms_suggestion_offer (near, o->name, "'%s%s%s%s'", prefix, group, dot,
                            o->name);
  for (const struct vmspec_option *o = rows; o && !*near->hint;
       o = vms_option_sibling (o))
    if (o->kind == VMSPEC_KIND_GROUP)
      offer_members (near, vms_option_first (o->element), prefix, o->name);
}

static void
say_unknown (struct assignment *a, const struct vmspec_option *rows,
             const char *text, size_t size, const struct path *parent)
{
  struct arena *arena = &a->doc->arena;
  const char *word = vms_arena_copy (arena, text, size);
  const char *prefix = vms_path_text (arena, parent), *nixos;
  struct suggestion near = { .word = word };

  if (!word || !prefix)
    return;
  if (*prefix)
    prefix = vms_arena_concat (arena, prefix, ".", (char *) NULL);
  if (!prefix)
    return;
  offer_members (&near, rows, prefix, "");
  nixos = vms_nixos_name_hint (arena, word);
  SAY (a, "set.unknown-key", parent, "there is no option '%s%s'%s", prefix,
       word, nixos ? nixos : near.hint);
}

/* ---- values ------------------------------------------------------------- */

static void assign (struct assignment *a, const struct vmspec_option *rows,
                    void *spec, const char *text, const struct path *parent);

static void
assign_scalar (struct assignment *a, const struct vmspec_option *option,
               void *spec, const char *rest, const struct path *path)
{
  struct origin origin = { path, NULL, a->diag };

  if (*rest != '=')
    SAY (a, "set.syntax", path, "%s is one value: write %s=VALUE",
         key (a, path), key (a, path));
  else if (vms_value_parse (&a->doc->arena, option, rest + 1, spec, &origin))
    a->error = -EINVAL;
  else
    note_place (a, path);
}

static void
assign_group (struct assignment *a, const struct vmspec_option *option,
              void *spec, const char *rest, const struct path *path)
{
  void *group;

  if (*rest != '.') {
    SAY (a, "set.syntax", path, "%s is a group: write %s.MEMBER=VALUE",
         key (a, path), key (a, path));
    return;
  }
  group = own_copy (a, option->element, vms_option_pointer (option, spec));
  vms_option_set_pointer (option, spec, group);
  if (group)
    assign (a, vms_option_first (option->element), group, rest + 1, path);
}

/* The text up to a comma, where two commas stand for one; @text is then behind
 * it, or NULL at the end. */
static const char *
next_piece (struct arena *arena, const char **text)
{
  struct text piece = { .arena = arena };
  const char *at = *text;

  for (;;) {
    size_t size = strcspn (at, ",");

    vms_text_add_bytes (&piece, at, size);
    at += size;
    if (at[0] != ',' || at[1] != ',')
      break;
    vms_text_add (&piece, ",");
    at += 2;
  }
  *text = *at ? at + 1 : NULL;
  return vms_text_end (&piece);
}

static void
assign_members (struct assignment *a, const struct vmspec_option *rows,
                void *entry, const char *text, const struct path *path)
{
  while (text) {
    const char *piece = next_piece (&a->doc->arena, &text);

    if (!piece)
      return;
    if (strchr (piece, '='))
      assign (a, rows, entry, piece, path);
    else
      SAY (a, "set.syntax", path, "'%s' is not of the form MEMBER=VALUE; "
           "write ,, for a comma that belongs to a value", piece);
  }
}

static void
assign_entry (struct assignment *a, const struct vmspec_option *option,
              const void **entry, const char *rest, const struct path *path)
{
  const struct vmspec_option *rows;
  void *copy;

  if (option->kind == VMSPEC_KIND_STRINGS) {
    if (*rest == '=')
      *entry = vms_arena_strdup (&a->doc->arena, rest + 1);
    else
      SAY (a, "set.syntax", path, "an entry is one text: write %s=VALUE",
           key (a, path));
    return;
  }
  rows = vms_option_first (option->element);
  *entry = copy = own_copy (a, option->element, *entry);
  if (!copy)
    return;
  if (*rest == '.')
    assign (a, rows, copy, rest + 1, path);
  else if (*rest == '=')
    assign_members (a, rows, copy, rest + 1, path);
  else
    SAY (a, "set.syntax", path, "write %s.MEMBER=VALUE, or "
         "%s=MEMBER=VALUE,MEMBER=VALUE", key (a, path), key (a, path));
}

/* ---- lists -------------------------------------------------------------- */

/* "[]" is the entry after the last, "[2]" one that exists.  Returns what is
 * behind the bracket, or NULL after a finding. */
static const char *
read_index (struct assignment *a, const char *rest, size_t length,
            struct path *path)
{
  size_t digits = strspn (rest + 1, "0123456789"), index = 0;
  const char *end = rest + 1 + digits;

  if (*rest != '[' || *end != ']') {
    const char *list = key (a, path);

    SAY (a, "set.syntax", path, "%s is a list: write %s[]=... to add an entry, "
         "%s[0]=... to change one, %s= for none", list, list, list, list);
    return NULL;
  }
  for (size_t i = 0; i < digits && index < length; i++)
    index = index * 10 + (size_t) (rest[1 + i] - '0');
  if (digits && index >= length) {
    SAY (a, "set.index", path, "%s has no entry %.*s, only %zu in all; write "
         "%s[] to add one", key (a, path), (int) digits, rest + 1, length,
         key (a, path));
    return NULL;
  }
  path->has_index = 1;
  path->index = digits ? index : length;
  return end + 1;
}

static void
assign_list (struct assignment *a, const struct vmspec_option *option,
             void *spec, const char *rest, struct path *path)
{
  const void *const *old = vms_option_pointer (option, spec);
  int emptied = !strcmp (rest, "=");
  size_t length = emptied ? 0 : vms_list_length (old);
  const void **list
    = vms_arena_alloc (&a->doc->arena, (length + 2) * sizeof *list);

  if (!emptied)
    rest = read_index (a, rest, length, path);
  if (!list || !rest)
    return;
  if (length)
    memcpy (list, old, length * sizeof *list);
  vms_option_set_pointer (option, spec, list);
  if (emptied || path->index == length || *rest == '=')
    note_place (a, path);
  if (!emptied)
    assign_entry (a, option, &list[path->index], rest, path);
}

static void
assign (struct assignment *a, const struct vmspec_option *rows, void *spec,
        const char *text, const struct path *parent)
{
  size_t size = strcspn (text, ".[=");
  const struct vmspec_option *option = find_member (rows, text, size);
  struct path path = { .parent = parent };

  if (!option) {
    say_unknown (a, rows, text, size, parent);
    return;
  }
  path.name = option->name;
  if (vms_value_is_scalar (option))
    assign_scalar (a, option, spec, text + size, &path);
  else if (option->kind == VMSPEC_KIND_GROUP)
    assign_group (a, option, spec, text + size, &path);
  else
    assign_list (a, option, spec, text + size, &path);
}

int
vmspec_doc_set (vmspec_doc *doc, const char *assignment, vmspec_diag *diag)
{
  struct assignment a = { .doc = doc, .diag = diag };
  void *spec = own_copy (&a, "vmspec", doc->spec);

  if (!strchr (assignment, '='))
    SAY (&a, "set.syntax", NULL, "'%s' is not of the form KEY=VALUE",
         assignment);
  else if (spec)
    assign (&a, vms_option_first ("vmspec"), spec, assignment, NULL);
  if (a.error == 0 && a.place && doc->file)
    vms_doc_note_line (doc, a.place, 0);
  if (vms_arena_error (&doc->arena))
    return vms_arena_error (&doc->arena);
  if (a.error == 0) {
    doc->spec = spec;
    vms_doc_settle (doc);
  }
  return a.error;
}
