# SPDX-License-Identifier: LGPL-2.1-or-later
"""From the options of a NixOS configuration to a description.

Defaults and built-in entries are the library's.  Where what the user says has
to be merged with what the module itself defines (its shares, drives, file
systems), the library is asked first what these are: it resolves the description
without them.
"""

import copy
from typing import Any, Dict, List, Mapping, Optional, Sequence, Set, Tuple

import vmspec

from . import builtin, codec, types
from .errors import Location, NixosError, show_option
from .merge import (DEFAULT_PRIORITY, OPTION_DEFAULT, UNDEFINED, Definitions,
                    collect, discharge, failures, in_order, merge, override,
                    priority_of, refuse, strongest, without_failures)
from .refusals import resolve
from .systems import Packages, host, split_system

# Options whose value has definitions by the module itself.
_MERGED = ("additionalPaths", "fileSystems", "qemu.drives",
           "qemu.networkingOptions", "qemu.options", "sharedDirectories")


class Conversion:
    """What became of a configuration."""

    def __init__(self, version: str, host_system: str, config: types.Config,
                 packages: Packages) -> None:
        self.version = version
        self.host_system = host_system
        self.config = config
        self.packages = packages
        self.spec: Any = vmspec.Spec()
        #: What only NixOS has: renamed and removed options, weak definitions.
        self.findings: List[vmspec.Finding] = []
        #: Options that cannot be looked at, and that nothing looks at.
        self.failed: Set[str] = set()


