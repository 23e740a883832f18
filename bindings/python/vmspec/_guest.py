# SPDX-License-Identifier: LGPL-2.1-or-later
"""Whether a kernel can run a guest."""

import errno
import os
from typing import Any, List, Union

from ._errors import Finding
from ._library import Diag, c_text, library
from ._plan import Plan
from ._types import address, to_c_as

_Path = Union[str, bytes, "os.PathLike[str]"]


def _check(function: str, guest: Any, path: _Path) -> List[Finding]:
    settings = guest.guest if isinstance(guest, Plan) else guest
    c_settings = to_c_as("vmspec_guest_settings", settings)
    with Diag() as diag:
        result = getattr(library, function)(
            address(c_settings), c_text(path), diag.pointer)
        if result != -errno.ENOEXEC:
            diag.must(result, f"cannot look at {os.fsdecode(path)}")
        return diag.findings()


def check_kernel_config(guest: Any, file: _Path) -> List[Finding]:
    """What a kernel lacks to run the guest of a plan, or with these settings,
    by its configuration: .config or /boot/config-VERSION, plain or compressed
    as /proc/config.gz is.  A file that cannot be read is an OSError, and one
    that is no kernel configuration a ValueError."""
    return _check("vmspec_check_kernel_config", guest, file)


def check_kernel_modules(guest: Any, directory: _Path) -> List[Finding]:
    """The same by a directory of modules, /lib/modules/VERSION.  What is no
    driver cannot be seen there."""
    return _check("vmspec_check_kernel_modules", guest, directory)
