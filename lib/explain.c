/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * QEMU's last words become a finding.  Its messages have the form
 *
 *     qemu-system-x86_64: -device nosuch: 'nosuch' is not a valid ...
 *
 * with the words of the command line that they are about, or a file and a line,
 * or nothing in between.  Lines without the program's name go on with what the
 * line before them said, or are another library's.
 */
#include "explain.h"

#include <string.h>

#include "xml.h"

#define REPORTS 32     /* the last ones are looked at */
#define MESSAGE 300    /* bytes of a message in a finding */
#define PREFIX 128     /* bytes of the program's name, perhaps with the time */

/* Where a message says that its cause is. */
enum where { NOWHERE, IN_WORDS, IN_CONFIG };

struct report {
  const char *text;     /* made plain */
  int by_qemu;          /* it starts with the program's name */
  enum where where;
  struct culprit culprit;
};

struct reader {
  const vmspec_plan *plan;
  struct arena *arena;
  const char *at, *end;
  const char *program;  /* QEMU's own name for itself */
  struct report reports[REPORTS]; /* a ring */
  size_t count;
};

/* ---- text --------------------------------------------------------------- */

/* Control characters (and those of U+0080 to U+009F) are blanks, what is not
 * UTF-8 is a question mark; without blanks at the ends. */
static const char *
make_plain (struct arena *arena, const char *bytes, size_t size)
{
  char *text = vms_arena_copy (arena, bytes, size);

  for (size_t i = 0; text && i < size; i++) {
    unsigned char c = (unsigned char) text[i];
    size_t left = size - i < 4 ? size - i : 4, n = 1;

    if (c < ' ' || c == 0x7f)
      text[i] = ' ';
    else if (c >= 0x80) {
      while (n <= left && vms_xml_valid (text + i, n) < n)
        n++;
      if (n > left)
        text[i] = '?';
      else if (c == 0xc2 && (unsigned char) text[i + 1] < 0xa0)
        text[i] = text[i + 1] = ' ';
      i += n > left ? 0 : n - 1;
    }
  }
  while (text && size && text[size - 1] == ' ')
    text[--size] = '\0';
  return text ? text + strspn (text, " ") : NULL;
}

static int
is_inside_character (char c)
{
  return ((unsigned char) c & 0xc0) == 0x80;
}

/* Its start and its end, which mostly has the reason. */
static const char *
shorten (struct arena *arena, const char *text)
{
  size_t size = strlen (text), start = MESSAGE * 2 / 3;
  size_t end = size - MESSAGE / 3;

  if (size <= MESSAGE)
    return text;
  while (start && is_inside_character (text[start]))
    start--;
  while (is_inside_character (text[end]))
    end++;
  return vms_arena_concat (arena, vms_arena_copy (arena, text, start), " ... ",
                           text + end, (char *) NULL);
}

/* ---- reading ------------------------------------------------------------ */

static const char *
program_name (const vmspec_plan *plan)
{
  const char *slash = strrchr (plan->argv[0], '/');

  return slash ? slash + 1 : plan->argv[0];
}

/* Whether the bytes start with a word, and then with @next. */
static int
starts_with (const struct reader *r, const char *at, const char *word,
             const char *next, const char **ret_after)
{
  size_t size = strlen (word), more = strlen (next);

  if ((size_t) (r->end - at) < size + more || memcmp (at, word, size)
      || memcmp (at + size, next, more))
    return 0;
  *ret_after = at + size + more;
  return 1;
}

/* Skips "qemu-system-x86_64:", by whatever name a wrapper started it, and with
 * the time before it by -msg timestamp=on. */
static int
skip_program (const struct reader *r, const char *line_end,
              const char **ret_after)
{
  size_t size = (size_t) (line_end - r->at);
  const char *colon = r->at, *limit = r->at + (size < PREFIX ? size : PREFIX);

  while ((colon = memchr (colon, ':', (size_t) (limit - colon)))) {
    const char *blank = memrchr (r->at, ' ', (size_t) (colon - r->at));
    const char *name = blank ? blank + 1 : r->at;
    size_t length = (size_t) (colon - name);

    if ((length == strlen (r->program) && !memcmp (name, r->program, length))
        || memmem (name, length, "qemu", 4)) {
      *ret_after = colon + 1;
      return 1;
    }
    colon++;
  }
  return 0;
}

/* The words of the vector that the message says it is about.  Of words that are
 * the same, the last: QEMU may have taken the others. */
