/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Messages are QEMU 7.2's own, as it wrote them, unless another is named. */
#include "unit.h"

#include <unistd.h>

#include "explain.h"

#define FORWARD(...)                                                           \
  &(struct vmspec_forward_port) { VMSPEC_INIT (vmspec_forward_port),           \
                                  __VA_ARGS__ }

#define LAST_WORDS (64 * 1024) /* that a machine keeps */

static vmspec_plan *plan;
static vmspec_diag *diag;
static vmspec_doc *doc;
static struct vmspec spec;
static struct vmspec_qemu qemu;
static struct vmspec_host host;

/* ---- a machine with everything ------------------------------------------- */

static const char *const settings[] = {
  "name=m", "memory=512", "cores=2", "graphics=off",
  "qemu.machine=q35", "qemu.cpu=max", "qemu.accel=off",
  "qemu.first_options[]=-device", "qemu.first_options[]=first",
  "qemu.options[]=-zonk", "qemu.options[]=-device", "qemu.options[]=nodev",
  "qemu.options[]=-object", "qemu.options[]=memory-backend-ram,id=m",
  "qemu.options[]=-netdev", "qemu.options[]=vde,id=v,sock=/v",
  "qemu.first_network_options[]=-net",
  "qemu.first_network_options[]=nic,netdev=n,model=nosuch",
  "qemu.network_options[]=-netdev", "qemu.network_options[]=tap,id=t",
  "qemu.network_options[]=-netdev",
  "qemu.network_options[]=dgram,id=vlan1,local.path=/d",
  "network.netcat=/bin/nc",
  "network.forward_ports[]=host_port=2222,guest_port=22",
  "network.forward_ports[]=host_address=127.0.0.1,host_port=53,guest_port=53,"
  "guest_address=10.0.2.15,proto=udp",
  "network.forward_ports[]=from=guest,guest_address=10.0.2.10,guest_port=80,"
  "host_address=127.0.0.1,host_port=8080",
  "boot.kernel=/k", "boot.initrd=/i", "boot.bios=/b",
  "efi.enable=on", "efi.smm=on", "efi.firmware=/code.fd",
  "efi.variables=/vars.fd", "efi.state=/state.fd",
  "tpm.enable=on", "tpm.swtpm=/bin/swtpm",
  "empty_disks[]=size=5",
  "drives[]=file=/a,,b.img",
  "drives[0].drive_options[]=name=cache,value=none",
  "drives[0].drive_options[]=name=zonk,value=1",
  "drives[]=file=/c.img,interface=scsi",
  "drives[1].device_options[]=name=nosuch,value=1",
  "shares[]=tag=z,source=/z,target=/mnt/z",
  "shares[]=tag=a,source=/x,,y,target=/mnt/a",
  "shares[]=tag=z,source=/other,target=/mnt/o",
};

static const char *const environment[] = {
  "QEMU_OPTS=-fromopts value", "PIECE=-device frompiece",
  "QEMU_NET_OPTS=hostfwd=tcp::77-:77", NULL,
};
static const char *const arguments[] = { "-extra", "stray.img", NULL };

static void
describe (void)
{
  ck_assert_int_eq (vmspec_doc_new (NULL, diag, &doc), 0);
  for (size_t i = 0; i < COUNT (settings); i++)
    ck_assert_msg (vmspec_doc_set (doc, settings[i], diag) == 0, "%s: %s",
                   settings[i], unit_findings (diag));
  spec = *vmspec_doc_spec (doc);
  qemu = *spec.qemu;
  spec.qemu = &qemu;
  host = unit_host ();
  host.environment = environment;
  host.arguments = arguments;
}

static void
set_up (void)
{
  ck_assert_int_eq (vmspec_diag_new (&diag), 0);
  describe ();
  plan = unit_plan (&spec, &host);
}

static void
tear_down (void)
{
  vmspec_plan_free (plan);
  vmspec_doc_free (doc);
  vmspec_diag_free (diag);
}

static void
plan_again (void)
{
  vmspec_plan_free (plan);
  plan = unit_plan (&spec, &host);
}

/* ---- asking ---------------------------------------------------------------- */

/* Exactly one finding, whatever it is.  What is behind the words may not be
 * read: they are put at the end of their memory. */
static const struct vmspec_finding *
explained_bytes (const char *words, size_t size)
{
  char *copy = malloc (size + 1);
  const struct vmspec_finding *finding;

  ck_assert_ptr_nonnull (copy);
  memcpy (copy, words, size);
  copy[size] = '\0';
  vmspec_diag_clear (diag);
  vms_explain_failure (plan, copy, size, diag);
  free (copy);
  ck_assert_uint_eq (vmspec_diag_count (diag), 1);
  finding = vmspec_diag_get (diag, 0);
  ck_assert_uint_eq (finding->severity, VMSPEC_SEVERITY_ERROR);
  return finding;
}

static const struct vmspec_finding *
explained (const char *words)
{
  return explained_bytes (words, strlen (words));
}

static void
expect (const char *words, const char *id, const char *path)
{
  const struct vmspec_finding *f = explained (words);

  ck_assert_msg (!strcmp (f->id, id) && !strcmp (f->path, path),
                 "%s\nis %s (%s), expected %s (%s):\n%s", words, f->id,
                 f->path, id, path, f->text);
}

/* The message as QEMU begins it: with the first @flag whose value has @about. */
static const char *
about (const char *flag, const char *part, const char *message)
{
  static char text[8192];
  const char *const *argv = vmspec_plan_argv (plan);

  for (size_t i = 1; argv[i]; i++) {
    if (strcmp (argv[i], flag) || (part && !strstr (argv[i + 1], part)))
      continue;
    snprintf (text, sizeof text, "qemu-system-x86_64: %s%s%s: %s\n", flag,
              part ? " " : "", part ? argv[i + 1] : "", message);
    return text;
  }
  ck_abort_msg ("there is no %s %s", flag, part ? part : "");
  return NULL;
}

/* ---- what is known, and QEMU says where ----------------------------------- */

struct located {
  const char *flag, *about, *message, *id, *path;
};

#define NETDEV "-netdev", "user.0"
#define DRIVE3 "-drive", "id=drive3"
#define DRIVE4 "-device", "drive=drive4"
#define SHARE_A "-virtfs", "mount_tag=a"
#define CANNOT_FSDEV "cannot initialize fsdev 'a': failed to open '/x,y': "

