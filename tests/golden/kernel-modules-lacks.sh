# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh source=tests/golden/prelude
describe vm "arch='x86_64'" "<qemu accel='off'/><tpm enable='on'/>"
mkdir -p modules/6.1
cat > modules/6.1/modules.dep << END
kernel/drivers/virtio/virtio_pci.ko: kernel/drivers/virtio/virtio.ko
kernel/drivers/virtio/virtio.ko.xz:
kernel/fs/ext4/ext4.ko.zst:
END
try --check-kernel modules/6.1 vm.xml
echo kernel/fs/9p/9p.ko > modules/6.1/modules.builtin
try --check-kernel modules/6.1/ vm.xml
