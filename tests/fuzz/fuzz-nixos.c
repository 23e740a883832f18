/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The input is a NixOS configuration as JSON.  What it is and what holds is
 * said in fuzz_nixos.py; this runs that in a Python of its own, and tells
 * libFuzzer which lines of the package were run, beside the library's edges.
 */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <stdint.h>

#define MOST_LINES 16384

/* Of libFuzzer, and for it. */
size_t LLVMFuzzerMutate (uint8_t *data, size_t size, size_t most);
int LLVMFuzzerInitialize (int *argc, char ***argv);
int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);
size_t LLVMFuzzerCustomMutator (uint8_t *data, size_t size, size_t most,
                                unsigned seed);

static __attribute__ ((section ("__libfuzzer_extra_counters")))
uint8_t counters[MOST_LINES];
static uint8_t reached[MOST_LINES];

/* What fuzz_nixos.py has: functions, and where the lines of a file are counted,
 * by its name. */
static PyObject *check, *mutate, *files;
static long lines;

static void
must (const void *object)
{
  if (object)
    return;
  PyErr_Print ();
  abort ();
}

/* ---- lines --------------------------------------------------------------- */

static int
trace (PyObject *object, PyFrameObject *frame, int event, PyObject *argument)
{
  PyCodeObject *code;
  PyObject *first;

  (void) object, (void) argument;
  if (event != PyTrace_LINE)
    return 0;
  code = PyFrame_GetCode (frame);
  first = PyDict_GetItem (files, code->co_filename);
  if (first) {
    long at = PyLong_AsLong (first) + PyFrame_GetLineNumber (frame);

    if (at >= 0 && at < MOST_LINES) {
      reached[at] = 1;
      counters[at] += counters[at] < UINT8_MAX;
    }
  }
  Py_DECREF (code);
  return 0;
}

static void
report (void)
{
  long n = 0;

  for (size_t i = 0; i < MOST_LINES; i++)
    n += reached[i];
  fprintf (stderr, "stat::python_lines: %ld of %ld\n", n, lines);
}

/* ---- libFuzzer's functions ----------------------------------------------- */

int
LLVMFuzzerInitialize (int *argc, char ***argv)
{
  PyObject *module, *number;

  (void) argc, (void) argv;
  Py_InitializeEx (0);
  module = PyImport_ImportModule ("fuzz_nixos");
  must (module);
  must (check = PyObject_GetAttrString (module, "check"));
  must (mutate = PyObject_GetAttrString (module, "mutate"));
  must (files = PyObject_GetAttrString (module, "FILES"));
  must (number = PyObject_GetAttrString (module, "LINES"));
  lines = PyLong_AsLong (number);
  Py_DECREF (number);
  Py_DECREF (module);
  return atexit (report);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  PyObject *result;

  PyEval_SetTrace (trace, NULL);
  result = PyObject_CallFunction (check, "y#", data, (Py_ssize_t) size);
  PyEval_SetTrace (NULL, NULL);
  must (result);
  Py_DECREF (result);
  return 0;
}

/* Mostly by what the input means; NULL where it means nothing. */
size_t
LLVMFuzzerCustomMutator (uint8_t *data, size_t size, size_t most, unsigned seed)
{
  PyObject *result = NULL;
  size_t n = 0;

  if (seed % 8) {
    result = PyObject_CallFunction (mutate, "y#I", data, (Py_ssize_t) size,
                                    seed);
    must (result);
    if (PyBytes_Check (result))
      n = (size_t) PyBytes_GET_SIZE (result);
  }
  if (n && n <= most)
    memcpy (data, PyBytes_AS_STRING (result), n);
  else
    n = LLVMFuzzerMutate (data, size, most);
  Py_XDECREF (result);
  return n;
}
