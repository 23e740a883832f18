/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A plug-in of a program that runs for years: the library is opened and closed
 * thousands of times, with work in between, also in threads, and leaves nothing.
 */
#include "unit.h"

#include <dirent.h>
#include <dlfcn.h>
#include <limits.h>
#include <malloc.h>
#include <pthread.h>

/* Of keys for data of threads there are 1024. */
static const struct {
  int in_threads, times;
} ways[] = { { 0, 2000 }, { 1, 400 } };

/* Each time; glibc itself keeps some now and then.  Blocks of its malloc have
 * more. */
enum { WARM = 100, SMALLEST_BLOCK = 24 };

static const char xml[]
  = "<vmspec xmlns='urn:vmspec:1' name='a &amp; b'><disk image=''/>"
    "<qemu machine='q35' cpu='max'/></vmspec>";

static void *
work (void *handle)
{
  typeof (vmspec_diag_new) *diag_new = dlsym (handle, "vmspec_diag_new");
  typeof (vmspec_diag_free) *diag_free = dlsym (handle, "vmspec_diag_free");
  typeof (vmspec_doc_read_memory) *doc_read
    = dlsym (handle, "vmspec_doc_read_memory");
  typeof (vmspec_doc_spec) *doc_spec = dlsym (handle, "vmspec_doc_spec");
  typeof (vmspec_doc_free) *doc_free = dlsym (handle, "vmspec_doc_free");
  typeof (vmspec_plan_new) *plan_new = dlsym (handle, "vmspec_plan_new");
  typeof (vmspec_plan_argv) *plan_argv = dlsym (handle, "vmspec_plan_argv");
  typeof (vmspec_plan_free) *plan_free = dlsym (handle, "vmspec_plan_free");
  const struct vmspec_host host = unit_host ();
  vmspec_plan *plan = NULL;
  vmspec_diag *diag = NULL;
  vmspec_doc *doc = NULL;

  ck_assert_int_eq (diag_new (&diag), 0);
  ck_assert_int_eq (doc_read ("<a", 2, "bad.xml", diag, &doc), -EINVAL);
  ck_assert_int_eq (doc_read (xml, sizeof xml - 1, "a.xml", diag, &doc), 0);
  ck_assert_int_eq (plan_new (doc_spec (doc), &host, diag, &plan), 0);
  ck_assert_str_eq (plan_argv (plan)[0], unit_qemu.path);
  plan_free (plan);
  doc_free (doc);
  diag_free (diag);
  return NULL;
}

static void
come_and_go (const char *path, int in_thread)
{
  void *handle = dlopen (path, RTLD_NOW | RTLD_LOCAL);
  pthread_t thread;

  ck_assert_msg (handle != NULL, "%s", dlerror ());
  if (in_thread) {
    ck_assert_int_eq (pthread_create (&thread, NULL, work, handle), 0);
    pthread_join (thread, NULL);
  } else
    work (handle);
  ck_assert_int_eq (dlclose (handle), 0);
  ck_assert_ptr_null (dlopen (path, RTLD_NOW | RTLD_NOLOAD));
}

/* What can be left behind. */
struct traces {
  size_t descriptors, mappings, memory, keys;
};

/* How many keys are free. */
static size_t
free_keys (void)
{
  static pthread_key_t keys[PTHREAD_KEYS_MAX];
  size_t n = 0;

  while (n < COUNT (keys) && pthread_key_create (&keys[n], NULL) == 0)
    n++;
  for (size_t i = 0; i < n; i++)
    pthread_key_delete (keys[i]);
  return n;
}

static struct traces
traces (void)
{
  struct mallinfo2 memory = mallinfo2 ();
  struct traces t
    = { .memory = memory.uordblks + memory.hblkhd, .keys = free_keys () };
  DIR *directory = opendir ("/proc/self/fd");
  FILE *maps = fopen ("/proc/self/maps", "re");

  while (readdir (directory))
    t.descriptors++;
  closedir (directory);
  for (int c; (c = getc (maps)) != EOF;)
    t.mappings += c == '\n';
  fclose (maps);
  return t;
}

START_TEST (nothing_is_left_behind)
{
  const char *path = getenv ("VMSPEC_LIBRARY");
  struct traces early, late;

  if (!path)
    path = ".libs/libvmspec.so.0";
  for (int i = 0; i < WARM; i++)
    come_and_go (path, ways[_i].in_threads);
  early = traces ();
  for (int i = 0; i < ways[_i].times; i++)
    come_and_go (path, ways[_i].in_threads);
  late = traces ();
  printf ("descriptors %zu %zu, mappings %zu %zu, memory %zu %zu, "
          "free keys %zu %zu\n", early.descriptors, late.descriptors,
          early.mappings, late.mappings, early.memory, late.memory,
          early.keys, late.keys);
  ck_assert_uint_eq (late.descriptors, early.descriptors);
  ck_assert_uint_le (late.mappings, early.mappings + 10);
  ck_assert_uint_le (late.memory, early.memory + (size_t) ways[_i].times
                                        * SMALLEST_BLOCK);
  ck_assert_uint_eq (late.keys, early.keys);
}
END_TEST

int
main (void)
{
  TCase *t = unit_case ("dlopen");

  tcase_add_loop_test (t, nothing_is_left_behind, 0, COUNT (ways));
  return unit_run ("dlopen", t);
}
