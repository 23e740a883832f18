/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "supervise.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "duration.h"
#include "signals.h"

/* Before Linux 5.3 there is nothing to poll. */
#define LOOK_MS 200

enum { PROCESS, SIGNALS, EVENTS, N_SOURCES };

/* ---- events ------------------------------------------------------------- */

static const char *
state_after (const char *event, const char *state)
{
  static const struct {
    const char *event, *state;
  } states[] = { { "STOP", "paused" },      { "RESUME", "running" },
                 { "RESET", "running" },    { "POWERDOWN", "powering-down" },
                 { "SHUTDOWN", "shutdown" } };

  /* With -no-shutdown, QEMU stops after it. */
  if (!strcmp (state, "shutdown") && !strcmp (event, "STOP"))
    return state;
  for (size_t i = 0; i < sizeof states / sizeof *states; i++)
    if (!strcmp (event, states[i].event))
      return states[i].state;
  return state;
}

/* All that have come.  Whether more may come. */
static int
take_events (const struct supervision *s)
{
  const char *state = s->registration->state, *before = state;
  const struct vmspec_event *event;
  int r;

  while ((r = vmspec_vm_event (s->ending.vm, &event)) == 0)
    state = state_after (event->name, state);
  if (state != before)
    registration_say (s->registration, state);
  return r == -EAGAIN;
}

/* ---- waiting ------------------------------------------------------------ */

static int
end_in_time (struct supervision *s, int *ret_status)
{
  fprintf (stderr, "vmspec-run: the time is up: the machine is stopped\n");
  s->timed_out = 1;
  registration_say (s->registration, "powering-down");
  return vmspec_vm_stop (s->ending.vm, -1, ret_status);
}

static int
time_left (const struct supervision *s, long long deadline)
{
  int left = ms_until (deadline);

  if (vmspec_vm_pidfd (s->ending.vm) < 0 && (left < 0 || left > LOOK_MS))
    return LOOK_MS;
  return left;
}

/* 1 if the machine is about to end, 0 if the time is up, or -errno. */
static int
watch (struct supervision *s, int signals)
{
  long long deadline = s->timeout ? now_ms () + s->timeout : 0;
  struct pollfd fds[N_SOURCES] = {
    [PROCESS] = { .fd = vmspec_vm_pidfd (s->ending.vm), .events = POLLIN },
    [SIGNALS] = { .fd = signals, .events = POLLIN },
    [EVENTS] = { .fd = vmspec_vm_event_fd (s->ending.vm), .events = POLLIN } };

  while (!fds[PROCESS].revents) {
    if (fds[EVENTS].fd >= 0 && !take_events (s))
      fds[EVENTS].fd = -1;
    if (poll (fds, N_SOURCES, time_left (s, deadline)) < 0 && errno != EINTR)
      return -errno;
    if (fds[PROCESS].fd < 0
        && vmspec_vm_wait (s->ending.vm, 0, NULL) != -ETIME)
      break;
    if (fds[SIGNALS].revents)
      ending_read (&s->ending, signals, s->registration->state);
    if (ms_until (deadline) == 0 && !fds[PROCESS].revents)
      return 0;
  }
  return 1;
}

int
supervise (struct supervision *s, int *ret_status)
{
  sigset_t set = held_signals ();
  int signals = signalfd (-1, &set, SFD_CLOEXEC | SFD_NONBLOCK), r;

  if (signals < 0)
    return -errno;
  r = watch (s, signals);
  if (r == 0)
    r = end_in_time (s, ret_status);
  else if (r > 0)
    r = vmspec_vm_wait (s->ending.vm, -1, ret_status);
  /* One that came too late for the machine is not for us. */
  while (read (signals, &(struct signalfd_siginfo) { 0 },
               sizeof (struct signalfd_siginfo)) > 0)
    ;
  close (signals);
  return r;
}
