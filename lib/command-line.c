/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a kernel that is booted directly is told. */
#include "credential.h"

static const char *
joined (struct arena *arena, const char *prefix, const char *const *words)
{
  struct text text = { .arena = arena };

  for (; words && *words; words++) {
    if (text.size)
      vms_text_add (&text, " ");
    vms_text_add (&text, prefix);
    vms_text_add (&text, *words);
  }
  return vms_text_end (&text);
}

/* Parts with a blank between them.  A NixOS system's line was observed with
 * blanks for empty parts, too. */
static const char *
command_line (const struct decided *d, const struct resolution *r)
{
  const struct vmspec_boot *b = &r->boot;
  const char *more = vms_environment_said (d->environment, "QEMU_KERNEL_PARAMS");
  const char *parts[] = {
    joined (r->arena, "", b->kernel_params),
    b->system ? vms_arena_concat (r->arena, "init=", b->system, "/init",
                                  (char *) NULL) : NULL,
    b->system && b->registration
      ? vms_arena_concat (r->arena, "regInfo=", b->registration, (char *) NULL)
      : NULL,
    joined (r->arena, "console=", r->qemu.consoles),
    more ? more : "",
  };
  struct text line = { .arena = r->arena };
  int first = 1;

  for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
    if (!parts[i] || (!b->system && !*parts[i]))
      continue;
    if (!first)
      vms_text_add (&line, " ");
    vms_text_add (&line, parts[i]);
    first = 0;
  }
  vms_credential_params (&line, d);
  return vms_text_end (&line);
}

void
vms_decide_command_line (struct decided *d, const struct resolution *r)
{
  if (is_on (r->boot.direct))
    d->command_line = command_line (d, r);
}
