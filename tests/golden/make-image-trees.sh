# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh source=tests/golden/prelude
try --make-image a.qcow2 tree=missing
: > file
try --make-image a.qcow2 tree=file
mkdir tree
: > tree/lost+found
try --make-image a.qcow2 tree=tree
rm tree/lost+found
mkdir tree/lost+found
try --make-image a.qcow2 tree=tree size=4M
ls
