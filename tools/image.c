/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "image.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "print.h"
#include "progress.h"
#include "signals.h"
#include "suggest.h"

/* ---- what an image is --------------------------------------------------- */

static const struct vmspec_option *
find_row (const char *owner, const char *name, size_t size)
{
  const struct vmspec_option *row = first_row (owner);

  while (row && (strlen (row->name) != size || memcmp (row->name, name, size)))
    row = next_row (row);
  return row;
}

static const char *
format_name (uint32_t format)
{
  return find_row ("vmspec_image", "format", strlen ("format"))->values[format];
}

static void
print_size (FILE *out, const char *name, uint64_t size)
{
  static const char *const units[] = { "bytes", "KiB", "MiB", "GiB", "TiB",
                                       "PiB" };
  double number = (double) size;
  size_t unit = 0;

  for (; number >= 1024 && unit < 5; unit++)
    number /= 1024;
  fprintf (out, "%-17s%llu", name, (unsigned long long) size);
  if (unit)
    fprintf (out, " (%.*f %s)", number < 10 ? 2 : number < 100 ? 1 : 0, number,
             units[unit]);
  putc ('\n', out);
}

static void
print_text (FILE *out, const char *name, const char *text)
{
  if (!text)
    return;
  fprintf (out, "%-17s", name);
  print_line (out, text);
  putc ('\n', out);
}

static void
print_info (FILE *out, const struct vmspec_image_info *info)
{
  print_text (out, "image:", info->file);
  fprintf (out, "%-17s%s", "format:", format_name (info->format));
  if (info->version)
    fprintf (out, " version %u, clusters of %u bytes", info->version,
             info->cluster_size);
  putc ('\n', out);
  if (info->virtual_size)
    print_size (out, "virtual size:", info->virtual_size);
  print_size (out, "stored size:", info->stored_size);
  print_text (out, "file system:", info->file_system);
  print_text (out, "partition table:", info->partition_table);
  print_text (out, "label:", info->label);
  print_text (out, "uuid:", info->uuid);
  if (info->encrypted == VMSPEC_ON)
    print_text (out, "encrypted:", "yes");
  if (info->in_use == VMSPEC_ON)
    print_text (out, "in use:", "yes, by another process");
  print_text (out, "backing file:", info->backing_file);
  if (info->backing_format)
    print_text (out, "backing format:", format_name (info->backing_format));
}

int
print_image_info (FILE *out, const char *file, vmspec_diag *diag)
{
  struct vmspec_image_info *info;
  int r = vmspec_image_info (file, VMSPEC_IMAGE_FORMAT_UNSET, diag, &info);

  if (r < 0)
    return r;
  for (const struct vmspec_image_info *i = info; i; i = i->backing) {
    if (i != info)
      putc ('\n', out);
    print_info (out, i);
  }
  vmspec_image_info_free (info);
  return 0;
}

/* ---- making one --------------------------------------------------------- */

static void
say_unknown (const char *owner, const char *setting, size_t size)
{
  char name[64];
  struct suggestion near = { .word = name };

  snprintf (name, sizeof name, "%.*s", (int) size, setting);
  for (const struct vmspec_option *row = first_row (owner); row;
       row = next_row (row))
    if (is_scalar (row))
      vms_suggestion_offer (&near, row->name, "'%s'", row->name);
  fprintf (stderr, "vmspec-run: an image has no '%s'%s\n", name, near.hint);
}

/* All settings, even after one that is wrong. */
static int
apply_settings (const struct options *options, const char *owner, void *spec,
                vmspec_diag *diag)
{
  int failed = 0;

  for (const char **set = options->sets; *set; set++) {
    const char *equals = strchr (*set, '=');
    size_t size = equals ? (size_t) (equals - *set) : strlen (*set);
    const struct vmspec_option *row = find_row (owner, *set, size);

    if (row && !strcmp (row->name, "file")) {
      fprintf (stderr, "vmspec-run: the image is %s already; leave %s out\n",
               options->file, *set);
      failed = -EINVAL;
    } else if (!row || !is_scalar (row)) {
      say_unknown (owner, *set, size);
      failed = -EINVAL;
    } else if (!equals) {
      fprintf (stderr, "vmspec-run: %s needs a value: %s=...\n", *set, *set);
      failed = -EINVAL;
    } else if (vmspec_option_parse (row, equals + 1, spec, diag) < 0)
      failed = -EINVAL;
  }
  return failed;
}

int
make_image (const struct options *options, vmspec_diag *diag)
{
  struct vmspec_image image = { VMSPEC_INIT (vmspec_image),
                                .file = options->file };
  struct vmspec_system_image system = { VMSPEC_INIT (vmspec_system_image),
                                        .file = options->file };
  int is_system = options->mode == MODE_MAKE_SYSTEM_IMAGE, r;
  struct progress progress;
  struct vmspec_work work = progress_work (&progress, options->no_sync);

  r = is_system
        ? apply_settings (options, "vmspec_system_image", &system, diag)
        : apply_settings (options, "vmspec_image", &image, diag);
  if (r < 0)
    return r;
  hold_signals ();
  r = is_system ? vmspec_system_image (&system, &work, diag)
                : vmspec_image_create (&image, &work, diag);
  progress_end (&progress);
  return r;
}

/* ---- steps -------------------------------------------------------------- */

void
print_steps (FILE *out, const vmspec_plan *plan)
{
  const struct vmspec_step *step;

  for (size_t i = 0; (step = vmspec_plan_step (plan, i)); i++) {
    const char *const *kinds
      = find_row ("vmspec_step", "kind", strlen ("kind"))->values;

    fprintf (out, "%-16s %-10s ", step->name, kinds[step->kind]);
    print_line (out, step->file);
    if (step->source) {
      fputs (" from ", out);
      print_line (out, step->source);
    }
    fputs (access (step->file, F_OK) == 0 ? " (exists)\n" : "\n", out);
  }
}
