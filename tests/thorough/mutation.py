# SPDX-License-Identifier: LGPL-2.1-or-later
"""What can be broken in a C file: conditions and constants, outside of comments, strings, static assertions, attributes
and the preprocessor's lines, but for what a macro without arguments stands for."""

import re
from pathlib import PurePath
from typing import Iterator, List, NamedTuple, Optional, Tuple

TOKEN = re.compile(r"""
    (?P<skipped> \s+ | //[^\n]* | /\*.*?\*/ | ^\#[ ]*define[ ]+\w+[ ] | ^[ \t]*\#(?:\\\n|/\*.*?\*/|[^\n])* )
  | (?P<text> "(?:\\.|[^"\\])*" | '(?:\\.|[^'\\])*' )
  | (?P<number> (?:0[xX][0-9a-fA-F]+|\d+)[uUlL]*(?![.\w]) )
  | (?P<name> [A-Za-z_]\w* )
  | (?P<operator> <<=|>>=|\.\.\.|->|\+\+|--|&&|\|\||[-+*/%&|^=!<>]=|<<|>>|. )
    """, re.VERBOSE | re.DOTALL | re.MULTILINE)

REPLACED = {"==": "!=", "!=": "==", "<": "<=", "<=": "<", ">": ">=", ">=": ">", "&&": "||", "||": "&&",
            "+": "-", "-": "+", "+=": "-=", "-=": "+="}
NOT_CODE = ("_Static_assert", "__attribute__", "_Alignas")


class Token(NamedTuple):
    kind: str
    text: str
    start: int


class Lines(NamedTuple):
    file: str
    whole: str
    broken: str


class Mutation(NamedTuple):
    file: str
    line: int
    start: int
    end: int
    old: str
    new: str

    @property
    def stem(self) -> str:
        return PurePath(self.file).stem

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {' '.join(self.old.split())} -> {' '.join(self.new.split())}"

    def apply(self, source: str) -> str:
        return source[:self.start] + self.new + source[self.end:]

    def lines(self, source: str) -> Lines:
        """As they are and as they become."""
        first, end = source.rfind("\n", 0, self.start) + 1, source.find("\n", self.end)
        whole, broken = source[first:end], source[first:self.start] + self.new + source[self.end:end]
        return Lines(self.file, " ".join(whole.split()), " ".join(broken.split()))


def tokens(source: str) -> List[Token]:
    found = (Token(match.lastgroup or "", match.group(), match.start()) for match in TOKEN.finditer(source))
    return [token for token in found if token.kind != "skipped"]


def closing(code: List[Token], opening: int) -> int:
    """The index of the parenthesis that ends what begins at index opening."""
    depth = 0
    for at in range(opening, len(code)):
        depth += {"(": 1, ")": -1}.get(code[at].text, 0)
        if depth == 0:
            return at
    return len(code) - 1


def is_binary(code: List[Token], at: int) -> bool:
    before = code[at - 1]
    return before.kind in ("number", "text") or before.text in (")", "]") or (
        before.kind == "name" and before.text not in ("return", "case", "sizeof"))


def numbers_beside(text: str) -> Iterator[str]:
    """One less and one more; but 0 and 1, which mostly are truth values, become each other."""
    digits = text.rstrip("uUlL")
    suffix = text[len(digits):]
    octal = re.fullmatch("0[0-7]+", digits)
    value = int(digits, 8) if octal else int(digits, 0)
    for other in (1 - value,) if value < 2 else (value - 1, value + 1):
        yield (f"0{other:o}" if octal else f"{other:#x}" if digits[:2] in ("0x", "0X") else str(other)) + suffix


def condition_of(code: List[Token], at: int) -> Optional[Tuple[Token, Token]]:
    """The first and the last token of what an if, a while or a for depends on, or None."""
    first, last = at + 2, closing(code, at + 1) - 1
    if code[at].text == "for":
        ends = [i for i in range(first, last + 1) if code[i].text == ";"]
        first, last = ends[0] + 1, ends[1] - 1
    return (code[first], code[last]) if first <= last else None


def mutations(file: str, source: str) -> Iterator[Mutation]:
    """All of them, in the order of the source."""
    code = tokens(source)
    skip_to = 0

    def replace(first: Token, last: Token, new: str) -> Mutation:
        end = last.start + len(last.text)
        return Mutation(file, source.count("\n", 0, first.start) + 1, first.start, end, source[first.start:end], new)

    for at, token in enumerate(code):
        if at < skip_to:
            continue
        if token.text in NOT_CODE:
            skip_to = closing(code, at + 1) + 1
        elif token.kind == "number":
            for new in numbers_beside(token.text):
                yield replace(token, token, new)
            if token.text == "0" and code[at - 1].text == "return":
                yield replace(token, token, "-EIO")
        elif token.text in ("if", "while", "for"):
            condition = condition_of(code, at)
            if condition:
                first, last = condition
                yield replace(first, last, f"!({source[first.start:last.start + len(last.text)]})")
        elif token.kind == "operator" and token.text in REPLACED and is_binary(code, at):
            yield replace(token, token, REPLACED[token.text])


def read_lines(text: str) -> Iterator[Lines]:
    """Of paragraphs: a file's name, lines with "-" as they are and with "+" as they become, and a reason."""
    for paragraph in text.split("\n\n"):
        lines = [line for line in paragraph.splitlines() if not line.startswith("#")]
        if lines:
            whole, broken = (" ".join(" ".join(line[1:].split()) for line in lines if line[0] == sign) for sign in "-+")
            yield Lines(lines[0], whole, broken)
