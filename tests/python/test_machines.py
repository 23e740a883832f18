# SPDX-License-Identifier: LGPL-2.1-or-later
"""Claims about machines that the Python binding runs: a real QEMU, without a
guest, or a stand-in where QEMU would not do what is to be seen."""

import contextlib
import inspect
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest
from pathlib import Path
from unittest import mock

import outcome

TOP = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "bindings" / "python"))

import vmspec  # noqa: E402  (needs the path above)
from vmspec import _start  # noqa: E402

QEMU = shutil.which("qemu-system-x86_64")
SECONDS = 60  # in which whatever is waited for comes, on any machine

# Before SIGTERM is ignored it would end the script.
STUBBORN = 'trap "" TERM\necho deaf\nwhile :; do sleep 1; done'


def exists(pid):
    """Zombies do not count: their parent may be slow."""
    try:
        stat = Path("/proc", str(pid), "stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] not in "ZX"


def wait_until(condition):
    end = time.monotonic() + SECONDS
    while not condition():
        if time.monotonic() > end:
            raise AssertionError("waited in vain")
        time.sleep(0.01)


class Case(unittest.TestCase):
    def setUp(self):
        directory = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, directory)
        self.directory = Path(directory)
        self.temporary = self.directory / "tmp"
        self.temporary.mkdir()

    def tearDown(self):
        self.assertEqual(os.listdir(self.temporary), [])
        with self.assertRaises(ChildProcessError):  # there is no child left
            os.waitpid(-1, os.WNOHANG)

    def plan(self, qemu, programs=None, **said):
        spec = vmspec.Spec(
            name="demo", arch="x86_64", memory=64, graphics=False,
            boot=vmspec.Boot(direct=False), disk=vmspec.Disk(image=""),
            qemu=qemu, **said)
        given = vmspec.Host(
            directory=self.directory, programs=programs, environment=[
                f"TMPDIR={self.temporary}", f"PATH={os.environ['PATH']}"])
        return vmspec.Plan(spec, vmspec.host_detect(spec, given))

    def stand_in(self, script, **said):
        emulator = self.directory / "emulator"
        emulator.write_text("#!/bin/sh\n" + script)
        emulator.chmod(0o755)
        return self.plan(vmspec.Qemu(binary=emulator), **said)

    def start(self, plan, **said):
        quiet = dict(stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                     stderr=subprocess.DEVNULL, ready_timeout=SECONDS)
        return plan.start(**{**quiet, **said})


@unittest.skipIf(QEMU is None, "there is no qemu-system-x86_64")
class Real(Case):
    def machine(self, *options, **said):
        return self.plan(vmspec.Qemu(accel="off", options=["-S", *options]),
                         **said)