static const struct located located[] = {
  { NETDEV, "Could not set up host forwarding rule 'tcp::2222-:22'",
    "forward-port.taken", "network.forward_ports[0].host_port" },
  { NETDEV, "Could not set up host forwarding rule "
    "'udp:127.0.0.1:53-10.0.2.15:53'",
    "forward-port.taken", "network.forward_ports[1].host_port" },
  { NETDEV, "Could not set up host forwarding rule 'tcp::77-:77'",
    "forward-port.taken", "QEMU_NET_OPTS" },
  { NETDEV, "Could not set up host forwarding rule 'tcp::78-:78'",
    "forward-port.taken", "network" },
  { NETDEV, "Invalid host forwarding rule 'tcp::2222-:22' (Bad host address)",
    "forward-port.address", "network.forward_ports[0].host_address" },
  { NETDEV, "Invalid host forwarding rule 'tcp::2222-:22' (Bad guest address)",
    "forward-port.address", "network.forward_ports[0].guest_address" },
  { NETDEV, "Invalid host forwarding rule 'tcp::2222-:22' (Bad host port)",
    "forward-port.port", "network.forward_ports[0].host_port" },
  { NETDEV, "Invalid host forwarding rule 'tcp::2222-:22' (Bad guest port)",
    "forward-port.port", "network.forward_ports[0].guest_port" },
  { NETDEV, "Invalid host forwarding rule 'tcp::77-:77' (No : separators)",
    "forward-port.rule", "QEMU_NET_OPTS" },
  { NETDEV, "Conflicting/invalid host:port in guest forwarding rule "
    "'tcp:10.0.2.10:80-cmd:/bin/nc 127.0.0.1 8080'",
    "forward-port.guest-refused", "network.forward_ports[2].guest_address" },
  { NETDEV, "Invalid parameter 'hostfwd=tcp::77-:77'",
    "qemu.property-unknown", "QEMU_NET_OPTS" },
  { "-netdev", "vde", "Could not open vde: No such file or directory",
    "vlan.unreachable", "qemu.options[6]" },
  { "-netdev", "vlan1", "can't bind unix=/d to socket: No such file or directory",
    "qemu.address", "qemu.network_options[3]" },
  { "-netdev", "tap,id=t", "can't add socket to multicast group 230.0.0.1: No "
    "such device", "vlan.multicast", "qemu.network_options[1]" },
  { "-netdev", "tap,id=t", "Duplicate ID 't' for netdev", "qemu.duplicate-id",
    "qemu.network_options[1]" },
  { "-netdev", "tap,id=t", "Parameter 'type' does not accept value 'tap'",
    "qemu.property-value", "qemu.network_options[1]" },

  { DRIVE3, "Could not open '/a,b.img': No such file or directory",
    "file.missing", "drives[0].file" },
  { DRIVE3, "Could not open 'cache': No such file or directory",
    "file.missing", "drives[0].file" },
  { DRIVE3, "Could not open '/a,b.img': Permission denied",
    "file.unreadable", "drives[0].file" },
  { DRIVE3, "Could not open backing file: Could not open '/gone.qcow2': No "
    "such file or directory", "image.backing-missing", "drives[0].file" },
  { DRIVE3, "Image is not in qcow2 format", "image.format", "drives[0].file" },
  { DRIVE3, "Image not in VDI format (bad signature 00000000)",
    "image.format", "drives[0].file" },
  { DRIVE3, "invalid VMDK image descriptor", "image.format",
    "drives[0].file" },
  { DRIVE3, "invalid VPC image", "image.format", "drives[0].file" },
  { DRIVE3, "Unknown driver 'nosuch'", "image.format", "drives[0].file" },
  { DRIVE3, "Could not open '/a,b.img': Invalid argument", "image.format",
    "drives[0].file" },
  { DRIVE3, "'file' driver requires '/a,b.img' to be a regular file",
    "file.is-directory", "drives[0].file" },
  { DRIVE3, "qcow2: Image is corrupt; cannot be opened read/write",
    "image.corrupt", "drives[0].file" },
  { DRIVE3, "Block format 'raw' does not support the option 'zonk'",
    "qemu.property-unknown", "drives[0].drive_options[1]" },
  { DRIVE3, "invalid cache option", "qemu.property-value", "drives[0]" },
  { DRIVE3, "drive with bus=0, unit=3 (index=3) exists",
    "drive.duplicate-index", "drives[0]" },
  { DRIVE3, "Duplicate ID 'drive3' for drive", "qemu.duplicate-id",
    "drives[0]" },
  { DRIVE4, "Failed to get \"write\" lock\n"
    "Is another process using the image [/c.img]?",
    "image.in-use", "drives[1].file" },
  { DRIVE4, "Property 'scsi-hd.nosuch' not found", "qemu.property-unknown",
    "drives[1].device_options[0]" },
  { DRIVE4, "Block node is read-only", "drive.read-only", "drives[1]" },
  { DRIVE4, "Drive 'drive4' is already in use by another device",
    "qemu.backend-taken", "drives[1]" },
  { DRIVE4, "Property 'scsi-hd.drive' can't find value 'drive4'",
    "qemu.property-value", "drives[1]" },
  { "-device", "lsi53c895a", "PCI: no slot/function available for lsi53c895a, "
    "all in use or reserved", "qemu.bus-full", "drives[1].interface" },
  { "-drive", "id=drive1", "Failed to get shared \"write\" lock\n"
    "Is another process using the image [/here/m.qcow2]?",
    "image.in-use", "disk.image" },
  { "-drive", "id=drive2", "Could not open '/tmp/x/empty0.qcow2': Permission "
    "denied", "file.unreadable", "empty_disks" },
  { "-drive", "unit=0", "Could not open '/code.fd': No such file or directory",
    "file.missing", "efi.firmware" },
  { "-drive", "unit=1", "Could not open '/state.fd': Permission denied",
    "file.unreadable", "efi.state" },
  { "-drive", "unit=0", "machine type does not support if=pflash,bus=0,unit=0",
    "efi.unsupported", "efi.firmware" },

  { SHARE_A, CANNOT_FSDEV "No such file or directory", "file.missing",
    "shares[1].source" },
  { SHARE_A, CANNOT_FSDEV "Not a directory", "file.not-directory",
    "shares[1].source" },
  { SHARE_A, CANNOT_FSDEV "Permission denied", "file.unreadable",
    "shares[1].source" },
  { SHARE_A, CANNOT_FSDEV "Too many levels of symbolic links",
    "share.refused", "shares[1].source" },
  { SHARE_A, "mount tag 'a' (46 bytes) is longer than maximum (31 bytes)",
    "share.tag-length", "shares[1].tag" },
  { "-virtfs", "path=/other", "duplicate or invalid fsdev id: z",
    "share.tag-refused", "shares[2].tag" },
  { "-virtfs", "path=/z", "duplicate or invalid fsdev id: z",
    "share.tag-refused", "shares[0].tag" },

  { "-chardev", "chrtpm", "Failed to connect to '/here/m-swtpm/socket': No "
    "such file or directory", "tpm.socket", "tpm" },
  { "-chardev", "chrtpm", "UNIX socket path '/long' is too long\n"
    "Path must be less than 108 bytes", "tpm.socket", "tpm" },
  { "-tpmdev", "chrtpm", "tpm-emulator: tpm chardev 'chrtpm' not found",
    "tpm.socket", "tpm" },
  { "-device", "tpmdev=", "'tpm-tis' is not a valid device model name",
    "qemu.device-unknown", "tpm.model" },

  { "-machine", "smm=on", "Parameter 'smm' expects 'on' or 'off'",
    "qemu.property-value", "efi.smm" },
  { "-machine", "accel=tcg", "unsupported machine type: \"q35\"\n"
    "Use -machine help to list supported machines", /* 10.0 */
    "qemu.machine-unknown", "qemu.machine" },
  { "-machine", "accel=tcg", "invalid accelerator tcg", /* 10.0 */
    "qemu.accel-unknown", "qemu.accel" },
  { "-m", "512", "Parameter 'size' expects a non-negative number below 2^64\n"
    "Optional suffix k, M, G, T, P or E means kilo-, mega-, giga-, tera-, "
    "peta-\nand exabytes, respectively.", "qemu.property-value", "memory" },
  { "-device", "first", "'first' is not a valid device model name",
    "qemu.device-unknown", "qemu.first_options[1]" },
  { "-device", "nodev", "'nodev' is not a valid device model name",
    "qemu.device-unknown", "qemu.options[2]" },
  { "-device", "nodev", "PCI: slot 1 function 0 not available for "
    "virtio-rng-pci, in use by VGA,id=(null)", "qemu.slot-taken",
    "qemu.options[2]" },
  { "-device", "nodev", "Bus 'nosuch' not found", "qemu.no-bus",
    "qemu.options[2]" },
  { "-device", "nodev", "nodev requires KVM", "qemu.accel-needed",
    "qemu.options[2]" },
  { "-device", "nodev", "opengl is not available", "graphics.display",
    "qemu.options[2]" },
  { "-device", "virtio-rng", "No 'PCI' bus found for device 'virtio-rng-pci'",
    "qemu.no-bus", "qemu.machine" },
  { "-device", "virtio-keyboard", "No 'PCI' bus found for device "
    "'virtio-keyboard-pci'", "qemu.no-bus", "qemu.virtio_keyboard" },
  { "-device", "usb-tablet", "Bus 'usb-bus.0' not found", "qemu.no-bus",
    "qemu.builtin_options" },
  { "-zonk", NULL, "invalid option", "qemu.option-unknown",
    "qemu.options[0]" },
  { "-extra", NULL, "requires an argument", "qemu.option-unknown",
    "arguments[0]" },
  { "-extra", "stray", "Failed to find an available port: Address already in "
    "use", "qemu.address", "arguments[1]" },
  { "-extra", "stray", "Failed to connect to '/s': Connection refused",
    "qemu.connect", "arguments[1]" },
  { "-extra", "stray", "cannot use stdio by multiple character devices",
    "qemu.chardev", "arguments[1]" },
  { "stray.img", NULL, "Could not open 'stray.img': No such file or directory",
    "file.missing", "arguments[1]" },
  { "-fromopts", "value", "invalid option", "qemu.option-unknown",
    "QEMU_OPTS" },
};

