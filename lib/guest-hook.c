/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A hook for an initial RAM disk that has a shell, be it busybox's: what has to
 * be mounted for the guest to boot, mounted with what each such shell has.
 * Nothing is checked: programs for that are rare there.
 */
#include "guest.h"

#include "argv.h"
#include "set.h"

#include <string.h>

static const char start[]
  = "#!/bin/sh\n"
    "# Mounts what the guest needs to boot below the directory that is given,\n"
    "# /sysroot otherwise, for an initial RAM disk.  Made by vmspec.\n"
    "# Values stand in quotes as they are.\n"
    "# shellcheck disable=SC1003,SC2016\n"
    "targetRoot=${1:-/sysroot}\n"
    "targetRoot=${targetRoot%/}\n"
    "\n"
    "say () {\n"
    "  echo \"vmspec: $*\" >&2\n"
    "}\n"
    "\n"
    "fail () {\n"
    "  say \"${1:-the root file system could not be completed}\"\n"
    "  exit 1\n"
    "}\n"
    "\n"
    "is_mounted () {\n"
    "  while read -r _ point _; do\n"
    "    if [ \"$point\" = \"$1\" ]; then\n"
    "      return 0\n"
    "    fi\n"
    "  done < /proc/mounts\n"
    "  return 1\n"
    "}\n"
    "\n"
    "# Time is counted in tenths of a second, which not every sleep knows.\n"
    "wait_a_little () {\n"
    "  if sleep 0.1 2> /dev/null; then\n"
    "    waited=$((waited + 1))\n"
    "  else\n"
    "    sleep 1\n"
    "    waited=$((waited + 10))\n"
    "  fi\n"
    "}\n"
    "\n"
    "# find_tag NAME=VALUE: the device that has it, as device.\n"
    "find_tag () {\n"
    "  device=$(findfs \"$1\" 2> /dev/null)\n"
    "  if [ -b \"$device\" ]; then\n"
    "    return 0\n"
    "  fi\n"
    "  device=$(blkid -o device -t \"$1\" 2> /dev/null)\n"
    "  [ -b \"$device\" ]\n"
    "}\n"
    "\n"
    "# find_device PATH [NAME=VALUE]: waits for it for about ten seconds.\n"
    "find_device () {\n"
    "  waited=0\n"
    "  device=$1\n"
    "  until [ -e \"$device\" ]; do\n"
    "    if [ $# -gt 1 ] && find_tag \"$2\"; then\n"
    "      return 0\n"
    "    fi\n"
    "    device=$1\n"
    "    if [ \"$waited\" -ge 100 ]; then\n"
    "      say \"$1 did not appear\"\n"
    "      return 1\n"
    "    fi\n"
    "    wait_a_little\n"
    "  done\n"
    "}\n"
    "\n"
    "# mount_device POINT TYPE OPTIONS\n"
    "mount_device () {\n"
    "  if ! mkdir -p \"$targetRoot$1\"; then\n"
    "    say \"there is no directory $1 to mount on\"\n"
    "    return 1\n"
    "  fi\n"
    "  if ! mount -t \"$2\" -o \"$3\" -- \"$device\" \"$targetRoot$1\"; then\n"
    "    say \"$device could not be mounted on ${1:-/}, as $2 with options $3\"\n"
    "    return 1\n"
    "  fi\n"
    "}\n";

static const char format_function[]
  = "\n"
    "# format_device TYPE: makes a file system where nothing is.\n"
    "format_device () {\n"
    "  if ! command -v blkid > /dev/null; then\n"
    "    say \"without blkid it is not known whether $device is empty\"\n"
    "    return 0\n"
    "  fi\n"
    "  content=$(blkid \"$device\" 2> /dev/null)\n"
    "  case $?$content in\n"
    "    0 | 2)\n"
    "      \"mkfs.$1\" \"$device\" || say \"$device has no file system\"\n"
    "      ;;\n"
    "  esac\n"
    "}\n";

/* ---- mounts ------------------------------------------------------------- */

