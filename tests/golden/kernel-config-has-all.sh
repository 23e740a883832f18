# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh source=tests/golden/prelude
describe vm "arch='x86_64' graphics='off'" "<qemu accel='off' guest-agent='off' virtio-keyboard='off'/>"

# What is missed by a kernel without anything is built in now.
echo 'CONFIG_A=y' > config
vmspec-run --check-kernel config vm.xml 2>&1 |
  grep -o 'CONFIG_[A-Z0-9_]*' | sort -u | sed 's/$/=y/' > all
try --check-kernel all vm.xml

# A module does where nothing asks for more.
sed 's/=y/=m/' all > modules
try --check-kernel modules vm.xml

gzip -k all
try --check-kernel all.gz vm.xml
