/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Kernel parameters, in one line, for the kernel, for systemd, dracut and
 * initramfs-tools.
 *
 * A NixOS system is not told of its file systems: it has them in its own fstab,
 * which the parameters would not replace but say a second time, and systemd
 * refuses two units of one name.
 *
 * systemd checks each device that systemd.mount-extra= names; only fstab(5) and
 * units can say no_check.
 */
#include "guest.h"

#include "diag.h"

#include <stdio.h>
#include <string.h>

struct line {
  struct text text;
  vmspec_diag *diag;
};

static void
add_blank (struct line *line)
{
  if (line->text.size)
    vms_text_add (&line->text, " ");
}

/* What the kernel and systemd end a word at: the kernel takes Latin-1's blank for
 * one, which is a part of some characters in UTF-8. */
static int
needs_quotes (const char *value)
{
  return value[strcspn (value, " \t\v\f\xa0'")] != '\0';
}

/* Both know quotation marks around a word, and in these nothing stands for one;
 * a backslash at the end would take the blank, or the quotation mark, with it. */
static int
can_be_said (const char *value)
{
  size_t size = strlen (value);

  return !strpbrk (value, "\"\n\r") && (!size || value[size - 1] != '\\');
}

static void
add_word (struct line *line, const char *name, const char *value,
          const char *member)
{
  const struct path entry = { .name = "file_systems[/]" };
  const struct path path = { .parent = &entry, .name = member };

  if (!value)
    return;
  if (!can_be_said (value)) {
    vms_diag_add (line->diag, VMSPEC_SEVERITY_WARNING, "guest.parameter", &path,
                  NULL, "the kernel parameter %s is left out, as there is no way to "
                  "say quotation marks, line ends, or a backslash at the end: "
                  "change the %s of the root file system", name, member);
    return;
  }
  add_blank (line);
  vms_text_add (&line->text, needs_quotes (value) ? "\"" : "");
  vms_text_add (&line->text, name);
  vms_text_add (&line->text, "=");
  vms_text_add (&line->text, value);
  vms_text_add (&line->text, needs_quotes (value) ? "\"" : "");
}

/* ---- the root ----------------------------------------------------------- */

static const char *
root_flags (struct arena *arena, const struct vmspec_file_system *fs)
{
  const char *options = vms_guest_mount_options (arena, fs);

  return options && vms_guest_is_formatted (fs)
           ? vms_arena_concat (arena, *options ? options : "rw",
                               ",x-systemd.makefs", (char *) NULL)
           : options;
}

static void
add_root (struct line *line, const struct vmspec_file_system *fs)
{
  const char *flags = root_flags (line->text.arena, fs);

  if (!fs->device || !*fs->device)
    return;
  add_word (line, "root", fs->device, "device");
  if (strcmp (vms_guest_type (fs), "auto"))
    add_word (line, "rootfstype", vms_guest_type (fs), "type");
  if (flags && *flags)
    add_word (line, "rootflags", flags, "options");
  vms_text_add (&line->text, vms_guest_has_option (fs, "ro") ? " ro" : " rw");
}

/* ---- the others --------------------------------------------------------- */

static int
is_plain (char c)
{
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')
         || (c >= '0' && c <= '9') || (c && strchr ("/._,=+@%~-", c));
}

/* A field, which ends at a colon, with the escapes of C. */
static void
add_field (struct line *line, const char *value)
{
  for (; *value; value++) {
    char escape[sizeof "\\xff"];

    if (is_plain (*value)) {
      vms_text_add_bytes (&line->text, value, 1);
      continue;
    }
    snprintf (escape, sizeof escape, "\\x%02x",
              (unsigned) (unsigned char) *value);
    vms_text_add (&line->text, escape);
  }
}

