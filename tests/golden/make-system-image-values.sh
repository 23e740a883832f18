# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh source=tests/golden/prelude
mkdir tree esp
try --make-system-image a.qcow2
try --make-system-image a.qcow2 tree=missing
try --make-system-image a.vdi tree=tree format=vdi
try --make-system-image a.qcow2 tree=tree cluster_size=1000
try --make-system-image a.qcow2 tree=tree label=a2345678901234567
try --make-system-image a.qcow2 tree=tree size=1048577
try --make-system-image a.qcow2 tree=tree size=1K
try --make-system-image a.qcow2 tree=tree partition_table=gpt
try --make-system-image a.qcow2 tree=tree time=0
try --make-system-image a.qcow2 tree=tree treee=x
ls
