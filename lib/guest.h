/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The guest's half of a description: as data, and as text. */
#ifndef VMSPEC_GUEST_H
#define VMSPEC_GUEST_H

#include "default.h"

/* What its kernel has to have (guest-kernel.c): struct vmspec_kernel_need. */
const struct vmspec_kernel_need *const *
guest_kernel_needs (const struct resolution *r);

/* Renderers add files, struct vmspec_guest_file, to @files. */
void guest_fstab (struct vector *files,
                  const struct vmspec_guest_settings *settings);
void guest_units (struct vector *files,
                  const struct vmspec_guest_settings *settings);
void guest_cmdline (struct vector *files,
                    const struct vmspec_guest_settings *settings);
void guest_modules (struct vector *files,
                    const struct vmspec_guest_settings *settings);
void guest_hook (struct vector *files,
                 const struct vmspec_guest_settings *settings);
void guest_json (struct vector *files,
                 const struct vmspec_guest_settings *settings);

/* A file with this content, of which the caller may change what is not said
 * here; NULL if the arena failed. */
struct vmspec_guest_file *guest_add (struct vector *files, uint32_t form,
                                     const char *name, const char *content);

/* A line of fstab(5), with more options, each with a comma before it, or NULL. */
void guest_fstab_line (struct text *text, const struct vmspec_file_system *fs,
                       const char *more_options);

#endif
