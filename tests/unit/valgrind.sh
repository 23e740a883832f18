#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# No unit test reads what it must not or leaves memory behind: all of them once
# more, under valgrind.  Only the tests' own process: what they start is not
# ours.  Usage: valgrind.sh [TEST...]
set -u

: "${VMSPEC_BUILDDIR:=.}"
command -v valgrind > /dev/null || { echo "there is no valgrind"; exit 77; }

# shellcheck disable=SC2086
test $# -gt 0 || set -- $VMSPEC_UNIT_TESTS
log=$(mktemp -d)
trap 'rm -rf "$log"' EXIT
export CK_FORK=no VMSPEC_TEST_SLOWNESS=40

# shellcheck disable=SC2016
printf '%s\n' "$@" |
  xargs -P "${VMSPEC_JOBS:-2}" -I TEST sh -c '
    name=$(basename TEST)
    valgrind -q --leak-check=full --show-leak-kinds=definite,indirect \
      --errors-for-leak-kinds=definite,indirect --error-exitcode=99 \
      --trace-children=no --child-silent-after-fork=yes --fair-sched=yes \
      "$1/TEST" > "$2/$name" 2>&1 || echo $? > "$2/$name.failed"
  ' sh "$VMSPEC_BUILDDIR" "$log"

for failed in "$log"/*.failed; do
  test -e "$failed" || exit 0
  echo "${failed%.failed} ended with $(cat "$failed"):"
  cat "${failed%.failed}"
done
exit 1
