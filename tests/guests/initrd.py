# SPDX-License-Identifier: LGPL-2.1-or-later
"""Initial RAM disks, of any architecture: a statically linked busybox, a kernel's modules and a first program."""

import lzma
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from guest import check, run

PATH = os.environ["PATH"] + ":/usr/sbin:/sbin"
ENVIRONMENT = os.environ | {"PATH": PATH}
PROGRAMS = ("busybox", "cpio", "depmod", "modprobe")


def release(tree):
    """The release of the one kernel whose modules are in a tree; older packages have them in lib, newer in usr/lib."""
    found = [path.name for below in ("lib/modules", "usr/lib/modules") for path in sorted((tree / below).glob("*"))]
    check(found, f"there are no modules in {tree}")
    return found[0]


def _modules_of(tree):
    below = Path("lib/modules", release(tree))
    return tree / below if (tree / below).exists() else tree / "usr" / below


def _both_libs(top):
    """kmod looks in one of the two, as it was built."""
    (top / "lib/modules").mkdir(parents=True)
    (top / "usr/lib").mkdir(parents=True, exist_ok=True)
    (top / "usr/lib/modules").symlink_to("../../lib/modules")
    return top / "lib/modules"


def _indexed(tree, scratch):
    """A directory that looks like the tree with modprobe's indices; nothing is written to the tree itself."""
    to = _both_libs(scratch / "indexed") / release(tree)
    to.mkdir()
    for path in _modules_of(tree).iterdir():
        (to / path.name).symlink_to(path)
    run("depmod", "-b", scratch / "indexed", release(tree), env=ENVIRONMENT)
    return scratch / "indexed"


def _files(root, kernel, module):
    """The files to load for a module, in their order; none if it is built in or does not exist."""
    said = subprocess.run(["modprobe", "-d", root, "-S", kernel, "--show-depends", module], text=True, check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=ENVIRONMENT).stdout
    return [Path(words[1]) for words in map(str.split, said.splitlines()) if words[:1] == ["insmod"]]


def _copy(file, to):
    """A guest need not be able to undo all compressions."""
    to.parent.mkdir(parents=True, exist_ok=True)
    if file.suffix == ".xz":
        to.with_suffix("").write_bytes(lzma.decompress(file.read_bytes()))
    else:
        shutil.copyfile(file, to)
    if file.suffix == ".zst":
        run("zstd", "-qd", "--rm", to)


def add_modules(top, tree, modules):
    """Puts modules of a tree, and those that they need, below the directory top, with their indices."""
    kernel = release(tree)
    with tempfile.TemporaryDirectory() as scratch:
        indexed = _indexed(tree, Path(scratch))
        below = top / "lib/modules" / kernel
        below.mkdir(parents=True, exist_ok=True)
        for file in {file for module in modules for file in _files(indexed, kernel, module)}:
            name = str(file).split(f"/modules/{kernel}/", 1)[1]
            _copy(file, below / name)
        for file in _modules_of(tree).glob("modules.[ob]*"):
            if file.name in ("modules.order", "modules.builtin", "modules.builtin.modinfo"):
                shutil.copyfile(file, below / file.name)
    run("depmod", "-b", top, kernel, env=ENVIRONMENT)


def pack(top, file):
    said = run("sh", "-c", 'find . | cpio --quiet -o -H newc -R 0:0 | gzip -n -1 > "$0"', file, cwd=top)
    check(not said, said)


def make(file, busybox, tree, modules, init, more=None):
    """Packs an initial RAM disk; init and what is more are texts or files of the host."""
    with tempfile.TemporaryDirectory() as scratch:
        top = Path(scratch) / "root"
        _both_libs(top)
        for name in ("bin", "etc", "dev", "proc", "sys", "run", "tmp"):
            (top / name).mkdir()
        (top / "sbin").symlink_to("bin")
        shutil.copy(busybox, top / "bin/busybox")
        # The names are this machine's busybox's: another architecture's cannot be asked.
        for name in run("busybox", "--list").split():
            if name != "busybox":
                (top / "bin" / name).symlink_to("busybox")
        for name, content in {"init": init, **(more or {})}.items():
            if isinstance(content, Path):
                shutil.copy(content, top / name)
            else:
                (top / name).write_text(content)
            (top / name).chmod(0o755)
        add_modules(top, tree, modules)
        pack(top, file)
