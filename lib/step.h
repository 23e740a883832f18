/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is made before QEMU starts, in the order of the NixOS start script. */
#ifndef VMSPEC_STEP_H
#define VMSPEC_STEP_H

#include "decide.h"
#include "set.h"

struct step {
  struct vmspec_step told;     /* what callers see */
  struct vmspec_image image;   /* of an image or an overlay */
  const char *source_option;   /* path of the option that names the source */
};

struct steps {
  const struct step *items;
  size_t count;
  struct set files;            /* to the items' numbers */
  /* Names in the top directory of the store that its image is to hold; NULL: all
   * of them. */
  const char *const *kept;
};

/* 0, -ENOMEM, or -EINVAL with findings. */
int vms_decide_steps (struct steps *steps, const struct resolution *r,
                      const struct decided *d, vmspec_diag *diag);
/* The step that makes this file; NULL if none does. */
const struct step *vms_step_for (const struct steps *steps, const char *file);

#define STORE_LABEL "nix-store"
/* So that the same store gives the same image: NixOS's choice. */
#define STORE_UUID "eb176051-bd15-49b7-9e6b-462e0b467019"

#endif
