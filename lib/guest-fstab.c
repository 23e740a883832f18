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
guest_device (const struct vmspec_file_system *fs)
{
  return fs->device && *fs->device ? fs->device : "none";
}

const char *
guest_type (const struct vmspec_file_system *fs)
{
  return fs->type && *fs->type ? fs->type : "auto";
}

/* libmount takes the commas in key="a,b" as part of the value. */
const char *
guest_option_end (const char *option)
{
  int quoted = 0;

  for (; *option && (quoted || *option != ','); option++)
    quoted ^= *option == '"';
  return option;
}

const char *
guest_options (struct arena *arena, const struct vmspec_file_system *fs)
{
  struct text text = { .arena = arena };

  for (const char *const *o = fs->options; o && *o; o++) {
    if (!**o)
      continue;
    if (text.size)
      text_add (&text, ",");
    text_add (&text, *o);
  }
  if (!text.size)
    text_add (&text, "defaults");
  return text_end (&text);
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
guest_has_option (const struct vmspec_file_system *fs, const char *name)
{
  /* Each entry may be several. */
  for (const char *const *o = fs->options; o && *o; o++)
    for (const char *option = *o, *end;; option = end + 1) {
      end = guest_option_end (option);
      if (is_option (option, end, name))
        return 1;
      if (!*end)
        break;
    }
  return 0;
}

static int
starts_with_any (const char *text, const char *const *start)
{
  while (*start && strncmp (text, *start, strlen (*start)))
    start++;
  return *start != NULL;
}

static int
is_any (const char *text, const char *const *word)
{
  while (*word && strcmp (text, *word))
    word++;
  return *word != NULL;
}

int
guest_is_checked (const struct vmspec_file_system *fs)
{
  static const char *const devices[]
    = { "/dev/", "LABEL=", "UUID=", "PARTLABEL=", "PARTUUID=", "ID=", NULL };
  /* Virtual ones, those that are never written, and those that are checked by
   * mounting them. */
  static const char *const unchecked[]
    = { "9p", "virtiofs", "tmpfs", "ramfs", "overlay", "none", "swap", "nfs",
        "nfs4", "cifs", "erofs", "squashfs", "cramfs", "romfs", "iso9660",
        "udf", "btrfs", "xfs", "zfs", "bcachefs", NULL };

  /* What is mounted read-only may be on a disk that cannot be written, and then
   * it cannot be repaired. */
  return !is_on (fs->no_check) && starts_with_any (guest_device (fs), devices)
         && !is_any (guest_type (fs), unchecked)
         && !guest_has_option (fs, "ro") && !guest_has_option (fs, "bind")
         && !guest_has_option (fs, "rbind");
}

int
guest_in_initrd (const struct vmspec_file_system *fs)
{
  return is_on (fs->needed_for_boot) || !strcmp (fs->mount_point, "/");
}

/* ---- fstab(5) ------------------------------------------------------------ */

static void
add_field (struct text *text, const char *value)
{
  static const char escaped[] = " \t\n\\";

  if (*value == '#') {
    text_add (text, "\\043");
    value++;
  }
  while (*value) {
    size_t plain = strcspn (value, escaped);
    const char *octal;

    text_add_bytes (text, value, plain);
    value += plain;
    if (!*value)
      return;
    octal = *value == ' ' ? "\\040" : *value == '\t' ? "\\011"
            : *value == '\n' ? "\\012" : "\\134";
    text_add (text, octal);
    value++;
  }
}

void
guest_fstab_line (struct text *text, const struct vmspec_file_system *fs,
                  const char *more_options)
{
  const char *options = guest_options (text->arena, fs);
  int root = !strcmp (fs->mount_point, "/");

  if (!options)
    return;
  add_field (text, guest_device (fs));
  text_add (text, " ");
  add_field (text, fs->mount_point);
  text_add (text, " ");
  add_field (text, guest_type (fs));
  text_add (text, " ");
  add_field (text, options);
  if (is_on (fs->auto_format))
    text_add (text, ",x-systemd.makefs");
  text_add (text, more_options);
  text_add (text, !guest_is_checked (fs) ? " 0 0\n"
                  : root ? " 0 1\n" : " 0 2\n");
}

static void
add_overlay (struct text *text, const struct vmspec_guest_overlay *overlay)
{
  text_add (text, "# ");
  add_field (text, overlay->mount_point);
  text_add (text, " is an overlay of directories that have to be made before it "
                  "is mounted,\n# which no line can ask for: the hook and the "
                  "units do that.\n");
}

void
guest_fstab (struct vector *files, const struct vmspec_guest_settings *settings,
             vmspec_diag *diag)
{
  const struct vmspec_file_system *const *fs = settings->file_systems;
  struct text text = { .arena = files->arena };

  (void) diag;
  text_add (&text, "# What the guest mounts, by vmspec: see fstab(5).\n");
  /* NixOS and dracut mount those with x-initrd.mount in the initial RAM disk; the
   * root has no need to be told. */
  for (; *fs; fs++)
    guest_fstab_line (&text, *fs,
                      is_on ((*fs)->needed_for_boot)
                        && strcmp ((*fs)->mount_point, "/")
                        ? ",x-initrd.mount" : NULL);
  if (settings->overlay)
    add_overlay (&text, settings->overlay);
  guest_add (files, VMSPEC_GUEST_FORM_FSTAB, "/etc/fstab", text_end (&text));
}
