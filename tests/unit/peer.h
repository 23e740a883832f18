/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The other side of a socket: bytes that were written beforehand, or a thread
 * that writes while the library reads. */
#ifndef VMSPEC_TESTS_PEER_H
#define VMSPEC_TESTS_PEER_H

#include "unit.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static int ours, theirs; /* the two ends; ours is the library's to close */

static UNUSED void
peer_make (void)
{
  int ends[2];

  ck_assert_int_eq (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends),
                    0);
  ours = ends[0];
  theirs = ends[1];
}

static UNUSED void
peer_close (void)
{
  if (theirs >= 0)
    close (theirs);
  theirs = -1;
}

static UNUSED void
peer_bytes (const char *bytes, size_t size)
{
  ck_assert_int_eq (send (theirs, bytes, size, MSG_NOSIGNAL), (ssize_t) size);
}

static UNUSED void
peer_says (const char *text)
{
  peer_bytes (text, strlen (text));
}

/* What came, as far as it fits. */
static UNUSED const char *
peer_hears (void)
{
  static char text[1 << 16];
  ssize_t n = recv (theirs, text, sizeof text - 1, MSG_DONTWAIT);

  text[n < 0 ? 0 : n] = '\0';
  return text;
}

static UNUSED int64_t
milliseconds (void)
{
  struct timespec now;

  clock_gettime (CLOCK_MONOTONIC, &now);
  return (int64_t) now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* A limit for what should take no more than a moment, on a machine that is busy
 * and watched. */
#define SOON_MS (unit_is_watched () ? 200000 : 20000)

/* ---- threads ------------------------------------------------------------- */

/* Writes a head and then a body again and again, until it is told to end or the
 * other side closes. */
struct writer {
  const char *head;
  size_t head_size;
  const char *body;
  size_t body_size;
  size_t times;        /* the body; 0: for ever */
  size_t piece;        /* bytes at a time; 0: all at once */
  useconds_t pause;    /* between pieces */
  size_t written;
  int stop;
  pthread_t thread;
};

static UNUSED int
writer_put (struct writer *w, const char *bytes, size_t size)
{
  while (size && !__atomic_load_n (&w->stop, __ATOMIC_RELAXED)) {
    size_t piece = w->piece && w->piece < size ? w->piece : size;
    ssize_t n = send (theirs, bytes, piece, MSG_NOSIGNAL | MSG_DONTWAIT);

    if (n < 0 && errno != EAGAIN)
      return -errno;
    if (n < 0)
      poll (&(struct pollfd) { .fd = theirs, .events = POLLOUT }, 1, 20);
    else {
      bytes += n;
      size -= (size_t) n;
      __atomic_add_fetch (&w->written, (size_t) n, __ATOMIC_RELAXED);
      if (w->pause)
        usleep (w->pause);
    }
  }
  return 0;
}

static UNUSED void *
writer_run (void *data)
{
  struct writer *w = data;
  int r = writer_put (w, w->head, w->head_size);

  for (size_t i = 0; r == 0 && (!w->times || i < w->times)
                     && !__atomic_load_n (&w->stop, __ATOMIC_RELAXED); i++)
    r = writer_put (w, w->body, w->body_size);
  return NULL;
}

static UNUSED void
writer_start (struct writer *w)
{
  ck_assert_int_eq (pthread_create (&w->thread, NULL, writer_run, w), 0);
}

static UNUSED void
writer_stop (struct writer *w)
{
  __atomic_store_n (&w->stop, 1, __ATOMIC_RELAXED);
  pthread_join (w->thread, NULL);
}

/* Waits until all is written. */
static UNUSED void
writer_join (struct writer *w)
{
  pthread_join (w->thread, NULL);
}

#define TEXT_AND_SIZE(text) text, sizeof (text) - 1

#endif
