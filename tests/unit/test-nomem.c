/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What happens when memory runs out: each allocation fails in its turn, alone
 * and with all that follow.  The linker puts our functions in the place of the
 * library's (--wrap); libxml2 is told of them by xmlMemSetup().
 */
#include "nomem.h"
#include "random-spec.h"

#include <libxml/parser.h>
#include <libxml/xmlmemory.h>
#include <sys/mman.h>
#include <unistd.h>

#if LIBXML_VERSION >= 21200
typedef const xmlError *xml_error_pointer;
#else
typedef xmlError *xml_error_pointer;
#endif

static char *
xml_strdup (const char *text)
{
  size_t size = strlen (text) + 1;
  char *copy = __wrap_malloc (size);

  return copy ? memcpy (copy, text, size) : NULL;
}

/* ---- what is tried ------------------------------------------------------- */

static struct arena arena;
static struct vmspec *spec;
static struct vmspec_host host;
static const char *xml;
/* Of a length that varies, so that the library's chunks are full at another
 * place each time. */
static char padding[5000];
static vmspec_doc *doc;

/* Everything at once, so that each kind of list and group is there. */
static const char description[]
  = "<?xml version='1.0'?>\n"
    "<vmspec xmlns='urn:vmspec:1' name='a &amp; b' memory='2048'>\n"
    "  <boot kernel='/k' initrd='/i'><kernel-param>x</kernel-param></boot>\n"
    "  <efi enable='on' firmware='/f' variables='/v'/>\n"
    "  <tpm enable='on' swtpm='/s'/>\n"
    "  <qemu expand='on' binary='/q'><option>-a $B</option></qemu>\n"
    "  <network><forward-port host-port='1' guest-port='2'/></network>\n"
    "  <drive file='/d' interface='ide'>\n"
    "    <drive-option name='cache' value='none,x'/></drive>\n"
    "  <share tag='t' source='${A:-/s}' expand='on' target='/t'/>\n"
    "  <empty-disk size='5'/>\n"
    "  <file-system mount-point='/data' type='ext4' device='/dev/vdb'/>\n"
    "  <interface name='e' vlan='1'/>\n"
    "  <guest mounts='on' hostname='h'><ssh-key>a b</ssh-key></guest>\n"
    "</vmspec>\n";

static const char *const padded_environment[]
  = { padding, "PATH=/usr/bin:/bin", "TMPDIR=/tmp", NULL };

/* An own variable, a text of the description, and the name of a file. */
static void
pad (size_t size)
{
  struct vmspec_boot *boot = vms_writable (spec->boot);

  memset (padding, 'x', sizeof padding);
  memcpy (padding, "PAD=", 4);
  padding[size + 4] = '\0';
  boot->registration = padding;
  ck_assert_int_eq (vmspec_doc_write (doc, &xml), 0);
}

static void
set_up (void)
{
  memory = (typeof (memory)) { 0 };
  xmlMemSetup (__wrap_free, __wrap_malloc, __wrap_realloc, xml_strdup);
  xmlInitParser ();
  ck_assert_int_eq (vmspec_doc_read_memory (description, strlen (description),
                                            "a.xml", NULL, &doc), 0);
  spec = vms_writable (vmspec_doc_spec (doc));
  host = unit_host ();
  host.environment = padded_environment;
  pad (0);
}

static void
tear_down (void)
{
  vmspec_doc_free (doc);
  vms_arena_free (&arena);
}

static int
try_diag (void)
{
  void *untouched = &arena;
  vmspec_diag *diag = untouched;
  int r = vmspec_diag_new (&diag);

  if (r == 0)
    vmspec_diag_free (diag);
  else if (diag != untouched)
    return 1;
  return r;
}

static int
try_plan (void)
{
  void *untouched = &arena;
  vmspec_plan *plan = untouched;
  int r = vmspec_plan_new (spec, &host, NULL, &plan);

  if (r == 0)
    vmspec_plan_free (plan);
  else if (plan != untouched)
    return 1;
  return r;
}

/* A plan, and from there the guest's settings. */
static uint32_t guest_form;

static int
try_guest (void)
{
  void *untouched = &arena;
  struct vmspec_guest_settings *settings = untouched;
  vmspec_plan *plan = NULL;
  int r = vmspec_plan_new (spec, &host, NULL, &plan);

  if (r == 0)
    r = vmspec_plan_guest (plan, guest_form, NULL, &settings);
  vmspec_plan_free (plan);
  if (r == 0)
    vmspec_guest_settings_free (settings);
  else if (settings != untouched)
    return 1;
  return r;
}

/* There is much to say, and a diagnosis to say it to. */
static int
try_findings (void)
{
  static const struct vmspec_share share = { VMSPEC_INIT (vmspec_share) };
  struct vmspec wrong
    = { VMSPEC_INIT (vmspec), .arch = 99, .graphics = 1,
        .shares = LIST (vmspec_share, &share, &share, &share) };
  vmspec_diag *diag = NULL;
  vmspec_plan *plan = NULL;
  int r = vmspec_diag_new (&diag);

  if (r == 0) {
    r = vmspec_plan_new (&wrong, &host, diag, &plan);
    /* An error all the same, with or without the memory to tell of it. */
    if (r == 0 || plan)
      return 1;
  }
  vmspec_diag_free (diag);
  if (r == -EINVAL)
    return memory.failed ? -ENOMEM : 0;
  return r;
}

static int
try_check (void)
{
  return vmspec_check (spec, &host, NULL);
}

