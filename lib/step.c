/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "step.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "argv.h"
#include "erofs.h"

#define MIB (1024 * 1024)
#define ROOT_LABEL "nixos"

struct builder {
  const struct resolution *r;
  const struct decided *d;
  struct arena *arena;
  struct steps *steps;
  struct step *items;
  size_t room;
};

static struct step *
add (struct builder *b, enum vmspec_step_kind kind, const char *name,
     const char *option, const char *file)
{
  struct step *step;

  if (!b->items || !file || b->steps->count == b->room)
    return NULL;
  step = &b->items[b->steps->count];
  vms_set_add (&b->steps->files, file, b->steps->count++);
  *step = (struct step) {
    .told = { VMSPEC_INIT (vmspec_step), .kind = kind, .name = name,
              .option = option, .file = file,
              /* Nobody finds a fresh run directory again. */
              .lasts = to_switch (!b->d->run_is_fresh) } };
  return step;
}

/* ---- commands ----------------------------------------------------------- */

/* Words one by one, quoted for sh(1), as the next of a step's commands. */
static const char *
command (struct builder *b, const char *const *words)
{
  struct text text = { .arena = b->arena };

  for (; *words; words++) {
    if (text.size)
      vms_text_add (&text, " ");
    vms_text_add_quoted (&text, *words);
  }
  return vms_text_end (&text);
}

#define COMMAND(b, ...) command (b, (const char *const[]) { __VA_ARGS__, NULL })

static void
set_commands (struct builder *b, struct step *step, const char *const *commands)
{
  struct vector list = { .arena = b->arena };

  for (; *commands; commands++)
    vms_vector_add (&list, *commands);
  step->told.commands = (const void *) vms_vector_end (&list);
}

#define COMMANDS(b, step, ...)                                                 \
  set_commands (b, step, (const char *const[]) { __VA_ARGS__, NULL })

static const char *
program (struct builder *b, const char *name)
{
  const char *found = vms_host_program (b->r->host, name);

  return found ? found : name;
}

static const char *
qemu_img (struct builder *b)
{
  if (!b->r->qemu.package)
    return program (b, "qemu-img");
  return vms_arena_concat (b->arena, b->r->qemu.package, "/bin/qemu-img",
                           (char *) NULL);
}

static const char *
mib (struct builder *b, uint64_t size)
{
  return vms_arena_printf (b->arena, "%lluM", (unsigned long long) size);
}

/* ---- images ------------------------------------------------------------- */

static const char *
format_name (uint32_t format)
{
  return vms_option_value ("vmspec_image", "format", format);
}

static struct step *
add_empty_image (struct builder *b, const char *name, const char *option,
                 const char *file, uint32_t format, uint64_t size)
{
  struct step *step = add (b, VMSPEC_STEP_KIND_IMAGE, name, option, file);

  if (!step)
    return NULL;
  step->image = (struct vmspec_image) {
    VMSPEC_INIT (vmspec_image), .file = file, .format = format,
    .size = size * MIB };
  COMMANDS (b, step, COMMAND (b, qemu_img (b), "create", "-f",
                              format_name (format), file, mib (b, size)));
  return step;
}

/* A relative one would be looked for from the overlay's directory. */
static struct step *
add_overlay (struct builder *b, const char *name, const char *option,
             const char *file, const char *backing, uint32_t format)
{
  struct step *step = add (b, VMSPEC_STEP_KIND_OVERLAY, name, option, file);

  if (!step)
    return NULL;
  step->told.source = backing;
  step->source_option = !strcmp (name, "disk") ? "disk.system_image"
                                               : "store.base_image";
  step->image = (struct vmspec_image) {
    VMSPEC_INIT (vmspec_image), .file = file, .backing = backing,
    .backing_format = format, .format = VMSPEC_IMAGE_FORMAT_QCOW2 };
  return step;
}

static struct step *
add_file_system (struct builder *b, uint32_t format)
{
  const char *file = b->d->image;
  const char *tmpdir = vms_environment_said (b->r->host->environment, "TMPDIR");
  const char *raw = vms_arena_concat (b->arena, tmpdir ? tmpdir : "/tmp",
                                      "/tmp.image", (char *) NULL);
  struct step *step = add (b, VMSPEC_STEP_KIND_IMAGE, "disk", "disk.image", file);

  if (!step)
    return NULL;
  step->image = (struct vmspec_image) {
    VMSPEC_INIT (vmspec_image), .file = file, .format = format,
    .size = b->r->disk.size * MIB, .content = VMSPEC_CONTENT_EXT4,
    .label = ROOT_LABEL };
  COMMANDS (b, step,
            COMMAND (b, qemu_img (b), "create", "-f", "raw", raw,
                     mib (b, b->r->disk.size)),
            COMMAND (b, program (b, "mkfs.ext4"), "-L", ROOT_LABEL, raw),
            COMMAND (b, qemu_img (b), "convert", "-f", "raw", "-O",
                     format_name (format), raw, file),
            COMMAND (b, "rm", "--", raw));
  return step;
}