static int
find_words (const struct reader *r, const char **at, struct culprit *culprit)
{
  const char *const *argv = r->plan->argv;
  const char *after, *end, *start = *at;

  for (size_t i = 1; argv[i]; i++) {
    if (argv[i + 1] && starts_with (r, start, argv[i], " ", &after)
        && starts_with (r, after, argv[i + 1], ": ", &end))
      *culprit = (struct culprit) { i, 2 };
    else if (*argv[i] && starts_with (r, start, argv[i], ": ", &end))
      *culprit = (struct culprit) { i, 1 };
    else
      continue;
    *at = end;
  }
  return culprit->count > 0;
}

/* The plan's last option lacks its value, and takes what the library has put
 * behind it for that. */
static int
lacks_value (const struct reader *r, const char *at, struct culprit *culprit)
{
  size_t last = vms_list_length (r->plan->argv) - 1;
  const char *after;

  if (!last
      || !starts_with (r, at, r->plan->argv[last], " -readconfig: ", &after))
    return 0;
  *culprit = (struct culprit) { last, 1 };
  return 1;
}

/* ":/proc/self/fd/5:6: " is a line of what the library has added. */
static const char *
skip_config (const char *at, const char *line_end)
{
  static const char start[] = "/proc/self/fd/";
  size_t size = (size_t) (line_end - at);
  const char *blank;

  if (size < sizeof start || memcmp (at, start, sizeof start - 1))
    return NULL;
  blank = memchr (at, ' ', size);
  return blank ? blank + 1 : NULL;
}

static const char *
line_end (const struct reader *r, const char *at)
{
  const char *end = memchr (at, '\n', (size_t) (r->end - at));

  return end ? end : r->end;
}

static int
is_notice (const char *text)
{
  return !strncmp (text, "warning: ", 9) || !strncmp (text, "info: ", 6);
}

/* A word may hold a line's end, so that the message ends in a later line. */
static void
read_report (struct reader *r)
{
  struct report report = { .where = NOWHERE };
  const char *end = line_end (r, r->at), *at = r->at, *config;

  report.by_qemu = skip_program (r, end, &at);
  if (report.by_qemu && (config = skip_config (at, end))) {
    report.where = IN_CONFIG;
    at = config;
  } else if (report.by_qemu) {
    at += at < end && *at == ' ';
    if (lacks_value (r, at, &report.culprit)) {
      report.where = IN_WORDS;
      report.text = "requires an argument";
    } else if (find_words (r, &at, &report.culprit)) {
      report.where = IN_WORDS;
      end = line_end (r, at);
    }
  }
  if (!report.text)
    report.text = make_plain (r->arena, at, (size_t) (end - at));
  r->at = end < r->end ? end + 1 : end;
  if (report.text && *report.text
      && !(report.by_qemu && is_notice (report.text)))
    r->reports[r->count++ % REPORTS] = report;
}

static const struct report *
report_at (const struct reader *r, size_t index)
{
  return &r->reports[index % REPORTS];
}

static size_t
first_report (const struct reader *r)
{
  return r->count > REPORTS ? r->count - REPORTS : 0;
}

/* ---- choosing ----------------------------------------------------------- */

struct cause {
  const struct report *report;
  const struct failure *failure; /* NULL if it is not known */
};

static const struct failure *
find_failure (const struct reader *r, const struct report *report)
{
  const char *const *word = r->plan->argv + report->culprit.index;

  if (report->where != IN_WORDS)
    return vms_explain_find (report->text, NULL);
  return vms_explain_find (report->text,
                           vms_arena_concat (r->arena, word[0], " ",
                                             report->culprit.count > 1 ? word[1] : "",
                                             (char *) NULL));
}

/* What a line without a name goes on with, if anything. */
static const struct report *
said_before (const struct reader *r, size_t index)
{
  while (index > first_report (r) && !report_at (r, index)->by_qemu)
    index--;
  return report_at (r, index)->by_qemu ? report_at (r, index) : NULL;
}

static int
same_place (const struct report *a, const struct report *b)
{
  return a->where == IN_WORDS && b->where == IN_WORDS
         && a->culprit.index == b->culprit.index;
}

/* A line without a name: it may stand for itself, or it is part of the last
 * message. */
static void
consider_line (const struct reader *r, size_t index,
               const struct report *last, struct cause *cause)
{
  const struct failure *failure = find_failure (r, report_at (r, index));
  const struct report *message = said_before (r, index);

  if (!failure || (cause->failure && cause->failure != failure))
    return;
  if (failure->flags || !message)
    *cause = (struct cause) { report_at (r, index), failure };
  else if (!last)
    *cause = (struct cause) { message, failure };
}

