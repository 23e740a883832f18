/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * fstab(5), and what all forms have to know of a file system.
 *
 * A field ends at a blank, so blanks are escaped as \040, and likewise tabs,
 * newlines and the backslash itself; a "#" is, where the line would be a comment.
 */
#include "guest.h"

#include <string.h>

/* ---- what is known of a file system ------------------------------------- */

const char *
vms_guest_device (const struct vmspec_file_system *fs)
{
  return fs->device && *fs->device ? fs->device : "none";
}

const char *
vms_guest_type (const struct vmspec_file_system *fs)
{
  return fs->type && *fs->type ? fs->type : "auto";
}

/* libmount takes the commas in key="a,b" as part of the value. */
const char *
vms_guest_option_end (const char *option)
{
  int quoted = 0;

  for (; *option && (quoted || *option != ','); option++)
    quoted ^= *option == '"';
  return option;
}

const char *
vms_guest_options (struct arena *arena, const struct vmspec_file_system *fs)
{
  struct text text = { .arena = arena };

  for (const char *const *o = fs->options; o && *o; o++) {
    if (!**o)
      continue;
    if (text.size)
      vms_text_add (&text, ",");
    vms_text_add (&text, *o);
  }
  if (!text.size)
    vms_text_add (&text, "defaults");
  return vms_text_end (&text);
}

static int
is_option (const char *option, const char *end, const char *name)
{
  size_t size = strlen (name);

  if ((size_t) (end - option) < size || memcmp (option, name, size))
    return 0;
  return option + size == end || name[size - 1] == '=';
}

int
vms_guest_has_option (const struct vmspec_file_system *fs, const char *name)
{
  /* Each entry may be several. */
  for (const char *const *o = fs->options; o && *o; o++)
    for (const char *option = *o, *end;; option = end + 1) {
      end = vms_guest_option_end (option);
      if (is_option (option, end, name))
        return 1;
      if (!*end)
        break;
    }
  return 0;
}

static int
is_for_others (const char *option, size_t size)
{
  static const char *const words[]
    = { "defaults", "auto", "noauto", "fail", "nofail", "_netdev", "user",
        "nouser", "users", "owner", "group", NULL };
  const char *const *word = words;

  while (*word && (strlen (*word) != size || memcmp (*word, option, size)))
    word++;
  return *word || !size || vms_starts_with (option, "x-")
         || vms_starts_with (option, "X-")
         || vms_starts_with (option, "comment=");
}

const char *
vms_guest_mount_options (struct arena *arena,
                         const struct vmspec_file_system *fs)
{
  struct text text = { .arena = arena };

  for (const char *const *o = fs->options; o && *o; o++)
    for (const char *option = *o, *end;; option = end + 1) {
      end = vms_guest_option_end (option);
      if (!is_for_others (option, (size_t) (end - option))) {
        if (text.size)
          vms_text_add (&text, ",");
        vms_text_add_bytes (&text, option, (size_t) (end - option));
      }
      if (!*end)
        break;
    }
  return vms_text_end (&text);
}

int
vms_guest_in_initrd (const struct vmspec_file_system *fs)
{
  return is_on (fs->needed_for_boot) || !strcmp (fs->mount_point, "/");
}

/* ---- devices ------------------------------------------------------------ */

/* What a file system is found by, and where udev links it. */
struct tag {
  const char *name, *link;
};

static const struct tag tags[] = {
  { "LABEL=", "/dev/disk/by-label/" },
  { "UUID=", "/dev/disk/by-uuid/" },
  { "PARTLABEL=", "/dev/disk/by-partlabel/" },
  { "PARTUUID=", "/dev/disk/by-partuuid/" },
};

static int
hexadecimal (char c)
{
  static const char digits[] = "0123456789abcdefABCDEF";
  const char *at = c ? strchr (digits, c) : NULL;
  int digit = at ? (int) (at - digits) : -1;

  return digit < 16 ? digit : digit - 6;
}

/* The name of udev's link, in which \x20 is a blank, as it was. */
static void
add_decoded (struct text *text, const char *name)
{
  for (; *name; name++) {
    int high = vms_starts_with (name, "\\x") ? hexadecimal (name[2]) : -1;
    int low = high >= 0 ? hexadecimal (name[3]) : -1;
    char byte = (char) (high * 16 + low);

    if (low < 0 || !byte) {
      vms_text_add_bytes (text, name, 1);
      continue;
    }
    vms_text_add_bytes (text, &byte, 1);
    name += 3;
  }
}

static int
is_plain_in_link (unsigned char c)
{
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')
         || (c >= '0' && c <= '9') || c >= 0x80 || strchr ("#+-.:=@_", c);
}

/* And the other way. */
static void
add_encoded (struct text *text, const char *value)
{
  static const char digits[] = "0123456789abcdef";

  for (; *value; value++) {
    unsigned char c = (unsigned char) *value;
    char escape[] = { '\\', 'x', digits[c >> 4], digits[c & 15] };

    if (is_plain_in_link (c))
      vms_text_add_bytes (text, value, 1);
    else
      vms_text_add_bytes (text, escape, sizeof escape);
  }
}

