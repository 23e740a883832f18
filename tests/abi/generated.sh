#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# The files that are made of the option table are those that are committed.
# After "make regenerate", read the difference: in layout.txt, lines of a struct
# may only be added after its last one; in rules.txt, what was allowed has to stay.
set -u

: "${VMSPEC_BUILDDIR:=.}" "${VMSPEC_SRCDIR:=.}"
status=0

expected=$(mktemp)
trap 'rm -f "$expected"' EXIT

# A file, or what stands in it between two comments.
committed () {
    if test $# -eq 2; then
        sed -n "/^<!-- $2 -->\$/,/^<!-- end of $2 -->\$/p" "$1" | sed '1d;$d'
    else
        cat "$1"
    fi
}

compare () {
    committed "$VMSPEC_SRCDIR/$2" ${3+"$3"} > "$expected"
    "$VMSPEC_BUILDDIR/generate" "$1" | diff -u "$expected" - || {
        echo "$2 is not what the option table says; see \"make regenerate\""
        status=1
    }
}

compare schema doc/vmspec.rng
compare options doc/options.man.inc
compare nixos README.md options
compare layout tests/abi/layout.txt
compare rules tests/abi/rules.txt
compare bash tools/completion/bash/vmspec-run
compare zsh tools/completion/zsh/_vmspec-run
compare fish tools/completion/fish/vmspec-run.fish
exit $status
