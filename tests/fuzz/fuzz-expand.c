/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The input is a piece of shell, as it may stand in a share's source, a
 * drive's file and QEMU's options: it expands or is refused with a finding,
 * and both ways of expanding agree. */
#include "fuzz.h"

static const char *
value_of (const char *const *argv, const char *flag, size_t number)
{
  for (; argv[0] && argv[1]; argv++)
    if (!strcmp (argv[0], flag) && !number--)
      return argv[1];
  return NULL;
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  char *piece = malloc (size + 1);
  struct vmspec spec = {
    VMSPEC_INIT (vmspec), .builtin_drives = VMSPEC_OFF,
    .builtin_shares = VMSPEC_OFF,
    .qemu = &(struct vmspec_qemu) { VMSPEC_INIT (vmspec_qemu),
      .expand = VMSPEC_ON, .options = (const char *const[]) { piece, NULL } },
    .shares = (const struct vmspec_share *const[]) {
      &(struct vmspec_share) { VMSPEC_INIT (vmspec_share), .tag = "t",
        .source = piece, .target = "/t", .expand = VMSPEC_ON }, NULL },
    .drives = (const struct vmspec_drive *const[]) {
      &(struct vmspec_drive) { VMSPEC_INIT (vmspec_drive), .file = piece,
        .expand = VMSPEC_ON }, NULL },
  };
  vmspec_diag *diag = new_diag ();
  vmspec_plan *plan = NULL;
  int r;

  HOLDS (piece);
  memcpy (piece, data, size);
  piece[size] = '\0';
  r = vmspec_plan_new (&spec, &fuzz_host, diag, &plan);
  holds_findings (r, diag);
  if (plan) {
    const char *const *argv = vmspec_plan_argv (plan);
    const char *share = value_of (argv, "-virtfs", 0);
    const char *drive = value_of (argv, "-drive", 0);

    HOLDS (share && !strncmp (share, "local,path=", 11));
    HOLDS (drive && !strncmp (drive, "file=", 5));
    /* The same path, up to where it ends. */
    share += 11;
    drive += 5;
    while (*share == *drive && *share)
      share++, drive++;
    HOLDS (*share == *drive || strstr (share - 1, ",security_model=")
           || strstr (drive - 1, ",id="));
  }
  vmspec_plan_free (plan);
  vmspec_diag_free (diag);
  free (piece);
  return 0;
}
