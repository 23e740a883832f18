/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The input is KEY=VALUE settings, each up to a NUL, so that values may hold any
 * other byte.  What is rendered of them is read by QEMU's own rules, and comes
 * out as it was:
 *
 * - the values of all settings, as an option string and as words of a command;
 * - the command line of the machine that they describe.
 */
#include "fuzz.h"

#define OPT_ROOM 65536
#include "../unit/qemu-opts.h"

#include "plan.h"

/* ---- the builder --------------------------------------------------------- */

enum { MOST_SETTINGS = 64 };

struct settings {
  const char *items[MOST_SETTINGS];
  size_t count;
};

static const char *
value_of (const char *setting)
{
  const char *value = strchr (setting, '=');

  return value ? value + 1 : setting;
}

/* The next key is this one, with this value.  Returns where the one after it
 * starts, or NULL. */
static const char *
take (const char *at, const char *key, const char *value)
{
  static struct opt opt;

  HOLDS (at && value);
  at = opt_read (at, &opt);
  HOLDS (!strcmp (opt.key, key));
  HOLDS (!strcmp (opt.value, value));
  return at;
}

static void
holds_option_string (const struct settings *settings, struct argv *argv)
{
  static const char *const keys[] = { "a", "b.c-d", "e_0" };
  const char *at;

  vms_argv_begin (argv, "-drive", "");
  for (size_t i = 0; i < settings->count; i++)
    vms_argv_key (argv, keys[i % 3], value_of (settings->items[i]));
  vms_argv_end (argv);
  at = argv->words.items[1];
  for (size_t i = 0; i < settings->count; i++)
    at = take (at, keys[i % 3], value_of (settings->items[i]));
  HOLDS (!at || !settings->count);
}

static void
holds_words (const struct settings *settings, struct arena *arena)
{
  static char words[1][OPT_ROOM];

  for (size_t i = 0; i < settings->count; i++) {
    struct text text = { .arena = arena };

    vms_text_add_quoted (&text, value_of (settings->items[i]));
    HOLDS (shell_split (vms_text_end (&text), words, 1) == 1);
    HOLDS (!strcmp (words[0], value_of (settings->items[i])));
  }
}

static void
holds_builder (const struct settings *settings)
{
  struct arena arena = { 0 };
  struct argv argv;

  vms_argv_init (&argv, &arena);
  holds_option_string (settings, &argv);
  holds_words (settings, &arena);
  vms_arena_free (&arena);
}

/* ---- drives, shares ------------------------------------------------------ */

/* How far a command line was read. */
struct reading {
  const struct resolution *resolution;
  const struct decided *decided;
  size_t shares, drives, devices, flashes, vlans, credentials;
  int has_tpm; /* whose device comes next */
};

static void
read_name (struct reading *reading, const char *option)
{
  const char *said = reading->resolution->spec.name;

  /* Without a key it is "guest". */
  HOLDS (!take (option, strchr (said, '=') ? "guest" : "", said));
}

/* No two have the same tag. */
static void
read_share (struct reading *reading, const char *option)
{
  const struct vmspec_share *const *shares = reading->resolution->spec.shares;
  const char *tag = opt_get (option, "mount_tag"), *at;
  size_t i = 0;

  HOLDS (tag);
  while (shares[i] && strcmp (tag, shares[i]->tag))
    i++;
  HOLDS (shares[i]);
  at = take (option, "", "local");
  at = take (at, "path", reading->decided->share_sources[i]);
  at = take (at, "security_model",
             vms_option_value ("vmspec_share", "security_model",
                               shares[i]->security_model));
  HOLDS (!take (at, "mount_tag", shares[i]->tag));
  reading->shares++;
}

/* A property that is set whatever was said; without a value, one that is set to
 * something if it was not said. */
struct own {
  const char *name, *value;
};

static const struct own *
find_own (const struct own *own, const char *name)
{
  while (own->name && strcmp (own->name, name))
    own++;
  return own->name ? own : NULL;
}

/* QEMU takes the last of a name. */
static const char *
find_said (const struct vmspec_property *const *said, const char *name)
{
  const char *value = NULL;

  for (; *said; said++)
    if (!strcmp ((*said)->name, name))
      value = (*said)->value ? (*said)->value : "";
  return value;
}

/* All that there should be is read, and nothing else. */
static void
holds_properties (const char *option,
                  const struct vmspec_property *const *said,
                  const struct own *own)
{
  static struct opt opt;

  for (size_t i = 0; own[i].name; i++)
    HOLDS (!own[i].value || opt_get (option, own[i].name));
  for (size_t i = 0; said[i]; i++)
    HOLDS (opt_get (option, said[i]->name));
  while (option) {
    const struct own *ours;
    const char *value;

    option = opt_read (option, &opt);
    ours = find_own (own, opt.key);
    value = ours && ours->value ? ours->value : find_said (said, opt.key);
    HOLDS (value ? !strcmp (value, opt.value) : ours != NULL);
  }
}

