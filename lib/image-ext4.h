/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The ext4 file system that an image is made with. */
#ifndef VMSPEC_IMAGE_EXT4_H
#define VMSPEC_IMAGE_EXT4_H

#include "ext4-tree.h"

struct image_ext4 {
  struct tree_needs needs;
  unsigned char uuid[16];
};

/* What was said about it; all that is wrong has a finding.  0 or the error of the
 * first. */
int vms_image_ext4_check (struct image_ext4 *ext4, struct work *work,
                          const struct vmspec_image *image);
/* What the tree takes, which gives the image a size that was not said.  0 or
 * -errno with a finding, here and below. */
int vms_image_ext4_measure (struct image_ext4 *ext4, struct work *work,
                            struct vmspec_image *image);
int vms_image_ext4_make (struct image_ext4 *ext4, struct work *work,
                         const struct vmspec_image *image, struct image *to);

#endif
