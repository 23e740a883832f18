/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The options of vmspec-run: for its parser, for --help, and for what completes
 * them in a shell (generate-completion.c). */
#include "options.h"

const struct option_row option_rows[] = {
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
  { "step", 0, "STEP", ACTION_STEP,
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
  { NULL, 0, NULL, 0, NULL, NULL },
};

static void
print_row (FILE *out, const struct option_row *row)
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
         "QEMU did.\nFILE.xml may be - for standard input, and is not needed if "
         "--set says all.\nDisks that do not exist are made first.\n"
         "Ctrl-C asks the guest to power down, again has QEMU quit, a third "
         "time kills it.\n", out);
  for (const struct option_row *row = option_rows; row->name; row++)
    print_row (out, row);
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
