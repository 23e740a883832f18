/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- accelerator -------------------------------------------------------- */

static const char *
why_not_kvm (const struct vmspec *spec, const struct vmspec_host *host)
{
  if (spec->qemu->accel == VMSPEC_ACCEL_OFF)
    return "qemu.accel is off";
  switch (host->kvm) {
  case VMSPEC_KVM_ABSENT:
    return "there is no /dev/kvm";
  case VMSPEC_KVM_DENIED:
    return "this user may not open /dev/kvm";
  case VMSPEC_KVM_NO_HARDWARE:
    return "/dev/kvm is there, but the processor has no vmx or svm behind it";
  }
  return spec->arch == host->arch ? NULL
                                  : "the host has another architecture";
}

void
report_accel (const vmspec_vm *vm, const vmspec_plan *plan,
              const struct vmspec_host *host)
{
  const char *accel = vmspec_vm_accel (vm), *planned = vmspec_plan_accel (plan);
  const char *why = why_not_kvm (vmspec_plan_spec (plan), host);

  if (!why && strstr (planned, "kvm"))
    why = "QEMU could not use /dev/kvm";
  if (!*accel)
    fputs ("vmspec-run: qemu.package or qemu.machine says what accelerates\n",
           stderr);
  else if (strcmp (accel, "tcg") || !why)
    fprintf (stderr, "vmspec-run: using %s\n", accel);
  else
    fprintf (stderr, "vmspec-run: using tcg: %s\n", why);
}

/* ---- ports -------------------------------------------------------------- */

static void
report_port (vmspec_vm *vm, size_t index,
             const struct vmspec_forward_port *rule, FILE *lines)
{
  const char *proto = rule->proto == VMSPEC_PROTO_UDP ? "udp" : "tcp";
  int is_chosen = rule->any_host_port == VMSPEC_ON;
  uint32_t port;

  if (vmspec_vm_host_port (vm, index, NULL, &port) < 0) {
    fprintf (stderr, "vmspec-run: which port of the host leads to port %u of "
             "the guest is not known, as QEMU cannot be asked\n",
             rule->guest_port);
    return;
  }
  if (is_chosen)
    fprintf (stderr, "vmspec-run: port %u of the host leads to port %u of the "
             "guest\n", port, rule->guest_port);
  if (lines)
    fprintf (lines, "forward %s:%s:%u-%s:%u\n", proto, rule->host_address, port,
             rule->guest_address, rule->guest_port);
}

char *
report_ports (vmspec_vm *vm, const vmspec_plan *plan)
{
  const struct vmspec_forward_port *const *rules
    = vmspec_plan_spec (plan)->network->forward_ports;
  char *text = NULL;
  size_t size;
  FILE *lines = rules && *rules ? open_memstream (&text, &size) : NULL;

  for (size_t i = 0; rules && rules[i]; i++)
    if (rules[i]->from != VMSPEC_FORWARD_FROM_GUEST)
      report_port (vm, i, rules[i], lines);
  if (lines)
    (void) fclose (lines);
  return text;
}
