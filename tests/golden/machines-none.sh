# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh source=tests/golden/prelude
try --list
try --status vm
try --stop vm
try --stop vm --timeout 1
try --clean
