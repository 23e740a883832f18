# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh source=tests/golden/prelude
open="<vmspec xmlns='urn:vmspec:1'"
repeat () { i=0; while test $i -lt "$1"; do echo "$2"; i=$((i + 1)); done; }

{ echo "$open>"; repeat 40 "<x>"; } > deep.xml
try --check deep.xml
{ echo "$open"; repeat 65 "a='1'"; echo "/>"; } > attributes.xml
try --check attributes.xml
{ echo "$open>"; repeat 101 "<x/>"; echo "</vmspec>"; } > mistakes.xml
try --check mistakes.xml 2>&1 | tail -2
{ echo "$open name='"; head -c 9437184 /dev/zero | tr '\0' a; echo "'/>"; } > tag.xml
try --check tag.xml
{ echo "$open>"; head -c 16777216 /dev/zero | tr '\0' ' '; echo "</vmspec>"; } > large.xml
try --check large.xml
{ echo "$open>"; yes "<vlan/>" | head -n 100000; echo "</vmspec>"; } > elements.xml
try --check elements.xml
try --check missing.xml
try --check .
