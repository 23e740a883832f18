# SPDX-License-Identifier: LGPL-2.1-or-later
"""Where mutants are tested: a copy of the tree, its library and tests, and places to run these as other users.

A place has a library, its keeper and the programs in one directory, where they find each other whatever the
environment is.
"""

import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Dict, FrozenSet, Iterable, Iterator, List, NamedTuple, Tuple

LIBRARY = "libvmspec.so.0"
KEEPER = ("keeper-main", "keeper-child", "keeper-link", "clock", "descriptor", "leftover", "remove")
ONLY_KEEPER = ("keeper-main", "keeper-child")
COPIED = ("bindings", "doc", "include", "lib", "tests", "tools")
SCRIPTS = ("abi/generated.sh", "golden/run", "corpus/new.json", "corpus/old.json", "python/test_binding.py",
           "python/test_guest.py", "python/test_images.py", "python/test_machines.py")
GENERATE = ("generate*", "list", "options-table", "print")

LOOK_EVERY = 5          # seconds
MOST_KIB = 2 << 20      # that a test has on the disk at once

# Some calls of the library go by some of the tests, which let them fail.
WRAPPED = {"test-nomem": "-Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=free",
           "test-failing-calls": "-Wl,@tests/unit/failing-calls.wrap"}


class BuildError(Exception):
    pass


class Test(NamedTuple):
    name: str
    seconds: float
    distances: Dict[str, int]   # by how many calls, at least, it comes to a file of the library; of scripts not known


class Outcome(NamedTuple):
    failure: str    # "" if there is none
    seconds: float


def wrapped(program: str) -> str:
    """The key in WRAPPED, or \"\"."""
    return next((name for name in WRAPPED if program.startswith(name)), "")


def library_sources() -> List[str]:
    files = {*words("VMSPEC_SOURCES"), *(f"lib/{name}.c" for name in KEEPER)}
    return sorted(file for file in files if file.endswith(".c"))


def words(variable: str, default: str = "") -> List[str]:
    return shlex.split(os.environ.get(variable, default))


