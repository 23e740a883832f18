#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Names of the library get into nobody's way: the shared one exports vmspec_...
# alone, its soname stays, and in the static one everything else is vms_....
set -u

: "${VMSPEC_BUILDDIR:=.}"
shared=${VMSPEC_LIBRARY:-$VMSPEC_BUILDDIR/.libs/libvmspec.so.0}
archive=${VMSPEC_ARCHIVE:-$VMSPEC_BUILDDIR/.libs/libvmspec-internal.a}
status=0
for program in nm readelf; do
  command -v "$program" > /dev/null || exit 77
done

# refuse_others PATTERN COMMAND...: of the names that nm prints
refuse_others () {
  pattern=$1
  shift
  names=$("$@" | sed -n -E 's/^[0-9a-f]* +[A-Za-z] +//p' | sed 's/@.*//' | sort -u)
  others=$(printf '%s\n' "$names" | grep -v -E "$pattern")
  test "$(printf '%s\n' "$names" | wc -l)" -gt 50 || {
    echo "$*: hardly any name"
    status=1
  }
  test -z "$others" || {
    printf '%s:\n%s\n' "$*" "$others"
    status=1
  }
}

# The versions are symbols of their own.
refuse_others '^(vmspec_[a-z_0-9]+|VMSPEC_0\.[0-9]+)$' nm -D --defined-only "$shared"
refuse_others '^(vmspec|vms)_[a-z_0-9]+$' nm -g --defined-only "$archive"

readelf -d "$shared" | grep -q 'SONAME.*\[libvmspec\.so\.0\]$' || {
  readelf -d "$shared" | grep SONAME
  status=1
}
exit $status
