# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh source=tests/golden/prelude
describe vm "arch='x86_64'" "<qemu accel='off'/><boot loader='on'/>
  <store image='on' writable='on'/><efi enable='on' firmware='$PWD/CODE.fd'/>"
: > CODE.fd
try --check vm.xml
describe vm "arch='x86_64'" "<qemu accel='off'/><boot loader='on'/><disk system-image='gone/system.qcow2'/>"
try --check vm.xml