START_TEST (messages_with_their_words)
{
  const struct located *l = &located[_i];

  expect (about (l->flag, l->about, l->message), l->id, l->path);
}
END_TEST

/* ---- what is known, and QEMU does not say where --------------------------- */

static const struct {
  const char *words, *id, *path;
} bare[] = {
  { "Could not access KVM kernel module: No such file or directory\n"
    "qemu-system-x86_64: failed to initialize kvm: No such file or directory",
    "qemu.kvm-unusable", "qemu.accel" },
  { "qemu-system-x86_64: Could not access KVM kernel module: Permission denied\n"
    "qemu-system-x86_64: failed to initialize kvm: Permission denied", /* 9.0 */
    "qemu.kvm-unusable", "qemu.accel" },
  { "ioctl(KVM_CREATE_VM) failed: 16 Device or resource busy\n"
    "qemu-system-x86_64: failed to initialize kvm: Device or resource busy",
    "qemu.kvm-unusable", "qemu.accel" },
  { "error: kvm run failed Invalid argument\nEAX=00000000 EBX=00000000",
    "qemu.kvm-unusable", "qemu.accel" },
  { "qemu-system-aarch64: invalid accelerator kvm", "qemu.accel-unknown",
    "qemu.accel" },
  { "qemu-system-x86_64: The -accel and \"-machine accel=\" options are "
    "incompatible", "qemu.accel-twice", "qemu.accel" },
  { "qemu-system-x86_64: CPU model 'host' requires KVM or HVF",
    "qemu.cpu-host", "qemu.cpu" },
  { "qemu-system-aarch64: unable to find CPU model 'host'", "qemu.cpu-host",
    "qemu.cpu" },
  { "qemu-system-x86_64: unable to find CPU model 'max'", "qemu.cpu-unknown",
    "qemu.cpu" },
  { "qemu-system-aarch64: Invalid CPU model: max\n"
    "The valid models are: cortex-a7, cortex-a15", "qemu.cpu-unknown",
    "qemu.cpu" }, /* 9.0 */
  { "qemu-system-x86_64: can't apply global max-x86_64-cpu.foo=on: Property "
    "'max-x86_64-cpu.foo' not found", "qemu.property-unknown", "qemu.cpu" },
  { "qemu-system-x86_64: Property 'pc-q35-7.2-machine.nosuch' not found",
    "qemu.property-unknown", "efi.smm" },
  { "qemu-system-x86_64: unsupported machine type\n"
    "Use -machine help to list supported machines", "qemu.machine-unknown",
    "efi.smm" },
  { "qemu-system-x86_64: cannot set up guest memory 'pc.ram': Cannot allocate "
    "memory", "memory.unavailable", "memory" },
  { "qemu-system-arm: Invalid RAM size, should be 1 GiB", "memory.refused",
    "memory" },
  { "qemu-system-x86_64: Invalid SMP CPUs 9999. The max CPUs supported by "
    "machine 'pc-q35-7.2' is 288", "cores.refused", "cores" },
  { "qemu-system-x86_64: system firmware block device pflash0 has invalid size "
    "0\nqemu-system-x86_64: info: its size must be a non-zero multiple of "
    "0x1000", "efi.firmware-size", "efi.firmware" },
  { "qemu-system-x86_64: system firmware block device pflash1 has invalid size "
    "197120\nqemu-system-x86_64: info: its size must be a non-zero multiple of "
    "0x1000", "efi.firmware-size", "efi.state" },
  { "qemu-system-aarch64: device requires 67108864 bytes, block backend "
    "provides 1048576 bytes", "efi.firmware-size", "efi.firmware" },
  { "qemu: could not load PC BIOS '/b'", "boot.bios-unusable", "boot.bios" },
  { "qemu-system-aarch64: Could not find ROM image '/b'",
    "boot.bios-unusable", "boot.bios" },
  { "qemu-system-riscv64: Unable to load the RISC-V firmware \"/b\"",
    "boot.bios-unusable", "boot.bios" },
  { "qemu-system-ppc64: Could not find LPAR firmware '/b'",
    "boot.bios-unusable", "boot.bios" },
  { "/b: No such file or directory\n"
    "qemu-system-s390x: could not find stage1 bootloader",
    "boot.bios-unusable", "boot.bios" },
  { "qemu: could not open kernel file '/k': No such file or directory",
    "file.missing", "boot.kernel" },
  { "qemu: could not open kernel file '/k': Permission denied",
    "file.unreadable", "boot.kernel" },
  { "qemu: could not load kernel '/k': No such file or directory",
    "boot.kernel-unusable", "boot.kernel" },
  { "qemu: could not load kernel '/k': Is a directory",
    "boot.kernel-unusable", "boot.kernel" },
  { "/k: No such file or directory\n"
    "qemu-system-ppc64: error loading /k: Failed to load ELF",
    "boot.kernel-unusable", "boot.kernel" },
  { "qemu: error reading initrd /i: Failed to open file \xe2\x80\x9c/i\xe2\x80"
    "\x9d: open() failed: No such file or directory", "file.missing",
    "boot.initrd" },
  { "qemu-system-aarch64: could not load initrd '/i'", "boot.initrd-unusable",
    "boot.initrd" },
  { "qemu-system-x86_64: -append only allowed with -kernel option",
    "boot.no-kernel", "boot.kernel_params" },
  { "qemu-system-x86_64: Unsupported NIC model: nosuch",
    "qemu.device-unknown", "qemu.first_network_options[1]" },
  { "(process:7): Slirp-CRITICAL **: fork_exec: Failed to execute child "
    "process \xe2\x80\x9cnc\xe2\x80\x9d (No such file or directory)",
    "network.netcat-missing", "network.netcat" },
  { "gtk initialization failed", "graphics.display", "graphics" },
  { "Unable to init server: Could not connect: Connection refused\n"
    "gtk initialization failed", "graphics.display", "graphics" },
  { "Could not initialize SDL(x11 not available) - exiting",
    "graphics.display", "graphics" },
  { "qemu-system-x86_64: egl: no drm render node available\n"
    "qemu-system-x86_64: egl: render node init failed", "graphics.display",
    "graphics" },
  { "/bin/qemu-system-x86_64: error while loading shared libraries: "
    "libpixman-1.so.0: cannot open shared object file: No such file or "
    "directory", "qemu.failed", "qemu.binary" },
  { "qemu-system-x86_64:/proc/self/fd/5:9: No 'PCI' bus found for device "
    "'virtio-serial-pci'", "qemu.no-bus", "start.guest_agent" },
  { "qemu-system-x86_64:/proc/self/fd/5:3: File descriptor '77' is not a "
    "socket", "qemu.ended", "start.qmp" },
};

