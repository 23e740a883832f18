# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh source=tests/golden/prelude
try --make-image a.qcow2 size=0
try --make-image a.qcow2 size=511
try --make-image a.qcow2 size=1X
try --make-image a.qcow2 size=1025P
try --make-image a.qcow2 format=iso
try --make-image a.qcow2 content=ntfs preallocation=full lazy_refcounts=1 root_owned=yes
try --make-image a.qcow2 cluster_size=256
try --make-image a.qcow2 cluster_size=4M
try --make-image a.qcow2 sise=1M
try --make-image a.qcow2 size
try --make-image a.qcow2 file=b.qcow2
try --make-image a.qcow2 struct_size=1
ls
