/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "options.h"

#include <stdlib.h>
#include <string.h>

#include "duration.h"
#include "guest.h"
#include "suggest.h"

static int
refuse (const char *text, const char *what, const char *hint)
{
  fprintf (stderr, "vmspec-run: %s%s%s\n"
           "Try 'vmspec-run --help'.\n", text, what, hint);
  return -1;
}

static int
unknown (const char *word)
{
  size_t length = strcspn (word, "=");
  char name[64];
  struct suggestion near = { .word = name };

  snprintf (name, sizeof name, "%.*s", (int) length, word);
  for (const struct option_row *row = option_rows;
       row->name && !strncmp (word, "--", 2); row++) {
    char known[32];

    snprintf (known, sizeof known, "--%s", row->name);
    vms_suggestion_offer (&near, known, "%s", known);
  }
  /* "-m" and "-enable-kvm" are QEMU's. */
  if (!*near.hint && strncmp (word, "--", 2))
    return refuse ("there is no option ", word,
                   "; QEMU's arguments go to the end, after --");
  return refuse ("there is no option ", word, near.hint);
}

/* The row of "--name", "--name=value" or "-n". */
static const struct option_row *
find_row (const char *word)
{
  size_t length = strcspn (word, "=");

  for (const struct option_row *row = option_rows; row->name; row++) {
    size_t n = strlen (row->name);

    if (word[1] == '-' && length == n + 2 && !strncmp (word + 2, row->name, n))
      return row;
    if (row->letter && word[1] == row->letter && !word[2])
      return row;
  }
  return NULL;
}

static int
set_mode (struct options *options, enum mode mode)
{
  if (options->mode != MODE_START && options->mode != mode)
    return refuse ("only one thing can be done at a time", "", "");
  options->mode = mode;
  return 0;
}

static int
set_timeout (struct options *options, const char *value)
{
  options->timeout = duration_parse (value);
  if (options->timeout > 0)
    return 0;
  return refuse ("no time to wait is ", value,
                 "; write 10 or 0.5 for seconds, 5m, 1h or 1d, and leave "
                 "--timeout out for none");
}

static int
apply (struct options *options, const struct option_row *row, const char *value)
{
  switch (row->action) {
  case ACTION_NULL:
    options->null = 1;
    return 0;
  case ACTION_FORCE:
    options->force = 1;
    return 0;
  case ACTION_NO_SYNC:
    options->no_sync = 1;
    return 0;
  case ACTION_DAEMONIZE:
    options->daemonize = 1;
    return 0;
  case ACTION_NO_QMP:
    options->no_qmp = 1;
    return 0;
  case ACTION_GUEST_AGENT:
    options->guest_agent = 1;
    return 0;
  case ACTION_KEEP_DIRECTORY:
    options->keep_directory = 1;
    return 0;
  case ACTION_PIDFILE:
    options->pidfile = value;
    return 0;
  case ACTION_TIMEOUT:
    return set_timeout (options, value);
  case MODE_STATUS:
  case MODE_STOP:
    options->name = value;
    return set_mode (options, (enum mode) row->action);
  case ACTION_OUTPUT:
    options->output = value;
    return 0;
  case MODE_GUEST:
    options->form = guest_form (value);
    return options->form ? set_mode (options, MODE_GUEST) : -1;
  case MODE_CHECK_KERNEL:
    options->kernel = value;
    return set_mode (options, MODE_CHECK_KERNEL);
  case ACTION_STEP:
    options->steps[options->n_steps++] = value;
    return 0;
  case ACTION_SET:
    options->sets[options->n_sets++] = value;
    return 0;
  default:
    return set_mode (options, (enum mode) row->action);
  }
}

/* One option at @argv, and its argument; how many words these are, or -1. */
static int
parse_option (struct options *options, char **argv)
{
  const struct option_row *row = find_row (argv[0]);
  char *value = strchr (argv[0], '=');
  int words = 1;

  if (!row)
    return unknown (argv[0]);
  if (value && !row->argument)
    return refuse ("no value is taken by --", row->name, "");
  if (value)
    value++;
  else if (row->argument) {
    value = argv[1];
    words = 2;
  }
  if (row->argument && !value)
    return refuse ("a value must follow --", row->name, "");
  return apply (options, row, value) < 0 ? -1 : words;
}

static int
takes_settings (const struct options *options)
{
  return options->mode == MODE_MAKE_IMAGE
         || options->mode == MODE_MAKE_SYSTEM_IMAGE;
}

/* One that was given, and means nothing where nothing is started. */
static const char *
starting_option (const struct options *options)
{
  return options->daemonize        ? "--daemonize"
         : options->pidfile        ? "--pidfile"
         : options->no_qmp         ? "--no-qmp"
         : options->guest_agent    ? "--guest-agent"
         : options->keep_directory ? "--keep-directory"
                                   : NULL;
}

static int
complete (const struct options *options, const char *extra)
{
  if (options->null && options->mode != MODE_PRINT_ARGV)
    return refuse ("-0 goes with --print-argv only", "", "");
  if (options->n_steps && options->mode != MODE_PREPARE)
    return refuse ("--step goes with --prepare only", "", "");
  if (options->output && options->mode != MODE_GUEST)
    return refuse ("--output goes with --guest only", "", "");
  if (options->timeout && options->mode != MODE_START
      && options->mode != MODE_STOP)
    return refuse ("--timeout goes with a start, or with --stop", "", "");
  if (options->mode != MODE_START && starting_option (options))
    return refuse (starting_option (options), " goes with a start only", "");
  if (options->mode >= MODE_LIST && options->mode < MODE_LIST_OPTIONS
      && options->file)
    return refuse ("no file is wanted to look at machines that run: ",
                   options->file, "; a description's name is its NAME");
  if (extra && !takes_settings (options))
    return refuse ("there is one file too many: ", extra,
                   "; QEMU's own arguments go after --");
  if (options->mode >= MODE_LIST || options->file
      || (options->mode < MODE_IMAGE_INFO && options->n_sets))
    return 0;
  if (options->mode >= MODE_IMAGE_INFO)
    return refuse ("no image is named: give its file", "", "");
  return refuse ("no description is given: name its file, or - for standard "
                 "input, or --set all of it", "", "");
}

int
options_parse (int argc, char **argv, struct options *options)
{
  const char *extra = NULL;
  int i = 1;

  *options = (struct options) {
    .sets = calloc ((size_t) argc + 1, sizeof *options->sets),
    .steps = calloc ((size_t) argc + 1, sizeof *options->steps) };
  if (!options->sets || !options->steps)
    return refuse ("there is no memory", "", "");
  while (i < argc && strcmp (argv[i], "--")) {
    int words = 1;

    if (argv[i][0] == '-' && argv[i][1])
      words = parse_option (options, argv + i);
    else if (!options->file)
      options->file = argv[i];
    else
      extra = options->sets[options->n_sets++] = argv[i];
    if (words < 0)
      return -1;
    i += words;
  }
  options->arguments = (const char *const *) argv + i + (i < argc);
  return complete (options, extra);
}
