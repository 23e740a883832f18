# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh source=tests/golden/prelude
info () { try --image-info "$@" 2>&1 | grep -v '^stored size'; }
# Writes bytes, in octal, at a place in a file.
patch () { printf %b "$3" | dd of="$1" bs=1 seek="$2" conv=notrunc status=none; }

vmspec-run --make-image a.qcow2 size=1M
head -c 20 a.qcow2 > short
info short
cp a.qcow2 version; patch version 4 '\0\0\0\011'
info version
cp a.qcow2 feature; patch feature 72 '\0\0\0\0\0\0\0\040'
info feature
cp a.qcow2 marked; patch marked 72 '\0\0\0\0\0\0\0\002'
info marked
cp a.qcow2 clusters; patch clusters 20 '\0\0\0\077'
info clusters
