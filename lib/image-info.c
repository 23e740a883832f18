/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* An image and those that it is an overlay of, one after the other. */
#include "image-layer.h"

#include <errno.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#define LONGEST_CHAIN 200
/* Tables of the first level that libqcow reads, in bytes. */
#define MOST_CONFIRMED ((uint64_t) 256 << 20)

struct look {
  struct work *work;
  const char *member;
  struct image_layer *top;
  size_t layers;
  uint64_t confirmed;
};

#define FAIL(look, error, id, ...)                                             \
  vms_work_fail ((look)->work, error, id, (look)->member, __VA_ARGS__)

/* ---- opening ------------------------------------------------------------ */

/* @overlay is the file that rests on it, or NULL. */
static int
cannot_open (struct look *look, int error, const char *file,
             const char *overlay)
{
  if (overlay && (error == -ENOENT || error == -ENOTDIR))
    return FAIL (look, error, "image.backing-missing",
                 "%s is an overlay of %s, which does not exist; put it there "
                 "again, or say with \"qemu-img rebase -u\" where it is",
                 overlay, file);
  if (error == -ENOENT || error == -ENOTDIR)
    return FAIL (look, error, "image.missing",
                 "the image %s does not exist; make it, or correct the name",
                 file);
  if (error == -EINVAL || error == -EISDIR)
    return FAIL (look, error, "image.unreadable",
                 "%s%s%s is neither a file nor a block device; name the image "
                 "itself", overlay ? overlay : "",
                 overlay ? " is an overlay, but " : "", file);
  if (overlay)
    return FAIL (look, error, "image.unreadable",
                 "%s is an overlay of %s, which cannot be read: %s; allow it",
                 overlay, file, strerrordesc_np (-error));
  return FAIL (look, error, "image.unreadable",
               "the image %s cannot be read: %s; permit that", file,
               strerrordesc_np (-error));
}

static int
measure (struct image_layer *layer)
{
  struct stat status;

  if (fstat (layer->fd, &status) < 0)
    return -errno;
  layer->is_device = S_ISBLK (status.st_mode);
  layer->device = layer->is_device ? status.st_rdev : status.st_dev;
  layer->inode = layer->is_device ? 0 : status.st_ino;
  layer->file_size = (uint64_t) status.st_size;
  layer->info->stored_size = (uint64_t) status.st_blocks * 512;
  if (layer->is_device
      && ioctl (layer->fd, BLKGETSIZE64, &layer->file_size) < 0)
    return -errno;
  return 0;
}

static int
is_known (const struct look *look, const struct image_layer *layer)
{
  for (const struct image_layer *l = look->top; l != layer; l = l->backing)
    if (l->is_device == layer->is_device && l->device == layer->device
        && l->inode == layer->inode)
      return 1;
  return 0;
}

/* ---- qcow and qcow2 ----------------------------------------------------- */

static int
is_damaged (struct look *look, const struct image_layer *layer,
            const char *problem)
{
  return FAIL (look, -EINVAL, "image.damaged",
               "the image %s is damaged: %s; see what \"qemu-img check\" can "
               "do, or make it again", layer->info->file, problem);
}

static int
read_failed (struct look *look, const struct image_layer *layer, int error)
{
  return FAIL (look, error, "image.unreadable", "%s cannot be read: %s; look "
               "at the disk that it is on", layer->info->file,
               strerrordesc_np (-error));
}

static int
read_header (struct look *look, struct image_layer *layer)
{
  unsigned char first[512];
  ssize_t n = vms_image_read_at (layer->fd, 0, first, sizeof first);
  size_t wanted = n < 0 ? 0 : vms_image_header_wanted (first, (size_t) n);
  unsigned char *start = malloc (wanted + 1);
  int r;

  if (!start)
    return -ENOMEM;
  if (n >= 0)
    n = vms_image_read_at (layer->fd, 0, start, wanted);
  if (n < 0) {
    free (start);
    return read_failed (look, layer, (int) n);
  }
  r = vms_image_header_read (&layer->header, start, (size_t) n,
                             layer->file_size);
  free (start);
  if (r < 0 && layer->header.is_unsupported)
    return FAIL (look, r, "image.unsupported", "%s cannot be used: %s; convert "
                 "it with the QEMU that made it", layer->info->file,
                 layer->header.problem);
  return r < 0 ? is_damaged (look, layer, layer->header.problem) : 0;
}

