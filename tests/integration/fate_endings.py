# SPDX-License-Identifier: LGPL-2.1-or-later
"""Rows of "fate": who ends first, and how."""

import os
import signal
import subprocess
from errno import EACCES, ECHILD, EIO, ENOENT, ETIME

from fate_scene import (
    can_lock, check, comm, equal, MACHINE, only_with_tpm, programs, real, SECONDS, SKIPPED, Skipped, state_of,
    wait_until,
)

# ---- QEMU ends -------------------------------------------------------------------------------------------------------


def row_qemu_exits(scene):
    caller = scene.real_caller()
    caller.start()
    caller.does("quit")
    caller.ends(0)
    scene.nothing_left_now(caller)
    caller.does("free")


def row_qemu_exits_at_once(scene):
    caller = scene.stand_in_caller(environment={"FATE_QEMU": "exit 1"})
    caller.does("plan")
    caller.does("start")
    caller.ends(1 << 8, "qemu.ended", "the stand-in gives up")
    scene.nothing_left_now(caller)


def row_qemu_fails_at_once(scene):
    caller = scene.real_caller("qemu.options[]=-device", "qemu.options[]=nonsense")
    caller.does("plan")
    answer = caller.does("start")
    caller.does("wait 4000")
    check("nonsense" in "".join(answer.findings), f"{answer.findings}")
    scene.nothing_left_now(caller)


def row_qemu_is_killed(scene):
    for number in (signal.SIGKILL, signal.SIGSEGV):
        caller = scene.real_caller()
        os.kill(caller.start(), number)
        answer = caller.does("wait 4000")
        equal(answer.numbers[0] & 0x7f, number, "the status")
        scene.nothing_left_now(caller)
        caller.does("explain", -EIO)
        caller.kill()


def row_qemu_is_not_executable(scene):
    file = scene.directory / "qemu"
    file.write_text("#!/bin/sh\n")
    caller = scene.caller(scene.with_stand_ins(qemu=file), "start.force=on")
    caller.fails(EACCES, "qemu.failed")
    scene.nothing_left_now(caller)
    scene.settings = scene.with_stand_ins


def row_qemu_is_no_program(scene):
    caller = scene.caller(scene.with_stand_ins(qemu=scene.script("qemu", "\x7fnothing that runs\n")))
    caller.does("plan")
    answer = caller.ask("start")
    check(answer.result < 0 and "qemu.failed" in answer.ids(), f"{answer}")
    scene.nothing_left_now(caller)
    scene.settings = scene.with_stand_ins


def row_qemu_has_no_interpreter(scene):
    """The file is there: it is not what is missing."""
    caller = scene.caller(scene.with_stand_ins(qemu=scene.script("qemu", "#!/nowhere/sh\n")))
    answer = caller.fails(ENOENT, "qemu.failed")
    check("interpreter" in "".join(answer.findings), f"{answer}")
    scene.nothing_left_now(caller)
    scene.settings = scene.with_stand_ins


def row_qemu_is_missing(scene):
    caller = scene.caller(scene.with_stand_ins(qemu="/nowhere/qemu"), "start.force=on")
    caller.fails(ENOENT, "qemu.missing")
    scene.nothing_left_now(caller)
    scene.settings = scene.with_stand_ins


def row_qemu_is_stopped(scene):
    """And swtpm as well."""
    caller = scene.real_caller()
    stopped = [caller.start()] + ([scene.swtpm()] if scene.tpm else [])
    for pid in stopped:
        os.kill(pid, signal.SIGSTOP)
        wait_until(lambda pid=pid: state_of(pid)[0] == "T", "it does not stop")
    caller.kill()
    scene.nothing_left()


def row_qemu_is_deaf(scene):
    """It listens to SIGKILL only, and so does what it has started."""
    for how in ("deaf", "stray"):
        caller = scene.stand_in_caller(environment={"FATE_QEMU": how, "FATE_SWTPM": how})
        caller.start()
        caller.kill()
        scene.nothing_left()


def row_qemu_leaves_strays(scene):
    """What outlives its parent does not outlive the machine."""
    qemu = scene.script("qemu-script", "#!/bin/sh\nsleep 60 &\n(trap '' TERM HUP; setsid sleep 60) &\nexit 3\n")
    scene.settings = lambda: [*scene.with_stand_ins(qemu=qemu), "start.qmp=off"]
    caller = scene.caller()
    caller.does("plan")
    caller.does("start")
    caller.ends(3 << 8, "qemu.ended")
    scene.nothing_left(caller)
    scene.settings = scene.with_stand_ins


# ---- swtpm ends ------------------------------------------------------------------------------------------------------


@only_with_tpm
def row_swtpm_is_killed(scene):
    caller = scene.real_caller()
    caller.start()
    os.kill(scene.swtpm(), signal.SIGKILL)
    caller.does("wait 4000")
    caller.explains("tpm.ended", "signal 9")
    scene.nothing_left_now(caller)


