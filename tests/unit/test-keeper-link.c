/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Messages between the library and its keeper, and what is none. */
#include "unit.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "descriptor.h"
#include "keeper-link.h"

static int ends[2], fds[KEEPER_FDS];
static struct keeper_message sent, got;

static void
set_up (void)
{
  ck_assert_int_eq (socketpair (AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC
                                | SOCK_NONBLOCK, 0, ends), 0);
  sent = (struct keeper_message) { .kind = KEEPER_HOLD, .number = -7,
                                   .child = 3, .path = "/a path" };
}

static void
tear_down (void)
{
  close (ends[0]);
  close (ends[1]);
}

static void
send_all (uint32_t n)
{
  const int given[KEEPER_FDS] = { [0 ... KEEPER_FDS - 1] = ends[1] };

  sent.n_fds = n;
  for (uint32_t i = 0; i < n; i++)
    sent.fds[i] = (int32_t) i;
  ck_assert_int_eq (vms_link_send (ends[0], &sent, given), 0);
}

/* A message as it is, without descriptors and of that size. */
static void
send_bytes (size_t size)
{
  ck_assert_int_eq (send (ends[0], &sent, size, 0), size);
}

START_TEST (what_is_sent_arrives)
{
  static const uint32_t counts[] = { 0, 1, 2, KEEPER_FDS };

  for (size_t i = 0; i < COUNT (counts); i++) {
    struct stat is, was;

    send_all (counts[i]);
    memset (&got, 0xff, sizeof got);
    ck_assert_int_eq (vms_link_receive (ends[1], &got, fds), 0);
    ck_assert_mem_eq (&got, &sent, offsetof (struct keeper_message, path));
    ck_assert_str_eq (got.path, sent.path);
    ck_assert_int_eq (fstat (ends[1], &was), 0);
    for (uint32_t j = 0; j < counts[i]; j++) {
      ck_assert_int_eq (fstat (fds[j], &is), 0);
      ck_assert_uint_eq (is.st_ino, was.st_ino);
      ck_assert_int_eq (fcntl (fds[j], F_GETFD), FD_CLOEXEC);
      close (fds[j]);
    }
  }
  ck_assert_int_eq (vms_link_receive (ends[1], &got, fds), -EAGAIN);
}
END_TEST

START_TEST (an_end_is_an_end_with_and_without_what_was_not_read)
{
  close (ends[0]);
  ck_assert_int_eq (vms_link_receive (ends[1], &got, fds), -EPIPE);
  ck_assert_int_eq (vms_link_send (ends[1], &sent, NULL), -EPIPE);
  tear_down ();
  for (int i = 0; i < 2; i++) {
    set_up ();
    send_all (0);
    close (ends[1]);
    ck_assert_int_eq (i ? vms_link_receive (ends[0], &got, fds)
                        : vms_link_send (ends[0], &sent, NULL), -EPIPE);
    close (ends[0]);
  }
  ck_assert_int_eq (vms_link_receive (-1, &got, fds), -EBADF);
  ck_assert_int_eq (vms_link_send (-1, &sent, NULL), -EBADF);
}
END_TEST

START_TEST (what_is_no_message_is_refused)
{
  const size_t header = offsetof (struct keeper_message, path);

  sent.path[0] = '\0';
  send_bytes (header + 1);
  ck_assert_int_eq (vms_link_receive (ends[1], &got, fds), 0);
  for (size_t size = header - 1; size <= header; size++) {
    send_bytes (size);
    ck_assert_int_eq (vms_link_receive (ends[1], &got, fds), -EBADMSG);
  }
  sent.path[0] = 'a';
  send_bytes (header + 1);
  ck_assert_int_eq (vms_link_receive (ends[1], &got, fds), -EBADMSG);
  sent.n_fds = 1;
  send_bytes (header + 2);
  ck_assert_int_eq (vms_link_receive (ends[1], &got, fds), -EBADMSG);
}
END_TEST

