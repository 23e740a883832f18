# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh source=tests/golden/prelude
describe vm "arch='x86_64' graphics='off' host-certs='on'" "<qemu accel='off' binary='$PWD/qemu'/><disk image=''/>"
# shellcheck disable=SC2016
stand_in qemu 'ls "$TMPDIR" > ../listed'
NIX_SSL_CERT_FILE=missing try --no-qmp vm.xml
cat listed
echo certificate > bundle
NIX_SSL_CERT_FILE=bundle try --no-qmp vm.xml
cat tmp/certs/ca-certificates.crt
: > file
TMPDIR=file/x try --no-qmp vm.xml
