# SPDX-License-Identifier: LGPL-2.1-or-later
"""Why a configuration makes no machine."""

import re
from typing import Optional, Sequence, Tuple

KINDS = ("type", "unknown", "missing", "conflict", "unsupported", "other")

Location = Tuple[str, ...]

# What Nix accepts as an attribute's name without quotes.
_IDENTIFIER = re.compile(r"[a-zA-Z_][a-zA-Z0-9_'-]*\Z")


def show_option(location: Sequence[str]) -> str:
    """An option's path as NixOS writes it: fileSystems."/nix/store".device"""
    def show(name: str) -> str:
        if name == "*" or _IDENTIFIER.match(name):
            return name
        escaped = name.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}"'
    return ".".join(map(show, location))


class NixosError(Exception):
    """The module system, or the virtual machine module, refuses."""

    def __init__(self, kind: str, option: Optional[str], message: str) -> None:
        super().__init__(message)
        self.kind = kind      # one of KINDS
        self.option = option  # None where it is not about one option
        self.message = message

    def __str__(self) -> str:
        place = f" [{self.option}]" if self.option else ""
        return f"{self.kind}: {self.message}{place}"


def problem(kind: str, location: Location, message: str) -> NixosError:
    option = show_option(location)
    return NixosError(kind, option, f"{option}: {message}")
