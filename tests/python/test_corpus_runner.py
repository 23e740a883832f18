# SPDX-License-Identifier: LGPL-2.1-or-later
"""The corpus runner notices: an expectation that is made wrong, in whatever
field, is a difference."""

import copy
import json
import os
import re
import shlex
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path
from unittest import mock

import outcome

TOP = Path(__file__).resolve().parents[2]
CORPUS = TOP / "tests" / "corpus"
sys.path[:0] = [str(CORPUS), str(TOP / "bindings" / "python")]

import cases  # noqa: E402  (needs the paths above)
import commands  # noqa: E402
import intended  # noqa: E402
import messages  # noqa: E402
import scratch  # noqa: E402
import surroundings  # noqa: E402
import vmspec  # noqa: E402


def load(name):
    return json.loads((CORPUS / name).read_text(encoding="utf-8"))


CASES = {case["id"]: case for case in load("new.json")}
OLD_CASES = {case["id"]: case for case in load("old.json")}


def corrupted(value):
    """Something else of the same kind."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + 1
    if isinstance(value, str):
        return value + "x"
    return "x"


def leaves(value, where=()):
    """Each place in a value of JSON, and empty containers."""
    items = value.items() if isinstance(value, dict) else \
        enumerate(value) if isinstance(value, list) else ()
    empty = True
    for key, inner in items:
        empty = False
        yield from leaves(inner, (*where, key))
    if empty:
        yield where


def inside(value, where):
    for key in where:
        value = value[key]
    return value


def replace(value, where, change):
    *path, last = where
    value = inside(value, path)
    value[last] = change(value[last])


def another(value):
    """Something else of the same kind, for containers as well."""
    if isinstance(value, dict):
        return {**value, "x": "x"}
    if isinstance(value, list):
        return [*value, "x"]
    return corrupted(value)


# Cases in which each setting of the guest is something else than by default.
GUESTS = (
    (CASES, "default-x86_64-linux"), (OLD_CASES, "default-x86_64-linux"),
    (CASES, "systemd-initrd-mount-point"),
    (OLD_CASES, "systemd-initrd-mount-point"),
    (CASES, "user-swap-and-luks-no-default-fs"),
    (CASES, "tpm-efi-bootloader"),
)


class Corruption(unittest.TestCase):
    made = {}
    passed = set()  # as they are in the file

    def setUp(self):
        # What a case makes does not depend on what is expected.
        really = scratch.making

        def making(case, *how):
            key = case["seed"], case["id"]
            if key not in self.made:
                self.made[key] = really(case, *how)
            return self.made[key]
        patch = mock.patch.object(scratch, "making", making)
        patch.start()
        self.addCleanup(patch.stop)

    def fields(self, name, change, of=None):
        """The fields in which a case differs once its expectation changed."""
        case = copy.deepcopy((of or CASES)[name])
        if (case["seed"], name) not in self.passed:
            self.assertEqual(cases.run(case).differences, [], name)
            self.passed.add((case["seed"], name))
        change(case["expect"])
        return {difference.field.partition("[")[0].partition(".")[0]
                for difference in cases.run(case).differences}

    def test_error_that_is_not_expected(self):
        def change(expect):
            expect.update(CASES["default-x86_64-linux"]["expect"])
            expect["error_kind"] = expect["error_option"] = None
        self.assertEqual(self.fields("bad-memory-zero", change),
                         {"error", "error_kind"})

    def test_error_that_does_not_come(self):
        def change(expect):
            expect.update(error="x", error_kind="type", error_option="x")
        self.assertEqual(self.fields("default-x86_64-linux", change),
                         {"error", "error_kind"})

    def test_error_of_another_kind(self):
        self.assertEqual(
            self.fields("bad-memory-zero",
                        lambda expect: expect.update(error_kind="missing")),
            {"error_kind"})

    def test_error_of_another_option(self):
        for name in ("bad-memory-zero", "bad-empty-disk-zero",
                     "store-image-and-mount", "efi-powerpc64le-linux"):
            with self.subTest(name):
                self.assertEqual(
                    self.fields(name, lambda expect: expect.update(
                        error_option="virtualisation.x")), {"error_option"})

    def test_assertions_and_warnings_too_many_and_too_few(self):
        for field, name in (("assertions", "assert-guest-both"),
                            ("assertions", "assert-removed-boot-device"),
                            ("warnings", "store-image-weakly-writable"),
                            ("warnings", "warn-renamed-paths"),
                            ("warnings", "direct-boot-and-bootloader")):
            with self.subTest(name):
                self.assertIn(field, self.fields(
                    name, lambda expect: expect[field].pop()))
                self.assertIn(field, self.fields(
                    name, lambda expect: expect[field].append(
                        expect[field][0])))

    def test_a_message_that_nobody_knows(self):
        for field in ("assertions", "warnings"):
            with self.subTest(field):
                self.assertIn(field, self.fields(
                    "default-x86_64-linux",
                    lambda expect: expect[field].append("new in this year")))

    def test_a_message_about_something_else(self):
        def change(expect):
            expect["assertions"][0] = expect["assertions"][0].replace(
                "<entry 1>", "<entry 2>")
        self.assertIn("assertions", self.fields("assert-guest-udp", change))

    def test_every_value_of_resolved(self):
        for name in ("share-sorted", "drive-extra", "forward-guest",
                     "interfaces", "empty-disks-2", "default-armv7l-linux"):
            resolved = CASES[name]["expect"]["resolved"]
            for where in leaves(resolved):
                path = ".".join(map(str, where))
                compared = not re.match(
                    r"qemu\.(options|networkingOptions)|.*\.file$|"
                    r"sharedDirectories\..*\.source$", path)
                with self.subTest(f"{name}: {path}"):
                    self.assertEqual(
                        self.fields(name, lambda expect: replace(
                            expect["resolved"], where, corrupted)),
                        {"resolved"} if compared else set())

    def test_a_value_of_resolved_that_is_missing(self):
        self.assertEqual(
            self.fields("default-x86_64-linux",
                        lambda expect: expect["resolved"].pop("bios")),
            {"resolved"})

    def test_qemu_line_also_where_an_assertion_fails(self):
        for name in ("default-aarch64-linux", "memory-2048-i686-linux"):
            with self.subTest(name):
                self.assertEqual(
                    self.fields(name, lambda expect: replace(
                        expect, ("qemu_line",), corrupted)), {"qemu_line"})

    def test_every_word_of_argv(self):
        for index in range(len(CASES["env-all"]["expect"]["argv"])):
            with self.subTest(index):
                self.assertEqual(
                    self.fields("env-all", lambda expect: replace(
                        expect["argv"], (index,), corrupted)), {"argv"})

    def test_a_word_of_argv_too_many_and_too_few(self):
        for change in (lambda argv: argv.pop(), lambda argv: argv.append("x"),
                       lambda argv: argv.clear()):
            self.assertEqual(
                self.fields("default-x86_64-linux",
                            lambda expect: change(expect["argv"])), {"argv"})

    def test_argv_of_a_machine_that_was_not_started(self):
        self.assertEqual(
            self.fields("default-x86_64-linux",
                        lambda expect: expect.update(argv=None)), {"argv"})

    def test_environment_of_qemu(self):
        for name in ("tmpdir", "default-x86_64-linux"):
            for value in ({"TMPDIR": "/elsewhere"}, {"OTHER": "1"}):
                with self.subTest(name):
                    self.assertEqual(
                        self.fields(name, lambda expect: expect.update(
                            qemu_env=value)), {"qemu_env"})
        self.assertEqual(
            self.fields("tmpdir", lambda expect: expect.pop("qemu_env")),
            {"qemu_env"})

    def test_every_word_of_commands(self):
        for name in ("store-image-x86_64-linux", "empty-disks-existing",
                     "bootloader-efi-aarch64-linux"):
            expected = CASES[name]["expect"]["commands"]
            for where in leaves(expected):
                compared = "includes-to-excludes" not in \
                    " ".join(expected[where[0]])
                if not compared:
                    continue
                with self.subTest(f"{name}: {where}"):
                    self.assertEqual(
                        self.fields(name, lambda expect: replace(
                            expect["commands"], where, corrupted)),
                        {"commands"})

    def test_a_command_too_many_and_too_few_and_in_another_order(self):
        for change in (lambda commands: commands.pop(),
                       lambda commands: commands.append(["qemu-img", "x"]),
                       lambda commands: commands.reverse()):
            self.assertEqual(
                self.fields("default-x86_64-linux", lambda expect: change(
                    expect["commands"])), {"commands"})

    def test_every_word_of_the_command_of_swtpm(self):
        for name in ("tpm-package", "name-tpm"):
            expected = CASES[name]["expect"]["commands"]
            last = len(expected) - 1
            self.assertIn("swtpm", expected[last][0])
            for word in range(len(expected[last])):
                with self.subTest(f"{name}: {word}"):
                    self.assertEqual(
                        self.fields(name, lambda expect: replace(
                            expect["commands"], (last, word), corrupted)),
                        {"commands"})

    def test_swtpm_missing_and_where_there_is_none_and_twice(self):
        swtpm = CASES["tpm-package"]["expect"]["commands"][-1]
        for name, change in (
                ("tpm-package", lambda commands: commands.pop()),
                ("tpm-package", lambda commands: commands.append(swtpm)),
                ("tpm-package", lambda commands: commands.insert(
                    0, commands.pop())),
                ("default-x86_64-linux",
                 lambda commands: commands.append(swtpm))):
            with self.subTest(name):
                self.assertEqual(
                    self.fields(name, lambda expect: change(
                        expect["commands"])), {"commands"})

    def test_what_runs_at_the_exit(self):
        socat = CASES["tpm-package"]["expect"]["at_exit"]
        for where in leaves(socat):
            with self.subTest(where):
                self.assertEqual(
                    self.fields("tpm-package", lambda expect: replace(
                        expect["at_exit"], where, corrupted)), {"at_exit"})
        for name, value in (("tpm-package", []), ("tpm-package", socat * 2),
                            ("tpm-package", [[]]),
                            ("default-x86_64-linux", socat)):
            with self.subTest(f"{name}: {value}"):
                self.assertEqual(
                    self.fields(name, lambda expect: expect.update(
                        at_exit=value)), {"at_exit"})

    def test_everything_about_what_is_created(self):
        for name in ("certs-link", "tpm-efi-bootloader",
                     "empty-disks-store-image", "empty-disks-existing"):
            for where in leaves(CASES[name]["expect"]["created"]):
                with self.subTest(f"{name}: {where}"):
                    self.assertEqual(
                        self.fields(name, lambda expect: replace(
                            expect["created"], where, corrupted)),
                        {"created"})

    def test_something_created_too_much_and_too_little(self):
        for change in (lambda created: created.pop(),
                       lambda created: created.pop(0),
                       lambda created: created.append(created[0])):
            self.assertEqual(
                self.fields("default-x86_64-linux", lambda expect: change(
                    expect["created"])), {"created"})

    def test_directory_and_images(self):
        for field, value in (("cwd", "/elsewhere"), ("cwd", None),
                             ("images", {"store": {}})):
            for name in ("bootloader-efi-aarch64-linux", "tmpdir"):
                with self.subTest(f"{name}: {field}"):
                    self.assertEqual(
                        self.fields(name, lambda expect: expect.update(
                            {field: value})), {field})

    def test_a_changed_value_of_each_field_that_there_is(self):
        """The files have just these fields, and a change of any is seen."""
        found = {}
        for of in (CASES, OLD_CASES):
            for name, case in of.items():
                for field in case["expect"]:
                    found.setdefault(field, (name, of))
        self.assertEqual(set(found), cases.FIELDS)
        for field, (name, of) in found.items():
            with self.subTest(field):
                self.assertIn(field, self.fields(name, lambda expect: replace(
                    expect, (field,), another), of))

    def test_a_field_that_nobody_knows(self):
        """What the runner does not know is not passed over."""
        for name in ("default-x86_64-linux", "bad-memory-zero"):
            self.assertEqual(self.fields(name, lambda expect: expect.update(
                weather="fine")), {"weather"})

    def test_every_value_of_guest(self):
        """Each setting of the guest is compared, with every word of it."""
        for of, name in GUESTS:
            for where in leaves(of[name]["expect"]["guest"]):
                with self.subTest(f"{name}: {where}"):
                    self.assertEqual(self.fields(name, lambda expect: replace(
                        expect["guest"], where, corrupted), of), {"guest"})

    def test_a_value_of_guest_too_many_and_too_few(self):
        """A setting that is missing, or that there should not be, is seen."""
        name = "default-x86_64-linux"
        places = {where[:depth] for where
                  in leaves(CASES[name]["expect"]["guest"])
                  for depth in range(len(where))}
        for where in places:
            def more(expect, value="x"):
                inside(expect["guest"], where).update(more=value)

            def fewer(expect):
                inside(expect["guest"], where).popitem()
            if isinstance(inside(CASES[name]["expect"]["guest"], where), list):
                continue
            with self.subTest(where):
                self.assertEqual(self.fields(name, more), {"guest"})
                self.assertEqual(self.fields(name, fewer), {"guest"})

    def commands_changed(self, where, change):
        """The same for the lines of one of the guest's texts."""
        return self.fields("default-x86_64-linux", lambda expect: replace(
            expect["guest"], where,
            lambda text: "\n".join(change(text.splitlines()))))

    def test_every_line_of_the_guest_s_commands(self):
        """A line that is changed, missing or new is seen."""
        for where in cases._COMMANDS:
            text = inside(CASES["default-x86_64-linux"]["expect"]["guest"],
                          where)
            for index, line in enumerate(text.splitlines()):
                for change in (
                        lambda lines: [*lines[:index], *lines[index + 1:]],
                        lambda lines: [*lines[:index], lines[index] + "x",
                                       *lines[index + 1:]],
                        lambda lines: [*lines[:index], "x", *lines[index:]]):
                    if not line or line.startswith("#"):
                        continue
                    with self.subTest(f"{where}: {line}"):
                        self.assertEqual(
                            self.commands_changed(where, change), {"guest"})

    def test_comments_and_indentation_of_commands_do_not_matter(self):
        """They are the module's own."""
        for where in cases._COMMANDS:
            self.assertEqual(self.commands_changed(where, lambda lines: [
                "# x", "", *("  " + line for line in lines), "\t# x"]), set())

    def test_every_parameter_of_images_and_names_in_the_package(self):
        """Each parameter of both images and each name is compared."""
        for of, name, field in (
                (CASES, "bootloader-efi-aarch64-linux", "images"),
                (OLD_CASES, "bootloader-efi-aarch64-linux", "images"),
                (CASES, "store-image-forced-writable", "images"),
                (OLD_CASES, "store-image-forced-writable", "images"),
                (CASES, "name-tpm", "build")):
            places = list(leaves(of[name]["expect"][field]))
            self.assertGreater(len(places), 3, name)
            for where in places:
                with self.subTest(f"{name}: {where}"):
                    self.assertEqual(self.fields(name, lambda expect: replace(
                        expect[field], where, corrupted), of), {field})

    def test_what_the_script_says(self):
        """Each line of its output stands for something that we do."""
        for name in ("certs-unset", "default-x86_64-linux",
                     "empty-disks-existing"):
            lines = CASES[name]["expect"]["stdout"].splitlines(True)
            for changed in (
                    [*lines, "x\n"], lines[1:] or ["x"], lines * 2 or ["x"],
                    [*lines, "$NIX_SSL_CERT_FILE should, if "
                     "virtualisation.useHostCerts"],
                    lines[::-1] if len(lines) > 1 else ["x"]):
                with self.subTest(f"{name}: {changed}"):
                    self.assertEqual(self.fields(
                        name, lambda expect: expect.update(
                            stdout="".join(changed))), {"stdout"})

    def test_how_the_script_ends(self):
        """An error is expected where there is none."""
        name = "default-x86_64-linux"
        self.assertEqual(self.fields(name, lambda expect: expect.update(
            exit=1)), {"exit"})
        self.assertEqual(self.fields(name, lambda expect: expect.update(
            stderr="mkfs.ext4: no space\n")), {"stderr"})

    def test_a_plan_that_cannot_be_carried_out(self):
        """Our own failure is none of the script's."""
        case = copy.deepcopy(CASES["default-x86_64-linux"])
        # Nothing can be made in a place that is a file.
        case["files"]["/tmp/nix-vm"] = "x"
        key = case["seed"], case["id"]
        self.made.pop(key, None)
        self.addCleanup(self.made.pop, key, None)
        fields = {difference.field.partition("[")[0]
                  for difference in cases.run(case).differences}
        self.assertLessEqual({"exit", "stderr"}, fields)

    def test_every_machine_says_where_it_runs_and_what_runs_beside_it(self):
        for case in CASES.values():
            if "argv" in case["expect"]:
                for field in ("commands", "at_exit", "cwd"):
                    self.assertIn(field, case["expect"], case["id"])


