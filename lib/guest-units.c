/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Units of systemd: those that mount, for the guest itself and, as sysroot.mount
 * and so on, for its initial RAM disk; and the lines of tmpfiles.d(5).
 *
 * A unit's value is the rest of its line.  What= and its like know no quotes and
 * no backslashes, but specifiers: a "%" is doubled, and "%i", which is empty for
 * these units, keeps blanks and a backslash at the ends where they are.  A line
 * has to be UTF-8, and a line end cannot be said at all.
 */
#include "guest.h"

#include "diag.h"

#include <stdio.h>
#include <string.h>

#define DIRECTORY "/etc/systemd/system/"
#define LONGEST_NAME 255

struct units {
  struct vector *files;
  vmspec_diag *diag;
  int initrd;               /* whether these are the initial RAM disk's */
};

/* One that is put together. */
struct mount_unit {
  const struct vmspec_file_system *fs;
  struct path path;
  const char *name;         /* of the unit, with ".mount" */
  const char *where, *what;
  const char *target;       /* that waits for it, without ".target" */
};

/* ---- names -------------------------------------------------------------- */

static int
is_plain_in_name (char c)
{
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')
         || (c >= '0' && c <= '9') || c == ':' || c == '_' || c == '.';
}

static void
add_name_byte (struct text *text, char c, int plain)
{
  char escape[5];

  if (plain) {
    vms_text_add_bytes (text, &c, 1);
    return;
  }
  snprintf (escape, sizeof escape, "\\x%02x", (unsigned) (unsigned char) c);
  vms_text_add (text, escape);
}

/* systemd's escaping of paths, as `systemd-escape --path` does it; NULL if there
 * is none, or no memory. */
static const char *
escape_path (struct arena *arena, const char *path)
{
  struct text text = { .arena = arena };

  for (;;) {
    size_t size;

    path += strspn (path, "/");
    size = strcspn (path, "/");
    if (!size)
      break;
    if (size == 2 && !memcmp (path, "..", 2))
      return NULL;
    if (size > 1 || *path != '.') {
      if (text.size)
        vms_text_add (&text, "-");
      for (size_t i = 0; i < size; i++)
        add_name_byte (&text, path[i], is_plain_in_name (path[i])
                                         && (text.size || path[i] != '.'));
    }
    path += size;
  }
  if (!text.size)
    vms_text_add (&text, "-");
  return vms_text_end (&text);
}

/* ---- values ------------------------------------------------------------- */

static int
can_be_said (const char *value)
{
  return vms_guest_is_utf8 (value) && !strpbrk (value, "\n\r");
}

/* Blanks, and a backslash, by which the line would go on. */
static int
is_lost_at_end (char c)
{
  return c == ' ' || c == '\t' || c == '\\';
}

static void
add_value (struct text *text, const char *value)
{
  size_t size = strlen (value);

  if (is_lost_at_end (*value) && *value != '\\')
    vms_text_add (text, "%i");
  for (; *value; value++) {
    if (*value == '%')
      vms_text_add (text, "%");
    vms_text_add_bytes (text, value, 1);
  }
  if (size && is_lost_at_end (value[-1]))
    vms_text_add (text, "%i");
}

static void
add_line (struct text *text, const char *key, const char *value)
{
  vms_text_add (text, key);
  vms_text_add (text, "=");
  add_value (text, value);
  vms_text_add (text, "\n");
}

/* A word of a command line. */
static void
add_word (struct text *text, const char *word)
{
  vms_text_add (text, " \"");
  for (; *word; word++) {
    if (*word == '"' || *word == '\\')
      vms_text_add (text, "\\");
    else if (*word == '%' || *word == '$')
      vms_text_add_bytes (text, word, 1);
    vms_text_add_bytes (text, word, 1);
  }
  vms_text_add (text, "\"");
}

/* ---- mounts ------------------------------------------------------------- */

static int
is_root (const struct vmspec_file_system *fs)
{
  return !strcmp (fs->mount_point, "/");
}

