/* SPDX-License-Identifier: MIT */
/*
 * The program: FAT on the disk that its environment names (lib/volume.h).
 */
#include "lib/volume.h"
#include "servers/fat/fat.h"

static int mount(void *fs, struct block_device *device)
{
    return fat_mount(fs, device, volume_time, volume_say);
}

static int unmount(void *fs) { return fat_unmount(fs); }

int main(void)
{
    static struct fat fs;
    const struct volume volume = {&fat_ops, &fs, mount, unmount};
    return volume_run(&volume);
}
