/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * vmspec-keeper: the processes of one machine have it as their parent, and what
 * is to go with the machine is removed by it.
 *
 * Its caller may end at any moment, and then the link breaks and the caller's
 * pidfd becomes readable.  It may itself be killed: then the kernel kills its
 * children, and the directories, whose locks are gone, are for the next start.
 * It is nobody's to talk to but libvmspec's, on descriptor 3.  Its arguments are
 * the version of what is spoken there, and the machine's name for people who look
 * at the list of processes.
 */
#include "clock.h"
#include "descriptor.h"
#include "keeper-child.h"
#include "leftover.h"
#include "remove.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define LINK 3
#define MOST_CHILDREN 64
/* All of it together is less than two seconds. */
#define AFTER_HELPER_MS 500 /* a helper has ended: so will QEMU, by itself? */
#define TERM_MS 500         /* from SIGTERM to SIGKILL */
#define STRAY_MS 300        /* for what children have started to end */
#define HEAR_MS 200         /* for what is left of a child's words */
#define IDLE_MS 20          /* nobody asks for anything: time for leftovers */
#define AT_ONCE_MS 0
#define TICK_MS 1

struct held {
  int fd;                /* or -1 */
  char *path;            /* or NULL */
  int is_tree, stays;
};

struct keeper {
  int link, caller, signals;
  pid_t group;
  struct kept_child children[MOST_CHILDREN];
  struct held *held;     /* what is held first is removed last */
  size_t n_held;
  char *clean;           /* directory to look for leftovers in */
  int ending;            /* nobody asks for anything any more */
};

/* ---- ending ------------------------------------------------------------- */

static void
end_child (struct kept_child *child, int after)
{
  int64_t at = vms_now_ms () + after;

  /* After the SIGTERM that is INT64_MAX, and kill_at stands. */
  if (child->pid && child->term_at != INT64_MAX
      && (!child->term_at || at < child->term_at)) {
    child->term_at = at;
    child->kill_at = at + TERM_MS;
  }
}

static int
has_main (const struct keeper *k)
{
  for (int i = 0; i < MOST_CHILDREN; i++)
    if (k->children[i].pid && k->children[i].role == KEEPER_MAIN)
      return 1;
  return 0;
}

static int
has_children (const struct keeper *k)
{
  for (int i = 0; i < MOST_CHILDREN; i++)
    if (k->children[i].pid)
      return 1;
  return 0;
}

/* A TPM is wanted as long as there is a machine. */
static void
end_all (struct keeper *k)
{
  int keep_bound = has_main (k);

  k->ending = 1;
  for (int i = 0; i < MOST_CHILDREN; i++) {
    struct kept_child *child = &k->children[i];

    if (child->role == KEEPER_BOUND && keep_bound)
      continue;
    end_child (child, AT_ONCE_MS);
    if (child->role == KEEPER_TRANSIENT)
      child->kill_at = child->term_at;
  }
}

static void
send_signals (struct keeper *k)
{
  int64_t now = vms_now_ms ();

  for (int i = 0; i < MOST_CHILDREN; i++) {
    struct kept_child *child = &k->children[i];

    if (child->pid && child->kill_at && child->kill_at <= now)
      kill (child->pid, SIGKILL);
    else if (child->pid && child->term_at && child->term_at <= now)
      kill (child->pid, SIGTERM);
    else
      continue;
    /* Each is sent once; a second SIGTERM could be one too many. */
    child->term_at = child->term_at <= now ? INT64_MAX : child->term_at;
    if (child->kill_at <= now)
      child->kill_at = INT64_MAX;
  }
}

/* How long until the next signal; -1 for ever. */
static int
time_left (const struct keeper *k)
{
  int64_t next = INT64_MAX, now = vms_now_ms ();

  for (int i = 0; i < MOST_CHILDREN; i++) {
    const struct kept_child *child = &k->children[i];

    if (child->pid && child->term_at && child->term_at < next)
      next = child->term_at;
    if (child->pid && child->kill_at && child->kill_at < next)
      next = child->kill_at;
  }
  if (next == INT64_MAX)
    return k->clean ? IDLE_MS : -1;
  return next <= now ? 0 : (int) (next - now);
}

