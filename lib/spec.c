/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "spec.h"

#include <errno.h>
#include <string.h>

size_t
vms_spec_size (const struct vmspec_option *first)
{
  size_t end = 0;

  for (const struct vmspec_option *o = first; o; o = vms_option_sibling (o))
    end = (size_t) o->offset + o->size;
  return end;
}

size_t
vms_list_length (const void *list)
{
  const void *const *items = list;
  size_t n = 0;

  while (items && items[n])
    n++;
  return n;
}

uint64_t
vms_option_number (const struct vmspec_option *option, const void *spec)
{
  const char *at = (const char *) spec + option->offset;
  uint32_t small;
  uint64_t large;

  if (option->kind == VMSPEC_KIND_UINT64) {
    memcpy (&large, at, sizeof large);
    return large;
  }
  memcpy (&small, at, sizeof small);
  return small;
}

void
vms_option_set_number (const struct vmspec_option *option, void *spec,
                       uint64_t number)
{
  char *at = (char *) spec + option->offset;
  uint32_t small = (uint32_t) number;

  if (option->kind == VMSPEC_KIND_UINT64)
    memcpy (at, &number, sizeof number);
  else
    memcpy (at, &small, sizeof small);
}

const void *
vms_option_pointer (const struct vmspec_option *option, const void *spec)
{
  const void *pointer;

  memcpy (&pointer, (const char *) spec + option->offset, sizeof pointer);
  return pointer;
}

void
vms_option_set_pointer (const struct vmspec_option *option, void *spec,
                        const void *pointer)
{
  memcpy ((char *) spec + option->offset, &pointer, sizeof pointer);
}

/* ---- copying ------------------------------------------------------------ */

struct copy {
  struct arena *arena;
  vmspec_diag *diag;
  int error;
};

static void *copy_struct (struct copy *copy, const struct vmspec_option *rows,
                          const void *from, const struct path *path);

static const void *
copy_list (struct copy *copy, const struct vmspec_option *option,
           const void *const *from, const struct path *path)
{
  const struct vmspec_option *rows = NULL;
  size_t n = vms_list_length (from);
  const void **list = vms_arena_alloc (copy->arena, (n + 1) * sizeof *list);

  if (!list)
    return NULL;
  if (option->kind == VMSPEC_KIND_LIST)
    rows = vms_option_first (option->element);
  for (size_t i = 0; i < n; i++) {
    struct path entry = *path;

    entry.has_index = 1;
    entry.index = i;
    list[i] = rows ? copy_struct (copy, rows, from[i], &entry)
                   : vms_arena_strdup (copy->arena, from[i]);
    if (!list[i])
      return NULL;
  }
  return list;
}

static void
copy_member (struct copy *copy, const struct vmspec_option *option,
             const void *from, void *to, const struct path *parent)
{
  struct path path = { .parent = parent, .name = option->name };
  const void *pointer = NULL;

  switch (option->kind) {
  case VMSPEC_KIND_STRING:
  case VMSPEC_KIND_PATH:
    pointer = vms_arena_strdup (copy->arena, vms_option_pointer (option, from));
    break;
  case VMSPEC_KIND_STRINGS:
  case VMSPEC_KIND_LIST:
    pointer = vms_option_pointer (option, from);
    if (pointer)
      pointer = copy_list (copy, option, pointer, &path);
    break;
  case VMSPEC_KIND_GROUP:
    pointer = vms_option_pointer (option, from);
    if (pointer)
      pointer = copy_struct (copy, vms_option_first (option->element), pointer,
                             &path);
    break;
  case VMSPEC_KIND_CALLBACK:
  case VMSPEC_KIND_POINTER:
    pointer = vms_option_pointer (option, from);
    break;
  case VMSPEC_KIND_RESERVED:
    if (!vms_option_number (option, from))
      return;
    vms_diag_add (copy->diag, VMSPEC_SEVERITY_ERROR, "struct.reserved", &path,
                  NULL, "%s.%s is reserved and must be zero", option->owner,
                  option->name);
    copy->error = -EINVAL;
    return;
  case VMSPEC_KIND_SIZE:
    return;
  default:
    vms_option_set_number (option, to, vms_option_number (option, from));
    return;
  }
  vms_option_set_pointer (option, to, pointer);
}

