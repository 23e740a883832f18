# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh source=tests/golden/prelude
describe vm "arch='x86_64' graphics='off'" "<qemu accel='off' binary='$PWD/qemu'/><disk image=''/>
  <tpm enable='on' state-dir='tpm' provision='./provision'/>"
stand_in qemu 'exit 0'
stand_in "$BIN/swtpm" 'exec sleep 30'
stand_in provision 'echo "no key" >&2; exit 3'
try --no-qmp vm.xml
