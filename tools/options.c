/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "options.h"

#include <stdlib.h>
#include <string.h>

#include "duration.h"
#include "guest.h"
#include "suggest.h"

/* What an option does: choose a mode, or one of these. */
enum {
  ACTION_NULL = MODE_VERSION + 1,
  ACTION_SET,
  ACTION_FORCE,
  ACTION_STEP,
  ACTION_OUTPUT,
  ACTION_NO_SYNC,
  ACTION_TIMEOUT,
  ACTION_PIDFILE,
  ACTION_DAEMONIZE,
  ACTION_NO_QMP,
  ACTION_GUEST_AGENT,
  ACTION_KEEP_DIRECTORY
};

static const struct row {
  const char *name;
  char letter;
  const char *argument;
  int action;
  const char *help;
  const char *heading; /* before it */
} rows[] = {
  { "set", 0, "KEY=VALUE", ACTION_SET,
    "change the description; may be given several times", "Starting" },
  { "force", 0, NULL, ACTION_FORCE, "start in spite of blockers", NULL },
  { "timeout", 0, "TIME", ACTION_TIMEOUT,
    "end the machine after 10, 0.5, 5m, 1h or 1d", NULL },
  { "daemonize", 0, NULL, ACTION_DAEMONIZE,
    "return when the machine runs, which then goes on", NULL },
  { "pidfile", 0, "FILE", ACTION_PIDFILE,
    "write down whom to signal while the machine runs", NULL },
  { "keep-directory", 0, NULL, ACTION_KEEP_DIRECTORY,
    "leave the run directory when the machine has ended", NULL },
  { "guest-agent", 0, NULL, ACTION_GUEST_AGENT,
    "offer a channel to the guest's agent", NULL },
  { "no-qmp", 0, NULL, ACTION_NO_QMP,
    "add nothing to QEMU's arguments; it cannot be asked then", NULL },
  { "list", 0, NULL, MODE_LIST,
    "list the machines that this user runs", "Machines that run" },
  { "status", 0, "NAME", MODE_STATUS,
    "print what is known of one", NULL },
  { "stop", 0, "NAME", MODE_STOP,
    "power one down; tell QEMU to quit, or kill it, if need be", NULL },
  { "clean", 0, NULL, MODE_CLEAN,
    "remove what killed machines have left", NULL },
  { "check", 0, NULL, MODE_CHECK,
    "say what is wrong, missing files included", "Looking" },
  { "print-argv", 0, NULL, MODE_PRINT_ARGV,
    "print QEMU's arguments, one on a line", NULL },
  { "null", '0', NULL, ACTION_NULL,
    "with --print-argv: end each argument by a NUL byte", NULL },
  { "print-command", 0, NULL, MODE_PRINT_COMMAND,
    "print a command that can be pasted into a shell", NULL },
  { "resolve", 0, NULL, MODE_RESOLVE,
    "print the description with every default filled in", NULL },
  { "print-steps", 0, NULL, MODE_PRINT_STEPS,
    "print what is made before a start, and what it is for", NULL },
  { "guest", 0, "FORM", MODE_GUEST,
    "print the guest's configuration as fstab, units, cmdline,\n"
    "                          modules, hook (a script) or json", "The guest" },
  { "output", 0, "DIR", ACTION_OUTPUT,
    "with --guest: write files below DIR, and those of its\n"
    "                          initial RAM disk below DIR/initrd; replace none", NULL },
  { "check-kernel", 0, "FILE", MODE_CHECK_KERNEL,
    "say what a kernel lacks: by its .config or config.gz, or\n"
    "                          by its directory in /lib/modules", NULL },
  { "prepare", 0, NULL, MODE_PREPARE,
    "make what lasts, such as disk images, and do not start", "Images" },
  { "step", 0, "NAME", ACTION_STEP,
    "with --prepare: make only this; may be given several times", NULL },
  { "no-sync", 0, NULL, ACTION_NO_SYNC,
    "do not wait until images have reached the disk", NULL },
  { "image-info", 0, NULL, MODE_IMAGE_INFO,
    "say what the image FILE is, and what it rests on", NULL },
  { "make-image", 0, NULL, MODE_MAKE_IMAGE,
    "make the image FILE; its keys are in vmspec-run(1)", NULL },
  { "make-system-image", 0, NULL, MODE_MAKE_SYSTEM_IMAGE,
    "make the image FILE from a directory tree, to boot from", NULL },
  { "list-options", 0, NULL, MODE_LIST_OPTIONS,
    "print every option with its values and its default", "Help" },
  { "help", 'h', NULL, MODE_HELP, "print this", NULL },
  { "version", 0, NULL, MODE_VERSION, "print the version", NULL },
};

#define N_ROWS (sizeof rows / sizeof *rows)

