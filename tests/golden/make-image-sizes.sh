# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh source=tests/golden/prelude
try --make-image a.qcow2 size=512K content=ext4
try --make-image b.qcow2 size=1K content=ext4
try --make-image c.qcow2 size=1024P cluster_size=512
mkdir tree
head -c 3M /dev/zero | tr '\0' a > tree/a
try --make-image d.qcow2 size=2M tree=tree
ls
