/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * In place of what needs libext2fs, libqcow, libfdisk, libblkid and libuuid.
 * Images and overlays are made without them, and read as far as their headers go.
 */
#include "image-ext4.h"
#include "image-layer.h"
#include "without.h"

#include <errno.h>

#define ID "build.without-images"
#define CONFIGURED "--without-images"

int
vms_image_ext4_check (struct image_ext4 *ext4, struct work *work,
                      const struct vmspec_image *image)
{
  (void) ext4;
  (void) image;
  return vms_without (work->diag, ID, CONFIGURED,
                      work->option ? work->option : "content",
                      "it makes no file systems: have the guest make it, or make "
                      "the image before, by mkfs.ext4 and qemu-img");
}

int
vms_image_ext4_measure (struct image_ext4 *ext4, struct work *work,
                        struct vmspec_image *image)
{
  return vms_image_ext4_check (ext4, work, image);
}

int
vms_image_ext4_make (struct image_ext4 *ext4, struct work *work,
                     const struct vmspec_image *image, struct image *to)
{
  (void) to;
  return vms_image_ext4_check (ext4, work, image);
}

int
vmspec_system_image (const struct vmspec_system_image *image,
                     const struct vmspec_work *work, vmspec_diag *diag)
{
  (void) image;
  (void) work;
  return vms_without (diag, ID, CONFIGURED, NULL,
                      "it makes no system images: make it by other tools");
}

/* Of libqcow's second opinion there is none. */
int
vms_image_qcow_confirm (const struct image_layer *layer)
{
  (void) layer;
  return 0;
}

int
vms_image_qcow_inflate (const void *stream, size_t size, uint32_t cluster_bits,
                        void *cluster)
{
  (void) stream;
  (void) size;
  (void) cluster_bits;
  (void) cluster;
  return -ENOTSUP;
}

/* What an image is can be told without what it holds. */
int
vms_image_probe (struct work *work, struct image_layer *top)
{
  (void) top;
  vms_diag_add (work->diag, VMSPEC_SEVERITY_WARNING, ID, NULL, NULL,
                "this libvmspec was configured %s, so it does not tell what the "
                "image holds: see blkid(8)", CONFIGURED);
  return 0;
}
