# SPDX-License-Identifier: LGPL-2.1-or-later
"""NixOS's module system, as far as option values go.

Definitions of an option are merged by their priorities, their order and the
option's type.  The rules are those of nixpkgs' lib/modules.nix: properties
(mkForce, mkBefore, mkIf, mkMerge) are pushed down through sets of options and
taken off at each value once, the strongest priority wins, lists are joined in
order.

Nix is lazy: a wrong value is an error only where somebody looks at it.  Here,
merging never fails.  A value that would raises its error when it is looked at;
until then a Failed stands in its place.
"""

import os
from dataclasses import dataclass
from typing import (Any, Callable, Dict, Iterator, List, Mapping, Sequence,
                    Tuple, Union)

from .errors import Location, NixosError, problem

VM_OVERRIDE = 10          # mkVMOverride
DEFAULT_PRIORITY = 100    # of a definition that does not say
WEAK = 1000               # mkDefault
OPTION_DEFAULT = 1500     # of an option's own default
WEAKEST = 9999
DEFAULT_ORDER = 1000

Definitions = Dict[Location, List[Any]]


@dataclass(frozen=True)
class Failed:
    """A value that cannot be looked at."""

    error: NixosError


class _Undefined:
    """The value of an option that has no definition."""

    def __repr__(self) -> str:
        return "UNDEFINED"


UNDEFINED = _Undefined()


# ---- properties ------------------------------------------------------------


def property_of(value: Any) -> str:
    """"override", "order", "if", "merge", or "" for a plain value."""
    if isinstance(value, dict) and isinstance(value.get("_type"), str):
        return str(value["_type"])
    return ""


def override(priority: int, content: Any) -> Any:
    return {"_type": "override", "priority": priority, "content": content}


def priority_of(value: Any) -> int:
    if property_of(value) == "override":
        return int(value["priority"])
    return DEFAULT_PRIORITY


def discharge(value: Any) -> Iterator[Any]:
    """The definitions that are left of mkMerge and mkIf."""
    kind = property_of(value)
    if kind == "merge":
        for content in value["contents"]:
            yield from discharge(content)
    elif kind == "if":
        if value["condition"]:
            yield from discharge(value["content"])
    else:
        yield value


def strongest(values: Sequence[Any]) -> Tuple[int, List[Any]]:
    """The best priority, and the definitions that have it, without it."""
    best = min([WEAKEST, *map(priority_of, values)])
    kept = [value for value in values if priority_of(value) == best]
    return best, [value["content"] if property_of(value) == "override"
                  else value for value in kept]


def _order_of(value: Any) -> int:
    if property_of(value) == "order":
        return int(value["priority"])
    return DEFAULT_ORDER


def in_order(values: Sequence[Any]) -> List[Any]:
    """Sorted by mkBefore, mkAfter and mkOrder, which are taken off."""
    return [value["content"] if property_of(value) == "order" else value
            for value in sorted(values, key=_order_of)]


def push_down(value: Any) -> Iterator[Any]:
    """A definition of a set of options, its properties moved to the options.
    mkOrder is not moved, as in nixpkgs, and ends up as unknown options."""
    kind = property_of(value)
    if kind == "merge":
        for content in value["contents"]:
            yield from push_down(content)
    elif kind in ("if", "override"):
        wrapper = {k: v for k, v in value.items() if k != "content"}
        for content in push_down(value["content"]):
            if isinstance(content, dict):
                content = {name: {**wrapper, "content": inner}
                           for name, inner in content.items()}
            yield content
    else:
        yield value


# ---- what Nix cannot say ---------------------------------------------------

_DEEPEST = 100  # of what is merged recursively


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_text(value: str) -> bool:
    try:
        return "\0" not in os.fsdecode(os.fsencode(value))
    except UnicodeEncodeError:  # half a character of UTF-16
        return False


# What each property has to have, besides its content.
_PROPERTIES: Dict[str, Tuple[str, Callable[[Any], bool]]] = {
    "override": ("priority", _is_whole),
    "order": ("priority", _is_whole),
    "if": ("condition", lambda value: isinstance(value, bool)),
    "merge": ("contents", lambda value: isinstance(value, list)),
}