/* As QEMU reads it: up to a NUL. */
static int
read_backing_name (struct look *look, struct image_layer *layer)
{
  const struct image_header *h = &layer->header;
  char *name = vms_arena_alloc (look->work->arena, h->backing_size + 1);
  ssize_t n;

  if (!name)
    return -ENOMEM;
  n = vms_image_read_at (layer->fd, h->backing_offset, name, h->backing_size);
  if (n < 0)
    return read_failed (look, layer, (int) n);
  layer->info->backing_file = *name ? name : NULL;
  if (*name)
    layer->info->backing_format = vms_image_format_number (h->backing_format);
  return 0;
}

static int
confirm (struct look *look, struct image_layer *layer)
{
  uint64_t size = layer->header.l1_entries * 8;
  int r;

  if (size > MOST_CONFIRMED - look->confirmed)
    return 0;
  look->confirmed += size;
  r = vms_image_qcow_confirm (layer);
  if (r == -EUCLEAN)
    return is_damaged (look, layer, "libqcow reads its header otherwise, or "
                       "not at all");
  return r < 0 && r != -ENOMEM ? read_failed (look, layer, r) : r;
}

static void
warn (struct look *look, const struct image_layer *layer)
{
  const char *name = look->work->option ? look->work->option : look->member;
  const struct path path = { .name = name };

  vms_diag_add (look->work->diag, VMSPEC_SEVERITY_WARNING, "image.corrupt",
                name ? &path : NULL, NULL,
                "QEMU has marked the image %s as corrupt, and will not write to "
                "it; repair it with \"qemu-img check -r all\"", layer->info->file);
}

static int
describe_qcow (struct look *look, struct image_layer *layer)
{
  const struct image_header *h = &layer->header;
  struct vmspec_image_info *info = layer->info;
  int r = read_header (look, layer);

  if (r == 0)
    r = read_backing_name (look, layer);
  if (r == 0)
    r = confirm (look, layer);
  if (r < 0)
    return r;
  info->version = h->version;
  info->virtual_size = h->size;
  info->cluster_size = 1u << h->cluster_bits;
  info->encrypted = h->crypt_method ? VMSPEC_ON : VMSPEC_OFF;
  layer->is_unreadable
    = h->crypt_method || h->compression
      || h->incompatible & (QCOW2_DATA_FILE | QCOW2_EXTENDED_L2);
  if (h->incompatible & QCOW2_CORRUPT)
    warn (look, layer);
  return 0;
}

/* ---- one image ---------------------------------------------------------- */

static int
check_format (struct look *look, struct image_layer *layer, uint32_t format)
{
  uint32_t found;
  int r;

  layer->info->format = format;
  if (format == VMSPEC_IMAGE_FORMAT_RAW)
    return 0; /* may hold anything */
  r = vms_image_format_of (layer, &found);
  if (r < 0)
    return read_failed (look, layer, r);
  if (!format || format == found) {
    layer->info->format = found;
    return 0;
  }
  if (found == VMSPEC_IMAGE_FORMAT_RAW)
    return FAIL (look, -EINVAL, "image.format",
                 "%s holds no %s image; say format=raw if it is a raw one",
                 layer->info->file, vms_image_format_name (format));
  return FAIL (look, -EINVAL, "image.format",
               "%s holds no %s image, but looks like %s; say format=%s",
               layer->info->file, vms_image_format_name (format),
               vms_image_format_name (found), vms_image_format_name (found));
}

static int
describe (struct look *look, struct image_layer *layer, uint32_t format)
{
  struct vmspec_image_info *info = layer->info;
  int r = check_format (look, layer, format);

  if (r < 0)
    return r;
  info->in_use = vms_image_lock_test_fd (layer->fd, IMAGE_WRITE) < 0 ? VMSPEC_ON
                                                                 : VMSPEC_OFF;
  if (info->format == VMSPEC_IMAGE_FORMAT_QCOW
      || info->format == VMSPEC_IMAGE_FORMAT_QCOW2)
    return describe_qcow (look, layer);
  if (info->format == VMSPEC_IMAGE_FORMAT_RAW) {
    /* As QEMU shows it: whole sectors. */
    info->virtual_size = (layer->file_size + 511) / 512 * 512;
    info->encrypted = VMSPEC_OFF;
    return 0;
  }
  layer->is_unreadable = 1;
  r = vms_image_foreign_size (layer, &info->virtual_size);
  return r < 0 ? read_failed (look, layer, r) : 0;
}

