#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Structs only grow at their ends: what is committed of each is how it begins
# now, and no struct is gone.
set -u

: "${VMSPEC_BUILDDIR:=.}" "${VMSPEC_SRCDIR:=.}"
committed=$VMSPEC_SRCDIR/tests/abi/layout.txt
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
status=0

test -s "$committed" || exit 99
"$VMSPEC_BUILDDIR/generate" layout > "$work/printed" || exit 99
for struct in $(cut -d ' ' -f 1 "$committed" | uniq); do
  grep "^$struct " "$committed" > "$work/then"
  grep "^$struct " "$work/printed" | head -n "$(wc -l < "$work/then")" \
    > "$work/now"
  diff -u "$work/then" "$work/now" || {
    echo "struct $struct does not begin as programs were compiled with it"
    status=1
  }
done
exit $status
