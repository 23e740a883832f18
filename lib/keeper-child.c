/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "keeper-child.h"
#include "descriptor.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- what is asked for -------------------------------------------------- */

struct request {
  void *bytes;               /* the payload */
  size_t size;
  char **argv, **environment;
  const char *directory;     /* "" is the keeper's own */
  int ring, error;           /* descriptors or -1 */
};

static int
find (const struct keeper_message *message, const int *fds, int kind)
{
  for (uint32_t i = 0; i < message->n_fds; i++)
    if (message->fds[i] == kind)
      return fds[i];
  return NO_DESCRIPTOR;
}

/* The next of the strings; NULL past the end. */
static char *
next_string (char **at, const char *stop)
{
  char *string = *at;
  char *end = memchr (string, '\0', (size_t) (stop - string));

  *at = end ? end + 1 : string;
  return end ? string : NULL;
}

static int
split (struct request *request)
{
  const struct keeper_payload *payload = request->bytes;
  char *at = (char *) request->bytes + sizeof *payload;
  const char *stop = (char *) request->bytes + request->size;

  request->argv = calloc (payload->arguments + 1ul, sizeof (char *));
  request->environment = calloc (payload->variables + 1ul, sizeof (char *));
  if (!request->argv || !request->environment)
    return -ENOMEM;
  request->directory = next_string (&at, stop);
  for (uint32_t i = 0; i < payload->arguments; i++)
    request->argv[i] = next_string (&at, stop);
  for (uint32_t i = 0; i < payload->variables; i++)
    request->environment[i] = next_string (&at, stop);
  return request->directory && request->argv[0] ? 0 : -EBADMSG;
}

