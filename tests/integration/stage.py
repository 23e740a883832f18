# SPDX-License-Identifier: LGPL-2.1-or-later
"""Makes an argument vector runnable here: what it names exists, below a directory of the test's own.

Paths are moved by putting that directory before them.  It has no special characters, so that whatever was escaped stays
escaped, and whatever was not stays wrong.
"""

import os
import re
import shutil
import signal
import socket
import struct
import subprocess
import time
from pathlib import Path

# Where descriptions of goldens and of the corpus have their files.
ROOTS = ("srv", "nix", "fw", "home", "run/vm", "tmp", "opt", "var/tmp", "mnt", "etc/ssl", "root", "usr/share/qemu")

# Values of these options are not about files of this machine.
NOT_PATHS = ("-append", "-name", "-m", "-smp", "-cpu", "-global")

MEBIBYTE = 1 << 20

# Flash memories of the machines "virt" have one size only.
FLASH_SIZES = {"aarch64": 64 * MEBIBYTE, "arm": 64 * MEBIBYTE, "riscv64": 32 * MEBIBYTE}


class Failed(Exception):
    """What a machine needs cannot be made."""


def properties(option):
    """A QEMU option string taken apart by QEMU's rule: two commas are one, one ends the value.  What stands first
    without "=" has the key ""."""
    pairs = {}
    for i, pair in enumerate(split(option)):
        key, equals, value = pair.partition("=")
        if equals:
            pairs[key] = value
        elif i == 0:
            pairs[""] = pair
    return pairs


def split(option):
    pieces, piece, at = [], "", 0
    while at < len(option):
        if option[at] != ",":
            piece += option[at]
        elif option[at:at + 2] == ",,":
            piece += ","
            at += 1
        else:
            pieces.append(piece)
            piece = ""
        at += 1
    return [*pieces, piece]


def bzimage():
    """As little as QEMU needs to take a file for an x86 kernel; nothing runs it."""
    image = bytearray(16384)
    image[0x1F1] = 1                                    # sectors of set-up code after the first
    image[0x1FE:0x200] = b"\x55\xAA"
    image[0x202:0x206] = b"HdrS"
    struct.pack_into("<H", image, 0x206, 0x20C)         # version of the boot protocol
    image[0x211] = 1                                    # loaded high
    struct.pack_into("<I", image, 0x22C, 0x7FFFFFFF)    # highest address of the initial RAM disk
    return bytes(image)


def elf_ppc64():
    """The same for POWER: an ELF file with a few bytes to load."""
    header = struct.pack(">16sHHIQQQIHHHHHH", b"\x7fELF\2\2\1", 2, 21, 1, 0, 64, 0, 0, 64, 56, 1, 0, 0, 0)
    segment = struct.pack(">IIQQQQQQ", 1, 5, 120, 0, 0, 8, 8, 8)
    return header + segment + bytes(8)


class Ports:
    """Free ports of this machine in place of those that a description forwards from."""

    def __init__(self):
        self.moved = {}

    def free(self, kind):
        with socket.socket(socket.AF_INET, kind) as probe:
            probe.bind(("127.0.0.1", 0))
            return probe.getsockname()[1]

    def move(self, option):
        """A -netdev with other host ports, and with this machine's address in place of others'."""
        def moved(match):
            proto, said, port = match.groups()
            address = said
            kind = socket.SOCK_DGRAM if proto == "udp" else socket.SOCK_STREAM
            if address not in ("", "0.0.0.0") and not address.startswith("127."):
                address = "127.0.0.1"
            # QEMU finds a free one itself.
            other = self.free(kind) if int(port) else 0
            self.moved[proto, said, int(port)] = address, other
            return f"hostfwd={proto}:{address}:{other}-"
        return re.sub(r"hostfwd=(tcp|udp)?:([0-9.]*):([0-9]+)-", moved, option)