static const char *
target (const struct units *units, const struct vmspec_file_system *fs)
{
  static const char *const network[]
    = { "nfs", "nfs4", "cifs", "smb3", "ceph", "afs", "glusterfs", "ocfs2",
        "gfs2", "lustre", NULL };
  const char *const *type = network;

  if (units->initrd)
    return is_root (fs) ? "initrd-root-fs" : "initrd-fs";
  while (*type && strcmp (*type, vms_guest_type (fs)))
    type++;
  return *type || vms_guest_has_option (fs, "_netdev") ? "remote-fs" : "local-fs";
}

/* The guest's own root has been mounted by then. */
static int
is_formatted (const struct units *units, const struct mount_unit *unit)
{
  return vms_guest_is_formatted (unit->fs)
         && (units->initrd || !is_root (unit->fs));
}

/* A device as other units are named after it; NULL if there is no such name. */
static const char *
device_name (struct arena *arena, const struct mount_unit *unit)
{
  static const char longest[] = "systemd-makefs@.service";
  const char *name = escape_path (arena, unit->what);

  return name && strlen (name) + strlen (longest) <= LONGEST_NAME ? name : NULL;
}

static void
add_service (struct text *text, const char *template, const char *instance)
{
  vms_text_add (text, "Requires=");
  vms_text_add (text, template);
  vms_text_add (text, instance);
  vms_text_add (text, ".service\nAfter=");
  vms_text_add (text, template);
  vms_text_add (text, instance);
  vms_text_add (text, ".service\n");
}

static void
add_target (struct text *text, const char *key, const char *target_name)
{
  vms_text_add (text, key);
  vms_text_add (text, "=");
  vms_text_add (text, target_name);
  vms_text_add (text, ".target\n");
}

static void
add_dependencies (struct text *text, const struct units *units,
                  const struct mount_unit *unit)
{
  const char *device = device_name (text->arena, unit);
  int checked = vms_guest_is_checked (unit->fs) && device;

  if (!vms_guest_has_option (unit->fs, "nofail"))
    add_target (text, "Before", unit->target);
  if (is_formatted (units, unit) && device)
    add_service (text, "systemd-makefs@", device);
  /* The guest's own root is mounted before it can be checked. */
  if (checked && is_root (unit->fs) && !units->initrd)
    vms_text_add (text, "Wants=systemd-fsck-root.service\n");
  else if (checked)
    add_service (text, "systemd-fsck@", device);
}

static const char *
mount_text (const struct units *units, const struct mount_unit *unit)
{
  struct text text = { .arena = units->files->arena };
  const char *options = vms_guest_options (text.arena, unit->fs);

  if (!options)
    return NULL;
  vms_text_add (&text, "# Made by vmspec.  It is mounted once systemctl(1) has "
                       "enabled the unit.\n[Unit]\n");
  add_dependencies (&text, units, unit);
  vms_text_add (&text, "\n[Mount]\n");
  add_line (&text, "What", unit->what);
  add_line (&text, "Where", unit->where);
  if (strcmp (vms_guest_type (unit->fs), "auto"))
    add_line (&text, "Type", vms_guest_type (unit->fs));
  if (strcmp (options, "defaults"))
    add_line (&text, "Options", options);
  vms_text_add (&text, "\n[Install]\n");
  add_target (&text, vms_guest_has_option (unit->fs, "nofail") ? "WantedBy"
                                                           : "RequiredBy",
              unit->target);
  return vms_text_end (&text);
}

static void
add_file (const struct units *units, const char *name, const char *content)
{
  struct vmspec_guest_file *file
    = vms_guest_add (units->files, VMSPEC_GUEST_FORM_UNITS,
                     vms_arena_concat (units->files->arena, DIRECTORY, name,
                                       (char *) NULL),
                     content);

  if (file)
    file->initrd = to_switch (units->initrd);
}