static struct image_layer *
new_layer (struct look *look, const char *file, struct image_layer *overlay)
{
  struct arena *arena = look->work->arena;
  struct image_layer *layer = vms_arena_alloc (arena, sizeof *layer);
  struct vmspec_image_info *info = vms_arena_alloc (arena, sizeof *info);

  if (!layer || !info)
    return NULL;
  *info = (struct vmspec_image_info) {
    VMSPEC_INIT (vmspec_image_info), .file = vms_arena_strdup (arena, file) };
  layer->info = info;
  layer->fd = -1;
  *(overlay ? &overlay->backing : &look->top) = layer;
  if (overlay)
    overlay->info->backing = info;
  look->layers++;
  return info->file ? layer : NULL;
}

static int
add_layer (struct look *look, const char *file, uint32_t format,
           struct image_layer *overlay, struct image_layer **ret_layer)
{
  struct image_layer *layer = new_layer (look, file, overlay);
  int r;

  if (!layer)
    return -ENOMEM;
  layer->fd = vms_image_open (file);
  if (layer->fd < 0)
    return cannot_open (look, layer->fd, file,
                        overlay ? overlay->info->file : NULL);
  r = measure (layer);
  if (r < 0)
    return read_failed (look, layer, r);
  if (is_known (look, layer))
    return FAIL (look, -ELOOP, "image.circular",
                 "%s is an overlay of %s, which is an overlay of it; say with "
                 "\"qemu-img rebase -u\" what it is an overlay of",
                 overlay->info->file, file);
  *ret_layer = layer;
  return describe (look, layer, format);
}

/* ---- the chain ---------------------------------------------------------- */

/* NULL where the chain ends, or goes where we do not follow. */
static int
next_layer (struct look *look, struct image_layer **layer)
{
  struct image_layer *overlay = *layer;
  const struct vmspec_image_info *info = overlay->info;
  const char *file;

  *layer = NULL;
  /* A format that we do not know is not guessed. */
  if (!info->backing_file || vms_image_name_is_protocol (info->backing_file)
      || (*overlay->header.backing_format && !info->backing_format))
    return 0;
  if (look->layers >= LONGEST_CHAIN)
    return FAIL (look, -EINVAL, "image.chain-too-long",
                 "%s is an overlay of %d images, and these of more; merge some "
                 "with \"qemu-img commit\"", look->top->info->file,
                 LONGEST_CHAIN - 1);
  file = vms_image_backing_path (look->work->arena, info->file,
                                 info->backing_file);
  if (!file)
    return -ENOMEM;
  return add_layer (look, file, info->backing_format, overlay, layer);
}

static int
look_at (struct look *look, const char *file, uint32_t format,
         enum image_depth depth)
{
  struct image_layer *layer = NULL;
  int r = add_layer (look, file, format, NULL, &layer);

  while (r == 0 && layer)
    r = next_layer (look, &layer);
  if (r == 0 && depth == IMAGE_CONTENT && !look->top->is_unreadable)
    r = vms_image_probe (look->work, look->top);
  for (layer = look->top; layer; layer = layer->backing)
    if (layer->fd >= 0)
      close (layer->fd);
  return r;
}

int
vms_image_info (struct work *work, const char *member, const char *file,
                uint32_t format, enum image_depth depth,
                const struct vmspec_image_info **ret_info)
{
  struct look look = { .work = work, .member = member };
  int r;

  if (!file || !*file)
    return FAIL (&look, -ENOENT, "image.missing", "no image is named");
  if (format > VMSPEC_IMAGE_FORMAT_VPC)
    return FAIL (&look, -EINVAL, "image.format", "%u is no format of images",
                 format);
  r = look_at (&look, file, format, depth);
  r = r < 0 ? r : vms_arena_error (work->arena);
  if (r == 0)
    *ret_info = look.top->info;
  return r;
}

/* ---- for everybody ------------------------------------------------------ */

struct handle {
  struct vmspec_image_info info;
  struct arena arena;
};

int
vmspec_image_info (const char *file, uint32_t format, vmspec_diag *diag,
                   struct vmspec_image_info **ret_info)
{
  struct arena arena = { 0 };
  struct handle *handle = vms_arena_alloc (&arena, sizeof *handle);
  const struct vmspec_image_info *info;
  struct work work;
  int r;

  if (!handle)
    return -ENOMEM;
  handle->arena = arena;
  r = vms_work_init (&work, &handle->arena, NULL, diag);
  if (r == 0)
    r = vms_image_info (&work, "file", file, format, IMAGE_CONTENT, &info);
  if (r == 0) {
    handle->info = *info;
    *ret_info = &handle->info;
  } else {
    vmspec_image_info_free (&handle->info);
  }
  return r;
}

void
vmspec_image_info_free (struct vmspec_image_info *info)
{
  if (info) {
    struct arena arena = ((struct handle *) info)->arena;

    vms_arena_free (&arena);
  }
}
