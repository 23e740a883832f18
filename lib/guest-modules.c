/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Kernel modules: those that the initial RAM disk has to hold, as dracut,
 * mkinitcpio and initramfs-tools take them, and of these the ones that something
 * has to load, by modules-load.d(5).
 */
#include "guest.h"

#include "set.h"

/* Whether there are any. */
static int
add_modules (struct text *text, const struct vmspec_guest_settings *settings,
             int only_loaded)
{
  const struct vmspec_kernel_need *const *need = settings->kernel_needs;
  struct set seen = { .arena = text->arena };

  for (; *need; need++) {
    uint32_t initrd = (*need)->initrd;

    if (!(*need)->module
        || (initrd != VMSPEC_INITRD_LOAD
            && (only_loaded || initrd != VMSPEC_INITRD_AVAILABLE))
        || vms_set_add (&seen, (*need)->module, 0))
      continue;
    vms_text_add (text, (*need)->module);
    vms_text_add (text, "\n");
  }
  return seen.count > 0;
}

void
vms_guest_modules (struct vector *files,
                   const struct vmspec_guest_settings *settings,
                   vmspec_diag *diag)
{
  struct text all = { .arena = files->arena };
  struct text loaded = { .arena = files->arena };
  struct vmspec_guest_file *file;

  (void) diag;
  vms_text_add (&all, "# Kernel modules that the initial RAM disk has to hold, by "
                      "vmspec.\n");
  add_modules (&all, settings, 0);
  vms_guest_add (files, VMSPEC_GUEST_FORM_MODULES, "initrd-modules",
                 vms_text_end (&all));
  vms_text_add (&loaded, "# Loaded at once: see modules-load.d(5).  Made by "
                         "vmspec.\n");
  if (!add_modules (&loaded, settings, 1))
    return;
  file = vms_guest_add (files, VMSPEC_GUEST_FORM_MODULES,
                        "/etc/modules-load.d/vmspec.conf", vms_text_end (&loaded));
  if (file)
    file->initrd = VMSPEC_ON;
}