/* What x-systemd.makefs in fstab(5) is made to. */
static void
add_makefs (const struct units *units, const struct mount_unit *unit)
{
  struct text text = { .arena = units->files->arena };
  const char *device = device_name (text.arena, unit);
  const char *name;

  if (!device)
    return;
  name = vms_arena_concat (text.arena, "systemd-makefs@", device, ".service",
                           (char *) NULL);
  vms_text_add (&text, "# Made by vmspec.\n[Unit]\nDefaultDependencies=no\nBindsTo=");
  vms_text_add (&text, device);
  vms_text_add (&text, ".device\nAfter=");
  vms_text_add (&text, device);
  vms_text_add (&text, ".device\n");
  vms_text_add (&text, "Before=systemd-fsck@");
  vms_text_add (&text, device);
  vms_text_add (&text, ".service shutdown.target\nConflicts=shutdown.target\n\n"
                       "[Service]\nType=oneshot\nRemainAfterExit=yes\n"
                       "ExecStart=/usr/lib/systemd/systemd-makefs");
  add_word (&text, vms_guest_type (unit->fs));
  add_word (&text, unit->what);
  vms_text_add (&text, "\nTimeoutSec=infinity\n");
  if (name)
    add_file (units, name, vms_text_end (&text));
}

/* ---- what cannot be said ------------------------------------------------ */

/* The member of which no unit can say the text. */
static const char *
wrong_member (struct arena *arena, const struct vmspec_file_system *fs)
{
  const char *options = vms_guest_options (arena, fs);

  return !can_be_said (fs->mount_point) ? "mount_point"
         : !can_be_said (vms_guest_device (fs)) ? "device"
         : !can_be_said (vms_guest_type (fs)) ? "type"
         : options && !can_be_said (options) ? "options" : NULL;
}

static const char *
entry_name (struct arena *arena, const struct vmspec_file_system *fs)
{
  const char *name = vms_arena_concat (arena, "file_systems[", fs->mount_point,
                                       "]", (char *) NULL);

  return name ? name : "file_systems";
}

int
vms_guest_fits_unit (struct arena *arena, const struct vmspec_file_system *fs,
                     vmspec_diag *diag)
{
  const char *member = wrong_member (arena, fs);
  const struct path entry = { .name = member ? entry_name (arena, fs) : NULL };
  const struct path path = { .parent = &entry, .name = member };

  if (member)
    vms_diag_add (diag, VMSPEC_SEVERITY_WARNING, "guest.unit-text", &path, NULL,
                  "systemd cannot mount %s, as its units cannot say a line end, "
                  "nor what is not UTF-8; change the %s", fs->mount_point,
                  member);
  return !member;
}

static int
has_text (const struct units *units, const struct mount_unit *unit)
{
  /* Once is enough, which is for the guest itself. */
  return vms_guest_fits_unit (units->files->arena, unit->fs,
                              units->initrd ? NULL : units->diag);
}

static int
has_name (const struct units *units, const struct mount_unit *unit)
{
  const struct path path = { .parent = &unit->path, .name = "mount_point" };

  if (unit->name && strlen (unit->name) <= LONGEST_NAME)
    return 1;
  if (!vms_arena_error (units->files->arena) && !units->initrd)
    vms_diag_add (units->diag, VMSPEC_SEVERITY_WARNING, "guest.unit-name", &path,
                  NULL, "there is no mount unit for %s, as its name %s; change the "
                  "mount_point", unit->fs->mount_point,
                  unit->name ? "would be longer than 255 bytes"
                             : "cannot be made of a path with \"..\"");
  return 0;
}

/* ---- all file systems --------------------------------------------------- */

static const char *
in_sysroot (const struct units *units, const char *path)
{
  return units->initrd ? vms_arena_concat (units->files->arena, "/sysroot", path,
                                           (char *) NULL)
                       : path;
}

static void
add_mount (const struct units *units, const struct vmspec_file_system *fs)
{
  struct arena *arena = units->files->arena;
  struct mount_unit unit = {
    .fs = fs, .path = { .name = entry_name (arena, fs) },
    .what = vms_guest_device_path (arena, fs), .target = target (units, fs),
    .where = is_root (fs) && units->initrd ? "/sysroot"
             : in_sysroot (units, fs->mount_point),
  };
  const char *escaped;

  if (!unit.what || !unit.where)
    return;
  if (vms_guest_is_bind (fs) && *unit.what == '/')
    unit.what = in_sysroot (units, unit.what);
  escaped = escape_path (arena, unit.where);
  unit.name = escaped ? vms_arena_concat (arena, escaped, ".mount", (char *) NULL)
                      : NULL;
  if (!has_text (units, &unit) || !has_name (units, &unit) || !unit.what)
    return;
  add_file (units, unit.name, mount_text (units, &unit));
  if (is_formatted (units, &unit))
    add_makefs (units, &unit);
}

