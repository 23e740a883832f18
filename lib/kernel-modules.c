/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A kernel's modules: modules.dep, which depmod(8) writes, has a line for each
 * that there is, and modules.builtin, which comes with the kernel, one for each
 * that could have been a module and is built in.
 */
#include "guest.h"
#include "descriptor.h"
#include "kernel-check.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static const char dependencies[] = "modules.dep";
static const char builtin[] = "modules.builtin";
static const char extension[] = ".ko";

/* ---- names -------------------------------------------------------------- */

static int
ends (const char *name, size_t size, const char *end)
{
  size_t n = strlen (end);

  return size > n && !memcmp (name + size - n, end, n);
}

/* "kernel/fs/9p/9p.ko.xz: kernel/net/9p/9pnet.ko.xz" is about "9p"; "" if the
 * line is about no module. */
static const char *
name_in (const char *line, size_t size, size_t *ret_size)
{
  static const char *const compressions[] = { ".gz", ".xz", ".zst" };
  const char *end = memchr (line, ':', size), *name;

  end = end ? end : line + size;
  name = memrchr (line, '/', (size_t) (end - line));
  name = name ? name + 1 : line;
  size = (size_t) (end - name);
  for (size_t i = 0; i < sizeof compressions / sizeof *compressions; i++)
    if (ends (name, size, compressions[i])) {
      size -= strlen (compressions[i]);
      break;
    }
  *ret_size = ends (name, size, extension) ? size - strlen (extension) : 0;
  return name;
}

static char
plain (char c)
{
  return (char) (c == '-' ? '_' : c);
}

static int
is_name (const char *module, const char *name, size_t size)
{
  size_t i = 0;

  while (i < size && module[i] && plain (module[i]) == plain (name[i]))
    i++;
  return i == size && !module[i];
}

/* The last one counts: what is built in is read last. */
static void
take (struct kernel_check *check, const char *line, size_t size,
      enum presence presence)
{
  const char *name = name_in (line, size, &size);

  if (!size)
    return;
  check->told++;
  for (size_t i = 0; check->needs[i]; i++) {
    const char *module = check->needs[i]->module;

    if (module && is_name (module, name, size))
      check->found[i] = presence;
  }
}

static void
take_module (struct kernel_check *check, const char *line, size_t size)
{
  take (check, line, size, PRESENCE_MODULE);
}

static void
take_builtin (struct kernel_check *check, const char *line, size_t size)
{
  take (check, line, size, PRESENCE_BUILTIN);
}

/* ---- what is no directory of modules ------------------------------------ */

static int
has_dependencies (struct kernel_check *check, int directory, const char *version)
{
  const char *path = vms_arena_concat (&check->arena, version, "/", dependencies,
                                       (char *) NULL);

  return path && faccessat (directory, path, F_OK, 0) == 0;
}

/* /lib/modules itself may have been named: a version in it that has modules, of
 * several the same each time; or NULL. */
static const char *
version_in (struct kernel_check *check, int directory)
{
  DIR *stream = opendir (check->file);
  const struct dirent *entry;
  const char *version = NULL;

  while (stream && (entry = readdir (stream)))
    if (*entry->d_name != '.' && has_dependencies (check, directory, entry->d_name)
        && (!version || strcmp (entry->d_name, version) > 0))
      version = vms_arena_strdup (&check->arena, entry->d_name);
  if (stream)
    closedir (stream);
  return version;
}

static int
say_none (struct kernel_check *check, int directory)
{
  const char *version = version_in (check, directory);

  if (vms_arena_error (&check->arena))
    return vms_arena_error (&check->arena);
  if (version)
    return vms_kernel_fail (check, -EINVAL, "kernel.no-modules", "%s has a "
                            "directory of modules for each version of a kernel; "
                            "name one of these, such as %s/%s", check->file,
                            check->file, version);
  return vms_kernel_fail (check, -EINVAL, "kernel.no-modules", "%s has no %s, or "
                          "one of no modules; name a directory such as "
                          "/lib/modules/VERSION, and run depmod if it was made by "
                          "hand", check->file, dependencies);
}

/* ---- reading ------------------------------------------------------------ */

/* 1, 0 if there is no such file, or -errno with a finding. */
static int
read_lines (struct kernel_check *check, int directory, const char *name,
            kernel_line_fn *function)
{
  const char *path = vms_arena_concat (&check->arena, check->file, "/", name,
                                       (char *) NULL);
  struct text text;
  int fd, r;

  if (!path)
    return -ENOMEM;
  fd = TEMP_FAILURE_RETRY (
    openat (directory, name, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  if (fd < 0 && errno == ENOENT)
    return 0;
  r = vms_kernel_read (check, vms_descriptor_keep (fd < 0 ? -errno : fd), path,
                       &text);
  if (r < 0)
    return r;
  vms_kernel_each_line (check, &text, function);
  return 1;
}

static int
check_directory (struct kernel_check *check, int directory)
{
  int has_modules = read_lines (check, directory, dependencies, take_module);
  int has_builtin = has_modules <= 0 ? has_modules
                    : read_lines (check, directory, builtin, take_builtin);

  if (has_modules < 0 || has_builtin < 0)
    return has_builtin;
  /* A kernel without modules still has some built in. */
  if (!check->told)
    return say_none (check, directory);
  if (!has_builtin)
    vms_diag_add (check->diag, VMSPEC_SEVERITY_WARNING, "kernel.no-builtin", NULL,
                  NULL, "%s has no %s, so that drivers which are built in cannot "
                  "be seen; copy it from where the kernel was built", check->file,
                  builtin);
  return vms_kernel_check_end (check);
}

static int
open_directory (struct kernel_check *check)
{
  int fd = TEMP_FAILURE_RETRY (
    open (check->file, O_RDONLY | O_DIRECTORY | O_CLOEXEC));

  fd = vms_descriptor_keep (fd < 0 ? -errno : fd);
  if (fd < 0)
    return vms_kernel_fail (check, fd, "kernel.directory", "%s cannot be read: "
                            "%s; name a directory such as /lib/modules/VERSION",
                            check->file, strerrordesc_np (-fd));
  return fd;
}

int
vmspec_check_kernel_modules (const struct vmspec_guest_settings *settings,
                             const char *directory, vmspec_diag *diag)
{
  struct kernel_check check
    = { .file = directory, .diag = diag, .by_module = 1 };
  int r = vms_kernel_check_begin (&check, settings);
  int fd;

  fd = r == 0 ? open_directory (&check) : r;
  r = fd < 0 ? fd : check_directory (&check, fd);
  if (fd >= 0)
    close (fd);
  vms_arena_free (&check.arena);
  return r;
}
