# SPDX-License-Identifier: LGPL-2.1-or-later
"""QEMU's monitor protocol, as much of it as tests need."""

import json
import socket
import time


class Refused(Exception):
    """QEMU ended before it answered; the text is what it said."""


class Monitor:
    def __init__(self, path, process, log, seconds=60):
        self._socket = self._connect(path, process, log, seconds)
        self._socket.settimeout(seconds)
        self._lines = self._socket.makefile("rb")
        try:
            if not self._lines.readline():
                raise ConnectionResetError
            self.command("qmp_capabilities")
        except ConnectionError:
            process.wait()
            raise Refused(log.read_text(errors="replace").strip()) from None

    @staticmethod
    def _connect(path, process, log, seconds):
        end = time.monotonic() + seconds
        while True:
            try:
                connection = socket.socket(socket.AF_UNIX)
                connection.connect(path)
                return connection
            except OSError:
                connection.close()
            if process.poll() is not None:
                raise Refused(log.read_text(errors="replace").strip())
            if time.monotonic() > end:
                raise TimeoutError("QEMU offers no monitor: " + log.read_text(errors="replace").strip())
            time.sleep(0.002)

    def command(self, name, **arguments):
        self._socket.sendall(json.dumps({"execute": name, "arguments": arguments}).encode())
        while True:
            line = self._lines.readline()
            if not line:
                raise ConnectionResetError("QEMU ended in the middle of a command")
            answer = json.loads(line)
            if "return" in answer:
                return answer["return"]
            if "error" in answer:
                raise LookupError(f"{name} {arguments}: {answer['error']['desc']}")

    def human(self, line):
        return self.command("human-monitor-command", **{"command-line": line})

    def get(self, path, member):
        """A property of an object, None if it has no such."""
        try:
            return self.command("qom-get", path=path, property=member)
        except LookupError:
            return None

    def objects(self, path="/machine"):
        """Paths and types of all objects below a path."""
        for child in self.command("qom-list", path=path):
            if child["type"].startswith("child<"):
                below = f"{path}/{child['name']}"
                yield below, child["type"][6:-1]
                yield from self.objects(below)

    def close(self):
        self._lines.close()
        self._socket.close()
