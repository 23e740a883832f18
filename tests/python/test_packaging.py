# SPDX-License-Identifier: LGPL-2.1-or-later
"""Claims about how the package gets to where Python finds it: by pip, without a
network, and by "make install"."""

import base64
import hashlib
import os
import re
import shutil
import site
import subprocess
import sys
import tempfile
import unittest
import zipfile
from pathlib import Path

import outcome

TOP = Path(__file__).resolve().parents[2]
BINDING = TOP / "bindings" / "python"
BUILD = Path(os.environ.get("VMSPEC_BUILDDIR", TOP / "build")).resolve()
LIBRARY = os.environ.get("VMSPEC_LIBRARY",
                         str(BUILD / ".libs" / "libvmspec.so.0"))

USE = """
import sys, vmspec, vmspec.nixos
assert vmspec.__file__.startswith(sys.prefix), vmspec.__file__
spec = vmspec.Spec(name="demo", boot=vmspec.Boot(kernel="/k"))
host = vmspec.Host(arch="x86_64", os="linux", kvm="absent", cpus=2,
                   directory="/", run_name="run", environment=[], files=[],
                   programs=[vmspec.HostProgram(name="qemu-system-x86_64",
                                                path="/usr/bin/qemu")],
                   firmware=[])
print(vmspec.Plan(spec, host).argv[0], vmspec.version)
"""


def package_files(top):
    """The package's files, by their names below its parent."""
    return {path.relative_to(top).as_posix()
            for path in (top / "vmspec").rglob("*")
            if path.is_file() and "__pycache__" not in path.parts}


def python_with_pip():
    for python in (sys.executable, "/usr/bin/python3"):
        if subprocess.run([python, "-m", "pip", "--version"], check=False,
                          stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL).returncode == 0:
            return python
    return None


class Case(unittest.TestCase):
    def setUp(self):
        directory = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, directory)
        self.directory = Path(directory)

    def run_python(self, python, *arguments, **environment):
        clean = {name: value for name, value in os.environ.items()
                 if name not in ("PYTHONPATH", "VMSPEC_LIBRARY")
                 and not name.startswith("PIP_")}
        done = subprocess.run(
            [python, *arguments], text=True, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, cwd=self.directory, check=False,
            env={**clean, "PIP_CONFIG_FILE": os.devnull, **environment})
        self.assertEqual(done.returncode, 0, done.stdout)
        return done.stdout


class Backend(Case):
    def build(self, source, what):
        """As pip does it: in a process that is where the sources are."""
        out = Path(tempfile.mkdtemp(dir=self.directory))
        name = subprocess.run(
            [sys.executable, "-c", "import build_backend, sys\n"
             f"print(build_backend.build_{what}(sys.argv[1]))", out],
            cwd=source, check=True, text=True, stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": "", "PYTHONDONTWRITEBYTECODE": "1"}
        ).stdout.strip()
        self.assertEqual(os.listdir(out), [name])
        return out / name

    def test_a_wheel_has_the_package_and_nothing_else(self):
        wheel = self.build(BINDING, "wheel")
        with zipfile.ZipFile(wheel) as archive:
            names = set(archive.namelist())
            about = {name for name in names if ".dist-info/" in name}
            self.assertEqual(names - about, package_files(BINDING))
            self.assertLessEqual({"vmspec/__init__.pyi", "vmspec/py.typed"},
                                 names)
            self.assertEqual({name.split("/")[1] for name in about},
                             {"METADATA", "RECORD", "WHEEL"})
            self.assertEqual({info.external_attr >> 16
                              for info in archive.infolist()}, {0o100644})
            info = about.pop().split("/")[0]
            lines = archive.read(f"{info}/RECORD").decode().splitlines()
            self.assertEqual({line.split(",")[0] for line in lines}, names)
            for line in lines:
                name, digest, size = line.split(",")
                if digest:
                    data = archive.read(name)
                    wanted = base64.urlsafe_b64encode(
                        hashlib.sha256(data).digest()).decode().rstrip("=")
                    self.assertEqual((digest, int(size)),
                                     (f"sha256={wanted}", len(data)))
                else:
                    self.assertEqual(name, f"{info}/RECORD")

    def test_the_same_sources_give_the_same_bytes(self):
        elsewhere = self.directory / "elsewhere"
        shutil.copytree(BINDING, elsewhere,
                        ignore=shutil.ignore_patterns("__pycache__"))
        for path in elsewhere.rglob("*"):
            os.utime(path, (1e9, 1e9))
            if path.is_file():
                path.chmod(0o600)
        for what in ("wheel", "sdist"):
            one, other = self.build(BINDING, what), self.build(elsewhere, what)
            self.assertEqual(one.name, other.name)
            self.assertEqual(one.read_bytes(), other.read_bytes(), what)

    def test_an_archive_of_the_sources_gives_the_same_wheel(self):
        archive = self.build(BINDING, "sdist")
        shutil.unpack_archive(archive, self.directory / "sources")
        source, = (self.directory / "sources").iterdir()
        self.assertEqual(self.build(source, "wheel").read_bytes(),
                         self.build(BINDING, "wheel").read_bytes())


