/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* An image that is open to be looked at, and what it is an overlay of. */
#ifndef VMSPEC_IMAGE_LAYER_H
#define VMSPEC_IMAGE_LAYER_H

#include "image-header.h"
#include "image-info.h"

#include <sys/types.h>

#define SLICE 64 /* entries of a table that are read at once */

struct image_layer {
  struct vmspec_image_info *info;
  struct image_layer *backing; /* NULL also if it is not followed */
  int fd;
  int is_device;
  dev_t device;                /* of the file, or the device that it is */
  ino_t inode;
  uint64_t file_size;
  struct image_header header;  /* of qcow and qcow2 */
  int is_unreadable;           /* the content, by us */
  uint64_t slice_place;        /* 0: none yet */
  uint64_t slice[SLICE];
};

/* ---- image-format.c ---- */

/* Reads up to @size bytes; less at the end of the file.  Their number, or
 * -errno. */
ssize_t vms_image_read_at (int fd, uint64_t offset, void *data, size_t size);
/* What the file looks like.  0 or -errno. */
int vms_image_format_of (const struct image_layer *layer, uint32_t *ret_format);
/* For messages: "raw", "qcow2", ...; never NULL. */
const char *vms_image_format_name (uint32_t format);
/* VMSPEC_IMAGE_FORMAT_UNSET for a name that is not known. */
uint32_t vms_image_format_number (const char *name);
/* Sets what a header of another format than raw, qcow and qcow2 says about the
 * size; 0 if it is no fixed field of it. */
int
vms_image_foreign_size (const struct image_layer *layer, uint64_t *ret_size);
/* Whether QEMU takes it for something else than a file: "nbd:...". */
int vms_image_name_is_protocol (const char *name);
/* Where QEMU looks for it: from where the overlay is, by its name. */
const char *vms_image_backing_path (struct arena *arena, const char *overlay,
                                    const char *name);

/* ---- image-content.c ---- */

struct image_reader {
  struct image_layer *top;
  const struct image_layer *inflated; /* of what cluster is what is kept */
  uint64_t inflated_place;
  unsigned char *cluster;             /* of 2 MiB; NULL until it is needed */
};

/* A part of the disk as a guest sees it.  0; -ENOTSUP if the content cannot be
 * read, -EUCLEAN if its tables are damaged, or another error. */
int vms_image_content_read (struct image_reader *reader, uint64_t offset,
                            void *data, size_t size);
void vms_image_reader_free (struct image_reader *reader);

/* ---- image-qcow.c ---- */

/* Whether libqcow reads the same from the header as we do: 0, -EUCLEAN, or an
 * error.  0 also for what libqcow does not support. */
int vms_image_qcow_confirm (const struct image_layer *layer);
/* Inflates a cluster, which must become exactly so large.  0, -EUCLEAN, or
 * another error. */
int vms_image_qcow_inflate (const void *stream, size_t size,
                            uint32_t cluster_bits, void *cluster);
/* A file in memory; -errno. */
int vms_image_memory_file (const char *name);

/* ---- image-probe.c ---- */

/* Fills in what the disk holds: file system or partition table.  What cannot
 * be found out stays NULL.  0 or -ENOMEM. */
int vms_image_probe (struct work *work, struct image_layer *top);

#endif
