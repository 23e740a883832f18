# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh source=tests/golden/prelude
info () { try --image-info "$@" 2>&1 | grep -v '^stored size'; }

vmspec-run --make-image a.qcow2 size=1M
vmspec-run --make-image b.qcow2 backing=a.qcow2
rm a.qcow2
info b.qcow2
cp b.qcow2 a.qcow2
info b.qcow2

# Each is an overlay of the one before it.
vmspec-run --make-image 000 size=1M
vmspec-run --make-image 001 backing=000
name=001
for i in $(seq 2 201); do
  next=$(printf %03d "$i")
  sed "s/000/$name/" 001 > "$next"
  name=$next
done
info 201 | tail -2