START_TEST (messages_without_words)
{
  expect (bare[_i].words, bare[_i].id, bare[_i].path);
}
END_TEST

/* ---- where words come from ------------------------------------------------ */

START_TEST (unknown_messages_name_the_option_as_well)
{
  static const struct {
    const char *flag, *about, *path;
  } cases[] = {
    { "-machine", "accel=tcg", "qemu.machine" },
    { "-cpu", "max", "qemu.cpu" },
    { "-name", "m", "name" },
    { "-m", "512", "memory" },
    { "-smp", "2", "cores" },
    { "-net", "user.0", "network" },
    { "-netdev", "user.0", "network" },
    { "-virtfs", "mount_tag=xchg", "shares" },
    { "-virtfs", "mount_tag=a", "shares[1]" },
    { "-drive", "id=drive1", "disk.image" },
    { "-device", "drive=drive2", "empty_disks" },
    { "-device", "drive=drive3", "drives[0]" },
    { "-usb", NULL, "qemu.builtin_options" },
    { "-kernel", "/k", "boot.kernel" },
    { "-initrd", "/i", "boot.initrd" },
    { "-append", "", "boot.kernel_params" },
    { "-bios", "/b", "boot.bios" },
    { "-nographic", NULL, "graphics" },
    { "-chardev", "chrtpm", "tpm" },
    { "-device", "tpmdev=", "tpm.model" },
    { "-global", "secure", "efi.smm" },
    { "-object", "id=m", "qemu.options[4]" },
    { "-fromopts", NULL, "QEMU_OPTS" },
  };

  for (size_t i = 0; i < COUNT (cases); i++) {
    const char *words = about (cases[i].flag, cases[i].about, "it is Monday");

    expect (words, "qemu.ended", cases[i].path);
    ck_assert_ptr_nonnull (
      strstr (vmspec_diag_get (diag, 0)->text, "it is Monday"));
    ck_assert_ptr_nonnull (
      strstr (vmspec_diag_get (diag, 0)->text, cases[i].flag));
  }
}
END_TEST

START_TEST (pieces_of_shell_are_counted)
{
  qemu.expand = VMSPEC_ON;
  qemu.options = STRINGS ("$NOTHING", "-device adev", "$PIECE -device 'b c'");
  qemu.network_options = STRINGS ("-netdev \"tap,id=t\"");
  plan_again ();
  expect (about ("-device", "adev", "no"), "qemu.ended", "qemu.options[1]");
  expect (about ("-device", "frompiece", "no"), "qemu.ended",
          "qemu.options[2]");
  expect (about ("-device", "b c", "no"), "qemu.ended", "qemu.options[2]");
  expect (about ("-netdev", "tap,id=t", "no"), "qemu.ended",
          "qemu.network_options[0]");
}
END_TEST

START_TEST (pieces_of_one_word_are_counted)
{
  qemu.expand = VMSPEC_ON;
  qemu.options = STRINGS ("-device", "one", "-device", "two");
  plan_again ();
  expect (about ("-device", "one", "no"), "qemu.ended", "qemu.options[1]");
  expect (about ("-device", "two", "no"), "qemu.ended", "qemu.options[3]");
}
END_TEST

/* A controller is blamed on the drive that it is for. */
START_TEST (controllers_are_for_the_drive_that_comes_next)
{
  static const struct {
    uint32_t interface;
    const char *controller;
  } rows[] = {
    { VMSPEC_DISK_INTERFACE_SCSI, "lsi53c895a" },
    { VMSPEC_DISK_INTERFACE_VIRTIO_SCSI, "virtio-scsi-pci" },
    { VMSPEC_DISK_INTERFACE_IDE, "ich9-ahci" },
  };
  struct vmspec_drive plain
    = { VMSPEC_INIT (vmspec_drive), .file = "/p",
        .interface = VMSPEC_DISK_INTERFACE_VIRTIO };
  struct vmspec_drive drive = { VMSPEC_INIT (vmspec_drive), .file = "/d" };

  spec.drives = LIST (vmspec_drive, &plain, &drive, &plain);
  for (size_t i = 0; i < COUNT (rows); i++) {
    drive.interface = rows[i].interface;
    plan_again ();
    expect (about ("-device", rows[i].controller, "no"), "qemu.ended",
            "drives[1].interface");
  }
}
END_TEST

