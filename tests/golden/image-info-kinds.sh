# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh source=tests/golden/prelude
info () { try --image-info "$@" 2>&1 | grep -v '^stored size'; }

truncate -s 1M raw
info raw
vmspec-run --make-image a.qcow2 size=10M
info a.qcow2
vmspec-run --make-image b.qcow2 size=10M cluster_size=512 content=ext4 label=data \
  uuid=12345678-9abc-def0-1234-56789abcdef0
info b.qcow2
vmspec-run --make-image c.qcow2 backing=b.qcow2
info c.qcow2
vmspec-run --make-image d.raw format=raw size=3M
info d.raw
