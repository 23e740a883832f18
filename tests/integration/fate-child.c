/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Stands in for QEMU, swtpm, and programs that help, by the name that it is
 * called with, and writes what it was given to the file $FATE_REPORT.NAME, if
 * that is set.  What it does then is in $FATE_NAME (in capitals):
 *
 *     exit N     complains, and ends
 *     stray      leaves a child that listens to no signal, and goes on
 *     deaf       listens to no signal itself, and goes on
 *     sleep      does nothing for ever
 *
 * and what the other would do without it.  It needs nothing of the library.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static void
fail (const char *what)
{
  perror (what);
  _exit (98);
}

/* ---- the report --------------------------------------------------------- */

static void
report_socket (FILE *report, int fd)
{
  struct sockaddr_un address = { .sun_family = AF_UNSPEC };
  socklen_t size = sizeof address, option = sizeof (int);
  int listens = 0, type = 0;

  (void) getsockopt (fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &option);
  option = sizeof type;
  (void) getsockopt (fd, SOL_SOCKET, SO_TYPE, &type, &option);
  (void) getsockname (fd, (void *) &address, &size);
  fprintf (report, "%s %s%s\n", listens ? "listening" : "connected",
           type == SOCK_STREAM ? "stream" : "other",
           size > sizeof address.sun_family && *address.sun_path
             ? address.sun_path : "");
}

static void
report_descriptor (FILE *report, int fd)
{
  char path[40], target[PATH_MAX];
  struct stat status;
  ssize_t size;

  snprintf (path, sizeof path, "/proc/self/fd/%d", fd);
  size = readlink (path, target, sizeof target - 1);
  if (size < 0 || fstat (fd, &status) < 0)
    return;
  target[size] = '\0';
  fprintf (report, "fd %d ", fd);
  if (S_ISSOCK (status.st_mode))
    report_socket (report, fd);
  else if (S_ISFIFO (status.st_mode))
    fprintf (report, "pipe %s\n",
             (fcntl (fd, F_GETFL) & O_ACCMODE) == O_WRONLY ? "writes" : "reads");
  else
    fprintf (report, "%s\n", target);
}

static void
report_descriptors (FILE *report)
{
  DIR *directory = opendir ("/proc/self/fd");

  for (struct dirent *entry; directory && (entry = readdir (directory));) {
    int fd = atoi (entry->d_name);

    if (*entry->d_name != '.' && fd != dirfd (directory)
        && fd != fileno (report))
      report_descriptor (report, fd);
  }
  closedir (directory);
}

/* Lines of a file of /proc that start so. */
static void
report_lines (FILE *report, const char *path, const char *start)
{
  FILE *file = fopen (path, "re");
  char line[200];

  while (file && fgets (line, sizeof line, file))
    if (!strncmp (line, start, strlen (start)))
      fprintf (report, "status %s", line);
  if (file)
    fclose (file);
}

static void
report_parent (FILE *report)
{
  char path[40], name[40] = "";
  FILE *file;

  snprintf (path, sizeof path, "/proc/%d/comm", (int) getppid ());
  file = fopen (path, "re");
  if (!file || !fgets (name, sizeof name, file))
    fail (path);
  fclose (file);
  fprintf (report, "parent %s", name);
}

/* Under another name until it is complete. */
static void
write_report (const char *file, char **argv)
{
  static const char *const lines[]
    = { "SigPnd", "ShdPnd", "SigBlk", "SigIgn", "SigCgt" };
  char new_file[PATH_MAX + 8], directory[PATH_MAX];
  int at_death = -1;
  FILE *report;

  snprintf (new_file, sizeof new_file, "%s.new", file);
  report = fopen (new_file, "we");
  if (!report)
    fail (new_file);
  report_descriptors (report);
  for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
    report_lines (report, "/proc/self/status", lines[i]);
  report_parent (report);
  prctl (PR_GET_PDEATHSIG, &at_death);
  fprintf (report, "at-death %d\ngroup %d\nsession %d\ndirectory %s\n",
           at_death, (int) getpgrp (), (int) getsid (0),
           getcwd (directory, sizeof directory));
  for (char **word = argv; *word; word++)
    fprintf (report, "argument %s\n", *word);
  for (char **variable = environ; *variable; variable++)
    fprintf (report, "variable %s\n", *variable);
  fclose (report);
  if (rename (new_file, file) < 0)
    fail (file);
}

