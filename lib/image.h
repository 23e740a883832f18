/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A disk image while it is written: raw, or qcow2 version 3 with default
 * features (docs/interop/qcow2.txt of QEMU).
 *
 * Writes go to any place in any order and gather in memory, from where they
 * reach the file in the order of the disk.  What is zero costs nothing: only
 * pieces that hold something are stored.
 */
#ifndef VMSPEC_IMAGE_H
#define VMSPEC_IMAGE_H

#include <vmspec/vmspec.h>

struct image_format {
  uint32_t format;           /* VMSPEC_IMAGE_FORMAT_RAW or _QCOW2 */
  uint64_t size;             /* that the guest sees, in bytes */
  uint32_t cluster_size;     /* a power of two from 512 to 2 MiB */
  int lazy_refcounts;
  int preallocate;           /* metadata */
  const char *backing;       /* file name to record, or NULL */
  const char *backing_format;
};

struct image;

/* The largest size that the format can have, in bytes. */
uint64_t vms_image_largest (const struct image_format *format);

/* @fd is an empty file, and stays the caller's.  0, -ENOMEM, -EFBIG. */
int vms_image_new (int fd, const struct image_format *format,
                   struct image **ret_image);
/* 0 or -errno.  Sticky: after the first failure nothing is done, and
 * vms_image_finish returns it again. */
int vms_image_write (struct image *image, uint64_t offset, const void *data,
                     uint64_t size);
int vms_image_read (struct image *image, uint64_t offset, void *data,
                    uint64_t size);
int vms_image_zero (struct image *image, uint64_t offset, uint64_t size);
/* Gives a part of the disk that nothing was written to yet one place in the
 * file, for others to write to at *ret_offset (through the descriptor), and
 * holes where they do not.  @offset and @size are multiples of the cluster
 * size.  Nothing may be written to the image until vms_image_adopt, which takes
 * over what was written and gives back what was not. */
int vms_image_lend (struct image *image, uint64_t offset, uint64_t size,
                    uint64_t *ret_offset);
int vms_image_adopt (struct image *image, uint64_t offset, uint64_t size);
/* Writes what is left, and the tables. */
int vms_image_finish (struct image *image);
/* The first failure, or 0. */
int vms_image_error (const struct image *image);
/* Bytes that went to the file so far. */
uint64_t vms_image_written (const struct image *image);
void vms_image_free (struct image *image);

#endif
