# SPDX-License-Identifier: LGPL-2.1-or-later
# Written by generate-stubs.py from the option table; do not edit.

import os
from typing import (Iterator, List, Literal, Mapping, Optional,
                    Sequence, Union)

from ._control import Event as Event
from ._control import Events as Events
from ._control import ExecResult as ExecResult
from ._errors import BlockedError as BlockedError
from ._errors import Cancelled as Cancelled
from ._errors import ClosedError as ClosedError
from ._errors import DeniedError as DeniedError
from ._errors import DescriptionError as DescriptionError
from ._errors import DirectoryError as DirectoryError
from ._errors import Error as Error
from ._errors import ExistsError as ExistsError
from ._errors import Finding as Finding
from ._errors import GoneError as GoneError
from ._errors import LostError as LostError
from ._errors import MachineError as MachineError
from ._errors import NoDirectoryError as NoDirectoryError
from ._errors import NotFoundError as NotFoundError
from ._errors import RefusedError as RefusedError
from ._errors import TimedOutError as TimedOutError
from ._errors import UnsupportedError as UnsupportedError
from ._library import Option as Option
from ._library import options as options
from ._library import version as version
from ._plan import Plan as Plan
from ._types import NONE as NONE
from ._types import Struct
from ._types import _None
from ._vm import VM as VM
from ._vm import clean as clean
from ._work import Progress as _Progress

__version__: str

_Text = Union[str, "os.PathLike[str]"]


def host_detect(spec: Spec, given: Optional[Host] = ...) -> Host: ...
def resolve(spec: Spec, host: Optional[Host] = ...) -> Spec: ...
def check(spec: Spec, host: Optional[Host] = ...) -> List[Finding]: ...
def read_xml(source: Union[str, bytes, "os.PathLike[str]"]) -> Spec: ...
def write_xml(spec: Spec) -> str: ...
def apply_settings(spec: Spec, *settings: str) -> Spec: ...
def check_kernel_config(
    guest: Union[GuestSettings, Plan],
    file: Union[str, bytes, "os.PathLike[str]"]) -> List[Finding]: ...
def check_kernel_modules(
    guest: Union[GuestSettings, Plan],
    directory: Union[str, bytes, "os.PathLike[str]"]) -> List[Finding]: ...
def create_image(
    image: Image, *, sync: Optional[bool] = ...,
    progress: Optional[_Progress] = ...,
    environment: Optional[Mapping[str, str]] = ...) -> List[Finding]: ...
async def create_image_async(
    image: Image, *, sync: Optional[bool] = ...,
    progress: Optional[_Progress] = ...,
    environment: Optional[Mapping[str, str]] = ...) -> List[Finding]: ...
def make_system_image(
    image: SystemImage, *, sync: Optional[bool] = ...,
    progress: Optional[_Progress] = ...,
    environment: Optional[Mapping[str, str]] = ...) -> List[Finding]: ...
async def make_system_image_async(
    image: SystemImage, *, sync: Optional[bool] = ...,
    progress: Optional[_Progress] = ...,
    environment: Optional[Mapping[str, str]] = ...) -> List[Finding]: ...
def image_info(path: Union[str, bytes, "os.PathLike[str]"],
               format: Optional[_Format] = ...) -> ImageInfo: ...

_Arch = Literal["x86_64", "i686", "aarch64", "armv7l", "powerpc64",
    "powerpc64le", "riscv64", "riscv32", "s390x"]
_Accel = Literal["require", "prefer", "off"]
_DiskInterface = Literal["virtio", "scsi", "ide", "virtio-scsi", "nvme"]
_Format = Literal["raw", "qcow2", "qcow", "vdi", "vmdk", "vhdx", "vpc"]
_VlanBackend = Literal["none", "vde", "multicast", "dgram", "stream"]
_SecurityModel = Literal["passthrough", "mapped-xattr", "mapped-file", "none"]
_From = Literal["host", "guest"]
_Proto = Literal["tcp", "udp"]
_Input = Literal["inherit", "null", "descriptor"]
_Content = Literal["empty", "ext4"]
_Preallocation = Literal["off", "metadata"]
_PartitionTable = Literal["none", "legacy", "legacy+gpt", "efi", "hybrid"]
_Kind = Literal["directory", "copy", "image", "overlay", "erofs"]
_Os = Literal["linux", "darwin"]
_Kvm = Literal["usable", "absent", "denied", "no-hardware"]
_Type = Literal["absent", "no-parent", "file", "directory", "other"]
_Initrd = Literal["no", "available", "load"]
_Form = Literal["fstab", "units", "cmdline", "modules", "hook", "json"]


