# SPDX-License-Identifier: LGPL-2.1-or-later
"""The options of NixOS's virtual machine module: one row each.

A row says what NixOS accepts, which versions of the module have the option, and
when the module looks at its value.  What an option means and what its default
is stands in the library's own option table, which names the NixOS option.
"""

import re
from typing import (Any, Callable, Dict, List, Mapping, NamedTuple, Sequence,
                    Tuple)

from .errors import Location
from .merge import (UNDEFINED, Anything, AttrsOf, Field, Lines, ListOf,
                    NullOr, Options, Scalar, Submodule, Type, collect,
                    failures, merge)

VERSIONS = ("new", "old")

# ---- values ----------------------------------------------------------------


def _is_int(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_string(value: Any) -> bool:
    return isinstance(value, str)


def _is_package(value: Any) -> bool:
    """A store path, or what stands for a derivation: an object with one."""
    if isinstance(value, dict):
        if not all(_is_string(value.get(name, ""))
                   for name in ("firmware", "variables")):
            return False
        value = value.get("path")
    return _is_string(value) and \
        re.match(r"/nix/store/[^/]+\Z", value) is not None


def one_of(*names: str) -> Scalar:
    shown = ", ".join(names)
    return Scalar(f"one of {shown}",
                  lambda value: _is_string(value) and value in names)


ANYTHING = Type()
BOOL = Scalar("a boolean", lambda value: isinstance(value, bool))
INT = Scalar("an integer", _is_int)
POSITIVE = Scalar("a positive integer", lambda v: _is_int(v) and v > 0)
UNSIGNED = Scalar("an integer of at least 0", lambda v: _is_int(v) and v >= 0)
PORT = Scalar("a port number", lambda v: _is_int(v) and 0 <= v <= 65535)
STRING = Scalar("a string", _is_string)
FILLED = Scalar("a string that is not blank",
                lambda v: _is_string(v) and re.match(r"[ \t\n]*\Z", v) is None)
PATH = Scalar("an absolute path",
              lambda v: _is_string(v) and v.startswith("/"))
PACKAGE = Scalar("a package", _is_package)
STRINGS = ListOf(STRING)
LINES = Lines()
TEXTS = AttrsOf(STRING)

RESOLUTION = Submodule({"x": Field(INT, True), "y": Field(INT, True)})

DRIVE = Submodule({
    "file": Field(STRING, True),
    "driveExtraOpts": Field(TEXTS),
    "deviceExtraOpts": Field(TEXTS),
    "name": Field(NullOr(STRING)),
})

_ENDPOINT = {"address": Field(STRING), "port": Field(PORT, True)}
FORWARD_PORT = Submodule({
    "from": Field(one_of("host", "guest")),
    "proto": Field(one_of("tcp", "udp")),
    "host": _ENDPOINT,
    "guest": _ENDPOINT,
})

INTERFACE = Submodule({"vlan": Field(UNSIGNED, True), "assignIP": Field(BOOL)})

_OLD_SHARE: Dict[str, Field] = {
    "source": Field(STRING, True), "target": Field(PATH, True)}
OLD_SHARE = Submodule(_OLD_SHARE)
SHARE = Submodule({**_OLD_SHARE, "securityModel": Field(
    one_of("passthrough", "mapped-xattr", "mapped-file", "none"))})

# Of tasks/filesystems.nix and its like; the machine takes the first ones.
FILE_SYSTEM = Submodule({
    "device": Field(NullOr(FILLED)),
    "fsType": Field(FILLED),
    "options": Field(ListOf(FILLED)),
    "neededForBoot": Field(BOOL),
    "noCheck": Field(BOOL),
    "autoFormat": Field(BOOL),
    "autoResize": Field(BOOL),
    "depends": Field(ListOf(FILLED)),
    "enable": Field(BOOL),
    "encrypted": {name: Field(ANYTHING)
                  for name in ("blkDev", "enable", "keyFile", "label")},
    "formatOptions": Field(ANYTHING),
    "label": Field(NullOr(FILLED)),
    "mountPoint": Field(FILLED),
    "overlay": {name: Field(ANYTHING)
                for name in ("lowerdir", "upperdir", "useStage1BaseDirectories",
                             "workdir")},
    "stratis": {"poolUuid": Field(NullOr(STRING))},
})

# ---- who looks at what -----------------------------------------------------

# Of a resolved description, and where inside of the option's value.
Read = Callable[[Any, Location], bool]


def _always(_spec: Any, _where: Location) -> bool:
    return True


def _never(_spec: Any, _where: Location) -> bool:
    return False


def _when(condition: Callable[[Any], Any]) -> Read:
    return lambda spec, _where: bool(condition(spec))


def _mounts(spec: Any) -> bool:
    """Whether the module's own file systems are wanted."""
    return spec.builtin_file_systems is not False


def _reads_firmware(spec: Any) -> bool:
    # On x86 the newer version asks it whether it needs SMM, EFI or not.
    return spec.efi.enable or spec.arch in ("x86_64", "i686")


def _reads_share(spec: Any, where: Location) -> bool:
    # An overlay comes where the store's share would be mounted.
    return not (where == ("nix-store", "target") and spec.store.writable)


def _reads_forward_port(spec: Any, where: Location) -> bool:
    if spec.qemu.builtin_network or where[1:] in ((), ("from",)):
        return True
    # The assertions are left, about rules for the guest.
    ports = spec.network.forward_ports
    index = int(where[0])
    return where[1:] in (("proto",), ("guest", "address")) \
        and index < len(ports) and ports[index].from_ == "guest"


def _reads_drive(_spec: Any, where: Location) -> bool:
    return where[1:2] != ("name",)


def _reads_file_system(_spec: Any, where: Location) -> bool:
    return len(where) < 2 or where[1] in ("device", "fsType", "options",
                                          "neededForBoot", "noCheck")


class Row(NamedTuple):
    path: str  # below "virtualisation."
    type: Type
    versions: Tuple[str, ...] = VERSIONS
    read: Read = _always


_NEW, _OLD = ("new",), ("old",)

ROWS: Tuple[Row, ...] = (
    Row("additionalPaths", ListOf(PATH), read=_when(
        lambda s: s.boot.direct and s.qemu.builtin_options
        or s.store.image and not s.store.writable)),
    Row("bios", NullOr(PACKAGE)),
    Row("bootLoaderDevice", PATH, read=_when(lambda s: not s.efi.enable)),
    Row("bootPartition", NullOr(PATH), read=_when(
        lambda s: s.boot.loader and _mounts(s))),
    Row("cores", POSITIVE),
    Row("directBoot.enable", BOOL),
    Row("directBoot.initrd", STRING, _NEW, _when(
        lambda s: not s.boot.direct or s.qemu.builtin_options)),
    # Whose assertion compares it before it asks whether there is direct boot.
    Row("directBoot.initrd", STRING, _OLD),
    Row("diskImage", NullOr(STRING)),
    Row("diskSize", NullOr(POSITIVE), read=_when(
        lambda s: not (s.boot.loader and s.boot.default_file_systems))),
    Row("efi.OVMF", PACKAGE, _NEW, _when(_reads_firmware)),
    Row("efi.OVMF", PACKAGE, _OLD, _when(lambda s: s.efi.enable)),
    Row("efi.firmware", PATH, read=_when(
        lambda s: s.efi.enable and s.qemu.builtin_options)),
    Row("efi.keepVariables", BOOL, _NEW, _when(lambda s: s.efi.enable)),
    Row("efi.variables", PATH, read=_when(
        lambda s: s.efi.enable and not s.efi.keep_variables)),
    Row("emptyDiskImages", ListOf(POSITIVE)),
    Row("fileSystems", AttrsOf(FILE_SYSTEM), read=_reads_file_system),
    Row("forwardPorts", ListOf(FORWARD_PORT), read=_reads_forward_port),
    Row("graphics", BOOL),
    Row("host.pkgs", ANYTHING),
    Row("interfaces", AttrsOf(INTERFACE), read=_never),
    Row("memorySize", POSITIVE),
    Row("mountHostNixStore", BOOL),
    Row("msize", POSITIVE, read=_when(lambda s: s.shares and _mounts(s))),
    Row("qemu.consoles", STRINGS),
    Row("qemu.diskInterface", one_of("virtio", "scsi", "ide")),
    Row("qemu.drives", ListOf(DRIVE), read=_reads_drive),
    Row("qemu.guestAgent.enable", BOOL),
    Row("qemu.networkingOptions", STRINGS),
    Row("qemu.options", STRINGS),
    Row("qemu.package", PACKAGE),
    Row("qemu.virtioKeyboard", BOOL),
    Row("resolution", RESOLUTION),
    Row("restrictNetwork", BOOL, read=_when(lambda s: s.qemu.builtin_network)),
    Row("rootDevice", NullOr(PATH), read=_when(
        lambda s: s.boot.default_file_systems and s.disk.image
        and _mounts(s))),
    Row("sharedDirectories", AttrsOf(SHARE), _NEW, _reads_share),
    Row("sharedDirectories", AttrsOf(OLD_SHARE), _OLD, _reads_share),
    Row("tpm.deviceModel", STRING, _NEW, _when(
        lambda s: s.tpm.enable and s.qemu.builtin_options)),
    Row("tpm.enable", BOOL, _NEW),
    Row("tpm.package", PACKAGE, _NEW, _when(lambda s: s.tpm.enable)),
    Row("useBootLoader", BOOL),
    Row("useDefaultFilesystems", BOOL),
    Row("useEFIBoot", BOOL),
    Row("useHostCerts", BOOL),
    Row("useNixStoreImage", BOOL),
    Row("useSecureBoot", BOOL, _NEW, _when(_reads_firmware)),
    Row("useSecureBoot", BOOL, _OLD, _when(lambda s: s.efi.enable)),
    Row("vlans", ListOf(UNSIGNED), read=_never),
    Row("writableStore", BOOL),
    Row("writableStoreUseTmpfs", BOOL, read=_when(
        lambda s: s.store.writable and _mounts(s))),
)

# Older names.  What is said under the first goes to the second.
RENAMED = {"pathsInNixDB": "additionalPaths"}
# Options that are gone: saying one fails an assertion.
REMOVED = {
    "bootDevice": "it was split into rootDevice, bootLoaderDevice and "
                  "bootPartition",
    "efiVars": "efi.variables takes a template of the variables",
    "persistBootDevice": "the boot device is always kept",
}


def location(path: str) -> Location:
    return ("virtualisation", *path.split("."))


def rows(version: str) -> List[Row]:
    return [row for row in ROWS if version in row.versions]


def nested(options: Mapping[str, Type]) -> Options:
    """Options by their paths, nested as they are written."""
    tree: Dict[str, Any] = {}
    for path, kind in options.items():
        *groups, name = path.split(".")
        here = tree
        for group in groups:
            here = here.setdefault(group, {})
        here[name] = Field(kind)
    return tree


def option_tree(version: str) -> Options:
    """All that may be written below "virtualisation." in a version."""
    known = {row.path: row.type for row in rows(version)}
    return nested({**known, **dict.fromkeys((*RENAMED, *REMOVED), ANYTHING)})


# ---- outside of "virtualisation." ------------------------------------------


class Setting(NamedTuple):
    type: Type
    default: Any


_SETS = AttrsOf(Anything())
_UNITS = ListOf(Anything())

#: What the module looks at and does not define itself.
INPUTS = {
    "boot.loader.efi.efiSysMountPoint": Setting(STRING, "/boot"),
    "boot.tmp.tmpfsSize": Setting(Scalar(
        "a string or a positive integer",
        lambda v: _is_string(v) or POSITIVE.check(v)), "50%"),
    "boot.tmp.useTmpfs": Setting(BOOL, False),
    "nix.enable": Setting(BOOL, True),
    "nix.package": Setting(NullOr(PACKAGE), None),  # the usual one
}

#: The guest's settings.
GUEST = {
    "boot.initrd.availableKernelModules": Setting(STRINGS, []),
    "boot.initrd.kernelModules": Setting(STRINGS, []),
    "boot.initrd.luks.devices": Setting(_SETS, {}),
    "boot.initrd.postMountCommands": Setting(LINES, ""),
    "boot.initrd.systemd.enable": Setting(BOOL, False),
    "boot.initrd.systemd.mounts": Setting(_UNITS, []),
    "boot.initrd.systemd.services": Setting(_SETS, {}),
    "boot.loader.grub.device": Setting(STRING, ""),
    "boot.loader.grub.gfxmodeBios": Setting(STRING, "1024x768"),
    # As GRUB has it.
    "boot.loader.supportsInitrdSecrets": Setting(BOOL, True),
    "boot.postBootCommands": Setting(LINES, ""),
    "fileSystems": Setting(AttrsOf(FILE_SYSTEM), {}),
    "networking.dhcpcd.extraConfig": Setting(LINES, ""),
    "networking.primaryIPAddress": Setting(STRING, ""),
    "networking.usePredictableInterfaceNames": Setting(BOOL, True),
    "networking.wireless.enable": Setting(BOOL, False),
    "security.pki.installCACerts": Setting(BOOL, True),
    "services.connman.enable": Setting(BOOL, False),
    "services.qemuGuest.enable": Setting(BOOL, False),
    "services.timesyncd.enable": Setting(BOOL, True),
    "services.xserver.defaultDepth": Setting(INT, 0),
    "services.xserver.monitorSection": Setting(LINES, ""),
    "services.xserver.resolutions": Setting(ListOf(RESOLUTION), []),
    "services.xserver.videoDrivers": Setting(STRINGS, []),
    "swapDevices": Setting(_UNITS, []),
    "system.requiredKernelConfig": Setting(STRINGS, []),
    "systemd.tmpfiles.rules": Setting(STRINGS, []),
    "systemd.tmpfiles.settings": Setting(AttrsOf(_SETS), {}),
}


class Config:
    """What is defined outside of "virtualisation.".  Options that are not
    among these are left alone."""

    _rows = {**INPUTS, **GUEST}

    def __init__(self, config: Any) -> None:
        tree = nested({path: row.type for path, row in self._rows.items()})
        self._definitions, _ = collect((), tree, [config])

    def value(self, path: str, own: Sequence[Any] = ()) -> Any:
        """An option's value, with the module's own definitions.  Raises the
        error of a value that cannot be looked at."""
        where = tuple(path.split("."))
        row = self._rows[path]
        value = merge(where, row.type,
                      [*own, *self._definitions.get(where, [])])
        for _place, error in failures(value):
            raise error
        return row.default if value is UNDEFINED else value
