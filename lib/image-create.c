/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "image-create.h"

#include <errno.h>
#include <string.h>

#include "default.h"
#include "image-ext4.h"
#include "image-info.h"
#include "output.h"

#define DEFAULT_CLUSTER 65536
#define SECTOR 512

struct creation {
  struct work *work;
  struct vmspec_image *spec;
  const char *backing;       /* as seen from here */
  struct image_ext4 ext4;    /* if there is to be such a file system */
  int error;                 /* the first */
};

/* Everything that is wrong is said, so this does not end the checks. */
#define REFUSE(c, error_, ...)                                                 \
  do {                                                                         \
    int error__ = vms_work_fail ((c)->work, error_, __VA_ARGS__);              \
                                                                               \
    if (!(c)->error)                                                           \
      (c)->error = error__;                                                    \
  } while (0)

static const char *
format_name (uint32_t format)
{
  return vms_option_value ("vmspec_image", "format", format);
}

/* ---- what was said ------------------------------------------------------ */

static void
complete (struct vmspec_image *s)
{
  DEFAULT (s->format, VMSPEC_IMAGE_FORMAT_QCOW2);
  DEFAULT (s->content, s->tree ? VMSPEC_CONTENT_EXT4 : VMSPEC_CONTENT_EMPTY);
  DEFAULT (s->backing_format, VMSPEC_IMAGE_FORMAT_QCOW2);
  DEFAULT (s->label, "");
  DEFAULT (s->cluster_size, DEFAULT_CLUSTER);
  DEFAULT (s->preallocation, VMSPEC_PREALLOCATION_OFF);
}

static void
check_format (struct creation *c)
{
  const struct vmspec_image *s = c->spec;
  int raw = s->format == VMSPEC_IMAGE_FORMAT_RAW;

  if (!raw && s->format != VMSPEC_IMAGE_FORMAT_QCOW2)
    REFUSE (c, -EINVAL, "image.not-made", "format",
            "images can be made in the formats raw and qcow2, not in %s; choose "
            "one of them, or make the image with qemu-img",
            format_name (s->format));
  if (s->cluster_size & (s->cluster_size - 1))
    REFUSE (c, -EINVAL, "image.cluster-size", "cluster_size",
            "a cluster's size must be a power of two, not %u", s->cluster_size);
  if (raw && (s->preallocation == VMSPEC_PREALLOCATION_METADATA
              || is_on (s->lazy_refcounts)))
    REFUSE (c, -EINVAL, "image.raw-has-no-tables", "format",
            "a raw image has no tables; leave preallocation and lazy_refcounts "
            "out, or choose qcow2");
}

static void
check_content (struct creation *c)
{
  const struct vmspec_image *s = c->spec;
  int ext4 = s->content == VMSPEC_CONTENT_EXT4, r;

  if (!ext4 && s->tree)
    REFUSE (c, -EINVAL, "image.tree-without-file-system", "content",
            "a tree needs a file system to be copied to; choose ext4");
  if (!ext4 && (*s->label || s->uuid))
    REFUSE (c, -EINVAL, "image.label-without-file-system", "content",
            "only a file system has a label and a UUID; choose ext4, or leave "
            "them out");
  r = ext4 ? vms_image_ext4_check (&c->ext4, c->work, s) : 0;
  if (r < 0 && !c->error)
    c->error = r;
  if (!s->size && !s->backing && !s->tree)
    REFUSE (c, -EINVAL, "image.no-size", "size",
            "the image needs a size; set size");
}

static void
check_overlay (struct creation *c)
{
  const struct vmspec_image *s = c->spec;

  if (!s->backing)
    return;
  if (s->format != VMSPEC_IMAGE_FORMAT_QCOW2)
    REFUSE (c, -EINVAL, "image.overlay-format", "format",
            "only a qcow2 image can be an overlay");
  if (s->content == VMSPEC_CONTENT_EXT4
      || s->preallocation == VMSPEC_PREALLOCATION_METADATA)
    REFUSE (c, -EINVAL, "image.overlay-content", "content",
            "an overlay shows what the image below it holds, so it cannot be "
            "made with a file system or with preallocation");
}

/* ---- what it rests on --------------------------------------------------- */

/* QEMU looks for it from the directory of the overlay. */
static const char *
seen_from_here (struct arena *arena, const char *overlay, const char *backing)
{
  const char *slash = strrchr (overlay, '/');

  if (*backing == '/' || !slash)
    return backing;
  return vms_arena_concat (arena,
                           vms_arena_copy (arena, overlay,
                                           (size_t) (slash - overlay) + 1),
                           backing, (char *) NULL);
}

/* What QEMU would take for a protocol is made a path. */
static const char *
unambiguous (struct arena *arena, const char *backing)
{
  size_t size = strcspn (backing, ":/");

  return backing[size] == ':' ? vms_arena_concat (arena, "./", backing,
                                                  (char *) NULL)
                              : backing;
}

