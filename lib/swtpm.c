/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * swtpm runs as a child of the keeper, on a socket that was bound and listens
 * before either it or QEMU starts: so it can be as slow as it likes, nobody polls
 * for it, and every generation of swtpm will do, as it need not end by itself.
 * It runs in the directory of its state, since its options cannot hold a comma.
 */
#include "swtpm.h"
#include "descriptor.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "remove.h"
#include "words.h"

#define STATE_FILE "tpm2-00.permall"
#define NEW_STATE SWTPM_NEW
#define PROVISION_SOCKET "provision"
#define TICK_MS 100

const char *const vms_swtpm_files[]
  = { "socket", "pid", PROVISION_SOCKET, PROVISION_SOCKET ".ctrl",
      "TMP2-00.permall", NULL };

struct tpm {
  struct keeper *keeper;
  const vmspec_plan *plan;
  struct work *work;
  const char *directory;
  int lock, null;
};

static const char *
below (const struct tpm *t, const char *name)
{
  return vms_arena_concat (t->work->arena, t->directory, "/", name,
                           (char *) NULL);
}

static int
fail (const struct tpm *t, int error, const char *id, const char *member,
      const char *problem)
{
  const struct path tpm = { .name = "tpm" };
  const struct path path = { .parent = &tpm, .name = member };

  vms_diag_add (t->work->diag, VMSPEC_SEVERITY_ERROR, id, &path, NULL, "%s: %s",
                problem, strerrordesc_np (-error));
  return error;
}

/* ---- the state ---------------------------------------------------------- */

static int
hold_state (struct tpm *t)
{
  struct keeper_request requests[16]
    = { { .kind = KEEPER_HOLD, .fd = t->lock },
        { .kind = KEEPER_HOLD_TREE, .fd = NO_DESCRIPTOR,
          .path = below (t, NEW_STATE) } };
  size_t n = 2;
  int r;

  for (const char *const *name = vms_swtpm_files; *name; name++)
    requests[n++] = (struct keeper_request) {
      .kind = KEEPER_HOLD_FILE, .fd = NO_DESCRIPTOR,
      .path = below (t, *name) };
  r = vms_keeper_ask_all (t->keeper, requests, n);
  return r < 0 ? r : vms_arena_error (t->work->arena);
}

/* swtpm itself would take the socket away from another that has the same state.
 * What goes with the run is told to the keeper before it is made. */
static int
take_state (struct tpm *t)
{
  t->lock = open (t->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (t->lock < 0)
    return fail (t, -errno, "tpm.state", "state_dir",
                 "the directory of the TPM's state cannot be opened; let this "
                 "user read and write it, or set another");
  if (flock (t->lock, LOCK_EX | LOCK_NB) < 0) {
    if (errno != EWOULDBLOCK)
      return fail (t, -errno, "tpm.state", "state_dir",
                   "the TPM's state cannot be locked, so put it on a local "
                   "file system");
    return fail (t, -EBUSY, "tpm.in-use", "state_dir",
                 "another machine runs with this TPM; stop it, or set another "
                 "directory");
  }
  return hold_state (t);
}

/* A killed swtpm leaves its socket; the lock says that it is nobody's. */
static int
listen_at (const struct tpm *t, const char *name, int *ret_fd)
{
  const char *path = below (t, name);
  struct sockaddr_un address = { .sun_family = AF_UNIX };
  int fd, r = 0;

  if (!path)
    return -ENOMEM;
  if (strlen (path) >= sizeof address.sun_path)
    return fail (t, -ENAMETOOLONG, "tpm.path-too-long", "state_dir",
                 "sockets have paths of at most 107 bytes; set a shorter "
                 "directory");
  strcpy (address.sun_path, path);
  fd = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0)
    return -errno;
  (void) unlink (path);
  if (bind (fd, (const void *) &address, sizeof address) < 0
      || listen (fd, 1) < 0)
    r = fail (t, -errno, "tpm.state", "state_dir",
              "the TPM's socket cannot be made; set a directory that can be "
              "written to");
  if (r < 0)
    close (fd);
  else
    *ret_fd = fd;
  return r;
}

/* ---- programs ----------------------------------------------------------- */

