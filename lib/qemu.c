/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "qemu.h"

#include "credential.h"

#include <stdlib.h>
#include <string.h>

static void
machine (struct argv *argv, const struct resolution *r,
         const struct decided *d)
{
  vms_argv_words (argv, d->command);
  /* The key may be left out unless the name looks like one itself. */
  vms_argv_begin (argv, "-name", strchr (r->spec.name, '=') ? "guest=" : "");
  vms_argv_value (argv, r->spec.name);
  vms_argv_end (argv);
  vms_argv_number (argv, "-m", r->spec.memory);
  vms_argv_number (argv, "-smp", r->spec.cores);
  vms_argv_pair (argv, "-device", "virtio-rng-pci");
}

/* ---- network ------------------------------------------------------------ */

static void
address (struct argv *argv, const char *text, uint32_t port)
{
  vms_argv_raw (argv, ":");
  vms_argv_value (argv, text);
  vms_argv_raw (argv, ":");
  vms_text_add_number (&argv->option, port);
}

/* hostfwd=tcp:127.0.0.1:2222-:22, */
static void
forward_from_host (struct argv *argv, const struct vmspec_forward_port *port,
                   const char *proto)
{
  vms_argv_raw (argv, "hostfwd=");
  vms_argv_raw (argv, proto);
  /* 0 is any free one. */
  address (argv, port->host_address,
           is_on (port->any_host_port) ? 0 : port->host_port);
  vms_argv_raw (argv, "-");
  if (*port->guest_address)
    vms_argv_value (argv, port->guest_address);
  vms_argv_raw (argv, ":");
  vms_text_add_number (&argv->option, port->guest_port);
  vms_argv_raw (argv, ",");
}

/* guestfwd=tcp:10.0.2.10:80-cmd:nc 127.0.0.1 80,
 * slirp splits the command with g_shell_parse_argv(). */
static void
forward_from_guest (struct argv *argv, const struct vmspec_forward_port *port,
                    const char *proto, const char *netcat)
{
  struct text command = { .arena = argv->option.arena };

  vms_argv_raw (argv, "guestfwd=");
  vms_argv_raw (argv, proto);
  address (argv, port->guest_address, port->guest_port);
  vms_argv_raw (argv, "-cmd:");
  vms_text_add_quoted (&command, netcat ? netcat : "nc");
  vms_text_add (&command, " ");
  if (*port->host_address)
    vms_text_add_quoted (&command, port->host_address);
  vms_text_add (&command, " ");
  vms_text_add_number (&command, port->host_port);
  vms_argv_value (argv, vms_text_end (&command));
  vms_argv_raw (argv, ",");
}

/* Loopback's, so that nothing leaves this host.  The older form of it: -netdev
 * dgram came with QEMU 7.2. */
static void
multicast (struct argv *argv, uint32_t number)
{
  vms_argv_raw (argv, ",mcast=239.255.86.");
  vms_text_add_number (&argv->option, number);
  vms_argv_raw (argv, ":");
  vms_text_add_number (&argv->option, 18600 + number);
  vms_argv_key (argv, "localaddr", "127.0.0.1");
}

static void
vlan_netdev (struct argv *argv, const struct resolution *r,
             const struct decided_vlan *vlan, size_t nic)
{
  static const char *const kinds[]
    = { [VMSPEC_VLAN_BACKEND_VDE] = "vde,id=vlan",
        [VMSPEC_VLAN_BACKEND_MULTICAST] = "socket,id=vlan",
        [VMSPEC_VLAN_BACKEND_DGRAM] = "dgram,id=vlan",
        [VMSPEC_VLAN_BACKEND_STREAM] = "stream,id=vlan" };
  uint32_t backend = r->network.vlan_backend;

  vms_argv_begin (argv, "-netdev", kinds[backend]);
  vms_text_add_number (&argv->option, nic);
  if (backend == VMSPEC_VLAN_BACKEND_VDE)
    vms_argv_key (argv, "sock", vlan->socket);
  else if (backend == VMSPEC_VLAN_BACKEND_MULTICAST)
    multicast (argv, vlan->number);
  else if (backend == VMSPEC_VLAN_BACKEND_DGRAM) {
    vms_argv_raw (argv, ",local.type=unix,local.path=");
    vms_argv_value (argv, vlan->socket);
    vms_argv_raw (argv, ",remote.type=unix,remote.path=");
    vms_argv_value (argv, vlan->peer);
  } else {
    vms_argv_key (argv, "server", r->network.machine_number == 1 ? "on" : "off");
    vms_argv_raw (argv, ",addr.type=unix,addr.path=");
    vms_argv_value (argv, vlan->socket);
  }
  vms_argv_end (argv);
}