/* ---- children ----------------------------------------------------------- */

static void
tell_end (struct keeper *k, const struct kept_child *child, int status)
{
  int forced = child->term_at == INT64_MAX && !k->ending;
  struct keeper_message message = { .kind = KEEPER_ENDED, .number = status,
                                    .child = child->number,
                                    .flags = forced ? KEEPER_FORCED : 0 };

  if (k->link >= 0)
    (void) vms_link_send (k->link, &message, NULL);
}

/* Its last words matter most; who is slow to read them gets a moment. */
static void
hear_out (struct kept_child *child)
{
  int64_t until = vms_now_ms () + HEAR_MS, left;

  for (;;) {
    struct pollfd one = { .fd = child->error, .events = POLLOUT };

    do
      left = until - vms_now_ms ();
    while (vms_kept_listen (child) && left > 0);
    if (!child->unwritten || left <= 0 || poll (&one, 1, (int) left) <= 0)
      return;
  }
}

static void
child_has_ended (struct keeper *k, struct kept_child *child, int status)
{
  uint32_t role = child->role;

  hear_out (child);
  tell_end (k, child, status);
  child->pid = 0;
  vms_kept_close (child);
  if (role == KEEPER_MAIN)
    end_all (k);
  for (int i = 0; role == KEEPER_BOUND && i < MOST_CHILDREN; i++)
    if (k->children[i].role == KEEPER_MAIN)
      end_child (&k->children[i], AFTER_HELPER_MS);
}

static void
reap (struct keeper *k)
{
  struct signalfd_siginfo info;
  int status;
  pid_t pid;

  while (read (k->signals, &info, sizeof info) > 0)
    ;
  /* Descendants that lost their parent are ours as well. */
  while ((pid = waitpid (-1, &status, WNOHANG)) > 0)
    for (int i = 0; i < MOST_CHILDREN; i++)
      if (k->children[i].pid == pid) {
        child_has_ended (k, &k->children[i], status);
        break;
      }
}

/* Children of children that outlived those: QEMU's own helpers, or what a
 * script in its place has started.  Whether there were any. */
static int
kill_children (void)
{
  char path[PATH_MAX];
  FILE *children;
  long pid;
  int found = 0;

  snprintf (path, sizeof path, "/proc/self/task/%d/children", (int) getpid ());
  children = fopen (path, "re");
  while (children && fscanf (children, "%ld", &pid) == 1) {
    kill ((pid_t) pid, SIGKILL);
    found = 1;
  }
  if (children)
    fclose (children);
  return found;
}

/* Theirs are ours as soon as they have ended; what the kernel does not let end is
 * not waited for. */
static void
kill_strays (void)
{
  int64_t until = vms_now_ms () + STRAY_MS;

  while (kill_children () && vms_now_ms () < until) {
    while (waitpid (-1, NULL, WNOHANG) > 0)
      ;
    poll (NULL, 0, TICK_MS);
  }
}

/* ---- requests ----------------------------------------------------------- */

static int
hold (struct keeper *k, int fd, const char *path, int is_tree, int stays)
{
  struct held *all = reallocarray (k->held, k->n_held + 1, sizeof *all);
  struct held held = { NO_DESCRIPTOR, NULL, is_tree, stays };

  if (!all)
    return -ENOMEM;
  k->held = all;
  if (fd >= 0)
    held.fd = fcntl (fd, F_DUPFD_CLOEXEC, LINK + 1);
  if (fd >= 0 && held.fd < 0)
    return -errno;
  if (*path)
    held.path = strdup (path);
  if (*path && !held.path) {
    vms_descriptor_close (held.fd);
    return -ENOMEM;
  }
  all[k->n_held++] = held;
  return 0;
}

static int
make_directory (struct keeper *k, const char *path, int stays)
{
  int fd, r = vms_leftover_make (path, &fd);

  if (r < 0)
    return r;
  r = hold (k, fd, path, 1, stays);
  close (fd);
  if (r < 0)
    vms_remove_tree (path);
  return r;
}

