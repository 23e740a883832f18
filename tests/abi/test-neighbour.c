/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The library is not the only user of libxml2 in its process.  Here is another,
 * with handlers, defaults and memory functions of its own: they stay as they
 * are, none is called for us, and none changes what we read.  It goes on while we
 * read in another thread, and while the library comes and goes.
 *
 * What libxml2 does not let us keep apart: it takes memory for us by the
 * program's functions, the last error of a thread is that of whoever was last,
 * and where it has no memory for a parser, it says so to the program's handler.
 */
#include "unit.h"

#include <dlfcn.h>
#include <libxml/parser.h>
#include <libxml/parserInternals.h>
#include <libxml/tree.h>
#include <libxml/xmlIO.h>
#include <libxml/xmlmemory.h>
#include <pthread.h>
#include <stdatomic.h>

#define WORD "<?xml version='1.0'?>\n<vmspec xmlns='urn:vmspec:1' "
#define MALFORMED "<a><b></a>"

/* What we read, good and bad. */
static const char *const documents[] = {
  WORD "name='a &amp; b' memory='2048'>\n  <qemu>\n    <option> -a  "
  "</option>\n    <option>&lt;&#65;<![CDATA[ & ]]></option>\n  </qemu>\n"
  "  <store>\n    <additional-path>\n  /a\n</additional-path>\n  </store>\n"
  "</vmspec>\n",
  WORD "/>",
  WORD "nmae='a'>\n\n <disk size='x'/>text</vmspec>",
  WORD "name='&a;'/>",
  WORD "name='a'>",
  MALFORMED,
  "<!DOCTYPE vmspec SYSTEM 'neighbour:a.dtd'>" WORD + 21,
  "<!DOCTYPE vmspec [<!ENTITY a SYSTEM 'neighbour:a'>]>"
  "<vmspec xmlns='urn:vmspec:1' name='&a;'/>",
  "",
};

/* ---- the library --------------------------------------------------------- */

struct library {
  void *handle;
  typeof (vmspec_diag_new) *diag_new;
  typeof (vmspec_diag_get) *diag_get;
  typeof (vmspec_diag_free) *diag_free;
  typeof (vmspec_doc_read_memory) *read;
  typeof (vmspec_doc_write) *write;
  typeof (vmspec_doc_free) *free;
};

static struct library
use_library (void *handle)
{
  ck_assert_msg (handle != NULL, "%s", dlerror ());
  return (struct library) {
    .handle = handle,
    .diag_new = dlsym (handle, "vmspec_diag_new"),
    .diag_get = dlsym (handle, "vmspec_diag_get"),
    .diag_free = dlsym (handle, "vmspec_diag_free"),
    .read = dlsym (handle, "vmspec_doc_read_memory"),
    .write = dlsym (handle, "vmspec_doc_write"),
    .free = dlsym (handle, "vmspec_doc_free"),
  };
}

static const char *
library_path (void)
{
  const char *path = getenv ("VMSPEC_LIBRARY");

  return path ? path : ".libs/libvmspec.so.0";
}

static struct library
open_library (void)
{
  return use_library (dlopen (library_path (), RTLD_NOW | RTLD_LOCAL));
}

/* All that it says of a document, appended to @to. */
static void
tell (const struct library *l, const char *document, FILE *to)
{
  const struct vmspec_finding *f;
  vmspec_diag *diag = NULL;
  vmspec_doc *doc = NULL;
  const char *text;

  ck_assert_int_eq (l->diag_new (&diag), 0);
  fprintf (to, "%d\n", l->read (document, strlen (document), "a.xml", diag,
                                &doc));
  if (doc && l->write (doc, &text) == 0)
    fputs (text, to);
  for (size_t i = 0; (f = l->diag_get (diag, i)); i++)
    fprintf (to, "%u %s %s\n", (unsigned) f->line, f->id, f->text);
  l->free (doc);
  l->diag_free (diag);
}

static char *
tell_all (const struct library *l)
{
  char *text = NULL;
  size_t size;
  FILE *to = open_memstream (&text, &size);

  for (size_t i = 0; i < sizeof documents / sizeof documents[0]; i++)
    tell (l, documents[i], to);
  fclose (to);
  return text;
}

/* ---- the other user ------------------------------------------------------ */

static atomic_long errors, words, entities, inputs, nodes, blocks, taken;

#if LIBXML_VERSION >= 21200
typedef const xmlError *error_pointer;
#else
typedef xmlError *error_pointer;
#endif