static void
print_row (FILE *out, const struct row *row)
{
  char left[32];

  if (row->heading)
    fprintf (out, "\n%s:\n", row->heading);
  if (row->letter)
    snprintf (left, sizeof left, "-%c, --%s", row->letter, row->name);
  else
    snprintf (left, sizeof left, "    --%s%s%s", row->name,
              row->argument ? " " : "", row->argument ? row->argument : "");
  fprintf (out, "  %-23s %s\n", left, row->help);
}

void
options_help (FILE *out)
{
  fputs ("usage: vmspec-run [OPTIONS] FILE.xml [-- QEMU-ARGS]\n"
         "       vmspec-run --list | --status NAME | --stop NAME | --clean\n"
         "       vmspec-run --image-info FILE\n"
         "       vmspec-run --make-image FILE KEY=VALUE...\n"
         "       vmspec-run --make-system-image FILE tree=DIRECTORY "
         "[KEY=VALUE...]\n\n"
         "Starts the virtual machine that FILE.xml describes, and exits as "
         "QEMU did.\nFILE.xml may be - for standard input.  Disks that do not "
         "exist are made first.\n"
         "Ctrl-C asks the guest to power down, again has QEMU quit, a third "
         "time kills it.\n", out);
  for (size_t i = 0; i < N_ROWS; i++)
    print_row (out, &rows[i]);
  fputs ("\nExamples:\n"
         "  vmspec-run demo.xml\n"
         "  vmspec-run --set memory=4096 --set graphics=off demo.xml\n"
         "  vmspec-run --set network.forward_ports[]=host_port=2222,"
         "guest_port=22 demo.xml\n"
         "  vmspec-run --set network.forward_ports[]=any_host_port=on,"
         "guest_port=22 demo.xml\n"
         "  vmspec-run --set qemu.options[]=-snapshot --print-command "
         "demo.xml\n"
         "  vmspec-run --resolve demo.xml\n"
         "  vmspec-run --guest=fstab demo.xml\n"
         "  vmspec-run --guest=units --output root demo.xml\n"
         "  vmspec-run --check-kernel /boot/config-$(uname -r) demo.xml\n"
         "  vmspec-run demo.xml -- -d guest_errors\n"
         "  vmspec-run --daemonize --timeout 2h --set name=build demo.xml\n"
         "  vmspec-run --stop build\n"
         "  vmspec-run --prepare --step disk demo.xml\n"
         "  vmspec-run --make-image data.qcow2 size=20G content=ext4 "
         "label=data\n"
         "  vmspec-run --make-system-image system.qcow2 tree=root esp=esp\n"
         "\nA description:\n"
         "  <vmspec xmlns=\"urn:vmspec:1\" name=\"demo\" memory=\"2048\">\n"
         "    <boot kernel=\"vmlinuz\" initrd=\"initrd.img\"/>\n"
         "    <share tag=\"src\" source=\"/home/me/src\" "
         "target=\"/mnt/src\"/>\n"
         "  </vmspec>\n"
         "\nExit status: QEMU's, or 128+N if signal N ended it; 124 after "
         "--timeout; 0 if what\nwas asked for was done; 1 if not, or if a "
         "helper ended before QEMU; 2 for a wrong\ncommand line; 3 if the "
         "description was refused, a kernel lacks something, or\nno machine of "
         "that NAME runs; 4 if the start failed.\n", out);
}

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
  for (size_t i = 0; i < N_ROWS && !strncmp (word, "--", 2); i++) {
    char known[32];

    snprintf (known, sizeof known, "--%s", rows[i].name);
    vms_suggestion_offer (&near, known, "%s", known);
  }
  /* "-m" and "-enable-kvm" are QEMU's. */
  if (!*near.hint && strncmp (word, "--", 2))
    return refuse ("there is no option ", word,
                   "; QEMU's arguments go to the end, after --");
  return refuse ("there is no option ", word, near.hint);
}

/* The row of "--name", "--name=value" or "-n". */
static const struct row *
find_row (const char *word)
{
  size_t length = strcspn (word, "=");

  for (size_t i = 0; i < N_ROWS; i++) {
    size_t n = strlen (rows[i].name);

    if (word[1] == '-' && length == n + 2
        && !strncmp (word + 2, rows[i].name, n))
      return &rows[i];
    if (rows[i].letter && word[1] == rows[i].letter && !word[2])
      return &rows[i];
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
apply (struct options *options, const struct row *row, const char *value)
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
  const struct row *row = find_row (argv[0]);
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
  if (options->mode >= MODE_LIST || options->file)
    return 0;
  if (options->mode >= MODE_IMAGE_INFO)
    return refuse ("no image is named: give its file", "", "");
  return refuse ("no description is given: name its file, or - for standard "
                 "input", "", "");
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
