# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh source=tests/golden/prelude
describe vm "arch='x86_64' graphics='off'" "<qemu accel='off' binary='$PWD/qemu'/><disk image=''/>
  <tpm enable='on' state-dir='tpm'/>"
stand_in qemu 'exec sleep 30'
stand_in "$BIN/swtpm" 'exec sleep 30'
try --no-qmp --daemonize vm.xml
try --no-qmp --set name=other vm.xml
try --stop vm 2>&1 | sed '/, and has not ended yet/d'
