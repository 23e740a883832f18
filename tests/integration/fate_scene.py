# SPDX-License-Identifier: LGPL-2.1-or-later
"""A row of "fate": directories of its own, callers of the library, and what is left of them."""

import fcntl
import os
import shutil
import signal
import socket
import subprocess
import time
from errno import EIO
from pathlib import Path

SKIPPED = 77
LIMIT = 2                   # seconds: what is promised
SLACK = 2                   # of a machine that is busy
SECONDS = 60                # what takes longer hangs

source = Path(os.environ.get("VMSPEC_SRCDIR", Path(__file__).resolve().parents[2]))
build = Path(os.environ.get("VMSPEC_BUILDDIR", source / "build")).resolve()
programs = build / "tests/integration"
keeper_program = Path(os.environ.get("VMSPEC_KEEPER", build / "vmspec-keeper")).resolve()
search = os.environ.get("PATH", os.defpath) + ":/usr/sbin:/sbin"

STAND_INS = ("qemu", "swtpm", "swtpm_setup", "provision", "mkfs.erofs")
MACHINE = ("graphics=off", "disk.image=", "boot.direct=off", "qemu.accel=off", "builtin_shares=off", "memory=64",
           "start.input=null", "start.output=null", "start.error=null", "start.ready_timeout=60000")
# What is there for the next run, too.
LASTING = {"tpm2-00.permall", ".lock", "stdout"}


class Wrong(Exception):
    pass


class Skipped(Exception):
    pass


def only_with_tpm(row):
    row.only_with_tpm = True
    return row


def check(condition, what):
    if not condition:
        raise Wrong(what)


def equal(found, wanted, what):
    check(found == wanted, f"{what} is {found!r}, not {wanted!r}")


def real(name):
    path = shutil.which(name, path=search)
    if not path:
        raise Skipped(f"there is no {name}")
    return path


# ---- what there is ---------------------------------------------------------------------------------------------------


def read(*path):
    try:
        return Path(*path).read_bytes()
    except OSError:
        return b""


def processes():
    return [name for name in os.listdir("/proc") if name.isdigit()]


def state_of(pid):
    """What ps(1) calls so, and the parent."""
    fields = read("/proc", str(pid), "stat").rpartition(b")")[2].split()
    return (fields[0].decode(), int(fields[1])) if fields else ("", 0)


def comm(pid):
    return read("/proc", str(pid), "comm").decode(errors="replace").strip()


def wait_until(condition, what, seconds=SECONDS):
    end = time.monotonic() + seconds
    while not (result := condition()):
        check(time.monotonic() < end, what)
        time.sleep(0.005)
    return result


def can_lock(path):
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(fd)
    return True


# ---- a row's surroundings --------------------------------------------------------------------------------------------


class Answer:
    def __init__(self, text):
        first, *self.lines = text
        self.numbers = [int(word) for word in first.split()]
        self.result = self.numbers[-1]
        self.findings = [line.removeprefix("finding ") for line in self.lines if line.startswith("finding ")]

    def ids(self):
        return [finding.split()[0] for finding in self.findings]

    def __str__(self):
        return f"{self.numbers} {self.findings}"


class Caller:
    """A process that uses the library."""

    def __init__(self, scene, settings, environment=None, prefix=(), group=False):
        ours, theirs = socket.socketpair()
        ours.settimeout(SECONDS)
        self.process = subprocess.Popen(
            [*prefix, programs / "fate-caller", str(theirs.fileno()), f"name={scene.mark}", *settings],
            cwd=scene.directory, env=scene.environment | (environment or {}), pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, start_new_session=group)
        theirs.close()
        self.stream = ours.makefile("rw")
        ours.close()

    def ask(self, order):
        self.tell(order)
        return self.answer()

    def answer(self):
        lines = []
        while (line := self.stream.readline()) != ".\n":
            check(line, f"the caller ended with {self.process.poll()}")
            lines.append(line.rstrip("\n"))
        return Answer(lines)

    def tell(self, order):
        self.stream.write(order + "\n")
        self.stream.flush()

    def does(self, order, result=0):
        answer = self.ask(order)
        check(answer.result == result, f"{order!r} returns {answer.result}, not {result}: {answer.findings}")
        return answer

    def start(self):
        self.does("plan")
        answer = self.does("start")
        check(not answer.findings, f"started with {answer.findings}")
        return self.ask("pid").result

    def fails(self, result, finding):
        """A start that is refused, and leaves nothing from the very moment."""
        self.does("plan")
        answer = self.does("start", -result)
        check(finding in answer.ids(), f"no {finding} in {answer.findings}")
        return answer

    def ends(self, status, finding=None, text=""):
        answer = self.does(f"wait {1000 * (LIMIT + SLACK)}")
        equal(answer.numbers[0], status, "the status")
        self.explains(finding, text)

    def explains(self, finding, text=""):
        answer = self.does("explain", -EIO if finding else 0)
        if finding:
            check(finding in answer.ids() and text in "".join(answer.findings),
                  f"no {finding} with {text!r} in {answer.findings}")
        else:
            check(not answer.findings, f"findings: {answer.findings}")

    def kill(self):
        self.process.kill()
        self.gone()

    def gone(self):
        self.process.wait(SECONDS)
        self.stream.close()


