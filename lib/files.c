/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What has to exist before a start and is not made by it, looked for. */
#include "plan.h"
#include "image-info.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct look {
  const vmspec_plan *plan;
  vmspec_diag *diag;
  int missing;
};

static void
say_missing (struct look *look, const char *id, const struct path *path,
             const char *file, const char *problem)
{
  vms_diag_add (look->diag, VMSPEC_SEVERITY_BLOCKER, id, path, NULL, "%s%s%s", file,
                *problem ? " " : "", problem);
  look->missing = 1;
}

static int
exists (const char *file)
{
  struct stat status;

  return file && stat (file, &status) == 0;
}

/* Devices and pipes are as good as files.  Whether it is there. */
static int
look_for_file (struct look *look, const struct path *path, const char *file,
               const char *remedy)
{
  struct stat status;

  if (!file)
    return 0;
  if (stat (file, &status) < 0)
    say_missing (look, "file.missing", path, file, remedy);
  else if (S_ISDIR (status.st_mode))
    say_missing (look, "file.is-directory", path, file,
                 "is a directory, not a file");
  else if (access (file, R_OK) < 0)
    say_missing (look, "file.unreadable", path, file,
                 "cannot be read; check its owner and mode");
  else
    return 1;
  return 0;
}

#define NAME_ANOTHER "does not exist; make it, or name another file"

static void
look_for_member (struct look *look, const char *group, const char *member,
                 const char *file)
{
  const struct path parent = { .name = group };
  const struct path path = { .parent = &parent, .name = member };

  look_for_file (look, &path, file, NAME_ANOTHER);
}

/* QEMU starts an ELF kernel by PVH, and then hands corrupt ACPI tables to it if
 * there is a TPM: the guest finds no TPM and cannot power off. */
static void
look_at_kernel (struct look *look, const char *kernel)
{
  const struct resolution *r = &look->plan->resolution;
  const struct path boot = { .name = "boot" };
  const struct path path = { .parent = &boot, .name = "kernel" };
  char magic[4] = "";
  int fd;

  if (!kernel || !is_on (r->tpm.enable) || r->arch->family != FAMILY_X86)
    return;
  fd = open (kernel, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd >= 0 && read (fd, magic, sizeof magic) == sizeof magic
      && !memcmp (magic, "\177ELF", sizeof magic))
    say_missing (look, "boot.elf-kernel-and-tpm", &path, kernel,
                 "is an ELF kernel, and QEMU gives such a guest no working "
                 "TPM; boot the compressed kernel (bzImage) instead");
  if (fd >= 0)
    close (fd);
}

/* Without a step nobody makes them. */
static void
look_for_variables (struct look *look)
{
  const struct path efi = { .name = "efi" };
  const struct path path = { .parent = &efi, .name = "state" };
  const char *state = look->plan->decided.efi_state;

  if (exists (state) || !vms_step_for (&look->plan->steps, state))
    look_for_file (look, &path, state,
                   is_on (look->plan->resolution.efi.keep_variables)
                     ? "does not exist, and keep_variables takes them from "
                       "beside the system image; set disk.system_image, or "
                       "turn efi.keep_variables off"
                     : "does not exist; set efi.variables to a template");
}

static void
look_for_boot (struct look *look)
{
  const struct resolution *r = &look->plan->resolution;
  const struct decided *d = &look->plan->decided;

  if (is_on (r->boot.direct)) {
    look_for_member (look, "boot", "kernel", d->kernel);
    look_for_member (look, "boot", "initrd", d->initrd);
    look_at_kernel (look, d->kernel);
  }
  look_for_member (look, "boot", "bios", d->bios);
  if (is_on (r->efi.enable)) {
    look_for_member (look, "efi", "firmware", r->efi.firmware);
    look_for_variables (look);
  }
}

static void
look_for_helper (struct look *look, const char *member, const char *name,
                 const char *remedy)
{
  const struct path tpm = { .name = "tpm" };
  const struct path path = { .parent = &tpm, .name = member };
  const struct vmspec_host *host = look->plan->resolution.host;
  struct arena arena = { 0 };
  const char *program
    = vms_host_absolute (&arena, host, vms_host_program (host, name));

  if (!program || access (program, X_OK) < 0)
    say_missing (look, "tpm.missing", &path, program ? program : name, remedy);
  vms_arena_free (&arena);
}

