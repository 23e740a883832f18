# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh source=tests/golden/prelude
describe vm "arch='x86_64' memory='0'" ""
: > config
try --check-kernel config vm.xml
try --check-kernel config
try --check-kernel
