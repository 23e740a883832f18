# SPDX-License-Identifier: LGPL-2.1-or-later
"""The programs of the build tree, for tests that start them often or with little in their environment.

What libtool leaves where a program belongs is a script that looks for the program and the library at each start."""

import os
from pathlib import Path


def program(path):
    """The program itself; path is what VMSPEC_RUN has."""
    path = Path(path).resolve()
    real = path.parent / ".libs" / path.name
    return real if real.exists() else path


def environment():
    """What such a program needs to find the library."""
    library = os.environ.get("VMSPEC_LIBRARY")
    return {"LD_LIBRARY_PATH": str(Path(library).resolve().parent)} if library else {}
