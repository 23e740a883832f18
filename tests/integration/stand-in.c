/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Stands in for QEMU where many machines are to run, or an ill-behaved one: it
 * speaks QMP, plays the agent of a guest, and has no machine.  As QEMU it finds
 * its descriptors in the file that -readconfig names.
 *
 * The environment says how it behaves:
 *
 *   STAND_IN   words: "silent" says nothing, "garbled" no QMP, "closes" the
 *              socket, "late" greets after a while, "mute" leaves query-status
 *              without an answer, "deaf" to system_powerdown, "stubborn" to
 *              quit, "steadfast" to SIGTERM, "floods" with events,
 *              "worried" on standard error,
 *              "agentless" is a guest without an agent, "brief" one that
 *              powers down by itself
 *   LOG        a file for each command and signal, a line each
 *   OUTPUT     how many bytes programs in the guest write
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LATE_MS = 400, BRIEF_MS = 200, FLOOD = 2500 };

static int log_fd = -1;

static int
is (const char *word)
{
  const char *words = getenv ("STAND_IN");

  return words && strstr (words, word) != NULL;
}

static void
note (const char *what)
{
  if (log_fd >= 0 && write (log_fd, what, strlen (what)) > 0)
    (void) !write (log_fd, "\n", 1);
}

static void
vms_say (int fd, const char *bytes, size_t size)
{
  while (size) {
    ssize_t n = write (fd, bytes, size);

    if (n < 0 && errno != EINTR)
      _exit (9);
    if (n > 0) {
      bytes += n;
      size -= (size_t) n;
    }
  }
}

static void __attribute__ ((format (printf, 2, 3)))
sayf (int fd, const char *format, ...)
{
  char text[1000];
  va_list args;

  va_start (args, format);
  vms_say (fd, text, (size_t) vsnprintf (text, sizeof text, format, args));
  va_end (args);
}

/* ---- requests ----------------------------------------------------------- */

struct peer {
  int fd;                   /* -1: none */
  char line[65536];
  size_t size;
  void (*answer) (int fd, const char *line);
};

/* The text behind "name": in the line, without blanks; "" if there is none. */
static const char *
behind (const char *line, const char *name)
{
  char key[64];
  const char *at;

  snprintf (key, sizeof key, "\"%s\":", name);
  at = strstr (line, key);
  if (!at)
    return "";
  at += strlen (key);
  return at + strspn (at, " \"");
}

static int
is_command (const char *line, const char *name)
{
  const char *command = behind (line, "execute");

  return !strncmp (command, name, strlen (name))
         && command[strlen (name)] == '"';
}

static void
note_command (const char *line)
{
  char name[64];

  snprintf (name, sizeof name, "%.*s",
            (int) strcspn (behind (line, "execute"), "\""),
            behind (line, "execute"));
  note (name);
}

/* ---- QMP ---------------------------------------------------------------- */

static const char *run_state = "running";

static void
event (int fd, const char *name, const char *data)
{
  sayf (fd, "{\"timestamp\": {\"seconds\": 1700000000, \"microseconds\": 5}, "
        "\"event\": \"%s\"%s%s}\r\n", name, *data ? ", \"data\": " : "", data);
}

static void
end (int fd, const char *reason)
{
  char data[64];

  snprintf (data, sizeof data, "{\"guest\": false, \"reason\": \"%s\"}", reason);
  event (fd, "SHUTDOWN", data);
  exit (0);
}

static void
answer_qmp (int fd, const char *line)
{
  long id = atol (behind (line, "id"));

  note_command (line);
  if (is ("mute") && is_command (line, "query-status"))
    return;
  if (is ("floods"))
    for (int i = 0; i < FLOOD; i++)
      event (fd, "RTC_CHANGE", "{\"offset\": 0}");
  if (is_command (line, "query-status"))
    sayf (fd, "{\"return\": {\"status\": \"%s\"}, \"id\": %ld}\r\n", run_state,
          id);
  else if (is_command (line, "query-kvm"))
    sayf (fd, "{\"return\": {\"enabled\": false, \"present\": true}, "
          "\"id\": %ld}\r\n", id);
  else if (is_command (line, "no-such-command"))
    sayf (fd, "{\"id\": %ld, \"error\": {\"class\": \"CommandNotFound\", "
          "\"desc\": \"The command no-such-command has not been found\"}}\r\n",
          id);
  else
    sayf (fd, "{\"return\": {}, \"id\": %ld}\r\n", id);
  if (is_command (line, "stop")) {
    run_state = "paused";
    event (fd, "STOP", "");
  } else if (is_command (line, "cont")) {
    run_state = "running";
    event (fd, "RESUME", "");
  } else if (is_command (line, "system_powerdown") && !is ("deaf")) {
    event (fd, "POWERDOWN", "");
    end (fd, "guest-shutdown");
  } else if (is_command (line, "quit") && !is ("stubborn"))
    end (fd, "host-qmp-quit");
}

static void
greet (int fd)
{
  static const char greeting[]
    = "{\"QMP\": {\"version\": {\"qemu\": {\"micro\": 0, \"minor\": 2, "
      "\"major\": 7}, \"package\": \"\"}, \"capabilities\": [\"oob\"]}}\r\n";

  if (is ("late"))
    usleep (LATE_MS * 1000);
  if (is ("garbled"))
    vms_say (fd, "What is the answer?\n", 20);
  else if (!is ("silent"))
    vms_say (fd, greeting, strlen (greeting));
}