def _refuse_property(where: Location, value: Mapping[str, Any]) -> None:
    kind = property_of(value)
    if kind not in _PROPERTIES:
        return
    name, check = _PROPERTIES[kind]
    if not check(value.get(name)):
        raise problem("type", where, f"a property {kind!r} has no {name}")
    if kind != "merge" and "content" not in value:
        raise problem("type", where, f"a property {kind!r} has no content")


def refuse(location: Location, value: Any) -> None:
    """Raises the error of what is no value of Nix's, or nested too deeply, in
    a value of JSON."""
    pending = [(location, value, 0)]
    while pending:
        where, value, depth = pending.pop()
        if isinstance(value, str) and not _is_text(value):
            raise problem("type", where, f"{value!r} is no text")
        if depth > _DEEPEST:
            raise problem("other", where, "is nested too deeply")
        if isinstance(value, list):
            pending += ((where, inner, depth + 1) for inner in value)
        if isinstance(value, dict):
            _refuse_property(where, value)
            is_property = property_of(value) in _PROPERTIES
            for name, inner in value.items():
                place = where if is_property else (*where, name)
                pending += (where, name, depth), (place, inner, depth + 1)


# ---- types -----------------------------------------------------------------


def _same(one: Any, other: Any) -> bool:
    """Equal in Nix, where true is not 1."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(
            _same(one[k], other[k]) for k in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_same, one, other))
    return isinstance(one, bool) == isinstance(other, bool) \
        and bool(one == other)


class Type:
    """What an option may be.  check() looks at a definition's surface only;
    merge() takes definitions that passed it."""

    description = "anything"

    def check(self, value: Any) -> bool:
        return True

    def merge(self, location: Location, values: List[Any]) -> Any:
        if all(_same(values[0], value) for value in values[1:]):
            return values[0]
        shown = " and ".join(repr(value) for value in values)
        return Failed(problem("conflict", location,
                              f"defined as {shown}; mkForce or mkDefault says "
                              "which one to take"))


class Scalar(Type):
    """One value; several definitions have to agree."""

    def __init__(self, description: str,
                 check: Callable[[Any], bool]) -> None:
        self.description = description
        self._check = check

    def check(self, value: Any) -> bool:
        return self._check(value)


class Anything(Type):
    """What the module system's own "anything" is: sets are merged, and a list
    has one definition."""

    def merge(self, location: Location, values: List[Any]) -> Any:
        if all(isinstance(value, dict) for value in values):
            return AttrsOf(self).merge(location, values)
        if len(values) == 1 and isinstance(values[0], list):
            return ListOf(self).merge(location, values)
        return super().merge(location, values)


class Lines(Type):
    """A text of several definitions."""

    description = "a text"

    def check(self, value: Any) -> bool:
        return isinstance(value, str)

    def merge(self, location: Location, values: List[Any]) -> Any:
        return "\n".join(values)


class NullOr(Type):
    def __init__(self, inner: Type) -> None:
        self.inner = inner
        self.description = f"null or {inner.description}"

    def check(self, value: Any) -> bool:
        return value is None or self.inner.check(value)

    def merge(self, location: Location, values: List[Any]) -> Any:
        nulls = sum(value is None for value in values)
        if nulls == len(values):
            return None
        if nulls:
            return Failed(problem("conflict", location,
                                  "defined both as null and as not null"))
        return self.inner.merge(location, values)


class ListOf(Type):
    def __init__(self, inner: Type) -> None:
        self.inner = inner
        self.description = f"list of {inner.description}"

    def check(self, value: Any) -> bool:
        return isinstance(value, list)

    def merge(self, location: Location, values: List[Any]) -> Any:
        merged = [
            merge((*location, f"[definition {n}-entry {m}]"), self.inner,
                  [entry])
            for n, value in enumerate(values, 1)
            for m, entry in enumerate(value, 1)]
        return [entry for entry in merged if entry is not UNDEFINED]


class AttrsOf(Type):
    def __init__(self, inner: Type) -> None:
        self.inner = inner
        self.description = f"attribute set of {inner.description}"

    def check(self, value: Any) -> bool:
        return isinstance(value, dict)

    def merge(self, location: Location, values: List[Any]) -> Any:
        merged = {
            name: merge((*location, name), self.inner,
                        [value[name] for value in values if name in value])
            for name in sorted({name for value in values for name in value},
                               key=_bytes)}
        return {name: entry for name, entry in merged.items()
                if entry is not UNDEFINED}


def _bytes(name: str) -> bytes:
    return name.encode("utf-8", "surrogateescape")


@dataclass(frozen=True)
class Field:
    """An option of a submodule.  One that is not required is left out of the
    merged value if nothing defines it: its default is the library's."""

    type: Type
    required: bool = False


