/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "generate.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

void
print_xml_name (FILE *out, const char *name)
{
  for (; *name; name++)
    putc (*name == '_' ? '-' : *name, out);
}

/* Whether a description, or what is in it, holds a struct before @before. */
static int
is_first_use (const char *tag, const struct vmspec_option *before)
{
  const struct vmspec_option *o = vmspec_option_next (NULL);

  for (; o != before; o = vmspec_option_next (o))
    if (o->element && !strcmp (o->element, tag))
      return 0;
  return 1;
}

static void
visit_below (void (*visit) (FILE *out, const char *tag), FILE *out,
             const char *tag)
{
  visit (out, tag);
  for (const struct vmspec_option *o = first_row (tag); o; o = next_row (o))
    if (o->element && is_first_use (o->element, o))
      visit_below (visit, out, o->element);
}

void
visit_structs (void (*visit) (FILE *out, const char *tag), FILE *out)
{
  visit_below (visit, out, "vmspec");
}

static const char *
kind_name (uint32_t kind)
{
  static const char *const names[] = {
    [VMSPEC_KIND_STRING] = "string",     [VMSPEC_KIND_PATH] = "path",
    [VMSPEC_KIND_UINT32] = "uint32",     [VMSPEC_KIND_UINT64] = "uint64",
    [VMSPEC_KIND_SWITCH] = "switch",     [VMSPEC_KIND_ENUM] = "enum",
    [VMSPEC_KIND_STRINGS] = "strings",   [VMSPEC_KIND_GROUP] = "group",
    [VMSPEC_KIND_LIST] = "list",         [VMSPEC_KIND_SIZE] = "size",
    [VMSPEC_KIND_RESERVED] = "reserved", [VMSPEC_KIND_CALLBACK] = "callback",
    [VMSPEC_KIND_POINTER] = "pointer",
  };

  return names[kind];
}

void
generate_layout (FILE *out)
{
  const struct vmspec_option *o = vmspec_option_next (NULL);

  for (; o; o = vmspec_option_next (o))
    fprintf (out, "%s %u %u %s %s\n", o->owner, o->offset, o->size,
             kind_name (o->kind), o->name);
}

void
generate_rules (FILE *out)
{
  static const char *const flags[]
    = { "none-ok", "required", "zero-ok", "absolute", "empty-ok", "bytes" };
  const struct vmspec_option *o = vmspec_option_next (NULL);

  for (; o; o = vmspec_option_next (o)) {
    fprintf (out, "%s %s since %u.%u.%u", o->owner, o->name, o->since >> 16,
             o->since >> 8 & 0xff, o->since & 0xff);
    for (size_t i = 0; o->flags >> i; i++)
      if (o->flags >> i & 1)
        fprintf (out, " %s", flags[i]);
    if (o->max)
      fprintf (out, " %" PRIu64 " to %" PRIu64, o->min, o->max);
    if (o->element)
      fprintf (out, " %s", o->element);
    for (size_t i = 1; o->values && o->values[i]; i++)
      fprintf (out, " \"%s\"", o->values[i]);
    putc ('\n', out);
  }
}

int
main (int argc, char **argv)
{
  static const struct {
    const char *name;
    void (*generate) (FILE *);
  } modes[] = { { "schema", generate_schema },
                { "options", generate_options },
                { "nixos", generate_nixos },
                { "layout", generate_layout },
                { "rules", generate_rules },
                { "bash", generate_bash },
                { "zsh", generate_zsh },
                { "fish", generate_fish } };

  for (size_t i = 0; argc == 2 && i < sizeof modes / sizeof *modes; i++)
    if (!strcmp (argv[1], modes[i].name)) {
      modes[i].generate (stdout);
      return finish_output (stdout) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
    }
  fputs ("usage: generate schema|options|nixos|layout|rules|bash|zsh|fish\n", stderr);
  return 2;
}
