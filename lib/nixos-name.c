/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "nixos-name.h"

#include "option.h"

#include <string.h>

/* Options that the module has renamed or removed, and what they became here. */
static const struct {
  const char *name, *hint;
} gone[] = {
  { "virtualisation", "; leave out 'virtualisation.'" },
  { "directBoot", "; it is 'boot.direct' and 'boot.initrd' here" },
  { "pathsInNixDB", "; it is called 'store.additional_paths' here" },
  { "bootDevice", "; the device with the root file system is "
                  "'boot.root_device', that of the boot loader "
                  "'boot.loader_device', and that of /boot 'boot.partition'" },
  { "efiVars", "; 'efi.state' is the machine's own file of variables, and "
               "'efi.variables' what it is made from" },
  { "persistBootDevice", "; leave it out: a root disk with a boot loader is "
                         "always kept" },
};

/* The last part of "virtualisation.forwardPorts.*.proto". */
static const char *
last_part (const char *nixos)
{
  const char *dot = strrchr (nixos, '.');

  return dot ? dot + 1 : nixos;
}

static int
is_named (const struct vmspec_option *option, const char *word)
{
  static const char module[] = "virtualisation.";
  const char *nixos = option->nixos;

  if (!nixos || strncmp (nixos, module, strlen (module))
      || !strcmp (last_part (nixos), option->name))
    return 0;
  /* Too many are called so, or could be. */
  return strlen (word) > 1 && strcmp (word, "enable")
         && !strcmp (last_part (nixos), word);
}

/* What the members of a struct have before them: "boot.", "shares[].". */
static const char *
prefix_of (struct arena *arena, const char *owner)
{
  for (const struct vmspec_option *o = vmspec_option_next (NULL); o;
       o = vmspec_option_next (o))
    if (o->element && !strcmp (o->element, owner))
      return vms_arena_concat (arena, prefix_of (arena, o->owner), o->name,
                               o->kind == VMSPEC_KIND_LIST ? "[]." : ".",
                               (char *) NULL);
  return "";
}

const char *
vms_nixos_name_hint (struct arena *arena, const char *word)
{
  for (size_t i = 0; i < sizeof gone / sizeof *gone; i++)
    if (!strcmp (gone[i].name, word))
      return gone[i].hint;
  for (const struct vmspec_option *o = vmspec_option_next (NULL); o;
       o = vmspec_option_next (o))
    if (is_named (o, word))
      return vms_arena_concat (arena, "; it is called '",
                               prefix_of (arena, o->owner), o->name, "' here",
                               (char *) NULL);
  return NULL;
}
