/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Files that are written into a directory tree, such as a guest's root. */
#ifndef VMSPEC_TOOLS_WRITE_TREE_H
#define VMSPEC_TOOLS_WRITE_TREE_H

/* Writes @content to @name below the directory @top, whether or not @name starts
 * with a slash, and makes the directories between.  Nothing that exists is
 * replaced, and no symbolic link is followed: a guest's may lead into the host.
 * 0 or -errno. */
int write_tree_file (const char *top, const char *name, const char *content,
                     int executable);

#endif
