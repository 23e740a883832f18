/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "channel.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define DEFAULT_MS 10000
#define READ_SIZE 4096

static int64_t
now_ms (void)
{
  struct timespec now;

  clock_gettime (CLOCK_MONOTONIC, &now);
  return (int64_t) now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t
deadline_after (int timeout_ms)
{
  return now_ms () + (timeout_ms < 0 ? DEFAULT_MS : timeout_ms);
}

int
deadline_left (int64_t deadline)
{
  int64_t left = deadline - now_ms ();

  return left < 0 ? 0 : left > INT_MAX ? INT_MAX : (int) left;
}

void
channel_open (struct channel *channel, int fd)
{
  *channel = (struct channel) { .fd = fd };
  fcntl (fd, F_SETFL, fcntl (fd, F_GETFL) | O_NONBLOCK);
}

void
channel_close (struct channel *channel)
{
  if (channel->fd >= 0)
    close (channel->fd);
  free (channel->bytes);
  *channel = (struct channel) { .fd = -1 };
}

static int
give_up (struct channel *channel, int error)
{
  channel_close (channel);
  return error;
}

/* Until the socket can be read from or written to. */
static int
wait_for (const struct channel *channel, short events, int64_t deadline)
{
  struct pollfd one = { .fd = channel->fd, .events = events };

  for (;;) {
    int left = deadline_left (deadline), n = poll (&one, 1, left);

    if (n > 0)
      return 0;
    if (n == 0 && left == 0)
      return -ETIME;
    if (n < 0 && errno != EINTR)
      return -errno;
  }
}

/* ---- sending ------------------------------------------------------------ */

int
channel_send (struct channel *channel, const char *bytes, size_t size,
              int64_t deadline)
{
  if (channel->fd < 0)
    return -ENOTCONN;
  while (size) {
    ssize_t n = send (channel->fd, bytes, size, MSG_NOSIGNAL);
    int r = 0;

    if (n > 0) {
      bytes += n;
      size -= (size_t) n;
    } else if (errno == EAGAIN)
      r = wait_for (channel, POLLOUT, deadline);
    else if (errno != EINTR)
      return give_up (channel, -ENOTCONN);
    if (r < 0) /* half a message cannot be taken back */
      return give_up (channel, r);
  }
  return 0;
}

int
channel_send_json (struct channel *channel, const json_t *json,
                   int64_t deadline)
{
  char *text = json_dumps (json, JSON_COMPACT);
  size_t size = text ? strlen (text) : 0;
  int r = -ENOMEM;

  if (text) {
    text[size] = '\n'; /* in the place of its NUL */
    r = channel_send (channel, text, size + 1, deadline);
  }
  free (text);
  return r;
}

/* ---- receiving ---------------------------------------------------------- */

/* What was looked at makes room; then as much again, up to the longest
 * message. */
static int
make_room (struct channel *channel)
{
  size_t capacity = channel->capacity ? channel->capacity * 2 : READ_SIZE * 2;
  char *bytes;

  if (channel->capacity - channel->size >= READ_SIZE)
    return 0;
  if (channel->start) {
    memmove (channel->bytes, channel->bytes + channel->start,
             channel->size - channel->start);
    channel->size -= channel->start;
    channel->searched -= channel->start;
    channel->start = 0;
    return make_room (channel);
  }
  if (channel->size + READ_SIZE > CHANNEL_LONGEST)
    return -EPROTO;
  bytes = realloc (channel->bytes, capacity);
  if (!bytes)
    return -ENOMEM;
  channel->bytes = bytes;
  channel->capacity = capacity;
  return 0;
}

/* More bytes, after a wait if there are none. */
static int
read_more (struct channel *channel, int64_t deadline)
{
  int r = make_room (channel);

  while (r == 0) {
    ssize_t n = recv (channel->fd, channel->bytes + channel->size,
                      channel->capacity - channel->size, 0);

    if (n > 0) {
      channel->size += (size_t) n;
      return 0;
    }
    if (n == 0 || (errno != EAGAIN && errno != EINTR))
      return give_up (channel, -ENOTCONN);
    r = wait_for (channel, POLLIN, deadline);
  }
  return r == -EPROTO ? give_up (channel, r) : r;
}

static void
drop (struct channel *channel, size_t size)
{
  channel->start += size;
  if (channel->start == channel->size)
    channel->start = channel->size = 0;
  channel->searched = channel->start;
}

/* Reads until there is such a byte; *ret_size is up to and with it. */
static int
read_up_to (struct channel *channel, char byte, int64_t deadline,
            size_t *ret_size)
{
  if (channel->fd < 0)
    return -ENOTCONN;
  for (;;) {
    size_t more = channel->size - channel->searched;
    char *end
      = more ? memchr (channel->bytes + channel->searched, byte, more) : NULL;
    int r;

    if (end) {
      *ret_size = (size_t) (end - channel->bytes) - channel->start + 1;
      return 0;
    }
    channel->searched = channel->size;
    r = read_more (channel, deadline);
    if (r < 0)
      return r;
  }
}

int
channel_receive (struct channel *channel, int64_t deadline,
                 json_t **ret_object)
{
  json_error_t error;
  json_t *object;
  size_t size;
  int r = read_up_to (channel, '\n', deadline, &size);

  if (r < 0)
    return r;
  object = json_loadb (channel->bytes + channel->start, size, 0, &error);
  if (!object && json_error_code (&error) == json_error_out_of_memory)
    return -ENOMEM;
  if (!json_is_object (object)) {
    json_decref (object);
    return give_up (channel, -EPROTO);
  }
  drop (channel, size);
  *ret_object = object;
  return 0;
}

int
channel_skip (struct channel *channel, char byte, int64_t deadline)
{
  size_t size;
  int r = read_up_to (channel, byte, deadline, &size);

  if (r == 0)
    drop (channel, size);
  return r;
}