static void
on_error (void *data, error_pointer error)
{
  (void) data, (void) error;
  errors++;
}

static void
on_words (void *data, const char *format, ...)
{
  (void) data, (void) format;
  words++;
}

static xmlParserInput *
on_entity (const char *url, const char *id, xmlParserCtxt *parser)
{
  (void) id;
  entities++;
  return xmlNewInputFromFile (parser, url);
}

static int
on_match (const char *url)
{
  inputs++;
  return !strncmp (url, "neighbour:", 10);
}

static void *
on_open (const char *url)
{
  (void) url;
  return calloc (1, 1);
}

static int
on_read (void *data, char *to, int room)
{
  char *done = data;

  if (*done || room < 5)
    return 0;
  *done = 1;
  memcpy (to, "hello", 5);
  return 5;
}

static int
on_close (void *data)
{
  free (data);
  return 0;
}

static void
on_node (xmlNode *node)
{
  (void) node;
  nodes++;
}

static void *
take (size_t size)
{
  blocks++;
  taken++;
  return malloc (size);
}

static void *
take_again (void *old, size_t size)
{
  blocks += !old;
  taken++;
  return realloc (old, size);
}

static char *
take_text (const char *text)
{
  blocks++;
  taken++;
  return strdup (text);
}

static void
give_back (void *old)
{
  blocks -= !!old;
  free (old);
}

static char context;

static void
settle (void)
{
  xmlSetGenericErrorFunc (&context, on_words);
  xmlSetStructuredErrorFunc (&context, on_error);
  xmlSetExternalEntityLoader (on_entity);
  xmlRegisterInputCallbacks (on_match, on_open, on_read, on_close);
  xmlRegisterNodeDefault (on_node);
  xmlKeepBlanksDefault (0);
  xmlSubstituteEntitiesDefault (1);
  xmlPedanticParserDefault (1);
  xmlLineNumbersDefault (0);
  xmlLoadExtDtdDefaultValue = XML_DETECT_IDS | XML_COMPLETE_ATTRS;
  xmlDoValidityCheckingDefaultValue = 1;
  xmlIndentTreeOutput = 0;
}

struct settings {
  xmlGenericErrorFunc generic;
  xmlStructuredErrorFunc structured;
  xmlExternalEntityLoader loader;
  xmlRegisterNodeFunc node;
  void *contexts[2];
  xmlFreeFunc free;
  xmlMallocFunc malloc;
  xmlReallocFunc realloc;
  xmlStrdupFunc strdup;
  int numbers[8];
};

static struct settings
settings (void)
{
  struct settings s;

  memset (&s, 0, sizeof s);
  s.generic = xmlGenericError;
  s.structured = xmlStructuredError;
  s.loader = xmlGetExternalEntityLoader ();
  s.node = xmlRegisterNodeDefaultValue;
  s.contexts[0] = xmlGenericErrorContext;
  s.contexts[1] = xmlStructuredErrorContext;
  xmlMemGet (&s.free, &s.malloc, &s.realloc, &s.strdup);
  s.numbers[0] = xmlKeepBlanksDefaultValue;
  s.numbers[1] = xmlSubstituteEntitiesDefaultValue;
  s.numbers[2] = xmlPedanticParserDefaultValue;
  s.numbers[3] = xmlLineNumbersDefaultValue;
  s.numbers[4] = xmlLoadExtDtdDefaultValue;
  s.numbers[5] = xmlDoValidityCheckingDefaultValue;
  s.numbers[6] = xmlIndentTreeOutput;
  s.numbers[7] = xmlGetWarningsDefaultValue;
  return s;
}

/* Its own work: an entity that its loader and its callbacks read, blanks that
 * are dropped, and an error that its handler hears of. */
static int
works (void)
{
  static const char text[]
    = "<!DOCTYPE a [<!ENTITY e SYSTEM 'neighbour:e'>\n<!ELEMENT a (b)>"
      "<!ELEMENT b (#PCDATA)>]>\n<a>\n  <b>&e;</b>\n</a>";
  long before = errors;
  xmlDoc *doc = xmlParseMemory (text, sizeof text - 1);
  xmlNode *b = doc ? xmlDocGetRootElement (doc)->children : NULL;
  int well = b && !b->next && b->children
             && !xmlStrcmp (b->children->content, (const xmlChar *) "hello");

  xmlFreeDoc (doc);
  well &= errors == before;
  xmlFreeDoc (xmlParseMemory (MALFORMED, sizeof MALFORMED - 1));
  return well && errors > before;
}

