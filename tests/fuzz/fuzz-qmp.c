/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The input is what QEMU says, or the guest's agent: the first byte tells which,
 * and whether it closes the socket then.  All that a machine can be asked is
 * asked; whatever came, the results are those that are documented.
 */
#include "fuzz.h"

#include <jansson.h>
#include <sys/socket.h>
#include <unistd.h>

#include "vm.h"

enum { TO_AGENT = 1, CLOSES = 2 };

static const struct vmspec_forward_port any_port
  = { VMSPEC_INIT (vmspec_forward_port), .any_host_port = VMSPEC_ON,
      .guest_port = 22 };
static const struct vmspec_forward_port udp_port
  = { VMSPEC_INIT (vmspec_forward_port), .any_host_port = VMSPEC_ON,
      .guest_port = 53, .proto = VMSPEC_PROTO_UDP, .host_address = "127.0.0.1",
      .guest_address = "10.0.2.15" };

/* Made once. */
static vmspec_plan *
fuzz_plan (void)
{
  static vmspec_plan *plan;
  const struct vmspec_network network
    = { VMSPEC_INIT (vmspec_network),
        .forward_ports = (const struct vmspec_forward_port *const[]) {
          &any_port, &udp_port, NULL } };
  const struct vmspec spec
    = { VMSPEC_INIT (vmspec), .network = &network,
        .builtin_drives = VMSPEC_OFF };

  if (!plan)
    HOLDS (vmspec_plan_new (&spec, &fuzz_host, NULL, &plan) == 0);
  return plan;
}

/* ---- what always holds --------------------------------------------------- */

/* As many findings as errors, fit for a terminal. */
static void
holds_result (int r, vmspec_diag *diag)
{
  HOLDS (r == 0 || r == -ETIME || r == -ENOTCONN || r == -EPROTO
         || r == -EREMOTEIO);
  HOLDS (vmspec_diag_count (diag) == (r < 0));
  for (size_t i = 0; i < vmspec_diag_count (diag); i++) {
    const struct vmspec_finding *f = vmspec_diag_get (diag, i);

    HOLDS (strlen (f->text) < 2000);
    for (const char *c = f->text; *c; c++)
      HOLDS ((unsigned char) *c >= ' ' && *c != 0x7f);
  }
  vmspec_diag_clear (diag);
}

static void
holds_json (const char *text, size_t flags)
{
  json_t *json = json_loads (text, flags | JSON_ALLOW_NUL, NULL);

  HOLDS (json);
  json_decref (json);
}

static void
holds_bounds (const vmspec_vm *vm)
{
  HOLDS (vm->qmp.n_events <= QMP_MOST_EVENTS);
  HOLDS (vm->qmp.event_bytes <= QMP_MOST_EVENT_BYTES);
  HOLDS ((vm->qmp.n_events == 0) == (vm->qmp.first == NULL));
  HOLDS (vm->qmp.channel.capacity <= CHANNEL_LONGEST);
}

/* ---- questions ----------------------------------------------------------- */

static void
take_events (vmspec_vm *vm)
{
  const struct vmspec_event *event;
  int r = 0;

  for (int i = 0; r == 0; i++) {
    r = vmspec_vm_event (vm, &event);
    HOLDS (r == 0 || r == -EAGAIN || r == -ENOTCONN);
    HOLDS (i < 5000);
    if (r == 0) {
      HOLDS (event->name);
      holds_json (event->data, 0);
    }
  }
}

static void
ask_qemu (vmspec_vm *vm, vmspec_diag *diag, int closes)
{
  const char *answer = NULL;
  uint32_t port = 0;
  int r;

  for (int i = 0; i < 3; i++) {
    r = vmspec_vm_qmp (vm, "query-status", NULL, 0, diag, &answer);
    holds_result (r, diag);
    if (r == 0)
      holds_json (answer, JSON_DECODE_ANY);
    holds_bounds (vm);
  }
  answer = NULL;
  r = vmspec_vm_status (vm, 0, diag, &answer);
  holds_result (r, diag);
  HOLDS ((r == 0) == (answer != NULL));
  /* These wait longer where there is something to wait for. */
  for (size_t i = 0; closes && i < 2; i++) {
    r = vmspec_vm_host_port (vm, i, diag, &port);
    holds_result (r, diag);
    HOLDS (port <= 65535 && (r < 0 || port));
  }
  take_events (vm);
  holds_bounds (vm);
}

static void
ask_agent (vmspec_vm *vm, vmspec_diag *diag)
{
  static const char *const argv[] = { "/bin/true", "a", NULL };
  const struct vmspec_exec_result *result;
  const char *answer = NULL;
  int r = vmspec_vm_exec (vm, argv, 0, diag, &result);

  holds_result (r, diag);
  if (r == 0) {
    HOLDS (result->output && !result->output[result->output_size]);
    HOLDS (result->error && !result->error[result->error_size]);
  }
  for (int i = 0; i < 2; i++) {
    r = vmspec_vm_agent (vm, i ? "guest-shutdown" : "guest-ping", NULL, 0,
                         diag, &answer);
    holds_result (r, diag);
    if (r == 0)
      holds_json (answer, JSON_DECODE_ANY);
  }
}

/* ------------------------------------------------------------------------- */

static void
fill (int fd, const uint8_t *data, size_t size, int closes)
{
  while (size) {
    ssize_t n = send (fd, data, size, MSG_DONTWAIT);

    if (n <= 0)
      break; /* the socket is full, and the rest is not said */
    data += n;
    size -= (size_t) n;
  }
  if (closes)
    HOLDS (shutdown (fd, SHUT_WR) == 0);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  vmspec_vm vm = { .plan = fuzz_plan (), .agent.fd = -1,
                   .qmp.channel.fd = -1 };
  vmspec_diag *diag = new_diag ();
  int ends[2], how = size ? data[0] : 0;

  vm.qmp.last = &vm.qmp.first;
  HOLDS (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
  if (size)
    fill (ends[1], data + 1, size - 1, how & CLOSES);
  if (how & TO_AGENT) {
    vms_channel_open (&vm.agent, ends[0]);
    ask_agent (&vm, diag);
  } else {
    vms_qmp_open (&vm.qmp, ends[0]);
    ask_qemu (&vm, diag, how & CLOSES);
  }
  vms_qmp_close (&vm.qmp);
  vms_channel_close (&vm.agent);
  vms_arena_free (&vm.answers);
  vmspec_diag_free (diag);
  close (ends[1]);
  return 0;
}
