# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh source=tests/golden/prelude
describe vm "arch='x86_64'" "<qemu accel='off'/>"
try --check-kernel missing vm.xml
try --check-kernel /dev/null vm.xml

echo "no configuration" > text
try --check-kernel text vm.xml

printf '\037\213\010' > damaged.gz
try --check-kernel damaged.gz vm.xml

truncate -s 17M large
try --check-kernel large vm.xml

ln -s nowhere link
try --check-kernel link vm.xml
