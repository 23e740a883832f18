# SPDX-License-Identifier: LGPL-2.1-or-later
"""Rows of "fate": what others have left or want to have, and a disk that has no more room."""

import fcntl
import os
import shutil
import signal
import subprocess
import time
from errno import EBUSY, EEXIST, EFBIG, EIO, ENOENT, ENOSPC, ETIME
from pathlib import Path

from fate_scene import check, equal, LASTING, LIMIT, only_with_tpm, search, Skipped, SLACK, wait_until

# ---- leftovers -------------------------------------------------------------------------------------------------------


def leave_directory(scene):
    """As it is when the keeper and the caller are killed."""
    caller = scene.real_caller()
    caller.start()
    path = Path(caller.ask("directory").lines[0])
    (path / "deep/deeper").mkdir(parents=True)
    scene.kill_keeper()
    caller.kill()
    wait_until(lambda: not scene.mine(), "processes are left", LIMIT + SLACK)
    check(path.exists(), "there is no leftover to try this with")
    return path


def row_leftover_is_removed_by_the_next_start(scene):
    left = leave_directory(scene)
    caller = scene.real_caller()
    caller.start()
    wait_until(lambda: not left.exists(), "the start has removed nothing", LIMIT + SLACK)
    caller.does("wait 0", -ETIME)
    check(Path(caller.ask("directory").lines[0]).exists(), "the machine's own directory is gone")
    caller.does("free")
    scene.nothing_left_now(caller)


def row_leftover_is_removed_by_cleaning(scene):
    leave_directory(scene)
    (scene.tmp / "vmspec.0123456789").mkdir()
    (scene.tmp / "vmspec.0123456789").chmod(0o1700)
    caller = scene.real_caller()
    caller.does(f"clean {scene.tmp}", 2)
    caller.does(f"clean {scene.tmp}", 0)
    check(not list(scene.tmp.iterdir()), "something is left")
    for name in ("socket", "pid"):
        (scene.state / name).unlink(missing_ok=True)   # until the next start of this TPM, which replaces them
    caller.does(f"clean {scene.tmp}/none", -ENOENT)


def row_leftover_is_not_anything(scene):
    def make(name, mode=0o1700):
        path = scene.tmp / name
        path.mkdir()
        (path / "file").touch()
        path.chmod(mode)
        return path

    lock = os.open(make("vmspec.locked1234"), os.O_RDONLY)
    fcntl.flock(lock, fcntl.LOCK_EX)
    stay = [make("vmspec.locked12345"), make("vmspec.short"), make("other.0123456789"),
            make("vmspec.plain01234", 0o700), make("vmspec.open012345", 0o1777), scene.tmp / "vmspec.locked1234"]
    (scene.tmp / "vmspec.file012345").write_text("")
    (scene.tmp / "vmspec.file012345").chmod(0o1700)
    elsewhere = make("elsewhere")
    (scene.tmp / "vmspec.link012345").symlink_to(elsewhere)
    stay += [scene.tmp / "vmspec.file012345", scene.tmp / "vmspec.link012345", elsewhere / "file"]
    if os.geteuid() == 0:
        stay.append(make("vmspec.others1234"))
        os.chown(stay[-1], 12345, 12345)
    goes = make("vmspec.0123456789")
    caller = scene.real_caller()
    caller.does(f"clean {scene.tmp}", 1)
    check(not goes.exists(), "the leftover is there")
    caller.start()
    time.sleep(0.2)
    for path in stay:
        check(os.path.lexists(path), f"{path} is gone")
    os.close(lock)
    caller.does(f"clean {scene.tmp}", 1)
    check(not os.path.lexists(scene.tmp / "vmspec.locked1234"), "without its lock it is a leftover")
    caller.does("wait 0", -ETIME)
    caller.does("free")
    shutil.rmtree(scene.tmp)
    scene.tmp.mkdir()


# ---- two machines ----------------------------------------------------------------------------------------------------


def shared(scene):
    """What two machines cannot have both: the state of a TPM, or else an image."""
    if scene.tpm:
        return scene.with_real()
    image = scene.directory / "image"
    if not image.exists():
        image.write_bytes(bytes(1 << 20))
    return [*scene.with_real(), f"drives[]=file={image},format=raw"]


