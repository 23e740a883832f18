/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which option of the description a word of QEMU's vector comes from.  Nothing is
 * recorded while a plan is made: words of the caller's lists are the same
 * pointers in the vector, and what is rendered (qemu.c, drives.c) tells by its
 * flag, ids and values.
 */
#include "explain.h"

#include <string.h>

struct search {
  const vmspec_plan *plan;
  struct arena *arena;
  struct culprit culprit;
  const char *flag, *value; /* the value is "" if there is none */
  const char *message, *member;
};

/* ---- option strings ----------------------------------------------------- */

/* The value of ",key=value" in an option string, with commas as they are meant;
 * NULL if there is none. */
static const char *
get_key (struct arena *arena, const char *option, const char *key)
{
  struct text value = { .arena = arena };
  size_t size = strlen (key);
  int found = 0;

  for (;;) {
    const char *comma;

    found = !strncmp (option, key, size) && option[size] == '=';
    option += found ? size + 1 : 0;
    for (; (comma = strchr (option, ',')) && comma[1] == ','; option = comma + 2)
      if (found)
        vms_text_add_bytes (&value, option, (size_t) (comma - option) + 1);
    if (found || !comma)
      break;
    option = comma + 1;
  }
  if (!found)
    return NULL;
  vms_text_add_bytes (&value, option, strcspn (option, ","));
  return vms_text_end (&value);
}

static int
has_key (struct arena *arena, const char *option, const char *key,
         const char *value)
{
  const char *said = get_key (arena, option, key);

  return said && !strcmp (said, value);
}

/* "drive3" is 3, anything else 0. */
static size_t
number_after (const char *text, const char *prefix)
{
  size_t size = strlen (prefix), number = 0;

  if (!text || strncmp (text, prefix, size))
    return 0;
  for (text += size; *text >= '0' && *text <= '9' && number < 100000; text++)
    number = number * 10 + (size_t) (*text - '0');
  return *text ? 0 : number;
}

/* ---- paths -------------------------------------------------------------- */

static int
has_member (const char *owner, const char *member)
{
  const struct vmspec_option *option = vms_option_first (owner);

  while (option && strcmp (option->name, member))
    option = vms_option_sibling (option);
  return !!option;
}

/* The path of a group's member: of the one that was asked for, where the group
 * has it. */
static const char *
member_path (const struct search *s, const char *group, const char *owner,
             const char *member)
{
  if (s->member && has_member (owner, s->member))
    member = s->member;
  if (!group)
    return member;
  return member ? vms_arena_concat (s->arena, group, ".", member, (char *) NULL)
                : vms_arena_strdup (s->arena, group);
}

static const char *
indexed (const struct search *s, const char *list, size_t index)
{
  return vms_arena_printf (s->arena, "%s[%zu]", list, index);
}

/* ---- the caller's own words --------------------------------------------- */

static size_t
find_word (const char *const *words, const char *word)
{
  size_t i = 0;

  for (; words && words[i]; i++)
    if (words[i] == word)
      return i;
  return SIZE_MAX;
}

/* Which piece of shell expanded to the n-th word. */
static size_t
piece_of_word (const struct search *s, const char *const *pieces, size_t n)
{
  const char *const *environment = s->plan->decided.environment;
  struct vector words = { .arena = s->arena };
  size_t i = 0;

  for (; pieces[i]; i++)
    if (vms_expand_words (&words, pieces[i], environment) || words.count > n)
      break;
  return i;
}

static const char *
from_lists (const struct search *s)
{
  const struct vmspec_qemu *q = &s->plan->resolution.qemu;
  const struct decided *d = &s->plan->decided;
  const struct {
    const char *group, *name;
    const char *const *pieces, *const *words;
  } lists[] = {
    { "qemu.", "first_options", q->first_options, d->first_options },
    { "qemu.", "options", q->options, d->options },
    { "qemu.", "first_network_options", q->first_network_options,
      d->first_network_options },
    { "qemu.", "network_options", q->network_options, d->network_options },
    { "", "arguments", NULL, s->plan->resolution.host->arguments },
  };
  const char *word
    = s->plan->argv[s->culprit.index + s->culprit.count - 1];

  for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
    size_t at = find_word (lists[i].words, word);

    if (at == SIZE_MAX)
      continue;
    if (lists[i].pieces && lists[i].pieces != lists[i].words)
      at = piece_of_word (s, lists[i].pieces, at);
    return vms_arena_printf (s->arena, "%s%s[%zu]", lists[i].group, lists[i].name,
                             at);
  }
  return NULL;
}

