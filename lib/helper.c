/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "helper.h"
#include "descriptor.h"
#include "keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define TICK_MS 100
/* What is read before something else gets its turn: more than a pipe holds. */
#define READS_AT_ONCE 32

static void
close_output (struct helper *helper)
{
  vms_descriptor_close (helper->output);
  helper->output = NO_DESCRIPTOR;
}

/* ---- starting ----------------------------------------------------------- */

static int
make_pipe (int ends[2])
{
  if (pipe2 (ends, O_CLOEXEC) < 0)
    return -errno;
  /* Only our end: the program's is another open file. */
  if (fcntl (ends[0], F_SETFL, O_NONBLOCK) < 0) {
    int error = errno;

    close (ends[0]);
    close (ends[1]);
    return -error;
  }
  return 0;
}

static int
spawn_kept (struct keeper *keeper, const struct child_setup *child,
            struct child *ret_child)
{
  const struct keeper_descriptor descriptors[]
    = { { 0, child->input }, { 1, child->output }, { 2, child->error },
        { CHILD_EXTRA, child->extra } };

  return vms_keeper_spawn (keeper, &(struct keeper_setup) {
    .child = KEPT_HELPER, .role = KEEPER_TRANSIENT, .argv = child->argv,
    .environment = child->environment, .directory = child->directory,
    .descriptors = descriptors, .n_descriptors = child->extra < 0 ? 3 : 4,
    .error = NO_DESCRIPTOR }, ret_child);
}

static int
spawn (struct helper *helper, struct work *work,
       const struct helper_setup *setup, int null)
{
  struct child_setup child
    = { .argv = setup->argv, .directory = setup->directory, .input = null,
        .extra = setup->extra };
  int ends[2], r = make_pipe (ends);

  if (r < 0)
    return r;
  child.environment
    = setup->environment ? setup->environment : vms_work_environment (work);
  child.output = child.error = ends[1];
  helper->output = ends[0];
  r = helper->keeper ? spawn_kept (helper->keeper, &child, &helper->child)
                     : vms_child_spawn (&child, &helper->child);
  close (ends[1]);
  if (r < 0)
    close_output (helper);
  return r;
}

int
vms_helper_start (struct helper *helper, struct work *work,
                  const struct helper_setup *setup)
{
  const char *slash = strrchr (setup->argv[0], '/');
  int null = TEMP_FAILURE_RETRY (open ("/dev/null", O_RDONLY | O_CLOEXEC)), r;

  *helper = (struct helper) { .child = { .pid = -1, .pidfd = NO_DESCRIPTOR },
                              .keeper = work->keeper,
                              .name = slash ? slash + 1 : setup->argv[0],
                              .mark = setup->mark, .text = setup->text,
                              .output = NO_DESCRIPTOR };
  r = null < 0 ? -errno : spawn (helper, work, setup, null);
  vms_descriptor_close (null);
  if (r < 0)
    vms_work_fail (work, r, "helper.failed", NULL, "%s cannot be started: %s",
                   setup->argv[0], strerrordesc_np (-r));
  return r;
}

/* ---- listening ---------------------------------------------------------- */

/* Keeps the end of what it says, and all if that is wanted. */
static void
remember (struct helper *helper, const char *bytes, size_t size)
{
  size_t room = sizeof helper->said - 1, drop;

  if (helper->text && helper->text->size < HELPER_TEXT_LARGEST) {
    size_t left = HELPER_TEXT_LARGEST - helper->text->size;

    vms_text_add_bytes (helper->text, bytes, size < left ? size : left);
  }
  drop = helper->said_size + size > room ? helper->said_size + size - room : 0;
  memmove (helper->said, helper->said + drop, helper->said_size - drop);
  helper->said_size -= drop;
  memcpy (helper->said + helper->said_size, bytes, size);
  helper->said_size += size;
}

static void
listen_to (struct helper *helper)
{
  char bytes[2048];

  for (int i = 0; helper->output >= 0 && i < READS_AT_ONCE; i++) {
    ssize_t n = read (helper->output, bytes, sizeof bytes);

    if (n > 0)
      remember (helper, bytes, (size_t) n);
    else if (n < 0 && errno == EAGAIN)
      return;
    else if (n == 0 || errno != EINTR)
      close_output (helper);
  }
}

static char *
cut_last_line (struct helper *helper)
{
  char *start;

  while (helper->said_size
         && strchr ("\n ", helper->said[helper->said_size - 1]))
    helper->said_size--;
  helper->said[helper->said_size] = '\0';
  start = memrchr (helper->said, '\n', helper->said_size);
  start = start ? start + 1 : helper->said;
  helper->said_size = (size_t) (start - helper->said);
  return start;
}

static void
make_plain (char *bytes, size_t size)
{
  for (size_t i = 0; i < size; i++)
    if (bytes[i] == '\r')
      bytes[i] = '\n';
    else if (bytes[i] != '\n'
             && ((unsigned char) bytes[i] < ' ' || bytes[i] == 0x7f))
      bytes[i] = ' ';
}

