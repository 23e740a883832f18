/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "image-header.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/param.h>

enum { V1_HEADER = 48, V2_HEADER = 72, V3_HEADER = 104 };
#define COMPRESSION_AT 104
#define LEAST_CLUSTER_BITS 9
#define MOST_CLUSTER_BITS 21
#define ENTRY sizeof (uint64_t)

/* QEMU's limits. */
#define LARGEST_L1 (32u << 20)
#define LARGEST_REFCOUNTS (8u << 20)
#define MOST_SNAPSHOTS 65536
#define SNAPSHOT_HEADER 40
#define MOST_BITMAPS 65535
#define LARGEST_BITMAP_DIRECTORY (64u << 20)
#define LONGEST_BACKING 1023
#define KNOWN_FEATURES (QCOW2_DIRTY | QCOW2_CORRUPT | QCOW2_DATA_FILE \
                        | QCOW2_COMPRESSION | QCOW2_EXTENDED_L2)
#define LEAST_EXTENDED_BITS 14 /* 32 parts of a cluster with 512 bytes each */

#define EXTENSION_END 0u
#define EXTENSION_BACKING_FORMAT 0xe2792acau
#define EXTENSION_CRYPTO 0x0537be77u
#define EXTENSION_BITMAPS 0x23852875u

struct start { /* of the file; beyond the end QEMU reads zeros */
  const unsigned char *bytes;
  size_t size;
};

static int __attribute__ ((format (printf, 2, 3)))
wrong (struct image_header *header, const char *format, ...)
{
  va_list args;

  va_start (args, format);
  vsnprintf (header->problem, sizeof header->problem, format, args);
  va_end (args);
  return -EINVAL;
}

static void
get (const struct start *start, uint64_t offset, void *to, size_t size)
{
  memset (to, 0, size);
  if (offset < start->size)
    memcpy (to, start->bytes + offset, MIN (size, start->size - offset));
}

static uint32_t
get32 (const struct start *start, uint64_t offset)
{
  unsigned char bytes[sizeof (uint32_t)];

  get (start, offset, bytes, sizeof bytes);
  return read_be32 (bytes);
}

static uint64_t
get64 (const struct start *start, uint64_t offset)
{
  return (uint64_t) get32 (start, offset) << 32 | get32 (start, offset + 4);
}

size_t
vms_image_header_wanted (const void *bytes, size_t size)
{
  const struct start start = { bytes, size };
  uint32_t bits = get32 (&start, 20);

  /* All but the backing file's name in version 1. */
  if (get32 (&start, 4) < 2 || bits > MOST_CLUSTER_BITS)
    bits = LEAST_CLUSTER_BITS;
  return (size_t) 1 << MAX (bits, LEAST_CLUSTER_BITS);
}

/* ---- what both have ----------------------------------------------------- */

static int
is_within (uint64_t file_size, uint64_t offset, uint64_t size)
{
  uint64_t end;

  return !__builtin_add_overflow (offset, size, &end) && end <= file_size;
}

/* @entries of @entry bytes each that start at @offset. */
static int
check_table (struct image_header *h, const char *name, uint64_t offset,
             uint64_t entries, uint64_t entry, uint64_t largest,
             uint64_t file_size)
{
  uint64_t alignment = h->version > 1 ? (uint64_t) 1 << h->cluster_bits : 1;

  if (entries > largest / entry)
    return wrong (h, "its %s has %" PRIu64 " entries, more than %" PRIu64,
                  name, entries, largest / entry);
  if (offset % alignment)
    return wrong (h, "its %s starts at %" PRIu64 ", within a cluster", name,
                  offset);
  if (entries && !is_within (file_size, offset, entries * entry))
    return wrong (h, "its %s, at %" PRIu64 " with %" PRIu64 " bytes, is not "
                  "within the file's %" PRIu64, name, offset, entries * entry,
                  file_size);
  return 0;
}

/* How many entries of the first level the size needs. */
static uint64_t
needed_l1 (const struct image_header *h)
{
  uint64_t covered = (uint64_t) 1 << (h->cluster_bits + h->l2_bits);

  return h->size / covered + (h->size % covered != 0);
}

static int
check_backing_name (struct image_header *h, uint64_t file_size)
{
  uint64_t room = LONGEST_BACKING;

  if (!h->backing_offset) {
    h->backing_size = 0;
    return 0;
  }
  if (h->version > 1) {
    uint64_t cluster_size = (uint64_t) 1 << h->cluster_bits;

    if (h->backing_offset > cluster_size)
      return wrong (h, "its backing file's name starts at %" PRIu64 ", outside "
                    "of the first cluster", h->backing_offset);
    room = MIN (room, cluster_size - h->backing_offset);
  }
  if (h->backing_size > room)
    return wrong (h, "its backing file's name has %" PRIu32 " bytes, more than "
                  "the %" PRIu64 " that there is room for", h->backing_size,
                  room);
  if (h->backing_size
      && !is_within (file_size, h->backing_offset, h->backing_size))
    return wrong (h, "its backing file's name is not within the file");
  return 0;
}

