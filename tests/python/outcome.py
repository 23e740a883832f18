# SPDX-License-Identifier: LGPL-2.1-or-later
"""Runs the tests of a file, and ends as Automake's tests do: 77 says that something was skipped."""

import sys
import unittest

SKIPPED = 77


def main():
    result = unittest.main(exit=False).result
    sys.exit(1 if not result.wasSuccessful() else SKIPPED if result.skipped else 0)
