/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What it costs to start a machine, to stop it and to hold it, and beside it in
 * the same run what a bare posix_spawn and a start script cost.  Prints tables;
 * doc/performance.md says how to read them.
 *
 *     bench-start SCRIPT [ROUNDS [MACHINES]]
 *
 * The least of ROUNDS (5) medians of ten each, in turns; memory of so many
 * MACHINES (200).
 */
#include "bench-start.h"

#include <errno.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define TURNS 10
#define MOST_ROWS 8

char scratch[PATH_MAX];
const char *stand_in, *script;
vmspec_diag *diag;
double first_received;

static unsigned rounds = 5;

/* ---- what all use ---------------------------------------------------------- */

static int
remove_one (const char *path, const struct stat *status, int type,
            struct FTW *where)
{
  (void) status;
  (void) type;
  (void) where;
  return remove (path);
}

static void
remove_scratch (void)
{
  if (*scratch)
    nftw (scratch, remove_one, 20, FTW_DEPTH | FTW_PHYS);
}

void
die (const char *what)
{
  fprintf (stderr, "bench-start: %s: %s\n", what, strerror (errno));
  for (size_t i = 0; vmspec_diag_get (diag, i); i++)
    fprintf (stderr, "  %s\n", vmspec_diag_get (diag, i)->text);
  exit (1);
}

double
now_us (void)
{
  struct timespec now;

  clock_gettime (CLOCK_MONOTONIC, &now);
  return (double) now.tv_sec * 1e6 + (double) now.tv_nsec / 1e3;
}

const char *
in_scratch (const char *name)
{
  static char path[PATH_MAX];

  if (snprintf (path, sizeof path, "%.2000s/%.1000s", scratch, name) < 0)
    die (name);
  return path;
}

const char *
find_program (const char *name)
{
  const char *at = getenv ("PATH");
  char path[PATH_MAX];

  for (size_t size; at && *at; at += size + (at[size] == ':')) {
    size = strcspn (at, ":");
    snprintf (path, sizeof path, "%.*s/%s", (int) size, at, name);
    if (size && access (path, X_OK) == 0)
      return strdup (path);
  }
  return NULL;
}

/* Found before the C library's, by the library, too. */
ssize_t
recv (int fd, void *bytes, size_t size, int flags)
{
  ssize_t n = syscall (SYS_recvfrom, fd, bytes, size, flags, NULL, NULL);

  if (n > 0 && first_received == 0)
    first_received = now_us ();
  return n;
}

/* ---- medians --------------------------------------------------------------- */

static int
by_size (const void *a, const void *b)
{
  const double *one = a, *other = b;

  return (*one > *other) - (*one < *other);
}

static double
median (double *times)
{
  qsort (times, TURNS, sizeof *times, by_size);
  return (times[TURNS / 2 - 1] + times[TURNS / 2]) / 2;
}

struct row {
  const char *label;
  start_function *start;             /* or */
  stop_function *stop;
  const struct machine *machine;
  double first, second;              /* medians */
};

static struct times
measure_one (const struct row *row)
{
  struct times times = { 0, 0 };

  if (row->start)
    return row->start (row->machine);
  times.first = row->stop (row->machine);
  return times;
}

/* In turns, so that what else the machine does meets all of them. */
static void
measure_round (struct row *rows, size_t n_rows)
{
  static double first[MOST_ROWS][TURNS], second[MOST_ROWS][TURNS];

  for (size_t i = 0; i < TURNS; i++)
    for (size_t j = 0; j < n_rows; j++) {
      struct times times = measure_one (&rows[j]);

      first[j][i] = times.first;
      second[j][i] = times.second;
    }
  for (size_t j = 0; j < n_rows; j++) {
    double a = median (first[j]), b = median (second[j]);

    /* The least, since it only adds. */
    if (rows[j].first == 0 || a < rows[j].first)
      rows[j].first = a;
    if (rows[j].second == 0 || b < rows[j].second)
      rows[j].second = b;
  }
}