/* The child says it from outside: of a limit that a process sets for itself,
 * valgrind keeps its own idea, and tells the kernel nothing. */
static void
limit_descriptors (const struct rlimit *limit)
{
  pid_t child = fork ();
  int status = -1;

  if (child == 0)
    _exit (prlimit (getppid (), RLIMIT_NOFILE, limit, NULL) != 0);
  ck_assert_int_eq (waitpid (child, &status, 0), child);
  ck_assert_int_eq (status, 0);
}

START_TEST (descriptors_that_there_is_no_room_for_are_none)
{
  struct rlimit limit, none;
  int before = unit_descriptors (), last = dup (ends[0]);

  close (last);
  send_all (3);
  ck_assert_int_eq (getrlimit (RLIMIT_NOFILE, &limit), 0);
  none = limit;
  none.rlim_cur = (rlim_t) last + 1;
  limit_descriptors (&none);
  ck_assert_int_eq (vms_link_receive (ends[1], &got, fds), -EMFILE);
  limit_descriptors (&limit);
  ck_assert_int_eq (unit_descriptors (), before);
}
END_TEST

/* ---- descriptors --------------------------------------------------------- */

static int
is_open (int fd)
{
  return fcntl (fd, F_GETFD) >= 0;
}

/* 0, 1 or 2 if something is wrong, else 42; the standard descriptors are closed. */
static int
keep_them (void)
{
  for (int i = 0; i < 3; i++) {
    int plain, kept;

    for (int j = 0; j < 3; j++)
      close (j);
    for (int j = 0; j < i; j++)
      (void) open ("/dev/null", O_RDONLY);
    plain = open ("/dev/null", O_RDONLY);
    for (int j = 0; j < i; j++)
      close (j);
    kept = vms_descriptor_keep (plain);
    if (plain != i || kept < 3 || is_open (plain)
        || fcntl (kept, F_GETFD) != FD_CLOEXEC)
      return i;
    if (dup2 (kept, i) != i)
      return i;
    vms_descriptor_close (i);
    if (is_open (i))
      return i;
  }
  return 42;
}

START_TEST (standard_numbers_are_not_kept)
{
  pid_t child = fork ();
  int status = -1, high;

  if (child == 0)
    _exit (keep_them ());
  ck_assert_int_eq (waitpid (child, &status, 0), child);
  ck_assert_int_eq (WEXITSTATUS (status), 42);
  high = fcntl (ends[0], F_DUPFD_CLOEXEC, 10);
  ck_assert_int_eq (vms_descriptor_keep (high), high);
  ck_assert (is_open (high));
  close (high);
  ck_assert_int_eq (vms_descriptor_keep (-EMFILE), -EMFILE);
  vms_descriptor_close (-1);
}
END_TEST

/* The lowest number that is kept is kept as it is. */
START_TEST (three_is_no_standard_number)
{
  pid_t child = fork ();
  int status = -1;

  if (child == 0) {
    if (ends[0] != 3)
      dup2 (ends[0], 3);
    _exit (vms_descriptor_keep (3) == 3 && is_open (3) ? 42 : 0);
  }
  ck_assert_int_eq (waitpid (child, &status, 0), child);
  ck_assert_int_eq (WEXITSTATUS (status), 42);
}
END_TEST

int
main (void)
{
  TCase *t = unit_case ("keeper-link");

  tcase_add_checked_fixture (t, set_up, tear_down);
  tcase_add_test (t, what_is_sent_arrives);
  tcase_add_test (t, an_end_is_an_end_with_and_without_what_was_not_read);
  tcase_add_test (t, what_is_no_message_is_refused);
  tcase_add_test (t, descriptors_that_there_is_no_room_for_are_none);
  tcase_add_test (t, standard_numbers_are_not_kept);
  tcase_add_test (t, three_is_no_standard_number);
  return unit_run ("keeper-link", t);
}
