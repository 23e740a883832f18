/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* machine KERNEL INITRD: boots them, and waits for the machine's end. */
#include <stdio.h>
#include <vmspec/vmspec.h>

int
main (int argc, char **argv)
{
  struct vmspec spec = { VMSPEC_INIT (vmspec), .graphics = VMSPEC_OFF,
    .disk = &(struct vmspec_disk) { VMSPEC_INIT (vmspec_disk), .image = "" },
    .boot = &(struct vmspec_boot) { VMSPEC_INIT (vmspec_boot),
      .kernel = argc > 1 ? argv[1] : NULL,
      .initrd = argc > 2 ? argv[2] : NULL } };
  vmspec_diag *diag = NULL;
  vmspec_plan *plan = NULL;
  vmspec_vm *vm = NULL;
  int status = -1;

  vmspec_diag_new (&diag);
  if (vmspec_plan_new (&spec, NULL, diag, &plan) == 0
      && vmspec_vm_start (plan, NULL, diag, &vm) == 0)
    vmspec_vm_wait (vm, 120 * 1000, &status);
  for (size_t i = 0; i < vmspec_diag_count (diag); i++)
    fprintf (stderr, "%s\n", vmspec_diag_get (diag, i)->text);
  vmspec_vm_free (vm);
  vmspec_plan_free (plan);
  vmspec_diag_free (diag);
  return status != 0;
}
