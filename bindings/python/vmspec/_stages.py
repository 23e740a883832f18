# SPDX-License-Identifier: LGPL-2.1-or-later
"""The stages that take a description and give data: no handle stays behind."""

import os
from ctypes import byref, c_void_p
from typing import Any, List

from ._document import take_document, where
from ._errors import Finding
from ._library import Diag, library
from ._types import CLASSES, address, from_address, to_c_as

_DESCRIPTION_ERROR = -22  # -EINVAL: the findings say it all


def environment() -> List[str]:
    """This process's variables, in the form that a Host has them.  The library
    reads none itself."""
    return [os.fsdecode(name + b"=" + value)
            for name, value in os.environb.items()]


def host_detect(spec: Any, given: Any = None) -> Any:
    """What this machine offers for a description.  What `given` says is not
    looked up; without it, it is the environment of this process."""
    if given is None:
        given = CLASSES["vmspec_host"](environment=environment())
    c_spec = to_c_as("vmspec", spec)
    c_given, host = to_c_as("vmspec_host", given), c_void_p()
    with Diag(where(spec)) as diag:
        diag.must(library.vmspec_host_detect(
            address(c_spec), address(c_given), diag.pointer, byref(host)),
            "cannot look at the host")
    try:
        return from_address("vmspec_host", host.value)
    finally:
        library.vmspec_host_free(host)


def host_or_detect(spec: Any, host: Any) -> Any:
    return host_detect(spec) if host is None else host


def resolve(spec: Any, host: Any = None) -> Any:
    """The description with every default filled in."""
    c_spec = to_c_as("vmspec", spec)
    c_host = to_c_as("vmspec_host", host_or_detect(spec, host))
    document = c_void_p()
    with Diag(where(spec)) as diag:
        diag.must(library.vmspec_resolve(
            address(c_spec), address(c_host), diag.pointer, byref(document)),
            "cannot resolve the description")
    return take_document(document)


def check(spec: Any, host: Any = None) -> List[Finding]:
    """Everything that can be said against a description without looking at
    files.  Errors are findings here, not exceptions."""
    c_spec = to_c_as("vmspec", spec)
    c_host = to_c_as("vmspec_host", host_or_detect(spec, host))
    with Diag(where(spec)) as diag:
        result = library.vmspec_check(
            address(c_spec), address(c_host), diag.pointer)
        if result != _DESCRIPTION_ERROR:
            diag.must(result, "cannot check the description")
        return diag.findings()
