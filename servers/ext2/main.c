/* SPDX-License-Identifier: MIT */
/*
 * The program: ext2 on the disk that its environment names (lib/volume.h).
 */
#include "lib/volume.h"
#include "servers/ext2/ext2.h"

static int mount(void *fs, struct block_device *device)
{
    return ext2_mount(fs, device, volume_time, volume_say);
}

static int unmount(void *fs) { return ext2_unmount(fs); }

int main(void)
{
    static struct ext2 fs;
    const struct volume volume = {&ext2_ops, &fs, mount, unmount};
    return volume_run(&volume);
}
