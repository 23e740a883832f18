# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh source=tests/golden/prelude
# A program in the place of mkfs.erofs says what can go wrong with it.
mkdir store
describe vm "arch='x86_64'" "<qemu accel='off'/><disk image=''/><store image='on' path='$PWD/store'/>"

stand_in "$BIN/mkfs.erofs" 'echo "mkfs.erofs 1.2" >&2'
try --prepare --step store vm.xml

for option in --force-uid --force-gid -U -T --exclude-regex; do echo " $option=X"; done > help
stand_in "$BIN/mkfs.erofs" "test \$# -gt 1 || { cat $PWD/help >&2; exit; }
echo 'no space' >&2; exit 1"
try --prepare --step store vm.xml

stand_in "$BIN/mkfs.erofs" "test \$# -gt 1 || { cat $PWD/help >&2; exit; }; kill -9 \$\$"
try --prepare --step store vm.xml

stand_in "$BIN/mkfs.erofs" "test \$# -gt 1 || cat $PWD/help >&2"
try --prepare --step store vm.xml

rm "$BIN/mkfs.erofs"
PATH=$BIN try --prepare --step store vm.xml

try --set store.closure=missing --prepare --step store vm.xml
ls tmp
