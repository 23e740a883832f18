# SPDX-License-Identifier: LGPL-2.1-or-later
"""Claims about the documentation besides its code: nothing is left out, tables
agree with what they are about, links lead somewhere, and manual pages have no
mistakes."""

import json
import os
import re
import shutil
import subprocess
import tempfile
import unittest
from fnmatch import fnmatch
from pathlib import Path
from typing import List, Tuple

import documents
import outcome
from documents import TOP
from vmspec.nixos import types

BUILD = Path(os.environ.get("VMSPEC_BUILDDIR", TOP / "build")).resolve()
RUN = os.environ.get("VMSPEC_RUN", BUILD / "vmspec-run")


def page(name: str) -> str:
    return (TOP / "doc" / name).read_text()


def rows(file: Path, first: str) -> List[List[str]]:
    """Of the table whose first heading starts so, without its headings."""
    lines = file.read_text().split("\n")
    start = next(i for i, line in enumerate(lines)
                 if line.startswith(f"| {first}"))
    found = []
    for line in lines[start + 2:]:
        if not line.startswith("|"):
            break
        found.append([cell.strip() for cell in line.strip("|").split("|")])
    return found


def sections(name: str) -> List[str]:
    return re.findall(r'^\.SH "?(.*?)"?$', page(name), re.M)


def words(text: str) -> str:
    """What is read, without how it looks."""
    return re.sub(r"\s+", " ", text.replace("`", "")).strip(" .")


def entries(name: str, section: str) -> List[Tuple[str, str]]:
    """The .TP entries of a section of a manual page."""
    text = re.search(rf"^\.SH {section}\n(.*?)^\.SH ", page(name), re.M | re.S)
    found = []
    for entry in re.split(r"^\.TP\n", text[1], flags=re.M)[1:]:
        lines = []
        for line in entry.split("\n"):
            macro = re.match(r"\.(\w+) +", line)
            if macro and len(macro[1]) == 2:  # two fonts, with nothing between
                parts = re.findall(r'"([^"]*)"|(\S+)', line[macro.end():])
                line = "".join(one or other for one, other in parts)
            elif macro:
                line = line[macro.end():].strip('"')
            lines.append(line)
        joined = re.sub(r" +([.,;])", r"\1", " ".join(lines[1:]))
        found.append((words(documents.plain(lines[0])),
                      words(documents.plain(joined))))
    return found


class Manual(unittest.TestCase):
    def pages(self) -> List[Path]:
        """As they are installed."""
        directory = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, directory)
        parts = ("vmspec.xml.5.head", "options.man.inc", "vmspec.xml.5.tail")
        (directory / "vmspec.xml.5").write_text("".join(map(page, parts)))
        for name in ("libvmspec.3", "vmspec-run.1"):
            shutil.copy(TOP / "doc" / name, directory)
        return sorted(directory.iterdir())

    def check(self, *command: str, **environment: str) -> None:
        if shutil.which(command[0]) is None:
            self.skipTest(f"there is no {command[0]}")
        for file in self.pages():
            done = subprocess.run(
                [*command, file], text=True, stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT, check=False,
                env={**os.environ, **environment})
            self.assertEqual((done.returncode, done.stdout), (0, ""))

    def test_mandoc_has_nothing_to_say(self):
        self.check("mandoc", "-Tlint")

    def test_groff_has_nothing_to_say(self):
        if shutil.which("groff") is None:
            self.skipTest("there is no groff")
        self.check("sh", "-c", 'man --warnings -E UTF-8 -l "$0" > /dev/null',
                   LC_ALL="C.UTF-8", MANWIDTH="80")

    def test_every_function_is_named(self):
        symbols = re.findall(r"^  (vmspec_\w+);",
                             (TOP / "lib" / "vmspec.sym").read_text(), re.M)
        self.assertGreater(len(symbols), 50)
        named = set(re.findall(r"^\.BR (vmspec_\w+) \(\)",
                               page("libvmspec.3"), re.M))
        self.assertEqual(named, set(symbols))

    def test_the_order_of_the_librarys_page(self):
        self.assertEqual(
            sections("libvmspec.3"),
            ["NAME", "SYNOPSIS", "EXAMPLE", "OWNERSHIP", "GROWTH", "ERRORS",
             "THREADS", "FUNCTIONS", "FILES", "SEE ALSO"])

    def test_what_the_tools_page_has(self):
        self.assertLessEqual(
            {"OPTIONS", "EXIT STATUS", "ENVIRONMENT", "FILES", "EXAMPLES"},
            set(sections("vmspec-run.1")))

    def test_every_option_of_the_tool_is_there(self):
        text = subprocess.run([RUN, "--help"], text=True, check=True,
                              stdout=subprocess.PIPE).stdout
        known = set(re.findall(r"^  (?:(-\w), |    )(--[\w-]+)", text, re.M))
        self.assertGreater(len(known), 25)
        tool = documents.plain(page("vmspec-run.1"))
        described = set(re.findall(
            r'^\.TP\n\.(?:B|BI|BR) (?:(-\w) " or " )?(--[\w-]+)', tool, re.M))
        self.assertEqual(described, known)

    def test_every_variable_of_the_environment_is_there(self):
        listed = re.search(r"^\.SH ENVIRONMENT\n(.*?)^\.SH ",
                           page("vmspec-run.1"), re.M | re.S)[1]
        for file in [*(TOP / "lib").glob("*.c"), *(TOP / "tools").glob("*.c")]:
            for name in re.findall(r'(?:environment_said \([^;]*?|getenv \()'
                                   r'"([A-Z][A-Z_]+)"', file.read_text()):
                self.assertIn(name, listed, file.name)