static void
read_flash (struct reading *reading, const char *option)
{
  int is_code = reading->flashes++ == 0;
  const char *at = take (option, "if", "pflash");

  at = take (at, "format", "raw");
  at = take (at, "unit", is_code ? "0" : "1");
  at = take (at, "readonly", is_code ? "on" : "off");
  HOLDS (!take (at, "file", is_code ? reading->resolution->efi.firmware
                                    : reading->decided->efi_state));
}

/* Flash comes after all others. */
static void
read_drive (struct reading *reading, const char *option)
{
  size_t i = reading->drives;
  const struct vmspec_drive *drive = reading->resolution->spec.drives[i];
  char id[32], number[24];
  struct own own[6] = { { "id", id }, { "index", number }, { "if", "none" } };

  if (!drive) {
    read_flash (reading, option);
    return;
  }
  snprintf (number, sizeof number, "%zu", i + 1);
  snprintf (id, sizeof id, "drive%s", number);
  own[3] = (struct own) { "file", reading->decided->drive_files[i] };
  if (drive->format)
    own[4] = (struct own) { "format",
                            vms_option_value ("vmspec_drive", "format",
                                              drive->format) };
  holds_properties (option, drive->drive_options, own);
  reading->drives++;
}

/* Of a drive, of the TPM, or one that is always the same. */
static void
read_device (struct reading *reading, const char *option)
{
  const struct vmspec_drive *drive
    = reading->resolution->spec.drives[reading->devices];
  static struct opt kind;
  const char *rest = opt_read (option, &kind);
  char id[32];
  const struct own own[]
    = { { "drive", id }, { "bus", NULL }, { "serial", NULL }, { NULL, NULL } };

  HOLDS (!*kind.key);
  if (reading->has_tpm) {
    HOLDS (!strcmp (kind.value, reading->resolution->tpm.model));
    HOLDS (!take (rest, "tpmdev", "tpm_dev_0"));
    reading->has_tpm = 0;
  } else if (drive && rest && opt_get (rest, "drive")) {
    snprintf (id, sizeof id, "drive%zu", ++reading->devices);
    holds_properties (rest, drive->device_options, own);
  }
}

/* ---- networks ------------------------------------------------------------ */

static int
is_udp (const struct vmspec_forward_port *port)
{
  return port->proto == VMSPEC_PROTO_UDP;
}

static const char *
take_from_host (const char *at, const struct vmspec_forward_port *port)
{
  static char rule[OPT_ROOM];

  snprintf (rule, sizeof rule, "%s:%s:%u-%s:%u", is_udp (port) ? "udp" : "tcp",
            port->host_address,
            port->any_host_port == VMSPEC_ON ? 0 : port->host_port,
            port->guest_address, port->guest_port);
  return take (at, "hostfwd", rule);
}

/* slirp splits the command as a shell does. */
static const char *
take_from_guest (const char *at, const struct vmspec_forward_port *port,
                 const char *netcat)
{
  static char start[OPT_ROOM], words[4][OPT_ROOM];
  static struct opt opt;
  const char *address = *port->host_address ? port->host_address : NULL;
  char number[32];

  HOLDS (at);
  at = opt_read (at, &opt);
  HOLDS (!strcmp (opt.key, "guestfwd"));
  snprintf (start, sizeof start, "%s:%s:%u-cmd:", is_udp (port) ? "udp" : "tcp",
            port->guest_address, port->guest_port);
  HOLDS (!strncmp (opt.value, start, strlen (start)));
  HOLDS (shell_split (opt.value + strlen (start), words, 4)
         == (address ? 3 : 2));
  HOLDS (!strcmp (words[0], netcat ? netcat : "nc"));
  HOLDS (!address || !strcmp (words[1], address));
  snprintf (number, sizeof number, "%u", port->host_port);
  HOLDS (!strcmp (words[address ? 2 : 1], number));
  return at;
}

static void
read_user (struct reading *reading, const char *option)
{
  const struct vmspec_network *network = &reading->resolution->network;
  const char *at = take (option, "", "user");

  at = take (at, "id", "user.0");
  for (size_t i = 0; network->forward_ports[i]; i++)
    at = network->forward_ports[i]->from == VMSPEC_FORWARD_FROM_GUEST
           ? take_from_guest (at, network->forward_ports[i],
                              reading->decided->netcat)
           : take_from_host (at, network->forward_ports[i]);
  if (network->restricted == VMSPEC_ON)
    at = take (at, "restrict", "on");
  HOLDS (!at);
}

