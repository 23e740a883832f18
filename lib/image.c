/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "image-file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/param.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

/* Only the pieces that were touched say anything; memory that is not used is not
 * looked at. */
struct unit {
  struct unit *next;         /* of those that are free */
  uint64_t index;
  uint32_t touched;          /* a bit for each piece */
  unsigned char *bytes;      /* UNIT of them */
};

/* Memory that is new to a process costs more than what is put there: so units are
 * used again, and many are one page of the kind that x86 calls huge. */
#define SLAB ((size_t) 2 << 20)
#define SLAB_UNITS (SLAB / UNIT)

struct slab {
  struct slab *next;
  unsigned char *bytes;
  struct unit units[SLAB_UNITS];
};

#define MOST_UNITS 512 /* 32 MiB */
#define HASH_SIZE (2 * MOST_UNITS)

int
vms_image_fail (struct image *image, int error)
{
  if (!image->error)
    image->error = error;
  return image->error;
}

int
vms_image_is_zero (const void *data, uint64_t size)
{
  const unsigned char *bytes = data;

  /* Equal to itself, moved by one: all bytes are as the first. */
  return !size || (!*bytes && !memcmp (bytes, bytes + 1, size - 1));
}

/* ---- the file ----------------------------------------------------------- */

/* Neighbours in the file that are not neighbours in memory, for one system
 * call. */
#define MOST_PARTS 64

struct run {
  struct image *image;
  uint64_t place, size;
  struct iovec parts[MOST_PARTS];
  int n_parts;
};

static void
run_write (struct run *run)
{
  struct iovec *part = run->parts;

  while (run->n_parts && !run->image->error) {
    ssize_t n = pwritev (run->image->fd, part, run->n_parts,
                         (off_t) run->place);

    if (n < 0 && errno == EINTR)
      continue;
    if (n <= 0) {
      vms_image_fail (run->image, n < 0 ? -errno : -EIO);
      break;
    }
    run->image->written += (uint64_t) n;
    run->place += (uint64_t) n;
    for (; run->n_parts && (size_t) n >= part->iov_len; part++, run->n_parts--)
      n -= (ssize_t) part->iov_len;
    if (run->n_parts) {
      part->iov_base = (char *) part->iov_base + n;
      part->iov_len -= (size_t) n;
    }
  }
  run->n_parts = 0;
  run->size = 0;
}

static void
run_add (struct run *run, uint64_t place, const void *data, uint64_t size)
{
  struct iovec *last = run->n_parts ? &run->parts[run->n_parts - 1] : NULL;
  void *bytes;

  memcpy (&bytes, &data, sizeof bytes); /* they are only read */
  if (last && run->place + run->size == place
      && (char *) last->iov_base + last->iov_len == (const char *) data) {
    last->iov_len += size;
    run->size += size;
    return;
  }
  if (run->n_parts == MOST_PARTS
      || (last && run->place + run->size != place))
    run_write (run);
  if (!run->n_parts)
    run->place = place;
  run->parts[run->n_parts++] = (struct iovec) { bytes, size };
  run->size += size;
}

int
vms_image_put (struct image *image, uint64_t place, const void *data,
               uint64_t size)
{
  struct run run = { .image = image };

  run_add (&run, place, data, size);
  run_write (&run);
  return image->error;
}

int
vms_image_put_sparsely (struct image *image, uint64_t place, const void *data,
                        uint64_t size)
{
  struct run run = { .image = image };
  const char *bytes = data;

  for (uint64_t at = 0, n; at < size; at += n) {
    n = MIN (size - at, PIECE);
    if (!vms_image_is_zero (bytes + at, n))
      run_add (&run, place + at, bytes + at, n);
  }
  run_write (&run);
  return image->error;
}

static int
get (struct image *image, uint64_t place, void *data, uint64_t size)
{
  char *to = data;

  while (size) {
    ssize_t n = pread (image->fd, to, size, (off_t) place);

    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0)
      return vms_image_fail (image, -errno);
    if (n == 0) { /* past the end so far */
      memset (to, 0, size);
      return 0;
    }
    to += n;
    place += (uint64_t) n;
    size -= (uint64_t) n;
  }
  return 0;
}

int
vms_image_truncate (struct image *image, uint64_t size)
{
  return TEMP_FAILURE_RETRY (ftruncate (image->fd, (off_t) size)) < 0
           ? vms_image_fail (image, -errno) : 0;
}

/* ---- places ------------------------------------------------------------- */

static uint64_t
place_of (const struct image *image, uint64_t cluster)
{
  return vms_image_map_get (&image->map, cluster);
}

