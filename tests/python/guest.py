#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Stands in for QEMU with a guest whose agent runs programs: here."""

import base64
import json
import re
import socket
import subprocess
import sys
import threading


def lines(connection):
    for line in connection.makefile("rb"):
        line = line.lstrip(b"\xff").strip()
        if line:
            yield json.loads(line)


def send(connection, answer, before=b""):
    connection.sendall(before + json.dumps(answer).encode() + b"\n")


def monitor(connection):
    send(connection, {"QMP": {"version": {}, "capabilities": []}})
    for command in lines(connection):
        send(connection, {"return": {}, "id": command["id"]})


class Agent:
    def __init__(self):
        self.children = {}

    def guest_exec(self, said):
        child = subprocess.Popen([said["path"], *said["arg"]],
                                 stdin=subprocess.DEVNULL,
                                 stdout=subprocess.PIPE,
                                 stderr=subprocess.PIPE)
        self.children[child.pid] = child
        return {"pid": child.pid}

    def guest_exec_status(self, said):
        child = self.children[said["pid"]]
        if child.poll() is None:
            return {"exited": False}
        output, error = (base64.b64encode(stream.read()).decode()
                         for stream in (child.stdout, child.stderr))
        how = {"signal": -child.returncode} if child.returncode < 0 else \
            {"exitcode": child.returncode}
        # As the real one does it: what is empty is not said.
        said = {"out-data": output, "err-data": error}
        return {"exited": True, **how, **{k: v for k, v in said.items() if v}}

    def answer(self, name, said):
        method = getattr(self, name.replace("-", "_"), None)
        if method is None:
            return {"error": {"desc": f"The command {name} has not been found",
                              "class": "CommandNotFound"}}
        try:
            return {"return": method(said)}
        except (OSError, ValueError) as error:
            return {"error": {"desc": str(error), "class": "GenericError"}}

    def serve(self, connection):
        for command in lines(connection):
            name, said = command["execute"], command.get("arguments", {})
            if name == "guest-sync-delimited":
                send(connection, {"return": said["id"]}, b"\xff")
            elif name != "guest-shutdown":  # which has no answer
                send(connection, self.answer(name, said))


def main():
    config = open(sys.argv[sys.argv.index("-readconfig") + 1]).read()
    qmp, agent = (socket.socket(fileno=int(fd))
                  for fd in re.findall(r'fd = "(\d+)"', config))
    threading.Thread(target=Agent().serve, args=[agent], daemon=True).start()
    monitor(qmp)


main()