@only_with_tpm
def row_swtpm_is_terminated(scene):
    """It says that all is well, and yet the machine has lost its TPM."""
    caller = scene.real_caller()
    caller.start()
    os.kill(scene.swtpm(), signal.SIGTERM)
    caller.does("wait 4000")
    caller.explains("tpm.ended")
    scene.nothing_left_now(caller)


@only_with_tpm
def row_swtpm_exits_at_once(scene):
    swtpm = scene.script("swtpm-script", "#!/bin/sh\necho no TPM today >&2\nexit 1\n")
    caller = scene.caller(scene.with_real(swtpm=swtpm))
    caller.does("plan")
    caller.does("start")
    caller.does("wait 4000")
    caller.explains("tpm.ended", "no TPM today")
    scene.nothing_left_now(caller)


@only_with_tpm
def row_swtpm_is_missing(scene):
    caller = scene.caller(scene.with_real(swtpm="/nowhere/swtpm"))
    caller.fails(ENOENT, "tpm.missing")
    scene.nothing_left_now(caller)
    caller = scene.caller(scene.with_real(swtpm="/nowhere/swtpm"), "start.force=on")
    caller.fails(ENOENT, "helper.missing")
    scene.nothing_left_now(caller)


@only_with_tpm
def row_swtpm_is_no_program(scene):
    caller = scene.caller(scene.with_real(swtpm=scene.script("swtpm-text", "\x7fnothing that runs\n")))
    caller.does("plan")
    answer = caller.ask("start")
    check(answer.result < 0 and "helper.failed" in answer.ids(), f"{answer}")
    scene.nothing_left_now(caller)


def slow_swtpm(scene, seconds):
    return scene.script("swtpm-slow", f"#!/bin/sh\nsleep {seconds}\nexec {real('swtpm')} \"$@\"\n")


@only_with_tpm
def row_swtpm_is_slow(scene):
    caller = scene.caller(scene.with_real(swtpm=slow_swtpm(scene, 1)))
    caller.start()
    check((scene.state / "tpm2-00.permall").exists(), "QEMU runs without a TPM")
    caller.does("quit")
    caller.ends(0)
    scene.nothing_left_now(caller)


@only_with_tpm
def row_swtpm_is_slow_and_caller_dies(scene):
    caller = scene.caller(scene.with_real(swtpm=slow_swtpm(scene, 60)))
    caller.does("plan")
    caller.tell("start")
    wait_until(lambda: any(comm(pid) == "sleep" for pid in scene.mine()), "swtpm is not started")
    caller.kill()
    scene.nothing_left()


@only_with_tpm
def row_setup_and_provisioning(scene):
    """Killed while they run, and with failures of their own."""
    settings = [*scene.with_stand_ins(), "tpm.setup=on", f"tpm.provision={scene.bin / 'provision'}"]
    scene.settings = lambda: settings
    for name in ("swtpm_setup", "provision"):
        variable = f"FATE_{name.upper()}"
        for how in ("sleep", "stray"):
            (scene.state / "tpm2-00.permall").unlink(missing_ok=True)
            caller = scene.caller(environment={variable: how})
            caller.does("plan")
            caller.tell("start")
            wait_until(lambda name=name: any(comm(pid) == name for pid in scene.mine()), f"{name} is not started")
            caller.kill()
            scene.nothing_left()
        (scene.state / "tpm2-00.permall").unlink(missing_ok=True)
        caller = scene.caller(environment={variable: "exit 5"})
        answer = caller.fails(EIO, "helper.failed")
        check("the stand-in gives up" in "".join(answer.findings), f"{answer}")
        scene.nothing_left_now(caller)


# ---- the caller ends -------------------------------------------------------------------------------------------------


def row_caller_frees(scene):
    caller = scene.real_caller()
    caller.start()
    caller.does("free")
    scene.nothing_left_now(caller)


def row_caller_exits(scene):
    caller = scene.real_caller()
    caller.start()
    caller.tell("exit 0")
    caller.gone()
    scene.nothing_left()


def row_caller_is_killed(scene):
    caller = scene.real_caller()
    caller.start()
    caller.kill()
    scene.nothing_left()


def row_caller_is_killed_but_not_its_copy(scene):
    """A fork of it has all of its descriptors."""
    caller = scene.real_caller()
    caller.start()
    copy = caller.ask("fork").result
    caller.kill()
    scene.others.add(copy)
    try:
        scene.nothing_left()
    finally:
        os.kill(copy, signal.SIGKILL)


def row_group_is_killed(scene):
    for more in ([], ["start.own_group=on"]):
        caller = scene.real_caller(*more, group=True)
        caller.start()
        os.killpg(caller.process.pid, signal.SIGKILL)
        caller.gone()
        scene.nothing_left()


