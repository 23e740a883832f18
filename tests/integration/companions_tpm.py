# SPDX-License-Identifier: LGPL-2.1-or-later
"""Rows of "companions": swtpm, swtpm_setup, and programs that use the TPM before a start."""

import errno
import os
import signal
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any, Dict

import vmspec

from companions_scene import equal, finding, need, Place, wait_until

EK_CERTIFICATE = "0x01c00002"       # where the TCG wants it: of the RSA 2048 key

# What is asked is in TASK: "define", "write WORD", "read WORD", "public INDEX" (is there such an index?).
ASK = '''#!@PYTHON@
import os, socket, struct, sys

OWNER, INDEX, PASSWORD = 0x40000001, 0x01500001, 0x40000009
SESSION = struct.pack(">IIHBH", 9, PASSWORD, 0, 0, 0)


def ask(code, handles, parameters=b"", session=SESSION):
    body = struct.pack(f">{len(handles)}I", *handles) + session + parameters
    tpm.sendall(struct.pack(">HII", 0x8002 if session else 0x8001, 10 + len(body), code) + body)
    answer = tpm.recv(4096)
    code = struct.unpack(">I", answer[6:10])[0]
    if code:
        sys.exit(f"the TPM says {code:#x}")
    return answer[14:]


assert os.environ["TCTI"] == os.environ["TPM2TOOLS_TCTI"]
kind, _, path = os.environ["TCTI"].partition(":path=")
assert kind == "swtpm", kind
tpm = socket.socket(socket.AF_UNIX)
tpm.connect(path)
task, _, word = os.environ["TASK"].partition(" ")
if task == "write":
    public = struct.pack(">IHIHH", INDEX, 0x000B, 0x02060006, 0, len(word))
    ask(0x12A, [OWNER], struct.pack(">HH", 0, len(public)) + public)
    ask(0x137, [OWNER, INDEX], struct.pack(">H", len(word)) + word.encode() + struct.pack(">H", 0))
elif task == "read":
    found = ask(0x14E, [OWNER, INDEX], struct.pack(">HH", len(word), 0))[2:2 + len(word)].decode()
    if found != word:
        sys.exit(f"the TPM has {found}")
elif task == "public":
    ask(0x169, [int(word, 16)], session=b"")
'''


def tpm(place: Place, **said: Any) -> vmspec.Tpm:
    need("swtpm")
    settings: Dict[str, Any] = {"enable": True, "state_dir": str(place.state), **said}
    return vmspec.Tpm(**settings)


def with_task(place: Place, task: str, options: Any = ("-S",), more: Any = None, **said: Any) -> vmspec.Plan:
    return place.plan(options, {"TASK": task, **(more or {})},
                      tpm=tpm(place, provision=place.script("ask", ASK), **said))


# ---- the state


def row_tpm_is_there(place: Place) -> None:
    """QEMU has the TPM, which ends with it, and it is the same one in the next run."""
    contents = []
    for _ in range(2):
        with place.start(place.plan(tpm=tpm(place))) as vm:
            found = vm.qmp("query-tpm")
            equal([(one["model"], one["options"]["type"]) for one in found], [("tpm-tis", "emulator")], "QEMU's TPMs")
            wait_until(lambda: len(place.processes("/swtpm")) == 1, "one swtpm")
            wait_until((place.state / "tpm2-00.permall").exists, "swtpm has made no state")
        place.nothing_left()
        contents.append((place.state / "tpm2-00.permall").read_bytes())
    equal(contents[0], contents[1], "the state of an unused TPM")


def row_tpm_remembers(place: Place) -> None:
    """What was written before the first start is read before the next; and by none but its reader."""
    for task in ("write precious", "read precious"):
        with place.start(with_task(place, task)):
            pass
        place.nothing_left()
    error = place.fails(with_task(place, "read anything"), errno.EIO)
    finding(error, "helper.failed", "tpm.provision", "failed with status 1", "the TPM has precious")
    place.nothing_left()


def row_tpm2_tools(place: Place) -> None:
    """The Trusted Computing Group's own programs get at it, in a directory with a comma and a blank in its name."""
    need("tpm2_nvdefine")
    script = '#!/bin/sh\nset -eu\necho "$TPM2TOOLS_TCTI" >tcti\ntpm2_pcrread sha256:0\neval "$TASK"\nrm tcti\n'
    program = place.script("tools", script)
    define = ('tpm2_nvdefine 0x1500016 -s 8 -a "ownerread|ownerwrite" && '
              'printf precious | tpm2_nvwrite 0x1500016 -C o -i -')
    assert "," in str(place.state) and " " in str(place.state)
    for task in (define, 'test "$(tpm2_nvread 0x1500016 -C o)" = precious'):
        with place.start(place.plan(environment={"TASK": task}, tpm=tpm(place, provision=program))):
            pass
        place.nothing_left()
    error = place.fails(place.plan(environment={"TASK": "tpm2_nvread 0x1500017 -C o"},
                                   tpm=tpm(place, provision=program)), errno.EIO)
    finding(error, "helper.failed", "tpm.provision", "0x0000018b")
    (place.state / "tcti").unlink()
    place.nothing_left()


