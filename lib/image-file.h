/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What image.c and qcow2.c share: an image while it is written. */
#ifndef VMSPEC_IMAGE_FILE_H
#define VMSPEC_IMAGE_FILE_H

#include "image.h"
#include "image-map.h"

#include <stddef.h>

/* What is gathered in one place, and the least that is looked at to see whether
 * it is zero.  At most 32 pieces make a unit. */
#define UNIT ((uint64_t) 65536)
#define PIECE ((uint64_t) 4096)

/* Clusters of the file that belong to nobody. */
struct hole {
  uint64_t first, count;
};

struct image {
  int fd, error;
  struct image_format format;
  uint64_t next;            /* cluster of the file that is free, and all after */
  uint64_t fixed;           /* with places that are given by the disk's own:
                               where the disk starts in the file */
  int is_fixed;
  uint64_t written;
  struct image_map map;     /* offsets in the file, by the disk's clusters */
  struct unit **units;      /* a hash table with open addresses */
  size_t n_units;
  struct unit *free_units;
  struct slab *slabs;
  struct hole *holes;
  size_t n_holes;
  uint64_t lent;            /* where in the file */
};

/* Notes an error, which stays.  Returns it. */
int vms_image_fail (struct image *image, int error);
/* All of it, at this place of the file. */
int vms_image_put (struct image *image, uint64_t place, const void *data,
                   uint64_t size);
/* The same without the pieces that are zero: they are holes in the file. */
int vms_image_put_sparsely (struct image *image, uint64_t place,
                            const void *data, uint64_t size);
int vms_image_truncate (struct image *image, uint64_t size);
int vms_image_is_zero (const void *data, uint64_t size);

/* qcow2.c */
uint64_t vms_qcow2_largest (uint32_t cluster_size);
/* Whether header and backing file's name fit in the first cluster. */
int vms_qcow2_header_fits (const struct image_format *format);
/* Writes the tables and the header, and sets the file's length. */
int vms_qcow2_finish (struct image *image);

#endif
