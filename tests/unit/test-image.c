/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The writer of raw and qcow2 images, by two judges that are not ours: QEMU's
 * qemu-img and libqcow.
 */
#include "judges.h"

#include <libqcow.h>

#include "image.h"
#include "image-map.h"

#define KIB 1024ull
#define MIB (KIB * 1024)
#define GIB (MIB * 1024)
#define TIB (GIB * 1024)
#define PIB (TIB * 1024)

static int fd;
static struct image *image;
static struct image_format format;

static void
set_up (void)
{
  scratch_make ();
  fd = -1;
  image = NULL;
  format = (struct image_format) { .format = VMSPEC_IMAGE_FORMAT_QCOW2,
                                   .size = MIB, .cluster_size = 65536 };
}

static void
close_image (void)
{
  vms_image_free (image);
  image = NULL;
  if (fd >= 0)
    close (fd);
  fd = -1;
}

static void
tear_down (void)
{
  close_image ();
  scratch_remove ();
}

static void
begin (void)
{
  unlink ("image");
  fd = open ("image", O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
  ck_assert_int_ge (fd, 0);
  ck_assert_int_eq (vms_image_new (fd, &format, &image), 0);
}

/* No leaks and no errors, of whatever size. */
static void
check_image (void)
{
  if (format.format == VMSPEC_IMAGE_FORMAT_QCOW2) {
    RUN ("qemu-img check -f qcow2 image");
    SAYS ("No errors were found");
  }
}

static void
end (void)
{
  ck_assert_int_eq (vms_image_finish (image), 0);
  close_image ();
  check_image ();
}

/* ---- contents ----------------------------------------------------------- */

/* What the disk should hold. */
struct model {
  unsigned char *bytes;
  uint64_t size;
};

static void
fill (struct random *r, unsigned char *bytes, uint64_t size)
{
  for (uint64_t i = 0; i < size; i++)
    bytes[i] = (unsigned char) random_number (r);
}

/* Some bytes, or zeros, or a hole; anywhere, of any length. */
static void
change (struct random *r, struct model *model)
{
  uint64_t longest = random_below (r, 4) ? 3 * KIB : 200 * KIB;
  uint64_t at = random_below (r, model->size);
  uint64_t size = random_below (r, longest) + 1;
  unsigned char *bytes = model->bytes + at;

  if (size > model->size - at)
    size = model->size - at;
  switch (random_below (r, 4)) {
  case 0:
    memset (bytes, 0, size);
    ck_assert_int_eq (vms_image_zero (image, at, size), 0);
    return;
  case 1:
    memset (bytes, 0, size);
    break;
  default:
    fill (r, bytes, size);
  }
  ck_assert_int_eq (vms_image_write (image, at, bytes, size), 0);
}

static void
read_back (struct random *r, const struct model *model)
{
  uint64_t at = random_below (r, model->size);
  uint64_t size = random_below (r, model->size - at) + 1;
  unsigned char *bytes = malloc (size);

  ck_assert_ptr_nonnull (bytes);
  ck_assert_int_eq (vms_image_read (image, at, bytes, size), 0);
  ck_assert_mem_eq (bytes, model->bytes + at, size);
  free (bytes);
}

static void
qemu_reads (const struct model *model)
{
  unsigned char *bytes = malloc (model->size);
  int raw;

  RUN ("qemu-img convert -f %s -O raw image raw",
       format.format == VMSPEC_IMAGE_FORMAT_RAW ? "raw" : "qcow2");
  raw = open ("raw", O_RDONLY | O_CLOEXEC);
  ck_assert_int_eq (pread (raw, bytes, model->size, 0),
                    (ssize_t) model->size);
  ck_assert_mem_eq (bytes, model->bytes, model->size);
  close (raw);
  free (bytes);
}

static void
libqcow_reads (const struct model *model)
{
  unsigned char *bytes = malloc (model->size);
  libqcow_error_t *error = NULL;
  libqcow_file_t *file = NULL;
  size64_t size = 0;

  ck_assert_int_eq (libqcow_file_initialize (&file, &error), 1);
  ck_assert_int_eq (libqcow_file_open (file, "image", LIBQCOW_OPEN_READ,
                                       &error), 1);
  ck_assert_int_eq (libqcow_file_get_media_size (file, &size, &error), 1);
  ck_assert_uint_eq (size, model->size);
  ck_assert_int_eq (libqcow_file_read_buffer_at_offset (
                      file, bytes, model->size, 0, &error),
                    (ssize_t) model->size);
  ck_assert_mem_eq (bytes, model->bytes, model->size);
  libqcow_file_close (file, &error);
  libqcow_file_free (&file, &error);
  free (bytes);
}

static void
write_at_random (uint64_t seed)
{
  struct random r = { seed };
  struct model model = { .size = format.size,
                         .bytes = calloc (1, format.size) };

  ck_assert_ptr_nonnull (model.bytes);
  begin ();
  for (unsigned i = 0; i < 100; i++) {
    change (&r, &model);
    if (i % 10 == 0)
      read_back (&r, &model);
  }
  end ();
  qemu_reads (&model);
  if (format.format == VMSPEC_IMAGE_FORMAT_QCOW2)
    libqcow_reads (&model);
  free (model.bytes);
}

START_TEST (what_is_written_is_read_by_qemu_and_libqcow)
{
  static const uint32_t clusters[] = { 512, 4096, 65536, 2 << 20 };
  static const uint64_t sizes[] = { 512, 70 * KIB, 3 * MIB, 5 * MIB + 1536 };

  for (size_t i = 0; i < COUNT (clusters); i++)
    for (size_t j = 0; j < COUNT (sizes); j++) {
      format.cluster_size = clusters[i];
      format.size = sizes[j];
      format.format = VMSPEC_IMAGE_FORMAT_QCOW2;
      write_at_random (i * 10 + j);
      format.format = VMSPEC_IMAGE_FORMAT_RAW;
      write_at_random (i * 10 + j);
    }
}
END_TEST

/* More than the writer gathers before it writes. */
START_TEST (more_than_memory_holds_reaches_the_file_on_the_way)
{
  struct model model = { .size = 80 * MIB };
  struct random r = { 7 };

  model.bytes = calloc (1, model.size);
  ck_assert_ptr_nonnull (model.bytes);
  format.size = model.size;
  begin ();
  for (unsigned round = 0; round < 2; round++)
    for (uint64_t at = 0; at < model.size; at += 100 * KIB) {
      unsigned char *bytes = model.bytes + at;

      if (round)
        memset (bytes, 0, 5000);
      else
        fill (&r, bytes, 9000);
      ck_assert_int_eq (vms_image_write (image, at, bytes, round ? 5000 : 9000),
                        0);
    }
  ck_assert_uint_gt (vms_image_written (image), 0);
  read_back (&r, &model);
  end ();
  qemu_reads (&model);
  libqcow_reads (&model);
  free (model.bytes);
}
END_TEST

/* ---- sizes -------------------------------------------------------------- */

static uint64_t
stored_size (const char *file)
{
  struct stat status;

  ck_assert_int_eq (stat (file, &status), 0);
  return (uint64_t) status.st_blocks * 512;
}

START_TEST (an_empty_image_of_any_size_is_small)
{
  static const uint64_t sizes[]
    = { 512, GIB, 10 * TIB + 512, 2 * PIB };

  for (size_t i = 0; i < COUNT (sizes); i++) {
    format.size = sizes[i];
    begin ();
    end ();
    RUN ("qemu-img info --output=json image");
    {
      char size[64];

      snprintf (size, sizeof size, "\"virtual-size\": %" PRIu64, sizes[i]);
      SAYS (size);
    }
    ck_assert_uint_le (stored_size ("image"), 64 * KIB);
  }
}
END_TEST

START_TEST (a_disk_is_not_larger_than_the_format_allows)
{
  static const uint32_t clusters[] = { 512, 65536, 2 << 20 };

  for (size_t i = 0; i < COUNT (clusters); i++) {
    format.cluster_size = clusters[i];
    format.size = vms_image_largest (&format);
    begin ();
    end ();
    format.size += 512;
    if (format.size < INT64_MAX)
      ck_assert_int_ne (run ("qemu-img create -f qcow2 -o cluster_size=%u "
                             "theirs %" PRIu64, clusters[i], format.size), 0);
    ck_assert_int_eq (vms_image_new (0, &format, &image), -EFBIG);
  }
}
END_TEST

START_TEST (zeros_cost_nothing)
{
  static const unsigned char zeros[MIB];
  uint64_t empty;

  format.size = GIB;
  begin ();
  ck_assert_int_eq (vms_image_finish (image), 0);
  empty = vms_image_written (image);
  close_image ();
  begin ();
  ck_assert_int_eq (vms_image_zero (image, 0, GIB), 0);
  for (uint64_t at = 0; at < 64 * MIB; at += MIB)
    ck_assert_int_eq (vms_image_write (image, at, zeros, MIB), 0);
  ck_assert_int_eq (vms_image_finish (image), 0);
  ck_assert_uint_eq (vms_image_written (image), empty);
  close_image ();
  check_image ();
}
END_TEST

START_TEST (only_what_holds_something_is_written)
{
  unsigned char byte = 1;

  format.size = GIB;
  begin ();
  for (uint64_t at = 0; at < GIB; at += 64 * MIB)
    ck_assert_int_eq (vms_image_write (image, at + 12345, &byte, 1), 0);
  ck_assert_int_eq (vms_image_finish (image), 0);
  /* 16 pieces of 4 KiB, as many of the tables, and little more. */
  ck_assert_uint_le (vms_image_written (image), (16 + 16 + 4) * 4 * KIB);
  close_image ();
  check_image ();
}
END_TEST

START_TEST (what_is_overwritten_by_zeros_is_zero)
{
  unsigned char bytes[3 * 65536];
  struct model model = { .size = MIB, .bytes = calloc (1, MIB) };
  struct random r = { 3 };

  begin ();
  for (unsigned round = 0; round < 3; round++) {
    fill (&r, bytes, sizeof bytes);
    memcpy (model.bytes + 1000, bytes, sizeof bytes);
    ck_assert_int_eq (vms_image_write (image, 1000, bytes, sizeof bytes), 0);
    memset (model.bytes + 5000, 0, 100 * KIB);
    ck_assert_int_eq (vms_image_zero (image, 5000, 100 * KIB), 0);
  }
  end ();
  qemu_reads (&model);
  free (model.bytes);
}
END_TEST

/* ---- options ------------------------------------------------------------ */

START_TEST (metadata_can_be_complete_from_the_beginning)
{
  static const uint64_t sizes[] = { 512, 3 * MIB + 512, 5 * GIB };

  format.preallocate = 1;
  for (size_t i = 0; i < COUNT (sizes); i++) {
    format.size = sizes[i];
    begin ();
    ck_assert_int_eq (vms_image_write (image, sizes[i] - 5, "hello", 5), 0);
    end ();
    RUN ("qemu-img map --output=json -f qcow2 image");
    ck_assert_ptr_null (strstr (judgement, "\"present\": false"));
    RUN ("qemu-img map -f qcow2 image");
    RUN ("qemu-io -f qcow2 -c 'write -P 7 0 512' -c 'read -P 7 0 512' image");
    RUN ("qemu-img check -f qcow2 image");
    ck_assert_uint_le (stored_size ("image"), 2 * MIB);
  }
}
END_TEST

START_TEST (reference_counts_can_be_lazy)
{
  format.lazy_refcounts = 1;
  begin ();
  end ();
  RUN ("qemu-img info image");
  SAYS ("lazy refcounts: true");
  format.lazy_refcounts = 0;
  begin ();
  end ();
  RUN ("qemu-img info image");
  SAYS ("lazy refcounts: false");
  SAYS ("compat: 1.1");
  SAYS ("cluster_size: 65536");
}
END_TEST

START_TEST (an_overlay_shows_what_it_rests_on)
{
  RUN ("qemu-img create -q -f raw './a, b:c' 1M && "
       "qemu-io -f raw -c 'write -P 9 64k 64k' './a, b:c'");
  format.size = 2 * MIB;
  format.backing = "./a, b:c";
  format.backing_format = "raw";
  begin ();
  end ();
  RUN ("qemu-io -f qcow2 -c 'read -P 9 64k 64k' -c 'read -P 0 1M 1M' "
       "-c 'write -P 5 100k 1k' -c 'read -P 5 100k 1k' image");
  ck_assert_msg (!strstr (judgement, "failed"), "%s", judgement);
  RUN ("qemu-img info image");
  SAYS ("backing file: ./a, b:c");
  SAYS ("backing file format: raw");
  RUN ("qemu-img check -f qcow2 image");
}
END_TEST

START_TEST (a_name_that_does_not_fit_is_refused)
{
  char name[1100];

  memset (name, 'a', sizeof name);
  format.backing = name;
  format.backing_format = "qcow2";
  name[1023] = '\0';
  begin ();
  ck_assert_int_eq (vms_image_finish (image), 0);
  close_image ();
  name[1023] = 'a';
  name[1024] = '\0';
  ck_assert_int_eq (vms_image_new (0, &format, &image), -ENAMETOOLONG);
  format.cluster_size = 512;
  name[384] = '\0';
  ck_assert_int_eq (vms_image_new (0, &format, &image), 0);
  vms_image_free (image);
  name[384] = 'a';
  name[385] = '\0';
  ck_assert_int_eq (vms_image_new (0, &format, &image), -ENAMETOOLONG);
  image = NULL;
}
END_TEST

/* ---- lending ------------------------------------------------------------ */

static void
lend_and_adopt (void)
{
  struct model model = { .size = format.size,
                         .bytes = calloc (1, format.size) };
  struct random r = { 11 };
  uint64_t place, size = 8 * MIB, before;

  begin ();
  fill (&r, model.bytes, 200 * KIB);
  fill (&r, model.bytes + 20 * MIB, 100 * KIB);
  ck_assert_int_eq (vms_image_write (image, 0, model.bytes, 200 * KIB), 0);
  ck_assert_int_eq (vms_image_write (image, 20 * MIB, model.bytes + 20 * MIB,
                                     100 * KIB), 0);
  ck_assert_int_eq (vms_image_lend (image, 4 * MIB, size, &place), 0);
  ck_assert_uint_eq (place % format.cluster_size, 0);
  fill (&r, model.bytes + 5 * MIB, 70 * KIB);
  memset (model.bytes + 9 * MIB, 0, MIB);
  ck_assert_int_eq (pwrite (fd, model.bytes + 5 * MIB, 70 * KIB,
                            (off_t) (place + MIB)), (ssize_t) (70 * KIB));
  ck_assert_int_eq (pwrite (fd, model.bytes + 9 * MIB, MIB,
                            (off_t) (place + 5 * MIB)), (ssize_t) MIB);
  before = stored_size ("image");
  ck_assert_int_eq (vms_image_adopt (image, 4 * MIB, size), 0);
  /* What was only zeros is a hole now. */
  ck_assert_uint_le (stored_size ("image"), before - MIB / 2);
  fill (&r, model.bytes + 21 * MIB, 10 * KIB);
  ck_assert_int_eq (vms_image_write (image, 21 * MIB, model.bytes + 21 * MIB,
                                     10 * KIB), 0);
  read_back (&r, &model);
  end ();
  qemu_reads (&model);
  if (format.format == VMSPEC_IMAGE_FORMAT_QCOW2)
    libqcow_reads (&model);
  free (model.bytes);
}

START_TEST (others_can_write_to_a_part_of_it)
{
  format.size = 24 * MIB;
  lend_and_adopt ();
  format.preallocate = 1;
  lend_and_adopt ();
  format.preallocate = 0;
  format.format = VMSPEC_IMAGE_FORMAT_RAW;
  lend_and_adopt ();
}
END_TEST

/* ---- byte by byte -------------------------------------------------------- */

/* Clusters of 512 bytes: 64 entries in a table, 256 reference counts. */
#define SMALL 512u
#define ENTRIES (SMALL / 8)
#define COUNTS (SMALL / 2)
#define IN_USE (1ull << 63)

/* A cluster of the disk, and which one of the file it is. */
struct stored {
  uint64_t cluster, place;
};

static unsigned char expected[12 * MIB];
static uint64_t expected_written;

static void
put (uint64_t at, unsigned size, uint64_t number)
{
  for (unsigned i = 0; i < size; i++)
    expected[at + i] = (unsigned char) (number >> 8 * (size - 1 - i));
}

static uint64_t
up (uint64_t number, uint64_t by)
{
  return number / by + (number % by ? 1 : 0);
}

/* Version 3, without anything that is optional but names.  Returns its size. */
static uint64_t
expect_header (uint64_t l1, uint64_t l1_size, uint64_t counts,
               uint64_t count_clusters)
{
  uint64_t at = 104;

  put (0, 4, 0x514649fb);
  put (4, 4, 3);
  put (20, 4, 9);
  put (24, 8, format.size);
  put (36, 4, l1_size);
  put (40, 8, l1 * SMALL);
  put (48, 8, counts * SMALL);
  put (56, 4, count_clusters);
  put (80, 8, format.lazy_refcounts ? 1 : 0);
  put (96, 4, 4);
  put (100, 4, 104);
  if (format.backing_format) {
    uint64_t size = strlen (format.backing_format);

    put (at, 4, 0xe2792aca);
    put (at + 4, 4, size);
    memcpy (expected + at + 8, format.backing_format, size);
    at += 8 + up (size, 8) * 8;
  }
  at += 8;
  if (format.backing) {
    put (8, 8, at);
    put (16, 4, strlen (format.backing));
    memcpy (expected + at, format.backing, strlen (format.backing));
    at += strlen (format.backing);
  }
  return at;
}

/* The whole file, of which clusters 1 to @n are the disk's: these are stored,
 * in this order, and the others are nobody's.  Returns its length. */
static uint64_t
expect (const struct stored *stored, size_t count, uint64_t n)
{
  uint64_t l1_size = up (format.size, SMALL * ENTRIES);
  uint64_t l1 = 1 + n, next = l1 + up (l1_size, ENTRIES), blocks = 0, table;
  uint64_t piece = UINT64_MAX, header;

  memset (expected, 0, sizeof expected);
  expected_written = 0;
  for (size_t i = 0; i < count; i++) {
    uint64_t entry = l1 * SMALL + stored[i].cluster / ENTRIES * 8;

    if (!expected[entry]) {
      put (entry, 8, next++ * SMALL | IN_USE);
      expected_written += SMALL;
      /* Of the first level only pieces of 4 KiB that hold something. */
      if (stored[i].cluster / ENTRIES / 512 != piece) {
        uint64_t left;

        piece = stored[i].cluster / ENTRIES / 512;
        left = l1_size * 8 - piece * 4096;
        expected_written += left < 4096 ? left : 4096;
      }
    }
    put ((next - 1) * SMALL + stored[i].cluster % ENTRIES * 8, 8,
         stored[i].place * SMALL | IN_USE);
    expected[stored[i].place * SMALL]
      = (unsigned char) (stored[i].cluster % 255 + 1);
  }
  do {
    blocks++;
    table = up (blocks * 8, SMALL);
  } while (next + blocks + table > blocks * COUNTS);
  for (uint64_t i = 0; i < blocks; i++)
    put ((next + blocks) * SMALL + i * 8, 8, (next + i) * SMALL);
  for (uint64_t i = 0; i < next + blocks + table; i++)
    put (next * SMALL + i * 2, 2, i == 0 || i > n);
  for (size_t i = 0; i < count; i++)
    put (next * SMALL + stored[i].place * 2, 2, 1);
  header = expect_header (l1, l1_size, next + blocks, table);
  expected_written += header + blocks * SMALL + blocks * 8;
  return (next + blocks + table) * SMALL;
}

static void
write_first_byte (uint64_t cluster)
{
  unsigned char byte = (unsigned char) (cluster % 255 + 1);

  ck_assert_int_eq (vms_image_write (image, cluster * SMALL, &byte, 1), 0);
}

static void
is_expected (uint64_t size)
{
  static unsigned char found[sizeof expected];

  ck_assert_int_eq (vms_image_finish (image), 0);
  ck_assert_int_eq (lseek (fd, 0, SEEK_END), (off_t) size);
  ck_assert_int_eq (pread (fd, found, size, 0), (ssize_t) size);
  for (uint64_t i = 0; i < size; i++)
    if (found[i] != expected[i])
      ck_abort_msg ("byte %" PRIu64 " is %#x, not %#x", i, found[i],
                    expected[i]);
}

/* Of the disk nothing is written but these clusters. */
static void
is_made_of (const struct stored *stored, size_t count)
{
  uint64_t size = expect (stored, count, count);

  begin ();
  for (size_t i = 0; i < count; i++)
    write_first_byte (stored[i].cluster);
  is_expected (size);
  ck_assert_uint_eq (vms_image_written (image),
                     expected_written + count * SMALL);
  close_image ();
  check_image ();
}

static void
is_made_of_the_first (size_t count)
{
  static struct stored stored[16 * 1024 + 1];

  for (size_t i = 0; i < count; i++)
    stored[i] = (struct stored) { i, i + 1 };
  is_made_of (stored, count);
}

START_TEST (each_byte_of_an_image_is_known)
{
  format.cluster_size = SMALL;
  format.size = 40 * MIB + 512;
  /* Beside the ends of tables of the second level, and pieces of the first. */
  is_made_of ((struct stored[]) { { 0, 1 } }, 1);
  is_made_of ((struct stored[]) { { 63, 1 }, { 64, 2 }, { 127, 3 },
                                  { 128, 4 } }, 4);
  is_made_of ((struct stored[]) { { 32767, 1 } }, 1);
  is_made_of ((struct stored[]) { { 32768, 1 } }, 1);
  is_made_of ((struct stored[]) { { 5, 1 }, { 32767, 2 }, { 32768, 3 },
                                  { 65535, 4 }, { 65536, 5 }, { 81920, 6 } },
              6);
  format.size = 32 * KIB;
  is_made_of ((struct stored[]) { { 1, 1 }, { 63, 2 } }, 2);
  format.size = 32 * KIB + 512;
  is_made_of ((struct stored[]) { { 64, 1 } }, 1);
  format.size = 512;
  is_made_of ((struct stored[]) { { 0, 1 } }, 1);
  format.lazy_refcounts = 1;
  is_made_of ((struct stored[]) { { 0, 1 } }, 1);
}
END_TEST

START_TEST (reference_counts_count_themselves)
{
  format.cluster_size = SMALL;
  format.size = MIB;
  /* Header, one table of the first level and 4 of the second, blocks and their
   * table: here one block becomes two. */
  for (size_t count = 240; count < 256; count++)
    is_made_of_the_first (count);
  /* And here their table takes a second cluster. */
  format.size = 16 * MIB;
  is_made_of_the_first (16 * 1024);
}
END_TEST

START_TEST (each_byte_of_an_overlays_header_is_known)
{
  static const char *const names[]
    = { "r", "qcow2--", "parallel", "parallels" };

  format.cluster_size = SMALL;
  format.backing = "the image below";
  for (size_t i = 0; i < COUNT (names); i++) {
    uint64_t size;

    format.backing_format = names[i];
    size = expect (&(struct stored) { 7, 1 }, 1, 1);
    begin ();
    write_first_byte (7);
    is_expected (size);
    close_image ();
  }
}
END_TEST

/* All of a disk has a place, in its order. */
START_TEST (each_byte_of_complete_metadata_is_known)
{
  static const unsigned ends[] = { 1, 63, 64, 65, 250 };
  static struct stored stored[250];

  format.cluster_size = SMALL;
  format.preallocate = 1;
  for (size_t i = 0; i < COUNT (ends); i++) {
    uint64_t size;

    format.size = ends[i] * SMALL;
    for (size_t j = 0; j < ends[i]; j++)
      stored[j] = (struct stored) { j, j + 1 };
    size = expect (stored, ends[i], ends[i]);
    begin ();
    for (size_t j = 0; j < ends[i]; j++)
      write_first_byte (j);
    is_expected (size);
    close_image ();
    check_image ();
  }
}
END_TEST

/* Those in which nothing is remain in the file, and belong to nobody. */
START_TEST (clusters_that_are_given_back_are_not_counted)
{
  static const struct stored stored[]
    = { { 3, 1 }, { 17, 3 }, { 20, 6 }, { 100, 10 } };
  uint64_t place, size;

  format.cluster_size = SMALL;
  size = expect (stored, COUNT (stored), 10);
  begin ();
  write_first_byte (3);
  ck_assert_int_eq (vms_image_lend (image, 16 * SMALL, 8 * SMALL, &place), 0);
  ck_assert_uint_eq (place, 2 * SMALL);
  ck_assert_int_eq (lseek (fd, 0, SEEK_END), 10 * SMALL);
  for (int i = 1; i < 3; i++)
    ck_assert_int_eq (pwrite (fd, i == 1 ? "\x12" : "\x15", 1,
                              i == 1 ? 3 * SMALL : 6 * SMALL), 1);
  ck_assert_int_eq (vms_image_adopt (image, 16 * SMALL, 8 * SMALL), 0);
  write_first_byte (100);
  is_expected (size);
  close_image ();
  check_image ();
}
END_TEST

/* ---- system calls -------------------------------------------------------- */

/* Those of this process that write; -1 if the kernel does not count them. */
static long
write_calls (void)
{
  FILE *file = fopen ("/proc/self/io", "re");
  char line[80];
  long n = -1;

  while (file && fgets (line, sizeof line, file))
    sscanf (line, "syscw: %ld", &n);
  if (file)
    fclose (file);
  return n;
}

/* Check's assertions write, too, so there are none meanwhile. */
static void
takes_calls (long calls)
{
  long before = write_calls ();
  int r = vms_image_finish (image);
  long n = write_calls () - before;

  ck_assert_int_eq (r, 0);
  if (before >= 0 && !unit_is_watched ())
    ck_assert_int_eq (n, calls);
  close_image ();
}

START_TEST (neighbours_in_the_file_are_written_at_once)
{
  static unsigned char bytes[MIB];

  memset (bytes, 1, sizeof bytes);
  /* Neighbours in memory, too; and both levels of the table, counts, their
   * table and the header. */
  begin ();
  ck_assert_int_eq (vms_image_write (image, 0, bytes, MIB), 0);
  takes_calls (1 + 5);
  /* Holes part them. */
  format.format = VMSPEC_IMAGE_FORMAT_RAW;
  begin ();
  for (uint64_t at = 0; at < MIB; at += 128 * KIB)
    ck_assert_int_eq (vms_image_write (image, at, bytes, 64 * KIB), 0);
  takes_calls (8);
  /* Together in the file only: a call takes 64 of these. */
  format.format = VMSPEC_IMAGE_FORMAT_QCOW2;
  for (size_t n = 63; n <= 65; n++) {
    format.size = 16 * MIB;
    begin ();
    for (size_t i = n; i-- > 0;)
      ck_assert_int_eq (vms_image_write (image, i * 128 * KIB, bytes, 64 * KIB),
                        0);
    takes_calls ((n > 64 ? 2 : 1) + 5);
  }
}
END_TEST

/* ---- the map ------------------------------------------------------------- */

#define IN_LEAF 512ull
#define IN_PAGE (IN_LEAF * 512)

/* Places beside the ends of what it is made of. */
START_TEST (a_map_knows_what_was_set)
{
  static const uint64_t clusters[]
    = { 0, 1, IN_LEAF - 1, IN_LEAF, 3 * IN_LEAF, IN_PAGE - 1, IN_PAGE,
        IN_PAGE + IN_LEAF - 1, 3 * IN_PAGE - 1, 3 * IN_PAGE,
        5 * IN_PAGE + IN_LEAF };
  static const uint64_t ends[] = { 0, 1 };

  for (size_t end = 0; end < COUNT (ends); end++)
    for (size_t first = 0; first < COUNT (clusters); first++) {
      struct image_map map = {
        .clusters = clusters[COUNT (clusters) - 1] + 1 + ends[end] };

      for (uint64_t i = 0; i < map.clusters; i += IN_LEAF)
        ck_assert_uint_eq (vms_image_map_get (&map, i), NOT_MAPPED);
      ck_assert_uint_eq (vms_image_map_next (&map, 0), map.clusters);
      for (size_t i = first; i < COUNT (clusters); i += 2)
        ck_assert_int_eq (vms_image_map_set (&map, clusters[i], i * 7), 0);
      for (size_t i = 0; i < COUNT (clusters); i++) {
        int is_set = i >= first && (i - first) % 2 == 0;

        ck_assert_uint_eq (vms_image_map_get (&map, clusters[i]),
                           is_set ? i * 7 : NOT_MAPPED);
      }
      /* All that are set, and no others, in their order. */
      for (size_t i = first; i < COUNT (clusters); i += 2) {
        uint64_t from = i >= 2 && i > first ? clusters[i - 2] + 1 : 0;

        ck_assert_uint_eq (vms_image_map_next (&map, from), clusters[i]);
        ck_assert_uint_eq (vms_image_map_next (&map, clusters[i]), clusters[i]);
      }
      ck_assert_uint_eq (
        vms_image_map_next (&map, clusters[COUNT (clusters) - 1] + 1),
        map.clusters);
      ck_assert_uint_eq (vms_image_map_next (&map, map.clusters), map.clusters);
      vms_image_map_free (&map);
    }
}
END_TEST

/* ---- failures ----------------------------------------------------------- */

START_TEST (a_failure_stays)
{
  make_file ("image", 0644, "");
  fd = open ("image", O_RDONLY | O_CLOEXEC);
  ck_assert_int_eq (vms_image_new (fd, &format, &image), 0);
  ck_assert_int_eq (vms_image_write (image, 0, "x", 1), 0);
  ck_assert_int_eq (vms_image_finish (image), -EBADF);
  ck_assert_int_eq (vms_image_write (image, 0, "x", 1), -EBADF);
  ck_assert_int_eq (vms_image_zero (image, 0, 1), -EBADF);
  ck_assert_int_eq (vms_image_finish (image), -EBADF);
}
END_TEST

/* ---- beside qemu-img ---------------------------------------------------- */

START_TEST (an_image_is_not_larger_than_qemu_imgs)
{
  uint64_t ours, theirs;
  struct random r = { 5 };

  format.size = 3 * GIB;
  begin ();
  for (unsigned i = 0; i < 200; i++) {
    unsigned char bytes[5000];

    fill (&r, bytes, sizeof bytes);
    ck_assert_int_eq (vms_image_write (image, random_below (&r, 3 * GIB - 5000),
                                       bytes, sizeof bytes), 0);
  }
  end ();
  RUN ("qemu-img convert -f qcow2 -O qcow2 image theirs && "
       "qemu-img compare -f qcow2 -F qcow2 image theirs");
  ours = stored_size ("image");
  theirs = stored_size ("theirs");
  ck_assert_msg (ours <= theirs, "%" PRIu64 " > %" PRIu64, ours, theirs);
}
END_TEST

int
main (void)
{
  TCase *t = unit_case ("image");

  tcase_add_checked_fixture (t, set_up, tear_down);
  tcase_add_test (t, what_is_written_is_read_by_qemu_and_libqcow);
  tcase_add_test (t, more_than_memory_holds_reaches_the_file_on_the_way);
  tcase_add_test (t, an_empty_image_of_any_size_is_small);
  tcase_add_test (t, a_disk_is_not_larger_than_the_format_allows);
  tcase_add_test (t, zeros_cost_nothing);
  tcase_add_test (t, only_what_holds_something_is_written);
  tcase_add_test (t, what_is_overwritten_by_zeros_is_zero);
  tcase_add_test (t, metadata_can_be_complete_from_the_beginning);
  tcase_add_test (t, reference_counts_can_be_lazy);
  tcase_add_test (t, an_overlay_shows_what_it_rests_on);
  tcase_add_test (t, a_name_that_does_not_fit_is_refused);
  tcase_add_test (t, others_can_write_to_a_part_of_it);
  tcase_add_test (t, a_failure_stays);
  tcase_add_test (t, an_image_is_not_larger_than_qemu_imgs);
  tcase_add_test (t, each_byte_of_an_image_is_known);
  tcase_add_test (t, reference_counts_count_themselves);
  tcase_add_test (t, each_byte_of_an_overlays_header_is_known);
  tcase_add_test (t, each_byte_of_complete_metadata_is_known);
  tcase_add_test (t, clusters_that_are_given_back_are_not_counted);
  tcase_add_test (t, neighbours_in_the_file_are_written_at_once);
  tcase_add_test (t, a_map_knows_what_was_set);
  return unit_run ("image", t);
}
