/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Defaults, in an order in which each depends only on earlier ones.
 *
 * Values that only the start knows, such as the run directory, are written as
 * variables of the NixOS start script ("$TMPDIR/xchg") with expand on, so that
 * a resolved description is still a description.
 */
#include "default.h"

#include <string.h>

static const char *const no_strings[] = { NULL };
static const void *const no_entries[] = { NULL };

#define NO_ENTRIES (const void *) no_entries

/* The groups as they were said, or not said at all. */
#define TAKE(r, group, type)                                                   \
  do {                                                                         \
    (r)->group = (r)->given->group                                             \
                   ? *(r)->given->group                                        \
                   : (struct type) { VMSPEC_INIT (type) };                     \
    (r)->spec.group = &(r)->group;                                             \
  } while (0)

static void
take (struct resolution *r)
{
  r->spec = *r->given;
  TAKE (r, qemu, vmspec_qemu);
  TAKE (r, disk, vmspec_disk);
  TAKE (r, network, vmspec_network);
  TAKE (r, boot, vmspec_boot);
  TAKE (r, efi, vmspec_efi);
  TAKE (r, tpm, vmspec_tpm);
  TAKE (r, store, vmspec_store);
  TAKE (r, guest, vmspec_guest);
}

static void
default_machine (struct resolution *r)
{
  struct vmspec *s = &r->spec;

  DEFAULT (s->arch, r->host->arch);
  DEFAULT (s->arch, VMSPEC_ARCH_X86_64);
  r->arch = vms_arch_get (s->arch);
  DEFAULT (s->name, r->boot.system ? "nixos" : "vm");
  DEFAULT (s->memory, 1024);
  DEFAULT (s->cores, 1);
  DEFAULT (s->graphics, VMSPEC_ON);
  DEFAULT (s->resolution_x, 1024);
  DEFAULT (s->resolution_y, 768);
  DEFAULT (s->msize, 16384);
  DEFAULT (s->host_certs, VMSPEC_OFF);
}

/* The system's own, as one text: whoever wrote the file joined them. */
static const char *const *
default_kernel_params (struct resolution *r)
{
  const char **params = vms_arena_alloc (r->arena, 2 * sizeof *params);
  const char *path = r->boot.system
                       ? vms_arena_concat (r->arena, r->boot.system,
                                           "/kernel-params", (char *) NULL)
                       : NULL;
  const struct vmspec_host_file *file
    = path ? vms_host_file (r->host, path) : NULL;

  if (params && file && file->content) {
    size_t size = strlen (file->content);

    while (size && file->content[size - 1] == '\n')
      size--;
    params[0] = vms_arena_copy (r->arena, file->content, size);
  }
  return params;
}

static void
default_boot (struct resolution *r)
{
  struct vmspec_boot *b = &r->boot;

  DEFAULT (b->loader, VMSPEC_OFF);
  DEFAULT (b->direct,
           to_switch (!is_on (b->loader) && (b->system || b->kernel)));
  DEFAULT (b->default_file_systems, VMSPEC_ON);
  if (b->system) {
    /* A NixOS system has links to its kernel and its initial RAM disk. */
    r->default_initrd = vms_host_real_path (
      r->arena, r->host,
      vms_arena_concat (r->arena, b->system, "/initrd", (char *) NULL));
    DEFAULT (b->kernel,
             vms_arena_concat (r->arena, b->system, "/kernel", (char *) NULL));
    DEFAULT (b->initrd, r->default_initrd);
  }
  DEFAULT (b->loader_device, "/dev/disk/by-id/virtio-root");
  DEFAULT (b->root_device, "/dev/disk/by-label/nixos");
  DEFAULT (b->kernel_params, default_kernel_params (r));
}

