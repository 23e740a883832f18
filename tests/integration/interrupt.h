/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Makes images and takes the steps of a plan while something goes wrong: the
 * process dies, a system call or an allocation fails, the disk is full, others
 * do the same.  Afterwards every file is to be whole or absent.
 *
 * What is made is the same each time, to the byte: the time and random UUIDs
 * are replaced.  So whatever equals the reference, which was made undisturbed
 * and which "interrupted" shows to other programs, is perfect.
 */
#ifndef VMSPEC_TESTS_INTERRUPT_H
#define VMSPEC_TESTS_INTERRUPT_H

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

#include <vmspec/vmspec.h>

#define COUNT(array) (sizeof (array) / sizeof *(array))
#define LIST(type, ...) ((const struct type *const[]) { __VA_ARGS__, NULL })

/* What the test itself needs and does not get. */
void fatal (const char *what) __attribute__ ((noreturn));

/* ---- what is made (interrupt-kinds.c) ----------------------------------- */

/* How files get their names, as far as the file system lets them. */
enum mode { NAMELESS, NAMED, LINKED, N_MODES };

extern const char *const mode_names[N_MODES];

/* Chooses the kind by its name; makes what it is made of, and what is there
 * before, in the current directory.  77 if a program is missing. */
int kind_set_up (const char *name);
void kind_list (void);
/* Makes it, with threads or not.  What is there already is no error. */
int kind_make (vmspec_diag *diag);
/* As kind_make, but with a plan of the caller's own: for threads. */
int kind_make_apart (void);

/* ---- what is there (interrupt-state.c) ---------------------------------- */

#define MOST_ENTRIES 96

struct entry {
  char path[160];
  mode_t mode;
  nlink_t links;
  uint64_t size, hash;       /* of files, and of what links hold */
  int64_t changed;           /* of files */
};

struct state {
  size_t n;
  struct entry entries[MOST_ENTRIES];
};

enum state_flag {
  COMPLETE = 1,              /* everything that is to be made is there */
  MAY_HAVE_TEMPORARY = 2,    /* of a dead process */
  MAY_HAVE_COPY = 4          /* the same, of a file that is replaced */
};

/* The current directory. */
void state_take (struct state *state);
/* NULL, or what is wrong: something that was there before has changed; what was
 * made is not as in the reference; something else is there. */
const char *state_problem (const struct state *now, const struct state *before,
                           const struct state *reference, int flags);
/* Removes what was not there. */
void state_restore (const struct state *before);

/* ---- a try (interrupt-disturb.c) ---------------------------------------- */

/* What a process tells before it ends. */
struct report {
  int ended;                 /* it came so far */
  int result, findings;      /* of the call */
  int failed;                /* something was made to fail */
  int leaked;                /* descriptors */
  int may_crash;             /* a library that cannot do without got no
                                memory */
  char said[200];            /* the first finding */
};

extern struct report *report;

void disturb_set_up (void);
/* Each makes it in a process of its own, in this mode, and waits for all that
 * the process has started.  They return waitpid's status. */
int run_undisturbed (enum mode mode);
/* Killed before its *n-th system call, from 1.  If it survives, *n is less by
 * the number of its calls. */
int run_killed (enum mode mode, long *n);
/* The @n-th system call of a class fails. */
int run_failing (enum mode mode, size_t class, long n);
/* The @n-th allocation fails, and all that follow if @for_ever. */
int run_without_memory (enum mode mode, long n, int for_ever);
/* No file may become larger. */
int run_limited (enum mode mode, uint64_t size);
/* As run_undisturbed, but only started. */
pid_t start_undisturbed (enum mode mode, unsigned delay);
pid_t start_threads (enum mode mode, unsigned n);
/* Until there are no children of children left either; 0 if there were some
 * after ten seconds. */
int wait_for_orphans (void);
/* Name of a class of failing system calls; NULL past the end. */
const char *class_name (size_t class);
int class_error (size_t class);

/* ---- several at once (interrupt-starters.c) ----------------------------- */

struct attempt {
  enum mode mode;
  long step;                 /* only each so many-th call is disturbed */
  struct state before, reference;
  unsigned duration;         /* of an undisturbed run, in microseconds */
  unsigned tries, problems;
};

/* Says what went wrong, unless much has been said. */
void complain (struct attempt *a, const char *where, const char *what);
/* Everything is there after an undisturbed run, and nothing else; then restores
 * what was before. */
void check_complete (struct attempt *a, const char *where, int run_again);

void try_starters (struct attempt *a);
void try_killed_starters (struct attempt *a);

#endif
