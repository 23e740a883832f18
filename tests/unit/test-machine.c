/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What is found when the keeper, swtpm or a switch cannot be had or fails: all of
 * them are scripts here, and QEMU is one that waits.
 */
#include "scratch.h"

#include <poll.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

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

/* It starts, without a word; it is the caller's to free. */
static vmspec_vm *
started (void)
{
  vmspec_plan *plan = unit_plan (&spec, &host);
  vmspec_vm *vm = NULL;
  int r = vmspec_vm_start (plan, &start, diag, &vm);

  ck_assert_msg (r == 0 && vmspec_diag_count (diag) == 0, "%s%s",
                 strerror (-r), unit_findings (diag));
  vmspec_plan_free (plan);
  return vm;
}

#define STATE "tpm2-00.permall"

/* Writes down how it was called: its words, its variables but for the shell's own,
 * and its descriptors. */
#define TELL \
  "#!/bin/sh\nname=${0##*/}\necho \"$name $*\" >> \"$TOLD\"\n" \
  "tr '\\0' '\\n' < /proc/$$/environ > \"$TOLD.$name.env\"\n" \
  "for i in 0 1 2 3 4 5 6; do test -L /proc/$$/fd/$i && echo $i; done" \
  " > \"$TOLD.$name.fds\"\n"

static char told[PATH_MAX + 20];

static void
tell (void)
{
  static const char *more[7];

  snprintf (told, sizeof told, "TOLD=%s/told", scratch);
  more[0] = "TMPDI=1";
  more[1] = variable;
  more[2] = "TMPDIRS=2";
  more[3] = environment[1];
  more[4] = told;
  more[5] = "TCTI=3";
  more[6] = NULL;
  host.environment = more;
}

/* What a new TPM is made of is put in its place when it is whole, once. */
START_TEST (a_new_tpm_is_made_once)
{
  char expected[5 * PATH_MAX];

  tell ();
  spec.tpm = &tpm;
  tpm.setup = VMSPEC_ON;
  tpm.swtpm = script ("swtpm", TELL "exec sleep 100\n");
  programs[1].path = script ("setup", TELL "pwd >> \"$TOLD\"\n"
                             "echo \"$TMPDIR\" >> \"$TOLD\"\n"
                             "echo whole > new/" STATE "\n");
  for (int i = 0; i < 2; i++) {
    vmspec_vm_free (started ());
    ck_assert_str_eq (read_file ("tpm/" STATE), "whole\n");
    ck_assert (!exists ("tpm/new"));
    ck_assert (!exists ("tpm/socket"));
  }
  snprintf (expected, sizeof expected,
            "setup --tpm2 --tpmstate new --create-ek-cert "
            "--create-platform-cert --lock-nvram\n%s/tpm\n%s/tpm/new\n",
            scratch, scratch);
  ck_assert_int_eq (strncmp (read_file ("told"), expected, strlen (expected)), 0);
  ck_assert_ptr_null (strstr (read_file ("told") + 1, "setup"));
  snprintf (expected, sizeof expected, "TMPDIR=%s/tpm/new\nTMPDI=1\nTMPDIRS=2\n"
            "%s\n%s\nTCTI=3\n", scratch, environment[1], told);
  ck_assert_str_eq (read_file ("told.setup.env"), expected);
  ck_assert_str_eq (read_file ("told.setup.fds"), "0\n1\n2\n");
}
END_TEST

START_TEST (a_new_tpm_that_cannot_be_kept_is_said)
{
  spec.tpm = &tpm;
  tpm.setup = VMSPEC_ON;
  programs[1].path = script ("setup", "#!/bin/sh\nln -s / new/" STATE "\n");
  fails (-ELOOP, "tpm.state", "tpm.setup", "has made no TPM");
  /* Nothing can take the name. */
  programs[1].path = script ("setup", "#!/bin/sh\necho whole > new/" STATE "\n"
                             "mkdir " STATE "\n");
  fails (-EISDIR, "tpm.state", "tpm.setup", "has made no TPM");
}
END_TEST

START_TEST (swtpm_gets_its_socket_and_leaves_nothing)
{
  struct sockaddr_un address = { .sun_family = AF_UNIX };
  int fd = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  vmspec_vm *vm;

  tell ();
  spec.tpm = &tpm;
  tpm.swtpm = script ("swtpm", TELL ": >pid; : >TMP2-00.permall; : >stdout; "
                      ": >" STATE "; : >told\nexec sleep 100\n");
  /* One that was killed has left its socket. */
  ck_assert_int_eq (mkdir ("tpm", 0700), 0);
  strcpy (address.sun_path, "tpm/socket");
  ck_assert_int_eq (bind (fd, (const void *) &address, sizeof address), 0);
  close (fd);
  vm = started ();
  /* It need not have come so far. */
  fd = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  ck_assert_int_eq (connect (fd, (const void *) &address, sizeof address), 0);
  close (fd);
  for (int i = 0; i < 1000 && !exists ("tpm/told"); i++)
    usleep (10000);
  vmspec_vm_free (vm);
  ck_assert_str_eq (read_file ("told"),
                    "swtpm socket --tpmstate dir=. --ctrl type=unixio,fd=3 --pid "
                    "file=pid --tpm2 --log file=stdout,level=6\n");
  ck_assert_str_eq (read_file ("told.swtpm.fds"), "0\n1\n2\n3\n");
  ck_assert (!exists ("tpm/socket"));
  ck_assert (!exists ("tpm/pid"));
  ck_assert (!exists ("tpm/TMP2-00.permall"));
  ck_assert (exists ("tpm/stdout"));
  ck_assert (exists ("tpm/" STATE));
}
END_TEST

