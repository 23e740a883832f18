/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a system image is to be, and where everything is in it. */
#ifndef VMSPEC_SYSTEM_IMAGE_H
#define VMSPEC_SYSTEM_IMAGE_H

#include "boot-code.h"
#include "esp.h"
#include "ext4-tree.h"
#include "partition.h"

struct system_image {
  struct work *work;
  struct vmspec_system_image *spec;
  struct tree_needs needs;
  struct esp esp;
  struct boot_code boot;
  struct partition_table table;
  const struct partition *esp_partition;  /* or NULL */
  uint64_t core_place, core_room;         /* bytes; 0: there is none */
  uint32_t esp_serial;
  unsigned char hash_seed[16];
  struct ext4_setup root;
  int error;                              /* the first of those said */
};

/* Everything that is wrong is said, so this does not end the checks. */
#define REFUSE_SYSTEM(s, error_, ...)                                          \
  do {                                                                         \
    int error__ = vms_work_fail ((s)->work, error_, __VA_ARGS__);              \
                                                                               \
    if (!(s)->error)                                                           \
      (s)->error = error__;                                                    \
  } while (0)

int vms_system_image_has_esp (const struct system_image *s);
/* Where the core image goes, by the partition table alone. */
void vms_system_image_place_core (struct system_image *s);
/* Sizes, places and identities of everything.  0 or -errno with a finding. */
int vms_system_image_lay_out (struct system_image *s);

#endif
