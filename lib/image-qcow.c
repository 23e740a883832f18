/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libqcow: a second opinion on headers, and what inflates clusters.
 *
 * It believes what tables say: an entry that points to the end of the file, a
 * parent that is shorter, or an empty stream lead it astray.  So it reads the
 * tables of images that were made here, which hold a copy of one cluster.
 */
#include "image-layer.h"

#include <errno.h>
#include <fcntl.h>
#include <libqcow.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/param.h>
#include <unistd.h>

#define LARGEST_L1 (32u << 20)

/* Through its descriptor, since a name may be gone, or be another's by now. */
static void
descriptor_path (char path[40], int fd)
{
  snprintf (path, 40, "/proc/self/fd/%d", fd);
}

static libqcow_file_t *
qcow_open (int fd, int *ret_error)
{
  libqcow_file_t *file = NULL;
  char path[40];

  descriptor_path (path, fd);
  do {
    libqcow_file_free (&file, NULL);
    errno = 0;
    if (libqcow_file_initialize (&file, NULL) == 1
        && libqcow_file_open (file, path, LIBQCOW_OPEN_READ, NULL) == 1)
      return file;
  } while (errno == EINTR);
  /* It does not say itself whether the file is to blame. */
  *ret_error = errno == ENOMEM || errno == EMFILE || errno == ENFILE
                   || errno == EIO
                 ? -errno : -EUCLEAN;
  libqcow_file_free (&file, NULL);
  return NULL;
}

static void
qcow_close (libqcow_file_t *file)
{
  libqcow_file_close (file, NULL);
  libqcow_file_free (&file, NULL);
}

/* ---- headers ------------------------------------------------------------ */

static int
is_supported (const struct image_header *h)
{
  return h->l1_entries && h->l1_entries <= LARGEST_L1 / 8
         && !(h->incompatible & ~(uint64_t) QCOW2_DIRTY)
         && h->compatible <= 1
         && (h->version < 3 || h->header_size == 104 || h->header_size == 112);
}

/* Other texts go through conversions. */
static int
is_plain (const char *text)
{
  for (; *text; text++)
    if ((unsigned char) *text >= 0x80)
      return 0;
  return 1;
}

static int
same_backing (libqcow_file_t *file, const char *name)
{
  char found[1100];
  size_t size = 0;
  int r = libqcow_file_get_utf8_backing_filename_size (file, &size, NULL);

  if (!name)
    return r != 1 || size <= 1;
  if (!is_plain (name))
    return 1;
  return r == 1 && size <= sizeof found
         && libqcow_file_get_utf8_backing_filename (
              file, (uint8_t *) found, sizeof found, NULL) == 1
         && !strcmp (found, name);
}

int
vms_image_qcow_confirm (const struct image_layer *layer)
{
  const struct image_header *h = &layer->header;
  uint32_t version = 0, method = 0;
  size64_t size = 0;
  libqcow_file_t *file;
  char path[40];
  int r = 0, same;

  descriptor_path (path, layer->fd);
  /* Without /proc there is no second opinion. */
  if (!is_supported (h) || access (path, R_OK) < 0)
    return 0;
  file = qcow_open (layer->fd, &r);
  if (!file)
    return r;
  same = libqcow_file_get_format_version (file, &version, NULL) == 1
         && version == h->version
         && libqcow_file_get_media_size (file, &size, NULL) == 1
         && size == h->size
         && libqcow_file_get_encryption_method (file, &method, NULL) >= 0
         && method == h->crypt_method
         && same_backing (file, layer->info->backing_file);
  qcow_close (file);
  return same ? 0 : -EUCLEAN;
}

/* ---- clusters ----------------------------------------------------------- */

int
vms_image_memory_file (const char *name)
{
  int fd = memfd_create (name, MFD_CLOEXEC);

  return fd < 0 ? -errno : fd;
}

/*
 * An image of version 2 whose only cluster is compressed:
 *
 *     0        header, and the table of the first level at L1_AT
 *     C        the table of the second level
 *     2C + 1   the stream; so that it may take almost two clusters, of which
 *              there is no need to fill the rest
 */
#define L1_AT 128
#define HEADER_ROOM 512
#define STORED_MOST 65535 /* bytes in a stored block of a stream */
#define STORED_HEADER 5

struct package {
  uint32_t cluster_bits;
  const unsigned char *stream;
  size_t size;
  size_t zeros;          /* bytes that come before what the stream makes */
};

