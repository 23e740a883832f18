# SPDX-License-Identifier: LGPL-2.1-or-later
"""Debian packages for this or another architecture or release, downloaded and unpacked but never installed.

    tree = packages.unpacked("busybox-static", arch="arm64")
    names = packages.closure("systemd", suite="trixie")         # with all that they depend on
    tree = packages.unpacked(*names, suite="trixie")

Architectures have Debian's names.  All is done by apt with a configuration, lists and a cache of its own below
cache/packages-SUITE-ARCHITECTURE in the build directory; where the mirror is and whose keys are trusted is what this
system's own apt sources say.  What is there is used again without a look at the network, and several programs at once
wait for each other.  A program that needs this ends as skipped where missing () says why it cannot work.
"""

import contextlib
import fcntl
import functools
import hashlib
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from guest import Wrong, cache, check

SECONDS = 600               # a download that takes longer hangs
PROGRAMS = ("apt-get", "dpkg", "dpkg-deb")
SUITES = {"stable", "oldstable", "testing", "unstable", "sid"}     # besides a release's own name

# What is large, and no virtual machine has a device for.
UNUSED = ("usr/share/doc", *(f"{lib}/modules/*/kernel/{name}" for lib in ("lib", "usr/lib") for name in (
    "sound", "drivers/media", "drivers/staging", "drivers/infiniband", "drivers/iio", "drivers/net/ethernet",
    "drivers/net/wireless", "drivers/gpu/drm/amd", "drivers/gpu/drm/i915", "drivers/gpu/drm/nouveau",
    "drivers/gpu/drm/radeon", "drivers/gpu/drm/xe", "drivers/crypto", "drivers/edac", "drivers/hwmon")))


# ---- What this system says -------------------------------------------------------------------------------------------

def _operating_system():
    """The fields of /etc/os-release."""
    with contextlib.suppress(OSError):
        lines = Path("/etc/os-release").read_text().splitlines()
        return {key: value.strip("\"'") for key, _, value in (line.partition("=") for line in lines)}
    return {}


def release():
    """The name of this system's release."""
    return _operating_system().get("VERSION_CODENAME", "sid")


def _stanzas(text):
    """The entries of a file of sources in the form of deb822, each a dictionary."""
    for stanza in re.split(r"\n\s*\n", re.sub(r"(?m)^#.*\n?", "", text)):
        fields = re.findall(r"(?m)^([\w-]+):((?:.*\n?)(?:[ \t]+.*\n?)*)", stanza)
        yield {name.lower(): value.strip() for name, value in fields}


def _lines(text):
    """The entries of a file with one source on a line, as such dictionaries."""
    for types, options, uri, suite, components in re.findall(
            r"(?m)^\s*(deb)\s+(?:\[([^]]*)\]\s*)?(\S+)\s+(\S+)\s+([^#\n]*)", text):
        fields = dict(option.split("=", 1) for option in options.split() if "=" in option)
        yield {"types": types, "uris": uri, "suites": suite, "components": components} | fields


def _sources():
    """All that this system's apt has."""
    for file in [Path("/etc/apt/sources.list"), *sorted(Path("/etc/apt/sources.list.d").glob("*"))]:
        if file.is_file() and file.suffix in (".list", ".sources"):
            text = file.read_text(errors="replace")
            yield from _stanzas(text) if file.suffix == ".sources" else _lines(text)


@functools.cache
def archive():
    """(URI, Signed-By) of the distribution's archive; None if no source names it."""
    names = SUITES | {release()}
    for source in _sources():
        said = {key: set(source.get(key, "").split()) for key in ("types", "suites", "components")}
        if (source.get("enabled", "yes").lower() not in ("no", "false", "0") and "deb" in said["types"]
                and names & said["suites"] and "main" in said["components"]):
            return source["uris"].split()[0], source.get("signed-by", "")
    return None


def missing():
    """What keeps packages from being downloaded here, or None."""
    for program in PROGRAMS:
        if not shutil.which(program):
            return f"needs {program}"
    if _operating_system().get("ID") != "debian":
        return "needs Debian's packages"
    if not archive():
        return "needs a source of the distribution's packages in /etc/apt"
    return None


@functools.cache
def native():
    """This machine's architecture."""
    return _run("dpkg", "--print-architecture").strip()


# ---- A private apt ---------------------------------------------------------------------------------------------------

