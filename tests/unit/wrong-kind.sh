#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# A row of the option table whose kind does not fit its member does not compile.
set -eu

: "${CC:=cc}" "${VMSPEC_SRCDIR:=.}"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# $CC may be several words.
compiles () {
  cat > "$work/row.c" <<END
#include "option.c"
extern const struct vmspec_option row[];
const struct vmspec_option row[] = { $1 };
END
  # shellcheck disable=SC2086
  $CC -std=gnu11 -D_GNU_SOURCE -I"$VMSPEC_SRCDIR/include" \
    -I"$VMSPEC_SRCDIR/lib" -fsyntax-only "$work/row.c" 2> "$work/errors"
}

accepted () {
  compiles "$1" || { echo "refused: $1"; cat "$work/errors"; exit 1; }
}

refused () {
  if compiles "$1"; then
    echo "accepted: $1"
    exit 1
  fi
}

# First that it is not something else that fails.
accepted 'STRING (vmspec, name, 0, NULL, NULL, "A name.")'
accepted 'UINT64 (vmspec, memory, 1, 2, 0, NULL, NULL, "A size.")'
accepted 'UINT32 (vmspec, cores, 1, 2, 0, NULL, NULL, "A number.")'
accepted 'SWITCH (vmspec, graphics, NULL, NULL, "A switch.")'
accepted 'GROUP (vmspec, qemu, vmspec_qemu, "A group.")'
accepted 'LIST (vmspec, drives, vmspec_drive, "drive", NULL, NULL, "A list.")'
accepted 'STRINGS (vmspec_qemu, options, "option", NULL, NULL, "Texts.")'

refused 'STRING (vmspec, memory, 0, NULL, NULL, "A number as text.")'
refused 'STRING (vmspec_qemu, options, 0, NULL, NULL, "Texts as text.")'
refused 'PATH (vmspec, qemu, 0, NULL, NULL, "A group as text.")'
refused 'UINT32 (vmspec, memory, 1, 2, 0, NULL, NULL, "64 bits as 32.")'
refused 'UINT64 (vmspec, cores, 1, 2, 0, NULL, NULL, "32 bits as 64.")'
refused 'UINT64 (vmspec, name, 1, 2, 0, NULL, NULL, "A text as number.")'
refused 'SWITCH (vmspec, memory, NULL, NULL, "64 bits as switch.")'
refused 'ENUM (vmspec, name, arch_names, NULL, NULL, "A text as number.")'
refused 'GROUP (vmspec, qemu, vmspec_disk, "Another group.")'
refused 'GROUP (vmspec, drives, vmspec_drive, "A list as group.")'
refused 'LIST (vmspec, drives, vmspec_share, "x", NULL, NULL, "Other type.")'
refused 'LIST (vmspec, qemu, vmspec_qemu, "x", NULL, NULL, "Group as list.")'
refused 'STRINGS (vmspec, name, "x", NULL, NULL, "A text as list.")'
refused 'STRINGS (vmspec, drives, "x", NULL, NULL, "Structs as texts.")'
refused 'RESERVED (vmspec, memory)'
refused 'STRING (vmspec, nothing, 0, NULL, NULL, "No such member.")'
