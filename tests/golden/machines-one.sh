# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh source=tests/golden/prelude
describe vm "arch='x86_64' graphics='off'" "<qemu accel='off' binary='$PWD/qemu'/><disk image=''/>"
stand_in qemu 'exec sleep 30'
try --no-qmp --daemonize vm.xml
try --list | sed 's/ *[0-9]* *20.*//'
try --no-qmp --daemonize vm.xml
try --stop vm 2>&1 | sed '/, and has not ended yet/d'
try --list
ls runtime
