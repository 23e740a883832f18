/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a resolved description and the host's environment come to: where files
 * are, which program runs with which accelerator, and what pieces of shell
 * expand to.  Each is decided once, here; rendering only writes it down.
 */
#ifndef VMSPEC_DECIDE_H
#define VMSPEC_DECIDE_H

#include "emulator.h"

/* An interface on a virtual network; files are NULL where none is needed. */
struct decided_vlan {
  uint32_t number;                     /* of the network */
  int is_running;                      /* a switch that the host told of */
  const char *socket;                  /* vde: the switch's directory */
  const char *peer;                    /* dgram: the other machine's socket */
};

/* A vde_switch that goes with the machine. */
struct decided_switch {
  uint32_t number;                     /* of the network */
  const char *directory;               /* of its sockets, which it makes */
};

/* How a credential gets into the guest. */
enum credential_way { CREDENTIAL_SMBIOS, CREDENTIAL_FW_CFG, CREDENTIAL_CMDLINE };

/* Around a key they do not count. */
#define CREDENTIAL_BLANKS " \t\r\n"

#define CREDENTIAL_FW_CFG_PREFIX "opt/io.systemd.credentials/"

struct decided_credential {
  const char *member;                  /* of guest that asks for it; NULL: said */
  const char *name;
  const char *value, *file;            /* one of them, if it was said */
  enum credential_way way;
};

struct decided {
  const char *run;                     /* the run directory: TMPDIR */
  int run_is_fresh;                    /* made for this run alone */
  const char *image;                   /* of the root disk, or NULL */
  const char *efi_state;               /* or NULL */
  const char *tpm_state, *tpm_socket;  /* or NULL */
  const char *kernel, *initrd, *bios;  /* or NULL */
  const char *netcat;                  /* or NULL */
  const char *certificates;            /* the host's bundle, or NULL */
  const char *const *command;          /* program and first words */
  const char *const *environment;      /* what pieces of shell see */
  const char *const *qemu_environment; /* what QEMU gets */
  const char *const *first_options, *const *options;
  const char *const *first_network_options, *const *network_options;
  const char *const *drive_files;      /* by the resolved drives' index */
  const char *const *share_sources;    /* by the resolved shares' index */
  const struct decided_vlan *vlans;    /* those listed, then the interfaces' */
  size_t n_vlans;
  const struct decided_switch *switches;
  size_t n_switches;
  const char *vlan_directory;          /* has to be made; or NULL */
  const struct vmspec_helper *helpers; /* as the NixOS start script has them */
  size_t n_helpers;
  const struct decided_credential *const *credentials; /* ends with NULL */
  size_t own_credentials;              /* how many come before those said */
  const char *command_line;            /* of a kernel that is booted directly */
};

void vms_decide (struct decided *decided, const struct resolution *r,
                 vmspec_diag *diag);

/* Parts of it: virtual networks (vlan.c), helpers (told-helper.c). */
void vms_decide_vlans (struct decided *decided, const struct resolution *r);
void vms_decide_helpers (struct decided *decided, const struct resolution *r);
/* What takes the mount table, too (credential.c). */
void
vms_decide_credentials (struct decided *decided, const struct resolution *r);
/* What takes credentials, too (command-line.c). */
void
vms_decide_command_line (struct decided *decided, const struct resolution *r);

/* The path of an entry of a resolved list, which starts with @own entries that
 * nobody wrote: "drives[2]" counts from the first that somebody did. */
struct path vms_entry_path (const char *list, size_t index, size_t own);
/* A member of a resolved drive; of a built-in one, the option that asked for
 * it.  The path stands in @room. */
const struct path *vms_drive_path (const struct resolution *r, size_t index,
                                   const char *member, struct path room[2]);

#endif
