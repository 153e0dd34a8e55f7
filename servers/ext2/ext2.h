/* SPDX-License-Identifier: MIT */
/*
 * ext2, read and write, as a file system for lib/fs.h over a disk of lib/block.h.
 *
 * Written here rather than taken as libext2fs from Debian's source package: libext2fs wants a
 * second C library with some 36 Linux calls under it, allocates in proportion to the disk (whole
 * bitmaps, where a server here has a fixed quota), is 20 times the size, has no write-back cache
 * whose flush means something, and offers paths and iterators where fs_ops wants counted nodes.
 *
 * It reads and writes revisions 0 and 1 with blocks of 1, 2 and 4 KiB. What is on the disk is never
 * trusted: every number is checked when it is used, and damage that could spread makes the file
 * system read-only until somebody ran e2fsck. Nothing of the disk is kept twice: bitmaps,
 * descriptors and inodes are read through the cache and changed there at once; only nodes in use
 * and the two free counts are in memory. One thread.
 */
#ifndef EXT2_EXT2_H
#define EXT2_EXT2_H

#include "lib/cache.h"
#include "lib/fs.h"
#include "servers/ext2/disk.h"
#include <errno.h>

#define EXT2_NODES_MAX 8192u /* files and folders in use at a time */
#define NODE_BUCKETS 1024u
#define EXT2_MESSAGE_BYTES 160u

struct node {
    struct node *next; /* of its bucket */
    uint32_t number;   /* of the inode; so is the node's number in fs_ops */
    uint32_t users;    /* references; the node goes when they do */
    uint32_t mode, links, flags, sectors, mtime, ctime, atime, dtime, generation, attributes;
    uint64_t size;
    uint32_t block[INODE_BLOCKS];
    uint32_t search; /* folders: no room for a new entry in blocks below this */
    uint32_t run_index, run_block, run_count; /* blocks known to follow each other on the disk */
    uint32_t window;                          /* blocks to read ahead; 0: not read in sequence */
    uint64_t read_next;                       /* offset behind the last read */
    uint64_t ahead_end;                       /* offset up to where was read ahead */
};

struct ext2 {
    struct cache cache;
    uint32_t block_bytes, block_shift;
    uint32_t inodes, blocks, first_block, groups;
    uint32_t blocks_per_group, inodes_per_group, inode_bytes, first_inode;
    uint32_t revision, incompatible, on_error;
    uint32_t blocks_free, inodes_free;
    uint32_t read_only;     /* asked for, or by features, or after damage */
    uint32_t state;         /* as on disk: STATE_CLEAN while all is written */
    uint32_t unclean_mount; /* it was not clean when mounted: only e2fsck may say that it is */
    uint32_t damages;       /* found so far */
    uint32_t nodes;
    unsigned char **freed; /* of each group: NULL, or bits of blocks and then inodes, see alloc.c */
    uint32_t freed_groups; /* that have bits */
    uint32_t started;      /* seconds since 1970 that have gone by for sure, for ext2_now */
    uint32_t (*clock)(void);       /* seconds since 1970, or since the machine started */
    void (*say)(const char *text); /* one line for people */
    struct node *bucket[NODE_BUCKETS];
};

/* ---- for programs and tests ---- */

/* Mounts what is on device; clock and say are kept. 0 or an error, which say has told. The buffer is
   the cache's from here on. */
int ext2_mount(struct ext2 *fs, struct block_device *device, uint32_t (*clock)(void),
               void (*say)(const char *));

/* Writes all, marks the file system clean, and forgets it. */
int ext2_unmount(struct ext2 *fs);

/* Forgets it as a crash does. */
void ext2_abandon(struct ext2 *fs);

/* Nodes are inode numbers; fs is a struct ext2. */
extern const struct fs_ops ext2_ops;

/* ---- super.c ---- */