START_TEST (a_program_finds_the_tpm_by_two_sockets)
{
  static const char *const directories[] = { "tpm", "t,pm" };
  char expected[5 * PATH_MAX];

  tell ();
  spec.tpm = &tpm;
  tpm.swtpm = script ("swtpm", TELL "exec sleep 100\n");
  tpm.provision = script ("provision", TELL
    "until grep -q -e --server \"$TOLD\"; do sleep 0.02; done\n"
    "test -S provision && test -S provision.ctrl\n");
  for (int i = 0; i < 2; i++) {
    int is_short = i == 1; /* tpm2-tss knows no comma */

    tpm.state_dir = directories[i];
    (void) unlink ("told");
    vmspec_vm_free (started ());
    snprintf (expected, sizeof expected,
              "swtpm socket --tpm2 --tpmstate dir=. --server type=unixio,fd=3 "
              "--ctrl type=unixio,fd=4 --flags not-need-init,startup-clear\n");
    ck_assert_ptr_nonnull (strstr (read_file ("told"), expected));
    snprintf (expected, sizeof expected,
              "TPM2TOOLS_TCTI=swtpm:path=%s%sprovision\n"
              "TCTI=swtpm:path=%s%sprovision\n"
              "TMPDIR=%s/vmspec.0123456789\nTMPDI=1\nTMPDIRS=2\n%s\n%s\n",
              is_short ? "" : scratch, is_short ? "" : "/tpm/",
              is_short ? "" : scratch, is_short ? "" : "/tpm/", scratch,
              environment[1], told);
    ck_assert_str_eq (read_file ("told.provision.env"), expected);
    ck_assert_str_eq (read_file ("told.provision.fds"), "0\n1\n2\n");
    ck_assert (!exists (below (is_short ? "t,pm/provision" : "tpm/provision")));
    ck_assert (!exists (below (is_short ? "t,pm/provision.ctrl"
                                        : "tpm/provision.ctrl")));
  }
}
END_TEST

START_TEST (a_tpm_that_ends_early_is_said_beside_what_it_is_for)
{
  vmspec_plan *plan;
  vmspec_vm *vm;

  spec.tpm = &tpm;
  tpm.swtpm = script ("swtpm", "#!/bin/sh\n: > ended\n"
                      "echo broken >&2\nexit 4\n");
  tpm.provision = script ("provision", "#!/bin/sh\n"
    "until test -e ended; do sleep 0.02; done\nsleep 0.2\nexit 5\n");
  plan = unit_plan (&spec, &host);
  ck_assert_int_eq (vmspec_vm_start (plan, &start, diag, &vm), -EIO);
  ck_assert_uint_eq (vmspec_diag_count (diag), 2);
  ck_assert_str_eq (vmspec_diag_get (diag, 0)->path, "tpm.provision");
  ck_assert_str_eq (vmspec_diag_get (diag, 1)->path, "tpm.swtpm");
  ck_assert_ptr_nonnull (strstr (vmspec_diag_get (diag, 1)->text,
                                 "failed with status 4: broken; "));
  vmspec_plan_free (plan);
}
END_TEST

START_TEST (a_swtpm_that_may_not_be_run_is_said)
{
  spec.tpm = &tpm;
  tpm.swtpm = below ("text");
  make_file ("text", 0644, "");
  fails (-EACCES, "helper.failed", "tpm.swtpm",
         "/text cannot be started: Permission denied; ");
}
END_TEST

static int
cancel_when_started (void *data, const struct vmspec_progress *progress)
{
  (void) progress;
  (void) data;
  return exists ("tpm/begun");
}

START_TEST (what_a_tpm_is_made_with_can_be_cancelled)
{
  struct vmspec_work work = { VMSPEC_INIT (vmspec_work),
                              .progress = cancel_when_started };
  vmspec_plan *plan;
  vmspec_vm *vm;

  spec.tpm = &tpm;
  tpm.setup = VMSPEC_ON;
  start.work = &work;
  programs[1].path = script ("setup", "#!/bin/sh\n: > begun\nexec sleep 100\n");
  plan = unit_plan (&spec, &host);
  ck_assert_int_eq (vmspec_vm_start (plan, &start, diag, &vm), -ECANCELED);
  ck_assert_uint_eq (vmspec_diag_count (diag), 0);
  ck_assert (!exists ("tpm/new"));
  ck_assert (!exists ("vmspec.0123456789"));
  vmspec_plan_free (plan);
}
END_TEST

/* ---- switches ------------------------------------------------------------ */

static struct vmspec_vlan vlans[50];
static const struct vmspec_vlan *vlan_list[51];

/* The machine is on the networks 1, 2 and so on. */
static void
join (size_t n)
{
  for (size_t i = 0; i < n; i++) {
    vlans[i] = (struct vmspec_vlan) { VMSPEC_INIT (vmspec_vlan),
                                      .number = (uint32_t) i + 1 };
    vlan_list[i] = &vlans[i];
  }
  vlan_list[n] = NULL;
  spec.vlans = vlan_list;
  spec.network = &network;
}

