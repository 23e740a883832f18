# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh source=tests/golden/prelude
describe vm "arch='x86_64'" "<qemu accel='off'/><disk image=''/>
  <tpm enable='on' swtpm='/opt/missing' setup='on' provision='gone'/>"
PATH=$BIN try --check vm.xml
