/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "keeper-link.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

union control {
  struct cmsghdr header;
  char bytes[CMSG_SPACE (KEEPER_FDS * sizeof (int))];
};

int
vms_link_send (int link, const struct keeper_message *message, const int *fds)
{
  struct keeper_message copy = *message;
  struct iovec part = {
    &copy, offsetof (struct keeper_message, path) + strlen (message->path) + 1 };
  union control control = { .bytes = "" };
  struct msghdr header = { .msg_iov = &part, .msg_iovlen = 1 };
  size_t size = message->n_fds * sizeof *fds;

  if (size) {
    header.msg_control = control.bytes;
    header.msg_controllen = CMSG_SPACE (size);
    control.header = (struct cmsghdr) { .cmsg_level = SOL_SOCKET,
                                        .cmsg_type = SCM_RIGHTS,
                                        .cmsg_len = CMSG_LEN (size) };
    memcpy (CMSG_DATA (&control.header), fds, size);
  }
  while (sendmsg (link, &header, MSG_NOSIGNAL) < 0)
    if (errno != EINTR)
      return errno == ECONNRESET ? -EPIPE : -errno;
  return 0;
}

static void
take_descriptors (struct msghdr *header, struct keeper_message *message,
                  int *fds)
{
  struct cmsghdr *control = CMSG_FIRSTHDR (header);

  message->n_fds = 0;
  if (!control || control->cmsg_type != SCM_RIGHTS)
    return;
  message->n_fds
    = (uint32_t) ((control->cmsg_len - CMSG_LEN (0)) / sizeof *fds);
  memcpy (fds, CMSG_DATA (control), message->n_fds * sizeof *fds);
}

int
vms_link_receive (int link, struct keeper_message *message, int *fds)
{
  struct iovec part = { message, sizeof *message };
  union control control = { .bytes = "" };
  struct msghdr header
    = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = control.bytes,
        .msg_controllen = sizeof control.bytes };
  uint32_t said;
  ssize_t size;

  do
    size = recvmsg (link, &header, MSG_CMSG_CLOEXEC);
  while (size < 0 && errno == EINTR);
  if (size <= 0)
    return size == 0 || errno == ECONNRESET ? -EPIPE : -errno;
  said = message->n_fds;
  take_descriptors (&header, message, fds);
  if ((size_t) size <= offsetof (struct keeper_message, path)
      || ((char *) message)[size - 1] || said != message->n_fds) {
    while (message->n_fds)
      close (fds[--message->n_fds]);
    return header.msg_flags & MSG_CTRUNC ? -EMFILE : -EBADMSG;
  }
  return 0;
}