static int
read_request (struct request *request, const struct keeper_message *message,
              const int *fds)
{
  int fd = find (message, fds, KEEPER_FD_PAYLOAD);
  struct stat status;

  *request = (struct request) {
    .ring = find (message, fds, KEEPER_FD_RING),
    .error = find (message, fds, KEEPER_FD_ERROR) };
  if (fd < 0 || fstat (fd, &status) < 0
      || (size_t) status.st_size < sizeof (struct keeper_payload))
    return -EBADMSG;
  request->size = (size_t) status.st_size;
  request->bytes
    = mmap (NULL, request->size, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
  if (request->bytes == MAP_FAILED)
    request->bytes = NULL;
  return request->bytes ? split (request) : -errno;
}

static void
forget_request (struct request *request)
{
  free (request->argv);
  free (request->environment);
  if (request->bytes)
    munmap (request->bytes, request->size);
}

/* ---- in the child ------------------------------------------------------- */

static void
reset_signals (void)
{
  sigset_t none;

  for (int i = 1; i < NSIG; i++)
    signal (i, SIG_DFL);
  sigemptyset (&none);
  sigprocmask (SIG_SETMASK, &none, NULL);
}

/* The first number that no descriptor is to get. */
static int
first_free (const struct keeper_message *message)
{
  int first = STDERR_FILENO + 1;

  for (uint32_t i = 0; i < message->n_fds; i++)
    if (message->fds[i] >= first)
      first = message->fds[i] + 1;
  return first;
}

/* A descriptor may have the number that another is to get, so all go out of the
 * way first. */
static int
place_descriptors (const struct keeper_message *message, const int *fds,
                   int output)
{
  int copies[KEEPER_FDS], first = first_free (message);

  output = output < 0 ? NO_DESCRIPTOR : fcntl (output, F_DUPFD_CLOEXEC, first);
  for (uint32_t i = 0; i < message->n_fds; i++) {
    copies[i] = message->fds[i] < 0
                  ? NO_DESCRIPTOR : fcntl (fds[i], F_DUPFD_CLOEXEC, first);
    if (message->fds[i] >= 0 && copies[i] < 0)
      return -errno;
  }
  for (uint32_t i = 0; i < message->n_fds; i++)
    if (copies[i] >= 0 && dup2 (copies[i], message->fds[i]) < 0)
      return -errno;
  return output < 0 || dup2 (output, STDERR_FILENO) >= 0 ? 0 : -errno;
}

/* Ends with the keeper, whoever kills that: the keeper has one thread, so the end
 * of the thread that the kernel means is that of the process. */
static int
become (const struct request *request, const struct keeper_message *message,
        const int *fds, int output, pid_t group, pid_t keeper)
{
  int r;

  if (prctl (PR_SET_PDEATHSIG, SIGKILL) < 0)
    return -errno;
  if (getppid () != keeper)
    return -ECHILD;
  /* The caller's group may have ended with the caller. */
  if (message->role == KEEPER_MAIN)
    (void) setpgid (0, message->flags & KEEPER_OWN_GROUP ? 0 : group);
  r = place_descriptors (message, fds, output);
  if (r < 0)
    return r;
  if (*request->directory && chdir (request->directory) < 0)
    return -errno;
  reset_signals ();
  execve (request->argv[0], request->argv, request->environment);
  return -errno;
}

/* ---- in the keeper ------------------------------------------------------ */

/* The child of vfork() shares our memory until it is the program, or has ended:
 * so it can tell why it could not become that. */
static int
fork_child (struct kept_child *child, const struct request *request,
            const struct keeper_message *message, const int *fds, int output,
            pid_t group)
{
  volatile int error = 0;
  pid_t keeper = getpid ();
  pid_t pid = vfork ();

  if (pid == 0) {
    error = become (request, message, fds, output, group, keeper);
    _exit (127);
  }
  child->pid = pid;
  return pid < 0 ? -errno : error;
}

static struct keeper_ring *
map_ring (int fd)
{
  void *ring = MAP_FAILED;

  if (fd >= 0)
    ring = mmap (NULL, sizeof (struct keeper_ring), PROT_READ | PROT_WRITE,
                 MAP_SHARED, fd, 0);
  return ring == MAP_FAILED ? NULL : ring;
}

/* Whether a write waits is a matter of the open file, which others have, too: so
 * a pipe or a terminal is opened once more. */
static void
pass_on_to (struct kept_child *child, int error)
{
  struct stat status;
  char path[PATH_MAX];

  if (error < 0 || fstat (error, &status) < 0)
    return;
  child->is_socket = S_ISSOCK (status.st_mode);
  snprintf (path, sizeof path, "/proc/self/fd/%d", error);
  if (S_ISFIFO (status.st_mode) || S_ISCHR (status.st_mode))
    child->error = open (path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
  if (child->error < 0)
    child->error = fcntl (error, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
}

static int
start (struct kept_child *child, const struct request *request,
       const struct keeper_message *message, const int *fds, pid_t group)
{
  int ends[2] = { NO_DESCRIPTOR, NO_DESCRIPTOR }, r;

  if (request->ring >= 0 && pipe2 (ends, O_CLOEXEC) < 0)
    return -errno;
  r = fork_child (child, request, message, fds, ends[1], group);
  vms_descriptor_close (ends[1]);
  if (r < 0) {
    vms_descriptor_close (ends[0]);
    return r;
  }
  child->output = ends[0];
  if (ends[0] >= 0) {
    fcntl (ends[0], F_SETFL, O_NONBLOCK);
    child->ring = map_ring (request->ring);
    pass_on_to (child, request->error);
  }
  return 0;
}

int
vms_kept_spawn (struct kept_child *child, const struct keeper_message *message,
                const int *fds, pid_t group)
{
  struct request request;
  int r = read_request (&request, message, fds);

  *child = (struct kept_child) { .number = message->child,
                                 .role = message->role,
                                 .output = NO_DESCRIPTOR,
                                 .error = NO_DESCRIPTOR };
  if (r == 0)
    r = start (child, &request, message, fds, group);
  if (r < 0)
    child->pid = 0;
  forget_request (&request);
  return r;
}

/* ---- what it says ------------------------------------------------------- */

static void
remember (struct keeper_ring *ring, const char *bytes, size_t size)
{
  for (size_t i = 0; i < size; i++)
    ring->bytes[(ring->total + i) % KEEPER_RING] = bytes[i];
  __atomic_store_n (&ring->total, ring->total + size, __ATOMIC_RELEASE);
}

/* Without waiting, even if somebody else writes there as well or a terminal stands
 * still.  A file never lets anybody wait. */
static ssize_t
write_on (const struct kept_child *child, const char *bytes, size_t size)
{
  return child->is_socket
           ? send (child->error, bytes, size, MSG_DONTWAIT | MSG_NOSIGNAL)
           : write (child->error, bytes, size);
}

void
vms_kept_pass_on (struct kept_child *child)
{
  while (child->unwritten && child->error >= 0) {
    size_t start = (child->ring->total - child->unwritten) % KEEPER_RING;
    size_t size = child->unwritten;
    ssize_t n;

    if (size > KEEPER_RING - start)
      size = KEEPER_RING - start;
    n = write_on (child, child->ring->bytes + start, size);
    if (n > 0)
      child->unwritten -= (size_t) n;
    else if (n < 0 && errno == EAGAIN)
      return;
    else if (n < 0 && errno != EINTR) {
      close (child->error);
      child->error = NO_DESCRIPTOR;
      child->unwritten = 0;
    }
  }
}

/* Reads only what the ring has room for besides what was not passed on yet: whom
 * nobody listens to waits, as without us. */
int
vms_kept_listen (struct kept_child *child)
{
  char bytes[4096];
  ssize_t n;

  vms_kept_pass_on (child);
  if (child->output < 0
      || (child->error >= 0 && child->unwritten > KEEPER_RING - sizeof bytes))
    return 0;
  n = read (child->output, bytes, sizeof bytes);
  if (n < 0)
    return errno == EINTR;
  if (n == 0) {
    close (child->output);
    child->output = NO_DESCRIPTOR;
    return 0;
  }
  if (child->ring)
    remember (child->ring, bytes, (size_t) n);
  if (child->ring && child->error >= 0)
    child->unwritten += (size_t) n;
  vms_kept_pass_on (child);
  return 1;
}

void
vms_kept_close (struct kept_child *child)
{
  vms_descriptor_close (child->output);
  vms_descriptor_close (child->error);
  if (child->ring)
    munmap (child->ring, sizeof *child->ring);
  *child = (struct kept_child) { .output = NO_DESCRIPTOR,
                                 .error = NO_DESCRIPTOR };
}
