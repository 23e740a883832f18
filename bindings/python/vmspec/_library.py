# SPDX-License-Identifier: LGPL-2.1-or-later
"""The shared library: where it is, its functions, its option table."""

import ctypes
import keyword
import os
from ctypes import (POINTER, c_char_p, c_int, c_size_t, c_uint32, c_uint64,
                    c_void_p)
from pathlib import Path
from typing import Any, Iterator, List, NamedTuple, Optional, Tuple

from ._errors import Finding, failure

SONAME = "libvmspec.so.0"


def _candidates() -> Iterator[str]:
    said = os.environ.get("VMSPEC_LIBRARY")
    if said:
        # Whoever names a library wants that one and no other.
        yield said
        return
    source = Path(__file__).resolve().parent.parent.parent.parent
    if (source / "lib" / "vmspec.sym").exists():
        # Not installed: the library beside this file is the one that is meant.
        build = os.environ.get("VMSPEC_BUILDDIR")
        for directory in (Path(build) if build else source / "build", source):
            path = directory / ".libs" / SONAME
            if path.exists():
                yield str(path)
    yield SONAME


def _load() -> ctypes.CDLL:
    problems: List[str] = []
    for name in _candidates():
        try:
            return ctypes.CDLL(name)
        except OSError as error:
            problems.append(str(error))
    raise ImportError("vmspec: cannot load the library: " + "; ".join(problems)
                      + " (VMSPEC_LIBRARY may hold its path)")


class _Option(ctypes.Structure):
    _fields_ = [
        ("struct_size", c_uint32), ("kind", c_uint32), ("owner", c_char_p),
        ("name", c_char_p), ("key", c_char_p), ("element", c_char_p),
        ("values", POINTER(c_char_p)), ("min", c_uint64), ("max", c_uint64),
        ("flags", c_uint32), ("since", c_uint32), ("offset", c_uint32),
        ("size", c_uint32), ("default_text", c_char_p), ("nixos", c_char_p),
        ("doc", c_char_p),
    ]


class _Finding(ctypes.Structure):
    _fields_ = [
        ("struct_size", c_uint32), ("severity", c_uint32), ("id", c_char_p),
        ("path", c_char_p), ("text", c_char_p), ("file", c_char_p),
        ("line", c_uint64),
    ]


_REFERENCE = POINTER(c_void_p)  # where a function puts a pointer
_STRINGS = POINTER(c_char_p)

# Name: result, arguments.  Structs are passed by address.
_FUNCTIONS = {
    "vmspec_version": (c_char_p,),
    "vmspec_option_next": (POINTER(_Option), POINTER(_Option)),
    "vmspec_diag_new": (c_int, _REFERENCE),
    "vmspec_diag_free": (None, c_void_p),
    "vmspec_diag_count": (c_size_t, c_void_p),
    "vmspec_diag_get": (POINTER(_Finding), c_void_p, c_size_t),
    "vmspec_doc_new": (c_int, c_void_p, c_void_p, _REFERENCE),
    "vmspec_doc_read_file": (c_int, c_char_p, c_void_p, _REFERENCE),
    "vmspec_doc_read_memory":
        (c_int, c_char_p, c_size_t, c_char_p, c_void_p, _REFERENCE),
    "vmspec_doc_spec": (c_void_p, c_void_p),
    "vmspec_doc_write": (c_int, c_void_p, _STRINGS),
    "vmspec_doc_free": (None, c_void_p),
    "vmspec_host_detect": (c_int, c_void_p, c_void_p, c_void_p, _REFERENCE),
    "vmspec_host_free": (None, c_void_p),
    "vmspec_resolve": (c_int, c_void_p, c_void_p, c_void_p, _REFERENCE),
    "vmspec_check": (c_int, c_void_p, c_void_p, c_void_p),
    "vmspec_plan_new": (c_int, c_void_p, c_void_p, c_void_p, _REFERENCE),
    "vmspec_plan_free": (None, c_void_p),
    "vmspec_plan_spec": (c_void_p, c_void_p),
    "vmspec_plan_argv": (_STRINGS, c_void_p),
    "vmspec_plan_command": (c_char_p, c_void_p),
    "vmspec_plan_environment": (_STRINGS, c_void_p),
    "vmspec_plan_directory": (c_char_p, c_void_p),
    "vmspec_plan_accel": (c_char_p, c_void_p),
    "vmspec_plan_check_files": (c_int, c_void_p, c_void_p),
    "vmspec_plan_step": (c_void_p, c_void_p, c_size_t),
    "vmspec_plan_prepare": (c_int, c_void_p, _STRINGS, c_void_p, c_void_p),
    "vmspec_plan_helper": (c_void_p, c_void_p, c_size_t),
    "vmspec_plan_guest":
        (c_int, c_void_p, c_uint32, c_void_p, _REFERENCE),
    "vmspec_guest_settings_free": (None, c_void_p),
    "vmspec_check_kernel_config": (c_int, c_void_p, c_char_p, c_void_p),
    "vmspec_check_kernel_modules": (c_int, c_void_p, c_char_p, c_void_p),
    "vmspec_image_create": (c_int, c_void_p, c_void_p, c_void_p),
    "vmspec_system_image": (c_int, c_void_p, c_void_p, c_void_p),
    "vmspec_image_info": (c_int, c_char_p, c_uint32, c_void_p, _REFERENCE),
    "vmspec_image_info_free": (None, c_void_p),
    "vmspec_vm_start": (c_int, c_void_p, c_void_p, c_void_p, _REFERENCE),
    "vmspec_vm_wait": (c_int, c_void_p, c_int, POINTER(c_int)),
    "vmspec_vm_pid": (c_int, c_void_p),
    "vmspec_vm_pidfd": (c_int, c_void_p),
    "vmspec_vm_kill": (c_int, c_void_p, c_int),
    "vmspec_vm_stop": (c_int, c_void_p, c_int, POINTER(c_int)),
    "vmspec_vm_free": (None, c_void_p),
    "vmspec_vm_last_words": (c_void_p, c_void_p, POINTER(c_size_t)),
    "vmspec_vm_explain": (c_int, c_void_p, c_void_p),
    "vmspec_vm_accel": (c_char_p, c_void_p),
    "vmspec_vm_host_port":
        (c_int, c_void_p, c_size_t, c_void_p, POINTER(c_uint32)),
    "vmspec_vm_control": (c_int, c_void_p, c_uint32, c_int, c_void_p),
    "vmspec_vm_status":
        (c_int, c_void_p, c_int, c_void_p, POINTER(c_char_p)),
    "vmspec_vm_qmp": (c_int, c_void_p, c_char_p, c_char_p, c_int, c_void_p,
                      POINTER(c_char_p)),
    "vmspec_vm_event_fd": (c_int, c_void_p),
    "vmspec_vm_event": (c_int, c_void_p, _REFERENCE),
    "vmspec_vm_agent": (c_int, c_void_p, c_char_p, c_char_p, c_int, c_void_p,
                        POINTER(c_char_p)),
    "vmspec_vm_exec":
        (c_int, c_void_p, _STRINGS, c_int, c_void_p, _REFERENCE),
    "vmspec_clean": (c_int, c_char_p, POINTER(c_size_t)),
}