class _Converter:
    def __init__(self, conversion: Conversion, definitions: Definitions,
                 on: Any) -> None:
        self.result = conversion
        self.spec = conversion.spec
        self.version = conversion.version
        self.definitions = definitions
        self.host = on
        self.packages = conversion.packages
        self.config = conversion.config
        self.types = {row.path: row.type for row in types.rows(self.version)}
        self.failed: Dict[str, List[Tuple[Location, NixosError]]] = {}

    # Definitions and values.

    def said(self, path: str) -> List[Any]:
        return self.definitions.get(types.location(path), [])

    def merge(self, path: str, own: Sequence[Any] = ()) -> Any:
        """The value, without what cannot be looked at, which is noted."""
        value = merge(types.location(path), self.types[path],
                      [*own, *self.said(path)])
        wrong = list(failures(value))
        if wrong:
            self.failed[path] = wrong
        return UNDEFINED if wrong and not wrong[0][0] \
            else without_failures(value)

    def priority(self, path: str) -> int:
        flat = [value for one in self.said(path) for value in discharge(one)]
        return strongest(flat)[0]

    def set(self, path: str, value: Any) -> None:
        try:
            codec.MEMBERS[path].set(self.spec, codec.from_nix(path, value))
        except ValueError as error:
            raise NixosError("other", show_option(types.location(path)),
                             str(error)) from error

    # Options that the module itself does not define.

    def plain(self) -> None:
        for path in self.types:
            # An option's own default is stronger than the weakest.
            if path in _MERGED or self.priority(path) > OPTION_DEFAULT:
                continue
            value = self.merge(path)
            if value is UNDEFINED or path == "host.pkgs":
                continue
            if path in codec.MEMBERS:
                self.set(path, value)
            else:  # a group in one value
                for name, inner in value.items():
                    self.set(f"{path}.{name}", inner)

    def nix(self, name: str, arch: str) -> None:
        """What a NixOS machine has without saying."""
        spec, packages = self.spec, self.packages
        spec.name, spec.arch = name, arch
        boot = spec.boot = spec.boot or vmspec.Boot()
        boot.system = packages["system"]
        boot.registration = packages["closure-info"] + "/registration"
        if boot.bios is not None:
            boot.bios += "/bios.bin"
        spec.network = spec.network or vmspec.Network()
        spec.network.netcat = packages["netcat"] + "/bin/nc"
        spec.network.primary_address = self.config.value(
            "networking.primaryIPAddress")
        self.nix_qemu(arch)
        self.nix_efi(arch)
        if self.version == "new":
            tpm = spec.tpm = spec.tpm or vmspec.Tpm()
            package = tpm.swtpm or packages["swtpm"]
            tpm.swtpm = f"{package}/bin/{package.rpartition('/')[2]}"

    def nix_qemu(self, arch: str) -> None:
        qemu = self.spec.qemu = self.spec.qemu or vmspec.Qemu()
        if qemu.package is None:
            foreign = self.version == "new" and arch != self.host.arch
            qemu.package = self.packages["qemu-full" if foreign else "qemu"]
        if self.version == "old" and arch == "riscv64" \
                and self.host.os == "linux":
            # Not in that version's table of QEMU's first words.
            qemu.binary = qemu.package + "/bin/qemu-kvm"
            qemu.machine = qemu.cpu = ""

    def nix_efi(self, arch: str) -> None:
        efi = self.spec.efi = self.spec.efi or vmspec.Efi()
        package = self.merge("efi.OVMF")
        if isinstance(package, dict):
            # A package of one's own may be laid out in its own way.
            efi.firmware = efi.firmware or package.get("firmware")
            efi.variables = efi.variables or package.get("variables")
            if arch in ("x86_64", "i686"):
                efi.smm = bool(package.get("systemManagementModeRequired"))
        elif package is UNDEFINED and not self.failed.keys() & {
                "efi.OVMF", "useSecureBoot"}:
            efi.package = self.packages[
                "OVMF-secureboot-fd" if efi.secure_boot else "OVMF-fd"]
        if self.version == "old":
            efi.smm = False

    # Options that it defines as well.  An entry that lacks what every entry has
    # is one whose value cannot be looked at: look() has the last word on it.

    def merged(self) -> None:
        without = copy.copy(self.spec)
        # They depend on the shares, which come first.
        without.builtin_file_systems = False
        resolved = resolve(without, self.host)
        self.paths(resolved)
        self.options("qemu.options", "options",
                     builtin.own_options(resolved, self.version))
        self.options("qemu.networkingOptions", "network_options",
                     [[builtin.OWN]])
        self.drives(resolved)
        self.shares(resolved)
        self.file_systems()

    def paths(self, resolved: Any) -> None:
        own = [resolved.store.additional_paths]
        renamed = types.location("pathsInNixDB")
        if self.definitions.get(renamed):
            # The old name's definitions come before the module's own, with the
            # priority of the strongest; their order among others is lost.
            best, values = strongest([
                value for one in self.definitions[renamed]
                for value in discharge(one)])
            own[:0] = [override(best, value) for value in in_order(values)]
        elif not self.said("additionalPaths"):
            return
        value = self.merge("additionalPaths", own)
        if value is UNDEFINED:
            return
        system = resolved.store.additional_paths
        self.spec.store = self.spec.store or vmspec.Store()
        if value[:len(system)] == system:
            value = value[len(system):]
        else:
            self.spec.store.builtin_paths = False
        self.spec.store.additional_paths = value

    def options(self, path: str, member: str, own: List[Any]) -> None:
        if not self.said(path):
            return
        value = self.merge(path, own)
        if value is UNDEFINED:
            return
        qemu = self.spec.qemu
        places = [i for i, piece in enumerate(value) if piece is builtin.OWN]
        if own and not places:
            switch = "builtin_network" if "network" in member \
                else "builtin_options"
            setattr(qemu, switch, False)
        first = places[0] if places else 0
        rest = [piece for piece in value[first:] if piece is not builtin.OWN]
        if value[:first]:
            setattr(qemu, f"first_{member}", value[:first])
        setattr(qemu, member, rest)
        qemu.expand = True

    def drives(self, resolved: Any) -> None:
        if not self.said("qemu.drives"):
            return
        own = builtin.own_drives(resolved)
        value = self.merge("qemu.drives", own)
        if value is UNDEFINED:
            return
        first = [drive for drives in own for drive in drives]
        if value[:len(first)] == first:
            value = value[len(first):]
        else:
            self.spec.builtin_drives = False
        self.set("qemu.drives", [drive for drive in value if "file" in drive])
        for drive in self.spec.drives:
            drive.expand = True

    def shares(self, resolved: Any) -> None:
        if not self.said("sharedDirectories"):
            return
        own = builtin.own_shares(resolved, self.version)
        value = self.merge("sharedDirectories", own)
        if value is UNDEFINED:
            return
        # A target that cannot be looked at may still be one that nobody wants.
        value = {tag: {"target": own[0].get(tag, {}).get("target"), **share}
                 for tag, share in value.items()}
        if own[0].keys() <= value.keys():
            # The library's own shares yield to those with the same tag.
            value = {tag: share for tag, share in value.items()
                     if own[0].get(tag) != share}
        else:
            self.spec.builtin_shares = False
        self.set("sharedDirectories", {
            tag: share for tag, share in value.items()
            if "source" in share and share["target"] is not None})
        for share in self.spec.shares:
            share.expand = True
            if self.version == "old":
                share.security_model = "none"

    def file_systems(self) -> None:
        forced = self.priority("fileSystems") < DEFAULT_PRIORITY
        own: List[Any] = []
        # Nobody looks at a condition whose consequence is replaced.
        if not forced and self.config.value("boot.tmp.useTmpfs"):
            own.append({"/tmp": self.tmp()})
        if not self.said("fileSystems"):
            if own:
                self.set("fileSystems", own[0])
            return
        replaced = self.replaced()
        others: Dict[str, Any] = {}
        if not forced:
            others = self.builtin_file_systems(replaced)
            own.append(others)
        value = self.merge("fileSystems", own)
        if value is UNDEFINED:
            return
        # Entries that are what they would be anyway need not be said.
        self.set("fileSystems", {point: fields for point, fields
                                 in value.items()
                                 if others.get(point) != fields})
        for entry in self.spec.file_systems:
            if entry.mount_point in others or entry.mount_point in replaced:
                entry.replace = True
        if forced:
            self.spec.builtin_file_systems = False

    def tmp(self) -> Dict[str, Any]:
        size = self.config.value("boot.tmp.tmpfsSize")
        return {"device": "tmpfs", "fsType": "tmpfs", "neededForBoot": True,
                "options": ["mode=1777", "strictatime", "nosuid", "nodev",
                            f"size={size}"]}

    def replaced(self) -> Set[str]:
        """Mount points that the user takes whole."""
        return {point for one in self.said("fileSystems")
                for value in discharge(one) if isinstance(value, dict)
                for point, entry in value.items()
                if priority_of(entry) < DEFAULT_PRIORITY}

    def builtin_file_systems(self, replaced: Set[str]) -> Dict[str, Any]:
        self.spec.file_systems = [
            vmspec.FileSystem(mount_point=point, replace=True)
            for point in replaced if point.startswith("/")]
        resolved = resolve(self.spec, self.host)
        return {point: fields for point, fields
                in builtin.own_file_systems(resolved).items()
                if point not in replaced}

    # Images that NixOS builds, where the start script names them.

    def images(self, resolved: Any) -> None:
        spec, packages = self.spec, self.packages
        boot, efi = resolved.boot, resolved.efi
        if boot.loader and boot.default_file_systems \
                or efi.enable and efi.keep_variables:
            spec.disk = spec.disk or vmspec.Disk()
            spec.disk.system_image = packages["system-image"] + "/nixos.qcow2"
        if not resolved.store.image:
            return
        spec.store = spec.store or vmspec.Store()
        if resolved.store.writable:
            spec.store.base_image = \
                packages["nix-store-image"] + "/nixos.qcow2"
        else:
            spec.store.closure = \
                packages["store-closure-info"] + "/store-paths"

    # What is looked at.

    def look(self) -> Any:
        """Raises the first error that the module would come across, or returns
        the resolved description."""
        wrong = [(row, where, error) for row in types.rows(self.version)
                 for where, error in self.failed.get(row.path, ())]
        try:
            resolved = resolve(self.spec, self.host)
        except NixosError as problem:
            # What is left without them may make no sense.
            raise (wrong[0][2] if wrong else problem) from None
        # Resolved, the built-in ones are among the others.
        resolved.builtin_file_systems = self.spec.builtin_file_systems
        for row, where, error in wrong:
            if row.read(resolved, where):
                raise error
        self.result.failed = set(self.failed)
        return resolved


