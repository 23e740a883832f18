# SPDX-License-Identifier: LGPL-2.1-or-later
"""The code in the documentation: every piece of it, wherever it stands."""

import re
from pathlib import Path
from typing import Iterator, List, NamedTuple

TOP = Path(__file__).resolve().parents[2]


class Piece(NamedTuple):
    file: Path
    line: int
    language: str  # "" if nobody says which
    text: str

    def __str__(self) -> str:
        return f"{self.file.relative_to(TOP)}:{self.line}"


def markdown() -> List[Path]:
    return [TOP / "README.md", *sorted((TOP / "doc").glob("*.md"))]


def pages() -> List[Path]:
    """Manual pages as they are written: vmspec.xml(5) in its parts."""
    return sorted(path for path in (TOP / "doc").iterdir()
                  if re.search(r"\.([135]|[135]\.(head|tail))\Z", path.name))


def examples() -> List[Path]:
    return sorted((TOP / "doc" / "examples").iterdir())


def _of_markdown(file: Path) -> Iterator[Piece]:
    """What stands in fences; and what is only indented, which has no language,
    unless it goes on with an entry of a list."""
    fence, start, lines = "", 0, []
    before = ""
    for number, line in enumerate(file.read_text().split("\n"), 1):
        if fence:
            if line == "```":
                yield Piece(file, start, fence[3:],
                            "".join(each + "\n" for each in lines))
                fence, lines = "", []
            else:
                lines.append(line)
        elif line.startswith("```"):
            fence, start = line, number
        elif line.startswith("    ") and not before:
            yield Piece(file, number, "", line)
        if line.strip() or fence:
            before = line
        else:
            before = ""


def plain(roff: str) -> str:
    """Text of a manual page as it is read."""
    for old, new in ((r"\-", "-"), (r"\(aq", "'"), (r"\(dq", '"'),
                     (r"\&", ""), (r"\:", ""), (r"\%", ""), (r"\e", "\\")):
        roff = roff.replace(old, new)
    return re.sub(r"\\f[BIRP]", "", roff)


def _of_page(file: Path) -> Iterator[Piece]:
    r"""Lines that are not filled; a comment before them says what they are:
    .\" sh"""
    text = file.read_text()
    for match in re.finditer(r'^(?:\.\\" (\w+)\n)?\.nf\n(.*?)^\.fi$', text,
                             re.M | re.S):
        yield Piece(file, text.count("\n", 0, match.start(2)) + 1,
                    match[1] or "", plain(match[2]))


def pieces() -> Iterator[Piece]:
    for file in markdown():
        yield from _of_markdown(file)
    for file in pages():
        yield from _of_page(file)
