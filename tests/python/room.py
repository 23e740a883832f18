# SPDX-License-Identifier: LGPL-2.1-or-later
"""A room in which code of the documentation runs: the files that it names are
there, QEMU is a stand-in that speaks QMP, and afterwards nothing may be left.

What would change this machine, or take minutes, is looked at instead: whether
the command is one that there is."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, Dict, List

TOP = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("VMSPEC_BUILDDIR", TOP / "build")).resolve()
LIBRARIES = BUILD / ".libs"
sys.path.insert(0, str(TOP / "tests"))
sys.path.insert(0, str(TOP / "tests" / "integration"))

import built  # noqa: E402  (needs the path above)
import stage  # noqa: E402

SECONDS = 120
CC = os.environ.get("CC", "cc").split()
STAND_IN = BUILD / "tests" / "integration" / "stand-in"
RUN = os.environ.get("VMSPEC_RUN", BUILD / "vmspec-run")
ARCHITECTURES = ("x86_64", "aarch64")

# Where documents say that files are.
ABSOLUTE = ("/home/me", "/boot", "/lib/modules")

# A minute of a document is a moment of a test.
MOMENTS = (("60 * 1000", "300"), ("10 * 1000", "5000"), ("wait(60)", "wait(0.3)"),
           ("grace=10", "grace=0.5"))

# Programs that documents call, and what is run in their place.
WRAPPERS = {
    # Machines in the foreground end by themselves.
    "vmspec-run": """
case " $* " in *" --daemonize "*) ;; *) export STAND_IN=brief ;; esac
test -d /nix/store || case " $* " in
  *" --check "*) ;; *machine.xml*) set -- --force "$@" ;; esac
exec "$REAL_RUN" "$@"
""",
    "nix-build": """
test "$1" = --no-out-link && shift
exec nix-instantiate --eval --strict "$@" > /dev/null
""",
    "pkg-config": """
exec "$REAL_PKG_CONFIG" --define-variable=libdir="$LIBRARIES" \\
  --define-variable=includedir="$TOP/include" "$@"
""",
    # A library that is not shared is only made when it is asked for; what it
    # is made of is always there.
    "cc": """
ln -sf "$LIBRARIES/libvmspec-internal.a" "$TMPDIR/libvmspec.a"
$CC -Wall -Wextra -Werror "$@" -L"$TMPDIR" -Wl,-rpath,"$LIBRARIES"
status=$?
rm "$TMPDIR/libvmspec.a"
exit $status
""",
    # Known to it, or to its usage.
    "bootstrap": """
test $# -eq 0 || "$TOP/bootstrap" help | grep -q "^  $1 "
""",
    "configure": """
for option; do
  "$TOP/configure" --help | grep -q -e "${option%%=*}" || exit
done
""",
    "pip": 'test "$1" = install && test -f "$TOP/$2/pyproject.toml"\n',
    "dpkg-buildpackage": 'test -x "$TOP/debian/rules"\n',
    "autoreconf": 'grep -q "autoreconf $*" "$TOP/bootstrap"\n',
    "make": 'exec "$REAL_MAKE" -n -C "$BUILD" "$@" > /dev/null\n',
}

# Stands in for nixpkgs: what a NixOS system and its packages are here.
NIXPKGS = """
{ configuration }:
let
  made = name: { type = "derivation"; outPath = "@ROOM@/nix/${name}"; };
  module = builtins.elemAt configuration.imports 1;