/* ---- version 1 ---------------------------------------------------------- */

static int
read_v1 (struct image_header *h, const struct start *start, uint64_t file_size)
{
  int r;

  h->backing_offset = get64 (start, 8);
  h->backing_size = get32 (start, 16);
  h->size = get64 (start, 24);
  h->cluster_bits = get32 (start, 32) >> 24;
  h->l2_bits = get32 (start, 32) >> 16 & 0xff;
  h->crypt_method = get32 (start, 36);
  h->l1_offset = get64 (start, 40);
  h->header_size = V1_HEADER;
  if (h->size <= 1 || h->size > INT64_MAX)
    return wrong (h, "its size of %" PRIu64 " bytes is no disk's", h->size);
  if (h->cluster_bits < 9 || h->cluster_bits > 16)
    return wrong (h, "its clusters have 2^%" PRIu32 " bytes, and not 2^9 to "
                  "2^16", h->cluster_bits);
  if (h->l2_bits < 6 || h->l2_bits > 13)
    return wrong (h, "its tables have 2^%" PRIu32 " entries, and not 2^6 to "
                  "2^13", h->l2_bits);
  if (h->crypt_method > QCOW_CRYPT_AES)
    return wrong (h, "it is encrypted in the unknown way %" PRIu32,
                  h->crypt_method);
  h->l1_entries = needed_l1 (h);
  r = check_table (h, "table of the first level", h->l1_offset, h->l1_entries,
                   ENTRY, INT_MAX, file_size);
  return r < 0 ? r : check_backing_name (h, file_size);
}

/* ---- versions 2 and 3 --------------------------------------------------- */

static void
get_v2 (struct image_header *h, const struct start *start)
{
  h->backing_offset = get64 (start, 8);
  h->backing_size = get32 (start, 16);
  h->cluster_bits = get32 (start, 20);
  h->size = get64 (start, 24);
  h->crypt_method = get32 (start, 32);
  h->l1_entries = get32 (start, 36);
  h->l1_offset = get64 (start, 40);
  h->refcounts_offset = get64 (start, 48);
  h->refcounts_clusters = get32 (start, 56);
  h->snapshots = get32 (start, 60);
  h->snapshots_offset = get64 (start, 64);
  h->header_size = V2_HEADER;
  h->refcount_order = 4;
}

static void
get_v3 (struct image_header *h, const struct start *start)
{
  h->incompatible = get64 (start, 72);
  h->compatible = get64 (start, 80);
  h->refcount_order = get32 (start, 96);
  h->header_size = get32 (start, 100);
  if (h->header_size > COMPRESSION_AT)
    h->compression = get32 (start, COMPRESSION_AT) >> 24;
}

static int
check_features (struct image_header *h)
{
  uint64_t unknown = h->incompatible & ~(uint64_t) KNOWN_FEATURES;
  int says_so = (h->incompatible & QCOW2_COMPRESSION) != 0;

  h->is_unsupported = 1;
  if (unknown)
    return wrong (h, "it has incompatible features that are not known "
                  "(0x%" PRIx64 ")", unknown);
  if (h->compression > 1)
    return wrong (h, "it is compressed in the unknown way %" PRIu32,
                  h->compression);
  h->is_unsupported = 0;
  if (says_so != (h->compression != 0))
    return wrong (h, "its way of compression and its features contradict each "
                  "other");
  if (h->incompatible & QCOW2_EXTENDED_L2
      && h->cluster_bits < LEAST_EXTENDED_BITS)
    return wrong (h, "its clusters of 2^%" PRIu32 " bytes are too small to be "
                  "divided", h->cluster_bits);
  if (h->refcount_order > 6)
    return wrong (h, "its reference counts have 2^%" PRIu32 " bits, more than "
                  "64", h->refcount_order);
  if (h->crypt_method > QCOW_CRYPT_LUKS)
    return wrong (h, "it is encrypted in the unknown way %" PRIu32,
                  h->crypt_method);
  return 0;
}

static int
check_l1 (struct image_header *h, uint64_t file_size)
{
  int r = check_table (h, "table of the first level", h->l1_offset,
                       h->l1_entries, ENTRY, LARGEST_L1, file_size);

  if (r < 0)
    return r;
  if (h->size > INT64_MAX)
    return wrong (h, "its size of %" PRIu64 " bytes is no disk's", h->size);
  if (h->l1_entries < needed_l1 (h))
    return wrong (h, "its table of the first level has %" PRIu64 " entries, "
                  "and its size needs %" PRIu64, h->l1_entries, needed_l1 (h));
  return 0;
}

