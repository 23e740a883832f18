/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The tables and the header of a qcow2 image of version 3, by QEMU's
 * docs/interop/qcow2.txt. */
#include "image-file.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/param.h>
#include <unistd.h>

#define MAGIC 0x514649fbu /* "QFI\xfb" */
#define QCOW2_VERSION 3
#define HEADER_SIZE 104
#define LAZY_REFCOUNTS 1u /* a compatible feature */
#define REFCOUNT_ORDER 4  /* 16 bits */
#define BACKING_FORMAT_EXTENSION 0xe2792acau
#define COPIED (1ull << 63)
/* QEMU refuses larger tables. */
#define LARGEST_L1 (32u << 20)
#define LONGEST_BACKING 1023

struct header {
  uint32_t magic, version;
  uint64_t backing_offset;
  uint32_t backing_size, cluster_bits;
  uint64_t size;
  uint32_t crypt_method, l1_size;
  uint64_t l1_offset, refcount_offset;
  uint32_t refcount_clusters, n_snapshots;
  uint64_t snapshots_offset, incompatible, compatible, autoclear;
  uint32_t refcount_order, header_size;
};

_Static_assert (sizeof (struct header) == HEADER_SIZE, "no padding");

struct extension {
  uint32_t type, size; /* what follows is padded to 8 bytes */
};

static uint64_t
divide_up (uint64_t number, uint64_t by)
{
  return (number + by - 1) / by;
}

uint64_t
vms_qcow2_largest (uint32_t cluster_size)
{
  /* A table of the second level has as many places as fit in a cluster. */
  uint64_t places = (uint64_t) (LARGEST_L1 / 8) * (cluster_size / 8);

  return MIN (places, INT64_MAX / cluster_size) * cluster_size;
}

static size_t
extensions_size (const struct image_format *format)
{
  size_t size = sizeof (struct extension); /* the end */

  if (format->backing_format)
    size += sizeof (struct extension)
            + divide_up (strlen (format->backing_format), 8) * 8;
  return size;
}

int
vms_qcow2_header_fits (const struct image_format *format)
{
  size_t name = strlen (format->backing ? format->backing : "");

  return name <= LONGEST_BACKING
         && HEADER_SIZE + extensions_size (format) + name
              <= format->cluster_size;
}

/* ---- the tables --------------------------------------------------------- */

struct tables {
  struct image *image;
  uint64_t cluster_size;
  uint64_t l1_size, l1_place;            /* entries, offset */
  uint64_t refcount_place, refcount_clusters;
  uint64_t *room;                        /* one cluster */
};

static uint64_t
take_clusters (struct image *image, uint64_t count)
{
  uint64_t first = image->next;

  image->next += count;
  return first * image->format.cluster_size;
}

/* Where a cluster of the disk is, for the guest; 0 for nowhere. */
static uint64_t
entry_for (const struct image *image, uint64_t cluster)
{
  uint64_t place = vms_image_map_get (&image->map, cluster);

  if (image->format.preallocate)
    place = image->fixed + cluster * image->format.cluster_size;
  return place == NOT_MAPPED ? 0 : place | COPIED;
}

static uint64_t
next_cluster (const struct image *image, uint64_t cluster)
{
  return image->format.preallocate ? cluster
                                   : vms_image_map_next (&image->map, cluster);
}

/* The table of the second level for the clusters from @first on.  Returns what
 * the first level says about it. */
static uint64_t
write_l2 (struct tables *t, uint64_t first)
{
  const struct image *image = t->image;
  uint64_t places = t->cluster_size / 8;
  uint64_t end = MIN (first + places, image->map.clusters);
  uint64_t place = take_clusters (t->image, 1);

  memset (t->room, 0, t->cluster_size);
  for (uint64_t c = next_cluster (image, first); c < end;
       c = next_cluster (image, c + 1))
    t->room[c - first] = htobe64 (entry_for (image, c));
  vms_image_put_sparsely (t->image, place, t->room, t->cluster_size);
  return place | COPIED;
}

/* Both levels.  The first may be large and almost empty, so it is written in
 * pieces. */
#define L1_PIECE (PIECE / sizeof (uint64_t))

static void
write_maps (struct tables *t)
{
  const struct image *image = t->image;
  uint64_t places = t->cluster_size / 8, piece[L1_PIECE] = { 0 }, start = 0;
  uint64_t c = next_cluster (image, 0);

  t->l1_size = divide_up (image->map.clusters, places);
  t->l1_place = take_clusters (
    t->image, divide_up (t->l1_size * sizeof (uint64_t), t->cluster_size));
  while (c < image->map.clusters && !image->error) {
    uint64_t i = c / places;

    if (i / L1_PIECE * L1_PIECE != start) {
      vms_image_put_sparsely (t->image, t->l1_place + start * 8, piece, PIECE);
      memset (piece, 0, sizeof piece);
      start = i / L1_PIECE * L1_PIECE;
    }
    piece[i - start] = htobe64 (write_l2 (t, i * places));
    c = next_cluster (image, (i + 1) * places);
  }
  /* The last piece may be longer than the table; its cluster is not. */
  vms_image_put_sparsely (t->image, t->l1_place + start * 8, piece,
                          MIN ((t->l1_size - start) * 8, PIECE));
}

