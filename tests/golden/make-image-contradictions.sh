# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh source=tests/golden/prelude
mkdir tree
try --make-image a.qcow2
try --make-image a.qcow2 size=1M cluster_size=3000
try --make-image a.raw size=1M format=raw preallocation=metadata
try --make-image a.raw size=1M format=raw lazy_refcounts=on
try --make-image a.vdi size=1M format=vdi
try --make-image a.qcow2 size=1M tree=tree content=empty
try --make-image a.qcow2 size=1M label=data
try --make-image a.qcow2 size=1M content=ext4 label=a2345678901234567
try --make-image a.qcow2 size=1M content=ext4 uuid=me
vmspec-run --make-image base.qcow2 size=1M
try --make-image a.raw backing=base.qcow2 format=raw
try --make-image a.qcow2 backing=base.qcow2 content=ext4
try --make-image b.qcow2 backing=base.qcow2 backing_format=raw
try --make-image c.qcow2 backing=missing.qcow2
ls
