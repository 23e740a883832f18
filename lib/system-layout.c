/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where everything is on the disk, as NixOS's image builder has it. */
#include "system-image.h"

#include <errno.h>
#include <string.h>
#include <sys/param.h>
#include <uuid/uuid.h>

#define KIB 1024ull
#define MIB (KIB * 1024)
#define BLOCK (4 * KIB)
#define ESP_START (8 * MIB)
#define DEFAULT_ESP_SIZE (256 * MIB)
#define BIOS_BOOT_START (1 * MIB)  /* with legacy+gpt */
#define BIOS_BOOT_SIZE (1 * MIB)
#define GPT_SECTORS 34             /* before everything else */
#define GPT_END (33 * SECTOR)      /* behind everything else */

static uint64_t
round_up (uint64_t number, uint64_t step)
{
  return (number + step - 1) / step * step;
}

int
vms_system_image_has_esp (const struct system_image *s)
{
  return s->spec->partition_table == VMSPEC_PARTITION_TABLE_EFI
         || s->spec->partition_table == VMSPEC_PARTITION_TABLE_HYBRID;
}

static int
has_gpt (const struct system_image *s)
{
  return vms_system_image_has_esp (s)
         || s->spec->partition_table == VMSPEC_PARTITION_TABLE_LEGACY_GPT;
}

void
vms_system_image_place_core (struct system_image *s)
{
  switch (s->spec->partition_table) {
  case VMSPEC_PARTITION_TABLE_LEGACY:
    s->core_place = SECTOR;
    s->core_room = MIB - SECTOR;
    break;
  case VMSPEC_PARTITION_TABLE_LEGACY_GPT:
    s->core_place = BIOS_BOOT_START;
    s->core_room = BIOS_BOOT_SIZE;
    break;
  case VMSPEC_PARTITION_TABLE_HYBRID:
    s->core_place = GPT_SECTORS * SECTOR;
    s->core_room = MIB - s->core_place;
    break;
  }
}

/* ---- identities --------------------------------------------------------- *
 *
 * Made from the seed and what they are for, by version 5 of UUIDs.
 */

static const unsigned char name_space[16]
  = { 0x6e, 0x5c, 0x1f, 0x3b, 0x0d, 0x54, 0x4a, 0x7e,
      0x9c, 0x21, 0x5b, 0xe8, 0x73, 0xd4, 0x0f, 0xa6 };

static int
identify (struct system_image *s, unsigned char id[16], const char *purpose)
{
  const char *name;

  if (!s->spec->seed) {
    uuid_generate_random (id);
    return 0;
  }
  name = vms_arena_concat (s->work->arena, purpose, ":", s->spec->seed,
                           (char *) NULL);
  if (!name)
    return -ENOMEM;
  uuid_generate_sha1 (id, name_space, name, strlen (name));
  return 0;
}

static int
identify_all (struct system_image *s)
{
  static const char *const purposes[]
    = { "partition 1", "partition 2", "partition 3" };
  static unsigned char zero[16];
  unsigned char serial[16], *uuid = vms_arena_alloc (s->work->arena, 16);
  int r = uuid ? identify (s, uuid, "root file system") : -ENOMEM;

  s->root.uuid = uuid;
  s->root.hash_seed = s->hash_seed;
  if (r == 0)
    r = identify (s, s->hash_seed, "hash seed");
  if (r == 0)
    r = identify (s, s->table.uuid, "disk");
  if (!memcmp (s->table.uuid, zero, 4))
    s->table.uuid[0] = 1; /* an MBR's 0 would be none */
  for (size_t i = 0; r == 0 && i < s->table.count; i++)
    r = identify (s, s->table.partitions[i].uuid, purposes[i]);
  if (r == 0)
    r = identify (s, serial, "EFI system partition");
  if (r == 0)
    memcpy (&s->esp_serial, serial, sizeof s->esp_serial);
  return r;
}

/* ---- the EFI system partition ------------------------------------------- */

/* Starts and ends with a cluster of the image, so that it can have a place of
 * its own in the file. */
static int
size_esp (struct system_image *s, uint64_t *ret_size)
{
  uint64_t step = MAX (s->spec->cluster_size, MIB);
  uint64_t size = round_up (s->spec->esp_size ? s->spec->esp_size
                                              : DEFAULT_ESP_SIZE, step), lack;

  if (!s->spec->esp_size)
    while ((lack = vms_esp_shortage (&s->esp, size - size / 16)))
      size = round_up (size + lack + lack / 8, step);
  lack = vms_esp_shortage (&s->esp, size);
  if (lack)
    return vms_work_fail (s->work, -ENOSPC, "system-image.esp-size", "esp_size",
                          "%llu bytes are too few by about %llu for %s; make "
                          "esp_size larger, or leave it out",
                          (unsigned long long) size, (unsigned long long) lack,
                          s->esp.source ? s->esp.source : "its own tables");
  *ret_size = size;
  return 0;
}

/* ---- the root file system ----------------------------------------------- */

static uint64_t
needed (const struct system_image *s)
{
  return s->needs.bytes + s->needs.blocks * BLOCK
         + (s->spec->size ? 0 : s->spec->additional_space);
}

