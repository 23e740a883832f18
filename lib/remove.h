/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Directories with all that is in them, gone; also for vmspec-keeper. */
#ifndef VMSPEC_REMOVE_H
#define VMSPEC_REMOVE_H

/* Whatever a guest put there.  Mount points stay. */
void vms_remove_tree (const char *path);

#endif
