# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh source=tests/golden/prelude
mkdir tree esp none
# The program itself is found by its place.
ln -s "$BIN/vmspec-run" none/
PATH=none try --make-system-image a.qcow2 tree=tree esp=esp
