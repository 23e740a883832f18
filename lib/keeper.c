/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "keeper.h"
#include "descriptor.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- the program -------------------------------------------------------- */

/* Where it is installed is the build system's to say. */
#ifndef KEEPER
#define KEEPER "vmspec-keeper"
#endif

static const char *
if_program (const char *path)
{
  return path && access (path, X_OK) == 0 ? path : NULL;
}

/* In a directory with the number of libvmspec.so.0, so that nothing which is
 * installed keeps another one out.  libtool's uninstalled libraries lie in
 * .libs, below what they were built with. */
static const char *
beside_library (struct arena *arena)
{
  const char *slash, *directory, *program;
  char library[PATH_MAX];
  Dl_info info;

  /* By a path that stays the same when the directory changes. */
  if (!dladdr ((const void *) beside_library, &info) || !info.dli_fname
      || !strchr (info.dli_fname, '/') || !realpath (info.dli_fname, library))
    return NULL;
  slash = strrchr (library, '/');
  directory = vms_arena_copy (arena, library, (size_t) (slash - library));
  program = if_program (vms_arena_concat (arena, directory ? directory : "",
                                          "/vmspec-0/vmspec-keeper",
                                          (char *) NULL));
  slash = directory ? strrchr (directory, '/') : NULL;
  if (!program && slash && !strcmp (slash, "/.libs"))
    program = if_program (vms_arena_concat (arena, directory,
                                            "/../vmspec-keeper", (char *) NULL));
  return program;
}

const char *
vms_keeper_program (struct arena *arena)
{
  const char *program = beside_library (arena);

  return program ? program : vms_arena_strdup (arena, KEEPER);
}

/* ---- starting ----------------------------------------------------------- */

/* The number of this process could be another's where the keeper looks. */
static int
tell_caller (const struct keeper *keeper)
{
  const struct keeper_message message = { .kind = KEEPER_CALLER, .n_fds = 1 };
  int pidfd = (int) syscall (SYS_pidfd_open, keeper->owner, 0), r;

  if (pidfd < 0)
    return 0;
  r = vms_link_send (keeper->link, &message, &pidfd);
  close (pidfd);
  return r;
}

