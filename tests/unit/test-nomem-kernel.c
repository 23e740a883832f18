/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What happens when memory runs out while a kernel is looked at: each allocation
 * fails in its turn, alone and with all that follow.  zlib's own go by the C
 * library alone.
 */
#include "nomem.h"
#include "scratch.h"

#include <zlib.h>

static struct vmspec_guest_settings settings;
/* Of a length that varies, so that the library's chunks are full at another
 * place each time. */
static char padding[5000];
static char directory[PATH_MAX + 5000];

static void
write_files (void)
{
  char name[100];
  gzFile file = gzopen (below ("config"), "wb");

  ck_assert_ptr_nonnull (file);
  ck_assert_int_gt (gzputs (file, "CONFIG_X=m\n"), 0);
  for (int i = 0; i < 1000; i++)
    ck_assert_int_gt (gzputs (file, "# CONFIG_9P_FS is not set\n"), 0);
  ck_assert_int_eq (gzclose (file), Z_OK);
  make_file (below ("modules.dep"), 0644, "x.ko:\n");
  make_file (below ("modules.builtin"), 0644, "y.ko\n");
  /* What looks like /lib/modules. */
  ck_assert_int_eq (mkdir (below ("all"), 0755), 0);
  for (int i = 0; i < 3; i++) {
    snprintf (name, sizeof name, "all/%d", i);
    ck_assert_int_eq (mkdir (below (name), 0755), 0);
    snprintf (name, sizeof name, "all/%d/modules.dep", i);
    make_file (below (name), 0644, "");
  }
}

static void
set_up (void)
{
  static const struct vmspec_kernel_need missing
    = { VMSPEC_INIT (vmspec_kernel_need), .symbol = "9P_FS", .module = "9p",
        .option = padding, .builtin = VMSPEC_OFF };
  static const struct vmspec_kernel_need module
    = { VMSPEC_INIT (vmspec_kernel_need), .symbol = "X", .module = "x",
        .option = "x", .builtin = VMSPEC_ON };
  static const struct vmspec_kernel_need *const needs[]
    = { &missing, &module, NULL };

  memory = (typeof (memory)) { 0 };
  settings = (struct vmspec_guest_settings) {
    VMSPEC_INIT (vmspec_guest_settings), .kernel_needs = needs };
  scratch_make ();
  write_files ();
}

static void
tear_down (void)
{
  memory.watching = 0;
  scratch_remove ();
}

/* The same directory by a name of another length. */
static const char *
padded (const char *name)
{
  size_t size = strlen (padding) < 3000 ? strlen (padding) : 3000;
  int n = snprintf (directory, sizeof directory, "%s/", scratch);

  memset (directory + n, '/', size);
  strcpy (directory + n + size, name);
  return directory;
}

/* ---- what is tried ------------------------------------------------------- */

static int
expected (int r, int wanted)
{
  return r == wanted ? 0 : r == 0 ? 1 : r;
}

static int
try_config (void)
{
  return expected (vmspec_check_kernel_config (&settings, padded ("config"),
                                               NULL), -ENOEXEC);
}

static int
try_modules (void)
{
  return expected (vmspec_check_kernel_modules (&settings, padded (""), NULL),
                   -ENOEXEC);
}

static int
try_all_versions (void)
{
  return expected (vmspec_check_kernel_modules (&settings, padded ("all"),
                                                NULL), -EINVAL);
}

static int
try_findings (void)
{
  vmspec_diag *diag = NULL;
  int r = vmspec_diag_new (&diag);

  if (r < 0)
    return r;
  r = expected (vmspec_check_kernel_config (&settings, padded ("config"), diag),
                -ENOEXEC);
  /* An error all the same, with or without the memory to tell of it. */
  if (r == 0 && memory.failed)
    r = -ENOMEM;
  if (r == 0 && vmspec_diag_count (diag) != 2)
    r = 2;
  vmspec_diag_free (diag);
  return r;
}

/* ---- trying -------------------------------------------------------------- */

static void
survives (int (*what) (void))
{
  size_t step = unit_is_watched () ? 1237 : 16;

  ck_assert_int_eq (try_with_failure (what, -1, 0), 0);
  for (size_t size = 0; size < sizeof padding - 5; size += step) {
    memset (padding, 'x', size);
    padding[size] = '\0';
    survives_each (what, 0);
    survives_each (what, 1);
  }
}

#define SURVIVES(name, what)                                                   \
  START_TEST (name) { survives (what); }                                       \
  END_TEST

SURVIVES (a_configuration_is_judged_or_not, try_config)
SURVIVES (modules_are_judged_or_not, try_modules)
SURVIVES (a_wrong_directory_is_one_without_memory, try_all_versions)
SURVIVES (findings_are_an_error_even_untold, try_findings)

int
main (void)
{
  TCase *t = unit_case ("nomem-kernel");

  tcase_add_checked_fixture (t, set_up, tear_down);
  tcase_add_test (t, a_configuration_is_judged_or_not);
  tcase_add_test (t, modules_are_judged_or_not);
  tcase_add_test (t, a_wrong_directory_is_one_without_memory);
  tcase_add_test (t, findings_are_an_error_even_untold);
  return unit_run ("nomem-kernel", t);
}
