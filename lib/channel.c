/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "channel.h"
#include "clock.h"
#include "descriptor.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define READ_SIZE 4096

void
vms_channel_open (struct channel *channel, int fd)
{
  *channel = (struct channel) { .fd = fd, .longest = CHANNEL_LONGEST };
  fcntl (fd, F_SETFL, fcntl (fd, F_GETFL) | O_NONBLOCK);
}

static void
forget_bytes (struct channel *channel)
{
  free (channel->bytes);
  channel->bytes = NULL;
  channel->start = channel->size = channel->capacity = channel->searched = 0;
}

/* The descriptor's number must not become another file's while somebody polls
 * it. */
void
vms_channel_shut (struct channel *channel)
{
  if (channel->fd >= 0)
    (void) shutdown (channel->fd, SHUT_RDWR);
  forget_bytes (channel);
  channel->closed = 1;
}

void
vms_channel_close (struct channel *channel)
{
  vms_descriptor_close (channel->fd);
  forget_bytes (channel);
  *channel = (struct channel) { .fd = NO_DESCRIPTOR };
}

static int
give_up (struct channel *channel, int error)
{
  vms_channel_shut (channel);
  return error;
}

static int
is_open (const struct channel *channel)
{
  return channel->fd >= 0 && !channel->closed;
}

/* Until the socket can be read from or written to.  When the time is up it is not
 * asked: a slow peer would always have a byte. */
static int
wait_for (const struct channel *channel, short events, int64_t deadline)
{
  struct pollfd one = { .fd = channel->fd, .events = events };

  for (;;) {
    int left = vms_deadline_left (deadline), n;

    if (left == 0)
      return -ETIME;
    n = poll (&one, 1, left);
    if (n > 0)
      return 0;
    if (n < 0 && errno != EINTR)
      return -errno;
  }
}

/* ---- sending ------------------------------------------------------------ */

/* What has come before the other side closed can still be received. */
int
vms_channel_send (struct channel *channel, const char *bytes, size_t size,
                  int64_t deadline)
{
  size_t sent = 0;

  if (!is_open (channel))
    return -ENOTCONN;
  channel->torn = 0;
  while (sent < size) {
    ssize_t n = send (channel->fd, bytes + sent, size - sent, MSG_NOSIGNAL);
    int r = 0;

    if (n > 0)
      sent += (size_t) n;
    else if (errno == EAGAIN)
      r = wait_for (channel, POLLOUT, deadline);
    else if (errno != EINTR)
      r = -ENOTCONN;
    if (r < 0) {
      channel->torn = sent > 0;
      return r;
    }
  }
  return 0;
}

