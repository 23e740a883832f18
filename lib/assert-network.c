/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Findings about forwarded ports and virtual networks. */
#include "assert.h"
#include "set.h"

#include <arpa/inet.h>
#include <string.h>
#include <sys/un.h>

#define ERROR VMSPEC_SEVERITY_ERROR
#define BLOCKER VMSPEC_SEVERITY_BLOCKER
#define WARNING VMSPEC_SEVERITY_WARNING

struct rule {
  const struct vmspec_forward_port *port;
  const struct path *entry;
  vmspec_diag *diag;
};

#define SAY(rule, severity, id, member, ...)                                   \
  vms_diag_add ((rule)->diag, severity, id,                                    \
                &(struct path) { .parent = (rule)->entry, .name = member }, NULL, \
                __VA_ARGS__)

static int
is_ipv4 (const char *text)
{
  struct in_addr address;

  return inet_pton (AF_INET, text, &address) == 1;
}

static void
assert_address (const struct rule *rule, const char *member,
                const char *address)
{
  if (*address && !is_ipv4 (address))
    SAY (rule, BLOCKER, "forward-port.address", member,
         "'%s' is no IPv4 address; write it as four numbers, such as "
         "127.0.0.1", address);
}

static void
assert_port (const struct rule *rule, const char *member, uint32_t port)
{
  if (!port)
    SAY (rule, BLOCKER, "forward-port.port", member,
         "a port between 1 and 65535 must be given");
}

/* One that QEMU chooses is not said. */
static void
assert_host_port (const struct rule *rule)
{
  const struct vmspec_forward_port *port = rule->port;

  if (!is_on (port->any_host_port))
    assert_port (rule, "host_port", port->host_port);
  else if (port->from == VMSPEC_FORWARD_FROM_GUEST)
    SAY (rule, BLOCKER, "forward-port.any-from-guest", "any_host_port",
         "any free port is for connections from the host; name the host's "
         "port that the guest reaches");
  else if (port->host_port)
    SAY (rule, BLOCKER, "forward-port.any-and-one", "any_host_port",
         "the host's port is %u, and any free one; leave one of the two out",
         port->host_port);
}

/* What slirp answers for itself cannot be forwarded: the host's address, the
 * name server's, the network's and the broadcast address. */
static int
is_taken_by_slirp (const char *address)
{
  return !strcmp (address, "10.0.2.2") || !strcmp (address, "10.0.2.3")
         || !strcmp (address, "10.0.2.0") || !strcmp (address, "10.0.2.255");
}

static void
assert_from_guest (const struct rule *rule)
{
  const struct vmspec_forward_port *port = rule->port;

  if (port->proto != VMSPEC_PROTO_TCP)
    SAY (rule, ERROR, "forward-port.guest-udp", "proto",
         "connections from the guest can be forwarded by tcp only");
  if (strncmp (port->guest_address, "10.0.2.", 7))
    SAY (rule, ERROR, "forward-port.guest-address", "guest_address",
         "the guest connects to an address in its own network, 10.0.2.0/24, "
         "not to '%s'; take a free one such as 10.0.2.10",
         port->guest_address);
  else if (is_taken_by_slirp (port->guest_address))
    SAY (rule, BLOCKER, "forward-port.guest-reserved", "guest_address",
         "%s is used by QEMU's network itself; take another one such as "
         "10.0.2.10", port->guest_address);
  if (!*port->host_address)
    SAY (rule, BLOCKER, "forward-port.no-host", "host_address",
         "netcat needs an address of the host to connect to, for instance "
         "127.0.0.1");
}

/* "tcp 127.0.0.1:80"; with "*" for every address, which is also what none and
 * 0.0.0.0 mean. */
static const char *
listener (struct arena *arena, const struct vmspec_forward_port *port,
          const char *address)
{
  if (!*address || !strcmp (address, "0.0.0.0"))
    address = "*";
  return vms_arena_printf (arena, "%u %s:%u", port->proto, address,
                           port->host_port);
}

struct listeners {
  struct set exact; /* by address and port */
  struct set ports; /* by port alone */
};

