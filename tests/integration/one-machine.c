/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "one-machine.h"

#include <string.h>

static void
die_of (int r, const char *what, const vmspec_diag *diag)
{
  fprintf (stderr, "%s: %s\n", what, strerror (-r));
  for (size_t i = 0; i < vmspec_diag_count (diag); i++)
    fprintf (stderr, "  %s: %s\n", vmspec_diag_get (diag, i)->id,
             vmspec_diag_get (diag, i)->text);
  exit (1);
}

static int
is_real (const struct kind *kind)
{
  return !strcmp (kind->program, "qemu");
}

/* Every machine has a run directory of its own. */
static vmspec_plan *
make_plan (const struct kind *kind, vmspec_diag *diag)
{
  static const char *const arguments[]
    = { "-S", "-display", "none", "-monitor", "none", "-serial", "none", NULL };
  const char *const variables[]
    = { kind->directory, "PATH=/usr/bin:/bin:/usr/local/bin", NULL };
  struct vmspec_qemu qemu = { VMSPEC_INIT (vmspec_qemu),
                              .accel = VMSPEC_ACCEL_OFF };
  struct vmspec spec = { VMSPEC_INIT (vmspec), .qemu = &qemu, .memory = 64,
                         .builtin_drives = VMSPEC_OFF,
                         .graphics = VMSPEC_OFF };
  struct vmspec_host given = { VMSPEC_INIT (vmspec_host),
                               .environment = variables }, *host = NULL;
  vmspec_plan *plan = NULL;
  int r;

  if (is_real (kind))
    given.arguments = arguments;
  else
    qemu.binary = kind->program;
  r = vmspec_host_detect (&spec, &given, diag, &host);
  if (r == 0)
    r = vmspec_plan_new (&spec, host, diag, &plan);
  vmspec_host_free (host);
  if (r < 0)
    die_of (r, "a plan cannot be made", diag);
  return plan;
}

vmspec_vm *
machine_start (const struct kind *kind)
{
  const struct vmspec_start how
    = { VMSPEC_INIT (vmspec_start), .ready_timeout = 60000,
        .input = VMSPEC_STDIO_NULL, .output = VMSPEC_STDIO_NULL,
        .guest_agent = is_real (kind) ? VMSPEC_OFF : VMSPEC_ON,
        .keeper = getenv ("VMSPEC_KEEPER") };
  vmspec_diag *diag = NULL;
  vmspec_vm *vm = NULL;
  vmspec_plan *plan;
  int r;

  MUST (vmspec_diag_new (&diag) == 0);
  plan = make_plan (kind, diag);
  r = vmspec_vm_start (plan, &how, diag, &vm);
  if (r < 0 || vmspec_diag_count (diag))
    die_of (r, "a machine does not start", diag);
  vmspec_plan_free (plan);
  vmspec_diag_free (diag);
  return vm;
}

/* A real one waits with -S, and has no guest to be asked. */
void
machine_ask (const struct kind *kind, vmspec_vm *vm)
{
  const char *text;

  MUST (vmspec_vm_status (vm, 60000, NULL, &text) == 0);
  MUST (!strcmp (text, is_real (kind) ? "prelaunch" : "running"));
  MUST (vmspec_vm_qmp (vm, "query-kvm", NULL, 60000, NULL, &text) == 0);
  MUST (!strcmp (vmspec_vm_accel (vm), "tcg"));
  if (!is_real (kind))
    MUST (vmspec_vm_agent (vm, "guest-ping", NULL, 60000, NULL, &text) == 0);
}

void
machine_stop (const struct kind *kind, vmspec_vm *vm)
{
  const struct vmspec_event *event;
  int status = -1, seen = 0;

  if (is_real (kind))
    MUST (vmspec_vm_control (vm, VMSPEC_ACTION_QUIT, 60000, NULL) == 0);
  MUST (vmspec_vm_stop (vm, 60000, &status) == 0);
  MUST (status == 0);
  while (vmspec_vm_event (vm, &event) == 0)
    seen |= !strcmp (event->name, "SHUTDOWN");
  MUST (seen);
  vmspec_vm_free (vm);
}
