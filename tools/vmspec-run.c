/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The small tool: a description in, a machine or its command line out. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "guest.h"
#include "image.h"
#include "machines.h"
#include "print.h"
#include "progress.h"
#include "run.h"
#include "signals.h"
#include "start.h"

/* ---- the description ---------------------------------------------------- */

/* All of a file, or a little more than a description may have. */
static char *
read_stream (FILE *in, size_t *ret_size)
{
  size_t most = (16 << 20) + 1, size = 0, room = 0, n;
  char *data = NULL;

  do {
    char *larger = realloc (data, room += 1 << 16);

    if (!larger) {
      free (data);
      return NULL;
    }
    data = larger;
    n = fread (data + size, 1, room - size, in);
    size += n;
  } while (n && size < most);
  *ret_size = size;
  return data;
}

static int
read_standard_input (struct run *run)
{
  size_t size;
  char *data = read_stream (stdin, &size);
  int r = -ENOMEM;

  if (data && ferror (stdin))
    r = -EIO;
  else if (data)
    r = vmspec_doc_read_memory (data, size, "standard input", run->diag,
                                &run->doc);
  free (data);
  return r;
}

/* Without a file the settings are all there is. */
static int
read_description (struct run *run)
{
  const char *file = run->options.file;
  int r = !file ? vmspec_doc_new (NULL, run->diag, &run->doc)
          : strcmp (file, "-")
            ? vmspec_doc_read_file (file, run->diag, &run->doc)
            : read_standard_input (run);

  if (r < 0)
    explain (run, file ? file : "no description", r);
  return r;
}

/* A finding about a setting stands in no file. */
static void
explain_setting (struct run *run, const char *setting)
{
  char *origin;

  if (asprintf (&origin, "--set %s", setting) < 0)
    origin = NULL;
  flush_findings (run, origin ? origin : "--set");
  free (origin);
}

/* All settings, even after one that is wrong. */
static int
change_description (struct run *run)
{
  int failed = 0;

  for (const char **set = run->options.sets; *set; set++) {
    int r = vmspec_doc_set (run->doc, *set, run->diag);

    if (r < 0) {
      failed = r;
      explain_setting (run, *set);
    }
  }
  return failed;
}

static int
make_plan (struct run *run)
{
  const struct vmspec *spec = vmspec_doc_spec (run->doc);
  const struct vmspec_host given = {
    VMSPEC_INIT (vmspec_host),
    .environment = (const char *const *) environ,
    .arguments = run->options.arguments,
  };
  int r = vmspec_host_detect (spec, &given, run->diag, &run->host);

  if (r == 0) {
    /* What is wrong with the description is said again by the plan. */
    vmspec_diag_clear (run->diag);
    r = vmspec_plan_new (spec, run->host, run->diag, &run->plan);
  }
  if (r < 0)
    explain (run, run->options.file ? run->options.file : "--set", r);
  return r;
}

/* ---- modes -------------------------------------------------------------- */

static int
print_resolved (const struct run *run)
{
  vmspec_doc *resolved = NULL;
  const char *xml;
  int r = vmspec_doc_new (vmspec_plan_spec (run->plan), NULL, &resolved);

  if (r == 0)
    r = vmspec_doc_write (resolved, &xml);
  if (r == 0)
    fputs (xml, stdout);
  else
    say_failure ("the resolved description cannot be written as XML", r);
  vmspec_doc_free (resolved);
  return r == 0 ? 0 : STATUS_FAILED;
}

static int
print_plan (const struct run *run)
{
  int status = 0;

  if (run->options.mode == MODE_RESOLVE)
    status = print_resolved (run);
  else if (run->options.mode == MODE_PRINT_STEPS)
    print_steps (stdout, run->plan);
  else if (run->options.mode == MODE_PRINT_ARGV)
    print_argv (stdout, vmspec_plan_argv (run->plan), run->options.null);
  else
    fputs (vmspec_plan_command (run->plan), stdout);
  return finish_output (stdout) < 0 ? STATUS_FAILED : status;
}

static int
check (struct run *run)
{
  int refused;

  vmspec_plan_check_files (run->plan, run->diag);
  refused = has_finding (run->diag, VMSPEC_SEVERITY_BLOCKER);
  flush_findings (run, NULL);
  return refused ? STATUS_REFUSED : 0;
}

/* The names of all steps but those in a run directory that the next start will
 * not find again; NULL without memory. */
static const char **
lasting_steps (const struct run *run)
{
  const struct vmspec_step *step;
  const char **names;
  size_t n = 0, kept = 0;

  while (vmspec_plan_step (run->plan, n))
    n++;
  names = calloc (n + 1, sizeof *names);
  for (size_t i = 0; names && (step = vmspec_plan_step (run->plan, i)); i++)
    if (step->lasts == VMSPEC_ON)
      names[kept++] = step->name;
  return names;
}