/* Nothing comes behind it. */
START_TEST (the_last_word_of_all_has_an_origin)
{
  struct vmspec_efi efi = { VMSPEC_INIT (vmspec_efi) };
  const char *const *argv;
  size_t n = 0;

  host.environment = STRINGS (NULL);
  host.arguments = STRINGS (NULL);
  qemu.options = NULL;
  spec.efi = &efi;
  plan_again ();
  argv = vmspec_plan_argv (plan);
  while (argv[n])
    n++;
  ck_assert_str_eq (argv[n - 2], "-device");
  expect (about ("-device", "tpmdev=", "no"), "qemu.ended", "tpm.model");
  ck_assert_ptr_nonnull (strstr (argv[n - 1], "tpmdev="));
}
END_TEST

/* QEMU has taken the first of them. */
START_TEST (of_equal_words_the_last_is_blamed)
{
  qemu.options = STRINGS ("-device", "virtio-rng-pci");
  plan_again ();
  expect (about ("-device", "virtio-rng-pci", "PCI: no slot/function available "
                 "for virtio-rng-pci, all in use or reserved"),
          "qemu.bus-full", "qemu.options[1]");
}
END_TEST

START_TEST (options_of_the_caller_that_qemu_does_not_name)
{
  qemu.options
    = STRINGS ("--kernel", "/mine", "-m", "9999G", "-display", "gtk",
               "-machine", "accel=kvm,nosuch=on", "-machine", "usb=on",
               "-accel", "kvm");
  plan_again ();
  expect (about ("-accel", "kvm", "failed to initialize kvm: No such file or "
                 "directory"), "qemu.kvm-unusable", "qemu.options[11]");
  expect ("qemu-system-x86_64: Property 'pc-q35-7.2-machine.nosuch' not found",
          "qemu.property-unknown", "qemu.options[7]");
  expect ("qemu-system-x86_64: Property 'pc-q35-7.2-machine.usb' not found",
          "qemu.property-unknown", "qemu.options[9]");
  expect ("qemu: could not open kernel file '/mine': No such file or "
          "directory", "file.missing", "qemu.options[1]");
  expect ("qemu-system-x86_64: cannot set up guest memory 'pc.ram': Cannot "
          "allocate memory", "memory.unavailable", "qemu.options[3]");
  expect ("gtk initialization failed", "graphics.display", "qemu.options[5]");
  expect ("qemu: module ui-ui-sdl not found, do you want to install "
          "qemu-system-gui package?\nqemu-system-x86_64: Display 'sdl' is not "
          "available.", "graphics.display", "qemu.options[5]");
  expect ("qemu-system-x86_64: failed to initialize kvm: No such device",
          "qemu.kvm-unusable", "qemu.options[11]");
}
END_TEST

START_TEST (a_package_is_to_blame_for_its_first_words)
{
  qemu = (struct vmspec_qemu) { VMSPEC_INIT (vmspec_qemu),
                                .package = "/nix/store/qemu" };
  plan_again ();
  expect (about ("-cpu", "max", "it is Monday"), "qemu.ended",
          "qemu.package");
}
END_TEST

START_TEST (virtual_networks)
{
  struct vmspec_network vde = {
    VMSPEC_INIT (vmspec_network), .vlan_backend = VMSPEC_VLAN_BACKEND_VDE,
    .vlan_directory = "/v",
  };
  static const char missing[]
    = "Could not open vde: No such file or directory";

  qemu.options = qemu.network_options = NULL;
  spec.network = &vde;
  plan_again ();
  expect (about ("-netdev", "vlan1", missing), "vlan.unreachable",
          "network.vlan_backend");
  spec.vlans = LIST (vmspec_vlan,
                     &(struct vmspec_vlan) { VMSPEC_INIT (vmspec_vlan), 4 });
  spec.interfaces
    = LIST (vmspec_interface, &(struct vmspec_interface) {
              VMSPEC_INIT (vmspec_interface), .vlan = 5, .name = "lan" });
  plan_again ();
  expect (about ("-netdev", "vlan1", missing), "vlan.unreachable", "vlans[0]");
  expect (about ("-device", "netdev=vlan2", "PCI: no slot/function available "
                 "for virtio-net-pci, all in use or reserved"),
          "qemu.bus-full", "interfaces[0]");
}
END_TEST

START_TEST (a_port_that_qemu_chooses)
{
  struct vmspec_network any = {
    VMSPEC_INIT (vmspec_network),
    .forward_ports = LIST (vmspec_forward_port,
                           FORWARD (.any_host_port = VMSPEC_ON,
                                    .host_port = 5,
                                    .host_address = "1.2.3.4",
                                    .guest_port = 22)),
  };

  spec.network = &any;
  plan_again ();
  expect (about ("-netdev", "hostfwd=tcp:1.2.3.4:0-:22", "Could not set up host "
                 "forwarding rule 'tcp:1.2.3.4:0-:22'"),
          "forward-port.taken", "network.forward_ports[0].host_port");
}
END_TEST

/* ---- which message counts -------------------------------------------------- */

START_TEST (the_last_message_counts)
{
  static char words[8192];

  /* QEMU went on without KVM. */
  snprintf (words, sizeof words, "%s%s",
            "Could not access KVM kernel module: No such file or directory\n"
            "qemu-system-x86_64: failed to initialize kvm: No such file or "
            "directory\nqemu-system-x86_64: falling back to tcg\n",
            about ("-zonk", NULL, "it is Monday"));
  expect (words, "qemu.ended", "qemu.options[0]");
  expect ("qemu-system-x86_64: unable to find CPU model 'max'\n"
          "qemu-system-x86_64: terminating on signal 15 from pid 7 (timeout)\n",
          "qemu.ended", "");
  ck_assert_ptr_nonnull (strstr (vmspec_diag_get (diag, 0)->text, "pid 7"));
}
END_TEST

START_TEST (a_consequence_is_not_the_cause)
{
  static char words[8192];

  snprintf (words, sizeof words, "%s", about (
    "-tpmdev", "chrtpm", "tpm-emulator: Failed to send CMD_SET_DATAFD: "
    "Success"));
  strcat (words, about ("-tpmdev", "chrtpm", "tpm-emulator: Could not cleanly "
                        "shutdown the TPM: Input/output error"));
  expect (words, "tpm.socket", "tpm");
  ck_assert_ptr_nonnull (
    strstr (vmspec_diag_get (diag, 0)->text, "CMD_SET_DATAFD"));
  snprintf (words, sizeof words, "%s", about (
    "-extra", "stray", "'nosuch' is not a valid char driver"));
  strcat (words, about ("-extra", "stray", "could not connect serial device to "
                        "character backend 'nosuch'"));
  expect (words, "qemu.chardev", "arguments[1]");
}
END_TEST