class Asking(Real):
    def test_a_machine_is_paused_and_goes_on(self):
        with self.start(self.machine()) as vm:
            self.assertEqual(vm.findings, ())
            self.assertEqual(vm.accel, "tcg")
            self.assertEqual(vm.status(), "prelaunch")
            vm.resume()
            self.assertEqual(vm.status(), "running")
            vm.pause()
            self.assertEqual(vm.status(), "paused")

    def test_each_action_is_an_event(self):
        with self.start(self.machine()) as vm:
            for act, name in ((vm.resume, "RESUME"), (vm.pause, "STOP"),
                              (vm.reset, "RESET"),
                              (vm.powerdown, "POWERDOWN")):
                act()
                while vm.event(SECONDS).name != name:
                    pass

    def test_quit_ends_it_with_success(self):
        with self.start(self.machine()) as vm:
            self.assertIsNone(vm.poll())
            self.assertIsNone(vm.returncode)
            vm.quit()
            self.assertEqual(vm.wait(SECONDS), 0)
            self.assertEqual((vm.poll(), vm.returncode), (0, 0))
            self.assertEqual(vm.explain(), [])
            self.assertFalse(exists(vm.pid))

    def test_any_command_has_an_answer(self):
        with self.start(self.machine()) as vm:
            self.assertEqual(vm.qmp("query-name"), {"name": "demo"})
            self.assertEqual(vm.qmp("human-monitor-command", {
                "command-line": "info name"}), "demo\r\n")
            self.assertEqual(vm.qmp("qom-get", path="/machine",
                                    property="usb", timeout=SECONDS), True)

    def test_a_refusal_says_why(self):
        with self.start(self.machine()) as vm:
            with self.assertRaises(vmspec.RefusedError) as caught:
                vm.qmp("device_del", id="nobody")
            self.assertEqual(caught.exception.desc,
                             "Device 'nobody' not found")
            self.assertEqual(caught.exception.findings[0].id, "qmp.refused")
            with self.assertRaises(vmspec.RefusedError) as caught:
                vm.qmp("no-such-command")
            self.assertIn("no-such-command", caught.exception.desc)
            self.assertEqual(vm.status(), "prelaunch")

    def test_what_is_no_json_is_not_asked(self):
        with self.start(self.machine()) as vm:
            for wrong in (float("nan"), "\udcff"):
                with self.assertRaises(vmspec.DescriptionError):
                    vm.qmp("qom-get", path=wrong)
            with self.assertRaises(TypeError):
                vm.qmp("qom-get", path=b"/machine")
            self.assertEqual(vm.status(), "prelaunch")

    def test_an_answer_is_not_waited_for_without_end(self):
        with self.start(self.machine()) as vm:
            vm.kill(signal.SIGSTOP)
            with self.assertRaises(TimeoutError) as caught:
                vm.status(timeout=0.1)
            self.assertEqual(caught.exception.findings[0].id, "qmp.timeout")
            vm.kill(signal.SIGCONT)
            self.assertEqual(vm.status(timeout=SECONDS), "prelaunch")

    def test_who_has_ended_cannot_be_asked(self):
        with self.start(self.machine()) as vm:
            vm.stop(0)
            for ask in (vm.status, vm.powerdown, vm.event,
                        lambda: vm.qmp("query-name")):
                with self.assertRaises(ConnectionError):
                    ask()
            self.assertEqual(list(vm.events()), [])
            with self.assertRaises(ProcessLookupError):
                vm.kill()

    def test_without_a_socket_nothing_can_be_asked(self):
        with self.start(self.machine(), qmp=False) as vm:
            self.assertEqual(vm.event_fd, -1)
            self.assertEqual(vm.accel, "tcg")
            with self.assertRaises(ConnectionError):
                vm.status()
            with self.assertRaises(ConnectionError):
                vm.agent("guest-ping")

    def test_a_host_port_is_the_one_that_qemu_listens_on(self):
        rules = [vmspec.ForwardPort(host_address="127.0.0.1", guest_port=22,
                                    any_host_port=True)]
        plan = self.machine(network=vmspec.Network(forward_ports=rules))
        with self.start(plan) as vm:
            socket.create_connection(("127.0.0.1", vm.host_port(0))).close()
            for index in (1, -1):
                with self.assertRaises(IndexError):
                    vm.host_port(index)