static struct step *
add_system_overlay (struct builder *b)
{
  const struct vmspec_disk *disk = &b->r->disk;
  const char *system = vms_host_absolute (b->arena, b->r->host,
                                          disk->system_image);
  struct step *step
    = system ? add_overlay (b, "disk", "disk.image", b->d->image, system,
                            disk->system_format)
             : NULL;

  if (!step)
    return NULL;
  if (disk->size != VMSPEC_NONE)
    step->image.size = disk->size * MIB;
  COMMANDS (b, step, COMMAND (b, qemu_img (b), "create", "-f", "qcow2", "-b",
                              system, "-F", format_name (disk->system_format),
                              b->d->image));
  return step;
}

/* Nothing where nobody says of what or how large: files.c names what is
 * missing. */
static void
add_disk (struct builder *b)
{
  const struct resolution *r = b->r;
  uint32_t format = r->disk.format ? r->disk.format
                                   : VMSPEC_IMAGE_FORMAT_QCOW2;
  int has_file_systems = is_on (r->boot.default_file_systems);
  struct step *step = NULL;

  if (is_on (r->boot.loader) && has_file_systems)
    step = add_system_overlay (b);
  else if (r->disk.size != VMSPEC_NONE)
    step = has_file_systems
             ? add_file_system (b, format)
             : add_empty_image (b, "disk", "disk.image", b->d->image, format,
                                r->disk.size);
  if (step)
    step->told.lasts = VMSPEC_ON;
}

/* ---- the store ---------------------------------------------------------- */

static int
decide_kept (struct builder *b, vmspec_diag *diag)
{
  const struct resolution *r = b->r;
  struct work work = { .arena = b->arena, .diag = diag,
                       .option = "store.closure" };
  const char *path = vms_host_absolute (b->arena, r->host, r->store.closure);
  const struct vmspec_host_file *file
    = path ? vms_host_file (r->host, path) : NULL;

  if (!file || !file->content || !is_on (r->store.image))
    return 0;
  return vms_erofs_kept_names (&work, file->content, r->store.path,
                               &b->steps->kept);
}

static const char *
erofs_command (struct builder *b, const char *file)
{
  struct vector words = { .arena = b->arena };
  const char *const *kept = b->steps->kept;
  const char *const fixed[] = {
    program (b, "mkfs.erofs"), "--force-uid=0", "--force-gid=0", "-L",
    STORE_LABEL, "-U", STORE_UUID, "-T", "0" };

  for (size_t i = 0; i < sizeof fixed / sizeof *fixed; i++)
    vms_vector_add (&words, fixed[i]);
  for (const char *const *e
       = kept ? vms_erofs_exclusions (b->arena, kept) : NULL;
       e && *e; e++)
    vms_vector_add (&words, vms_arena_concat (b->arena, "--exclude-regex=", *e,
                                              (char *) NULL));
  vms_vector_add (&words, file);
  vms_vector_add (&words, b->r->store.path);
  vms_vector_end (&words);
  return words.items ? command (b, (const void *) words.items) : NULL;
}

static void
add_store (struct builder *b)
{
  const struct resolution *r = b->r;
  const char *file = vms_arena_concat (b->arena, b->d->run, "/store.img",
                                       (char *) NULL);
  const char *base = vms_host_absolute (b->arena, r->host, r->store.base_image);
  struct step *step;

  if (!is_on (r->store.image))
    return;
  if (!is_on (r->store.writable)) {
    step = add (b, VMSPEC_STEP_KIND_EROFS, "store", "store.image", file);
    if (!step)
      return;
    step->told.source = r->store.path;
    step->source_option = "store.path";
    COMMANDS (b, step, erofs_command (b, file));
  } else if (base) {
    step = add_overlay (b, "store", "store.image", file, base,
                        VMSPEC_IMAGE_FORMAT_QCOW2);
    if (step)
      COMMANDS (b, step, COMMAND (b, qemu_img (b), "create", "-f", "qcow2",
                                  "-F", "qcow2", "-b", base, file));
  }
}

/* ---- directories and copies --------------------------------------------- */

static struct step *
add_directory (struct builder *b, const char *name, const char *option,
               const char *directory)
{
  struct step *step = add (b, VMSPEC_STEP_KIND_DIRECTORY, name, option, directory);

  if (step)
    COMMANDS (b, step, COMMAND (b, "mkdir", "-p", directory));
  return step;
}

static const char *
in_run (struct builder *b, const char *name)
{
  return vms_arena_concat (b->arena, b->d->run, "/", name, (char *) NULL);
}

/* Without a bundle the guest has an empty directory, as with the script. */
static void
add_certificates (struct builder *b)
{
  const char *directory = in_run (b, "certs"), *from = b->d->certificates;
  const char *to = in_run (b, "certs/ca-certificates.crt");
  struct step *step;

  if (!is_on (b->r->spec.host_certs))
    return;
  step = add_directory (b, "certificates", "host_certs", directory);
  if (!step || !from)
    return;
  step->told.source = from;
  COMMANDS (b, step, COMMAND (b, "mkdir", "-p", directory),
            COMMAND (b, "cp", "-L", "--", from, to));
}