/* NixOS's test driver has the same addresses and ids, by which its guests name
 * their interfaces.  They come after all other interfaces, so that these stay
 * in their slots whether there are virtual networks or not. */
static void
vlans (struct argv *argv, const struct resolution *r, const struct decided *d)
{
  for (size_t i = 0; i < d->n_vlans; i++) {
    vms_argv_pair (argv, "-device",
                   vms_arena_printf (r->arena,
                                     "virtio-net-pci,netdev=vlan%zu,"
                                     "mac=52:54:00:12:%02X:%02X",
                                     i + 1, d->vlans[i].number,
                                     r->network.machine_number));
    vlan_netdev (argv, r, &d->vlans[i], i + 1);
  }
}

/* QEMU's own way to ask for the machine's first interface, which the RISC-V
 * machines do not have; a NixOS package's line is what was observed. */
static void
nic (struct argv *argv, const struct resolution *r)
{
  if (r->arch->family == FAMILY_RISCV && !r->qemu.package)
    vms_argv_pair (argv, "-device", "virtio-net-pci,netdev=user.0");
  else
    vms_argv_pair (argv, "-net", "nic,netdev=user.0,model=virtio");
}

static void
network (struct argv *argv, const struct resolution *r,
         const struct decided *d)
{
  const struct vmspec_forward_port *const *port = r->network.forward_ports;
  const char *more = vms_environment_said (d->environment, "QEMU_NET_OPTS");

  vms_argv_words (argv, d->first_network_options);
  if (is_on (r->qemu.builtin_network)) {
    nic (argv, r);
    vms_argv_begin (argv, "-netdev", "user,id=user.0,");
    for (; *port; port++) {
      const char *proto = (*port)->proto == VMSPEC_PROTO_UDP ? "udp" : "tcp";

      if ((*port)->from == VMSPEC_FORWARD_FROM_GUEST)
        forward_from_guest (argv, *port, proto, d->netcat);
      else
        forward_from_host (argv, *port, proto);
    }
    if (is_on (r->network.restricted))
      vms_argv_raw (argv, "restrict=on,");
    /* Options, not a value: what they mean is the caller's business. */
    if (more)
      vms_argv_raw (argv, more);
    vms_argv_end (argv);
  }
  vms_argv_words (argv, d->network_options);
  vlans (argv, r, d);
}

/* ---- shares ------------------------------------------------------------- */

struct numbered_share {
  const struct vmspec_share *share;
  const char *source;
};

static int
by_tag (const void *a, const void *b)
{
  const struct numbered_share *one = a, *other = b;

  return strcmp (one->share->tag, other->share->tag);
}

static void
shares (struct argv *argv, const struct resolution *r,
        const struct decided *d)
{
  size_t n = vms_list_length (r->spec.shares);
  struct numbered_share *sorted
    = vms_arena_alloc (r->arena, n * sizeof *sorted);

  if (!sorted || !d->share_sources)
    return;
  for (size_t i = 0; i < n; i++)
    sorted[i] = (struct numbered_share) { r->spec.shares[i],
                                          d->share_sources[i] };
  qsort (sorted, n, sizeof *sorted, by_tag);
  for (size_t i = 0; i < n; i++) {
    vms_argv_begin (argv, "-virtfs", "local");
    vms_argv_key (argv, "path", sorted[i].source);
    vms_argv_key (argv, "security_model",
                  vms_option_value ("vmspec_share", "security_model",
                                    sorted[i].share->security_model));
    vms_argv_key (argv, "mount_tag", sorted[i].share->tag);
    vms_argv_end (argv);
  }
}