def _run(*command, cwd=None):
    result = subprocess.run([*map(str, command)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, text=True, timeout=SECONDS, check=False, cwd=cwd)
    check(result.returncode == 0, f"{' '.join(map(str, command[:8]))} ended with status {result.returncode}:\n"
                                  f"{result.stdout}{result.stderr}")
    return result.stdout


class _Apt:
    """The lists of one release and architecture, and what was downloaded by them."""

    def __init__(self, suite, arch):
        self.suite = suite or release()
        self.arch = arch or native()
        self.top = cache / f"packages-{self.suite}-{self.arch}"
        self.debs = self.top / "debs"
        self.closures = self.top / "closures"
        self.trees = self.top / "trees"
        self.config = self.top / "apt.conf"
        self.listed = self.top / "listed"       # is there when the lists are

    @contextlib.contextmanager
    def lock(self):
        for directory in (self.debs, self.closures, self.trees):
            directory.mkdir(parents=True, exist_ok=True)
        with open(self.top / "lock", "w", encoding="ascii") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            for left in self.top.glob("new.*"):         # by a program that was killed
                shutil.rmtree(left)
            yield

    def scratch(self):
        return tempfile.TemporaryDirectory(prefix="new.", dir=self.top)

    def configure(self):
        uri, keys = archive()
        if "BEGIN PGP" in keys:                 # the keys themselves, with a dot for an empty line
            (self.top / "keys.asc").write_text(re.sub(r"(?m)^ ?\.?", "", keys) + "\n")
            keys = self.top / "keys.asc"
        (self.top / "sources.list").write_text(
            f"deb [arch={self.arch}{f' signed-by={keys}' if keys else ''}] {uri} {self.suite} main\n")
        for directory in ("lists/partial", "archives/partial"):
            (self.top / directory).mkdir(parents=True, exist_ok=True)
        (self.top / "status").touch()
        # Hooks and further architectures of this system are none of ours.
        self.config.write_text(f"""#clear APT::Architectures;
#clear APT::Update;
#clear DPkg;
APT::Architecture "{self.arch}";
APT::Architectures {{ "{self.arch}"; }};
APT::Sandbox::User "root";
APT::Install-Recommends "false";
Acquire::Languages "none";
Acquire::Retries "3";
Dir::State "{self.top}";
Dir::State::Lists "{self.top}/lists";
Dir::State::status "{self.top}/status";
Dir::Cache "{self.top}";
Dir::Cache::archives "{self.top}/archives";
Dir::Etc::SourceList "{self.top}/sources.list";
Dir::Etc::SourceParts "/dev/null";
Dir::Etc::Preferences "/dev/null";
Dir::Etc::PreferencesParts "/dev/null";
""")

    def update(self):
        """Fetches the lists.  What was downloaded by old ones need not fit, and goes; trees stay."""
        self.listed.unlink(missing_ok=True)
        for file in (*self.debs.iterdir(), *self.closures.iterdir()):
            file.unlink()
        self.configure()
        _run("apt-get", "-c", self.config, "-q", "--error-on=any", "update")
        self.listed.touch()

    def get(self, *command, cwd=None):
        """What apt-get prints.  Old lists may name what is gone, so a failure is one only with new ones."""
        if self.listed.exists():
            with contextlib.suppress(Wrong):
                return _run("apt-get", "-c", self.config, "-q", *command, cwd=cwd)
        self.update()
        return _run("apt-get", "-c", self.config, "-q", *command, cwd=cwd)

    def deb(self, name):
        return next(self.debs.glob(f"{name}_*.deb"), None)

    def download(self, names):
        # If the lists turn out to be old in the first round, all that was there before it goes.
        for _ in range(2):
            absent = [name for name in names if not self.deb(name)]
            if absent:
                with self.scratch() as scratch:
                    self.get("download", *absent, cwd=scratch)
                    for file in Path(scratch).glob("*.deb"):
                        file.rename(self.debs / file.name)


def _key(names):
    """A file name for a set of names."""
    text = ",".join(sorted(names))
    return text if len(text) < 100 else hashlib.sha256(text.encode()).hexdigest()[:32]


def closure(*names, suite=None, arch=None):
    """These packages and all that they depend on, as apt would install them on an empty system."""
    apt = _Apt(suite, arch)
    with apt.lock():
        file = apt.closures / _key(names)
        if not file.exists():
            said = apt.get("install", "--simulate", *names)
            found = sorted(set(re.findall(r"(?m)^Inst (\S+)", said)))
            new = file.with_suffix(".new")
            new.write_text("\n".join(found))
            new.rename(file)
        return file.read_text().split("\n")


def unpacked(*names, suite=None, arch=None):
    """A tree with what these packages hold, but for UNUSED; it is shared, and nobody writes to it."""
    apt = _Apt(suite, arch)
    tree = apt.trees / _key(names)
    with apt.lock():
        if not tree.exists():
            apt.download(names)
            with apt.scratch() as scratch:
                new = Path(scratch) / "tree"
                new.mkdir()
                for name in names:
                    _run("dpkg-deb", "-x", apt.deb(name), new)
                for pattern in UNUSED:
                    for path in new.glob(pattern):
                        shutil.rmtree(path)
                new.chmod(0o755)
                new.rename(tree)
            for name in names:
                apt.deb(name).unlink()
    return tree


def kernel(flavour, suite=None, arch=None):
    """The package that holds the kernel image of a flavour, such as "cloud-arm64"."""
    names = [name for name in closure(f"linux-image-{flavour}", suite=suite, arch=arch)
             if re.fullmatch(rf"linux-image-[0-9]\S*[.+-]\S*{re.escape(flavour)}", name)]
    check(len(names) == 1, f"kernels of {flavour}: {names}")
    return names[0]
