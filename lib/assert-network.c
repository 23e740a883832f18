/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Findings about forwarded ports. */
#include "assert.h"
#include "set.h"

#include <arpa/inet.h>
#include <string.h>

#define ERROR VMSPEC_SEVERITY_ERROR
#define BLOCKER VMSPEC_SEVERITY_BLOCKER

struct rule {
  const struct vmspec_forward_port *port;
  const struct path *entry;
  vmspec_diag *diag;
};

#define SAY(rule, severity, id, member, ...)                                   \
  diag_add ((rule)->diag, severity, id,                                        \
            &(struct path) { .parent = (rule)->entry, .name = member }, NULL,  \
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
  return arena_printf (arena, "%u %s:%u", port->proto, address,
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
  same = set_add (&l->exact, exact, i);
  any = set_add (&l->ports, all, i);
  if (same)
    return same;
  return strcmp (exact, all) ? set_find (&l->exact, all, strlen (all)) : any;
}

static void
assert_rule (const struct rule *rule, const struct resolution *r,
             struct listeners *from_host, struct set *from_guest, size_t i)
{
  const struct vmspec_forward_port *port = rule->port;
  int guest = port->from == VMSPEC_FORWARD_FROM_GUEST;
  const size_t *other = NULL;

  assert_port (rule, "host_port", port->host_port);
  assert_port (rule, "guest_port", port->guest_port);
  assert_address (rule, "host_address", port->host_address);
  assert_address (rule, "guest_address", port->guest_address);
  if (guest) {
    const char *key = arena_printf (r->arena, "%s:%u", port->guest_address,
                                    port->guest_port);

    assert_from_guest (rule);
    other = key ? set_add (from_guest, key, i) : NULL;
  } else if (port->host_port)
    other = other_listener (r->arena, from_host, port, i);
  if (other)
    SAY (rule, BLOCKER, "forward-port.duplicate",
         guest ? "guest_port" : "host_port",
         "network.forward_ports[%zu] forwards the same port; take another one", *other);
}

void
assert_network (const struct resolution *r, const struct decided *d,
                vmspec_diag *diag)
{
  const struct path network = { .name = "network" };
  struct path entry = { .parent = &network, .name = "forward_ports",
                        .has_index = 1 };
  const struct vmspec_forward_port *const *ports = r->network.forward_ports;
  struct listeners from_host = { { .arena = r->arena },
                                 { .arena = r->arena } };
  struct set from_guest = { .arena = r->arena };
  int any_from_guest = 0;

  (void) d;
  if (!is_on (r->qemu.builtin_network)
      && (*ports || is_on (r->network.restricted)))
    say (diag, VMSPEC_SEVERITY_WARNING, "network.unused", "qemu",
         "builtin_network", "forwarded ports and network.restricted belong to "
         "the built-in network, which is off; turn it on or leave them out");
  for (size_t i = 0; ports[i]; i++) {
    struct rule rule = { .port = ports[i], .entry = &entry, .diag = diag };

    entry.index = i;
    assert_rule (&rule, r, &from_host, &from_guest, i);
    any_from_guest |= ports[i]->from == VMSPEC_FORWARD_FROM_GUEST;
  }
  if (any_from_guest && !r->network.netcat)
    say (diag, BLOCKER, "network.netcat-missing", "network", "netcat",
         "nc was not found in PATH, and connections from the guest need it; "
         "install netcat or set network.netcat");
}
