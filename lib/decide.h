/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a resolved description and the host's environment come to: where files
 * are, which program runs with which accelerator, and what pieces of shell
 * expand to.  Each is decided once, here; rendering only writes it down.
 */
#ifndef VMSPEC_DECIDE_H
#define VMSPEC_DECIDE_H

#include "emulator.h"

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
};

void decide (struct decided *decided, const struct resolution *r,
             vmspec_diag *diag);

/* The path of an entry of a resolved list, which starts with @own entries that
 * nobody wrote: "drives[2]" counts from the first that somebody did. */
struct path entry_path (const char *list, size_t index, size_t own);
/* A member of a resolved drive; of a built-in one, the option that asked for
 * it.  The path stands in @room. */
const struct path *drive_path (const struct resolution *r, size_t index,
                               const char *member, struct path room[2]);

#endif
