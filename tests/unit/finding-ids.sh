#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Every finding that the library can make is provoked by some unit test: each id
# in doc/findings.md, which tests/golden/complete compares with the library,
# stands in tests/unit/ as well, alone ("a.b") or with the path that is expected
# ("a.b (c)").
set -eu

: "${VMSPEC_SRCDIR:=.}"
status=0

ids () {
  # shellcheck disable=SC2016
  sed -n 's/^| `\([a-z0-9.-]*\)` |.*/\1/p' "$VMSPEC_SRCDIR"/doc/findings.md
}

test "$(ids | wc -l)" -gt 200 || { echo "the ids were not found"; exit 1; }
for id in $(ids); do
  pattern="(\"|n| )$(echo "$id" | sed 's/\./\\./')(\"| \()"
  grep -qE -- "$pattern" "$VMSPEC_SRCDIR"/tests/unit/test-*.c || {
    echo "no unit test provokes $id"
    status=1
  }
done
exit $status
