# SPDX-License-Identifier: LGPL-2.1-or-later
"""Rows of "fate": what QEMU and swtpm are given, to the last descriptor."""

import signal

from fate_scene import check, equal, wait_until

# ---- what children get -----------------------------------------------------------------------------------------------


class Report:
    """What fate-child.c was given."""

    def __init__(self, file):
        self.lines = wait_until(lambda: file.exists() and file.read_text(), f"there is no {file}").splitlines()

    def all(self, key):
        return [line.removeprefix(key + " ") for line in self.lines if line.startswith(key + " ")]

    def one(self, key):
        found = self.all(key)
        equal(len(found), 1, f"the number of lines about {key}")
        return found[0]

    def descriptors(self):
        return {int(number): what for number, _, what in (line.partition(" ") for line in self.all("fd"))}


# Signals 32 and 33, which glibc's posix_spawn() has ignored; nobody else can use them.
OF_THE_C_LIBRARY = 3 << 31


def check_signals(report):
    status = dict(line.split(":") for line in report.all("status"))
    for name in ("SigBlk", "SigIgn", "SigCgt", "SigPnd", "ShdPnd"):
        equal(int(status[name], 16) & ~OF_THE_C_LIBRARY, 0, name)


def check_kept(report):
    check_signals(report)
    equal(report.one("parent"), "vmspec-keeper", "the parent")
    equal(report.one("at-death"), str(int(signal.SIGKILL)), "the signal at the parent's death")


def check_swtpm(scene, caller, environment):
    report = Report(scene.directory / "report.swtpm")
    check_kept(report)
    equal(report.descriptors(), {0: "/dev/null", 1: "/dev/null", 2: "pipe writes",
                                 3: f"listening stream{scene.state}/socket"}, "swtpm's descriptors")
    equal(report.one("directory"), str(scene.state), "swtpm's directory")
    equal(report.all("variable"), environment, "swtpm's environment")
    check(report.one("group") != str(caller.process.pid), "swtpm is in the caller's group")
    equal(report.one("session"), str(caller.process.pid), "swtpm's session")
    equal(report.all("argument"),
          [str(scene.bin / "swtpm"), "socket", "--tpmstate", "dir=.", "--ctrl", "type=unixio,fd=3", "--pid", "file=pid",
           "--tpm2", "--log", "file=stdout,level=6"], "swtpm's arguments")


def check_children(scene, orders=(), settings=(), standard=("/dev/null", "/dev/null"), more=(), control=1, own=False):
    """A caller in a state of its own; what QEMU gets besides 2 and what we give it."""
    for file in scene.directory.glob("report.*"):
        file.unlink()
    caller = scene.stand_in_caller(*settings, environment={"FATE_REPORT": str(scene.report)}, group=True)
    for order in orders:
        check(caller.ask(order).result >= 0, f"{order} fails")
    caller.start()
    environment, argv = caller.ask("environment").lines, caller.ask("argv").lines
    report = Report(scene.directory / "report.qemu")
    check_kept(report)
    wanted = {0: standard[0], 1: standard[1], 2: "pipe writes", **dict(more)}
    first = max(wanted) + 1
    for number in range(first, first + control):
        wanted[number] = "connected stream"
    if control:
        wanted[first + control] = "/memfd:vmspec-control (deleted)"
        argv += ["-readconfig", f"/proc/self/fd/{first + control}"]
    equal(report.descriptors(), wanted, "QEMU's descriptors")
    equal(report.all("argument"), argv, "QEMU's arguments")
    equal(report.all("variable"), environment, "QEMU's environment")
    equal(report.one("directory"), caller.ask("directory").lines[0], "QEMU's directory")
    check((report.one("group") == str(caller.process.pid)) != own, "QEMU is in the wrong group")
    equal(report.one("session"), str(caller.process.pid), "QEMU's session")
    if scene.tpm:
        check_swtpm(scene, caller, environment)
    caller.does("free")
    scene.nothing_left_now(caller)
    caller.tell("exit 0")
    caller.gone()


INHERIT = ("start.input=inherit", "start.output=inherit", "start.error=inherit")


def row_children_get_what_they_need(scene):
    check_children(scene)
    check_children(scene, settings=["start.qmp=off"], control=0)
    check_children(scene, settings=["start.guest_agent=on"], control=2)
    check_children(scene, settings=["start.own_group=on"], own=True)


def row_children_inherit_nothing(scene):
    check_children(scene, ["leak 100"])
    check_children(scene, ["leak 100"], settings=["start.qmp=off"], control=0)
    check_children(scene, ["signals"])
    check_children(scene, ["leak 50", "signals", f"open 2 {scene.directory}/error"], INHERIT)


def files(scene, *numbers):
    return [f"open {number} {scene.directory}/file{number}" for number in numbers]


def row_children_get_standard_descriptors(scene):
    zero, one = f"{scene.directory}/file0", f"{scene.directory}/file1"
    check_children(scene, files(scene, 0, 1, 2), INHERIT, standard=(zero, one))
    check_children(scene, files(scene, 0, 1, 2))
    check_children(scene, files(scene, 40, 41, 42),
                   ["start.input=descriptor", "start.output=descriptor", "start.error=descriptor", "start.input_fd=40",
                    "start.output_fd=41", "start.error_fd=42"],
                   standard=(f"{scene.directory}/file40", f"{scene.directory}/file41"))
    check_children(scene, files(scene, 0, 1, 2),
                   ["start.input=descriptor", "start.output=descriptor", "start.input_fd=1", "start.output_fd=0"],
                   standard=(one, zero))


def row_children_of_callers_with_closed_descriptors(scene):
    """What the library opens then has these numbers, and is nobody's input or output."""
    for closed in ([0], [1], [2], [0, 1], [1, 2], [0, 1, 2]):
        orders = files(scene, 0, 1, 2) + [f"close {number}" for number in closed]
        standard = tuple("/dev/null" if number in closed else f"{scene.directory}/file{number}" for number in (0, 1))
        check_children(scene, orders, INHERIT, standard=standard)
        check_children(scene, orders)


def row_children_get_more_descriptors(scene):
    """Those that the caller names, also where their numbers cross."""
    path = f"{scene.directory}/file"
    check_children(scene, files(scene, 40, 41) + ["pass 3 40", "pass 4 41", "leak 20"],
                   more={3: path + "40", 4: path + "41"})
    check_children(scene, files(scene, 10, 11) + ["pass 10 11", "pass 11 10"], more={10: path + "11", 11: path + "10"})
    check_children(scene, files(scene, 12) + ["pass 200 12", "pass 5 12"], more={200: path + "12", 5: path + "12"})