/* The variable's words come last but for the caller's. */
static int
is_of_variable (const struct search *s)
{
  const char *more
    = vms_environment_said (s->plan->decided.environment, "QEMU_OPTS");
  struct vector words = { .arena = s->arena };
  size_t n = vms_list_length (s->plan->argv);

  if (more)
    vms_split_words (&words, more);
  n -= vms_list_length (s->plan->resolution.host->arguments);
  return s->culprit.index >= n - words.count;
}

/* ---- drives and shares -------------------------------------------------- */

/* A property that the message has in quotes, alone or with its device. */
static int
names (const struct search *s, const char *property)
{
  const char *alone = vms_arena_concat (s->arena, "'", property, "'",
                                        (char *) NULL);
  const char *of_device = vms_arena_concat (s->arena, ".", property, "'",
                                            (char *) NULL);

  return alone && of_device
         && (strstr (s->message, alone) || strstr (s->message, of_device));
}

static const char *
property_path (const struct search *s, const char *entry, const char *list,
               const struct vmspec_property *const *properties)
{
  for (size_t i = 0; properties[i] && !vms_arena_error (s->arena); i++)
    if (names (s, properties[i]->name))
      return vms_arena_printf (s->arena, "%s.%s[%zu]", entry, list, i);
  return NULL;
}

static const char *
from_drive (const struct search *s, size_t number, const char *member)
{
  const struct resolution *r = &s->plan->resolution;
  size_t n = vms_list_length (r->spec.drives), i = number - 1;
  const struct vmspec_drive *drive;
  const char *entry, *path;
  struct path room[2];

  if (!number || i >= n)
    return NULL;
  drive = r->spec.drives[i];
  /* A built-in one: the option that asked for it. */
  if (i < r->own_drives)
    return vms_path_text (s->arena, vms_drive_path (r, i, "file", room));
  entry = indexed (s, "drives", i - r->own_drives);
  if (s->member && has_member ("vmspec_drive", s->member))
    return member_path (s, entry, "vmspec_drive", NULL);
  path = property_path (s, entry, "drive_options", drive->drive_options);
  if (!path)
    path = property_path (s, entry, "device_options", drive->device_options);
  return path ? path : member_path (s, entry, "vmspec_drive", member);
}

/* A controller is for the drive that comes next. */
static const char *
from_controller (const struct search *s)
{
  const char *const *word = s->plan->argv + s->culprit.index + 1;

  for (; *word; word++) {
    size_t number
      = number_after (get_key (s->arena, *word, "drive"), "drive");

    if (number)
      return from_drive (s, number, "interface");
  }
  return NULL;
}

static const char *
from_share (const struct search *s)
{
  const struct resolution *r = &s->plan->resolution;
  const char *const *sources = s->plan->decided.share_sources;

  for (size_t i = 0; sources && r->spec.shares[i]; i++) {
    struct path entry = vms_entry_path ("shares", i, r->own_shares);

    if (has_key (s->arena, s->value, "mount_tag", r->spec.shares[i]->tag)
        && has_key (s->arena, s->value, "path", sources[i]))
      return member_path (s, vms_path_text (s->arena, &entry), "vmspec_share",
                          NULL);
  }
  return "shares";
}

/* ---- networks ----------------------------------------------------------- */

static int
quotes_rule (const struct search *s, const struct vmspec_forward_port *port)
{
  const char *proto = port->proto == VMSPEC_PROTO_UDP ? "udp" : "tcp";
  int guest = port->from == VMSPEC_FORWARD_FROM_GUEST;
  const char *rule
    = guest
        ? vms_arena_printf (s->arena, "'%s:%s:%u-cmd:", proto,
                            port->guest_address, port->guest_port)
        : vms_arena_printf (s->arena, "'%s:%s:%u-%s:%u'", proto,
                            port->host_address,
                            is_on (port->any_host_port) ? 0 : port->host_port,
                            port->guest_address, port->guest_port);

  return rule && strstr (s->message, rule);
}

/* What is between the first quotes. */
static const char *
quoted (const struct search *s)
{
  const char *start = strpbrk (s->message, "'\"");
  const char *end = start ? strchr (start + 1, *start) : NULL;

  return end ? vms_arena_copy (s->arena, start + 1, (size_t) (end - start) - 1)
             : NULL;
}

