# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh source=tests/golden/prelude
# QEMU gives an ELF kernel no working TPM.
printf '\177ELF' > vmlinux
describe vm "arch='x86_64'" "<qemu accel='off'/><disk image=''/><boot kernel='vmlinux'/><tpm enable='on'/>"
try --check vm.xml
try --set tpm.enable=off --check vm.xml