def run(command: Iterable[object], directory: Path) -> None:
    texts = [str(word) for word in command]
    result = subprocess.run(texts, cwd=directory, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if result.returncode:
        raise BuildError(f"{shlex.join(texts)}:\n{result.stdout}")


# ---- Building --------------------------------------------------------------------------------------------------------

class Build:
    """The whole library, and the programs linked with it."""

    def __init__(self, top: Path, pool: ThreadPoolExecutor):
        self.top = top
        for name in COPIED:
            shutil.copytree(Path(os.environ["VMSPEC_SRCDIR"], name), top / name, symlinks=True)
        shutil.copy(Path(os.environ["VMSPEC_SRCDIR"], "README.md"), top)
        self.compiler = words("CC", "cc")
        self.flags = [*words("VMSPEC_HARDENING_CFLAGS"), "-w", "-std=gnu11", "-D_GNU_SOURCE", "-fPIC", '-DWITHOUT=""',
                      *(f"-I{top / name}" for name in ("include", "lib", "tests/unit", "tests/thorough")),
                      *words("VMSPEC_DEFS"), *words("VMSPEC_CFLAGS")]
        self.libraries = words("VMSPEC_LIBS")
        self.unit_tests = [*words("VMSPEC_UNIT_TESTS"), "tests/abi/test-sizes"]
        self.programs, objects = top / "programs", top / "objects"
        self.programs.mkdir()
        objects.mkdir()
        compiled = pool.map(lambda file: compile_file(self, top, file, objects), library_sources())
        self.objects = {file.stem: file for file in compiled}
        self.link_library(self.objects, self.programs)
        list(pool.map(self.build_program, [*self.unit_tests, "vmspec-run", "generate"]))
        stand_in = top / "tests/integration/stand-in"
        run([*self.compiler, *self.flags, f"{stand_in}.c", "-o", stand_in], top)

    def link_library(self, objects: Dict[str, Path], into: Path, options: Iterable[str] = ()) -> None:
        run([*self.compiler, "-shared", f"-Wl,-soname,{LIBRARY}", *options,
             *(file for name, file in objects.items() if name not in ONLY_KEEPER), "-o", into / LIBRARY,
             *self.libraries], self.top)

    def link_keeper(self, objects: Dict[str, Path], into: Path) -> None:
        (into / "vmspec-0").mkdir(exist_ok=True)
        run([*self.compiler, *(objects[name] for name in KEEPER), "-o", into / "vmspec-0/vmspec-keeper"], self.top)

    def sources(self, program: str) -> List[Path]:
        tools = self.top / "tools"
        if program == "generate":
            return [file for name in GENERATE for file in tools.glob(f"{name}.c")]
        if program == "vmspec-run":
            return [file for file in tools.glob("*.c") if not file.name.startswith("generate")]
        return [self.top / f"{program}.c"]

    def build_program(self, name: str) -> None:
        wrap = WRAPPED.get(wrapped(Path(name).name))
        run([*self.compiler, *self.flags, "-rdynamic", "-Wl,-rpath,$ORIGIN", *([wrap] if wrap else []),
             *self.sources(name), "-o", self.programs / Path(name).name, self.programs / LIBRARY, *self.libraries],
            self.top)


def compile_file(build: Build, directory: Path, file: str, into: Path) -> Path:
    result = into / (Path(file).stem + ".o")
    run([*build.compiler, *build.flags, "-O2", "-c", file, "-o", result], directory)
    return result


# ---- Running ---------------------------------------------------------------------------------------------------------

def processes_of(user: int) -> List[int]:
    """But for those that have ended and wait to be asked how."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and entry.stat().st_uid == user:
                state = (entry / "stat").read_text().rpartition(")")[2].split()[0]
                found += [int(entry.name)] if state not in "ZX" else []
        except (FileNotFoundError, ProcessLookupError):
            pass
    return found


def free_users(count: int) -> List[int]:
    """Of a range that, by systemd's list, is nobody's; others if this program runs twice."""
    first = 60578 + os.getpid() % 60 * 10
    return [user for user in range(first, first + 10) if not processes_of(user)][:count]


def python_for(user: int) -> str:
    """This one may lie where only root can go."""
    for program in (sys.executable, "/usr/bin/python3"):
        try:
            subprocess.run([program, "-c", ""], user=user, group=user, extra_groups=[], check=True)
            return program
        except (OSError, subprocess.CalledProcessError):
            pass
    raise BuildError("there is no Python that everybody may run")


class Place:
    def __init__(self, build: Build, name: str, user: int):
        self.build, self.user = build, user
        self.directory = build.top / name
        self.home = self.directory / "home"
        self.said = self.directory / "said"     # by the last test
        for directory in (self.directory, self.home, *(self.directory / f"{name}.d" for name in WRAPPED)):
            directory.mkdir()
        os.chown(self.home, user, user)
        for program in build.programs.iterdir():
            if program.name != LIBRARY:
                os.link(program, self.path(program.name))
        # What stands in for QEMU lies where the build leaves it.
        (self.directory / "tests").symlink_to(build.top / "tests")
        self.python = python_for(user)
        self.objects: Dict[str, Path] = {}

    def path(self, program: str) -> Path:
        """Beside the library that it takes."""
        kind = wrapped(program)
        return self.directory / f"{kind}.d" / program if kind else self.directory / program

    def take(self, objects: Dict[str, Path], changed: str) -> None:
        keeper_is_old = changed in KEEPER or "keeper-main" not in self.objects or any(
            self.objects[name] != objects[name] for name in KEEPER)
        self.objects = objects
        self.build.link_library(objects, self.directory)
        if keeper_is_old:
            self.build.link_keeper(objects, self.directory)
        for name in WRAPPED:
            (self.path(name).parent / LIBRARY).unlink(missing_ok=True)

    def command(self, name: str) -> List[str]:
        if name.startswith("test-"):
            program = self.path(name)
            if not (program.parent / LIBRARY).exists():
                self.build.link_library(self.objects, program.parent, [WRAPPED[wrapped(name)]])
            return [str(program)]
        file = str(self.build.top / "tests" / name)
        return {".json": [self.python, str(self.build.top / "tests/corpus/run"), file], ".sh": ["sh", file]}.get(
            Path(file).suffix, [self.python, file])

    def environment(self) -> Dict[str, str]:
        own = {"VMSPEC_LIBRARY": self.directory / LIBRARY, "VMSPEC_RUN": self.directory / "vmspec-run",
               "VMSPEC_KEEPER": self.directory / "vmspec-0/vmspec-keeper", "VMSPEC_SRCDIR": self.build.top,
               "VMSPEC_BUILDDIR": self.directory, "PYTHONPATH": self.build.top / "bindings/python",
               "PYTHONDONTWRITEBYTECODE": 1, "HOME": self.home, "TMPDIR": "/tmp"}
        return {**os.environ, **{name: str(value) for name, value in own.items()}}

    def left(self) -> Iterator[Path]:
        """What tests have made."""
        for entry in [*Path("/tmp").iterdir(), *self.home.iterdir()]:
            try:
                if entry.lstat().st_uid == self.user:
                    yield entry
            except FileNotFoundError:
                pass

    def fills_the_disk(self) -> bool:
        """Images are large, but have holes."""
        listed = subprocess.run(["du", "-sk", "--", str(self.home), *map(str, self.left())], stdout=subprocess.PIPE,
                                stderr=subprocess.DEVNULL, text=True).stdout.splitlines()
        return sum(int(line.split()[0]) for line in listed) > MOST_KIB

    def how_it_ends(self, process: "subprocess.Popen[bytes]", until: float) -> str:
        """"" for well.  It is stopped where it takes too long, or too much."""
        while True:
            try:
                status = process.wait(LOOK_EVERY)
                return f"signal {-status}" if status < 0 else f"status {status}" if status else ""
            except subprocess.TimeoutExpired:
                failure = "hangs" if time.monotonic() > until else "fills the disk" if self.fills_the_disk() else ""
                if failure:
                    process.kill()
                    process.wait()
                    return failure

    def run(self, name: str, seconds: float) -> Outcome:
        """With limits that only a test that hangs will meet, if it takes that many seconds otherwise."""
        command = ["prlimit", f"--cpu={10 * seconds + 20:.0f}", "--core=0", *self.command(name)]
        began = time.monotonic()
        with self.said.open("wb") as said:
            process = subprocess.Popen(command, cwd=self.home, env=self.environment(), stdin=subprocess.DEVNULL,
                                       stdout=said, stderr=said, start_new_session=True, user=self.user,
                                       group=self.user, extra_groups=[])
        failure = self.how_it_ends(process, began + 10 * seconds + 60)
        self.clean_up()
        return Outcome(failure, time.monotonic() - began)

    def clean_up(self) -> None:
        """What tests leave when they fail."""
        while True:
            processes = processes_of(self.user)
            if not processes:
                break
            for pid in processes:
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
            time.sleep(0.01)
        # Tests make trees that are too deep for Python's functions.
        subprocess.run(["rm", "-rf", "--", *map(str, self.left())], check=True)


# ---- Before anything is broken ---------------------------------------------------------------------------------------

def symbols(file: Path, *options: str) -> FrozenSet[str]:
    listed = subprocess.run(["nm", "--format=posix", *options, str(file)], check=True, stdout=subprocess.PIPE, text=True)
    return frozenset(line.split()[0].partition("@")[0] for line in listed.stdout.splitlines())


def library_uses(build: Build) -> Tuple[Dict[str, str], Dict[str, FrozenSet[str]]]:
    """The file that defines a symbol, and the symbols that a file needs."""
    defined = {symbol: name for name, file in build.objects.items() for symbol in symbols(file, "-g", "--defined-only")}
    return defined, {name: symbols(file, "-u") for name, file in build.objects.items()}


def distances(build: Build, program: str, defined: Dict[str, str], needed: Dict[str, FrozenSet[str]]) -> Dict[str, int]:
    found: Dict[str, int] = {}
    reached = {defined[symbol] for symbol in symbols(build.programs / program, "-D", "-u") if symbol in defined}
    while reached:
        found.update(dict.fromkeys(reached, 1 + max(found.values(), default=0)))
        # The keeper is a program that the library starts.
        started = {"keeper-main"} if "keeper" in reached else set()
        reached = ({defined[symbol] for name in reached for symbol in needed[name] if symbol in defined} | started) \
            - set(found)
    return found


def measured_tests(build: Build, pool: ThreadPoolExecutor, places: List[Place]) -> List[Test]:
    """Each has to pass, in one of the places."""
    uses = library_uses(build)
    names = [Path(name).name for name in build.unit_tests]

    def measured(where: Place, all_names: List[str]) -> List[Test]:
        where.take(build.objects, "keeper-main")
        tests = []
        while all_names:
            name = all_names.pop()
            outcome = where.run(name, 60)
            if outcome.failure:     # for want of time, where other tests run beside it
                outcome = where.run(name, 60)
            if outcome.failure:
                raise BuildError(f"{name} fails with nothing broken: {outcome.failure}\n{where.said.read_text()}")
            tests.append(Test(name, outcome.seconds, distances(build, name, *uses) if name in names else {}))
        return tests

    left = [*names, *SCRIPTS]
    return [test for tests in pool.map(lambda where: measured(where, left), places) for test in tests]
