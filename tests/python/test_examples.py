# SPDX-License-Identifier: LGPL-2.1-or-later
"""Claims about the code in the documentation: all of it compiles, runs, and does
what is said of it.  A piece that nobody knows how to run is a failure."""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path
from typing import Any, Dict, Iterator, List, Tuple

import documents
import fragments
import outcome
from documents import TOP, Piece
from room import BUILD, RUN, Room

sys.path.insert(0, str(TOP / "bindings" / "python"))

import vmspec  # noqa: E402  (needs the path above)
from vmspec import nixos  # noqa: E402

# "text" is a picture, or what a program has printed.
LANGUAGES = ("c", "python", "xml", "sh", "nix", "json", "text")
PIECES = list(documents.pieces())
NIX = shutil.which("nix-instantiate")


def of(*languages: str) -> Iterator[Tuple[Path, List[Piece]]]:
    """Pieces in these languages, by their document."""
    for file in dict.fromkeys(piece.file for piece in PIECES):
        found = [piece for piece in PIECES
                 if piece.file == file and piece.language in languages]
        if found:
            yield file, found


def processes(directory: Path) -> List[str]:
    """Those that have something of the room's in their environment."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/environ"):
        try:
            if f"TMPDIR={directory}/".encode() in entry.read_bytes():
                found.append(entry.parent.name)
        except OSError:
            pass
    return found


class Case(unittest.TestCase):
    def setUp(self):
        if not (BUILD / "tests" / "integration" / "stand-in").exists():
            self.skipTest("what stands in for QEMU is not built")

    def make_room(self) -> Room:
        directory = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, directory)
        return Room(directory)

    def left_nothing(self, room: Room) -> None:
        for _ in range(100):  # a keeper ends after its caller
            if not processes(room.directory):
                break
            time.sleep(0.1)
        self.assertEqual(processes(room.directory), [])
        self.assertEqual(os.listdir(room.directory / "tmp"), [])

    def done(self, what, done: "subprocess.CompletedProcess[str]",
             status: int = 0) -> None:
        self.assertEqual(done.returncode, status,
                         f"{what}:\n{done.stdout}{done.stderr}")


class Every(Case):
    def test_piece_has_a_language(self):
        for piece in PIECES:
            if piece.language == "" and piece.file.name == "performance.md":
                continue  # figures, indented as a program has printed them
            self.assertIn(piece.language, LANGUAGES, piece)

    def test_document_is_looked_at(self):
        files = {piece.file.name for piece in PIECES}
        for name in ("README.md", "embedding.md", "nixos.md", "libvmspec.3",
                     "vmspec-run.1", "vmspec.xml.5.head"):
            self.assertIn(name, files)

    def test_text_is_no_code(self):
        for piece in PIECES:
            if piece.language == "text":
                self.assertNotRegex(
                    piece.text, r"(?m)^(#include|import |<vmspec|vmspec-run )",
                    str(piece))


class C(Case):
    def run_program(self, code: str, what, *arguments: str
                    ) -> "subprocess.CompletedProcess[str]":
        room = self.make_room()
        source = room.directory / "example.c"
        source.write_text(room.here(code))
        self.done(what, room.compile(source))
        log = room.directory / "log"
        done = room.run([room.directory / "example", *arguments],
                        STAND_IN="brief", LOG=str(log))
        self.done(what, done)
        if "vmspec_vm_start (" in code:
            self.assertIn("query-status", log.read_text() if log.exists()
                          else done.stdout + done.stderr, what)
        self.left_nothing(room)
        return done

    def test_pieces_run(self):
        """A whole program is one of doc/examples, where it is run."""
        programs = [file.read_text() for file in documents.examples()
                    if file.suffix == ".c"]
        for _, pieces in of("c"):
            for piece in pieces:
                with self.subTest(str(piece)):
                    if fragments.is_program(piece.text):
                        self.assertIn(piece.text,
                                      [code[code.index("#include"):]
                                       for code in programs])
                    else:
                        self.run_program(fragments.program(piece.text), piece)

    def test_examples_run(self):
        for file in documents.examples():
            if file.suffix == ".c":
                with self.subTest(file.name):
                    self.run_program(file.read_text(), file)


class Start(Case):
    """doc/examples/start.c, with QEMU itself."""

    def setUp(self):
        super().setUp()
        arch = os.uname().machine
        self.qemu = shutil.which(f"qemu-system-{arch}")
        if not self.qemu or arch != "x86_64":
            self.skipTest("there is no qemu-system-x86_64")
        self.room = self.make_room()
        qemu = self.room.directory / "bin" / f"qemu-system-{arch}"
        qemu.unlink()
        qemu.symlink_to(self.qemu)

    def start(self, options: str) -> "subprocess.CompletedProcess[str]":
        source = self.room.directory / "start.c"
        source.write_text(self.room.here(
            (TOP / "doc" / "examples" / "start.c").read_text()))
        self.done(source, self.room.compile(source))
        done = self.room.run([self.room.directory / "start"],
                             QEMU_OPTS=options)
        self.left_nothing(self.room)
        return done

    def test_it_starts_and_waits(self):
        done = self.start("-version")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertIn("QEMU emulator", done.stdout)

    def test_it_says_why_a_machine_failed(self):
        done = self.start("-device nonsense")
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr, r"(?s)nonsense.* \[qemu\.[a-z-]+\]\n")
        (self.room.directory / "vmlinuz").unlink()
        done = self.start("-version")
        self.assertEqual(done.returncode, 1)
        self.assertIn("vmlinuz", done.stderr)

    def test_it_stops_what_does_not_end(self):
        # KVM is not used even where it works.
        done = self.start("-S -machine accel=tcg")
        self.assertEqual((done.returncode, done.stderr), (0, ""))


# Code that runs a piece, after what came before it in the document.
SHELL = """
import subprocess
print({place!r}, flush=True)
subprocess.run(["bash", "-euo", "pipefail", "-c", {text!r}], check=True)
"""
PYTHON = """
print({place!r}, flush=True)
{text}
"""


class Documents(Case):
    def run_python(self, room: Room, code: str, what, **more: str) -> None:
        file = room.directory / "document.py"
        file.write_text(code)
        self.done(what, room.run([sys.executable, "-W", "error", file],
                                 **more))
        self.left_nothing(room)

    def test_shell_and_python_run(self):
        """In their order, so that one piece has what those before it have made
        and said."""
        for file, pieces in of("sh", "python"):
            with self.subTest(file.name):
                if file.name == "nixos.md" and not NIX:
                    self.skipTest("there is no nix-instantiate")
                room = self.make_room()
                for example in documents.examples():
                    if example.suffix != ".xml":
                        shutil.copy(example, room.directory)
                fill_for(room, file)
                self.run_python(room, "".join(
                    (SHELL if piece.language == "sh" else PYTHON).format(
                        place=str(piece), text=room.here(piece.text))
                    for piece in pieces), file)

    def test_examples_run(self):
        for file in documents.examples():
            if file.suffix == ".py":
                with self.subTest(file.name):
                    room = self.make_room()
                    self.run_python(room, room.here(file.read_text()), file,
                                    STAND_IN="brief")

    def test_help_runs(self):
        """The examples of vmspec-run --help."""
        text = subprocess.run([RUN, "--help"], text=True, check=True,
                              stdout=subprocess.PIPE).stdout
        lines = re.findall(r"^  (vmspec-run .*)$", text, re.M)
        self.assertGreater(len(lines), 10)
        description = re.search(r"<vmspec.*</vmspec>", text, re.S)
        room = self.make_room()
        fill(room, description[0])
        for line in lines:
            with self.subTest(line):
                self.done(line, room.run(["bash", "-euc", room.here(line)]))
        self.left_nothing(room)


def fill(room: Room, description: str) -> None:
    """The description as demo.xml, and a kernel's configuration for it."""
    description = room.here(description)
    (room.directory / "demo.xml").write_text(description)
    needs = vmspec.Plan(vmspec.read_xml(description)).guest.kernel_needs
    room.kernel_config([need.symbol for need in needs if need.symbol])


