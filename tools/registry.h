/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * This user's machines: a directory with a file for each, which the process that
 * keeps the machine holds (claim.h).  In it are lines of a key and a value.
 */
#ifndef VMSPEC_TOOLS_REGISTRY_H
#define VMSPEC_TOOLS_REGISTRY_H

#include <stddef.h>
#include <stdio.h>
#include <sys/types.h>
#include <time.h>

#include "claim.h"

struct registration {
  struct claim claim;
  int directory;             /* -1: the machine is not registered */
  char *name;                /* under which it is */
  /* What is said of it; may be changed before registration_say. */
  const char *state, *accel, *run_directory, *description;
  pid_t qemu;
  time_t since;
  char *forwards;            /* lines, or NULL */
};

/* Registers a machine that is starting, by @name, or if that is taken and
 * @may_rename, by @name-2 and so on.  0; -EEXIST after a message; or -errno after
 * a warning: then nothing is registered, and the others do nothing. */
int registration_make (struct registration *registration, const char *name,
                       int may_rename, const char *run_directory,
                       const char *description);
/* Changes the state. */
void registration_say (struct registration *registration, const char *state);
void registration_drop (struct registration *registration);
/* The directory, the file, and NULL, for vmspec_start.temporaries: they go with the
 * machine if this process is killed.  NULL if it is not registered; the caller
 * frees it, and each. */
char **registration_files (const struct registration *registration);

/* The directory: a descriptor.  -ENOENT: there is none, so that no machine runs;
 * others after a message. */
int registry_open (void);
/* Removes it if nothing is in it.  -1 is none. */
void registry_close (int directory);
/* The lines on a machine, which the caller frees. -ENOENT: none of that name
 * runs. */
int registry_read (int directory, const char *name, char **ret_content);
/* Copies a key's value, or "". */
void registry_value (const char *content, const char *key, char *value,
                     size_t size);
/* Calls @visit for each machine in the order of names. 0 or -errno. */
int registry_visit (int directory,
                    void (*visit) (void *data, const char *content),
                    void *data);
/* Removes stale files: their number, or -errno. */
int registry_clean (int directory);

#endif
