# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the module itself defines, as the library knows it: definitions to be
merged with the user's."""

from typing import Any, Dict, List

from . import codec


class Builtin(str):
    """Stands for a string of the module that only the library knows."""


OWN = Builtin()


def own_drives(resolved: Any) -> List[Any]:
    """In the module there are three definitions: root, store, empty disks."""
    drives = codec.to_nix("qemu.drives", resolved.drives)
    named = [[drive] for drive in drives if drive["name"] is not None]
    return [*named, [drive for drive in drives if drive["name"] is None]]


def own_options(resolved: Any, version: str) -> List[Any]:
    """As many definitions as the module has for this machine."""
    x86 = resolved.arch in ("x86_64", "i686")
    conditions = (
        resolved.qemu.virtio_keyboard, x86,
        resolved.arch in ("aarch64", "armv7l"), resolved.boot.direct,
        resolved.efi.enable, resolved.boot.bios is not None,
        not resolved.graphics, version == "new" and resolved.tpm.enable,
        version == "new" and x86 and resolved.efi.smm)
    return [[OWN] for condition in conditions if condition]


def own_shares(resolved: Any, version: str) -> List[Any]:
    shares = codec.to_nix("sharedDirectories", resolved.shares)
    if version == "old":
        for share in shares.values():
            del share["securityModel"]
    return [shares]


#: What a file system has that nobody defined.
FILE_SYSTEM_DEFAULTS = {"device": None, "fsType": "auto",
                        "options": ["defaults"], "neededForBoot": False,
                        "noCheck": False}


def _own_file_system(point: str, fields: Dict[str, Any]) -> Dict[str, Any]:
    said = {name: value for name, value in fields.items()
            if name in FILE_SYSTEM_DEFAULTS
            and value != FILE_SYSTEM_DEFAULTS[name]}
    if point == "/":
        # Its device is defined even if that is null.
        said["device"] = fields["device"]
    if point == "/nix/.rw-store":
        # The one tmpfs whose device the module leaves to the default.
        said.pop("device", None)
    return said


def own_file_systems(resolved: Any) -> Dict[str, Any]:
    return {point: _own_file_system(point, fields) for point, fields
            in codec.to_nix("fileSystems", resolved.file_systems).items()}