static uint64_t
make_place (struct image *image, uint64_t cluster)
{
  uint32_t size = image->format.cluster_size;
  uint64_t place = place_of (image, cluster);

  if (place != NOT_MAPPED)
    return place;
  place = image->is_fixed ? image->fixed + cluster * size
                          : image->next++ * size;
  if (vms_image_map_set (&image->map, cluster, place) < 0)
    vms_image_fail (image, -ENOMEM);
  return place;
}

/* ---- gathering ---------------------------------------------------------- */

static size_t
slot_of (const struct image *image, uint64_t index)
{
  size_t slot = (size_t) (index * 0x9e3779b97f4a7c15u >> 32) % HASH_SIZE;

  while (image->units[slot] && image->units[slot]->index != index)
    slot = (slot + 1) % HASH_SIZE;
  return slot;
}

/* The part of a cluster that lies in a unit: all of it, or all of the unit. */
struct part {
  uint64_t cluster;
  uint64_t skip;        /* of the cluster, before the unit */
  uint64_t start, size; /* in the unit, up to the end of the disk */
};

static struct part
part_at (const struct image *image, const struct unit *unit, uint64_t start)
{
  uint64_t cluster_size = image->format.cluster_size;
  uint64_t at = unit->index * UNIT + start, left = image->format.size - at;
  uint64_t size = MIN (cluster_size, UNIT);

  return (struct part) { .cluster = at / cluster_size,
                         .skip = at % cluster_size, .start = start,
                         .size = MIN (left, size) };
}

static int
is_touched (const struct unit *unit, uint64_t at)
{
  return (int) (unit->touched >> at / PIECE & 1);
}

/* What is new in a cluster.  Zeros count only where the file may hold something
 * else. */
static void
write_part (struct run *run, const struct unit *unit, const struct part *part)
{
  struct image *image = run->image;
  uint64_t place = place_of (image, part->cluster);
  int had_place = place != NOT_MAPPED;

  for (uint64_t at = 0, n; at < part->size; at += n) {
    const unsigned char *bytes = unit->bytes + part->start + at;

    n = MIN (part->size - at, PIECE);
    if (!is_touched (unit, part->start + at)
        || (!had_place && vms_image_is_zero (bytes, n)))
      continue;
    if (place == NOT_MAPPED)
      place = make_place (image, part->cluster);
    run_add (run, place + part->skip + at, bytes, n);
  }
}

static void
write_unit (struct run *run, const struct unit *unit)
{
  uint64_t left = run->image->format.size - unit->index * UNIT;
  struct part part;

  for (uint64_t at = 0; at < UNIT && at < left; at += part.size) {
    part = part_at (run->image, unit, at);
    write_part (run, unit, &part);
  }
}

static int
by_index (const void *a, const void *b)
{
  const struct unit *const *one = a, *const *other = b;

  return ((*one)->index > (*other)->index) - ((*one)->index < (*other)->index);
}

/* Everything that was gathered, in the disk's order. */
static void
flush (struct image *image)
{
  struct run run = { .image = image };
  struct unit *sorted[MOST_UNITS];
  size_t n = 0;

  for (size_t i = 0; i < HASH_SIZE && image->n_units; i++)
    if (image->units[i]) {
      sorted[n++] = image->units[i];
      image->units[i] = NULL;
    }
  image->n_units = 0;
  if (!n)
    return;
  qsort (sorted, n, sizeof *sorted, by_index);
  for (size_t i = 0; i < n && !image->error; i++)
    write_unit (&run, sorted[i]);
  run_write (&run);
  for (size_t i = 0; i < n; i++) {
    sorted[i]->next = image->free_units;
    image->free_units = sorted[i];
  }
}

static void
add_slab (struct image *image)
{
  struct slab *slab = malloc (sizeof *slab);
  void *bytes = NULL;

  if (!slab || posix_memalign (&bytes, SLAB, SLAB) != 0) {
    free (slab);
    return;
  }
  /* Where there are no such pages, it works as well. */
  (void) madvise (bytes, SLAB, MADV_HUGEPAGE);
  *slab = (struct slab) { .next = image->slabs, .bytes = bytes };
  image->slabs = slab;
  for (size_t i = SLAB_UNITS; i-- > 0;) {
    slab->units[i].bytes = slab->bytes + i * UNIT;
    slab->units[i].next = image->free_units;
    image->free_units = &slab->units[i];
  }
}

static struct unit *
take_unit (struct image *image)
{
  struct unit *unit;

  if (!image->free_units)
    add_slab (image);
  unit = image->free_units;
  if (unit)
    image->free_units = unit->next;
  return unit;
}

