/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Sockets without a name, so that nobody else can connect, and none is left.  QEMU
 * is told of them by a file, as the option -mon would take the monitor away that
 * it has for people (-readconfig does not): Ctrl-A in the terminal would do
 * nothing.
 */
#include "control.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "descriptor.h"

static void
give (struct control *control, int number, int fd)
{
  control->given[control->n_given++]
    = (struct keeper_descriptor) { number, fd };
}

/* One end is QEMU's, with that number there; the other is returned, or -errno. */
static int
open_pair (struct control *control, int number)
{
  int ends[2];

  if (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
    return -errno;
  give (control, number, ends[1]);
  return vms_descriptor_keep (ends[0]);
}

static void
add_chardev (struct text *text, const char *name, int number)
{
  vms_text_add (text, "[chardev \"");
  vms_text_add (text, name);
  vms_text_add (text, "\"]\n  backend = \"socket\"\n  fd = \"");
  vms_text_add_number (text, (unsigned long long) number);
  vms_text_add (text, "\"\n");
}

static int
open_qmp (struct control *control, vmspec_vm *vm, int number,
          struct text *text)
{
  int ours = open_pair (control, number);

  if (ours < 0)
    return ours;
  vms_qmp_open (&vm->qmp, ours);
  add_chardev (text, "vmspec-qmp", number);
  vms_text_add (text, "[mon \"vmspec-qmp\"]\n  mode = \"control\"\n"
                      "  chardev = \"vmspec-qmp\"\n");
  return 0;
}

static int
open_agent (struct control *control, vmspec_vm *vm, int number,
            struct text *text)
{
  int ours = open_pair (control, number);

  if (ours < 0)
    return ours;
  vms_channel_open (&vm->agent, ours);
  add_chardev (text, "vmspec-agent", number);
  vms_text_add (text, "[device \"vmspec-serial\"]\n"
                      "  driver = \"virtio-serial\"\n"
                      "[device \"vmspec-agent\"]\n"
                      "  driver = \"virtserialport\"\n"
                      "  bus = \"vmspec-serial.0\"\n"
                      "  chardev = \"vmspec-agent\"\n"
                      "  name = \"org.qemu.guest_agent.0\"\n");
  return 0;
}

static int
write_config (struct control *control, int number, const struct text *text,
              struct arena *arena)
{
  int fd = memfd_create ("vmspec-control", MFD_CLOEXEC);
  ssize_t n;

  if (fd < 0)
    return -errno;
  give (control, number, fd);
  control->option = vms_arena_printf (arena, "/proc/self/fd/%d", number);
  n = write (fd, text->bytes, text->size);
  return n < 0 ? -errno : (size_t) n == text->size ? 0 : -ENOSPC;
}

int
vms_control_open (struct control *control, vmspec_vm *vm,
                  const struct vmspec_start *said, int number,
                  struct work *work)
{
  struct text text = { .arena = work->arena };
  int r = 0;

  *control = (struct control) { .n_given = 0 };
  if (!said->qmp || is_on (said->qmp))
    r = open_qmp (control, vm, number++, &text);
  if (r == 0 && is_on (said->guest_agent))
    r = open_agent (control, vm, number++, &text);
  if (r == 0 && text.size)
    r = vms_text_end (&text) ? write_config (control, number, &text, work->arena)
                         : -ENOMEM;
  return r < 0 ? r : vms_arena_error (work->arena);
}

void
vms_control_close (struct control *control)
{
  while (control->n_given)
    close (control->given[--control->n_given].fd);
}