static void
default_efi (struct resolution *r)
{
  struct vmspec_efi *e = &r->efi;
  const struct vmspec_host_firmware *found = NULL;
  const char *prefix = r->arch->firmware_prefix;

  DEFAULT (e->enable, VMSPEC_OFF);
  DEFAULT (e->keep_variables, to_switch (is_on (r->boot.loader)));
  DEFAULT (e->secure_boot, VMSPEC_OFF);
  if (e->package && prefix) {
    DEFAULT (e->firmware, vms_arena_concat (r->arena, e->package, "/FV/", prefix,
                                            "_CODE.fd", (char *) NULL));
    DEFAULT (e->variables, vms_arena_concat (r->arena, e->package, "/FV/", prefix,
                                             "_VARS.fd", (char *) NULL));
  } else if (!e->package)
    found = vms_host_firmware (r->host, r->spec.arch, is_on (e->secure_boot));
  /* Code and variables are a pair: take both or neither from the host. */
  if (found && !e->firmware) {
    e->firmware = found->firmware;
    DEFAULT (e->variables, found->variables);
  }
  r->needs_smm = r->arch->family == FAMILY_X86
                 && (is_on (e->secure_boot)
                     || vms_host_firmware_needs_smm (r->host, e->firmware));
  DEFAULT (e->smm, to_switch (r->needs_smm));
  DEFAULT (e->state, vms_arena_concat (r->arena, "./", r->spec.name,
                                       "-efi-vars.fd", (char *) NULL));
  DEFAULT (r->boot.partition,
           is_on (e->enable) ? "/dev/disk/by-label/ESP" : "");
}

static const char *const *
default_consoles (struct resolution *r)
{
  const char **consoles = vms_arena_alloc (r->arena, 3 * sizeof *consoles);
  const char *serial
    = r->qemu.package ? r->arch->package_serial : r->arch->serial;

  /* The kernel takes the last one as its own. */
  if (consoles) {
    consoles[is_on (r->spec.graphics) ? 0 : 1] = serial;
    consoles[is_on (r->spec.graphics) ? 1 : 0] = "tty0";
  }
  return consoles;
}

static void
default_qemu (struct resolution *r)
{
  struct vmspec_qemu *q = &r->qemu;

  vms_default_emulator (r);
  DEFAULT (q->first_options, no_strings);
  DEFAULT (q->options, no_strings);
  DEFAULT (q->consoles, default_consoles (r));
  DEFAULT (q->first_network_options, no_strings);
  DEFAULT (q->network_options, no_strings);
  DEFAULT (q->disk_interface, VMSPEC_DISK_INTERFACE_VIRTIO);
  DEFAULT (q->guest_agent, VMSPEC_ON);
  DEFAULT (q->virtio_keyboard, VMSPEC_ON);
  DEFAULT (q->expand, VMSPEC_OFF);
  DEFAULT (q->builtin_options, VMSPEC_ON);
  DEFAULT (q->builtin_network, VMSPEC_ON);
}

static void
default_network (struct resolution *r)
{
  struct vmspec_network *n = &r->network;

  DEFAULT (n->restricted, VMSPEC_OFF);
  DEFAULT (n->forward_ports, NO_ENTRIES);
  DEFAULT (n->netcat, vms_host_program (r->host, "nc"));
  DEFAULT (n->primary_address, "");
  for (size_t i = 0; n->forward_ports[i]; i++) {
    struct vmspec_forward_port *port = vms_writable (n->forward_ports[i]);

    DEFAULT (port->from, VMSPEC_FORWARD_FROM_HOST);
    DEFAULT (port->proto, VMSPEC_PROTO_TCP);
    DEFAULT (port->any_host_port, VMSPEC_OFF);
    DEFAULT (port->host_address, "");
    DEFAULT (port->guest_address, "");
  }
}

static void
default_vlans (struct resolution *r)
{
  static const struct vmspec_vlan first = { VMSPEC_INIT (vmspec_vlan), 1 };
  static const struct vmspec_vlan *const one[] = { &first, NULL };

  DEFAULT (r->spec.interfaces, NO_ENTRIES);
  DEFAULT (r->spec.vlans, *r->spec.interfaces ? NO_ENTRIES : one);
  for (size_t i = 0; r->spec.interfaces[i]; i++) {
    struct vmspec_interface *interface = vms_writable (r->spec.interfaces[i]);

    DEFAULT (interface->assign_ip, VMSPEC_OFF);
  }
}

/* Whoever gets at the sockets reads what goes through them, so the directory is
 * this user's own; where the host has none, it has to be said. */
static void
default_vlan_backend (struct resolution *r)
{
  struct vmspec_network *n = &r->network;
  const char *base
    = vms_environment_said (r->host->environment, "XDG_RUNTIME_DIR");

  DEFAULT (n->vlan_backend, VMSPEC_VLAN_BACKEND_NONE);
  DEFAULT (n->machine_number, 1);
  DEFAULT (n->vlan_switch, VMSPEC_OFF);
  if (base && n->vlan_backend != VMSPEC_VLAN_BACKEND_NONE
      && n->vlan_backend != VMSPEC_VLAN_BACKEND_MULTICAST)
    DEFAULT (n->vlan_directory,
             vms_arena_concat (r->arena, base, "/vmspec-vlans", (char *) NULL));
}

