# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh source=tests/golden/prelude
describe vm "arch='x86_64'" "<qemu accel='off' cpu='host'/><disk image=''/>"
try vm.xml
describe vm "arch='x86_64'" "<qemu accel='off' binary='$PWD/missing'/><disk image=''/>"
try vm.xml
try --force vm.xml
echo text > program
chmod +x program
describe vm "arch='x86_64'" "<qemu accel='off' binary='$PWD/program'/><disk image=''/>"
try --force vm.xml
printf '#!/nowhere\n' > program
try --force vm.xml