/* A socket of this name, which listens unless @backlog is negative; a switch is one
 * that listens, whoever does it. */
static int
listen_at (const char *path, int backlog)
{
  struct sockaddr_un address = { .sun_family = AF_UNIX };
  int fd = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

  strcpy (address.sun_path, path);
  ck_assert_int_eq (bind (fd, (const void *) &address, sizeof address), 0);
  if (backlog >= 0)
    ck_assert_int_eq (listen (fd, backlog), 0);
  return fd;
}

static void
make_vlans (const char *number)
{
  (void) mkdir ("vlans", 0700);
  ck_assert_int_eq (mkdir (number, 0700), 0);
}

/* Takes what listens there and has its number. */
#define SWITCH \
  "#!/bin/sh\nrm -rf \"$2\"\nmkdir \"$2\"\n" \
  "mv \"$2/../../listening${2##*/}\" \"$2/ctl\"\n"

START_TEST (a_switch_that_listens_is_used_and_stays)
{
  struct sockaddr_un address = { AF_UNIX, "vlans/1/ctl" };
  int fd, others[3];

  make_vlans ("vlans/1");
  join (1);
  fd = listen_at ("vlans/1/ctl", 9);
  vmspec_vm_free (started ());
  ck_assert (exists ("vlans/1/ctl"));
  close (fd);
  fails (-ENOENT, "vlan.switch-failed", "network.vlan_switch",
         "cannot be started");
  /* One that is busy listens, too. */
  (void) unlink ("vlans/1/ctl");
  make_vlans ("vlans/1");
  fd = listen_at ("vlans/1/ctl", 0);
  for (int i = 0; i < 3; i++) {
    others[i] = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    (void) connect (others[i], (const void *) &address, sizeof address);
  }
  vmspec_vm_free (started ());
  for (int i = 0; i < 3; i++)
    close (others[i]);
  close (fd);
}
END_TEST

START_TEST (a_switch_of_its_own_goes_with_the_machine)
{
  char words[PATH_MAX + 100];
  int fd, old;

  /* One that was killed has left its socket. */
  make_vlans ("vlans/1");
  old = listen_at ("vlans/1/ctl", 9);
  close (old);
  fd = listen_at ("listening1", 9);
  join (1);
  tell ();
  programs[0].path = script ("switch", TELL
    "test /proc/$$/fd/0 -ef /proc/$$/fd/3 && test -p /proc/$$/fd/3 && "
    "echo pipe >> \"$TOLD\"\npwd >> \"$TOLD\"\n" SWITCH "exec sleep 100\n");
  vmspec_vm_free (started ());
  snprintf (words, sizeof words, "switch -s %s/vlans/1\npipe\n/\n", scratch);
  ck_assert_str_eq (read_file ("told"), words);
  ck_assert_str_eq (read_file ("told.switch.fds"), "0\n1\n2\n3\n");
  ck_assert (!exists ("vlans/1"));
  ck_assert (exists ("vlans/.lock"));
  close (fd);
}
END_TEST

/* Each in a place of its own. */
START_TEST (several_switches_are_told_from_each_other)
{
  vmspec_plan *plan;
  vmspec_vm *vm = NULL;
  int fds[3] = { listen_at ("listening1", 9), listen_at ("listening2", 9),
                 listen_at ("listening3", 9) };
  char words[PATH_MAX + 100];

  join (3);
  programs[0].path = script ("switch", SWITCH
    "case $2 in */2) " WHEN_QEMU_RUNS "exit 8 ;; esac\nexec sleep 100\n");
  plan = unit_plan (&spec, &host);
  ck_assert_int_eq (vmspec_vm_start (plan, &start, diag, &vm), 0);
  ck_assert_int_eq (vmspec_vm_wait (vm, -1, NULL), 0);
  ck_assert_int_eq (vmspec_vm_explain (vm, diag), -EIO);
  ck_assert_uint_eq (vmspec_diag_count (diag), 1);
  snprintf (words, sizeof words, "the vde_switch in %s/vlans/2 ended with status 8 "
            "before", scratch);
  ck_assert_int_eq (strncmp (vmspec_diag_get (diag, 0)->text, words,
                             strlen (words)), 0);
  vmspec_vm_free (vm);
  vmspec_plan_free (plan);
  for (int i = 0; i < 3; i++)
    close (fds[i]);
}
END_TEST

/* Whether the lock of a network can be had. */
static int
lock_network (int fd, int number)
{
  struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET,
                        .l_start = number, .l_len = 1 };

  return fcntl (fd, F_OFD_SETLK, &lock) == 0;
}