/* ---- QEMU --------------------------------------------------------------- */

/* The descriptor of the QMP socket is in the file that -readconfig names. */
static int
find_qmp (char **argv)
{
  char line[200], at[60] = "";
  FILE *config;
  int fd = -1;

  while (*argv && strcmp (*argv, "-readconfig"))
    argv++;
  config = *argv ? fopen (argv[1], "re") : NULL;
  while (config && fgets (line, sizeof line, config)) {
    if (*line == '[')
      snprintf (at, sizeof at, "%.50s", line);
    if (!strncmp (at, "[chardev \"vmspec-qmp\"]", 22))
      (void) sscanf (line, " fd = \"%d\"", &fd);
  }
  if (config)
    fclose (config);
  return fd;
}

static void
answer (int fd, const char *line)
{
  const char *id = strstr (line, "\"id\":");

  dprintf (fd, "{\"return\": {}, \"id\": %ld}\r\n",
           id ? strtol (id + strlen ("\"id\":"), NULL, 10) : 0);
  if (strstr (line, "\"quit\""))
    _exit (0);
}

static void
speak_qmp (int fd)
{
  FILE *input = fd < 0 ? NULL : fdopen (fd, "r");
  char line[4096];

  if (!input)
    return;
  dprintf (fd, "{\"QMP\": {\"version\": {}, \"capabilities\": []}}\r\n");
  while (fgets (line, sizeof line, input))
    answer (fd, line);
}

/* ---- the others --------------------------------------------------------- */

static void
make_file (const char *path)
{
  int fd = open (path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

  if (fd < 0 || dprintf (fd, "%d\n", (int) getpid ()) < 0)
    fail (path);
  close (fd);
}

static void
do_work (const char *name, char **argv)
{
  if (!strcmp (name, "swtpm_setup"))
    make_file ("new/tpm2-00.permall");
  if (!strcmp (name, "swtpm_setup") || !strcmp (name, "provision"))
    _exit (0);
  if (!strcmp (name, "swtpm")) {
    make_file ("pid");
    make_file ("tpm2-00.permall");
  } else
    speak_qmp (find_qmp (argv));
}

/* ---- what else it does -------------------------------------------------- */

static void
be_deaf (void)
{
  for (int i = 1; i < NSIG; i++)
    if (i != SIGKILL && i != SIGSTOP)
      (void) signal (i, SIG_IGN);
}

static void
sleep_for_ever (void)
{
  for (;;)
    sleep (100);
}

/* A grandchild of nobody that knows it: in a session of its own, with no
 * descriptor. */
static void
leave_stray (void)
{
  pid_t pid = fork ();

  if (pid < 0)
    fail ("fork");
  if (pid)
    return;
  setsid ();
  be_deaf ();
  if (fork () > 0)
    _exit (0);
  close_range (0, ~0u, 0);
  sleep_for_ever ();
}

static void
misbehave (const char *how)
{
  if (!strncmp (how, "exit ", 5)) {
    fputs ("the stand-in gives up\n", stderr);
    _exit (atoi (how + 5));
  }
  if (!strcmp (how, "stray"))
    leave_stray ();
  if (!strcmp (how, "deaf"))
    be_deaf ();
  if (!strcmp (how, "sleep"))
    sleep_for_ever ();
}

static const char *
variable_of (const char *name)
{
  char variable[40] = "FATE_";
  size_t size = strlen (variable);

  for (; *name && size < sizeof variable - 1; name++)
    variable[size++]
      = *name == '.' ? '_' : (char) toupper ((unsigned char) *name);
  return getenv (variable);
}

int
main (int argc, char **argv)
{
  const char *slash = argc ? strrchr (argv[0], '/') : NULL;
  const char *name = slash ? slash + 1 : "qemu";
  const char *report = getenv ("FATE_REPORT"), *how = variable_of (name);
  char file[PATH_MAX];

  if (report) {
    snprintf (file, sizeof file, "%s.%s", report, name);
    write_report (file, argv);
  }
  misbehave (how ? how : "");
  do_work (name, argv);
  sleep_for_ever ();
}