/* The reply is the process; beside it goes its pidfd. */
static int
spawn (struct keeper *k, const struct keeper_message *message, const int *fds,
       int *ret_pidfd)
{
  int i = 0, r;

  while (i < MOST_CHILDREN && k->children[i].pid)
    i++;
  if (i == MOST_CHILDREN)
    return -EAGAIN;
  r = vms_kept_spawn (&k->children[i], message, fds, k->group);
  if (r < 0)
    return r;
  *ret_pidfd = (int) syscall (SYS_pidfd_open, k->children[i].pid, 0);
  return k->children[i].pid;
}

/* Its own child is not another process before it was waited for. */
static int
signal_child (struct keeper *k, uint32_t number, int signal)
{
  for (int i = 0; i < MOST_CHILDREN; i++)
    if (k->children[i].pid && k->children[i].number == number)
      return kill (k->children[i].pid, signal) == 0 ? 0 : -errno;
  return -ESRCH;
}

static int
do_request (struct keeper *k, const struct keeper_message *message,
            const int *fds, int *ret_pidfd)
{
  int held = message->n_fds ? fds[0] : NO_DESCRIPTOR;
  int stays = !!(message->flags & KEEPER_STAYS);

  switch (message->kind) {
  case KEEPER_DIRECTORY:
    return make_directory (k, message->path, stays);
  case KEEPER_HOLD_TREE:
    return hold (k, held, message->path, 1, stays);
  case KEEPER_HOLD_FILE:
  case KEEPER_HOLD:
    return hold (k, held, message->path, 0, 0);
  case KEEPER_CLEAN:
    free (k->clean);
    k->clean = strdup (message->path);
    return 0;
  case KEEPER_SIGNAL:
    return signal_child (k, message->child, message->number);
  case KEEPER_SPAWN:
    return spawn (k, message, fds, ret_pidfd);
  }
  return -EBADMSG;
}

static void
answer (struct keeper *k, int number, int pidfd)
{
  struct keeper_message reply
    = { .kind = KEEPER_REPLY, .number = number, .n_fds = pidfd >= 0 };

  (void) vms_link_send (k->link, &reply, &pidfd);
  vms_descriptor_close (pidfd);
}

static void
serve (struct keeper *k)
{
  struct keeper_message message;
  int fds[KEEPER_FDS], pidfd = NO_DESCRIPTOR;
  int r = vms_link_receive (k->link, &message, fds);

  if (r < 0 || message.kind == KEEPER_END) {
    if (r < 0) {
      close (k->link);
      k->link = NO_DESCRIPTOR;
    }
    end_all (k);
    return;
  }
  if (message.kind == KEEPER_CALLER && message.n_fds == 1) {
    k->caller = fds[0];
    return;
  }
  r = k->ending && message.kind != KEEPER_SIGNAL
        ? -ESHUTDOWN : do_request (k, &message, fds, &pidfd);
  for (uint32_t i = 0; i < message.n_fds; i++)
    close (fds[i]);
  answer (k, r, pidfd);
}

/* ---- the loop ----------------------------------------------------------- */

/* Beside everything else, as it may take long. */
static void
clean_leftovers (struct keeper *k)
{
  size_t removed;

  if (k->clean && fork () == 0) {
    prctl (PR_SET_PDEATHSIG, SIGKILL);
    close (k->link);
    (void) vms_leftover_clean (k->clean, &removed);
    _exit (EXIT_SUCCESS);
  }
  free (k->clean);
  k->clean = NULL;
}

/* What is waited for: only descriptors that are there, as poll() refuses more
 * than the process may have open. */
struct sources {
  struct pollfd fds[MOST_CHILDREN + 3];
  nfds_t n;
};

/* Its place; -1 if there is no descriptor. */
static int
add_source (struct sources *s, int fd, short events)
{
  if (fd < 0)
    return -1;
  s->fds[s->n] = (struct pollfd) { .fd = fd, .events = events };
  return (int) s->n++;
}

static int
has_come (const struct sources *s, int place)
{
  return place >= 0 && s->fds[place].revents;
}

/* What cannot be passed on is waited for in the place of more. */
static int
add_child (struct sources *s, const struct kept_child *child)
{
  if (!child->pid)
    return -1;
  return child->unwritten ? add_source (s, child->error, POLLOUT)
                          : add_source (s, child->output, POLLIN);
}

