/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Three machines at once, and one loop that waits for all of them: a line for
 * each event, and for each end.
 *
 *   cc many.c $(pkg-config --cflags --libs vmspec) -o many
 *   ./many vmlinuz initrd.img
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <vmspec/vmspec.h>

enum { MACHINES = 3, MOMENT_MS = 2000 };

extern char **environ;

struct machine {
  char name[16];
  vmspec_vm *vm;             /* NULL when it has ended */
  int quiet;                 /* there will be no more events */
};

static int
start (struct machine *m, char **files, vmspec_diag *diag)
{
  struct vmspec spec = {
    VMSPEC_INIT (vmspec), .name = m->name, .graphics = VMSPEC_OFF,
    .boot = &(struct vmspec_boot) { VMSPEC_INIT (vmspec_boot),
      .kernel = files[0], .initrd = files[1] },
    .disk = &(struct vmspec_disk) { VMSPEC_INIT (vmspec_disk), .image = "" },
  };
  struct vmspec_host given = { VMSPEC_INIT (vmspec_host),
    .environment = (const char *const *) environ };
  struct vmspec_start how = { VMSPEC_INIT (vmspec_start),
    .input = VMSPEC_STDIO_NULL, .output = VMSPEC_STDIO_NULL };
  struct vmspec_host *host = NULL;
  vmspec_plan *plan = NULL;
  int r = vmspec_host_detect (&spec, &given, diag, &host);

  if (r == 0)
    r = vmspec_plan_new (&spec, host, diag, &plan);
  if (r == 0)
    r = vmspec_vm_start (plan, &how, diag, &m->vm);
  /* What the machine needs of them, it has. */
  vmspec_plan_free (plan);
  vmspec_host_free (host);
  return r;
}

static void
say_events (struct machine *m)
{
  const struct vmspec_event *event;
  int r;

  while ((r = vmspec_vm_event (m->vm, &event)) == 0)
    printf ("%s: %s %s\n", m->name, event->name, event->data);
  m->quiet = r != -EAGAIN;
}

/* Ends within a moment, in which what the start made is removed. */
static void
say_end (struct machine *m, vmspec_diag *diag)
{
  int status = 0, r = vmspec_vm_wait (m->vm, MOMENT_MS, &status);

  if (r == -ETIME)
    return;
  printf ("%s: ended, %d\n", m->name, r == 0 ? status : r);
  if (r < 0 || status != 0)
    vmspec_vm_explain (m->vm, diag);
  vmspec_vm_free (m->vm);
  m->vm = NULL;
}

/* What there is to wait for; returns how many machines still run. */
static int
look (struct machine *machines, struct pollfd *ready)
{
  int left = 0;

  for (int i = 0; i < MACHINES; i++) {
    struct machine *m = &machines[i];

    if (m->vm && !m->quiet)
      say_events (m);
    left += m->vm != NULL;
    /* poll(2) passes over negative descriptors. */
    ready[2 * i] = (struct pollfd) { .events = POLLIN,
      .fd = m->vm ? vmspec_vm_pidfd (m->vm) : -1 };
    ready[2 * i + 1] = (struct pollfd) { .events = POLLIN,
      .fd = m->vm && !m->quiet ? vmspec_vm_event_fd (m->vm) : -1 };
  }
  return left;
}

int
main (int argc, char **argv)
{
  char *files[] = { argc > 1 ? argv[1] : "vmlinuz",
                    argc > 2 ? argv[2] : "initrd.img" };
  struct machine machines[MACHINES] = { { "", NULL, 0 } };
  struct pollfd ready[2 * MACHINES];
  const struct vmspec_finding *f;
  vmspec_diag *diag = NULL;
  int result = EXIT_SUCCESS;

  if (vmspec_diag_new (&diag) < 0)
    return EXIT_FAILURE;
  for (int i = 0; i < MACHINES; i++) {
    snprintf (machines[i].name, sizeof machines[i].name, "machine%d", i);
    if (start (&machines[i], files, diag) < 0)
      result = EXIT_FAILURE;
  }
  while (look (machines, ready) > 0)
    if (poll (ready, 2 * MACHINES, -1) > 0)
      for (int i = 0; i < MACHINES; i++)
        if (ready[2 * i].revents)
          say_end (&machines[i], diag);
  for (size_t i = 0; (f = vmspec_diag_get (diag, i)); i++)
    fprintf (stderr, "%s: %s [%s]\n", f->path, f->text, f->id);
  vmspec_diag_free (diag);
  return result;
}
