/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The alternatives: posix_spawn and the fewest lines that do; and a shell script
 * run by bash.
 */
#include "bench-start.h"
#include "bench-stand-in.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

enum { QMP_FD = 3, CONFIG_FD, CTRL_FD = 3, MOST_WORDS = 200 };

/* ---- processes ----------------------------------------------------------- */

struct handed {
  int fd, number;
};

static pid_t
spawn (const char *const *argv, char *const *environment,
       const struct handed *handed, size_t n_handed)
{
  posix_spawn_file_actions_t actions;
  char *words[MOST_WORDS];
  pid_t pid;

  memset (words, 0, sizeof words);
  for (size_t i = 0; argv[i] && i + 1 < MOST_WORDS; i++)
    memcpy (&words[i], &argv[i], sizeof *argv);
  posix_spawn_file_actions_init (&actions);
  for (size_t i = 0; i < n_handed; i++)
    posix_spawn_file_actions_adddup2 (&actions, handed[i].fd,
                                      handed[i].number);
  errno = posix_spawn (&pid, words[0], &actions, NULL, words, environment);
  if (errno)
    die (words[0]);
  posix_spawn_file_actions_destroy (&actions);
  return pid;
}

static void
wait_for (pid_t pid)
{
  while (waitpid (pid, NULL, 0) < 0)
    if (errno != EINTR)
      die ("waitpid");
}

static char *const *
environment_of (const struct machine *m)
{
  const char *const *given = vmspec_plan_environment (m->plan);
  char *const *same;

  memcpy (&same, &given, sizeof same);
  return same;
}

/* ---- swtpm --------------------------------------------------------------- */

static pid_t
start_swtpm (const struct machine *m)
{
  char state[120];
  const char *const argv[]
    = { m->tpm.swtpm, "socket", "--tpmstate", state, "--ctrl",
        "type=unixio,fd=3", "--tpm2", NULL };
  struct sockaddr_un address = { .sun_family = AF_UNIX };
  int null = open_null (), fd = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const struct handed handed[]
    = { { null, 0 }, { null, 1 }, { null, 2 }, { fd, CTRL_FD } };
  pid_t pid;

  snprintf (address.sun_path, sizeof address.sun_path, "%s/socket",
            m->tpm.state_dir);
  snprintf (state, sizeof state, "dir=%s", m->tpm.state_dir);
  (void) unlink (address.sun_path);
  if (fd < 0 || bind (fd, (const void *) &address, sizeof address) < 0
      || listen (fd, 1) < 0)
    die (address.sun_path);
  pid = spawn (argv, environment_of (m), handed, 4);
  close (fd);
  close (null);
  return pid;
}

static void
end_swtpm (pid_t pid)
{
  if (pid < 0)
    return;
  kill (pid, SIGTERM);
  wait_for (pid);
  (void) unlink (in_scratch ("tpm/socket"));
}

/* ---- QMP ----------------------------------------------------------------- */

static void
receive_line (int fd, const char *wanted)
{
  static char bytes[65536];
  size_t size = 0;

  do {
    ssize_t n = recv (fd, bytes + size, sizeof bytes - 1 - size, 0);

    if (n <= 0)
      die ("QEMU does not answer");
    size += (size_t) n;
    bytes[size] = '\0';
  } while (bytes[size - 1] != '\n' || !strstr (bytes, wanted));
}

static void
ask (int fd, const char *command, int id)
{
  char text[128];
  int size = snprintf (text, sizeof text, "{\"execute\":\"%s\",\"id\":%d}\n",
                       command, id);

  if (send (fd, text, (size_t) size, MSG_NOSIGNAL) != size)
    die (command);
}

/* The same as the library does. */
static void
negotiate (int fd)
{
  static const char *const commands[]
    = { "qmp_capabilities", "query-status", "query-kvm" };

  receive_line (fd, "\"QMP\"");
  for (int i = 0; i < 3; i++) {
    ask (fd, commands[i], i + 1);
    receive_line (fd, "\"return\"");
  }
}

static int
write_config (void)
{
  static const char text[]
    = "[chardev \"qmp\"]\n  backend = \"socket\"\n  fd = \"3\"\n"
      "[mon \"qmp\"]\n  mode = \"control\"\n  chardev = \"qmp\"\n";
  int fd = memfd_create ("qmp", MFD_CLOEXEC);

  if (fd < 0 || write (fd, text, sizeof text - 1) < 0)
    die ("memfd_create");
  return fd;
}

/* ---- the machine itself --------------------------------------------------- */

static void
add_readconfig (const char *const *argv, const char **words)
{
  size_t n = 0;

  while (argv[n] && n + 3 < MOST_WORDS) {
    words[n] = argv[n];
    n++;
  }
  words[n] = "-readconfig";
  words[n + 1] = "/proc/self/fd/4";
  words[n + 2] = NULL;
}

