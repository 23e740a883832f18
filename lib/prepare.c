/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The steps of a plan, taken. */
#include "run-dir.h"
#include "descriptor.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "copy.h"
#include "erofs.h"
#include "image-create.h"
#include "remove.h"
#include "suggest.h"

#define MODE 0644 /* of files that are made */

struct preparation {
  const vmspec_plan *plan;
  struct work work;
  const struct step *step;      /* that is being taken */
  int has_run;                  /* a fresh run directory */
  int run_lock;                 /* of one that was made by this call, or -1 */
  int store_runs;               /* mkfs.erofs does, beside everything else */
  struct erofs store;
  struct erofs_setup store_setup;
  struct output store_output;
};

/* ---- files -------------------------------------------------------------- */

static int
copy_to (struct work *work, const char *source, struct output *output)
{
  int from = TEMP_FAILURE_RETRY (open (source, O_RDONLY | O_CLOEXEC));
  struct stat status;
  int r
    = from < 0 || fstat (from, &status) < 0
        ? -errno
        : vms_copy_bytes (work, from, output->fd, (uint64_t) status.st_size);

  vms_descriptor_close (from);
  if (r == 0 && fchmod (output->fd, MODE) < 0)
    r = -errno;
  if (r < 0 && r != -ECANCELED)
    vms_work_fail (work, r, "file.not-copied", NULL, "%s cannot be copied to %s: %s",
                   source, output->path, strerrordesc_np (-r));
  return r;
}

static int
copy_file (struct preparation *p)
{
  const struct vmspec_step *step = &p->step->told;
  struct output output;
  int r = vms_output_open (&output, &p->work, step->file, MODE);

  if (r == 0)
    r = copy_to (&p->work, step->source, &output);
  if (r == 0)
    r = vms_output_commit (&output, &p->work);
  vms_output_close (&output);
  return r;
}

static int
make_image (struct preparation *p)
{
  struct vmspec_image image = p->step->image;

  return vms_image_create (&p->work, &image);
}

/* ---- directories -------------------------------------------------------- */

/* What a TPM keeps is nobody else's business. */
static int
make_state_directory (struct preparation *p)
{
  const char *directory = p->step->told.file;
  struct stat status;

  if (mkdir (directory, 0700) == 0
      || (errno == EEXIST && stat (directory, &status) == 0
          && S_ISDIR (status.st_mode)))
    return 0;
  return vms_work_fail (&p->work, -errno, "directory.failed", NULL,
                        "the directory %s cannot be made: %s", directory,
                        strerrordesc_np (errno));
}

static int
make_directory (struct preparation *p)
{
  const char *name = p->step->told.name;

  if (!strcmp (name, "run-directory"))
    return p->has_run ? 0
                      : vms_run_dir_make (p->plan, p->work.diag, &p->run_lock);
  if (!strcmp (name, "exchange"))
    return vms_run_dir_exchange (p->plan, p->work.diag);
  if (!strcmp (name, "certificates"))
    return vms_run_dir_certificates (p->plan, &p->work);
  return make_state_directory (p);
}

/* ---- the store ---------------------------------------------------------- */

static int
start_store (struct preparation *p)
{
  const struct resolution *r = &p->plan->resolution;
  const char *const *kept = p->plan->steps.kept;
  int result;

  if (r->store.closure && !kept)
    return vms_work_fail (&p->work, -ENOENT, "store.closure", NULL,
                          "%s, which is to list what the store image holds, cannot "
                          "be read; name another file with store.closure",
                          r->store.closure);
  p->store_setup = (struct erofs_setup) {
    .program = vms_host_program (r->host, "mkfs.erofs"), .tree = r->store.path,
    .kept = kept, .label = STORE_LABEL, .uuid = STORE_UUID };
  if (!p->store_setup.program)
    return vms_work_fail (&p->work, -ENOENT, "helper.missing", NULL,
                          "mkfs.erofs is not found, which makes store images; "
                          "install erofs-utils");
  result
    = vms_output_open (&p->store_output, &p->work, p->step->told.file, MODE);
  if (result == 0)
    result = vms_erofs_start (&p->store, &p->store_setup, &p->store_output,
                              &p->work);
  p->store_runs = result == 0;
  if (result < 0)
    vms_output_close (&p->store_output);
  return result;
}

static void
set_step (struct preparation *p, const struct step *step)
{
  uint32_t sync = p->work.said->sync;

  p->step = step;
  p->work.step = step->told.name;
  p->work.option = step->told.option;
  p->work.next_report = 0;
  p->work.done = p->work.total = 0;
  /* What goes with the run directory need not survive a crash. */
  p->work.sync = sync ? is_on (sync) : is_on (step->told.lasts);
}

