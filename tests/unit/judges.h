/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Programs of others that judge what we wrote. */
#ifndef VMSPEC_TESTS_JUDGES_H
#define VMSPEC_TESTS_JUDGES_H

#include "scratch.h"

#include <stdarg.h>
#include <sys/wait.h>

static UNUSED char judgement[1 << 16];

/* Runs a command for sh(1) in the scratch directory; what it says is in
 * judgement.  Returns its exit status. */
static UNUSED __attribute__ ((format (printf, 1, 2))) int
run (const char *format, ...)
{
  char command[8192];
  va_list args;
  FILE *pipe;
  size_t size;
  int status;

  strcpy (command, "exec 2>&1; PATH=$PATH:/usr/sbin:/sbin; ");
  va_start (args, format);
  vsnprintf (command + strlen (command), sizeof command - strlen (command),
             format, args);
  va_end (args);
  pipe = popen (command, "r");
  ck_assert_ptr_nonnull (pipe);
  size = fread (judgement, 1, sizeof judgement - 1, pipe);
  judgement[size] = '\0';
  status = pclose (pipe);
  return WIFEXITED (status) ? WEXITSTATUS (status) : -1;
}

#define RUN(...)                                                               \
  do {                                                                         \
    int status__ = run (__VA_ARGS__);                                          \
                                                                               \
    ck_assert_msg (status__ == 0, "%d: %s", status__, judgement);              \
  } while (0)

#define SAYS(text)                                                             \
  ck_assert_msg (strstr (judgement, text) != NULL, "no '%s' in: %s", text,     \
                 judgement)

#endif
