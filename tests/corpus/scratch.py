# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a plan's steps make, made in earnest: in a directory that is the whole
file system of a child process, with the surroundings of the case."""

import ctypes
import json
import os
import posixpath
import shutil
import signal
import stat
import subprocess
import tempfile
from pathlib import Path
from typing import (Any, Callable, Dict, Iterator, List, Mapping, Optional,
                    Set, Tuple)

import surroundings
import vmspec
from script import Making

_MIB = 2 ** 20
_LONGEST = 60  # seconds, for one case

# ---- what all cases have ---------------------------------------------------


def _below(root: Path, path: str) -> Path:
    return root / path.lstrip("/")


def _write(path: Path, content: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)


def _add_small_file(root: Path, path: str) -> None:
    """A file of a package.  It holds its own path, so that a copy shows what
    it is a copy of."""
    if not _below(root, path).exists():
        _write(_below(root, path), path)


def _libraries(program: str) -> List[str]:
    """The shared libraries of a program, the loader among them."""
    told = subprocess.run(["ldd", program], check=True, text=True,
                          capture_output=True).stdout
    return [word for word in told.split() if word.startswith("/")]


def _add_program(root: Path, path: str) -> None:
    """The real program under the path that the machine has for it."""
    name = posixpath.basename(path)
    real = shutil.which(name, path=os.environ.get("PATH", "")
                        + ":/usr/sbin:/sbin:/usr/bin:/bin")
    if real is None:
        raise RuntimeError(f"{name} is not found, which makes store images")
    copies = {path: real, **{name: name for name in _libraries(real)}}
    for target, source in copies.items():
        _below(root, target).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, _below(root, target))


def _make_surroundings(root: Path) -> None:
    for directory in surroundings.DIRECTORIES:
        _below(root, directory).mkdir(parents=True, exist_ok=True)
    # All that a helper program asks of it is that it has nothing to read.
    _write(root / "dev" / "null", "")
    (root / "proc").mkdir()
    store = root / "nix" / "store"
    for package in ("system-image", "nix-store-image"):
        (store / package).mkdir()
        vmspec.create_image(vmspec.Image(
            file=store / package / "nixos.qcow2", size=_MIB), sync=False)
    _add_small_file(root, "/nix/store/system-image/efi-vars.fd")
    host = surroundings.host({"files": {}, "env": {}, "args": [],
                              "host_system": "x86_64-linux"})
    for program in host.programs:
        if program.name == "mkfs.erofs":  # the only one that is run
            _add_program(root, program.path)


def _all_paths(root: str) -> List[str]:
    """All that there is below a directory, what is in others first."""
    return [posixpath.join(directory, name)
            for directory, directories, files in os.walk(root, topdown=False)
            for name in (*files, *directories)]


def _place() -> Optional[str]:
    """In memory if there programs can be run, since files by the thousand come
    and go; else where temporary files are."""
    memory = "/dev/shm"
    if os.access(memory, os.W_OK | os.X_OK) \
            and not os.statvfs(memory).f_flag & os.ST_NOEXEC:
        return memory
    return None


class _Scratch:
    """The root directory of one case after the other.  It goes when Python
    ends."""

    def __init__(self) -> None:
        self._directory = tempfile.TemporaryDirectory(
            prefix="vmspec-corpus.", dir=_place())
        self.root = Path(self._directory.name)
        self.root.chmod(0o755)
        _make_surroundings(self.root)
        self._all_have = set(_all_paths(str(self.root)))

    def clean(self) -> None:
        """Removes what one case had besides."""
        for path in _all_paths(str(self.root)):
            if path not in self._all_have:
                if os.path.isdir(path) and not os.path.islink(path):
                    os.rmdir(path)
                else:
                    os.unlink(path)


_scratch: Optional[_Scratch] = None

# ---- the child's place -----------------------------------------------------

_libc = ctypes.CDLL(None, use_errno=True)
_CLONE_NEWNS, _CLONE_NEWUSER = 0x20000, 0x10000000
_MS_BIND, _MS_REC, _MS_PRIVATE = 1 << 12, 1 << 14, 1 << 18


def _must(result: int) -> None:
    if result != 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))


def _mount(source: bytes, target: bytes, flags: int) -> None:
    _must(_libc.mount(source, target, None, ctypes.c_ulong(flags), None))


def _get_namespaces() -> None:
    """One where mounts are this process's own, by a right of root; or together
    with one where this user is root."""
    if os.geteuid() == 0 and _libc.unshare(_CLONE_NEWNS) == 0:
        return
    contents = {"setgroups": "deny", "uid_map": f"0 {os.geteuid()} 1",
                "gid_map": f"0 {os.getegid()} 1"}
    _must(_libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNS))
    for name, content in contents.items():
        Path("/proc/self", name).write_text(content)


def _mount_point(path: Path) -> Path:
    """Not always "/": in another root directory that is no mount point."""
    return path if path.is_mount() else _mount_point(path.parent)


def _enter(root: Path) -> None:
    try:
        _get_namespaces()
        # Nobody else is to see what is mounted below it.
        _mount(b"none", os.fsencode(_mount_point(root)), _MS_PRIVATE)
        # mkfs.erofs is told of its output by a name in there.
        _mount(b"/proc", os.fsencode(root / "proc"), _MS_REC | _MS_BIND)
        os.chroot(root)
    except OSError as error:
        raise RuntimeError(
            "a case's files cannot be made in a root directory of their own, "
            "which takes root or user namespaces "
            f"(sysctl user.max_user_namespaces): {error}") from error
    os.chdir(surroundings.DIRECTORY)
    os.umask(0o022)


# ---- what one case has, made by the child ----------------------------------


def _store_files(resolved: Any) -> Iterator[str]:
    """Files of packages that may be copied."""
    for path in (resolved.efi.firmware, resolved.efi.variables):
        if path and path.startswith("/nix/store/"):
            yield path


def _add_files(files: Mapping[str, Any]) -> None:
    for path, entry in files.items():
        place = Path(surroundings.DIRECTORY, path)
        if isinstance(entry, str):
            _write(place, entry)
        elif entry["type"] == "dir":
            place.mkdir(parents=True, exist_ok=True)
        else:
            place.parent.mkdir(parents=True, exist_ok=True)
            place.symlink_to(entry["target"])


# ---- what is made ----------------------------------------------------------


def _look(path: str) -> Dict[str, str]:
    status = os.lstat(path)
    if stat.S_ISDIR(status.st_mode):
        return {"path": path, "type": "dir"}
    if not stat.S_ISREG(status.st_mode):
        return {"path": path, "type": "other"}
    result = {"path": path, "type": "file",
              "mode": f"{stat.S_IMODE(status.st_mode):04o}"}
    with open(path, "rb") as file:
        start = file.read(4096)
    if start.startswith(b"/nix/store/"):
        result["copy_of"] = os.fsdecode(start)
    return result


def _own_paths() -> Set[str]:
    """Without those of processes, which come and go."""
    return {path for name in os.listdir("/") if name != "proc"
            for path in (f"/{name}", *_all_paths(f"/{name}"))}


def _prepare(case: Mapping[str, Any], plan: Any) -> Tuple[List[str], bool]:
    """The ids of what was found, and whether it failed."""
    environment = {**surroundings.ENVIRONMENT, **case["env"]}
    try:
        findings = plan.prepare(sync=False, environment=environment)
    except vmspec.Error as error:
        return [f.id for f in error.findings] or [str(error)], True
    return [finding.id for finding in findings], False


def _make(case: Mapping[str, Any], plan: Any) -> Making:
    before = _own_paths()
    found, failed = _prepare(case, plan)
    return Making([_look(path) for path in sorted(_own_paths() - before)],
                  found, failed)


def _in_child(function: Callable[[], Any]) -> Any:
    """What a function returns, or raises, in a child process."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        signal.alarm(_LONGEST)
        try:
            answer = {"result": function()}
        except BaseException as error:
            answer = {"error": f"{type(error).__name__}: {error}"}
        with open(writer, "w", encoding="utf-8") as file:
            json.dump(answer, file)
        os._exit(0)
    os.close(writer)
    with open(reader, encoding="utf-8") as file:
        told = file.read()
    _, status = os.waitpid(child, 0)
    answer = json.loads(told) if told else {
        "error": f"the child ended with wait status {status}"}
    if "error" in answer:
        raise RuntimeError(answer["error"])
    return answer["result"]


# ---- all -------------------------------------------------------------------


def making(case: Mapping[str, Any], plan: Any, resolved: Any) -> Making:
    """What taking all of a plan's steps comes to, and leaves behind."""
    global _scratch
    if _scratch is None:
        _scratch = _Scratch()
    root = _scratch.root

    def make() -> Making:
        _enter(root)
        for path in _store_files(resolved):
            _add_small_file(Path("/"), path)
        _add_files(case["files"])
        return _make(case, plan)
    try:
        return Making(*_in_child(make))
    finally:
        _scratch.clean()
