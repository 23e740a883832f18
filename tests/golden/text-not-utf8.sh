# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh source=tests/golden/prelude
describe vm "arch='x86_64'" "<qemu accel='off'/><disk image=''/>"
name=$(printf 'a\377b')
vmspec-run --set "name=$name" --print-argv vm.xml | grep -A1 '^-name'
try --set "name=$name" --resolve vm.xml
try --set "file_systems[]=mount_point=/$name,device=x,type=ext4" --guest=json vm.xml 2>&1 | grep -v '^[ {}]'
try --set "file_systems[]=mount_point=/$name,device=x,type=ext4" --guest=fstab vm.xml | grep -a x
