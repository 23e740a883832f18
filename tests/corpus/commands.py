# SPDX-License-Identifier: LGPL-2.1-or-later
"""The helper commands of a case: those that were observed, and those of a
plan's steps and helpers, both in one form."""

import ctypes
import functools
import posixpath
import re
import shlex
from typing import Any, Iterator, List, Mapping, Sequence, Tuple

import surroundings

Vector = List[str]

STORE = "/nix/store"

# The recorders were in place of other programs.
_NOT_RECORDED = ("mkdir", "cp", "chmod", "rm")

_EXCLUSION = "--exclude-regex="
_ANY_EXCLUSION = _EXCLUSION + "EXCLUDE_REGEX"

# ---- observed --------------------------------------------------------------


def observed(expected: Mapping[str, Any]) -> List[Vector]:
    """The commands that a plan has a counterpart of."""
    # What this helper computes is an argument of mkfs.erofs; there is no
    # program for it here.
    return [_as_ours(command, expected["cwd"])
            for command in expected["commands"]
            if command[1:] != [STORE + "/includes-to-excludes.py"]]


def _as_ours(command: Vector, directory: str) -> Vector:
    program = posixpath.basename(command[0])
    if program == "qemu-img":
        # The script has changed to the run directory by then, and names the
        # empty disks from there.  Our commands are to be pasted anywhere.
        return [posixpath.join(directory, word)
                if re.fullmatch(r"empty\d+\.qcow2", word) else word
                for word in command]
    if program == "mkfs.erofs" and command[-1] == ".":
        # Likewise, the script has changed to the store.
        return [*command[:-1], STORE]
    return command


# ---- the plan's ------------------------------------------------------------


def planned(plan: Any, tree: surroundings.Tree) -> List[Vector]:
    """The commands of the steps that have something to do, and the helpers that
    run beside the machine."""
    commands = [command for step in plan.steps
                for command in (*_making(step, tree), *_beside(step, plan))]
    return [_without_expressions(command) for command in commands]


def _making(step: Any, tree: surroundings.Tree) -> Iterator[Vector]:
    if not tree.exists(step.file):
        for command in map(shlex.split, step.commands):
            if command[0] not in _NOT_RECORDED:
                yield command


def _beside(step: Any, plan: Any) -> Iterator[Vector]:
    """The script starts swtpm once there is a directory for it."""
    if step.name == "tpm":
        yield from (helper.argv for helper in plan.helpers
                    if not helper.at_exit)


def at_exit(plan: Any) -> List[Vector]:
    """What the script runs when the machine has ended."""
    return [helper.argv for helper in plan.helpers if helper.at_exit]


def _without_expressions(command: Vector) -> Vector:
    """In the corpus a word stands for the expression.  Ours may be several, and
    need not be the same; they have to exclude the same."""
    expressions = [word[len(_EXCLUSION):] for word in command
                   if word.startswith(_EXCLUSION)]
    if not expressions:
        return command
    result = [word for word in command if not word.startswith(_EXCLUSION)]
    first = command.index(_EXCLUSION + expressions[0])
    wrong = wrongly_excluded(tuple(expressions), surroundings.STORE_PATHS)
    result[first:first] = [f"{_EXCLUSION}{path}: {what}"
                           for path, what in wrong] or [_ANY_EXCLUSION]
    return result


# ---- what is excluded ------------------------------------------------------

_PREFIX = 10  # characters of a kept name


@functools.lru_cache
def wrongly_excluded(expressions: Tuple[str, ...], kept: Tuple[str, ...]
                     ) -> Tuple[Tuple[str, str], ...]:
    """Paths of a sample, relative to the store, that should be excluded and
    are not, or the reverse.  Excluded is what has none of the prefixes that the
    kept names begin with."""
    compiled = [_Expression(text) for text in expressions]
    names = [path.rpartition("/")[2] for path in kept]
    prefixes = tuple(name[:_PREFIX] for name in names)

    def excluded(path: str) -> bool:
        return any(expression.matches(path) for expression in compiled)

    def wrong() -> Iterator[Tuple[str, str]]:
        for name in _sample(names):
            if not name.startswith(prefixes):
                if not excluded(name):
                    yield name, "should be excluded"
            # What is inside of a kept directory is kept as well.
            elif excluded(name) or any(
                    excluded(f"{name}/{inner}")
                    for inner in ("bin/sh", ".x", "\n", *names)):
                yield name, "should be kept"
    return tuple(wrong())


def _sample(names: Sequence[str]) -> Iterator[str]:
    """Names that are kept, that nearly are, and others."""
    digits = "0123456789abcdfghijklmnpqrsvwxyz"
    yield from (".links", "trash", "-", "0", "z", "\n", "\xe9", "a" * 255,
                "0" * 32 + "-zero", "z" * 32 + "-last")
    for name in names:
        yield name
        yield name[:_PREFIX] + "0" * 22 + "-other"
        yield "x" + name
        for i in range(_PREFIX):
            yield name[:i] + name[i + 1:]
            for other in digits:
                yield name[:i] + other + name[i + 1:]
        for i in range(1, _PREFIX):
            yield name[:i]


_libc = ctypes.CDLL(None)
_REG_EXTENDED, _REG_NOSUB = 1, 8
_REGEX_SIZE = 256  # more than a regex_t takes


class _Expression:
    """As mkfs.erofs has it: extended, of POSIX."""

    def __init__(self, text: str) -> None:
        self._regex = ctypes.create_string_buffer(_REGEX_SIZE)
        if _libc.regcomp(self._regex, text.encode(),
                         _REG_EXTENDED | _REG_NOSUB) != 0:
            raise ValueError(f"not a regular expression: {text!r}")

    def __del__(self) -> None:
        _libc.regfree(self._regex)

    def matches(self, path: str) -> bool:
        return _libc.regexec(self._regex, path.encode(), 0, None, 0) == 0
