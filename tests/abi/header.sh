#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# The header stands alone, in every language it is for, without a warning,
# without a byte of padding that nobody named, and without anything of the
# libraries that the library itself is made with.
set -u

: "${VMSPEC_SRCDIR:=.}"
for compiler in gcc clang g++ clang++; do
  command -v "$compiler" > /dev/null || {
    echo "$compiler is missing"
    exit 77
  }
done
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
header=$VMSPEC_SRCDIR/include/vmspec/vmspec.h
warnings='-Wall -Wextra -Wpedantic -Wpadded -Wundef -Wshadow -Wc++-compat -Werror'
status=0

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
cp "$work/use.c" "$work/use.cc"

fail () {
  echo "$1"
  status=1
}

compile () {
  # shellcheck disable=SC2086
  "$1" "$2" $warnings -I"$VMSPEC_SRCDIR/include" -fsyntax-only "$work/$3" \
    || fail "$1 $2 $3"
}

for cc in gcc clang; do
  for std in c99 c11 c17 gnu99 gnu17; do
    compile "$cc" "-std=$std" alone.c
    compile "$cc" "-std=$std" use.c
  done
done

# A function may have the name of a struct, as stat(2) has; g++ says so.
warnings='-Wall -Wextra -Wpedantic -Wpadded -Wundef -Werror'
for cxx in g++ clang++; do
  for std in c++11 c++14 c++17 c++20; do
    compile "$cxx" "-std=$std" alone.cc
  done
done

# Designated initialisers came to C++ with its 20; g++ wants them complete.
warnings="$warnings -Wno-missing-field-initializers"
for cxx in g++ clang++; do
  compile "$cxx" -std=c++20 use.cc
done

# What the header itself includes, by the preprocessor's own list: a line for
# each file, with a dot for each level.
included=$(gcc -H -I"$VMSPEC_SRCDIR/include" -fsyntax-only "$work/alone.c" 2>&1 \
  | sed -n 's|^\.\. .*/||p' | sort -u | tr '\n' ' ')
test "$included" = 'stddef.h stdint.h ' || fail "it includes $included"

# So a type of another library could only be one that the header itself names.
sed -n -E 's/^ *# *define +([A-Za-z0-9_]+).*/macro \1/p' "$header" > "$work/names"
gcc -fpreprocessed -E -P "$header" 2> /dev/null | sed '/^#/d' \
  | grep -o -E '\b(struct|enum|union) +[A-Za-z0-9_]+|\btypedef .*;' \
  >> "$work/names"
grep -v -E '^(macro VMSPEC_|(struct|enum) vmspec(_|$)|typedef struct vmspec_[a-z]+ vmspec_[a-z]+;$)' \
  "$work/names" && fail 'names that are not ours'
test "$(wc -l < "$work/names")" -gt 100 || fail 'hardly any name was found'
exit $status