/* Lines without a name, which go on with a message or do not. */
START_TEST (lines_after_messages)
{
  static char words[8192];

  expect (about ("-device", "drive=drive4", "Failed to get \"write\" lock\n"
                 "Could not open '/c.img': No such file or directory"),
          "image.in-use", "drives[1].file");
  snprintf (words, sizeof words, "%sgtk initialization failed\n",
            about ("-zonk", NULL, "it is Monday"));
  expect (words, "graphics.display", "graphics");
  snprintf (words, sizeof words, "%sqemu-system-x86_64: terminating\n",
            about ("-device", "drive=drive4", "Failed to get \"write\" lock\n"
                   "Is another process using the image [/c.img]?"));
  expect (words, "qemu.ended", "");
}
END_TEST

START_TEST (remedies_by_what_is_wrong_with_kvm)
{
  static const struct {
    const char *reason, *remedy;
  } cases[] = {
    { "Permission denied", "group" }, { "No such device", "kvm_intel" },
    { "Device or resource busy", "hypervisor" },
    { "Function not implemented", "nested" },
  };
  static char words[200];

  for (size_t i = 0; i < COUNT (cases); i++) {
    snprintf (words, sizeof words,
              "qemu-system-x86_64: failed to initialize kvm: %s\n",
              cases[i].reason);
    expect (words, "qemu.kvm-unusable", "qemu.accel");
    ck_assert_ptr_nonnull (
      strstr (vmspec_diag_get (diag, 0)->text, cases[i].remedy));
  }
}
END_TEST

START_TEST (warnings_are_no_causes)
{
  expect ("qemu-system-x86_64: unable to find CPU model 'max'\n"
          "qemu-system-x86_64: warning: Could not open 'x': No such file or "
          "directory\n", "qemu.cpu-unknown", "qemu.cpu");
  expect ("qemu-system-x86_64: warning: invalid option\n", "qemu.ended", "");
  expect ("qemu-system-x86_64: info: invalid option\n", "qemu.ended", "");
}
END_TEST

START_TEST (names_and_times_before_messages)
{
  expect ("2026-01-02T03:04:05.123456Z qemu-system-x86_64: -zonk: invalid "
          "option\n", "qemu.option-unknown", "qemu.options[0]");
  expect (".qemu-system-x86_64-wrapped: -zonk: invalid option\r\n",
          "qemu.option-unknown", "qemu.options[0]");
  expect ("(qemu) qemu-system-x86_64: -zonk: invalid option\n",
          "qemu.option-unknown", "qemu.options[0]");
  qemu.binary = "/bin/vm";
  plan_again ();
  expect ("2026-01-02T03:04:05.123456Z vm: -zonk: invalid option\n",
          "qemu.option-unknown", "qemu.options[0]");
}
END_TEST

/* Behind the plan's last word stands what the library adds. */
START_TEST (the_last_option_lacks_its_value)
{
  expect ("qemu-system-x86_64: stray.img -readconfig: '-readconfig' is not a "
          "valid char driver\n", "qemu.option-unknown", "arguments[1]");
  ck_assert_ptr_nonnull (strstr (vmspec_diag_get (diag, 0)->text,
                                 "requires an argument"));
}
END_TEST

/* A message about words with a line's end goes on after it. */
START_TEST (words_may_hold_anything)
{
  qemu.options = STRINGS ("-device", "a: b\nqemu-system-x86_64: c: d",
                          "-object", "%s%n%99999d");
  plan_again ();
  expect (about ("-device", "a: b", "it is Monday"), "qemu.ended",
          "qemu.options[1]");
  expect (about ("-object", "%s", "%s%n%s%n%99999d"), "qemu.ended",
          "qemu.options[3]");
  ck_assert_ptr_nonnull (
    strstr (vmspec_diag_get (diag, 0)->text, "%s%n%s%n%99999d"));
}
END_TEST

/* ---- texts ------------------------------------------------------------------ */

static int
is_plain (const char *text)
{
  for (const unsigned char *c = (const void *) text; *c; c++)
    if (*c < ' ' || *c == 0x7f || (*c == 0xc2 && c[1] < 0xa0))
      return 0;
  return 1;
}

START_TEST (findings_have_the_message_and_a_remedy)
{
  const struct vmspec_finding *f
    = explained (about ("-device", "drive=drive4",
                        "Failed to get \"write\" lock\n"
                        "Is another process using the image [/c.img]?"));

  ck_assert_ptr_nonnull (strstr (f->text, "Failed to get \"write\" lock"));
  ck_assert_ptr_nonnull (strstr (f->text, "[/c.img]"));
  ck_assert_ptr_nonnull (strstr (f->text, "; another process"));
  ck_assert (is_plain (f->text));
}
END_TEST

START_TEST (messages_are_made_plain)
{
  static const char words[]
    = "qemu-system-x86_64: a\0b\033[31mc\x7f\xc2\x9b" "d\xff\xc3\xa9\xe2\x82"
      "e\r\n";
  const struct vmspec_finding *f = explained_bytes (words, sizeof words - 1);

  ck_assert_ptr_nonnull (strstr (f->text, "a b [31mc   d?\xc3\xa9??e;"));
  ck_assert (is_plain (f->text));
}
END_TEST

START_TEST (long_messages_keep_their_ends)
{
  static char words[LAST_WORDS];
  const struct vmspec_finding *f;
  size_t size = (size_t) snprintf (words, sizeof words,
                                   "qemu-system-x86_64: start");

  while (size < 60000)
    size = (size_t) (stpcpy (words + size, "\xc3\xa9") - words);
  strcpy (words + size, "the end\n");
  f = explained (words);
  ck_assert_ptr_nonnull (strstr (f->text, "start\xc3\xa9"));
  ck_assert_ptr_nonnull (strstr (f->text, "\xc3\xa9the end"));
  ck_assert_uint_lt (strlen (f->text), 1000);
  /* No half of a character. */
  ck_assert_ptr_null (strstr (f->text, "\xc3 "));
  ck_assert_ptr_null (strstr (f->text, " \xa9"));
}
END_TEST

/* The text of what is found, whole. */
static void
says (const char *words, size_t size, const char *text)
{
  ck_assert_str_eq (explained_bytes (words, size)->text, text);
}

#define NOT_KNOWN                                                              \
  "; what it said before that is among its last words, and the plan's command " \
  "(vmspec-run --print-command) can be tried by hand"

/* What is shown of a message of so many bytes: all, or these of its start and end.
 * There is a character of several bytes where it is said. */
