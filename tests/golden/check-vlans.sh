# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh source=tests/golden/prelude
describe vm "arch='x86_64'" "<qemu accel='off'/><disk image=''/>
  <network vlan-backend='vde' vlan-directory='$PWD/vlans'/>"
try --check vm.xml
try --set network.vlan_backend=stream --set network.machine_number=2 --check vm.xml
try --set network.vlan_switch=on --check vm.xml
rm "$BIN/vde_switch"
PATH=$BIN try --set network.vlan_switch=on --check vm.xml
