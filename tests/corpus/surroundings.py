# SPDX-License-Identifier: LGPL-2.1-or-later
"""The machine on which a case was observed, as data for the library."""

import posixpath
from typing import Any, Dict, List, Mapping, Optional

import vmspec
from vmspec import nixos

DIRECTORY = "/run/vm"
RUN_NAME = "nix-vm"
KERNEL_PARAMS = "loglevel=4 net.ifnames=0\n"
# What a read-only store image holds.  Some agree in their first characters,
# which are all that is looked at.
STORE_PATHS = tuple("/nix/store/" + name for name in (
    "1a4vdkxq0ymy9pcjyxw6r2ncz3bf7bjs-linux-6.6.30",
    "1a4vdkxq0y8c2a3rgz0iqbxf1xk5l4hd-linux-6.6.30-modules",
    "1a4vdmm5i6w3kzbk2nl0wqr9d7j0xs4c-nixos-system-nixos",
    "7zqf9j0gkdc3zjv1xp4vq1fpsy2r8gzr-glibc-2.39-31",
    "7zqf9j0gk1sb5bk8rml1n33cmbn4ahqd-bash-5.2p26",
    "c5n0vwsbsqp2vxn5jhp2cln4z9jc3k0m-closure-info",
    "z3wkvpzgvgzyd1lfwh5kv4xvdg8hqz6b-systemd-255.4",
))
ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LC_ALL": "C"}

# Besides the directory that the machine is started in.
DIRECTORIES = ("/", "/tmp", "/var/tmp", "/srv", "/home/user", "/root", "/mnt",
               "/etc/ssl", "/nix/store", DIRECTORY)

_MOST_LINKS = 40  # as many as Linux follows


class Tree:
    """A file system's names: enough to follow symbolic links in."""

    def __init__(self, files: Mapping[str, Any]) -> None:
        self._entries: Dict[str, Any] = {}
        for path in DIRECTORIES:
            self._add_directory(path)
        for path, entry in files.items():
            path = posixpath.normpath(posixpath.join(DIRECTORY, path))
            self._add_directory(posixpath.dirname(path))
            if isinstance(entry, dict) and entry["type"] == "dir":
                self._add_directory(path)
            else:
                self._entries[path] = entry

    def _add_directory(self, path: str) -> None:
        while path not in self._entries:
            self._entries[path] = {"type": "dir"}
            path = posixpath.dirname(path)

    def exists(self, path: str) -> bool:
        return self.real_path(path) in self._entries

    def paths(self) -> List[str]:
        return list(self._entries)

    def real_path(self, path: str) -> str:
        """As readlink -f; of what does not exist, as far as that goes."""
        pending = [part for part in path.split("/") if part][::-1]
        real, links = "/", 0
        while pending:
            part = pending.pop()
            if part == "..":
                real = posixpath.dirname(real)
            elif part != ".":
                step = posixpath.join(real, part)
                entry = self._entries.get(step)
                if isinstance(entry, dict) and entry["type"] == "symlink" \
                        and links < _MOST_LINKS:
                    links += 1
                    target = entry["target"]
                    real = "/" if target.startswith("/") else real
                    pending += [p for p in target.split("/") if p][::-1]
                else:
                    real = step
        return real

    def look(self, path: str) -> vmspec.HostFile:
        """What the library's own look at the machine would say of a path."""
        real = self.real_path(path)
        entry = self._entries.get(real)
        kind: Any
        if isinstance(entry, str):
            kind = "file"
        elif entry is not None:
            kind = "directory"
        elif posixpath.dirname(real) in self._entries:
            kind = "absent"
        else:
            kind = "no-parent"
        return vmspec.HostFile(path=path, type=kind, real_path=real)


def _asked(environment: Mapping[str, str],
           resolved: Optional[Any]) -> List[str]:
    """The files whose places the machine depends on."""
    names = [environment.get(name) for name in
             ("NIX_DISK_IMAGE", "NIX_EFI_VARS", "NIX_SWTPM_DIR")]
    if resolved is not None:
        names += [resolved.disk.image, resolved.efi.state,
                  resolved.tpm.state_dir]
    # normpath would make ".." mean something else behind a symbolic link.
    return [_absolute(name) for name in names if name]


def _absolute(path: str) -> str:
    parts = [part for part in posixpath.join(DIRECTORY, path).split("/")
             if part not in ("", ".")]
    return "/" + "/".join(parts)


def host(case: Mapping[str, Any], resolved: Optional[Any] = None) -> Any:
    """The host of a case; with what a resolved description asks for."""
    tree = Tree(case["files"])
    paths = dict.fromkeys([*tree.paths(), *_asked(case["env"], resolved)])
    environment = {**ENVIRONMENT, **case["env"]}
    return nixos.host(
        case["host_system"], kernel_params=KERNEL_PARAMS,
        store_paths=STORE_PATHS,
        directory=DIRECTORY, run_name=RUN_NAME, kvm="usable", cpus=1,
        environment=[f"{name}={value}" for name, value
                     in environment.items()],
        arguments=list(case["args"]), firmware=[],
        files=[tree.look(path) for path in paths])