/* The last line that is not empty, or that holds the mark. */
static const char *
last_words (struct helper *helper)
{
  char *last, *line;

  make_plain (helper->said, helper->said_size);
  last = line = cut_last_line (helper);
  while (helper->mark && helper->said_size && !strstr (line, helper->mark))
    line = cut_last_line (helper);
  if (helper->mark && strstr (line, helper->mark))
    last = line;
  return *last ? last : "it did not say why";
}

/* ---- the end ------------------------------------------------------------ */

/* By its descriptor where there is one: the number may be somebody else's by
 * now, if the caller's program waits for all children. */
static void
send_kill (const struct helper *helper)
{
  const struct child *child = &helper->child;

  if (helper->keeper)
    (void) vms_keeper_signal (helper->keeper, KEPT_HELPER, SIGKILL);
  else if (child->pidfd >= 0)
    (void) syscall (SYS_pidfd_send_signal, child->pidfd, SIGKILL, NULL, 0);
  else
    kill (child->pid, SIGKILL);
}

/* Whether the keeper has told so, within a time; or has ended itself. */
static int
kept_has_ended (const struct helper *helper, int timeout_ms)
{
  const struct kept_state *state = &helper->keeper->children[KEPT_HELPER];
  int r = state->ended ? 0 : vms_keeper_listen (helper->keeper, timeout_ms);

  return state->ended || r == -EPIPE;
}

static int
reap_kept (struct helper *helper, int *ret_status)
{
  const struct kept_state *state = &helper->keeper->children[KEPT_HELPER];

  while (!kept_has_ended (helper, -1))
    ;
  *ret_status = state->status;
  return state->ended ? 0 : -EPIPE;
}

static int
reap (struct helper *helper, int *ret_status)
{
  int r = 0;

  if (helper->keeper)
    r = reap_kept (helper, ret_status);
  else
    while (waitpid (helper->child.pid, ret_status, 0) < 0 && r == 0)
      r = errno == EINTR ? 0 : -errno;
  vms_descriptor_close (helper->child.pidfd);
  helper->child = (struct child) { .pid = -1, .pidfd = NO_DESCRIPTOR };
  return r;
}

void
vms_helper_kill (struct helper *helper)
{
  int status;

  if (helper->child.pid > 0) {
    send_kill (helper);
    reap (helper, &status);
  }
  close_output (helper);
}

/* Also if somebody else has waited for it. */
static int
has_ended (const struct helper *helper)
{
  siginfo_t info = { .si_pid = 0 };
  int r;

  if (helper->keeper)
    return kept_has_ended (helper, 0);
  r = waitid (P_PID, (id_t) helper->child.pid, &info,
              WEXITED | WNOHANG | WNOWAIT);

  return r < 0 ? errno == ECHILD : info.si_pid != 0;
}

/* Until the program itself ends.  Its output may end before, or be held open by
 * another after. */
static int
wait_for_end (struct helper *helper, int (*tick) (void *data), void *data)
{
  int pidfd = helper->child.pidfd, r = 0;

  for (;;) {
    struct pollfd sources[] = { { .fd = helper->output, .events = POLLIN },
                                { .fd = pidfd, .events = POLLIN } };
    int ended = has_ended (helper);

    if (!ended)
      poll (sources, 2, tick || pidfd < 0 ? TICK_MS : -1);
    listen_to (helper);
    if (ended)
      return 0;
    if (tick)
      r = tick (data);
    if (r < 0)
      return r;
  }
}

int
vms_helper_wait (struct helper *helper, struct work *work,
                 int (*tick) (void *data), void *data)
{
  int status, r = wait_for_end (helper, tick, data);

  if (r < 0) {
    vms_helper_kill (helper);
    return r;
  }
  close_output (helper);
  r = reap (helper, &status);
  if (r < 0)
    return vms_work_fail (work, r, "helper.failed", NULL,
                          "the status of %s is lost: %s; the program that waits "
                          "for all children has to leave this one to vmspec",
                          helper->name, strerrordesc_np (-r));
  if (WIFSIGNALED (status))
    return vms_work_fail (work, -EIO, "helper.failed", NULL,
                          "%s was killed by signal %d", helper->name,
                          WTERMSIG (status));
  if (WEXITSTATUS (status))
    return vms_work_fail (work, -EIO, "helper.failed", NULL,
                          "%s failed with status %d: %.500s", helper->name,
                          WEXITSTATUS (status), last_words (helper));
  return 0;
}

int
vms_helper_run (struct work *work, const struct helper_setup *setup,
                int (*tick) (void *data), void *data)
{
  struct helper helper;
  int r = vms_helper_start (&helper, work, setup);

  return r < 0 ? r : vms_helper_wait (&helper, work, tick, data);
}
