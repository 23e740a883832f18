/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is made: single images, steps of a plan, a system image. */
#include "interrupt.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <uuid/uuid.h>

#define MIB (1024ull * 1024)
#define UUID "123e4567-e89b-12d3-a456-426614174000"

const char *const mode_names[N_MODES] = { "nameless", "named", "linked" };

/* ---- always the same ---------------------------------------------------- *
 *
 * In the places of the C library's and libuuid's.
 */

time_t
time (time_t *ret_time)
{
  if (ret_time)
    *ret_time = 1700000000;
  return 1700000000;
}

void
uuid_generate (uuid_t out)
{
  memset (out, 0x42, sizeof (uuid_t));
}

/* ---- what it is made of ------------------------------------------------- */

static void
make_file (const char *path, uint64_t size)
{
  int fd = open (path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
  char bytes[1024];

  if (fd < 0)
    fatal (path);
  for (uint64_t at = 0; at < size; at += sizeof bytes) {
    uint64_t n = size - at < sizeof bytes ? size - at : sizeof bytes;

    for (size_t i = 0; i < sizeof bytes; i++)
      bytes[i] = (char) (at / 7 + i * i);
    if (write (fd, bytes, n) != (ssize_t) n)
      fatal (path);
  }
  if (futimens (fd, (struct timespec[2]) { { .tv_sec = 1600000000 },
                                           { .tv_sec = 1600000000 } }) < 0
      || close (fd) < 0)
    fatal (path);
}

static void
make_sources (void)
{
  static const char *const directories[]
    = { "in", "in/tree", "in/tree/bin", "in/tree/empty", "in/esp", "in/esp/EFI",
        "in/esp/EFI/BOOT", "out" };
  const struct vmspec_image backing
    = { VMSPEC_INIT (vmspec_image), .file = "in/backing.qcow2",
        .size = 4 * MIB };

  for (size_t i = 0; i < COUNT (directories); i++)
    if (mkdir (directories[i], 0755) < 0)
      fatal (directories[i]);
  make_file ("in/bundle", 150000);
  make_file ("in/variables", 200000);
  make_file ("in/tree/file", 300000);
  make_file ("in/tree/bin/program", 5000);
  make_file ("in/esp/EFI/BOOT/BOOTX64.EFI", 70000);
  if (link ("in/tree/file", "in/tree/bin/same") < 0
      || symlink ("../file", "in/tree/bin/link") < 0
      || vmspec_image_create (&backing, NULL, NULL) < 0)
    fatal ("sources");
  /* None of our business, or not to be replaced. */
  make_file ("out/keep", 1000);
  make_file ("out/existing", 2000);
  make_file ("out/.keep.vmspec-0123456789abcdef", 3000);
}

/* ---- a plan ------------------------------------------------------------- */

static char here[PATH_MAX], mkfs_erofs[PATH_MAX], mformat[PATH_MAX];

/* Where PATH has it, or "". */
static void
find_program (char file[PATH_MAX], const char *name)
{
  const char *path = getenv ("PATH");

  for (; path && *path; path += *path == ':') {
    size_t size = strcspn (path, ":");

    snprintf (file, PATH_MAX, "%.*s/%s", (int) size, path, name);
    if (access (file, X_OK) == 0)
      return;
    path += size;
  }
  snprintf (file, PATH_MAX, "/usr/sbin/%s", name);
  if (access (file, X_OK) < 0)
    *file = '\0';
}

/* All steps that there are; with @overlays of the other kind, where there are
 * two. */
static int
new_plan (int overlays, vmspec_diag *diag, vmspec_plan **ret_plan)
{
  char store[PATH_MAX + 20], template[PATH_MAX + 20];
  char tmpdir[PATH_MAX + 20], bundle[PATH_MAX + 40];
  const char *const environment[]
    = { tmpdir, "USE_TMPDIR=1", bundle, NULL }, *const nothing[] = { NULL };
  const struct vmspec_host_program qemu
    = { VMSPEC_INIT (vmspec_host_program), .name = "qemu-system-x86_64",
        .path = "/bin/qemu-system-x86_64" };
  const struct vmspec_host_program mkfs
    = { VMSPEC_INIT (vmspec_host_program), .name = "mkfs.erofs",
        .path = mkfs_erofs };
  const struct vmspec_host host = {
    VMSPEC_INIT (vmspec_host), .arch = VMSPEC_ARCH_X86_64,
    .os = VMSPEC_OS_LINUX, .kvm = VMSPEC_KVM_ABSENT, .cpus = 2,
    .directory = here, .run_name = "vmspec.0", .environment = environment,
    .arguments = nothing, .files = LIST (vmspec_host_file, NULL),
    .firmware = LIST (vmspec_host_firmware, NULL),
    .programs = *mkfs_erofs ? LIST (vmspec_host_program, &qemu, &mkfs)
                            : LIST (vmspec_host_program, &qemu) };
  const struct vmspec_disk disk
    = { VMSPEC_INIT (vmspec_disk), .size = overlays ? 8 : 16,
        .image = "out/disk", .system_image = overlays ? "in/backing.qcow2"
                                                      : NULL };
  const struct vmspec_boot boot
    = { VMSPEC_INIT (vmspec_boot), .loader = overlays ? VMSPEC_ON : 0 };
  const struct vmspec_efi efi
    = { VMSPEC_INIT (vmspec_efi), .enable = VMSPEC_ON,
        .keep_variables = VMSPEC_OFF, .firmware = "/f",
        .variables = template, .state = "out/variables" };
  const struct vmspec_tpm tpm
    = { VMSPEC_INIT (vmspec_tpm), .enable = VMSPEC_ON, .swtpm = "/bin/sh",
        .state_dir = "out/tpm" };
  const struct vmspec_store image
    = { VMSPEC_INIT (vmspec_store), .image = VMSPEC_ON, .path = store,
        .writable = overlays ? VMSPEC_ON : VMSPEC_OFF,
        .base_image = overlays ? "in/backing.qcow2" : NULL };
  const struct vmspec_empty_disk empty
    = { VMSPEC_INIT (vmspec_empty_disk), .size = 5 };
  const struct vmspec_drive existing
    = { VMSPEC_INIT (vmspec_drive), .file = "out/existing", .size = 6,
        .format = VMSPEC_IMAGE_FORMAT_RAW };
  const struct vmspec_drive drive
    = { VMSPEC_INIT (vmspec_drive), .file = "out/drive", .size = 7 };
  const struct vmspec spec = {
    VMSPEC_INIT (vmspec), .disk = &disk, .boot = &boot, .efi = &efi,
    .tpm = &tpm, .store = &image, .host_certs = VMSPEC_ON,
    .empty_disks = LIST (vmspec_empty_disk, &empty, &empty),
    .drives = LIST (vmspec_drive, &existing, &drive) };

  snprintf (store, sizeof store, "%s/in/tree", here);
  snprintf (template, sizeof template, "%s/in/variables", here);
  snprintf (tmpdir, sizeof tmpdir, "TMPDIR=%s/out/run", here);
  snprintf (bundle, sizeof bundle, "NIX_SSL_CERT_FILE=%s/in/bundle", here);
  return vmspec_plan_new (&spec, &host, diag, ret_plan);
}

/* ---- kinds -------------------------------------------------------------- */

#define RUN "run-directory"
#define PLAN(...) .is_plan = 1, .steps = { __VA_ARGS__ }
#define IMAGE(...) .image = { VMSPEC_INIT (vmspec_image),                      \
                              .file = "out/image", __VA_ARGS__ }

