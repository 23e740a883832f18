# SPDX-License-Identifier: LGPL-2.1-or-later
"""A class for each public struct, made from the option table at import.

Objects are plain data.  What a member may hold is checked when it is set, so
that a mistake shows where it is made.  For a call they are turned into C
structs, which live as long as the call.
"""

import copy
import ctypes
import difflib
import errno
import inspect
import os
from ctypes import POINTER, c_char, c_char_p, c_uint32, c_uint64, c_void_p
from typing import (Any, ClassVar, Dict, Iterable, List,
                    Mapping, NoReturn, Optional, Sequence, Tuple, Type, TypeVar)

from ._errors import failure
from ._library import (KIND_CALLBACK, KIND_ENUM, KIND_GROUP, KIND_LIST,
                       KIND_PATH, KIND_POINTER, KIND_STRING, KIND_STRINGS,
                       KIND_SWITCH, KIND_UINT32, KIND_UINT64, OPTION_NONE_OK,
                       OPTION_ZERO_OK, Diag, Option, c_text, library, options,
                       row_of, strings, text, version)


T = TypeVar("T")


class _None:
    """The integer that says "none"; see NONE."""

    def __repr__(self) -> str:
        return "vmspec.NONE"

    def __reduce__(self) -> str:
        # There is but one, also when it is copied or pickled.
        return "NONE"


#: For integers that may be "none": Disk(size=vmspec.NONE).
NONE = _None()

_NONE_NUMBER = 2 ** 64 - 1
_OFF, _ON = 2, 3
_BY_SIZE = {4: c_uint32, 8: c_uint64}
_TEXTS = (KIND_STRING, KIND_PATH)
_NUMBERS = (KIND_UINT32, KIND_UINT64)
# What a value may be said for; also an older package with a newer library has
# classes, without the members of kinds that it does not know.
_SAID = (*_TEXTS, *_NUMBERS, KIND_SWITCH, KIND_ENUM, KIND_STRINGS, KIND_GROUP,
         KIND_LIST)


def _suggestion(word: str, words: Iterable[str]) -> str:
    near = difflib.get_close_matches(word, [w for w in words if w], 1)
    return f"; did you mean {near[0]!r}?" if near else ""


class Struct:
    """What all descriptions have in common."""

    __slots__ = ("_origin",)
    _rows: ClassVar[Dict[str, Option]] = {}
    _tag: ClassVar[str] = ""
    _origin: Any

    def __init__(self, **said: Any) -> None:
        for name in ("_origin", *self._rows):
            object.__setattr__(self, name, None)
        for name, value in said.items():
            if name not in self._rows:
                raise TypeError(self._no_member(name))
            setattr(self, name, value)

    def __setattr__(self, name: str, value: Any) -> None:
        row = self._rows.get(name)
        if row is None:
            raise AttributeError(self._no_member(name))
        object.__setattr__(self, name, _accept(row, value))

    @classmethod
    def _no_member(cls, name: str) -> str:
        near = _suggestion(name, cls._rows)
        return (f"{cls.__name__} has no member {name!r} in libvmspec {version}"
                + near)

    def _from(self, origin: Any) -> "Struct":
        """Remembers where it was read."""
        object.__setattr__(self, "_origin", origin)
        return self

    def _said(self) -> Dict[str, Any]:
        values = {name: getattr(self, name) for name in self._rows}
        return {name: v for name, v in values.items() if v is not None}

    def __eq__(self, other: object) -> bool:
        if type(self) is not type(other):
            return NotImplemented
        assert isinstance(other, Struct)
        return self._said() == other._said()

    # Objects that compare by what they hold and can change have no hash.
    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        members = ", ".join(f"{k}={v!r}" for k, v in self._said().items())
        return f"vmspec.{type(self).__name__}({members})"

    def __copy__(self) -> "Struct":
        return type(self)(**self._said())._from(self._origin)

    def __deepcopy__(self, memo: Any) -> "Struct":
        said = copy.deepcopy(self._said(), memo)
        return type(self)(**said)._from(self._origin)

    def __reduce__(self) -> Any:
        return _remake, (self._tag, self._said())