/* One that is run, and the option in whose name. */
struct program {
  const char *path;
  const char *member, *remedy;
  const char *const *environment;
};

static struct program
find_program (const struct tpm *t, const char *said, const char *name)
{
  const struct vmspec_host *host = t->plan->resolution.host;
  const char *found = vms_host_program (host, said ? said : name);

  return (struct program) {
    .path = found ? vms_host_absolute (t->work->arena, host, found)
                  : said ? said : name,
    .environment = t->plan->decided.qemu_environment };
}

static struct program
find_swtpm (const struct tpm *t)
{
  struct program p = find_program (t, t->plan->resolution.tpm.swtpm, "swtpm");

  p.member = "swtpm";
  p.remedy = "install swtpm or set tpm.swtpm";
  return p;
}

static int
fail_program (const struct tpm *t, const struct program *p, int error,
              const char *id, const char *how, const char *why)
{
  const struct path tpm = { .name = "tpm" };
  const struct path path = { .parent = &tpm, .name = p->member };

  vms_diag_add (t->work->diag, VMSPEC_SEVERITY_ERROR, id, &path, NULL,
                "%s %s: %s; %s", p->path, how, why, p->remedy);
  return error;
}

static int
fail_spawn (const struct tpm *t, const struct program *p, int error)
{
  /* A script is there, and what it names is not. */
  int there = strchr (p->path, '/') && access (p->path, F_OK) == 0;

  if (error != -ENOENT)
    return fail_program (t, p, error, "helper.failed", "cannot be started",
                         strerrordesc_np (-error));
  return fail_program (t, p, error, there ? "helper.failed" : "helper.missing",
                       "cannot be started",
                       there ? "it needs an interpreter or a loader that is "
                               "not there" : strerrordesc_np (-error));
}

/* Its words are kept by the keeper, and nobody reads what else it says. */
static int
spawn (struct tpm *t, enum kept child, enum keeper_role role,
       const struct program *p, const char *const *argv,
       const struct keeper_descriptor *more, size_t n_more)
{
  struct keeper_descriptor descriptors[4] = { { 0, t->null }, { 1, t->null } };
  struct child spawned;
  int r;

  /* One that was not found in PATH is no file of the directory either. */
  if (!p->path)
    return -ENOMEM;
  if (!strchr (p->path, '/'))
    return fail_spawn (t, p, -ENOENT);
  for (size_t i = 0; i < n_more; i++)
    descriptors[2 + i] = more[i];
  r = vms_keeper_spawn (t->keeper,
                        &(struct keeper_setup) {
                      .child = child, .role = role, .argv = argv,
                      .environment = p->environment,
                      .directory = t->directory, .descriptors = descriptors,
                      .n_descriptors = 2 + n_more, .error = NO_DESCRIPTOR },
                        &spawned);
  if (r == 0)
    vms_descriptor_close (spawned.pidfd);
  /* Without a keeper it is not this program that failed. */
  return r < 0 && r != -EPIPE ? fail_spawn (t, p, r) : r;
}

/* Until the child has ended, or the work is cancelled. */
static int
await (struct tpm *t, enum kept child)
{
  int r = 0;

  while (r == 0 && !t->keeper->children[child].ended) {
    r = vms_keeper_listen (t->keeper, TICK_MS);
    if (r == -EAGAIN)
      r = vms_work_poll (t->work);
  }
  return r;
}

/* ---- how a program ended ------------------------------------------------ */

static int
say_status (struct tpm *t, enum kept child, const struct program *p)
{
  int status = t->keeper->children[child].status;
  struct arena *arena = t->work->arena;
  const char *words, *how;
  size_t size;

  if (status == 0)
    return 0;
  words = vms_keeper_words (t->keeper, child, arena, &size);
  how = vms_arena_printf (arena, WIFSIGNALED (status) ? "was killed by signal %d"
                                                      : "failed with status %d",
                          WIFSIGNALED (status) ? WTERMSIG (status)
                                               : WEXITSTATUS (status));
  words = words ? vms_words_in_one_line (arena, words) : NULL;
  return !how || !words ? -ENOMEM
                        : fail_program (t, p, -EIO, "helper.failed", how,
                                        words);
}

