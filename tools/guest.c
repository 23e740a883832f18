/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "guest.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "print.h"
#include "suggest.h"
#include "write-tree.h"

static const struct vmspec_option *
form_row (void)
{
  const struct vmspec_option *row = first_row ("vmspec_guest_file");

  while (row && strcmp (row->name, "form"))
    row = next_row (row);
  return row;
}

unsigned
guest_form (const char *name)
{
  const struct vmspec_option *row = form_row ();
  struct suggestion near = { .word = name };

  for (unsigned i = 1; row && row->values[i]; i++) {
    if (!strcmp (row->values[i], name))
      return i;
    vms_suggestion_offer (&near, row->values[i], "%s", row->values[i]);
  }
  fprintf (stderr, "vmspec-run: a guest's settings have no form '%s', but",
           name);
  for (unsigned i = 1; row && row->values[i]; i++)
    fprintf (stderr, "%s %s", i > 1 ? "," : "", row->values[i]);
  fprintf (stderr, "%s\n", near.hint);
  return 0;
}

/* Several files each come after a comment with their name. */
static void
print_files (const struct vmspec_guest_settings *settings)
{
  const struct vmspec_guest_file *const *file = settings->files;
  int several = file[0] && file[1];

  for (; *file; file++) {
    if (several)
      printf ("# %s%s\n", (*file)->name,
              (*file)->initrd == VMSPEC_ON ? " (initial RAM disk)" : "");
    fputs ((*file)->content, stdout);
    if (several)
      fputs ("\n", stdout);
  }
}

/* The guest's files stand where the guest has them, and those of its initial RAM
 * disk in a tree of their own. */
static int
write_files (const struct vmspec_guest_settings *settings, const char *top)
{
  const struct vmspec_guest_file *const *file = settings->files;

  for (; *file; file++) {
    const char *below = (*file)->initrd == VMSPEC_ON ? "initrd/" : "";
    char *name;
    int r = -ENOMEM;

    if (asprintf (&name, "%s%s", below, (*file)->name) >= 0) {
      r = write_tree_file (top, name, (*file)->content,
                           (*file)->executable == VMSPEC_ON);
      if (r < 0)
        fprintf (stderr, "vmspec-run: %s/%s%s cannot be written: %s\n", top,
                 below, (*file)->name + strspn ((*file)->name, "/"),
                 strerror (-r));
      free (name);
    }
    if (r < 0)
      return STATUS_FAILED;
  }
  return 0;
}

int
print_guest (struct run *run)
{
  struct vmspec_guest_settings *settings = NULL;
  int r = vmspec_plan_guest (run->plan, run->options.form, run->diag,
                             &settings);

  if (r < 0) {
    explain (run, "the guest's settings cannot be told", r);
    return STATUS_FAILED;
  }
  flush_findings (run, NULL);
  r = 0;
  if (run->options.output)
    r = write_files (settings, run->options.output);
  else
    print_files (settings);
  vmspec_guest_settings_free (settings);
  return finish_output (stdout) < 0 ? STATUS_FAILED : r;
}

int
check_kernel (struct run *run)
{
  const char *kernel = run->options.kernel;
  struct vmspec_guest_settings *settings = NULL;
  struct stat status;
  int r = vmspec_plan_guest (run->plan, VMSPEC_GUEST_FORM_UNSET, run->diag,
                             &settings);

  if (r == 0)
    r = stat (kernel, &status) == 0 && S_ISDIR (status.st_mode)
          ? vmspec_check_kernel_modules (settings, kernel, run->diag)
          : vmspec_check_kernel_config (settings, kernel, run->diag);
  vmspec_guest_settings_free (settings);
  if (r < 0 && vmspec_diag_count (run->diag) == 0)
    say_failure (kernel, r);
  /* What is wrong with the file has nothing to do with the description. */
  flush_findings (run, r == 0 || r == -ENOEXEC ? NULL : kernel);
  return r == 0 ? 0 : r == -ENOEXEC ? STATUS_REFUSED : STATUS_FAILED;
}
