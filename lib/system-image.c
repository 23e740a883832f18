/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A disk that boots by itself, made from directories. */
#include "system-image.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "copy.h"
#include "default.h"
#include "output.h"

#define LONGEST_LABEL 16
#define DEFAULT_CLUSTER 65536

/* ---- what was said ------------------------------------------------------ */

static const char *
beside (struct arena *arena, const char *file, const char *name)
{
  const char *slash = strrchr (file, '/');

  return slash ? vms_arena_concat (arena,
                                   vms_arena_copy (arena, file,
                                                   (size_t) (slash - file) + 1),
                                   name, (char *) NULL)
               : name;
}

static void
complete (struct system_image *s)
{
  struct vmspec_system_image *spec = s->spec;

  DEFAULT (spec->format, VMSPEC_IMAGE_FORMAT_QCOW2);
  DEFAULT (spec->partition_table, spec->esp ? VMSPEC_PARTITION_TABLE_EFI
                                            : VMSPEC_PARTITION_TABLE_NONE);
  DEFAULT (spec->label, "nixos");
  DEFAULT (spec->cluster_size, DEFAULT_CLUSTER);
  DEFAULT (spec->time, (uint64_t) time (NULL));
  if (spec->variables && !spec->variables_file)
    spec->variables_file = beside (s->work->arena, spec->file, "efi-vars.fd");
}

static void
check_values (struct system_image *s)
{
  const struct vmspec_system_image *spec = s->spec;

  if (spec->format != VMSPEC_IMAGE_FORMAT_RAW
      && spec->format != VMSPEC_IMAGE_FORMAT_QCOW2)
    REFUSE_SYSTEM (s, -EINVAL, "image.not-made", "format",
                   "images can be made in the formats raw and qcow2, not in %s",
                   vms_option_value ("vmspec_system_image", "format",
                                     spec->format));
  if (spec->cluster_size & (spec->cluster_size - 1))
    REFUSE_SYSTEM (s, -EINVAL, "image.cluster-size", "cluster_size",
                   "a cluster's size must be a power of two, not %u",
                   spec->cluster_size);
  if (strlen (spec->label) > LONGEST_LABEL)
    REFUSE_SYSTEM (s, -EINVAL, "image.label", "label",
                   "'%s' is too long: an ext4 label has at most %d bytes",
                   spec->label, LONGEST_LABEL);
  if (spec->size % SECTOR)
    REFUSE_SYSTEM (s, -EINVAL, "system-image.sectors", "size",
                   "a disk has whole sectors of %u bytes; %llu is no multiple "
                   "of that", SECTOR, (unsigned long long) spec->size);
}

static void
check_parts (struct system_image *s)
{
  const struct vmspec_system_image *spec = s->spec;
  const char *table = vms_option_value ("vmspec_system_image", "partition_table",
                                        spec->partition_table);

  if ((spec->esp || spec->esp_size) && !vms_system_image_has_esp (s))
    REFUSE_SYSTEM (s, -EINVAL, "system-image.esp-without-place",
                   spec->esp ? "esp" : "esp_size",
                   "partition table %s has no EFI system partition; choose efi "
                   "or hybrid", table);
  if (spec->boot_code
      && spec->partition_table == VMSPEC_PARTITION_TABLE_NONE)
    REFUSE_SYSTEM (s, -EINVAL, "system-image.boot-code-without-place",
                   "boot_code",
                   "a disk without partitions has no MBR for boot code; choose "
                   "another partition table");
  if (spec->core_image && !s->core_room)
    REFUSE_SYSTEM (s, -EINVAL, "system-image.core-image", "core_image",
                   "partition table %s has no place for a core image; choose "
                   "legacy, legacy+gpt or hybrid", table);
  if (spec->variables_file && !spec->variables)
    REFUSE_SYSTEM (s, -EINVAL, "system-image.no-variables", "variables_file",
                   "a variable store needs a template; set variables");
  else if (spec->variables_file && !strcmp (spec->variables_file, spec->file))
    REFUSE_SYSTEM (s, -EINVAL, "system-image.same-file", "variables_file",
                   "image and variable store cannot both be %s", spec->file);
}

