/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Memory runs out while QEMU or the guest's agent is asked: each allocation fails
 * in its turn, alone and with all that follow, those of the JSON parser as well.
 * The linker puts our functions in the place of the library's (--wrap).
 */
#include "agent.h"
#include "nomem.h"
#include "peer.h"
#include "vm.h"

#include <jansson.h>

/* No assertion of the test's own may stand where allocations are counted. */

/* ---- what is tried ------------------------------------------------------- */

static vmspec_vm vm;
static vmspec_diag *diag;

static void
open_vm (const char *bytes)
{
  peer_make ();
  peer_says (bytes);
  ck_assert_int_eq (shutdown (theirs, SHUT_WR), 0);
  vm = (vmspec_vm) { .agent.fd = -1, .qmp.channel.fd = -1 };
  vm.qmp.last = &vm.qmp.first;
  ck_assert_int_eq (vmspec_diag_new (&diag), 0);
}

static void
close_vm (void)
{
  vms_qmp_close (&vm.qmp);
  vms_channel_close (&vm.agent);
  vms_arena_free (&vm.answers);
  vmspec_diag_clear (diag);
  memory.watching = 0;
  vmspec_diag_free (diag);
  peer_close ();
}

/* No number here is longer than 15 characters: jansson 2.14 ends the process by an
 * assertion of its own (lex_unget_unsave) when memory runs out in such. */
static int
try_qmp (void)
{
  const struct vmspec_event *event = NULL;
  const char *answer = NULL;
  int r;

  open_vm ("{\"QMP\": {}}\n{\"return\": {}, \"id\": 1}\n"
           "{\"event\": \"E\", \"data\": {\"a\": [1, 1.5, \"b\"]}}\n"
           "{\"return\": {\"status\": \"running\", \"n\": 12345.5}, \"id\": 2}\n"
           "{\"error\": {\"desc\": \"no\"}, \"id\": 3}\n");
  memory.watching = 1;
  vms_qmp_open (&vm.qmp, ours);
  r = vmspec_vm_qmp (&vm, "query-status", "{\"a\": [\"b\"]}", 1000, diag,
                     &answer);
  if ((r == 0) != (answer != NULL))
    r = 1;
  if (r == 0)
    r = vmspec_vm_event (&vm, &event);
  if (r == 0)
    r = strcmp (event->name, "E") != 0;
  (void) vmspec_vm_status (&vm, 1000, diag, &answer);
  close_vm ();
  return r;
}

static int
try_agent (void)
{
  static const char *const argv[] = { "/bin/sh", "-c", NULL };
  const struct vmspec_exec_result *result = NULL;
  int r;

  open_vm ("\xff{\"return\": 1}\n{\"return\": {\"pid\": 1}}\n"
           "\xff{\"return\": 2}\n{\"return\": {\"exited\": true,"
           "\"out-data\": \"aGVsbG8K\"}}\n");
  memory.watching = 1;
  vms_channel_open (&vm.agent, ours);
  r = vmspec_vm_exec (&vm, argv, 1000, diag, &result);
  if (r == 0)
    r = strcmp (result->output, "hello\n") != 0;
  close_vm ();
  return r;
}

/* ---- trying -------------------------------------------------------------- */

/* What is tried says itself when allocations are watched. */
static int
try_unwatched (int (*what) (void), long n, int for_ever)
{
  memory = (typeof (memory)) { .until_failure = n, .for_ever = for_ever };
  return what ();
}

/* The parser tells less of its failures than we do, so that they may look like
 * garbage, after which the socket is shut; arguments cannot be told from such
 * that are no text. */
static void
survives (int (*what) (void))
{
  /* What is allocated once and for all is no leak. */
  ck_assert_int_eq (try_unwatched (what, -1, 0), 0);
  for (int for_ever = 0; for_ever < 2; for_ever++)
    for (long n = 0;; n++) {
      int r = try_unwatched (what, n, for_ever);

      ck_assert_msg (memory.live == 0, "allocation %ld%s failed: %ld blocks "
                     "are left", n, for_ever ? " and all after it" : "",
                     memory.live);
      if (!memory.failed) {
        ck_assert_int_gt (n, 0);
        ck_assert_int_eq (r, 0);
        break;
      }
      ck_assert_msg (r == -ENOMEM || r == -EPROTO || r == -EINVAL
                       || r == -ENOTCONN || r == -EAGAIN || r == 0,
                     "allocation %ld failed and the result is %d", n, r);
    }
}

START_TEST (qemu_is_asked_or_not)
{
  survives (try_qmp);
}
END_TEST

START_TEST (the_agent_is_asked_or_not)
{
  survives (try_agent);
}
END_TEST

int
main (void)
{
  TCase *t = unit_case ("nomem-control");

  json_set_alloc_funcs (__wrap_malloc, __wrap_free);
  tcase_add_test (t, qemu_is_asked_or_not);
  tcase_add_test (t, the_agent_is_asked_or_not);
  return unit_run ("nomem-control", t);
}
