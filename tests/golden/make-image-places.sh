# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh source=tests/golden/prelude
: > there.qcow2
try --make-image there.qcow2 size=1M
try --make-image missing/a.qcow2 size=1M
ln -s nowhere/else link.qcow2
try --make-image link.qcow2 size=1M
mkdir directory
try --make-image directory size=1M
try --make-image there.qcow2/a size=1M
try --make-image "$(printf '%0256d' 0)" size=1M
ls
