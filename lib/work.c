/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "work.h"
#include "clock.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "expand.h"

#define REPORT_EVERY_MS 50

static const char *const plain_environment[]
  = { "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
      "LC_ALL=C", NULL };

int
vms_work_init (struct work *work, struct arena *arena,
               const struct vmspec_work *said, vmspec_diag *diag)
{
  static const struct vmspec_work none = { VMSPEC_INIT (vmspec_work) };
  void *copy = NULL;
  int r = vms_spec_copy (arena, "vmspec_work", said ? said : &none, diag, &copy);

  if (r == 0)
    r = vms_spec_accept (arena, "vmspec_work", copy, diag);
  if (r < 0)
    return r;
  *work = (struct work) { .arena = arena, .said = copy, .diag = diag };
  work->sync = work->said->sync != VMSPEC_OFF;
  return 0;
}

/* ---- progress ----------------------------------------------------------- */

int
vms_work_progress_now (struct work *work, uint64_t done, uint64_t total)
{
  const struct vmspec_progress progress = {
    VMSPEC_INIT (vmspec_progress), .step = work->step ? work->step : "image",
    .done = done, .total = total,
  };
  int error = errno, cancel;

  work->done = done;
  work->total = total;
  if (!work->said->progress)
    return 0;
  work->next_report = vms_now_ms () + REPORT_EVERY_MS;
  cancel = work->said->progress (work->said->data, &progress);
  /* Ours is looked at by whoever calls libraries that tell nothing else. */
  errno = error;
  return cancel ? -ECANCELED : 0;
}

int
vms_work_progress (struct work *work, uint64_t done, uint64_t total)
{
  if (!work->said->progress || vms_now_ms () < work->next_report)
    return 0;
  return vms_work_progress_now (work, done, total);
}

int
vms_work_poll (struct work *work)
{
  return vms_work_progress (work, work->done, work->total);
}

/* ---- findings ----------------------------------------------------------- */

int
vms_work_fail (struct work *work, int error, const char *id, const char *member,
               const char *format, ...)
{
  const struct path path = { .name = work->option ? work->option : member };
  va_list args;

  va_start (args, format);
  vms_diag_vadd (work->diag, VMSPEC_SEVERITY_ERROR, id,
                 path.name ? &path : NULL, NULL, format, args);
  va_end (args);
  return error;
}

/* ---- helper programs ---------------------------------------------------- */

const char *const *
vms_work_environment (const struct work *work)
{
  return work->said->environment ? work->said->environment : plain_environment;
}

static int
is_program (const char *file)
{
  struct stat status;

  return stat (file, &status) == 0 && S_ISREG (status.st_mode)
         && access (file, X_OK) == 0;
}

/* Absolute, since programs may be run in other directories.  NULL without
 * memory or a directory. */
static const char *
path_in (struct arena *arena, const char *directory, size_t size,
         const char *name)
{
  char here[PATH_MAX];

  if (size && *directory == '/')
    return vms_arena_printf (arena, "%.*s/%s", (int) size, directory, name);
  if (!getcwd (here, sizeof here))
    return NULL;
  return vms_arena_printf (arena, "%s/%.*s%s%s", here, (int) size, directory,
                           size ? "/" : "", name);
}

const char *
vms_work_program (struct work *work, const char *name)
{
  const char *path = vms_environment_get (vms_work_environment (work), "PATH");

  while (path && *path) {
    size_t size = strcspn (path, ":");
    const char *file = size < PATH_MAX
                         ? path_in (work->arena, path, size, name) : NULL;

    if (file && is_program (file))
      return file;
    path += size + (path[size] == ':');
  }
  return NULL;
}
