/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "print.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct {
  const char *name, *colour;
} grades[] = {
  [VMSPEC_SEVERITY_WARNING] = { "warning", "\033[1;35m" },
  [VMSPEC_SEVERITY_BLOCKER] = { "blocker", "\033[1;31m" },
  [VMSPEC_SEVERITY_ERROR] = { "error", "\033[1;31m" },
};

static int
wants_colour (void)
{
  const char *no_colour = getenv ("NO_COLOR");

  return isatty (STDERR_FILENO) && (!no_colour || !*no_colour);
}

/* A line stays a line, and a terminal is told nothing, whatever a file name
 * holds. */
void
print_line (FILE *out, const char *text)
{
  for (; *text; text++)
    putc ((unsigned char) *text < ' ' || *text == '\177' ? '?' : *text, out);
}

static void
print_origin (FILE *out, const struct vmspec_finding *f, const vmspec_doc *doc,
              const char *origin)
{
  const char *file = f->file;
  uint64_t line = f->line;

  if (!file && doc && vmspec_doc_locate (doc, f->path, &file, &line) < 0)
    file = NULL;
  print_line (out, file ? file : origin ? origin : "vmspec-run");
  if (file && line)
    fprintf (out, ":%llu", (unsigned long long) line);
}

static void
print_finding (FILE *out, const struct vmspec_finding *f,
               const vmspec_doc *doc, const char *origin, int colour)
{
  print_origin (out, f, doc, origin);
  fprintf (out, ": %s%s:%s ", colour ? grades[f->severity].colour : "",
           grades[f->severity].name, colour ? "\033[m" : "");
  print_line (out, f->text);
  fprintf (out, " [%s]", f->id);
  if (*f->path) {
    fputs (" (", out);
    print_line (out, f->path);
    putc (')', out);
  }
  putc ('\n', out);
}

/* Standard error is not buffered, and there may be very many. */
void
print_findings (const vmspec_diag *diag, const vmspec_doc *doc,
                const char *origin)
{
  int colour = wants_colour ();
  char *text = NULL;
  size_t size = 0;
  FILE *memory = open_memstream (&text, &size);
  FILE *out = memory ? memory : stderr;

  for (size_t i = 0; i < vmspec_diag_count (diag); i++)
    print_finding (out, vmspec_diag_get (diag, i), doc, origin, colour);
  if (memory && fclose (memory) == 0)
    fwrite (text, 1, size, stderr);
  free (text);
}

int
has_finding (const vmspec_diag *diag, enum vmspec_severity severity)
{
  for (size_t i = 0; i < vmspec_diag_count (diag); i++)
    if (vmspec_diag_get (diag, i)->severity >= severity)
      return 1;
  return 0;
}

void
print_argv (FILE *out, const char *const *argv, int with_nul)
{
  for (; *argv; argv++) {
    fputs (*argv, out);
    putc (with_nul ? '\0' : '\n', out);
  }
}

int
finish_output (FILE *out)
{
  if (!ferror (out) && fflush (out) == 0)
    return 0;
  fprintf (stderr, "vmspec-run: the output could not be written: %s\n",
           strerror (errno));
  return -1;
}
