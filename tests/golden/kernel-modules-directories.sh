# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh source=tests/golden/prelude
describe vm "arch='x86_64'" "<qemu accel='off'/>"
mkdir -p modules/6.1 empty
echo 'kernel/a.ko:' > modules/6.1/modules.dep
try --check-kernel modules vm.xml
try --check-kernel empty vm.xml
: > empty/modules.dep
try --check-kernel empty vm.xml
