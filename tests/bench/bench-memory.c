/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What machines cost that are just held: memory of the caller and of keepers. */
#include "bench-start.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

struct usage {
  double rss, pss, private; /* KiB */
};

/* Adds what the process has. */
static void
add_usage (int pid, struct usage *usage)
{
  char path[64], line[200], name[64];
  unsigned long kib;
  FILE *file;

  snprintf (path, sizeof path, "/proc/%d/smaps_rollup", pid);
  file = fopen (path, "re");
  if (!file)
    die (path);
  while (fgets (line, sizeof line, file)) {
    if (sscanf (line, "%63[^:]: %lu", name, &kib) != 2)
      continue;
    if (!strcmp (name, "Rss"))
      usage->rss += (double) kib;
    if (!strcmp (name, "Pss"))
      usage->pss += (double) kib;
    if (!strncmp (name, "Private_", 8) && strcmp (name, "Private_Hugetlb"))
      usage->private += (double) kib;
  }
  fclose (file);
}

static struct usage
own_usage (void)
{
  struct usage usage = { 0, 0, 0 };

  add_usage (getpid (), &usage);
  return usage;
}

/* The keepers are all the children that there are. */
static struct usage
usage_of_children (void)
{
  struct usage usage = { 0, 0, 0 };
  char path[64];
  FILE *children;
  int pid;

  snprintf (path, sizeof path, "/proc/self/task/%d/children", (int) getpid ());
  children = fopen (path, "re");
  if (!children)
    die (path);
  while (fscanf (children, "%d", &pid) == 1)
    add_usage (pid, &usage);
  fclose (children);
  return usage;
}

static unsigned
descriptors (void)
{
  DIR *directory = opendir ("/proc/self/fd");
  unsigned n = 0;

  while (directory && readdir (directory))
    n++;
  if (directory)
    closedir (directory);
  return n;
}

static void
print_usage (const char *label, struct usage before, struct usage after,
             unsigned machines)
{
  printf ("%-34s  %9.1f  %9.1f  %9.1f\n", label,
          (after.rss - before.rss) / machines,
          (after.pss - before.pss) / machines,
          (after.private - before.private) / machines);
}

static void
hold (const struct machine *m, unsigned machines)
{
  const struct usage nothing = { 0, 0, 0 };
  vmspec_plan **plans = calloc (machines, sizeof *plans);
  vmspec_vm **vms = calloc (machines, sizeof *vms);
  struct usage before, planned, started;
  unsigned open = descriptors ();

  if (!plans || !vms)
    die ("no memory");
  memset (plans, 1, machines * sizeof *plans); /* pages of their own */
  memset (vms, 1, machines * sizeof *vms);
  before = own_usage ();
  for (unsigned i = 0; i < machines; i++)
    plans[i] = machine_another_plan (m, i);
  planned = own_usage ();
  for (unsigned i = 0; i < machines; i++)
    vms[i] = machine_start (m, plans[i]);
  started = own_usage ();
  print_usage ("the caller: the plan", before, planned, machines);
  print_usage ("the caller: the running machine", planned, started, machines);
  print_usage ("vmspec-keeper", nothing, usage_of_children (), machines);
  printf ("descriptors of the caller: %.1f\n\n",
          (double) (descriptors () - open) / machines);
  fflush (stdout);
  for (unsigned i = 0; i < machines; i++) {
    vmspec_vm_free (vms[i]);
    vmspec_plan_free (plans[i]);
  }
  free (plans);
  free (vms);
}

void
print_memory (unsigned machines)
{
  static struct machine machine;
  struct rlimit limit;

  if (!machines)
    return;
  if (getrlimit (RLIMIT_NOFILE, &limit) == 0) {
    limit.rlim_cur = limit.rlim_max;
    (void) setrlimit (RLIMIT_NOFILE, &limit);
  }
  machine_make (&machine, 0, 0, VMSPEC_ON);
  printf ("\nHeld, for each of %u machines, KiB:\n\n%-34s  %9s  %9s  %9s\n",
          machines, "", "resident", "share", "private");
  hold (&machine, machines);
  machine_free (&machine);
}