def row_tcti(place: Place) -> None:
    """It is absolute, for programs that work elsewhere, unless that cannot be said."""
    program = place.script("tell", f"#!/bin/sh\necho \"$TCTI $(pwd)\" >'{place.directory}/told'\n")
    with tempfile.TemporaryDirectory(prefix="vc") as top:
        plain = Path(top).resolve() / "tpm"
        for state, path in ((place.state, "provision"), (plain, f"{plain}/provision")):
            with place.start(place.plan(tpm=tpm(place, provision=program, state_dir=str(state)))):
                pass
            equal((place.directory / "told").read_text(), f"swtpm:path={path} {state}\n", "what it was told")
        place.nothing_left()


def row_another_machine_has_it(place: Place) -> None:
    with place.start(place.plan(tpm=tpm(place))) as vm:
        error = place.fails(place.plan(tpm=tpm(place)), errno.EBUSY)
        finding(error, "tpm.in-use", "tpm.state_dir", "stop it, or set another")
        # And it has lost nothing by that.
        assert (place.state / "socket").exists() and len(place.processes("/swtpm")) == 1
        equal(vm.status(), "prelaunch", "the first machine")
    place.nothing_left()


def row_path_is_too_long(place: Place) -> None:
    """It is refused, and where that is overruled, nothing was started."""
    place.state = place.directory / ("d" * 100)
    plan = place.plan(tpm=tpm(place))
    finding(place.fails(plan, errno.ENOEXEC), "tpm.socket-path", "tpm.state_dir", "choose a shorter")
    finding(place.fails(plan, errno.ENAMETOOLONG, force=True), "tpm.path-too-long", "tpm.state_dir", "107 bytes")
    place.nothing_left()


def row_directory_is_read_only(place: Place) -> None:
    """One in which not even root may make a file."""
    need("swtpm_setup")
    for setup in (False, True):
        plan = place.plan(tpm=tpm(place, state_dir="/proc/sys/kernel", setup=setup))
        error = place.fails(plan, None, force=True)
        finding(error, "tpm.state", "tpm.state_dir", "set a directory that can be written to")
        place.nothing_left()


def row_state_is_damaged(place: Place) -> None:
    """swtpm cannot use it: the program before the start is told, and QEMU after it, and the file stays as it is."""
    place.state.mkdir()
    damaged = place.state / "tpm2-00.permall"
    damaged.write_bytes(b"this is no TPM" * 100)
    for plan in (place.plan(tpm=tpm(place)), with_task(place, "read precious")):
        error = place.fails(plan, errno.EIO)
        assert {found.id for found in error.findings} & {"tpm.ended", "tpm.socket", "helper.failed"}, str(error)
        equal(damaged.read_bytes(), b"this is no TPM" * 100, "the damaged state")
        place.nothing_left()


# ---- a new TPM with certificates


def certificates(place: Place) -> Dict[str, str]:
    """A certificate authority of the test's own, as any user can have one."""
    need("swtpm_setup")
    directory = place.directory / "config"
    directory.mkdir()
    variables = {"XDG_CONFIG_HOME": str(directory)}
    command = ["swtpm_setup", "--create-config-files", *([] if os.geteuid() else ["root"])]
    subprocess.run(command, env={**os.environ, **variables}, check=True, stdin=subprocess.DEVNULL,
                   stdout=subprocess.DEVNULL)
    return variables


COUNT = '''#!/bin/sh
echo run >>'{count}'
exec '{program}' "$@"
'''


def counted(place: Place) -> Path:
    """swtpm_setup, with a line in a file for each time it is run."""
    count = place.directory / "count"
    count.touch()
    place.script("swtpm_setup", COUNT.format(count=count, program=shutil.which("swtpm_setup")))
    return count


def runs(count: Path) -> int:
    return len(count.read_text().splitlines())


def row_setup(place: Place) -> None:
    """The first start makes a TPM with the certificate of its endorsement key, the second takes it."""
    variables, count = certificates(place), counted(place)
    for _ in range(2):
        with place.start(with_task(place, f"public {EK_CERTIFICATE}", more=variables, setup=True)):
            pass
        place.nothing_left()
        equal(runs(count), 1, "how often swtpm_setup was run")
    # It is that program's doing: swtpm alone makes none.
    shutil.rmtree(place.state)
    error = place.fails(with_task(place, f"public {EK_CERTIFICATE}"), errno.EIO)
    finding(error, "helper.failed", "tpm.provision", "the TPM says 0x18b")


