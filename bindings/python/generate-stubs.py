#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Writes vmspec/__init__.pyi: the types of the classes that are made from the
option table at import.

usage: generate-stubs.py [-o FILE]
"""

import argparse
import sys
import textwrap
from pathlib import Path
from typing import Dict, Iterator, Tuple, Type

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import vmspec  # noqa: E402  (needs the path above)
from vmspec import _library, _types  # noqa: E402

HEAD = '''\
# SPDX-License-Identifier: LGPL-2.1-or-later
# Written by generate-stubs.py from the option table; do not edit.

import os
from typing import (Iterator, List, Literal, Mapping, Optional,
                    Sequence, Union)

from ._control import Event as Event
from ._control import Events as Events
from ._control import ExecResult as ExecResult
@ERRORS@
from ._library import Option as Option
from ._library import options as options
from ._library import version as version
from ._plan import Plan as Plan
from ._types import NONE as NONE
from ._types import Struct
from ._types import _None
from ._vm import VM as VM
from ._vm import clean as clean
from ._work import Progress as _Progress

__version__: str

_Text = Union[str, "os.PathLike[str]"]


def host_detect(spec: Spec, given: Optional[Host] = ...) -> Host: ...
def resolve(spec: Spec, host: Optional[Host] = ...) -> Spec: ...
def check(spec: Spec, host: Optional[Host] = ...) -> List[Finding]: ...
def read_xml(source: Union[str, bytes, "os.PathLike[str]"]) -> Spec: ...
def write_xml(spec: Spec) -> str: ...
def apply_settings(spec: Spec, *settings: str) -> Spec: ...
def check_kernel_config(
    guest: Union[GuestSettings, Plan],
    file: Union[str, bytes, "os.PathLike[str]"]) -> List[Finding]: ...
def check_kernel_modules(
    guest: Union[GuestSettings, Plan],
    directory: Union[str, bytes, "os.PathLike[str]"]) -> List[Finding]: ...
@WORK@def image_info(path: Union[str, bytes, "os.PathLike[str]"],
               format: Optional[_Format] = ...) -> ImageInfo: ...
'''

WORK = '''\
def {name}(
    image: {image}, *, sync: Optional[bool] = ...,
    progress: Optional[_Progress] = ...,
    environment: Optional[Mapping[str, str]] = ...) -> List[Finding]: ...
'''

_PLAIN = {
    _library.KIND_STRING: ("str", "_Text"),
    _library.KIND_PATH: ("str", "_Text"),
    _library.KIND_SWITCH: ("bool", "bool"),
    _library.KIND_STRINGS: ("List[str]", "Sequence[_Text]"),
}


def enumerations() -> Dict[Tuple[str, ...], str]:
    """A name for each set of values, after the first member that has it."""
    names: Dict[Tuple[str, ...], str] = {}
    for row in _library.options():
        if row.kind == _library.KIND_ENUM:
            name = "_" + "".join(w.capitalize() for w in row.name.split("_"))
            names.setdefault(row.values, name)
    return names


_ENUMERATIONS = enumerations()


def member_types(row: _library.Option) -> Tuple[str, str]:
    """What a member holds, and what it takes in the beginning."""
    if row.kind in _PLAIN:
        return _PLAIN[row.kind]
    if row.kind == _library.KIND_ENUM:
        name = _ENUMERATIONS[row.values]
        return name, name
    if row.element:
        name = _types.class_name(row.element)
        if row.kind == _library.KIND_GROUP:
            return name, name
        return f"List[{name}]", f"Sequence[{name}]"
    number = "Union[int, _None]" \
        if row.flags & _library.OPTION_NONE_OK else "int"
    return number, number


def enumeration_stubs() -> Iterator[str]:
    yield ""
    for values, name in _ENUMERATIONS.items():
        shown = ", ".join(f'"{value}"' for value in values if value)
        yield from textwrap.wrap(f"{name} = Literal[{shown}]", 79,
                                 subsequent_indent="    ")


def class_stub(cls: Type[_types.Struct]) -> Iterator[str]:
    yield f"\n\nclass {cls.__name__}({cls.__bases__[0].__name__}):"
    for name, row in cls._rows.items():
        yield from textwrap.wrap(row.doc or "", 79, initial_indent="    # ",
                                 subsequent_indent="    # ")
        yield f"    {name}: Optional[{member_types(row)[0]}]"
    yield "    def __init__("
    yield "        self, *,"
    for name, row in cls._rows.items():
        yield f"        {name}: Optional[{member_types(row)[1]}] = ...,"
    yield "    ) -> None: ..."


def work_stubs() -> Iterator[str]:
    for name, image in (("create_image", "Image"),
                        ("make_system_image", "SystemImage")):
        written = WORK.format(name=name, image=image)
        yield written
        yield "async " + written.replace(name, f"{name}_async")


def error_stubs() -> str:
    names = sorted(name for name, value in vars(vmspec).items()
                   if getattr(value, "__module__", "") == "vmspec._errors")
    return "\n".join(f"from ._errors import {name} as {name}"
                     for name in names)


def stubs() -> str:
    head = HEAD.replace("@ERRORS@", error_stubs())
    lines = [*enumeration_stubs(), *(
        line for cls in _types.PUBLIC for line in class_stub(cls))]
    return head.replace("@WORK@", "".join(work_stubs())) \
        + "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(
        description="Writes the types of the package's classes.")
    parser.add_argument("-o", "--output", metavar="FILE", type=Path,
                        default=HERE / "vmspec" / "__init__.pyi")
    parser.parse_args().output.write_text(stubs(), encoding="utf-8")


if __name__ == "__main__":
    main()
