/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The switches of virtual networks that go with a machine: vde_switch. */
#ifndef VMSPEC_VDE_H
#define VMSPEC_VDE_H

#include "keeper.h"
#include "plan.h"
#include "work.h"

/* Starts those that the plan asks for, and waits until they listen.  Also tells the
 * keeper which sockets of the machine's own are to go with it.  0 or -errno with
 * a finding. */
int vms_vde_start (struct keeper *keeper, const vmspec_plan *plan,
                   struct work *work);

#endif
