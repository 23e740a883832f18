# SPDX-License-Identifier: LGPL-2.1-or-later
"""What tests of real guests share: a machine in a directory of its own, whose guest runs a script and writes a report.

A program that holds such tests has functions test_NAME (machine) with a sentence each, and ends with

    sys.exit(guest.main(globals(), needs=["swtpm"]))

The guest is the demo guest of tools/make-demo-guest, without hardware virtualisation: a few seconds a boot.  Tests run
two at a time.  Called with names, the program runs only these.

A test that cannot fail claims nothing.  Each says by @fails_with what would have to be wrong; with --prove it is run
so, and passes if it fails.  The program then tells with which words, as it may have failed for another reason.
"""

import concurrent.futures
import dataclasses
import os
import shutil
import subprocess
import sys
import tempfile
import time
import traceback
import types
from pathlib import Path

SKIPPED = 77
SECONDS = 400               # a guest that takes longer hangs
NASTY = "a, b \"c\" 'd' $e,f"

source = Path(os.environ.get("VMSPEC_SRCDIR", Path(__file__).resolve().parents[2]))
build = Path(os.environ.get("VMSPEC_BUILDDIR", source / "build")).resolve()
program = Path(os.environ.get("VMSPEC_RUN", build / "vmspec-run")).resolve()
demo = build / "demo"
cache = build / "cache"     # of what takes long to make; stays between runs


class Wrong(Exception):
    """A test has failed, and why."""


class Hangs(Wrong):
    """A machine does not end, which proves nothing about what a test claims."""


def check(condition, what):
    if not condition:
        raise Wrong(what)


def contains(text, *wanted):
    for line in wanted:
        check(line in text, f"{line!r} is missing in:\n{text}")


def lacks(text, *unwanted):
    for line in unwanted:
        check(line not in text, f"{line!r} is in:\n{text}")