/* @stamp is -1, or the end of a pipe; *ret_qmp is the socket, or -1. */
static pid_t
start_qemu (const struct machine *m, int stamp, int *ret_qmp)
{
  const char *const *argv = vmspec_plan_argv (m->plan);
  const char *words[MOST_WORDS];
  struct handed handed[6];
  int ends[2] = { -1, -1 }, config = -1, null = open_null ();
  size_t n = 0;
  pid_t pid;

  for (int i = 0; i < 3; i++)
    handed[n++] = (struct handed) { null, i };
  if (stamp >= 0)
    handed[n++] = (struct handed) { stamp, STAMP_FD };
  if (m->qmp == VMSPEC_ON) {
    if (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
      die ("socketpair");
    config = write_config ();
    handed[n++] = (struct handed) { ends[1], QMP_FD };
    handed[n++] = (struct handed) { config, CONFIG_FD };
    add_readconfig (argv, words);
    argv = words;
  }
  pid = spawn (argv, environment_of (m), handed, n);
  close (null);
  if (config >= 0) {
    close (config);
    close (ends[1]);
  }
  *ret_qmp = ends[0];
  return pid;
}

/* What QEMU's arguments name; before the clock starts. */
static void
make_directories (const struct machine *m)
{
  char path[4096];

  snprintf (path, sizeof path, "%s/xchg", vmspec_plan_directory (m->plan));
  if (mkdir (vmspec_plan_directory (m->plan), 0700) < 0
      || mkdir (path, 0700) < 0)
    die (path);
}

static void
remove_directories (const struct machine *m)
{
  char path[4096];

  snprintf (path, sizeof path, "%s/xchg", vmspec_plan_directory (m->plan));
  if (rmdir (path) < 0 || rmdir (vmspec_plan_directory (m->plan)) < 0)
    die (path);
}

static void
end_qemu (pid_t pid, int qmp)
{
  if (qmp >= 0) {
    ask (qmp, "quit", 9);
    wait_for (pid);
    close (qmp);
  } else
    wait_for (pid);
}

struct times
bare_start (const struct machine *m)
{
  struct times times = { 0, 0 };
  int ends[2] = { -1, -1 }, qmp;
  pid_t swtpm = -1, qemu;
  double start;

  make_directories (m);
  if (!m->real)
    stamp_open (ends);
  first_received = 0;
  start = now_us ();
  if (m->tpm.enable == VMSPEC_ON)
    swtpm = start_swtpm (m);
  qemu = start_qemu (m, ends[1], &qmp);
  if (qmp >= 0)
    negotiate (qmp);
  times.second = now_us () - start;
  times.first = (m->real ? first_received : stamp_read (ends)) - start;
  end_qemu (qemu, qmp);
  end_swtpm (swtpm);
  remove_directories (m);
  return times;
}

double
bare_stop (const struct machine *m)
{
  double start;
  pid_t qemu;
  int qmp;

  make_directories (m);
  qemu = start_qemu (m, -1, &qmp);
  negotiate (qmp);
  start = now_us ();
  end_qemu (qemu, qmp);
  start = now_us () - start;
  remove_directories (m);
  return start;
}

/* ---- the script ----------------------------------------------------------- */

/* swtpm and what the script leaves behind have become our children. */
static void
end_strays (const struct machine *m)
{
  FILE *file = fopen (in_scratch ("tpm/pid"), "re");
  int pid;

  if (m->tpm.enable == VMSPEC_ON && file && fscanf (file, "%d", &pid) == 1)
    kill (pid, SIGTERM);
  if (file)
    fclose (file);
  while (waitpid (-1, NULL, 0) > 0 || errno == EINTR)
    ;
  (void) unlink (in_scratch ("tpm/pid"));
  (void) unlink (in_scratch ("tpm/socket"));
}

static void
remove_what_it_made (void)
{
  static const char *const argv[]
    = { "/bin/sh", "-c", "rm -rf \"$1\"/demo-vm.*", "sh", scratch, NULL };

  wait_for (spawn (argv, environ, NULL, 0));
}

struct times
script_start (const struct machine *m)
{
  const char *const argv[]
    = { find_program ("bash"), script, stand_in, NULL };
  int ends[2], null = open_null ();
  struct handed handed[4] = { { null, 0 }, { null, 1 }, { null, 2 } };
  struct times times = { 0, 0 };
  double start;
  pid_t pid;

  stamp_open (ends);
  handed[3] = (struct handed) { ends[1], STAMP_FD };
  start = now_us ();
  pid = spawn (argv, environ, handed, 4);
  times.first = stamp_read (ends) - start;
  close (null);
  wait_for (pid);
  end_strays (m);
  remove_what_it_made ();
  return times;
}
