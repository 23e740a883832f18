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
  MODE_PREPARE,
  MODE_PRINT_STEPS,
  MODE_GUEST,
  MODE_CHECK_KERNEL,
  MODE_IMAGE_INFO, /* from here on the file is no description */
  MODE_MAKE_IMAGE,
  MODE_MAKE_SYSTEM_IMAGE,
  MODE_LIST, /* from here on there is no file */
  MODE_STATUS,
  MODE_STOP,
  MODE_CLEAN,
  MODE_LIST_OPTIONS,
  MODE_HELP,
  MODE_VERSION
};

/* What an option does: choose a mode, or one of these. */
enum {
  ACTION_NULL = MODE_VERSION + 1,
  ACTION_SET,
  ACTION_FORCE,
  ACTION_STEP,
  ACTION_OUTPUT,
  ACTION_NO_SYNC,
  ACTION_TIMEOUT,
  ACTION_PIDFILE,
  ACTION_DAEMONIZE,
  ACTION_NO_QMP,
  ACTION_GUEST_AGENT,
  ACTION_KEEP_DIRECTORY
};

struct option_row {
  const char *name;
  char letter;          /* or 0 */
  const char *argument; /* the kind of what it takes: "FILE"; or NULL */
  int action;           /* or a mode */
  const char *help;
  const char *heading;  /* before it */
};

/* Ends with a row that has no name. */
extern const struct option_row option_rows[];

struct options {
  enum mode mode;
  int null, force, no_sync;
  int daemonize, no_qmp, guest_agent, keep_directory;
  long long timeout;            /* ms, or 0 */
  const char *pidfile;          /* or NULL */
  const char *name;             /* of a machine that runs */
  unsigned form;                /* enum vmspec_guest_form */
  const char *output;           /* directory for the guest's files, or NULL */
  const char *kernel;           /* configuration or modules of one */
  const char **sets;            /* KEY=VALUE; ends with NULL */
  size_t n_sets;
  const char **steps;           /* names; ends with NULL */
  size_t n_steps;
  const char *file;             /* "-" is standard input */
  const char *const *arguments; /* QEMU's; ends with NULL */
};

/* 0, or -1 after a message.  What it fills in points at @argv, except for
 * sets and steps, which are the caller's to free in either case. */
int options_parse (int argc, char **argv, struct options *options);
void options_help (FILE *out);

#endif