def row_setup_fails(place: Place) -> None:
    """Its words reach the caller, though the last are of no use; nothing is left, and the next start does it."""
    variables = certificates(place)
    config = place.directory / "config" / "swtpm-localca.conf"
    good = config.read_text()
    config.write_text("statedir = /proc/nowhere\nsigningkey = /proc/nowhere/key\n")
    error = place.fails(place.plan(environment=variables, tpm=tpm(place, setup=True)), errno.EIO)
    finding(error, "helper.failed", "tpm.setup", "failed with status 1", "statedir",
            "--create-config-files")
    equal(os.listdir(place.state), [], "the state")
    place.nothing_left()
    config.write_text(good)
    with place.start(with_task(place, f"public {EK_CERTIFICATE}", more=variables, setup=True)):
        pass
    place.nothing_left()


def row_setup_is_interrupted(place: Place) -> None:
    """Its caller is killed while it works, or cancels it: there is no half TPM, and the next start makes a whole one."""
    variables = certificates(place)
    plan = place.plan(environment=variables, tpm=tpm(place, setup=True))
    works = place.state / "new"
    child = os.fork()
    if child == 0:
        try:
            place.start(plan)
        finally:
            os._exit(1)
    wait_until(lambda: works.exists() and any(name.startswith("swtpm_setup.certs") for name in os.listdir(works)),
               "swtpm_setup does not begin")
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    place.nothing_left()
    equal(os.listdir(place.state), [], "the state")
    error = place.fails(plan, errno.ECANCELED, progress=lambda *_: works.exists())
    assert isinstance(error, vmspec.Cancelled)
    place.nothing_left()
    equal(os.listdir(place.state), [], "the state")
    with place.start(with_task(place, f"public {EK_CERTIFICATE}", more=variables, setup=True)):
        pass
    place.nothing_left()


# ---- programs before the start


def row_provisioning_fails(place: Place) -> None:
    """Its last words are told, in one line; QEMU was not started, and nothing is left."""
    words = "echo first >&2; printf 'second\\tline\\n\\n' >&2; echo Zuletzt: ä >&2"
    for end, how in (("exit 3", "failed with status 3"), ("kill -9 $$", "was killed by signal 9")):
        program = place.script("provision", f"#!/bin/sh\n{words}\n{end}\n")
        error = place.fails(place.plan(tpm=tpm(place, provision=program)), errno.EIO)
        finding(error, "helper.failed", "tpm.provision", how, ": first; second line; Zuletzt: ä; ")
        place.nothing_left()
    program = place.script("provision", "#!/bin/sh\nyes ä 2>/dev/null | head -c 100000 >&2\nexit 1\n")
    error = place.fails(place.plan(tpm=tpm(place, provision=program)), errno.EIO)
    assert 300 < len(error.findings[0].text) < 1300, len(error.findings[0].text)
    program = place.script("provision", "#!/nowhere/interpreter\n")
    error = place.fails(place.plan(tpm=tpm(place, provision=program)), errno.ENOENT)
    finding(error, "helper.failed", "tpm.provision", "interpreter")
    place.nothing_left()


def row_provisioning_hangs(place: Place) -> None:
    """Whoever started it can end it, and what it has started ends as well."""
    told = place.directory / "hangs"
    program = place.script("provision", f"#!/bin/sh\nsleep 1000 &\n: >'{told}'\nsleep 1001\n")
    place.fails(place.plan(tpm=tpm(place, provision=program)), errno.ECANCELED, progress=lambda *_: told.exists())
    place.nothing_left()


# ---- generations

NEWER = '''#!@PYTHON@
import os, sys
with open(os.environ["CALLS"], "a") as file:
    print(*sys.argv[1:], file=file)
words = {"socket", "--tpmstate", "--ctrl", "--pid", "--tpm2", "--log", "--server", "--flags", "dir=.", "file=pid",
         "type=unixio,fd=3", "type=unixio,fd=4", "file=stdout,level=6", "not-need-init,startup-clear"}
assert set(sys.argv[1:]) <= words, "an option that only some generations have"
os.execv(os.environ["SWTPM"], [os.environ["SWTPM"], *sys.argv[1:], *sys.argv[:0], *os.environ["MORE"].split()])
'''


def row_generations(place: Place) -> None:
    """swtpm is used by options that all generations have, and is not asked which one it is.

    The newer one is played: it takes the same options, and ends by itself when QEMU does, as 0.8 can be told to."""
    need("swtpm")
    calls = place.directory / "calls"
    program = place.script("newer", NEWER)
    asked = []
    for more in ("", "-t"):
        calls.write_text("")
        environment = {"CALLS": str(calls), "SWTPM": str(shutil.which("swtpm")), "MORE": more}
        with place.start(place.plan(environment=environment, tpm=tpm(place, swtpm=program))) as vm:
            vm.qmp("query-tpm")
            vm.quit()
            equal(vm.wait(30), 0, "QEMU's status")
        place.nothing_left()
        asked.append(calls.read_text())
    equal(asked[0], asked[1], "the calls")
    equal(len(asked[0].splitlines()), 1, "the number of calls")
    assert "terminate" not in asked[0], asked[0]
