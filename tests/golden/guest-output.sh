# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh source=tests/golden/prelude
describe vm "arch='x86_64'" "<qemu accel='off'/><disk image=''/><share tag='src' source='/srv' target='/mnt/src'/>"
mkdir root hook
try --guest=units --output root vm.xml
find root | LC_ALL=C sort
try --guest=units --output root vm.xml
try --guest=hook --output hook vm.xml
: > file
try --guest=fstab --output file/x vm.xml
