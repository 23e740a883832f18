# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh source=tests/golden/prelude
mkdir tree esp
head -c 5M /dev/zero | tr '\0' a > tree/a
try --make-system-image a.qcow2 tree=tree size=4M
try --make-system-image a.qcow2 tree=tree size=2M partition_table=efi
try --make-system-image a.qcow2 tree=tree size=3T partition_table=legacy
cp tree/a esp/
try --make-system-image a.qcow2 tree=tree esp=esp esp_size=4M
try --make-system-image a.raw format=raw tree=tree size=1024P
try --make-system-image a.qcow2 tree=tree additional_space=1024P
ls