class Input(unittest.TestCase):
    """What goes in matters: a changed description gives a difference."""

    def test_every_option_of_a_case(self):
        for name in ("env-all", "drive-extra", "forward-host-addresses",
                     "tpm-efi-bootloader", "resolution-1"):
            options = CASES[name]["options"]
            for where in leaves(options):
                with self.subTest(f"{name}: {where}"):
                    case = copy.deepcopy(CASES[name])
                    replace(case["options"], where, corrupted)
                    self.assertTrue(cases.run(case).differences)

    def test_environment_arguments_and_files(self):
        for name, field, value in (
                ("env-all", "env", {}), ("args", "args", []),
                ("disk-image-symlink", "files", {})):
            with self.subTest(field):
                case = {**CASES[name], field: value}
                self.assertTrue(cases.run(case).differences)


class Intended(unittest.TestCase):
    def rewritten(self, options, argv):
        case = {**CASES["default-x86_64-linux"], "options": options}
        case["expect"] = {**case["expect"], "argv": argv}
        return cases.run(case)

    def test_ide_disks_are_ide_disks(self):
        options = {"qemu": {"diskInterface": "ide"},
                   "emptyDiskImages": [1] * 7}
        virtio = {"emptyDiskImages": [1] * 7}
        resolved = self.argv(virtio)
        outcome = self.rewritten(options, resolved)
        self.assertEqual(outcome.intended, ["ide_is_ide"])
        self.assertNotIn("argv", {d.field.partition("[")[0]
                                  for d in outcome.differences})

    def argv(self, options):
        case = {**CASES["default-x86_64-linux"], "options": options}
        return vmspec.Plan(cases.convert(case).spec,
                           surroundings.host(case)).argv

    def test_commas_are_escaped(self):
        options = {"diskImage": "./a,b.qcow2"}
        argv = [word.replace(",,", ",") for word in self.argv(options)]
        outcome = self.rewritten(options, argv)
        # "-netdev user" ends in a comma of its own.
        self.assertEqual(outcome.intended, ["commas_are_escaped"])
        self.assertNotIn("argv", {d.field.partition("[")[0]
                                  for d in outcome.differences})

    def test_relative_paths_are_the_callers(self):
        options = {"qemu": {"drives": [{"file": "./d.img"}]}}
        argv = [word.replace("file=/run/vm/d.img", "file=./d.img")
                for word in self.argv(options)]
        outcome = self.rewritten(options, argv)
        self.assertEqual(outcome.intended, ["relative_paths_are_the_callers"])
        self.assertNotIn("argv", {d.field.partition("[")[0]
                                  for d in outcome.differences})

    def test_no_rule_applies_to_an_ordinary_case(self):
        for case in CASES.values():
            self.assertEqual(cases.run(case).intended, [], case["id"])

    def test_each_rule_says_why(self):
        for rule in intended.RULES:
            self.assertTrue(rule.__doc__)


