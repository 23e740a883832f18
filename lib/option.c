/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The option table: one row for each member of each public struct.  Copying,
 * defaults, XML, --set, documentation, the Python classes and the layout
 * goldens are driven by it.  To add an option: a member at the end of its
 * struct, a row here, a line where it takes effect, a golden.
 */
#include "option.h"

#include <string.h>

/* offsetof, and a compile error if the member has another type than its row's
 * kind says. */
#define AT(owner, member, type)                                                \
  (uint32_t) (offsetof (struct owner, member)                                  \
              + 0 * sizeof (char[_Generic (&((struct owner *) 0)->member,     \
                                           type * : 1, default : -1)]))

#define ROW(owner_, member, type, kind_, ...)                                  \
  { .struct_size = sizeof (struct vmspec_option), .kind = VMSPEC_KIND_##kind_, \
    .owner = #owner_, .name = #member, .since = 0x000100,                      \
    .offset = AT (owner_, member, type),                                       \
    .size = sizeof (((struct owner_ *) 0)->member), __VA_ARGS__ }

#define TEXT_(k, o, m, fl, def, nix, text)                                     \
  ROW (o, m, const char *, k, .flags = fl, .default_text = def, .nixos = nix,  \
       .doc = text)
#define STRING(...) TEXT_ (STRING, __VA_ARGS__)
#define PATH(...) TEXT_ (PATH, __VA_ARGS__)
#define UINT32(o, m, lo, hi, fl, def, nix, text)                               \
  ROW (o, m, uint32_t, UINT32, .min = lo, .max = hi, .flags = fl,              \
       .default_text = def, .nixos = nix, .doc = text)
#define UINT64(o, m, lo, hi, fl, def, nix, text)                               \
  ROW (o, m, uint64_t, UINT64, .min = lo, .max = hi, .flags = fl,              \
       .default_text = def, .nixos = nix, .doc = text)
#define SWITCH(o, m, def, nix, text)                                           \
  ROW (o, m, uint32_t, SWITCH, .values = switch_names, .default_text = def,    \
       .nixos = nix, .doc = text)
#define ENUM(o, m, names, def, nix, text)                                      \
  ROW (o, m, uint32_t, ENUM, .values = names, .default_text = def,             \
       .nixos = nix, .doc = text)
#define STRINGS(o, m, xml_key, def, nix, text)                                 \
  ROW (o, m, const char *const *, STRINGS, .key = xml_key,                     \
       .default_text = def, .nixos = nix, .doc = text)
#define GROUP(o, m, type, text)                                                \
  ROW (o, m, const struct type *, GROUP, .element = #type, .key = #m,          \
       .doc = text)
#define LIST(o, m, type, xml_key, def, nix, text)                              \
  ROW (o, m, const struct type *const *, LIST, .element = #type,               \
       .key = xml_key, .default_text = def, .nixos = nix, .doc = text)
#define CALLBACK(o, m, type, text)                                             \
  ROW (o, m, type *, CALLBACK, .doc = text)
#define POINTER(o, m, text) ROW (o, m, void *, POINTER, .doc = text)
#define SIZE(o) ROW (o, struct_size, uint32_t, SIZE)
#define RESERVED(o, m) ROW (o, m, uint32_t, RESERVED)

#define NONE VMSPEC_OPTION_NONE_OK
#define REQUIRED VMSPEC_OPTION_REQUIRED
#define ZERO VMSPEC_OPTION_ZERO_OK
#define ABSOLUTE VMSPEC_OPTION_ABSOLUTE
#define EMPTY VMSPEC_OPTION_EMPTY_OK
#define BYTES VMSPEC_OPTION_BYTES

#define NIXOS "virtualisation."

/* Indexed by number; 1 is no switch value on purpose. */
static const char *const switch_names[] = { "", "", "off", "on", NULL };
static const char *const arch_names[]
  = { "",          "x86_64",      "i686",    "aarch64", "armv7l",
      "powerpc64", "powerpc64le", "riscv64", "riscv32", "s390x", NULL };
static const char *const os_names[] = { "", "linux", "darwin", NULL };
static const char *const accel_names[]
  = { "", "require", "prefer", "off", NULL };
static const char *const kvm_names[]
  = { "", "usable", "absent", "denied", "no-hardware", NULL };
static const char *const interface_names[]
  = { "", "virtio", "scsi", "ide", "virtio-scsi", "nvme", NULL };
static const char *const format_names[]
  = { "", "raw", "qcow2", "qcow", "vdi", "vmdk", "vhdx", "vpc", NULL };
static const char *const vlan_backend_names[]
  = { "", "none", "vde", "multicast", "dgram", "stream", NULL };
static const char *const stdio_names[]
  = { "", "inherit", "null", "descriptor", NULL };
static const char *const content_names[] = { "", "empty", "ext4", NULL };
static const char *const preallocation_names[]
  = { "", "off", "metadata", NULL };
static const char *const partition_table_names[]
  = { "", "none", "legacy", "legacy+gpt", "efi", "hybrid", NULL };
static const char *const security_names[]
  = { "", "passthrough", "mapped-xattr", "mapped-file", "none", NULL };
static const char *const guest_form_names[]
  = { "", "fstab", "units", "cmdline", "modules", "hook", "json", NULL };
static const char *const initrd_names[]
  = { "", "no", "available", "load", NULL };
static const char *const step_names[]
  = { "", "directory", "copy", "image", "overlay", "erofs", NULL };
static const char *const from_names[] = { "", "host", "guest", NULL };
static const char *const proto_names[] = { "", "tcp", "udp", NULL };
static const char *const file_type_names[]
  = { "", "absent", "no-parent", "file", "directory", "other", NULL };