class Events(Real):
    def test_those_that_have_come_are_told_in_their_order(self):
        with self.start(self.machine()) as vm:
            self.assertEqual(list(vm.events()), [])
            vm.resume()
            vm.pause()
            events = list(vm.events())
            self.assertEqual([e.name for e in events], ["RESUME", "STOP"])
            self.assertEqual((events[0].data, events[0].lost), ({}, 0))
            self.assertLessEqual(events[0].time, events[1].time)
            self.assertAlmostEqual(events[0].time, time.time(), delta=SECONDS)

    def test_data_comes_with_an_event(self):
        with self.start(self.machine("-no-shutdown")) as vm:
            vm.resume()
            vm.reset()
            event = vm.event(SECONDS)
            while event.name != "RESET":
                event = vm.event(SECONDS)
            self.assertEqual(event.data["reason"], "host-qmp-system-reset")

    def test_waiting_for_one_has_an_end(self):
        with self.start(self.machine()) as vm:
            with self.assertRaises(TimeoutError):
                vm.event(0.05)
            with self.assertRaises(TimeoutError):
                vm.event(0)

    def test_an_event_is_waited_for_while_others_ask(self):
        with self.start(self.machine()) as vm:
            seen = []
            waiter = threading.Thread(
                target=lambda: seen.append(vm.event(SECONDS)))
            waiter.start()
            self.assertEqual(vm.status(), "prelaunch")
            vm.resume()
            waiter.join()
            self.assertEqual([event.name for event in seen], ["RESUME"])

    def test_the_descriptor_tells_of_an_event(self):
        with self.start(self.machine("-no-shutdown")) as vm:
            self.assertEqual(list(vm.events()), [])
            self.assertEqual(select.select([vm.event_fd], [], [], 0)[0], [])
            vm.kill(signal.SIGTERM)  # -no-shutdown: it stays, and says so
            self.assertTrue(select.select([vm.event_fd], [], [], SECONDS)[0])
            self.assertIn("SHUTDOWN", [vm.event(SECONDS).name,
                                       *(e.name for e in vm.events())])

    def test_the_last_ones_are_told_after_the_end(self):
        with self.start(self.machine()) as vm:
            vm.kill(signal.SIGTERM)
            vm.wait(SECONDS)
            self.assertEqual([e.name for e in vm.events()], ["SHUTDOWN"])


class Ending(Real):
    def test_one_that_does_not_listen_is_made_to_quit(self):
        with self.start(self.machine()) as vm:
            self.assertEqual(vm.stop(10), 0)
            self.assertEqual((vm.returncode, vm.stop(), vm.wait()), (0, 0, 0))

    def test_no_grace_kills(self):
        with self.start(self.machine()) as vm:
            self.assertEqual(vm.stop(0), -signal.SIGKILL)

    def test_one_that_ignores_everything_is_killed(self):
        log = self.directory / "log"
        with open(log, "w") as stdout, \
                self.start(self.stand_in(STUBBORN), qmp=False,
                           stdout=stdout) as vm:
            wait_until(log.read_text)
            self.assertEqual(vm.stop(0.2), -signal.SIGKILL)

    def test_leaving_the_block_kills_and_the_status_is_known(self):
        with self.start(self.machine()) as vm:
            pid = vm.pid
            self.assertTrue(exists(pid))
        self.assertFalse(exists(pid))
        self.assertEqual(vm.returncode, -signal.SIGKILL)
        self.assertEqual((vm.wait(), vm.poll(), vm.stop()),
                         (-signal.SIGKILL,) * 3)
        for ask in (lambda: vm.pid, vm.status, vm.kill,
                    lambda: vm.last_words):
            with self.assertRaises(ValueError):
                ask()

    def test_a_machine_that_is_forgotten_is_killed(self):
        vm = self.start(self.machine())
        pid = vm.pid
        del vm
        self.assertFalse(exists(pid))

    def test_others_may_signal_while_one_waits(self):
        with self.start(self.machine()) as vm:
            timer = threading.Timer(0.1, vm.kill, [signal.SIGKILL])
            timer.start()
            self.assertEqual(vm.wait(), -signal.SIGKILL)
            timer.join()

    def test_a_signal_of_the_caller_ends_its_wait(self):
        class Alarm(Exception):
            pass

        def ring(*_):
            raise Alarm

        for what in ("wait", "event"):
            with self.start(self.machine()) as vm:
                before = signal.signal(signal.SIGALRM, ring)
                with self.assertRaises(Alarm):
                    signal.setitimer(signal.ITIMER_REAL, 0.1)
                    getattr(vm, what)(SECONDS)
                signal.signal(signal.SIGALRM, before)
                self.assertEqual(vm.status(), "prelaunch")

    def test_whoever_kills_the_keeper_loses_the_status(self):
        with self.start(self.machine()) as vm:
            keeper = int(Path(f"/proc/{vm.pid}/stat").read_text()
                         .rpartition(")")[2].split()[1])
            os.kill(keeper, signal.SIGKILL)
            with self.assertRaises(ChildProcessError):
                vm.wait(SECONDS)
            pid = vm.pid
        self.assertIsNone(vm.returncode)
        wait_until(lambda: not exists(pid))

    def run_python(self, code):
        """In a process of its own, with a plan."""
        head = ("import os, signal, subprocess, sys, vmspec\n"
                "spec = vmspec.read_xml(sys.argv[1])\n"
                "host = vmspec.host_detect(spec, vmspec.Host(environment=[\n"
                "    'TMPDIR=' + sys.argv[2], 'PATH=' + os.environ['PATH']]))\n"
                "null = subprocess.DEVNULL\n"
                "vm = vmspec.Plan(spec, host).start(\n"
                "    stdin=null, stdout=null, stderr=null)\n"
                "print(vm.pid, flush=True)\n")
        xml = vmspec.write_xml(self.machine().spec)
        return subprocess.run(
            [sys.executable, "-c", head + code, xml, self.temporary],
            text=True, stdout=subprocess.PIPE, check=False, env={
                **os.environ, "PYTHONPATH": str(TOP / "bindings" / "python")})

    def test_a_machine_ends_with_its_process(self):
        for code in ("", "raise SystemExit(3)", "os._exit(0)",
                     "os.kill(os.getpid(), signal.SIGKILL)"):
            pid = int(self.run_python(code).stdout)
            wait_until(lambda: not exists(pid)
                       and not os.listdir(self.temporary))

    def test_a_machine_does_not_end_with_a_fork(self):
        for end in ("sys.exit()", "vm.close()\n    os._exit(0)"):
            done = self.run_python("child = os.fork()\n"
                                   f"if not child:\n    {end}\n"
                                   "os.waitpid(child, 0)\n"
                                   "print(vm.status())\n")
            self.assertEqual(done.stdout.split()[1:], ["prelaunch"])


    def test_a_thread_that_is_in_a_call_does_no_harm_at_the_end(self):
        done = self.run_python(
            "import threading, time\n"
            "vm.kill(signal.SIGSTOP)\n"
            "threading.Thread(target=vm.status, daemon=True).start()\n"
            "time.sleep(0.2)\n"
            "other = threading.Thread(target=vm.stop, args=[0], daemon=True)\n"
            "other.start()\n")
        self.assertEqual(done.returncode, 0)
        pid = int(done.stdout)
        wait_until(lambda: not exists(pid)
                   and not os.listdir(self.temporary))


