# SPDX-License-Identifier: LGPL-2.1-or-later
"""Claims about the documentation: its examples compile, run, and do what is
said of them."""

import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("VMSPEC_BUILDDIR", TOP / "build")).resolve()
sys.path.insert(0, str(TOP / "bindings" / "python"))
sys.path.insert(0, str(TOP / "tests" / "integration"))

import stage  # noqa: E402  (needs the path above)
import vmspec  # noqa: E402

CC = os.environ.get("CC", "cc").split()
SECONDS = 60
QEMU = shutil.which(f"qemu-system-{platform.machine()}")


def readme(language):
    """Its pieces in a language."""
    return re.findall(rf"^```{language}\n(.*?)^```$",
                      (TOP / "README.md").read_text(), re.M | re.S)


def without_comment(source):
    return source[source.index("#include"):]


def manual():
    """The code of libvmspec(3)'s example."""
    text = (TOP / "doc" / "libvmspec.3").read_text()
    code = re.search(r"^\.SH EXAMPLE\n\.nf\n(.*?)^\.fi$", text, re.M | re.S)
    return code.group(1).replace(r"\-", "-").replace(r"\(aq", "'")


def replaced(text, *pairs):
    """So that a minute becomes a moment."""
    for old, new in pairs:
        if text.count(old) != 1:
            raise AssertionError(f"{old!r} is not there once")
        text = text.replace(old, new)
    return text


class Case(unittest.TestCase):
    def setUp(self):
        directory = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, directory)
        self.directory = Path(directory)
        (self.directory / "tmp").mkdir()
        (self.directory / "vmlinuz").write_bytes(stage.bzimage())
        (self.directory / "initrd.img").write_bytes(b"")

    def tearDown(self):
        self.assertEqual(os.listdir(self.directory / "tmp"), [])

    def environment(self, options):
        return {"PATH": os.environ["PATH"], "QEMU_OPTS": options,
                "TMPDIR": str(self.directory / "tmp")}

    def compile(self, code, *options):
        source = self.directory / "example.c"
        source.write_text(code)
        program = self.directory / "example"
        libraries = BUILD / ".libs"
        done = subprocess.run(
            [*CC, "-std=gnu11", "-Wall", "-Wextra", "-Wshadow", "-Werror",
             f"-I{TOP / 'include'}", source, "-o", program, f"-L{libraries}",
             f"-Wl,-rpath,{libraries}", "-lvmspec", *options],
            text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            check=False)
        self.assertEqual(done.returncode, 0, done.stdout)
        return program

    def run_machine(self, program, options):
        return subprocess.run(
            [program], cwd=self.directory, text=True, timeout=SECONDS,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, env=self.environment(options),
            check=False)


class C(Case):
    def test_the_program_of_the_readme_is_the_example(self):
        example = (TOP / "doc" / "examples" / "start.c").read_text()
        self.assertIn(without_comment(example), readme("c"))

    def test_the_other_pieces_compile(self):
        pieces = [piece for piece in readme("c") if "main (" not in piece]
        self.assertTrue(pieces)
        head = "#include <errno.h>\n#include <stdio.h>\n"
        begin = "int main (void) {\nvmspec_diag *diag = NULL;\n"
        for piece in pieces:
            include, code = piece.split("\n", 1)
            self.compile(head + include + begin.join(["\n", code])
                         + "return 0;\n}\n")
        self.compile(head + "#include <vmspec/vmspec.h>\nint main (void) {\n"
                     + manual() + "return 0;\n}\n")

    @unittest.skipUnless(QEMU and platform.machine() == "x86_64",
                         "there is no qemu-system-x86_64")
    def test_the_program_starts_waits_and_stops(self):
        example = (TOP / "doc" / "examples" / "start.c").read_text()
        program = self.compile(example)
        done = self.run_machine(program, "-version")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertIn("QEMU emulator", done.stdout)
        done = self.run_machine(program, "-device nonsense")
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr, r"(?s)nonsense.* \[qemu\.[a-z-]+\]\n")
        (self.directory / "vmlinuz").unlink()
        done = self.run_machine(program, "-version")
        self.assertEqual(done.returncode, 1)
        self.assertIn("vmlinuz", done.stderr)

    @unittest.skipUnless(QEMU and platform.machine() == "x86_64",
                         "there is no qemu-system-x86_64")
    def test_the_program_stops_what_does_not_end(self):
        example = (TOP / "doc" / "examples" / "start.c").read_text()
        program = self.compile(replaced(example, ("60 * 1000", "100"),
                                        ("10 * 1000", "500")))
        # KVM is not used even where it works.
        done = self.run_machine(program, "-S -machine accel=tcg")
        self.assertEqual((done.returncode, done.stderr), (0, ""))