int
vms_keeper_start (struct keeper *keeper, const char *program, const char *name)
{
  static const char *const nothing[] = { NULL };
  const char *const argv[] = { program, KEEPER_VERSION, name, NULL };
  int ends[2], null, r;
  struct child child = { -1, -1 };

  *keeper = (struct keeper) KEEPER_NONE;
  keeper->owner = getpid ();
  if (socketpair (AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
    return -errno;
  null = open ("/dev/null", O_RDWR | O_CLOEXEC);
  r = null < 0 ? -errno
               : vms_child_spawn (&(struct child_setup) {
                   .argv = argv, .environment = nothing, .directory = "/",
                   .input = null, .output = null, .error = null,
                   .extra = ends[1] }, &child);
  vms_descriptor_close (null);
  close (ends[1]);
  if (r < 0) {
    close (ends[0]);
    return r;
  }
  vms_descriptor_close (child.pidfd);
  keeper->pid = child.pid;
  keeper->link = vms_descriptor_keep (ends[0]);
  return keeper->link < 0 ? keeper->link : tell_caller (keeper);
}

/* ---- listening ---------------------------------------------------------- */

static void
close_link (struct keeper *keeper)
{
  vms_descriptor_close (keeper->link);
  keeper->link = NO_DESCRIPTOR;
}

/* One message: 0, also for one of which nobody cares, or -errno.  *ret_fd may be
 * NULL. */
static int
receive (struct keeper *keeper, struct keeper_message *message, int *ret_fd)
{
  int fds[KEEPER_FDS], r = vms_link_receive (keeper->link, message, fds);

  if (r == -EMFILE)
    return r;
  if (r < 0) {
    close_link (keeper);
    return -EPIPE;
  }
  if (ret_fd && message->n_fds == 1)
    *ret_fd = fds[0];
  else
    while (message->n_fds)
      close (fds[--message->n_fds]);
  keeper->is_done |= message->kind == KEEPER_DONE;
  if (message->kind == KEEPER_ENDED && message->child < N_KEPT) {
    keeper->children[message->child].ended = ++keeper->n_ended;
    keeper->children[message->child].status = message->number;
    keeper->children[message->child].forced
      = (message->flags & KEEPER_FORCED) != 0;
  }
  return 0;
}

int
vms_keeper_listen (struct keeper *keeper, int timeout_ms)
{
  struct pollfd link = { .fd = keeper->link, .events = POLLIN };
  struct keeper_message message;

  if (keeper->link < 0)
    return -EPIPE;
  if (poll (&link, 1, timeout_ms) <= 0)
    return -EAGAIN;
  return receive (keeper, &message, NULL);
}

static int
tell (struct keeper *keeper, const struct keeper_message *message,
      const int *fds)
{
  return keeper->link < 0 ? -EPIPE : vms_link_send (keeper->link, message, fds);
}

/* The reply's number. */
static int
hear (struct keeper *keeper, int *ret_fd)
{
  struct keeper_message reply;
  int r = keeper->link < 0 ? -EPIPE : 0;

  do
    r = r < 0 ? r : receive (keeper, &reply, ret_fd);
  while (r == 0 && reply.kind != KEEPER_REPLY);
  return r < 0 ? r : reply.number;
}

static int
call (struct keeper *keeper, const struct keeper_message *message,
      const int *fds, int *ret_fd)
{
  int r = tell (keeper, message, fds);

  return r < 0 ? r : hear (keeper, ret_fd);
}

/* ---- asking ------------------------------------------------------------- */

static int
ask (struct keeper *keeper, const struct keeper_request *request)
{
  struct keeper_message message
    = { .kind = request->kind, .n_fds = request->fd >= 0,
        .flags = request->flags };

  if (request->path && strlen (request->path) >= sizeof message.path)
    return -ENAMETOOLONG;
  strcpy (message.path, request->path ? request->path : "");
  return tell (keeper, &message, &request->fd);
}

int
vms_keeper_ask_all (struct keeper *keeper,
                    const struct keeper_request *requests, size_t n)
{
  size_t asked = 0;
  int r = 0;

  while (r == 0 && asked < n)
    r = ask (keeper, &requests[asked++]);
  asked -= r < 0;
  while (asked--) {
    int reply = hear (keeper, NULL);

    r = r < 0 ? r : reply;
  }
  return r;
}

int
vms_keeper_ask (struct keeper *keeper, enum keeper_kind kind, int fd,
                const char *path)
{
  return vms_keeper_ask_all (keeper,
                             &(struct keeper_request) {
                               .kind = kind, .fd = fd, .path = path }, 1);
}

int
vms_keeper_signal (struct keeper *keeper, enum kept child, int signal)
{
  const struct keeper_message message
    = { .kind = KEEPER_SIGNAL, .child = child, .number = signal };
  int r = call (keeper, &message, NULL, NULL);

  return r == -EPIPE ? -ESRCH : r;
}

static size_t
count (const char *const *strings)
{
  size_t n = 0;

  while (strings && strings[n])
    n++;
  return n;
}

static int
write_all (int fd, const char *bytes, size_t size)
{
  while (size) {
    ssize_t n = write (fd, bytes, size);

    if (n < 0 && errno != EINTR)
      return -errno;
    if (n > 0) {
      bytes += n;
      size -= (size_t) n;
    }
  }
  return 0;
}

/* What a child is to be, in a file without a name. */
static int
write_payload (const struct keeper_setup *setup, int *ret_fd)
{
  const struct keeper_payload payload = { (uint32_t) count (setup->argv),
                                          (uint32_t) count (setup->environment) };
  struct arena arena = { 0 };
  struct text text = { .arena = &arena };
  int fd, r;

  vms_text_add_bytes (&text, (const char *) &payload, sizeof payload);
  vms_text_add_bytes (&text, setup->directory ? setup->directory : "/",
                      strlen (setup->directory ? setup->directory : "/") + 1);
  for (uint32_t i = 0; i < payload.arguments; i++)
    vms_text_add_bytes (&text, setup->argv[i], strlen (setup->argv[i]) + 1);
  for (uint32_t i = 0; i < payload.variables; i++)
    vms_text_add_bytes (&text, setup->environment[i],
                        strlen (setup->environment[i]) + 1);
  r = vms_arena_error (&arena);
  fd = r < 0 ? NO_DESCRIPTOR : memfd_create ("vmspec-child", MFD_CLOEXEC);
  if (r == 0)
    r = fd < 0 ? -errno : write_all (fd, text.bytes, text.size);
  vms_arena_free (&arena);
  if (r < 0)
    vms_descriptor_close (fd);
  else
    *ret_fd = fd;
  return r;
}

static int
make_ring (struct kept_state *state, int *ret_fd)
{
  int fd = memfd_create ("vmspec-words", MFD_CLOEXEC);
  void *ring = MAP_FAILED;

  if (fd < 0)
    return -errno;
  if (ftruncate (fd, sizeof *state->ring) == 0)
    ring = mmap (NULL, sizeof *state->ring, PROT_READ, MAP_SHARED, fd, 0);
  if (ring == MAP_FAILED) {
    int error = errno;

    close (fd);
    return -error;
  }
  if (state->ring)
    munmap (state->ring, sizeof *state->ring);
  state->ring = ring;
  *ret_fd = fd;
  return 0;
}

static void
add (struct keeper_message *message, int *fds, int what, int fd)
{
  if (fd < 0)
    return;
  message->fds[message->n_fds] = what;
  fds[message->n_fds++] = fd;
}

static int
has_error (const struct keeper_setup *setup)
{
  for (size_t i = 0; i < setup->n_descriptors; i++)
    if (setup->descriptors[i].number == STDERR_FILENO)
      return 1;
  return 0;
}

static int
spawn (struct keeper *keeper, const struct keeper_setup *setup, int payload,
       int ring, struct child *ret_child)
{
  struct keeper_message message
    = { .kind = KEEPER_SPAWN, .child = setup->child, .role = setup->role,
        .flags = setup->own_group ? KEEPER_OWN_GROUP : 0 };
  int fds[KEEPER_FDS], pidfd = NO_DESCRIPTOR, r;

  if (setup->n_descriptors > KEEPER_FDS - 3)
    return -EMFILE;
  add (&message, fds, KEEPER_FD_PAYLOAD, payload);
  add (&message, fds, KEEPER_FD_RING, ring);
  add (&message, fds, KEEPER_FD_ERROR, setup->error);
  for (size_t i = 0; i < setup->n_descriptors; i++)
    add (&message, fds, setup->descriptors[i].number, setup->descriptors[i].fd);
  r = call (keeper, &message, fds, &pidfd);
  if (r < 0) {
    vms_descriptor_close (pidfd);
    return r;
  }
  *ret_child = (struct child) { r, vms_descriptor_keep (pidfd) };
  return 0;
}

int
vms_keeper_spawn (struct keeper *keeper, const struct keeper_setup *setup,
                  struct child *ret_child)
{
  struct kept_state *state = &keeper->children[setup->child];
  int payload = NO_DESCRIPTOR, ring = NO_DESCRIPTOR;
  int r = write_payload (setup, &payload);

  state->ended = 0;
  if (r == 0 && !has_error (setup))
    r = make_ring (state, &ring);
  if (r == 0)
    r = spawn (keeper, setup, payload, ring, ret_child);
  vms_descriptor_close (payload);
  vms_descriptor_close (ring);
  return r;
}

/* ---- ending ------------------------------------------------------------- */

int
vms_keeper_is_ours (const struct keeper *keeper)
{
  return keeper->owner == getpid ();
}

void
vms_keeper_wait (struct keeper *keeper)
{
  while (vms_keeper_listen (keeper, -1) != -EPIPE)
    ;
  if (keeper->pid < 0)
    return;
  while (waitpid (keeper->pid, NULL, 0) < 0 && errno == EINTR)
    ;
  keeper->pid = -1;
}

/* What has been said up to now is still listened to. */
void
vms_keeper_end (struct keeper *keeper)
{
  const struct keeper_message message = { .kind = KEEPER_END };

  if (keeper->link >= 0)
    (void) vms_link_send (keeper->link, &message, NULL);
  vms_keeper_wait (keeper);
}

const char *
vms_keeper_words (const struct keeper *keeper, enum kept child,
                  struct arena *arena, size_t *ret_size)
{
  const struct keeper_ring *ring = keeper->children[child].ring;
  uint64_t total = ring ? __atomic_load_n (&ring->total, __ATOMIC_ACQUIRE) : 0;
  size_t size = total < KEEPER_RING ? (size_t) total : KEEPER_RING;
  char *words = vms_arena_alloc (arena, size + 1);

  for (size_t i = 0; words && i < size; i++)
    words[i] = ring->bytes[(total - size + i) % KEEPER_RING];
  *ret_size = size;
  return words;
}

void
vms_keeper_free (struct keeper *keeper)
{
  close_link (keeper);
  for (int i = 0; i < N_KEPT; i++)
    if (keeper->children[i].ring)
      munmap (keeper->children[i].ring, sizeof (struct keeper_ring));
  *keeper = (struct keeper) KEEPER_NONE;
}
