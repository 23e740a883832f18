/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a plan costs, one figure a line as "name value".  The driver beside this
 * file, "bench", runs it and makes a table of it.
 *
 *     bench-plan time DRIVES ROUNDS       nanoseconds of a plan, made and freed
 *     bench-plan once DRIVES              the same, once, for callgrind
 *     bench-plan memory DRIVES            bytes
 *     bench-plan spawn ROUNDS PROGRAM...  nanoseconds from spawn to end
 *
 * DRIVES is how many drives a description has beyond the built-in root disk.
 */
#include <vmspec/vmspec.h>

#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define CHECK(condition)                                                       \
  do {                                                                         \
    if (!(condition)) {                                                        \
      fprintf (stderr, "%s:%d: %s: %s\n", __FILE__, __LINE__, #condition,      \
               strerror (errno));                                              \
      exit (1);                                                                \
    }                                                                          \
  } while (0)

/* ---- what is allocated -------------------------------------------------- */

/* The library allocates by calloc alone; this one is found before the C
 * library's. */
void *__libc_calloc (size_t count, size_t size);
void *calloc (size_t count, size_t size);

static size_t allocated, allocations;

void *
calloc (size_t count, size_t size)
{
  allocated += count * size;
  allocations++;
  return __libc_calloc (count, size);
}

/* ---- the description ---------------------------------------------------- */

/* Bytes of structs, pointers and texts that make up the description. */
static size_t said;

static void *
vms_say (const void *data, size_t size)
{
  void *copy = malloc (size);

  CHECK (copy);
  said += size;
  return memcpy (copy, data, size);
}

#define SAY(type, ...) \
  vms_say (&(struct type){ VMSPEC_INIT (type), __VA_ARGS__ }, \
           sizeof (struct type))

static const char *
say_text (const char *format, size_t number)
{
  char text[64];

  return vms_say (text,
                  (size_t) snprintf (text, sizeof text, format, number) + 1);
}

static const void *
say_drive (size_t i)
{
  const struct vmspec_property *serial[]
    = { SAY (vmspec_property, .name = say_text ("serial", 0),
             .value = say_text ("serial%zu", i)),
        NULL };

  return SAY (vmspec_drive, .name = say_text ("data%zu", i),
              .file = say_text ("/srv/images/data%zu.qcow2", i),
              .format = VMSPEC_IMAGE_FORMAT_QCOW2,
              .device_options = vms_say (serial, sizeof serial));
}

/* What is said of a small Linux guest; the rest is the library's to decide. */
static const struct vmspec *
description (size_t n_drives)
{
  const void **drives = calloc (n_drives + 1, sizeof *drives);

  CHECK (drives);
  for (size_t i = 0; i < n_drives; i++)
    drives[i] = say_drive (i);
  return SAY (vmspec, .name = say_text ("demo", 0),
              .boot = SAY (vmspec_boot,
                           .kernel = say_text ("/srv/vmlinuz", 0),
                           .initrd = say_text ("/srv/initrd.img", 0)),
              .drives = vms_say (drives, (n_drives + 1) * sizeof *drives));
}

/* A machine to plan for, so that none is looked at. */
static const struct vmspec_host host = {
  VMSPEC_INIT (vmspec_host),
  .arch = VMSPEC_ARCH_X86_64, .os = VMSPEC_OS_LINUX,
  .kvm = VMSPEC_KVM_USABLE, .cpus = 2,
  .directory = "/srv", .run_name = "vmspec.bench",
  .environment = (const char *const[]) { "PATH=/usr/bin:/bin", NULL },
  .arguments = (const char *const[]) { NULL },
  .programs = (const struct vmspec_host_program *const[]) {
    &(const struct vmspec_host_program) { VMSPEC_INIT (vmspec_host_program),
      .name = "qemu-system-x86_64", .path = "/usr/bin/qemu-system-x86_64" },
    NULL },
  .files = (const struct vmspec_host_file *const[]) { NULL },
  .firmware = (const struct vmspec_host_firmware *const[]) { NULL },
};

/* callgrind counts what happens in here. */
__attribute__ ((noinline)) void measured_plan (const struct vmspec *spec);

void
measured_plan (const struct vmspec *spec)
{
  vmspec_plan *plan = NULL;

  CHECK (vmspec_plan_new (spec, &host, NULL, &plan) == 0);
  vmspec_plan_free (plan);
}

/* ---- figures ------------------------------------------------------------ */

static double
now (void)
{
  struct timespec t;

  clock_gettime (CLOCK_MONOTONIC, &t);
  return (double) t.tv_sec * 1e9 + (double) t.tv_nsec;
}

static int
by_size (const void *a, const void *b)
{
  const double *one = a, *other = b;

  return (*one > *other) - (*one < *other);
}

static void
print_times (double *times, size_t n)
{
  qsort (times, n, sizeof *times, by_size);
  printf ("least %.0f\nmedian %.0f\n", times[0], times[n / 2]);
}

static void
measure_time (const struct vmspec *spec, size_t rounds)
{
  double *times = malloc (rounds * sizeof *times);

  CHECK (times && rounds);
  measured_plan (spec);
  for (size_t i = 0; i < rounds; i++) {
    double start = now ();

    measured_plan (spec);
    times[i] = now () - start;
  }
  print_times (times, rounds);
}

/* Not ru_maxrss: that one starts with what the parent had. */
static size_t
peak (void)
{
  FILE *status = fopen ("/proc/self/status", "re");
  char line[256];
  size_t kib = 0;

  CHECK (status);
  while (!kib && fgets (line, sizeof line, status))
    (void) sscanf (line, "VmHWM: %zu kB", &kib);
  fclose (status);
  return kib * 1024;
}

static void
measure_memory (const struct vmspec *spec)
{
  size_t before = peak ();

  allocated = allocations = 0;
  measured_plan (spec);
  printf ("description %zu\nallocated %zu\nallocations %zu\n", said, allocated,
          allocations);
  printf ("peak %zu\n", peak () - before);
}

static void
spawn (char *const *argv)
{
  extern char **environ;
  pid_t pid;
  int status;

  errno = posix_spawn (&pid, argv[0], NULL, NULL, argv, environ);
  CHECK (errno == 0);
  CHECK (waitpid (pid, &status, 0) == pid);
  CHECK (WIFEXITED (status) && WEXITSTATUS (status) == 0);
}

static void
measure_spawn (size_t rounds, char *const *argv)
{
  double *times = malloc (rounds * sizeof *times);

  CHECK (times && rounds);
  spawn (argv);
  for (size_t i = 0; i < rounds; i++) {
    double start = now ();

    spawn (argv);
    times[i] = now () - start;
  }
  print_times (times, rounds);
}

int
main (int argc, char **argv)
{
  const char *what = argc > 2 ? argv[1] : "";
  size_t n = argc > 2 ? strtoul (argv[2], NULL, 10) : 0;

  if (!strcmp (what, "time") && argc == 4)
    measure_time (description (n), strtoul (argv[3], NULL, 10));
  else if (!strcmp (what, "once"))
    measured_plan (description (n));
  else if (!strcmp (what, "memory"))
    measure_memory (description (n));
  else if (!strcmp (what, "spawn") && argc > 3)
    measure_spawn (n, argv + 3);
  else {
    fputs ("usage: bench-plan time DRIVES ROUNDS | once DRIVES | "
           "memory DRIVES | spawn ROUNDS PROGRAM...\n", stderr);
    return 2;
  }
  return 0;
}
