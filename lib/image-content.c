/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a guest sees of a disk, through all images that it is made of.
 *
 * libqcow is not asked for it: it takes no raw image for a parent, does not
 * know clusters that are zero, and believes what tables say.
 */
#include "image-layer.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/param.h>

#define PLACE_MASK 0x00fffffffffffe00ull /* of versions 2 and 3 */
#define COMPRESSED_V1 (1ull << 63)
#define COMPRESSED (1ull << 62)
#define ZERO 1u
#define SECTOR 512

enum where { ABSENT, ZEROS, STORED, DEFLATED };

/* Where a part of the disk is. */
struct part {
  enum where where;
  uint64_t place;   /* of the cluster, in the file */
  uint64_t size;    /* of what is deflated */
  uint64_t inside;  /* where in the cluster the part starts */
  uint64_t length;  /* of the part: to the end of its cluster at most */
};

/* ---- the tables --------------------------------------------------------- */

/* An entry of a table, from a slice of it that is kept for the next. */
static int
read_entry (struct image_layer *layer, uint64_t table, uint64_t index,
            uint64_t *ret_entry)
{
  uint64_t place = table + index / SLICE * sizeof layer->slice;

  if (layer->slice_place != place) {
    ssize_t n;

    layer->slice_place = 0;
    memset (layer->slice, 0, sizeof layer->slice);
    n = vms_image_read_at (layer->fd, place, layer->slice, sizeof layer->slice);
    if (n < 0)
      return (int) n;
    layer->slice_place = place;
  }
  *ret_entry = be64toh (layer->slice[index % SLICE]);
  return 0;
}

static int
read_l1 (const struct image_layer *layer, uint64_t index, uint64_t *ret_entry)
{
  ssize_t n;

  *ret_entry = 0;
  n = vms_image_read_at (layer->fd, layer->header.l1_offset + index * 8,
                         ret_entry, sizeof *ret_entry);
  *ret_entry = be64toh (*ret_entry);
  return n < 0 ? (int) n : 0;
}

/* What an entry of the second level says, by version. */
static int
decode_v1 (const struct image_header *h, uint64_t entry, struct part *part)
{
  uint32_t shift = 63 - h->cluster_bits;

  part->where = entry ? STORED : ABSENT;
  part->place = entry;
  if (entry & COMPRESSED_V1) {
    part->where = DEFLATED;
    part->size = entry >> shift & ((1u << h->cluster_bits) - 1);
    part->place = entry & ((1ull << shift) - 1);
  }
  return part->where == DEFLATED && !part->size ? -EUCLEAN : 0;
}

static int
decode_v2 (const struct image_header *h, uint64_t entry, struct part *part)
{
  uint32_t shift = 62 - (h->cluster_bits - 8);

  if (entry & COMPRESSED) {
    uint64_t most = (1u << (h->cluster_bits - 8)) - 1;
    uint64_t sectors = (entry >> shift & most) + 1;

    part->where = DEFLATED;
    part->place = entry & ((1ull << shift) - 1);
    part->size = sectors * SECTOR - part->place % SECTOR;
    return 0;
  }
  part->place = entry & PLACE_MASK;
  part->where = part->place ? STORED : ABSENT;
  if (entry & ZERO) {
    part->where = ZEROS;
    return h->version < 3 ? -EUCLEAN : 0;
  }
  return part->place & ((1ull << h->cluster_bits) - 1) ? -EUCLEAN : 0;
}

