# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh source=tests/golden/prelude
describe vm "arch='x86_64'" "<qemu accel='off'/><disk image='gone/disk.qcow2' size='10'/>"
try --prepare vm.xml
describe vm "arch='x86_64'" "<qemu accel='off'/><disk image=''/>
  <efi enable='on' firmware='/fw/CODE.fd' variables='$PWD/gone.fd'/>"
try --prepare vm.xml
: > file
describe vm "arch='x86_64'" "<qemu accel='off'/><disk image=''/><tpm enable='on' state-dir='file'/>"
try --prepare --step tpm vm.xml
describe vm "arch='x86_64'" "<qemu accel='off'/><disk format='vdi' size='10'/>"
try --prepare vm.xml
ls
