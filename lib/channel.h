/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * JSON messages, a line each, over a socket: with bounds on time and memory,
 * whatever the other side sends.
 */
#ifndef VMSPEC_CHANNEL_H
#define VMSPEC_CHANNEL_H

#include <stddef.h>
#include <stdint.h>

#include "clock.h"

/* Of jansson.h, which not every build has. */
struct json_t;
struct json_error_t;

/* QEMU's answer about several thousand drives has less. */
#define CHANNEL_LONGEST (8 << 20)
/* And fewer objects, arrays and members: in memory, each is some hundred times
 * larger than it is written. */
#define CHANNEL_MOST_VALUES 1000000

struct channel {
  int fd;                  /* -1: there is none */
  int closed;              /* the descriptor stays for those who poll it */
  int torn;                /* the last message was sent in part only */
  uint32_t serial;         /* for who needs numbers that differ */
  size_t longest;          /* message, in bytes */
  size_t last_size;        /* of the message received last */
  char *bytes;             /* received; from start on not looked at yet */
  size_t start, size, capacity;
  size_t searched;         /* up to here there is no such byte: */
  char searched_for;
};

/* Takes over the descriptor, which does not block from now on. */
void vms_channel_open (struct channel *channel, int fd);
/* Ends the connection; the descriptor can be read from until vms_channel_close. */
void vms_channel_shut (struct channel *channel);
void vms_channel_close (struct channel *channel);

/* All return 0 or -ETIME, -ENOTCONN (shut, or by the other side now), -EPROTO
 * (and it is shut), -ENOMEM. */
int vms_channel_send (struct channel *channel, const char *bytes, size_t size,
                      int64_t deadline);
/* @json and a line's end; borrowed. */
int vms_channel_send_json (struct channel *channel, const struct json_t *json,
                           int64_t deadline);
/* The next line, which is a JSON object; the caller's to json_decref.  Whole
 * numbers beyond 64 bits with a sign, of which QEMU has some, are reals. */
int vms_channel_receive (struct channel *channel, int64_t deadline,
                         struct json_t **ret_object);
/* The same, of what is behind the first such byte, or behind another one that
 * comes before the line's end. */
int vms_channel_receive_behind (struct channel *channel, char byte,
                                int64_t deadline, struct json_t **ret_object);

/* Whether jansson failed for want of memory, of which it may say nothing: @error
 * has to be zero before. */
int vms_channel_no_memory (const struct json_error_t *error);

#define CHANNEL_REASON 1000
/* What an error object ({"class": ..., "desc": ...}) says, made fit for people's
 * terminals: in one line, without control characters. */
void vms_channel_reason (const struct json_t *error, char text[CHANNEL_REASON]);

#endif
