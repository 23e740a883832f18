/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The channels by which a machine is asked: QMP, and the guest's agent. */
#ifndef VMSPEC_CONTROL_H
#define VMSPEC_CONTROL_H

#include "vm.h"
#include "work.h"

struct control {
  struct keeper_descriptor given[3]; /* what QEMU gets for them */
  size_t n_given;
  const char *option;                /* the value of -readconfig; NULL: none */
};

/* Opens what @said asks for; our ends are the machine's.  QEMU's descriptors have
 * numbers from @number on.  0 or -errno; vms_control_close either way.  @work is
 * for memory and findings. */
int vms_control_open (struct control *control, vmspec_vm *vm,
                      const struct vmspec_start *said, int number,
                      struct work *work);
/* QEMU's ends, here. */
void vms_control_close (struct control *control);

#endif
