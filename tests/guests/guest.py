# SPDX-License-Identifier: LGPL-2.1-or-later
"""What tests of real guests share: a machine in a directory of its own, whose guest runs a script and writes a report.

A program that holds such tests has functions test_NAME (machine) with a sentence each, and ends with

    sys.exit(guest.main(globals(), needs=["swtpm"]))

The guest is the demo guest of tools/make-demo-guest, without hardware virtualisation: a few seconds a boot.  Tests run
two at a time.  Called with names, the program runs only these.

A test that cannot fail claims nothing.  Each says by @fails_with what would have to be wrong; with --prove it is run so,
and passes if it fails.
"""

import concurrent.futures
import os
import shutil
import subprocess
import sys
import tempfile
import time
import traceback
from pathlib import Path

SKIPPED = 77
SECONDS = 120               # a guest that takes longer hangs
NASTY = "a, b \"c\" 'd' $e,f"

source = Path(os.environ.get("VMSPEC_SRCDIR", Path(__file__).resolve().parents[2]))
build = Path(os.environ.get("VMSPEC_BUILDDIR", source / "build")).resolve()
program = Path(os.environ.get("VMSPEC_RUN", build / "vmspec-run")).resolve()
demo = build / "demo"
cache = build / "cache"     # of what takes long to make; stays between runs


class Wrong(Exception):
    """A test has failed, and why."""


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


def fails_with(*settings, environment=None):
    """The test has to fail when these settings (KEY=VALUE) or variables are added to whatever it starts."""
    def mark(test):
        test.sabotage = (settings, environment or {})
        return test
    return mark


class Machine:
    """A directory of its own, with a description, a run directory and what the guest is to do."""

    def __init__(self, scratch, sabotage=((), {})):
        self.scratch = scratch
        self.sabotage = [word for setting in sabotage[0] for word in ("--set", setting)]
        self.run = scratch / "run"
        self.xchg = self.run / "xchg"
        self.xchg.mkdir(parents=True)
        (scratch / "demo").mkdir()
        for name in ("vmlinux", "vmlinuz", "initrd.img"):
            (scratch / "demo" / name).symlink_to(demo / name)
        shutil.copyfile(demo / "disk.raw", scratch / "demo" / "disk.raw")
        self.environment = {"TMPDIR": str(self.run), "USE_TMPDIR": "1", "XDG_RUNTIME_DIR": str(scratch)}
        self.environment.update(sabotage[1])

    def describe(self, body="", params="", attributes='memory="256"', *, boot='kernel="demo/vmlinux"',
                 initrd="demo/initrd.img", disk='<disk image=""/>', name="machine.xml"):
        """Writes a description around these pieces of XML.  With a TPM the kernel is demo/vmlinuz: QEMU gives an
        unpacked one no usable ACPI tables then."""
        params = "".join(f"<kernel-param>{param}</kernel-param>" for param in params.split())
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

    def start(self, file, *arguments, options=()):
        """Arguments are QEMU's, after "--"; options are vmspec-run's."""
        (self.xchg / "report.txt").unlink(missing_ok=True)
        return subprocess.Popen([program, "--set", "qemu.accel=off", *options, *self.sabotage, file, *arguments], cwd=self.scratch,
                                env=os.environ | self.environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT)

    def end(self, process, status=0, seconds=SECONDS):
        """Waits for it, and returns what it printed."""
        try:
            output = process.communicate(timeout=seconds)[0].decode(errors="replace")
        except subprocess.TimeoutExpired:
            process.kill()
            raise Wrong("the machine does not end:\n" + process.communicate()[0].decode(errors="replace")) from None
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

    def nothing_left(self, directory):
        check(not self.processes(), f"processes left: {self.processes()}")
        left = sorted(os.listdir(directory))
        check(not left, f"left in {directory}: {left}")


def make_demo_guest():
    result = subprocess.run([source / "tools/make-demo-guest", demo], stderr=subprocess.PIPE, text=True, check=False)
    if result.returncode:
        print(result.stderr, end="")
    return result.returncode == 0


def _run(test, scratch, prove):
    start = time.monotonic()
    sabotage = getattr(test, "sabotage", None) if prove else ((), {})
    try:
        if sabotage is None:
            raise Wrong("nothing is known with which it fails")
        test(Machine(scratch, sabotage))
        wrong = "it passes with " + " ".join([*sabotage[0], *sabotage[1]]) if prove else None
    except Wrong as error:
        wrong = None if prove and sabotage else str(error)
    except Exception:  # one test must not hide the others
        wrong = traceback.format_exc()
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return wrong, time.monotonic() - start


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
    passed = failed = 0
    start = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="vg") as top, concurrent.futures.ThreadPoolExecutor(workers) as pool:
        futures = {}
        for name in wanted or tests:
            scratch = Path(top).resolve() / name
            scratch.mkdir()
            futures[pool.submit(_run, tests[name], scratch, prove)] = name
        for future in concurrent.futures.as_completed(futures):
            wrong, seconds = future.result()
            print(f"{'ok' if wrong is None else 'FAILED'} {futures[future]} ({seconds:.1f} s)"
                  + (f": {wrong}" if wrong else ""), flush=True)
            passed += wrong is None
            failed += wrong is not None
    print(f"{passed} passed, {failed} failed ({time.monotonic() - start:.0f} s)")
    return 1 if failed else 0
