/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Machines are asked and stopped by the public interface.  The stand-in for QEMU
 * (tests/integration/stand-in.c) behaves as each test says, and writes down what
 * it was asked.
 */
#include "scratch.h"

#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>

static char binary[PATH_MAX], variables[4][PATH_MAX + 40];
static const char *environment[5];
static struct vmspec spec;
static struct vmspec_qemu qemu;
static struct vmspec_host host;
static struct vmspec_start start;
static vmspec_plan *plan;
static vmspec_diag *diag;
static vmspec_vm *vm;

static void
set_up (void)
{
  const char *build = getenv ("VMSPEC_BUILDDIR");

  snprintf (binary, sizeof binary, "%s/tests/integration/stand-in",
            build ? build : ".");
  ck_assert_ptr_nonnull (realpath (binary, variables[0]));
  strcpy (binary, variables[0]);
  scratch_make ();
  qemu = (struct vmspec_qemu) { VMSPEC_INIT (vmspec_qemu), .binary = binary };
  spec = (struct vmspec) { VMSPEC_INIT (vmspec), .qemu = &qemu,
                           .builtin_drives = VMSPEC_OFF };
  host = unit_host ();
  host.directory = scratch;
  start = (struct vmspec_start) { VMSPEC_INIT (vmspec_start),
                                  .ready_timeout = 20000,
                                  .guest_agent = VMSPEC_ON,
                                  .error = VMSPEC_STDIO_NULL,
                                  .keeper = getenv ("VMSPEC_KEEPER") };
  plan = NULL;
  vm = NULL;
  ck_assert_int_eq (vmspec_diag_new (&diag), 0);
}

static void
tear_down (void)
{
  vmspec_vm_free (vm);
  vmspec_plan_free (plan);
  vmspec_diag_free (diag);
  scratch_remove ();
}

static void
started (const char *behaviour)
{
  int r;

  snprintf (variables[0], sizeof variables[0], "TMPDIR=%s", scratch);
  snprintf (variables[1], sizeof variables[1], "STAND_IN=%s", behaviour);
  snprintf (variables[2], sizeof variables[2], "LOG=%s/log", scratch);
  for (int i = 0; i < 3 + (*variables[3] != 0); i++)
    environment[i] = variables[i];
  host.environment = environment;
  plan = unit_plan (&spec, &host);
  r = vmspec_vm_start (plan, &start, diag, &vm);
  ck_assert_msg (r == 0, "%s%s", strerror (-r), unit_findings (diag));
}

/* The findings, which are taken away: one of this id, or none. */
static void
is_said (const char *id)
{
  ck_assert_msg (vmspec_diag_count (diag) == (id != NULL)
                   && (!id || unit_finding (diag, id)),
                 "%s", unit_findings (diag));
  vmspec_diag_clear (diag);
}

/* What the stand-in was asked after the start's own questions. */
static const char *
log_is (void)
{
  static const char first[] = "qmp_capabilities\nquery-status\nquery-kvm\n";
  const char *log = read_file (below ("log"));

  return strncmp (log, first, strlen (first)) ? log : log + strlen (first);
}

