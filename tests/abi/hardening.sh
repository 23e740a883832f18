#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# The library and the programs are built so that errors are hard to exploit:
# what was asked of the compiler and the linker is in the files.
set -u

: "${VMSPEC_BUILDDIR:=.}" "${VMSPEC_HARDENING:=yes}"
test "$VMSPEC_HARDENING" != no || { echo "it was configured without"; exit 77; }
command -v readelf > /dev/null || { echo "there is no readelf"; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
status=0

# has FILE PATTERN WHAT READELF_OPTION
has () {
  readelf -W "$4" "$1" > "$work/said"
  grep -Eq "$2" "$work/said" || { echo "$1: $3"; status=1; }
}

has_not () {
  readelf -W "$4" "$1" > "$work/said"
  ! grep -Eq "$2" "$work/said" || { echo "$1: $3"; status=1; }
}

look_at () {
  has "$1" 'GNU_RELRO' "relocations stay writable" -l
  has "$1" 'BIND_NOW|FLAGS_1.*NOW' "symbols are bound late, so their table stays writable" -d
  has "$1" 'GNU_STACK.* RW ' "the stack is executable" -l
  has_not "$1" 'LOAD.* RWE ' "something is writable and executable" -l
  has_not "$1" 'TEXTREL' "code is relocated" -d
  has "$1" 'UND __stack_chk_fail' "the stack is not protected" --dyn-syms
  test "$VMSPEC_HARDENING" = unoptimized ||
    has "$1" 'UND __[a-z]+_chk' "no function is fortified" --dyn-syms
}

look_at "$VMSPEC_BUILDDIR/.libs/libvmspec.so.0"
for program in vmspec-run vmspec-keeper; do
  file=$VMSPEC_BUILDDIR/.libs/$program
  test -e "$file" || file=$VMSPEC_BUILDDIR/$program
  look_at "$file"
  has "$file" 'FLAGS_1.* PIE' "its place in memory is always the same" -d
done
exit $status
