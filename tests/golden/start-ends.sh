# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh source=tests/golden/prelude
describe vm "arch='x86_64' graphics='off'" "<qemu accel='off' binary='$PWD/qemu'/><disk image=''/>"
stand_in qemu 'exit 0'
try --no-qmp vm.xml
stand_in qemu 'exit 7'
try --no-qmp vm.xml
stand_in qemu 'kill -TERM $$'
try --no-qmp vm.xml
stand_in qemu 'kill -KILL $$'
try --no-qmp vm.xml
stand_in qemu 'sleep 30'
try --no-qmp --timeout 0.2 vm.xml
ls runtime tmp
