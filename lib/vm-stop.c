/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A machine is asked to end, and asked less and less kindly. */
#include "vm.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

#define DEFAULT_GRACE_MS 10000

/* What is done, and for how many tenths of the time it is waited then. */
static const struct way {
  uint32_t action; /* or */
  int signal;
  int tenths;
} ways[] = {
  { VMSPEC_ACTION_POWERDOWN, 0, 6 },
  { VMSPEC_ACTION_QUIT, 0, 1 },
  { VMSPEC_ACTION_UNSET, SIGTERM, 1 },
};

/* A guest that is paused does not notice its power button. */
static int
notices (vmspec_vm *vm, int timeout_ms)
{
  const char *status;

  return vmspec_vm_status (vm, timeout_ms, NULL, &status) == 0
         && !strcmp (status, "running");
}

/* Answers need not be waited for: the end of QEMU is one. */
static int
ask (vmspec_vm *vm, const struct way *way, int64_t until)
{
  int r;

  if (way->signal)
    return vmspec_vm_kill (vm, way->signal);
  if (way->action == VMSPEC_ACTION_POWERDOWN
      && !notices (vm, vms_deadline_left (until)))
    return -EAGAIN;
  r = vmspec_vm_control (vm, way->action, vms_deadline_left (until), NULL);
  return way->action == VMSPEC_ACTION_QUIT && r == -ENOTCONN
             && vms_vm_has_ended (vm)
           ? 0 : r;
}

int
vmspec_vm_stop (vmspec_vm *vm, int grace_ms, int *ret_status)
{
  int r = vmspec_vm_wait (vm, 0, ret_status);

  if (grace_ms < 0)
    grace_ms = DEFAULT_GRACE_MS;
  for (size_t i = 0; r == -ETIME && i < sizeof ways / sizeof *ways; i++) {
    int share = grace_ms / 10 * ways[i].tenths;
    int64_t until = vms_deadline_after (share);

    /* What cannot be asked for has no share. */
    if (share && ask (vm, &ways[i], until) == 0)
      r = vmspec_vm_wait (vm, vms_deadline_left (until), ret_status);
  }
  if (r != -ETIME)
    return r;
  (void) vmspec_vm_kill (vm, SIGKILL);
  return vmspec_vm_wait (vm, -1, ret_status);
}