/* The unit to write to; NULL on failure. */
static struct unit *
find_unit (struct image *image, uint64_t index)
{
  size_t slot = slot_of (image, index);
  struct unit *unit = image->units[slot];

  if (unit)
    return unit;
  if (image->n_units == MOST_UNITS) {
    flush (image);
    slot = slot_of (image, index);
  }
  unit = image->error ? NULL : take_unit (image);
  if (!unit) {
    vms_image_fail (image, -ENOMEM);
    return NULL;
  }
  unit->index = index;
  unit->touched = 0;
  image->units[slot] = unit;
  image->n_units++;
  return unit;
}

/* What the file holds of a stretch of the disk within one cluster, or zeros. */
static void
get_stored (struct image *image, uint64_t offset, void *data, uint64_t size)
{
  uint64_t cluster_size = image->format.cluster_size;
  uint64_t place = place_of (image, offset / cluster_size);

  if (place == NOT_MAPPED)
    memset (data, 0, size);
  else
    get (image, place + offset % cluster_size, data, size);
}

/* A stretch of the disk, cut where pieces and clusters end. */
static uint64_t
stretch (const struct image *image, uint64_t offset, uint64_t size)
{
  uint64_t step = MIN (image->format.cluster_size, PIECE);

  return MIN (step - offset % step, size);
}

/* Has a piece that is going to be changed in part. */
static void
touch (struct image *image, struct unit *unit, uint64_t piece)
{
  uint64_t start = unit->index * UNIT + piece * PIECE, n;

  for (uint64_t at = 0; at < PIECE; at += n) {
    n = stretch (image, start + at, PIECE - at);
    if (start + at < image->format.size)
      get_stored (image, start + at, unit->bytes + piece * PIECE + at, n);
  }
  unit->touched |= 1u << piece;
}

/* ---- the interface ------------------------------------------------------ */

uint64_t
vms_image_largest (const struct image_format *format)
{
  if (format->format == VMSPEC_IMAGE_FORMAT_QCOW2)
    return vms_qcow2_largest (format->cluster_size);
  return INT64_MAX;
}

int
vms_image_new (int fd, const struct image_format *format,
               struct image **ret_image)
{
  struct image *image;

  if (format->size > vms_image_largest (format))
    return -EFBIG;
  if (format->format == VMSPEC_IMAGE_FORMAT_QCOW2
      && !vms_qcow2_header_fits (format))
    return -ENAMETOOLONG;
  image = calloc (1, sizeof *image);
  if (!image)
    return -ENOMEM;
  image->units = calloc (HASH_SIZE, sizeof *image->units);
  if (!image->units) {
    free (image);
    return -ENOMEM;
  }
  image->fd = fd;
  image->format = *format;
  image->map.clusters
    = (format->size + format->cluster_size - 1) / format->cluster_size;
  image->next = 1; /* behind the header */
  image->is_fixed = format->format == VMSPEC_IMAGE_FORMAT_RAW;
  if (format->preallocate && !image->is_fixed) {
    image->is_fixed = 1;
    image->fixed = format->cluster_size;
    image->next += image->map.clusters;
  }
  *ret_image = image;
  return 0;
}

int
vms_image_write (struct image *image, uint64_t offset, const void *data,
                 uint64_t size)
{
  const char *from = data;

  for (uint64_t n; size && !image->error; offset += n, from += n, size -= n) {
    uint64_t at = offset % UNIT, piece = at / PIECE;
    struct unit *unit = find_unit (image, offset / UNIT);

    n = MIN (PIECE - at % PIECE, size);
    if (!unit)
      break;
    if (n < PIECE && !is_touched (unit, at))
      touch (image, unit, piece);
    memcpy (unit->bytes + at, from, n);
    unit->touched |= 1u << piece;
  }
  return image->error;
}

int
vms_image_read (struct image *image, uint64_t offset, void *data, uint64_t size)
{
  char *to = data;

  for (uint64_t n; size && !image->error; offset += n, to += n, size -= n) {
    const struct unit *unit = image->units[slot_of (image, offset / UNIT)];

    n = stretch (image, offset, size);
    if (unit && is_touched (unit, offset % UNIT))
      memcpy (to, unit->bytes + offset % UNIT, n);
    else
      get_stored (image, offset, to, n);
  }
  return image->error;
}

