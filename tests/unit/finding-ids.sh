#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Every finding that the library can make is provoked by some unit test: each id
# in lib/ stands in tests/unit/ as well, alone ("a.b") or with the path that is
# expected ("a.b (c)").
set -eu

: "${VMSPEC_SRCDIR:=.}"
status=0

# What has the form of an id and is none: names of options in the table, of
# headers, of a bus, of files and credentials, and what a message goes on with.
ids () {
  grep -hoE '"[a-z0-9]+(-[a-z0-9]+)*\.[a-z0-9]+(-[a-z0-9]+)*"' \
    "$VMSPEC_SRCDIR"/lib/[!o]*.c |
    tr -d '"' | grep -vE '\.h$|^scsi0\.0$|^(provision\.ctrl|tpm2-00\.permall)$|^(efi\.variables|qemu\.binary|disk\.image|store\.(image|path)|mkfs\.ext4|5\.0)$|^(efi\.enable|tpm\.enable|fstab\.extra|system\.hostname|modules\.(builtin|dep))$' |
    sort -u
}

test "$(ids | wc -l)" -gt 60 || { echo "the ids were not found"; exit 1; }
for id in $(ids); do
  pattern="(\"|n| )$(echo "$id" | sed 's/\./\\./')(\"| \()"
  grep -qE -- "$pattern" "$VMSPEC_SRCDIR"/tests/unit/test-*.c || {
    echo "no unit test provokes $id"
    status=1
  }
done
exit $status
