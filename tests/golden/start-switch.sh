# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh source=tests/golden/prelude
describe vm "arch='x86_64' graphics='off'" "<qemu accel='off' binary='$PWD/qemu'/><disk image=''/>
  <network vlan-backend='vde' vlan-directory='$PWD/v' vlan-switch='on'/>"
stand_in qemu 'exit 0'
stand_in "$BIN/vde_switch" 'echo "no permission" >&2; exit 1'
try --no-qmp vm.xml