static void
look_for_tpm (struct look *look)
{
  const struct vmspec_tpm *tpm = &look->plan->resolution.tpm;

  if (!is_on (tpm->enable))
    return;
  look_for_helper (look, "swtpm", tpm->swtpm ? tpm->swtpm : "swtpm",
                   "is no program that can be run, and emulates the TPM; "
                   "install swtpm or set tpm.swtpm");
  if (is_on (tpm->setup))
    look_for_helper (look, "setup", "swtpm_setup",
                     "is no program that can be run, and makes the TPM; "
                     "install swtpm-tools or turn tpm.setup off");
  if (tpm->provision)
    look_for_helper (look, "provision", tpm->provision,
                     "is no program that can be run; name another file");
}

static void
look_for_credentials (struct look *look)
{
  const struct decided *d = &look->plan->decided;
  const struct path guest = { .name = "guest" };

  for (size_t i = d->own_credentials; d->credentials[i]; i++) {
    const struct path list
      = { .parent = &guest, .name = "credentials", .has_index = 1,
          .index = i - d->own_credentials };
    const struct path path = { .parent = &list, .name = "file" };

    look_for_file (look, &path, d->credentials[i]->file, NAME_ANOTHER);
  }
}

/* QEMU neither waits for a switch or a peer that is not there, nor tries again. */
static void
look_for_vlans (struct look *look)
{
  const struct path network = { .name = "network" };
  const struct path path = { .parent = &network, .name = "vlan_backend" };
  const struct vmspec_network *n = &look->plan->resolution.network;
  const struct decided *d = &look->plan->decided;

  for (size_t i = 0; i < d->n_vlans; i++) {
    const char *socket = d->vlans[i].socket;

    if (n->vlan_backend == VMSPEC_VLAN_BACKEND_VDE && !exists (socket)
        && (!is_on (n->vlan_switch) || d->vlans[i].is_running))
      say_missing (look, "vlan.no-switch", &path, socket,
                   "is no switch's directory; start 'vde_switch -s' with it, or "
                   "set network.vlan_switch");
    if (n->vlan_backend == VMSPEC_VLAN_BACKEND_STREAM
        && n->machine_number == 2 && !exists (socket))
      say_missing (look, "vlan.no-peer", &path, socket,
                   "is not there; start machine 1, which makes it, first");
  }
}

static void
look_for_program (struct look *look)
{
  const struct path qemu = { .name = "qemu" };
  const struct path path = { .parent = &qemu, .name = "binary" };
  const char *program = look->plan->decided.command[0];

  /* One that was not found has been reported by its name already. */
  if (strchr (program, '/') && access (program, X_OK) < 0)
    say_missing (look, "qemu.missing", &path, program,
                 "is no program that can be run; install QEMU or set "
                 "qemu.binary");
}

static const char *
image_remedy (const struct resolution *r, size_t i)
{
  const char *name = r->spec.drives[i]->name;

  if (i >= r->own_drives || !name)
    return "does not exist; set the drive's size to have it made, or name "
           "another file";
  if (!strcmp (name, "root"))
    return "does not exist; set disk.system_image for a machine that boots by "
           "a loader, or make the image";
  return "does not exist; set store.base_image, of which a writable store is "
         "an overlay";
}

/* An existing image is used as it is, also if it was made for another size. */
static void
warn_if_small (struct look *look, size_t i,
               const struct vmspec_image_info *info)
{
  const struct resolution *r = &look->plan->resolution;
  const char *image = look->plan->decided.drive_files[i];
  int is_root = i < r->own_drives && look->plan->decided.image
                && !strcmp (image, look->plan->decided.image);
  uint64_t size = is_root ? r->disk.size : r->spec.drives[i]->size;
  const struct vmspec_disk *said = r->given->disk;
  struct path room[2];

  /* The default asks for nothing. */
  if (is_root && (!said || !said->size || size == VMSPEC_NONE))
    return;
  if (info->virtual_size && info->virtual_size / (1024 * 1024) < size)
    vms_diag_add (look->diag, VMSPEC_SEVERITY_WARNING, "image.small",
                  vms_drive_path (r, i, "size", room), NULL,
                  "%s exists and has %llu MiB, not %llu; enlarge it with "
                  "'qemu-img resize', or remove it to have it made again", image,
                  (unsigned long long) info->virtual_size / (1024 * 1024),
                  (unsigned long long) size);
}

/* What is there must be what it is said to be, with all that it rests on.
 * Findings of the look are as grave as missing files. */