/* Runs it to its end. */
static int
run_program (struct tpm *t, const struct program *p, const char *const *argv)
{
  int r = spawn (t, KEPT_HELPER, KEEPER_TRANSIENT, p, argv, NULL, 0);

  if (r == 0)
    r = await (t, KEPT_HELPER);
  return r < 0 ? r : say_status (t, KEPT_HELPER, p);
}

/* ---- the environment ---------------------------------------------------- */

static int
has_name_of (const char *variable, const char *other)
{
  size_t size = strcspn (variable, "=") + 1;

  return !strncmp (variable, other, size);
}

static int
is_replaced (const char *variable, const char *const *news, size_t n)
{
  for (size_t i = 0; i < n; i++)
    if (has_name_of (news[i], variable))
      return 1;
  return 0;
}

/* QEMU's, with some variables in the place of those of the same name. */
static const char *const *
environment_with (const struct tpm *t, const char *const *news, size_t n)
{
  const char *const *old = t->plan->decided.qemu_environment;
  struct vector environment = { .arena = t->work->arena };

  if (vms_arena_error (t->work->arena))
    return NULL;
  for (size_t i = 0; i < n; i++)
    vms_vector_add (&environment, news[i]);
  for (; *old; old++)
    if (!is_replaced (*old, news, n))
      vms_vector_add (&environment, *old);
  return (const void *) vms_vector_end (&environment);
}

/* ---- a new TPM ---------------------------------------------------------- */

/* What a killed swtpm_setup leaves is in its directory for temporary files. */
static int
run_setup (struct tpm *t)
{
  struct program p = find_program (t, NULL, "swtpm_setup");
  const char *const argv[]
    = { p.path, "--tpm2", "--tpmstate", NEW_STATE, "--create-ek-cert",
        "--create-platform-cert", "--lock-nvram", NULL };
  const char *temporary
    = vms_arena_concat (t->work->arena, "TMPDIR=", below (t, NEW_STATE),
                        (char *) NULL);

  p.member = "setup";
  p.remedy = "install swtpm-tools, see that swtpm_setup can make certificates "
             "(as another user than root or tss by what 'swtpm_setup "
             "--create-config-files' makes), or turn tpm.setup off";
  p.environment = environment_with (t, &temporary, 1);
  return p.environment ? run_program (t, &p, argv) : -ENOMEM;
}

/* Written for good before it has its name. */
static int
keep_state (const struct tpm *t, const char *made, const char *state)
{
  int fd = open (made, O_RDONLY | O_CLOEXEC | O_NOFOLLOW), r = 0;

  if (fd < 0 || (t->work->sync && fsync (fd) < 0) || rename (made, state) < 0
      || (t->work->sync && fsync (t->lock) < 0))
    r = fail (t, -errno, "tpm.state", "setup",
              "swtpm_setup has made no TPM; turn tpm.setup off, and swtpm makes "
              "one without certificates");
  vms_descriptor_close (fd);
  return r;
}

/* In a directory of its own until it is complete. */
static int
set_up (struct tpm *t)
{
  const char *made = below (t, NEW_STATE "/" STATE_FILE);
  const char *state = below (t, STATE_FILE), *directory = below (t, NEW_STATE);
  int r;

  if (!made || !state || !directory)
    return -ENOMEM;
  if (!is_on (t->plan->resolution.tpm.setup) || access (state, F_OK) == 0)
    return 0;
  vms_remove_tree (directory);
  if (mkdir (directory, 0700) < 0)
    return fail (t, -errno, "tpm.state", "state_dir",
                 "the TPM's state cannot be made; set a directory that can be "
                 "written to");
  r = run_setup (t);
  if (r == 0)
    r = keep_state (t, made, state);
  vms_remove_tree (directory);
  return r;
}

/* ---- provisioning ------------------------------------------------------- */

/* For tpm2-tss, where a comma ends a value and cannot be escaped: the program
 * runs in the directory. */
static const char *
tcti (const struct tpm *t, const char *name)
{
  const char *path = strchr (t->directory, ',') ? PROVISION_SOCKET
                                               : below (t, PROVISION_SOCKET);

  return vms_arena_concat (t->work->arena, name, "=swtpm:path=", path,
                           (char *) NULL);
}

