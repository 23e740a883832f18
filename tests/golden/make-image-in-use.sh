# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh source=tests/golden/prelude
vmspec-run --make-image base.qcow2 size=1M
# A writer has QEMU's lock for that.
"$PYTHON" - << 'END' &
import fcntl, os, struct, time
file = os.open("base.qcow2", os.O_RDWR)
# A lock of the open file: F_OFD_SETLK with F_RDLCK at byte 101.
fcntl.fcntl(file, 37, struct.pack("hhqqi4x", fcntl.F_RDLCK, 0, 101, 1, 0))
open("locked", "w").close()
time.sleep(60)
END
while ! test -e locked; do sleep 0.01; done
try --make-image a.qcow2 backing=base.qcow2
vmspec-run --image-info base.qcow2 | grep use
kill $!
