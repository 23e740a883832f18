/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A file that appears whole under its name, or not at all.
 *
 * It is written without a name (O_TMPFILE), so that a process that dies leaves
 * nothing, and gets its name when it is complete.  Where a file system cannot
 * do that, it has a name that starts with a dot until then, and a lock; the
 * next to write the same file removes what nobody holds a lock on.
 */
#ifndef VMSPEC_OUTPUT_H
#define VMSPEC_OUTPUT_H

#include "work.h"

struct output {
  int fd;              /* to write to; -1 when closed */
  int directory;
  const char *path, *name;
  char temporary[256]; /* its name for now, or "" */
  int replaces;
  int is_named;        /* by this process */
};

/* @path is the file to be, with @mode less the umask; it stays the caller's,
 * and lives as long as the output.  0 or -errno with a finding, and then
 * nothing is left to close: -EEXIST if it exists (no finding if
 * work->may_exist), -ELOOP for a link that leads nowhere. */
int vms_output_open (struct output *output, struct work *work, const char *path,
                     unsigned mode);
/* For a file that is made anew each time: replaces an old one. */
int vms_output_open_anew (struct output *output, struct work *work,
                          const char *path, unsigned mode);
/* For a file that exists: removes what others, who died, have left of theirs. */
void vms_output_tidy (struct work *work, const char *path);
/* Gives the file its name, on the disk if work->sync.  0, or -EEXIST (without a
 * finding) if somebody else has made it meanwhile, or another error with one.
 * Either way vms_output_close comes next. */
int vms_output_commit (struct output *output, struct work *work);
/* Forgets the file unless it has its name.  May be called twice. */
void vms_output_close (struct output *output);

#endif
