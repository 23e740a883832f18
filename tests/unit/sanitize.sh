#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# The library and its unit tests once more, compiled with the address and the
# undefined behaviour sanitizer.  Usage: sanitize.sh [TEST...]
set -u

: "${VMSPEC_SRCDIR:=.}" "${VMSPEC_JOBS:=2}" "${CC:=cc}"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# shellcheck disable=SC2086
test $# -gt 0 || set -- $VMSPEC_UNIT_TESTS

# A command to be evaluated: configure's definitions come with quotes.
compile="$CC -std=gnu11 -D_GNU_SOURCE -g -O1 -fno-omit-frame-pointer
  -fsanitize=address,undefined -fno-sanitize-recover=all $VMSPEC_DEFS
  -I\"\$VMSPEC_SRCDIR/include\" -I\"\$VMSPEC_SRCDIR/lib\" $VMSPEC_CFLAGS"
compile=$(echo "$compile" | tr '\n' ' ')
export compile work VMSPEC_SRCDIR VMSPEC_LIBS

echo 'int main (void) { return 0; }' > "$work/try.c"
if ! eval "$compile \"\$work/try.c\" -o \"\$work/try\" && \"\$work/try\""; then
  echo "the compiler has no sanitizers that work here"
  exit 77
fi

# shellcheck disable=SC2016,SC2086
printf '%s\n' $VMSPEC_SOURCES | grep '\.c$' |
  xargs -P "$VMSPEC_JOBS" -I FILE sh -c '
    eval "$compile -c \"\$VMSPEC_SRCDIR/FILE\" -o \"\$work/$(basename FILE .c).o\""
  ' || exit 1

# Machines are kept by a keeper that is compiled like that, too.
eval "$compile \"\$VMSPEC_SRCDIR\"/lib/keeper-main.c" \
  "\"\$VMSPEC_SRCDIR\"/lib/keeper-child.c \"\$work\"/keeper-link.o" \
  "\"\$work\"/leftover.o \"\$work\"/remove.o \"\$work\"/descriptor.o \"\$work\"/clock.o" \
  "-o \"\$work/vmspec-keeper\"" || exit 1
export VMSPEC_KEEPER="$work/vmspec-keeper"

export CK_FORK=no VMSPEC_TEST_SLOWNESS=10
export ASAN_OPTIONS=allocator_may_return_null=1:detect_stack_use_after_return=1
export UBSAN_OPTIONS=print_stacktrace=1
# shellcheck disable=SC2016
printf '%s\n' "$@" |
  xargs -P "$VMSPEC_JOBS" -I TEST sh -c '
    name=$(basename TEST)
    wrap=
    test "${name#test-nomem}" = "$name" ||
      wrap="-Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=free"
    eval "$compile $wrap \"\$VMSPEC_SRCDIR/TEST.c\" \"\$work\"/*.o" \
      "-o \"\$work/\$name\" $VMSPEC_LIBS" > "$work/$name.log" 2>&1 &&
      "$work/$name" >> "$work/$name.log" 2>&1 || echo $? > "$work/$name.failed"
  '

for failed in "$work"/*.failed; do
  test -e "$failed" || exit 0
  echo "$(basename "$failed" .failed) ended with $(cat "$failed"):"
  cat "${failed%.failed}.log"
done
exit 1
