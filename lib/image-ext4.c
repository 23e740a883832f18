/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "image-ext4.h"

#include <errno.h>
#include <string.h>
#include <time.h>
#include <uuid/uuid.h>

#include "default.h"

#define LONGEST_LABEL 16

int
vms_image_ext4_check (struct image_ext4 *ext4, struct work *work,
                      const struct vmspec_image *image)
{
  int r = 0;

  if (strlen (image->label) > LONGEST_LABEL)
    r = vms_work_fail (work, -EINVAL, "image.label", "label",
                       "'%s' is too long: an ext4 label has at most %d bytes",
                       image->label, LONGEST_LABEL);
  if (image->uuid && uuid_parse (image->uuid, ext4->uuid) < 0)
    r = vms_work_fail (work, -EINVAL, "image.uuid", "uuid",
                       "'%s' is no UUID; write it like "
                       "123e4567-e89b-12d3-a456-426614174000", image->uuid);
  return r;
}

int
vms_image_ext4_measure (struct image_ext4 *ext4, struct work *work,
                        struct vmspec_image *image)
{
  int r = vms_tree_measure (work, "tree", image->tree, &ext4->needs);

  if (r == 0)
    DEFAULT (image->size, vms_tree_file_system_size (&ext4->needs, 0));
  return r;
}

int
vms_image_ext4_make (struct image_ext4 *ext4, struct work *work,
                     const struct vmspec_image *image, struct image *to)
{
  unsigned char hash_seed[16];
  const struct ext4_setup setup = {
    .size = image->size, .label = image->label, .uuid = ext4->uuid,
    .hash_seed = hash_seed, .time = (uint64_t) time (NULL),
    .inodes = ext4->needs.files,
    /* Smaller ones cannot hold long links and large attributes. */
    .block_size = image->tree ? 4096 : 0,
  };
  struct ext4_tree tree = {
    .work = work, .member = "tree", .tree = image->tree,
    .root_owned = is_on (image->root_owned), .total = ext4->needs.bytes,
  };

  if (!image->uuid)
    uuid_generate (ext4->uuid);
  uuid_generate (hash_seed);
  return vms_ext4_make (to, &setup, image->tree ? vms_ext4_tree_fill : NULL,
                        &tree, work);
}
