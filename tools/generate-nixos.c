/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The options of NixOS's module qemu-vm.nix, each with the row of the option table
 * that names it.  Tests compare them with those that vmspec.nixos accepts. */
#include "generate.h"

#include <stdlib.h>
#include <string.h>

#define NIXOS "virtualisation."
#define KEY_SIZE 128

/* What is not the same, besides the name. */
static const struct note {
  const char *nixos, *text;
} notes[] = {
  { "qemu.drives", "the built-in drives are a switch: `builtin_drives`" },
  { "sharedDirectories", "a list, where NixOS has a set; the name is the `tag`; "
                         "`builtin_shares`" },
  { "fileSystems", "a list, likewise; `builtin_file_systems`; `replace` takes "
                   "the place of mkForce" },
  { "vlans", "there for NixOS's test driver; here QEMU gets interfaces with "
             "`network.vlan_backend`" },
  { "interfaces", "a list, likewise" },
  { "qemu.package", "a NixOS package; without one `qemu.binary`, `machine`, "
                    "`cpu`, `accel`, or what is found" },
  { "qemu.options", "an argument each; pieces of shell with `qemu.expand`; "
                    "`first_options` come before the built-in ones" },
  { "qemu.networkingOptions", "likewise; the module's own are `builtin_network`" },
  { "qemu.diskInterface", "`ide` is IDE (the module attaches virtio); "
                          "`virtio-scsi` and `nvme` besides; also for one drive" },
  { "qemu.guestAgent.enable", "the guest's half; the channel is asked for at the "
                              "start" },
  { "diskImage", "`\"\"` for null; a missing directory is a blocker" },
  { "diskSize", "`none` for null; an overlay honours it, too" },
  { "forwardPorts", "`any_host_port` has QEMU take a free one" },
  { "directBoot.enable", "on in NixOS unless there is a boot loader; here also "
                         "only with a kernel or a `system`" },
  { "directBoot.initrd", "`kernel` and `kernel_params` besides, for guests that "
                         "are not NixOS" },
  { "useBootLoader", "the image comes from `disk.system_image`, not from Nix" },
  { "bios", "the file itself; NixOS takes a package with `bios.bin`" },
  { "efi.OVMF", "a NixOS package; without one the firmware is found on the host" },
  { "efi.keepVariables", "the variables are those beside `disk.system_image`" },
  { "tpm.package", "the program itself" },
  { "tpm.deviceModel", "`setup` and `provision` besides" },
  { "mountHostNixStore", "off for a guest that is not NixOS" },
  { "useNixStoreImage", "made of `store.closure`, or an overlay of "
                        "`store.base_image`" },
  { "additionalPaths", "the `system` comes first; a switch: `builtin_paths`" },
  { "qemu.drives.*.name", "for findings only, as there" },
  { "qemu.drives.*.driveExtraOpts", "escaped; `format` is a member of its own" },
  { "qemu.drives.*.deviceExtraOpts", "escaped" },
  { "sharedDirectories.*.source", "a path; a piece of shell with `expand`" },
  { "forwardPorts.*.proto", "`udp` from the guest is a finding" },
  { "forwardPorts.*.host.port", "0 is written as `any_host_port`" },
  { "forwardPorts.*.guest.address", "addresses that QEMU would refuse are "
                                    "findings" },
};

/* Options without a row. */
static const struct note others[] = {
  { "host.pkgs", "programs are found on the host, or named; `vmspec.nixos` takes "
                 "the host's system" },
  { "pathsInNixDB", "renamed to additionalPaths; `vmspec.nixos` knows it, and "
                    "says so" },
  { "bootDevice", "removed; `vmspec.nixos` refuses it, as NixOS does" },
  { "efiVars", "likewise" },
  { "persistBootDevice", "likewise" },
};

static const char *
note_of (const char *nixos)
{
  for (size_t i = 0; i < sizeof notes / sizeof *notes; i++)
    if (!strcmp (notes[i].nixos, nixos))
      return notes[i].text;
  return "";
}

/* Where a struct stands in a description: as in a finding's path, and as XML. */
struct place {
  const char *key, *xml;
};

static void
print_option (FILE *out, const struct vmspec_option *o,
              const struct place *place)
{
  const char *nixos = o->nixos + strlen (NIXOS);

  fprintf (out, "| %s | `%s%s%s` | `", nixos, place->key, o->name,
           o->kind == VMSPEC_KIND_LIST || o->kind == VMSPEC_KIND_STRINGS ? "[]"
                                                                        : "");
  if (o->key)
    fprintf (out, "%s<%s>", place->xml, o->key);
  else {
    fprintf (out, "%.*s ", (int) strlen (place->xml) - 1, place->xml);
    print_xml_name (out, o->name);
    putc ('>', out);
  }
  fprintf (out, "` | %s | %s |\n",
           o->flags & VMSPEC_OPTION_REQUIRED ? "must be said"
           : o->default_text                 ? o->default_text
                                             : "",
           note_of (nixos));
}

static void
print_struct (FILE *out, const char *owner, const struct place *place)
{
  for (const struct vmspec_option *o = first_row (owner); o; o = next_row (o))
    if (o->nixos && !strncmp (o->nixos, NIXOS, strlen (NIXOS)))
      print_option (out, o, place);
  for (const struct vmspec_option *o = first_row (owner); o; o = next_row (o)) {
    char key[KEY_SIZE], xml[KEY_SIZE];

    if (o->kind != VMSPEC_KIND_GROUP && o->kind != VMSPEC_KIND_LIST)
      continue;
    snprintf (key, sizeof key, "%s%s%s.", place->key, o->name,
              o->kind == VMSPEC_KIND_LIST ? "[]" : "");
    snprintf (xml, sizeof xml, "<%s>", o->key);
    print_struct (out, o->element, &(struct place) { key, xml });
  }
}

void
generate_nixos (FILE *out)
{
  fputs ("| NixOS: `virtualisation.` | C, Python, `--set` | XML | default | what "
         "differs |\n| --- | --- | --- | --- | --- |\n", out);
  print_struct (out, "vmspec", &(struct place) { "", "<vmspec>" });
  for (size_t i = 0; i < sizeof others / sizeof *others; i++)
    fprintf (out, "| %s | | | | %s |\n", others[i].nixos, others[i].text);
}
