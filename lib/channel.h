/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * JSON messages, a line each, over a socket: with bounds on time and memory,
 * whatever the other side sends.
 */
#ifndef VMSPEC_CHANNEL_H
#define VMSPEC_CHANNEL_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

/* QEMU's answer about several thousand drives has less. */
#define CHANNEL_LONGEST (8 << 20)

struct channel {
  int fd;                  /* -1: closed */
  char *bytes;             /* received; from start on not looked at yet */
  size_t start, size, capacity;
  size_t searched;         /* up to here there is no line's end */
};

/* Takes over the descriptor, which does not block from now on. */
void channel_open (struct channel *channel, int fd);
void channel_close (struct channel *channel);

/* A moment so many milliseconds from now; negative: ten seconds. */
int64_t deadline_after (int timeout_ms);
/* Milliseconds until then, 0 when it has passed. */
int deadline_left (int64_t deadline);

/* All return 0 or -ETIME, -ENOTCONN (closed, or by the other side now), -EPROTO
 * (and it is closed), -ENOMEM. */
int channel_send (struct channel *channel, const char *bytes, size_t size,
                  int64_t deadline);
/* @json and a line's end; borrowed. */
int channel_send_json (struct channel *channel, const json_t *json,
                       int64_t deadline);
/* The next line, which is a JSON object; the caller's to json_decref. */
int channel_receive (struct channel *channel, int64_t deadline,
                     json_t **ret_object);
/* Throws everything away up to and with the first such byte. */
int channel_skip (struct channel *channel, char byte, int64_t deadline);

#endif