class Spec(Struct):
    # Architecture of the guest.
    arch: Optional[_Arch]
    # Name of the machine; the names of its image and state files come from it.
    name: Optional[str]
    # Memory of the guest in MiB.
    memory: Optional[int]
    # Number of virtual processors; it may exceed that of the host.
    cores: Optional[int]
    # Show a window; when off, the serial console is the terminal and comes
    # last among the consoles.
    graphics: Optional[bool]
    # Width of the display in pixels, for the guest's boot loader and X server.
    resolution_x: Optional[int]
    # Height of the display in pixels.
    resolution_y: Optional[int]
    # Largest 9p packet in bytes; larger is faster and takes more memory.
    msize: Optional[int]
    # Share the certificate bundle that NIX_SSL_CERT_FILE names with the guest,
    # at /etc/ssl/certs.
    host_certs: Optional[bool]
    # Put the root disk, the store image and the empty disks before the drives
    # that are listed.
    builtin_drives: Optional[bool]
    # Add the shares xchg, shared, nix-store and certs to those that are
    # listed.
    builtin_shares: Optional[bool]
    # Add the root, store, ESP and share mounts to the file systems that are
    # listed.
    builtin_file_systems: Optional[bool]
    # The emulator and what is passed to it as it is.
    qemu: Optional[Qemu]
    # The root disk.
    disk: Optional[Disk]
    # User-mode networking.
    network: Optional[Network]
    # What the machine boots.
    boot: Optional[Boot]
    # EFI firmware.
    efi: Optional[Efi]
    # An emulated TPM 2.0.
    tpm: Optional[Tpm]
    # The Nix store of a NixOS guest.
    store: Optional[Store]
    # Further drives, after the built-in ones.
    drives: Optional[List[Drive]]
    # Empty disks that are made in the run directory and attached after the
    # root disk.
    empty_disks: Optional[List[EmptyDisk]]
    # Directories of the host that the guest mounts by 9p; attached in the
    # order of their tags' bytes.
    shares: Optional[List[Share]]
    # File systems that the guest mounts, besides the built-in ones; for its
    # configuration, QEMU gets nothing from it.
    file_systems: Optional[List[FileSystem]]
    # Numbers of the virtual networks that the guest is on; QEMU gets an
    # interface for each with network.vlan_backend.
    vlans: Optional[List[Vlan]]
    # Named network interfaces on virtual networks, after those of vlans.
    interfaces: Optional[List[Interface]]
    # What a guest with systemd is told by its host, by credentials.
    guest: Optional[Guest]
    def __init__(
        self, *,
        arch: Optional[_Arch] = ...,
        name: Optional[_Text] = ...,
        memory: Optional[int] = ...,
        cores: Optional[int] = ...,
        graphics: Optional[bool] = ...,
        resolution_x: Optional[int] = ...,
        resolution_y: Optional[int] = ...,
        msize: Optional[int] = ...,
        host_certs: Optional[bool] = ...,
        builtin_drives: Optional[bool] = ...,
        builtin_shares: Optional[bool] = ...,
        builtin_file_systems: Optional[bool] = ...,
        qemu: Optional[Qemu] = ...,
        disk: Optional[Disk] = ...,
        network: Optional[Network] = ...,
        boot: Optional[Boot] = ...,
        efi: Optional[Efi] = ...,
        tpm: Optional[Tpm] = ...,
        store: Optional[Store] = ...,
        drives: Optional[Sequence[Drive]] = ...,
        empty_disks: Optional[Sequence[EmptyDisk]] = ...,
        shares: Optional[Sequence[Share]] = ...,
        file_systems: Optional[Sequence[FileSystem]] = ...,
        vlans: Optional[Sequence[Vlan]] = ...,
        interfaces: Optional[Sequence[Interface]] = ...,
        guest: Optional[Guest] = ...,
    ) -> None: ...


class Qemu(Struct):
    # Hardware virtualisation: demand it, use it if it works, or never use it.
    accel: Optional[_Accel]
    # QEMU package of NixOS; it fixes the program and its first arguments
    # unless machine, cpu or accel are said.
    package: Optional[str]
    # The emulator, as a path, or as a name to be looked up in PATH.
    binary: Optional[str]
    # Machine type with its properties, in QEMU's syntax and not escaped; ""
    # passes no -machine at all.
    machine: Optional[str]
    # CPU model with its properties, in QEMU's syntax and not escaped; ""
    # passes no -cpu.
    cpu: Optional[str]
    # Arguments before the built-in options.
    first_options: Optional[List[str]]
    # Arguments after the built-in options, each one argument as it is.
    options: Optional[List[str]]
    # Values of the kernel's console= parameters.
    consoles: Optional[List[str]]
    # Arguments before the built-in network options.
    first_network_options: Optional[List[str]]
    # Arguments after the built-in network options.
    network_options: Optional[List[str]]
    # How drives are attached that do not say it themselves.
    disk_interface: Optional[_DiskInterface]
    # Have the guest run the QEMU guest agent, for its configuration; QEMU gets
    # nothing from it yet.
    guest_agent: Optional[bool]
    # Attach a virtio keyboard.
    virtio_keyboard: Optional[bool]
    # Treat the entries of options and network options as pieces of shell:
    # split into words, variables expanded, no commands.
    expand: Optional[bool]
    # Pass the keyboard, pointer, kernel, firmware, display and TPM options;
    # off leaves only those that are listed.
    builtin_options: Optional[bool]
    # Pass the user-mode network; off leaves only the network options that are
    # listed, and drops forwarded ports.
    builtin_network: Optional[bool]
    def __init__(
        self, *,
        accel: Optional[_Accel] = ...,
        package: Optional[_Text] = ...,
        binary: Optional[_Text] = ...,
        machine: Optional[_Text] = ...,
        cpu: Optional[_Text] = ...,
        first_options: Optional[Sequence[_Text]] = ...,
        options: Optional[Sequence[_Text]] = ...,
        consoles: Optional[Sequence[_Text]] = ...,
        first_network_options: Optional[Sequence[_Text]] = ...,
        network_options: Optional[Sequence[_Text]] = ...,
        disk_interface: Optional[_DiskInterface] = ...,
        guest_agent: Optional[bool] = ...,
        virtio_keyboard: Optional[bool] = ...,
        expand: Optional[bool] = ...,
        builtin_options: Optional[bool] = ...,
        builtin_network: Optional[bool] = ...,
    ) -> None: ...


