/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * XML files.  libxml2 calls us for each tag and keeps no tree, so that a
 * hostile file costs no more than its size.  What libxml2 itself is slow at (an
 * element with very many attributes) or would expand (entities) is refused
 * before it comes to that.
 */
#include "xml.h"

#include <errno.h>
#include <fcntl.h>
#include <libxml/parser.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#if LIBXML_VERSION >= 21200
typedef const xmlError *parser_error_pointer;
#else
typedef xmlError *parser_error_pointer;
#endif

struct reader {
  struct build build;
  xmlParserCtxt *parser;
};

/* ---- before libxml2 ----------------------------------------------------- */

static uint64_t
line_of (const char *data, const char *at)
{
  uint64_t line = 1;

  while ((data = memchr (data, '\n', (size_t) (at - data)))) {
    data++;
    line++;
  }
  return line;
}

/* What libxml2 would choke on. */
struct tag {
  size_t size, attributes;
};

/* The tag that starts before @at.  A "<" ends it too: XML has none inside. */
static struct tag
measure_tag (const char *at, const char *end)
{
  struct tag tag = { 0 };
  char quote = '\0';

  for (; at < end && *at != '<' && (quote || *at != '>'); at++, tag.size++)
    if (quote)
      quote = *at == quote ? '\0' : quote;
    else if (*at == '"' || *at == '\'') {
      quote = *at;
      tag.attributes++;
    }
  return tag;
}

static int
starts_name (char c)
{
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'
         || c == ':' || (unsigned char) c > 0x7f;
}

/* Behind a comment, a CDATA section or a processing instruction that starts
 * before @at, in which quotes mean nothing; @at if it is none of these. */
static const char *
skip_opaque (const char *at, const char *end)
{
  static const struct {
    const char *start, *stop;
  } kinds[] = { { "!--", "-->" }, { "![CDATA[", "]]>" }, { "?", "?>" } };

  for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
    size_t size = strlen (kinds[i].start), stop = strlen (kinds[i].stop);
    const char *found;

    if ((size_t) (end - at) < size || memcmp (at, kinds[i].start, size))
      continue;
    found = memmem (at + size, (size_t) (end - at) - size, kinds[i].stop, stop);
    return found ? found + stop : end;
  }
  return at;
}

/* libxml2 keeps a tag in memory, and compares each attribute with all before
 * it. */
static const char *
find_large_tag (const char *data, const char *end)
{
  while (data < end && (data = memchr (data, '<', (size_t) (end - data)))) {
    struct tag tag;

    data = skip_opaque (data + 1, end);
    if (data == end || !starts_name (*data))
      continue;
    tag = measure_tag (data, end);
    if (tag.size > VMSPEC_XML_MAX_TAG
        || tag.attributes > VMSPEC_XML_MAX_ATTRIBUTES)
      return data;
  }
  return NULL;
}

static void
look_over (struct build *b, const char *data, size_t size)
{
  size_t valid = vms_xml_valid (data, size);
  const char *large = find_large_tag (data, data + size);

  if (valid < size) {
    b->place.line = line_of (data, data + valid);
    BUILD_SAY (b, "xml.encoding", NULL, "byte %zu is not UTF-8, or a control "
               "character; a description is UTF-8 text", valid + 1);
  }
  if (large) {
    b->place.line = line_of (data, large);
    BUILD_SAY (b, "xml.tag", NULL, "a tag has more than %d attributes or is "
               "larger than %d MiB", VMSPEC_XML_MAX_ATTRIBUTES,
               VMSPEC_XML_MAX_TAG >> 20);
  }
}

/* ---- what libxml2 calls ------------------------------------------------- */

static const char *
plain (const xmlChar *text)
{
  return (const char *) text;
}

static void
stop_if_asked (struct reader *r)
{
  if (vms_arena_error (&r->build.doc->arena))
    r->build.stopped = 1;
  if (r->build.stopped)
    xmlStopParser (r->parser);
}

/* libxml2 is at the end of the tag by now. */
static uint64_t
line_of_tag (const xmlParserInput *input)
{
  uint64_t line = (uint64_t) input->line;

  for (const xmlChar *at = input->cur; at > input->base && *at != '<'; at--)
    line -= at[-1] == '\n';
  return line;
}

static void
start_element (void *data, const xmlChar *name, const xmlChar *prefix,
               const xmlChar *name_space, int n_namespaces,
               const xmlChar **namespaces, int n_attributes, int n_defaulted,
               const xmlChar **attributes)
{
  struct reader *r = data;

  (void) prefix, (void) n_namespaces, (void) namespaces, (void) n_defaulted;
  r->build.place.line = line_of_tag (r->parser->input);
  vms_build_start (&r->build, plain (name), plain (name_space));
  /* Name, prefix, namespace, start and end of the value. */
  for (int i = 0; i < n_attributes; i++, attributes += 5)
    vms_build_attribute (&r->build, plain (attributes[1]),
                         plain (attributes[0]), plain (attributes[3]),
                         (size_t) (attributes[4] - attributes[3]));
  stop_if_asked (r);
}

static void
end_element (void *data, const xmlChar *name, const xmlChar *prefix,
             const xmlChar *name_space)
{
  struct reader *r = data;

  (void) name, (void) prefix, (void) name_space;
  if (!r->build.stopped)
    vms_build_end (&r->build);
}

/* Where the first word of a text stands, at whose end libxml2 is. */
static uint64_t
line_of_text (const xmlParserInput *input, const char *text, size_t size)
{
  uint64_t line = (uint64_t) input->line;
  const char *end = text + size;

  while (text < end && strchr (" \t\n\r", *text))
    text++;
  return line + 1 - line_of (text, end);
}

