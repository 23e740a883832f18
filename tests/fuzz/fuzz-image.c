/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The input is an image, looked at as what it seems to be, as a raw disk, and
 * through an overlay: it is described, or refused with findings. */
#include "fuzz.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

/* Unlike descriptions, files can also be circular, or rest on what cannot be
 * opened. */
static void
holds_for_files (int r, const vmspec_diag *diag)
{
  size_t errors = 0;

  HOLDS (r <= 0 && r != -EFAULT && r != -EBADF && r != -ENOMEM);
  for (size_t i = 0; i < vmspec_diag_count (diag); i++) {
    const struct vmspec_finding *f = vmspec_diag_get (diag, i);

    HOLDS (f->id && !strncmp (f->id, "image.", 6) && f->path && *f->text);
    errors += f->severity == VMSPEC_SEVERITY_ERROR;
  }
  HOLDS (errors == (r < 0));
}

static void
holds_for_info (const struct vmspec_image_info *info, const char *path)
{
  HOLDS (!strcmp (info->file, path));
  for (; info; info = info->backing) {
    HOLDS (info->struct_size == sizeof *info && info->file);
    HOLDS (info->format >= VMSPEC_IMAGE_FORMAT_RAW
           && info->format <= VMSPEC_IMAGE_FORMAT_VPC);
    HOLDS (info->in_use == VMSPEC_ON || info->in_use == VMSPEC_OFF);
    HOLDS (info->virtual_size <= INT64_MAX);
    HOLDS (!info->backing || info->backing_file);
    HOLDS (!info->label || info->file_system);
    HOLDS (!info->file_system || !info->partition_table);
    HOLDS (!info->uuid || info->file_system || info->partition_table);
    HOLDS (info->encrypted != VMSPEC_ON || info->cluster_size);
  }
}

static void
look (const char *path, uint32_t format)
{
  vmspec_diag *diag = new_diag ();
  struct vmspec_image_info *info = NULL;
  int r = vmspec_image_info (path, format, diag, &info);

  holds_for_files (r, diag);
  HOLDS ((r == 0) == (info != NULL));
  if (info)
    holds_for_info (info, path);
  if (format == VMSPEC_IMAGE_FORMAT_RAW)
    HOLDS (r == 0);
  vmspec_image_info_free (info);
  vmspec_diag_free (diag);
}

/*
 * The files have these names, so that images can be overlays of each other by a
 * relative one:
 *
 *     200   the input
 *     201   an overlay of it
 *     202   a disk with a partition
 */
enum { INPUT = 200, OVERLAY, DISK };

#define DIRECTORY "/proc/self/fd/"
#define CLUSTER 512

static void
put (unsigned char *at, uint64_t number, int size)
{
  while (size--)
    *at++ = (unsigned char) (number >> 8 * size);
}

/* Version 2, with a cluster each for its header, reference counts, their block,
 * and the table of the first level, in which there is nothing. */
static void
write_overlay (void)
{
  unsigned char image[4 * CLUSTER] = { 'Q', 'F', 'I', 0xfb };

  put (image + 4, 2, 4);
  put (image + 8, 80, 8);
  put (image + 16, 3, 4);
  put (image + 20, 9, 4);
  put (image + 24, 1 << 20, 8);
  put (image + 36, 32, 4);
  put (image + 40, 3 * CLUSTER, 8);
  put (image + 48, CLUSTER, 8);
  put (image + 56, 1, 4);
  memcpy (image + 80, "200", 3);
  put (image + CLUSTER, 2 * CLUSTER, 8);
  for (int i = 0; i < 4; i++)
    put (image + 2 * CLUSTER + 2 * i, 1, 2);
  HOLDS (write (OVERLAY, image, sizeof image) == sizeof image);
}

/* One partition from the first sector on. */
static void
write_disk (void)
{
  unsigned char disk[8 * CLUSTER]
    = { [446] = 0x80, [450] = 0x83, [454] = 1, [458] = 7, [510] = 0x55, 0xaa };

  HOLDS (write (DISK, disk, sizeof disk) == sizeof disk);
}

static void
make_files (void)
{
  static int made;

  if (made++)
    return;
  for (int name = INPUT; name <= DISK; name++) {
    int fd = memfd_create ("fuzz", MFD_CLOEXEC);

    HOLDS (dup3 (fd, name, O_CLOEXEC) == name);
    close (fd);
  }
  write_overlay ();
  write_disk ();
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  make_files ();
  HOLDS (ftruncate (INPUT, 0) == 0);
  HOLDS (pwrite (INPUT, data, size, 0) == (ssize_t) size);
  look (DIRECTORY "200", VMSPEC_IMAGE_FORMAT_UNSET);
  look (DIRECTORY "200", VMSPEC_IMAGE_FORMAT_RAW);
  look (DIRECTORY "201", VMSPEC_IMAGE_FORMAT_UNSET);
  return 0;
}
