/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * All settings as one JSON object, by the option table.
 *
 * Switches are true and false, enumerations the names of their values; what is
 * not said is null.  JSON is UTF-8: a text that is not is an array of its bytes,
 * as in the journal's JSON, so that nothing is lost and nothing looks like
 * something else.
 */
#include "guest.h"

#include "option.h"

#include <errno.h>
#include <jansson.h>
#include <string.h>

/* ---- values ------------------------------------------------------------- */

static json_t *object (const char *owner, const void *from);

/* The array with one item more; NULL if that cannot be. */
static json_t *
appended (json_t *array, json_t *item)
{
  if (json_array_append_new (array, item) == 0)
    return array;
  json_decref (array);
  return NULL;
}

static json_t *
text_value (const char *text)
{
  json_t *bytes;

  if (!text)
    return json_null ();
  if (vms_guest_is_utf8 (text))
    return json_string (text);
  for (bytes = json_array (); *text; text++)
    bytes = appended (bytes, json_integer ((unsigned char) *text));
  return bytes;
}

static json_t *
switch_value (uint32_t value)
{
  return value == VMSPEC_UNSET ? json_null () : json_boolean (is_on (value));
}

static json_t *
enum_value (const struct vmspec_option *option, uint32_t number)
{
  return number ? json_string (vms_option_value (option->owner, option->name,
                                                 number))
                : json_null ();
}

static json_t *
number_value (const struct vmspec_option *option, uint64_t number)
{
  int zero_says_nothing = !(option->flags & VMSPEC_OPTION_ZERO_OK);

  if (number > INT64_MAX || (!number && zero_says_nothing))
    return json_null ();
  return json_integer ((json_int_t) number);
}

/* Of texts, which have no element, or of structs. */
static json_t *
list_value (const struct vmspec_option *option, const void *const *item)
{
  json_t *array = item ? json_array () : json_null ();

  for (; item && *item; item++)
    array = appended (array, option->element ? object (option->element, *item)
                                             : text_value (*item));
  return array;
}

static json_t *
member_value (const struct vmspec_option *option, const void *from)
{
  const char *at = (const char *) from + option->offset;
  const void *pointer = NULL;
  uint32_t number = 0;
  uint64_t large = 0;

  if (option->size == sizeof number)
    memcpy (&number, at, sizeof number);
  if (option->kind == VMSPEC_KIND_UINT64)
    memcpy (&large, at, sizeof large);
  else if (option->size == sizeof pointer)
    memcpy (&pointer, at, sizeof pointer);

  switch (option->kind) {
    case VMSPEC_KIND_STRING:
    case VMSPEC_KIND_PATH:
      return text_value (pointer);
    case VMSPEC_KIND_UINT32:
      return number_value (option, number);
    case VMSPEC_KIND_UINT64:
      return number_value (option, large);
    case VMSPEC_KIND_SWITCH:
      return switch_value (number);
    case VMSPEC_KIND_ENUM:
      return enum_value (option, number);
    case VMSPEC_KIND_STRINGS:
    case VMSPEC_KIND_LIST:
      return list_value (option, pointer);
    case VMSPEC_KIND_GROUP:
      return pointer ? object (option->element, pointer) : json_null ();
    default:
      return NULL;
  }
}

/* What says nothing of the guest, or holds this text itself. */
static int
is_left_out (const struct vmspec_option *option)
{
  return option->kind == VMSPEC_KIND_SIZE || option->kind == VMSPEC_KIND_RESERVED
         || option->kind == VMSPEC_KIND_CALLBACK
         || option->kind == VMSPEC_KIND_POINTER
         || (option->element && !strcmp (option->element, "vmspec_guest_file"));
}

/* NULL, and memory is exhausted, as for all of Jansson's functions, which then do
 * nothing when they are given it. */
static json_t *
object (const char *owner, const void *from)
{
  const struct vmspec_option *option = vms_option_first (owner);
  json_t *all = json_object ();

  for (; option; option = vms_option_sibling (option))
    if (!is_left_out (option)
        && json_object_set_new (all, option->name,
                                member_value (option, from)) < 0) {
      json_decref (all);
      return NULL;
    }
  return all;
}

/* ---- all of it ---------------------------------------------------------- */

static int
add_bytes (const char *bytes, size_t size, void *text)
{
  vms_text_add_bytes (text, bytes, size);
  return 0;
}

void
vms_guest_json (struct vector *files,
                const struct vmspec_guest_settings *settings, vmspec_diag *diag)
{
  struct text text = { .arena = files->arena };
  json_t *all = object ("vmspec_guest_settings", settings);

  (void) diag;
  if (json_dump_callback (all, add_bytes, &text, JSON_INDENT (2)) < 0)
    files->arena->error = -ENOMEM;
  json_decref (all);
  vms_text_add (&text, "\n");
  vms_guest_add (files, VMSPEC_GUEST_FORM_JSON, "guest.json", vms_text_end (&text));
}
