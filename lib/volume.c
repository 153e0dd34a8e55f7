/* SPDX-License-Identifier: MIT */
/*
 * The program of a file system on a disk, see volume.h. Its cache takes three quarters of what its
 * container ("container" in the manifest) has left, as clients' buffers need room, too.
 */
#include "lib/volume.h"
#include "lib/cache.h"
#include "lib/startup.h"
#include "lib/sys.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define CACHE_PAGES 256u           /* where nobody says how many there are */
#define CACHE_PAGES_MOST 256u      /* past this a scan misses as often as before */
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

static const struct volume *served;

static void write_back(void *fs)
{
    (void)served->ops->sync(fs, 0); /* a failure stays dirty and is met again by fsync */
}

static int serve(const struct volume *volume)
{
    uint64_t endpoint = startup_handle("serve");
    struct fs_server server = {.ops = volume->ops,
                               .fs = volume->fs,
                               .endpoint = endpoint,
                               .idle = write_back,
                               .idle_ns = WRITE_BACK_NS};
    served = volume;
    (void)fs_serve_with(&server);
    return volume->unmount(volume->fs) == 0 ? 0 : 1;
}

static uint32_t cache_pages(void)
{
    struct atm_result r = atm_container_info(startup_handle("container"));
    if (r.status < 0)
        return CACHE_PAGES;
    uint64_t pages = (r.r[0] - r.r[1] - r.r[2]) / 4 * 3;
    return pages < CACHE_PAGES_MOST ? (uint32_t)pages : CACHE_PAGES_MOST;
}

int volume_run(const struct volume *volume)
{
    static struct block_device device;
    const char *disk = setting("DISK", "disk");
    uint32_t most = cache_pages(); /* a page costs several system calls: the first have to do */
    int error = block_open(&device, disk, most < CACHE_PAGES_MIN ? most : CACHE_PAGES_MIN);
    device.pages_most = most;
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
