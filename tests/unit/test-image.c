/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The writer of raw and qcow2 images, by two judges that are not ours: QEMU's
 * qemu-img and libqcow.
 */
#include "judges.h"

#include <libqcow.h>

#include "image.h"

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
  return unit_run ("image", t);
}
