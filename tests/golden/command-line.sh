# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh source=tests/golden/prelude
describe vm "arch='x86_64'" "<qemu accel='off'/><disk image=''/>"
try
try vm.xml other.xml
try --print-comand vm.xml
try -m 512 vm.xml
try --check --resolve vm.xml
try --check=yes vm.xml
try --set
try -0 vm.xml
try --step disk vm.xml
try --output x vm.xml
try --timeout 5 --check vm.xml
try --timeout never vm.xml
try --timeout 0 vm.xml
try --daemonize --check vm.xml
try --list vm.xml
try --guest=json5 vm.xml
try --guest vm.xml
try --image-info
try --make-image