static int
wait_for_store (struct preparation *p)
{
  int r;

  set_step (p, vms_step_for (&p->plan->steps, p->store_output.path));
  r = vms_erofs_wait (&p->store, &p->work);
  if (r == 0)
    r = vms_output_commit (&p->store_output, &p->work);
  return r == -EEXIST ? 0 : r; /* as in take() */
}

/* @result is that of the steps that were taken beside it. */
static int
finish_store (struct preparation *p, int result)
{
  if (!p->store_runs)
    return result;
  if (result < 0)
    vms_erofs_abandon (&p->store);
  else
    result = wait_for_store (p);
  vms_output_close (&p->store_output);
  return result;
}

/* ---- all ---------------------------------------------------------------- */

static int
take (struct preparation *p)
{
  struct stat status;
  int r;

  /* An existing file is used as it is. */
  if (p->step->told.kind != VMSPEC_STEP_KIND_DIRECTORY
      && stat (p->step->told.file, &status) == 0) {
    vms_output_tidy (&p->work, p->step->told.file);
    return 0;
  }
  switch (p->step->told.kind) {
  case VMSPEC_STEP_KIND_DIRECTORY:
    return make_directory (p);
  case VMSPEC_STEP_KIND_COPY:
    r = copy_file (p);
    break;
  case VMSPEC_STEP_KIND_EROFS:
    r = start_store (p);
    break;
  default:
    r = make_image (p);
  }
  /* Somebody else was faster, with the same thing in mind. */
  return r == -EEXIST ? 0 : r;
}

/* Images have told it themselves, and mkfs.erofs still runs. */
static int
tell_end (struct preparation *p)
{
  uint32_t kind = p->step->told.kind;
  struct stat status;
  uint64_t size = 0;

  if (kind != VMSPEC_STEP_KIND_DIRECTORY && kind != VMSPEC_STEP_KIND_COPY)
    return 0;
  if (kind == VMSPEC_STEP_KIND_COPY && stat (p->step->told.file, &status) == 0)
    size = (uint64_t) status.st_size;
  return vms_work_progress_now (&p->work, size, size);
}

static int
is_wanted (const char *const *names, const char *name)
{
  if (!names)
    return 1;
  for (; *names; names++)
    if (!strcmp (*names, name))
      return 1;
  return 0;
}

static int
check_names (struct preparation *p, const char *const *names)
{
  const struct steps *steps = &p->plan->steps;
  int r = 0;

  for (; names && *names; names++) {
    struct suggestion near = { .word = *names };
    size_t i = 0;

    while (i < steps->count && strcmp (*names, steps->items[i].told.name)) {
      vms_suggestion_offer (&near, steps->items[i].told.name, "'%s'",
                            steps->items[i].told.name);
      i++;
    }
    if (i == steps->count)
      r = vms_work_fail (&p->work, -EINVAL, "step.unknown", NULL,
                         "this plan has no step '%s'%s", *names, near.hint);
  }
  return r;
}

int
vms_plan_prepare (const vmspec_plan *plan, const char *const *names,
                  const struct vmspec_work *said, vmspec_diag *diag,
                  struct keeper *keeper)
{
  int fresh = plan->decided.run_is_fresh;
  struct preparation p
    = { .plan = plan, .run_lock = NO_DESCRIPTOR,
        .has_run = fresh && (keeper || *plan->run_fd >= 0) };
  struct arena arena = { 0 };
  int r = vms_work_init (&p.work, &arena, said, diag);

  p.work.may_exist = 1;
  p.work.keeper = keeper;
  if (r == 0)
    r = check_names (&p, names);
  for (size_t i = 0; r == 0 && i < plan->steps.count; i++)
    if (is_wanted (names, plan->steps.items[i].told.name)) {
      set_step (&p, &plan->steps.items[i]);
      r = take (&p);
      if (r == 0)
        r = tell_end (&p);
    }
  r = finish_store (&p, r);
  if (r < 0 && p.run_lock >= 0) {
    vms_remove_tree (plan->decided.run);
    close (p.run_lock);
  } else if (p.run_lock >= 0)
    *plan->run_fd = p.run_lock;
  vms_arena_free (&arena);
  return r;
}

int
vmspec_plan_prepare (vmspec_plan *plan, const char *const *names,
                     const struct vmspec_work *work, vmspec_diag *diag)
{
  return vms_plan_prepare (plan, names, work, diag, NULL);
}
