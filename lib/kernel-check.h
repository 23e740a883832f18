/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a guest's kernel has to have, looked for in what describes a kernel. */
#ifndef VMSPEC_KERNEL_CHECK_H
#define VMSPEC_KERNEL_CHECK_H

#include "diag.h"

/* Of a file, as it is and uncompressed.  Real ones have less than 2 MiB. */
#define VMSPEC_KERNEL_MAX_FILE 16 /* MiB */
#define MAX_BYTES ((size_t) VMSPEC_KERNEL_MAX_FILE << 20)

enum presence { PRESENCE_NONE, PRESENCE_MODULE, PRESENCE_BUILTIN };

struct kernel_check {
  const char *file; /* or a directory, as the caller names it */
  vmspec_diag *diag;
  const struct vmspec_kernel_need *const *needs;
  int by_module;    /* they are looked for by modules, not by symbols */
  struct arena arena;
  enum presence *found; /* of each need */
  size_t told;      /* lines that said something about a kernel */
};

/* 0 or -errno; the caller frees the arena in any case. */
int vms_kernel_check_begin (struct kernel_check *check,
                            const struct vmspec_guest_settings *settings);
/* Says what is missing.  0, -ENOEXEC, or -ENOMEM. */
int vms_kernel_check_end (struct kernel_check *check);

/* All of a file, plain or compressed by gzip; closes @fd.  @name is for
 * findings.  -errno with a finding. */
int vms_kernel_read (struct kernel_check *check, int fd, const char *name,
                     struct text *text);

/* The same of one that was looked at.  kernel-gzip.c */
int vms_kernel_read_all (struct kernel_check *check, int fd, const char *name,
                         struct text *text);
int vms_kernel_unreadable (struct kernel_check *check, int error,
                           const char *name);
int vms_kernel_too_large (struct kernel_check *check, const char *name);

/* Calls @function for each line, without what ends it. */
typedef void kernel_line_fn (struct kernel_check *check, const char *line,
                             size_t size);
void vms_kernel_each_line (struct kernel_check *check, const struct text *text,
                           kernel_line_fn *function);

/* Adds a finding, and returns @error. */
int vms_kernel_fail (struct kernel_check *check, int error, const char *id,
                     const char *format, ...)
  __attribute__ ((format (printf, 4, 5)));

#endif
