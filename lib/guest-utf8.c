/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "guest.h"

/* The bytes of the character that starts here; 0 if it is none. */
static size_t
character_size (const unsigned char *c)
{
  size_t size = *c < 0x80 ? 1 : *c >= 0xc2 && *c < 0xe0 ? 2
                : *c >= 0xe0 && *c < 0xf0 ? 3 : *c >= 0xf0 && *c < 0xf5 ? 4 : 0;

  for (size_t i = 1; i < size; i++)
    if ((c[i] & 0xc0) != 0x80)
      return 0;
  /* Longer than needed, a surrogate, or beyond the last. */
  if ((*c == 0xe0 && c[1] < 0xa0) || (*c == 0xed && c[1] > 0x9f)
      || (*c == 0xf0 && c[1] < 0x90) || (*c == 0xf4 && c[1] > 0x8f))
    return 0;
  return size;
}

int
vms_guest_is_utf8 (const char *text)
{
  const unsigned char *c = (const unsigned char *) text;

  while (*c) {
    size_t size = character_size (c);

    if (!size)
      return 0;
    c += size;
  }
  return 1;
}
