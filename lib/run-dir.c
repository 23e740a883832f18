/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "run-dir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "copy.h"
#include "leftover.h"
#include "output.h"

/* A directory that is there will do, also by a link. */
static int
make (const char *path)
{
  struct stat status;

  if (mkdir (path, 0755) == 0)
    return 0;
  if (errno != EEXIST)
    return -errno;
  if (stat (path, &status) < 0)
    return -errno;
  return S_ISDIR (status.st_mode) ? 0 : -ENOTDIR;
}

static int
path_below (const vmspec_plan *plan, const char *name, char path[PATH_MAX])
{
  int size = snprintf (path, PATH_MAX, "%s/%s", plan->decided.run, name);

  return size < PATH_MAX ? 0 : -ENAMETOOLONG;
}

/* What the guest is to see must belong to whoever starts it or owns the run
 * directory: where others can write, somebody may have put a link to elsewhere
 * in its place. */
static int
make_below (const vmspec_plan *plan, const char *name)
{
  struct stat run, status;
  char path[PATH_MAX];
  int r = path_below (plan, name, path);

  if (r == 0)
    r = make (path);
  if (r < 0)
    return r;
  if (stat (plan->decided.run, &run) < 0 || lstat (path, &status) < 0)
    return -errno;
  if (!S_ISDIR (status.st_mode))
    return -ENOTDIR;
  return status.st_uid == geteuid () || status.st_uid == run.st_uid ? 0
                                                                    : -EPERM;
}

/* An old copy is replaced, not written into: it may be a link by now, or the
 * very file that is read. */
static int
copy_file (struct work *work, const char *from, const char *to)
{
  int in = TEMP_FAILURE_RETRY (open (from, O_RDONLY | O_CLOEXEC)), r;
  struct work silent = *work;
  struct output out;

  if (in < 0)
    return -errno;
  silent.diag = NULL;
  silent.sync = 0; /* it is made again each time */
  r = vms_output_open_anew (&out, &silent, to, 0644);
  if (r == 0)
    r = vms_copy_bytes (&silent, in, out.fd, 0);
  if (r == 0)
    r = vms_output_commit (&out, &silent);
  vms_output_close (&out);
  close (in);
  return r;
}

/* Without a bundle the guest has an empty directory, as with the script. */
static void
copy_certificates (const vmspec_plan *plan, struct work *work)
{
  const struct path option = { .name = "host_certs" };
  const char *from = plan->decided.certificates;
  char to[PATH_MAX];
  int r = path_below (plan, "certs/ca-certificates.crt", to);

  if (r == 0)
    r = from ? copy_file (work, from, to) : -ENOENT;
  if (r < 0)
    vms_diag_add (work->diag, VMSPEC_SEVERITY_WARNING, "host-certs.missing",
                  &option, NULL,
                  "the guest gets no certificates (%s): NIX_SSL_CERT_FILE has to "
                  "name the host's bundle, often "
                  "/etc/ssl/certs/ca-certificates.crt", strerrordesc_np (-r));
}

int
vms_run_dir_failed (const vmspec_plan *plan, vmspec_diag *diag, int error)
{
  const struct path nowhere = { .name = "TMPDIR" };

  vms_diag_add (diag, VMSPEC_SEVERITY_ERROR, "run-directory.failed", &nowhere, NULL,
                "the run directory %s, with xchg and certs in it, cannot be made: "
                "%s; %s", plan->decided.run, strerrordesc_np (-error),
                error == -EEXIST ? "another start of this plan has it, so make a "
                                   "plan for each start"
                                 : "set TMPDIR to a directory that can be written");
  return error;
}

int
vms_run_dir_make (const vmspec_plan *plan, vmspec_diag *diag, int *ret_lock)
{
  const char *path = plan->decided.run;
  int r = plan->decided.run_is_fresh ? vms_leftover_make (path, ret_lock)
                                     : make (path);

  return r < 0 ? vms_run_dir_failed (plan, diag, r) : 0;
}

int
vms_run_dir_exchange (const vmspec_plan *plan, vmspec_diag *diag)
{
  int r = make_below (plan, "xchg");

  return r < 0 ? vms_run_dir_failed (plan, diag, r) : 0;
}

int
vms_run_dir_certificates (const vmspec_plan *plan, struct work *work)
{
  int r = make_below (plan, "certs");

  if (r < 0)
    return vms_run_dir_failed (plan, work->diag, r);
  copy_certificates (plan, work);
  return 0;
}

int
vmspec_clean (const char *directory, size_t *ret_removed)
{
  size_t removed;
  int r = vms_leftover_clean (directory, &removed);

  if (r == 0 && ret_removed)
    *ret_removed = removed;
  return r;
}
