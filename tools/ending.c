/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ending.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "duration.h"

/* For an answer to a question; who waits at a keyboard gets none slower.  What
 * has not answered yet hardly will. */
#define ANSWER_MS 1000
#define SILENT_MS 100
/* timeout(1) signals first a process and then its group; a terminal that goes
 * away is told of by the shell and by the kernel. */
#define SAME_MS 50

enum { POWERDOWN, QUIT, TERM, KILL };

static int
answer_ms (const struct ending *ending)
{
  return ending->is_silent ? SILENT_MS : ANSWER_MS;
}

static int
power_down (const struct ending *ending)
{
  int ms = answer_ms (ending);

  if (ending->has_agent
      && vmspec_vm_agent (ending->vm, "guest-shutdown", NULL, ms, NULL, NULL)
           == 0)
    return 0;
  return vmspec_vm_control (ending->vm, VMSPEC_ACTION_POWERDOWN, ms, NULL);
}

/* A QEMU that is so quick that the answer is lost has done it. */
static int
quit (const struct ending *ending)
{
  vmspec_vm *vm = ending->vm;
  int r;

  if (vmspec_vm_event_fd (vm) < 0)
    return -1;
  r = vmspec_vm_control (vm, VMSPEC_ACTION_QUIT, answer_ms (ending), NULL);
  return r < 0 && vmspec_vm_wait (vm, 0, NULL) != -ETIME ? 0 : r;
}

static int
go (const struct ending *ending, int way)
{
  switch (way) {
  case POWERDOWN:
    return power_down (ending);
  case QUIT:
    return quit (ending);
  }
  return vmspec_vm_kill (ending->vm, way == TERM ? SIGTERM : SIGKILL);
}

static void
tell (int way, int number, int is_paused)
{
  static const char *const said[] = {
    [POWERDOWN] = "the guest was asked to power down",
    [QUIT] = "QEMU was told to quit",
    [TERM] = "the guest cannot be asked, and QEMU was sent SIGTERM",
    [KILL] = "QEMU was killed" };
  static const char *const then[] = { [POWERDOWN] = "has QEMU quit",
                                      [QUIT] = "kills it",
                                      [TERM] = "kills it" };
  const char *again = number == SIGINT ? "Ctrl-C again" : "the next signal";

  if (way == KILL)
    fprintf (stderr, "vmspec-run: %s\n", said[way]);
  else
    fprintf (stderr, "vmspec-run: %s%s; %s %s\n",
             is_paused ? "a paused guest notices nothing: " : "", said[way],
             again, then[way]);
}

static void
ask (struct ending *ending, int number, const char *state)
{
  int is_paused = ending->next == POWERDOWN && !strcmp (state, "paused");
  int way = is_paused ? QUIT : ending->next;

  while (way < KILL && go (ending, way) < 0)
    way++;
  if (way >= KILL)
    (void) go (ending, KILL);
  tell (way, number, is_paused);
  /* SIGTERM is to QEMU what quit is: after either it is killed. */
  ending->next = way == POWERDOWN ? QUIT : KILL;
}

/* What a terminal sends, QEMU has got as well; it quits by itself. */
static void
leave_to_qemu (struct ending *ending, int number)
{
  fprintf (stderr, "vmspec-run: QEMU has got this signal, too, and ends by it; "
           "%s has it quit\n",
           number == SIGINT ? "Ctrl-C again" : "the next one");
  ending->next = QUIT;
}

void
ending_read (struct ending *ending, int signals, const char *state)
{
  struct signalfd_siginfo info;
  int number, from_terminal;

  if (read (signals, &info, sizeof info) != sizeof info)
    return;
  number = (int) info.ssi_signo;
  from_terminal = info.ssi_code == SI_KERNEL;
  if (vmspec_vm_wait (ending->vm, 0, NULL) != -ETIME)
    return; /* it has come too late */
  if (ending->asked && (!from_terminal || number == SIGHUP)
      && now_ms () - ending->last < SAME_MS)
    return;
  ending->asked++;
  if (from_terminal && ending->shares_terminal && ending->asked == 1)
    leave_to_qemu (ending, number);
  else
    ask (ending, number, state);
  ending->last = now_ms ();
}
