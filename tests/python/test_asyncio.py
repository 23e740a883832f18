# SPDX-License-Identifier: LGPL-2.1-or-later
"""Claims about machines in an event loop."""

import asyncio
import gc
import os
import signal
import subprocess
import sys
import threading
import time
import unittest
from pathlib import Path

import outcome

TOP = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "bindings" / "python"))

import test_machines  # noqa: E402  (needs the path above)
import vmspec  # noqa: E402
from test_machines import SECONDS, exists, wait_until  # noqa: E402


def looped(test):
    """Runs a test in a loop of its own, and looks whether a descriptor was
    left, or the loop had something to complain about."""
    async def heard(self):
        complaints = []
        asyncio.get_running_loop().set_exception_handler(
            lambda loop, context: complaints.append(context))
        await test(self)
        gc.collect()
        self.assertEqual(complaints, [])

    def run(self):
        before = descriptors()
        asyncio.run(heard(self))
        self.assertEqual(descriptors(), before)
    run.__name__ = test.__name__
    return run


def descriptors():
    return len(os.listdir("/proc/self/fd"))


async def started(call):
    """A task that has got to where it waits; the loop goes on meanwhile."""
    task = asyncio.ensure_future(call)
    for _ in range(20):
        await asyncio.sleep(0.01)
    return task


class Starting:
    def start_async(self, plan, **said):
        null = subprocess.DEVNULL
        return plan.start_async(
            **{**dict(stdin=null, stdout=null, stderr=null,
                      ready_timeout=SECONDS), **said})


