/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Partition tables, by libfdisk. */
#ifndef VMSPEC_PARTITION_H
#define VMSPEC_PARTITION_H

#include "image.h"
#include "work.h"

#define SECTOR 512u

enum partition_kind { PARTITION_ROOT, PARTITION_ESP, PARTITION_BIOS_BOOT };

struct partition {
  enum partition_kind kind;
  uint64_t start, size;    /* bytes */
  unsigned char uuid[16];  /* not in an MBR */
};

/* At most three; numbered in this order, which need not be the disk's. */
struct partition_table {
  int is_gpt;
  uint64_t disk_size;      /* bytes */
  unsigned char uuid[16];  /* an MBR has only the first four bytes */
  struct partition partitions[3];
  size_t count;
};

/* 0 or -errno with a finding. */
int vms_partition_table_write (struct image *image,
                               const struct partition_table *table,
                               struct work *work);

#endif
