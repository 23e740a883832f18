/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What vmspec-run prints. */
#ifndef VMSPEC_TOOLS_PRINT_H
#define VMSPEC_TOOLS_PRINT_H

#include <stdio.h>
#include <vmspec/vmspec.h>

/* Findings go to standard error, one on a line.  Those that do not know where
 * they stand are looked up in @doc, or else are from @origin; either may be
 * NULL. */
void print_findings (const vmspec_diag *diag, const vmspec_doc *doc,
                     const char *origin);
/* Whether there is a finding of at least this severity. */
int has_finding (const vmspec_diag *diag, enum vmspec_severity severity);

/* Control characters become question marks. */
void print_line (FILE *out, const char *text);
void print_argv (FILE *out, const char *const *argv, int with_nul);
void list_options (FILE *out);

/* The values that an option takes, in words: "on|off", "1 to 65535". */
void print_values (FILE *out, const struct vmspec_option *option);
/* The rows of a struct: its first, then one after the other up to NULL. */
const struct vmspec_option *first_row (const char *owner);
const struct vmspec_option *next_row (const struct vmspec_option *option);
int is_scalar (const struct vmspec_option *option);

/* 0, or -1 after a message if not all could be written. */
int finish_output (FILE *out);

#endif
