/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fate.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void
fatal (const char *what)
{
  perror (what);
  _exit (99);
}

void
machine_init (struct machine *machine)
{
  *machine = (struct machine) {
    .start = { VMSPEC_INIT (vmspec_start),
               .keeper = getenv ("VMSPEC_KEEPER") } };
  if (vmspec_diag_new (&machine->diag) < 0
      || vmspec_doc_new (NULL, machine->diag, &machine->doc) < 0)
    fatal ("setting up");
}

static int
set_start (struct machine *machine, char *assignment)
{
  const struct vmspec_option *option = NULL;
  char *value = strchr (assignment, '=');

  if (!value)
    return -EINVAL;
  *value++ = '\0';
  while ((option = vmspec_option_next (option)))
    if (!strcmp (option->owner, "vmspec_start")
        && !strcmp (option->name, assignment))
      return vmspec_option_parse (option, value, &machine->start,
                                  machine->diag);
  return -ENOENT;
}

int
machine_set (struct machine *machine, char *assignment)
{
  if (!strncmp (assignment, "start.", strlen ("start.")))
    return set_start (machine, assignment + strlen ("start."));
  return vmspec_doc_set (machine->doc, assignment, machine->diag);
}

int
machine_plan (struct machine *machine)
{
  char directory[PATH_MAX];
  const struct vmspec_host given
    = { VMSPEC_INIT (vmspec_host), .environment = (void *) environ,
        .directory = getcwd (directory, sizeof directory) };
  const struct vmspec *spec = vmspec_doc_spec (machine->doc);
  int r;

  vmspec_plan_free (machine->plan);
  vmspec_host_free (machine->host);
  machine->plan = NULL;
  machine->host = NULL;
  r = vmspec_host_detect (spec, &given, machine->diag, &machine->host);
  if (r == 0)
    r = vmspec_plan_new (spec, machine->host, machine->diag, &machine->plan);
  return r;
}
