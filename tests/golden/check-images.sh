# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh source=tests/golden/prelude
vmspec-run --make-image small.qcow2 size=10M
vmspec-run --make-image gone.qcow2 size=1M
vmspec-run --make-image overlay.qcow2 backing=gone.qcow2
rm gone.qcow2
describe vm "arch='x86_64'" "<qemu accel='off'/><disk image='small.qcow2' size='20'/>
  <drive file='small.qcow2' format='raw'><drive-option name='readonly' value='on'/></drive>
  <drive file='overlay.qcow2' format='qcow2'/>
  <drive file='more.qcow2' size='3'/>"
vmspec-run --make-image more.qcow2 size=1M
try --check vm.xml