static const char *
from_network (const struct search *s)
{
  const struct resolution *r = &s->plan->resolution;
  const char *more
    = vms_environment_said (s->plan->decided.environment, "QEMU_NET_OPTS");
  const char *word = quoted (s);

  for (size_t i = 0; r->network.forward_ports[i]; i++)
    if (quotes_rule (s, r->network.forward_ports[i]))
      return member_path (s, indexed (s, "network.forward_ports", i),
                          "vmspec_forward_port", NULL);
  if (more && word && *word && strstr (more, word))
    return "QEMU_NET_OPTS";
  return member_path (s, "network", "vmspec_network", NULL);
}

/* Interfaces on virtual networks are vlan1, vlan2 and so on: first the list
 * vlans, then interfaces. */
static const char *
from_vlan (const struct search *s, size_t number)
{
  const struct resolution *r = &s->plan->resolution;
  size_t vlans = vms_list_length (r->spec.vlans);
  size_t interfaces = vms_list_length (r->spec.interfaces);

  if (number <= vlans)
    return r->given->vlans ? indexed (s, "vlans", number - 1)
                           : "network.vlan_backend";
  return number - vlans <= interfaces
           ? indexed (s, "interfaces", number - vlans - 1) : NULL;
}

static const char *
from_netdev (const struct search *s)
{
  const char *id = get_key (s->arena, s->value, "id");

  if (!id)
    id = get_key (s->arena, s->value, "netdev");
  if (number_after (id, "vlan"))
    return from_vlan (s, number_after (id, "vlan"));
  return from_network (s);
}

/* ---- everything else ---------------------------------------------------- */

/* Options of which there is one. */
static const struct {
  const char *flag, *group, *owner, *member;
} single[] = {
  { "-m", NULL, "vmspec", "memory" },
  { "-smp", NULL, "vmspec", "cores" },
  { "-name", NULL, "vmspec", "name" },
  { "-nographic", NULL, "vmspec", "graphics" },
  { "-display", NULL, "vmspec", "graphics" },
  { "-accel", "qemu", "vmspec_qemu", "accel" },
  { "-machine", "qemu", "vmspec_qemu", "machine" },
  { "-cpu", "qemu", "vmspec_qemu", "cpu" },
  { "-usb", "qemu", "vmspec_qemu", "builtin_options" },
  { "-kernel", "boot", "vmspec_boot", "kernel" },
  { "-initrd", "boot", "vmspec_boot", "initrd" },
  { "-append", "boot", "vmspec_boot", "kernel_params" },
  { "-bios", "boot", "vmspec_boot", "bios" },
  { "-global", "efi", "vmspec_efi", "smm" },
  { "-drive", NULL, "vmspec", "drives" },
  { "-virtfs", NULL, "vmspec", "shares" },
  { "-chardev", "tpm", "vmspec_tpm", NULL },
  { "-tpmdev", "tpm", "vmspec_tpm", NULL },
  { "-net", "network", "vmspec_network", NULL },
  { "-netdev", "network", "vmspec_network", NULL },
  { "PROGRAM", "qemu", "vmspec_qemu", "binary" },
};

static const char *
from_flag (const struct search *s)
{
  for (size_t i = 0; i < sizeof single / sizeof *single; i++)
    if (!strcmp (single[i].flag, s->flag))
      return member_path (s, single[i].group, single[i].owner,
                          single[i].member);
  return NULL;
}

/* The program and its first words. */
static const char *
from_command (const struct search *s)
{
  const struct vmspec_qemu *q = &s->plan->resolution.qemu;

  if (q->package && !q->binary)
    return "qemu.package";
  return from_flag (s);
}

static const char *
from_drive_option (const struct search *s)
{
  if (!has_key (s->arena, s->value, "if", "pflash"))
    return from_drive (s, number_after (get_key (s->arena, s->value, "id"),
                                        "drive"), NULL);
  return has_key (s->arena, s->value, "unit", "0") ? "efi.firmware"
                                                   : "efi.state";
}

