# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh source=tests/golden/prelude
vmspec-run --make-image a.qcow2 size=1M
vmspec-run --make-image b.raw format=raw size=1M
describe vm "arch='x86_64'" "<qemu accel='off'/><disk image=''/>
  <drive file='a.qcow2' format='vdi'/><drive file='b.raw' format='qcow2'/>"
try --check vm.xml
