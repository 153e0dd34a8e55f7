/* SPDX-License-Identifier: MIT */
/*
 * The program of a file system on a disk, see volume.h. Its cache takes as much of its quota as is
 * left, up to VOLUME_PAGES.
 */
#include "lib/volume.h"
#include "lib/startup.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define VOLUME_PAGES 2048u         /* of cache: 8 MiB */
#define WRITE_BACK_NS 2000000000ul /* changes wait that long for others, at most */

void volume_say(const char *text) { fprintf(stderr, "%s: %s\n", startup_name(), text); }

uint32_t volume_time(void)
{
    uint64_t seconds = fs_time();
    return seconds < UINT32_MAX ? (uint32_t)seconds : UINT32_MAX;
}

static const char *setting(const char *name, const char *otherwise)
{
    const char *value = getenv(name);
    return value == NULL ? otherwise : value;
}

static void write_back(void *context)
{
    const struct volume *volume = context;
    (void)volume->ops->sync(volume->fs, 0); /* a failure stays dirty and is met again by fsync */
}

static int serve(const struct volume *volume)
{
    uint64_t endpoint = startup_handle("serve");
    struct fs_server server = {.ops = volume->ops,
                               .fs = volume->fs,
                               .endpoint = endpoint,
                               .idle = write_back,
                               .idle_ns = WRITE_BACK_NS};
    (void)fs_serve_with(&server);
    return volume->unmount(volume->fs) == 0 ? 0 : 1;
}

int volume_run(const struct volume *volume)
{
    static struct block_device device;
    const char *disk = setting("DISK", "disk");
    int error = block_open(&device, disk, VOLUME_PAGES);
    if (error == ENODEV) {
        fprintf(stderr, "%s: there is no disk \"%s\"\n", startup_name(), disk);
        return 0;
    }
    if (error != 0) {
        fprintf(stderr, "%s: disk \"%s\" cannot be used: %s\n", startup_name(), disk,
                errno_text(error));
        return 1;
    }
    if (volume->mount(volume->fs, &device) != 0)
        return 0;
    return serve(volume);
}
