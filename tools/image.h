/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Images by themselves: made, or described. */
#ifndef VMSPEC_TOOLS_IMAGE_H
#define VMSPEC_TOOLS_IMAGE_H

#include "options.h"

#include <vmspec/vmspec.h>

/* 0 or -errno with findings. */
int print_image_info (FILE *out, const char *file, vmspec_diag *diag);
/* Makes what the options say. */
int make_image (const struct options *options, vmspec_diag *diag);
/* What is made before a start. */
void print_steps (FILE *out, const vmspec_plan *plan);

#endif
