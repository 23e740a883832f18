/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One image, made as it is described. */
#ifndef VMSPEC_IMAGE_CREATE_H
#define VMSPEC_IMAGE_CREATE_H

#include "work.h"

/* @image is our own copy, which is completed.  0, or -errno with a finding;
 * -EEXIST without one if work->may_exist. */
int vms_image_create (struct work *work, struct vmspec_image *image);

#endif