/* No struct of any version will be larger: what says so is no struct. */
#define LARGEST_STRUCT (1 << 16)

/* Whether bytes that this library does not know are all zero. */
static int
tail_is_zero (const void *from, size_t known, size_t size)
{
  const unsigned char *bytes = from;

  for (size_t i = known; i < size; i++)
    if (bytes[i])
      return 0;
  return 1;
}

static int
size_accepted (struct copy *copy, const struct vmspec_option *rows,
               const void *from, size_t size, const struct path *path)
{
  size_t known = vms_spec_size (rows);

  if (size < sizeof (uint32_t)) {
    vms_diag_add (copy->diag, VMSPEC_SEVERITY_ERROR, "struct.size", path, NULL,
                  "struct %s has no struct_size; start its initialiser with "
                  "VMSPEC_INIT (%s)", rows->owner, rows->owner);
    copy->error = -EINVAL;
    return 0;
  }
  if (size > known
      && (size > LARGEST_STRUCT || !tail_is_zero (from, known, size))) {
    vms_diag_add (copy->diag, VMSPEC_SEVERITY_ERROR, "struct.too-new", path, NULL,
                  "struct %s has %zu bytes and uses members that this library, "
                  "which knows %zu bytes, does not have; use a newer library",
                  rows->owner, size, known);
    copy->error = -E2BIG;
    return 0;
  }
  return 1;
}

static void *
copy_struct (struct copy *copy, const struct vmspec_option *rows,
             const void *from, const struct path *path)
{
  size_t size = (size_t) vms_option_number (rows, from),
         known = vms_spec_size (rows);
  void *to = vms_arena_alloc (copy->arena, known);

  if (!to || !size_accepted (copy, rows, from, size, path))
    return to;
  vms_option_set_number (rows, to, known);
  for (const struct vmspec_option *o = rows; o; o = vms_option_sibling (o))
    if ((size_t) o->offset + o->size <= size)
      copy_member (copy, o, from, to, path);
  return to;
}

int
vms_spec_copy (struct arena *arena, const char *owner, const void *from,
               vmspec_diag *diag, void **ret_copy)
{
  struct copy copy = { .arena = arena, .diag = diag };
  void *to = copy_struct (&copy, vms_option_first (owner), from, NULL);

  if (vms_arena_error (arena))
    return vms_arena_error (arena);
  if (copy.error)
    return copy.error;
  *ret_copy = to;
  return 0;
}

/* ---- acceptance --------------------------------------------------------- *
 *
 * What is refused is replaced by something harmless in our copy, so that the
 * stages that follow can say what they have against the rest.
 */

struct acceptance {
  struct arena *arena;
  vmspec_diag *diag;
  int error;
};

#define SAY(id, ...)                                                           \
  do {                                                                         \
    a->error = -EINVAL;                                                        \
    vms_diag_add (a->diag, VMSPEC_SEVERITY_ERROR, id, path, NULL, __VA_ARGS__); \
  } while (0)

static void
accept_text (struct acceptance *a, const struct vmspec_option *option,
             void *spec, const struct path *path)
{
  const char *text = vms_option_pointer (option, spec);
  const uint32_t empty_ok = VMSPEC_OPTION_NONE_OK | VMSPEC_OPTION_EMPTY_OK;

  if (!text && option->flags & VMSPEC_OPTION_REQUIRED) {
    SAY ("option.missing", "%s must be given", option->name);
    vms_option_set_pointer (option, spec, vms_arena_strdup (a->arena, ""));
  } else if (text && !*text && !(option->flags & empty_ok)) {
    SAY ("option.empty", "%s must not be empty%s", option->name,
         option->flags & VMSPEC_OPTION_REQUIRED
           ? "" : "; leave it out for the default");
    if (!(option->flags & VMSPEC_OPTION_REQUIRED))
      vms_option_set_pointer (option, spec, NULL);
  } else if (text && *text && *text != '/'
             && option->flags & VMSPEC_OPTION_ABSOLUTE)
    SAY ("option.not-absolute", "%s must be an absolute path, not '%s'",
         option->name, text);
}