class Pip(Case):
    def setUp(self):
        super().setUp()
        python = python_with_pip()
        if python is None:
            self.skipTest("pip is not there")
        self.run_python(python, "-m", "venv", "--without-pip",
                        "--system-site-packages", str(self.directory / "venv"))
        self.python = str(self.directory / "venv" / "bin" / "python")

    def pip(self, *arguments):
        return self.run_python(self.python, "-m", "pip",
                               "--disable-pip-version-check", *arguments)

    def installed(self):
        return {path for path in (self.directory / "venv").rglob("*")
                if "vmspec" in path.name}

    def test_it_installs_without_a_network_and_goes_again(self):
        self.pip("install", "--no-index", "--no-compile", str(BINDING))
        used, version = self.run_python(
            self.python, "-c", USE, VMSPEC_LIBRARY=LIBRARY).split()
        self.assertEqual(used, "/usr/bin/qemu")
        self.assertIn(f"\nVersion: {version}\n", self.pip("show", "vmspec"))
        self.assertTrue(self.installed())
        self.pip("uninstall", "-y", "vmspec")
        self.assertEqual(self.installed(), set())

        # And where it is, for those who change it.
        self.pip("install", "--no-index", "-e", str(BINDING))
        where = self.run_python(
            self.python, "-c", "import vmspec; print(vmspec.__file__)",
            VMSPEC_LIBRARY=LIBRARY).strip()
        self.assertEqual(where, str(BINDING / "vmspec" / "__init__.py"))
        self.pip("uninstall", "-y", "vmspec")
        self.assertEqual(self.installed(), set())


class Make(Case):
    def variable(self, name):
        makefile = (BUILD / "Makefile").read_text()
        return re.search(rf"^{name} = (.*)$", makefile, re.M).group(1)

    def test_everything_is_installed(self):
        make = shutil.which("make")
        if make is None or not (BUILD / "Makefile").exists():
            self.skipTest("there is no build")
        subprocess.run(
            [make, "-s", "-C", BUILD, "install-vmspecpyPYTHON",
             "install-dist_vmspecpyDATA", "install-vmspecnixosPYTHON",
             f"pythondir={self.directory / 'there'}"],
            check=True, stdout=subprocess.DEVNULL,
            env={**os.environ, "MAKEFLAGS": "", "PYTHONDONTWRITEBYTECODE": ""})
        self.assertEqual(package_files(self.directory / "there"),
                         package_files(BINDING))

    def place(self, python, prefix):
        return subprocess.run(
            [python, BINDING / "site-directory.py", prefix], check=True,
            text=True, stdout=subprocess.PIPE).stdout.strip()

    def test_it_goes_where_its_python_looks_if_there_is_a_place(self):
        place = self.place(sys.executable, sys.base_prefix)
        self.assertIn(place.replace("${prefix}", sys.base_prefix),
                      site.getsitepackages())
        self.assertEqual(self.place(sys.executable, "/nowhere/at/all"), "")
        if (BUILD / "Makefile").exists():
            place = self.place(self.variable("PYTHON"),
                                   self.variable("prefix"))
            if place:
                self.assertEqual(self.variable("pythondir"), place)

    @unittest.skipUnless(os.path.exists("/etc/debian_version")
                         and os.path.exists("/usr/bin/python3"),
                         "this is not Debian")
    def test_debian_has_its_own_places(self):
        for prefix, name in (("/usr", "python3/dist-packages"),
                             ("/usr/local", r"python3\.\d+/dist-packages")):
            said = self.place("/usr/bin/python3", prefix)
            self.assertRegex(said, rf"\A\$\{{prefix\}}/lib/{name}\Z")


if __name__ == "__main__":
    outcome.main()