static void
default_tpm (struct resolution *r)
{
  struct vmspec_tpm *t = &r->tpm;

  DEFAULT (t->enable, VMSPEC_OFF);
  DEFAULT (t->model, r->arch->tpm_model);
  DEFAULT (t->swtpm, vms_host_program (r->host, "swtpm"));
  DEFAULT (t->state_dir, vms_arena_concat (r->arena, "./", r->spec.name, "-swtpm",
                                           (char *) NULL));
  DEFAULT (t->setup, VMSPEC_OFF);
}

static const char *const *
default_paths (struct resolution *r)
{
  const char *const *said = r->store.additional_paths;
  struct vector paths = { .arena = r->arena };

  if (is_on (r->store.builtin_paths) && r->boot.system)
    vms_vector_add (&paths, r->boot.system);
  for (; said && *said; said++)
    vms_vector_add (&paths, *said);
  return (const void *) vms_vector_end (&paths);
}

static void
default_store (struct resolution *r)
{
  struct vmspec_store *s = &r->store;

  DEFAULT (s->image, VMSPEC_OFF);
  DEFAULT (s->mount_host, to_switch (r->boot.system && !is_on (s->image)
                                     && !is_on (r->boot.loader)));
  DEFAULT (s->writable, s->mount_host);
  DEFAULT (s->writable_tmpfs, VMSPEC_ON);
  DEFAULT (s->path, "/nix/store");
  DEFAULT (s->builtin_paths, VMSPEC_ON);
  s->additional_paths = default_paths (r);
  s->builtin_paths = VMSPEC_OFF;
}

/* ---- drives ------------------------------------------------------------- */

static const struct vmspec_property cache_writeback
  = { VMSPEC_INIT (vmspec_property), 0, "cache", "writeback" };
static const struct vmspec_property report_errors
  = { VMSPEC_INIT (vmspec_property), 0, "werror", "report" };
static const struct vmspec_property boot_first
  = { VMSPEC_INIT (vmspec_property), 0, "bootindex", "1" };
static const struct vmspec_property boot_second
  = { VMSPEC_INIT (vmspec_property), 0, "bootindex", "2" };
static const struct vmspec_property serial_root
  = { VMSPEC_INIT (vmspec_property), 0, "serial", "root" };

typedef const struct vmspec_property *const properties[];

static const properties root_drive = { &cache_writeback, &report_errors, NULL };
static const properties root_device = { &boot_first, &serial_root, NULL };
static const properties store_device = { &boot_second, NULL };
static const properties empty_drive = { &report_errors, NULL };

static void
add_drive (struct resolution *r, struct vector *drives,
           const struct vmspec_drive *drive)
{
  struct vmspec_drive *copy = vms_arena_alloc (r->arena, sizeof *copy);

  if (!copy)
    return;
  *copy = *drive;
  copy->expand = VMSPEC_ON;
  vms_vector_add (drives, copy);
}

static void
add_builtin_drives (struct resolution *r, struct vector *drives)
{
  const struct vmspec_empty_disk *const *empty = r->spec.empty_disks;

  if (*r->disk.image)
    add_drive (r, drives, &(struct vmspec_drive) {
      VMSPEC_INIT (vmspec_drive), .name = "root", .file = "$NIX_DISK_IMAGE",
      .format = r->disk.format, .drive_options = root_drive,
      .device_options = root_device });
  if (is_on (r->store.image))
    add_drive (r, drives, &(struct vmspec_drive) {
      VMSPEC_INIT (vmspec_drive), .name = "nix-store",
      .file = "$TMPDIR/store.img", .device_options = store_device,
      .format = is_on (r->store.writable) ? VMSPEC_IMAGE_FORMAT_QCOW2
                                          : VMSPEC_IMAGE_FORMAT_RAW });
  for (size_t i = 0; empty[i]; i++)
    add_drive (r, drives, &(struct vmspec_drive) {
      VMSPEC_INIT (vmspec_drive), .drive_options = empty_drive,
      .file = vms_arena_printf (r->arena, "$TMPDIR/empty%zu.qcow2", i) });
}