static int
prepare (struct run *run)
{
  struct progress progress;
  struct vmspec_work work = progress_work (&progress, run->options.no_sync);
  const char **all = run->options.n_steps ? NULL : lasting_steps (run);
  int r = -ENOMEM;

  hold_signals ();
  if (all || run->options.n_steps)
    r = vmspec_plan_prepare (run->plan, all ? all : run->options.steps, &work,
                             run->diag);
  progress_end (&progress);
  free (all);
  if (r < 0)
    explain (run, "not everything could be made", r);
  flush_findings (run, NULL);
  return r < 0 ? STATUS_NOT_STARTED : 0;
}

/* What needs no description. */
static int
print_about (enum mode mode)
{
  if (mode == MODE_LIST_OPTIONS)
    list_options (stdout);
  else if (mode == MODE_HELP)
    options_help (stdout);
  else
    printf ("vmspec-run %s\n%s", vmspec_version (),
            *WITHOUT ? "without " WITHOUT "\n" : "");
  return finish_output (stdout) < 0 ? STATUS_FAILED : 0;
}

/* What is about an image, and no description. */
static int
run_image_mode (struct run *run)
{
  const char *file = run->options.file;
  int r = run->options.mode == MODE_IMAGE_INFO
            ? print_image_info (stdout, file, run->diag)
            : make_image (&run->options, run->diag);

  if (r < 0 && vmspec_diag_count (run->diag) == 0 && r != -EINVAL)
    say_failure (file, r);
  flush_findings (run, file);
  if (r < 0)
    return r == -EINVAL ? STATUS_REFUSED : STATUS_FAILED;
  return finish_output (stdout) < 0 ? STATUS_FAILED : 0;
}

/* What is about machines that run, and no description. */
static int
run_machines_mode (const struct options *options)
{
  switch (options->mode) {
  case MODE_STATUS:
    return print_machine (options->name);
  case MODE_STOP:
    return stop_machine (options->name, options->timeout);
  case MODE_CLEAN:
    return clean_machines ();
  default:
    return list_machines ();
  }
}

static int
run_mode (struct run *run)
{
  if (run->options.mode >= MODE_LIST_OPTIONS)
    return print_about (run->options.mode);
  if (run->options.mode >= MODE_LIST)
    return run_machines_mode (&run->options);
  if (vmspec_diag_new (&run->diag) < 0) {
    say_failure ("nothing was read", -ENOMEM);
    return STATUS_FAILED;
  }
  if (run->options.mode >= MODE_IMAGE_INFO)
    return run_image_mode (run);
  if (read_description (run) < 0 || change_description (run) < 0
      || make_plan (run) < 0)
    return STATUS_REFUSED;
  if (run->options.mode == MODE_CHECK)
    return check (run);
  flush_findings (run, NULL);
  switch (run->options.mode) {
  case MODE_START:
    return start_machine (run);
  case MODE_PREPARE:
    return prepare (run);
  case MODE_GUEST:
    return print_guest (run);
  case MODE_CHECK_KERNEL:
    return check_kernel (run);
  default:
    return print_plan (run);
  }
}

/* Whatever is opened here is none of the first three, even if we got none. */
static void
open_standard_descriptors (void)
{
  int fd;

  do
    fd = open ("/dev/null", O_RDWR);
  while (fd >= 0 && fd < 3);
  if (fd >= 0)
    close (fd);
}

/* A daemon forks before there is anything that only one of both may have. */
static int
run_in_place (struct run *run)
{
  int status, r;

  if (!run->options.daemonize)
    return run_mode (run);
  r = daemon_start (&run->daemon, &status);
  if (r == 0)
    return run_mode (run);
  if (r < 0)
    say_failure ("no daemon can be started", r);
  return r < 0 ? STATUS_NOT_STARTED : status;
}

int
main (int argc, char **argv)
{
  struct run run = { .doc = NULL, .daemon.ready = -1 };
  int status = STATUS_USAGE;

  open_standard_descriptors ();
  /* Whoever started us may ignore it, and then helpers' status would be lost. */
  signal (SIGCHLD, SIG_DFL);
  /* A reader that goes away is told of like a disk that is full, and is no
   * reason to kill a machine. */
  signal (SIGPIPE, SIG_IGN);
  if (options_parse (argc, argv, &run.options) == 0)
    status = run_in_place (&run);
  vmspec_plan_free (run.plan);
  vmspec_host_free (run.host);
  vmspec_doc_free (run.doc);
  vmspec_diag_free (run.diag);
  free (run.options.sets);
  free (run.options.steps);
  /* Now that everything is cleaned up, a signal that waited may end this. */
  let_signals_pass ();
  return status;
}
