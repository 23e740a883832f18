#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Says where below a prefix the Python that runs this looks for packages.

usage: site-directory.py PREFIX

Distributions have directories of their own (Debian: dist-packages), which
differ between /usr and /usr/local.  Prints ${prefix}/lib/..., or nothing if
there is no such place.
"""

import os
import re
import site
import sys


def main(prefix: str) -> None:
    prefix = os.path.normpath(prefix)
    for directory in site.getsitepackages():
        below = os.path.relpath(directory, prefix)
        if re.match(r"lib(32|64)?/python", below):
            print("${prefix}/" + below)
            return


if __name__ == "__main__":
    main(sys.argv[1])
