# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh source=tests/golden/prelude
describe vm "arch='x86_64'" "<qemu accel='off'/><share tag='src' source='/srv' target='/mnt/src'/>"

# One that is built in, a module, one that is not set, and the others unsaid.
cat > config << END
CONFIG_VIRTIO=y
CONFIG_VIRTIO_PCI=m
# CONFIG_NET_9P is not set
CONFIG_EXT4_FS=n
END
try --check-kernel config vm.xml