class Exclusions(unittest.TestCase):
    KEPT = ("/nix/store/0123456789-a", "/nix/store/0123bcdfgh-b")

    def wrong(self, *expressions):
        return dict(commands.wrongly_excluded(expressions, self.KEPT))

    def test_one_that_is_right_by_the_rule_in_words(self):
        def departs(prefixes):
            """What has none of these prefixes, which are of one length."""
            starts = sorted({prefix[0] for prefix in prefixes})
            ways = [f"[^{''.join(starts)}]", "$"]
            for start in starts:
                rests = [prefix[1:] for prefix in prefixes
                         if prefix[0] == start]
                if rests[0]:
                    ways.append(start + departs(rests))
            return f"({'|'.join(ways)})"
        self.assertEqual(
            self.wrong("^" + departs(["0123456789", "0123bcdfgh"])), {})

    def test_the_library_s_own(self):
        case = CASES["store-image-x86_64-linux"]
        machine = cases.convert(case)
        plan = vmspec.Plan(machine.spec, surroundings.host(case))
        expressions = tuple(
            word.partition("=")[2] for step in plan.steps
            for line in step.commands or () for word in shlex.split(line)
            if word.startswith("--exclude-regex="))
        self.assertTrue(expressions)
        self.assertEqual(
            commands.wrongly_excluded(expressions, surroundings.STORE_PATHS),
            ())

    def test_too_little_and_too_much_and_half(self):
        wrong = self.wrong("^$")
        self.assertEqual(set(wrong.values()), {"should be excluded"})
        for name in ("trash", "012345678", "x0123456789-a", "0123456788-a"):
            self.assertIn(name, wrong)
        self.assertEqual(set(self.wrong("").values()), {"should be kept"})
        # Right for one of the names only.
        self.assertIn("0123bcdfgh-b", self.wrong(
            r"^([^0]|0[^1]|01[^2]|012[^3]|0123[^4])"))
        # Not bound to the beginning: something inside is excluded.
        self.assertIn("0123456789-a", self.wrong(r"bin/sh$"))

    def test_no_regular_expression_is_an_error(self):
        with self.assertRaises(ValueError):
            self.wrong("(")


