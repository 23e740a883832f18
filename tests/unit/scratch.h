/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A directory for each test, gone after it. */
#ifndef VMSPEC_TESTS_SCRATCH_H
#define VMSPEC_TESTS_SCRATCH_H

#include "unit.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

static char scratch[PATH_MAX];

static UNUSED void
scratch_make (void)
{
  strcpy (scratch, "/tmp/vmspec-test.XXXXXX");
  ck_assert_ptr_nonnull (mkdtemp (scratch));
  /* Some programs name it as it is without links. */
  ck_assert_int_eq (chdir (scratch), 0);
  ck_assert_ptr_nonnull (getcwd (scratch, sizeof scratch));
}

static UNUSED void
scratch_remove (void)
{
  char command[3 * PATH_MAX + 80];

  ck_assert_int_eq (chdir ("/"), 0);
  snprintf (command, sizeof command, "rm -rf '%s' 2> /dev/null || "
            "{ chmod -R u+rwX '%s'; rm -rf '%s'; }", scratch, scratch, scratch);
  ck_assert_int_eq (system (command), 0);
}

/* The path of something in it; the last few stay as they are. */
static UNUSED const char *
below (const char *name)
{
  static char paths[8][PATH_MAX + 300];
  static unsigned n;
  char *path = paths[n++ % COUNT (paths)];

  snprintf (path, sizeof paths[0], "%s/%s", scratch, name);
  return path;
}

static UNUSED void
make_file (const char *path, mode_t mode, const char *content)
{
  int fd = open (path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

  ck_assert_int_ge (fd, 0);
  ck_assert_int_eq (write (fd, content, strlen (content)),
                    (ssize_t) strlen (content));
  ck_assert_int_eq (fchmod (fd, mode), 0);
  close (fd);
}

static UNUSED const char *
read_file (const char *path)
{
  static char content[1 << 16];
  int fd = open (path, O_RDONLY | O_CLOEXEC);
  ssize_t size;

  ck_assert_msg (fd >= 0, "%s: %s", path, strerror (errno));
  size = read (fd, content, sizeof content - 1);
  ck_assert_int_ge (size, 0);
  content[size] = '\0';
  close (fd);
  return content;
}

static UNUSED int
exists (const char *path)
{
  struct stat status;

  return lstat (path, &status) == 0;
}

/* root reads and writes everything; where that matters, be nobody.  Only in a
 * child process. */
static UNUSED void
be_nobody (void)
{
  if (geteuid () == 0 && (setgid (65534) != 0 || setuid (65534) != 0))
    _exit (1);
}

/* The parent of a process, from proc(5). */
static UNUSED pid_t
parent_of (int pid)
{
  char name[64];
  int parent = 0;

  snprintf (name, sizeof name, "/proc/%d/stat", pid);
  ck_assert_int_eq (sscanf (read_file (name), "%*d (%*[^)]) %*c %d", &parent), 1);
  return parent;
}

#endif
