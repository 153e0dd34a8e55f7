/* SPDX-License-Identifier: MIT */
/*
 * A file system in memory. Bounded: what its files, names and tables take is counted, and ENOSPC
 * comes before the limit is passed. Plain data, no system calls.
 */
#ifndef RAMFS_RAMFS_H
#define RAMFS_RAMFS_H

#include "lib/fs.h"

struct ramfs_node;

struct ramfs {
    struct ramfs_node *root;
    uint64_t limit; /* bytes in all */
    uint64_t used;
    uint64_t files; /* and folders, there now */
    uint64_t ino_last;
    uint64_t (*time)(void); /* seconds since 1970 */
};

extern const struct fs_ops ramfs_ops; /* fs: a struct ramfs */

/* An empty file system; ENOSPC when not even that fits. */
int ramfs_start(struct ramfs *fs, uint64_t limit, uint64_t (*time)(void));
/* Gives all memory back; nobody holds a node any more. */
void ramfs_end(struct ramfs *fs);

#endif
