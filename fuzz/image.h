/* SPDX-License-Identifier: MIT */
/*
 * Damaged disk images for the file systems' targets: a good image, patches from the input, and the operations that the
 * rest of the input says, each on whatever the file system shows then.
 */
#ifndef FUZZ_IMAGE_H
#define FUZZ_IMAGE_H

#include <stddef.h>
#include <stdint.h>

#include "lib/block.h"
#include "lib/fs.h"

/* Reads build/fuzz/NAME, which fuzz.mk makes. The answer is for image_damage. */
int image_load(const char *name);

/* A device with the image's content, patched by the input; moves *data to what is left. It checks that requests lie
   inside. Good until the next call. */
struct block_device *image_damage(int image, const uint8_t **data, size_t *size);

/* The image's content now is its good content from here on. */
void image_keep(int image);

/* Goes through all folders and files, then does what the input says. */
void image_use(const struct fs_ops *ops, void *fs, const uint8_t *data, size_t size);

#endif
