/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The input is a kernel's configuration, and a list of its modules: it will do,
 * or is refused with findings. */
#include "fuzz.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define NEED(what, in_module, is_builtin)                                      \
  &(const struct vmspec_kernel_need) {                                         \
    VMSPEC_INIT (vmspec_kernel_need), .symbol = what, .module = in_module,     \
    .option = "an.option", .builtin = is_builtin }

/* With a symbol that is needed twice, and a longer one. */
static const struct vmspec_guest_settings settings = {
  VMSPEC_INIT (vmspec_guest_settings),
  .kernel_needs = (const struct vmspec_kernel_need *const[]) {
    NEED ("9P_FS", "9p", VMSPEC_OFF), NEED ("INET", NULL, VMSPEC_ON),
    NEED ("9P", "9pnet_virtio", VMSPEC_OFF), NEED (NULL, "a_b", VMSPEC_OFF),
    NEED ("9P_FS", "9p", VMSPEC_ON), NULL },
};

/* As many lines with a symbol or a module as there can be findings; errors are
 * told by another status. */
static void
holds_for_kernel (int r, const vmspec_diag *diag, const char *file)
{
  size_t n = vmspec_diag_count (diag);

  HOLDS (r == 0 || r == -EINVAL || r == -ENOEXEC);
  HOLDS (r == -EINVAL ? n == 1 : r == 0 ? n == 0 : n >= 1 && n <= 4);
  for (size_t i = 0; i < n; i++) {
    const struct vmspec_finding *f = vmspec_diag_get (diag, i);

    HOLDS (f->severity == VMSPEC_SEVERITY_ERROR);
    HOLDS (!strncmp (f->id, "kernel.", 7) && strstr (f->text, file));
    HOLDS (!strcmp (f->path, r == -EINVAL ? "" : "an.option"));
  }
}

static void
look_at_config (const uint8_t *data, size_t size)
{
  vmspec_diag *diag = new_diag ();
  int fd = memfd_create ("fuzz", MFD_CLOEXEC);
  char path[64];

  HOLDS (fd >= 0);
  HOLDS (write (fd, data, size) == (ssize_t) size);
  snprintf (path, sizeof path, "/proc/self/fd/%d", fd);
  holds_for_kernel (vmspec_check_kernel_config (&settings, path, diag), diag,
                    path);
  close (fd);
  vmspec_diag_free (diag);
}

static void
write_file (const char *name, const uint8_t *data, size_t size)
{
  int fd = open (name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

  HOLDS (fd >= 0);
  HOLDS (write (fd, data, size) == (ssize_t) size);
  close (fd);
}

static char directory[] = "/tmp/vmspec-fuzz.XXXXXX";
static char dependencies[100], builtin[100];

static void
remove_directory (void)
{
  unlink (dependencies);
  unlink (builtin);
  rmdir (directory);
}

/* One for all inputs; both files are written anew for each. */
static void
make_directory (void)
{
  if (*dependencies)
    return;
  HOLDS (mkdtemp (directory));
  snprintf (dependencies, sizeof dependencies, "%s/modules.dep", directory);
  snprintf (builtin, sizeof builtin, "%s/modules.builtin", directory);
  HOLDS (atexit (remove_directory) == 0);
}

/* The first half is one list, and the second the other. */
static void
look_at_modules (const uint8_t *data, size_t size)
{
  vmspec_diag *diag = new_diag ();

  make_directory ();
  write_file (dependencies, data, size / 2);
  write_file (builtin, data + size / 2, size - size / 2);
  holds_for_kernel (vmspec_check_kernel_modules (&settings, directory, diag),
                    diag, directory);
  vmspec_diag_free (diag);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  look_at_config (data, size);
  look_at_modules (data, size);
  return 0;
}