class Scratch(unittest.TestCase):
    def created(self, **changed):
        case = {**CASES["default-x86_64-linux"], **changed}
        machine, host = cases.convert(case), surroundings.host(case)
        resolved = vmspec.resolve(machine.spec, host)
        host = surroundings.host(case, resolved)
        return scratch.making(case, vmspec.Plan(machine.spec, host), resolved)

    def test_nothing_of_one_case_is_there_for_the_next(self):
        first = self.created()
        self.assertTrue(first.created)
        self.assertEqual((first.findings, first.failed), ([], False))
        self.assertEqual(self.created(), first)

    def test_nothing_stays_where_something_fails(self):
        files = {"nixos.qcow2": {"type": "dir"}, "a/b/c": "x"}
        with mock.patch.object(vmspec.Plan, "prepare",
                               side_effect=ValueError("this one")), \
                self.assertRaisesRegex(RuntimeError, "ValueError: this one"):
            self.created(files=files)
        after = scratch._all_paths(str(scratch._scratch.root))
        self.assertEqual(set(after), scratch._scratch._all_have)

    def test_a_child_that_dies_is_an_error(self):
        with mock.patch.object(vmspec.Plan, "prepare",
                               side_effect=lambda **_: os.abort()), \
                self.assertRaisesRegex(RuntimeError, "wait status"):
            self.created()

    def test_without_a_right_to_do_so_it_says_what_it_takes(self):
        with mock.patch.object(scratch._libc, "unshare", return_value=-1), \
                self.assertRaisesRegex(RuntimeError, "root or user namespaces"):
            self.created()

    def test_files_behind_a_link_are_not_the_host_s(self):
        with tempfile.TemporaryDirectory() as outside:
            self.created(files={"link": {"type": "symlink", "target": outside},
                                outside: {"type": "dir"}, "link/x": "x"})
            self.assertEqual(os.listdir(outside), [])

    def test_the_directory_goes_with_the_program(self):
        code = ("import scratch; s = scratch._Scratch(); print(s.root); "
                "raise SystemExit(3)")
        done = subprocess.run(
            [sys.executable, "-c", code], text=True, capture_output=True,
            check=False, env={**os.environ, "PYTHONPATH": os.pathsep.join(
                [str(CORPUS), str(TOP / "bindings" / "python")])})
        self.assertEqual(done.returncode, 3, done.stderr)
        self.assertFalse(Path(done.stdout.strip()).exists())