/* Reference counts of the clusters from @first on: 1 for what is in use. */
static void
count_references (const struct tables *t, uint64_t first)
{
  const struct image *image = t->image;
  uint64_t end = MIN (first + t->cluster_size / 2, image->next);
  uint16_t *counts = (uint16_t *) t->room;

  memset (counts, 0, t->cluster_size);
  for (uint64_t c = first; c < end; c++)
    counts[c - first] = htobe16 (1);
  for (size_t i = 0; i < image->n_holes; i++) {
    const struct hole *hole = &image->holes[i];
    uint64_t to = MIN (hole->first + hole->count, end);

    for (uint64_t c = MAX (hole->first, first); c < to; c++)
      counts[c - first] = 0;
  }
}

/* Blocks of counts and their table, which count themselves, too. */
static void
write_refcounts (struct tables *t)
{
  struct image *image = t->image;
  uint64_t places = t->cluster_size / 2, blocks = 0, table = 0, used;
  uint64_t first, *list;

  do {
    used = image->next + blocks + table;
    blocks = divide_up (used, places);
    table = divide_up (blocks * sizeof (uint64_t), t->cluster_size);
  } while (image->next + blocks + table > used);
  first = take_clusters (image, blocks);
  t->refcount_place = take_clusters (image, table);
  t->refcount_clusters = table;
  list = calloc (blocks, sizeof *list);
  if (!list) {
    vms_image_fail (image, -ENOMEM);
    return;
  }
  for (uint64_t i = 0; i < blocks && !image->error; i++) {
    count_references (t, i * places);
    list[i] = htobe64 (first + i * t->cluster_size);
    vms_image_put_sparsely (image, first + i * t->cluster_size, t->room,
                            t->cluster_size);
  }
  vms_image_put (image, t->refcount_place, list, blocks * sizeof *list);
  free (list);
}

/* ---- the header --------------------------------------------------------- */

static unsigned char *
add_extension (unsigned char *at, uint32_t type, const char *data)
{
  uint32_t size = (uint32_t) strlen (data);
  struct extension extension = { htobe32 (type), htobe32 (size) };

  memcpy (at, &extension, sizeof extension);
  memcpy (at + sizeof extension, data, size);
  return at + sizeof extension + divide_up (size, 8) * 8;
}

static void
write_header (struct tables *t)
{
  const struct image_format *format = &t->image->format;
  unsigned char *start = (unsigned char *) t->room, *at = start + HEADER_SIZE;
  struct header header = {
    .magic = htobe32 (MAGIC), .version = htobe32 (QCOW2_VERSION),
    .cluster_bits = htobe32 ((uint32_t) __builtin_ctz (format->cluster_size)),
    .size = htobe64 (format->size),
    .l1_size = htobe32 ((uint32_t) t->l1_size),
    .l1_offset = htobe64 (t->l1_place),
    .refcount_offset = htobe64 (t->refcount_place),
    .refcount_clusters = htobe32 ((uint32_t) t->refcount_clusters),
    .compatible = htobe64 (format->lazy_refcounts ? LAZY_REFCOUNTS : 0),
    .refcount_order = htobe32 (REFCOUNT_ORDER),
    .header_size = htobe32 (HEADER_SIZE),
  };

  memset (start, 0, t->cluster_size);
  if (format->backing_format)
    at = add_extension (at, BACKING_FORMAT_EXTENSION, format->backing_format);
  at = add_extension (at, 0, ""); /* the end */
  if (format->backing) {
    size_t size = strlen (format->backing);

    memcpy (at, format->backing, size);
    header.backing_offset = htobe64 ((uint64_t) (at - start));
    header.backing_size = htobe32 ((uint32_t) size);
    at += size;
  }
  memcpy (start, &header, sizeof header);
  vms_image_put (t->image, 0, start, (uint64_t) (at - start));
}

int
vms_qcow2_finish (struct image *image)
{
  struct tables t = { .image = image,
                      .cluster_size = image->format.cluster_size };

  t.room = malloc (t.cluster_size);
  if (!t.room)
    return vms_image_fail (image, -ENOMEM);
  write_maps (&t);
  write_refcounts (&t);
  write_header (&t);
  free (t.room);
  return image->error
           ? image->error
           : vms_image_truncate (image, image->next * t.cluster_size);
}
