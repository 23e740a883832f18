#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# The header stands alone, in every language it is for, without a warning and
# without a byte of padding that nobody named.
set -u

: "${VMSPEC_SRCDIR:=.}" "${CC:=cc}"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
warnings='-Wall -Wextra -Wpedantic -Wpadded -Wundef -Wshadow -Werror'
status=0 tried=0

cat > "$work/alone.c" <<'END'
#include <vmspec/vmspec.h>
#include <vmspec/vmspec.h>
int main (void) { return vmspec_version () ? 0 : 1; }
END
cp "$work/alone.c" "$work/alone.cc"
cat > "$work/use.c" <<'END'
#include <vmspec/vmspec.h>
static const struct vmspec_drive drive = { VMSPEC_INIT (vmspec_drive),
                                           .file = "disk" };
int main (void) { return drive.struct_size == sizeof drive ? 0 : 1; }
END

compile () {
  command -v "$1" > /dev/null || return 0
  tried=$((tried + 1))
  # shellcheck disable=SC2086
  "$1" "$2" $warnings -I"$VMSPEC_SRCDIR/include" -fsyntax-only "$work/$3" || {
    echo "$1 $2 $3"
    status=1
  }
}

for cc in ${CC%% *} gcc clang; do
  for std in c99 c11 c17 gnu11; do
    compile "$cc" "-std=$std" alone.c
    compile "$cc" "-std=$std" use.c
  done
done
# A function may have the name of a struct, as stat(2) has; g++ says so.
warnings="$warnings -Wno-shadow"
for cxx in ${CXX:+"${CXX%% *}"} g++ clang++; do
  for std in c++11 c++14 c++17 c++20; do
    compile "$cxx" "-std=$std" alone.cc
  done
done
# Designated initialisers came to C++ with its 20; g++ wants them complete.
warnings="$warnings -Wno-missing-field-initializers"
cp "$work/use.c" "$work/use.cc"
for cxx in g++ clang++; do
  compile "$cxx" -std=c++20 use.cc
done
test "$tried" -gt 0 || exit 77
exit $status