static void
add_mount (struct line *line, const struct vmspec_file_system *fs)
{
  const char *options = vms_guest_options (line->text.arena, fs);

  /* systemd makes a unit of it. */
  if (!options || !vms_guest_fits_unit (line->text.arena, fs, line->diag))
    return;
  add_blank (line);
  vms_text_add (&line->text, "systemd.mount-extra=");
  add_field (line, vms_guest_device (fs));
  vms_text_add (&line->text, ":");
  add_field (line, fs->mount_point);
  vms_text_add (&line->text, ":");
  add_field (line, vms_guest_type (fs));
  vms_text_add (&line->text, ":");
  add_field (line, options);
  if (vms_guest_is_formatted (fs))
    vms_text_add (&line->text, ",x-systemd.makefs");
  if (is_on (fs->needed_for_boot))
    vms_text_add (&line->text, ",x-initrd.mount");
}

static void
add_file_systems (struct line *line,
                  const struct vmspec_guest_settings *settings)
{
  const struct vmspec_file_system *const *fs = settings->file_systems;

  if (is_on (settings->nixos))
    return;
  for (; *fs; fs++)
    if (!strcmp ((*fs)->mount_point, "/"))
      add_root (line, *fs);
    else
      add_mount (line, *fs);
}

/* ---- all of it ---------------------------------------------------------- */

/* A line end is a blank to the kernel, and would not be one line. */
static void
add_params (struct line *line, const char *const *word)
{
  for (; word && *word; word++) {
    add_blank (line);
    for (const char *c = *word; *c; c++)
      vms_text_add_bytes (&line->text, *c == '\n' ? " " : c, 1);
  }
}

/* Whether the parameters say something under the same key.  Those of a NixOS
 * system are one text. */
static int
is_said (const char *const *params, const char *param)
{
  size_t size = strcspn (param, "=") + 1;

  for (; params && *params; params++)
    for (const char *at = *params; *at; at += strcspn (at, " \t\n")) {
      at += strspn (at, " \t\n");
      if (!strncmp (at, param, size))
        return 1;
    }
  return 0;
}

static void
add_unless_said (struct line *line, const struct vmspec_guest_settings *settings,
                 const char *param)
{
  if (is_said (settings->kernel_params, param))
    return;
  add_blank (line);
  vms_text_add (&line->text, param);
}

static void
add_video (struct line *line, const struct vmspec_guest_settings *settings)
{
  const char *param = vms_arena_printf (line->text.arena, "video=%ux%u",
                                        settings->resolution_x,
                                        settings->resolution_y);

  if (param)
    add_unless_said (line, settings, param);
}

static void
add_switches (struct line *line, const struct vmspec_guest_settings *settings)
{
  if (settings->swap == VMSPEC_OFF)
    add_unless_said (line, settings, "systemd.swap=0");
  if (settings->luks == VMSPEC_OFF)
    add_unless_said (line, settings, "luks=0");
  if (settings->predictable_names == VMSPEC_OFF)
    add_unless_said (line, settings, "net.ifnames=0");
  if (is_on (settings->graphics))
    add_video (line, settings);
}

static void
check_length (const struct line *line, size_t max)
{
  if (line->text.size <= max)
    return;
  vms_diag_add (line->diag, VMSPEC_SEVERITY_WARNING, "guest.parameters-length",
                &(struct path) { .name = "file_systems" }, NULL,
                "the kernel parameters have %zu bytes, of which the kernel cuts off "
                "all after the first %zu: have the guest mount by its fstab or by "
                "units", line->text.size, max);
}

void
vms_guest_cmdline (struct vector *files,
                   const struct vmspec_guest_settings *settings,
                   vmspec_diag *diag)
{
  struct line line = { .text.arena = files->arena, .diag = diag };

  add_params (&line, settings->kernel_params);
  add_file_systems (&line, settings);
  add_switches (&line, settings);
  check_length (&line, settings->command_line_max);
  vms_text_add (&line.text, "\n");
  vms_guest_add (files, VMSPEC_GUEST_FORM_CMDLINE, "kernel-params",
                 vms_text_end (&line.text));
}
