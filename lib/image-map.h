/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where the clusters of a disk are in its file: a table with two levels, of
 * which only what is used exists. */
#ifndef VMSPEC_IMAGE_MAP_H
#define VMSPEC_IMAGE_MAP_H

#include <stdint.h>

struct image_map {
  uint64_t clusters;  /* of the disk */
  uint64_t ***pages;  /* of leaves of places, each NULL until it is used */
};

#define NOT_MAPPED UINT64_MAX

/* 0 or -ENOMEM. */
int vms_image_map_set (struct image_map *map, uint64_t cluster, uint64_t place);
/* NOT_MAPPED if it was not set. */
uint64_t vms_image_map_get (const struct image_map *map, uint64_t cluster);
/* The first that is set from @cluster on; map->clusters if there is none. */
uint64_t vms_image_map_next (const struct image_map *map, uint64_t cluster);
void vms_image_map_free (struct image_map *map);

#endif
