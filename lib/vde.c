/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vde.h"
#include "descriptor.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "words.h"

#define LISTENS_MS 5000
#define TICK_MS 5

/* vde_switch makes its directory with this socket in it.  A killed one leaves it,
 * with nobody behind. */
static int
listens (const struct decided_switch *one)
{
  struct sockaddr_un address = { .sun_family = AF_UNIX };
  int fd, r;

  if (snprintf (address.sun_path, sizeof address.sun_path, "%s/ctl",
                one->directory) >= (int) sizeof address.sun_path)
    return 0;
  fd = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0)
    return 0;
  r = connect (fd, (const void *) &address, sizeof address) == 0
      || errno == EAGAIN; /* others wait for it, too */
  close (fd);
  return r;
}

static int
fail (struct work *work, int error, const char *problem)
{
  return vms_work_fail (work, error, "vlan.switch-failed", NULL,
                        "vde_switch %s: %s; start one by hand, or install vde2",
                        problem, strerrordesc_np (-error));
}

/* By its own words, if it has said any. */
static int
fail_child (const struct keeper *keeper, enum kept child, struct work *work)
{
  size_t size;
  const char *words = vms_keeper_words (keeper, child, work->arena, &size);

  return vms_work_fail (work, -EIO, "vlan.switch-failed", NULL,
                        "vde_switch does not listen: %s; start one by hand, or "
                        "choose another network.vlan_directory",
                        words ? vms_words_in_one_line (work->arena, words) : "");
}

/* For a moment.  0, or an error that ends the start. */
static int
tick (struct keeper *keeper, struct work *work)
{
  int r = vms_keeper_listen (keeper, TICK_MS);

  return r == -EAGAIN ? vms_work_poll (work) : r;
}

/* QEMU would not wait for it. */
static int
await (struct keeper *keeper, enum kept child,
       const struct decided_switch *one, struct work *work)
{
  int r = 0;

  for (int waited = 0; r == 0 && !listens (one); waited += TICK_MS) {
    r = tick (keeper, work);
    if (r == 0 && (keeper->children[child].ended || waited > LISTENS_MS))
      r = fail_child (keeper, child, work);
  }
  return r;
}

/* ---- whose turn it is --------------------------------------------------- */

/* A switch removes what it finds at its place, and so does its keeper at the
 * end: of several machines one at a time may have it.  The lock of a number is a
 * byte of a file that stays, and goes to the keeper. */
static int
try_lock (const vmspec_plan *plan, const struct decided_switch *one,
          struct work *work, int *ret_fd)
{
  const char *path
    = vms_arena_concat (work->arena, plan->decided.vlan_directory, "/.lock",
                        (char *) NULL);
  struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET,
                        .l_start = one->number, .l_len = 1 };
  int fd, r = 0;

  if (!path)
    return -ENOMEM;
  fd = open (path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0)
    return fail (work, -errno, "has no place: its directory cannot be locked");
  if (fcntl (fd, F_OFD_SETLK, &lock) < 0)
    r = errno == EACCES ? -EAGAIN : -errno;
  if (r < 0)
    close (fd);
  else
    *ret_fd = fd;
  return r == 0 || r == -EAGAIN
           ? r : fail (work, r, "has no place: its directory cannot be locked");
}

/* 0 with *ret_fd the lock, or with -1 if another machine's switch listens. */
static int
take_turn (struct keeper *keeper, const vmspec_plan *plan,
           const struct decided_switch *one, struct work *work, int *ret_fd)
{
  int r = -EAGAIN;

  for (int waited = 0; r == -EAGAIN && !listens (one); waited += TICK_MS) {
    r = try_lock (plan, one, work, ret_fd);
    if (r == -EAGAIN && waited > LISTENS_MS)
      return fail (work, -EBUSY, "of another machine does not listen");
    if (r == -EAGAIN) {
      int ended = tick (keeper, work);

      r = ended < 0 ? ended : r;
    }
  }
  return r == -EAGAIN ? 0 : r;
}

/* ---- the switch --------------------------------------------------------- */

/* It ends at the end of its standard input, which therefore is a pipe that it
 * holds the other end of itself. */