class Python(Case):
    def pieces(self):
        """The machine that is started is one that does nothing."""
        spec = vmspec.Spec(
            name="demo", arch="x86_64", memory=64, graphics=False,
            boot=vmspec.Boot(direct=False), disk=vmspec.Disk(image=""),
            qemu=vmspec.Qemu(accel="off", options=["-S"]))
        for piece in readme("python"):
            if "start()" in piece:
                yield f"spec = vmspec.read_xml({vmspec.write_xml(spec)!r})\n"
                piece = replaced(piece, ("wait(60)", "wait(0.1)"),
                                 ("grace=10", "grace=0.5"))
            yield piece

    @unittest.skipUnless(shutil.which("qemu-system-x86_64"),
                         "there is no qemu-system-x86_64")
    def test_the_pieces_run(self):
        done = subprocess.run(
            [sys.executable, "-c", "".join(self.pieces())], text=True,
            cwd=self.directory, timeout=SECONDS, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False,
            env={**os.environ, **self.environment(""),
                 "PYTHONPATH": str(TOP / "bindings" / "python")})
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertRegex(done.stdout, r"\n\d+ tcg prelaunch\n0 \[\]\n")
        self.assertEqual(vmspec.image_info(
            self.directory / "data.qcow2").label, "data")


class Xml(Case):
    def test_the_description_is_one(self):
        for piece in readme("xml"):
            self.assertEqual(vmspec.read_xml(piece).name, "demo")


class Manual(unittest.TestCase):
    def test_pages_have_no_mistakes(self):
        man = shutil.which("man")
        if man is None or shutil.which("groff") is None:
            self.skipTest("man and groff are not there")
        for page in (TOP / "doc").glob("*.[135]"):
            done = subprocess.run(
                [man, "--warnings", "-E", "UTF-8", "-l", page], text=True,
                stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False,
                env={**os.environ, "LC_ALL": "C.UTF-8", "MANWIDTH": "80"})
            self.assertEqual((done.returncode, done.stderr), (0, ""), page)

    def test_every_function_of_machines_is_named(self):
        header = (TOP / "include" / "vmspec" / "vmspec.h").read_text()
        page = (TOP / "doc" / "libvmspec.3").read_text()
        functions = set(re.findall(r"\b(vmspec_vm_\w+|vmspec_clean) \(",
                                   header))
        self.assertGreater(len(functions), 15)
        for function in sorted(functions):
            self.assertIn(function, page)


class Links(unittest.TestCase):
    """What the README points at is there, and no test of a guest is left out
    of its table."""

    def test_links_lead_somewhere(self):
        text = (TOP / "README.md").read_text()
        links = re.findall(r"\]\(([^)#:]+)\)", text)
        self.assertGreater(len(links), 10)
        for link in links:
            self.assertTrue((TOP / link).exists(), link)
        self.assertIsNone(re.search("@[A-Z]+@", text))

    def test_every_test_of_a_guest_is_in_the_table(self):
        text = (TOP / "README.md").read_text()
        for file in sorted((TOP / "tests" / "guests").iterdir()):
            if file.is_file() and not file.suffix and os.access(file, os.X_OK):
                self.assertIn(f"](tests/guests/{file.name})", text)


if __name__ == "__main__":
    unittest.main()
