/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a BIOS starts: boot code in the MBR, and what that loads. */
#ifndef VMSPEC_BOOT_CODE_H
#define VMSPEC_BOOT_CODE_H

#include "image.h"
#include "work.h"

#define BOOT_CODE_SIZE 440u

struct boot_code {
  unsigned char code[512];   /* only the start goes into the MBR */
  size_t code_size;
  unsigned char *core;       /* whole sectors */
  size_t core_size;          /* as the file has it */
};

/* Reads the files; each may be NULL.  The core image may have @room bytes.
 * 0 or -errno with findings. */
int vms_boot_code_read (struct boot_code *boot, struct work *work,
                        const char *code_file, const char *core_file,
                        uint64_t room);
/* Tells GRUB's images that the core image starts at byte @place of the disk. */
void vms_boot_code_patch (struct boot_code *boot, uint64_t place);
/* 0 or -errno. */
int vms_boot_code_write (struct image *image, const struct boot_code *boot,
                         uint64_t place);

#endif
