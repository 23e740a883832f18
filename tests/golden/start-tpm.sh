# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh source=tests/golden/prelude
describe vm "arch='x86_64' graphics='off'" "<qemu accel='off' binary='$PWD/qemu'/><disk image=''/>
  <tpm enable='on' state-dir='tpm'/>"
stand_in qemu 'exec sleep 30'
stand_in "$BIN/swtpm" 'sleep 1.5; echo "no TPM today" >&2; exit 1'
try --no-qmp vm.xml
: > file
try --set tpm.state_dir=file --no-qmp vm.xml
mkdir "$(printf %0100d 0)"
try --set tpm.state_dir="$(printf %0100d 0)" --force --no-qmp vm.xml 2>&1 | sed 's/has [0-9]* bytes/has N bytes/; s/0\{9,\}/0/g'

stand_in "$BIN/swtpm_setup" 'exit 0'
try --set tpm.state_dir=new --set tpm.setup=on --no-qmp vm.xml
stand_in "$BIN/swtpm_setup" 'echo "no certificate" >&2; exit 1'
try --set tpm.state_dir=new --set tpm.setup=on --no-qmp vm.xml
