/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Every default filled in. */
#ifndef VMSPEC_DEFAULT_H
#define VMSPEC_DEFAULT_H

#include "arch.h"
#include "host.h"

struct resolution {
  struct arena *arena;
  const struct vmspec *given;     /* as it was said: our own copy */
  const struct vmspec_host *host;
  const struct arch *arch;

  struct vmspec spec;             /* points at what follows */
  struct vmspec_qemu qemu;
  struct vmspec_disk disk;
  struct vmspec_network network;
  struct vmspec_boot boot;
  struct vmspec_efi efi;
  struct vmspec_tpm tpm;
  struct vmspec_store store;
  struct vmspec_guest guest;

  /* How many entries of a list come before those that were said. */
  size_t own_drives, own_shares;
  const char *default_initrd;     /* of boot.system, or NULL */
  int needs_smm;                  /* the firmware hangs without SMM */
};

/* @given was copied into the arena and is valid.  Lists' entries are completed
 * where they are. */
void vms_resolve (struct resolution *r, struct arena *arena,
                  const struct vmspec *given, const struct vmspec_host *host);

/* The emulator's part of it (emulator.c). */
void vms_default_emulator (struct resolution *r);

/* The mount table, which is made of everything else (mounts.c). */
void vms_resolve_mounts (struct resolution *r, vmspec_diag *diag);

/* Where the guest mounts a share. */
const char *vms_share_mount_point (const struct resolution *r,
                                   const struct vmspec_share *share);

static inline int
is_on (uint32_t a_switch)
{
  return a_switch == VMSPEC_ON;
}

static inline uint32_t
to_switch (int condition)
{
  return condition ? VMSPEC_ON : VMSPEC_OFF;
}

/* For members that are not said: 0 or NULL. */
#define DEFAULT(member, value)                                                 \
  do                                                                           \
    if (!(member))                                                             \
      (member) = (value);                                                      \
  while (0)

#endif
