/* SPDX-License-Identifier: MIT */
/* libFuzzer target: ext2 on damaged images. No crash, no endless loop, nothing outside the device, all memory given back. */
#include "fuzz/image.h"
#include "servers/ext2/ext2.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint32_t clock_of_test(void) { return 1700000000; }

static void say(const char *text) { (void)text; }

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct ext2 fs;
    static const char *const name[] = {"ext2.img", "ext2-4k.img"};
    static int image[2], loaded;
    for (; loaded < 2; loaded++)
        image[loaded] = image_load(name[loaded]);
    if (size == 0)
        return 0;
    int which = data[--size] % 2;
    struct block_device *device = image_damage(image[which], &data, &size);
    if (ext2_mount(&fs, device, clock_of_test, say) != 0)
        return 0;
    image_use(&ext2_ops, &fs, data, size);
    (void)ext2_unmount(&fs);
    return 0;
}