static int
try_resolve (void)
{
  void *untouched = &arena;
  vmspec_doc *resolved = untouched;
  int r = vmspec_resolve (spec, &host, NULL, &resolved);

  if (r == 0)
    vmspec_doc_free (resolved);
  else if (resolved != untouched)
    return 1;
  return r;
}

static int
try_detect (void)
{
  void *untouched = &arena;
  struct vmspec_host given
    = { VMSPEC_INIT (vmspec_host), .environment = padded_environment };
  struct vmspec_host *found = untouched;
  int r = vmspec_host_detect (spec, &given, NULL, &found);

  if (r == 0)
    vmspec_host_free (found);
  else if (found != untouched)
    return 1;
  return r;
}

static int
try_doc_new (void)
{
  void *untouched = &arena;
  vmspec_doc *copy = untouched;
  int r = vmspec_doc_new (spec, NULL, &copy);

  if (r == 0)
    vmspec_doc_free (copy);
  else if (copy != untouched)
    return 1;
  return r;
}

static int
try_read (void)
{
  void *untouched = &arena;
  vmspec_doc *read = untouched;
  int r = vmspec_doc_read_memory (xml, strlen (xml), padding, NULL, &read);
  char where[100];

  if (r < 0)
    return read == untouched ? r : 1;
  /* libxml2 can do without some of its memory, but then it is all there. */
  if (!same_struct ("vmspec", vmspec_doc_spec (read), spec, where,
                    sizeof where))
    r = 2;
  vmspec_doc_free (read);
  return r == 0 && memory.failed ? -ENOMEM : r;
}

static int
try_set (void)
{
  vmspec_doc *copy = NULL;
  int r = vmspec_doc_new (spec, NULL, &copy);

  for (int i = 0; i < 30 && r == 0; i++)
    r = vmspec_doc_set (copy, "shares[]=tag=a,source=b,,c,target=/d", NULL);
  vmspec_doc_free (copy);
  return r;
}

static int
try_write (void)
{
  const char *untouched = "", *text = untouched;
  vmspec_doc *copy = NULL;
  int r = vmspec_doc_new (spec, NULL, &copy);

  if (r == 0)
    r = vmspec_doc_write (copy, &text);
  if (r < 0 && text != untouched)
    return 1;
  if (r == 0 && strcmp (text, xml))
    return 1;
  vmspec_doc_free (copy);
  return r;
}

/* ---- trying -------------------------------------------------------------- */

static void
survives (int (*what) (void))
{
  size_t step = unit_is_watched () ? 1237 : 16;

  /* What is allocated once and for all is no leak. */
  /* What libxml2 keeps of an error is its own. */
  after_each = xmlResetLastError;
  ck_assert_int_eq (try_with_failure (what, -1, 0), 0);
  for (size_t size = 0; size < sizeof padding - 5; size += step) {
    pad (size);
    survives_each (what, 0);
    survives_each (what, 1);
  }
}

#define SURVIVES(name, what)                                                   \
  START_TEST (name) { survives (what); }                                       \
  END_TEST

SURVIVES (a_diagnosis_is_made_or_not, try_diag)
SURVIVES (a_plan_is_made_or_not, try_plan)
START_TEST (a_guest_is_told_of_or_not)
{
  guest_form = (uint32_t) _i;
  survives (try_guest);
}
END_TEST

SURVIVES (findings_are_an_error_even_untold, try_findings)
SURVIVES (a_check_is_made_or_not, try_check)
SURVIVES (a_description_is_resolved_or_not, try_resolve)
SURVIVES (a_host_is_looked_at_or_not, try_detect)
SURVIVES (a_description_is_copied_or_not, try_doc_new)

/* What libxml2 has to say before it knows of our parser, it says to the program's
 * handler, and nothing but that it lacks memory. */
static void
listen (void *data, xml_error_pointer error)
{
  int *other = data;

  if (error->code != XML_ERR_NO_MEMORY)
    *other = error->code;
}

START_TEST (a_file_is_read_or_not_without_a_word)
{
  int kept = dup (2), instead = memfd_create ("stderr", MFD_CLOEXEC);
  int other = 0;
  char *said;

  ck_assert_int_ge (instead, 0);
  ck_assert_int_eq (dup2 (instead, 2), 2);
  xmlSetStructuredErrorFunc (&other, listen);
  survives (try_read);
  ck_assert_int_eq (other, 0);
  xmlSetStructuredErrorFunc (NULL, NULL);
  dup2 (kept, 2);
  close (kept);
  said = calloc (1, 500);
  ck_assert_int_ge (pread (instead, said, 499, 0), 0);
  close (instead);
  ck_assert_str_eq (said, "");
  free (said);
}
END_TEST

SURVIVES (an_option_is_set_or_not, try_set)
SURVIVES (a_file_is_written_or_not, try_write)

int
main (void)
{
  TCase *t = unit_case ("nomem");

  tcase_add_checked_fixture (t, set_up, tear_down);
  tcase_add_test (t, a_diagnosis_is_made_or_not);
  tcase_add_test (t, a_plan_is_made_or_not);
  tcase_add_loop_test (t, a_guest_is_told_of_or_not, 0,
                       VMSPEC_GUEST_FORM_JSON + 1);
  tcase_add_test (t, findings_are_an_error_even_untold);
  tcase_add_test (t, a_check_is_made_or_not);
  tcase_add_test (t, a_description_is_resolved_or_not);
  tcase_add_test (t, a_host_is_looked_at_or_not);
  tcase_add_test (t, a_description_is_copied_or_not);
  tcase_add_test (t, a_file_is_read_or_not_without_a_word);
  tcase_add_test (t, an_option_is_set_or_not);
  tcase_add_test (t, a_file_is_written_or_not);
  return unit_run ("nomem", t);
}