in
assert baseNameOf module == "qemu-vm.nix";
{
  config = {
    system.build.toplevel = made "system";
    virtualisation = {
      additionalPaths = [ (made "system") ];
      qemu.package = made "qemu";
    } // configuration.virtualisation;
  };
  pkgs = {
    closureInfo = { rootPaths }: made "closure-info";
    netcat = made "netcat";
  };
}
"""
NIX_FILES = ("system/kernel", "system/initrd", "system/init",
             "system/kernel-params", "closure-info/registration",
             "netcat/bin/nc")


class Room:
    def __init__(self, directory: Path) -> None:
        self.directory = directory
        for name in ("tmp", "bin", "home/me/src, second try", "home/me/src",
                     "boot", "root/etc", "esp/EFI", "runtime"):
            (directory / name).mkdir(parents=True)
        (directory / "runtime").chmod(0o700)
        (directory / "vmlinuz").write_bytes(stage.bzimage())
        (directory / "initrd.img").write_bytes(b"")
        (directory / "home/me/token").write_text("secret")
        (directory / "root/etc/hostname").write_text("demo\n")
        (directory / "esp/EFI/README").write_text("nothing\n")
        self.program("bootstrap", WRAPPERS["bootstrap"], ".")
        self.program("configure", WRAPPERS["configure"], ".")
        for name, text in WRAPPERS.items():
            self.program(name, text)
        for arch in ARCHITECTURES:
            (directory / "bin" / f"qemu-system-{arch}").symlink_to(
                STAND_IN)
        (directory / "bin" / "python3").symlink_to(sys.executable)

        self.fill_nix()

    def fill_nix(self) -> None:
        nixpkgs = self.directory / "nixpkgs" / "nixos"
        nixpkgs.mkdir(parents=True)
        (nixpkgs / "default.nix").write_text(
            NIXPKGS.replace("@ROOM@", str(self.directory)))
        module = nixpkgs / "modules" / "virtualisation" / "qemu-vm.nix"
        module.parent.mkdir(parents=True)
        module.write_text("{ }\n")
        (self.directory / "configuration.nix").write_text("{ }\n")
        for name in NIX_FILES:
            file = self.directory / "nix" / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text("")
        qemu = self.directory / "nix" / "qemu" / "bin" / "qemu-kvm"
        qemu.parent.mkdir(parents=True)
        qemu.symlink_to(STAND_IN)

    def program(self, name: str, text: str, where: str = "bin") -> None:
        file = self.directory / where / name
        file.write_text("#!/bin/sh\n" + text)
        file.chmod(0o755)

    def kernel_config(self, symbols: List[str]) -> None:
        (self.directory / "boot" / f"config-{os.uname().release}").write_text(
            "".join(f"CONFIG_{symbol}=y\n" for symbol in symbols))

    def here(self, text: str) -> str:
        """With the files and the moments of this room."""
        for name in ABSOLUTE:
            text = text.replace(name + "/", f"{self.directory}{name}/")
        for old, new in MOMENTS:
            text = text.replace(old, new)
        return text

    def environment(self, **more: str) -> Dict[str, str]:
        real = {f"REAL_{name.upper().replace('-', '_')}":
                shutil.which(name) or name for name in ("pkg-config", "make")}
        nix = {f"NIX_{name}": str(self.directory / "nix" / name.lower()) for
               name in ("STORE_DIR", "STATE_DIR", "LOG_DIR", "CONF_DIR")}
        return {**os.environ, **nix, "MALLOC_PERTURB_": "165",
                "NIX_PATH": f"nixpkgs={self.directory / 'nixpkgs'}", **built.environment(), **real,
                "PATH": f"{self.directory / 'bin'}:{os.environ['PATH']}",
                "TMPDIR": str(self.directory / "tmp"),
                "XDG_RUNTIME_DIR": str(self.directory / "runtime"),
                "PKG_CONFIG_PATH": str(BUILD / "pkgconfig"),
                "PYTHONPATH": str(TOP / "bindings" / "python"),
                "REAL_RUN": str(built.program(RUN)), "CC": " ".join(CC),
                "LIBRARIES": str(LIBRARIES), "TOP": str(TOP),
                "BUILD": str(BUILD), "LC_ALL": "C.UTF-8", **more}

    def run(self, command: Any, **more: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            command, cwd=self.directory, text=True, timeout=SECONDS,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, env=self.environment(**more), check=False)

    def compile(self, source: Path) -> "subprocess.CompletedProcess[str]":
        """By all that the header promises to C; the first of these makes the
        program."""
        standards = ("gnu11", "c99", "c11")
        for standard in standards:
            how = [] if standard == standards[0] else ["-fsyntax-only"]
            done = self.run(
                [*CC, f"-std={standard}", "-D_POSIX_C_SOURCE=200809L", "-Wall",
                 "-Wextra", "-Wshadow", "-Wpedantic", "-Werror", *how,
                 f"-I{TOP / 'include'}", source, "-o", source.with_suffix(""),
                 f"-L{LIBRARIES}", f"-Wl,-rpath,{LIBRARIES}", "-lvmspec"])
            if done.returncode:
                break
        return done
