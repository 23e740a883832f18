/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * swtpm runs as a child of the keeper, on a socket that was bound and listens
 * before either it or QEMU starts: so it can be as slow as it likes, nobody polls
 * for it, and every generation of swtpm will do, as it need not end by itself.
 * It runs in the directory of its state, since its options cannot hold a comma.
 */
#include "swtpm.h"

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

#define STATE_FILE "tpm2-00.permall"
#define NEW_STATE "new"
#define PROVISION_SOCKET "provision"
#define TICK_MS 100

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
  return arena_concat (t->work->arena, t->directory, "/", name,
                       (char *) NULL);
}

static int
fail (const struct tpm *t, int error, const char *id, const char *member,
      const char *problem)
{
  const struct path tpm = { .name = "tpm" };
  const struct path path = { .parent = &tpm, .name = member };

  diag_add (t->work->diag, VMSPEC_SEVERITY_ERROR, id, &path, NULL, "%s: %s",
            problem, strerrordesc_np (-error));
  return error;
}

/* ---- the state ---------------------------------------------------------- */

/* swtpm itself would take the socket away from another that has the same state.
 * What goes with the run is told to the keeper before it is made. */
static int
take_state (struct tpm *t)
{
  int r;

  t->lock = open (t->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (t->lock < 0)
    return fail (t, -errno, "tpm.state", "state_dir",
                 "the directory of the TPM's state cannot be opened");
  if (flock (t->lock, LOCK_EX | LOCK_NB) < 0) {
    if (errno != EWOULDBLOCK)
      return fail (t, -errno, "tpm.state", "state_dir",
                   "the TPM's state cannot be locked, so put it on a local "
                   "file system");
    return fail (t, -EBUSY, "tpm.in-use", "state_dir",
                 "another machine runs with this TPM; stop it, or set another "
                 "directory");
  }
  r = keeper_ask_all (
    t->keeper,
    (const struct keeper_request[]) {
      { KEEPER_HOLD, t->lock, NULL },
      { KEEPER_HOLD_TREE, -1, below (t, NEW_STATE) },
      { KEEPER_HOLD_FILE, -1, below (t, "socket") },
      { KEEPER_HOLD_FILE, -1, below (t, "pid") },
      { KEEPER_HOLD_FILE, -1, below (t, PROVISION_SOCKET) },
      { KEEPER_HOLD_FILE, -1, below (t, PROVISION_SOCKET ".ctrl") } },
    6);
  return r < 0 ? r : arena_error (t->work->arena);
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
              "the TPM's socket cannot be made");
  if (r < 0)
    close (fd);
  else
    *ret_fd = fd;
  return r;
}

/* ---- programs ----------------------------------------------------------- */

static int
spawn (struct tpm *t, enum kept child, enum keeper_role role,
       const char *const *argv, const char *const *environment,
       const struct keeper_descriptor *more, size_t n_more)
{
  struct keeper_descriptor descriptors[4] = { { 0, t->null }, { 1, t->null } };
  struct child spawned;
  int r;

  for (size_t i = 0; i < n_more; i++)
    descriptors[2 + i] = more[i];
  r = keeper_spawn (t->keeper,
                    &(struct keeper_setup) {
                      .child = child, .role = role, .argv = argv,
                      .environment = environment, .directory = t->directory,
                      .descriptors = descriptors,
                      .n_descriptors = 2 + n_more, .error = -1 },
                    &spawned);
  if (r == 0 && spawned.pidfd >= 0)
    close (spawned.pidfd);
  if (r < 0)
    work_fail (t->work, r, r == -ENOENT ? "helper.missing" : "helper.failed",
               NULL, "%s cannot be started: %s", argv[0],
               strerrordesc_np (-r));
  return r;
}

/* The last line that holds something. */
static const char *
last_line (char *words)
{
  size_t size = strlen (words);
  char *line;

  for (char *c = words; *c; c++)
    if (*c != '\n' && ((unsigned char) *c < ' ' || *c == 0x7f))
      *c = ' ';
  while (size && strchr ("\n ", words[size - 1]))
    words[--size] = '\0';
  line = strrchr (words, '\n');
  return *words ? (line ? line + 1 : words) : "it did not say why";
}

static int
say_status (struct tpm *t, enum kept child, const char *program)
{
  int status = t->keeper->children[child].status;
  size_t size;
  char *words;

  if (status == 0)
    return 0;
  words
    = writable (keeper_words (t->keeper, child, t->work->arena, &size));
  return work_fail (t->work, -EIO, "helper.failed", NULL,
                    "%s failed with %s %d: %.500s", program,
                    WIFSIGNALED (status) ? "signal" : "status",
                    WIFSIGNALED (status) ? WTERMSIG (status)
                                         : WEXITSTATUS (status),
                    words ? last_line (words) : "");
}

/* Until the child has ended, or the work is cancelled. */
static int
await (struct tpm *t, enum kept child)
{
  int r = 0;

  while (r == 0 && !t->keeper->children[child].ended) {
    r = keeper_listen (t->keeper, TICK_MS);
    if (r == -EAGAIN)
      r = work_poll (t->work);
  }
  return r;
}

static const char *
program (const struct tpm *t, const char *said, const char *name)
{
  const struct vmspec_host *host = t->plan->resolution.host;
  const char *path = host_program (host, said ? said : name);

  /* A name that was not found is no file of the working directory. */
  return path ? host_absolute (t->work->arena, host, path)
              : said ? said : name;
}

