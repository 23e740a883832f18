# SPDX-License-Identifier: LGPL-2.1-or-later
"""The shared library: where it is, its functions, its option table."""

import ctypes
import errno
import keyword
import os
from ctypes import (POINTER, c_char_p, c_int, c_size_t, c_uint32, c_uint64,
                    c_void_p)
from pathlib import Path
from typing import (Any, Callable, Iterator, List, NamedTuple, NoReturn,
                    Optional, Tuple, Union)

from ._errors import Finding, failure

SONAME = "libvmspec.so.0"


PACKAGE = Path(__file__).resolve().parent


def _candidates() -> Iterator[str]:
    """Where the library may be; the package's own text tells."""
    said = os.environ.get("VMSPEC_LIBRARY")
    if said:
        # Whoever names a library wants that one and no other.
        yield said
        return
    yield str(PACKAGE / SONAME)
    if len(PACKAGE.parents) > 3:
        # LIBDIR/pythonX.Y/site-packages/vmspec
        yield str(PACKAGE.parents[2] / SONAME)
        sources = PACKAGE.parents[2]
        if (sources / "lib" / "vmspec.sym").exists():
            yield str(sources / "build" / ".libs" / SONAME)
            yield str(sources / ".libs" / SONAME)
    yield SONAME


def _load() -> ctypes.CDLL:
    problems: List[str] = []
    for name in _candidates():
        try:
            loaded = ctypes.CDLL(name)
        except OSError as error:
            problems.append(str(error))
        else:
            if hasattr(loaded, "vmspec_option_next"):
                return loaded
            problems.append(f"{name}: this is another library")
    raise ImportError("\n  ".join([
        f"vmspec cannot load {SONAME}, whose path VMSPEC_LIBRARY may hold:",
        *problems]))


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


def _known(struct: Any, pointer: Any) -> Any:
    """A copy, of which an older library fills in the beginning only, and a
    newer one has more than is known here."""
    address = ctypes.cast(pointer, c_void_p).value or 0
    size = c_uint32.from_address(address).value
    data = ctypes.string_at(address, min(size, ctypes.sizeof(struct)))
    return struct.from_buffer_copy(data.ljust(ctypes.sizeof(struct), b"\0"))


_REFERENCE = POINTER(c_void_p)  # where a function puts a pointer
_STRINGS = POINTER(c_char_p)

# Name: result, arguments.  Structs are passed by address.
_FUNCTIONS = {
    "vmspec_version": (c_char_p,),
    "vmspec_option_next": (POINTER(_Option), POINTER(_Option)),
    "vmspec_option_parse": (c_int, c_void_p, c_char_p, c_void_p, c_void_p),
    "vmspec_diag_new": (c_int, _REFERENCE),
    "vmspec_diag_free": (None, c_void_p),
    "vmspec_diag_count": (c_size_t, c_void_p),
    "vmspec_diag_get": (POINTER(_Finding), c_void_p, c_size_t),
    "vmspec_doc_new": (c_int, c_void_p, c_void_p, _REFERENCE),
    "vmspec_doc_read_file": (c_int, c_char_p, c_void_p, _REFERENCE),
    "vmspec_doc_read_memory":
        (c_int, c_char_p, c_size_t, c_char_p, c_void_p, _REFERENCE),
    "vmspec_doc_set": (c_int, c_void_p, c_char_p, c_void_p),
    "vmspec_doc_spec": (c_void_p, c_void_p),
    "vmspec_doc_locate":
        (c_int, c_void_p, c_char_p, _STRINGS, POINTER(c_uint64)),
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


def _missing(name: str) -> Callable[..., NoReturn]:
    def function(*_: object) -> NoReturn:
        raise failure(-errno.ENOSYS,
                      f"libvmspec {version} has no function {name}", ())
    return function


def _declare(library: ctypes.CDLL) -> ctypes.CDLL:
    """An older library may lack functions, which matters to those alone who
    need them."""
    for name, (result, *arguments) in _FUNCTIONS.items():
        function = getattr(library, name, None)
        if function is None:
            setattr(library, name, _missing(name))
            continue
        function.restype = result
        function.argtypes = arguments
    return library


library = _declare(_load())


def text(value: Optional[bytes]) -> Optional[str]:
    """Text as Python has it; any bytes survive the way there and back."""
    return None if value is None else os.fsdecode(value)


def c_text(value: Union[str, bytes, "os.PathLike[str]"]) -> bytes:
    """The same for C, which would not see what comes after a NUL."""
    data = os.fsencode(value)
    if b"\0" in data:
        raise ValueError(f"this cannot hold a NUL: {value!r}")
    return data


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

    def parse(self, said: str) -> Any:
        """The value that a text names, as in XML or on a command line: "2048",
        "on", "virtio-scsi", "none", "10G" where bytes are counted.
        DescriptionError: it is none of this option."""
        from ._types import parse
        return parse(self, said)


(KIND_STRING, KIND_PATH, KIND_UINT32, KIND_UINT64, KIND_SWITCH, KIND_ENUM,
 KIND_STRINGS, KIND_GROUP, KIND_LIST, KIND_SIZE, KIND_RESERVED, KIND_CALLBACK,
 KIND_POINTER) = range(1, 14)

(OPTION_NONE_OK, OPTION_REQUIRED, OPTION_ZERO_OK, OPTION_ABSOLUTE,
 OPTION_EMPTY_OK, OPTION_BYTES) = (1, 2, 4, 8, 16, 32)


def _rows() -> Iterator[Any]:
    row = library.vmspec_option_next(None)
    while row:
        yield row
        row = library.vmspec_option_next(row)


def options() -> Iterator[Option]:
    """All rows of the option table, struct by struct."""
    for row in _rows():
        o = _known(_Option, row)
        yield Option(
            text(o.owner) or "", text(o.name) or "", o.kind, text(o.key),
            text(o.element), tuple(strings(o.values)), o.min, o.max, o.flags,
            o.since, o.offset, o.size, text(o.default_text), text(o.nixos),
            text(o.doc))


def row_of(option: Option) -> Any:
    """The library's own row."""
    return next(row for row, same in zip(_rows(), options())
                if same[:2] == option[:2])


Place = Tuple[Optional[str], Optional[int]]  # file and line
Where = Callable[[str], Place]


def nowhere(path: str) -> Place:
    """What is not from a file."""
    return None, None


_SEVERITIES = {1: "warning", 2: "blocker", 3: "error"}


class Diag:
    """Collects findings while a call runs, and turns a failure into an
    exception that has them.  `where` tells a path's file and line."""

    def __init__(self, where: Where = nowhere) -> None:
        self.pointer = c_void_p()
        self._where = where
        if library.vmspec_diag_new(ctypes.byref(self.pointer)) < 0:
            raise MemoryError

    def __enter__(self) -> "Diag":
        return self

    def __exit__(self, *_: object) -> None:
        library.vmspec_diag_free(self.pointer)

    def findings(self) -> List[Finding]:
        result = []
        for index in range(library.vmspec_diag_count(self.pointer)):
            f = _known(_Finding, library.vmspec_diag_get(self.pointer, index))
            path, file, line = text(f.path) or "", text(f.file), f.line or None
            result.append(Finding(
                _SEVERITIES.get(f.severity, str(f.severity)), text(f.id) or "",
                path, text(f.text) or "",
                *((file, line) if file or line else self._where(path))))
        return result

    def must(self, result: int, what: str) -> None:
        if result < 0:
            raise failure(result, what, self.findings())


version: str = text(library.vmspec_version()) or ""