/* What a message says itself counts more than the lines that go on with it. */
static void
consider_message (const struct reader *r, const struct report *report,
                  struct cause *cause)
{
  const struct failure *failure = find_failure (r, report);

  if (failure && (!cause->failure || cause->failure == failure
                  || cause->report == report))
    *cause = (struct cause) { report, failure };
  else if (!cause->report)
    cause->report = report;
}

/* The last message of QEMU, or one before it about the same option, which it may
 * be the consequence of.  Not those before: QEMU did go on after them. */
static struct cause
choose (const struct reader *r)
{
  const struct report *last = NULL;
  struct cause cause = { 0 };

  for (size_t i = r->count; i-- > first_report (r);) {
    const struct report *report = report_at (r, i);

    if (!report->by_qemu)
      consider_line (r, i, last, &cause);
    else if (last && !same_place (report, last))
      break;
    else {
      consider_message (r, report, &cause);
      last = report;
    }
  }
  if (!cause.report && r->count)
    cause.report = report_at (r, r->count - 1);
  return cause;
}

/* "Is another process using the image [/srv/disk]?" */
static const char *
hint_after (const struct reader *r, const struct report *report)
{
  for (size_t i = first_report (r); i + 1 < r->count; i++)
    if (report_at (r, i) == report && report->by_qemu
        && !report_at (r, i + 1)->by_qemu)
      return report_at (r, i + 1)->text;
  return NULL;
}

/* ---- saying ------------------------------------------------------------- */

static const char *
find_path (const struct reader *r, const struct cause *cause)
{
  const struct report *report = cause->report;

  if (report->where == IN_CONFIG)
    return vms_explain_matches (report->text, "serial") ? "start.guest_agent"
                                                    : "start.qmp";
  if (report->where == IN_WORDS)
    return vms_explain_origin (r->plan, r->arena, report->culprit, report->text,
                               cause->failure ? cause->failure->member : NULL);
  return cause->failure
           ? vms_explain_likely_origin (r->plan, r->arena, report->text,
                                        cause->failure)
           : NULL;
}

/* What there is to do about something that is not in the table. */
static const char *
general_remedy (const struct reader *r, const struct report *report)
{
  if (report->where == IN_WORDS)
    return vms_arena_concat (r->arena, "QEMU's manual has more about ",
                             shorten (r->arena,
                                      r->plan->argv[report->culprit.index]),
                             (char *) NULL);
  return "what it said before that is among its last words, and the plan's "
         "command (vmspec-run --print-command) can be tried by hand";
}

static void
say_cause (const struct reader *r, const struct cause *cause,
           vmspec_diag *diag)
{
  const struct failure *failure = cause->failure;
  const char *remedy
    = failure ? failure->remedy : general_remedy (r, cause->report);
  const char *hint = hint_after (r, cause->report);
  const char *message
    = vms_arena_concat (r->arena, cause->report->text, hint ? " (" : "",
                        hint ? hint : "", hint ? ")" : "", (char *) NULL);
  const char *name = find_path (r, cause);
  const struct path path = { .name = name };

  message = message ? shorten (r->arena, message) : "";
  vms_diag_add (diag, VMSPEC_SEVERITY_ERROR, failure ? failure->id : "qemu.ended",
                name ? &path : NULL, NULL, "QEMU ended: %s; %s",
                message ? message : "", remedy ? remedy : "");
}

static void
say_nothing_said (vmspec_diag *diag)
{
  vms_diag_add (diag, VMSPEC_SEVERITY_ERROR, "qemu.ended", NULL, NULL,
                "QEMU ended and said nothing about it on standard error; if a "
                "signal ended it that nobody here sent, see whether the kernel was "
                "out of memory (journalctl -k), else try the plan's command "
                "(vmspec-run --print-command) by hand");
}

void
vms_explain_failure (const vmspec_plan *plan, const char *words, size_t size,
                     vmspec_diag *diag)
{
  struct arena arena = { 0 };
  struct reader *r = vms_arena_alloc (&arena, sizeof *r);

  if (r) {
    struct cause cause;

    *r = (struct reader) { .plan = plan, .arena = &arena, .at = words,
                           .end = words + size,
                           .program = program_name (plan) };
    while (r->at < r->end)
      read_report (r);
    cause = choose (r);
    if (cause.report)
      say_cause (r, &cause, diag);
    else
      say_nothing_said (diag);
  } else
    say_nothing_said (diag);
  vms_arena_free (&arena);
}