static void
measure (struct row *rows, size_t n_rows)
{
  for (unsigned i = 0; i < rounds; i++)
    measure_round (rows, n_rows);
}

/* ---- tables ---------------------------------------------------------------- */

static void
print_figures (double us, double bare)
{
  if (us == 0)
    printf ("  %9s  %9s  %5s", "-", "-", "-");
  else if (us == bare)
    printf ("  %9.2f  %9s  %5s", us / 1e3, "-", "-");
  else
    printf ("  %9.2f  %9.2f  %5.2f", us / 1e3, (us - bare) / 1e3, us / bare);
}

static void
print_head (const char *what, const char *first, const char *second)
{
  printf ("%s\n\n%-34s  %9s  %9s  %5s", what, "", first, "over bare", "times");
  if (second)
    printf ("  %9s  %9s  %5s", second, "over bare", "times");
  putchar ('\n');
}

/* The first row is what the others are compared with. */
static void
print_rows (const struct row *rows, size_t n_rows, int with_second)
{
  for (size_t i = 0; i < n_rows; i++) {
    printf ("%-34s", rows[i].label);
    print_figures (rows[i].first, rows[0].first);
    if (with_second)
      print_figures (rows[i].second, rows[0].second);
    putchar ('\n');
  }
}

static void
print_ratio (const char *label, const struct row *bare,
             const struct row *script_row, const struct row *ours)
{
  printf ("%s over bare / vmspec over bare = %.1f (aim: at least 5)\n", label,
          (script_row->first - bare->first) / (ours->first - bare->first));
}

/* ---- to QEMU's exec -------------------------------------------------------- */

static void
compare_exec (int tpm)
{
  static struct machine plain, asked;
  struct row rows[] = {
    { tpm ? "posix_spawn, of swtpm and QEMU" : "posix_spawn", bare_start, NULL,
      &plain, 0, 0 },
    { "vmspec_vm_start, no QMP", vmspec_start_only, NULL, &plain, 0, 0 },
    { "vmspec_vm_start", vmspec_start_only, NULL, &asked, 0, 0 },
    { "  with host_detect and plan_new", vmspec_start_all, NULL, &asked, 0, 0 },
    { "bash script", script_start, NULL, &plain, 0, 0 },
  };

  /* For the script; before others have pointers into the environment. */
  if (tpm)
    setenv ("VM_TPM_STATE", in_scratch ("tpm"), 1);
  machine_make (&plain, 0, tpm, VMSPEC_OFF);
  machine_make (&asked, 0, tpm, VMSPEC_ON);
  vmspec_start_only (&plain); /* makes what lasts */
  measure (rows, sizeof rows / sizeof *rows);
  print_head (tpm ? "With a TPM, ms:"
                  : "From the call to main() in QEMU's place, ms:",
              "to exec", NULL);
  print_rows (rows, sizeof rows / sizeof *rows, 0);
  print_ratio ("bash", &rows[0], &rows[4], &rows[2]);
  printf ("vmspec over bare: %.2f ms (aim: at most 2); it returns %.2f ms "
          "after the exec\n\n", (rows[2].first - rows[0].first) / 1e3,
          (rows[2].second - rows[2].first) / 1e3);
  fflush (stdout);
  machine_free (&plain);
  machine_free (&asked);
}

/* ---- to QEMU's greeting ---------------------------------------------------- */

static void
compare_greeting (int tpm)
{
  static struct machine machine;
  struct row rows[] = {
    { tpm ? "posix_spawn, of swtpm and QEMU" : "posix_spawn", bare_start, NULL,
      &machine, 0, 0 },
    { "vmspec_vm_start", vmspec_start_only, NULL, &machine, 0, 0 },
  };

  machine_make (&machine, 1, tpm, VMSPEC_ON);
  vmspec_start_only (&machine);
  measure (rows, sizeof rows / sizeof *rows);
  print_head (tpm ? "With a TPM, ms:"
                  : "QEMU itself, until it greets and until it answers, ms:",
              "greeting", "answer");
  print_rows (rows, sizeof rows / sizeof *rows, 1);
  printf ("(aim: at most 2 ms and 1.1 times)\n\n");
  fflush (stdout);
  machine_free (&machine);
}