/* The system image's own variables are beside it, as NixOS's builder puts
 * them. */
static const char *
variables_template (struct builder *b)
{
  const struct resolution *r = b->r;
  const char *image = r->disk.system_image, *slash;

  if (!is_on (r->efi.keep_variables) || !image)
    return is_on (r->efi.keep_variables) ? NULL : r->efi.variables;
  image = vms_host_absolute (b->arena, r->host, image);
  slash = image ? strrchr (image, '/') : NULL;
  if (!slash)
    return NULL;
  return vms_arena_concat (b->arena,
                           vms_arena_copy (b->arena, image,
                                           (size_t) (slash - image)),
                           "/efi-vars.fd", (char *) NULL);
}

static void
add_variables (struct builder *b)
{
  const char *from = variables_template (b), *to = b->d->efi_state;
  struct step *step;

  if (!from || !to)
    return;
  step = add (b, VMSPEC_STEP_KIND_COPY, "efi-variables", "efi.state", to);
  if (!step)
    return;
  step->told.source = from;
  step->source_option = is_on (b->r->efi.keep_variables) ? "disk.system_image"
                                                         : "efi.variables";
  step->told.lasts = VMSPEC_ON;
  COMMANDS (b, step, COMMAND (b, "cp", "--", from, to),
            COMMAND (b, "chmod", "0644", to));
}

static void
add_tpm (struct builder *b)
{
  struct step *step = NULL;

  if (b->d->tpm_state)
    step = add_directory (b, "tpm", "tpm.state_dir", b->d->tpm_state);
  if (step)
    step->told.lasts = VMSPEC_ON;
}

/* All machines on the networks use it. */
static void
add_vlans (struct builder *b)
{
  struct step *step = NULL;

  if (b->d->vlan_directory)
    step = add_directory (b, "vlans", "network.vlan_directory",
                          b->d->vlan_directory);
  if (step)
    step->told.lasts = VMSPEC_ON;
}

/* ---- further disks ------------------------------------------------------ */

static void
add_empty_disks (struct builder *b)
{
  const struct vmspec_empty_disk *const *disks = b->r->spec.empty_disks;

  for (size_t i = 0; disks[i]; i++)
    add_empty_image (
      b, vms_arena_printf (b->arena, "empty-disk.%zu", i),
      vms_arena_printf (b->arena, "empty_disks[%zu]", i),
      vms_arena_printf (b->arena, "%s/empty%zu.qcow2", b->d->run, i),
      VMSPEC_IMAGE_FORMAT_QCOW2, disks[i]->size);
}

static void
add_drives (struct builder *b)
{
  const struct resolution *r = b->r;

  for (size_t i = r->own_drives; r->spec.drives[i]; i++) {
    const struct vmspec_drive *drive = r->spec.drives[i];
    size_t n = i - r->own_drives;
    struct step *step = NULL;

    if (drive->size)
      step = add_empty_image (b, vms_arena_printf (b->arena, "drive.%zu", n),
                              vms_arena_printf (b->arena, "drives[%zu].file", n),
                              b->d->drive_files[i], drive->format,
                              drive->size);
    if (step)
      step->told.lasts = VMSPEC_ON;
  }
}

/* ------------------------------------------------------------------------- */

/* Besides one for each disk. */
#define MOST_OTHERS 8

static size_t
most_steps (const struct resolution *r)
{
  size_t n = vms_list_length (r->spec.empty_disks) + MOST_OTHERS;

  for (size_t i = r->own_drives; r->spec.drives[i]; i++)
    n += r->spec.drives[i]->size > 0;
  return n;
}

int
vms_decide_steps (struct steps *steps, const struct resolution *r,
                  const struct decided *d, vmspec_diag *diag)
{
  struct builder b = { .r = r, .d = d, .arena = r->arena, .steps = steps };
  int error;

  *steps = (struct steps) { .files = { .arena = r->arena } };
  b.room = most_steps (r);
  b.items = vms_arena_alloc (r->arena, b.room * sizeof *b.items);
  steps->items = b.items;
  error = decide_kept (&b, diag);
  if (!b.items || !d->drive_files || error < 0)
    return error < 0 ? error : -ENOMEM;
  add_directory (&b, "run-directory", NULL, d->run);
  add_disk (&b);
  add_store (&b);
  add_directory (&b, "exchange", NULL, in_run (&b, "xchg"));
  add_certificates (&b);
  add_variables (&b);
  add_tpm (&b);
  add_vlans (&b);
  add_empty_disks (&b);
  add_drives (&b);
  return vms_arena_error (r->arena);
}

const struct step *
vms_step_for (const struct steps *steps, const char *file)
{
  const size_t *number
    = file ? vms_set_find (&steps->files, file, strlen (file)) : NULL;

  return number ? &steps->items[*number] : NULL;
}