def refused(scene, answer, caller):
    """The second: by us, or by QEMU's own lock on the image where it came between our look and its start."""
    if scene.tpm:
        check(answer.result == -EBUSY and answer.ids() == ["tpm.in-use"], f"{answer}")
    elif answer.result:
        check(answer.result == -ENOENT and answer.ids() == ["image.in-use"], f"{answer}")
    else:
        equal(caller.does("wait 4000").numbers[0], 1 << 8, "the status")
        check("lock" in "".join(answer.findings), f"{answer}")


def row_second_start(scene):
    """Refused as long as there is the first, and however often it is tried."""
    first, second, forced = (scene.caller([*shared(scene), *more]) for more in ([], [], ["start.force=on"]))
    first.start()
    for caller in (second, second, forced):
        caller.does("plan")
        refused(scene, caller.ask("start"), caller)
        first.does("wait 0", -ETIME)
    first.does("free")
    second.start()
    second.does("free")
    scene.nothing_left(first, second, forced)


def row_starts_at_once(scene):
    callers = [scene.caller(shared(scene)) for _ in range(3)]
    for caller in callers:
        caller.does("plan")
    for caller in callers:
        caller.tell("start")
    answers = [caller.answer() for caller in callers]
    running = [caller for caller, answer in zip(callers, answers)
               if answer.result == 0 and caller.ask("wait 0").result == -ETIME]
    equal(len(running), 1, "the number of machines that run")
    for caller, answer in zip(callers, answers):
        if caller not in running:
            refused(scene, answer, caller)
    running[0].kill()
    scene.nothing_left(*callers)


def row_same_plan_twice(scene):
    """The handle of the first is let go by its caller's end."""
    caller = scene.real_caller()
    caller.start()
    answer = caller.ask("start")
    check(answer.result == -EEXIST and "run-directory.failed" in answer.ids(), f"{answer}")
    caller.does("wait 0", -ETIME)
    check(list(scene.tmp.iterdir()), "the first one's directory is gone")
    caller.does("free")
    scene.nothing_left_now(caller)
    caller.does("start")
    caller.kill()
    scene.nothing_left()


# ---- the disk is full ------------------------------------------------------------------------------------------------


def with_full_disk(path, options, fill):
    """A prefix of a command that sees a small file system there."""
    prefix = ["unshare", "-m"] if os.geteuid() == 0 else ["unshare", "-rm"]
    if not shutil.which("unshare", path=search) or subprocess.run(
            [*prefix, "true"], check=False, stderr=subprocess.DEVNULL, env={"PATH": search}).returncode:
        raise Skipped("no file systems can be mounted")
    return [*prefix, "sh", "-ec", f"mount -t tmpfs -o {options} none {path}; {fill} exec \"$@\"", "sh"]


def row_disk_of_run_directory_is_full(scene):
    caller = scene.real_caller(prefix=with_full_disk(scene.tmp, "nr_inodes=1,mode=0700", ""))
    caller.fails(ENOSPC, "run-directory.failed")
    equal(os.listdir(f"/proc/{caller.process.pid}/root{scene.tmp}"), [], "what is left")
    scene.nothing_left_now(caller)


@only_with_tpm
def row_disk_of_state_is_full(scene):
    fill = f"! head -c 9999 /dev/zero > {scene.state}/zero 2> /dev/null;"
    caller = scene.real_caller(prefix=with_full_disk(scene.state, "size=4k,mode=0700", fill))
    caller.does("plan")
    caller.does("start")
    caller.does("wait 4000")
    answer = caller.does("explain", -EIO)
    check(any(name in ("tpm.ended", "qemu.ended") or name.startswith("tpm.") for name in answer.ids()), f"{answer}")
    left = set(os.listdir(f"/proc/{caller.process.pid}/root{scene.state}")) - LASTING
    equal(left - {"zero", "TMP2-00.permall"}, set(), "what is left")
    scene.nothing_left_now(caller)


def row_files_are_limited(scene):
    caller = scene.real_caller(prefix=["sh", "-c", "ulimit -f 0; exec \"$@\"", "sh"])
    caller.does(f"ignore {int(signal.SIGXFSZ)}")
    caller.fails(EFBIG, "helper.failed" if scene.tpm else "qemu.failed")
    scene.nothing_left_now(caller)
