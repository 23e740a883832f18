/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What is found when the keeper, swtpm or a switch cannot be had or fails: all of
 * them are scripts here, and QEMU is one that waits.
 */
#include "scratch.h"

#include <sys/file.h>
#include <sys/socket.h>
#include <sys/un.h>

static struct vmspec spec;
static struct vmspec_qemu qemu;
static struct vmspec_tpm tpm;
static struct vmspec_network network;
static struct vmspec_host host;
static struct vmspec_host_program programs[2];
static const struct vmspec_host_program *program_list[3];
static char variable[PATH_MAX + 20];
static const char *environment[3];
static struct vmspec_start start;
static vmspec_diag *diag;

#define WHEN_QEMU_RUNS \
  "until test -e \"$TMPDIR/started\"; do sleep 0.02; done\n"

static const char *
script (const char *name, const char *text)
{
  (void) unlink (name);
  make_file (name, 0755, "");
  (void) unlink (name);
  make_file (name, 0755, text);
  return below (name);
}

static void
set_up (void)
{
  scratch_make ();
  snprintf (variable, sizeof variable, "TMPDIR=%s", scratch);
  environment[0] = variable;
  environment[1] = "PATH=/usr/local/bin:/usr/bin:/bin";
  qemu = (struct vmspec_qemu) { VMSPEC_INIT (vmspec_qemu),
    .binary = script ("qemu", "#!/bin/sh\n: >started\nexec sleep 100\n") };
  tpm = (struct vmspec_tpm) { VMSPEC_INIT (vmspec_tpm), .enable = VMSPEC_ON,
    .swtpm = script ("swtpm", "#!/bin/sh\nexec sleep 100\n"),
    .state_dir = "tpm" };
  network = (struct vmspec_network) { VMSPEC_INIT (vmspec_network),
    .vlan_backend = VMSPEC_VLAN_BACKEND_VDE, .vlan_directory = "vlans",
    .vlan_switch = VMSPEC_ON };
  for (size_t i = 0; i < COUNT (programs); i++) {
    programs[i] = (struct vmspec_host_program) {
      VMSPEC_INIT (vmspec_host_program) };
    program_list[i] = &programs[i];
  }
  programs[0].name = "vde_switch";
  programs[0].path = "/nowhere/vde_switch";
  programs[1].name = "swtpm_setup";
  programs[1].path = "/nowhere/swtpm_setup";
  spec = (struct vmspec) { VMSPEC_INIT (vmspec), .qemu = &qemu,
                           .builtin_drives = VMSPEC_OFF };
  host = unit_host ();
  host.directory = scratch;
  host.environment = environment;
  host.programs = program_list;
  start = (struct vmspec_start) { VMSPEC_INIT (vmspec_start),
    .qmp = VMSPEC_OFF, .force = VMSPEC_ON,
    .keeper = getenv ("VMSPEC_KEEPER") };
  ck_assert_int_eq (vmspec_diag_new (&diag), 0);
}

static void
tear_down (void)
{
  vmspec_diag_free (diag);
  scratch_remove ();
}

/* Once, and nothing is left of the run. */
static void
fails (int error, const char *id, const char *path, const char *words)
{
  vmspec_plan *plan = unit_plan (&spec, &host);
  const struct vmspec_finding *found;
  vmspec_vm *vm = NULL;
  int r = vmspec_vm_start (plan, &start, diag, &vm);

  ck_assert_msg (r == error, "%s%s", strerror (-r), unit_findings (diag));
  ck_assert_ptr_null (vm);
  found = unit_finding (diag, id);
  ck_assert_msg (found != NULL, "%s", unit_findings (diag));
  ck_assert_str_eq (found->path, path);
  ck_assert_msg (strstr (found->text, words) != NULL, "%s", found->text);
  ck_assert (!exists ("vmspec.0123456789"));
  ck_assert (!exists ("tpm/new"));
  vmspec_plan_free (plan);
  vmspec_diag_free (diag);
  ck_assert_int_eq (vmspec_diag_new (&diag), 0);
}

/* ---- the keeper ---------------------------------------------------------- */

