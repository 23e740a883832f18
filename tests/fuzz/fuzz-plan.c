/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The input is an XML file whose plan is made: its command is its argument
 * vector for a shell, and a resolved description is a description with the
 * same plan. */
#include "fuzz.h"

#include <jansson.h>

/* Takes the next word off a command, without the shell's quotes. */
static char *
next_word (const char **command)
{
  const char *at = *command;
  char *word = malloc (strlen (at) + 1), *to = word;
  int quoted = 0;

  HOLDS (word);
  at += strspn (at, " \n");
  while (!strncmp (at, "\\\n", 2))
    at += 2 + strspn (at + 2, " \n");
  for (; *at && (quoted || (*at != ' ' && *at != '\n')); at++)
    if (*at == '\'')
      quoted = !quoted;
    else if (*at == '\\' && !quoted)
      *to++ = *++at;
    else
      *to++ = *at;
  HOLDS (!quoted);
  *to = '\0';
  *command = at;
  return word;
}

/* The command ends with the argument vector, whatever comes before. */
static void
holds_command (const vmspec_plan *plan)
{
  const char *const *argv = vmspec_plan_argv (plan);
  const char *command = vmspec_plan_command (plan);
  const char *start = strstr (command, " &&\n");

  HOLDS (start);
  while (strstr (start + 1, " &&\n"))
    start = strstr (start + 1, " &&\n");
  command = start + 4;
  HOLDS (argv && argv[0]);
  for (; *argv; argv++) {
    char *word = next_word (&command);

    HOLDS (!strcmp (word, *argv));
    free (word);
  }
  HOLDS (!strcmp (command, "\n"));
}

static void
holds_same_argv (const vmspec_plan *plan, const vmspec_plan *other)
{
  const char *const *a = vmspec_plan_argv (plan);
  const char *const *b = vmspec_plan_argv (other);

  for (; *a && *b; a++, b++)
    HOLDS (!strcmp (*a, *b));
  HOLDS (!*a && !*b);
}

static void
holds_resolved (const struct vmspec *spec, const vmspec_plan *plan)
{
  vmspec_doc *once = NULL, *twice = NULL;
  vmspec_plan *again = NULL;
  const char *first, *second;

  HOLDS (vmspec_resolve (spec, &fuzz_host, NULL, &once) == 0);
  HOLDS (vmspec_resolve (vmspec_doc_spec (once), &fuzz_host, NULL, &twice)
         == 0);
  first = holds_round_trip (once);
  second = holds_round_trip (twice);
  HOLDS (first && second && !strcmp (first, second));
  HOLDS (vmspec_plan_new (vmspec_doc_spec (once), &fuzz_host, NULL, &again)
         == 0);
  holds_same_argv (plan, again);
  vmspec_plan_free (again);
  vmspec_doc_free (once);
  vmspec_doc_free (twice);
}

/* A line of fstab for each mount, whatever stands in it. */
static void
holds_lines (const char *text, size_t n)
{
  for (; *text; text = strchr (text, '\n') + 1) {
    HOLDS (strchr (text, '\n'));
    n -= *text != '#';
  }
  HOLDS (n == 0);
}

static void
holds_guest (const vmspec_plan *plan, uint32_t form)
{
  struct vmspec_guest_settings *settings = NULL;
  size_t mounts = 0;

  HOLDS (vmspec_plan_guest (plan, form, NULL, &settings) == 0);
  while (settings->file_systems[mounts])
    mounts++;
  if (form == VMSPEC_GUEST_FORM_FSTAB)
    holds_lines (settings->files[0]->content, mounts);
  if (form == VMSPEC_GUEST_FORM_JSON) {
    json_t *json = json_loads (settings->files[0]->content, 0, NULL);

    HOLDS (json_is_object (json));
    json_decref (json);
  }
  vmspec_guest_settings_free (settings);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  vmspec_diag *diag = new_diag ();
  vmspec_doc *doc = NULL;
  vmspec_plan *plan = NULL;

  if (vmspec_doc_read_memory (data, size, NULL, NULL, &doc) == 0) {
    const struct vmspec *spec = vmspec_doc_spec (doc);
    int r = vmspec_plan_new (spec, &fuzz_host, diag, &plan);

    holds_findings (r, diag);
    HOLDS (vmspec_check (spec, &fuzz_host, NULL) == r);
    if (plan) {
      holds_command (plan);
      holds_resolved (spec, plan);
      for (uint32_t form = 0; form <= VMSPEC_GUEST_FORM_JSON; form++)
        holds_guest (plan, form);
    }
  }
  vmspec_plan_free (plan);
  vmspec_doc_free (doc);
  vmspec_diag_free (diag);
  return 0;
}