class Nixos(unittest.TestCase):
    """The rows about NixOS's module."""

    def options(self) -> List[List[str]]:
        return rows(TOP / "README.md", "NixOS: ")

    def test_every_option_has_a_row(self):
        named = [row[0] for row in self.options()]
        self.assertEqual(len(named), len(set(named)))
        of_set = {name.split(".*")[0] for name in named}
        wanted = {row.path for row in types.ROWS} | set(types.RENAMED) \
            | set(types.REMOVED)
        # An option that is a set has a row for each of its members.
        self.assertEqual({"resolution" if name.startswith("resolution.")
                          else name for name in of_set}, wanted)

    def test_members_of_entries_have_rows(self):
        named = {row[0] for row in self.options()}
        for path, kind in (("qemu.drives", types.DRIVE),
                           ("sharedDirectories", types.SHARE),
                           ("interfaces", types.INTERFACE)):
            for member in kind.options:
                self.assertIn(f"{path}.*.{member}", named)

    def test_observed_options_have_rows(self):
        """The corpus has every option of the module, resolved."""
        corpus = json.loads((TOP / "tests/corpus/new.json").read_text())
        named = {row[0].split(".*")[0] for row in self.options()}
        seen = set()

        def walk(value, path):
            if path in named or not isinstance(value, dict) or not value:
                seen.add(path)
                return
            for name, inner in value.items():
                walk(inner, f"{path}.{name}" if path else name)
        for case in corpus:
            walk(case["expect"].get("resolved") or {}, "")
        self.assertGreater(len(seen), 40)
        self.assertLessEqual(seen, named | {""})

    def test_packages_are_those_that_are_asked_for(self):
        source = "".join(file.read_text() for file in (
            TOP / "bindings" / "python" / "vmspec" / "nixos").glob("*.py"))
        written = next(piece.text for piece in documents.pieces()
                       if "toplevel" in piece.text)
        told = set(re.findall(r"^  ([\w-]+) = ",
                              written.partition("\nin\n")[2], re.M))
        for row in rows(TOP / "doc" / "nixos.md", "option | package"):
            told |= set(re.findall(r"`([\w-]+)`", row[1])) - {"closureInfo"}
        self.assertGreater(len(told), 8)
        for name in sorted(told):
            self.assertIn(f'"{name}"', source)

    def test_noted_options_have_rows(self):
        source = (TOP / "tools" / "generate-nixos.c").read_text()
        notes = re.findall(r'^  \{ "([\w.*]+)",', source, re.M)
        self.assertGreater(len(notes), 20)
        self.assertLessEqual(set(notes), {row[0] for row in self.options()})

    def test_pages_have_the_same_differences(self):
        """doc/nixos.md is where they are told; vmspec-run(1) has what is done
        here."""
        self.assertEqual(
            [(words(what), words(here)) for what, _, here, _, _ in
             rows(TOP / "doc" / "nixos.md", "what | the script")],
            entries("vmspec-run.1", "DIFFERENCES FROM THE START SCRIPT"))

    def test_differences_are_shown(self):
        """By a file, or by a test that is called so; and every rule by which the
        corpus is read is one."""
        units = "".join(file.read_text() for file in
                        (TOP / "tests" / "unit").glob("test-*.c"))
        text = (TOP / "tests/corpus/intended.py").read_text()
        rules = re.findall(r"\w+", re.search(r"^RULES.*= \(([^)]*)\)", text,
                                             re.M)[1])
        shown = set()
        for row in rows(TOP / "doc" / "nixos.md", "what | the script"):
            name = row[4].strip("`")
            shown.add(name)
            self.assertTrue(row[3], row[0])  # has a reason
            if "/" in name:
                self.assertTrue((TOP / name).exists(), name)
            elif name not in rules:
                self.assertIn(f"START_TEST ({name})", units)
        self.assertGreater(len(rules), 2)
        self.assertLessEqual(set(rules), shown)


