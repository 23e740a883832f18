/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host.h"

#include <string.h>

/* "." and empty components away; ".." stays, since what it means depends on
 * symbolic links. */
static char *
clean (char *path)
{
  const char *stop = path + strlen (path);
  char *to = path;

  /* What is kept moves to the front: it never overtakes what is read. */
  for (const char *from = path + 1; from <= stop;) {
    const char *slash = memchr (from, '/', (size_t) (stop - from));
    const char *end = slash ? slash : stop;
    size_t size = (size_t) (end - from);

    if (size && !(size == 1 && *from == '.')) {
      *to++ = '/';
      memmove (to, from, size);
      to += size;
    }
    from = end + 1;
  }
  if (to == path)
    *to++ = '/';
  *to = '\0';
  return path;
}

const char *
vms_host_absolute (struct arena *arena, const struct vmspec_host *host,
                   const char *path)
{
  const char *directory = host->directory ? host->directory : "/";
  char *joined;

  if (!path || *path == '/')
    return path;
  joined = vms_arena_concat (arena, directory, "/", path, (char *) NULL);
  return joined ? clean (joined) : NULL;
}

const struct vmspec_host_file *
vms_host_file (const struct vmspec_host *host, const char *path)
{
  const struct vmspec_host_file *const *files = host->files;

  for (; path && files && *files; files++)
    if (!strcmp ((*files)->path, path))
      return *files;
  return NULL;
}

const char *
vms_host_real_path (struct arena *arena, const struct vmspec_host *host,
                    const char *path)
{
  const char *absolute = vms_host_absolute (arena, host, path);
  const struct vmspec_host_file *file = vms_host_file (host, absolute);

  return file && file->real_path ? file->real_path : absolute;
}

const char *
vms_host_program (const struct vmspec_host *host, const char *name)
{
  const struct vmspec_host_program *const *programs = host->programs;

  if (strchr (name, '/'))
    return name;
  for (; programs && *programs; programs++)
    if (!strcmp ((*programs)->name, name))
      return (*programs)->path;
  return NULL;
}

const struct vmspec_host_firmware *
vms_host_firmware (const struct vmspec_host *host, uint32_t arch,
                   int secure_boot)
{
  const struct vmspec_host_firmware *const *firmware = host->firmware;

  for (; firmware && *firmware; firmware++)
    if ((*firmware)->arch == arch
        && ((*firmware)->secure_boot == VMSPEC_ON) == !!secure_boot)
      return *firmware;
  return NULL;
}

int
vms_host_firmware_needs_smm (const struct vmspec_host *host, const char *path)
{
  const struct vmspec_host_firmware *const *firmware = host->firmware;

  for (; path && firmware && *firmware; firmware++)
    if (!strcmp ((*firmware)->firmware, path))
      return (*firmware)->smm == VMSPEC_ON;
  return 0;
}

int
vms_host_or_detect (const struct vmspec *spec, const struct vmspec_host *given,
                    struct arena *arena, vmspec_diag *diag,
                    const struct vmspec_host **ret_host)
{
  struct vmspec_host *found = NULL;
  void *copy = NULL;
  int r = 0;

  if (!given) {
    r = vmspec_host_detect (spec, NULL, diag, &found);
    given = found;
  }
  if (r == 0)
    r = vms_spec_copy (arena, "vmspec_host", given, diag, &copy);
  vmspec_host_free (found);
  *ret_host = copy;
  return r;
}