/* As large as it has to be.  What is calculated is tried, since mke2fs.conf has
 * its say. */
static int
size_root (struct system_image *s)
{
  uint64_t bytes = 0, inodes = 0, lack = 0;
  int r;

  s->root.size
    = vms_tree_file_system_size (&s->needs, s->spec->additional_space);
  do {
    s->root.size += round_up (lack + lack / 8, MIB);
    if (s->root.size >> 60)
      return vms_work_fail (s->work, -EFBIG, "system-image.size",
                            "additional_space",
                            "the root file system would be larger than any disk");
    r = vms_ext4_room (s->work, &s->root, &bytes, &inodes);
    lack = needed (s) - MIN (needed (s), bytes);
  } while (r == 0 && lack);
  return r;
}

/* As large as it can be. */
static int
fit_root (struct system_image *s, uint64_t start, uint64_t end)
{
  uint64_t disk = s->spec->size, bytes = 0, inodes = 0;
  int r;

  if (disk < start + MIB + end)
    return vms_work_fail (s->work, -ENOSPC, "system-image.size", "size",
                          "%llu bytes have no room for a root file system behind "
                          "the partitions before it; make it %llu or more",
                          (unsigned long long) disk,
                          (unsigned long long) (start + MIB + end));
  s->root.size = (disk - start - end) / BLOCK * BLOCK;
  r = vms_ext4_room (s->work, &s->root, &bytes, &inodes);
  if (r == 0 && (bytes < needed (s) || inodes + 32 < s->needs.files))
    return vms_work_fail (s->work, -ENOSPC, "system-image.size", "size",
                          "%s does not fit: a disk of %llu bytes has %llu for "
                          "files, which is too few by about %llu; make size "
                          "larger, or leave it out", s->spec->tree,
                          (unsigned long long) disk,
                          (unsigned long long) bytes,
                          (unsigned long long) (needed (s) - bytes));
  return r;
}

/* ---- the disk ----------------------------------------------------------- */

static struct partition *
add (struct system_image *s, enum partition_kind kind, uint64_t start,
     uint64_t size)
{
  struct partition *p = &s->table.partitions[s->table.count++];

  *p = (struct partition) { .kind = kind, .start = start, .size = size };
  return p;
}

/* Those before the root file system, and where it starts. */
static int
lay_out_start (struct system_image *s, uint64_t *ret_start)
{
  uint64_t size = 0;
  int r = 0;

  switch (s->spec->partition_table) {
  case VMSPEC_PARTITION_TABLE_NONE:
    *ret_start = 0;
    break;
  case VMSPEC_PARTITION_TABLE_LEGACY:
    *ret_start = MIB;
    break;
  case VMSPEC_PARTITION_TABLE_LEGACY_GPT:
    add (s, PARTITION_BIOS_BOOT, BIOS_BOOT_START, BIOS_BOOT_SIZE);
    *ret_start = BIOS_BOOT_START + BIOS_BOOT_SIZE;
    break;
  default:
    r = size_esp (s, &size);
    if (r < 0)
      break;
    s->esp_partition = add (s, PARTITION_ESP, ESP_START, size);
    if (s->spec->partition_table == VMSPEC_PARTITION_TABLE_HYBRID)
      add (s, PARTITION_BIOS_BOOT, s->core_place, s->core_room);
    *ret_start = ESP_START + size;
  }
  return r;
}

static int
check_disk (const struct system_image *s)
{
  uint64_t largest = (uint64_t) UINT32_MAX * SECTOR;

  if (s->spec->partition_table == VMSPEC_PARTITION_TABLE_LEGACY
      && s->table.disk_size > largest)
    return vms_work_fail (s->work, -EFBIG, "system-image.mbr-size", "size",
                          "a disk of %llu bytes is more than the %llu that an MBR "
                          "can describe; choose legacy+gpt",
                          (unsigned long long) s->table.disk_size,
                          (unsigned long long) largest);
  return 0;
}

int
vms_system_image_lay_out (struct system_image *s)
{
  uint64_t start = 0, end = has_gpt (s) ? GPT_END : 0;
  int r = lay_out_start (s, &start);

  s->table.is_gpt = has_gpt (s);
  if (r == 0 && s->spec->partition_table != VMSPEC_PARTITION_TABLE_NONE)
    add (s, PARTITION_ROOT, start, 0);
  if (r == 0)
    r = identify_all (s);
  s->root.offset = start;
  s->root.label = s->spec->label;
  s->root.time = s->spec->time;
  s->root.block_size = BLOCK;
  s->root.inodes = s->needs.files + s->spec->additional_space / (16 * KIB);
  if (r == 0)
    r = s->spec->size ? fit_root (s, start, end) : size_root (s);
  if (r < 0)
    return r;
  /* A table at the end takes a whole MiB, where there is no hurry. */
  s->table.disk_size = s->spec->size ? s->spec->size
                                     : start + s->root.size + (end ? MIB : 0);
  if (s->table.count)
    s->table.partitions[s->table.count - 1].size = s->root.size;
  return check_disk (s);
}