/* Until something happens. */
static void
turn (struct keeper *k)
{
  struct sources s = { .n = 0 };
  int timeout = time_left (k), children[MOST_CHILDREN], n;
  int link = add_source (&s, k->link, POLLIN);
  int caller = add_source (&s, k->ending ? NO_DESCRIPTOR : k->caller, POLLIN);
  int signals = add_source (&s, k->signals, POLLIN);

  for (int i = 0; i < MOST_CHILDREN; i++)
    children[i] = add_child (&s, &k->children[i]);
  n = poll (s.fds, s.n, timeout);
  if (n == 0 && timeout == IDLE_MS)
    clean_leftovers (k);
  if (n < 0 && errno != EINTR)
    end_all (k);
  if (n <= 0)
    return;
  for (int i = 0; i < MOST_CHILDREN; i++)
    if (has_come (&s, children[i]))
      vms_kept_listen (&k->children[i]);
  if (has_come (&s, signals))
    reap (k);
  if (has_come (&s, link))
    serve (k);
  if (has_come (&s, caller))
    end_all (k);
}

/* What somebody has locked is in use: by a caller that lives, or by another
 * machine that has taken the name over, perhaps just now.  Sockets cannot be
 * opened. */
static void
remove_unlocked (const char *path)
{
  int fd = open (path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

  /* A directory goes only if it is empty. */
  if (fd < 0 || (flock (fd, LOCK_EX | LOCK_NB) == 0
                 && vms_descriptor_is_named (fd, path)))
    (void) remove (path);
  vms_descriptor_close (fd);
}

static void
remove_held (struct keeper *k)
{
  while (k->n_held) {
    struct held *held = &k->held[--k->n_held];

    if (held->path && held->is_tree && !held->stays)
      vms_remove_tree (held->path);
    else if (held->path && !held->is_tree)
      remove_unlocked (held->path);
    /* The lock goes last. */
    vms_descriptor_close (held->fd);
    free (held->path);
  }
  free (k->held);
}

/* ------------------------------------------------------------------------- */

/* What a terminal or a session sends to groups of processes is not meant for the
 * keeper: it ends when its caller does, and has to clean up after that. */
static void
set_signals (struct keeper *k)
{
  static const int ignored[] = { SIGHUP,  SIGINT,  SIGQUIT, SIGTERM, SIGPIPE,
                                 SIGTSTP, SIGTTIN, SIGTTOU, SIGUSR1, SIGUSR2,
                                 SIGXFSZ, SIGXCPU, SIGALRM, SIGIO,   SIGPWR };
  sigset_t children;

  for (size_t i = 0; i < sizeof ignored / sizeof *ignored; i++)
    signal (ignored[i], SIG_IGN);
  signal (SIGCHLD, SIG_DFL);
  sigemptyset (&children);
  sigaddset (&children, SIGCHLD);
  sigprocmask (SIG_SETMASK, &children, NULL);
  k->signals = signalfd (NO_DESCRIPTOR, &children, SFD_CLOEXEC | SFD_NONBLOCK);
}

int
main (int argc, char **argv)
{
  struct keeper k = { .link = LINK, .caller = NO_DESCRIPTOR,
                      .group = getpgrp () };
  const struct keeper_message done = { .kind = KEEPER_DONE };

  if (argc != 3 || strcmp (argv[1], KEEPER_VERSION)
      || fcntl (LINK, F_SETFD, FD_CLOEXEC) < 0) {
    fputs ("vmspec-keeper is started by libvmspec, and by nobody else\n",
           stderr);
    return 2;
  }
  (void) setpgid (0, 0);
  (void) prctl (PR_SET_CHILD_SUBREAPER, 1);
  set_signals (&k);
  if (k.signals < 0)
    return EXIT_FAILURE;
  while (!k.ending || has_children (&k)) {
    turn (&k);
    send_signals (&k);
  }
  kill_strays ();
  remove_held (&k);
  if (k.link >= 0)
    (void) vms_link_send (k.link, &done, NULL);
  return EXIT_SUCCESS;
}
