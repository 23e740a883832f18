/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libfdisk writes to a file in memory that is as large as the disk, and holds
 * only what was written.
 */
#include "partition.h"

#include <errno.h>
#include <libfdisk.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/param.h>
#include <unistd.h>
#include <uuid/uuid.h>

struct kind {
  const char *name, *gpt_type;
};

static const struct kind kinds[] = {
  [PARTITION_ROOT] = { "root", "0FC63DAF-8483-4772-8E79-3D69D8477DE4" },
  [PARTITION_ESP] = { "ESP", "C12A7328-F81F-11D2-BA4B-00A0C93EC93B" },
  [PARTITION_BIOS_BOOT]
  = { "BIOS boot", "21686148-6449-6E6F-744E-656564454649" },
};

#define MBR_LINUX 0x83

/* ---- the table ---------------------------------------------------------- */

/* By default nothing may start before 1 MiB, where the BIOS boot partition of a
 * hybrid table is. */
static int
set_first_sector (struct fdisk_context *context)
{
  struct fdisk_script *script = fdisk_new_script (context);
  int r = script ? fdisk_script_set_header (script, "first-lba", "34")
                 : -ENOMEM;

  if (r == 0)
    r = fdisk_set_script (context, script);
  fdisk_unref_script (script);
  return r;
}

static int
create_label (struct fdisk_context *context,
              const struct partition_table *table)
{
  char id[UUID_STR_LEN];
  int r = table->is_gpt ? set_first_sector (context) : 0;

  if (r == 0)
    r = fdisk_create_disklabel (context, table->is_gpt ? "gpt" : "dos");
  if (table->is_gpt)
    uuid_unparse_upper (table->uuid, id);
  else
    snprintf (id, sizeof id, "0x%02x%02x%02x%02x", table->uuid[0],
              table->uuid[1], table->uuid[2], table->uuid[3]);
  return r < 0 ? r : fdisk_set_disklabel_id_from_string (context, id);
}

static int
describe (struct fdisk_context *context, struct fdisk_partition *description,
          const struct partition *partition, int is_gpt, size_t number)
{
  const struct fdisk_label *label = fdisk_get_label (context, NULL);
  const struct kind *kind = &kinds[partition->kind];
  struct fdisk_parttype *type
    = is_gpt ? fdisk_label_get_parttype_from_string (label, kind->gpt_type)
             : fdisk_label_get_parttype_from_code (label, MBR_LINUX);
  char uuid[UUID_STR_LEN];
  int r = type ? 0 : -EINVAL;

  uuid_unparse_upper (partition->uuid, uuid);
  fdisk_partition_start_follow_default (description, 0);
  fdisk_partition_end_follow_default (description, 0);
  fdisk_partition_partno_follow_default (description, 0);
  if (r == 0)
    r = fdisk_partition_set_partno (description, number);
  if (r == 0)
    r = fdisk_partition_set_start (description, partition->start / SECTOR);
  if (r == 0)
    r = fdisk_partition_set_size (description, partition->size / SECTOR);
  if (r == 0) /* or the end would be moved to a whole MiB */
    r = fdisk_partition_size_explicit (description, 1);
  if (r == 0)
    r = fdisk_partition_set_type (description, type);
  if (r == 0 && is_gpt)
    r = fdisk_partition_set_name (description, kind->name);
  if (r == 0 && is_gpt)
    r = fdisk_partition_set_uuid (description, uuid);
  return r;
}

static int
add (struct fdisk_context *context, const struct partition_table *table,
     size_t number)
{
  const struct partition *partition = &table->partitions[number];
  struct fdisk_partition *description = fdisk_new_partition ();
  int r = description ? describe (context, description, partition,
                                  table->is_gpt, number)
                      : -ENOMEM;

  if (r == 0)
    r = fdisk_add_partition (context, description, NULL);
  fdisk_unref_partition (description);
  /* Some BIOSes start only a disk with a partition that is active. */
  if (r == 0 && !table->is_gpt)
    r = fdisk_toggle_partition_flag (context, number, DOS_FLAG_ACTIVE);
  return r;
}

static int
write_table (int fd, const struct partition_table *table)
{
  struct fdisk_context *context = fdisk_new_context ();
  int r = context ? fdisk_disable_dialogs (context, 1) : -ENOMEM;

  if (r == 0)
    r = fdisk_assign_device_by_fd (context, fd, "disk", 0);
  if (r == 0)
    r = create_label (context, table);
  for (size_t i = 0; r == 0 && i < table->count; i++)
    r = add (context, table, i);
  if (r == 0)
    r = fdisk_write_disklabel (context);
  /* They hold each other. */
  if (context)
    fdisk_set_script (context, NULL);
  fdisk_unref_context (context);
  return r;
}

/* ---- the image ---------------------------------------------------------- */

static int
copy_written (struct image *image, int fd, uint64_t size)
{
  char bytes[4096];
  int r = 0;

  for (off_t at = 0; r == 0;) {
    ssize_t n;

    at = lseek (fd, at, SEEK_DATA);
    if (at < 0)
      return errno == ENXIO ? 0 : -errno;
    at -= at % (off_t) sizeof bytes;
    n = TEMP_FAILURE_RETRY (
      pread (fd, bytes, MIN (size - (uint64_t) at, sizeof bytes), at));
    if (n <= 0)
      return n < 0 ? -errno : 0;
    r = vms_image_write (image, (uint64_t) at, bytes, (uint64_t) n);
    at += n;
  }
  return r;
}

int
vms_partition_table_write (struct image *image,
                           const struct partition_table *table,
                           struct work *work)
{
  int fd = memfd_create ("vmspec", MFD_CLOEXEC);
  int r = fd < 0 || TEMP_FAILURE_RETRY (ftruncate (fd, (off_t) table->disk_size))
                      < 0
            ? -errno : 0;

  /* libfdisk gives up when a signal interrupts it. */
  if (r == 0)
    do
      r = write_table (fd, table);
    while (r == -EINTR);
  if (r == 0)
    r = copy_written (image, fd, table->disk_size);
  if (fd >= 0)
    close (fd);
  if (r < 0)
    vms_work_fail (work, r, "system-image.partitions", "partition_table",
                   "the partition table cannot be made: %s",
                   strerrordesc_np (-r));
  return r;
}