static unsigned char *
put_be (unsigned char *at, uint64_t number, size_t size)
{
  for (size_t i = 0; i < size; i++)
    at[i] = (unsigned char) (number >> 8 * (size - 1 - i));
  return at + size;
}

static void
put_header (unsigned char room[HEADER_ROOM], uint32_t cluster_bits)
{
  unsigned char *at = room;

  memset (room, 0, HEADER_ROOM);
  at = put_be (at, 0x514649fb, 4);
  at = put_be (at, 2, 4);
  at += 12;                                        /* no backing file */
  at = put_be (at, cluster_bits, 4);
  at = put_be (at, (uint64_t) 1 << cluster_bits, 8);
  at = put_be (at, 0, 4);                          /* not encrypted */
  at = put_be (at, 1, 4);
  put_be (at, L1_AT, 8);
  put_be (room + L1_AT, (uint64_t) 1 << cluster_bits, 8);
}

/* The stream with stored blocks of zeros before it.  Returns its end. */
static unsigned char *
put_stream (unsigned char *at, const struct package *package)
{
  size_t left = package->zeros;

  while (left) {
    size_t n = MIN (left, STORED_MOST);
    const unsigned char head[STORED_HEADER]
      = { 0, n & 0xff, n >> 8 & 0xff, ~n & 0xff, ~n >> 8 & 0xff };

    memcpy (at, head, sizeof head);
    memset (at + sizeof head, 0, n);
    at += sizeof head + n;
    left -= n;
  }
  memcpy (at, package->stream, package->size);
  return at + package->size;
}

/* A file in memory takes all of it, or there is no room. */
static int
write_all (int fd, const unsigned char *data, size_t size)
{
  ssize_t n = write (fd, data, size);

  if (n < 0)
    return -errno;
  return (size_t) n == size ? 0 : -ENOSPC;
}

/* The file; or an error. */
static int
pack (const struct package *package)
{
  size_t cluster = (size_t) 1 << package->cluster_bits;
  size_t blocks = package->zeros / STORED_MOST + 1, sectors;
  unsigned char *bytes, *stream, *end;
  int fd, r;

  bytes = calloc (1, 2 * cluster + 1 + package->zeros + blocks * STORED_HEADER
                       + package->size + 512);
  if (!bytes)
    return -ENOMEM;
  stream = bytes + 2 * cluster + 1;
  end = put_stream (stream, package);
  /* The stream starts with the second byte of a sector. */
  sectors = ((size_t) (end - stream) + 1 + 511) / 512;
  put_header (bytes, package->cluster_bits);
  put_be (bytes + cluster,
          1ull << 62
            | (uint64_t) (sectors - 1) << (62 - (package->cluster_bits - 8))
            | (2 * cluster + 1), 8);
  fd = vms_image_memory_file ("cluster");
  r = fd < 0 ? fd : write_all (fd, bytes, (size_t) (end - bytes));
  free (bytes);
  if (r < 0 && fd >= 0)
    close (fd);
  return r < 0 ? r : fd;
}

/* Reads the cluster to @data, which may be NULL to see only whether there is
 * one. */
static int
unpack (const struct package *package, void *data)
{
  size_t size = data ? (size_t) 1 << package->cluster_bits : 1;
  libqcow_file_t *file;
  unsigned char first;
  int fd = pack (package), r = 0;

  if (fd < 0)
    return fd;
  file = qcow_open (fd, &r);
  if (file) {
    if (libqcow_file_read_buffer_at_offset (file, data ? data : &first, size, 0,
                                            NULL) != (ssize_t) size)
      r = -EUCLEAN;
    qcow_close (file);
  }
  close (fd);
  return r;
}

int
vms_image_qcow_inflate (const void *stream, size_t size, uint32_t cluster_bits,
                        void *cluster)
{
  size_t cluster_size = (size_t) 1 << cluster_bits;
  struct package package = { .cluster_bits = cluster_bits, .stream = stream,
                             .size = size };
  int r;

  /* No stream is as long as its cluster: there is no point in that. */
  package.size = MIN (package.size, cluster_size - 1);
  if (!package.size)
    return -EUCLEAN;
  r = unpack (&package, cluster);
  if (r < 0)
    return r;
  /* libqcow says if a stream makes more than a cluster, but not if it makes
   * less.  With this before it, a stream that makes all of it makes too much
   * for a cluster of twice the size. */
  package.cluster_bits++;
  package.zeros = cluster_size + 1;
  r = unpack (&package, NULL);
  return r == 0 ? -EUCLEAN : r == -EUCLEAN ? 0 : r;
}