def fill_for(room: Room, file: Path) -> None:
    """What the document's code reads: its first description, or else the
    README's, and its files of JSON and Nix, which its text names."""
    by_file: Dict[Path, List[Piece]] = dict(of("xml"))
    fill(room, by_file.get(file, by_file[TOP / "README.md"])[0].text)
    for piece in PIECES:
        if piece.file == file and piece.language in ("json", "nix"):
            (room.directory / named(piece)).write_text(piece.text)


def named(piece: Piece) -> str:
    """The file that the paragraph before a piece names last."""
    before = piece.file.read_text().split("\n")[:piece.line - 1]
    found = re.findall(rf"`([\w.-]+\.{piece.language})`", "\n".join(before))
    if not found:
        raise AssertionError(f"{piece}: nobody says what this file is called")
    return found[-1]


class Xml(Case):
    def test_pieces_are_descriptions(self):
        for _, pieces in of("xml"):
            for piece in pieces:
                text = piece.text
                if not text.startswith("<vmspec"):
                    text = f'<vmspec xmlns="urn:vmspec:1">{text}</vmspec>'
                with self.subTest(str(piece)):
                    vmspec.read_xml(text)

    def test_examples_are_descriptions(self):
        for file in documents.examples():
            if file.suffix == ".xml":
                vmspec.read_xml(file)


class Json(Case):
    def test_pieces_are_json(self):
        for _, pieces in of("json"):
            for piece in pieces:
                with self.subTest(str(piece)):
                    json.loads(piece.text)


@unittest.skipUnless(NIX, "there is no nix-instantiate")
class Nix(Case):
    def test_pieces_are_nix(self):
        for _, pieces in of("nix"):
            for piece in pieces:
                with self.subTest(str(piece)):
                    room = self.make_room()
                    (room.directory / "piece.nix").write_text(piece.text)
                    self.done(piece, room.run([NIX, "--parse", "piece.nix"]))

    def test_the_guests_module_has_its_settings(self):
        machine = nixos.convert({}, guest_system="x86_64-linux")
        settings = nixos.guest(machine, nixos.host("x86_64-linux"))
        room = self.make_room()
        (room.directory / "guest.json").write_text(json.dumps(settings))
        for _, pieces in of("nix"):
            for piece in pieces:
                (room.directory / named(piece)).write_text(piece.text)
        done = room.run([NIX, "--eval", "--strict", "--json", "--expr",
                         "import ./guest.nix { lib.mkForce = x: x; }"])
        self.done("guest.nix", done)
        options = list(leaves(json.loads(done.stdout), settings))
        self.assertGreater(len(options), 7)
        for value, wanted in options:
            self.assertEqual(value, wanted)


def leaves(module: Any, settings: Any) -> Iterator[Tuple[Any, Any]]:
    """What a module says, and what the settings say of the same options."""
    for name, value in module.items():
        if isinstance(value, dict) and name != "fileSystems":
            yield from leaves(value, settings[name])
        else:
            yield value, settings[name]


if __name__ == "__main__":
    outcome.main()