def _remake(tag: str, said: Dict[str, Any]) -> Struct:
    """For pickle: the classes have no names to import before they are made."""
    return CLASSES[tag](**said)


# ---- what a member may hold ------------------------------------------------


def _place(row: Option) -> str:
    return f"{class_name(row.owner)}.{row.name}"


def _wrong(row: Option, value: Any, wanted: str) -> TypeError:
    return TypeError(f"{_place(row)} takes {wanted}, not {value!r}")


def _accept_text(row: Option, value: Any) -> str:
    if not isinstance(value, (str, bytes, os.PathLike)):
        raise _wrong(row, value, "a text or a path")
    result = os.fsdecode(value)
    if "\0" in result:
        raise ValueError(f"{_place(row)} cannot hold a NUL: {result!r}")
    try:
        os.fsencode(result)
    except UnicodeEncodeError as error:
        raise ValueError(f"{_place(row)} cannot hold half a character: "
                         f"{result!r}") from error
    return result


def _accept_number(row: Option, value: Any) -> Any:
    if value is NONE:
        if not row.flags & OPTION_NONE_OK:
            raise ValueError(f"{_place(row)} cannot be none")
        return value
    # True would pass as 1, and is surely meant otherwise.
    if not isinstance(value, int) or isinstance(value, bool):
        raise _wrong(row, value, "a number")
    lowest = 0 if row.flags & OPTION_ZERO_OK else 1
    highest = 2 ** (8 * row.size) - (2 if row.flags & OPTION_NONE_OK else 1)
    if not lowest <= value <= highest:
        raise ValueError(
            f"{_place(row)} is at least {lowest} and at most {highest}: "
            f"{value}")
    return value


def _accept_enum(row: Option, value: Any) -> str:
    if not isinstance(value, str):
        raise _wrong(row, value, "the name of a value")
    if not value or value not in row.values:
        known = ", ".join(v for v in row.values if v)
        raise ValueError(f"{_place(row)} is one of {known}: {value!r}"
                         + _suggestion(value, row.values))
    return value


def _accept_list(row: Option, value: Any) -> List[Any]:
    # A single text is a sequence too, of letters.
    if isinstance(value, (str, bytes)) or not isinstance(value, Sequence):
        raise _wrong(row, value, "a list")
    if row.kind == KIND_STRINGS:
        return [_accept_text(row, entry) for entry in value]
    return [_accept_object(row, entry) for entry in value]


def _accept_object(row: Option, value: Any) -> Struct:
    wanted = CLASSES[row.element or ""]
    if not isinstance(value, wanted):
        raise _wrong(row, value, f"vmspec.{wanted.__name__}")
    return value


def _accept(row: Option, value: Any) -> Any:
    if value is None:
        return None
    if row.kind in _TEXTS:
        return _accept_text(row, value)
    if row.kind in _NUMBERS:
        return _accept_number(row, value)
    if row.kind == KIND_SWITCH:
        if not isinstance(value, bool):
            raise _wrong(row, value, "True or False")
        return value
    if row.kind == KIND_ENUM:
        return _accept_enum(row, value)
    if row.kind == KIND_GROUP:
        return _accept_object(row, value)
    return _accept_list(row, value)


# ---- to C ------------------------------------------------------------------


def strings_to_c(values: Sequence[str]) -> Any:
    encoded = [os.fsencode(value) for value in values]
    return (c_char_p * (len(encoded) + 1))(*encoded, None)