static int
check_tables (struct image_header *h, uint64_t file_size)
{
  uint64_t cluster_size = (uint64_t) 1 << h->cluster_bits;
  int r;

  if (!h->refcounts_clusters)
    return wrong (h, "it has no reference counts");
  r = check_table (h, "table of reference counts", h->refcounts_offset,
                   h->refcounts_clusters, cluster_size, LARGEST_REFCOUNTS,
                   UINT64_MAX);
  /* A writer may leave out the end of its last cluster. */
  if (r == 0 && h->refcounts_offset >= file_size)
    r = wrong (h, "its table of reference counts, at %" PRIu64 ", is not "
               "within the file's %" PRIu64, h->refcounts_offset, file_size);
  if (r == 0)
    r = check_table (h, "table of snapshots", h->snapshots_offset, h->snapshots,
                     SNAPSHOT_HEADER, MOST_SNAPSHOTS * SNAPSHOT_HEADER,
                     file_size);
  return r < 0 ? r : check_l1 (h, file_size);
}

/* ---- extensions --------------------------------------------------------- */

static int
read_bitmaps (struct image_header *h, const struct start *start, uint64_t at,
              uint32_t size)
{
  uint64_t alignment = (uint64_t) 1 << h->cluster_bits;

  if (size != 24)
    return wrong (h, "its extension for bitmaps has %" PRIu32 " bytes, and not "
                  "24", size);
  /* Without this bit QEMU ignores them. */
  if (!(get64 (start, 88) & 1) || h->version < 3)
    return 0;
  if (get32 (start, at + 4) || !get32 (start, at)
      || get32 (start, at) > MOST_BITMAPS
      || get64 (start, at + 8) > LARGEST_BITMAP_DIRECTORY
      || get64 (start, at + 16) % alignment)
    return wrong (h, "its extension for bitmaps makes no sense");
  return 0;
}

static int
read_extension (struct image_header *h, const struct start *start,
                uint32_t type, uint64_t at, uint32_t size)
{
  switch (type) {
  case EXTENSION_BACKING_FORMAT:
    if (size >= sizeof h->backing_format)
      return wrong (h, "the name of its backing file's format has %" PRIu32
                    " bytes, more than 15", size);
    memset (h->backing_format, 0, sizeof h->backing_format);
    get (start, at, h->backing_format, size);
    return 0;
  case EXTENSION_CRYPTO:
    if (h->crypt_method != QCOW_CRYPT_LUKS || size != 16
        || get64 (start, at) % ((uint64_t) 1 << h->cluster_bits))
      return wrong (h, "its extension for encryption makes no sense");
    h->has_crypto_header = 1;
    return 0;
  case EXTENSION_BITMAPS:
    return read_bitmaps (h, start, at, size);
  default:
    return 0; /* no concern of ours */
  }
}

static int
read_extensions (struct image_header *h, const struct start *start)
{
  uint64_t end = h->backing_offset ? h->backing_offset
                                   : (uint64_t) 1 << h->cluster_bits;
  uint64_t at = h->header_size;

  while (at < end) {
    uint32_t type = get32 (start, at), size = get32 (start, at + 4);
    int r;

    at += 8;
    if (at > end || size > end - at)
      return wrong (h, "an extension of its header has %" PRIu32 " bytes, more "
                    "than there is room for", size);
    if (type == EXTENSION_END)
      break;
    r = read_extension (h, start, type, at, size);
    if (r < 0)
      return r;
    at += ((uint64_t) size + 7) / 8 * 8;
  }
  if (h->crypt_method == QCOW_CRYPT_LUKS && !h->has_crypto_header)
    return wrong (h, "it is encrypted, but does not say where its keys are");
  return 0;
}

/* ------------------------------------------------------------------------- */

static int
read_v2 (struct image_header *h, const struct start *start, uint64_t file_size)
{
  uint32_t least = h->version > 2 ? V3_HEADER : V2_HEADER;
  int r;

  get_v2 (h, start);
  if (h->cluster_bits < LEAST_CLUSTER_BITS
      || h->cluster_bits > MOST_CLUSTER_BITS)
    return wrong (h, "its clusters have 2^%" PRIu32 " bytes, and not 2^9 to "
                  "2^21", h->cluster_bits);
  if (h->version > 2)
    get_v3 (h, start);
  if (h->header_size < least || h->header_size > (uint32_t) 1 << h->cluster_bits
      || h->header_size > file_size)
    return wrong (h, "its header has %" PRIu32 " bytes, less than %" PRIu32
                  " or more than a cluster or the file", h->header_size, least);
  h->l2_bits = h->cluster_bits - (h->incompatible & QCOW2_EXTENDED_L2 ? 4 : 3);
  r = check_features (h);
  if (r == 0)
    r = check_backing_name (h, file_size);
  if (r == 0)
    r = check_tables (h, file_size);
  return r < 0 ? r : read_extensions (h, start);
}

int
vms_image_header_read (struct image_header *header, const void *bytes,
                       size_t size, uint64_t file_size)
{
  const struct start start = { bytes, size };

  *header = (struct image_header) { .version = get32 (&start, 4) };
  if (size < V1_HEADER)
    return wrong (header, "it ends within its header");
  if (header->version == 1)
    return read_v1 (header, &start, file_size);
  if (header->version == 2 || header->version == 3)
    return read_v2 (header, &start, file_size);
  header->is_unsupported = 1;
  return wrong (header, "it is of version %" PRIu32 ", and not 1, 2 or 3",
                header->version);
}
