/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* In place of what speaks JSON: QMP, the guest's agent, and settings as JSON. */
#include "control.h"
#include "guest.h"
#include "without.h"

#include <errno.h>

static int
refuse (vmspec_diag *diag, const char *path)
{
  return vms_without (diag, "build.without-jansson", "--without-jansson", path,
                      "it cannot ask machines: turn start.qmp and "
                      "start.guest_agent off (vmspec-run --no-qmp)");
}

/* ---- starting ----------------------------------------------------------- */

/* Who does not demand QMP gets a machine all the same. */
int
vms_control_open (struct control *control, vmspec_vm *vm,
                  const struct vmspec_start *said, int number,
                  struct work *work)
{
  (void) vm;
  (void) number;
  *control = (struct control) { .n_given = 0 };
  if (is_on (said->qmp))
    return refuse (work->diag, "start.qmp");
  if (is_on (said->guest_agent))
    return refuse (work->diag, "start.guest_agent");
  if (!said->qmp)
    vms_diag_add (work->diag, VMSPEC_SEVERITY_WARNING, "build.without-jansson",
                  &(const struct path) { .name = "start.qmp" }, NULL,
                  "this libvmspec was configured --without-jansson, so the "
                  "machine cannot be asked once it runs: it can be waited for, "
                  "and ended by signals");
  return 0;
}

void
vms_control_close (struct control *control)
{
  (void) control;
}

/* There is no channel, ever. */
int
vms_qmp_greet (struct qmp *qmp, int64_t deadline, vmspec_diag *diag)
{
  (void) qmp;
  (void) deadline;
  (void) diag;
  return -ENOTCONN;
}

int
vms_qmp_execute (struct qmp *qmp, const char *command,
                 struct json_t *arguments, int64_t deadline, vmspec_diag *diag,
                 struct json_t **ret_answer)
{
  (void) command;
  (void) arguments;
  (void) ret_answer;
  return vms_qmp_greet (qmp, deadline, diag);
}

void
vms_vm_find_accel (vmspec_vm *vm, int64_t deadline)
{
  (void) vm;
  (void) deadline;
}

void
vms_qmp_close (struct qmp *qmp)
{
  (void) qmp;
}

void
vms_channel_close (struct channel *channel)
{
  (void) channel;
}

/* ---- asking ------------------------------------------------------------- */

int
vmspec_vm_control (vmspec_vm *vm, uint32_t action, int timeout_ms,
                   vmspec_diag *diag)
{
  (void) vm;
  (void) action;
  (void) timeout_ms;
  return refuse (diag, "start.qmp");
}

int
vmspec_vm_status (vmspec_vm *vm, int timeout_ms, vmspec_diag *diag,
                  const char **ret_status)
{
  (void) vm;
  (void) timeout_ms;
  (void) ret_status;
  return refuse (diag, "start.qmp");
}

int
vmspec_vm_qmp (vmspec_vm *vm, const char *command, const char *arguments,
               int timeout_ms, vmspec_diag *diag, const char **ret_answer)
{
  (void) vm;
  (void) command;
  (void) arguments;
  (void) timeout_ms;
  (void) ret_answer;
  return refuse (diag, "start.qmp");
}

int
vms_vm_taken_port (vmspec_vm *vm, size_t index, vmspec_diag *diag,
                   uint32_t *ret_port)
{
  (void) vm;
  (void) index;
  (void) ret_port;
  return refuse (diag, "start.qmp");
}

int
vmspec_vm_event_fd (const vmspec_vm *vm)
{
  (void) vm;
  return -1;
}

int
vmspec_vm_event (vmspec_vm *vm, const struct vmspec_event **ret_event)
{
  (void) vm;
  (void) ret_event;
  return -EOPNOTSUPP;
}

int
vmspec_vm_agent (vmspec_vm *vm, const char *command, const char *arguments,
                 int timeout_ms, vmspec_diag *diag, const char **ret_answer)
{
  (void) vm;
  (void) command;
  (void) arguments;
  (void) timeout_ms;
  (void) ret_answer;
  return refuse (diag, "start.guest_agent");
}

int
vmspec_vm_exec (vmspec_vm *vm, const char *const *argv, int timeout_ms,
                vmspec_diag *diag, const struct vmspec_exec_result **ret_result)
{
  (void) vm;
  (void) argv;
  (void) timeout_ms;
  (void) ret_result;
  return refuse (diag, "start.guest_agent");
}

/* ---- the guest ---------------------------------------------------------- */

void
vms_guest_json (struct vector *files,
                const struct vmspec_guest_settings *settings, vmspec_diag *diag)
{
  (void) settings;
  files->arena->error
    = vms_without (diag, "build.without-jansson", "--without-jansson", NULL,
                   "it writes no JSON: take another form");
}