class Disk(Struct):
    # Format of the root disk's image.
    format: Optional[_Format]
    # Image of the root disk, made if it does not exist; "" for none, then the
    # root is a tmpfs.
    image: Optional[str]
    # Size of a root disk that is made, in MiB; an overlay is at least as large
    # as its system image, and none leaves it to that.
    size: Optional[Union[int, _None]]
    # Image that a boot loader's root disk is an overlay of.
    system_image: Optional[str]
    # Format of the system image.
    system_format: Optional[_Format]
    def __init__(
        self, *,
        format: Optional[_Format] = ...,
        image: Optional[_Text] = ...,
        size: Optional[Union[int, _None]] = ...,
        system_image: Optional[_Text] = ...,
        system_format: Optional[_Format] = ...,
    ) -> None: ...


class Network(Struct):
    # Isolate the guest: it reaches neither the host nor the world, only what
    # is forwarded.
    restricted: Optional[bool]
    # Ports that are forwarded between host and guest.
    forward_ports: Optional[List[ForwardPort]]
    # Program that carries connections from the guest to the host.
    netcat: Optional[str]
    # The machine's own address in the guest's /etc/hosts.
    primary_address: Optional[str]
    # What connects the machine's interfaces with those of others on the same
    # virtual networks; none gives QEMU no devices for them, and dgram and
    # stream, for two machines, take QEMU 7.2.
    vlan_backend: Optional[_VlanBackend]
    # Number of the machine among those on its virtual networks; the last byte
    # of its MAC addresses.
    machine_number: Optional[int]
    # Directory of the sockets of virtual networks, the same for all machines
    # on them; QEMU_VDE_SOCKET_NUMBER names a switch elsewhere.
    vlan_directory: Optional[str]
    # Start a vde_switch for each virtual network that has none, which ends
    # with this machine.
    vlan_switch: Optional[bool]
    def __init__(
        self, *,
        restricted: Optional[bool] = ...,
        forward_ports: Optional[Sequence[ForwardPort]] = ...,
        netcat: Optional[_Text] = ...,
        primary_address: Optional[_Text] = ...,
        vlan_backend: Optional[_VlanBackend] = ...,
        machine_number: Optional[int] = ...,
        vlan_directory: Optional[_Text] = ...,
        vlan_switch: Optional[bool] = ...,
    ) -> None: ...


class Boot(Struct):
    # Boot the kernel directly.
    direct: Optional[bool]
    # Boot from the root disk by its boot loader.
    loader: Optional[bool]
    # Make and mount the default root file system.
    default_file_systems: Optional[bool]
    # A NixOS system: kernel, initrd, kernel-params and init are taken from it;
    # unset for any other guest.
    system: Optional[str]
    # File with which a NixOS guest registers its store paths.
    registration: Optional[str]
    # Kernel of a direct boot.
    kernel: Optional[str]
    # Initial RAM disk of a direct boot.
    initrd: Optional[str]
    # Kernel parameters of a direct boot, before the consoles.
    kernel_params: Optional[List[str]]
    # Device in the guest that a legacy boot loader is installed on.
    loader_device: Optional[str]
    # Device in the guest that is mounted at /boot when there is a boot loader.
    partition: Optional[str]
    # Device in the guest that holds the root file system.
    root_device: Optional[str]
    # BIOS image to use in place of QEMU's SeaBIOS, for instance that of qboot.
    bios: Optional[str]
    def __init__(
        self, *,
        direct: Optional[bool] = ...,
        loader: Optional[bool] = ...,
        default_file_systems: Optional[bool] = ...,
        system: Optional[_Text] = ...,
        registration: Optional[_Text] = ...,
        kernel: Optional[_Text] = ...,
        initrd: Optional[_Text] = ...,
        kernel_params: Optional[Sequence[_Text]] = ...,
        loader_device: Optional[_Text] = ...,
        partition: Optional[_Text] = ...,
        root_device: Optional[_Text] = ...,
        bios: Optional[_Text] = ...,
    ) -> None: ...