/* ---- built-in options --------------------------------------------------- */

static void
input (struct argv *argv, const struct resolution *r)
{
  if (is_on (r->qemu.virtio_keyboard))
    vms_argv_pair (argv, "-device", "virtio-keyboard");
  if (r->arch->family == FAMILY_X86) {
    vms_argv_word (argv, "-usb");
    vms_argv_pair (argv, "-device", "usb-tablet,bus=usb-bus.0");
  }
  if (r->arch->family == FAMILY_ARM) {
    vms_argv_pair (argv, "-device", "virtio-gpu-pci");
    vms_argv_pair (argv, "-device", "usb-ehci,id=usb0");
    vms_argv_pair (argv, "-device", "usb-kbd");
    vms_argv_pair (argv, "-device", "usb-tablet");
  }
}

static void
direct_boot (struct argv *argv, const struct resolution *r,
             const struct decided *d)
{
  if (!is_on (r->boot.direct) || !d->kernel)
    return;
  vms_argv_pair (argv, "-kernel", d->kernel);
  if (d->initrd)
    vms_argv_pair (argv, "-initrd", d->initrd);
  vms_argv_pair (argv, "-append", d->command_line);
}

static void
flash (struct argv *argv, const char *unit, const char *readonly,
       const char *file)
{
  vms_argv_begin (argv, "-drive", "if=pflash,format=raw");
  vms_argv_key (argv, "unit", unit);
  vms_argv_key (argv, "readonly", readonly);
  vms_argv_key (argv, "file", file);
  vms_argv_end (argv);
}

static void
firmware (struct argv *argv, const struct resolution *r,
          const struct decided *d)
{
  if (is_on (r->efi.enable) && r->efi.firmware) {
    flash (argv, "0", "on", r->efi.firmware);
    flash (argv, "1", "off", d->efi_state);
  }
  if (d->bios)
    vms_argv_pair (argv, "-bios", d->bios);
}

static void
tpm (struct argv *argv, const struct resolution *r, const struct decided *d)
{
  if (!is_on (r->tpm.enable) || !r->tpm.model)
    return;
  vms_argv_begin (argv, "-chardev", "socket,id=chrtpm");
  vms_argv_key (argv, "path", d->tpm_socket);
  vms_argv_end (argv);
  vms_argv_pair (argv, "-tpmdev", "emulator,id=tpm_dev_0,chardev=chrtpm");
  vms_argv_begin (argv, "-device", "");
  vms_argv_value (argv, r->tpm.model);
  vms_argv_key (argv, "tpmdev", "tpm_dev_0");
  vms_argv_end (argv);
}

static void
smm (struct argv *argv, const struct resolution *r)
{
  if (!is_on (r->efi.smm) || r->arch->family != FAMILY_X86)
    return;
  vms_argv_pair (argv, "-machine", "q35,smm=on");
  vms_argv_pair (argv, "-global", "driver=cfi.pflash01,property=secure,value=on");
}

static void
options (struct argv *argv, const struct resolution *r,
         const struct decided *d)
{
  vms_argv_words (argv, d->first_options);
  if (is_on (r->qemu.builtin_options)) {
    input (argv, r);
    direct_boot (argv, r, d);
    firmware (argv, r, d);
    if (!is_on (r->spec.graphics))
      vms_argv_word (argv, "-nographic");
    tpm (argv, r, d);
    smm (argv, r);
    vms_qemu_credentials (argv, d);
  }
  vms_argv_words (argv, d->options);
}

/* $QEMU_OPTS, split as a shell would, and the caller's arguments. */
static void
arguments (struct argv *argv, const struct resolution *r,
           const struct decided *d)
{
  const char *more = vms_environment_said (d->environment, "QEMU_OPTS");

  if (more)
    vms_split_words (&argv->words, more);
  vms_argv_words (argv, r->host->arguments);
}

void
vms_qemu_render (struct argv *argv, const struct resolution *r,
                 const struct decided *d)
{
  machine (argv, r, d);
  network (argv, r, d);
  shares (argv, r, d);
  vms_qemu_drives (argv, r, d);
  options (argv, r, d);
  arguments (argv, r, d);
}
