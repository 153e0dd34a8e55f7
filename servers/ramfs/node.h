/* SPDX-License-Identifier: MIT */
/*
 * A file or folder of the RAM file system, and the pages of a file. Private to servers/ramfs.
 */
#ifndef RAMFS_NODE_H
#define RAMFS_NODE_H

#include "servers/ramfs/ramfs.h"

#define PAGES_BYTES 4096u
#define PAGES_LEVELS_MAX 4u
#define PAGES_SIZE_MAX (1ul << 48) /* bytes of a file: four levels of 512 */
#define RAMFS_BLOCK_COST 32u       /* of the heap's own, a block */

struct entry;

struct ramfs_node {
    uint64_t ino;
    uint64_t refs; /* of clients */
    uint64_t mtime;
    uint32_t mode;
    uint32_t nlink; /* 0: removed */
    /* file: pages in a tree of tables of 512; a missing one reads as zeros */
    uint64_t size;
    uint64_t pages; /* there, tables not counted */
    void *tree;     /* a page when levels is 0, else a table */
    uint32_t levels;
    /* folder */
    struct ramfs_node *parent; /* of the root: itself; NULL: removed */
    struct entry *first, *last;
    struct entry *scan; /* where a readdir is: the one given last; NULL: nowhere */
    struct entry **bucket;
    uint64_t buckets, entries, number_last;
};

/* Memory that counts against the limit, zeroed; NULL: no more. */
void *ramfs_take(struct ramfs *fs, size_t bytes);
void ramfs_give(struct ramfs *fs, void *p, size_t bytes);

/* Within the file's size. */
void pages_read(const struct ramfs_node *n, uint64_t offset, void *to, uint32_t bytes);
/* How many bytes there was memory for; the size is the caller's business. */
uint32_t pages_write(struct ramfs *fs, struct ramfs_node *n, uint64_t offset, const void *from,
                     uint32_t bytes);
/* Lets go of all behind size; what is left of the last page there is zeroed. */
void pages_cut(struct ramfs *fs, struct ramfs_node *n, uint64_t size);

#endif