class Efi(Struct):
    # Start the machine with EFI firmware and a store for its variables.
    enable: Optional[bool]
    # Take the variables that belong to the system image, not the firmware's
    # empty ones.
    keep_variables: Optional[bool]
    # Use firmware that is built for secure boot, which verifies what is on the
    # disk; a kernel that is booted directly is the host's, and trusted.
    secure_boot: Optional[bool]
    # Run on a q35 machine with system management mode, and let nothing else
    # write the variables; secure boot firmware on x86 hangs without.
    smm: Optional[bool]
    # OVMF package of NixOS, with the firmware in its FV directory.
    package: Optional[str]
    # Firmware image.
    firmware: Optional[str]
    # Template of the variable store.
    variables: Optional[str]
    # The machine's own variable store, made from the template if it does not
    # exist.
    state: Optional[str]
    def __init__(
        self, *,
        enable: Optional[bool] = ...,
        keep_variables: Optional[bool] = ...,
        secure_boot: Optional[bool] = ...,
        smm: Optional[bool] = ...,
        package: Optional[_Text] = ...,
        firmware: Optional[_Text] = ...,
        variables: Optional[_Text] = ...,
        state: Optional[_Text] = ...,
    ) -> None: ...


class Tpm(Struct):
    # Attach a TPM 2.0 that swtpm emulates.
    enable: Optional[bool]
    # QEMU's TPM device.
    model: Optional[str]
    # The swtpm program.
    swtpm: Optional[str]
    # Directory that keeps the state of the TPM.
    state_dir: Optional[str]
    # Have swtpm_setup make a new TPM, with an endorsement key and its
    # certificate.
    setup: Optional[bool]
    # Program that is run before each start, with the TPM at hand by
    # TPM2TOOLS_TCTI and TCTI.
    provision: Optional[str]
    def __init__(
        self, *,
        enable: Optional[bool] = ...,
        model: Optional[_Text] = ...,
        swtpm: Optional[_Text] = ...,
        state_dir: Optional[_Text] = ...,
        setup: Optional[bool] = ...,
        provision: Optional[_Text] = ...,
    ) -> None: ...


class Store(Struct):
    # Share the host's Nix store with the guest.
    mount_host: Optional[bool]
    # Give the guest its store as a disk image.
    image: Optional[bool]
    # Lay a writable overlay over the store.
    writable: Optional[bool]
    # Keep what is written to the store in memory, not on the root disk.
    writable_tmpfs: Optional[bool]
    # Put boot.system before the additional paths.
    builtin_paths: Optional[bool]
    # The store, on the host.
    path: Optional[str]
    # Paths whose closure the guest is told of or given.
    additional_paths: Optional[List[str]]
    # Image of a store in qcow2, of which a writable store image is an overlay.
    base_image: Optional[str]
    # File that lists what a read-only store image holds, a path below the
    # store on each line.
    closure: Optional[str]
    def __init__(
        self, *,
        mount_host: Optional[bool] = ...,
        image: Optional[bool] = ...,
        writable: Optional[bool] = ...,
        writable_tmpfs: Optional[bool] = ...,
        builtin_paths: Optional[bool] = ...,
        path: Optional[_Text] = ...,
        additional_paths: Optional[Sequence[_Text]] = ...,
        base_image: Optional[_Text] = ...,
        closure: Optional[_Text] = ...,
    ) -> None: ...


class Drive(Struct):
    # Format of the image; saying it is faster and safer than having QEMU
    # guess.
    format: Optional[_Format]
    # Name of the drive for findings; QEMU does not see it.
    name: Optional[str]
    # Image or device of the host.
    file: Optional[str]
    # Expand variables and quotes in file as a shell would, without commands
    # and without splitting.
    expand: Optional[bool]
    # How this drive is attached.
    interface: Optional[_DiskInterface]
    # Properties of QEMU's -drive.
    drive_options: Optional[List[Property]]
    # Properties of the drive's -device.
    device_options: Optional[List[Property]]
    # Make an empty image of this size in MiB if file does not exist; in qcow2
    # unless format is raw.
    size: Optional[int]
    def __init__(
        self, *,
        format: Optional[_Format] = ...,
        name: Optional[_Text] = ...,
        file: Optional[_Text] = ...,
        expand: Optional[bool] = ...,
        interface: Optional[_DiskInterface] = ...,
        drive_options: Optional[Sequence[Property]] = ...,
        device_options: Optional[Sequence[Property]] = ...,
        size: Optional[int] = ...,
    ) -> None: ...


class Property(Struct):
    # Name of the property.
    name: Optional[str]
    # Its value.
    value: Optional[str]
    def __init__(
        self, *,
        name: Optional[_Text] = ...,
        value: Optional[_Text] = ...,
    ) -> None: ...


class EmptyDisk(Struct):
    # Size in MiB.
    size: Optional[int]
    def __init__(
        self, *,
        size: Optional[int] = ...,
    ) -> None: ...


