# SPDX-License-Identifier: LGPL-2.1-or-later
"""Descriptions as text: XML, and key=value settings."""

import functools
import keyword
import os
import re
import weakref
from ctypes import byref, c_char_p, c_uint64, c_void_p
from typing import Any, Optional, Union

from ._library import Diag, Place, Where, c_text, library, nowhere, text
from ._types import address, from_address, to_c_as


class _Origin:
    """The file that a description was read from.  What has been changed since
    is not there."""

    def __init__(self, document: c_void_p) -> None:
        self._document = document
        weakref.finalize(self, library.vmspec_doc_free, document)
        self.spec = from_address("vmspec", library.vmspec_doc_spec(document))

    def place(self, spec: Any, path: str) -> Place:
        # All of an entry is compared, as it may have moved in its list.
        whole = path[:path.rfind("]") + 1] or path
        file, line = c_char_p(), c_uint64()
        if (_member(spec, whole) != _member(self.spec, whole)
                or library.vmspec_doc_locate(
                    self._document, os.fsencode(path), byref(file),
                    byref(line)) < 0):
            return nowhere(path)
        return text(file.value), line.value


def _member(value: Any, path: str) -> Any:
    for name, index in re.findall(r"([^.\[\]]+)(?:\[(\d+)\])?", path):
        value = getattr(value, name + "_" * keyword.iskeyword(name), None)
        if index:
            value = value[int(index)] if len(value or ()) > int(index) else None
    return value


def where(spec: Any) -> Where:
    """Tells the places of a description's members."""
    origin: Optional[_Origin] = spec._origin
    if origin is None:
        return nowhere
    return functools.partial(origin.place, spec)


def take_document(document: c_void_p) -> Any:
    try:
        return from_address("vmspec", library.vmspec_doc_spec(document))
    finally:
        library.vmspec_doc_free(document)


def _document(spec: Any, diag: Diag) -> c_void_p:
    c_spec, document = to_c_as("vmspec", spec), c_void_p()
    diag.must(library.vmspec_doc_new(
        address(c_spec), diag.pointer, byref(document)),
        "cannot copy the description")
    return document


def read_xml(source: Union[str, bytes, "os.PathLike[str]"]) -> Any:
    """The description in an XML file, or in a text that starts with "<".

    Later findings about it have the file and the line of what they are about,
    if that is still as it was read."""
    document = c_void_p()
    with Diag() as diag:
        if isinstance(source, str) and source.lstrip().startswith("<"):
            source = os.fsencode(source)
        if isinstance(source, bytes):
            diag.must(library.vmspec_doc_read_memory(
                source, len(source), None, diag.pointer, byref(document)),
                "cannot read the description")
        else:
            diag.must(library.vmspec_doc_read_file(
                c_text(source), diag.pointer, byref(document)),
                f"cannot read {os.fspath(source)}")
    origin = _Origin(document)
    return from_address("vmspec",
                        library.vmspec_doc_spec(document))._from(origin)


def write_xml(spec: Any) -> str:
    """XML that reads back to the same description."""
    xml = c_char_p()
    with Diag() as diag:
        document = _document(spec, diag)
        try:
            diag.must(library.vmspec_doc_write(document, byref(xml)),
                      "cannot write the description")
            return text(xml.value) or ""
        finally:
            library.vmspec_doc_free(document)


def apply_settings(spec: Any, *settings: str) -> Any:
    """The description with key=value settings applied, one after the other, as
    by vmspec-run --set; the one that was given stays as it is.

        spec = vmspec.apply_settings(
            spec, "memory=4096", "qemu.cpu=host", "shares[0].source=/srv",
            "shares[]=tag=src,source=/srv,target=/mnt")

    "shares[]" is the list's next entry, and "key=" the empty text."""
    with Diag() as diag:
        document = _document(spec, diag)
        try:
            for setting in settings:
                diag.must(library.vmspec_doc_set(
                    document, c_text(setting), diag.pointer),
                    f"cannot set {setting!r}")
        except BaseException:
            library.vmspec_doc_free(document)
            raise
    return take_document(document)._from(spec._origin)