static void
add_mounts (const struct units *units,
            const struct vmspec_guest_settings *settings)
{
  const struct vmspec_file_system *const *fs = settings->file_systems;

  for (; *fs; fs++)
    if (!units->initrd || vms_guest_in_initrd (*fs))
      add_mount (units, *fs);
}

/* ---- the store ---------------------------------------------------------- */

static const char *
parent (struct arena *arena, const char *path)
{
  const char *slash = strrchr (path, '/');

  return slash && slash > path
           ? vms_arena_copy (arena, path, (size_t) (slash - path)) : "/";
}

/* As the module of NixOS has it for an initial RAM disk with systemd.  The names
 * are the library's own, and need no escape. */
static void
add_overlay (const struct units *units,
             const struct vmspec_guest_overlay *overlay)
{
  struct arena *arena = units->files->arena;
  struct text mount = { .arena = arena }, service = { .arena = arena };
  const char *where = in_sysroot (units, overlay->mount_point);
  const char *lower = in_sysroot (units, overlay->lower);
  const char *upper = in_sysroot (units, overlay->upper);
  const char *work = in_sysroot (units, overlay->work);
  const char *options, *escaped, *disk;

  if (!where || !lower || !upper || !work)
    return;
  options = vms_arena_concat (arena, "lowerdir=", lower, ",upperdir=", upper,
                              ",workdir=", work, (char *) NULL);
  escaped = escape_path (arena, where);
  disk = parent (arena, upper);
  if (!options || !escaped || !disk)
    return;

  vms_text_add (&mount, "# Made by vmspec.\n[Unit]\nBefore=initrd-fs.target\n"
                        "Requires=rw-store.service\nAfter=rw-store.service\n"
                        "RequiresMountsFor=");
  vms_text_add (&mount, lower);
  vms_text_add (&mount, "\n\n[Mount]\n");
  add_line (&mount, "What", "overlay");
  add_line (&mount, "Where", where);
  add_line (&mount, "Type", "overlay");
  add_line (&mount, "Options", options);
  vms_text_add (&mount, "\n[Install]\nWantedBy=initrd-fs.target\n");
  add_file (units, vms_arena_concat (arena, escaped, ".mount", (char *) NULL),
            vms_text_end (&mount));

  vms_text_add (&service, "# Made by vmspec.\n[Unit]\nDefaultDependencies=no\n"
                          "Before=shutdown.target\nConflicts=shutdown.target\n"
                          "RequiresMountsFor=");
  vms_text_add (&service, disk);
  vms_text_add (&service, "\n\n[Service]\nType=oneshot\n"
                          "ExecStart=/bin/mkdir -p -m 0755 ");
  vms_text_add (&service, upper);
  vms_text_add (&service, " ");
  vms_text_add (&service, work);
  vms_text_add (&service, " ");
  vms_text_add (&service, where);
  vms_text_add (&service, "\n");
  add_file (units, "rw-store.service", vms_text_end (&service));
}

/* ---- all of it ---------------------------------------------------------- */

static void
add_tmpfiles (struct vector *files, const char *const *line)
{
  struct text text = { .arena = files->arena };

  if (!line || !*line)
    return;
  vms_text_add (&text, "# Made by vmspec: see tmpfiles.d(5).\n");
  for (; *line; line++) {
    vms_text_add (&text, *line);
    vms_text_add (&text, "\n");
  }
  vms_guest_add (files, VMSPEC_GUEST_FORM_UNITS,
                 "/etc/tmpfiles.d/10-qemu-vm.conf", vms_text_end (&text));
}

void
vms_guest_units (struct vector *files,
                 const struct vmspec_guest_settings *settings,
                 vmspec_diag *diag)
{
  struct units own = { .files = files, .diag = diag };
  struct units initrd = { .files = files, .diag = diag, .initrd = 1 };

  add_mounts (&own, settings);
  add_mounts (&initrd, settings);
  if (settings->overlay)
    add_overlay (&initrd, settings->overlay);
  add_tmpfiles (files, settings->tmpfiles);
}
