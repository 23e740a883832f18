#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# What packages say agrees with what they are made of: the version, and the
# symbols with the version nodes that they are in.
set -eu

: "${VMSPEC_SRCDIR:=.}" "${VMSPEC_BUILDDIR:=.}"
version=$(sed -n 's/^Version: //p' "$VMSPEC_BUILDDIR/pkgconfig/vmspec.pc")
test -n "$version"
cd "$VMSPEC_SRCDIR"
test -d debian || { echo "the tarball has no debian/"; exit 77; }
status=0

# says FILE TEXT: the file has the text, as a line or at its start
says () {
  grep -q "^$2" "$1" || {
    echo "$1 does not say \"$2\""
    status=1
  }
}
says debian/changelog "vmspec ($version-"
says doc/packaging/vmspec.spec "Version:  *$version\$"
says bindings/python/pyproject.toml "version = \"$version\"\$"
says doc/packaging/vmspec.nix "  version = \"$version\";"

# A package of the shared library has no file that one with another soname has, too.
for place in "keeperdir = \$(libdir)/vmspec-0" "%{_libdir}/vmspec-0/" "usr/lib/\*/vmspec-0/vmspec-keeper"; do
  grep -qx "$place" lib/Makemodule.am doc/packaging/vmspec.spec debian/libvmspec0.install || {
    echo "no file has the line \"$place\""
    status=1
  }
done

listed=$(awk '/{$/ { node = $1; print node "@" node }
              /^  vmspec_/ { sub (/;/, ""); print $1 "@" node }' \
           lib/vmspec.sym | LC_ALL=C sort)
packaged=$(sed -n 's/^ \([^ ]*\) .*/\1/p' debian/libvmspec0.symbols |
             LC_ALL=C sort)
test "$listed" = "$packaged" || {
  echo "debian/libvmspec0.symbols does not list what lib/vmspec.sym does:"
  printf '%s\n%s\n' "$listed" "$packaged" | LC_ALL=C sort | uniq -u
  status=1
}
exit $status
