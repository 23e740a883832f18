/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * QEMU's messages, and what to do about them.  Texts are those of versions 7.2 to
 * 10: parts that all of them have.  The first row that matches counts.
 */
#include "explain.h"

#include <string.h>

#define KVM_FLAGS "-accel -machine -M -enable-kvm"
#define OR_EMULATE "or set qemu.accel to prefer or off"

static const struct failure failures[] = {
  /* ---- hardware virtualisation */
  { "kvm kernel module*denied|kvm kernel module*not permitted|"
    "initialize kvm*denied|initialize kvm*not permitted",
    "qemu.kvm-unusable",
    "/dev/kvm may not be opened: add the user to its group (often kvm), "
    OR_EMULATE, "accel", KVM_FLAGS, "kvm" },
  { "kvm kernel module*no such|initialize kvm*no such", "qemu.kvm-unusable",
    "there is no /dev/kvm, or nothing behind it: load the module kvm_intel or "
    "kvm_amd, switch hardware virtualisation on in the firmware, " OR_EMULATE,
    "accel", KVM_FLAGS, "kvm" },
  { "initialize kvm*busy|kvm_create_vm*busy", "qemu.kvm-unusable",
    "another hypervisor, such as VirtualBox, uses the processor's "
    "virtualisation: stop it, " OR_EMULATE, "accel", KVM_FLAGS, "kvm" },
  { "initialize kvm|kvm kernel module|kvm_create_vm|kvm_init_vcpu|"
    "kvm run failed|kvm internal error|kvm: entry failed|failed to set msr",
    "qemu.kvm-unusable",
    "KVM is there but does not work: see what the kernel says (journalctl -k), "
    "switch nested virtualisation on in an outer host, " OR_EMULATE,
    "accel", KVM_FLAGS, "kvm" },
  { "invalid accelerator|no accelerator found", "qemu.accel-unknown",
    "this QEMU was built without that accelerator; install another one, or set "
    "qemu.accel to prefer or off", "accel", KVM_FLAGS, "accel|kvm" },

  { "-accel and*-machine accel=*incompatible", "qemu.accel-twice",
    "qemu.accel says which accelerator QEMU takes; set that, and leave -accel "
    "out", NULL, "-accel -enable-kvm", NULL },

  /* ---- processor, machine, memory */
  { "cpu model*requires|cpu type can only be used with|"
    "unable to find cpu model 'host'", "qemu.cpu-host",
    "the host's processor can be had with hardware virtualisation only; set "
    "qemu.cpu to max or leave it out", NULL, "-cpu", NULL },
  { "unable to find cpu model|invalid cpu model|invalid cpu type",
    "qemu.cpu-unknown",
    "set qemu.cpu to one that \"-cpu help\" lists, or leave it out", NULL,
    "-cpu", NULL },
  { "property '*-cpu.*' not found|expected key=value format, found",
    "qemu.property-unknown",
    "the processor has no such feature in this QEMU; leave it out of qemu.cpu",
    NULL, "-cpu", NULL },
  { "unsupported machine type|no machine specified", "qemu.machine-unknown",
    "set qemu.machine to one that \"-machine help\" lists, or leave it out",
    NULL, "-machine -M", NULL },
  { "property '*-machine.*' not found", "qemu.property-unknown",
    "the machine type has no such property in this QEMU; leave it out of "
    "qemu.machine", NULL, "-machine -M", NULL },
  { "requires kvm|requires hvf|requires tcg|requires*accelerator|"
    "only supported with kvm|not supported with*accel", "qemu.accel-needed",
    "this works with another accelerator only; change qemu.accel, or leave it "
    "out", "accel", "-accel -enable-kvm", NULL },
  { "set up guest memory|map backing store for guest ram|"
    "cannot allocate memory|failed to allocate", "memory.unavailable",
    "the host does not have this much memory to give; set memory to less, or "
    "stop something else", NULL, "-m", NULL },
  { "ram size|ram can be simulated|memory size", "memory.refused",
    "set memory to what this machine type can have", NULL, "-m", NULL },
  { "invalid smp cpus|invalid cpu topology|smp.cpus|number of*cpus*exceeds",
    "cores.refused", "set cores to what this machine type can have", NULL,
    "-smp", NULL },

  /* ---- firmware and kernel, before files in general */
  { "firmware block device pflash0|device requires*block backend provides",
    "efi.firmware-size",
    "firmware and its variables are images of the size that the machine type "
    "wants, which are made for each other; set efi.firmware and efi.variables "
    "to such", NULL, "-drive", "if=pflash*unit=0" },
  { "firmware block device pflash1", "efi.firmware-size",
    "this is no store of firmware variables; remove it to have it made again, "
    "or set efi.state to another file", NULL, "-drive", "if=pflash*unit=1" },
  { "does not support if=pflash", "efi.unsupported",
    "this machine type has no place for EFI firmware; turn efi.enable off, or "
    "set qemu.machine to another", NULL, NULL, NULL },
  { "load pc bios|rom image|lpar firmware|risc-v firmware|risc-v bios|"
    "stage1 bootloader|could not load bootloader|could not find bios|"
    "could not load firmware", "boot.bios-unusable",
    "the file does not exist, or is no firmware of this machine type; set "
    "boot.bios to another, or leave it out and install the firmware that "
    "belongs to QEMU (Debian: seabios, opensbi)", NULL, "-bios", NULL },
  { "open kernel file*no such file", "file.missing",
    "set boot.kernel to a file that exists", NULL, "-kernel", NULL },
  { "open kernel file*denied", "file.unreadable",
    "check the kernel's owner and mode", NULL, "-kernel", NULL },
  { "kernel too old to load a ram disk|load kernel|open kernel|kernel image|"
    "invalid kernel header|loading*failed to load elf|pvh elf note",
    "boot.kernel-unusable",
    "the file does not exist, or is no kernel for guests of this architecture; "
    "set boot.kernel to another", NULL, "-kernel", NULL },
  { "initrd*no such file|ram*disk*no such file", "file.missing",
    "set boot.initrd to a file that exists", NULL, "-initrd", NULL },
  { "initrd|initial ram disk|load ramdisk", "boot.initrd-unusable",
    "the initial RAM disk does not exist, cannot be read, or is too large for "
    "the machine's memory; set boot.initrd to another, or memory to more",
    NULL, "-initrd", NULL },
  { "-append only allowed with -kernel", "boot.no-kernel",
    "kernel parameters need a kernel; set boot.kernel", NULL, "-append",
    NULL },

  /* ---- images */
  { "failed to get*lock|is another process using the image", "image.in-use",
    "another process, for instance a machine that still runs, has the image: "
    "stop it, or give this machine one of its own", "file", NULL, NULL },
  { "could not open backing file", "image.backing-missing",
    "the image is an overlay of one that is not there or cannot be read; put "
    "it there again, or say with \"qemu-img rebase -u\" where it is", "file",
    NULL, NULL },
  { "image is corrupt", "image.corrupt",
    "repair it with \"qemu-img check -r all\", or take another image", "file",
    NULL, NULL },
  { "driver requires*regular file|': is a directory", "file.is-directory",
    "name a file", "file", NULL, NULL },
  { "image is not in|image not in|invalid vmdk|invalid vpc|invalid vhdx|"
    "bad signature|determining its format|unknown driver|"
    "could not open '*invalid argument", "image.format",
    "the file holds another format, or is damaged; say the right format (\""
    "qemu-img info\" tells it)", "file", NULL, NULL },
  { "block node is read-only|drive is read-only|device is read-only",
    "drive.read-only",
    "such a device cannot be attached to an image that is only read; take the "
    "interface virtio, or leave out readonly=on", NULL, NULL, NULL },
  { "drive with bus=*exists", "drive.duplicate-index",
    "another drive has this place; give one of them another index or unit",
    NULL, NULL, NULL },

  /* ---- shares */
  { "initialize fsdev*no such file", "file.missing",
    "make the directory, or share another one", "source", NULL, NULL },
  { "initialize fsdev*not a directory", "file.not-directory",
    "only directories can be shared", "source", NULL, NULL },
  { "initialize fsdev*denied|initialize fsdev*not permitted",
    "file.unreadable",
    "check the directory's owner and mode; security_model passthrough needs "
    "root", "source", NULL, NULL },
  { "initialize fsdev", "share.refused", "share another directory", "source",
    NULL, NULL },
  { "mount tag*longer|mount tag*too long", "share.tag-length",
    "take a shorter one", "tag", NULL, NULL },
  { "duplicate or invalid fsdev id", "share.tag-refused",
    "each share needs a tag of its own, which is a letter and then letters, "
    "digits, '-', '.' or '_'", "tag", NULL, NULL },

  /* ---- networks */
  { "could not set up host forwarding rule", "forward-port.taken",
    "another process listens at this port, or the host does not have the "
    "address, or ports below 1024 are not for this user: take another "
    "host_port, or turn any_host_port on", "host_port", NULL, NULL },
  { "host forwarding rule*bad host address", "forward-port.address",
    "write the address as four numbers, such as 127.0.0.1", "host_address",
    NULL, NULL },
  { "host forwarding rule*bad guest address", "forward-port.address",
    "write the address as four numbers, such as 10.0.2.15", "guest_address",
    NULL, NULL },
  { "host forwarding rule*bad host port", "forward-port.port",
    "give a port between 1 and 65535", "host_port", NULL, NULL },
  { "host forwarding rule*bad guest port", "forward-port.port",
    "give a port between 1 and 65535", "guest_port", NULL, NULL },
  { "in guest forwarding rule", "forward-port.guest-refused",
    "the guest connects to a free address in its own network, such as "
    "10.0.2.10, and each of its ports can be forwarded once", "guest_address",
    NULL, NULL },
  { "host forwarding rule|guest forwarding rule", "forward-port.rule",
    "write it as hostfwd=tcp:ADDRESS:PORT-ADDRESS:PORT", NULL, NULL, NULL },
  { "fork_exec:*failed to execute child process", "network.netcat-missing",
    "connections from the guest need this program; install netcat or set "
    "network.netcat", "netcat", "-netdev", "guestfwd=" },
  { "could not open vde", "vlan.unreachable",
    "no vde_switch runs at this socket; start one, or turn network.vlan_switch "
    "on", NULL, NULL, NULL },
  { "multicast", "vlan.multicast",
    "the host's network does not do multicast; take another "
    "network.vlan_backend", NULL, NULL, NULL },

  /* ---- TPM, sockets, displays */
  { "tpm-emulator|tpm emulator", "tpm.socket",
    "swtpm does not answer as it should: its log is in tpm.state_dir; see that "
    "it is installed as a whole", NULL, "-tpmdev", NULL },
  { "failed to connect|socket path", "tpm.socket",
    "no swtpm listens there: its log is in tpm.state_dir, which needs a path "
    "that a socket can have", NULL, "-chardev", "id=chrtpm" },
  { "can't bind|failed to bind|failed to find an available port|"
    "address already in use", "qemu.address",
    "another process listens there, or the address or directory does not "
    "exist; stop it, or take another", NULL, NULL, NULL },
  { "failed to connect|connection refused", "qemu.connect",
    "nobody listens there; start that program first, or let QEMU wait for it "
    "with server=on", NULL, NULL, NULL },
  { "stdio by multiple|not a valid char driver", "qemu.chardev",
    "give each port another end, which \"-chardev help\" lists", NULL, NULL,
    NULL },
  { "gtk initialization failed|initialize sdl|init server|cannot open display|"
    "no drm render node|render node init failed|opengl is not available|"
    "spice client", "graphics.display",
    "there is no display for a window: set graphics to off, or let the machine "
    "have the DISPLAY or WAYLAND_DISPLAY of a session", NULL,
    "-display -sdl -vnc -spice", NULL },
  { "display '*is not available", "graphics.display",
    "this QEMU has no such display (\"-display help\" lists its own); take "
    "another, or install the package that has it", NULL,
    "-display -sdl -vnc -spice", NULL },

  /* ---- devices and options in general */
  { "is not a valid device model name", "qemu.device-unknown",
    "this QEMU has no such device (\"-device help\" lists its own); take "
    "another, or install the package that has it", NULL, NULL, NULL },
  { "unsupported nic model", "qemu.device-unknown",
    "this QEMU has no such network card (\"-nic model=help\" lists its own); "
    "take another", NULL, "-net -nic", "model=" },
  { "no '*' bus found for device|bus '*' not found", "qemu.no-bus",
    "the machine has no such bus; put its controller first, or set "
    "qemu.machine to another", NULL, NULL, NULL },
  { "no slot/function available|all in use or reserved|bus '*' is full|"
    "no free*slot", "qemu.bus-full",
    "there is no place for one more device; attach drives by the interface "
    "virtio-scsi, which takes one place for all, or have fewer", NULL, NULL,
    NULL },
  { "not available*in use by", "qemu.slot-taken",
    "another device has this place; give it another addr, or leave it to "
    "QEMU", NULL, NULL, NULL },
  { "duplicate id", "qemu.duplicate-id",
    "give it another id; drive1, drive2 and so on, user.0 and chrtpm are "
    "taken", NULL, NULL, NULL },
  { "already in use by another device|it's in use", "qemu.backend-taken",
    "attach it to one device only", NULL, NULL, NULL },
  { "property '*' not found|does not support the option|"
    "invalid parameter '", "qemu.property-unknown",
    "this QEMU knows no such property here; leave it out", NULL, NULL, NULL },
  { "can't find value", "qemu.property-value",
    "nothing has this id; add it, or name another", NULL, NULL, NULL },
  { "doesn't take value|does not accept value|property*take value|"
    "parameter '*expects|out of range for parameter|invalid cache option",
    "qemu.property-value", "give it another value", NULL, NULL, NULL },
  { "could not open '*no such file", "file.missing",
    "make it, or name another file", "file", NULL, NULL },
  { "could not open '*denied|could not open '*read-only file system",
    "file.unreadable",
    "check its owner and mode; where it is only to be read, say readonly=on",
    "file", NULL, NULL },
  { "invalid option|requires an argument", "qemu.option-unknown",
    "this QEMU has no such option, or the option needs a value; see "
    "\"-help\"", NULL, NULL, NULL },
  { "error while loading shared libraries|symbol lookup error",
    "qemu.failed", "QEMU is not installed as a whole; install it again, or set "
    "qemu.binary to another", NULL, "PROGRAM", NULL },
};

/* Whether the parts of one alternative, which ends at @end, follow each other. */
static int
matches_parts (const char *text, const char *pattern, const char *end)
{
  char part[64];

  while (pattern < end) {
    const char *star = memchr (pattern, '*', (size_t) (end - pattern));
    size_t size = (size_t) ((star ? star : end) - pattern);

    if (size >= sizeof part)
      return 0;
    memcpy (part, pattern, size);
    part[size] = '\0';
    text = strcasestr (text, part);
    if (!text)
      return 0;
    text += size;
    pattern += star ? size + 1 : size;
  }
  return 1;
}

int
vms_explain_matches (const char *text, const char *pattern)
{
  for (;;) {
    const char *end = strchrnul (pattern, '|');

    if (matches_parts (text, pattern, end))
      return 1;
    if (!*end)
      return 0;
    pattern = end + 1;
  }
}

const struct failure *
vms_explain_find (const char *message, const char *option)
{
  for (size_t i = 0; i < sizeof failures / sizeof *failures; i++) {
    const struct failure *failure = &failures[i];

    if (vms_explain_matches (message, failure->pattern)
        && !(option && failure->about
             && !vms_explain_matches (option, failure->about)))
      return failure;
  }
  return NULL;
}
