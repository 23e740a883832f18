# shellcheck shell=sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Sourced: the project is built a second time, in "$second", with other flags.

: "${VMSPEC_SRCDIR:=.}" "${VMSPEC_JOBS:=2}" "${CC:=cc}" "${PYTHON:=python3}"
source=$(cd "$VMSPEC_SRCDIR" && pwd)
second=$(mktemp -d)
trap 'rm -rf "$second"' EXIT
# What an outer make was told is not for this one.
unset MAKEFLAGS MAKEOVERRIDES MFLAGS

# A program by whatever name it is called; a wrapper of it would be watched, too.
PYTHON=$("$PYTHON" -c 'import sys; print(sys.executable)')

quietly () {
  "$@" > "$second/log" 2>&1 || { cat "$second/log"; return 1; }
}

# second_build FLAGS [CONFIGURE-ARGUMENT...]: skips the test if the compiler does
# not take the flags.
second_build () {
  echo 'int main (void) { return 0; }' > "$second/try.c"
  # shellcheck disable=SC2086
  if ! $CC $1 "$second/try.c" -o "$second/try" || ! "$second/try"; then
    echo "the compiler makes no programs that run with $1"
    exit 77
  fi
  flags=$1
  shift
  cd "$second" || exit 99
  quietly "$source/configure" -q CC="$CC" CFLAGS="$flags" --disable-hardening "$@" || exit 99
  quietly make -j"$VMSPEC_JOBS" || exit 99
}

# second_check TEST...: tells of those that fail; in CI, none may be skipped
second_check () {
  if make -j"$VMSPEC_JOBS" check TESTS="$*" > "$second/log" 2>&1; then
    test -z "${CI:-}" || ! grep '^SKIP: ' "$second/log"
    return
  fi
  grep -E '^(FAIL|ERROR)' "$second/log" || cat "$second/log"
  for test in "$@"; do
    log=${test%.*}.log
    grep -q '^:test-result: PASS' "${log%.log}.trs" || { echo "$test:"; cat "$log"; }
  done
  return 1
}
