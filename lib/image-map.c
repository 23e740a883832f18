/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "image-map.h"

#include <errno.h>
#include <stdlib.h>

#define LEAF 512 /* places in a leaf, leaves in a page */
#define PAGE ((uint64_t) LEAF * LEAF)

static uint64_t
number_of_pages (const struct image_map *map)
{
  return (map->clusters + PAGE - 1) / PAGE;
}

/* Places are kept with 1 added, so that zeroed memory says "not set". */
static uint64_t *
leaf_of (const struct image_map *map, uint64_t cluster)
{
  uint64_t **page = map->pages ? map->pages[cluster / PAGE] : NULL;

  return page ? page[cluster / LEAF % LEAF] : NULL;
}

int
vms_image_map_set (struct image_map *map, uint64_t cluster, uint64_t place)
{
  uint64_t ***page, **leaf;

  if (!map->pages)
    map->pages = calloc (number_of_pages (map), sizeof *map->pages);
  if (!map->pages)
    return -ENOMEM;
  page = &map->pages[cluster / PAGE];
  if (!*page)
    *page = calloc (LEAF, sizeof **page);
  if (!*page)
    return -ENOMEM;
  leaf = &(*page)[cluster / LEAF % LEAF];
  if (!*leaf)
    *leaf = calloc (LEAF, sizeof **leaf);
  if (!*leaf)
    return -ENOMEM;
  (*leaf)[cluster % LEAF] = place + 1;
  return 0;
}

uint64_t
vms_image_map_get (const struct image_map *map, uint64_t cluster)
{
  const uint64_t *leaf = leaf_of (map, cluster);

  return leaf ? leaf[cluster % LEAF] - 1 : NOT_MAPPED;
}

uint64_t
vms_image_map_next (const struct image_map *map, uint64_t cluster)
{
  while (cluster < map->clusters) {
    const uint64_t *leaf;

    if (!map->pages || !map->pages[cluster / PAGE])
      cluster = map->pages ? (cluster / PAGE + 1) * PAGE : map->clusters;
    else if (!(leaf = leaf_of (map, cluster)))
      cluster = (cluster / LEAF + 1) * LEAF;
    else if (leaf[cluster % LEAF])
      return cluster;
    else
      cluster++;
  }
  return map->clusters;
}

void
vms_image_map_free (struct image_map *map)
{
  for (uint64_t i = 0; map->pages && i < number_of_pages (map); i++) {
    for (uint64_t j = 0; map->pages[i] && j < LEAF; j++)
      free (map->pages[i][j]);
    free (map->pages[i]);
  }
  free (map->pages);
}