class Real(Starting, test_machines.Real):
    @looped
    async def test_events_are_taken_as_they_come_until_the_end(self):
        async with await self.start_async(self.machine()) as vm:
            self.assertEqual(await vm.status_async(), "prelaunch")
            names = []
            await vm.resume_async()
            async for event in vm.events():
                names.append(event.name)
                if event.name == "RESUME":
                    await vm.quit_async()
            self.assertEqual((names[0], names[-1]), ("RESUME", "SHUTDOWN"))
            self.assertEqual(await vm.wait_async(SECONDS), 0)

    @looped
    async def test_each_question_has_its_coroutine(self):
        rule = vmspec.ForwardPort(host_address="127.0.0.1", guest_port=22,
                                  any_host_port=True)
        plan = self.machine("-no-shutdown", network=vmspec.Network(
            forward_ports=[rule]))
        async with await self.start_async(plan) as vm:
            self.assertGreater(await vm.host_port_async(0), 0)
            await vm.resume_async()
            await vm.pause_async()
            await vm.reset_async(timeout=SECONDS)
            await vm.powerdown_async(SECONDS)
            names = {e.name for e in vm.events()}
            self.assertLessEqual({"RESUME", "STOP", "RESET"}, names)
            self.assertEqual(await vm.qmp_async(
                "qom-get", path="/machine", property="usb"), True)
            with self.assertRaises(vmspec.RefusedError):
                await vm.qmp_async("no-such-command")
            self.assertEqual(await vm.stop_async(0), -signal.SIGKILL)
            with self.assertRaises(ConnectionError):
                await vm.event_async()

    @looped
    async def test_waiting_has_an_end_and_the_machine_goes_on(self):
        async with await self.start_async(self.machine()) as vm:
            for wait in (vm.wait_async, vm.event_async):
                for seconds in (0, 0.05):
                    with self.assertRaises(TimeoutError):
                        await wait(seconds)
            self.assertEqual(vm.status(), "prelaunch")

    @looped
    async def test_many_may_wait_for_one_machine(self):
        async with await self.start_async(self.machine()) as vm:
            waiters = [await started(vm.wait_async()) for _ in range(3)]
            vm.kill()
            self.assertEqual(await asyncio.gather(*waiters),
                             [-signal.SIGKILL] * 3)
            self.assertEqual(await vm.wait_async(), -signal.SIGKILL)

    @looped
    async def test_a_cancelled_wait_does_no_harm(self):
        async with await self.start_async(self.machine()) as vm:
            for call in (vm.wait_async, vm.event_async):
                before = descriptors()
                task = await started(call())
                task.cancel()
                with self.assertRaises(asyncio.CancelledError):
                    await task
                self.assertEqual(descriptors(), before)
            vm.resume()
            self.assertEqual((await vm.event_async(SECONDS)).name, "RESUME")
            vm.kill()
            self.assertEqual(await vm.wait_async(), -signal.SIGKILL)

    @looped
    async def test_a_question_holds_up_nobody_and_may_be_cancelled(self):
        async with await self.start_async(self.machine()) as vm:
            vm.kill(signal.SIGSTOP)
            task = await started(vm.status_async(timeout=SECONDS))
            for call in (vm.event_async, vm.wait_async):
                with self.assertRaises(TimeoutError):
                    await call(0.1)
            self.assertFalse(task.done())
            task.cancel()
            with self.assertRaises(asyncio.CancelledError):
                await task
            vm.kill(signal.SIGCONT)
            self.assertEqual(await vm.status_async(timeout=SECONDS),
                             "prelaunch")

    @looped
    async def test_leaving_the_block_does_not_wait_for_answers(self):
        async with await self.start_async(self.machine()) as vm:
            vm.kill(signal.SIGSTOP)
            task = await started(vm.status_async(timeout=SECONDS))
        with self.assertRaises(ConnectionError):
            await task

    @looped
    async def test_an_event_that_an_answer_brought_is_seen(self):
        async with await self.start_async(self.machine()) as vm:
            task = await started(vm.event_async())
            vm.resume()
            vm.status()  # reads it, so that there is nothing left to read
            await asyncio.wait([task], timeout=SECONDS)
            self.assertTrue(task.done())
            self.assertEqual(task.result().name, "RESUME")

    @looped
    async def test_several_machines_at_once(self):
        plans = [self.machine() for _ in range(3)]
        machines = await asyncio.gather(*map(self.start_async, plans))
        self.assertEqual(len({vm.pid for vm in machines}), 3)
        answers = await asyncio.gather(
            *(vm.status_async() for vm in machines))
        self.assertEqual(answers, ["prelaunch"] * 3)
        ends = await asyncio.gather(
            *(vm.stop_async(10) for vm in machines),
            *(vm.wait_async() for vm in machines))
        self.assertEqual(ends, [0] * 6)
        await asyncio.gather(*(vm.aclose() for vm in machines))

    def test_a_loop_may_run_in_any_thread(self):
        codes = []

        async def main():
            async with await self.start_async(self.machine()) as vm:
                vm.kill()
                codes.append(await vm.wait_async(SECONDS))

        threads = [threading.Thread(target=asyncio.run, args=[main()])
                   for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(codes, [-signal.SIGKILL] * 2)

    @looped
    async def test_a_machine_that_fails_at_once_is_an_error(self):
        with self.assertRaises(vmspec.MachineError) as caught:
            await self.start_async(self.machine("-device", "nonsense"))
        self.assertEqual(caught.exception.returncode, 1)


class StandIns(Starting, test_machines.Case):
    @looped
    async def test_without_a_socket_there_is_no_event(self):
        plan = self.stand_in("exec sleep 60")
        async with await self.start_async(plan, qmp=False) as vm:
            async for event in vm.events():
                self.fail(event)

    @looped
    async def test_without_a_pidfd_the_end_is_seen_as_well(self):
        end = self.directory / "end"
        plan = self.stand_in(f"until test -e '{end}'; do sleep 0.1; done; exit 7")
        async with await self.start_async(plan, qmp=False) as vm:
            vm._pidfd = -1  # as before Linux 5.3
            with self.assertRaises(TimeoutError):
                await vm.wait_async(0.01)
            end.touch()
            self.assertEqual(await vm.wait_async(SECONDS), 7)
        async with await self.start_async(plan, qmp=False) as vm:
            vm._pidfd = -1
            self.assertEqual(vm.wait(SECONDS), 7)

    @looped
    async def test_leaving_the_block_ends_the_machine(self):
        plan = self.stand_in("exec sleep 60")
        async with await self.start_async(plan, qmp=False) as vm:
            pid = vm.pid
            waiter = await started(vm.wait_async())
        self.assertFalse(exists(pid))
        self.assertEqual(await waiter, -signal.SIGKILL)
        self.assertEqual(vm.returncode, -signal.SIGKILL)
        with self.assertRaises(ValueError):
            await vm.status_async()

    @looped
    async def test_a_cancelled_start_leaves_nothing(self):
        ready = self.directory / "ready"
        plan = self.stand_in(f"echo $$ > {ready}; exec sleep 900")
        task = await started(self.start_async(plan, ready_timeout=900))
        while not (ready.exists() and ready.read_text()):
            await asyncio.sleep(0.01)
        for _ in range(3):  # and once more while it ends
            task.cancel()
            await asyncio.sleep(0)
        await asyncio.wait([task], timeout=SECONDS)
        self.assertTrue(task.cancelled())
        self.assertFalse(exists(int(ready.read_text())))
        self.assertEqual(os.listdir(self.temporary), [])

    @looped
    async def test_a_start_that_is_too_late_to_cancel_is_undone(self):
        made = []

        def end(step, done, total):
            asyncio.run_coroutine_threadsafe(cancel(), loop).result()

        async def cancel():
            task.cancel()

        loop = asyncio.get_running_loop()
        plan = self.stand_in("exec sleep 60")
        original = vmspec.VM._started

        def late(vm, findings):
            original(vm, findings)
            made.append(vm)
            end("", 0, 0)
            time.sleep(0.1)

        vmspec.VM._started = late
        try:
            task = asyncio.ensure_future(self.start_async(plan, qmp=False))
            with self.assertRaises(asyncio.CancelledError):
                await task
        finally:
            vmspec.VM._started = original
        self.assertEqual(made[0].returncode, -signal.SIGKILL)

    @looped
    async def test_a_cancelled_close_closes_first(self):
        vm = await self.start_async(self.stand_in("exec sleep 60"), qmp=False)
        pid = vm.pid
        task = asyncio.ensure_future(vm.aclose())
        await asyncio.sleep(0)
        task.cancel()
        with self.assertRaises(asyncio.CancelledError):
            await task
        self.assertFalse(exists(pid))
        self.assertEqual(vm.returncode, -signal.SIGKILL)


class Agents(test_machines.Guests):
    @looped
    async def test_a_program_in_the_guest_has_a_result(self):
        with self.guest() as vm:
            result = await vm.exec_async(["/bin/sh", "-c", "echo a; exit 7"],
                                         SECONDS)
            self.assertEqual((result.exit_code, result.output), (7, b"a\n"))
            with self.assertRaises(TimeoutError):
                await vm.exec_async(["/bin/sleep", "3"], 0.1)
            task = await started(vm.exec_async(["/bin/sleep", "3"], SECONDS))
            task.cancel()
            with self.assertRaises(asyncio.CancelledError):
                await task
            with self.assertRaises(vmspec.RefusedError):
                await vm.exec_async(["/no/such/program"])
            with self.assertRaises(TypeError):
                await vm.exec_async("/bin/true")
            self.assertEqual(await vm.agent_async(
                "guest-shutdown", mode="powerdown"), {})


class Images(test_machines.Case):
    def image(self):
        return vmspec.Image(file=self.directory / "a", format="raw",
                            size=1 << 30, content="ext4")

    @looped
    async def test_an_image_is_made_with_progress(self):
        seen = []
        self.assertEqual(await vmspec.create_image_async(
            self.image(), sync=False,
            progress=lambda *report: seen.append(report)), [])
        self.assertEqual(seen[-1][1], seen[-1][2])
        with self.assertRaises(FileExistsError):
            await vmspec.create_image_async(self.image())
        with self.assertRaises(FileNotFoundError):
            await vmspec.make_system_image_async(vmspec.SystemImage(
                file=self.directory / "b", tree="/nowhere"))

    @looped
    async def test_a_cancelled_one_leaves_nothing(self):
        loop = asyncio.get_running_loop()
        cancelled = threading.Event()

        def cancel():
            task.cancel()
            loop.call_soon(cancelled.set)

        def progress(step, done, total):
            loop.call_soon_threadsafe(cancel)
            cancelled.wait(SECONDS)

        task = asyncio.ensure_future(vmspec.create_image_async(
            self.image(), sync=False, progress=progress))
        with self.assertRaises(asyncio.CancelledError):
            await task
        self.assertEqual(os.listdir(self.directory), ["tmp"])

    @looped
    async def test_what_a_plan_needs_is_prepared(self):
        plan = self.stand_in("exit 0", drives=[vmspec.Drive(
            name="data", file=self.directory / "d.raw", format="raw",
            size=1)])
        await plan.prepare_async(["drive.0"])
        self.assertTrue((self.directory / "d.raw").exists())


class Interrupted(test_machines.Case):
    """By Ctrl-C, in a process of its own."""

    def interrupt(self, code, until):
        plan = self.stand_in(f"echo $$ > {self.directory}/pid\n"
                             "exec sleep 60")
        head = ("import asyncio, os, signal, sys, vmspec\n"
                "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
                "spec = vmspec.read_xml(sys.argv[1])\n"
                "plan = vmspec.Plan(spec, vmspec.host_detect(spec,\n"
                "    vmspec.Host(environment=['TMPDIR=' + sys.argv[2],\n"
                "                             'PATH=/usr/bin:/bin'])))\n")
        process = subprocess.Popen(
            [sys.executable, "-c", head + code,
             vmspec.write_xml(plan.spec), self.temporary],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True,
            env={**os.environ,
                 "PYTHONPATH": str(TOP / "bindings" / "python")})
        self.addCleanup(process.kill)
        file = self.directory / "pid"
        wait_until(lambda: file.exists() and file.read_text())
        if until:
            self.assertEqual(process.stdout.readline(), until)
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=SECONDS)
        self.assertIn("KeyboardInterrupt", errors)
        self.assertEqual(output, "gone\n" if until is None else "")
        self.assertNotEqual(process.returncode, 0)
        pid = int(file.read_text())
        wait_until(lambda: not exists(pid)
                   and not os.listdir(self.temporary))
        file.unlink()

    START = ("try:\n"
             "    vm = plan.start(ready_timeout=60)\n"
             "finally:\n"
             "    pid = open(sys.argv[2] + '/../pid').read()\n"
             "    if not os.path.exists('/proc/' + pid.strip()):\n"
             "        print('gone')\n")

    def test_a_start(self):
        self.interrupt(self.START, None)

    def test_a_start_in_a_loop(self):
        self.interrupt(self.START.replace(
            "vm = plan.start(ready_timeout=60)",
            "asyncio.run(plan.start_async(ready_timeout=60))"), None)

    def test_a_wait(self):
        self.interrupt(
            "vm = plan.start(qmp=False)\n"
            "print('waiting', flush=True)\n"
            "vm.wait()\n", "waiting\n")

    def test_a_wait_in_a_loop(self):
        self.interrupt(
            "async def main():\n"
            "    async with await plan.start_async(qmp=False) as vm:\n"
            "        print('waiting', flush=True)\n"
            "        await vm.wait_async()\n"
            "asyncio.run(main())\n", "waiting\n")


if __name__ == "__main__":
    outcome.main()