static int
locate (struct image_layer *layer, uint64_t offset, struct part *part)
{
  const struct image_header *h = &layer->header;
  uint64_t cluster = offset >> h->cluster_bits, table, entry = 0;
  int r;

  *part = (struct part) { .where = ABSENT };
  part->inside = offset & ((1ull << h->cluster_bits) - 1);
  part->length = (1ull << h->cluster_bits) - part->inside;
  r = read_l1 (layer, cluster >> h->l2_bits, &table);
  if (r < 0)
    return r;
  if (h->version > 1)
    table &= PLACE_MASK;
  if (!table)
    return 0;
  if (table >= layer->file_size
      || (h->version > 1 && table & ((1ull << h->cluster_bits) - 1)))
    return -EUCLEAN;
  r = read_entry (layer, table, cluster & ((1ull << h->l2_bits) - 1), &entry);
  if (r < 0)
    return r;
  return h->version > 1 ? decode_v2 (h, entry, part)
                        : decode_v1 (h, entry, part);
}

/* The same for any layer. */
static int
locate_in (struct image_layer *layer, uint64_t offset, struct part *part)
{
  int r = 0;

  if (layer->is_unreadable)
    return -ENOTSUP;
  /* An overlay may be larger than what is below. */
  if (offset >= layer->info->virtual_size) {
    *part = (struct part) { .where = ZEROS, .length = UINT64_MAX };
    return 0;
  }
  *part = (struct part) { .where = STORED, .inside = offset,
                          .length = UINT64_MAX };
  if (layer->info->format != VMSPEC_IMAGE_FORMAT_RAW)
    r = locate (layer, offset, part);
  part->length = MIN (part->length, layer->info->virtual_size - offset);
  return r;
}

/* ---- data --------------------------------------------------------------- */

static int
inflate (struct image_reader *reader, const struct image_layer *layer,
         const struct part *part)
{
  size_t size = part->size;
  void *stream;
  ssize_t n;
  int r;

  if (reader->inflated == layer && reader->inflated_place == part->place)
    return 0;
  reader->inflated = NULL;
  if (!reader->cluster)
    reader->cluster = malloc ((size_t) 1 << 21);
  stream = malloc (size);
  if (!reader->cluster || !stream) {
    free (stream);
    return -ENOMEM;
  }
  /* The last sector of it may be beyond the end of the file. */
  n = vms_image_read_at (layer->fd, part->place, stream, size);
  r = n < 0
        ? (int) n
        : vms_image_qcow_inflate (stream, (size_t) n,
                                  layer->header.cluster_bits, reader->cluster);
  free (stream);
  if (r == 0) {
    reader->inflated = layer;
    reader->inflated_place = part->place;
  }
  return r;
}

static int
read_part (struct image_reader *reader, const struct image_layer *layer,
           const struct part *part, void *data, size_t size)
{
  ssize_t n;
  int r;

  switch (part->where) {
  case STORED:
    n = vms_image_read_at (layer->fd, part->place + part->inside, data, size);
    if (n < 0)
      return (int) n;
    /* Files end where all that follows is zero. */
    memset ((char *) data + n, 0, size - (size_t) n);
    return 0;
  case DEFLATED:
    r = inflate (reader, layer, part);
    if (r == 0)
      memcpy (data, reader->cluster + part->inside, size);
    return r;
  case ABSENT:
  case ZEROS:
    break;
  }
  memset (data, 0, size);
  return 0;
}

int
vms_image_content_read (struct image_reader *reader, uint64_t offset,
                        void *data, size_t size)
{
  while (size) {
    struct image_layer *layer = reader->top;
    struct part part = { .where = ABSENT };
    size_t length = size;
    int r = 0;

    for (; layer; layer = layer->backing) {
      r = locate_in (layer, offset, &part);
      if (r < 0)
        return r;
      length = (size_t) MIN (part.length, length);
      if (part.where != ABSENT)
        break;
      /* What is below is not known. */
      if (!layer->backing && layer->info->backing_file)
        return -ENOTSUP;
    }
    r = read_part (reader, layer, &part, data, length);
    if (r < 0)
      return r;
    data = (char *) data + length;
    offset += length;
    size -= length;
  }
  return 0;
}

void
vms_image_reader_free (struct image_reader *reader)
{
  free (reader->cluster);
  *reader = (struct image_reader) { 0 };
}
