/* SPDX-License-Identifier: MIT */
/* libFuzzer target: FAT on damaged images. No crash, no endless loop, nothing outside the device, all memory given back. */
#include "fuzz/image.h"
#include "servers/fat/fat.h"

#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint32_t clock_of_test(void) { return 1700000000; }

static void say(const char *text) { (void)text; }

static struct fat fs;

/* Puts folders and files into an image that has none. */
static void fill(int image)
{
    static const uint8_t none[1];
    const uint8_t *data = none;
    size_t size = 0;
    char name[40];
    uint64_t root = 0, folder = 0, node = 0;
    uint32_t done;
    if (fat_mount(&fs, image_damage(image, &data, &size), clock_of_test, say) != 0)
        abort();
    (void)fat_ops.root(&fs, &root);
    (void)fat_ops.create(&fs, root, "Folder with a name", S_IFDIR | 0755, &folder);
    for (int i = 0; i < 40; i++) {
        snprintf(name, sizeof name, i % 2 ? "FILE%d" : "a file with the number %d", i);
        (void)fat_ops.create(&fs, i < 30 ? folder : root, name, S_IFREG | 0644, &node);
        (void)fat_ops.write(&fs, node, 0, name, i % 4 == 0 ? 30 : 0, &done);
        fat_ops.forget(&fs, node);
    }
    fat_ops.forget(&fs, folder);
    fat_ops.forget(&fs, root);
    if (fat_unmount(&fs) != 0)
        abort();
    image_keep(image);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const name[] = {"fat12.img", "fat16.img", "fat32.img"};
    static int image[3], loaded;
    for (; loaded < 3; loaded++) {
        image[loaded] = image_load(name[loaded]);
        if (loaded == 2)
            fill(image[loaded]);
    }
    if (size == 0)
        return 0;
    int which = data[--size] % 3;
    struct block_device *device = image_damage(image[which], &data, &size);
    if (fat_mount(&fs, device, clock_of_test, say) != 0)
        return 0;
    image_use(&fat_ops, &fs, data, size);
    (void)fat_unmount(&fs);
    return 0;
}
