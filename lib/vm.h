/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A machine that was started. */
#ifndef VMSPEC_VM_H
#define VMSPEC_VM_H

#include "keeper.h"
#include "plan.h"
#include "qmp.h"

struct vmspec_vm {
  struct arena arena;       /* what lives as long as the machine */
  struct arena answers;     /* and until the next call for it */
  vmspec_plan *plan;        /* one reference */
  struct keeper keeper;
  struct child qemu;
  struct qmp qmp;
  struct channel agent;
  const char *accel;
  int owns_run;             /* a fresh run directory, to be removed */
  int ended;                /* and everything is removed */
  int error, status;        /* of the end */
};

/* The machine's own temporary things: valid until the next call. */
struct arena *vms_vm_answers (vmspec_vm *vm);
/* Whether QEMU has ended, as far as was heard. */
int vms_vm_has_ended (vmspec_vm *vm);

/* ---- vm-control.c ---- */

/* Asks QEMU which accelerator it has. */
void vms_vm_find_accel (vmspec_vm *vm, int64_t deadline);
/* The host's port that QEMU has taken for the rule; as vmspec_vm_host_port. */
int vms_vm_taken_port (vmspec_vm *vm, size_t index, vmspec_diag *diag,
                       uint32_t *ret_port);

#endif
