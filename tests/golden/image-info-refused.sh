# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh source=tests/golden/prelude
try --image-info missing
mkdir directory
try --image-info directory
mkfifo pipe
try --image-info pipe
try --image-info ""
try --image-info
try --image-info a b
