/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The input is an image, looked at as what it seems to be and as a raw disk: it
 * is described, or refused with findings. */
#include "fuzz.h"

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

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  int fd = memfd_create ("fuzz", MFD_CLOEXEC);
  char path[64];

  HOLDS (fd >= 0);
  HOLDS (write (fd, data, size) == (ssize_t) size);
  snprintf (path, sizeof path, "/proc/self/fd/%d", fd);
  look (path, VMSPEC_IMAGE_FORMAT_UNSET);
  look (path, VMSPEC_IMAGE_FORMAT_RAW);
  close (fd);
  return 0;
}