static int
open_locks (void)
{
  int fd;

  (void) mkdir ("vlans", 0700);
  fd = open ("vlans/.lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  ck_assert_int_ge (fd, 0);
  return fd;
}

START_TEST (each_network_has_a_lock_of_its_own)
{
  int locks = open_locks (), fd = listen_at ("listening2", 9);
  vmspec_vm *vm;

  join (2);
  vlan_list[0] = &vlans[1];
  vlan_list[1] = NULL;
  programs[0].path = script ("switch", SWITCH "exec sleep 100\n");
  ck_assert (lock_network (locks, 1));
  ck_assert (lock_network (locks, 3));
  vm = started ();
  ck_assert (!lock_network (locks, 2));
  vmspec_vm_free (vm);
  ck_assert (lock_network (locks, 2));
  close (locks);
  close (fd);
}
END_TEST

START_TEST (another_machines_turn_is_waited_for)
{
  int fd = listen_at ("listening1", 9);
  pid_t other;

  join (1);
  programs[0].path = script ("switch", SWITCH "exec sleep 100\n");
  close (open_locks ());
  other = fork ();
  if (other == 0) {
    int locks = open_locks ();

    if (!lock_network (locks, 1))
      _exit (1);
    make_file ("locked", 0600, "");
    usleep (200000);
    make_file ("unlocked", 0600, "");
    _exit (0);
  }
  while (!exists ("locked"))
    usleep (1000);
  vmspec_vm_free (started ());
  ck_assert (exists ("unlocked"));
  ck_assert_int_eq (waitpid (other, NULL, 0), other);
  close (fd);
}
END_TEST

START_TEST (another_machines_switch_may_come_meanwhile)
{
  int locks = open_locks (), fd = listen_at ("listening1", 9);
  pid_t other;

  join (1);
  make_vlans ("vlans/1");
  ck_assert (lock_network (locks, 1));
  other = fork ();
  if (other == 0) {
    usleep (200000);
    _exit (rename ("listening1", "vlans/1/ctl") != 0);
  }
  vmspec_vm_free (started ());
  ck_assert (exists ("vlans/1/ctl"));
  ck_assert_int_eq (waitpid (other, NULL, 0), other);
  close (locks);
  close (fd);
}
END_TEST

/* A path that no socket can have is not cut. */
START_TEST (a_socket_of_a_switch_has_a_path_of_107_bytes_at_most)
{
  for (int more = 0; more < 2; more++) {
    char directory[200], path[240];
    int fd;

    memset (directory, 'd', sizeof directory);
    directory[107 - strlen ("/1/ctl") - strlen (scratch) - 1 + (size_t) more]
      = '\0';
    network.vlan_directory = directory;
    join (1);
    ck_assert_int_eq (mkdir (directory, 0700), 0);
    snprintf (path, sizeof path, "%s/1", directory);
    ck_assert_int_eq (mkdir (path, 0700), 0);
    snprintf (path, sizeof path, "%s/1/%s", directory, more ? "ct" : "ctl");
    fd = listen_at (path, 9);
    if (more)
      fails (-ENOENT, "vlan.switch-failed", "network.vlan_switch",
             "cannot be started");
    else
      vmspec_vm_free (started ());
    close (fd);
  }
}
END_TEST

/* QEMU makes them, and those that are the first machine's. */
START_TEST (sockets_between_machines_go_with_them)
{
  static const struct {
    uint32_t backend, number;
    const char *names[2];
    int goes;
  } rows[] = {
    { VMSPEC_VLAN_BACKEND_DGRAM, 1, { "vlans/1.1", "vlans/2.1" }, 1 },
    { VMSPEC_VLAN_BACKEND_DGRAM, 2, { "vlans/1.2", "vlans/2.2" }, 1 },
    { VMSPEC_VLAN_BACKEND_STREAM, 1, { "vlans/1", "vlans/2" }, 1 },
    { VMSPEC_VLAN_BACKEND_STREAM, 2, { "vlans/1", "vlans/2" }, 0 },
    { VMSPEC_VLAN_BACKEND_MULTICAST, 1, { "vlans/1", "vlans/2" }, 0 },
  };

  join (2);
  network.vlan_switch = VMSPEC_OFF;
  for (size_t i = 0; i < COUNT (rows); i++) {
    vmspec_vm *vm;

    network.vlan_backend = rows[i].backend;
    network.machine_number = rows[i].number;
    vm = started ();
    for (int j = 0; j < 2; j++)
      make_file (rows[i].names[j], 0600, "");
    vmspec_vm_free (vm);
    for (int j = 0; j < 2; j++) {
      ck_assert_msg (exists (rows[i].names[j]) != rows[i].goes, "row %zu", i);
      (void) unlink (rows[i].names[j]);
    }
  }
}
END_TEST

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

START_TEST (a_machine_ends_with_its_switch)
{
  int fd = listen_at ("listening", 9);

  spec.network = &network;
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

/* ---- ends ---------------------------------------------------------------- */

static const struct {
  const char *tpm, *qemu, *text; /* NULL: it is not the reason */
  int end;                       /* vmspec_vm_explain's */
} tpm_ends[] = {
  { "exit 0\n", "exec sleep 100\n", "status 0", -EIO },
  { "exit 7\n", "exec sleep 100\n", "status 7", -EIO },
  { "kill -9 $$\n", "exec sleep 100\n", "signal 9", -EIO },
  { "echo bad >&2\n: > ended\nexit 7\n",
    "until test -e \"$TMPDIR/../tpm/ended\"; do sleep 0.02; done\nsleep 0.1\n"
    "exit 0\n", "status 7", -EIO },
  { ": > ended\nexit 0\n",
    "until test -e \"$TMPDIR/../tpm/ended\"; do sleep 0.02; done\n"
    "exit 0\n", NULL, 0 },
  { "exec sleep 100\n", "exit 0\n", NULL, 0 },
  { "trap 'exit 9' TERM\nwhile :; do sleep 0.02; done\n", "exit 0\n", NULL, 0 },
};

START_TEST (a_tpm_is_the_reason_if_it_ended_first)
{
  vmspec_plan *plan;
  vmspec_vm *vm = NULL;
  char text[1000], words[200];

  (void) unlink ("tpm/ended");
  snprintf (text, sizeof text, "#!/bin/sh\n" WHEN_QEMU_RUNS "%s",
            tpm_ends[_i].tpm);
  spec.tpm = &tpm;
  tpm.swtpm = script ("swtpm", text);
  snprintf (text, sizeof text, "#!/bin/sh\n: > started\n%s", tpm_ends[_i].qemu);
  qemu.binary = script ("qemu", text);
  plan = unit_plan (&spec, &host);
  ck_assert_int_eq (vmspec_vm_start (plan, &start, diag, &vm), 0);
  ck_assert_int_eq (vmspec_vm_wait (vm, -1, NULL), 0);
  ck_assert_int_eq (vmspec_vm_explain (vm, diag), tpm_ends[_i].end);
  ck_assert_uint_eq (vmspec_diag_count (diag), tpm_ends[_i].text != NULL);
  if (tpm_ends[_i].text) {
    ck_assert_str_eq (vmspec_diag_get (diag, 0)->id, "tpm.ended");
    ck_assert_str_eq (vmspec_diag_get (diag, 0)->path, "tpm");
    snprintf (words, sizeof words, "swtpm ended with %s before QEMU did, and",
              tpm_ends[_i].text);
    ck_assert_int_eq (strncmp (vmspec_diag_get (diag, 0)->text, words,
                               strlen (words)), 0);
    /* It is told once. */
    ck_assert_int_eq (vmspec_vm_explain (vm, diag), -EIO);
    ck_assert_uint_eq (vmspec_diag_count (diag), 1);
  }
  vmspec_vm_free (vm);
  vmspec_plan_free (plan);
}
END_TEST

/* Then the library does what the keeper would have done, but for what another
 * machine has by now. */
START_TEST (what_a_killed_keeper_leaves_is_removed)
{
  static const char *const files[]
    = { "tpm/socket", "tpm/pid", "tpm/provision", "tpm/provision.ctrl",
        "tpm/TMP2-00.permall", "tpm/new/file" };

  spec.tpm = &tpm;
  for (int taken = 0; taken < 2; taken++) {
    vmspec_vm *vm = started ();
    int fd = open ("tpm", O_RDONLY | O_CLOEXEC);
    int pid = vmspec_vm_pid (vm);

    (void) mkdir ("tpm/new", 0700);
    for (size_t i = 0; i < COUNT (files); i++)
      if (!exists (files[i]))
        make_file (files[i], 0600, "");
    (void) unlink ("tpm/stdout");
    make_file ("tpm/stdout", 0600, "");
    ck_assert_int_eq (kill (parent_of (pid), SIGKILL), 0);
    if (taken)
      while (flock (fd, LOCK_EX | LOCK_NB) < 0)
        usleep (1000);
    ck_assert_int_eq (vmspec_vm_wait (vm, 60000, NULL), -ECHILD);
    ck_assert_int_eq (poll (&(struct pollfd) { .fd = vmspec_vm_pidfd (vm),
                                               .events = POLLIN }, 1, 0), 1);
    ck_assert (!exists ("vmspec.0123456789"));
    ck_assert (exists ("tpm/stdout"));
    for (size_t i = 0; i < COUNT (files); i++)
      ck_assert_msg (exists (files[i]) == taken, "%s", files[i]);
    ck_assert_int_eq (exists ("tpm/new"), taken);
    vmspec_vm_free (vm);
    close (fd);
  }
}
END_TEST

/* ---- descriptors --------------------------------------------------------- */

/* Runs to its end, and cleanly. */
static void
runs (const char *text)
{
  vmspec_plan *plan;
  vmspec_vm *vm = NULL;
  int status = -1, r;

  qemu.binary = script ("qemu", text);
  plan = unit_plan (&spec, &host);
  r = vmspec_vm_start (plan, &start, diag, &vm);
  ck_assert_msg (r == 0, "%s%s", strerror (-r), unit_findings (diag));
  ck_assert_int_eq (vmspec_vm_wait (vm, -1, &status), 0);
  ck_assert_int_eq (status, 0);
  vmspec_vm_free (vm);
  vmspec_plan_free (plan);
}

/* Copies its input, and says a word at each output. */
#define COPY "#!/bin/sh\ncat > \"$TMPDIR/../copy\"\necho out\necho error >&2\n"

START_TEST (standard_descriptors_are_those_that_are_said)
{
  int in, out, error;

  if (getenv ("CK_FORK"))
    return; /* they may be Check's */
  make_file ("in", 0600, "in\n");
  make_file ("other", 0600, "other\n");
  for (int row = 0; row < 8; row++) {
    in = open ("in", O_RDONLY | O_CLOEXEC);
    out = open ("out", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    error = open ("error", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    start.input = row & 1 ? VMSPEC_STDIO_DESCRIPTOR : VMSPEC_STDIO_NULL;
    start.output = row & 2 ? VMSPEC_STDIO_DESCRIPTOR : VMSPEC_STDIO_NULL;
    start.error = row & 4 ? VMSPEC_STDIO_DESCRIPTOR : VMSPEC_STDIO_NULL;
    start.input_fd = (uint32_t) in;
    start.output_fd = (uint32_t) out;
    start.error_fd = (uint32_t) error;
    runs (COPY);
    ck_assert_str_eq (read_file ("copy"), row & 1 ? "in\n" : "");
    ck_assert_str_eq (read_file ("out"), row & 2 ? "out\n" : "");
    ck_assert_str_eq (read_file ("error"), row & 4 ? "error\n" : "");
    close (in);
    close (out);
    close (error);
  }
}
END_TEST

/* With or without descriptors of the caller's, which are said by the row. */
static void
inherits (int row)
{
  int fds[3] = { open ("in", O_RDONLY),
                 open ("out", O_WRONLY | O_CREAT | O_TRUNC, 0600),
                 open ("error", O_WRONLY | O_CREAT | O_TRUNC, 0600) };

  for (int i = 0; i < 3; i++)
    fds[i] = fcntl (fds[i], F_DUPFD, 20);
  for (int i = 0; i < 3; i++)
    if (row & 1 << i)
      dup2 (fds[i], i);
    else
      close (i);
  start.input = start.output = start.error = row & 1 ? VMSPEC_STDIO_INHERIT : 0;
  runs (COPY);
  _exit (0);
}

START_TEST (one_that_the_caller_has_not_is_none)
{
  make_file ("in", 0600, "in\n");
  for (int row = 0; row < 8; row++) {
    pid_t child = fork ();
    int status = -1;

    if (child == 0)
      inherits (row);
    ck_assert_int_eq (waitpid (child, &status, 0), child);
    ck_assert_int_eq (status, 0);
    ck_assert_str_eq (read_file ("copy"), row & 1 ? "in\n" : "");
    ck_assert_str_eq (read_file ("out"), row & 2 ? "out\n" : "");
    ck_assert_str_eq (read_file ("error"), row & 4 ? "error\n" : "");
  }
}
END_TEST

START_TEST (each_descriptor_that_is_closed_is_named)
{
  static const char *const members[]
    = { "start.input_fd", "start.output_fd", "start.error_fd",
        "start.descriptors" };
  struct vmspec_descriptor one
    = { VMSPEC_INIT (vmspec_descriptor), .number = 5 };

  for (int i = 0; i < 4; i++) {
    int null = open ("/dev/null", O_RDWR | O_CLOEXEC);

    start.input = start.output = start.error = VMSPEC_STDIO_DESCRIPTOR;
    start.descriptors = LIST (vmspec_descriptor, &one);
    start.input_fd = start.output_fd = start.error_fd = (uint32_t) null;
    one.fd = (uint32_t) null;
    *(i == 0 ? &start.input_fd : i == 1 ? &start.output_fd
      : i == 2 ? &start.error_fd : &one.fd) = 987;
    fails (-EBADF, "start.descriptor", members[i],
           "987 is no open descriptor of this process");
    close (null);
  }
}
END_TEST

/* What it was told, and what it has. */
#define SHOW                                                                   \
  "#!/bin/sh\nfor last; do :; done\ncd \"$TMPDIR/..\"\n"                       \
  "exec > fds\nfor i in 0 1 2 3 4 5 6 7 8 9; do test -L /proc/$$/fd/$i && "  \
  "echo $i; done\necho $last > last\ncat $last > config\n"

#define QMP(fd)                                                                \
  "[chardev \"vmspec-qmp\"]\n  backend = \"socket\"\n  fd = \"" fd "\"\n"       \
  "[mon \"vmspec-qmp\"]\n  mode = \"control\"\n  chardev = \"vmspec-qmp\"\n"
#define AGENT(fd)                                                              \
  "[chardev \"vmspec-agent\"]\n  backend = \"socket\"\n  fd = \"" fd "\"\n"     \
  "[device \"vmspec-serial\"]\n  driver = \"virtio-serial\"\n"                 \
  "[device \"vmspec-agent\"]\n  driver = \"virtserialport\"\n"                 \
  "  bus = \"vmspec-serial.0\"\n  chardev = \"vmspec-agent\"\n"                \
  "  name = \"org.qemu.guest_agent.0\"\n"

/* The library's own come behind those of the caller. */
START_TEST (control_has_the_first_numbers_that_are_free)
{
  static const struct {
    uint32_t qmp, agent, numbers[2];
    const char *fds, *last, *config;
  } rows[] = {
    { 0, 0, { 0 }, "0\n1\n2\n3\n4\n", "/proc/self/fd/4", QMP ("3") },
    { VMSPEC_ON, VMSPEC_OFF, { 3 }, "0\n1\n2\n3\n4\n5\n", "/proc/self/fd/5",
      QMP ("4") },
    { VMSPEC_ON, VMSPEC_ON, { 6, 4 }, "0\n1\n2\n4\n6\n7\n8\n9\n",
      "/proc/self/fd/9", QMP ("7") AGENT ("8") },
    { VMSPEC_OFF, VMSPEC_ON, { 4, 7 }, "0\n1\n2\n4\n7\n8\n9\n",
      "/proc/self/fd/9", AGENT ("8") },
  };
  struct vmspec_descriptor two[2];
  const struct vmspec_descriptor *list[3];
  int null = open ("/dev/null", O_RDWR | O_CLOEXEC);

  start.ready_timeout = 100;
  start.input = start.output = start.error = VMSPEC_STDIO_NULL;
  start.descriptors = list;
  for (size_t i = 0; i < COUNT (rows); i++) {
    size_t n = 0;

    for (; n < 2 && rows[i].numbers[n]; n++) {
      two[n] = (struct vmspec_descriptor) { VMSPEC_INIT (vmspec_descriptor),
                                            .number = rows[i].numbers[n],
                                            .fd = (uint32_t) null };
      list[n] = &two[n];
    }
    list[n] = NULL;
    start.qmp = rows[i].qmp;
    start.guest_agent = rows[i].agent;
    runs (SHOW);
    ck_assert_str_eq (read_file ("fds"), rows[i].fds);
    ck_assert_int_eq (strncmp (read_file ("last"), rows[i].last,
                               strlen (rows[i].last)), 0);
    ck_assert_str_eq (read_file ("config"), rows[i].config);
  }
  close (null);
}
END_TEST

/* ---- what is told of a start --------------------------------------------- */

START_TEST (of_a_plans_findings_blockers_are_told)
{
  struct vmspec_disk disk = { VMSPEC_INIT (vmspec_disk), .size = VMSPEC_NONE };
  struct vmspec_boot boot
    = { VMSPEC_INIT (vmspec_boot), .direct = VMSPEC_ON, .loader = VMSPEC_ON };
  static const char warning[] = "boot.direct-and-loader";
  vmspec_diag *of_plan = NULL;
  vmspec_plan *plan = NULL;
  vmspec_vm *vm = NULL;

  spec.builtin_drives = 0;
  spec.disk = &disk;
  spec.boot = &boot;
  start.force = VMSPEC_OFF;
  ck_assert_int_eq (vmspec_diag_new (&of_plan), 0);
  ck_assert_int_eq (vmspec_plan_new (&spec, &host, of_plan, &plan), 0);
  ck_assert_int_eq (vmspec_vm_start (plan, &start, diag, &vm), -ENOEXEC);
  for (size_t i = 0; i < vmspec_diag_count (diag); i++)
    if (vmspec_diag_get (diag, i)->severity != VMSPEC_SEVERITY_BLOCKER)
      ck_assert_str_eq (vmspec_diag_get (diag, i)->id, "file.missing");
  ck_assert_ptr_nonnull (unit_finding (of_plan, warning));
  ck_assert_ptr_null (unit_finding (diag, warning));
  ck_assert_ptr_nonnull (unit_finding (diag, "boot.no-kernel"));
  vmspec_plan_free (plan);
  vmspec_diag_free (of_plan);
}
END_TEST

/* Whatever was said before. */
START_TEST (each_start_that_fails_is_told)
{
  vmspec_plan *plan = unit_plan (&spec, &host);
  vmspec_vm *vm = NULL;

  start.keeper = script ("keeper", "#!/bin/sh\nexit 0\n");
  for (size_t i = 1; i <= 2; i++) {
    ck_assert_int_eq (vmspec_vm_start (plan, &start, diag, &vm), -EPIPE);
    ck_assert_uint_eq (vmspec_diag_count (diag), i);
    ck_assert_str_eq (vmspec_diag_get (diag, i - 1)->id, "keeper.ended");
  }
  vmspec_plan_free (plan);
}
END_TEST

START_TEST (why_qemu_cannot_be_started_is_told_to_the_word)
{
  static const struct {
    const char *content;
    int mode, error;
    const char *id, *text;
  } rows[] = {
    { NULL, 0, -ENOENT, "qemu.missing",
      "No such file or directory; install QEMU or set qemu.binary" },
    { "#!/nowhere/interpreter\n", 0755, -ENOENT, "qemu.failed",
      "No such file or directory; it needs an interpreter or a loader that is not "
      "there" },
    { "no program", 0644, -EACCES, "qemu.failed",
      "Permission denied; set qemu.binary to a program that runs here" },
    { "no program", 0755, -EIO, "qemu.failed",
      "Exec format error; set qemu.binary to a program that runs here" },
  };

  qemu.binary = below ("program");
  for (size_t i = 0; i < COUNT (rows); i++) {
    char text[PATH_MAX + 200];

    (void) unlink ("program");
    if (rows[i].content)
      make_file ("program", (mode_t) rows[i].mode, rows[i].content);
    snprintf (text, sizeof text, "%s/program cannot be started: %s", scratch,
              rows[i].text);
    fails (rows[i].error, rows[i].id, "qemu.binary", text);
  }
}
END_TEST

/* As soon as there is a machine, but not in a directory of the user's own. */
START_TEST (what_earlier_machines_have_left_goes_with_a_start)
{
  static const char leftover[] = "vmspec.9876543210";
  char own[PATH_MAX + 20];

  for (int fresh = 0; fresh < 2; fresh++) {
    vmspec_vm *vm;

    if (!fresh) {
      snprintf (own, sizeof own, "TMPDIR=%s/own", scratch);
      host.environment = STRINGS (own, "USE_TMPDIR=1", environment[1]);
      ck_assert_int_eq (mkdir (leftover, 0700), 0);
      ck_assert_int_eq (chmod (leftover, 01700), 0);
      ck_assert_int_eq (mkdir ("own", 0700), 0);
      ck_assert_int_eq (rename (leftover, "own/vmspec.9876543210"), 0);
      vm = started ();
      usleep (200000);
      ck_assert (exists ("own/vmspec.9876543210"));
    } else {
      host.environment = environment;
      ck_assert_int_eq (rename ("own/vmspec.9876543210", leftover), 0);
      vm = started ();
      for (int i = 0; i < 1000 && exists (leftover); i++)
        usleep (10000);
      ck_assert (!exists (leftover));
      ck_assert (exists ("vmspec.0123456789"));
    }
    vmspec_vm_free (vm);
  }
}
END_TEST

START_TEST (a_qemu_that_ends_at_once_has_said_why)
{
  vmspec_plan *plan;
  vmspec_vm *vm = NULL;
  int status = 0;

  start.qmp = VMSPEC_ON;
  start.error = VMSPEC_STDIO_NULL;
  qemu.binary = script ("qemu", "#!/bin/sh\necho qemu: no monday >&2\nexit 1\n");
  plan = unit_plan (&spec, &host);
  ck_assert_int_eq (vmspec_vm_start (plan, &start, diag, &vm), 0);
  ck_assert_uint_eq (vmspec_diag_count (diag), 1);
  ck_assert_str_eq (vmspec_diag_get (diag, 0)->id, "qemu.ended");
  ck_assert_int_eq (strncmp (vmspec_diag_get (diag, 0)->text,
                             "QEMU ended: no monday; ", 23), 0);
  ck_assert_int_eq (vmspec_vm_wait (vm, 0, &status), 0);
  ck_assert_int_eq (WEXITSTATUS (status), 1);
  vmspec_vm_free (vm);
  vmspec_plan_free (plan);
}
END_TEST

START_TEST (how_it_was_killed_is_told_to_the_word)
{
  static const struct {
    const char *kill, *id, *text;
  } rows[] = {
    { "#!/bin/sh\nkill -9 $$\n", "qemu.killed",
      "QEMU was killed by signal 9 (Killed); if nobody did that, the kernel may "
      "have run out of memory: its log tells" },
    { "#!/bin/sh\nkill -15 $$\n", "qemu.killed",
      "QEMU was killed by signal 15 (Terminated)" },
    { "#!/bin/sh\necho qemu: broken >&2\nulimit -c 0; kill -6 $$\n",
      "qemu.ended",
      "QEMU ended: broken; what it said before that is among its last words, and "
      "the plan's command (vmspec-run --print-command) can be tried by hand" },
  };

  start.error = VMSPEC_STDIO_NULL;
  for (size_t i = 0; i < COUNT (rows); i++) {
    vmspec_plan *plan;
    vmspec_vm *vm = NULL;

    qemu.binary = script ("qemu", rows[i].kill);
    plan = unit_plan (&spec, &host);
    ck_assert_int_eq (vmspec_vm_start (plan, &start, diag, &vm), 0);
    ck_assert_int_eq (vmspec_vm_wait (vm, -1, NULL), 0);
    ck_assert_int_eq (vmspec_vm_explain (vm, diag), -EIO);
    ck_assert_uint_eq (vmspec_diag_count (diag), 1);
    ck_assert_str_eq (vmspec_diag_get (diag, 0)->id, rows[i].id);
    ck_assert_str_eq (vmspec_diag_get (diag, 0)->text, rows[i].text);
    vmspec_diag_clear (diag);
    vmspec_vm_free (vm);
    vmspec_plan_free (plan);
  }
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
  tcase_add_test (t, a_new_tpm_is_made_once);
  tcase_add_test (t, a_new_tpm_that_cannot_be_kept_is_said);
  tcase_add_test (t, swtpm_gets_its_socket_and_leaves_nothing);
  tcase_add_test (t, a_program_finds_the_tpm_by_two_sockets);
  tcase_add_test (t, a_tpm_that_ends_early_is_said_beside_what_it_is_for);
  tcase_add_test (t, a_swtpm_that_may_not_be_run_is_said);
  tcase_add_test (t, what_a_tpm_is_made_with_can_be_cancelled);
  tcase_add_test (t, a_switch_that_listens_is_used_and_stays);
  tcase_add_test (t, a_switch_of_its_own_goes_with_the_machine);
  tcase_add_test (t, several_switches_are_told_from_each_other);
  tcase_add_test (t, each_network_has_a_lock_of_its_own);
  tcase_add_test (t, another_machines_turn_is_waited_for);
  tcase_add_test (t, another_machines_switch_may_come_meanwhile);
  tcase_add_test (t, a_socket_of_a_switch_has_a_path_of_107_bytes_at_most);
  tcase_add_test (t, sockets_between_machines_go_with_them);
  tcase_add_test (t, standard_descriptors_are_those_that_are_said);
  tcase_add_test (t, one_that_the_caller_has_not_is_none);
  tcase_add_test (t, each_descriptor_that_is_closed_is_named);
  tcase_add_test (t, control_has_the_first_numbers_that_are_free);
  tcase_add_test (t, of_a_plans_findings_blockers_are_told);
  tcase_add_test (t, each_start_that_fails_is_told);
  tcase_add_test (t, a_qemu_that_ends_at_once_has_said_why);
  tcase_add_test (t, how_it_was_killed_is_told_to_the_word);
  tcase_add_loop_test (t, a_tpm_is_the_reason_if_it_ended_first, 0,
                       (int) COUNT (tpm_ends));
  tcase_add_test (t, what_a_killed_keeper_leaves_is_removed);
  tcase_add_test (t, why_qemu_cannot_be_started_is_told_to_the_word);
  tcase_add_test (t, what_earlier_machines_have_left_goes_with_a_start);
  return unit_run ("machine", t);
}