static const struct {
  size_t size, start, end;
  size_t at;
  const char *character;
} long_messages[] = {
  { 300, 0, 0, 0, "" },         { 301, 200, 100, 0, "" },
  { 302, 200, 100, 0, "" },     { 1000, 200, 100, 0, "" },
  { 400, 199, 100, 199, "\xc3\xa9" }, { 400, 200, 100, 198, "\xc3\xa9" },
  { 400, 198, 100, 198, "\xe2\x82\xac" },
  { 400, 197, 100, 197, "\xf0\x9f\x98\x80" },
  { 400, 200, 99, 299, "\xc3\xa9" }, { 400, 200, 100, 300, "\xc3\xa9" },
  { 400, 200, 98, 299, "\xe2\x82\xac" },
  { 400, 200, 97, 299, "\xf0\x9f\x98\x80" },
};

START_TEST (of_long_messages_a_start_and_an_end_are_told)
{
  for (size_t i = 0; i < COUNT (long_messages); i++) {
    const size_t size = long_messages[i].size, end = long_messages[i].end;
    char message[1200], words[1300], text[2000];

    for (size_t j = 0; j < size; j += 4)
      snprintf (message + j, sizeof message - j, "%04zu", j / 4);
    memcpy (message + long_messages[i].at, long_messages[i].character,
            strlen (long_messages[i].character));
    message[size] = '\0';
    snprintf (words, sizeof words, "qemu: %s\n", message);
    snprintf (text, sizeof text, "QEMU ended: %.*s%s%s" NOT_KNOWN,
              end ? (int) long_messages[i].start : (int) size, message,
              end ? " ... " : "", end ? message + size - end : "");
    says (words, strlen (words), text);
  }
}
END_TEST

static const struct {
  const char *bytes, *plain;
} plain[] = {
  { "a b", "a b" },
  { " \ta b \r\t", "a b" },
  { "a\037b !~\177c", "a b !~ c" },
  { "a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80" "b",
    "a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80" "b" },
  { "\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80" },
  { "a\xe2\x82\xac", "a\xe2\x82\xac" },
  { "a\xf0\x9f\x98", "a???" },
  { "a\xf0\x9f\x98" "b", "a???b" },
  { "a\xc3", "a?" },
  { "a\x80" "b\xbf\xc0\xc1\xfe\xff", "a?b?????" },
  { "a\xc2\x80" "b\xc2\x9f" "c\xc2\xa0" "d\xc2\xbf" "e",
    "a  b  c\xc2\xa0" "d\xc2\xbf" "e" },
  { "a\xc3\x80" "b\xc3\x9f" "c", "a\xc3\x80" "b\xc3\x9f" "c" },
};

START_TEST (each_byte_of_a_message_is_made_plain)
{
  for (size_t i = 0; i < COUNT (plain); i++) {
    char words[200], text[400];

    snprintf (text, sizeof text, "QEMU ended: %s" NOT_KNOWN, plain[i].plain);
    snprintf (words, sizeof words, "qemu: %s\n", plain[i].bytes);
    says (words, strlen (words), text);
    says (words, strlen (words) - 1, text);
  }
}
END_TEST

/* What the message starts with counts as QEMU's name in its first 128 bytes only. */
START_TEST (names_come_early_in_a_line)
{
  for (int size = 121; size <= 124; size++) {
    char words[300];

    snprintf (words, sizeof words, "%0*d qemu: -zonk: no\n", size - 1, 0);
    expect (words, "qemu.ended", size < 124 ? "qemu.options[0]" : "");
  }
}
END_TEST

START_TEST (names_are_qemus_or_the_programs)
{
  static const struct {
    const char *name;
    int is_name;
  } names[] = {
    { "qemu", 1 }, { "my-qemu", 1 }, { "qemu7", 1 }, { "qem", 0 }, { "emu", 0 },
    { "qemX", 0 }, { "vm", 1 }, { "vx", 0 }, { "vmm", 0 }, { "v", 0 },
    { "12:34: vm", 1 }, { "a vm", 1 }, { "a", 0 }, { "", 0 },
  };

  qemu.binary = "/bin/vm";
  plan_again ();
  for (size_t i = 0; i < COUNT (names); i++) {
    char words[100];

    snprintf (words, sizeof words, "%s: -zonk: no\n", names[i].name);
    expect (words, "qemu.ended", names[i].is_name ? "qemu.options[0]" : "");
  }
}
END_TEST

/* The last 32 lines. */
START_TEST (so_many_lines_are_looked_at)
{
  for (int more = 30; more <= 33; more++) {
    char words[1000] = "qemu: unable to find CPU model 'max'\n";

    for (int i = 0; i < more; i++)
      strcat (words, "another line\n");
    expect (words, more < 32 ? "qemu.cpu-unknown" : "qemu.ended",
            more < 32 ? "qemu.cpu" : "");
  }
}
END_TEST

START_TEST (what_is_no_warning_is_a_cause)
{
  says ("qemu: warning:a\n", 16, "QEMU ended: warning:a" NOT_KNOWN);
  says ("qemu: info:a\n", 13, "QEMU ended: info:a" NOT_KNOWN);
  says ("warning: a\n", 11, "QEMU ended: warning: a" NOT_KNOWN);
  expect ("qemu: info: a\nqemu: warning: b\n", "qemu.ended", "");
  ck_assert_ptr_nonnull (strstr (vmspec_diag_get (diag, 0)->text, "said nothing"));
}
END_TEST

/* Lines of the file that the library adds. */
START_TEST (messages_about_the_librarys_own_options)
{
  expect ("qemu:/proc/self/fd/5:3: no\n", "qemu.ended", "start.qmp");
  expect ("qemu:/proc/self/fd/5:3: no serial bus\n", "qemu.ended",
          "start.guest_agent");
  expect ("qemu:/proc/self/fd/ no\n", "qemu.ended", "start.qmp");
  expect ("qemu:/proc/self/fd/5:3:no\n", "qemu.ended", "");
  expect ("qemu:/proc/self/fd/\n", "qemu.ended", "");
  expect ("qemu:/proc/self/ff/5:3: no serial bus\n", "qemu.ended", "");
  expect ("qemu:/proc/self/fd/ \n", "qemu.ended", "");
  ck_assert_ptr_nonnull (strstr (vmspec_diag_get (diag, 0)->text, "said nothing"));
}
END_TEST

START_TEST (messages_are_whole_up_to_a_length)
{
  for (int size = 299; size <= 301; size++) {
    char words[400];
    const struct vmspec_finding *f;

    snprintf (words, sizeof words, "qemu-system-x86_64: %0*d\n", size, 1);
    f = explained (words);
    ck_assert_int_eq (strstr (f->text, "0 ... 0") != NULL, size > 300);
    ck_assert_ptr_nonnull (strstr (f->text, "001;"));
  }
}
END_TEST

