/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "decide.h"

#include <string.h>

struct path
vms_entry_path (const char *list, size_t index, size_t own)
{
  if (index < own)
    return (struct path) { .name = list };
  return (struct path) { .name = list, .has_index = 1, .index = index - own };
}

const struct path *
vms_drive_path (const struct resolution *r, size_t index, const char *member,
                struct path room[2])
{
  const char *name = r->spec.drives[index]->name;

  room[0] = vms_entry_path ("drives", index, r->own_drives);
  room[1] = (struct path) { .parent = &room[0], .name = member };
  if (index < r->own_drives)
    room[1] = (struct path) {
      .name = !name                     ? "empty_disks"
              : !strcmp (name, "root") ? "disk.image"
                                       : "store.image" };
  return &room[1];
}

/* ---- files -------------------------------------------------------------- */

/* With TMPDIR alone a fresh directory is made below it; with USE_TMPDIR too it
 * is the run directory itself, which the next run finds again. */
static void
decide_run (struct decided *d, const struct resolution *r)
{
  const char *const *environment = r->host->environment;
  const char *base = vms_environment_said (environment, "TMPDIR");
  const char *name = r->host->run_name ? r->host->run_name : "vmspec";

  d->run_is_fresh = !base || !vms_environment_said (environment, "USE_TMPDIR");
  base = vms_host_absolute (r->arena, r->host, base ? base : "/tmp");
  d->run = base;
  if (base && d->run_is_fresh)
    d->run = vms_arena_concat (r->arena, base, "/", name, (char *) NULL);
}

/* The variable wins over the option. */
static const char *
state_path (const struct resolution *r, const char *variable,
            const char *option)
{
  const char *path = vms_environment_said (r->host->environment, variable);

  return vms_host_real_path (r->arena, r->host, path ? path : option);
}

static void
decide_state (struct decided *d, const struct resolution *r)
{
  /* The variable has an image made even where no drive is. */
  if (*r->disk.image
      || vms_environment_said (r->host->environment, "NIX_DISK_IMAGE"))
    d->image = state_path (r, "NIX_DISK_IMAGE", r->disk.image);
  if (is_on (r->efi.enable))
    d->efi_state = state_path (r, "NIX_EFI_VARS", r->efi.state);
  if (is_on (r->tpm.enable)) {
    d->tpm_state = state_path (r, "NIX_SWTPM_DIR", r->tpm.state_dir);
    d->tpm_socket = vms_arena_concat (r->arena, d->tpm_state ? d->tpm_state : "",
                                      "/socket", (char *) NULL);
  }
}

/* NIXPKGS_QEMU_KERNEL_ and the name, every byte that is no ASCII letter or
 * digit as an underscore. */