static const char *
from_device (const struct search *s)
{
  size_t drive = number_after (get_key (s->arena, s->value, "drive"), "drive");

  if (drive)
    return from_drive (s, drive, NULL);
  if (get_key (s->arena, s->value, "tpmdev"))
    return "tpm.model";
  if (get_key (s->arena, s->value, "netdev"))
    return from_netdev (s);
  if (vms_starts_with (s->value, "lsi53c895a")
      || vms_starts_with (s->value, "ich9-ahci")
      || vms_starts_with (s->value, "virtio-scsi-pci"))
    return from_controller (s);
  if (vms_starts_with (s->value, "virtio-keyboard"))
    return "qemu.virtio_keyboard";
  if (vms_starts_with (s->value, "virtio-rng-pci"))
    return s->plan->resolution.qemu.machine ? "qemu.machine" : "qemu.package";
  return "qemu.builtin_options";
}

static const char *
from_rendered (const struct search *s)
{
  if (s->culprit.index < vms_list_length (s->plan->decided.command))
    return from_command (s);
  if (!strcmp (s->flag, "-machine"))
    return "efi.smm";
  if (!strcmp (s->flag, "-drive"))
    return from_drive_option (s);
  if (!strcmp (s->flag, "-device"))
    return from_device (s);
  if (!strcmp (s->flag, "-virtfs"))
    return from_share (s);
  if (!strcmp (s->flag, "-netdev"))
    return from_netdev (s);
  return from_flag (s);
}

const char *
vms_explain_origin (const vmspec_plan *plan, struct arena *arena,
                    struct culprit culprit, const char *message,
                    const char *member)
{
  const char *const *word = plan->argv + culprit.index;
  struct search s = { plan, arena, culprit, word[0],
                      word[1] ? word[1] : "", message, member };
  const char *path = from_lists (&s);

  if (!path && is_of_variable (&s))
    path = "QEMU_OPTS";
  if (!path)
    path = from_rendered (&s);
  return vms_arena_error (arena) ? NULL : path;
}

/* ---- options that QEMU does not name ------------------------------------ */

/* Whether a flag is in a list of them; QEMU takes --cpu for -cpu. */
static int
is_flag (const char *word, const char *flags)
{
  size_t size;

  if (vms_starts_with (word, "--"))
    word++;
  size = strlen (word);
  for (; flags; flags = strchr (flags, ' '), flags += flags ? 1 : 0)
    if (!strncmp (flags, word, size) && (!flags[size] || flags[size] == ' '))
      return size > 0;
  return 0;
}

static struct culprit
pair_at (const char *const *argv, size_t index)
{
  int has_value = argv[index + 1] && *argv[index + 1] != '-';

  return (struct culprit) { index, has_value ? 2 : 1 };
}

/* The last one whose value has @token: QEMU goes by that, mostly. */
static struct culprit
find_culprit (const struct search *s, const struct failure *failure,
              const char *token)
{
  const char *const *argv = s->plan->argv;
  struct culprit found = { .count = 0 };

  for (size_t i = 1; argv[i]; i++) {
    struct culprit one = pair_at (argv, i);
    const char *value = one.count > 1 ? argv[i + 1] : "";
    const char *option;

    if (!is_flag (argv[i], failure->flags) || !strstr (value, token))
      continue;
    option = vms_arena_concat (s->arena, argv[i], " ", value, (char *) NULL);
    if (!failure->about
        || (option && vms_explain_matches (option, failure->about)))
      found = one;
  }
  return found;
}

/* What the message names is in one of the words, perhaps: 'pc-machine.usb', or
 * "Unsupported NIC model: nosuch". */
static struct culprit
find_likely_culprit (const struct search *s, const struct failure *failure)
{
  const char *name = quoted (s), *colon = strrchr (s->message, ':');
  const char *dot = name ? strrchr (name, '.') : NULL;
  const char *tokens[] = { name, dot ? dot + 1 : NULL,
                           colon && colon[1] ? colon + 2 : NULL, "" };
  struct culprit found = { .count = 0 };

  for (size_t i = 0; !found.count && i < sizeof tokens / sizeof *tokens; i++)
    if (tokens[i])
      found = find_culprit (s, failure, tokens[i]);
  return found;
}

const char *
vms_explain_likely_origin (const vmspec_plan *plan, struct arena *arena,
                           const char *message, const struct failure *failure)
{
  struct search s = { .plan = plan, .arena = arena, .value = "",
                      .message = message, .member = failure->member };
  struct culprit culprit;

  if (!failure->flags)
    return NULL;
  culprit = find_likely_culprit (&s, failure);
  if (culprit.count)
    return vms_explain_origin (plan, arena, culprit, message, failure->member);
  s.flag = vms_arena_copy (arena, failure->flags, strcspn (failure->flags, " "));
  return s.flag ? from_flag (&s) : NULL;
}
