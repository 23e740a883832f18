/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the parts of bench-start share. */
#ifndef BENCH_START_H
#define BENCH_START_H

#include <vmspec/vmspec.h>

#include <limits.h>
#include <stdnoreturn.h>
#include <sys/types.h>

extern char scratch[];                   /* a directory of this run's own */
extern const char *stand_in, *script;    /* bench-stand-in, start-script */
extern vmspec_diag *diag;

noreturn void die (const char *what);
double now_us (void);
/* A path that lives until the next call. */
const char *in_scratch (const char *name);
/* In PATH; NULL if there is none.  Never freed. */
const char *find_program (const char *name);

/* When the first bytes came by recv() since it was set to 0: in the library's
 * calls of it as well. */
extern double first_received;

/* ---- machines ------------------------------------------------------------ */

struct machine {
  struct vmspec spec;
  struct vmspec_qemu qemu;
  struct vmspec_boot boot;
  struct vmspec_disk disk;
  struct vmspec_tpm tpm;
  struct vmspec_host given;
  struct vmspec_host *host;
  vmspec_plan *plan;
  char image[PATH_MAX], kernel[PATH_MAX], state[PATH_MAX];
  uint32_t qmp;                          /* switch */
  int real;                              /* QEMU itself */
};

void machine_make (struct machine *machine, int real, int tpm, uint32_t qmp);
/* Another of the same description, with a run directory of its own. */
vmspec_plan *machine_another_plan (const struct machine *machine,
                                   unsigned number);
vmspec_vm *machine_start (const struct machine *machine,
                          const vmspec_plan *plan);
void machine_free (struct machine *machine);

/* ---- one start ----------------------------------------------------------- */

/* Microseconds from the call. */
struct times {
  double first;  /* the stand-in's main(), or QEMU's greeting */
  double second; /* the return to the caller, or QEMU's answer; 0: none */
};

typedef struct times start_function (const struct machine *machine);
/* Microseconds until an obedient machine has gone. */
typedef double stop_function (const struct machine *machine);

start_function bare_start, script_start, vmspec_start_only, vmspec_start_all;
stop_function bare_stop, vmspec_stop;

int open_null (void);
/* A pipe, of which the stand-in gets the end for writing; both are closed by
 * reading what it said. */
void stamp_open (int ends[2]);
double stamp_read (int ends[2]);

/* ---- other parts --------------------------------------------------------- */

void print_memory (unsigned machines);
void print_calls (void);

#endif