/* clang-format off */
static const struct vmspec_option options[] = {
  SIZE (vmspec),
  ENUM (vmspec, arch, arch_names, "the host's", NULL,
    "Architecture of the guest."),
  STRING (vmspec, name, 0, "nixos with boot.system, else vm", "system.name",
    "Name of the machine; the names of its image and state files come from it."),
  UINT64 (vmspec, memory, 1, 1ull << 32, 0, "1024", NIXOS "memorySize",
    "Memory of the guest in MiB."),
  UINT32 (vmspec, cores, 1, UINT32_MAX, 0, "1", NIXOS "cores",
    "Number of virtual processors; it may exceed that of the host."),
  SWITCH (vmspec, graphics, "on", NIXOS "graphics",
    "Show a window; when off, the serial console is the terminal and comes last among the consoles."),
  UINT32 (vmspec, resolution_x, 1, UINT32_MAX, 0, "1024", NIXOS "resolution.x",
    "Width of the display in pixels, for the guest's boot loader and X server."),
  UINT32 (vmspec, resolution_y, 1, UINT32_MAX, 0, "768", NIXOS "resolution.y",
    "Height of the display in pixels."),
  UINT32 (vmspec, msize, 1, UINT32_MAX, 0, "16384", NIXOS "msize",
    "Largest 9p packet in bytes; larger is faster and takes more memory."),
  SWITCH (vmspec, host_certs, "off", NIXOS "useHostCerts",
    "Share the certificate bundle that NIX_SSL_CERT_FILE names with the guest, at /etc/ssl/certs."),
  SWITCH (vmspec, builtin_drives, "on", NULL,
    "Put the root disk, the store image and the empty disks before the drives that are listed."),
  SWITCH (vmspec, builtin_shares, "on", NULL,
    "Add the shares xchg, shared, nix-store and certs to those that are listed."),
  SWITCH (vmspec, builtin_file_systems, "on", NULL,
    "Add the root, store, ESP and share mounts to the file systems that are listed."),
  RESERVED (vmspec, reserved),
  GROUP (vmspec, qemu, vmspec_qemu, "The emulator and what is passed to it as it is."),
  GROUP (vmspec, disk, vmspec_disk, "The root disk."),
  GROUP (vmspec, network, vmspec_network, "User-mode networking."),
  GROUP (vmspec, boot, vmspec_boot, "What the machine boots."),
  GROUP (vmspec, efi, vmspec_efi, "EFI firmware."),
  GROUP (vmspec, tpm, vmspec_tpm, "An emulated TPM 2.0."),
  GROUP (vmspec, store, vmspec_store, "The Nix store of a NixOS guest."),
  LIST (vmspec, drives, vmspec_drive, "drive", "none", NIXOS "qemu.drives",
    "Further drives, after the built-in ones."),
  LIST (vmspec, empty_disks, vmspec_empty_disk, "empty-disk", "none", NIXOS "emptyDiskImages",
    "Empty disks that are made in the run directory and attached after the root disk."),
  LIST (vmspec, shares, vmspec_share, "share", "none", NIXOS "sharedDirectories",
    "Directories of the host that the guest mounts by 9p; attached in the order of their tags' bytes."),
  LIST (vmspec, file_systems, vmspec_file_system, "file-system", "none", NIXOS "fileSystems",
    "File systems that the guest mounts, besides the built-in ones; for its configuration, QEMU gets nothing from it."),
  LIST (vmspec, vlans, vmspec_vlan, "vlan", "1, or none if there are interfaces", NIXOS "vlans",
    "Numbers of the virtual networks that the guest is on; QEMU gets an interface for each with network.vlan_backend."),
  LIST (vmspec, interfaces, vmspec_interface, "interface", "none", NIXOS "interfaces",
    "Named network interfaces on virtual networks, after those of vlans."),
  GROUP (vmspec, guest, vmspec_guest, "What a guest with systemd is told by its host, by credentials."),

  SIZE (vmspec_qemu),
  ENUM (vmspec_qemu, accel, accel_names, "prefer, or as the package's line has it", NULL,
    "Hardware virtualisation: demand it, use it if it works, or never use it."),
  PATH (vmspec_qemu, package, ABSOLUTE, NULL, NIXOS "qemu.package",
    "QEMU package of NixOS; it fixes the program and its first arguments unless machine, cpu or accel are said."),
  PATH (vmspec_qemu, binary, 0, "qemu-system-ARCH as found on the host", NULL,
    "The emulator, as a path, or as a name to be looked up in PATH."),
  STRING (vmspec_qemu, machine, NONE, "virt on ARM and RISC-V, pseries on POWER, s390-ccw-virtio on s390x, QEMU's own on x86", NULL,
    "Machine type with its properties, in QEMU's syntax and not escaped; \"\" passes no -machine at all."),
  STRING (vmspec_qemu, cpu, NONE, "max; on aarch64 under TCG max,pauth-impdef=on; on RISC-V rv64 or rv32", NULL,
    "CPU model with its properties, in QEMU's syntax and not escaped; \"\" passes no -cpu."),
  STRINGS (vmspec_qemu, first_options, "first-option", "none", NULL,
    "Arguments before the built-in options."),
  STRINGS (vmspec_qemu, options, "option", "none", NIXOS "qemu.options",
    "Arguments after the built-in options, each one argument as it is."),
  STRINGS (vmspec_qemu, consoles, "console", "the serial console and tty0; the last one is preferred, see graphics", NIXOS "qemu.consoles",
    "Values of the kernel's console= parameters."),
  STRINGS (vmspec_qemu, first_network_options, "first-network-option", "none", NULL,
    "Arguments before the built-in network options."),
  STRINGS (vmspec_qemu, network_options, "network-option", "none", NIXOS "qemu.networkingOptions",
    "Arguments after the built-in network options."),
  ENUM (vmspec_qemu, disk_interface, interface_names, "virtio", NIXOS "qemu.diskInterface",
    "How drives are attached that do not say it themselves."),
  SWITCH (vmspec_qemu, guest_agent, "on", NIXOS "qemu.guestAgent.enable",
    "Have the guest run the QEMU guest agent, for its configuration; QEMU gets nothing from it yet."),
  SWITCH (vmspec_qemu, virtio_keyboard, "on", NIXOS "qemu.virtioKeyboard",
    "Attach a virtio keyboard."),
  SWITCH (vmspec_qemu, expand, "off", NULL,
    "Treat the entries of options and network options as pieces of shell: split into words, variables expanded, no commands."),
  SWITCH (vmspec_qemu, builtin_options, "on", NULL,
    "Pass the keyboard, pointer, kernel, firmware, display and TPM options; off leaves only those that are listed."),
  SWITCH (vmspec_qemu, builtin_network, "on", NULL,
    "Pass the user-mode network; off leaves only the network options that are listed, and drops forwarded ports."),

  SIZE (vmspec_disk),
  ENUM (vmspec_disk, format, format_names, "qcow2 when it is made, QEMU's guess otherwise", NULL,
    "Format of the root disk's image."),
  PATH (vmspec_disk, image, NONE, "./NAME.qcow2", NIXOS "diskImage",
    "Image of the root disk, made if it does not exist; \"\" for none, then the root is a tmpfs."),
  UINT64 (vmspec_disk, size, 1, 1ull << 43, NONE, "1024", NIXOS "diskSize",
    "Size of a root disk that is made, in MiB; an overlay is at least as large as its system image, and none leaves it to that."),
  PATH (vmspec_disk, system_image, 0, NULL, NULL,
    "Image that a boot loader's root disk is an overlay of."),
  ENUM (vmspec_disk, system_format, format_names, "qcow2", NULL,
    "Format of the system image."),
  RESERVED (vmspec_disk, reserved),

  SIZE (vmspec_network),
  SWITCH (vmspec_network, restricted, "off", NIXOS "restrictNetwork",
    "Isolate the guest: it reaches neither the host nor the world, only what is forwarded."),
  LIST (vmspec_network, forward_ports, vmspec_forward_port, "forward-port", "none", NIXOS "forwardPorts",
    "Ports that are forwarded between host and guest."),
  PATH (vmspec_network, netcat, 0, "nc as found on the host", NULL,
    "Program that carries connections from the guest to the host."),
  STRING (vmspec_network, primary_address, NONE, "none", "networking.primaryIPAddress",
    "The machine's own address in the guest's /etc/hosts."),
  ENUM (vmspec_network, vlan_backend, vlan_backend_names, "none", NULL,
    "What connects the machine's interfaces with those of others on the same virtual networks; none gives QEMU no devices for them, and dgram and stream, for two machines, take QEMU 7.2."),
  UINT32 (vmspec_network, machine_number, 1, 254, 0, "1", NULL,
    "Number of the machine among those on its virtual networks; the last byte of its MAC addresses."),
  PATH (vmspec_network, vlan_directory, 0, "$XDG_RUNTIME_DIR/vmspec-vlans", NULL,
    "Directory of the sockets of virtual networks, the same for all machines on them; QEMU_VDE_SOCKET_NUMBER names a switch elsewhere."),
  SWITCH (vmspec_network, vlan_switch, "off", NULL,
    "Start a vde_switch for each virtual network that has none, which ends with this machine."),
  RESERVED (vmspec_network, reserved),

  SIZE (vmspec_boot),
  SWITCH (vmspec_boot, direct, "on with a kernel or system and without a loader", NIXOS "directBoot.enable",
    "Boot the kernel directly."),
  SWITCH (vmspec_boot, loader, "off", NIXOS "useBootLoader",
    "Boot from the root disk by its boot loader."),
  SWITCH (vmspec_boot, default_file_systems, "on", NIXOS "useDefaultFilesystems",
    "Make and mount the default root file system."),
  PATH (vmspec_boot, system, ABSOLUTE, NULL, NULL,
    "A NixOS system: kernel, initrd, kernel-params and init are taken from it; unset for any other guest."),
  PATH (vmspec_boot, registration, 0, NULL, NULL,
    "File with which a NixOS guest registers its store paths."),
  PATH (vmspec_boot, kernel, 0, "SYSTEM/kernel", NULL,
    "Kernel of a direct boot."),
  PATH (vmspec_boot, initrd, 0, "SYSTEM/initrd", NIXOS "directBoot.initrd",
    "Initial RAM disk of a direct boot."),
  STRINGS (vmspec_boot, kernel_params, "kernel-param", "those of SYSTEM/kernel-params", NULL,
    "Kernel parameters of a direct boot, before the consoles."),
  PATH (vmspec_boot, loader_device, ABSOLUTE, "/dev/disk/by-id/virtio-root", NIXOS "bootLoaderDevice",
    "Device in the guest that a legacy boot loader is installed on."),
  PATH (vmspec_boot, partition, NONE | ABSOLUTE, "/dev/disk/by-label/ESP with EFI, else none", NIXOS "bootPartition",
    "Device in the guest that is mounted at /boot when there is a boot loader."),
  PATH (vmspec_boot, root_device, NONE | ABSOLUTE, "/dev/disk/by-label/nixos", NIXOS "rootDevice",
    "Device in the guest that holds the root file system."),
  PATH (vmspec_boot, bios, 0, NULL, NIXOS "bios",
    "BIOS image to use in place of QEMU's SeaBIOS, for instance that of qboot."),

  SIZE (vmspec_efi),
  SWITCH (vmspec_efi, enable, "off", NIXOS "useEFIBoot",
    "Start the machine with EFI firmware and a store for its variables."),
  SWITCH (vmspec_efi, keep_variables, "on with a loader", NIXOS "efi.keepVariables",
    "Take the variables that belong to the system image, not the firmware's empty ones."),
  SWITCH (vmspec_efi, secure_boot, "off", NIXOS "useSecureBoot",
    "Use firmware that is built for secure boot, which verifies what is on the disk; a kernel that is booted directly is the host's, and trusted."),
  SWITCH (vmspec_efi, smm, "on with secure boot on x86", NULL,
    "Run on a q35 machine with system management mode, and let nothing else write the variables; secure boot firmware on x86 hangs without."),
  RESERVED (vmspec_efi, reserved),
  PATH (vmspec_efi, package, ABSOLUTE, NULL, NIXOS "efi.OVMF",
    "OVMF package of NixOS, with the firmware in its FV directory."),
  PATH (vmspec_efi, firmware, ABSOLUTE, "of the package, or as found on the host", NIXOS "efi.firmware",
    "Firmware image."),
  PATH (vmspec_efi, variables, ABSOLUTE, "of the package, or as found on the host", NIXOS "efi.variables",
    "Template of the variable store."),
  PATH (vmspec_efi, state, 0, "./NAME-efi-vars.fd", NULL,
    "The machine's own variable store, made from the template if it does not exist."),

  SIZE (vmspec_tpm),
  SWITCH (vmspec_tpm, enable, "off", NIXOS "tpm.enable",
    "Attach a TPM 2.0 that swtpm emulates."),
  STRING (vmspec_tpm, model, 0, "tpm-tis on x86, tpm-tis-device on aarch64", NIXOS "tpm.deviceModel",
    "QEMU's TPM device."),
  PATH (vmspec_tpm, swtpm, 0, "swtpm as found on the host", NIXOS "tpm.package",
    "The swtpm program."),
  PATH (vmspec_tpm, state_dir, 0, "./NAME-swtpm", NULL,
    "Directory that keeps the state of the TPM."),
  SWITCH (vmspec_tpm, setup, "off", NULL,
    "Have swtpm_setup make a new TPM, with an endorsement key and its certificate."),
  RESERVED (vmspec_tpm, reserved),
  PATH (vmspec_tpm, provision, 0, NULL, NULL,
    "Program that is run before each start, with the TPM at hand by TPM2TOOLS_TCTI and TCTI."),

  SIZE (vmspec_store),
  SWITCH (vmspec_store, mount_host, "on with boot.system, without a store image and without a loader", NIXOS "mountHostNixStore",
    "Share the host's Nix store with the guest."),
  SWITCH (vmspec_store, image, "off", NIXOS "useNixStoreImage",
    "Give the guest its store as a disk image."),
  SWITCH (vmspec_store, writable, "as mount_host", NIXOS "writableStore",
    "Lay a writable overlay over the store."),
  SWITCH (vmspec_store, writable_tmpfs, "on", NIXOS "writableStoreUseTmpfs",
    "Keep what is written to the store in memory, not on the root disk."),
  SWITCH (vmspec_store, builtin_paths, "on", NULL,
    "Put boot.system before the additional paths."),
  PATH (vmspec_store, path, ABSOLUTE, "/nix/store", NULL,
    "The store, on the host."),
  STRINGS (vmspec_store, additional_paths, "additional-path", "none", NIXOS "additionalPaths",
    "Paths whose closure the guest is told of or given."),
  PATH (vmspec_store, base_image, 0, NULL, NULL,
    "Image of a store in qcow2, of which a writable store image is an overlay."),
  PATH (vmspec_store, closure, 0, "none: the whole store", NULL,
    "File that lists what a read-only store image holds, a path below the store on each line."),

  SIZE (vmspec_drive),
  ENUM (vmspec_drive, format, format_names, "QEMU's guess", NULL,
    "Format of the image; saying it is faster and safer than having QEMU guess."),
  STRING (vmspec_drive, name, 0, NULL, NIXOS "qemu.drives.*.name",
    "Name of the drive for findings; QEMU does not see it."),
  PATH (vmspec_drive, file, REQUIRED, NULL, NIXOS "qemu.drives.*.file",
    "Image or device of the host."),
  SWITCH (vmspec_drive, expand, "off", NULL,
    "Expand variables and quotes in file as a shell would, without commands and without splitting."),
  ENUM (vmspec_drive, interface, interface_names, "qemu.disk_interface", NULL,
    "How this drive is attached."),
  LIST (vmspec_drive, drive_options, vmspec_property, "drive-option", "none", NIXOS "qemu.drives.*.driveExtraOpts",
    "Properties of QEMU's -drive."),
  LIST (vmspec_drive, device_options, vmspec_property, "device-option", "none", NIXOS "qemu.drives.*.deviceExtraOpts",
    "Properties of the drive's -device."),
  UINT64 (vmspec_drive, size, 1, 1ull << 43, 0, "none: the image has to exist", NULL,
    "Make an empty image of this size in MiB if file does not exist; in qcow2 unless format is raw."),

  SIZE (vmspec_property),
  RESERVED (vmspec_property, reserved),
  STRING (vmspec_property, name, REQUIRED, NULL, NULL, "Name of the property."),
  STRING (vmspec_property, value, EMPTY, "\"\"", NULL, "Its value."),

  SIZE (vmspec_empty_disk),
  RESERVED (vmspec_empty_disk, reserved),
  UINT64 (vmspec_empty_disk, size, 1, 1ull << 43, REQUIRED, NULL, NIXOS "emptyDiskImages.*",
    "Size in MiB."),

  SIZE (vmspec_share),
  ENUM (vmspec_share, security_model, security_names, "mapped-xattr", NIXOS "sharedDirectories.*.securityModel",
    "How owners and modes of the guest's files are kept on the host."),
  STRING (vmspec_share, tag, REQUIRED, NULL, NULL,
    "9p mount tag: at most 31 bytes, a letter and then letters, digits, '-', '.' or '_'."),
  PATH (vmspec_share, source, REQUIRED, NULL, NIXOS "sharedDirectories.*.source",
    "Directory of the host."),
  PATH (vmspec_share, target, REQUIRED | ABSOLUTE, NULL, NIXOS "sharedDirectories.*.target",
    "Where the guest mounts it."),
  SWITCH (vmspec_share, expand, "off", NULL,
    "Expand $VAR, ${VAR}, ${VAR:-word} and quotes in source by wordexp's rules, without commands and without splitting."),
  RESERVED (vmspec_share, reserved),

  SIZE (vmspec_file_system),
  SWITCH (vmspec_file_system, needed_for_boot, "off", NIXOS "fileSystems.*.neededForBoot",
    "Mount it in the initial RAM disk."),
  SWITCH (vmspec_file_system, no_check, "off", NIXOS "fileSystems.*.noCheck",
    "Do not check it before it is mounted."),
  SWITCH (vmspec_file_system, auto_format, "off", NIXOS "fileSystems.*.autoFormat",
    "Make the file system in the initial RAM disk if the device holds none."),
  SWITCH (vmspec_file_system, replace, "off", NULL,
    "Take the place of the built-in file system at this mount point; otherwise the two are merged."),
  RESERVED (vmspec_file_system, reserved),
  PATH (vmspec_file_system, mount_point, REQUIRED | ABSOLUTE, NULL, NIXOS "fileSystems.*.mountPoint",
    "Where the guest mounts it."),
  STRING (vmspec_file_system, device, 0, "the type's name for tmpfs", NIXOS "fileSystems.*.device",
    "Device, label or 9p tag that is mounted."),
  STRING (vmspec_file_system, type, 0, "auto", NIXOS "fileSystems.*.fsType",
    "Type of the file system."),
  STRINGS (vmspec_file_system, options, "mount-option", "defaults", NIXOS "fileSystems.*.options",
    "Mount options, before those that are built in."),

  SIZE (vmspec_vlan),
  UINT32 (vmspec_vlan, number, 0, UINT32_MAX, ZERO, "0", NIXOS "vlans.*", "Number of the virtual network."),

  SIZE (vmspec_interface),
  UINT32 (vmspec_interface, vlan, 0, UINT32_MAX, ZERO, "0", NIXOS "interfaces.*.vlan",
    "Number of the virtual network."),
  SWITCH (vmspec_interface, assign_ip, "off", NIXOS "interfaces.*.assignIP",
    "Give the interface the address 192.168.VLAN.MACHINE."),
  RESERVED (vmspec_interface, reserved),
  STRING (vmspec_interface, name, REQUIRED, NULL, NULL, "Name of the interface in the guest."),

  SIZE (vmspec_forward_port),
  ENUM (vmspec_forward_port, from, from_names, "host", NIXOS "forwardPorts.*.from",
    "Who connects: the host to a port of the guest, or the guest to a port of the host."),
  ENUM (vmspec_forward_port, proto, proto_names, "tcp", NIXOS "forwardPorts.*.proto",
    "Protocol; from the guest only tcp works."),
  UINT32 (vmspec_forward_port, host_port, 1, 65535, 0, NULL, NIXOS "forwardPorts.*.host.port",
    "Port of the host."),
  UINT32 (vmspec_forward_port, guest_port, 1, 65535, 0, NULL, NIXOS "forwardPorts.*.guest.port",
    "Port of the guest."),
  SWITCH (vmspec_forward_port, any_host_port, "off", NULL,
    "Have QEMU take any free port of the host, which a started machine tells."),
  STRING (vmspec_forward_port, host_address, EMPTY, "any", NIXOS "forwardPorts.*.host.address",
    "IPv4 address of the host."),
  STRING (vmspec_forward_port, guest_address, EMPTY, "the guest's first", NIXOS "forwardPorts.*.guest.address",
    "IPv4 address in the guest's network, 10.0.2.0/24."),

  SIZE (vmspec_guest),
  SWITCH (vmspec_guest, mounts, "off", NULL,
    "Have the guest mount its file systems, but for the root, though its image knows nothing of them; systemd 254 and later."),
  STRING (vmspec_guest, hostname, 0, NULL, "networking.hostName",
    "Name of the guest in its network, unless its image has one."),
  STRINGS (vmspec_guest, ssh_keys, "ssh-key", "none", "users.users.root.openssh.authorizedKeys.keys",
    "Public keys, as lines of authorized_keys, that may log in as root."),
  LIST (vmspec_guest, credentials, vmspec_credential, "credential", "none", NULL,
    "Further credentials: systemd.system-credentials(7) has those that it knows."),

  SIZE (vmspec_credential),
  RESERVED (vmspec_credential, reserved),
  STRING (vmspec_credential, name, REQUIRED, NULL, NULL, "Name of the credential."),
  STRING (vmspec_credential, value, EMPTY, "\"\"", NULL,
    "Its content; whoever sees QEMU's arguments sees it."),
  PATH (vmspec_credential, file, 0, NULL, NULL,
    "File of the host that holds its content, in place of value; QEMU reads it."),

  SIZE (vmspec_start),
  SWITCH (vmspec_start, force, "off", NULL, "Start in spite of blockers and missing files."),
  GROUP (vmspec_start, work, vmspec_work, "How what is missing is made."),
  SWITCH (vmspec_start, qmp, "on", NULL, "Control the machine by a private QMP socket."),
  SWITCH (vmspec_start, guest_agent, "off", NULL, "Give the guest's agent a channel."),
  UINT32 (vmspec_start, ready_timeout, 1, 3600000, 0, "5000", NULL,
    "Milliseconds to wait until QEMU answers."),
  SWITCH (vmspec_start, own_group, "off", NULL,
    "Put QEMU into a process group of its own, which a terminal's signals do not reach."),
  SWITCH (vmspec_start, keep_directory, "off", NULL,
    "Leave a fresh run directory when the machine has ended."),
  ENUM (vmspec_start, input, stdio_names, "inherit", NULL, "Standard input."),
  ENUM (vmspec_start, output, stdio_names, "inherit", NULL, "Standard output."),
  ENUM (vmspec_start, error, stdio_names, "inherit", NULL, "Standard error."),
  UINT32 (vmspec_start, input_fd, 0, INT32_MAX, ZERO, "0", NULL, "The descriptor for input."),
  UINT32 (vmspec_start, output_fd, 0, INT32_MAX, ZERO, "0", NULL, "The descriptor for output."),
  UINT32 (vmspec_start, error_fd, 0, INT32_MAX, ZERO, "0", NULL, "The descriptor for error."),
  RESERVED (vmspec_start, reserved),
  LIST (vmspec_start, descriptors, vmspec_descriptor, "descriptor", "none", NULL,
    "Further descriptors that QEMU gets."),
  PATH (vmspec_start, keeper, ABSOLUTE, "as installed with the library", NULL,
    "The program vmspec-keeper."),
  STRINGS (vmspec_start, temporaries, "temporary", "none", NULL,
    "Files of the caller, and directories if they are empty, that are removed with the machine unless somebody has locked them."),

  SIZE (vmspec_descriptor),
  UINT32 (vmspec_descriptor, number, 3, 999, REQUIRED, NULL, NULL, "Its number in QEMU."),
  UINT32 (vmspec_descriptor, fd, 0, INT32_MAX, ZERO, "0", NULL, "Its number in the caller."),
  RESERVED (vmspec_descriptor, reserved),

  SIZE (vmspec_helper),
  SWITCH (vmspec_helper, at_exit, NULL, NULL, "Whether it is run when QEMU has ended."),
  STRING (vmspec_helper, name, REQUIRED, NULL, NULL, "Name of the helper."),
  STRINGS (vmspec_helper, argv, "argument", NULL, NULL, "Its arguments."),

  SIZE (vmspec_event),
  UINT32 (vmspec_event, microseconds, 0, 999999, ZERO, NULL, NULL, "Of its second."),
  UINT64 (vmspec_event, seconds, 0, UINT64_MAX - 1, ZERO, NULL, NULL, "When it was, since 1970."),
  STRING (vmspec_event, name, REQUIRED, NULL, NULL, "Name of the event."),
  STRING (vmspec_event, data, EMPTY, NULL, NULL, "Its data in JSON."),
  UINT64 (vmspec_event, lost, 0, UINT64_MAX - 1, ZERO, NULL, NULL, "Events before it that were lost."),

  SIZE (vmspec_exec_result),
  SWITCH (vmspec_exec_result, truncated, NULL, NULL, "Whether output was lost."),
  UINT32 (vmspec_exec_result, exit_code, 0, UINT32_MAX, ZERO, NULL, NULL, "Exit status."),
  UINT32 (vmspec_exec_result, signal, 0, UINT32_MAX, ZERO, NULL, NULL, "Signal that ended it."),
  STRING (vmspec_exec_result, output, EMPTY, NULL, NULL, "What it wrote to standard output."),
  STRING (vmspec_exec_result, error, EMPTY, NULL, NULL, "What it wrote to standard error."),
  UINT64 (vmspec_exec_result, output_size, 0, UINT64_MAX - 1, ZERO | BYTES, NULL, NULL, "Bytes of output."),
  UINT64 (vmspec_exec_result, error_size, 0, UINT64_MAX - 1, ZERO | BYTES, NULL, NULL, "Bytes of error."),

  SIZE (vmspec_work),
  SWITCH (vmspec_work, sync, "on for what lasts", NULL,
    "Have files and their directories on the disk before they are relied on."),
  CALLBACK (vmspec_work, progress, vmspec_progress_fn, "Told how far the work is; may cancel it."),
  POINTER (vmspec_work, data, "Handed to progress."),
  STRINGS (vmspec_work, environment, "environment", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", NULL,
    "Variables of helper programs, as NAME=value."),

  SIZE (vmspec_progress),
  RESERVED (vmspec_progress, reserved),
  STRING (vmspec_progress, step, REQUIRED, NULL, NULL, "What is made."),
  UINT64 (vmspec_progress, done, 0, UINT64_MAX - 1, ZERO | BYTES, "0", NULL, "Bytes that are done."),
  UINT64 (vmspec_progress, total, 0, UINT64_MAX - 1, ZERO | BYTES, "0", NULL, "Bytes in all."),

  SIZE (vmspec_image),
  ENUM (vmspec_image, format, format_names, "qcow2", NULL, "Format of the image: raw or qcow2."),
  PATH (vmspec_image, file, REQUIRED, NULL, NULL, "The image, which must not exist."),
  UINT64 (vmspec_image, size, 512, 1ull << 60, BYTES, "of backing, or as tree needs it", NULL,
    "Size that a guest sees, in bytes, rounded up to whole sectors of 512; with backing, at least its size."),
  ENUM (vmspec_image, content, content_names, "ext4 with a tree, else empty", NULL,
    "What the image holds."),
  ENUM (vmspec_image, backing_format, format_names, "qcow2", NULL, "Format of backing."),
  STRING (vmspec_image, label, EMPTY, "\"\"", NULL, "Label of the file system, at most 16 bytes."),
  STRING (vmspec_image, uuid, 0, "random", NULL, "UUID of the file system."),
  PATH (vmspec_image, tree, 0, NULL, NULL, "Directory that is copied into the file system."),
  PATH (vmspec_image, backing, 0, NULL, NULL, "Image that the new one is an overlay of."),
  UINT32 (vmspec_image, cluster_size, 512, 2u << 20, BYTES, "65536", NULL,
    "Size of a qcow2 cluster in bytes, a power of two."),
  ENUM (vmspec_image, preallocation, preallocation_names, "off", NULL,
    "Whether qcow2's tables are complete from the beginning."),
  SWITCH (vmspec_image, lazy_refcounts, "off", NULL,
    "Let QEMU put off the update of qcow2's reference counts."),
  SWITCH (vmspec_image, root_owned, "off", NULL, "Have all files of the tree belong to root."),

  SIZE (vmspec_system_image),
  ENUM (vmspec_system_image, format, format_names, "qcow2", NULL, "Format of the image: raw or qcow2."),
  PATH (vmspec_system_image, file, REQUIRED, NULL, NULL, "The image, which must not exist."),
  PATH (vmspec_system_image, tree, REQUIRED, NULL, NULL,
    "Directory that becomes the root file system, with owners, modes, links, devices and extended attributes."),
  PATH (vmspec_system_image, esp, 0, NULL, NULL,
    "Directory that becomes the EFI system partition; names are ASCII, and symbolic links to files are followed."),
  ENUM (vmspec_system_image, partition_table, partition_table_names, "efi with an esp, else none", NULL,
    "How the disk is divided: none, legacy (MBR), legacy+gpt, efi or hybrid."),
  SWITCH (vmspec_system_image, root_owned, "off", NULL, "Have all files of the tree belong to root."),
  UINT64 (vmspec_system_image, size, 1u << 20, 1ull << 60, BYTES, "as needed", NULL,
    "Size of the disk in bytes."),
  UINT64 (vmspec_system_image, additional_space, 0, 1ull << 60, ZERO | BYTES, "0", NULL,
    "Bytes to leave free in a root file system whose size follows from the tree."),
  UINT64 (vmspec_system_image, esp_size, 1u << 20, 1ull << 40, BYTES, "256 MiB, or as esp needs it", NULL,
    "Bytes of the EFI system partition."),
  STRING (vmspec_system_image, label, EMPTY, "nixos", NULL, "Label of the root file system, at most 16 bytes."),
  STRING (vmspec_system_image, seed, 0, "random", NULL,
    "Text from which all UUIDs are made; the same seed, tree and time give the same image."),
  PATH (vmspec_system_image, variables, 0, NULL, NULL, "Template of the EFI variable store."),
  PATH (vmspec_system_image, variables_file, 0, "efi-vars.fd beside the image", NULL,
    "Where the template's copy goes."),
  PATH (vmspec_system_image, boot_code, 0, NULL, NULL,
    "What a BIOS runs first, for instance GRUB's boot.img."),
  PATH (vmspec_system_image, core_image, 0, NULL, NULL,
    "What the boot code loads, for instance GRUB's core.img; it is put behind the MBR or in the BIOS boot partition."),
  UINT64 (vmspec_system_image, time, 1, UINT32_MAX, 0, "now", NULL,
    "Time stamp of the file systems, in seconds since 1970."),
  UINT32 (vmspec_system_image, cluster_size, 512, 2u << 20, BYTES, "65536", NULL,
    "Size of a qcow2 cluster in bytes, a power of two."),
  RESERVED (vmspec_system_image, reserved),

  SIZE (vmspec_image_info),
  ENUM (vmspec_image_info, format, format_names, NULL, NULL, "Format of the image."),
  PATH (vmspec_image_info, file, 0, NULL, NULL, "The image."),
  UINT64 (vmspec_image_info, virtual_size, 0, UINT64_MAX - 1, ZERO | BYTES, NULL, NULL, "Bytes that a guest sees."),
  UINT64 (vmspec_image_info, stored_size, 0, UINT64_MAX - 1, ZERO | BYTES, NULL, NULL, "Bytes on the host's disk."),
  UINT32 (vmspec_image_info, version, 0, UINT32_MAX, ZERO, NULL, NULL, "Version of qcow or qcow2."),
  UINT32 (vmspec_image_info, cluster_size, 0, UINT32_MAX, ZERO | BYTES, NULL, NULL, "Bytes of a cluster."),
  SWITCH (vmspec_image_info, encrypted, NULL, NULL, "Whether the content is encrypted."),
  SWITCH (vmspec_image_info, in_use, NULL, NULL, "Whether a process holds QEMU's lock on it."),
  PATH (vmspec_image_info, backing_file, 0, NULL, NULL, "The image that it is an overlay of, as recorded."),
  ENUM (vmspec_image_info, backing_format, format_names, NULL, NULL, "The format of that, as recorded."),
  RESERVED (vmspec_image_info, reserved),
  STRING (vmspec_image_info, file_system, 0, NULL, NULL, "Type of the file system on the whole disk."),
  STRING (vmspec_image_info, label, EMPTY, NULL, NULL, "Label of the file system."),
  STRING (vmspec_image_info, uuid, 0, NULL, NULL, "UUID of the file system, or of the partition table."),
  STRING (vmspec_image_info, partition_table, 0, NULL, NULL, "Kind of partition table."),
  GROUP (vmspec_image_info, backing, vmspec_image_info, "The image that it is an overlay of."),

  SIZE (vmspec_step),
  ENUM (vmspec_step, kind, step_names, NULL, NULL, "What kind of thing is made."),
  STRING (vmspec_step, name, REQUIRED, NULL, NULL, "Name of the step."),
  STRING (vmspec_step, option, 0, NULL, NULL, "Path of the option that asks for it."),
  PATH (vmspec_step, file, REQUIRED, NULL, NULL, "What is made."),
  PATH (vmspec_step, source, 0, NULL, NULL, "What it is made from."),
  STRINGS (vmspec_step, commands, "command", NULL, NULL, "Commands that do about the same."),
  SWITCH (vmspec_step, lasts, NULL, NULL, "Whether what is made is there for the next run, too."),
  RESERVED (vmspec_step, reserved),

  SIZE (vmspec_host),
  ENUM (vmspec_host, arch, arch_names, "uname", NULL, "Architecture of the host."),
  ENUM (vmspec_host, os, os_names, "uname", NULL, "Operating system of the host."),
  ENUM (vmspec_host, kvm, kvm_names, "looked up", NULL, "State of KVM."),
  UINT32 (vmspec_host, cpus, 1, UINT32_MAX, 0, "online processors", NULL, "Number of processors."),
  RESERVED (vmspec_host, reserved),
  PATH (vmspec_host, directory, ABSOLUTE, "the working directory", NULL,
    "Directory that relative paths start from."),
  STRING (vmspec_host, run_name, 0, "vmspec. and random characters", NULL,
    "Name of a fresh run directory below TMPDIR."),
  STRINGS (vmspec_host, environment, "environment", "empty", NULL, "Variables, as NAME=value."),
  STRINGS (vmspec_host, arguments, "argument", "none", NULL, "Arguments after all others, as they are."),
  LIST (vmspec_host, programs, vmspec_host_program, "program", "looked up in PATH", NULL, "Programs and where they are."),
  LIST (vmspec_host, files, vmspec_host_file, "file", "looked up", NULL, "Files that the plan asks about."),
  LIST (vmspec_host, firmware, vmspec_host_firmware, "firmware", "looked up", NULL, "EFI firmware that is installed."),

  SIZE (vmspec_host_program),
  RESERVED (vmspec_host_program, reserved),
  STRING (vmspec_host_program, name, REQUIRED, NULL, NULL, "Name of the program."),
  PATH (vmspec_host_program, path, REQUIRED, NULL, NULL, "Where it is."),

  SIZE (vmspec_host_file),
  ENUM (vmspec_host_file, type, file_type_names, "absent", NULL, "What is there."),
  PATH (vmspec_host_file, path, REQUIRED | ABSOLUTE, NULL, NULL, "Name of the file."),
  PATH (vmspec_host_file, real_path, ABSOLUTE, "path", NULL, "The same with symbolic links followed."),
  STRING (vmspec_host_file, content, EMPTY, NULL, NULL, "What it holds, where a plan reads it."),

  SIZE (vmspec_host_firmware),
  ENUM (vmspec_host_firmware, arch, arch_names, NULL, NULL, "Architecture it is for."),
  SWITCH (vmspec_host_firmware, secure_boot, "off", NULL, "Whether it is built for secure boot."),
  SWITCH (vmspec_host_firmware, smm, "off", NULL, "Whether it needs SMM."),
  PATH (vmspec_host_firmware, firmware, REQUIRED, NULL, NULL, "Firmware image."),
  PATH (vmspec_host_firmware, variables, REQUIRED, NULL, NULL, "Template of its variable store."),

  SIZE (vmspec_kernel_need),
  SWITCH (vmspec_kernel_need, builtin, NULL, NULL, "Whether a module will not do."),
  STRING (vmspec_kernel_need, symbol, 0, NULL, "system.requiredKernelConfig.*", "Symbol of the kernel's configuration, without CONFIG_."),
  STRING (vmspec_kernel_need, module, 0, NULL, NULL, "Name of the kernel module."),
  ENUM (vmspec_kernel_need, initrd, initrd_names, NULL, NULL, "Whether the initial RAM disk needs it."),
  SWITCH (vmspec_kernel_need, nixos_symbol, NULL, NULL, "Whether NixOS's module names the symbol."),
  SWITCH (vmspec_kernel_need, nixos_module, NULL, NULL, "Whether NixOS's module names the kernel module."),
  RESERVED (vmspec_kernel_need, reserved),
  STRING (vmspec_kernel_need, option, 0, NULL, NULL, "Path of the option that asks for it."),

  SIZE (vmspec_guest_overlay),
  RESERVED (vmspec_guest_overlay, reserved),
  PATH (vmspec_guest_overlay, mount_point, 0, NULL, NULL, "Where it is mounted."),
  PATH (vmspec_guest_overlay, lower, 0, NULL, NULL, "Directory that is only read."),
  PATH (vmspec_guest_overlay, upper, 0, NULL, NULL, "Directory that is written."),
  PATH (vmspec_guest_overlay, work, 0, NULL, NULL, "Directory for the overlay's own use, on the same file system."),

  SIZE (vmspec_guest_file),
  ENUM (vmspec_guest_file, form, guest_form_names, NULL, NULL, "What it is."),
  PATH (vmspec_guest_file, name, 0, NULL, NULL, "Where the guest has it, or what to call it."),
  STRING (vmspec_guest_file, content, EMPTY, NULL, NULL, "What it holds."),
  SWITCH (vmspec_guest_file, executable, NULL, NULL, "Whether it is a program."),
  SWITCH (vmspec_guest_file, initrd, NULL, NULL, "Whether it belongs into the initial RAM disk."),

  SIZE (vmspec_guest_settings),
  SWITCH (vmspec_guest_settings, nixos, NULL, NULL, "Whether the guest is a NixOS system."),
  LIST (vmspec_guest_settings, file_systems, vmspec_file_system, "file-system", NULL, "fileSystems", "What it mounts, parents first."),
  GROUP (vmspec_guest_settings, overlay, vmspec_guest_overlay, "What makes the store writable."),
  STRINGS (vmspec_guest_settings, kernel_params, "kernel-param", NULL, NULL, "Kernel parameters of a direct boot."),
  STRINGS (vmspec_guest_settings, consoles, "console", NULL, NULL, "Values of console=, the preferred one last."),
  LIST (vmspec_guest_settings, kernel_needs, vmspec_kernel_need, "kernel-need", NULL, "system.requiredKernelConfig", "What its kernel has to have."),
  STRING (vmspec_guest_settings, initrd_commands, EMPTY, NULL, "boot.initrd.postMountCommands", "Commands of the initial RAM disk when all is mounted."),
  STRINGS (vmspec_guest_settings, tmpfiles, "tmpfiles", NULL, "systemd.tmpfiles.settings", "Lines of tmpfiles.d(5)."),
  STRING (vmspec_guest_settings, loader_device, 0, NULL, "boot.loader.grub.device", "Device of a legacy boot loader, or nodev."),
  STRING (vmspec_guest_settings, graphics_mode, 0, NULL, "boot.loader.grub.gfxmodeBios", "Graphics mode of the boot loader."),
  UINT32 (vmspec_guest_settings, resolution_x, 1, UINT32_MAX, 0, NULL, "services.xserver.resolutions", "Width of the X server's display in pixels."),
  UINT32 (vmspec_guest_settings, resolution_y, 1, UINT32_MAX, 0, NULL, "services.xserver.resolutions", "Its height."),
  UINT32 (vmspec_guest_settings, color_depth, 0, 32, ZERO, NULL, "services.xserver.defaultDepth", "Its bits of colour; 0 leaves it to the server."),
  SWITCH (vmspec_guest_settings, guest_agent, NULL, "services.qemuGuest.enable", "Whether QEMU's guest agent runs."),
  SWITCH (vmspec_guest_settings, swap, NULL, "swapDevices", "Whether there is swap."),
  SWITCH (vmspec_guest_settings, luks, NULL, "boot.initrd.luks.devices", "Whether there are encrypted devices."),
  SWITCH (vmspec_guest_settings, initrd_secrets, NULL, "boot.loader.supportsInitrdSecrets", "Whether the boot loader appends secrets to the initial RAM disk."),
  SWITCH (vmspec_guest_settings, ca_certificates, NULL, "security.pki.installCACerts", "Whether it installs certificates of its own."),
  SWITCH (vmspec_guest_settings, time_sync, NULL, "services.timesyncd.enable", "Whether it sets its clock by the network."),
  SWITCH (vmspec_guest_settings, wireless, NULL, "networking.wireless.enable", "Whether it looks for wireless networks."),
  SWITCH (vmspec_guest_settings, predictable_names, NULL, "networking.usePredictableInterfaceNames", "Whether network interfaces are named by their place."),
  SWITCH (vmspec_guest_settings, dhcp_arp, NULL, "networking.dhcpcd.extraConfig", "Whether its DHCP client looks for others that use its address."),
  SWITCH (vmspec_guest_settings, graphics, NULL, NULL, "Whether the machine has a display."),
  UINT32 (vmspec_guest_settings, command_line_max, 1, UINT32_MAX, 0, NULL, NULL, "Bytes of parameters that its kernel takes."),
  STRING (vmspec_guest_settings, video_driver, 0, NULL, "services.xserver.videoDrivers", "Driver of the X server."),
  STRING (vmspec_guest_settings, monitor, EMPTY, NULL, "services.xserver.monitorSection", "Lines of the X server's section Monitor."),
  STRING (vmspec_guest_settings, primary_address, EMPTY, NULL, "networking.primaryIPAddress", "Its own address in /etc/hosts."),
  LIST (vmspec_guest_settings, files, vmspec_guest_file, "file", NULL, NULL, "The same as text."),
};
/* clang-format on */

#define N_OPTIONS (sizeof options / sizeof options[0])

const struct vmspec_option *
vmspec_option_next (const struct vmspec_option *previous)
{
  if (!previous)
    return options;
  return previous + 1 < options + N_OPTIONS ? previous + 1 : NULL;
}

const struct vmspec_option *
vms_option_first (const char *owner)
{
  for (size_t i = 0; i < N_OPTIONS; i++)
    if (options[i].kind == VMSPEC_KIND_SIZE && !strcmp (options[i].owner, owner))
      return &options[i];
  return NULL;
}

const struct vmspec_option *
vms_option_sibling (const struct vmspec_option *option)
{
  const struct vmspec_option *next = option + 1;

  if (next == options + N_OPTIONS || next->kind == VMSPEC_KIND_SIZE)
    return NULL;
  return next;
}

const char *
vms_option_value (const char *owner, const char *name, uint64_t number)
{
  const struct vmspec_option *option = vms_option_first (owner);

  while (strcmp (option->name, name))
    option = vms_option_sibling (option);
  return option->values[number];
}
