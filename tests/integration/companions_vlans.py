# SPDX-License-Identifier: LGPL-2.1-or-later
"""Rows of "companions": frames on virtual networks.

A machine without disks boots from the network: the firmware of its interface asks for an address, by broadcasts with the
machine's own MAC address, and so shows what the interface is connected to."""

import contextlib
import errno
import os
import shutil
import signal
import socket
import struct
import subprocess
import threading
from pathlib import Path
from typing import Any, Dict, Iterator, List

import vmspec

from companions_scene import equal, finding, MARK, need, Place, SECONDS, wait_until

BOOTS = ("-boot", "n")
VLAN = os.getpid() % 200 + 20       # multicast is everybody's on this host


def mac(machine: int, vlan: int = VLAN) -> bytes:
    return bytes([0x52, 0x54, 0x00, 0x12, vlan, machine])


def is_broadcast(frame: bytes, machine: int) -> bool:
    return frame[:6] == b"\xff" * 6 and frame[6:12] == mac(machine)


def machine(place: Place, number: int, backend: str, options: Any = BOOTS, **said: Any) -> vmspec.Plan:
    """With the frames that come out of the network, and those that go in, in a file."""
    environment = said.pop("environment", None)
    vlans = [vmspec.Vlan(number=one) for one in said.pop("numbers", [VLAN])]
    network: Dict[str, Any] = {"vlan_backend": backend, "machine_number": number, **said}
    if backend != "multicast":
        network.setdefault("vlan_directory", str(place.directory / "v"))
    # A path with a comma in it is QEMU's to double.
    dump = str(pcap(place, number)).replace(",", ",,")
    return place.plan([*options, "-object", f"filter-dump,id=dump,netdev=vlan1,file={dump}"], environment,
                      vmspec.Network(**network), vlans=vlans, name=f"m{number}")


def pcap(place: Place, number: int) -> Path:
    return place.directory / f"{number}.pcap"


def frames(path: Path) -> Iterator[bytes]:
    """Of a capture that is being written."""
    content = path.read_bytes() if path.exists() else b""
    at = 24
    while at + 16 <= len(content):
        size = struct.unpack_from("=I", content, at + 8)[0]
        if at + 16 + size <= len(content):
            yield content[at + 16:at + 16 + size]
        at += 16 + size


def hears(place: Place, number: int, other: int) -> None:
    """A machine's broadcast has come to another machine's end of the network."""
    wait_until(lambda: any(is_broadcast(frame, other) for frame in frames(pcap(place, number))),
               f"{number} hears nothing of {other}")


def two_machines(place: Place, backend: str, **said: Any) -> None:
    with place.start(machine(place, 1, backend, **said)), place.start(machine(place, 2, backend, **said)):
        hears(place, 1, 2)
        hears(place, 2, 1)


# ---- without helpers


def row_dgram(place: Place) -> None:
    """A peer that binds the other machine's socket gets the frames, and the machine's own socket goes with it."""
    directory = place.directory / "v"
    directory.mkdir()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as peer:
        peer.bind(str(directory / f"{VLAN}.2"))
        peer.settimeout(SECONDS)
        with place.start(machine(place, 1, "dgram")):
            while not is_broadcast(peer.recv(65536), 1):
                pass
            assert (directory / f"{VLAN}.1").exists()
    equal(os.listdir(directory), [f"{VLAN}.2"], "the sockets that are left")
    place.nothing_left()


def row_dgram_pair(place: Place) -> None:
    two_machines(place, "dgram")
    place.nothing_left([place.directory / "v" / f"{VLAN}.{number}" for number in (1, 2)])


def row_stream_pair(place: Place) -> None:
    """The second machine is refused as long as there is no first."""
    second = machine(place, 2, "stream")
    finding(place.fails(second, errno.ENOENT), "vlan.no-peer", "network.vlan_backend", "start machine 1")
    two_machines(place, "stream")
    place.nothing_left([place.directory / "v" / str(VLAN)])


