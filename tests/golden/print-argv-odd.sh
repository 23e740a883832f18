# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh source=tests/golden/prelude
# A line for each argument, or a NUL byte behind it.
describe vm "arch='x86_64' name='a&#10;b'" "<qemu accel='off'/><disk image=''/>"
try --print-argv vm.xml -- -append '' | tail -4
vmspec-run --print-argv -0 vm.xml -- -append '' | tr '\n\0' '|\n' | grep -A1 '^-name\|^-append'
