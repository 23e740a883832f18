/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The header of a qcow or qcow2 image that others have made (docs/interop/
 * qcow2.txt of QEMU). */
#ifndef VMSPEC_IMAGE_HEADER_H
#define VMSPEC_IMAGE_HEADER_H

#include <endian.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum {
  QCOW2_DIRTY = 1, QCOW2_CORRUPT = 2, QCOW2_DATA_FILE = 4,
  QCOW2_COMPRESSION = 8, QCOW2_EXTENDED_L2 = 16 /* incompatible features */
};

enum { QCOW_CRYPT_NONE, QCOW_CRYPT_AES, QCOW_CRYPT_LUKS };

struct image_header {
  uint32_t version;         /* 1 is qcow, 2 and 3 are qcow2 */
  uint32_t cluster_bits;
  uint32_t l2_bits;         /* of the number of entries in a table */
  uint32_t header_size;
  uint64_t size;            /* that the guest sees */
  uint64_t l1_offset, l1_entries;
  uint64_t refcounts_offset;
  uint32_t refcounts_clusters, refcount_order;
  uint64_t snapshots_offset;
  uint32_t snapshots, crypt_method;
  uint64_t incompatible, compatible;
  uint64_t backing_offset;  /* in the file; 0 without a name */
  uint32_t backing_size;
  uint32_t compression;     /* 0 is deflate */
  int has_crypto_header;
  char backing_format[16];  /* "" if there is none */
  int is_unsupported;       /* what is wrong is no damage, but something new */
  char problem[200];
};

/* How many bytes at the start of the file vms_image_header_read needs, if the file
 * has so many.  @bytes are the first of them. */
size_t vms_image_header_wanted (const void *bytes, size_t size);

/* Reads the header from the start of a file that has @file_size bytes, and
 * refuses what QEMU refuses, and tables that are not within the file.
 * 0, or -EINVAL with a half of a sentence in problem. */
int vms_image_header_read (struct image_header *header, const void *bytes,
                           size_t size, uint64_t file_size);

static inline uint32_t
read_be32 (const void *at)
{
  uint32_t number;

  memcpy (&number, at, sizeof number);
  return be32toh (number);
}

static inline uint64_t
read_be64 (const void *at)
{
  uint64_t number;

  memcpy (&number, at, sizeof number);
  return be64toh (number);
}

#endif