static int
look_at_backing (struct creation *c)
{
  struct vmspec_image *s = c->spec;
  const struct vmspec_image_info *info;
  int r;

  if (!s->backing)
    return 0;
  c->backing = seen_from_here (c->work->arena, s->file, s->backing);
  if (!c->backing)
    return -ENOMEM;
  r = vms_image_info (c->work, "backing", c->backing, s->backing_format,
                      IMAGE_HEADERS, &info);
  if (r < 0)
    return r;
  if (vms_image_lock_test (c->backing, IMAGE_READ) == -EAGAIN)
    return vms_work_fail (c->work, -EAGAIN, "image.in-use", "backing",
                          "%s is being written to by another process, so nothing "
                          "can rest on it; stop that machine first", c->backing);
  if (s->size < info->virtual_size)
    s->size = info->virtual_size;
  return 0;
}

/* ---- making it ---------------------------------------------------------- */

static int
say_failed (struct creation *c, int error)
{
  const struct vmspec_image *s = c->spec;

  if (error == -EFBIG)
    return vms_work_fail (c->work, error, "image.too-large", "size",
                          "an image of %llu bytes is too large for %s with clusters "
                          "of %u bytes, or for the file system that %s is on",
                          (unsigned long long) s->size, format_name (s->format),
                          s->cluster_size, s->file);
  if (error == -ENAMETOOLONG)
    return vms_work_fail (c->work, error, "image.backing-name", "backing",
                          "the name %s is too long to be recorded in an image; a "
                          "relative path may be shorter", s->backing);
  return vms_work_fail (c->work, error, "image.failed", "file",
                        "%s cannot be written: %s", s->file,
                        strerrordesc_np (-error));
}

static int
fill (struct creation *c, int fd)
{
  struct vmspec_image *s = c->spec;
  const struct image_format format = {
    .format = s->format, .size = s->size, .cluster_size = s->cluster_size,
    .lazy_refcounts = is_on (s->lazy_refcounts),
    .preallocate = s->preallocation == VMSPEC_PREALLOCATION_METADATA,
    .backing = s->backing ? unambiguous (c->work->arena, s->backing) : NULL,
    .backing_format = s->backing ? format_name (s->backing_format) : NULL,
  };
  struct image *image;
  int r = vms_arena_error (c->work->arena), said = 0;

  /* Without memory it might lack the name of what it rests on. */
  if (r == 0)
    r = vms_image_new (fd, &format, &image);
  if (r < 0)
    return say_failed (c, r);
  if (s->content == VMSPEC_CONTENT_EXT4)
    said = r = vms_image_ext4_make (&c->ext4, c->work, s, image);
  if (r == 0)
    r = vms_image_finish (image);
  if (r < 0 && !said)
    say_failed (c, r);
  vms_image_free (image);
  return r;
}

static int
create (struct creation *c)
{
  struct output output;
  int r = vms_output_open (&output, c->work, c->spec->file, 0644);

  if (r == 0)
    r = look_at_backing (c);
  if (r == 0 && c->spec->tree)
    r = vms_image_ext4_measure (&c->ext4, c->work, c->spec);
  /* A disk has whole sectors.  qcow2's drivers round down what has not. */
  c->spec->size = (c->spec->size + SECTOR - 1) / SECTOR * SECTOR;
  c->work->total = c->spec->size;
  if (r == 0)
    r = fill (c, output.fd);
  if (r == 0)
    r = vms_work_progress_now (c->work, c->spec->size, c->spec->size);
  if (r == 0) {
    r = vms_output_commit (&output, c->work);
    if (r == -EEXIST && !c->work->may_exist)
      vms_work_fail (c->work, r, "image.exists", "file",
                     "%s has been made by somebody else meanwhile",
                     c->spec->file);
  }
  vms_output_close (&output);
  return r;
}

int
vms_image_create (struct work *work, struct vmspec_image *image)
{
  struct creation c = { .work = work, .spec = image };

  complete (image);
  check_format (&c);
  check_content (&c);
  check_overlay (&c);
  return c.error ? c.error : create (&c);
}

int
vmspec_image_create (const struct vmspec_image *image,
                     const struct vmspec_work *said, vmspec_diag *diag)
{
  struct arena arena = { 0 };
  struct work work;
  void *copy = NULL;
  int r = vms_work_init (&work, &arena, said, diag);

  if (r == 0)
    r = vms_spec_copy (&arena, "vmspec_image", image, diag, &copy);
  if (r == 0)
    r = vms_spec_accept (&arena, "vmspec_image", copy, diag);
  if (r == 0)
    r = vms_image_create (&work, copy);
  vms_arena_free (&arena);
  return r;
}