static int64_t
vms_now_ms (void)
{
  struct timespec now;

  clock_gettime (CLOCK_MONOTONIC, &now);
  return (int64_t) now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void
waits_and_kills (void)
{
  int status;

  ck_assert_int_eq (vmspec_vm_wait (vm, 0, NULL), -ETIME);
  ck_assert_int_eq (vmspec_vm_kill (vm, SIGKILL), 0);
  ck_assert_int_eq (vmspec_vm_wait (vm, 60000, &status), 0);
  ck_assert (WIFSIGNALED (status) && WTERMSIG (status) == SIGKILL);
}

/* ---- starts -------------------------------------------------------------- */

START_TEST (a_machine_that_answers_is_ready)
{
  const char *status;

  started ("");
  is_said (NULL);
  ck_assert_str_eq (vmspec_vm_accel (vm), "tcg");
  ck_assert_int_eq (vmspec_vm_status (vm, -1, diag, &status), 0);
  ck_assert_str_eq (status, "running");
  waits_and_kills ();
}
END_TEST

START_TEST (a_silent_machine_runs_with_a_warning)
{
  const char *status = "untouched";

  start.ready_timeout = 100;
  started ("silent");
  ck_assert_uint_eq (unit_finding (diag, "qmp.silent")->severity,
                     VMSPEC_SEVERITY_WARNING);
  is_said ("qmp.silent");
  ck_assert_int_eq (vmspec_vm_status (vm, 20, diag, &status), -ETIME);
  ck_assert_str_eq (status, "untouched");
  is_said ("qmp.timeout");
  waits_and_kills ();
}
END_TEST

START_TEST (what_greets_late_is_asked_late)
{
  const char *status;

  start.ready_timeout = 1;
  started ("late");
  is_said ("qmp.silent");
  ck_assert_int_eq (vmspec_vm_status (vm, 20000, diag, &status), 0);
  ck_assert_str_eq (status, "running");
  is_said (NULL);
}
END_TEST

START_TEST (a_machine_that_says_half_may_be_asked_for_the_rest)
{
  start.ready_timeout = 200;
  started ("mute");
  is_said ("qmp.silent");
  ck_assert_int_eq (vmspec_vm_control (vm, VMSPEC_ACTION_PAUSE, 20000, diag),
                    0);
}
END_TEST

START_TEST (what_speaks_no_qmp_runs_with_a_warning)
{
  started ("garbled");
  ck_assert_uint_eq (unit_finding (diag, "qmp.unusable")->severity,
                     VMSPEC_SEVERITY_WARNING);
  is_said ("qmp.unusable");
  ck_assert_int_eq (vmspec_vm_control (vm, VMSPEC_ACTION_RESET, -1, diag),
                    -ENOTCONN);
  is_said ("qmp.closed");
  waits_and_kills ();
}
END_TEST

START_TEST (what_closes_the_socket_may_run_on)
{
  start.ready_timeout = 2000;
  started ("closes");
  is_said ("qmp.unusable");
  ck_assert_int_eq (vmspec_vm_qmp (vm, "quit", NULL, -1, diag, NULL),
                    -ENOTCONN);
  is_said ("qmp.closed");
  waits_and_kills ();
}
END_TEST

START_TEST (without_a_socket_nothing_is_asked)
{
  const struct vmspec_event *event;
  const char *text;

  start.qmp = start.guest_agent = VMSPEC_OFF;
  started ("");
  is_said (NULL);
  ck_assert_int_eq (unit_word (vmspec_plan_argv (plan), "-readconfig", NULL),
                    -1);
  ck_assert_int_eq (vmspec_vm_event_fd (vm), -1);
  ck_assert_int_eq (vmspec_vm_event (vm, &event), -ENOTCONN);
  ck_assert_int_eq (vmspec_vm_status (vm, -1, diag, &text), -ENOTCONN);
  is_said ("qmp.closed");
  ck_assert_int_eq (vmspec_vm_agent (vm, "guest-ping", NULL, -1, diag, &text),
                    -ENOTCONN);
  is_said ("agent.closed");
  waits_and_kills ();
}
END_TEST

/* ---- questions ----------------------------------------------------------- */

START_TEST (each_action_is_a_command)
{
  started ("deaf stubborn");
  for (uint32_t action = VMSPEC_ACTION_POWERDOWN;
       action <= VMSPEC_ACTION_CONTINUE; action++)
    ck_assert_int_eq (vmspec_vm_control (vm, action, -1, diag), 0);
  ck_assert_int_eq (vmspec_vm_control (vm, VMSPEC_ACTION_UNSET, -1, diag),
                    -EINVAL);
  ck_assert_int_eq (vmspec_vm_control (vm, VMSPEC_ACTION_CONTINUE + 1, -1,
                                       diag), -EINVAL);
  ck_assert_str_eq (log_is (),
                    "system_powerdown\nsystem_reset\nquit\nstop\ncont\n");
}
END_TEST

START_TEST (any_command_can_be_sent)
{
  const char *answer;

  started ("");
  ck_assert_int_eq (vmspec_vm_qmp (vm, "query-status", "{}", -1, diag,
                                   &answer), 0);
  ck_assert_str_eq (answer, "{\"status\":\"running\"}");
  /* The last answer may be the next question. */
  ck_assert_int_eq (vmspec_vm_qmp (vm, "query-kvm", answer, -1, diag, &answer),
                    0);
  ck_assert_ptr_nonnull (strstr (answer, "\"enabled\":false"));
  ck_assert_int_eq (vmspec_vm_qmp (vm, "query-kvm", NULL, -1, NULL, NULL), 0);
  ck_assert_int_eq (vmspec_vm_qmp (vm, "no-such-command", NULL, -1, diag,
                                   &answer), -EREMOTEIO);
  is_said ("qmp.refused");
}
END_TEST

START_TEST (arguments_are_an_object)
{
  static const char *const wrong[]
    = { "", "nonsense", "[]", "1", "{", "{\"a\":\"\xff\"}", "{} {}", "null" };
  const char *answer = "untouched";

  started ("");
  ck_assert_int_eq (vmspec_vm_qmp (vm, "stop", wrong[_i], -1, diag, &answer),
                    -EINVAL);
  is_said ("qmp.arguments");
  ck_assert_int_eq (vmspec_vm_agent (vm, "guest-ping", wrong[_i], -1, diag,
                                     &answer), -EINVAL);
  is_said ("qmp.arguments");
  ck_assert_int_eq (vmspec_vm_qmp (vm, "stop", wrong[_i], -1, NULL, &answer),
                    -EINVAL);
  ck_assert_str_eq (answer, "untouched");
  ck_assert_str_eq (log_is (), "");
}
END_TEST

START_TEST (answers_that_never_come_are_not_waited_for)
{
  const char *status;
  int64_t begin = vms_now_ms ();

  start.ready_timeout = 100;
  started ("mute");
  is_said ("qmp.silent");
  ck_assert_int_eq (vmspec_vm_status (vm, 50, diag, &status), -ETIME);
  is_said ("qmp.timeout");
  ck_assert_int_lt (vms_now_ms () - begin, 20000);
}
END_TEST

START_TEST (after_the_end_nothing_is_answered)
{
  const struct vmspec_event *event;
  const char *status;
  int code;

  started ("");
  ck_assert_int_eq (vmspec_vm_control (vm, VMSPEC_ACTION_QUIT, -1, diag), 0);
  ck_assert_int_eq (vmspec_vm_wait (vm, 60000, &code), 0);
  ck_assert_int_eq (code, 0);
  ck_assert_int_eq (vmspec_vm_status (vm, -1, diag, &status), -ENOTCONN);
  is_said ("qmp.closed");
  /* But what came before can still be read. */
  ck_assert_int_eq (vmspec_vm_event (vm, &event), 0);
  ck_assert_str_eq (event->name, "SHUTDOWN");
  ck_assert_str_eq (event->data,
                    "{\"guest\":false,\"reason\":\"host-qmp-quit\"}");
  ck_assert_int_eq (vmspec_vm_event (vm, &event), -ENOTCONN);
  ck_assert_int_eq (vmspec_vm_kill (vm, SIGTERM), -ESRCH);
}
END_TEST

/* ---- events -------------------------------------------------------------- */

static void
event_is (const char *name, const char *data)
{
  const struct vmspec_event *event;
  struct pollfd one = { .fd = vmspec_vm_event_fd (vm), .events = POLLIN };
  int r = vmspec_vm_event (vm, &event);

  ck_assert_int_ge (one.fd, 0);
  while (r == -EAGAIN) {
    ck_assert_int_eq (poll (&one, 1, 60000), 1);
    r = vmspec_vm_event (vm, &event);
  }
  ck_assert_int_eq (r, 0);
  ck_assert_uint_eq (event->struct_size, sizeof *event);
  ck_assert_str_eq (event->name, name);
  ck_assert_str_eq (event->data, data);
  ck_assert_uint_eq (event->seconds, 1700000000);
  ck_assert_uint_eq (event->microseconds, 5);
  ck_assert_uint_eq (event->lost, 0);
}

START_TEST (events_are_seen_by_those_who_poll)
{
  const struct vmspec_event *event;

  started ("");
  ck_assert_int_eq (vmspec_vm_event (vm, &event), -EAGAIN);
  ck_assert_int_eq (vmspec_vm_control (vm, VMSPEC_ACTION_PAUSE, -1, diag), 0);
  ck_assert_int_eq (vmspec_vm_control (vm, VMSPEC_ACTION_CONTINUE, -1, diag),
                    0);
  event_is ("STOP", "{}");
  event_is ("RESUME", "{}");
  ck_assert_int_eq (vmspec_vm_event (vm, &event), -EAGAIN);
}
END_TEST

START_TEST (a_flood_of_events_leaves_the_newest)
{
  const struct vmspec_event *event;
  uint64_t n = 0, lost = 0;

  started ("floods");
  is_said (NULL);
  while (vmspec_vm_event (vm, &event) == 0) {
    n++;
    lost += event->lost;
  }
  ck_assert_uint_eq (n, 1000);
  /* Of each of the start's three questions. */
  ck_assert_uint_eq (n + lost, 3 * 2500);
  ck_assert_int_eq (vmspec_vm_control (vm, VMSPEC_ACTION_RESET, -1, diag), 0);
}
END_TEST

/* ---- ports --------------------------------------------------------------- */

START_TEST (ports_that_are_said_are_known)
{
  struct vmspec_forward_port said
    = { VMSPEC_INIT (vmspec_forward_port), .host_port = 2222,
        .guest_port = 22 };
  struct vmspec_forward_port any
    = { VMSPEC_INIT (vmspec_forward_port), .any_host_port = VMSPEC_ON,
        .guest_port = 80 };
  struct vmspec_network network
    = { VMSPEC_INIT (vmspec_network),
        .forward_ports = LIST (vmspec_forward_port, &said, &any) };
  uint32_t port = 0;

  spec.network = &network;
  started ("");
  ck_assert_int_eq (vmspec_vm_host_port (vm, 0, diag, &port), 0);
  ck_assert_uint_eq (port, 2222);
  /* The stand-in has no network to tell of. */
  ck_assert_int_eq (vmspec_vm_host_port (vm, 1, diag, &port), -EPROTO);
  ck_assert_str_eq (unit_finding (diag, "network.port-unknown")->path,
                    "network.forward_ports[1]");
  is_said ("network.port-unknown");
  ck_assert_uint_eq (port, 2222);
  ck_assert_int_eq (vmspec_vm_host_port (vm, 2, diag, &port), -ENOENT);
}
END_TEST

/* ---- the agent ----------------------------------------------------------- */

START_TEST (the_agent_is_asked)
{
  const char *answer;

  started ("");
  ck_assert_int_eq (vmspec_vm_agent (vm, "guest-ping", NULL, -1, diag,
                                     &answer), 0);
  ck_assert_str_eq (answer, "{}");
  ck_assert_int_eq (vmspec_vm_agent (vm, "guest-nonsense", "{\"a\":1}", -1,
                                     diag, NULL), -EREMOTEIO);
  is_said ("agent.refused");
  ck_assert_str_eq (log_is (), "guest-sync-delimited\nguest-ping\n"
                               "guest-sync-delimited\nguest-nonsense\n");
}
END_TEST

START_TEST (programs_are_run_in_the_guest)
{
  const struct vmspec_exec_result *result;

  started ("");
  ck_assert_int_eq (vmspec_vm_exec (vm, STRINGS ("/bin/sh", "-c", "true"),
                                    -1, diag, &result), 0);
  ck_assert_uint_eq (result->struct_size, sizeof *result);
  ck_assert_uint_eq (result->exit_code, 3);
  ck_assert_uint_eq (result->signal, 0);
  ck_assert_uint_eq (result->truncated, VMSPEC_OFF);
  ck_assert_uint_eq (result->output_size, 6);
  ck_assert_str_eq (result->output, "hello\n");
  ck_assert_uint_eq (result->error_size, 5);
  ck_assert_mem_eq (result->error, "oops\0", 6);
}
END_TEST

START_TEST (large_outputs_come_whole)
{
  const struct vmspec_exec_result *result;
  size_t size = unit_is_watched () ? 3 << 20 : 15 << 20;

  snprintf (variables[3], sizeof variables[3], "OUTPUT=%zu", size);
  started ("");
  *variables[3] = '\0';
  ck_assert_int_eq (vmspec_vm_exec (vm, STRINGS ("cat"), 60000, diag, &result),
                    0);
  ck_assert_uint_eq (result->output_size, size);
  ck_assert_uint_eq (result->truncated, VMSPEC_ON);
  for (size_t i = 0; i <= size; i++)
    if (result->output[i])
      ck_abort_msg ("byte %zu is wrong", i);
}
END_TEST

START_TEST (no_argument_is_left_out)
{
  const struct vmspec_exec_result *result;

  started ("");
  ck_assert_int_eq (vmspec_vm_exec (vm, STRINGS ("rm", "-i\xff", "x"), -1,
                                    diag, &result), -EINVAL);
  is_said ("agent.arguments");
  ck_assert_int_eq (vmspec_vm_exec (vm, STRINGS ("\xff"), -1, diag, &result),
                    -EINVAL);
  is_said ("agent.arguments");
  ck_assert_str_eq (log_is (), "");
}
END_TEST

START_TEST (a_guest_without_an_agent_takes_no_longer)
{
  const struct vmspec_exec_result *result;

  started ("agentless");
  ck_assert_int_eq (vmspec_vm_exec (vm, STRINGS ("true"), 50, diag, &result),
                    -ETIME);
  is_said ("agent.timeout");
  ck_assert_int_eq (vmspec_vm_agent (vm, "guest-shutdown", NULL, 50, diag,
                                     NULL), -ETIME);
  is_said ("agent.timeout");
}
END_TEST

START_TEST (the_agent_shuts_its_guest_down)
{
  const char *answer;
  int status;

  started ("");
  ck_assert_int_eq (vmspec_vm_agent (vm, "guest-shutdown",
                                     "{\"mode\":\"powerdown\"}", -1, diag,
                                     &answer), 0);
  ck_assert_str_eq (answer, "{}");
  is_said (NULL);
  ck_assert_int_eq (vmspec_vm_wait (vm, 60000, &status), 0);
  ck_assert_int_eq (status, 0);
}
END_TEST

/* ---- stopping ------------------------------------------------------------ */

/* Not before so many tenths of the time. */
static void
stops_with (const char *behaviour, int grace_ms, const char *asked, int signal,
            int tenths)
{
  int status = -1;
  int64_t begin;

  started (behaviour);
  begin = vms_now_ms ();
  ck_assert_int_eq (vmspec_vm_stop (vm, grace_ms, &status), 0);
  ck_assert_int_lt (vms_now_ms () - begin, grace_ms + 20000);
  ck_assert_int_ge (vms_now_ms () - begin, grace_ms / 10 * tenths - 10);
  ck_assert_str_eq (log_is (), asked);
  if (signal)
    ck_assert (WIFSIGNALED (status) && WTERMSIG (status) == signal);
  else
    ck_assert (WIFEXITED (status) && WEXITSTATUS (status) == 0);
  /* And once more is no error. */
  ck_assert_int_eq (vmspec_vm_stop (vm, grace_ms, &status), 0);
  ck_assert (!exists (below ("vmspec.0123456789")));
}

#define STOPS(name, behaviour, grace_ms, asked, signal, tenths)                \
  START_TEST (name)                                                            \
  {                                                                            \
    stops_with (behaviour, grace_ms, asked, signal, tenths);                   \
  }                                                                            \
  END_TEST

STOPS (an_obedient_guest_needs_its_power_button, "", 60000,
       "query-status\nsystem_powerdown\n", 0, 0)
STOPS (a_deaf_guest_is_quit, "deaf", 5000,
       "query-status\nsystem_powerdown\nquit\n", 0, 6)
STOPS (a_stubborn_one_gets_sigterm, "deaf stubborn", 5000,
       "query-status\nsystem_powerdown\nquit\nSIGTERM\n", 0, 7)
STOPS (a_steadfast_one_is_killed, "deaf stubborn steadfast", 2000,
       "query-status\nsystem_powerdown\nquit\nSIGTERM\n", SIGKILL, 8)
STOPS (without_grace_it_is_killed_at_once, "", 0, "", SIGKILL, 0)

START_TEST (a_paused_guest_cannot_obey)
{
  int64_t begin;
  int status;

  started ("");
  ck_assert_int_eq (vmspec_vm_control (vm, VMSPEC_ACTION_PAUSE, -1, diag), 0);
  begin = vms_now_ms ();
  ck_assert_int_eq (vmspec_vm_stop (vm, 600000, &status), 0);
  ck_assert_int_lt (vms_now_ms () - begin, 20000);
  ck_assert_str_eq (log_is (), "stop\nquery-status\nquit\n");
  ck_assert_int_eq (status, 0);
}
END_TEST

START_TEST (what_cannot_be_asked_has_no_time_for_it)
{
  int64_t begin;
  int status;

  start.ready_timeout = 100;
  started ("closes");
  begin = vms_now_ms ();
  ck_assert_int_eq (vmspec_vm_stop (vm, 600000, &status), 0);
  ck_assert_int_lt (vms_now_ms () - begin, 20000);
  ck_assert_str_eq (log_is (), "SIGTERM\n");
  ck_assert_int_eq (status, 0);
}
END_TEST

START_TEST (a_silent_one_is_stopped_in_time)
{
  int status;
  int64_t begin;

  start.ready_timeout = 100;
  started ("silent steadfast");
  begin = vms_now_ms ();
  ck_assert_int_eq (vmspec_vm_stop (vm, 1000, &status), 0);
  ck_assert_int_lt (vms_now_ms () - begin, 20000);
  ck_assert (WIFSIGNALED (status) && WTERMSIG (status) == SIGKILL);
}
END_TEST

START_TEST (a_frozen_one_is_stopped_in_time)
{
  int status;
  int64_t begin;

  started ("");
  ck_assert_int_eq (vmspec_vm_kill (vm, SIGSTOP), 0);
  begin = vms_now_ms ();
  ck_assert_int_eq (vmspec_vm_stop (vm, 1000, &status), 0);
  ck_assert_int_lt (vms_now_ms () - begin, 20000);
  ck_assert (WIFSIGNALED (status) && WTERMSIG (status) == SIGKILL);
}
END_TEST

/* ---- last words ---------------------------------------------------------- */

START_TEST (what_it_wrote_is_kept)
{
  const char *words;
  size_t size;

  started ("worried");
  ck_assert_int_eq (vmspec_vm_stop (vm, -1, NULL), 0);
  words = vmspec_vm_last_words (vm, &size);
  ck_assert_str_eq (words, "last \x1b[31mwords\n");
  ck_assert_uint_eq (size, strlen (words));
}
END_TEST

int
main (void)
{
  TCase *t = unit_case ("control");

  tcase_add_checked_fixture (t, set_up, tear_down);
  tcase_add_test (t, a_machine_that_answers_is_ready);
  tcase_add_test (t, a_silent_machine_runs_with_a_warning);
  tcase_add_test (t, what_greets_late_is_asked_late);
  tcase_add_test (t, a_machine_that_says_half_may_be_asked_for_the_rest);
  tcase_add_test (t, what_speaks_no_qmp_runs_with_a_warning);
  tcase_add_test (t, what_closes_the_socket_may_run_on);
  tcase_add_test (t, without_a_socket_nothing_is_asked);
  tcase_add_test (t, each_action_is_a_command);
  tcase_add_test (t, any_command_can_be_sent);
  tcase_add_loop_test (t, arguments_are_an_object, 0, 8);
  tcase_add_test (t, answers_that_never_come_are_not_waited_for);
  tcase_add_test (t, after_the_end_nothing_is_answered);
  tcase_add_test (t, events_are_seen_by_those_who_poll);
  tcase_add_test (t, a_flood_of_events_leaves_the_newest);
  tcase_add_test (t, ports_that_are_said_are_known);
  tcase_add_test (t, the_agent_is_asked);
  tcase_add_test (t, programs_are_run_in_the_guest);
  tcase_add_test (t, large_outputs_come_whole);
  tcase_add_test (t, no_argument_is_left_out);
  tcase_add_test (t, a_guest_without_an_agent_takes_no_longer);
  tcase_add_test (t, the_agent_shuts_its_guest_down);
  tcase_add_test (t, an_obedient_guest_needs_its_power_button);
  tcase_add_test (t, a_deaf_guest_is_quit);
  tcase_add_test (t, a_stubborn_one_gets_sigterm);
  tcase_add_test (t, a_steadfast_one_is_killed);
  tcase_add_test (t, without_grace_it_is_killed_at_once);
  tcase_add_test (t, a_paused_guest_cannot_obey);
  tcase_add_test (t, what_cannot_be_asked_has_no_time_for_it);
  tcase_add_test (t, a_silent_one_is_stopped_in_time);
  tcase_add_test (t, a_frozen_one_is_stopped_in_time);
  tcase_add_test (t, what_it_wrote_is_kept);
  return unit_run ("control", t);
}
