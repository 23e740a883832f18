# SPDX-License-Identifier: LGPL-2.1-or-later
"""Systems, packages, and the host that a NixOS machine is started on."""

from typing import Any, Iterable, Mapping, Optional, Tuple

import vmspec

from .errors import NixosError

ARCHS = ("x86_64", "i686", "aarch64", "armv7l", "powerpc64", "powerpc64le",
         "riscv64", "riscv32", "s390x")


class Packages:
    """Store paths by the packages' names."""

    def __init__(self, paths: Optional[Mapping[str, str]] = None) -> None:
        self._paths = dict(paths or {})

    def __getitem__(self, name: str) -> str:
        return self._paths.get(name, f"/nix/store/{name}")

    @property
    def initrd(self) -> str:
        return self["initrd"] + "/initrd"


def split_system(system: str) -> Tuple[Any, Any]:
    """x86_64-linux: architecture and operating system."""
    arch, _, name = system.partition("-")
    if arch not in ARCHS or name not in ("linux", "darwin"):
        raise NixosError("unsupported", None, f"no such system: {system}")
    return arch, name


def host(host_system: str, packages: Optional[Mapping[str, str]] = None,
         kernel_params: str = "", store_paths: Iterable[str] = (),
         **said: Any) -> Any:
    """A Host that runs machines of NixOS: what the start script finds out about
    the system that it is for.  `store_paths` are what a read-only store image
    holds.  Further members may be said, and files added."""
    arch, name = split_system(host_system)
    paths = Packages(packages)
    said.setdefault("programs", [
        vmspec.HostProgram(name="mkfs.ext4",
                           path=paths["e2fsprogs"] + "/bin/mkfs.ext4"),
        vmspec.HostProgram(name="mkfs.erofs",
                           path=paths["erofs-utils"] + "/bin/mkfs.erofs"),
        vmspec.HostProgram(name="socat",
                           path=paths["socat"] + "/bin/socat"),
    ])
    files = [
        vmspec.HostFile(path=paths["system"] + "/kernel-params", type="file",
                        content=kernel_params),
        vmspec.HostFile(path=paths["system"] + "/initrd", type="file",
                        real_path=paths.initrd),
        vmspec.HostFile(
            path=paths["store-closure-info"] + "/store-paths", type="file",
            content="".join(path + "\n" for path in store_paths)),
    ]
    files += said.pop("files", [])
    return vmspec.Host(arch=arch, os=name, files=files, **said)
