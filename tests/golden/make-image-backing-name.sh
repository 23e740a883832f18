# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh source=tests/golden/prelude
# More than an image has room for.
long=$(printf '%0250d/%0250d/%0250d/%0250d' 1 2 3 4)
mkdir -p "$long"
vmspec-run --make-image "$long/base.qcow2" size=1M
try --make-image a.qcow2 backing="$PWD/$long/base.qcow2" 2>&1 | sed 's/0\{9,\}/0/g'
