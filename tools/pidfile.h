/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A file that tells whom to signal. */
#ifndef VMSPEC_TOOLS_PIDFILE_H
#define VMSPEC_TOOLS_PIDFILE_H

#include "claim.h"

struct pidfile {
  const char *path;
  int directory;
  struct claim claim;
};

/* Whether it may be written; nothing is written yet.  @path may be NULL: none is
 * wanted.  0, or -1 after a message. */
int pidfile_open (struct pidfile *pidfile, const char *path);
/* 0, or -1 after a message. */
int pidfile_write (struct pidfile *pidfile);
void pidfile_close (struct pidfile *pidfile);

#endif
