/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* machine KERNEL INITRD: boots them, and waits for the machine's end. */
#include <stdio.h>
#include <vmspec/vmspec.h>

int
main (int argc, char **argv)
{
  struct vmspec spec = { VMSPEC_INIT (vmspec), .graphics = VMSPEC_OFF,
    .boot = &(struct vmspec_boot) { VMSPEC_INIT (vmspec_boot),
      .kernel = argv[1], .initrd = argc > 2 ? argv[2] : NULL },
    .disk = &(struct vmspec_disk) { VMSPEC_INIT (vmspec_disk), .image = "" } };
  vmspec_plan *plan = NULL;
  vmspec_vm *vm = NULL;
  int status = -1, r = vmspec_plan_new (&spec, NULL, NULL, &plan);

  if (r == 0)
    r = vmspec_vm_start (plan, NULL, NULL, &vm);
  if (r == 0)
    r = vmspec_vm_wait (vm, 120 * 1000, &status);
  printf ("%d: the machine ended with status %d\n", r, status);
  vmspec_vm_free (vm);
  vmspec_plan_free (plan);
  return r != 0 || status != 0;
}