Options = Mapping[str, Union[Field, "Options"]]


class Submodule(Type):
    description = "submodule"

    def __init__(self, options: "Options") -> None:
        self.options = options

    def check(self, value: Any) -> bool:
        return isinstance(value, dict)

    def merge(self, location: Location, values: List[Any]) -> Any:
        # Definitions of a submodule are modules of their own, and modules are
        # merged last one first.
        definitions, unknown = collect(location, self.options, values[::-1])
        if unknown:
            return Failed(unknown[0])
        return _build(location, self.options, definitions)


def _build(location: Location, options: "Options",
           definitions: Definitions) -> Dict[str, Any]:
    built: Dict[str, Any] = {}
    for name, option in options.items():
        here = (*location, name)
        if not isinstance(option, Field):
            built[name] = _build(here, option, definitions)
            continue
        value = merge(here, option.type, definitions.get(here, []))
        if value is UNDEFINED and option.required:
            value = Failed(problem("missing", here, "has no value"))
        if value is not UNDEFINED:
            built[name] = value
    return built


# ---- options ---------------------------------------------------------------


def merge(location: Location, kind: Type, definitions: Sequence[Any]) -> Any:
    """The value of an option: UNDEFINED without definitions, and a Failed in
    place of what cannot be looked at."""
    flat = [value for one in definitions for value in discharge(one)]
    _, kept = strongest(flat)
    kept = in_order(kept)
    if not kept:
        return UNDEFINED
    for value in kept:
        if not kind.check(value):
            return Failed(problem("type", location,
                                  f"{value!r} is not {kind.description}"))
    return kind.merge(location, kept)


def collect(location: Location, options: "Options", modules: Sequence[Any],
            ) -> Tuple[Definitions, List[NixosError]]:
    """The definitions of each option, in the order of the modules, and an error
    for each that belongs to no option, in the order of their names."""
    pushed = [value for module in modules for value in push_down(module)]
    definitions: Definitions = {}
    errors: Dict[str, List[NixosError]] = {}
    by_name: Dict[str, List[Any]] = {}
    for value in pushed:
        if not isinstance(value, dict):
            return {}, [problem("type", location,
                                f"{value!r} is not an attribute set")]
        for name, inner in value.items():
            by_name.setdefault(name, []).append(inner)
    for name, values in by_name.items():
        here = (*location, name)
        option = options.get(name)
        if option is None:
            errors[name] = [problem("unknown", here, "there is no such option")]
        elif isinstance(option, Field):
            definitions[here] = values
        else:
            inner_definitions, errors[name] = collect(here, option, values)
            definitions.update(inner_definitions)
    return definitions, [error for name in sorted(errors, key=_bytes)
                         for error in errors[name]]


# ---- laziness --------------------------------------------------------------


def failures(value: Any, where: Location = ()
             ) -> Iterator[Tuple[Location, NixosError]]:
    """Everything below a merged value that cannot be looked at, and where."""
    if isinstance(value, Failed):
        yield where, value.error
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield from failures(inner, (*where, name))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from failures(inner, (*where, str(index)))


def without_failures(value: Any) -> Any:
    """A copy that leaves them out."""
    if isinstance(value, dict):
        return {name: without_failures(inner) for name, inner in value.items()
                if not isinstance(inner, Failed)}
    if isinstance(value, list):
        return [without_failures(inner) for inner in value
                if not isinstance(inner, Failed)]
    return value