static int
spawn (struct keeper *keeper, enum kept child, const char *program,
       const struct decided_switch *one, const vmspec_plan *plan)
{
  const char *const argv[] = { program, "-s", one->directory, NULL };
  int null = open ("/dev/null", O_WRONLY | O_CLOEXEC);
  int input[2] = { NO_DESCRIPTOR, NO_DESCRIPTOR };
  struct child spawned = { .pidfd = NO_DESCRIPTOR };
  int r = null < 0 || pipe2 (input, O_CLOEXEC) < 0 ? -errno : 0;
  const struct keeper_descriptor descriptors[]
    = { { 0, input[0] }, { 1, null }, { 3, input[1] } };

  if (r == 0)
    r = vms_keeper_spawn (keeper, &(struct keeper_setup) {
      .child = child, .role = KEEPER_BOUND, .argv = argv,
      .environment = plan->decided.qemu_environment,
      .descriptors = descriptors, .n_descriptors = 3,
      .error = NO_DESCRIPTOR }, &spawned);
  for (int i = 0; i < 2; i++)
    vms_descriptor_close (input[i]);
  vms_descriptor_close (null);
  vms_descriptor_close (spawned.pidfd);
  return r;
}

/* The keeper removes what a killed switch leaves before it lets go of the lock;
 * the directory only if nothing else is in it. */
static int
start_own (struct keeper *keeper, size_t index, const vmspec_plan *plan,
           struct work *work, int lock)
{
  const struct decided_switch *one = &plan->decided.switches[index];
  const struct vmspec_host *host = plan->resolution.host;
  const char *found = vms_host_program (host, "vde_switch");
  const char *program = vms_host_absolute (work->arena, host, found);
  enum kept child = KEPT_SWITCH + index;
  int r;

  if (child >= N_KEPT)
    return fail (work, -EMFILE, "cannot be started so often");
  r = vms_keeper_ask_all (
    keeper,
    (const struct keeper_request[]) {
      { .kind = KEEPER_HOLD, .fd = lock },
      { .kind = KEEPER_HOLD_FILE, .fd = NO_DESCRIPTOR,
        .path = one->directory },
      { .kind = KEEPER_HOLD_FILE, .fd = NO_DESCRIPTOR,
        .path = vms_arena_concat (work->arena, one->directory, "/ctl",
                                  (char *) NULL) } },
    3);
  if (r < 0)
    return r;
  r = program ? spawn (keeper, child, program, one, plan) : -ENOENT;
  if (r < 0)
    return r == -EPIPE ? r : fail (work, r, "cannot be started");
  return await (keeper, child, one, work);
}

static int
start_one (struct keeper *keeper, size_t index, const vmspec_plan *plan,
           struct work *work)
{
  int lock = NO_DESCRIPTOR;
  int r = take_turn (keeper, plan, &plan->decided.switches[index], work, &lock);

  if (r == 0 && lock >= 0 && !listens (&plan->decided.switches[index]))
    r = start_own (keeper, index, plan, work, lock);
  vms_descriptor_close (lock);
  return r;
}

/* QEMU makes them anew, and leaves them. */
static int
hold_sockets (struct keeper *keeper, const vmspec_plan *plan)
{
  const struct vmspec_network *network = &plan->resolution.network;
  const struct decided *d = &plan->decided;
  int ours = network->vlan_backend == VMSPEC_VLAN_BACKEND_DGRAM
             || (network->vlan_backend == VMSPEC_VLAN_BACKEND_STREAM
                 && network->machine_number == 1);
  int r = 0;

  for (size_t i = 0; r == 0 && ours && i < d->n_vlans; i++)
    r = vms_keeper_ask (keeper, KEEPER_HOLD_FILE, NO_DESCRIPTOR,
                        d->vlans[i].socket);
  return r;
}

int
vms_vde_start (struct keeper *keeper, const vmspec_plan *plan,
               struct work *work)
{
  int r = hold_sockets (keeper, plan);

  work->step = "vlans";
  work->option = "network.vlan_switch";
  for (size_t i = 0; r == 0 && i < plan->decided.n_switches; i++)
    r = start_one (keeper, i, plan, work);
  return r;
}
