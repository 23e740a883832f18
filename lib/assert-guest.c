/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What cannot be told to a guest. */
#include "assert.h"
#include "credential.h"
#include "set.h"

#include <string.h>

#define ERROR VMSPEC_SEVERITY_ERROR
#define BLOCKER VMSPEC_SEVERITY_BLOCKER
#define WARNING VMSPEC_SEVERITY_WARNING

/* A table of SMBIOS 2.1 has 65535 bytes, of which others need some. */
#define SMBIOS_MAX 60000
/* QEMU's, without the NUL. */
#define FW_CFG_NAME_MAX 55
/* Of 32 items the machine, its firmware and its kernel need some, and QEMU aborts
 * where there are more; texts of the table are counted by a byte. */
#define FW_CFG_MAX 16
#define SMBIOS_COUNT_MAX 255

struct check {
  const struct resolution *r;
  const struct decided *d;
  vmspec_diag *diag;
  struct set names;
};

static const struct path guest = { .name = "guest" };

static int
is_alphanumeric (char c)
{
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z')
         || (c >= 'A' && c <= 'Z');
}

/* RFC 1123: labels of letters, digits and hyphens, which do not start or end
 * with a hyphen.  Linux has room for 64 bytes. */
static int
is_hostname (const char *name)
{
  size_t size = strlen (name), start = 0;

  for (size_t i = 0; i <= size; i++) {
    if (name[i] && name[i] != '.') {
      if (!is_alphanumeric (name[i]) && name[i] != '-')
        return 0;
      continue;
    }
    if (i == start || i - start > 63 || name[start] == '-'
        || name[i - 1] == '-')
      return 0;
    start = i + 1;
  }
  return size <= 64;
}

/* fstab.extra is no place for the store's overlay, whose directories have to be
 * made first. */
static void
check_mounts (struct check *c)
{
  if (is_on (c->r->guest.mounts) && is_on (c->r->store.writable))
    vms_say (c->diag, WARNING, "guest.mounts-overlay", "guest",
             "mounts", "the guest is told of the parts of its store, and cannot be "
             "told to lay the one over the other; turn store.writable off, or "
             "build the guest's initial RAM disk with vmspec_plan_guest's hook");
}

static void
check_hostname (struct check *c)
{
  const char *name = c->r->guest.hostname;

  if (name && !is_hostname (name))
    vms_say (c->diag, ERROR, "guest.hostname", "guest", "hostname",
             "'%s' is no host name: it takes letters, digits and '-', in parts "
             "with dots between them, and 64 bytes at most", name);
}

static void
check_ssh_keys (struct check *c)
{
  const char *const *keys = c->r->guest.ssh_keys;

  for (size_t i = 0; keys[i]; i++) {
    struct path path = { .parent = &guest, .name = "ssh_keys", .has_index = 1,
                         .index = i };
    const char *key = keys[i] + strspn (keys[i], CREDENTIAL_BLANKS);
    size_t size = strcspn (key, "\n");

    /* XML is indented. */
    if (key[size + strspn (key + size, CREDENTIAL_BLANKS)]
        || !memchr (key, ' ', size) || !strncmp (key, "-----", 5))
      vms_diag_add (c->diag, ERROR, "guest.ssh-key", &path, NULL,
                    "this is no public key: write the one line of a file such as "
                    "~/.ssh/id_ed25519.pub");
  }
}

/* ---- credentials -------------------------------------------------------- */

/* systemd's rule is: a file name, and what may stand in the name of a descriptor.
 * Of that, what also passes each of the ways: '=' ends the name in a table, and
 * others would end it on a command line. */
static int
is_name (const char *name)
{
  size_t size = strlen (name);

  for (const char *c = name; *c; c++)
    if (*c <= ' ' || *c > '~' || strchr (":/=\"'\\", *c))
      return 0;
  return size >= 1 && size <= 255 && strcmp (name, ".") && strcmp (name, "..");
}

static struct path
credential_path (const struct check *c, size_t i)
{
  const char *member = c->d->credentials[i]->member;

  if (member)
    return (struct path) { .parent = &guest, .name = member };
  return (struct path) { .parent = &guest, .name = "credentials",
                         .has_index = 1, .index = i - c->d->own_credentials };
}

