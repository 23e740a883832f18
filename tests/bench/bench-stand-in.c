/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Stands in for QEMU: says first of all when its main() began, as a struct
 * timespec of CLOCK_MONOTONIC on descriptor STAMP_FD, if there is one, and ends.
 * If the last of its arguments are "-readconfig FILE", it speaks as much QMP as
 * a caller needs, on the descriptor that the file names, and ends when it is
 * asked to, or the other side has gone.
 */
#include "bench-stand-in.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define GREETING                                                               \
  "{\"QMP\": {\"version\": {\"qemu\": {\"micro\": 0, \"minor\": 2, "           \
  "\"major\": 7}, \"package\": \"\"}, \"capabilities\": []}}\r\n"

static void
vms_say (int fd, const char *text)
{
  if (write (fd, text, strlen (text)) < 0)
    _exit (1);
}

static const char *
answer_to (const char *line)
{
  if (strstr (line, "\"query-status\""))
    return "{\"status\": \"running\", \"running\": true}";
  if (strstr (line, "\"query-kvm\""))
    return "{\"enabled\": false, \"present\": false}";
  return "{}";
}

static void
obey (int fd, const char *line)
{
  const char *key = strstr (line, "\"id\":");
  char text[256];
  int id = 0;

  if (key)
    (void) sscanf (key, "\"id\":%d", &id);
  snprintf (text, sizeof text, "{\"return\": %s, \"id\": %d}\r\n",
            answer_to (line), id);
  vms_say (fd, text);
  if (strstr (line, "\"system_powerdown\"") || strstr (line, "\"quit\""))
    _exit (0);
}

static void
speak_qmp (int fd)
{
  char line[4096];
  size_t size = 0;
  char c;

  vms_say (fd, GREETING);
  /* Whoever asks waits for the answer, so there is no need to be fast. */
  while (read (fd, &c, 1) == 1) {
    if (size + 1 < sizeof line)
      line[size++] = c;
    if (c != '\n')
      continue;
    line[size] = '\0';
    size = 0;
    obey (fd, line);
  }
}

static int
qmp_descriptor (const char *file)
{
  char text[1024];
  int fd = open (file, O_RDONLY | O_CLOEXEC), number = -1;
  ssize_t size = fd < 0 ? 0 : pread (fd, text, sizeof text - 1, 0);
  const char *key;

  if (size < 0)
    size = 0;
  text[size] = '\0';
  key = strstr (text, "fd = \"");
  if (key)
    (void) sscanf (key, "fd = \"%d", &number);
  if (fd >= 0)
    close (fd);
  return number;
}

int
main (int argc, char **argv)
{
  struct timespec now;

  clock_gettime (CLOCK_MONOTONIC, &now);
  (void) !write (STAMP_FD, &now, sizeof now);
  if (argc > 2 && !strcmp (argv[argc - 2], "-readconfig"))
    speak_qmp (qmp_descriptor (argv[argc - 1]));
  return 0;
}