class Scene:
    """Directories of its own, and a name that all processes of a row have about them."""

    def __init__(self, directory, mark, tpm):
        self.directory, self.mark, self.tpm = directory, mark, tpm
        self.tmp, self.state, self.bin = directory / "tmp", directory / "state", directory / "bin"
        for path in (self.tmp, self.state, self.bin):
            path.mkdir(parents=True)
        for name in STAND_INS:
            (self.bin / name).symlink_to(programs / "fate-child")
        self.report = directory / "report"
        self.environment = {"PATH": f"{self.bin}:{search}", "TMPDIR": str(self.tmp), "FATE_MARK": mark,
                            "VMSPEC_KEEPER": str(keeper_program)}
        self.settings = self.with_real
        self.others = set()

    # -- machines

    def with_tpm(self, program):
        return ["tpm.enable=on", f"tpm.swtpm={program}", f"tpm.state_dir={self.state}"] if self.tpm else []

    def with_real(self, swtpm=None):
        return [*MACHINE, f"qemu.binary={real('qemu-system-x86_64')}", "arch=x86_64", "qemu.options[]=-S",
                *self.with_tpm(swtpm or (real("swtpm") if self.tpm else ""))]

    def with_stand_ins(self, qemu=None, swtpm=None):
        return [*MACHINE, f"qemu.binary={qemu or self.bin / 'qemu'}", "arch=x86_64",
                *self.with_tpm(swtpm or self.bin / "swtpm")]

    def caller(self, settings=None, *more, **options):
        return Caller(self, [*(settings or self.settings()), *more], **options)

    def real_caller(self, *more, **options):
        self.settings = self.with_real
        return self.caller(None, *more, **options)

    def stand_in_caller(self, *more, **options):
        self.settings = self.with_stand_ins
        return self.caller(None, *more, **options)

    def script(self, name, text):
        file = self.directory / name
        file.write_text(text)
        file.chmod(0o755)
        return file

    # -- what is there

    def mine(self):
        """All processes of the row, grandchildren as well, but those that have ended."""
        mark = os.fsencode(self.mark)
        found = []
        for pid in processes():
            if int(pid) not in self.others and any(mark in read("/proc", pid, file) for file in ("cmdline", "environ")):
                found.append(int(pid))
        return found

    def keeper(self):
        """Of the one machine; for a moment, it has a copy of itself that looks for leftovers."""
        named = [pid for pid in self.mine() if comm(pid) == "vmspec-keeper"]
        found = [pid for pid in named if state_of(pid)[1] not in named]
        equal(len(found), 1, "the number of keepers")
        return found[0]

    def kill_keeper(self):
        keeper = self.keeper()
        os.kill(keeper, signal.SIGKILL)
        wait_until(lambda: state_of(keeper)[0] in ("Z", "X", ""), "the keeper does not end")

    def swtpm(self):
        keeper = self.keeper()
        return wait_until(lambda: next((pid for pid in self.mine() if comm(pid) == "swtpm"
                                        and state_of(pid)[1] == keeper), None), "swtpm does not run")

    def sockets(self):
        return [line for line in read("/proc/net/unix").decode(errors="replace").splitlines()
                if str(self.directory) in line]

    def remains(self):
        left = [f"process {pid} {comm(pid)}" for pid in self.mine()]
        left += [f"socket {line}" for line in self.sockets()]
        left += [f"{path}" for path in self.tmp.iterdir()]
        left += [f"{path}" for path in self.state.iterdir() if path.name not in LASTING]
        if not can_lock(self.state):
            left.append("lock of the state")
        return left

    def nothing_left(self, *callers):
        """But those of the row's own processes that live on."""
        self.others |= {caller.process.pid for caller in callers}
        end = time.monotonic() + LIMIT + SLACK
        while left := self.remains():
            check(time.monotonic() < end, f"left: {left}")
            time.sleep(0.01)

    def nothing_left_now(self, caller):
        """The library has said that it is so."""
        self.others.add(caller.process.pid)
        left = self.remains()
        check(not left, f"left: {left}")

    def end_all(self):
        """After a row that failed, or that has callers which live on."""
        self.others.clear()
        for pid in self.mine():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass

    def starts_again(self):
        """With what the row was about put right."""
        caller = self.caller()
        caller.start()
        if self.tpm and self.settings == self.with_real:
            wait_until(lambda: (self.state / "tpm2-00.permall").exists(), "swtpm has made no state")
        caller.does("free")
        self.nothing_left_now(caller)
        caller.tell("exit 0")
        caller.gone()
