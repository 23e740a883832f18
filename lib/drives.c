/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* -drive and -device for each drive, with the controllers they hang on. */
#include "qemu.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The only lists of the command line whose order is not ours: properties come
 * in the order of their names' bytes, as they were observed.  Of the same name
 * the last counts, as in QEMU, so that ours win over the description's. */
struct property {
  const char *name, *value;
  size_t number;
};

struct properties {
  struct arena *arena;
  struct property *items;
  size_t count, room;
};

static void
set (struct properties *p, const char *name, const char *value)
{
  if (!p->items)
    return;
  p->items[p->count] = (struct property) { name, value, p->count };
  p->count++;
}

/* Starts over, in the same room, with what was said. */
static void
properties_start (struct properties *p,
                  const struct vmspec_property *const *said, size_t own)
{
  size_t n = vms_list_length (said) + own;

  if (n > p->room) {
    p->items = vms_arena_alloc (p->arena, n * sizeof *p->items);
    p->room = p->items ? n : 0;
  }
  p->count = 0;
  for (; *said; said++)
    set (p, (*said)->name, (*said)->value ? (*said)->value : "");
}

static int
has (const struct properties *p, const char *name)
{
  for (size_t i = 0; i < p->count; i++)
    if (!strcmp (p->items[i].name, name))
      return 1;
  return 0;
}

static int
by_name (const void *a, const void *b)
{
  const struct property *one = a, *other = b;
  int order = strcmp (one->name, other->name);

  return order ? order : (int) one->number - (int) other->number;
}

static void
add_all (struct argv *argv, struct properties *p)
{
  if (!p->items)
    return;
  qsort (p->items, p->count, sizeof *p->items, by_name);
  for (size_t i = 0; i < p->count; i++)
    if (i + 1 == p->count || strcmp (p->items[i].name, p->items[i + 1].name))
      vms_argv_key (argv, p->items[i].name, p->items[i].value);
}

static const char *
numbered (struct arena *arena, const char *prefix, size_t number)
{
  char text[64];
  int size = snprintf (text, sizeof text, "%s%zu", prefix, number);

  return vms_arena_copy (arena, text, (size_t) size);
}

/* Controllers that drives share, as far as there are any yet. */
struct buses {
  size_t ahci_drives, scsi_drives;
};

#define AHCI_PORTS 6 /* of an ICH9 */

/* Where the device of a drive hangs; its controller is put before it. */
static const char *
attach (struct argv *argv, struct arena *arena, struct buses *buses,
        uint32_t interface, const char **ret_bus)
{
  size_t n;

  *ret_bus = NULL;
  switch (interface) {
  case VMSPEC_DISK_INTERFACE_SCSI:
    vms_argv_pair (argv, "-device", "lsi53c895a");
    return "scsi-hd";
  case VMSPEC_DISK_INTERFACE_IDE:
    n = buses->ahci_drives++;
    if (n % AHCI_PORTS == 0)
      vms_argv_pair (argv, "-device",
                     numbered (arena, "ich9-ahci,id=ahci", n / AHCI_PORTS));
    *ret_bus = vms_arena_printf (arena, "ahci%zu.%zu", n / AHCI_PORTS,
                                 n % AHCI_PORTS);
    return "ide-hd";
  case VMSPEC_DISK_INTERFACE_VIRTIO_SCSI:
    if (!buses->scsi_drives++)
      vms_argv_pair (argv, "-device", "virtio-scsi-pci,id=scsi0");
    *ret_bus = "scsi0.0";
    return "scsi-hd";
  case VMSPEC_DISK_INTERFACE_NVME:
    return "nvme";
  default:
    return "virtio-blk-pci";
  }
}

static void
drive (struct argv *argv, struct properties *p, struct buses *buses,
       const struct vmspec_drive *drive, const char *file, size_t number)
{
  const char *index = numbered (p->arena, "", number);
  const char *id = numbered (p->arena, "drive", number), *device, *bus;

  properties_start (p, drive->drive_options, 5);
  set (p, "file", file);
  set (p, "id", id);
  set (p, "if", "none");
  set (p, "index", index);
  if (drive->format)
    set (p, "format", vms_option_value ("vmspec_drive", "format", drive->format));
  vms_argv_begin (argv, "-drive", "");
  add_all (argv, p);
  vms_argv_end (argv);

  device = attach (argv, p->arena, buses, drive->interface, &bus);
  properties_start (p, drive->device_options, 3);
  set (p, "drive", id);
  if (bus && !has (p, "bus"))
    set (p, "bus", bus);
  /* An NVMe controller without a serial number is refused. */
  if (drive->interface == VMSPEC_DISK_INTERFACE_NVME && !has (p, "serial"))
    set (p, "serial", id);
  vms_argv_begin (argv, "-device", device);
  add_all (argv, p);
  vms_argv_end (argv);
}

void
vms_qemu_drives (struct argv *argv, const struct resolution *r,
                 const struct decided *d)
{
  struct properties room = { .arena = r->arena };
  struct buses buses = { 0 };

  for (size_t i = 0; d->drive_files && r->spec.drives[i]; i++)
    drive (argv, &room, &buses, r->spec.drives[i], d->drive_files[i], i + 1);
}