static void
read_vlan (struct reading *reading, const char *option)
{
  const struct vmspec_network *network = &reading->resolution->network;
  const struct decided_vlan *vlan = &reading->decided->vlans[reading->vlans];
  static struct opt kind;
  const char *at = opt_read (option, &kind);
  char id[32];

  snprintf (id, sizeof id, "vlan%zu", ++reading->vlans);
  HOLDS (reading->vlans <= reading->decided->n_vlans);
  at = take (at, "id", id);
  switch (network->vlan_backend) {
  case VMSPEC_VLAN_BACKEND_VDE:
    at = take (at, "sock", vlan->socket);
    break;
  case VMSPEC_VLAN_BACKEND_DGRAM:
    at = take (at, "local.type", "unix");
    at = take (at, "local.path", vlan->socket);
    at = take (at, "remote.type", "unix");
    at = take (at, "remote.path", vlan->peer);
    break;
  case VMSPEC_VLAN_BACKEND_STREAM:
    at = take (at, "server", network->machine_number == 1 ? "on" : "off");
    at = take (at, "addr.type", "unix");
    at = take (at, "addr.path", vlan->socket);
    break;
  default:
    /* Numbers only. */
    at = opt_get (at, "localaddr");
    HOLDS (at && !strcmp (at, "127.0.0.1"));
    at = NULL;
  }
  HOLDS (!at);
}

static void
read_netdev (struct reading *reading, const char *option)
{
  if (!strncmp (option, "user,", 5))
    read_user (reading, option);
  else
    read_vlan (reading, option);
}

/* ---- credentials, TPM ---------------------------------------------------- */

static int
digit (char c)
{
  static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                               "abcdefghijklmnopqrstuvwxyz0123456789+/";
  const char *found = strchr (digits, c);

  HOLDS (c && found);
  return (int) (found - digits);
}

/* RFC 4648, section 4, in place. */
static void
decode (char *text)
{
  size_t size = strlen (text);
  char *to = text;

  HOLDS (size % 4 == 0);
  while (size && text[size - 1] == '=')
    size--;
  for (size_t i = 0, bits = 0; i < size; i++) {
    bits = bits << 6 | (size_t) digit (text[i]);
    if (i % 4)
      *to++ = (char) (bits >> (6 - i % 4 * 2));
  }
  *to = '\0';
}

static const struct decided_credential *
next_credential (struct reading *reading)
{
  const struct decided_credential *const *all = reading->decided->credentials;

  HOLDS (all[reading->credentials]);
  return all[reading->credentials++];
}

/* io.systemd.credential:NAME=VALUE, or with ".binary" in base64. */
static void
read_smbios (struct reading *reading, const char *option)
{
  static const char start[] = "io.systemd.credential", binary[] = ".binary";
  const struct decided_credential *credential = next_credential (reading);
  size_t size = strlen (credential->name);
  static struct opt opt;
  char *at = opt.value;

  HOLDS (!opt_read (take (option, "type", "11"), &opt));
  HOLDS (!strcmp (opt.key, "value"));
  HOLDS (!strncmp (at, start, sizeof start - 1));
  at += sizeof start - 1;
  if (!strncmp (at, binary, sizeof binary - 1)) {
    at += sizeof binary - 1;
    decode (at + 1 + size + 1);
  }
  HOLDS (at[0] == ':' && !strncmp (at + 1, credential->name, size));
  HOLDS (at[1 + size] == '=');
  HOLDS (!strcmp (at + 1 + size + 1, credential->value));
}

static void
read_fw_cfg (struct reading *reading, const char *option)
{
  static const char prefix[] = "opt/io.systemd.credentials/";
  const struct decided_credential *credential = next_credential (reading);
  static struct opt opt;
  const char *at = opt_read (option, &opt);

  HOLDS (!strcmp (opt.key, "name"));
  HOLDS (!strncmp (opt.value, prefix, sizeof prefix - 1));
  HOLDS (!strcmp (opt.value + sizeof prefix - 1, credential->name));
  if (credential->file)
    HOLDS (!take (at, "file", credential->file));
  else if (*credential->value)
    HOLDS (!take (at, "string", credential->value));
  else
    HOLDS (!take (at, "file", "/dev/null"));
}

static void
read_chardev (struct reading *reading, const char *option)
{
  const char *at = take (option, "", "socket");

  at = take (at, "id", "chrtpm");
  HOLDS (!take (at, "path", reading->decided->tpm_socket));
}

