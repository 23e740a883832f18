/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A builder for QEMU's command line.
 *
 * The syntax of option strings (QEMU, util/keyval.c and util/qemu-option.c):
 * [type,]key=value,key=value where a comma in a value is written twice.  Every
 * value goes through vms_argv_value() or vms_argv_key(); nothing else escapes.
 */
#ifndef VMSPEC_ARGV_H
#define VMSPEC_ARGV_H

#include "mem.h"

struct argv {
  struct vector words;
  struct text option; /* the option string that is being put together */
};

void vms_argv_init (struct argv *argv, struct arena *arena);
/* A word as it is. */
void vms_argv_word (struct argv *argv, const char *word);
void vms_argv_words (struct argv *argv, const char *const *words);
/* Two words: "-m", "1024". */
void vms_argv_pair (struct argv *argv, const char *flag, const char *value);
void vms_argv_number (struct argv *argv, const char *flag,
                      unsigned long long number);

/* "-drive" and the start of its option string.  What is written before the
 * first key is taken as it is. */
void vms_argv_begin (struct argv *argv, const char *flag, const char *start);
/* ",key=value", the value escaped. */
void vms_argv_key (struct argv *argv, const char *key, const char *value);
/* A part as it is, or only escaped. */
void vms_argv_raw (struct argv *argv, const char *text);
void vms_argv_value (struct argv *argv, const char *value);
void vms_argv_end (struct argv *argv);

/* A word for sh(1) and, what is a subset of it, for g_shell_parse_argv(), which
 * splits the command of a guest forwarding rule: quoted only if it must be. */
void vms_text_add_quoted (struct text *text, const char *word);

#endif
