/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "machines.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "print.h"
#include "registry.h"
#include "run.h"
#include "suggest.h"

/* ---- one by its name ---------------------------------------------------- */

static void
offer (void *data, const char *content)
{
  struct suggestion *near = data;
  char name[256];

  registry_value (content, "name", name, sizeof name);
  vms_suggestion_offer (near, name, "'%.90s'", name);
}

static int
say_none (int directory, const char *name)
{
  struct suggestion near = { .word = name };

  if (directory >= 0)
    (void) registry_visit (directory, offer, &near);
  fputs ("vmspec-run: no machine runs by the name ", stderr);
  print_line (stderr, name);
  print_line (stderr, near.hint);
  fputs (*near.hint ? "\n" : "; see vmspec-run --list\n", stderr);
  return STATUS_NO_MACHINE;
}

int
find_machine (const char *name, int *ret_directory, char **ret_content)
{
  int directory = registry_open (), r;

  if (directory < 0 && directory != -ENOENT)
    return STATUS_FAILED;
  r = directory < 0 ? -ENOENT
                    : registry_read (directory, name, ret_content);
  if (r == 0) {
    *ret_directory = directory;
    return 0;
  }
  r = r == -ENOENT ? say_none (directory, name) : STATUS_FAILED;
  if (r == STATUS_FAILED)
    say_failure (name, -EIO);
  registry_close (directory);
  return r;
}

int
print_machine (const char *name)
{
  char *content;
  int directory, r = find_machine (name, &directory, &content);

  if (r)
    return r;
  fputs (content, stdout);
  free (content);
  registry_close (directory);
  return finish_output (stdout) < 0 ? STATUS_FAILED : 0;
}

/* ---- all ---------------------------------------------------------------- */

struct table {
  int rows, width;           /* of the names; measured first */
  int print;
};

/* Columns, as far as characters have one. */
static int
width_of (const char *text)
{
  int width = 0;

  for (; *text; text++)
    width += ((unsigned char) *text & 0xc0) != 0x80;
  return width;
}

static void
print_row (const struct table *table, const char *name, const char *state,
           const char *pid, const char *since)
{
  printf ("%s%*s  %-13s  %7s  %s\n", name, table->width - width_of (name), "",
          state, pid, since);
}

static void
add_row (void *data, const char *content)
{
  struct table *table = data;
  char name[256], state[32], pid[16], since[64];

  registry_value (content, "name", name, sizeof name);
  registry_value (content, "state", state, sizeof state);
  registry_value (content, "pid", pid, sizeof pid);
  registry_value (content, "since", since, sizeof since);
  table->rows++;
  if (table->print)
    print_row (table, name, state, pid, since);
  else if (width_of (name) > table->width)
    table->width = width_of (name);
}

int
list_machines (void)
{
  struct table table = { .width = (int) strlen ("NAME") };
  int directory = registry_open (), r = directory;

  if (directory >= 0)
    r = registry_visit (directory, add_row, &table);
  if (r >= 0 && table.rows) {
    print_row (&table, "NAME", "STATE", "PID", "SINCE");
    table.print = 1;
    r = registry_visit (directory, add_row, &table);
  } else if (r >= 0 || r == -ENOENT)
    fputs ("vmspec-run: no machine runs\n", stderr);
  registry_close (directory);
  return finish_output (stdout) < 0 || (r < 0 && r != -ENOENT) ? STATUS_FAILED
                                                               : 0;
}

/* ---- leftovers ---------------------------------------------------------- */

static const char *
temporary_directory (void)
{
  const char *directory = getenv ("TMPDIR");

  return directory && *directory ? directory : "/tmp";
}

int
clean_machines (void)
{
  const char *temporary = temporary_directory ();
  int directory = registry_open (), files = 0, r;
  size_t removed = 0;

  r = vmspec_clean (temporary, &removed);
  if (r < 0)
    say_failure (temporary, r);
  if (directory >= 0)
    files = registry_clean (directory);
  registry_close (directory);
  if (files < 0)
    say_failure ("the list of machines cannot be cleaned", files);
  if (removed)
    printf ("removed %zu run director%s of killed machines from %s\n", removed,
            removed == 1 ? "y" : "ies", temporary);
  if (files > 0)
    printf ("removed %d entr%s of killed machines from the list\n", files,
            files == 1 ? "y" : "ies");
  if (!removed && files <= 0 && r == 0)
    puts ("nothing was left by killed machines");
  if (finish_output (stdout) < 0 || r < 0 || files < 0
      || (directory < 0 && directory != -ENOENT))
    return STATUS_FAILED;
  return 0;
}