/* Who else listens there: at the same address, at every address, or at any
 * when this rule wants them all. */
static const size_t *
other_listener (struct arena *arena, struct listeners *l,
                const struct vmspec_forward_port *port, size_t i)
{
  const char *exact = listener (arena, port, port->host_address);
  const char *all = listener (arena, port, "");
  const size_t *same, *any;

  if (!exact || !all)
    return NULL;
  same = vms_set_add (&l->exact, exact, i);
  any = vms_set_add (&l->ports, all, i);
  if (same)
    return same;
  return strcmp (exact, all) ? vms_set_find (&l->exact, all, strlen (all))
                             : any;
}

static void
assert_rule (const struct rule *rule, const struct resolution *r,
             struct listeners *from_host, struct set *from_guest, size_t i)
{
  const struct vmspec_forward_port *port = rule->port;
  int guest = port->from == VMSPEC_FORWARD_FROM_GUEST;
  const size_t *other = NULL;

  assert_host_port (rule);
  assert_port (rule, "guest_port", port->guest_port);
  assert_address (rule, "host_address", port->host_address);
  assert_address (rule, "guest_address", port->guest_address);
  if (guest) {
    const char *key = vms_arena_printf (r->arena, "%s:%u", port->guest_address,
                                        port->guest_port);

    assert_from_guest (rule);
    other = key ? vms_set_add (from_guest, key, i) : NULL;
  } else if (port->host_port && !is_on (port->any_host_port))
    other = other_listener (r->arena, from_host, port, i);
  /* libslirp looks whether it is restricted before it looks for a rule. */
  if (!guest && port->proto == VMSPEC_PROTO_UDP
      && is_on (r->network.restricted))
    SAY (rule, WARNING, "forward-port.restricted-udp", "proto",
         "the guest gets datagrams, but QEMU drops its answers to them while "
         "network.restricted is on; forward tcp, or turn that off");
  if (other)
    SAY (rule, BLOCKER, "forward-port.duplicate",
         guest ? "guest_port" : "host_port",
         "network.forward_ports[%zu] forwards the same port; take another one", *other);
}

static void
assert_forwarding (const struct resolution *r, vmspec_diag *diag)
{
  const struct path network = { .name = "network" };
  struct path entry = { .parent = &network, .name = "forward_ports",
                        .has_index = 1 };
  const struct vmspec_forward_port *const *ports = r->network.forward_ports;
  struct listeners from_host = { { .arena = r->arena },
                                 { .arena = r->arena } };
  struct set from_guest = { .arena = r->arena };
  int any_from_guest = 0;

  if (!is_on (r->qemu.builtin_network)
      && (*ports || is_on (r->network.restricted)))
    vms_say (diag, WARNING, "network.unused", "qemu",
             "builtin_network", "forwarded ports and network.restricted belong to "
             "the built-in network, which is off; turn it on or leave them out");
  for (size_t i = 0; ports[i]; i++) {
    struct rule rule = { .port = ports[i], .entry = &entry, .diag = diag };

    entry.index = i;
    assert_rule (&rule, r, &from_host, &from_guest, i);
    any_from_guest |= ports[i]->from == VMSPEC_FORWARD_FROM_GUEST;
  }
  if (any_from_guest && !r->network.netcat)
    vms_say (diag, BLOCKER, "network.netcat-missing", "network", "netcat",
             "nc was not found in PATH, and connections from the guest need it; "
             "install netcat or set network.netcat");
}

/* ---- virtual networks ---------------------------------------------------- */

/* Of the entry that puts an interface on it. */
static const struct path *
vlan_path (const struct resolution *r, size_t index, struct path room[2])
{
  size_t n = vms_list_length (r->spec.vlans);
  int is_listed = index < n;

  room[0] = (struct path) { .name = is_listed ? "vlans" : "interfaces",
                            .has_index = 1,
                            .index = is_listed ? index : index - n };
  room[1] = (struct path) { .parent = &room[0],
                            .name = is_listed ? "number" : "vlan" };
  return &room[1];
}

