/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "value.h"

#include <errno.h>
#include <string.h>

#include "suggest.h"

#define NONE_TEXT "none"

#define SAY(id, ...)                                                           \
  vms_diag_add (origin->diag, VMSPEC_SEVERITY_ERROR, id, origin->path,         \
                origin->place, __VA_ARGS__)

int
vms_value_is_scalar (const struct vmspec_option *option)
{
  return option->kind >= VMSPEC_KIND_STRING && option->kind <= VMSPEC_KIND_ENUM;
}

static int
is_pointer (const struct vmspec_option *option)
{
  return option->kind != VMSPEC_KIND_UINT32
         && option->kind != VMSPEC_KIND_UINT64
         && option->kind != VMSPEC_KIND_SWITCH
         && option->kind != VMSPEC_KIND_ENUM;
}

/* ---- integers ----------------------------------------------------------- */

static int
takes_none (const struct vmspec_option *option)
{
  return option->kind == VMSPEC_KIND_UINT64
         && option->flags & VMSPEC_OPTION_NONE_OK;
}

static int
in_range (const struct vmspec_option *option, uint64_t number)
{
  if (!number)
    return (option->flags & VMSPEC_OPTION_ZERO_OK) != 0;
  return number >= option->min && number <= option->max;
}

static const char units[] = "KMGTP";

/* Digits, and where bytes are counted, a unit. */
static int
is_number (const struct vmspec_option *option, const char *text)
{
  size_t digits = strspn (text, "0123456789");

  if (digits && text[digits] && option->flags & VMSPEC_OPTION_BYTES)
    return strchr (units, text[digits]) && !text[digits + 1];
  return digits && !text[digits];
}

/* 0 if the text stands for a larger number than there is. */
static int
read_number (const char *text, uint64_t *ret_number)
{
  uint64_t number = 0;
  int power;

  for (; *text >= '0' && *text <= '9'; text++)
    if (__builtin_mul_overflow (number, 10, &number)
        || __builtin_add_overflow (number, (uint64_t) (*text - '0'), &number))
      return 0;
  power = *text ? 10 * (int) (strchr (units, *text) - units + 1) : 0;
  if (number > UINT64_MAX >> power)
    return 0;
  *ret_number = number << power;
  return 1;
}

static const char *
form_of (const struct vmspec_option *option)
{
  if (option->flags & VMSPEC_OPTION_BYTES)
    return "a whole number in decimal digits, of bytes, or with K, M, G, T or P "
           "at its end";
  return takes_none (option)
           ? "a whole number in decimal digits or " NONE_TEXT
             ", without sign or unit"
           : "a whole number in decimal digits, without sign or unit";
}

static int
parse_integer (const struct vmspec_option *option, const char *text,
               uint64_t *ret_number, const struct origin *origin)
{
  uint64_t number;

  if (takes_none (option) && !strcmp (text, NONE_TEXT)) {
    *ret_number = VMSPEC_NONE;
    return 0;
  }
  if (!is_number (option, text)) {
    SAY ("value.integer", "%s must be %s, not '%s'", option->name,
         form_of (option), text);
    return -EINVAL;
  }
  if (!read_number (text, &number) || !in_range (option, number)) {
    SAY ("value.range", "%s must be between %llu and %llu, not %s",
         option->name, (unsigned long long) option->min,
         (unsigned long long) option->max, text);
    return -EINVAL;
  }
  *ret_number = number;
  return 0;
}

/* ---- switches and enumerations ------------------------------------------ */

/* "off or on", "raw, qcow2 or vdi" */
static const char *
choices (struct arena *arena, const char *const *names)
{
  struct text text = { .arena = arena };
  size_t n = vms_list_length (names);
  const char *all;

  for (size_t i = 0; i < n; i++) {
    if (!*names[i])
      continue;
    if (text.size)
      vms_text_add (&text, i + 1 < n ? ", " : " or ");
    vms_text_add (&text, names[i]);
  }
  all = vms_text_end (&text);
  return all ? all : "";
}

static int
parse_name (struct arena *arena, const struct vmspec_option *option,
            const char *text, uint64_t *ret_number,
            const struct origin *origin)
{
  struct suggestion near = { .word = text };

  for (uint64_t i = 0; option->values[i]; i++) {
    const char *name = option->values[i];

    if (*name && !strcmp (name, text)) {
      *ret_number = i;
      return 0;
    }
    vms_suggestion_offer (&near, name, "'%s'", name);
  }
  SAY (option->kind == VMSPEC_KIND_SWITCH ? "value.switch" : "value.enum",
       "%s must be %s, not '%s'%s", option->name,
       choices (arena, option->values), text,
       option->kind == VMSPEC_KIND_SWITCH ? "" : near.hint);
  return -EINVAL;
}

/* ---- all ---------------------------------------------------------------- */

int
vms_value_parse (struct arena *arena, const struct vmspec_option *option,
                 const char *text, void *spec, const struct origin *origin)
{
  uint64_t number;
  int r;

  if (is_pointer (option)) {
    vms_option_set_pointer (option, spec, vms_arena_strdup (arena, text));
    return vms_arena_error (arena);
  }
  if (option->values)
    r = parse_name (arena, option, text, &number, origin);
  else
    r = parse_integer (option, text, &number, origin);
  if (r == 0)
    vms_option_set_number (option, spec, number);
  return r;
}

int
vms_value_is_said (const struct vmspec_option *option, const void *spec)
{
  if (is_pointer (option))
    return vms_option_pointer (option, spec) != NULL;
  return vms_option_number (option, spec) != 0
         || option->flags & VMSPEC_OPTION_ZERO_OK;
}

const char *
vms_value_text (struct arena *arena, const struct vmspec_option *option,
                const void *spec)
{
  uint64_t number;

  if (is_pointer (option))
    return vms_option_pointer (option, spec);
  number = vms_option_number (option, spec);
  if (option->values)
    return number < vms_list_length (option->values) && *option->values[number]
             ? option->values[number] : NULL;
  if (takes_none (option) && number == VMSPEC_NONE)
    return NONE_TEXT;
  if (!in_range (option, number))
    return NULL;
  return vms_arena_printf (arena, "%llu", (unsigned long long) number);
}

int
vmspec_option_parse (const struct vmspec_option *option, const char *text,
                     void *spec, vmspec_diag *diag)
{
  const struct path path = { .name = option->name };
  const struct origin origin = { .path = &path, .diag = diag };
  struct arena arena = { 0 };
  int r = -EINVAL;

  if (vms_value_is_scalar (option))
    r = vms_value_parse (&arena, option, text, spec, &origin);
  else
    vms_diag_add (diag, VMSPEC_SEVERITY_ERROR, "value.not-scalar", &path, NULL,
                  "%s cannot be said in one text", option->name);
  if (r == 0)
    r = vms_arena_error (&arena);
  /* The copy goes; what was given stays. */
  if (r == 0 && is_pointer (option))
    vms_option_set_pointer (option, spec, text);
  vms_arena_free (&arena);
  return r;
}
