/* SPDX-License-Identifier: MIT */
/*
 * The initial ramdisk as a file system, read-only: a tree over a cpio archive that stays where it
 * is. Plain data, no system calls. Nothing in the archive is trusted.
 */
#ifndef FS_INITRD_H
#define FS_INITRD_H

#include "lib/cpio.h"
#include "lib/fs.h"

struct initrd_node {
    const char *name; /* in the archive; ends behind name_bytes */
    size_t name_bytes;
    const unsigned char *data;
    uint64_t bytes;
    uint32_t mode;
    uint32_t parent, child, sibling, last; /* nodes by number; 0: none. last: of the children */
};

struct initrd {
    const unsigned char *archive;
    uint64_t archive_bytes;
    struct initrd_node *node; /* node[0] is not used, node[1] the root */
    uint32_t nodes, room;
};

extern const struct fs_ops initrd_ops; /* fs: a struct initrd */

/* Reads the archive; *wrong says what is damaged in it (NULL: nothing), files behind that are not
   there. 0 or ENOMEM. */
int initrd_start(struct initrd *fs, const void *archive, uint64_t bytes, const char **wrong);
void initrd_end(struct initrd *fs);

/* A file by path, with its place in the archive. 0, ENOENT, EISDIR. */
int initrd_file(const struct initrd *fs, const char *path, struct initrd_node *file);

#endif