def run(*command, **how):
    """A program's output; Wrong with all it says if it fails."""
    result = subprocess.run([*map(str, command)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, timeout=SECONDS, check=False, **how)
    output = result.stdout.decode(errors="replace")
    check(result.returncode == 0, f"{command[0]} ended with status {result.returncode}:\n{output}")
    return output


def with_libraries(name):
    """A program of the host and what it is linked with, for Machine.initrd: it runs at the same path in a guest."""
    path = shutil.which(name)
    check(path, f"there is no {name}")
    linked = [word for word in run("ldd", path).split() if word.startswith("/")]
    check(linked, f"ldd names no libraries of {path}")
    return {file: Path(file) for file in (path, *linked)}


@dataclasses.dataclass(frozen=True)
class Sabotage:
    """What is wrong on purpose; nothing, by default."""
    settings: tuple = ()
    environment: dict = dataclasses.field(default_factory=dict)
    instead: dict = dataclasses.field(default_factory=dict)

    def __bool__(self):
        return bool(self.settings or self.environment or self.instead)

    def __str__(self):
        return " ".join([*self.settings, *(f"{name}={value}" for name, value in self.environment.items()),
                         *(f"another {name}" for name in self.instead)])

    def options(self):
        """vmspec-run's, which have to come after all others."""
        return [word for setting in self.settings for word in ("--set", setting)]

    def of(self, test):
        """The test with its own view of the module, as others run at the same time."""
        return types.FunctionType(test.__code__, {**test.__globals__, **self.instead}) if self.instead else test


def fails_with(*settings, environment=None, instead=None):
    """The test has to fail when these settings (KEY=VALUE) or variables are added to whatever it starts; or when it
    finds something else in the place of functions and constants that it names.  Each one that it is decorated with is
    tried by itself."""
    def mark(test):
        test.sabotages = [Sabotage(settings, environment or {}, instead or {}), *getattr(test, "sabotages", ())]
        return test
    return mark


class Machine:
    """A directory of its own, with a description, a run directory and what the guest is to do."""

    def __init__(self, scratch, sabotage=Sabotage()):
        """A test of several machines gives to each the sabotage of its own."""
        self.scratch = scratch
        self.sabotage = sabotage
        self.started = []
        self.run = scratch / "run"
        self.xchg = self.run / "xchg"
        self.xchg.mkdir(parents=True)
        (scratch / "demo").mkdir()
        for name in ("vmlinux", "vmlinuz", "initrd.img"):
            (scratch / "demo" / name).symlink_to(demo / name)
        shutil.copyfile(demo / "disk.raw", scratch / "demo" / "disk.raw")
        self.environment = {"TMPDIR": str(self.run), "USE_TMPDIR": "1", "XDG_RUNTIME_DIR": str(scratch)}

    @property
    def environment(self):
        """Variables of whatever is started, besides those of the test."""
        return self._environment

    @environment.setter
    def environment(self, variables):
        self._environment = variables | self.sabotage.environment

    def describe(self, body="", params="", attributes='memory="256"', *, boot='kernel="demo/vmlinux"',
                 initrd="demo/initrd.img", disk='<disk image=""/>', name="machine.xml"):
        """Writes a description around these pieces of XML.  With a TPM the kernel is demo/vmlinuz: QEMU gives an
        unpacked one no usable ACPI tables then."""
        # On a machine with much else to do, an emulated x86 guest may not see its timer in time, and panic.  A NixOS
        # system has parameters of its own, which any that are said replace.
        always = [] if "system=" in boot else ["no_timer_check"]
        params = "".join(f"<kernel-param>{param}</kernel-param>" for param in [*always, *params.split()])
        initrd = f'initrd="{initrd}"' if initrd else ""
        file = self.scratch / name
        file.write_text(f"""<vmspec xmlns="urn:vmspec:1" graphics="off" {attributes}>
  <boot {boot} {initrd}>{params}</boot>
  {disk}
  {body}
</vmspec>
""")
        return file

    def disk(self, name, content=b"", size=1 << 20):
        path = self.scratch / name
        path.parent.mkdir(exist_ok=True, parents=True)
        path.write_bytes(content.ljust(size, b"\0"))
        return path

    def initrd(self, files, name="initrd.img"):
        """The demo guest's, with further files: contents, or files of the host, by their paths in it.  Those that start
        with "#!" or are executable in the host can be executed."""
        tree = self.scratch / (name + ".tree")
        for path, content in files.items():
            to = tree / path.lstrip("/")
            to.parent.mkdir(parents=True, exist_ok=True)
            if isinstance(content, Path):
                shutil.copy(content, to)
                continue
            content = content.encode() if isinstance(content, str) else content
            to.write_bytes(content)
            to.chmod(0o755 if content.startswith(b"#!") else 0o644)
        packed = run("sh", "-c", 'find . | cpio --quiet -o -H newc -R 0:0 > "$0"', self.scratch / (name + ".more"),
                     cwd=tree)
        check(not packed, packed)
        with open(self.scratch / name, "wb") as file:
            # The kernel unpacks one archive after the other.
            file.write((demo / "initrd.img").read_bytes())
            file.write(bytes(-file.tell() % 4))
            file.write((self.scratch / (name + ".more")).read_bytes())
        return name

    def script(self, text):
        """What the guest runs when it is up."""
        file = self.xchg / "run"
        file.write_text("#!/bin/sh\n" + text)
        file.chmod(0o755)

    def ask(self, file, *options):
        """What vmspec-run prints of a description instead of starting it; warnings are not part of it."""
        result = subprocess.run([program, *options, *self.sabotage.options(), file], cwd=self.scratch, text=True,
                                env=os.environ | self.environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, timeout=SECONDS, check=False)
        check(result.returncode == 0, f"{options} ended with status {result.returncode}:\n{result.stderr}")
        return result.stdout

    def spec(self, file):
        """The description for what does not take --set, such as the Python binding."""
        if not self.sabotage.settings:
            return file
        changed = file.with_suffix(".sabotaged.xml")
        changed.write_text(self.ask(file, "--resolve"))
        return changed

    def start(self, file, *arguments, options=()):
        """Arguments are QEMU's, after "--"; options are vmspec-run's."""
        (self.xchg / "report.txt").unlink(missing_ok=True)
        command = [program, "--set", "qemu.accel=off", *options, *self.sabotage.options(), file, *arguments]
        process = subprocess.Popen(command, cwd=self.scratch, env=os.environ | self.environment,
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.started.append(process)
        return process

    def end(self, process, status=0, seconds=SECONDS):
        """Waits for it, and returns what it printed."""
        try:
            output = process.communicate(timeout=seconds)[0].decode(errors="replace")
        except subprocess.TimeoutExpired:
            process.kill()
            raise Hangs("the machine does not end:\n" + process.communicate()[0].decode(errors="replace")) from None
        check(process.returncode == status, f"exit status is {process.returncode}, not {status}:\n{output}")
        return output

    def boot(self, file, *arguments, status=0, options=()):
        return self.end(self.start(file, *arguments, options=options), status)

    def report(self):
        """The guest's, of its last boot; the script's output is part of it."""
        file = self.xchg / "report.txt"
        check(file.exists(), "the guest left no report")
        return file.read_text(errors="replace")

    def refused(self, file, *wanted, options=(), status=3):
        """It is not started, for the reason that these texts are part of."""
        output = self.boot(file, options=options, status=status)
        contains(output, *wanted)

    def processes(self):
        """Those whose command line names the directory."""
        found = []
        for entry in os.listdir("/proc"):
            try:
                command = Path("/proc", entry, "cmdline").read_bytes() if entry.isdigit() else b""
            except OSError:
                continue
            if os.fsencode(self.scratch) in command and int(entry) != os.getpid():
                found.append(command.replace(b"\0", b" ").decode(errors="replace"))
        return found

    def kill(self):
        """A test that fails may leave machines; vmspec-run takes QEMU with it."""
        for process in self.started:
            if process.poll() is None:
                process.kill()
                process.communicate()

    def nothing_left(self, directory):
        check(not self.processes(), f"processes left: {self.processes()}")
        left = sorted(os.listdir(directory))
        check(not left, f"left in {directory}: {left}")


def make_demo_guest():
    result = subprocess.run([source / "tools/make-demo-guest", demo], stderr=subprocess.PIPE, text=True, check=False)
    if result.returncode:
        print(result.stderr, end="")
    return result.returncode == 0


def _result(test, machine):
    """What the test raises, or None."""
    try:
        machine.sabotage.of(test)(machine)
    except Exception as error:  # one test must not hide the others
        return error
    finally:
        machine.kill()
    return None


def _describe(error):
    return str(error) if isinstance(error, Wrong) else "".join(traceback.format_exception(error))


def _proof(error, sabotage):
    """Whether a test that was to fail did so, and what there is to say of it."""
    if error is None:
        return False, f"it passes with {sabotage}"
    said = _describe(error)
    if not isinstance(error, Wrong) or isinstance(error, Hangs):
        return False, f"with {sabotage} it does not fail in order: {said}"
    if any(f"--set {setting}: error" in said for setting in sabotage.settings):
        return False, said
    return True, f"fails with {sabotage}: {' '.join(said.split())[:200]}"


def _run(test, scratch, sabotage):
    """Whether it passed, what there is to say, and the seconds."""
    start = time.monotonic()
    scratch.mkdir()
    try:
        error = _result(test, Machine(scratch, sabotage))
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    passed, said = _proof(error, sabotage) if sabotage else (error is None, _describe(error) if error else "")
    return passed, said, time.monotonic() - start


def _run_all(runs, workers):
    """Has tests run, each with a sabotage; whether all have passed."""
    passed = 0
    start = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="vg") as top, concurrent.futures.ThreadPoolExecutor(workers) as pool:
        futures = {}
        for number, (name, test, sabotage) in enumerate(runs):
            # Sockets are in it, whose names have to be short.
            scratch = Path(top).resolve() / (f"{name}{number}" if sabotage else name)
            futures[pool.submit(_run, test, scratch, sabotage)] = name
        for future in concurrent.futures.as_completed(futures):
            good, said, seconds = future.result()
            print(f"{'ok' if good else 'FAILED'} {futures[future]} ({seconds:.1f} s)" + (f": {said}" if said else ""),
                  flush=True)
            passed += good
    print(f"{passed} passed, {len(runs) - passed} failed ({time.monotonic() - start:.0f} s)")
    return passed == len(runs)


def main(names, needs=(), workers=2):
    """Runs a module's tests, or those that the command line names; the exit status."""
    wanted = [word for word in sys.argv[1:] if word != "--prove"]
    prove = "--prove" in sys.argv
    tests = {name[5:]: test for name, test in names.items() if name.startswith("test_")}
    for name in wanted:
        if name not in tests:
            print(f"there is no test {name!r}; there are: {', '.join(tests)}")
            return 2
    for needed in ("qemu-system-x86_64", "busybox", "cpio", *needs):
        if not shutil.which(needed, path=os.environ["PATH"] + ":/usr/sbin:/sbin"):
            print(f"needs {needed}")
            return SKIPPED
    if not make_demo_guest():
        print("there is no demo guest")
        return SKIPPED
    chosen = {name: tests[name] for name in wanted or tests}
    if not prove:
        return 0 if _run_all([(name, test, Sabotage()) for name, test in chosen.items()], workers) else 1
    unproven = [name for name, test in chosen.items() if not getattr(test, "sabotages", ())]
    if unproven:
        print(f"FAILED: nothing is known that these fail with: {', '.join(unproven)}")
    runs = [(name, test, sabotage) for name, test in chosen.items() for sabotage in getattr(test, "sabotages", ())]
    return 0 if _run_all(runs, workers) and not unproven else 1