/* ---- what it is made of ------------------------------------------------- */

static void
keep (struct system_image *s, int error)
{
  if (!s->error)
    s->error = error;
}

static int
look (struct system_image *s)
{
  const struct vmspec_system_image *spec = s->spec;

  keep (s, vms_boot_code_read (&s->boot, s->work, spec->boot_code,
                               spec->core_image,
                               s->core_room ? s->core_room : UINT32_MAX));
  keep (s, vms_esp_look (&s->esp, s->work, spec->esp));
  if (s->error != -ECANCELED)
    keep (s, vms_tree_measure (s->work, "tree", spec->tree, &s->needs));
  if (s->error == 0)
    keep (s, vms_system_image_lay_out (s));
  vms_boot_code_patch (&s->boot, s->core_place);
  return s->error;
}

/* ---- the image ---------------------------------------------------------- */

static int
say_failed (struct system_image *s, int error)
{
  return error == -EFBIG
           ? vms_work_fail (s->work, error, "image.too-large", "size",
                            "an image of %llu bytes is more than %s can have with "
                            "clusters of %u bytes",
                            (unsigned long long) s->table.disk_size,
                            vms_option_value ("vmspec_system_image", "format",
                                              s->spec->format),
                            s->spec->cluster_size)
           : vms_work_fail (s->work, error, "image.failed", "file",
                            "%s cannot be written: %s", s->spec->file,
                            strerrordesc_np (-error));
}

static int
make_esp (struct system_image *s, struct image *image, int fd)
{
  const struct esp_setup setup = {
    .esp = &s->esp, .offset = s->esp_partition->start,
    .size = s->esp_partition->size, .serial = s->esp_serial,
    .time = s->spec->time, .fd = fd, .total = s->esp.bytes + s->needs.bytes,
  };

  return vms_esp_make (image, &setup, s->work);
}

static int
make_root (struct system_image *s, struct image *image)
{
  struct ext4_tree tree = {
    .work = s->work, .member = "tree", .tree = s->spec->tree,
    .root_owned = is_on (s->spec->root_owned), .before = s->esp.bytes,
    .total = s->esp.bytes + s->needs.bytes,
  };

  return vms_ext4_make (image, &s->root, vms_ext4_tree_fill, &tree, s->work);
}

static int
make_parts (struct system_image *s, struct image *image, int fd)
{
  int r = s->esp_partition ? make_esp (s, image, fd) : 0;

  if (r == 0 && s->table.count)
    r = vms_partition_table_write (image, &s->table, s->work);
  if (r == 0 && (r = vms_boot_code_write (image, &s->boot, s->core_place)) < 0)
    say_failed (s, r);
  return r < 0 ? r : make_root (s, image);
}

static int
make (struct system_image *s, int fd)
{
  const struct image_format format = {
    .format = s->spec->format, .size = s->table.disk_size,
    .cluster_size = s->spec->cluster_size,
  };
  struct image *image;
  int r = vms_image_new (fd, &format, &image);

  if (r < 0)
    return say_failed (s, r);
  r = make_parts (s, image, fd);
  if (r == 0 && (r = vms_image_finish (image)) < 0)
    say_failed (s, r);
  vms_image_free (image);
  return r;
}

/* ---- the variable store ------------------------------------------------- */

/* Findings about its file are about "variables_file". */
static struct work
work_on_variables (const struct system_image *s)
{
  struct work work = *s->work;

  work.option = "variables_file";
  return work;
}

/* A call that was killed between the store and the image has left the store,
 * and nobody would know what to do with it. */