/* ---- the agent ---------------------------------------------------------- */

/* A program that takes two looks to end. */
static void
answer_exec_status (int fd)
{
  static int looks;
  const char *output = getenv ("OUTPUT");
  size_t size = output ? strtoul (output, NULL, 10) : 0;
  char piece[4096];

  if (looks++ % 2 == 0) {
    sayf (fd, "{\"return\": {\"exited\": false}}\n");
    return;
  }
  sayf (fd, "{\"return\": {\"exitcode\": 3, \"exited\": true, "
        "\"err-data\": \"b29wcwA=\", \"out-data\": \"");
  if (!size)
    sayf (fd, "aGVsbG8K");
  memset (piece, 'A', sizeof piece);
  for (size_t left = size / 3 * 4; left;) {
    size_t n = left < sizeof piece ? left : sizeof piece;

    vms_say (fd, piece, n);
    left -= n;
  }
  sayf (fd, "\"%s}}\n", size ? ", \"out-truncated\": true" : "");
}

static void
answer_agent (int fd, const char *line)
{
  note_command (line);
  if (is_command (line, "guest-sync-delimited"))
    sayf (fd, "\xff{\"return\": %ld}\n", atol (behind (line, "id")));
  else if (is_command (line, "guest-ping"))
    sayf (fd, "{\"return\": {}}\n");
  else if (is_command (line, "guest-exec"))
    sayf (fd, "{\"return\": {\"pid\": 7}}\n");
  else if (is_command (line, "guest-exec-status"))
    answer_exec_status (fd);
  else if (is_command (line, "guest-shutdown"))
    exit (0);
  else
    sayf (fd, "{\"error\": {\"class\": \"CommandNotFound\", "
          "\"desc\": \"The command has not been found\"}}\n");
}

/* ---- descriptors -------------------------------------------------------- */

/* The fd of the section [chardev "name"], or -1. */
static int
chardev (const char *config, const char *name)
{
  char section[64];
  const char *at;

  snprintf (section, sizeof section, "[chardev \"%s\"]", name);
  at = strstr (config, section);
  at = at ? strstr (at, "fd = \"") : NULL;
  return at ? atoi (at + 6) : -1;
}

static const char *
read_config (char **argv)
{
  static char config[4096];
  int fd = -1;

  for (; *argv; argv++)
    if (!strcmp (*argv, "-readconfig") && argv[1])
      fd = open (argv[1], O_RDONLY);
  if (fd >= 0) {
    (void) !read (fd, config, sizeof config - 1);
    close (fd);
  }
  return config;
}

/* What there is of lines; a sentinel begins a new one. */
static void
take (struct peer *peer, const char *bytes, size_t size)
{
  for (size_t i = 0; i < size; i++)
    if (bytes[i] == '\n') {
      peer->line[peer->size] = '\0';
      peer->size = 0;
      peer->answer (peer->fd, peer->line);
    } else if (bytes[i] == '\xff')
      peer->size = 0;
    else if (peer->size < sizeof peer->line - 1)
      peer->line[peer->size++] = bytes[i];
}

static void
listen_to (struct peer *peer)
{
  char bytes[65536];
  ssize_t n = read (peer->fd, bytes, sizeof bytes);

  if (n > 0)
    take (peer, bytes, (size_t) n);
  else if (n == 0 || (errno != EINTR && errno != EAGAIN)) {
    close (peer->fd);
    peer->fd = -1;
  }
}

/* ------------------------------------------------------------------------- */

static void
terminated (int number)
{
  (void) number;
  note ("SIGTERM");
  if (!is ("steadfast"))
    _exit (0);
}

int
main (int argc, char **argv)
{
  static struct peer qmp = { .answer = answer_qmp };
  static struct peer agent = { .answer = answer_agent };
  const char *config = read_config (argv), *log_name = getenv ("LOG");
  struct pollfd ready[2];
  int n;

  (void) argc;
  if (log_name)
    log_fd = open (log_name, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  signal (SIGTERM, terminated);
  if (is ("worried"))
    fputs ("last \x1b[31mwords\n", stderr);
  qmp.fd = chardev (config, "vmspec-qmp");
  agent.fd = is ("agentless") ? -1 : chardev (config, "vmspec-agent");
  if (qmp.fd >= 0)
    greet (qmp.fd);
  if (is ("closes") || is ("silent")) {
    if (is ("closes"))
      close (qmp.fd);
    qmp.fd = -1;
  }
  for (;;) {
    ready[0] = (struct pollfd) { .fd = qmp.fd, .events = POLLIN };
    ready[1] = (struct pollfd) { .fd = agent.fd, .events = POLLIN };
    n = poll (ready, 2, is ("brief") ? BRIEF_MS : -1);
    if (n == 0)
      end (qmp.fd, "guest-shutdown");
    if (n < 0)
      continue;
    if (ready[0].revents)
      listen_to (&qmp);
    if (ready[1].revents)
      listen_to (&agent);
  }
}