/* ---- tests --------------------------------------------------------------- */

static int own_copy;
static char *plainly; /* what was said before there were settings */

static void
set_up (void)
{
  struct library l = open_library ();

  /* As many programs do; a process is forked for each test. */
  xmlMemSetup (give_back, take, take_again, take_text);
  xmlInitParser ();
  own_copy = getenv ("VMSPEC_TEST_OWN_LIBXML") != NULL;
  plainly = tell_all (&l);
  ck_assert_ptr_nonnull (strstr (plainly, "&amp; b"));
  ck_assert_ptr_nonnull (strstr (plainly, "xml.doctype"));
  ck_assert_ptr_nonnull (strstr (plainly, "xml.syntax"));
  dlclose (l.handle);
  settle ();
  ck_assert (works ());
}

static void
is_undisturbed (const struct library *l)
{
  struct settings before = settings (), after;
  long n_errors = errors, n_entities = entities, n_inputs = inputs,
       n_nodes = nodes, n_blocks, n_taken = taken;
  char *told;

  xmlResetLastError ();
  n_blocks = blocks;
  told = tell_all (l);
  after = settings ();
  ck_assert_str_eq (told, plainly);
  free (told);
  ck_assert_mem_eq (&before, &after, sizeof before);
  ck_assert_int_eq (errors, n_errors);
  ck_assert_int_eq (words, 0);
  ck_assert_int_eq (entities, n_entities);
  ck_assert_int_eq (inputs, n_inputs);
  ck_assert_int_eq (nodes, n_nodes);
  /* One copy of libxml2 takes our memory by the program's functions, too. */
  ck_assert_int_eq (taken > n_taken, !own_copy);
  xmlResetLastError ();
  ck_assert_int_eq (blocks, n_blocks);
  ck_assert (works ());
}

START_TEST (settings_are_the_programs_and_have_no_effect)
{
  struct library l = open_library ();

  is_undisturbed (&l);
  is_undisturbed (&l);
  dlclose (l.handle);
  ck_assert (works ());
}
END_TEST

static atomic_int stop, rounds, failures;

static void *
work_on (void *unused)
{
  struct settings mine;

  (void) unused;
  settle ();
  mine = settings ();
  while (!stop) {
    struct settings now;

    failures += !works ();
    now = settings ();
    failures += !!memcmp (&mine, &now, sizeof now);
    rounds++;
  }
  return NULL;
}

/* Reads @n times beside another thread that works on. */
static void
read_beside (int n, int reopen)
{
  struct library l = open_library ();
  pthread_t other;
  int at_first;

  stop = 0;
  ck_assert_int_eq (pthread_create (&other, NULL, work_on, NULL), 0);
  while (!rounds)
    sched_yield ();
  at_first = rounds;
  for (int i = 0; i < n || rounds < at_first + 20; i++) {
    char *told = tell_all (&l);

    ck_assert_str_eq (told, plainly);
    free (told);
    if (reopen) {
      dlclose (l.handle);
      ck_assert_ptr_null (dlopen (library_path (), RTLD_NOW | RTLD_NOLOAD));
      l = open_library ();
    }
  }
  stop = 1;
  pthread_join (other, NULL);
  dlclose (l.handle);
  ck_assert_int_eq (failures, 0);
  ck_assert (works ());
}

START_TEST (another_thread_works_on_meanwhile) { read_beside (200, 0); }
END_TEST

START_TEST (another_thread_works_on_while_the_library_comes_and_goes)
{
  read_beside (50, 1);
}
END_TEST

/* The same again with a libxml2 of the library's own. */
START_TEST (a_second_copy_of_libxml2_is_another_matter)
{
  struct library l
    = use_library (dlmopen (LM_ID_NEWLM, library_path (), RTLD_NOW));

  ck_assert_ptr_ne (dlsym (l.handle, "xmlNewParserCtxt"), xmlNewParserCtxt);
  own_copy = 1;
  is_undisturbed (&l);
  dlclose (l.handle);
  ck_assert (works ());
}
END_TEST

int
main (void)
{
  TCase *t = unit_case ("neighbour");

  tcase_add_checked_fixture (t, set_up, NULL);
  tcase_add_test (t, settings_are_the_programs_and_have_no_effect);
  tcase_add_test (t, another_thread_works_on_meanwhile);
  tcase_add_test (t, another_thread_works_on_while_the_library_comes_and_goes);
  tcase_add_test (t, a_second_copy_of_libxml2_is_another_matter);
  return unit_run ("neighbour", t);
}