def row_multicast(place: Place) -> None:
    """Any listener on this host's loopback, and any number of machines."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        peer.bind((f"239.255.86.{VLAN}", 18600 + VLAN))
        peer.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP,
                        socket.inet_aton(f"239.255.86.{VLAN}") + socket.inet_aton("127.0.0.1"))
        peer.settimeout(SECONDS)
        with place.start(machine(place, 3, "multicast")), place.start(machine(place, 4, "multicast")):
            while not is_broadcast(peer.recv(65536), 3):
                pass
            hears(place, 3, 4)
            hears(place, 4, 3)
    place.nothing_left()


# ---- vde


def row_switch(place: Place) -> None:
    """The first machine brings the switch, the second uses it; with the first it ends, and its directory goes."""
    need("vde_switch")
    directory = place.directory / "v"
    with place.start(machine(place, 1, "vde", vlan_switch=True)):
        with place.start(machine(place, 2, "vde", vlan_switch=True)):
            equal(len(place.processes("/vde_switch")), 1, "the number of switches")
            hears(place, 1, 2)
            hears(place, 2, 1)
        assert "ctl" in os.listdir(directory / str(VLAN)), "the switch has ended with the second machine"
    place.nothing_left([directory / str(VLAN)])
    equal(os.listdir(directory), [".lock"], "what lasts")


def row_switches_are_disputed(place: Place) -> None:
    """Machines that start at once have one switch, and each of several numbers has its own."""
    need("vde_switch")
    plans = [machine(place, number, "vde", ("-S",), vlan_switch=True, numbers=[VLAN, VLAN + 1])
             for number in (1, 2, 3)]
    for _ in range(4):
        machines: List[vmspec.VM] = []
        failed: List[BaseException] = []

        def start(plan: vmspec.Plan) -> None:
            try:
                machines.append(place.start(plan))
            except BaseException as error:
                failed.append(error)

        threads = [threading.Thread(target=start, args=[plan]) for plan in plans]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        with contextlib.ExitStack() as all_of_them:
            for vm in machines:
                all_of_them.enter_context(vm)
            equal(failed, [], "starts that failed")
            equal(len(place.processes("/vde_switch")), 2, "the number of switches")
        place.nothing_left([place.directory / "v" / str(number) for number in (VLAN, VLAN + 1)])


def row_switch_was_killed(place: Place) -> None:
    """What it has left does not keep the next from starting."""
    need("vde_switch")
    directory = place.directory / "v" / str(VLAN)
    directory.mkdir(parents=True)
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(directory / "ctl"))
    with place.start(machine(place, 1, "vde", ("-S",), vlan_switch=True)):
        equal(len(place.processes("/vde_switch")), 1, "the number of switches")
        with socket.socket(socket.AF_UNIX) as alive:
            alive.connect(str(directory / "ctl"))
    place.nothing_left([directory])


def row_switch_is_killed(place: Place) -> None:
    """The machine ends with it, and says so.  Its sockets of ports have names that only it knew, and stay; nobody can
    take them for a switch, and the next one starts beside them."""
    need("vde_switch")
    directory = place.directory / "v" / str(VLAN)
    plan = machine(place, 1, "vde", ("-S",), vlan_switch=True)
    with place.start(plan) as vm:
        os.kill(next(iter(place.processes("/vde_switch"))), signal.SIGKILL)
        vm.wait(SECONDS)
        equal([found.id for found in vm.explain()], ["vlan.switch-ended"], "why it has ended")
        place.nothing_left([directory / "ctl"])
    with place.start(plan):
        assert (directory / "ctl").exists()
    place.nothing_left([directory / "ctl"])


def row_caller_of_a_switch_is_killed(place: Place) -> None:
    need("vde_switch")
    plan = machine(place, 1, "vde", ("-S",), vlan_switch=True)
    ready, child = place.directory / "ready", os.fork()
    if child == 0:
        try:
            with place.start(plan):
                ready.touch()
                signal.pause()
        finally:
            os._exit(1)
    wait_until(ready.exists, "the machine does not run")
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    place.nothing_left([place.directory / "v" / str(VLAN)])


def row_switch_fails(place: Place) -> None:
    """Its words are told; so is that there is none; and that it cannot have a directory."""
    place.script("vde_switch", "#!/bin/sh\necho no cables >&2\nexit 7\n")
    error = place.fails(machine(place, 1, "vde", vlan_switch=True), errno.EIO)
    finding(error, "vlan.switch-failed", "network.vlan_switch", "no cables")
    place.nothing_left([place.directory / "v" / str(VLAN)])
    place.script("vde_switch", "#!/nowhere/interpreter\n")
    error = place.fails(machine(place, 1, "vde", vlan_switch=True), errno.ENOENT)
    finding(error, "vlan.switch-failed", "network.vlan_switch", "cannot be started")
    place.nothing_left([place.directory / "v" / str(VLAN)])


def row_too_many_switches(place: Place) -> None:
    """The keeper has room for 45, each with a lock and two paths."""
    need("vde_switch")
    plan = machine(place, 1, "vde", vlan_switch=True, numbers=range(1, 47))
    finding(place.fails(plan, errno.EMFILE), "vlan.switch-failed", "network.vlan_switch", "cannot be started so often")
    place.nothing_left([place.directory / "v" / str(number) for number in range(1, 47)])


def row_no_switch(place: Place) -> None:
    plan = machine(place, 1, "vde")
    finding(place.fails(plan, errno.ENOENT), "vlan.no-switch", "network.vlan_backend", "vde_switch -s")
    (place.directory / "empty").mkdir()
    network = vmspec.Network(vlan_backend="vde", vlan_directory=str(place.directory / "v"), vlan_switch=True)
    qemu = shutil.which("qemu-system-x86_64")
    os.symlink(str(qemu), place.directory / "empty" / "qemu-system-x86_64")
    plan = place.plan(network=network, path=str(place.directory / "empty"))
    finding(place.fails(plan, errno.ENOEXEC), "vlan.switch-missing", "network.vlan_switch", "install it")


@contextlib.contextmanager
def switch(place: Place, directory: Path) -> "Iterator[subprocess.Popen[bytes]]":
    """Somebody else's, which ends with its input."""
    need("vde_switch")
    environment = {**os.environ, MARK: place.mark}
    with subprocess.Popen(["vde_switch", "-s", str(directory)], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL, env=environment) as process:
        try:
            wait_until((directory / "ctl").exists, "vde_switch does not start")
            yield process
        finally:
            process.terminate()


