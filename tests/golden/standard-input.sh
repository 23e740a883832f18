# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh source=tests/golden/prelude
describe vm "arch='x86_64' memory='5'" "<qemu accel='off'/><disk image=''/>"
try --print-argv - < vm.xml | grep -A1 '^-m'
echo "<vmspec memory='0'/>" | try --check -
try --check - < /dev/null
try --print-argv -0 --set name=a - < vm.xml | tr '\0' '\n' | grep -A1 '^-name'
