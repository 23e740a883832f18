/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the machine's interfaces on virtual networks are connected to. */
#include "decide.h"

/* The numbered ones come first, as NixOS has them. */
static uint32_t
number_of (const struct resolution *r, size_t index, size_t n_vlans)
{
  return index < n_vlans ? r->spec.vlans[index]->number
                         : r->spec.interfaces[index - n_vlans]->vlan;
}

static const char *
in_directory (const struct resolution *r, uint32_t number, const char *suffix)
{
  const char *directory = vms_host_absolute (r->arena, r->host,
                                             r->network.vlan_directory);

  /* That nobody said where is an error, which is found later. */
  return directory ? vms_arena_printf (r->arena, "%s/%u%s", directory, number,
                                       suffix)
                   : NULL;
}

/* ---- vde ---------------------------------------------------------------- */

/* NixOS's test driver tells by the variable where it has a switch. */
static const char *
running_switch (const struct resolution *r, uint32_t number)
{
  const char *name = vms_arena_printf (r->arena, "QEMU_VDE_SOCKET_%u", number);

  return name ? vms_host_absolute (r->arena, r->host,
                                   vms_environment_said (r->host->environment,
                                                         name))
              : NULL;
}

static void
add_switch (struct decided *d, struct decided_switch *switches,
            const struct decided_vlan *vlan)
{
  for (size_t i = 0; i < d->n_switches; i++)
    if (switches[i].number == vlan->number)
      return;
  switches[d->n_switches++]
    = (struct decided_switch) { vlan->number, vlan->socket };
}

/* ---- all ---------------------------------------------------------------- */

/* Of two machines, the other one. */
static const char *
suffix_of (const struct resolution *r, int other)
{
  uint32_t number = r->network.machine_number;

  if (other)
    number = number == 1 ? 2 : 1;
  return vms_arena_printf (r->arena, ".%u", number);
}

static void
decide_sockets (struct decided_vlan *vlan, const struct resolution *r)
{
  switch (r->network.vlan_backend) {
  case VMSPEC_VLAN_BACKEND_VDE:
    vlan->socket = running_switch (r, vlan->number);
    vlan->is_running = !!vlan->socket;
    if (!vlan->socket)
      vlan->socket = in_directory (r, vlan->number, "");
    break;
  case VMSPEC_VLAN_BACKEND_DGRAM:
    vlan->socket = in_directory (r, vlan->number, suffix_of (r, 0));
    vlan->peer = in_directory (r, vlan->number, suffix_of (r, 1));
    break;
  case VMSPEC_VLAN_BACKEND_STREAM:
    vlan->socket = in_directory (r, vlan->number, "");
    break;
  default: /* needs no file */
    break;
  }
}

void
vms_decide_vlans (struct decided *d, const struct resolution *r)
{
  size_t n_vlans = vms_list_length (r->spec.vlans);
  size_t n = n_vlans + vms_list_length (r->spec.interfaces);
  struct decided_vlan *vlans
    = vms_arena_alloc (r->arena, (n + 1) * sizeof *vlans);
  struct decided_switch *switches
    = vms_arena_alloc (r->arena, (n + 1) * sizeof *switches);

  if (r->network.vlan_backend == VMSPEC_VLAN_BACKEND_NONE || !vlans
      || !switches)
    return;
  d->vlans = vlans;
  d->switches = switches;
  for (; d->n_vlans < n; d->n_vlans++) {
    struct decided_vlan *vlan = &vlans[d->n_vlans];

    vlan->number = number_of (r, d->n_vlans, n_vlans);
    decide_sockets (vlan, r);
    if (is_on (r->network.vlan_switch) && vlan->socket && !vlan->is_running
        && r->network.vlan_backend == VMSPEC_VLAN_BACKEND_VDE)
      add_switch (d, switches, vlan);
  }
  /* Who runs a switch has made it a directory; other sockets are QEMU's. */
  if (d->n_switches
      || (r->network.vlan_backend != VMSPEC_VLAN_BACKEND_VDE && n
          && vlans[0].socket))
    d->vlan_directory
      = vms_host_absolute (r->arena, r->host, r->network.vlan_directory);
}