class Share(Struct):
    # How owners and modes of the guest's files are kept on the host.
    security_model: Optional[_SecurityModel]
    # 9p mount tag: at most 31 bytes, a letter and then letters, digits, '-',
    # '.' or '_'.
    tag: Optional[str]
    # Directory of the host.
    source: Optional[str]
    # Where the guest mounts it.
    target: Optional[str]
    # Expand $VAR, ${VAR}, ${VAR:-word} and quotes in source by wordexp's
    # rules, without commands and without splitting.
    expand: Optional[bool]
    def __init__(
        self, *,
        security_model: Optional[_SecurityModel] = ...,
        tag: Optional[_Text] = ...,
        source: Optional[_Text] = ...,
        target: Optional[_Text] = ...,
        expand: Optional[bool] = ...,
    ) -> None: ...


class FileSystem(Struct):
    # Mount it in the initial RAM disk.
    needed_for_boot: Optional[bool]
    # Do not check it before it is mounted.
    no_check: Optional[bool]
    # Make the file system in the initial RAM disk if the device holds none.
    auto_format: Optional[bool]
    # Take the place of the built-in file system at this mount point; otherwise
    # the two are merged.
    replace: Optional[bool]
    # Where the guest mounts it.
    mount_point: Optional[str]
    # Device, label or 9p tag that is mounted.
    device: Optional[str]
    # Type of the file system.
    type: Optional[str]
    # Mount options, before those that are built in.
    options: Optional[List[str]]
    def __init__(
        self, *,
        needed_for_boot: Optional[bool] = ...,
        no_check: Optional[bool] = ...,
        auto_format: Optional[bool] = ...,
        replace: Optional[bool] = ...,
        mount_point: Optional[_Text] = ...,
        device: Optional[_Text] = ...,
        type: Optional[_Text] = ...,
        options: Optional[Sequence[_Text]] = ...,
    ) -> None: ...


class Vlan(Struct):
    # Number of the virtual network.
    number: Optional[int]
    def __init__(
        self, *,
        number: Optional[int] = ...,
    ) -> None: ...


class Interface(Struct):
    # Number of the virtual network.
    vlan: Optional[int]
    # Give the interface the address 192.168.VLAN.MACHINE.
    assign_ip: Optional[bool]
    # Name of the interface in the guest.
    name: Optional[str]
    def __init__(
        self, *,
        vlan: Optional[int] = ...,
        assign_ip: Optional[bool] = ...,
        name: Optional[_Text] = ...,
    ) -> None: ...


class ForwardPort(Struct):
    # Who connects: the host to a port of the guest, or the guest to a port of
    # the host.
    from_: Optional[_From]
    # Protocol; from the guest only tcp works.
    proto: Optional[_Proto]
    # Port of the host.
    host_port: Optional[int]
    # Port of the guest.
    guest_port: Optional[int]
    # Have QEMU take any free port of the host, which a started machine tells.
    any_host_port: Optional[bool]
    # IPv4 address of the host.
    host_address: Optional[str]
    # IPv4 address in the guest's network, 10.0.2.0/24.
    guest_address: Optional[str]
    def __init__(
        self, *,
        from_: Optional[_From] = ...,
        proto: Optional[_Proto] = ...,
        host_port: Optional[int] = ...,
        guest_port: Optional[int] = ...,
        any_host_port: Optional[bool] = ...,
        host_address: Optional[_Text] = ...,
        guest_address: Optional[_Text] = ...,
    ) -> None: ...


class Guest(Struct):
    # Have the guest mount its file systems, but for the root, though its image
    # knows nothing of them; systemd 254 and later.
    mounts: Optional[bool]
    # Name of the guest in its network, unless its image has one.
    hostname: Optional[str]
    # Public keys, as lines of authorized_keys, that may log in as root.
    ssh_keys: Optional[List[str]]
    # Further credentials: systemd.system-credentials(7) has those that it
    # knows.
    credentials: Optional[List[Credential]]
    def __init__(
        self, *,
        mounts: Optional[bool] = ...,
        hostname: Optional[_Text] = ...,
        ssh_keys: Optional[Sequence[_Text]] = ...,
        credentials: Optional[Sequence[Credential]] = ...,
    ) -> None: ...


class Credential(Struct):
    # Name of the credential.
    name: Optional[str]
    # Its content; whoever sees QEMU's arguments sees it.
    value: Optional[str]
    # File of the host that holds its content, in place of value; QEMU reads
    # it.
    file: Optional[str]
    def __init__(
        self, *,
        name: Optional[_Text] = ...,
        value: Optional[_Text] = ...,
        file: Optional[_Text] = ...,
    ) -> None: ...


class Helper(Struct):
    # Whether it is run when QEMU has ended.
    at_exit: Optional[bool]
    # Name of the helper.
    name: Optional[str]
    # Its arguments.
    argv: Optional[List[str]]
    def __init__(
        self, *,
        at_exit: Optional[bool] = ...,
        name: Optional[_Text] = ...,
        argv: Optional[Sequence[_Text]] = ...,
    ) -> None: ...