static void
look_at_image (struct look *look, size_t i, const struct path *path)
{
  const struct resolution *r = &look->plan->resolution;
  const struct vmspec_drive *drive = r->spec.drives[i];
  const char *image = look->plan->decided.drive_files[i];
  const struct vmspec_image_info *info = NULL;
  struct arena arena = { 0 };
  struct work work = { .arena = &arena };
  struct stat status;

  /* QEMU is content with other kinds of files, which have no headers. */
  if (stat (image, &status) < 0
      || !(S_ISREG (status.st_mode) || S_ISBLK (status.st_mode))
      || vmspec_diag_new (&work.diag) < 0)
    return;
  vms_image_info (&work, NULL, image, drive->format, IMAGE_HEADERS, &info);
  for (size_t j = 0; j < vmspec_diag_count (work.diag); j++) {
    const struct vmspec_finding *f = vmspec_diag_get (work.diag, j);

    if (f->severity == VMSPEC_SEVERITY_ERROR)
      say_missing (look, f->id, path, f->text, "");
    else
      vms_diag_add (look->diag, f->severity, f->id, path, NULL, "%s", f->text);
  }
  if (info)
    warn_if_small (look, i, info);
  vmspec_diag_free (work.diag);
  vms_arena_free (&arena);
}

/* What another process writes to cannot be used by two. */
static void
look_for_lock (struct look *look, const struct path *path, const char *image,
               int read_only)
{
  if (vms_image_lock_test (image, read_only ? IMAGE_READ : IMAGE_WRITE)
      == -EAGAIN)
    say_missing (look, "image.in-use", path, image,
                 "is in use by another process, for instance a machine that "
                 "still runs; stop it, or give this machine an image of its "
                 "own");
}

static void
look_for_drive (struct look *look, size_t i)
{
  const struct resolution *r = &look->plan->resolution;
  const char *image = look->plan->decided.drive_files[i];
  const struct vmspec_host_file *known = vms_host_file (r->host, image);
  int read_only = vms_drive_is_read_only (r->spec.drives[i]);
  struct path room[2];
  const struct path *path = vms_drive_path (r, i, "file", room);

  /* That there is no directory for it has been said. */
  if ((known && known->type == VMSPEC_FILE_TYPE_NO_PARENT)
      || (!exists (image) && vms_step_for (&look->plan->steps, image)))
    return;
  if (!look_for_file (look, path, image, image_remedy (r, i)))
    return;
  if (!read_only && access (image, W_OK) < 0)
    say_missing (look, "file.unwritable", path, image,
                 "cannot be written; check its owner and mode, or give the "
                 "drive the option readonly=on");
  else {
    look_at_image (look, i, path);
    look_for_lock (look, path, image, read_only);
  }
}

/* What the steps make something from, where it is still to be made. */
static void
look_for_sources (struct look *look)
{
  const struct steps *steps = &look->plan->steps;

  for (size_t i = 0; i < steps->count; i++) {
    const struct step *step = &steps->items[i];
    const struct path path = { .name = step->source_option };

    if (!step->source_option || exists (step->told.file))
      continue;
    if (step->told.kind != VMSPEC_STEP_KIND_EROFS)
      look_for_file (look, &path, step->told.source, NAME_ANOTHER);
    else if (!exists (step->told.source))
      say_missing (look, "file.missing", &path, step->told.source,
                   NAME_ANOTHER);
  }
}

/* What the start makes in the run directory. */
static int
is_ours (const struct look *look, const char *path)
{
  const char *run = look->plan->decided.run;
  size_t size = strlen (run);

  return !strncmp (path, run, size)
         && (!strcmp (path + size, "/xchg") || !strcmp (path + size, "/certs"));
}

static void
look_for_shares (struct look *look)
{
  const struct resolution *r = &look->plan->resolution;
  struct stat status;

  for (size_t i = 0; r->spec.shares[i]; i++) {
    const char *source = look->plan->decided.share_sources[i];
    struct path entry = vms_entry_path ("shares", i, r->own_shares);
    struct path path = { .parent = &entry, .name = "source" };

    if (is_ours (look, source))
      continue;
    if (stat (source, &status) < 0)
      say_missing (look, "file.missing", &path, source,
                   "does not exist; make the directory, or share another one");
    else if (!S_ISDIR (status.st_mode))
      say_missing (look, "file.not-directory", &path, source,
                   "is no directory; only directories can be shared");
  }
}

int
vmspec_plan_check_files (const vmspec_plan *plan, vmspec_diag *diag)
{
  struct look look = { .plan = plan, .diag = diag };

  look_for_program (&look);
  look_for_boot (&look);
  look_for_tpm (&look);
  look_for_credentials (&look);
  look_for_vlans (&look);
  for (size_t i = 0; plan->resolution.spec.drives[i]; i++)
    look_for_drive (&look, i);
  look_for_sources (&look);
  look_for_shares (&look);
  return look.missing ? -ENOENT : 0;
}