static void
default_drives (struct resolution *r)
{
  struct vector drives = { .arena = r->arena };
  const struct vmspec_drive *const *said = r->spec.drives;

  DEFAULT (r->disk.image, vms_arena_concat (r->arena, "./", r->spec.name, ".qcow2",
                                            (char *) NULL));
  DEFAULT (r->disk.size, 1024);
  DEFAULT (r->disk.system_format, VMSPEC_IMAGE_FORMAT_QCOW2);
  DEFAULT (r->spec.empty_disks, NO_ENTRIES);
  DEFAULT (r->spec.builtin_drives, VMSPEC_ON);
  if (is_on (r->spec.builtin_drives) && !vms_arena_error (r->arena))
    add_builtin_drives (r, &drives);
  r->own_drives = drives.count;
  for (; said && *said; said++)
    vms_vector_add (&drives, *said);
  r->spec.drives = (const void *) vms_vector_end (&drives);
  r->spec.builtin_drives = VMSPEC_OFF;
  for (size_t i = 0; i < drives.count; i++) {
    struct vmspec_drive *drive = vms_writable (drives.items[i]);

    DEFAULT (drive->expand, VMSPEC_OFF);
    DEFAULT (drive->interface, r->qemu.disk_interface);
    DEFAULT (drive->drive_options, NO_ENTRIES);
    DEFAULT (drive->device_options, NO_ENTRIES);
    /* What is made here need not be guessed. */
    if (drive->size)
      DEFAULT (drive->format, VMSPEC_IMAGE_FORMAT_QCOW2);
  }
}

/* ---- shares ------------------------------------------------------------- */

static int
share_said (const struct vmspec_share *const *said, const char *tag)
{
  for (; said && *said; said++)
    if (!strcmp ((*said)->tag, tag))
      return 1;
  return 0;
}

/* Unless the description has one with the same tag, which then takes its
 * place. */
static void
add_share (struct resolution *r, struct vector *shares, const char *tag,
           const char *source, const char *target)
{
  struct vmspec_share *share;

  if (share_said (r->spec.shares, tag))
    return;
  share = vms_arena_alloc (r->arena, sizeof *share);
  if (!share)
    return;
  *share = (struct vmspec_share) {
    VMSPEC_INIT (vmspec_share), .tag = tag, .source = source,
    .target = target, .expand = to_switch (*source == '$'),
    .security_model = VMSPEC_SECURITY_MODEL_NONE,
  };
  vms_vector_add (shares, share);
}

static void
default_shares (struct resolution *r)
{
  struct vector shares = { .arena = r->arena };
  const struct vmspec_share *const *said = r->spec.shares;

  DEFAULT (r->spec.builtin_shares, VMSPEC_ON);
  if (is_on (r->spec.builtin_shares)) {
    if (is_on (r->store.mount_host))
      add_share (r, &shares, "nix-store", r->store.path, "/nix/store");
    add_share (r, &shares, "xchg", "$TMPDIR/xchg", "/tmp/xchg");
    add_share (r, &shares, "shared", "${SHARED_DIR:-$TMPDIR/xchg}",
               "/tmp/shared");
    if (is_on (r->spec.host_certs))
      add_share (r, &shares, "certs", "$TMPDIR/certs", "/etc/ssl/certs");
  }
  r->own_shares = shares.count;
  for (; said && *said; said++)
    vms_vector_add (&shares, *said);
  r->spec.shares = (const void *) vms_vector_end (&shares);
  r->spec.builtin_shares = VMSPEC_OFF;
  for (size_t i = 0; i < shares.count; i++) {
    struct vmspec_share *share = vms_writable (shares.items[i]);

    DEFAULT (share->security_model, VMSPEC_SECURITY_MODEL_MAPPED_XATTR);
    DEFAULT (share->expand, VMSPEC_OFF);
  }
}

static void
default_guest (struct resolution *r)
{
  DEFAULT (r->guest.mounts, VMSPEC_OFF);
  DEFAULT (r->guest.ssh_keys, no_strings);
  DEFAULT (r->guest.credentials, NO_ENTRIES);
}

void
vms_resolve (struct resolution *r, struct arena *arena,
             const struct vmspec *given, const struct vmspec_host *host)
{
  *r = (struct resolution) { .arena = arena, .given = given, .host = host };
  take (r);
  default_machine (r);
  if (vms_arena_error (arena))
    return;
  default_boot (r);
  default_efi (r);
  default_qemu (r);
  default_network (r);
  default_vlans (r);
  default_vlan_backend (r);
  default_tpm (r);
  default_store (r);
  default_drives (r);
  default_shares (r);
  default_guest (r);
}