@contextlib.contextmanager
def plug(directory: Path) -> Iterator[Any]:
    """What comes out of a switch."""
    with subprocess.Popen(["vde_plug", str(directory)], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        try:
            yield process.stdout
        finally:
            process.terminate()


def row_told_switch(place: Place) -> None:
    """QEMU_VDE_SOCKET_<n> names a switch, which is used whatever else is said, and is not the machine's to end."""
    need("vde_plug")
    directory = place.directory / "told"
    environment = {f"QEMU_VDE_SOCKET_{VLAN}": str(directory)}
    plan = machine(place, 1, "vde", environment=environment, vlan_switch=True)
    finding(place.fails(plan, errno.ENOENT), "vlan.no-switch", "network.vlan_backend", str(directory))
    with switch(place, directory) as process:
        with plug(directory) as frames_of_switch, place.start(plan):
            equal(list(place.processes("/vde_switch")), [], "switches of the machine's own")
            while not is_broadcast(plugged(frames_of_switch), 1):
                pass
        equal(process.poll(), None, "the switch after the machine")
        assert (directory / "ctl").exists()


def plugged(stream: Any) -> bytes:
    """A frame behind its size, as vde_plug writes them."""
    size = stream.read(2)
    if len(size) != 2:
        raise AssertionError("vde_plug has ended")
    return bytes(stream.read(int.from_bytes(size, "big")))


# ---- other helpers


def row_no_netcat(place: Place) -> None:
    """Connections from the guest take nc, and vmspec-run says so before anything is started."""
    empty = place.directory / "empty"
    empty.mkdir()
    os.symlink(str(shutil.which("qemu-system-x86_64")), empty / "qemu-system-x86_64")
    description = place.directory / "machine.xml"
    description.write_text('<vmspec xmlns="urn:vmspec:1" graphics="off"><disk image=""/><network><forward-port '
                           'from="guest" guest-address="10.0.2.99" guest-port="80" host-address="127.0.0.1" '
                           'host-port="8080"/></network><qemu accel="off"/></vmspec>')
    environment = {**place.environment({}), "LD_LIBRARY_PATH": os.environ.get("LD_LIBRARY_PATH", "")}
    found = []
    for path in (str(empty), f"{empty}:{os.environ['PATH']}"):
        run = subprocess.run([os.environ["VMSPEC_RUN"], "--check", str(description)], stdin=subprocess.DEVNULL,
                             env={**environment, "PATH": path}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                             text=True, check=False)
        found.append("network.netcat-missing" in run.stdout and "install netcat or set network.netcat" in run.stdout)
    need("nc")
    equal(found, [True, False], "whether nc is said to be missing without it, and with it")
