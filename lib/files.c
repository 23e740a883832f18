/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What has to exist before a start, looked for. */
#include "plan.h"

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
  diag_add (look->diag, VMSPEC_SEVERITY_BLOCKER, id, path, NULL, "%s %s", file,
            problem);
  look->missing = 1;
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
    look_for_member (look, "efi", "state", d->efi_state);
  }
}

static void
look_for_tpm (struct look *look)
{
  const struct path tpm = { .name = "tpm" };
  const struct path path = { .parent = &tpm, .name = "state_dir" };
  const char *socket = look->plan->decided.tpm_socket;
  struct stat status;

  if (socket && (stat (socket, &status) < 0 || !S_ISSOCK (status.st_mode)))
    say_missing (look, "tpm.not-running", &path, socket,
                 "is no socket: nobody emulates the TPM; start 'swtpm socket "
                 "--tpm2 --tpmstate dir=DIR --ctrl type=unixio,path=DIR/socket'"
                 " with this directory first");
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
  if (i >= r->own_drives)
    return "does not exist; make it, for instance with 'qemu-img create -f "
           "qcow2 FILE 1G'";
  if (!r->spec.drives[i]->name)
    return "does not exist, and images are not made yet; leave empty_disks out "
           "and list a drive";
  return "does not exist, and images are not made yet; make it, for instance "
         "with 'qemu-img create -f qcow2 FILE 1G', or leave it out";
}

static void
look_for_drives (struct look *look)
{
  const struct resolution *r = &look->plan->resolution;

  for (size_t i = 0; r->spec.drives[i]; i++) {
    const char *image = look->plan->decided.drive_files[i];
    const struct vmspec_host_file *known = host_file (r->host, image);
    struct path room[2];
    const struct path *path = drive_path (r, i, "file", room);

    /* That there is no directory for it has been said. */
    if (known && known->type == VMSPEC_FILE_TYPE_NO_PARENT)
      continue;
    if (look_for_file (look, path, image, image_remedy (r, i))
        && !drive_is_read_only (r->spec.drives[i]) && access (image, W_OK) < 0)
      say_missing (look, "file.unwritable", path, image,
                   "cannot be written; check its owner and mode, or give the "
                   "drive the option readonly=on");
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
    struct path entry = entry_path ("shares", i, r->own_shares);
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
  look_for_drives (&look);
  look_for_shares (&look);
  return look.missing ? -ENOENT : 0;
}
