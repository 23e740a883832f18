/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The command line of vmspec-run. */
#ifndef VMSPEC_TOOLS_OPTIONS_H
#define VMSPEC_TOOLS_OPTIONS_H

#include <stddef.h>
#include <stdio.h>

enum mode {
  MODE_START = 0,
  MODE_PRINT_ARGV,
  MODE_PRINT_COMMAND,
  MODE_RESOLVE,
  MODE_CHECK,
  MODE_LIST_OPTIONS,
  MODE_HELP,
  MODE_VERSION
};

struct options {
  enum mode mode;
  int null, force;
  const char **sets;            /* KEY=VALUE; ends with NULL */
  size_t n_sets;
  const char *file;             /* "-" is standard input */
  const char *const *arguments; /* QEMU's; ends with NULL */
};

/* 0, or -1 after a message.  What it fills in points at @argv, except for
 * sets, which is the caller's to free in either case. */
int options_parse (int argc, char **argv, struct options *options);
void options_help (FILE *out);

#endif
