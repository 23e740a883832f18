# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh source=tests/golden/prelude
describe vm "arch='x86_64'" "<qemu accel='off'/><disk image=''/>"
vm=$PWD/vm.xml
mkdir gone
cd gone || exit
rmdir ../gone
try --print-argv "$vm"