static const struct kind {
  const char *name;
  const char *steps[4];      /* of the plan; none: all */
  int is_plan, overlays, is_system, needs_erofs;
  struct vmspec_image image;
} kinds[] = {
  { "qcow2", IMAGE (.size = 64 * MIB) },
  { "raw", IMAGE (.size = MIB, .format = VMSPEC_IMAGE_FORMAT_RAW) },
  { "preallocated", IMAGE (.size = 8 * MIB, .cluster_size = 4096,
                           .preallocation = VMSPEC_PREALLOCATION_METADATA) },
  { "ext4", IMAGE (.size = 16 * MIB, .content = VMSPEC_CONTENT_EXT4,
                   .label = "test", .uuid = UUID) },
  { "tree", IMAGE (.tree = "in/tree", .root_owned = VMSPEC_ON,
                   .format = VMSPEC_IMAGE_FORMAT_RAW, .uuid = UUID) },
  { "overlay", IMAGE (.size = 8 * MIB, .backing = "../in/backing.qcow2") },
  { "disk", PLAN ("disk") },
  { "drive", PLAN ("drive.0", "drive.1") },
  { "empty-disks", PLAN (RUN, "empty-disk.0", "empty-disk.1") },
  { "variables", PLAN ("efi-variables") },
  { "tpm", PLAN ("tpm") },
  { "certificates", PLAN (RUN, "certificates") },
  { "run-directory", PLAN (RUN) },
  { "exchange", PLAN (RUN, "exchange") },
  { "store", PLAN (RUN, "store"), .needs_erofs = 1 },
  { "disk-overlay", PLAN ("disk"), .overlays = 1 },
  { "store-overlay", PLAN (RUN, "store"), .overlays = 1 },
  { "plan", .is_plan = 1, .needs_erofs = 1 },
  { "system", .is_system = 1 },
};