static int
run_provisioning (struct tpm *t, const char *said)
{
  struct program p = find_program (t, said, said);
  const char *const argv[] = { p.path, NULL };
  const char *const sockets[]
    = { tcti (t, "TPM2TOOLS_TCTI"), tcti (t, "TCTI") };

  p.member = "provision";
  p.remedy = "mend that program, or leave tpm.provision out";
  p.environment = environment_with (t, sockets, 2);
  return p.environment ? run_program (t, &p, argv) : -ENOMEM;
}

static int
end_swtpm (struct tpm *t)
{
  int r = vms_keeper_signal (t->keeper, KEPT_SWTPM, SIGTERM);

  return r == 0 || r == -ESRCH ? await (t, KEPT_SWTPM) : r;
}

/* A TPM that ended too early may be why the program failed. */
static int
use_tpm (struct tpm *t, const struct program *swtpm, const char *said)
{
  int failed = run_provisioning (t, said), r;

  if (failed == -EIO && t->keeper->children[KEPT_SWTPM].ended)
    (void) say_status (t, KEPT_SWTPM, swtpm);
  r = end_swtpm (t);
  return failed < 0 ? failed : r;
}

/* A TPM at two sockets, as programs that use tpm2-tss expect it. */
static int
provision (struct tpm *t)
{
  const char *said = t->plan->resolution.tpm.provision;
  const struct program p = find_swtpm (t);
  const char *const argv[]
    = { p.path, "socket", "--tpm2", "--tpmstate", "dir=.", "--server",
        "type=unixio,fd=3", "--ctrl", "type=unixio,fd=4", "--flags",
        "not-need-init,startup-clear", NULL };
  struct keeper_descriptor sockets[]
    = { { 3, NO_DESCRIPTOR }, { 4, NO_DESCRIPTOR } };
  int r;

  if (!said)
    return 0;
  r = listen_at (t, PROVISION_SOCKET, &sockets[0].fd);
  if (r == 0)
    r = listen_at (t, PROVISION_SOCKET ".ctrl", &sockets[1].fd);
  if (r == 0)
    r = spawn (t, KEPT_SWTPM, KEEPER_TRANSIENT, &p, argv, sockets, 2);
  for (size_t i = 0; i < sizeof sockets / sizeof *sockets; i++)
    vms_descriptor_close (sockets[i].fd);
  if (r == 0)
    r = use_tpm (t, &p, said);
  (void) unlink (below (t, PROVISION_SOCKET));
  (void) unlink (below (t, PROVISION_SOCKET ".ctrl"));
  return r;
}

/* ------------------------------------------------------------------------- */

static int
run (struct tpm *t)
{
  const struct program p = find_swtpm (t);
  const char *const argv[]
    = { p.path, "socket", "--tpmstate", "dir=.", "--ctrl", "type=unixio,fd=3",
        "--pid", "file=pid", "--tpm2", "--log", "file=stdout,level=6", NULL };
  struct keeper_descriptor socket = { 3, NO_DESCRIPTOR };
  int r = listen_at (t, "socket", &socket.fd);

  if (r < 0)
    return r;
  r = spawn (t, KEPT_SWTPM, KEEPER_BOUND, &p, argv, &socket, 1);
  close (socket.fd);
  return r;
}

int
vms_swtpm_start (struct keeper *keeper, const vmspec_plan *plan,
                 struct work *work)
{
  struct tpm t = { .keeper = keeper, .plan = plan, .work = work,
                   .directory = plan->decided.tpm_state,
                   .lock = NO_DESCRIPTOR };
  int r;

  if (!t.directory)
    return 0;
  work->step = "tpm";
  work->option = "tpm";
  t.null = open ("/dev/null", O_RDWR | O_CLOEXEC);
  r = t.null < 0 ? -errno : take_state (&t);
  if (r == 0)
    r = set_up (&t);
  if (r == 0)
    r = provision (&t);
  if (r == 0)
    r = run (&t);
  vms_descriptor_close (t.null);
  vms_descriptor_close (t.lock);
  return r;
}
