#!/bin/sh
# build-and-run.sh TARGET [SECONDS [LIBFUZZER-OPTION...]]: fuzzes with clang.
#
# TARGET is xml, set, expand, plan, image, qmp or kernel. What is found to be worth keeping goes to
# build/fuzz/TARGET below the working directory, starting from the corpus here;
# "merge" in place of the seconds adds what is new of it to the corpus.
#
# SPDX-License-Identifier: LGPL-2.1-or-later
set -eu

target=${1:?which target: xml, set, expand, plan, image, qmp or kernel}
seconds=${2:-300}
shift "$(($# < 2 ? $# : 2))"
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
out=$PWD/build/fuzz
mkdir -p "$out/$target"
modules="libxml-2.0 ext2fs e2p libqcow fdisk blkid uuid zlib jansson"

# Names below the top directory and pkg-config's output are words.  The keeper is a
# program of its own.
# shellcheck disable=SC2046,SC2086
(
    cd "$top"
    "${CC:-clang}" -std=gnu11 -D_GNU_SOURCE -O1 -g -fno-omit-frame-pointer \
        -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all -DPACKAGE_VERSION='"fuzz"' \
        -DKEEPER='"/vmspec-keeper"' -Iinclude -Ilib $(pkg-config --cflags $modules) \
        $(printf '%s\n' lib/*.c | grep -v keeper-main) "$here/fuzz-$target.c" $(pkg-config --libs $modules) \
        -o "$out/fuzz-$target"
)

cd "$out"
if [ "$seconds" = merge ]; then
    exec "./fuzz-$target" -merge=1 "$@" "$here/corpus-$target" "$target"
fi
exec "./fuzz-$target" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -max_len=4096 \
    -dict="$here/vmspec.dict" -artifact_prefix="$out/crash-$target-" "$@" "$target" "$here/corpus-$target"
