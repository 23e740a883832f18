/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* An ext4 file system as mke2fs would make it, written into an image. */
#ifndef VMSPEC_EXT4_H
#define VMSPEC_EXT4_H

#include "image.h"
#include "work.h"

struct ext4_setup {
  uint64_t offset, size;     /* of the file system in the image, in bytes */
  const char *label;         /* at most 16 bytes; may be NULL */
  const unsigned char *uuid; /* 16 bytes each */
  const unsigned char *hash_seed;
  uint64_t time;             /* seconds since 1970 */
  uint64_t inodes;           /* at least so many; 0: by the size alone */
  uint32_t block_size;       /* bytes; 0: as mke2fs would choose */
};

/* Makes the file system; with @fill, calls it for the contents before it is
 * closed ("ext2_filsys").  0 or -errno with a finding. */
int vms_ext4_make (struct image *image, const struct ext4_setup *setup,
                   int (*fill) (void *data, void *fs), void *data,
                   struct work *work);

/* -errno for an error code of libext2fs. */
int vms_ext4_errno (long code);

#endif
