/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The EFI system partition: a FAT file system, by mtools. */
#ifndef VMSPEC_ESP_H
#define VMSPEC_ESP_H

#include "image.h"
#include "work.h"

struct esp_directory {
  const char *path;      /* "EFI/BOOT"; "" for the top */
  struct vector files;   /* their names */
};

#define ESP_CLUSTER_SIZES 7 /* powers of two from 512 on */

struct esp {
  const char *source;        /* directory, or NULL for an empty partition */
  struct vector directories; /* those that hold others first */
  uint64_t bytes;            /* of all files */
  uint64_t clusters[ESP_CLUSTER_SIZES]; /* that files and directories take, by
                                           a cluster's size */
  uint64_t top_entries;      /* of 32 bytes, in the top directory */
};

/* What is to be in it.  Symbolic links are followed if they lead to files, and
 * refused otherwise.  0 or -errno, with a finding for everything that a FAT
 * file system cannot hold. */
int vms_esp_look (struct esp *esp, struct work *work, const char *source);
/* The bytes that a partition of this size lacks; 0 if it will do. */
uint64_t vms_esp_shortage (const struct esp *esp, uint64_t size);
/* Bytes of a cluster. */
uint32_t vms_esp_cluster_size (uint64_t size);

struct esp_setup {
  const struct esp *esp;
  uint64_t offset, size;     /* in the image: multiples of its clusters */
  uint32_t serial;           /* number of the volume */
  uint64_t time;             /* of every entry, in seconds since 1970 */
  int fd;                    /* of the image's file */
  uint64_t total;            /* bytes, for progress; these are the first */
};

/* Nothing was written to that part of the image yet.  0 or -errno with a
 * finding. */
int vms_esp_make (struct image *image, const struct esp_setup *setup,
                  struct work *work);

#endif
