/* SPDX-License-Identifier: MIT */
/*
 * Serves a file system in memory. It may fill its container but for a reserve, which clients'
 * buffers, fids and page tables are taken from: so a full file system can still be looked at and
 * emptied.
 */
#include "lib/startup.h"
#include "lib/sys.h"
#include "servers/ramfs/ramfs.h"
#include <stdio.h>

#define RESERVE_PAGES 512u /* at most; a quarter of what is free if that is less */

static uint64_t limit_find(void)
{
    struct atm_result r = atm_container_info(startup_handle("container"));
    if (r.status < 0)
        return 0;
    uint64_t pages = r.r[0] - r.r[1] - r.r[2];
    uint64_t reserve = pages / 4 < RESERVE_PAGES ? pages / 4 : RESERVE_PAGES;
    pages -= reserve;
    return (pages - pages / 256) * PAGE_SIZE; /* page tables */
}

int main(void)
{
    static struct ramfs fs;
    if (ramfs_start(&fs, limit_find(), fs_time) != 0) {
        fprintf(stderr, "ramfs: it needs the handle \"container\" and some pages in it\n");
        return 2;
    }
    fs_serve(&ramfs_ops, &fs, startup_handle("serve"));
    return 1;
}
