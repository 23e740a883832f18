/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Findings about drives and shares, one by one and against each other. */
#include "assert.h"
#include "set.h"

#include <string.h>

#define BLOCKER VMSPEC_SEVERITY_BLOCKER
#define WARNING VMSPEC_SEVERITY_WARNING

static const char letters[]
  = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
static const char id_bytes[]
  = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._";

/* id_wellformed() of QEMU's util/id.c. */
static int
is_id (const char *text)
{
  return *text && strchr (letters, *text) && !text[strspn (text, id_bytes)];
}

/* What an entry is called where there is no index to name it by. */
static void
duplicate (vmspec_diag *diag, const char *id, const char *list, size_t index,
           size_t own, const char *member, const char *what, const char *value)
{
  struct path entry = vms_entry_path (list, index, own);
  struct path path = { .parent = &entry, .name = member };

  /* That it is missing has been said. */
  if (!*value)
    return;
  vms_diag_add (diag, BLOCKER, id, &path, NULL,
                "the %s '%s' is taken by another entry; each needs one of its own",
                what, value);
}

/* ---- drives ------------------------------------------------------------- */

struct drive_sets {
  struct set names, boot_indexes, files;
};

/* QEMU's keys cannot be escaped: one with a comma would end an option. */
static void
assert_properties (const struct vmspec_property *const *properties,
                   const char *list, const struct path *entry,
                   vmspec_diag *diag)
{
  struct path in_list = { .parent = entry, .name = list, .has_index = 1 };
  struct path path = { .parent = &in_list, .name = "name" };

  for (; *properties; properties++, in_list.index++) {
    const char *name = (*properties)->name;

    if (name[strspn (name, id_bytes)])
      vms_diag_add (diag, BLOCKER, "drive.property-name", &path, NULL,
                    "'%s' cannot be the name of a QEMU property; these have "
                    "letters, digits, '-', '.' and '_'", name);
  }
}

static const char *
property (const struct vmspec_property *const *properties, const char *name)
{
  for (; *properties; properties++)
    if (!strcmp ((*properties)->name, name))
      return (*properties)->value;
  return NULL;
}

int
vms_drive_is_read_only (const struct vmspec_drive *drive)
{
  const char *readonly = property (drive->drive_options, "readonly");
  const char *media = property (drive->drive_options, "media");

  return (readonly && !strcmp (readonly, "on"))
         || (media && !strcmp (media, "cdrom"));
}

/* QEMU locks what it writes. */
static void
assert_drive_file (const struct resolution *r, struct drive_sets *sets,
                   const char *file, size_t i, vmspec_diag *diag)
{
  const struct vmspec_drive *drive = r->spec.drives[i];
  struct path room[2];
  const struct path *path = vms_drive_path (r, i, "file", room);
  const size_t *other = vms_set_add (&sets->files, file, i);

  if (!*file && *drive->file)
    vms_diag_add (diag, BLOCKER, "drive.empty-file", path, NULL,
                  "'%s' expands to nothing", drive->file);
  else if (*file && other
           && !(vms_drive_is_read_only (drive)
                && vms_drive_is_read_only (r->spec.drives[*other])))
    vms_diag_add (diag, BLOCKER, "drive.duplicate-file", path, NULL,
                  "%s is the image of another drive, too, and QEMU locks what it "
                  "writes; attach it once, or read-only each time", file);
}

static void
assert_drive (const struct resolution *r, struct drive_sets *sets, size_t i,
              vmspec_diag *diag)
{
  const struct vmspec_drive *drive = r->spec.drives[i];
  struct path entry = vms_entry_path ("drives", i, r->own_drives);
  const char *boot_index = property (drive->device_options, "bootindex");

  if (drive->name && vms_set_add (&sets->names, drive->name, i))
    duplicate (diag, "drive.duplicate-name", "drives", i, r->own_drives,
               "name", "name", drive->name);
  if (boot_index && vms_set_add (&sets->boot_indexes, boot_index, i))
    duplicate (diag, "drive.duplicate-bootindex", "drives", i, r->own_drives,
               "device_options", "bootindex", boot_index);
  assert_properties (drive->drive_options, "drive_options", &entry, diag);
  assert_properties (drive->device_options, "device_options", &entry, diag);
}

void
vms_assert_drives (const struct resolution *r, const struct decided *d,
                   vmspec_diag *diag)
{
  struct drive_sets sets = { .names.arena = r->arena,
                             .boot_indexes.arena = r->arena,
                             .files.arena = r->arena };

  for (size_t i = 0; r->spec.drives[i]; i++) {
    assert_drive (r, &sets, i, diag);
    if (d->drive_files && d->drive_files[i])
      assert_drive_file (r, &sets, d->drive_files[i], i, diag);
  }
}

/* ---- shares ------------------------------------------------------------- */

#define TAG_MAX 31 /* MAX_TAG_LEN of QEMU's hw/9pfs is 32, with the NUL */

static void
assert_tag (const char *tag, const struct path *path, vmspec_diag *diag)
{
  if (strlen (tag) > TAG_MAX)
    vms_diag_add (diag, BLOCKER, "share.tag-length", path, NULL,
                  "the mount tag '%s' has %zu bytes; at most %d are possible", tag,
                  strlen (tag), TAG_MAX);
  else if (*tag && !is_id (tag))
    vms_diag_add (diag, BLOCKER, "share.tag-id", path, NULL,
                  "QEMU refuses the mount tag '%s'; it must be a letter and then "
                  "letters, digits, '-', '.' or '_'", tag);
}

/* What Linux's 9p client takes (net/9p/client.c, trans_virtio.c). */
#define MSIZE_MIN 4096
#define MSIZE_MAX 512000

static void
assert_msize (uint32_t msize, vmspec_diag *diag)
{
  const struct path path = { .name = "msize" };

  if (msize < MSIZE_MIN)
    vms_diag_add (diag, BLOCKER, "share.msize-small", &path, NULL,
                  "Linux mounts no share with packets of less than %d bytes; set "
                  "msize to that or more", MSIZE_MIN);
  if (msize > MSIZE_MAX)
    vms_diag_add (diag, WARNING, "share.msize-large", &path, NULL,
                  "Linux sends packets of %d bytes at most, and takes a larger "
                  "msize for that; set it so, in place of %u", MSIZE_MAX, msize);
}

void
vms_assert_shares (const struct resolution *r, const struct decided *d,
                   vmspec_diag *diag)
{
  struct set tags = { .arena = r->arena }, targets = { .arena = r->arena };

  if (r->spec.shares[0])
    assert_msize (r->spec.msize, diag);
  for (size_t i = 0; r->spec.shares[i]; i++) {
    const struct vmspec_share *share = r->spec.shares[i];
    struct path entry = vms_entry_path ("shares", i, r->own_shares);
    struct path tag = { .parent = &entry, .name = "tag" };
    struct path source = { .parent = &entry, .name = "source" };

    assert_tag (share->tag, &tag, diag);
    if (vms_set_add (&tags, share->tag, i))
      duplicate (diag, "share.duplicate-tag", "shares", i, r->own_shares,
                 "tag", "mount tag", share->tag);
    if (vms_set_add (&targets, vms_share_mount_point (r, share), i))
      duplicate (diag, "share.duplicate-target", "shares", i, r->own_shares,
                 "target", "mount point", share->target);
    if (is_on (share->expand) && d->share_sources && d->share_sources[i]
        && !*d->share_sources[i])
      vms_diag_add (diag, BLOCKER, "share.empty-source", &source, NULL,
                    "'%s' expands to nothing", share->source);
  }
}