def row_preparation_is_forgotten(scene):
    """A run directory that was made before the start."""
    caller = scene.real_caller()
    caller.does("plan")
    caller.does("prepare")
    check(list(scene.tmp.iterdir()), "there is no run directory")
    caller.does("start")
    caller.kill()
    scene.nothing_left()


# ---- the keeper ends -------------------------------------------------------------------------------------------------


def row_keeper_is_killed(scene):
    for ignores in (False, True):
        caller = scene.real_caller()
        if ignores:
            caller.does(f"ignore {int(signal.SIGCHLD)}")
        caller.start()
        scene.kill_keeper()
        caller.does("wait 4000", -ECHILD)
        scene.nothing_left(caller)
        caller.does("free")
        caller.kill()


def row_keeper_is_killed_and_machine_freed(scene):
    caller = scene.real_caller()
    caller.start()
    scene.kill_keeper()
    caller.does("free")
    scene.nothing_left(caller)


def row_keeper_is_asked_to_end(scene):
    """It is not for others to ask."""
    caller = scene.real_caller()
    caller.start()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT, signal.SIGPIPE, signal.SIGUSR1):
        os.kill(scene.keeper(), number)
    caller.does("wait 100", -ETIME)
    caller.does("quit")
    caller.ends(0)
    scene.nothing_left_now(caller)


@only_with_tpm
def row_keeper_is_killed_and_state_taken(scene):
    """What the other machine has there is not ours to remove."""
    first = scene.real_caller()
    first.start()
    scene.kill_keeper()
    wait_until(lambda: can_lock(scene.state), "the lock is held by nobody")
    second = scene.real_caller()
    second.start()
    scene.swtpm()
    wait_until(lambda: (scene.state / "pid").exists(), "swtpm has no pid file")
    first.does("wait 4000", -ECHILD)
    first.does("free")
    for name in ("socket", "pid"):
        check((scene.state / name).exists(), f"the other machine's {name} is gone")
    second.does("wait 0", -ETIME)
    second.does("free")
    scene.nothing_left(first, second)


# ---- what else is no matter ------------------------------------------------------------------------------------------


def row_no_other_program_is_needed(scene):
    """Neither socat nor anything else."""
    alone = scene.directory / "alone"
    alone.mkdir()
    for name in ("qemu-system-x86_64", "swtpm"):
        if name == "swtpm" and not scene.tpm:
            continue
        (alone / name).symlink_to(real(name))
    settings = [*MACHINE, "arch=x86_64", "qemu.options[]=-S"]
    settings += ["tpm.enable=on", f"tpm.state_dir={scene.state}"] if scene.tpm else []
    for how in ("free", "kill"):
        caller = scene.caller(settings, environment={"PATH": str(alone)})
        caller.start()
        if how == "free":
            caller.does("free")
        else:
            caller.kill()
        scene.nothing_left(caller)


# ---- at each system call ---------------------------------------------------------------------------------------------


def kill_at_each_call(scene, who, settings, step=1, **environment):
    """Every process of the row is then a descendant of this program, which misses none."""
    command = [programs / "fate-kill", who, str(step), scene.tmp, scene.state, f"name={scene.mark}", *settings]
    result = subprocess.run(command, cwd=scene.directory, env=scene.environment | environment, stdin=subprocess.DEVNULL,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=5 * SECONDS, check=False)
    said = result.stdout.decode(errors="replace").strip()
    if result.returncode == SKIPPED:
        raise Skipped("ptrace(2) is forbidden here")
    check(result.returncode == 0, f"ended with {result.returncode}:\n{said}")
    scene.nothing_left()
    return said.splitlines()[-1]


def with_provisioning(scene):
    scene.settings = scene.with_stand_ins
    more = ["tpm.setup=on", f"tpm.provision={scene.bin / 'provision'}"] if scene.tpm else []
    return [*scene.with_stand_ins(), *more]


def row_caller_is_killed_at_each_call(scene):
    return kill_at_each_call(scene, "caller", with_provisioning(scene))


def row_caller_is_killed_at_each_call_of_real_programs(scene):
    return kill_at_each_call(scene, "caller", scene.with_real(), step=2)


def row_caller_is_killed_at_each_call_with_a_helper(scene):
    """mkfs.erofs runs as the caller's own child."""
    store = scene.directory / "store"
    store.mkdir()
    (scene.directory / "closure").write_text("")
    settings = [*with_provisioning(scene), "store.image=on", "store.writable=off", f"store.path={store}",
                f"store.closure={scene.directory / 'closure'}"]
    return kill_at_each_call(scene, "helped-caller", settings, FATE_MKFS_EROFS="sleep")


def row_keeper_is_killed_at_each_call(scene):
    return kill_at_each_call(scene, "keeper", with_provisioning(scene))


def row_keeper_is_killed_at_each_call_of_real_programs(scene):
    return kill_at_each_call(scene, "keeper", scene.with_real(), step=4)