static const struct kind *kind;
static vmspec_plan *plan;

void
kind_list (void)
{
  for (size_t i = 0; i < COUNT (kinds); i++)
    puts (kinds[i].name);
}

int
kind_set_up (const char *name)
{
  vmspec_diag *diag;

  for (size_t i = 0; i < COUNT (kinds); i++)
    if (!strcmp (kinds[i].name, name))
      kind = &kinds[i];
  if (!kind)
    fatal ("no such kind");
  find_program (mkfs_erofs, "mkfs.erofs");
  find_program (mformat, "mformat");
  if ((kind->needs_erofs && !*mkfs_erofs) || (kind->is_system && !*mformat))
    return 77;
  if (!getcwd (here, sizeof here))
    fatal ("getcwd");
  make_sources ();
  if (vmspec_diag_new (&diag) < 0
      || (kind->is_plan && new_plan (kind->overlays, diag, &plan) < 0))
    fatal (vmspec_diag_count (diag) ? vmspec_diag_get (diag, 0)->text
                                    : "the plan");
  vmspec_diag_free (diag);
  return 0;
}

static int
make_system (vmspec_diag *diag)
{
  const struct vmspec_system_image image = {
    VMSPEC_INIT (vmspec_system_image), .file = "out/image", .tree = "in/tree",
    .esp = "in/esp", .partition_table = VMSPEC_PARTITION_TABLE_EFI,
    .root_owned = VMSPEC_ON, .esp_size = 8 * MIB, .seed = "test",
    .variables = "in/variables", .time = 1700000000 };

  return vmspec_system_image (&image, NULL, diag);
}

int
kind_make (vmspec_diag *diag)
{
  int r;

  if (kind->is_plan)
    return vmspec_plan_prepare (plan, kind->steps[0] ? kind->steps : NULL, NULL,
                                diag);
  r = kind->is_system ? make_system (diag)
                      : vmspec_image_create (&kind->image, NULL, diag);
  return r == -EEXIST ? 0 : r;
}

int
kind_make_apart (void)
{
  vmspec_plan *own = NULL;
  int r;

  if (!kind->is_plan)
    return kind_make (NULL);
  r = new_plan (kind->overlays, NULL, &own);
  if (r == 0)
    r = vmspec_plan_prepare (own, kind->steps[0] ? kind->steps : NULL, NULL,
                             NULL);
  vmspec_plan_free (own);
  return r;
}
