/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The guest's agent: docs/interop/qemu-ga-ref in QEMU's sources. */
#ifndef VMSPEC_AGENT_H
#define VMSPEC_AGENT_H

#include "channel.h"
#include "diag.h"

/* The agent keeps 16 MiB of each output of a program that it runs, and sends both
 * in one message, in base64. */
#define AGENT_LONGEST (48 << 20)

/* As vms_qmp_execute, after the channel was brought in step: a guest that was reset,
 * or an answer that was given up, may have left anything in it. */
int vms_agent_execute (struct channel *channel, const char *command,
                       struct json_t *arguments, int64_t deadline, vmspec_diag *diag,
                       struct json_t **ret_answer);

#endif
