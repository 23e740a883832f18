# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh source=tests/golden/prelude
describe vm "arch='x86_64'" "<qemu accel='off'/><disk size='10'/><drive file='data.raw' format='raw' size='1'/>"
try --prepare --step diks vm.xml
try --prepare --step disk vm.xml
try --print-steps vm.xml
try --prepare --no-sync vm.xml
try --print-steps vm.xml
ls