/* The next unit at or after @index of which anything is known. */
static uint64_t
next_known (const struct image *image, uint64_t index, uint64_t end)
{
  uint64_t cluster_size = image->format.cluster_size, cluster, next = end;

  for (size_t i = 0; i < HASH_SIZE; i++) {
    const struct unit *unit = image->units[i];

    if (unit && unit->index >= index && unit->index < next)
      next = unit->index;
  }
  cluster = vms_image_map_next (&image->map, index * UNIT / cluster_size);
  if (cluster < image->map.clusters && cluster * cluster_size / UNIT < next)
    next = cluster * cluster_size / UNIT;
  return MAX (next, index);
}

/* Where nothing was written it is zero already. */
int
vms_image_zero (struct image *image, uint64_t offset, uint64_t size)
{
  static const char zeros[PIECE];
  uint64_t end = offset + size, last = (end + UNIT - 1) / UNIT;

  while (offset < end && !image->error) {
    uint64_t index = next_known (image, offset / UNIT, last), stop, n;

    offset = MAX (offset, index * UNIT);
    stop = MIN ((index + 1) * UNIT, end);
    for (; offset < stop; offset += n) {
      n = MIN (PIECE - offset % PIECE, stop - offset);
      vms_image_write (image, offset, zeros, n);
    }
  }
  return image->error;
}

/* ---- lending ------------------------------------------------------------ */

/* Whoever opens the file is to find it long enough. */
static void
extend (struct image *image, uint64_t size)
{
  struct stat status;

  if (fstat (image->fd, &status) < 0)
    vms_image_fail (image, -errno);
  else if ((uint64_t) status.st_size < size)
    vms_image_truncate (image, size);
}

int
vms_image_lend (struct image *image, uint64_t offset, uint64_t size,
                uint64_t *ret_offset)
{
  uint64_t cluster = offset / image->format.cluster_size;

  flush (image);
  if (image->is_fixed)
    image->lent = image->fixed + cluster * image->format.cluster_size;
  else {
    image->lent = image->next * image->format.cluster_size;
    image->next += size / image->format.cluster_size;
  }
  if (!image->error)
    extend (image, image->lent + size);
  *ret_offset = image->lent;
  return image->error;
}

static void
give_back (struct image *image, uint64_t place)
{
  uint64_t size = image->format.cluster_size, cluster = place / size;
  struct hole *last = image->n_holes ? &image->holes[image->n_holes - 1] : NULL;
  struct hole *more;

  /* Best effort: zeros that are stored do no harm. */
  (void) fallocate (image->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                    (off_t) place, (off_t) size);
  if (image->is_fixed)
    return;
  if (last && last->first + last->count == cluster) {
    last->count++;
    return;
  }
  more = reallocarray (image->holes, image->n_holes + 1, sizeof *more);
  if (!more) {
    vms_image_fail (image, -ENOMEM);
    return;
  }
  image->holes = more;
  image->holes[image->n_holes++] = (struct hole) { cluster, 1 };
}

/* Whether the file has nothing, or only zeros, in this cluster. */
static int
is_empty (struct image *image, uint64_t place, unsigned char *room)
{
  uint64_t size = image->format.cluster_size;
  off_t data = lseek (image->fd, (off_t) place, SEEK_DATA);

  if ((data < 0 && errno == ENXIO)
      || (data >= 0 && (uint64_t) data >= place + size))
    return 1;
  return get (image, place, room, size) == 0 && vms_image_is_zero (room, size);
}

int
vms_image_adopt (struct image *image, uint64_t offset, uint64_t size)
{
  uint64_t step = image->format.cluster_size;
  unsigned char *room = malloc (step);

  if (!room)
    return vms_image_fail (image, -ENOMEM);
  for (uint64_t at = 0; at < size && !image->error; at += step) {
    if (is_empty (image, image->lent + at, room))
      give_back (image, image->lent + at);
    else if (vms_image_map_set (&image->map, (offset + at) / step,
                                image->lent + at) < 0)
      vms_image_fail (image, -ENOMEM);
  }
  free (room);
  return image->error;
}

int
vms_image_finish (struct image *image)
{
  flush (image);
  if (image->error)
    return image->error;
  if (image->format.format == VMSPEC_IMAGE_FORMAT_QCOW2)
    return vms_qcow2_finish (image);
  return vms_image_truncate (image, image->format.size);
}

int
vms_image_error (const struct image *image)
{
  return image->error;
}

uint64_t
vms_image_written (const struct image *image)
{
  return image->written;
}

void
vms_image_free (struct image *image)
{
  if (!image)
    return;
  for (struct slab *slab = image->slabs, *next; slab; slab = next) {
    next = slab->next;
    free (slab->bytes);
    free (slab);
  }
  free (image->units);
  free (image->holes);
  vms_image_map_free (&image->map);
  free (image);
}