START_TEST (a_machine_takes_a_keeper)
{
  /* posix_spawn() learns nothing from its child there. */
  if (unit_is_watched ())
    return;
  start.keeper = "/nowhere/keeper";
  fails (-ENOENT, "keeper.missing", "start.keeper", "install it");
}
END_TEST

START_TEST (a_keeper_that_ends_is_said)
{
  start.keeper = script ("keeper", "#!/bin/sh\nexit 0\n");
  fails (-EPIPE, "keeper.ended", "start.keeper", "another version");
}
END_TEST

/* ---- the TPM ------------------------------------------------------------- */

START_TEST (a_tpm_is_one_machines_at_a_time)
{
  int fd;

  spec.tpm = &tpm;
  ck_assert_int_eq (mkdir ("tpm", 0700), 0);
  fd = open ("tpm", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  ck_assert_int_eq (flock (fd, LOCK_EX), 0);
  fails (-EBUSY, "tpm.in-use", "tpm.state_dir", "set another");
  close (fd);
}
END_TEST

START_TEST (its_socket_has_a_path_of_107_bytes_at_most)
{
  char name[120] = "";

  memset (name, 'd', 108 - strlen (scratch) - strlen ("//socket"));
  tpm.state_dir = name;
  spec.tpm = &tpm;
  fails (-ENAMETOOLONG, "tpm.path-too-long", "tpm.state_dir", "shorter");
}
END_TEST

START_TEST (its_directory_takes_a_socket)
{
  spec.tpm = &tpm;
  ck_assert_int_eq (mkdir ("tpm", 0700), 0);
  ck_assert_int_eq (mkdir ("tpm/socket", 0700), 0);
  fails (-EADDRINUSE, "tpm.state", "tpm.state_dir", "can be written to");
}
END_TEST

START_TEST (swtpm_that_is_not_there_or_cannot_run_is_said)
{
  spec.tpm = &tpm;
  tpm.swtpm = "/nowhere/swtpm";
  fails (-ENOENT, "helper.missing", "tpm.swtpm", "set tpm.swtpm");
  tpm.swtpm = script ("swtpm", "#!/nowhere/interpreter\n");
  fails (-ENOENT, "helper.failed", "tpm.swtpm", "interpreter");
  /* No file of the working directory is meant. */
  tpm.swtpm = NULL;
  (void) script ("swtpm", "#!/bin/sh\nexec sleep 100\n");
  fails (-ENOENT, "helper.missing", "tpm.swtpm", "swtpm cannot be started");
}
END_TEST

START_TEST (a_new_tpm_that_is_none_is_said)
{
  spec.tpm = &tpm;
  tpm.setup = VMSPEC_ON;
  fails (-ENOENT, "helper.missing", "tpm.setup", "turn tpm.setup off");
  programs[1].path = script ("setup", "#!/bin/sh\nexit 0\n");
  fails (-ENOENT, "tpm.state", "tpm.setup", "has made no TPM");
  programs[1].path = script ("setup", "#!/bin/sh\n"
    "echo half >new/tpm2-00.permall\necho not today >&2\nexit 5\n");
  fails (-EIO, "helper.failed", "tpm.setup", "status 5: not today; ");
  ck_assert (!exists ("tpm/tpm2-00.permall"));
}
END_TEST

START_TEST (programs_before_the_start_say_why_they_fail)
{
  spec.tpm = &tpm;
  tpm.provision = script ("provision", "#!/bin/sh\n"
    "printf 'one\\n\\n  two\\033[31m\\t\\n\\n' >&2\nexit 3\n");
  fails (-EIO, "helper.failed", "tpm.provision",
         "failed with status 3: one; two [31m ; mend");
  tpm.provision = script ("provision", "#!/bin/sh\nkill -9 $$\n");
  fails (-EIO, "helper.failed", "tpm.provision",
         "was killed by signal 9: it did not say why");
  tpm.provision = script ("provision", "#!/bin/sh\n"
    "i=0; while test $i -lt 200; do echo word$i >&2; i=$((i+1)); done\n"
    "exit 1\n");
  fails (-EIO, "helper.failed", "tpm.provision", "word199; mend");
}
END_TEST

/* It runs, and is ended since something that it needs has ended. */
static void
ends (const char *id, const char *words)
{
  vmspec_plan *plan = unit_plan (&spec, &host);
  vmspec_vm *vm;

  ck_assert_int_eq (vmspec_vm_start (plan, &start, diag, &vm), 0);
  ck_assert_int_eq (vmspec_vm_wait (vm, -1, NULL), 0);
  ck_assert_int_eq (vmspec_vm_explain (vm, diag), -EIO);
  ck_assert_msg (unit_finding (diag, id) != NULL, "%s", unit_findings (diag));
  ck_assert_ptr_nonnull (strstr (unit_finding (diag, id)->text, words));
  vmspec_vm_free (vm);
  vmspec_plan_free (plan);
}

START_TEST (a_machine_ends_with_its_tpm)
{
  spec.tpm = &tpm;
  tpm.swtpm = script ("swtpm", "#!/bin/sh\n" WHEN_QEMU_RUNS
    "echo no TPM today >&2\nexit 1\n");
  ends ("tpm.ended", "no TPM today");
}
END_TEST

/* ---- switches ------------------------------------------------------------ */

START_TEST (a_switch_that_cannot_be_had_is_said)
{
  spec.network = &network;
  fails (-ENOENT, "vlan.switch-failed", "network.vlan_switch",
         "cannot be started");
  programs[0].path = script ("switch", "#!/bin/sh\necho no cables >&2\nexit 1\n");
  fails (-EIO, "vlan.switch-failed", "network.vlan_switch", "no cables");
  ck_assert_int_eq (mkdir ("vlans/.lock.d", 0700), 0);
  ck_assert_int_eq (unlink ("vlans/.lock"), 0);
  ck_assert_int_eq (rename ("vlans/.lock.d", "vlans/.lock"), 0);
  fails (-EISDIR, "vlan.switch-failed", "network.vlan_switch", "locked");
}
END_TEST

/* A switch is one that listens, whoever does it. */
START_TEST (a_machine_ends_with_its_switch)
{
  struct sockaddr_un address = { .sun_family = AF_UNIX };
  int fd = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

  spec.network = &network;
  strcpy (address.sun_path, "listening");
  ck_assert_int_eq (bind (fd, (const void *) &address, sizeof address), 0);
  ck_assert_int_eq (listen (fd, 9), 0);
  programs[0].path = script ("switch", "#!/bin/sh\nmkdir \"$2\"\n"
    "mv \"$2/../../listening\" \"$2/ctl\"\n"
    WHEN_QEMU_RUNS "exit 9\n");
  ends ("vlan.switch-ended", "status 9");
  close (fd);
}
END_TEST

START_TEST (a_keeper_is_nobody_elses_to_start)
{
  const char *keeper = getenv ("VMSPEC_KEEPER");
  char command[PATH_MAX + 100];

  if (!keeper)
    return;
  snprintf (command, sizeof command, "'%s' 2>&1 | grep -q libvmspec", keeper);
  ck_assert_int_eq (system (command), 0);
  snprintf (command, sizeof command, "'%s' wrong name 2> /dev/null 3<&0; "
            "test $? = 2", keeper);
  ck_assert_int_eq (system (command), 0);
}
END_TEST

int
main (void)
{
  TCase *t = unit_case ("machine");

  tcase_add_checked_fixture (t, set_up, tear_down);
  tcase_add_test (t, a_machine_takes_a_keeper);
  tcase_add_test (t, a_keeper_that_ends_is_said);
  tcase_add_test (t, a_keeper_is_nobody_elses_to_start);
  tcase_add_test (t, a_tpm_is_one_machines_at_a_time);
  tcase_add_test (t, its_socket_has_a_path_of_107_bytes_at_most);
  tcase_add_test (t, its_directory_takes_a_socket);
  tcase_add_test (t, swtpm_that_is_not_there_or_cannot_run_is_said);
  tcase_add_test (t, a_new_tpm_that_is_none_is_said);
  tcase_add_test (t, programs_before_the_start_say_why_they_fail);
  tcase_add_test (t, a_machine_ends_with_its_tpm);
  tcase_add_test (t, a_switch_that_cannot_be_had_is_said);
  tcase_add_test (t, a_machine_ends_with_its_switch);
  return unit_run ("machine", t);
}
