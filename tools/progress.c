/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "progress.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "duration.h"
#include "signals.h"

#define QUICK_MS 500
#define WIDTH 30

static void
draw (const struct vmspec_progress *p)
{
  char bar[WIDTH + 1];
  int full = p->total ? (int) ((double) p->done / (double) p->total * WIDTH)
                      : 0;

  if (full > WIDTH)
    full = WIDTH;
  memset (bar, '.', WIDTH);
  memset (bar, '#', (size_t) full);
  bar[WIDTH] = '\0';
  if (p->total)
    fprintf (stderr, "\r\033[K%-16s [%s] %3d %%  %llu of %llu MiB", p->step, bar,
             full * 100 / WIDTH, (unsigned long long) p->done >> 20,
             (unsigned long long) p->total >> 20);
  else
    fprintf (stderr, "\r\033[K%-16s %llu MiB", p->step,
             (unsigned long long) p->done >> 20);
}

static int
on_progress (void *data, const struct vmspec_progress *p)
{
  struct progress *progress = data;

  if (progress->is_terminal && now_ms () - progress->start > QUICK_MS) {
    draw (p);
    progress->shown = 1;
  }
  return signal_waits ();
}

struct vmspec_work
progress_work (struct progress *progress, int no_sync)
{
  *progress = (struct progress) { .is_terminal = isatty (STDERR_FILENO),
                                  .start = now_ms () };
  return (struct vmspec_work) {
    VMSPEC_INIT (vmspec_work), .sync = no_sync ? VMSPEC_OFF : VMSPEC_UNSET,
    .progress = on_progress, .data = progress,
    .environment = (const char *const *) environ,
  };
}

void
progress_end (struct progress *progress)
{
  if (progress->shown)
    fputs ("\r\033[K", stderr);
  progress->shown = 0;
}