static const char *
kernel_variable (const struct resolution *r)
{
  char *name = vms_arena_concat (r->arena, "NIXPKGS_QEMU_KERNEL_", r->spec.name,
                                 (char *) NULL);

  for (char *c = name; c && *c; c++)
    if (!((*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z')
          || (*c >= '0' && *c <= '9')))
      *c = '_';
  return name;
}

static void
decide_boot (struct decided *d, const struct resolution *r)
{
  const char *variable = kernel_variable (r), *kernel = NULL;

  if (variable)
    kernel = vms_environment_said (r->host->environment, variable);
  d->kernel
    = vms_host_absolute (r->arena, r->host, kernel ? kernel : r->boot.kernel);
  d->initrd = vms_host_absolute (r->arena, r->host, r->boot.initrd);
  d->bios = vms_host_absolute (r->arena, r->host, r->boot.bios);
}

static void
decide_netcat (struct decided *d, const struct resolution *r)
{
  const char *said = r->network.netcat;
  const char *found = said ? vms_host_program (r->host, said) : NULL;

  d->netcat = found ? vms_host_absolute (r->arena, r->host, found) : said;
}

static void
decide_certificates (struct decided *d, const struct resolution *r)
{
  const char *said
    = vms_environment_said (r->host->environment, "NIX_SSL_CERT_FILE");

  if (is_on (r->spec.host_certs))
    d->certificates = vms_host_absolute (r->arena, r->host, said);
}

/* ---- environment -------------------------------------------------------- */

struct variable {
  const char *name, *value; /* NULL: leave as it is */
};

static const char *const *
changed_environment (const struct resolution *r,
                     const struct variable *changes, size_t n)
{
  struct vector list = { .arena = r->arena };
  const char *const *old = r->host->environment;

  for (size_t i = 0; i < n; i++)
    if (changes[i].value)
      vms_vector_add (&list,
                      vms_arena_concat (r->arena, changes[i].name, "=",
                                        changes[i].value, (char *) NULL));
  /* Look-ups take the first of a name, so the old ones need not go.  QEMU's
   * own environment must not hold a name twice, though. */
  for (; old && *old; old++) {
    size_t i = 0;

    while (i < n
           && !(changes[i].value
                && !strncmp (*old, changes[i].name, strlen (changes[i].name))
                && (*old)[strlen (changes[i].name)] == '='))
      i++;
    if (i == n)
      vms_vector_add (&list, *old);
  }
  return (const void *) vms_vector_end (&list);
}

static void
decide_environment (struct decided *d, const struct resolution *r)
{
  const struct variable script[] = {
    { "TMPDIR", d->run },
    { "NIX_DISK_IMAGE", d->image },
    { "NIX_EFI_VARS", d->efi_state },
    { "NIX_SWTPM_DIR", d->tpm_state },
  };
  /* The shell of the start script exports what came exported. */
  int exported = !!vms_environment_get (r->host->environment, "TMPDIR");

  d->environment
    = changed_environment (r, script, sizeof script / sizeof *script);
  d->qemu_environment = changed_environment (r, script, exported);
}

/* ---- pieces of shell ---------------------------------------------------- */

static void
cannot_expand (vmspec_diag *diag, const struct path *path, const char *piece,
               const char *problem)
{
  vms_diag_add (diag, VMSPEC_SEVERITY_ERROR, "expand.syntax", path, NULL,
                "'%s' cannot be expanded: %s", piece, problem);
}

static const char *
decide_path (struct decided *d, const struct resolution *r, const char *said,
             int expand, const struct path *path, vmspec_diag *diag)
{
  struct text text = { .arena = r->arena };
  const char *problem, *expanded;

  if (!expand)
    return vms_host_absolute (r->arena, r->host, said);
  problem = vms_expand_path (&text, said, d->environment);
  if (problem) {
    cannot_expand (diag, path, said, problem);
    return said;
  }
  expanded = vms_text_end (&text);
  /* Nothing is no path, least of all that of the directory. */
  if (!expanded || !*expanded)
    return expanded;
  return vms_host_absolute (r->arena, r->host, expanded);
}

static void
decide_drives (struct decided *d, const struct resolution *r,
               vmspec_diag *diag)
{
  size_t n = vms_list_length (r->spec.drives);
  const char **files = vms_arena_alloc (r->arena, (n + 1) * sizeof *files);

  d->drive_files = files;
  for (size_t i = 0; files && i < n; i++) {
    const struct vmspec_drive *drive = r->spec.drives[i];
    struct path room[2];

    files[i] = decide_path (d, r, drive->file, is_on (drive->expand),
                            vms_drive_path (r, i, "file", room), diag);
  }
}

static void
decide_shares (struct decided *d, const struct resolution *r,
               vmspec_diag *diag)
{
  size_t n = vms_list_length (r->spec.shares);
  const char **sources = vms_arena_alloc (r->arena, (n + 1) * sizeof *sources);

  d->share_sources = sources;
  for (size_t i = 0; sources && i < n; i++) {
    const struct vmspec_share *share = r->spec.shares[i];
    struct path entry = vms_entry_path ("shares", i, r->own_shares);
    struct path path = { .parent = &entry, .name = "source" };

    sources[i] = decide_path (d, r, share->source, is_on (share->expand),
                              &path, diag);
  }
}

static const char *const *
decide_words (struct decided *d, const struct resolution *r, const char *name,
              const char *const *pieces, vmspec_diag *diag)
{
  const struct path qemu = { .name = "qemu" };
  struct path path = { .parent = &qemu, .name = name, .has_index = 1 };
  struct vector words = { .arena = r->arena };

  if (!is_on (r->qemu.expand))
    return pieces;
  for (; pieces[path.index]; path.index++) {
    const char *piece = pieces[path.index];
    const char *problem = vms_expand_words (&words, piece, d->environment);

    if (problem)
      cannot_expand (diag, &path, piece, problem);
  }
  return (const void *) vms_vector_end (&words);
}

void
vms_decide (struct decided *d, const struct resolution *r, vmspec_diag *diag)
{
  const struct vmspec_qemu *q = &r->qemu;

  *d = (struct decided) { 0 };
  decide_run (d, r);
  decide_state (d, r);
  decide_boot (d, r);
  decide_netcat (d, r);
  decide_certificates (d, r);
  vms_decide_vlans (d, r);
  vms_decide_helpers (d, r);
  d->command = vms_emulator_command (r, diag);
  decide_environment (d, r);
  if (vms_arena_error (r->arena))
    return;
  d->first_options
    = decide_words (d, r, "first_options", q->first_options, diag);
  d->options = decide_words (d, r, "options", q->options, diag);
  d->first_network_options = decide_words (
    d, r, "first_network_options", q->first_network_options, diag);
  d->network_options
    = decide_words (d, r, "network_options", q->network_options, diag);
  decide_drives (d, r, diag);
  decide_shares (d, r, diag);
}
