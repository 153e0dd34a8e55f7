/* SPDX-License-Identifier: MIT */
/*
 * Serves the initial ramdisk's files, read-only. The archive's own pages are shown to clients that
 * want a whole file, such as a program to run.
 */
#include "lib/startup.h"
#include "lib/sys.h"
#include "servers/fs/initrd.h"
#include <stdio.h>

#define ARCHIVE_BYTES_MAX 0x40000000u

/* How long the archive is at most: its parent shared whole pages, without a gap. The last one is
   searched for by halves. */
static uint64_t archive_measure(void)
{
    uint64_t there = 0, step = ARCHIVE_BYTES_MAX;
    for (; step >= PAGE_SIZE; step /= 2)
        if (atm_query(0, INITRD_VA + there + step - PAGE_SIZE).status == 0)
            there += step;
    return there;
}

static int pages(void *fs, const char *path, const void **first, uint64_t *head, uint64_t *bytes)
{
    struct initrd_node file;
    int error = initrd_file(fs, path, &file);
    if (error != 0)
        return error;
    uint64_t start = (uintptr_t)file.data;
    *head = start % PAGE_SIZE;
    *first = (const void *)(uintptr_t)(start - *head);
    *bytes = file.bytes;
    return 0;
}

int main(void)
{
    static struct initrd fs;
    const char *wrong;
    struct fs_server server = {
        .ops = &initrd_ops, .fs = &fs, .endpoint = startup_handle("serve"), .pages = pages};
    uint64_t bytes = archive_measure();
    if (bytes == 0) {
        fprintf(stderr, "fs: it was not given the initial ramdisk (\"initrd\" in the manifest)\n");
        return 2;
    }
    if (initrd_start(&fs, (const void *)(uintptr_t)INITRD_VA, bytes, &wrong) != 0) {
        fprintf(stderr, "fs: there is no memory for the table of files\n");
        return 2;
    }
    if (wrong != NULL)
        fprintf(stderr, "fs: the initial ramdisk is damaged: %s; files behind that are lost\n",
                wrong);
    fs_serve_with(&server);
    return 1;
}
