/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The library exports what lib/vmspec.sym lists, each function under the
 * version it is listed with, and nothing else.  It is looked at as a stranger
 * would: by its file.
 */
#include "unit.h"

#include <dlfcn.h>

#define MOST 500

static struct symbol {
  char name[100], version[40];
} listed[MOST], exported[MOST];
static size_t n_listed, n_exported;

static void
read_list (void)
{
  char path[4096], line[200], version[40] = "";
  const char *top = getenv ("VMSPEC_SRCDIR");
  int global = 0;
  FILE *file;

  snprintf (path, sizeof path, "%s/lib/vmspec.sym", top ? top : ".");
  file = fopen (path, "r");
  ck_assert_msg (file != NULL, "%s", path);
  for (n_listed = 0; fgets (line, sizeof line, file);) {
    struct symbol *s = &listed[n_listed];

    if (strchr (line, '{')) {
      sscanf (line, "%39[A-Za-z0-9_.] {", version);
      continue;
    }
    if (strstr (line, "global:"))
      global = 1;
    else if (strstr (line, "local:"))
      global = 0;
    else if (global && sscanf (line, " %99[a-z0-9_];", s->name) == 1) {
      strcpy (s->version, version);
      ck_assert_uint_lt (++n_listed, MOST);
    }
  }
  fclose (file);
}

/* By nm: "0000000000004a2f T vmspec_check@@VMSPEC_0.1". */
static void
read_exports (const char *library)
{
  char command[4096], line[300];
  FILE *pipe;

  snprintf (command, sizeof command, "nm -D --defined-only '%s'", library);
  pipe = popen (command, "r");
  ck_assert_ptr_nonnull (pipe);
  for (n_exported = 0; fgets (line, sizeof line, pipe);) {
    struct symbol *s = &exported[n_exported];
    char kind;

    /* The versions themselves are absolute symbols. */
    if (sscanf (line, "%*x %c %99[^@\n]@@%39s", &kind, s->name, s->version) < 2
        || kind == 'A')
      continue;
    ck_assert_uint_lt (++n_exported, MOST);
  }
  ck_assert_int_eq (pclose (pipe), 0);
}

static int
by_name (const void *a, const void *b)
{
  const struct symbol *one = a, *other = b;

  return strcmp (one->name, other->name);
}

static const char *
library (void)
{
  const char *path = getenv ("VMSPEC_LIBRARY");

  return path ? path : ".libs/libvmspec.so.0";
}

START_TEST (what_is_exported_is_what_is_listed)
{
  read_list ();
  read_exports (library ());
  qsort (listed, n_listed, sizeof *listed, by_name);
  qsort (exported, n_exported, sizeof *exported, by_name);
  for (size_t i = 0; i < n_listed && i < n_exported; i++) {
    ck_assert_str_eq (exported[i].name, listed[i].name);
    ck_assert_str_eq (exported[i].version, listed[i].version);
  }
  ck_assert_uint_eq (n_exported, n_listed);
  ck_assert_uint_gt (n_listed, 30);
}
END_TEST

START_TEST (each_function_is_found_by_its_version)
{
  void *handle = dlopen (library (), RTLD_NOW | RTLD_LOCAL);

  ck_assert_msg (handle != NULL, "%s", dlerror ());
  read_list ();
  for (size_t i = 0; i < n_listed; i++) {
    ck_assert_msg (dlvsym (handle, listed[i].name, listed[i].version) != NULL,
                   "%s@%s", listed[i].name, listed[i].version);
    ck_assert_msg (!dlvsym (handle, listed[i].name, "VMSPEC_9.9"), "%s",
                   listed[i].name);
  }
  dlclose (handle);
}
END_TEST

START_TEST (every_function_of_the_header_is_exported)
{
  char path[4096], *text = calloc (1, 1 << 17), *at;
  const char *top = getenv ("VMSPEC_SRCDIR");
  size_t n = 0;
  FILE *file;

  snprintf (path, sizeof path, "%s/include/vmspec/vmspec.h", top ? top : ".");
  file = fopen (path, "r");
  ck_assert_msg (file != NULL, "%s", path);
  ck_assert_uint_gt (fread (text, 1, (1 << 17) - 1, file), 0);
  fclose (file);
  read_list ();
  at = text;
  while ((at = strstr (at, "\nVMSPEC_PUBLIC"))) {
    char name[100] = "", *parenthesis = strchr (at, '(');
    const char *start = parenthesis - 1;
    int found = 0;

    while (start[-1] == '_' || (start[-1] >= 'a' && start[-1] <= 'z'))
      start--;
    sscanf (start, "%99[a-z_]", name);
    for (size_t i = 0; i < n_listed; i++)
      found |= !strcmp (listed[i].name, name);
    ck_assert_msg (found, "%s is not in lib/vmspec.sym", name);
    at = parenthesis;
    n++;
  }
  ck_assert_uint_eq (n, n_listed);
  free (text);
}
END_TEST

int
main (void)
{
  TCase *t = unit_case ("symbols");

  tcase_add_test (t, what_is_exported_is_what_is_listed);
  tcase_add_test (t, each_function_is_found_by_its_version);
  tcase_add_test (t, every_function_of_the_header_is_exported);
  return unit_run ("symbols", t);
}