static void
read_tpm (struct reading *reading, const char *option)
{
  HOLDS (!strcmp (option, "emulator,id=tpm_dev_0,chardev=chrtpm"));
  reading->has_tpm = 1;
}

/* ---- a machine's command line -------------------------------------------- */

static void
read_kernel (struct reading *reading, const char *option)
{
  HOLDS (!strcmp (option, reading->decided->kernel));
}

static void
read_initrd (struct reading *reading, const char *option)
{
  HOLDS (!strcmp (option, reading->decided->initrd));
}

static void
read_bios (struct reading *reading, const char *option)
{
  HOLDS (!strcmp (option, reading->decided->bios));
}

static void
read_option (struct reading *reading, const char *flag, const char *option)
{
  static const struct {
    const char *flag;
    void (*read) (struct reading *reading, const char *option);
  } readers[] = {
    { "-name", read_name },       { "-virtfs", read_share },
    { "-drive", read_drive },     { "-device", read_device },
    { "-netdev", read_netdev },   { "-kernel", read_kernel },
    { "-initrd", read_initrd },   { "-bios", read_bios },
    { "-smbios", read_smbios },   { "-fw_cfg", read_fw_cfg },
    { "-chardev", read_chardev }, { "-tpmdev", read_tpm },
  };

  for (size_t i = 0; i < sizeof readers / sizeof *readers; i++)
    if (!strcmp (readers[i].flag, flag))
      readers[i].read (reading, option);
}

/* Those that do not go by the kernel's command line. */
static size_t
options_of_credentials (const struct reading *reading)
{
  const struct decided_credential *const *one = reading->decided->credentials;
  size_t n = 0;

  if (reading->resolution->qemu.builtin_options != VMSPEC_ON)
    return 0;
  for (; *one; one++)
    n += (*one)->way != CREDENTIAL_CMDLINE;
  return n;
}

static void
holds_command_line (const vmspec_plan *plan)
{
  struct reading reading = { .resolution = &plan->resolution,
                             .decided = &plan->decided };
  const char *const *argv = plan->argv
                            + vms_list_length (plan->decided.command);

  for (; *argv; argv++)
    /* All others have a value. */
    if (strcmp (*argv, "-usb") && strcmp (*argv, "-nographic")) {
      HOLDS (**argv == '-' && argv[1]);
      read_option (&reading, argv[0], argv[1]);
      argv++;
    }
  HOLDS (reading.shares == vms_list_length (plan->resolution.spec.shares));
  HOLDS (reading.drives == vms_list_length (plan->resolution.spec.drives));
  HOLDS (reading.devices == reading.drives);
  HOLDS (reading.vlans == plan->decided.n_vlans);
  HOLDS (reading.credentials == options_of_credentials (&reading));
}

/* A machine that would be refused may have options that cannot be written. */
static int
would_start (const vmspec_diag *diag)
{
  for (size_t i = 0; i < vmspec_diag_count (diag); i++)
    if (vmspec_diag_get (diag, i)->severity != VMSPEC_SEVERITY_WARNING)
      return 0;
  return 1;
}

static void
holds_machine (const struct vmspec *said)
{
  struct vmspec_host host = fuzz_host;
  struct vmspec spec = *said;
  struct vmspec_qemu qemu = { VMSPEC_INIT (vmspec_qemu) };
  vmspec_diag *diag = new_diag ();
  vmspec_plan *plan = NULL;

  /* Only what is rendered: no words that are passed as they are. */
  host.arguments = host.environment = (const char *const[]) { NULL };
  if (spec.qemu)
    qemu = *spec.qemu;
  qemu.options = qemu.first_options = NULL;
  qemu.network_options = qemu.first_network_options = NULL;
  spec.qemu = &qemu;
  holds_findings (vmspec_plan_new (&spec, &host, diag, &plan), diag);
  if (plan && would_start (diag))
    holds_command_line (plan);
  vmspec_plan_free (plan);
  vmspec_diag_free (diag);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  char *text = malloc (size + 1);
  struct settings settings = { .count = 0 };
  vmspec_doc *doc = NULL;

  HOLDS (text && vmspec_doc_new (NULL, NULL, &doc) == 0);
  memcpy (text, data, size);
  text[size] = '\0';
  for (size_t at = 0; at < size && settings.count < MOST_SETTINGS;
       at += strlen (text + at) + 1) {
    settings.items[settings.count++] = text + at;
    vmspec_doc_set (doc, text + at, NULL);
  }
  holds_builder (&settings);
  holds_machine (vmspec_doc_spec (doc));
  vmspec_doc_free (doc);
  free (text);
  return 0;
}