def _declare(library: ctypes.CDLL) -> ctypes.CDLL:
    for name, (result, *arguments) in _FUNCTIONS.items():
        function = getattr(library, name)
        function.restype = result
        function.argtypes = arguments
    return library


library = _declare(_load())


def text(value: Optional[bytes]) -> Optional[str]:
    """Text as Python has it; any bytes survive the way there and back."""
    return None if value is None else os.fsdecode(value)


def strings(array: Any) -> List[str]:
    """The entries of an array that ends with NULL."""
    result: List[str] = []
    while array and array[len(result)] is not None:
        result.append(os.fsdecode(array[len(result)]))
    return result


class Option(NamedTuple):
    """A row of the option table: one member of one struct."""

    owner: str                # struct tag: "vmspec_drive"
    name: str                 # "drive_options"
    kind: int                 # KIND_...
    key: Optional[str]        # XML element of a list's entries
    element: Optional[str]    # struct tag of a group or of a list's entries
    values: Tuple[str, ...]   # of an enumeration, by number
    min: int
    max: int
    flags: int                # OPTION_...
    since: int
    offset: int
    size: int
    default: Optional[str]    # in words
    nixos: Optional[str]      # option of the NixOS module
    doc: Optional[str]

    @property
    def attribute(self) -> str:
        """The member's name in Python: "from" is a keyword here."""
        return self.name + "_" if keyword.iskeyword(self.name) else self.name


(KIND_STRING, KIND_PATH, KIND_UINT32, KIND_UINT64, KIND_SWITCH, KIND_ENUM,
 KIND_STRINGS, KIND_GROUP, KIND_LIST, KIND_SIZE, KIND_RESERVED, KIND_CALLBACK,
 KIND_POINTER) = range(1, 14)

(OPTION_NONE_OK, OPTION_REQUIRED, OPTION_ZERO_OK, OPTION_ABSOLUTE,
 OPTION_EMPTY_OK, OPTION_BYTES) = (1, 2, 4, 8, 16, 32)


def options() -> Iterator[Option]:
    """All rows of the option table, struct by struct."""
    row = library.vmspec_option_next(None)
    while row:
        o = row.contents
        yield Option(
            text(o.owner) or "", text(o.name) or "", o.kind, text(o.key),
            text(o.element), tuple(strings(o.values)), o.min, o.max, o.flags,
            o.since, o.offset, o.size, text(o.default_text), text(o.nixos),
            text(o.doc))
        row = library.vmspec_option_next(row)


_SEVERITIES = {1: "warning", 2: "blocker", 3: "error"}


class Diag:
    """Collects findings while a call runs, and turns a failure into an
    exception that has them."""

    def __init__(self) -> None:
        self.pointer = c_void_p()
        if library.vmspec_diag_new(ctypes.byref(self.pointer)) < 0:
            raise MemoryError

    def __enter__(self) -> "Diag":
        return self

    def __exit__(self, *_: object) -> None:
        library.vmspec_diag_free(self.pointer)

    def findings(self) -> List[Finding]:
        result = []
        for index in range(library.vmspec_diag_count(self.pointer)):
            f = library.vmspec_diag_get(self.pointer, index).contents
            result.append(Finding(
                _SEVERITIES.get(f.severity, str(f.severity)), text(f.id) or "",
                text(f.path) or "", text(f.text) or "", text(f.file),
                f.line or None))
        return result

    def must(self, result: int, what: str) -> None:
        if result < 0:
            raise failure(result, what, self.findings())


version: str = text(library.vmspec_version()) or ""
