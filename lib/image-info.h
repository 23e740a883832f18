/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What an image that exists is: its format, its size, and what it rests on. */
#ifndef VMSPEC_IMAGE_INFO_H
#define VMSPEC_IMAGE_INFO_H

#include "work.h"

/* Who is going to use an image does not need to know what is on it. */
enum image_depth { IMAGE_HEADERS, IMAGE_CONTENT };

/* As vmspec_image_info(), in the work's arena, and with findings about the
 * @member of the struct, or the step's option.  What is on the disk is said of
 * the first image only: nobody sees what those below it hold. */
int vms_image_info (struct work *work, const char *member, const char *file,
                    uint32_t format, enum image_depth depth,
                    const struct vmspec_image_info **ret_info);

enum image_use { IMAGE_READ, IMAGE_WRITE };

/* Whether another process's lock keeps QEMU from using the image in this way:
 * 0, -EAGAIN, or the error of open(2). */
int vms_image_lock_test (const char *file, enum image_use use);
/* The same for one that is open, whatever for. */
int vms_image_lock_test_fd (int fd, enum image_use use);

/* Opens a file or a block device for reading, without waiting for anything.
 * -EINVAL if it is something else. */
int vms_image_open (const char *file);

#endif
