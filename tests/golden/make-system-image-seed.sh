# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh source=tests/golden/prelude
mkdir -p tree/etc
echo guest > tree/etc/hostname
ln tree/etc/hostname tree/name
how='tree=tree root_owned=on seed=mine time=1000000000 additional_space=1M partition_table=legacy+gpt'
# shellcheck disable=SC2086
try --make-system-image a.raw format=raw $how
# shellcheck disable=SC2086
try --make-system-image b.raw format=raw $how
cmp a.raw b.raw && echo the same
vmspec-run --image-info a.raw | grep -v '^stored\|^virtual'