int
vms_channel_send_json (struct channel *channel, const json_t *json,
                       int64_t deadline)
{
  char *text = json_dumps (json, JSON_COMPACT);
  size_t size = text ? strlen (text) : 0;
  int r = -ENOMEM;

  if (text) {
    text[size] = '\n'; /* in the place of its NUL */
    r = vms_channel_send (channel, text, size + 1, deadline);
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

  if (capacity > channel->longest)
    capacity = channel->longest;
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
  if (channel->size + READ_SIZE > channel->longest)
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

/* One long message is no reason to hold so much for ever. */
#define KEPT_CAPACITY 65536

static void
drop (struct channel *channel, size_t size)
{
  channel->start += size;
  channel->searched = channel->start;
  if (channel->start < channel->size)
    return;
  if (channel->capacity > KEPT_CAPACITY)
    forget_bytes (channel);
  channel->start = channel->size = channel->searched = 0;
}

/* Reads until there is such a byte; *ret_size is up to and with it.  What is there
 * is read even when the time is up. */
static int
read_up_to (struct channel *channel, char byte, int64_t deadline,
            size_t *ret_size)
{
  if (!is_open (channel))
    return -ENOTCONN;
  if (channel->searched_for != byte)
    channel->searched = channel->start;
  channel->searched_for = byte;
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

/* ---- one message -------------------------------------------------------- */

/* Behind the string that begins here. */
static char *
skip_string (char *at, const char *stop)
{
  for (at++; at < stop && *at != '"'; at++)
    at += *at == '\\';
  return at < stop ? at + 1 : at;
}

static int
has_too_many_values (char *at, const char *stop)
{
  size_t n = 0;

  while (at < stop)
    if (*at == '"')
      at = skip_string (at, stop);
    else
      n += *at == '{' || *at == '[' || *at == ',', at++;
  return n > CHANNEL_MOST_VALUES;
}

/* Writes a number that jansson has no integer for as a real: with "e2" in the
 * place of its last digits, which reals of this size do not hold anyway.  There
 * is a line's end behind it. */
static char *
shorten_number (char *at)
{
  size_t size = strspn (at, "0123456789+-.eE");
  char *end;

  errno = 0;
  (void) strtoll (at, &end, 10);
  if (errno == ERANGE && end == at + size)
    memcpy (end - 2, "e2", 2);
  return at + size;
}

static void
shorten_numbers (char *at, const char *stop)
{
  while (at < stop)
    if (*at == '"')
      at = skip_string (at, stop);
    else if (*at == '-' || (*at >= '0' && *at <= '9'))
      at = shorten_number (at);
    else
      at++;
}

int
vms_channel_no_memory (const json_error_t *error)
{
  return json_error_code (error) == json_error_out_of_memory
         || json_error_code (error) == json_error_unknown;
}

/* A line. */
static int
read_object (char *line, size_t size, json_t **ret_object)
{
  const size_t flags = JSON_ALLOW_NUL;
  json_error_t error = { 0 };

  if (has_too_many_values (line, line + size))
    return -EPROTO;
  *ret_object = json_loadb (line, size, flags, &error);
  if (!*ret_object && json_error_code (&error) == json_error_numeric_overflow) {
    shorten_numbers (line, line + size);
    *ret_object = json_loadb (line, size, flags, &error);
  }
  if (json_is_object (*ret_object))
    return 0;
  if (!*ret_object && vms_channel_no_memory (&error))
    return -ENOMEM;
  json_decref (*ret_object);
  return -EPROTO;
}

int
vms_channel_receive (struct channel *channel, int64_t deadline,
                     json_t **ret_object)
{
  json_t *object;
  size_t size;
  int r = read_up_to (channel, '\n', deadline, &size);

  if (r < 0)
    return r;
  r = read_object (channel->bytes + channel->start, size, &object);
  if (r == -EPROTO)
    return give_up (channel, r);
  if (r < 0)
    return r;
  channel->last_size = size;
  drop (channel, size);
  *ret_object = object;
  return 0;
}

int
vms_channel_receive_behind (struct channel *channel, char byte,
                            int64_t deadline, json_t **ret_object)
{
  size_t size;
  const char *line, *last;
  int r = read_up_to (channel, byte, deadline, &size);

  if (r < 0)
    return r;
  /* The byte itself stays, for the case that there is no time for the rest. */
  if (size > 1)
    drop (channel, size - 1);
  r = read_up_to (channel, '\n', deadline, &size);
  if (r < 0)
    return r;
  line = channel->bytes + channel->start;
  last = memrchr (line, byte, size);
  if (last)
    drop (channel, (size_t) (last - line) + 1);
  return vms_channel_receive (channel, deadline, ret_object);
}

/* ---- errors ------------------------------------------------------------- */

/* ASCII's control characters, and in UTF-8 those after it, which terminals know
 * as well: U+0080 to U+009F. */
static int
is_control (const char *at)
{
  const unsigned char *c = (const unsigned char *) at;

  return c[0] < ' ' || c[0] == 0x7f || (c[0] == 0xc2 && c[1] < 0xa0);
}

void
vms_channel_reason (const json_t *error, char text[CHANNEL_REASON])
{
  const char *said = json_string_value (json_object_get (error, "desc"));
  size_t size = 0;

  if (!said || !*said)
    said = "it did not say why";
  for (; *said && size < CHANNEL_REASON - 1; said++)
    if (is_control (said)) {
      said += (unsigned char) *said == 0xc2;
      text[size++] = ' ';
    } else
      text[size++] = *said;
  /* Not half a character at the end. */
  if (*said)
    while (size && ((unsigned char) *said & 0xc0) == 0x80) {
      said--;
      size--;
    }
  text[size] = '\0';
}
