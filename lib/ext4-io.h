/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What libext2fs reads from and writes to: a part of an image. */
#ifndef VMSPEC_EXT4_IO_H
#define VMSPEC_EXT4_IO_H

#include "image.h"
#include "work.h"

#include <ext2fs/ext2fs.h>

struct ext4_disk {
  struct image *image;
  uint64_t offset, size; /* in the image */
  struct work *work;     /* that may be cancelled; or NULL */
  int cancelled;
};

/* libext2fs opens by name: this is the name of @disk.  At least
 * EXT4_DISK_NAME bytes. */
#define EXT4_DISK_NAME 32
void vms_ext4_disk_name (const struct ext4_disk *disk, char *name);
extern const struct struct_io_manager vms_ext4_io_manager;

#endif
