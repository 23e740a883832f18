# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the module has NixOS build besides the guest: disk images, and the
package that starts the machine."""

from typing import Any, Dict

from .conversion import Conversion

_ROOT_LABEL, _STORE_LABEL = "nixos", "nix-store"


def _image(**different: Any) -> Dict[str, Any]:
    """Parameters of NixOS's image builder."""
    return {
        "additionalSpace": "0M",
        "copyChannel": False,
        "diskSize": "auto",
        "format": "qcow2",
        **different,
    }


def _system_image(resolved: Any) -> Dict[str, Any]:
    ours = resolved.boot.default_file_systems
    layout = "none"
    if ours:
        layout = "efi" if resolved.efi.enable else "legacy"
    return _image(
        label=_ROOT_LABEL, onlyNixStore=False, partitionTableType=layout,
        # On a disk that is divided otherwise nobody knows the place for it.
        installBootLoader=resolved.boot.loader and ours,
        touchEFIVars=resolved.efi.enable)


def _store_image(version: str) -> Dict[str, Any]:
    name = {"name": "nix-store-image"} if version == "new" else {}
    return _image(
        label=_STORE_LABEL, onlyNixStore=True, partitionTableType="none",
        installBootLoader=False, touchEFIVars=False, **name)


def images(machine: Conversion, resolved: Any) -> Dict[str, Any]:
    """The disk images that the machine of this resolved description starts
    from, with the parameters of NixOS's image builder: "system", with all that
    is installed, and "store"."""
    result = {}
    if resolved.disk.system_image:
        result["system"] = _system_image(resolved)
    if resolved.store.base_image:
        result["store"] = _store_image(machine.version)
    return result


def build(resolved: Any) -> Dict[str, str]:
    """Names in the package that starts the machine."""
    program = f"run-{resolved.name}-vm"
    return {"name": "nixos-vm", "script": "run-nixos-vm",
            "mainProgram": program, "link": f"$out/bin/{program}"}
