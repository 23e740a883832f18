# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the proofs in "companions" share: a place for machines, and a look at what they leave."""

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
import uuid
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, Optional, Sequence, TypeVar

import vmspec

SECONDS = 60.0          # for what should take a moment
ROW_SECONDS = 150.0     # for a row
LIMIT = 2.0             # within which nothing is left, as it is promised
SLACK = 3.0             # for a busy machine
MARK = "COMPANIONS_MARK"
QUIET = ["-display", "none", "-monitor", "none", "-serial", "none"]
STATE = {"tpm2-00.permall", ".lock", "stdout"}      # what a TPM leaves on purpose

T = TypeVar("T")


class Skipped(Exception):
    """A program is not there."""


def need(*programs: str) -> None:
    for program in programs:
        if not shutil.which(program):
            raise Skipped(f"needs {program}")


def wait_until(condition: Callable[[], Optional[T]], what: str, seconds: float = SECONDS) -> T:
    end = time.monotonic() + seconds
    while True:
        found = condition()
        if found:
            return found
        if time.monotonic() > end:
            raise AssertionError(f"waited in vain: {what}")
        time.sleep(0.01)


def equal(found: object, expected: object, what: str) -> None:
    if found != expected:
        raise AssertionError(f"{what}: {found!r} instead of {expected!r}")


def finding(error: vmspec.Error, identity: str, path: str, *words: str) -> None:
    """It has been found, for this option and in these words."""
    for found in error.findings:
        if found.id == identity and found.path == path and all(word in found.text for word in words):
            return
    raise AssertionError(f"no {identity} of {path} with {words} in {[str(found) for found in error.findings]}")


class Place:
    """A directory, whose name has what option strings double, and what runs with its mark."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.mark = uuid.uuid4().hex
        self.temporary = directory / "tmp"
        self.bin = directory / "bin"
        self.state = directory / "state, of a TPM"
        for path in (self.temporary, self.bin):
            path.mkdir()

    def environment(self, more: Dict[str, str]) -> Dict[str, str]:
        return {"PATH": f"{self.bin}:{os.environ['PATH']}", "TMPDIR": str(self.temporary), "HOME": str(self.directory),
                "LC_ALL": "C", MARK: self.mark, **more}

    def plan(self, options: Sequence[str] = ("-S",), environment: Optional[Dict[str, str]] = None,
             network: Any = None, path: Optional[str] = None, **said: Any) -> vmspec.Plan:
        """Of a machine without disks or a network of its own."""
        spec = vmspec.Spec(memory=64, graphics=False, builtin_drives=False, network=network, **said,
                           qemu=vmspec.Qemu(accel="off", builtin_network=False, options=[*QUIET, *options]))
        variables = self.environment(environment or {})
        if path is not None:
            variables["PATH"] = path
        host = vmspec.host_detect(spec, vmspec.Host(
            environment=[f"{name}={value}" for name, value in variables.items()], directory=str(self.directory)))
        return vmspec.Plan(spec, host)

    def start(self, plan: vmspec.Plan, **how: Any) -> vmspec.VM:
        null = subprocess.DEVNULL
        return plan.start(stdin=null, stdout=null, stderr=null, ready_timeout=SECONDS,
                          keeper=os.environ.get("VMSPEC_KEEPER"), **how)

    def fails(self, plan: vmspec.Plan, error: Optional[int], **how: Any) -> vmspec.Error:
        try:
            with self.start(plan, **how):
                raise AssertionError("it runs")
        except vmspec.Error as raised:
            equal(raised.errno, error or raised.errno, str(raised))
            return raised

    def script(self, name: str, text: str) -> str:
        path = self.bin / name
        path.write_text(text.replace("@PYTHON@", sys.executable))
        path.chmod(0o755)
        return str(path)

    # ---- what is left

    def processes(self, word: str = "") -> Dict[int, List[str]]:
        """Those with the mark: their arguments, of which the first ends with a word."""
        found = {}
        for entry in Path("/proc").iterdir():
            try:
                marked = entry.name.isdigit() and self.mark.encode() in (entry / "environ").read_bytes()
                argv = (entry / "cmdline").read_bytes().decode().split("\0")[:-1] if marked else []
            except OSError:
                continue
            if argv and argv[0].endswith(word):
                found[int(entry.name)] = argv
        return found

    def nothing_left(self, lasting: Sequence[Path] = ()) -> None:
        """No process, no temporary file, no socket."""
        wait_until(lambda: not self.processes() and not os.listdir(self.temporary),
                   f"{self.processes()} or {os.listdir(self.temporary)} is left", LIMIT + SLACK)
        if self.state.exists():
            equal(set(os.listdir(self.state)) - STATE, set(), "left of the TPM")
        for path in lasting:
            if path.exists():
                raise AssertionError(f"{path} is left")


@contextlib.contextmanager
def places(names: Sequence[str]) -> Iterator[List[Path]]:
    with tempfile.TemporaryDirectory(prefix="vc") as top:
        directories = [Path(top).resolve() / f"{name}, x" for name in names]
        for directory in directories:
            directory.mkdir()
        yield directories
