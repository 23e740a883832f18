# SPDX-License-Identifier: LGPL-2.1-or-later
"""NixOS's names and values for the library's, and back.

The library's option table knows the NixOS option of each member, so there is
nothing to list here: only how a kind of value is written on the other side.
"""

import os
from typing import Any, Dict, Iterator, List, NamedTuple, Optional, Tuple

from .._library import (KIND_GROUP, KIND_LIST, KIND_PATH, KIND_STRING,
                        OPTION_NONE_OK, Option, options)
from .._types import CLASSES, NONE
from .errors import Location

_PREFIX = "virtualisation."

# Attribute sets are lists here, whose entries have their name in a member.
_KEYS = {"sharedDirectories": "tag", "interfaces": "name",
         "fileSystems": "mount_point"}


class Member(NamedTuple):
    """A member of a description that has a name in NixOS."""

    group: Optional[str]  # attribute of Spec, None for its own members
    row: Option

    def get(self, spec: Any) -> Any:
        holder = getattr(spec, self.group) if self.group else spec
        return getattr(holder, self.row.attribute, None)

    def set(self, spec: Any, value: Any) -> None:
        holder = spec
        if self.group:
            holder = getattr(spec, self.group)
            if holder is None:
                holder = CLASSES[self.row.owner]()
                setattr(spec, self.group, holder)
        setattr(holder, self.row.attribute, value)


def _members() -> Iterator[Tuple[str, Member]]:
    rows = list(options())
    groups = {row.element: row.name for row in rows if row.kind == KIND_GROUP}
    for row in rows:
        if row.nixos and row.nixos.startswith(_PREFIX) \
                and "*" not in row.nixos:
            yield (row.nixos[len(_PREFIX):],
                   Member(groups.get(row.owner), row))


#: By the option's path below "virtualisation.".
MEMBERS: Dict[str, Member] = dict(_members())


def _entry_rows(path: str, tag: str) -> List[Tuple[Location, Option]]:
    """The members of a list's entries, by their place in NixOS's entry: () for
    entries that are plain values."""
    prefix = f"{_PREFIX}{path}.*"
    return [(tuple(row.nixos[len(prefix):].split(".")[1:]), row)
            for row in options()
            if row.owner == tag and row.nixos is not None
            and (row.nixos + ".").startswith(prefix + ".")]


_ENTRIES = {path: _entry_rows(path, member.row.element)
            for path, member in MEMBERS.items() if member.row.element}


def _dig(value: Any, where: Location) -> Any:
    for name in where:
        value = value.get(name) if isinstance(value, dict) else None
    return value


# ---- from NixOS ------------------------------------------------------------


def _properties(texts: Dict[str, str]) -> List[Any]:
    return [CLASSES["vmspec_property"](name=name, value=value)
            for name, value in texts.items()]


def _plain_from_nix(row: Option, value: Any) -> Any:
    if value is None:
        if not row.flags & OPTION_NONE_OK:
            return None
        return "" if row.kind in (KIND_STRING, KIND_PATH) else NONE
    if isinstance(value, dict):
        if row.kind == KIND_LIST:
            return _properties(value)
        return value["path"]  # a package
    if value == 0 and row.min and not isinstance(value, bool):
        return None  # a port that QEMU is to choose
    return value


def entry_from_nix(path: str, value: Any, name: Optional[str] = None) -> Any:
    """An entry of the list that this option is."""
    tag = MEMBERS[path].row.element or ""
    entry = CLASSES[tag]()
    for where, row in _ENTRIES[path]:
        said = _dig(value, where)
        if said is not None:
            setattr(entry, row.attribute, _plain_from_nix(row, said))
    if name is not None and getattr(entry, _KEYS[path]) is None:
        setattr(entry, _KEYS[path], name)
    return entry


def from_nix(path: str, value: Any) -> Any:
    """The member's value for the option's."""
    row = MEMBERS[path].row
    if row.kind != KIND_LIST:
        return _plain_from_nix(row, value)
    if isinstance(value, dict):
        return [entry_from_nix(path, entry, name)
                for name, entry in value.items()]
    return [entry_from_nix(path, entry) for entry in value]


# ---- to NixOS --------------------------------------------------------------


def _plain_to_nix(row: Option, value: Any) -> Any:
    if value is NONE:
        return None
    if row.kind == KIND_LIST:
        return {p.name: p.value or "" for p in value or ()}
    if value == "" and row.flags & OPTION_NONE_OK:
        return None
    if value is None and row.min:
        return 0
    return value


def entry_to_nix(path: str, entry: Any) -> Any:
    result: Any = {}
    for where, row in _ENTRIES[path]:
        value = _plain_to_nix(row, getattr(entry, row.attribute))
        if not where:
            return value
        here = result
        for name in where[:-1]:
            here = here.setdefault(name, {})
        here[where[-1]] = value
    if getattr(entry, "format", None):
        # QEMU's property among others, in NixOS.
        result["driveExtraOpts"]["format"] = entry.format
    return result


def to_nix(path: str, value: Any) -> Any:
    """The option's value for the member's of a resolved description."""
    row = MEMBERS[path].row
    if row.kind != KIND_LIST:
        return _plain_to_nix(row, value)
    if path in _KEYS:
        named = {getattr(entry, _KEYS[path]): entry for entry in value}
        return {name: entry_to_nix(path, named[name])
                for name in sorted(named, key=os.fsencode)}
    return [entry_to_nix(path, entry) for entry in value]