# ---- findings of NixOS's own -----------------------------------------------


def _old_names(definitions: Definitions) -> List[vmspec.Finding]:
    def defined(path: str) -> bool:
        return any(True for one in definitions.get(types.location(path), [])
                   for _ in discharge(one))

    found = []
    for path, target in types.RENAMED.items():
        if defined(path):
            found.append(vmspec.Finding(
                "warning", "nixos.renamed", f"virtualisation.{path}",
                f"this option is now called virtualisation.{target}"))
    for path, reason in types.REMOVED.items():
        if defined(path):
            found.append(vmspec.Finding(
                "error", "nixos.removed", f"virtualisation.{path}",
                f"this option is gone; {reason}"))
    return found


def _weakly_writable(converter: _Converter, resolved: Any,
                     ) -> List[vmspec.Finding]:
    """The library warns if nothing is said.  In NixOS, what is said weakly does
    not count as said either."""
    weak = converter.said("writableStore") and DEFAULT_PRIORITY \
        < converter.priority("writableStore") <= OPTION_DEFAULT
    if not (weak and resolved.store.writable and resolved.store.image):
        return []
    return [vmspec.Finding(
        "warning", "store.image-writable", "store.writable",
        "a store image is writable by a weak definition only; define it "
        "without mkDefault to say that this is meant, or turn it off")]


def convert(options: Any, config: Any = None, *, guest_system: str,
            host_system: Optional[str] = None, system_name: str = "nixos",
            version: str = "new",
            packages: Optional[Mapping[str, str]] = None) -> Conversion:
    """The description of a NixOS configuration's virtual machine.

    `options` is what is set below "virtualisation.", nested, with mkForce and
    its like as {"_type": "override", "priority": 50, "content": ...}.  `config`
    is what is set elsewhere.  `packages` are store paths by name.  Raises
    NixosError where NixOS would refuse; assertions that fail are findings of
    the description, or of the conversion."""
    host_system = host_system or guest_system
    arch, _ = split_system(guest_system)
    refuse(("virtualisation",), options)
    refuse((), config)
    definitions, unknown = collect(
        ("virtualisation",), types.option_tree(version), [options])
    if unknown:
        raise unknown[0]
    result = Conversion(version, host_system, types.Config(config or {}),
                        Packages(packages))
    converter = _Converter(result, definitions, host(host_system, packages))
    converter.plain()
    converter.nix(system_name, arch)
    converter.merged()
    resolved = converter.look()
    converter.images(resolved)
    result.findings = [*_old_names(definitions),
                       *_weakly_writable(converter, resolved)]
    return result
