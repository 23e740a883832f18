# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh source=tests/golden/prelude
mkdir tree esp
: > esp/name.txt
: > esp/NAME.TXT
: > 'esp/a:b'
: > esp/é
: > esp/end.
: > esp/con
mkdir 'esp/[x]'
mkfifo esp/pipe
ln -s nowhere esp/link
truncate -s 4G esp/large
try --make-system-image a.qcow2 tree=tree esp=esp
try --make-system-image a.qcow2 tree=tree esp=missing
ls