static int
is_same (int fd, const char *file)
{
  int other = TEMP_FAILURE_RETRY (
    open (file, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  char ours[4096], theirs[4096];
  off_t at = 0;
  ssize_t n, m;

  if (other < 0)
    return 0;
  do {
    n = TEMP_FAILURE_RETRY (pread (fd, ours, sizeof ours, at));
    m = TEMP_FAILURE_RETRY (pread (other, theirs, sizeof theirs, at));
    at += n;
  } while (n > 0 && n == m && !memcmp (ours, theirs, (size_t) n));
  close (other);
  return n == 0 && m == 0;
}

static int
copy_template (struct system_image *s, int fd, struct output *output)
{
  struct work work = work_on_variables (s);
  int r;

  if (is_same (fd, s->spec->variables_file)) {
    vms_output_tidy (s->work, s->spec->variables_file);
    return 0;
  }
  r = vms_output_open (output, &work, s->spec->variables_file, 0644);
  if (r == 0 && (r = vms_copy_bytes (&work, fd, output->fd, 0)) < 0)
    vms_work_fail (s->work, r, "system-image.variables", "variables",
                   "%s cannot be copied to %s: %s", s->spec->variables,
                   s->spec->variables_file, strerrordesc_np (-r));
  return r;
}

static int
copy_variables (struct system_image *s, struct output *output)
{
  const char *template = s->spec->variables;
  int fd, r;

  *output = (struct output) { .fd = -1, .directory = -1 };
  if (!template)
    return 0;
  fd = TEMP_FAILURE_RETRY (
    open (template, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  if (fd < 0)
    return vms_work_fail (s->work, -errno, "system-image.variables", "variables",
                          "%s cannot be read: %s; OVMF's is often called "
                          "OVMF_VARS.fd", template, strerrordesc_np (errno));
  r = copy_template (s, fd, output);
  close (fd);
  return r;
}

/* ---- all of it ---------------------------------------------------------- */

static int
commit_one (struct output *output, struct work *work)
{
  int r = vms_output_commit (output, work);

  return r == -EEXIST
           ? vms_work_fail (work, r, "image.exists", "file",
                            "%s has been made by somebody else meanwhile",
                            output->path)
           : r;
}

/* The image comes last: where it is, everything is. */
static int
commit (struct system_image *s, struct output *image, struct output *variables)
{
  struct work work = work_on_variables (s);
  uint64_t total = s->esp.bytes + s->needs.bytes;
  struct stat status;
  int r = vms_work_progress_now (s->work, total, total);

  if (r == 0 && variables->fd >= 0)
    r = commit_one (variables, &work);
  if (r == 0)
    r = commit_one (image, s->work);
  /* With an image, whoever's it is, the store may be relied on. */
  if (r < 0 && variables->is_named
      && fstatat (image->directory, image->name, &status, AT_SYMLINK_NOFOLLOW)
           < 0)
    (void) unlinkat (variables->directory, variables->name, 0);
  return r;
}

static int
create (struct system_image *s)
{
  struct output image, variables;
  int r = vms_output_open (&image, s->work, s->spec->file, 0644);
  int error = copy_variables (s, &variables);

  keep (s, r);
  keep (s, error);
  r = look (s);
  if (r == 0)
    r = make (s, image.fd);
  if (r == 0)
    r = commit (s, &image, &variables);
  vms_output_close (&variables);
  vms_output_close (&image);
  return r;
}

int
vmspec_system_image (const struct vmspec_system_image *image,
                     const struct vmspec_work *said, vmspec_diag *diag)
{
  struct arena arena = { 0 };
  struct work work;
  struct system_image s = { .work = &work };
  void *copy = NULL;
  int r = vms_work_init (&work, &arena, said, diag);

  if (r == 0)
    r = vms_spec_copy (&arena, "vmspec_system_image", image, diag, &copy);
  if (r == 0)
    r = vms_spec_accept (&arena, "vmspec_system_image", copy, diag);
  if (r == 0) {
    s.spec = copy;
    complete (&s);
    vms_system_image_place_core (&s);
    check_values (&s);
    check_parts (&s);
    r = vms_arena_error (&arena) ? vms_arena_error (&arena) : s.error;
  }
  if (r == 0)
    r = create (&s);
  vms_arena_free (&arena);
  return r;
}
