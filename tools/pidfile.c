/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pidfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *
name_of (const char *path)
{
  const char *slash = strrchr (path, '/');

  return slash ? slash + 1 : path;
}

static int
open_directory (const char *path)
{
  size_t size = (size_t) (name_of (path) - path);
  char *directory = size ? strndup (path, size) : strdup (".");
  int fd = directory ? open (directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
                     : -1;

  free (directory);
  return fd;
}

static int
refuse (const struct pidfile *pidfile, const char *why)
{
  fprintf (stderr, "vmspec-run: the pidfile %s cannot be written: %s\n",
           pidfile->path, why);
  return -1;
}

static int
refuse_held (const struct pidfile *pidfile)
{
  return refuse (pidfile, "a process that runs has it; each machine needs a "
                          "file of its own");
}

/* An image that somebody named by mistake is not one. */
static int
is_pidfile (int directory, const char *name)
{
  int fd = openat (directory, name, O_RDONLY | O_NONBLOCK | O_CLOEXEC
                                      | O_NOFOLLOW);
  char text[32];
  ssize_t n;

  if (fd < 0)
    return errno == ENOENT;
  n = read (fd, text, sizeof text - 1);
  close (fd);
  if (n < 0)
    return 0;
  text[n] = '\0';
  return text[strspn (text, "0123456789 \n")] == '\0'
         && n < (ssize_t) sizeof text - 1;
}

int
pidfile_open (struct pidfile *pidfile, const char *path)
{
  const char *name;
  char *content;

  *pidfile = (struct pidfile) { .path = path, .directory = -1,
                                .claim.fd = -1 };
  if (!path)
    return 0;
  name = name_of (path);
  pidfile->directory = open_directory (path);
  if (pidfile->directory < 0)
    return refuse (pidfile, strerror (errno));
  if (!*name || !is_pidfile (pidfile->directory, name))
    return refuse (pidfile, "what is there is no pidfile; name another file");
  if (claim_read (pidfile->directory, name, &content) < 0)
    return 0;
  free (content);
  return refuse_held (pidfile);
}

int
pidfile_write (struct pidfile *pidfile)
{
  char text[32];
  int r;

  if (pidfile->directory < 0)
    return 0;
  snprintf (text, sizeof text, "%d\n", (int) getpid ());
  r = claim_make (&pidfile->claim, pidfile->directory, name_of (pidfile->path),
                  text);
  if (r < 0)
    pidfile->claim.fd = -1;
  return r == -EEXIST ? refuse_held (pidfile)
         : r < 0      ? refuse (pidfile, strerror (-r))
                      : 0;
}

void
pidfile_close (struct pidfile *pidfile)
{
  claim_drop (&pidfile->claim);
  if (pidfile->directory >= 0)
    close (pidfile->directory);
}
