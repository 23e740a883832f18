# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh source=tests/golden/prelude
mkdir tree esp
: > code
try --make-system-image a.qcow2 tree=tree esp=esp partition_table=legacy
try --make-system-image a.qcow2 tree=tree esp_size=64M partition_table=none
try --make-system-image a.qcow2 tree=tree boot_code=code partition_table=none
try --make-system-image a.qcow2 tree=tree core_image=code partition_table=efi
try --make-system-image a.qcow2 tree=tree boot_code=missing partition_table=legacy
try --make-system-image a.qcow2 tree=tree boot_code=code partition_table=legacy
truncate -s 3M core
echo boot > code
try --make-system-image a.qcow2 tree=tree boot_code=code core_image=core partition_table=legacy
try --make-system-image a.qcow2 tree=tree variables_file=vars.fd
try --make-system-image a.qcow2 tree=tree variables=code variables_file=a.qcow2
try --make-system-image a.qcow2 tree=tree variables=missing.fd
mkdir b
try --make-system-image b/a.qcow2 tree=tree variables=code variables_file=missing/vars.fd
ls b
