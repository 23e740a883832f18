/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Descriptors that are kept, and closed. */
#ifndef VMSPEC_DESCRIPTOR_H
#define VMSPEC_DESCRIPTOR_H

#define NO_DESCRIPTOR (-1)

/* The same open file with a number above 2, close-on-exec; closes @fd if it had
 * another.  A caller may have closed its standard descriptors, and what takes
 * their numbers would be handed to a machine as its own.  -errno; a negative @fd
 * is -errno already. */
int vms_descriptor_keep (int fd);
/* Nothing for a negative one. */
void vms_descriptor_close (int fd);
/* Whether the file still has this name, which is not a symbolic link's. */
int vms_descriptor_is_named (int fd, const char *path);

#endif
