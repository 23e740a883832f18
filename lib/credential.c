/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Credentials, and the way that each takes into the guest:
 *
 * - on x86 a text is an OEM string of the SMBIOS tables (type 11);
 * - a file's content, and on ARM, where a kernel that is booted directly sees no
 *   SMBIOS tables, any text, is an item of QEMU's firmware configuration device;
 * - machines that have neither pass it on the kernel's command line.
 */
#include "credential.h"

#include "guest.h"

#include <stdint.h>
#include <string.h>

static enum credential_way
way_of (const struct resolution *r, const char *file)
{
  if (r->arch->family == FAMILY_X86)
    return file ? CREDENTIAL_FW_CFG : CREDENTIAL_SMBIOS;
  return r->arch->family == FAMILY_ARM ? CREDENTIAL_FW_CFG
                                       : CREDENTIAL_CMDLINE;
}

struct builder {
  const struct resolution *r;
  struct vector list;        /* struct decided_credential */
};

static void
add (struct builder *b, const char *member, const char *name,
     const char *value, const char *file)
{
  struct decided_credential *one = vms_arena_alloc (b->r->arena, sizeof *one);

  if (!one)
    return;
  *one = (struct decided_credential) { .member = member, .name = name,
                                       .value = value, .file = file,
                                       .way = way_of (b->r, file) };
  vms_vector_add (&b->list, one);
}

/* All but the root, which the guest's image is.  A guest whose initial RAM disk
 * has no 9p mounts them when it has got there, so nothing is asked of that. */
static const char *
mounts (const struct resolution *r)
{
  const struct vmspec_file_system *const *fs = r->spec.file_systems;
  struct text text = { .arena = r->arena };

  for (; *fs; fs++)
    if (strcmp ((*fs)->mount_point, "/"))
      vms_guest_fstab_line (&text, *fs, NULL);
  return vms_text_end (&text);
}

static const char *
lines (struct arena *arena, const char *const *line)
{
  struct text text = { .arena = arena };

  for (; *line; line++) {
    const char *start = *line + strspn (*line, CREDENTIAL_BLANKS);
    size_t size = strlen (start);

    while (size && strchr (CREDENTIAL_BLANKS, start[size - 1]))
      size--;
    vms_text_add_bytes (&text, start, size);
    vms_text_add (&text, "\n");
  }
  return vms_text_end (&text);
}

void
vms_decide_credentials (struct decided *d, const struct resolution *r)
{
  struct builder b = { r, { .arena = r->arena } };
  const struct vmspec_credential *const *said = r->guest.credentials;

  if (is_on (r->guest.mounts))
    add (&b, "mounts", "fstab.extra", mounts (r), NULL);
  if (r->guest.hostname)
    add (&b, "hostname", "system.hostname", r->guest.hostname, NULL);
  if (*r->guest.ssh_keys)
    add (&b, "ssh_keys", "ssh.authorized_keys.root",
         lines (r->arena, r->guest.ssh_keys), NULL);
  d->own_credentials = b.list.count;
  for (; *said; said++) {
    const char *value = (*said)->value ? (*said)->value : "";

    if ((*said)->file)
      add (&b, NULL, (*said)->name, NULL,
           vms_host_absolute (r->arena, r->host, (*said)->file));
    else
      add (&b, NULL, (*said)->name, value, NULL);
  }
  d->credentials = (const void *) vms_vector_end (&b.list);
}

/* ---- rendering ---------------------------------------------------------- */

/* RFC 4648, section 4. */
static const char *
base64 (struct arena *arena, const char *text)
{
  static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                               "abcdefghijklmnopqrstuvwxyz0123456789+/";
  size_t size = strlen (text);
  char *out = vms_arena_alloc (arena, (size + 2) / 3 * 4 + 1), *to = out;

  if (!out)
    return NULL;
  for (size_t i = 0; i < size; i += 3) {
    size_t n = size - i < 3 ? size - i : 3;
    uint32_t bits = 0;

    for (size_t j = 0; j < 3; j++)
      bits = bits << 8 | (j < n ? (unsigned char) text[i + j] : 0);
    for (size_t j = 0; j < 4; j++)
      *to++ = (char) (j <= n ? digits[bits >> (18 - 6 * j) & 63] : '=');
  }
  return out;
}

/* One line without what a table or a command line could get wrong. */
static int
is_plain (const char *text, const char *unwanted)
{
  for (const char *c = text; *c; c++)
    if (*c <= ' ' || *c > '~' || strchr (unwanted, *c))
      return 0;
  return *text != '\0';
}

static void
smbios (struct argv *argv, const struct decided_credential *credential)
{
  int plain = is_plain (credential->value, "");

  vms_argv_begin (argv, "-smbios", "type=11,value=io.systemd.credential");
  vms_argv_raw (argv, plain ? ":" : ".binary:");
  vms_argv_value (argv, credential->name);
  vms_argv_raw (argv, "=");
  vms_argv_value (argv, plain ? credential->value
                              : base64 (argv->words.arena, credential->value));
  vms_argv_end (argv);
}

static void
fw_cfg (struct argv *argv, const struct decided_credential *credential)
{
  const char *file = credential->file;

  vms_argv_begin (argv, "-fw_cfg", "name=" CREDENTIAL_FW_CFG_PREFIX);
  vms_argv_value (argv, credential->name);
  /* QEMU takes no empty string. */
  if (!file && !*credential->value)
    file = "/dev/null";
  if (file)
    vms_argv_key (argv, "file", file);
  else
    vms_argv_key (argv, "string", credential->value);
  vms_argv_end (argv);
}

void
vms_qemu_credentials (struct argv *argv, const struct decided *d)
{
  const struct decided_credential *const *one = d->credentials;

  for (; *one; one++)
    if ((*one)->way == CREDENTIAL_SMBIOS)
      smbios (argv, *one);
    else if ((*one)->way == CREDENTIAL_FW_CFG)
      fw_cfg (argv, *one);
}

void
vms_credential_params (struct text *line, const struct decided *d)
{
  const struct decided_credential *const *one = d->credentials;

  for (; *one; one++) {
    int plain;

    if ((*one)->way != CREDENTIAL_CMDLINE || !(*one)->value)
      continue;
    plain = is_plain ((*one)->value, "\"'\\");
    vms_text_add (line, line->size ? " " : "");
    vms_text_add (line, plain ? "systemd.set_credential="
                              : "systemd.set_credential_binary=");
    vms_text_add (line, (*one)->name);
    vms_text_add (line, ":");
    vms_text_add (line, plain ? (*one)->value
                              : base64 (line->arena, (*one)->value));
  }
}