const char *
vms_guest_device_path (struct arena *arena, const struct vmspec_file_system *fs)
{
  const char *device = vms_guest_device (fs);

  for (size_t i = 0; i < sizeof tags / sizeof *tags; i++)
    if (vms_starts_with (device, tags[i].name)) {
      struct text path = { .arena = arena };

      vms_text_add (&path, tags[i].link);
      add_encoded (&path, device + strlen (tags[i].name));
      return vms_text_end (&path);
    }
  return device;
}

const char *
vms_guest_device_tag (struct arena *arena, const struct vmspec_file_system *fs)
{
  const char *device = vms_guest_device (fs);

  for (size_t i = 0; i < sizeof tags / sizeof *tags; i++) {
    struct text tag = { .arena = arena };

    if (vms_starts_with (device, tags[i].name))
      return device;
    if (!vms_starts_with (device, tags[i].link))
      continue;
    vms_text_add (&tag, tags[i].name);
    add_decoded (&tag, device + strlen (tags[i].link));
    return vms_text_end (&tag);
  }
  return NULL;
}

static int
is_file (const char *device)
{
  size_t i = 0;

  while (i < sizeof tags / sizeof *tags
         && !vms_starts_with (device, tags[i].name))
    i++;
  return i < sizeof tags / sizeof *tags || vms_starts_with (device, "/dev/");
}

static int
is_any (const char *text, const char *const *word)
{
  while (*word && strcmp (text, *word))
    word++;
  return *word != NULL;
}

int
vms_guest_is_bind (const struct vmspec_file_system *fs)
{
  return vms_guest_has_option (fs, "bind") || vms_guest_has_option (fs, "rbind");
}

int
vms_guest_is_checked (const struct vmspec_file_system *fs)
{
  /* Virtual ones, those that are never written, and those that are checked by
   * mounting them. */
  static const char *const unchecked[]
    = { "9p", "virtiofs", "tmpfs", "ramfs", "overlay", "none", "swap", "nfs",
        "nfs4", "cifs", "erofs", "squashfs", "cramfs", "romfs", "iso9660",
        "udf", "btrfs", "xfs", "zfs", "bcachefs", NULL };

  /* What is mounted read-only may be on a disk that cannot be written, and then
   * it cannot be repaired. */
  return !is_on (fs->no_check) && is_file (vms_guest_device (fs))
         && !is_any (vms_guest_type (fs), unchecked)
         && !vms_guest_has_option (fs, "ro") && !vms_guest_is_bind (fs);
}

int
vms_guest_is_formatted (const struct vmspec_file_system *fs)
{
  /* No mkfs(8) makes what is to be found out. */
  return is_on (fs->auto_format) && is_file (vms_guest_device (fs))
         && strcmp (vms_guest_type (fs), "auto") && !vms_guest_is_bind (fs);
}

/* ---- fstab(5) ----------------------------------------------------------- */

static void
add_field (struct text *text, const char *value)
{
  static const char escaped[] = " \t\n\\";

  if (*value == '#') {
    vms_text_add (text, "\\043");
    value++;
  }
  while (*value) {
    size_t plain = strcspn (value, escaped);
    const char *octal;

    vms_text_add_bytes (text, value, plain);
    value += plain;
    if (!*value)
      return;
    octal = *value == ' ' ? "\\040" : *value == '\t' ? "\\011"
            : *value == '\n' ? "\\012" : "\\134";
    vms_text_add (text, octal);
    value++;
  }
}

void
vms_guest_fstab_line (struct text *text, const struct vmspec_file_system *fs,
                      const char *more_options)
{
  const char *options = vms_guest_options (text->arena, fs);
  int root = !strcmp (fs->mount_point, "/");

  if (!options)
    return;
  add_field (text, vms_guest_device (fs));
  vms_text_add (text, " ");
  add_field (text, fs->mount_point);
  vms_text_add (text, " ");
  add_field (text, vms_guest_type (fs));
  vms_text_add (text, " ");
  add_field (text, options);
  if (vms_guest_is_formatted (fs))
    vms_text_add (text, ",x-systemd.makefs");
  vms_text_add (text, more_options);
  vms_text_add (text, !vms_guest_is_checked (fs) ? " 0 0\n"
                      : root ? " 0 1\n" : " 0 2\n");
}

static void
add_overlay (struct text *text, const struct vmspec_guest_overlay *overlay)
{
  vms_text_add (text, "# ");
  add_field (text, overlay->mount_point);
  vms_text_add (text, " is an overlay of directories that have to be made before it "
                      "is mounted,\n# which no line can ask for: the hook and the "
                      "units do that.\n");
}

void
vms_guest_fstab (struct vector *files,
                 const struct vmspec_guest_settings *settings,
                 vmspec_diag *diag)
{
  const struct vmspec_file_system *const *fs = settings->file_systems;
  struct text text = { .arena = files->arena };

  (void) diag;
  vms_text_add (&text, "# What the guest mounts, by vmspec: see fstab(5).\n");
  /* NixOS and dracut mount those with x-initrd.mount in the initial RAM disk; the
   * root has no need to be told. */
  for (; *fs; fs++)
    vms_guest_fstab_line (&text, *fs,
                          is_on ((*fs)->needed_for_boot)
                            && strcmp ((*fs)->mount_point, "/")
                            ? ",x-initrd.mount" : NULL);
  if (settings->overlay)
    add_overlay (&text, settings->overlay);
  vms_guest_add (files, VMSPEC_GUEST_FORM_FSTAB, "/etc/fstab", vms_text_end (&text));
}
