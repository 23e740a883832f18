# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh source=tests/golden/prelude
mkdir directory
: > file
: > empty.img
describe vm "arch='x86_64'" "<qemu accel='off' binary='$PWD/missing-qemu'/>
  <boot kernel='missing' initrd='directory' bios='gone'/><disk image='directory'/>
  <efi enable='on' firmware='/fw/CODE.fd' variables='/fw/VARS.fd' state='vars.fd'/>
  <drive file='gone.raw' format='raw'/><drive file='empty.img' format='qcow2'/><drive file='file/x' format='raw'/>
  <share tag='a' source='gone' target='/mnt/a'/><share tag='b' source='file' target='/mnt/b'/>
  <guest><credential name='c' file='secret'/></guest>"
try --check vm.xml
