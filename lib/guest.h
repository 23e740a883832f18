/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The guest's half of a description: as data, and as text. */
#ifndef VMSPEC_GUEST_H
#define VMSPEC_GUEST_H

#include "default.h"

/* What its kernel has to have (guest-kernel.c): struct vmspec_kernel_need. */
const struct vmspec_kernel_need *const *
vms_guest_kernel_needs (const struct resolution *r);

/* Renderers add files, struct vmspec_guest_file, to @files; @diag may be NULL. */
void vms_guest_fstab (struct vector *files,
                      const struct vmspec_guest_settings *settings,
                      vmspec_diag *diag);
void vms_guest_units (struct vector *files,
                      const struct vmspec_guest_settings *settings,
                      vmspec_diag *diag);
void vms_guest_cmdline (struct vector *files,
                        const struct vmspec_guest_settings *settings,
                        vmspec_diag *diag);
void vms_guest_modules (struct vector *files,
                        const struct vmspec_guest_settings *settings,
                        vmspec_diag *diag);
void vms_guest_hook (struct vector *files,
                     const struct vmspec_guest_settings *settings,
                     vmspec_diag *diag);
void vms_guest_json (struct vector *files,
                     const struct vmspec_guest_settings *settings,
                     vmspec_diag *diag);

/* A file with this content, of which the caller may change what is not said
 * here; NULL if the arena failed. */
struct vmspec_guest_file *vms_guest_add (struct vector *files, uint32_t form,
                                         const char *name, const char *content);

/* Mount options as one text with commas, in the arena; "defaults" if there are
 * none. */
const char *vms_guest_options (struct arena *arena,
                               const struct vmspec_file_system *fs);
/* Whether one of them is @name, or starts with it if it ends with '='. */
int
vms_guest_has_option (const struct vmspec_file_system *fs, const char *name);
/* Where the mount option ends that starts here: at a comma that is not quoted, or
 * at the NUL. */
const char *vms_guest_option_end (const char *option);
/* The device, "none" where there is none. */
const char *vms_guest_device (const struct vmspec_file_system *fs);
/* The same for its type: "auto". */
const char *vms_guest_type (const struct vmspec_file_system *fs);
/* The device as a file: /dev/disk/by-label/x for LABEL=x; others as they are. */
const char *vms_guest_device_path (struct arena *arena,
                                   const struct vmspec_file_system *fs);
/* NAME=VALUE by which findfs(8) finds the device: LABEL=x for LABEL=x and for
 * /dev/disk/by-label/x; NULL if it has none. */
const char *vms_guest_device_tag (struct arena *arena,
                                  const struct vmspec_file_system *fs);
/* Whether a text is UTF-8. */
int vms_guest_is_utf8 (const char *text);
/* Whether fsck(8) has to look at it before it is mounted. */
int vms_guest_is_checked (const struct vmspec_file_system *fs);
/* Whether a file system is made on the device if that is empty. */
int vms_guest_is_formatted (const struct vmspec_file_system *fs);
int vms_guest_is_bind (const struct vmspec_file_system *fs);
/* Whether the initial RAM disk mounts it: the root, or needed_for_boot. */
int vms_guest_in_initrd (const struct vmspec_file_system *fs);

/* What mount(8) passes on to the kernel of its options, as busybox does it with
 * all; "" if that is nothing. */
const char *vms_guest_mount_options (struct arena *arena,
                                     const struct vmspec_file_system *fs);
/* Whether a unit of systemd can say all of it; what it cannot is said. */
int vms_guest_fits_unit (struct arena *arena,
                         const struct vmspec_file_system *fs,
                         vmspec_diag *diag);

/* A line of fstab(5), with more options, each with a comma before it, or NULL. */
void
vms_guest_fstab_line (struct text *text, const struct vmspec_file_system *fs,
                      const char *more_options);

#endif