def _member_to_c(row: Option, value: Any) -> Any:
    if row.kind in _TEXTS:
        return os.fsencode(value)
    if row.kind in _NUMBERS:
        return _NONE_NUMBER if value is NONE else value
    if row.kind == KIND_SWITCH:
        return _ON if value else _OFF
    if row.kind == KIND_ENUM:
        return row.values.index(value)
    if row.kind == KIND_STRINGS:
        return strings_to_c(value)
    struct = STRUCTS[row.element or ""]
    if row.kind == KIND_GROUP:
        return ctypes.pointer(to_c(value))
    entries = [ctypes.pointer(to_c(entry)) for entry in value]
    return (POINTER(struct) * (len(entries) + 1))(*entries)


def to_c(value: Struct) -> ctypes.Structure:
    """The C struct.  ctypes keeps alive what its members point at."""
    struct = STRUCTS[value._tag]()
    struct.struct_size = ctypes.sizeof(struct)
    for name, said in value._said().items():
        row = value._rows[name]
        # Lists can be changed without __setattr__, so look once more.
        member = _member_to_c(row, _accept(row, said))
        if row.kind in (KIND_STRINGS, KIND_LIST):
            member = ctypes.cast(member, _c_type(row))
        setattr(struct, row.name, member)
    return struct


def to_c_as(tag: str, value: Any) -> ctypes.Structure:
    """The same, for a struct that has to be of one kind."""
    if not isinstance(value, CLASSES[tag]):
        raise TypeError(f"this takes a {class_name(tag)}, "
                        f"not a {type(value).__name__}")
    return to_c(value)


def address(struct: ctypes.Structure) -> c_void_p:
    return ctypes.cast(ctypes.pointer(struct), c_void_p)


# ---- from C ----------------------------------------------------------------


def _list_from_c(array: Any) -> List[Struct]:
    result: List[Struct] = []
    while array[len(result)]:
        result.append(from_c(array[len(result)].contents))
    return result


def _member_from_c(row: Option, value: Any) -> Any:
    if row.kind in _TEXTS:
        return text(value)
    if row.kind in _NUMBERS:
        if value == _NONE_NUMBER and row.flags & OPTION_NONE_OK:
            return NONE
        return value if value or row.flags & OPTION_ZERO_OK else None
    if row.kind == KIND_SWITCH:
        return {_OFF: False, _ON: True}.get(value)
    if row.kind == KIND_ENUM:
        return row.values[value] if value else None
    if not value:
        return None
    if row.kind == KIND_STRINGS:
        return strings(value)
    if row.kind == KIND_GROUP:
        return from_c(value.contents)
    return _list_from_c(value)


def from_c(struct: ctypes.Structure) -> Any:
    """An object of its own: nothing in it points into the struct."""
    tag = type(struct).__name__
    cls = CLASSES[tag]
    return cls(**{name: _member_from_c(row, getattr(struct, row.name))
                  for name, row in cls._rows.items()})


def from_address(tag: str, address: Optional[int]) -> Any:
    """The struct with this tag at this address."""
    return from_c(STRUCTS[tag].from_address(address or 0))


def parse(row: Option, said: str) -> Any:
    """See Option.parse()."""
    struct, c_said = STRUCTS[row.owner](), c_text(said)
    with Diag() as diag:
        diag.must(library.vmspec_option_parse(
            row_of(row), c_said, ctypes.byref(struct), diag.pointer),
            f"{_place(row)} cannot be {said!r}")
    return _member_from_c(row, getattr(struct, row.name))


# ---- the classes -----------------------------------------------------------


def class_name(tag: str) -> str:
    """vmspec_forward_port is ForwardPort; vmspec itself is Spec."""
    words = tag.split("_")[1:]
    return "".join(word.capitalize() for word in words) or "Spec"


def _c_type(row: Option) -> Any:
    if row.kind in _TEXTS:
        return c_char_p
    if row.kind == KIND_STRINGS:
        return POINTER(c_char_p)
    if row.kind == KIND_GROUP:
        return POINTER(STRUCTS[row.element or ""])
    if row.kind == KIND_LIST:
        return POINTER(POINTER(STRUCTS[row.element or ""]))
    if row.kind in (KIND_CALLBACK, KIND_POINTER):
        return c_void_p
    return _BY_SIZE.get(row.size) or c_char * row.size