class Stage:
    """A directory for one machine."""

    def __init__(self, directory, templates, arch):
        self.directory, self.templates, self.arch = Path(directory), templates, arch
        self.ports = Ports()
        self._helpers = []
        roots = "|".join(sorted(ROOTS, key=len, reverse=True))
        self._root = re.compile(rf"(^|[=: '\"])(?!{re.escape(str(self.directory))})(?=/(?:{roots})(?:[/,]|$))")

    def moved(self, text):
        return self._root.sub(lambda m: m.group(1) + str(self.directory), text)

    def place(self, path):
        """Where a path of the description is here."""
        return self.moved(path)

    def move(self, argv):
        result = []
        for before, word in zip(["", *argv], argv):
            if before in NOT_PATHS or before == "-fw_cfg" and "file" not in properties(word):
                result.append(word)
            elif before in ("-netdev", "-nic"):
                result.append(self.ports.move(self.moved(word)))
            else:
                result.append(self.moved(word))
        return result

    # ---- making what is not there

    def make(self, argv):
        for flag, value in zip(argv, argv[1:]):
            if flag == "-virtfs":
                self._directory(properties(value).get("path"))
            elif flag == "-kernel":
                self._file(value, self.templates / ("kernel-ppc64" if self.arch == "ppc64" else "kernel"))
            elif flag in ("-initrd", "-bios"):
                self._file(value, self.templates / flag[1:])
            elif flag == "-fw_cfg":
                self._file(properties(value).get("file", os.devnull), self.templates / "initrd")
            elif flag == "-drive":
                self._drive(properties(value))
            elif flag == "-netdev":
                self._network(properties(value))
            elif flag == "-chardev" and properties(value).get("id") == "chrtpm":
                self._tpm(properties(value)["path"])

    def link(self, path, target):
        os.makedirs(os.path.dirname(path), exist_ok=True)
        os.symlink(target, path)

    def _directory(self, path):
        if path:
            os.makedirs(path, exist_ok=True)

    def _file(self, path, template):
        if not os.path.exists(path):
            os.makedirs(os.path.dirname(path), exist_ok=True)
            os.link(template, path)

    def _drive(self, drive):
        path = drive.get("file")
        if not path or not path.startswith("/") or os.path.exists(path):
            return
        os.makedirs(os.path.dirname(path), exist_ok=True)
        if drive.get("if") == "pflash":
            with open(path, "wb") as file:
                file.truncate(FLASH_SIZES.get(self.arch, 2 * MEBIBYTE))
            return
        kind = drive.get("format") or ("qcow2" if path.endswith(".qcow2") else "raw")
        shutil.copyfile(self.templates / kind, path)

    def _tpm(self, path):
        state = os.path.dirname(path)
        os.makedirs(state, exist_ok=True)
        self._helper(["swtpm", "socket", "--tpm2", "--tpmstate", "dir=.", "--ctrl", "type=unixio,path=socket", "-t"],
                     path, state)

    def _network(self, network):
        """A directory for sockets, or a switch."""
        for key in ("local.path", "addr.path"):
            self._directory(os.path.dirname(network.get(key, "")))
        if network[""] == "vde":
            self._directory(os.path.dirname(network["sock"]))
            self._helper(["vde_switch", "-s", network["sock"]], network["sock"] + "/ctl")

    def _helper(self, argv, socket_path, directory=None):
        """A program beside the machine that has this socket.  It ends with its standard input, if not before."""
        helper = subprocess.Popen(argv, cwd=directory, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                                  stderr=subprocess.DEVNULL)
        self._helpers.append(helper)
        end = time.monotonic() + 10
        while not os.path.exists(socket_path):
            if time.monotonic() > end or helper.poll() is not None:
                raise Failed(f"{argv[0]} does not start")
            time.sleep(0.002)

    def close(self):
        for helper in self._helpers:
            helper.send_signal(signal.SIGTERM)
            helper.communicate()


def make_templates(directory, formats):
    directory.mkdir()
    (directory / "kernel").write_bytes(bzimage())
    (directory / "kernel-ppc64").write_bytes(elf_ppc64())
    (directory / "initrd").write_bytes(b"\0" * 512)
    (directory / "bios").write_bytes(b"\0" * 65536)
    for kind in formats:
        subprocess.run(["qemu-img", "create", "-q", "-f", kind, directory / kind, "2M"], check=True)
    return directory