class Image(Struct):
    # Format of the image: raw or qcow2.
    format: Optional[_Format]
    # The image, which must not exist.
    file: Optional[str]
    # Size that a guest sees, in bytes, rounded up to whole sectors of 512;
    # with backing, at least its size.
    size: Optional[int]
    # What the image holds.
    content: Optional[_Content]
    # Format of backing.
    backing_format: Optional[_Format]
    # Label of the file system, at most 16 bytes.
    label: Optional[str]
    # UUID of the file system.
    uuid: Optional[str]
    # Directory that is copied into the file system.
    tree: Optional[str]
    # Image that the new one is an overlay of.
    backing: Optional[str]
    # Size of a qcow2 cluster in bytes, a power of two.
    cluster_size: Optional[int]
    # Whether qcow2's tables are complete from the beginning.
    preallocation: Optional[_Preallocation]
    # Let QEMU put off the update of qcow2's reference counts.
    lazy_refcounts: Optional[bool]
    # Have all files of the tree belong to root.
    root_owned: Optional[bool]
    def __init__(
        self, *,
        format: Optional[_Format] = ...,
        file: Optional[_Text] = ...,
        size: Optional[int] = ...,
        content: Optional[_Content] = ...,
        backing_format: Optional[_Format] = ...,
        label: Optional[_Text] = ...,
        uuid: Optional[_Text] = ...,
        tree: Optional[_Text] = ...,
        backing: Optional[_Text] = ...,
        cluster_size: Optional[int] = ...,
        preallocation: Optional[_Preallocation] = ...,
        lazy_refcounts: Optional[bool] = ...,
        root_owned: Optional[bool] = ...,
    ) -> None: ...


class SystemImage(Struct):
    # Format of the image: raw or qcow2.
    format: Optional[_Format]
    # The image, which must not exist.
    file: Optional[str]
    # Directory that becomes the root file system, with owners, modes, links,
    # devices and extended attributes.
    tree: Optional[str]
    # Directory that becomes the EFI system partition; names are ASCII, and
    # symbolic links to files are followed.
    esp: Optional[str]
    # How the disk is divided: none, legacy (MBR), legacy+gpt, efi or hybrid.
    partition_table: Optional[_PartitionTable]
    # Have all files of the tree belong to root.
    root_owned: Optional[bool]
    # Size of the disk in bytes.
    size: Optional[int]
    # Bytes to leave free in a root file system whose size follows from the
    # tree.
    additional_space: Optional[int]
    # Bytes of the EFI system partition.
    esp_size: Optional[int]
    # Label of the root file system, at most 16 bytes.
    label: Optional[str]
    # Text from which all UUIDs are made; the same seed, tree and time give the
    # same image.
    seed: Optional[str]
    # Template of the EFI variable store.
    variables: Optional[str]
    # Where the template's copy goes.
    variables_file: Optional[str]
    # What a BIOS runs first, for instance GRUB's boot.img.
    boot_code: Optional[str]
    # What the boot code loads, for instance GRUB's core.img; it is put behind
    # the MBR or in the BIOS boot partition.
    core_image: Optional[str]
    # Time stamp of the file systems, in seconds since 1970.
    time: Optional[int]
    # Size of a qcow2 cluster in bytes, a power of two.
    cluster_size: Optional[int]
    def __init__(
        self, *,
        format: Optional[_Format] = ...,
        file: Optional[_Text] = ...,
        tree: Optional[_Text] = ...,
        esp: Optional[_Text] = ...,
        partition_table: Optional[_PartitionTable] = ...,
        root_owned: Optional[bool] = ...,
        size: Optional[int] = ...,
        additional_space: Optional[int] = ...,
        esp_size: Optional[int] = ...,
        label: Optional[_Text] = ...,
        seed: Optional[_Text] = ...,
        variables: Optional[_Text] = ...,
        variables_file: Optional[_Text] = ...,
        boot_code: Optional[_Text] = ...,
        core_image: Optional[_Text] = ...,
        time: Optional[int] = ...,
        cluster_size: Optional[int] = ...,
    ) -> None: ...


class ImageInfo(Struct):
    # Format of the image.
    format: Optional[_Format]
    # The image.
    file: Optional[str]
    # Bytes that a guest sees.
    virtual_size: Optional[int]
    # Bytes on the host's disk.
    stored_size: Optional[int]
    # Version of qcow or qcow2.
    version: Optional[int]
    # Bytes of a cluster.
    cluster_size: Optional[int]
    # Whether the content is encrypted.
    encrypted: Optional[bool]
    # Whether a process holds QEMU's lock on it.
    in_use: Optional[bool]
    # The image that it is an overlay of, as recorded.
    backing_file: Optional[str]
    # The format of that, as recorded.
    backing_format: Optional[_Format]
    # Type of the file system on the whole disk.
    file_system: Optional[str]
    # Label of the file system.
    label: Optional[str]
    # UUID of the file system, or of the partition table.
    uuid: Optional[str]
    # Kind of partition table.
    partition_table: Optional[str]
    # The image that it is an overlay of.
    backing: Optional[ImageInfo]
    def __init__(
        self, *,
        format: Optional[_Format] = ...,
        file: Optional[_Text] = ...,
        virtual_size: Optional[int] = ...,
        stored_size: Optional[int] = ...,
        version: Optional[int] = ...,
        cluster_size: Optional[int] = ...,
        encrypted: Optional[bool] = ...,
        in_use: Optional[bool] = ...,
        backing_file: Optional[_Text] = ...,
        backing_format: Optional[_Format] = ...,
        file_system: Optional[_Text] = ...,
        label: Optional[_Text] = ...,
        uuid: Optional[_Text] = ...,
        partition_table: Optional[_Text] = ...,
        backing: Optional[ImageInfo] = ...,
    ) -> None: ...