static void
assert_vlan (const struct resolution *r, const struct decided *d,
             struct set *numbers, size_t i, vmspec_diag *diag)
{
  uint32_t number = d->vlans[i].number;
  const char *key = vms_arena_printf (r->arena, "%u", number);
  struct path room[2];
  const struct path *path = vlan_path (r, i, room);

  if (number > 255)
    vms_diag_add (diag, ERROR, "vlan.number", path, NULL,
                  "the number of a virtual network is one byte of its interfaces' "
                  "addresses, and %u is too large; take one up to 255", number);
  if (key && vms_set_add (numbers, key, i))
    vms_diag_add (diag, BLOCKER, "vlan.duplicate", path, NULL,
                  "another interface is on virtual network %u, and would have the "
                  "same address; leave one of them out", number);
}

/* What is longest of the names below a switch's directory: libvdeplug's own
 * socket, with its process and a counter. */
#define VDE_SOCKET "/.4194304-00000"

static void
assert_socket (const struct resolution *r, const struct decided_vlan *vlan,
               vmspec_diag *diag)
{
  const size_t longest = sizeof ((struct sockaddr_un *) 0)->sun_path - 1;
  int is_vde = r->network.vlan_backend == VMSPEC_VLAN_BACKEND_VDE;
  size_t size
    = strlen (vlan->socket) + (is_vde ? strlen (VDE_SOCKET) : 0);

  if (size > longest)
    vms_say (diag, BLOCKER, "vlan.socket-path", "network", "vlan_directory",
             "the path of a socket %s %s has %zu bytes, and the system allows "
             "%zu; choose a shorter %s", is_vde ? "in" : "at", vlan->socket, size,
             longest, vlan->is_running
                        ? vms_arena_printf (r->arena, "QEMU_VDE_SOCKET_%u",
                                            vlan->number)
                        : "network.vlan_directory");
}

static int
is_pair (uint32_t backend)
{
  return backend == VMSPEC_VLAN_BACKEND_DGRAM
         || backend == VMSPEC_VLAN_BACKEND_STREAM;
}

static void
assert_backend (const struct resolution *r, const struct decided *d,
                vmspec_diag *diag)
{
  const struct vmspec_network *n = &r->network;

  if (is_pair (n->vlan_backend) && n->machine_number > 2)
    vms_say (diag, BLOCKER, "vlan.machine-number", "network", "machine_number",
             "a %s connects machine 1 and machine 2, and this is machine %u; take "
             "another number, or the backend vde or multicast",
             n->vlan_backend == VMSPEC_VLAN_BACKEND_DGRAM
               ? "pair of datagram sockets" : "stream", n->machine_number);
  if (is_on (n->vlan_switch) && n->vlan_backend != VMSPEC_VLAN_BACKEND_VDE)
    vms_say (diag, WARNING, "vlan.switch-unused", "network", "vlan_switch",
             "only the backend vde has a switch; set network.vlan_backend to it, "
             "or turn the switch off");
  if (d->n_switches && !vms_host_program (r->host, "vde_switch"))
    vms_say (diag, BLOCKER, "vlan.switch-missing", "network", "vlan_switch",
             "vde_switch was not found in PATH; install it (Debian: vde2), or "
             "take another backend");
}

static void
assert_vlans (const struct resolution *r, const struct decided *d,
              vmspec_diag *diag)
{
  struct set numbers = { .arena = r->arena };
  int without = 0;

  assert_backend (r, d, diag);
  for (size_t i = 0; i < d->n_vlans; i++) {
    assert_vlan (r, d, &numbers, i, diag);
    if (d->vlans[i].socket)
      assert_socket (r, &d->vlans[i], diag);
    else
      without = r->network.vlan_backend != VMSPEC_VLAN_BACKEND_MULTICAST;
  }
  if (without)
    vms_say (diag, ERROR, "vlan.directory", "network", "vlan_directory",
             "the sockets of virtual networks need a directory, and the "
             "environment has no XDG_RUNTIME_DIR for it; set "
             "network.vlan_directory, the same for all machines on them");
}

void
vms_assert_network (const struct resolution *r, const struct decided *d,
                    vmspec_diag *diag)
{
  assert_forwarding (r, diag);
  assert_vlans (r, d, diag);
}
