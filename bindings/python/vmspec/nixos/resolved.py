# SPDX-License-Identifier: LGPL-2.1-or-later
"""From a resolved description back to NixOS's options."""

from typing import Any, Dict

from . import codec, types
from .conversion import Conversion
from .merge import NullOr

_ERROR = {"!error": True}


def _resolved_option(row: types.Row, resolved: Any) -> Any:
    member = codec.MEMBERS.get(row.path)
    if member is None:  # a group in one value
        prefix = row.path + "."
        return {path[len(prefix):]: codec.to_nix(path, inner.get(resolved))
                for path, inner in codec.MEMBERS.items()
                if path.startswith(prefix)}
    value = codec.to_nix(row.path, member.get(resolved))
    if value is None and not isinstance(row.type, NullOr):
        # Not even the library has one: it fails when it is looked at.
        return _ERROR
    return value


def resolved_options(resolved: Any, conversion: Conversion) -> Dict[str, Any]:
    """All options below "virtualisation." as NixOS would have them, from the
    resolved description: defaults filled in and definitions merged."""
    result: Dict[str, Any] = {}
    for row in types.rows(conversion.version):
        *groups, name = row.path.split(".")
        if row.path == "fileSystems":
            continue  # belongs to the guest's settings
        here = result
        for group in groups:
            here = here.setdefault(group, {})
        if row.path == "host.pkgs":
            here[name] = conversion.host_system
        elif row.path in conversion.failed:
            here[name] = _ERROR
        else:
            here[name] = _resolved_option(row, resolved)
    return _as_nix_says(result, conversion)


def _as_nix_says(result: Dict[str, Any], conversion: Conversion,
                 ) -> Dict[str, Any]:
    """Programs and files of packages as the packages themselves."""
    def package(group: Dict[str, Any], name: str, inside: str) -> None:
        if isinstance(group[name], str):
            group[name] = group[name].rpartition(inside)[0]

    package(result, "bios", "/bios.bin")
    if conversion.version == "new":
        package(result["tpm"], "package", "/bin/")
    elif "sharedDirectories" not in conversion.failed:
        for share in result["sharedDirectories"].values():
            del share["securityModel"]
    return result