static void
characters (void *data, const xmlChar *bytes, int size)
{
  struct reader *r = data;

  if (r->build.stopped || !r->build.depth)
    return;
  r->build.place.line
    = line_of_text (r->parser->input, plain (bytes), (size_t) size);
  vms_build_text (&r->build, plain (bytes), (size_t) size);
}

/* Called before the declarations of a document type are read. */
static void
document_type (void *data, const xmlChar *name, const xmlChar *public_id,
               const xmlChar *system_id)
{
  struct reader *r = data;

  (void) name, (void) public_id, (void) system_id;
  r->build.place.line = (uint64_t) r->parser->input->line;
  BUILD_SAY (&r->build, "xml.doctype", NULL, "a description has no document "
             "type and no entities; remove <!DOCTYPE ...>");
  r->build.stopped = 1;
  stop_if_asked (r);
}

static void
parser_error (void *data, parser_error_pointer error)
{
  struct reader *r = data;
  const char *message = error->message ? error->message : "";

  if (error->code == XML_ERR_NO_MEMORY) {
    r->build.doc->arena.error = -ENOMEM;
    return;
  }
  /* What is not fatal is found by ourselves, if it matters. */
  if (error->level != XML_ERR_FATAL)
    return;
  r->build.place.line = (uint64_t) error->line;
  BUILD_SAY (&r->build, "xml.syntax", NULL, "not well-formed XML: %.*s",
             (int) strcspn (message, "\n"), message);
  /* What follows from the first mistake is no news. */
  r->build.stopped = 1;
}

/* ---- reading ------------------------------------------------------------ */

/* Whatever libxml2 calls is the parser's own.  Other users of it in this process
 * have handlers and defaults that hold for a thread or for all of it: none of
 * them is changed, not even for the moment. */
static void
parse (struct reader *r, const char *data, size_t size)
{
  *r->parser->sax = (xmlSAXHandler) {
    .initialized = XML_SAX2_MAGIC,
    .internalSubset = document_type,
    .startElementNs = start_element,
    .endElementNs = end_element,
    .characters = characters,
    .cdataBlock = characters,
    .ignorableWhitespace = characters,
    .serror = parser_error,
  };
  r->parser->userData = r;
  /* NOENT has "&amp;" and its like come as what they stand for.  There are no
   * other entities where there is no document type.  HUGE lifts limits that are
   * below ours. */
  xmlCtxtReadMemory (r->parser, data, (int) size, NULL, NULL,
                     XML_PARSE_NOENT | XML_PARSE_NONET | XML_PARSE_IGNORE_ENC
                       | XML_PARSE_HUGE);
  if (r->build.error)
    return;
  /* It says what is wrong with a file, but not always that it lacks memory. */
  if (!r->parser->wellFormed || !r->build.elements)
    r->build.doc->arena.error = -ENOMEM;
}

/* What libxml2 sets up for the whole process when it is first used, no two threads
 * may meet in: it looks without a lock whether that has been done. */
static void
set_up_parser (void)
{
  static pthread_once_t once = PTHREAD_ONCE_INIT;

  pthread_once (&once, xmlInitParser);
}

static int
read_document (vmspec_doc *doc, const char *data, size_t size,
               vmspec_diag *diag)
{
  struct reader r
    = { .build = { .doc = doc, .diag = diag, .place.file = doc->file } };

  if (size > VMSPEC_XML_MAX_SIZE)
    BUILD_SAY (&r.build, "xml.size", NULL, "a description is no larger than "
               "%d MiB", VMSPEC_XML_MAX_SIZE >> 20);
  else
    look_over (&r.build, data, size);
  if (r.build.error)
    return r.build.error;
  set_up_parser ();
  r.parser = xmlNewParserCtxt ();
  if (!r.parser)
    return -ENOMEM;
  parse (&r, size ? data : "", size);
  xmlFreeDoc (r.parser->myDoc);
  xmlFreeParserCtxt (r.parser);
  return vms_arena_error (&doc->arena) ? vms_arena_error (&doc->arena)
                                       : r.build.error;
}

int
vmspec_doc_read_memory (const void *data, size_t size, const char *name,
                        vmspec_diag *diag, vmspec_doc **ret_doc)
{
  vmspec_doc *doc;
  int r = vms_doc_alloc (&doc);

  if (r < 0)
    return r;
  doc->file = vms_arena_strdup (&doc->arena, name);
  r = read_document (doc, data, size, diag);
  if (r < 0)
    vmspec_doc_free (doc);
  else
    *ret_doc = doc;
  return r;
}

/* Up to a little more than there may be, which tells that it is too much. */
static int
read_all (int fd, struct text *text)
{
  char block[1 << 16];
  ssize_t n = 0;

  while (text->size <= VMSPEC_XML_MAX_SIZE) {
    n = read (fd, block, sizeof block);
    if (n > 0)
      vms_text_add_bytes (text, block, (size_t) n);
    else if (n == 0 || errno != EINTR)
      break;
    if (vms_arena_error (text->arena))
      return vms_arena_error (text->arena);
  }
  return n < 0 ? -errno : 0;
}

int
vmspec_doc_read_file (const char *path, vmspec_diag *diag, vmspec_doc **ret_doc)
{
  struct arena arena = { 0 };
  struct text text = { .arena = &arena };
  int fd = open (path, O_RDONLY | O_CLOEXEC | O_NOCTTY), r;
  const char *data;

  if (fd < 0)
    return -errno;
  r = read_all (fd, &text);
  close (fd);
  data = vms_text_end (&text);
  if (r == 0)
    r = data ? vmspec_doc_read_memory (data, text.size, path, diag, ret_doc)
             : -ENOMEM;
  vms_arena_free (&arena);
  return r;
}
