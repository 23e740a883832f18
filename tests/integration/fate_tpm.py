# SPDX-License-Identifier: LGPL-2.1-or-later
"""Rows of "fate": what was written to the TPM survives."""

import os
import signal
from errno import EIO

from fate_scene import only_with_tpm

# ---- the TPM remembers -----------------------------------------------------------------------------------------------

REMEMBER = r'''#!/usr/bin/env python3
"""Speaks TPM 2.0 to a socket: what is to be written, or compared, is in FATE_WORD."""
import os, socket, struct, sys

OWNER, INDEX, PASSWORD = 0x40000001, 0x01500001, 0x40000009
SESSION = struct.pack(">IIHBH", 9, PASSWORD, 0, 0, 0)


def ask(code, handles, parameters):
    body = struct.pack(f">{len(handles)}I", *handles) + SESSION + parameters
    tpm.sendall(struct.pack(">HII", 0x8002, 10 + len(body), code) + body)
    answer = tpm.recv(4096)
    code = struct.unpack(">I", answer[6:10])[0]
    if code:
        sys.exit(f"the TPM says {code:#x}")
    return answer[14:]


path = os.environ["TPM2TOOLS_TCTI"].partition("path=")[2]
word = os.environ["FATE_WORD"].encode()
tpm = socket.socket(socket.AF_UNIX)
tpm.connect(path)
if os.environ["FATE_TASK"] == "write":
    public = struct.pack(">IHIHH", INDEX, 0x000B, 0x02060006, 0, len(word))
    ask(0x12A, [OWNER], struct.pack(">HH", 0, len(public)) + public)
    ask(0x137, [OWNER, INDEX], struct.pack(">H", len(word)) + word + struct.pack(">H", 0))
else:
    found = ask(0x14E, [OWNER, INDEX], struct.pack(">HH", len(word), 0))[2:2 + len(word)]
    if found != word:
        sys.exit(f"the TPM has {found!r}")
'''


@only_with_tpm
def row_tpm_remembers(scene):
    """What was written to the TPM is there after each violent end."""
    provision = scene.script("remember", REMEMBER)
    settings = [*scene.with_real(), f"tpm.provision={provision}"]
    task = {"FATE_TASK": "write", "FATE_WORD": scene.mark}
    for end in ("caller", "keeper", "swtpm", "group"):
        caller = scene.caller(settings, environment=task, group=True)
        caller.start()
        if end == "keeper":
            scene.kill_keeper()
        elif end == "swtpm":
            os.kill(scene.swtpm(), signal.SIGKILL)
            caller.does("wait 4000")
        elif end == "group":
            os.killpg(caller.process.pid, signal.SIGKILL)
        if end == "keeper":
            caller.does("free")
        caller.kill()
        scene.nothing_left()
        task["FATE_TASK"] = "read"
    caller = scene.caller(settings, environment=task | {"FATE_WORD": "something else"})
    caller.fails(EIO, "helper.failed")