static void
check_name (struct check *c, const struct decided_credential *one,
            const struct path *path)
{
  size_t room = FW_CFG_NAME_MAX - strlen (CREDENTIAL_FW_CFG_PREFIX);

  if (!*one->name)
    return; /* the table has said so */
  if (!is_name (one->name))
    vms_diag_add (c->diag, ERROR, "credential.name", path, NULL,
                  "'%s' is no name of a credential: it takes printable ASCII "
                  "characters but blanks, quotes, '\\', ':', '=' and '/', and 255 "
                  "bytes at most", one->name);
  else if (vms_set_add (&c->names, one->name, 0))
    vms_diag_add (c->diag, ERROR, "credential.twice", path, NULL,
                  "there is a credential '%s' already; guest.mounts, "
                  "guest.hostname and guest.ssh_keys are credentials, too",
                  one->name);
  else if (one->way == CREDENTIAL_FW_CFG && strlen (one->name) > room)
    vms_diag_add (c->diag, BLOCKER, "credential.long-name", path,
                  NULL, "a file's name in QEMU's firmware configuration has room "
                  "for %zu bytes of the credential's, and '%s' has %zu; take a "
                  "shorter one%s", room, one->name, strlen (one->name),
                  c->r->arch->family == FAMILY_X86 ? ", or value in place of file"
                                                   : "");
}

static void
check_content (struct check *c, const struct vmspec_credential *said,
               const struct path *path)
{
  if (said->value && said->file)
    vms_diag_add (c->diag, ERROR, "credential.content", path, NULL,
                  "a credential has a value or a file; leave one of them out");
}

static void
check_way (struct check *c, const struct decided_credential *one,
           const struct path *path)
{
  if (one->way != CREDENTIAL_CMDLINE)
    return;
  if (one->file)
    vms_diag_add (c->diag, BLOCKER, "credential.file", path, NULL,
                  "QEMU's %s machines have no device that hands over a file; say "
                  "value in place of it", c->r->arch->name);
  else if (!is_on (c->r->boot.direct))
    vms_diag_add (c->diag, BLOCKER, "credential.unsupported", path,
                  NULL, "QEMU's %s machines have no device that hands over a "
                  "credential; boot a kernel directly, which takes it as a "
                  "parameter, or leave it out", c->r->arch->name);
}

/* About what the texts take that go this way. */
static size_t
size_of (const struct check *c, enum credential_way way)
{
  const struct decided_credential *const *one = c->d->credentials;
  size_t size = 0;

  for (; *one; one++)
    if ((*one)->way == way && (*one)->value)
      size += strlen ((*one)->name) + strlen ((*one)->value) * 4 / 3 + 40;
  return size;
}

static void
check_size (struct check *c)
{
  size_t size = size_of (c, CREDENTIAL_SMBIOS);

  if (size > SMBIOS_MAX)
    vms_say (c->diag, BLOCKER, "credential.size", "guest", "credentials",
             "together the credentials take about %zu bytes, and there is room for "
             "%d; let the larger ones be files (file in place of value)", size,
             SMBIOS_MAX);
}

/* The kernel cuts off what it has no room for, without a word. */
static void
check_command_line (struct check *c)
{
  size_t size = c->d->command_line ? strlen (c->d->command_line) : 0;

  if (size > c->r->arch->command_line_max)
    vms_say (c->diag, BLOCKER, "boot.long-command-line", "boot", "kernel_params",
             "the kernel's command line has %zu bytes, and Linux on %s takes %u; "
             "say less of kernel_params and of credentials, which stand there on "
             "some machines", size, c->r->arch->name,
             c->r->arch->command_line_max);
}

static void
check_count (struct check *c, enum credential_way way, size_t max,
             const char *remedy)
{
  const struct decided_credential *const *one = c->d->credentials;
  size_t n = 0;

  for (; *one; one++)
    n += (*one)->way == way;
  if (n > max)
    vms_say (c->diag, BLOCKER, "credential.too-many", "guest", "credentials",
             "QEMU has room for %zu of these %zu credentials; %s", max, n, remedy);
}

void
vms_assert_credentials (const struct resolution *r, const struct decided *d,
                        vmspec_diag *diag)
{
  struct check c = { r, d, diag, { .arena = r->arena } };

  check_mounts (&c);
  check_hostname (&c);
  check_ssh_keys (&c);
  for (size_t i = 0; d->credentials[i]; i++) {
    struct path path = credential_path (&c, i);

    if (i >= d->own_credentials)
      check_content (&c, r->guest.credentials[i - d->own_credentials], &path);
    check_name (&c, d->credentials[i], &path);
    check_way (&c, d->credentials[i], &path);
  }
  check_count (&c, CREDENTIAL_SMBIOS, SMBIOS_COUNT_MAX,
               "put several into one");
  check_count (&c, CREDENTIAL_FW_CFG, FW_CFG_MAX,
               r->arch->family == FAMILY_X86
                 ? "say value in place of file, or put several into one"
                 : "put several into one");
  check_size (&c);
  check_command_line (&c);
}
