/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Runs a fuzz target on files: what libFuzzer's own main does when it is given
 * files, for compilers that have no libFuzzer. */
#include "fuzz.h"

static void
replay (const char *path)
{
  FILE *file = fopen (path, "re");
  uint8_t *data = malloc (1 << 20), *exact;
  size_t size;

  HOLDS (file && data);
  size = fread (data, 1, 1 << 20, file);
  fclose (file);
  /* Not a byte more than there is, so that valgrind sees reads beyond it. */
  exact = malloc (size ? size : 1);
  HOLDS (exact);
  memcpy (exact, data, size);
  free (data);
  LLVMFuzzerTestOneInput (exact, size);
  free (exact);
}

int
main (int argc, char **argv)
{
  for (int i = 1; i < argc; i++) {
    /* If it ends here, this says where. */
    fprintf (stderr, "%s\n", argv[i]);
    replay (argv[i]);
  }
  return 0;
}
