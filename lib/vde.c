/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vde.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

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
  fd = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0)
    return 0;
  r = connect (fd, (const void *) &address, sizeof address);
  close (fd);
  return r == 0;
}

static int
fail (struct work *work, int error, const char *problem)
{
  return work_fail (work, error, "vlan.switch-failed", NULL,
                    "vde_switch %s: %s; start one by hand, or install vde2",
                    problem, strerrordesc_np (-error));
}

/* QEMU would not wait for it.  One that ends since another was faster is as
 * good, as long as that one listens. */
static int
await (struct keeper *keeper, enum kept child,
       const struct decided_switch *one, struct work *work)
{
  int r = 0;

  for (int waited = 0; r == 0 && !listens (one); waited += TICK_MS) {
    r = keeper_listen (keeper, TICK_MS);
    if (r == -EAGAIN)
      r = work_poll (work);
    if (r == 0 && (keeper->children[child].ended || waited > LISTENS_MS))
      r = fail (work, -EIO, "does not listen");
  }
  return r;
}

/* It ends at the end of its standard input, which therefore is a pipe that it
 * holds the other end of itself. */
static int
spawn (struct keeper *keeper, enum kept child, const char *program,
       const struct decided_switch *one, const vmspec_plan *plan)
{
  const char *const argv[] = { program, "-s", one->directory, NULL };
  int null = open ("/dev/null", O_WRONLY | O_CLOEXEC), input[2] = { -1, -1 };
  struct child spawned = { .pidfd = -1 };
  int r = null < 0 || pipe2 (input, O_CLOEXEC) < 0 ? -errno : 0;
  const struct keeper_descriptor descriptors[]
    = { { 0, input[0] }, { 1, null }, { 3, input[1] } };

  if (r == 0)
    r = keeper_spawn (keeper, &(struct keeper_setup) {
      .child = child, .role = KEEPER_BOUND, .argv = argv,
      .environment = plan->decided.qemu_environment,
      .descriptors = descriptors, .n_descriptors = 3, .error = -1 }, &spawned);
  for (int i = 0; i < 2; i++)
    if (input[i] >= 0)
      close (input[i]);
  if (null >= 0)
    close (null);
  if (spawned.pidfd >= 0)
    close (spawned.pidfd);
  return r;
}

static int
start_one (struct keeper *keeper, size_t index, const vmspec_plan *plan,
           struct work *work)
{
  const struct decided_switch *one = &plan->decided.switches[index];
  const char *program
    = host_program (plan->resolution.host, "vde_switch");
  enum kept child = KEPT_SWITCH + index;
  int r;

  if (listens (one))
    return 0;
  if (child >= N_KEPT)
    return fail (work, -EMFILE, "cannot be started so often");
  r = spawn (keeper, child, program ? program : "vde_switch", one, plan);
  if (r < 0)
    return fail (work, r, "cannot be started");
  r = await (keeper, child, one, work);
  if (r == 0 && !keeper->children[child].ended)
    r = keeper_ask (keeper, KEEPER_HOLD_TREE, -1, one->directory);
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
    r = keeper_ask (keeper, KEEPER_HOLD_FILE, -1, d->vlans[i].socket);
  return r;
}

int
vde_start (struct keeper *keeper, const vmspec_plan *plan, struct work *work)
{
  int r = hold_sockets (keeper, plan);

  work->step = "vlans";
  work->option = "network.vlan_switch";
  for (size_t i = 0; r == 0 && i < plan->decided.n_switches; i++)
    r = start_one (keeper, i, plan, work);
  return r;
}