class Step(Struct):
    # What kind of thing is made.
    kind: Optional[_Kind]
    # Name of the step.
    name: Optional[str]
    # Path of the option that asks for it.
    option: Optional[str]
    # What is made.
    file: Optional[str]
    # What it is made from.
    source: Optional[str]
    # Commands that do about the same.
    commands: Optional[List[str]]
    # Whether what is made is there for the next run, too.
    lasts: Optional[bool]
    def __init__(
        self, *,
        kind: Optional[_Kind] = ...,
        name: Optional[_Text] = ...,
        option: Optional[_Text] = ...,
        file: Optional[_Text] = ...,
        source: Optional[_Text] = ...,
        commands: Optional[Sequence[_Text]] = ...,
        lasts: Optional[bool] = ...,
    ) -> None: ...


class Host(Struct):
    # Architecture of the host.
    arch: Optional[_Arch]
    # Operating system of the host.
    os: Optional[_Os]
    # State of KVM.
    kvm: Optional[_Kvm]
    # Number of processors.
    cpus: Optional[int]
    # Directory that relative paths start from.
    directory: Optional[str]
    # Name of a fresh run directory below TMPDIR.
    run_name: Optional[str]
    # Variables, as NAME=value.
    environment: Optional[List[str]]
    # Arguments after all others, as they are.
    arguments: Optional[List[str]]
    # Programs and where they are.
    programs: Optional[List[HostProgram]]
    # Files that the plan asks about.
    files: Optional[List[HostFile]]
    # EFI firmware that is installed.
    firmware: Optional[List[HostFirmware]]
    def __init__(
        self, *,
        arch: Optional[_Arch] = ...,
        os: Optional[_Os] = ...,
        kvm: Optional[_Kvm] = ...,
        cpus: Optional[int] = ...,
        directory: Optional[_Text] = ...,
        run_name: Optional[_Text] = ...,
        environment: Optional[Sequence[_Text]] = ...,
        arguments: Optional[Sequence[_Text]] = ...,
        programs: Optional[Sequence[HostProgram]] = ...,
        files: Optional[Sequence[HostFile]] = ...,
        firmware: Optional[Sequence[HostFirmware]] = ...,
    ) -> None: ...


class HostProgram(Struct):
    # Name of the program.
    name: Optional[str]
    # Where it is.
    path: Optional[str]
    def __init__(
        self, *,
        name: Optional[_Text] = ...,
        path: Optional[_Text] = ...,
    ) -> None: ...


class HostFile(Struct):
    # What is there.
    type: Optional[_Type]
    # Name of the file.
    path: Optional[str]
    # The same with symbolic links followed.
    real_path: Optional[str]
    # What it holds, where a plan reads it.
    content: Optional[str]
    def __init__(
        self, *,
        type: Optional[_Type] = ...,
        path: Optional[_Text] = ...,
        real_path: Optional[_Text] = ...,
        content: Optional[_Text] = ...,
    ) -> None: ...


class HostFirmware(Struct):
    # Architecture it is for.
    arch: Optional[_Arch]
    # Whether it is built for secure boot.
    secure_boot: Optional[bool]
    # Whether it needs SMM.
    smm: Optional[bool]
    # Firmware image.
    firmware: Optional[str]
    # Template of its variable store.
    variables: Optional[str]
    def __init__(
        self, *,
        arch: Optional[_Arch] = ...,
        secure_boot: Optional[bool] = ...,
        smm: Optional[bool] = ...,
        firmware: Optional[_Text] = ...,
        variables: Optional[_Text] = ...,
    ) -> None: ...


class KernelNeed(Struct):
    # Whether a module will not do.
    builtin: Optional[bool]
    # Symbol of the kernel's configuration, without CONFIG_.
    symbol: Optional[str]
    # Name of the kernel module.
    module: Optional[str]
    # Whether the initial RAM disk needs it.
    initrd: Optional[_Initrd]
    # Whether NixOS's module names the symbol.
    nixos_symbol: Optional[bool]
    # Whether NixOS's module names the kernel module.
    nixos_module: Optional[bool]
    # Path of the option that asks for it.
    option: Optional[str]
    def __init__(
        self, *,
        builtin: Optional[bool] = ...,
        symbol: Optional[_Text] = ...,
        module: Optional[_Text] = ...,
        initrd: Optional[_Initrd] = ...,
        nixos_symbol: Optional[bool] = ...,
        nixos_module: Optional[bool] = ...,
        option: Optional[_Text] = ...,
    ) -> None: ...