static void
add_device (struct text *text, const struct vmspec_file_system *fs)
{
  const char *path = vms_guest_device_path (text->arena, fs);
  const char *tag = vms_guest_device_tag (text->arena, fs);

  if (!path)
    return;
  if (vms_guest_is_bind (fs) && *path == '/') {
    vms_text_add (text, "device=$targetRoot");
    vms_text_add_quoted (text, path);
  }
  else if (tag || !strncmp (path, "/dev/", 5)) {
    vms_text_add (text, "find_device ");
    vms_text_add_quoted (text, path);
    if (tag) {
      vms_text_add (text, " ");
      vms_text_add_quoted (text, tag);
    }
  }
  else {
    vms_text_add (text, "device=");
    vms_text_add_quoted (text, path);
  }
}

/* One condition: of what may fail, each but the first after "&&". */
static void
add_mount (struct text *text, const struct vmspec_file_system *fs)
{
  const char *options = vms_guest_mount_options (text->arena, fs);
  int root = !strcmp (fs->mount_point, "/");

  if (!options)
    return;
  if (root)
    vms_text_add (text, "is_mounted \"${targetRoot:-/}\" || ");
  vms_text_add (text, "{\n  ");
  add_device (text, fs);
  if (vms_guest_is_formatted (fs)) {
    vms_text_add (text, " &&\n  format_device ");
    vms_text_add_quoted (text, vms_guest_type (fs));
  }
  vms_text_add (text, " &&\n  mount_device ");
  vms_text_add_quoted (text, root ? "" : fs->mount_point);
  vms_text_add (text, " ");
  vms_text_add_quoted (text, vms_guest_type (fs));
  vms_text_add (text, " ");
  /* An argument has to be there, and this is the kernel's default. */
  vms_text_add_quoted (text, *options ? options : "rw");
  vms_text_add (text, vms_guest_has_option (fs, "nofail")
                        ? "\n} || say \"going on without it\"\n"
                        : "\n} || fail \"the guest cannot boot without it\"\n");
}

static void
add_mounts (struct text *text, const struct vmspec_guest_settings *settings)
{
  const struct vmspec_file_system *const *fs = settings->file_systems;

  for (; *fs; fs++)
    if (vms_guest_in_initrd (*fs)) {
      vms_text_add (text, "\n");
      add_mount (text, *fs);
    }
}

/* ---- all of it ---------------------------------------------------------- */

static int
is_wanted (const struct vmspec_kernel_need *need)
{
  return need->module && (need->initrd == VMSPEC_INITRD_AVAILABLE
                          || need->initrd == VMSPEC_INITRD_LOAD);
}

static void
add_modules (struct text *text, const struct vmspec_guest_settings *settings)
{
  const struct vmspec_kernel_need *const *need = settings->kernel_needs;
  struct set seen = { .arena = text->arena };

  for (; *need; need++) {
    if (!is_wanted (*need) || vms_set_add (&seen, (*need)->module, 0))
      continue;
    vms_text_add (text, seen.count > 1
                          ? " " : "\n# Some may be built in.\nmodprobe -a -q ");
    vms_text_add_quoted (text, (*need)->module);
  }
  if (seen.count)
    vms_text_add (text, " 2> /dev/null || :\n");
}

static int
formats_any (const struct vmspec_guest_settings *settings)
{
  const struct vmspec_file_system *const *fs = settings->file_systems;

  while (*fs && !(vms_guest_in_initrd (*fs) && vms_guest_is_formatted (*fs)))
    fs++;
  return *fs != NULL;
}

void
vms_guest_hook (struct vector *files,
                const struct vmspec_guest_settings *settings, vmspec_diag *diag)
{
  struct text text = { .arena = files->arena };
  struct vmspec_guest_file *file;

  (void) diag;
  vms_text_add (&text, start);
  if (formats_any (settings))
    vms_text_add (&text, format_function);
  add_modules (&text, settings);
  add_mounts (&text, settings);
  if (settings->initrd_commands && *settings->initrd_commands) {
    vms_text_add (&text, "\n# shellcheck disable=SC2086,SC2174,SC3037\n"
                         "complete_root () {\n");
    vms_text_add (&text, settings->initrd_commands);
    vms_text_add (&text, "}\n\ncomplete_root\n");
  }
  file = vms_guest_add (files, VMSPEC_GUEST_FORM_HOOK, "initrd-hook",
                        vms_text_end (&text));
  if (!file)
    return;
  file->executable = VMSPEC_ON;
  file->initrd = VMSPEC_ON;
}
