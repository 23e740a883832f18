/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Formats of images by what their files hold, and names of images. */
#include "image-layer.h"

#include <errno.h>
#include <unistd.h>

#include "option.h"

#define START 512
#define SECTOR 512
#define VDI_SIGNATURE_AT 0x40
#define VDI_SIZE_AT 0x170
#define VMDK_SECTORS_AT 12
#define VPC_SIZE_AT 48

ssize_t
vms_image_read_at (int fd, uint64_t offset, void *data, size_t size)
{
  size_t done = 0;

  while (done < size) {
    ssize_t n;

    if (offset + done > INT64_MAX)
      break;
    n = pread (fd, (char *) data + done, size - done, (off_t) (offset + done));
    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0)
      return -errno;
    if (n == 0)
      break;
    done += (size_t) n;
  }
  return (ssize_t) done;
}

const char *
vms_image_format_name (uint32_t format)
{
  return vms_option_value ("vmspec_image_info", "format", format);
}

uint32_t
vms_image_format_number (const char *name)
{
  uint32_t format = VMSPEC_IMAGE_FORMAT_RAW;

  /* QEMU's names for a file that is taken as it is. */
  if (!strcmp (name, "file") || !strcmp (name, "host_device"))
    return format;
  for (; format <= VMSPEC_IMAGE_FORMAT_VPC; format++)
    if (!strcmp (name, vms_image_format_name (format)))
      return format;
  return VMSPEC_IMAGE_FORMAT_UNSET;
}

/* ---- by their marks ----------------------------------------------------- */

struct mark {
  uint32_t format;
  const char *bytes;
};

static const struct mark marks[] = {
  { VMSPEC_IMAGE_FORMAT_VMDK, "KDMV" },
  { VMSPEC_IMAGE_FORMAT_VMDK, "COWD" },
  { VMSPEC_IMAGE_FORMAT_VMDK, "# Disk DescriptorFile" },
  { VMSPEC_IMAGE_FORMAT_VHDX, "vhdxfile" },
  { VMSPEC_IMAGE_FORMAT_VPC, "conectix" },
};

static int
starts_with (const unsigned char *start, const char *bytes)
{
  return !memcmp (start, bytes, strlen (bytes));
}

static uint32_t
format_by_start (const unsigned char start[START])
{
  if (starts_with (start, "QFI\xfb"))
    return read_be32 (start + 4) == 1 ? VMSPEC_IMAGE_FORMAT_QCOW
                                      : VMSPEC_IMAGE_FORMAT_QCOW2;
  if (starts_with (start, "<<< ")
      && starts_with (start + VDI_SIGNATURE_AT, "\x7f\x10\xda\xbe"))
    return VMSPEC_IMAGE_FORMAT_VDI;
  for (size_t i = 0; i < sizeof marks / sizeof *marks; i++)
    if (starts_with (start, marks[i].bytes))
      return marks[i].format;
  return VMSPEC_IMAGE_FORMAT_RAW;
}

/* The last sector.  0 if there is none, or -errno. */
static int
read_end (const struct image_layer *layer, unsigned char end[START])
{
  ssize_t n;

  memset (end, 0, START);
  if (layer->file_size < START)
    return 0;
  n = vms_image_read_at (layer->fd, layer->file_size - START, end, START);
  return n < 0 ? (int) n : 0;
}

int
vms_image_format_of (const struct image_layer *layer, uint32_t *ret_format)
{
  unsigned char bytes[START] = { 0 };
  ssize_t n = vms_image_read_at (layer->fd, 0, bytes, sizeof bytes);
  int r = n < 0 ? (int) n : 0;

  if (r < 0)
    return r;
  *ret_format = format_by_start (bytes);
  if (*ret_format != VMSPEC_IMAGE_FORMAT_RAW)
    return 0;
  /* A VHD of fixed size has its mark at the end only. */
  r = read_end (layer, bytes);
  if (r == 0 && starts_with (bytes, "conectix"))
    *ret_format = VMSPEC_IMAGE_FORMAT_VPC;
  return r;
}

/* ---- sizes -------------------------------------------------------------- */

static uint64_t
read_le64 (const unsigned char *at)
{
  uint64_t number;

  memcpy (&number, at, sizeof number);
  return le64toh (number);
}

static uint64_t
vmdk_size (const unsigned char *start)
{
  uint64_t sectors = 0;

  if (starts_with (start, "KDMV"))
    sectors = read_le64 (start + VMDK_SECTORS_AT);
  else if (starts_with (start, "COWD"))
    sectors = read_le64 (start + VMDK_SECTORS_AT) & UINT32_MAX;
  return sectors > INT64_MAX / SECTOR ? 0 : sectors * SECTOR;
}

int
vms_image_foreign_size (const struct image_layer *layer, uint64_t *ret_size)
{
  unsigned char start[START] = { 0 }, end[START];
  ssize_t n = vms_image_read_at (layer->fd, 0, start, sizeof start);
  int r = n < 0 ? (int) n : read_end (layer, end);

  *ret_size = 0;
  if (r < 0)
    return r;
  if (layer->info->format == VMSPEC_IMAGE_FORMAT_VDI)
    *ret_size = read_le64 (start + VDI_SIZE_AT);
  else if (layer->info->format == VMSPEC_IMAGE_FORMAT_VMDK)
    *ret_size = vmdk_size (start);
  else if (layer->info->format == VMSPEC_IMAGE_FORMAT_VPC)
    *ret_size = read_be64 (
      (starts_with (start, "conectix") ? start : end) + VPC_SIZE_AT);
  if (*ret_size > INT64_MAX)
    *ret_size = 0;
  return 0;
}

/* ---- names -------------------------------------------------------------- */

int
vms_image_name_is_protocol (const char *name)
{
  return name[strcspn (name, ":/")] == ':';
}

const char *
vms_image_backing_path (struct arena *arena, const char *overlay,
                        const char *name)
{
  const char *slash = strrchr (overlay, '/');
  char *directory;

  if (*name == '/' || !slash)
    return vms_arena_strdup (arena, name);
  directory = vms_arena_copy (arena, overlay, (size_t) (slash - overlay) + 1);
  return directory ? vms_arena_concat (arena, directory, name, (char *) NULL)
                   : NULL;
}