class Rooms(unittest.TestCase):
    def test_every_file_of_the_library_has_a_room(self):
        names = []
        for room, _ in rows(TOP / "doc" / "design.md", "room | what"):
            for name in re.findall(r"`([^`]+)`", room):
                names.append(names[-1].split("-")[0] + name
                             if name.startswith("-") else name)
        files = [file.stem for file in (TOP / "lib").glob("*.c")]
        for file in files:
            self.assertTrue(any(fnmatch(file, name) for name in names), file)
        for name in names:
            self.assertTrue(any(fnmatch(file, name) for file in files), name)


class Options(unittest.TestCase):
    def test_every_option_of_configure_is_told(self):
        """What can be left out, with what needs it."""
        text = (TOP / "configure.ac").read_text()
        parts = dict(re.findall(r"^VMS_PART\(\[(\w+)\],\s*\[([^]]*)\]", text,
                                re.M))
        others = re.findall(r"\[--without-(\w+)\]", text)
        told = {row[0].strip("`"): row[1] for row in
                rows(TOP / "README.md", "option | leaves out")}
        self.assertEqual(set(told), {f"--without-{name}"
                                     for name in (*parts, *others)})
        for name, what in parts.items():
            self.assertIn(what, told[f"--without-{name}"])


class Links(unittest.TestCase):
    def test_links_lead_somewhere(self):
        for file in documents.markdown():
            links = re.findall(r"\]\(([^)#:]+)(?:#([^)]*))?\)",
                               file.read_text())
            for link, heading in links:
                target = file.parent / link
                self.assertTrue(target.exists(), f"{file.name}: {link}")
                if heading:
                    headings = re.findall(r"^#+ (.*)$", target.read_text(),
                                          re.M)
                    self.assertIn(heading, [
                        re.sub(r"[^\w -]", "", one.lower()).replace(" ", "-")
                        for one in headings])
            self.assertIsNone(re.search("@[A-Z]+@", file.read_text()))

    def test_every_document_is_linked(self):
        text = (TOP / "README.md").read_text()
        for file in (TOP / "doc").glob("*.md"):
            self.assertIn(f"](doc/{file.name})", text)

    def test_every_document_and_example_is_installed(self):
        text = (TOP / "doc" / "Makemodule.am").read_text()
        for file in [*(TOP / "doc").glob("*.md"), *documents.examples()]:
            self.assertIn(str(file.relative_to(TOP)), text)

    def test_every_test_of_a_guest_is_in_the_table(self):
        text = (TOP / "README.md").read_text()
        for file in sorted((TOP / "tests" / "guests").iterdir()):
            if file.is_file() and not file.suffix and os.access(file, os.X_OK):
                self.assertIn(f"](tests/guests/{file.name})", text)

    def test_the_number_of_observed_machines(self):
        number = sum(len(json.loads((TOP / "tests/corpus" / name).read_text()))
                     for name in ("new.json", "old.json"))
        for name in ("README.md", "doc/nixos.md"):
            self.assertIn(f"{number} ", (TOP / name).read_text(), name)

    def test_the_two_commands(self):
        text = (TOP / "README.md").read_text()
        for command in ("./bootstrap run", "./bootstrap check"):
            self.assertIn(command, text)


if __name__ == "__main__":
    outcome.main()