static void
accept_number (struct acceptance *a, const struct vmspec_option *option,
               void *spec, const struct path *path)
{
  uint64_t number = vms_option_number (option, spec);

  if (number == VMSPEC_NONE && option->kind == VMSPEC_KIND_UINT64
      && option->flags & VMSPEC_OPTION_NONE_OK)
    return;
  if (!number) {
    if (option->flags & VMSPEC_OPTION_REQUIRED)
      SAY ("option.missing", "%s must be given", option->name);
    return;
  }
  if (number >= option->min && number <= option->max)
    return;
  SAY ("option.range", "%s must be between %llu and %llu, not %llu",
       option->name, (unsigned long long) option->min,
       (unsigned long long) option->max, (unsigned long long) number);
  vms_option_set_number (option, spec,
                         number < option->min ? option->min : option->max);
}

static void
accept_name (struct acceptance *a, const struct vmspec_option *option,
             void *spec, const struct path *path)
{
  uint64_t number = vms_option_number (option, spec);

  if (!number
      || (number < vms_list_length (option->values) && *option->values[number]))
    return;
  if (option->kind == VMSPEC_KIND_SWITCH)
    SAY ("option.switch", "%s must be VMSPEC_UNSET, VMSPEC_OFF or VMSPEC_ON, "
         "not %llu", option->name, (unsigned long long) number);
  else
    SAY ("option.enum", "%s has no value number %llu", option->name,
         (unsigned long long) number);
  vms_option_set_number (option, spec, 0);
}

static void accept_struct (struct acceptance *a,
                           const struct vmspec_option *rows, void *spec,
                           const struct path *parent);

void *
vms_writable (const void *ours)
{
  void *same;

  memcpy (&same, &ours, sizeof same);
  return same;
}

static void
accept_list (struct acceptance *a, const struct vmspec_option *option,
             const void *const *list, const struct path *path)
{
  const struct vmspec_option *rows = vms_option_first (option->element);
  struct path entry = *path;

  entry.has_index = 1;
  for (size_t i = 0; list[i]; i++) {
    entry.index = i;
    accept_struct (a, rows, vms_writable (list[i]), &entry);
  }
}

static void
accept_struct (struct acceptance *a, const struct vmspec_option *rows,
               void *spec, const struct path *parent)
{
  for (const struct vmspec_option *o = rows; o; o = vms_option_sibling (o)) {
    struct path path = { .parent = parent, .name = o->name };

    switch (o->kind) {
    case VMSPEC_KIND_STRING:
    case VMSPEC_KIND_PATH:
      accept_text (a, o, spec, &path);
      break;
    case VMSPEC_KIND_UINT32:
    case VMSPEC_KIND_UINT64:
      accept_number (a, o, spec, &path);
      break;
    case VMSPEC_KIND_SWITCH:
    case VMSPEC_KIND_ENUM:
      accept_name (a, o, spec, &path);
      break;
    case VMSPEC_KIND_GROUP:
      if (vms_option_pointer (o, spec))
        accept_struct (a, vms_option_first (o->element),
                       vms_writable (vms_option_pointer (o, spec)), &path);
      break;
    case VMSPEC_KIND_LIST:
      if (vms_option_pointer (o, spec))
        accept_list (a, o, vms_option_pointer (o, spec), &path);
      break;
    }
  }
}

int
vms_spec_accept (struct arena *arena, const char *owner, void *spec,
                 vmspec_diag *diag)
{
  struct acceptance a = { .arena = arena, .diag = diag };

  accept_struct (&a, vms_option_first (owner), spec, NULL);
  return a.error;
}