START_TEST (no_words_at_all)
{
  static const char *const nothing[] = { "", "\n\n \n", "\033\r\n\t" };

  for (size_t i = 0; i < COUNT (nothing); i++) {
    expect (nothing[i], "qemu.ended", "");
    ck_assert_ptr_nonnull (
      strstr (vmspec_diag_get (diag, 0)->text, "said nothing"));
  }
  expect ("a guest's own\nlast line\n", "qemu.ended", "");
  ck_assert_ptr_nonnull (
    strstr (vmspec_diag_get (diag, 0)->text, "last line;"));
}
END_TEST

/* ---- hostile ---------------------------------------------------------------- */

static void
expect_something (const char *words, size_t size)
{
  const struct vmspec_finding *f = explained_bytes (words, size);

  ck_assert_uint_lt (strlen (f->text), 2000);
  ck_assert (is_plain (f->text));
}

START_TEST (any_bytes)
{
  static char words[LAST_WORDS];
  struct random r = { .state = (uint64_t) _i };
  static const char alphabet[] = "qemu: -zonk\n'\"%s*|,=.\0\xc3\xff";

  for (unsigned round = 0; round < unit_rounds (10); round++) {
    size_t size = random_below (&r, sizeof words + 1);

    for (size_t i = 0; i < size; i++)
      words[i] = _i % 2 ? (char) random_number (&r)
                        : alphabet[random_below (&r, sizeof alphabet - 1)];
    expect_something (words, size);
  }
}
END_TEST

/* Everything that is known, cut anywhere, repeated to 64 KiB. */
START_TEST (parts_of_messages)
{
  static char words[LAST_WORDS];
  struct random r = { .state = 1 };

  for (unsigned round = 0; round < unit_rounds (300); round++) {
    const struct located *l = &located[random_below (&r, COUNT (located))];
    const char *message = about (l->flag, l->about, l->message);
    size_t length = strlen (message), size = 0;

    while (size < sizeof words - length && random_below (&r, 50)) {
      size_t start = random_below (&r, length);
      size_t n = random_below (&r, length - start + 1);

      memcpy (words + size, message + start, n);
      size += n;
    }
    expect_something (words, size);
  }
}
END_TEST

START_TEST (the_same_byte_everywhere)
{
  static char words[LAST_WORDS];
  static const char bytes[] = "\0\n:q' \x80\xff\xc2%-";

  for (size_t i = 0; i < sizeof bytes - 1; i++) {
    memset (words, bytes[i], sizeof words);
    expect_something (words, sizeof words);
  }
}
END_TEST

START_TEST (a_first_line_without_its_start)
{
  expect ("86_64: -zonk: invalid option\n", "qemu.option-unknown", "");
  expect ("nk: it is Monday\nqemu-system-x86_64: -zonk: invalid option\n",
          "qemu.option-unknown", "qemu.options[0]");
}
END_TEST

/* ---- patterns --------------------------------------------------------------- */

START_TEST (patterns)
{
  ck_assert (vms_explain_matches ("One two THREE", "one*three"));
  ck_assert (vms_explain_matches ("one two three", "nine|two"));
  ck_assert (!vms_explain_matches ("one two three", "three*one"));
  ck_assert (!vms_explain_matches ("one two three", "two*two|nine"));
  ck_assert (!vms_explain_matches ("", "a"));
  ck_assert (!vms_explain_matches ("wo", "nine|two"));
  ck_assert (!vms_explain_matches ("one hree", "one*three"));
  ck_assert (!vms_explain_matches ("onee", "one*ee"));
  ck_assert (vms_explain_matches ("oneee", "one*ee"));
  ck_assert (vms_explain_matches ("abc", "a*b*c"));
  ck_assert (!vms_explain_matches ("acb", "a*b*c"));
  /* A part has 63 bytes at most. */
  for (size_t size = 62; size <= 64; size++) {
    char part[65];

    memset (part, 'x', size);
    part[size] = '\0';
    ck_assert_int_eq (vms_explain_matches (part, part), size < 64);
  }
}
END_TEST

int
main (void)
{
  TCase *tcase = unit_case ("explain");

  tcase_add_checked_fixture (tcase, set_up, tear_down);
  tcase_add_loop_test (tcase, messages_with_their_words, 0,
                       (int) COUNT (located));
  tcase_add_loop_test (tcase, messages_without_words, 0, (int) COUNT (bare));
  tcase_add_test (tcase, unknown_messages_name_the_option_as_well);
  tcase_add_test (tcase, pieces_of_shell_are_counted);
  tcase_add_test (tcase, of_equal_words_the_last_is_blamed);
  tcase_add_test (tcase, options_of_the_caller_that_qemu_does_not_name);
  tcase_add_test (tcase, a_package_is_to_blame_for_its_first_words);
  tcase_add_test (tcase, virtual_networks);
  tcase_add_test (tcase, a_port_that_qemu_chooses);
  tcase_add_test (tcase, the_last_message_counts);
  tcase_add_test (tcase, a_consequence_is_not_the_cause);
  tcase_add_test (tcase, lines_after_messages);
  tcase_add_test (tcase, remedies_by_what_is_wrong_with_kvm);
  tcase_add_test (tcase, warnings_are_no_causes);
  tcase_add_test (tcase, names_and_times_before_messages);
  tcase_add_test (tcase, the_last_option_lacks_its_value);
  tcase_add_test (tcase, words_may_hold_anything);
  tcase_add_test (tcase, findings_have_the_message_and_a_remedy);
  tcase_add_test (tcase, messages_are_made_plain);
  tcase_add_test (tcase, long_messages_keep_their_ends);
  tcase_add_test (tcase, messages_are_whole_up_to_a_length);
  tcase_add_test (tcase, no_words_at_all);
  tcase_add_loop_test (tcase, any_bytes, 0, 4);
  tcase_add_test (tcase, parts_of_messages);
  tcase_add_test (tcase, the_same_byte_everywhere);
  tcase_add_test (tcase, a_first_line_without_its_start);
  tcase_add_test (tcase, patterns);
  tcase_add_test (tcase, pieces_of_one_word_are_counted);
  tcase_add_test (tcase, controllers_are_for_the_drive_that_comes_next);
  tcase_add_test (tcase, the_last_word_of_all_has_an_origin);
  tcase_add_test (tcase, of_long_messages_a_start_and_an_end_are_told);
  tcase_add_test (tcase, each_byte_of_a_message_is_made_plain);
  tcase_add_test (tcase, names_come_early_in_a_line);
  tcase_add_test (tcase, names_are_qemus_or_the_programs);
  tcase_add_test (tcase, so_many_lines_are_looked_at);
  tcase_add_test (tcase, what_is_no_warning_is_a_cause);
  tcase_add_test (tcase, messages_about_the_librarys_own_options);
  return unit_run ("explain", tcase);
}
