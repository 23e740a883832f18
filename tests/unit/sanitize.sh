#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# The library and its unit tests once more, compiled with the address and the
# undefined behaviour sanitizer.  Usage: sanitize.sh [TEST...]
set -u

: "${VMSPEC_SRCDIR:=.}" "${VMSPEC_JOBS:=2}" "${CC:=cc}"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
flags="-std=gnu11 -D_GNU_SOURCE -g -O1 -fno-omit-frame-pointer
  -fsanitize=address,undefined -fno-sanitize-recover=all"

echo 'int main (void) { return 0; }' > "$work/try.c"
# shellcheck disable=SC2086
$CC $flags "$work/try.c" -o "$work/try" 2> /dev/null && "$work/try" || {
  echo "the compiler has no sanitizers that work here"
  exit 77
}

CC_ALL="$CC $flags -DPACKAGE_VERSION=\"0\" -I$VMSPEC_SRCDIR/include
  -I$VMSPEC_SRCDIR/lib $VMSPEC_CFLAGS"
export CC_ALL work VMSPEC_SRCDIR VMSPEC_LIBS
# shellcheck disable=SC2086
printf '%s\n' $VMSPEC_SOURCES | grep '\.c$' |
  xargs -P "$VMSPEC_JOBS" -I FILE sh -c \
    '$CC_ALL -c "$VMSPEC_SRCDIR/FILE" -o "$work/$(basename FILE .c).o"' ||
  exit 1

export CK_FORK=no VMSPEC_TEST_SLOWNESS=10
export ASAN_OPTIONS=allocator_may_return_null=1:detect_stack_use_after_return=1
export UBSAN_OPTIONS=print_stacktrace=1
# shellcheck disable=SC2086
printf '%s\n' ${*:-$VMSPEC_UNIT_TESTS} |
  xargs -P "$VMSPEC_JOBS" -I TEST sh -c '
    name=$(basename TEST)
    wrap=
    test "$name" != test-nomem ||
      wrap="-Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=free"
    $CC_ALL $wrap "$VMSPEC_SRCDIR/TEST.c" "$work"/*.o -o "$work/$name" \
      $VMSPEC_LIBS && "$work/$name" > "$work/$name.log" 2>&1 ||
      echo $? > "$work/$name.failed"
  '

for failed in "$work"/*.failed; do
  test -e "$failed" || exit 0
  echo "$(basename "$failed" .failed) ended with $(cat "$failed"):"
  cat "${failed%.failed}.log"
done
exit 1