class GuestOverlay(Struct):
    # Where it is mounted.
    mount_point: Optional[str]
    # Directory that is only read.
    lower: Optional[str]
    # Directory that is written.
    upper: Optional[str]
    # Directory for the overlay's own use, on the same file system.
    work: Optional[str]
    def __init__(
        self, *,
        mount_point: Optional[_Text] = ...,
        lower: Optional[_Text] = ...,
        upper: Optional[_Text] = ...,
        work: Optional[_Text] = ...,
    ) -> None: ...


class GuestFile(Struct):
    # What it is.
    form: Optional[_Form]
    # Where the guest has it, or what to call it.
    name: Optional[str]
    # What it holds.
    content: Optional[str]
    # Whether it is a program.
    executable: Optional[bool]
    # Whether it belongs into the initial RAM disk.
    initrd: Optional[bool]
    def __init__(
        self, *,
        form: Optional[_Form] = ...,
        name: Optional[_Text] = ...,
        content: Optional[_Text] = ...,
        executable: Optional[bool] = ...,
        initrd: Optional[bool] = ...,
    ) -> None: ...


class GuestSettings(Struct):
    # Whether the guest is a NixOS system.
    nixos: Optional[bool]
    # What it mounts, parents first.
    file_systems: Optional[List[FileSystem]]
    # What makes the store writable.
    overlay: Optional[GuestOverlay]
    # Kernel parameters of a direct boot.
    kernel_params: Optional[List[str]]
    # Values of console=, the preferred one last.
    consoles: Optional[List[str]]
    # What its kernel has to have.
    kernel_needs: Optional[List[KernelNeed]]
    # Commands of the initial RAM disk when all is mounted.
    initrd_commands: Optional[str]
    # Lines of tmpfiles.d(5).
    tmpfiles: Optional[List[str]]
    # Device of a legacy boot loader, or nodev.
    loader_device: Optional[str]
    # Graphics mode of the boot loader.
    graphics_mode: Optional[str]
    # Width of the X server's display in pixels.
    resolution_x: Optional[int]
    # Its height.
    resolution_y: Optional[int]
    # Its bits of colour; 0 leaves it to the server.
    color_depth: Optional[int]
    # Whether QEMU's guest agent runs.
    guest_agent: Optional[bool]
    # Whether there is swap.
    swap: Optional[bool]
    # Whether there are encrypted devices.
    luks: Optional[bool]
    # Whether the boot loader appends secrets to the initial RAM disk.
    initrd_secrets: Optional[bool]
    # Whether it installs certificates of its own.
    ca_certificates: Optional[bool]
    # Whether it sets its clock by the network.
    time_sync: Optional[bool]
    # Whether it looks for wireless networks.
    wireless: Optional[bool]
    # Whether network interfaces are named by their place.
    predictable_names: Optional[bool]
    # Whether its DHCP client looks for others that use its address.
    dhcp_arp: Optional[bool]
    # Whether the machine has a display.
    graphics: Optional[bool]
    # Bytes of parameters that its kernel takes.
    command_line_max: Optional[int]
    # Driver of the X server.
    video_driver: Optional[str]
    # Lines of the X server's section Monitor.
    monitor: Optional[str]
    # Its own address in /etc/hosts.
    primary_address: Optional[str]
    # The same as text.
    files: Optional[List[GuestFile]]
    def __init__(
        self, *,
        nixos: Optional[bool] = ...,
        file_systems: Optional[Sequence[FileSystem]] = ...,
        overlay: Optional[GuestOverlay] = ...,
        kernel_params: Optional[Sequence[_Text]] = ...,
        consoles: Optional[Sequence[_Text]] = ...,
        kernel_needs: Optional[Sequence[KernelNeed]] = ...,
        initrd_commands: Optional[_Text] = ...,
        tmpfiles: Optional[Sequence[_Text]] = ...,
        loader_device: Optional[_Text] = ...,
        graphics_mode: Optional[_Text] = ...,
        resolution_x: Optional[int] = ...,
        resolution_y: Optional[int] = ...,
        color_depth: Optional[int] = ...,
        guest_agent: Optional[bool] = ...,
        swap: Optional[bool] = ...,
        luks: Optional[bool] = ...,
        initrd_secrets: Optional[bool] = ...,
        ca_certificates: Optional[bool] = ...,
        time_sync: Optional[bool] = ...,
        wireless: Optional[bool] = ...,
        predictable_names: Optional[bool] = ...,
        dhcp_arp: Optional[bool] = ...,
        graphics: Optional[bool] = ...,
        command_line_max: Optional[int] = ...,
        video_driver: Optional[_Text] = ...,
        monitor: Optional[_Text] = ...,
        primary_address: Optional[_Text] = ...,
        files: Optional[Sequence[GuestFile]] = ...,
    ) -> None: ...