class Failing(Real):
    def test_a_machine_that_fails_at_once_is_an_error(self):
        plan = self.machine("-device", "nonsense")
        with self.assertRaises(vmspec.MachineError) as caught:
            self.start(plan)
        error = caught.exception
        self.assertEqual(error.returncode, 1)
        self.assertIn(b"'nonsense' is not a valid device", error.last_words)
        self.assertIn("nonsense", str(error))
        self.assertEqual({f.severity for f in error.findings}, {"error"})

    def test_without_a_socket_it_is_a_machine_that_has_ended(self):
        plan = self.machine("-device", "nonsense")
        with self.start(plan, qmp=False) as vm:
            self.assertEqual(vm.wait(SECONDS), 1)
            self.assertIn(b"nonsense", vm.last_words)
            self.assertIn("nonsense", str(vm.explain()))

    def test_one_that_ends_at_once_with_success_has_its_returncode(self):
        with open(self.directory / "log", "w+") as log:
            with self.start(self.machine("-version"), stdout=log) as vm:
                self.assertEqual((vm.returncode, vm.findings), (0, ()))
            self.assertIn("QEMU emulator", (self.directory / "log").read_text())

    def test_a_signal_at_once_is_a_failure(self):
        with self.assertRaises(vmspec.MachineError) as caught:
            self.start(self.stand_in("kill -TERM $$"))
        self.assertEqual(caught.exception.returncode, -signal.SIGTERM)

    def test_last_words_are_any_bytes(self):
        script = r"printf 'a\0\377b' >&2; exit 3"
        with self.start(self.stand_in(script), qmp=False) as vm:
            self.assertEqual(vm.wait(SECONDS), 3)
            self.assertEqual(vm.last_words, b"a\0\xffb")

    def test_one_that_was_ready_before_it_failed_is_explained(self):
        with self.start(self.stand_in("exit 3"), qmp=False) as vm:
            vm.wait(SECONDS)
            error = _start._failed(vm)
            self.assertEqual(error.returncode, 3)
            self.assertEqual({f.severity for f in error.findings}, {"error"})

    def test_one_that_does_not_answer_is_started_with_a_warning(self):
        with self.start(self.stand_in("exec sleep 60"),
                        ready_timeout=0.05) as vm:
            self.assertEqual([(f.severity, f.id) for f in vm.findings],
                             [("warning", "qmp.silent")])
            self.assertIsNone(vm.poll())

    def test_a_progress_function_ends_a_start(self):
        image = self.directory / "disk.raw"
        plan = self.machine(drives=[vmspec.Drive(
            name="data", file=image, format="raw", size=1)])
        with self.assertRaises(vmspec.Cancelled):
            self.start(plan, progress=lambda step, done, total: True)
        with self.assertRaises(ZeroDivisionError):
            self.start(plan, progress=lambda step, done, total: 1 // 0)
        with self.start(plan, sync=False) as vm:
            self.assertEqual(vm.status(), "prelaunch")

    def test_a_signal_of_the_caller_ends_a_start(self):
        class Alarm(Exception):
            pass

        def ring(*_):
            raise Alarm

        before = signal.signal(signal.SIGALRM, ring)
        self.addCleanup(signal.signal, signal.SIGALRM, before)
        signal.setitimer(signal.ITIMER_REAL, 0.2)
        with self.assertRaises(Alarm):
            self.start(self.stand_in("exec sleep 60"), ready_timeout=SECONDS)


class Interrupted(Case):
    def test_what_comes_after_a_start_ends_it_at_once(self):
        pids = []

        def interrupt(vm, findings):
            started(vm, findings)
            pids.append(vm.pid)
            raise KeyboardInterrupt

        started = vmspec.VM._started
        with mock.patch.object(vmspec.VM, "_started", interrupt):
            try:
                self.start(self.stand_in("exec sleep 60"), qmp=False)
            except KeyboardInterrupt:  # which still has all that was there
                self.assertFalse(exists(pids[0]))

    def test_at_any_moment_nothing_is_left_running(self):
        class Alarm(Exception):
            pass

        def ring(*_):
            raise Alarm

        log = self.directory / "log"
        plan = self.stand_in(f"echo $$ >> {log}\nexec sleep 60")
        self.addCleanup(signal.signal, signal.SIGALRM,
                        signal.signal(signal.SIGALRM, ring))
        begin = time.monotonic()
        with self.start(plan, qmp=False):
            usual = time.monotonic() - begin
            wait_until(log.exists)
        rung = 0
        for step in range(1, 51):
            try:
                signal.setitimer(signal.ITIMER_REAL, usual * step / 30)
                vm = self.start(plan, qmp=False)
                signal.setitimer(signal.ITIMER_REAL, 0)
            except Alarm:
                rung += 1
            vm = None
            self.assertEqual(os.listdir(self.temporary), [])
        self.assertGreater(rung, 0)
        self.assertEqual([pid for pid in log.read_text().split()
                          if exists(pid)], [])


class Surroundings(Case):
    """What QEMU gets, by a script that says it."""

    def output(self, script, **said):
        log = self.directory / "log"
        with open(log, "wb") as file:
            with self.start(self.stand_in(script), qmp=False, stdout=file,
                            **said) as vm:
                self.assertEqual(vm.wait(SECONDS), 0)
        return log.read_text()

    def test_standard_descriptors_are_files_or_numbers(self):
        given = self.directory / "given"
        given.write_text("given")
        with open(given) as file:
            self.assertEqual(self.output("cat", stdin=file), "given")
        with open(given) as file:
            self.assertEqual(self.output("cat", stdin=file.fileno()), "given")
        self.assertEqual(self.output("cat", stdin=subprocess.DEVNULL), "")
        with open(self.directory / "errors", "w+") as file:
            self.output("echo wrong >&2", stderr=file)
            file.seek(0)
            self.assertEqual(file.read(), "wrong\n")

    def test_standard_descriptors_are_inherited_if_not_said(self):
        reading, writing = os.pipe()
        saved = os.dup(1)
        try:
            os.dup2(writing, 1)
            with self.stand_in("echo said").start(qmp=False) as vm:
                vm.wait(SECONDS)
        finally:
            os.dup2(saved, 1)
            os.close(saved)
            os.close(writing)
        with open(reading) as file:
            self.assertEqual(file.read(), "said\n")

    def test_what_no_standard_descriptor_can_be_is_refused(self):
        plan = self.stand_in("exit 0")
        for wrong in (subprocess.PIPE, subprocess.STDOUT):
            with self.assertRaisesRegex(ValueError, "standard output takes no PIPE"):
                plan.start(stdout=wrong)
        with self.assertRaises(ValueError):
            plan.start(stdout=-7)
        with self.assertRaises(AttributeError):
            plan.start(stdout="file")

    def test_further_descriptors_have_the_numbers_that_were_said(self):
        given = self.directory / "given"
        given.write_text("given")
        with open(given) as file:
            self.assertEqual(self.output("cat <&7", descriptors={7: file}),
                             "given")

    def test_a_process_group_of_its_own_is_made_on_request(self):
        for own in (False, True):
            with self.start(self.stand_in("exec sleep 60"), qmp=False,
                            own_group=own) as vm:
                self.assertEqual(os.getpgid(vm.pid) == os.getpgrp(), not own)

    def test_a_directory_is_kept_on_request(self):
        plan = self.stand_in("touch seen")
        with self.start(plan, qmp=False, keep_directory=True) as vm:
            vm.wait(SECONDS)
        self.assertTrue(Path(plan.directory, "seen").exists())
        self.assertEqual(vmspec.clean(self.temporary), 1)

    def test_helpers_have_the_environment_that_is_given(self):
        seen = self.directory / "seen"
        program = self.directory / "mkfs.erofs"
        program.write_text(f'#!/bin/sh\necho "$WHAT" >> "{seen}"\nexit 1\n')
        program.chmod(0o755)
        (self.directory / "store").mkdir()
        plan = self.stand_in(
            "exit 0", store=vmspec.Store(image=True, writable=False,
                                         path=self.directory / "store"),
            programs=[vmspec.HostProgram(name="mkfs.erofs", path=program)])
        with self.assertRaises(vmspec.Error):
            self.start(plan, environment={"WHAT": "given"})
        self.assertEqual(set(seen.read_text().split()), {"given"})

    def test_the_keeper_may_be_named(self):
        plan = self.stand_in("exit 0")
        keeper = shutil.copy(os.environ["VMSPEC_KEEPER"], self.directory) \
            if os.environ.get("VMSPEC_KEEPER") else None
        with self.start(plan, keeper=keeper) as vm:
            self.assertEqual(vm.returncode, 0)
        with self.assertRaises(FileNotFoundError) as caught:
            self.start(plan, keeper=self.directory / "nowhere")
        self.assertEqual(caught.exception.findings[0].id, "keeper.missing")

    def test_temporaries_go_with_the_machine(self):
        directory = self.directory / "made for it"
        directory.mkdir()
        (directory / "file").touch()
        plan = self.stand_in("exec sleep 60")
        with self.start(plan, qmp=False,
                        temporaries=[directory, str(directory / "file")]):
            self.assertTrue((directory / "file").exists())
        self.assertFalse(directory.exists())

    def test_whatever_a_start_can_be_told_in_c_can_be_said(self):
        otherwise = {"input", "input_fd", "output", "output_fd", "error",
                     "error_fd", "work", "data", "struct_size", "reserved"}
        in_c = {row.name for row in vmspec.options()
                if row.owner in ("vmspec_start", "vmspec_work")}
        here = set(inspect.signature(vmspec.Plan.start).parameters)
        self.assertEqual(in_c - here, otherwise)

    def test_leftovers_are_removed_but_not_those_in_use(self):
        left = self.temporary / "vmspec.0123456789"
        left.mkdir()
        left.chmod(0o1700)
        (left / "file").touch()
        self.assertEqual(vmspec.clean(str(self.temporary)), 1)
        with self.start(self.stand_in("exec sleep 60"), qmp=False):
            self.assertEqual(vmspec.clean(self.temporary), 0)
            self.assertEqual(len(os.listdir(self.temporary)), 1)
        with self.assertRaises(FileNotFoundError):
            vmspec.clean(self.directory / "nowhere")

    def test_a_plan_names_its_helpers(self):
        plan = self.stand_in("exit 0", tpm=vmspec.Tpm(
            enable=True, swtpm="/opt/swtpm",
            state_dir=self.directory / "tpm"))
        self.assertEqual(plan.helpers[0].name, "swtpm")
        self.assertIn(str(self.directory / "tpm"),
                      " ".join(plan.helpers[0].argv))
        self.assertEqual(self.stand_in("exit 0").helpers, ())


class Guests(Case):
    """With a stand-in for QEMU and its guest."""

    @contextlib.contextmanager
    def guest(self):
        script = TOP / "tests" / "python" / "guest.py"
        plan = self.stand_in(f'exec "{sys.executable}" "{script}" "$@"')
        with self.start(plan, guest_agent=True, ready_timeout=SECONDS) as vm:
            yield vm


class Agents(Guests):
    def test_a_program_in_the_guest_has_a_result(self):
        with self.guest() as vm:
            result = vm.exec(["/bin/sh", "-c", r"printf 'a\0\377b'; "
                              "echo wrong >&2; exit 7"], SECONDS)
            self.assertEqual(result, vmspec.ExecResult(
                7, None, b"a\0\xffb", b"wrong\n", False))
            result = vm.exec([Path("/bin/sh"), "-c", "kill -9 $$"], SECONDS)
            self.assertEqual((result.exit_code, result.signal), (None, 9))

    def test_a_program_that_goes_on_is_not_waited_for_without_end(self):
        with self.guest() as vm:
            with self.assertRaises(TimeoutError) as caught:
                vm.exec(["/bin/sleep", "3"], 0.5)
            self.assertIn("/bin/sleep", str(caught.exception))
            self.assertEqual(vm.exec(["/bin/true"], SECONDS).exit_code, 0)

    def test_a_program_is_a_list(self):
        with self.guest() as vm:
            for wrong in ("/bin/true", b"/bin/true", []):
                with self.assertRaises(TypeError):
                    vm.exec(wrong)

    def test_what_the_agent_refuses_is_said(self):
        with self.guest() as vm:
            with self.assertRaises(vmspec.RefusedError) as caught:
                vm.exec(["/no/such/program"])
            self.assertIn("/no/such/program", caught.exception.desc)
            with self.assertRaises(vmspec.RefusedError) as caught:
                vm.agent("guest-nonsense")
            self.assertEqual(caught.exception.desc,
                             "The command guest-nonsense has not been found")

    def test_a_command_without_an_answer_is_no_error(self):
        with self.guest() as vm:
            self.assertEqual(vm.agent("guest-shutdown", mode="powerdown"), {})


class AgentsThatAreNotThere(Real):
    def test_a_guest_that_says_nothing_is_not_waited_for_without_end(self):
        with self.start(self.machine(), guest_agent=True) as vm:
            with self.assertRaises(TimeoutError) as caught:
                vm.agent("guest-ping", timeout=0.1)
            self.assertEqual(caught.exception.findings[0].id, "agent.timeout")
            self.assertEqual(vm.status(), "prelaunch")


if __name__ == "__main__":
    outcome.main()
