/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the unit tests share: running a suite, repeatable randomness, a plain
 * host, and looking for findings.
 */
#ifndef VMSPEC_TESTS_UNIT_H
#define VMSPEC_TESTS_UNIT_H

#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <vmspec/vmspec.h>

#define UNUSED __attribute__ ((unused))
#define COUNT(array) (sizeof (array) / sizeof *(array))

/* NULL-terminated lists of strings and of pointers to structs. */
#define STRINGS(...) ((const char *const[]) { __VA_ARGS__, NULL })
#define LIST(type, ...) ((const struct type *const[]) { __VA_ARGS__, NULL })

/* How many descriptors are open; to be compared only with another such number. */
static UNUSED int
unit_descriptors (void)
{
  DIR *directory = opendir ("/proc/self/fd");
  int n = 0;

  ck_assert_ptr_nonnull (directory);
  while (readdir (directory))
    n++;
  closedir (directory);
  return n;
}

static int unit_descriptors_before;

/* Each test starts without standard input, since 0 is a descriptor as good as
 * others; but not in Check's own process, where the next file of Check's would be
 * there. */
static void
unit_begin (void)
{
  const char *forks = getenv ("CK_FORK");

  if (!forks || strcmp (forks, "no"))
    close (STDIN_FILENO);
  unit_descriptors_before = unit_descriptors ();
}

static void
unit_end (void)
{
  ck_assert_int_eq (unit_descriptors (), unit_descriptors_before);
}

static inline TCase *
unit_case (const char *name)
{
  TCase *tcase = tcase_create (name);

  /* For a slow machine; valgrind's runs do not fork and have no limit. */
  tcase_set_timeout (tcase, 120);
  tcase_add_checked_fixture (tcase, unit_begin, unit_end);
  return tcase;
}

static inline int
unit_run (const char *name, TCase *tcase)
{
  Suite *suite = suite_create (name);
  SRunner *runner = srunner_create (suite);
  int failed;

  suite_add_tcase (suite, tcase);
  srunner_run_all (runner, CK_ENV);
  failed = srunner_ntests_failed (runner);
  srunner_free (runner);
  return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* How often to try something random: less where everything is slower. */
static UNUSED unsigned
unit_rounds (unsigned rounds)
{
  const char *slowness = getenv ("VMSPEC_TEST_SLOWNESS");
  unsigned divisor = slowness ? (unsigned) strtoul (slowness, NULL, 10) : 1;

  return divisor > 1 ? rounds / divisor + 1 : rounds;
}

/* Whether something watches that makes system calls and allocations of its
 * own: valgrind or a sanitizer. */
static UNUSED int
unit_is_watched (void)
{
  return getenv ("VMSPEC_TEST_SLOWNESS") != NULL;
}

/* ---- randomness ---------------------------------------------------------- */

struct random {
  uint64_t state;
};

/* splitmix64: any seed will do, and a failure is repeated by its seed. */
static UNUSED uint64_t
random_number (struct random *r)
{
  uint64_t z = r->state += 0x9e3779b97f4a7c15u;

  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
  z = (z ^ z >> 27) * 0x94d049bb133111ebu;
  return z ^ z >> 31;
}

static UNUSED size_t
random_below (struct random *r, size_t n)
{
  return (size_t) (random_number (r) % n);
}

/* Bytes as a path may have them: everything but NUL, and often what is special
 * to somebody. */
static UNUSED size_t
random_bytes (struct random *r, char *text, size_t most)
{
  static const char special[] = ",,,,==::''\"\"\\\\$` \t\n#;|&*?~!(){}[]<>%-./";
  size_t n = random_below (r, most + 1);

  for (size_t i = 0; i < n; i++)
    text[i] = random_below (r, 3)
                ? special[random_below (r, sizeof special - 1)]
                : (char) (1 + random_below (r, 255));
  text[n] = '\0';
  return n;
}

/* ---- a host -------------------------------------------------------------- */

static const struct vmspec_host_program unit_qemu = {
  VMSPEC_INIT (vmspec_host_program),
  .name = "qemu-system-x86_64", .path = "/bin/qemu-system-x86_64",
};

/* Nothing special: x86_64, no KVM, QEMU for it, an empty environment. */
static UNUSED struct vmspec_host
unit_host (void)
{
  static const char *const nothing[] = { NULL };
  static const struct vmspec_host_program *const programs[]
    = { &unit_qemu, NULL };
  static const struct vmspec_host_file *const files[] = { NULL };
  static const struct vmspec_host_firmware *const firmware[] = { NULL };

  return (struct vmspec_host) {
    VMSPEC_INIT (vmspec_host), .arch = VMSPEC_ARCH_X86_64,
    .os = VMSPEC_OS_LINUX, .kvm = VMSPEC_KVM_ABSENT, .cpus = 4,
    .directory = "/here", .run_name = "vmspec.0123456789",
    .environment = nothing, .arguments = nothing, .programs = programs,
    .files = files, .firmware = firmware,
  };
}

/* ---- findings ------------------------------------------------------------ */

static UNUSED const struct vmspec_finding *
unit_finding (const vmspec_diag *diag, const char *id)
{
  for (size_t i = 0; i < vmspec_diag_count (diag); i++)
    if (!strcmp (vmspec_diag_get (diag, i)->id, id))
      return vmspec_diag_get (diag, i);
  return NULL;
}

/* All of them, for the message of a test that fails. */
static UNUSED const char *
unit_findings (const vmspec_diag *diag)
{
  static char text[4096];
  size_t used = 0;

  text[0] = '\0';
  for (size_t i = 0; i < vmspec_diag_count (diag) && used < sizeof text; i++) {
    const struct vmspec_finding *f = vmspec_diag_get (diag, i);

    used += (size_t) snprintf (text + used, sizeof text - used, "\n%s %s: %s",
                               f->id, f->path, f->text);
  }
  return text;
}

/* A plan of what is expected to be without any error. */
static UNUSED vmspec_plan *
unit_plan (const struct vmspec *spec, const struct vmspec_host *host)
{
  vmspec_plan *plan = NULL;
  vmspec_diag *diag = NULL;
  int r;

  ck_assert_int_eq (vmspec_diag_new (&diag), 0);
  r = vmspec_plan_new (spec, host, diag, &plan);
  ck_assert_msg (r == 0, "%s: %s", strerror (-r), unit_findings (diag));
  vmspec_diag_free (diag);
  return plan;
}

/* The index of the word @flag followed by @value (unless NULL), or -1. */
static UNUSED int
unit_word (const char *const *argv, const char *flag, const char *value)
{
  for (int i = 0; argv[i]; i++)
    if (!strcmp (argv[i], flag)
        && (!value || (argv[i + 1] && !strcmp (argv[i + 1], value))))
      return i;
  return -1;
}

#endif