/* ---- a new TPM ---------------------------------------------------------- */

/* In a directory of its own until it is complete. */
static int
set_up (struct tpm *t)
{
  const char *made = below (t, NEW_STATE "/" STATE_FILE);
  const char *state = below (t, STATE_FILE), *directory = below (t, NEW_STATE);
  const char *const argv[]
    = { program (t, NULL, "swtpm_setup"), "--tpm2", "--tpmstate", NEW_STATE,
        "--create-ek-cert", "--create-platform-cert", "--lock-nvram", NULL };
  int r;

  if (!is_on (t->plan->resolution.tpm.setup) || access (state, F_OK) == 0)
    return 0;
  remove_tree (directory);
  if (mkdir (directory, 0700) < 0)
    return fail (t, -errno, "tpm.state", "state_dir",
                 "the TPM's state cannot be made");
  r = spawn (t, KEPT_HELPER, KEEPER_TRANSIENT, argv,
             t->plan->decided.qemu_environment, NULL, 0);
  if (r == 0)
    r = await (t, KEPT_HELPER);
  if (r == 0)
    r = say_status (t, KEPT_HELPER, argv[0]);
  if (r == 0 && rename (made, state) < 0)
    r = fail (t, -errno, "tpm.state", "setup",
              "swtpm_setup has made no TPM");
  remove_tree (directory);
  return r;
}

/* ---- provisioning ------------------------------------------------------- */

static int
run_provisioning (struct tpm *t, const char *provision)
{
  const char *const *old = t->plan->decided.qemu_environment;
  const char *const argv[] = { provision, NULL };
  const char *tcti = arena_concat (t->work->arena, "swtpm:path=",
                                   below (t, PROVISION_SOCKET), (char *) NULL);
  struct vector environment = { .arena = t->work->arena };
  int r;

  vector_add (&environment, arena_concat (t->work->arena, "TPM2TOOLS_TCTI=",
                                          tcti, (char *) NULL));
  vector_add (&environment, arena_concat (t->work->arena, "TCTI=", tcti,
                                          (char *) NULL));
  for (; *old; old++)
    if (strncmp (*old, "TCTI=", 5) && strncmp (*old, "TPM2TOOLS_TCTI=", 15))
      vector_add (&environment, *old);
  if (!vector_end (&environment) || arena_error (t->work->arena))
    return -ENOMEM;
  r = spawn (t, KEPT_HELPER, KEEPER_TRANSIENT, argv,
             (const void *) environment.items, NULL, 0);
  if (r == 0)
    r = await (t, KEPT_HELPER);
  return r < 0 ? r : say_status (t, KEPT_HELPER, provision);
}

static int
end_swtpm (struct tpm *t)
{
  int r = keeper_signal (t->keeper, KEPT_SWTPM, SIGTERM);

  return r == 0 || r == -ESRCH ? await (t, KEPT_SWTPM) : r;
}

/* A TPM at two sockets, as programs that use tpm2-tss expect it. */
static int
provision (struct tpm *t)
{
  const char *said = t->plan->resolution.tpm.provision;
  const char *const argv[]
    = { program (t, t->plan->resolution.tpm.swtpm, "swtpm"), "socket",
        "--tpm2", "--tpmstate", "dir=.", "--server", "type=unixio,fd=3",
        "--ctrl", "type=unixio,fd=4", "--flags",
        "not-need-init,startup-clear", NULL };
  struct keeper_descriptor sockets[] = { { 3, -1 }, { 4, -1 } };
  int r;

  if (!said)
    return 0;
  r = listen_at (t, PROVISION_SOCKET, &sockets[0].fd);
  if (r == 0)
    r = listen_at (t, PROVISION_SOCKET ".ctrl", &sockets[1].fd);
  if (r == 0)
    r = spawn (t, KEPT_SWTPM, KEEPER_TRANSIENT, argv,
               t->plan->decided.qemu_environment, sockets, 2);
  for (int i = 0; i < 2; i++)
    if (sockets[i].fd >= 0)
      close (sockets[i].fd);
  if (r == 0) {
    int failed = run_provisioning (t, program (t, said, said));

    r = end_swtpm (t);
    r = failed < 0 ? failed : r;
  }
  (void) unlink (below (t, PROVISION_SOCKET));
  (void) unlink (below (t, PROVISION_SOCKET ".ctrl"));
  return r;
}

/* ------------------------------------------------------------------------- */

static int
run (struct tpm *t)
{
  const char *const argv[]
    = { program (t, t->plan->resolution.tpm.swtpm, "swtpm"), "socket",
        "--tpmstate", "dir=.", "--ctrl", "type=unixio,fd=3", "--pid",
        "file=pid", "--tpm2", "--log", "file=stdout,level=6", NULL };
  struct keeper_descriptor socket = { 3, -1 };
  int r = listen_at (t, "socket", &socket.fd);

  if (r < 0)
    return r;
  r = spawn (t, KEPT_SWTPM, KEEPER_BOUND, argv,
             t->plan->decided.qemu_environment, &socket, 1);
  close (socket.fd);
  return r;
}

int
swtpm_start (struct keeper *keeper, const vmspec_plan *plan, struct work *work)
{
  struct tpm t = { .keeper = keeper, .plan = plan, .work = work,
                   .directory = plan->decided.tpm_state, .lock = -1 };
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
  if (t.null >= 0)
    close (t.null);
  if (t.lock >= 0)
    close (t.lock);
  return r;
}