void ext2_say(struct ext2 *fs, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Seconds since 1970. A machine that does not know them goes on from the disk's last time. */
uint32_t ext2_now(const struct ext2 *fs);

/* Tells of damage and gives EUCLEAN. From now on nothing is written, if the disk says so
   (tune2fs -e) or spread is set: going on could harm what is whole. */
void ext2_damage(struct ext2 *fs, int spread, const char *what, uint64_t number);
static inline int ext2_damaged(struct ext2 *fs, int spread, const char *what, uint64_t number)
{
    ext2_damage(fs, spread, what, number);
    return EUCLEAN;
}

/* Before the first change: EROFS, or the disk is marked as not clean. */
int ext2_modify(struct ext2 *fs);

int ext2_sync_all(struct ext2 *fs, int mark_clean);

struct group {
    uint32_t block_bitmap, inode_bitmap, inode_table;
    uint32_t blocks_free, inodes_free, folders;
};
int group_get(struct ext2 *fs, uint32_t number, struct group *group);
int group_put(struct ext2 *fs, uint32_t number, const struct group *group); /* the three counts */

/* ---- alloc.c ---- */

/* Where a block is in memory; EUCLEAN when there is no such block. Pointers are the cache's. */
int block_get(struct ext2 *fs, uint32_t block, enum cache_use use, unsigned char **data);
static inline uint64_t block_offset(const struct ext2 *fs, uint32_t block)
{
    return (uint64_t)block << fs->block_shift;
}

/* A free block at goal or as near behind as can be; its content is left as it is. */
int block_allocate(struct ext2 *fs, uint32_t goal, uint32_t *block);
int block_free(struct ext2 *fs, uint32_t block);
/* What was freed before now may be used again: that it is free is on the disk. */
void freed_forget(struct ext2 *fs);
/* Marks a block or an inode as used that somebody uses; no more than that is wrong with it. */
int block_claim(struct ext2 *fs, uint32_t block);
int inode_claim(struct ext2 *fs, uint32_t number);
/* Makes the counts of a group agree with its bitmaps; and how many folders it has. */
int group_count(struct ext2 *fs, uint32_t number, uint32_t folders);
uint32_t group_first_block(const struct ext2 *fs, uint32_t group);

/* A free inode for something in the folder parent, near it; folders spread over the groups. */
int inode_allocate(struct ext2 *fs, uint32_t parent, int folder, uint32_t *number);
int inode_free(struct ext2 *fs, uint32_t number, int folder);

/* ---- node.c ---- */

/* The node, with one more user. */
int node_get(struct ext2 *fs, uint32_t number, struct node **node);
/* The node if it is in use already; no user more. */
struct node *node_find(struct ext2 *fs, uint64_t number);
/* One user less; the last one of a file without links takes its blocks and inode back. */
void node_put(struct ext2 *fs, struct node *node);
int node_store(struct ext2 *fs, const struct node *node);
/* A new file's node with one user, written to its inode. */
int node_create(struct ext2 *fs, uint32_t parent, uint32_t mode, struct node **node);
/* What an inode says, whether or not it is in use. */
int node_peek(struct ext2 *fs, uint32_t number, uint32_t *mode, uint32_t *links);
int node_has_blocks(const struct ext2 *fs, const struct node *node);

/* ---- map.c ---- */

/* The disk's block that holds the file's block index; 0: a hole, unless create. *fresh says that it
   was made just now and its content is garbage. The caller stores the node. */
int map_block(struct ext2 *fs, struct node *node, uint64_t index, int create, uint32_t *block,
              int *fresh);
/* Frees the file's blocks from index on. The caller stores the node. */
int map_truncate(struct ext2 *fs, struct node *node, uint64_t index);
/* Calls visit for all blocks of the file, those full of numbers, too; for no more than the disk has.
   Numbers of no block are passed over. */
int map_visit(struct ext2 *fs, struct node *node, int (*visit)(struct ext2 *, uint32_t block));
/* Bytes that a file can have. */
uint64_t map_bytes_max(const struct ext2 *fs);

/* ---- recover.c ---- */

/* After a crash: makes sure that nothing in use is taken for free, and that no name is of nothing. */
int ext2_recover(struct ext2 *fs);

/* ---- data.c ---- */

int data_read(struct ext2 *fs, struct node *node, uint64_t offset, void *to, uint32_t bytes,
              uint32_t *done);
int data_write(struct ext2 *fs, struct node *node, uint64_t offset, const void *from,
               uint32_t bytes, uint32_t *done);
int data_resize(struct ext2 *fs, struct node *node, uint64_t size);

/* ---- folder.c ---- */

struct entry {
    uint64_t at;   /* byte offset in the folder */
    uint64_t next; /* of the entry behind */
    uint32_t inode, kind, bytes, name_bytes;
    char name[FS_NAME_MAX + 1];
};
/* The first used entry at or behind offset; ENOENT: none. */
int folder_next(struct ext2 *fs, struct node *folder, uint64_t offset, struct entry *entry);
int folder_find(struct ext2 *fs, struct node *folder, const char *name, struct entry *entry);
int folder_add(struct ext2 *fs, struct node *folder, const char *name, const struct node *node);
int folder_remove(struct ext2 *fs, struct node *folder, const struct entry *entry);
/* Lets the entry name another node. */
int folder_replace(struct ext2 *fs, struct node *folder, const struct entry *entry,
                   const struct node *node);
/* "." and ".." into a new folder. */
int folder_begin(struct ext2 *fs, struct node *folder, uint32_t parent);
/* 0: nothing but "." and ".."; else ENOTEMPTY or why it cannot be said. */
int folder_empty(struct ext2 *fs, struct node *folder);

#endif