def _lay_out(struct: Type[ctypes.Structure], rows: Sequence[Option]) -> None:
    struct._fields_ = [(row.name, _c_type(row)) for row in rows]
    for row in rows:
        field = getattr(struct, row.name)
        if (field.offset, field.size) != (row.offset, row.size):
            raise ImportError(
                f"vmspec: {row.owner}.{row.name} is at {row.offset} in the "
                f"library, but ctypes puts it at {field.offset}")


def _describe(row: Option) -> str:
    default = f" Default: {row.default}." if row.default else ""
    nixos = f" In NixOS: {row.nixos}." if row.nixos else ""
    return f"{row.doc or ''}{default}{nixos}"


def python_type(row: Option) -> str:
    """What a member holds, in Python's notation."""
    if row.kind in _TEXTS:
        return "str"
    if row.kind == KIND_SWITCH:
        return "bool"
    if row.kind == KIND_ENUM:
        return f"Literal[{', '.join(repr(v) for v in row.values if v)}]"
    if row.kind == KIND_STRINGS:
        return "List[str]"
    if row.element:
        name = class_name(row.element)
        return name if row.kind == KIND_GROUP else f"List[{name}]"
    return "Union[int, _None]" if row.flags & OPTION_NONE_OK else "int"


def _signature(members: Mapping[str, Option]) -> inspect.Signature:
    """For help(): which keywords there are."""
    return inspect.Signature([
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None,
                          annotation=f"Optional[{python_type(row)}]")
        for name, row in members.items()])


def _make_class(tag: str, rows: Sequence[Option]) -> Type[Struct]:
    members = {row.attribute: row for row in rows if row.kind in _SAID}
    texts = {name: _describe(row) for name, row in members.items()}
    name = class_name(tag)
    return type(name, (Struct,), {
        "__slots__": texts,  # as help() shows them
        "__module__": "vmspec",
        "__qualname__": name,
        "__doc__": f"struct {tag}: all members are keywords, and None is not "
                   "said.\n\n" + "\n".join(
                       f"{name}: {text}" for name, text in texts.items()),
        "__signature__": _signature(members),
        "_rows": members,
        "_tag": tag,
    })


def _by_owner() -> Dict[str, Tuple[Option, ...]]:
    owners: Dict[str, Tuple[Option, ...]] = {}
    for row in options():
        owners[row.owner] = owners.get(row.owner, ()) + (row,)
    return owners


class _ByTag(Dict[str, T]):
    """An older library may lack structs, as it may lack functions."""

    def __missing__(self, tag: str) -> NoReturn:
        raise failure(-errno.ENOSYS,
                      f"libvmspec {version} has no struct {tag}", ())


_ROWS = _by_owner()
STRUCTS: Dict[str, Type[ctypes.Structure]] = _ByTag(
    {tag: type(tag, (ctypes.Structure,), {}) for tag in _ROWS})
CLASSES: Dict[str, Type[Struct]] = _ByTag(
    {tag: _make_class(tag, rows) for tag, rows in _ROWS.items()})

# What these hold is said by keyword arguments of Plan.start() and its like:
# a callback is C's way, and has to live as long as the call.
_ARGUMENTS = ("vmspec_start", "vmspec_work", "vmspec_progress",
              "vmspec_descriptor")
# The answers of machines are read-only, with JSON and bytes as Python has them.
_ANSWERS = ("vmspec_event", "vmspec_exec_result")
PUBLIC = tuple(cls for tag, cls in CLASSES.items()
               if tag not in _ARGUMENTS + _ANSWERS)

# Not before all of them exist, since they point at each other.
for _tag, _rows in _ROWS.items():
    _lay_out(STRUCTS[_tag], _rows)