class Surroundings(unittest.TestCase):
    def test_links_are_followed(self):
        tree = surroundings.Tree({
            "a": {"type": "symlink", "target": "b/../c"},
            "c": {"type": "symlink", "target": "/srv/real"},
            "b": {"type": "symlink", "target": "/mnt/deep/down"},
            "loop": {"type": "symlink", "target": "loop"},
            "/mnt/deep/c": "content"})
        self.assertEqual(tree.real_path("/run/vm/a"), "/mnt/deep/c")
        self.assertEqual(tree.real_path("/run/vm/c"), "/srv/real")
        self.assertEqual(tree.real_path("/run/vm/./x"), "/run/vm/x")
        self.assertEqual(tree.real_path("/run/vm/loop"), "/run/vm/loop")
        kinds = {path: tree.look(path).type for path in
                 ("/run/vm/a", "/run/vm/c", "/srv", "/srv/no/such")}
        self.assertEqual(kinds, {"/run/vm/a": "file", "/run/vm/c": "absent",
                                 "/srv": "directory",
                                 "/srv/no/such": "no-parent"})

    def test_all_messages_of_the_corpus_are_recognised(self):
        for case in CASES.values():
            for field, known in (("assertions", messages.ASSERTIONS),
                                 ("warnings", messages.WARNINGS)):
                said = messages.expected(case["expect"].get(field, []), known)
                self.assertNotIn("unrecognised", dict(said), case["id"])


class Program(unittest.TestCase):
    def run_program(self, content):
        with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
            json.dump(content, file)
            file.flush()
            return subprocess.run([sys.executable, CORPUS / "run", file.name],
                                  text=True, capture_output=True, check=False)

    def test_the_last_line_counts_and_the_status_says_it(self):
        good = CASES["default-x86_64-linux"]
        bad = copy.deepcopy(good)
        bad["expect"]["argv"][0] = "x"
        done = self.run_program([good, good])
        self.assertEqual(done.stdout.splitlines()[-1], "2 passed, 0 failed")
        self.assertEqual(done.returncode, 0)
        done = self.run_program([good, bad])
        self.assertEqual(done.stdout.splitlines()[-1], "1 passed, 1 failed")
        self.assertIn("default-x86_64-linux: argv[0]: expected 'x', got",
                      done.stdout)
        self.assertEqual(done.returncode, 1)

    def test_without_files_it_says_how_it_is_used(self):
        done = subprocess.run([sys.executable, CORPUS / "run"], text=True,
                              capture_output=True, check=False)
        self.assertEqual(done.returncode, 2)
        self.assertIn("usage:", done.stderr)


if __name__ == "__main__":
    outcome.main()