/* ---- to the end ------------------------------------------------------------ */

static void
compare_stop (int real)
{
  static struct machine machine;
  struct row rows[] = {
    { real ? "QEMU: quit and waitpid" : "stand-in: command and waitpid", NULL,
      bare_stop, &machine, 0, 0 },
    { real ? "QEMU: quit and vmspec_vm_wait" : "stand-in: vmspec_vm_stop",
      NULL, vmspec_stop, &machine, 0, 0 },
  };

  if (real && !find_program ("qemu-system-x86_64"))
    return;
  machine_make (&machine, real, 0, VMSPEC_ON);
  measure (rows, 2);
  if (!real)
    print_head ("Until an obedient machine has gone, ms:", "time", NULL);
  print_rows (rows, 2, 0);
  fflush (stdout);
  machine_free (&machine);
}

/* ---------------------------------------------------------------------------- */

/* What swtpm from 0.8 on ends by, for the script. */
static void
look_at_swtpm (void)
{
  FILE *said = popen ("swtpm socket --print-capabilities 2>/dev/null", "re");
  char line[4096];

  unsetenv ("VM_SWTPM_TERMINATE");
  while (said && fgets (line, sizeof line, said))
    if (strstr (line, "ctrl-opt-terminate"))
      setenv ("VM_SWTPM_TERMINATE", ",terminate", 1);
  if (said)
    pclose (said);
}

static void
set_up (char **argv)
{
  static char path[PATH_MAX + 20];
  char self[PATH_MAX];
  ssize_t size = readlink ("/proc/self/exe", self, sizeof self - 1);

  if (size < 0 || vmspec_diag_new (&diag) < 0)
    die ("no place to work");
  self[size] = '\0';
  *strrchr (self, '/') = '\0';
  snprintf (path, sizeof path, "%s/bench-stand-in", self);
  stand_in = path;
  script = realpath (argv[1], NULL);
  snprintf (scratch, sizeof scratch, "%s/bench.XXXXXX",
            getenv ("TMPDIR") ? getenv ("TMPDIR") : "/tmp");
  if (!script || !mkdtemp (scratch) || chdir (scratch) < 0)
    die (argv[1]);
  atexit (remove_scratch);
  /* Any file will do, as nothing reads it. */
  if (mknod (in_scratch ("kernel"), S_IFREG | 0644, 0) < 0)
    die ("kernel");
  setenv ("TMPDIR", scratch, 1);
  setenv ("VM_DISK_IMAGE", in_scratch ("demo.qcow2"), 1);
  setenv ("VM_EXEC", "1", 1);
  unsetenv ("USE_TMPDIR");
  look_at_swtpm ();
  /* What a script leaves behind is waited for. */
  prctl (PR_SET_CHILD_SUBREAPER, 1);
}

int
main (int argc, char **argv)
{
  int has_qemu = !!find_program ("qemu-system-x86_64");
  int has_swtpm = !!find_program ("swtpm");

  if (argc < 2) {
    fputs ("usage: bench-start SCRIPT [ROUNDS [MACHINES]]\n", stderr);
    return 2;
  }
  if (argc > 2)
    rounds = (unsigned) strtoul (argv[2], NULL, 10);
  if (rounds < 1)
    rounds = 1;
  set_up (argv);
  compare_exec (0);
  if (has_swtpm)
    compare_exec (1);
  if (has_qemu)
    compare_greeting (0);
  if (has_qemu && has_swtpm)
    compare_greeting (1);
  compare_stop (0);
  compare_stop (1);
  print_memory (argc > 3 ? (unsigned) strtoul (argv[3], NULL, 10) : 200);
  print_calls ();
  vmspec_diag_free (diag);
  return 0;
}
