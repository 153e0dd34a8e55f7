/* SPDX-License-Identifier: MIT */
/*
 * FAT12, FAT16 and FAT32 with long names, read and write, as a file system for lib/fs.h over a disk
 * of lib/block.h. Written here rather than taken from a library: those at hand want their own
 * buffers, know one path at a time, and do not doubt what is on the disk.
 *
 * Names keep their case and are found in any. Every number on the disk is checked when it is used;
 * chains of clusters are followed no further than the disk has clusters. Only nodes in use and the
 * free count are in memory; all else is read through the cache and changed there at once. One
 * thread.
 */
#ifndef FAT_FAT_H
#define FAT_FAT_H

#include "lib/cache.h"
#include "lib/fs.h"
#include "servers/fat/disk.h"
#include <errno.h>

#define FAT_NODES_MAX 8192u /* in use at a time, the folders above them among them */
#define NODE_BUCKETS 1024u
#define FAT_MESSAGE_BYTES 160u
#define CHAIN_MARKS 32u /* an even number */

#define CLUSTER_FIRST 2u
#define CLUSTER_FREE 0u          /* what a table says of a cluster: free, the next one, */
#define CLUSTER_BAD 0xfffffff7u  /* not usable, */
#define CLUSTER_LAST 0xffffffffu /* or the chain's last */

/* A file or folder in use. It is named by its number in fs_ops, and found by its place. */
struct node {
    struct node *next, *next_place; /* of its buckets */
    struct node *parent;            /* NULL: the root. A node is a user of its parent */
    uint64_t number;
    uint64_t place; /* byte offset of its short slot on the device; 0: the root, or removed */
    uint32_t users;
    uint32_t first_slot, last_slot; /* byte offsets in the parent: of the long name, of the rest */
    uint32_t attributes, cluster, size, mtime;
    uint32_t at_index, at_cluster;  /* last looked up: which of the chain, and its cluster, or 0 */
    uint32_t mark[CHAIN_MARKS];     /* clusters mark_step apart, as far as they are known */
    uint32_t marks, mark_step;      /* step 0: none */
    uint32_t run_offset, run_bytes; /* bytes known to lie together, from run_place on */
    uint64_t run_place;
    uint32_t search; /* folders: offset below which no slot is free */
    uint32_t window; /* pages to read ahead; 0: not read in sequence */
    uint32_t removed;
    uint64_t read_next, ahead_end;
};

struct fat {
    struct cache cache;
    uint32_t bits; /* 12, 16, 32 */
    uint32_t cluster_bytes, cluster_shift;
    uint32_t clusters;                   /* numbers 2 .. clusters + 1 */
    uint64_t tables_offset, data_offset; /* bytes */
    uint64_t table_bytes;
    uint32_t tables, active; /* tables kept, from number active on */
    uint64_t root_offset;    /* FAT12 and FAT16 */
    uint32_t root_bytes;     /* 0: FAT32 */
    uint32_t root_cluster;
    uint64_t info_offset;  /* 0: none */
    uint32_t free;         /* clusters */
    uint32_t free_known;   /* free was counted, or is believed */
    uint32_t next_free;    /* where to look */
    unsigned char **freed; /* bits of clusters, in pieces: freed since the last sync, see table.c */
    uint32_t freed_pieces; /* that are there */
    uint32_t read_only, clean, unclean_mount, damages, nodes;
    uint64_t numbers; /* given to nodes */
    uint32_t (*clock)(void);
    void (*say)(const char *text);
    struct node *bucket[NODE_BUCKETS], *place[NODE_BUCKETS];
};

/* ---- for programs and tests ---- */

/* Mounts what is on device; clock (seconds since 1970, or since the machine started) and say (one
   line for people) are kept. 0 or an error, which say has told. */
int fat_mount(struct fat *fs, struct block_device *device, uint32_t (*clock)(void),
              void (*say)(const char *));

/* Writes all, marks the file system clean, and forgets it. */
int fat_unmount(struct fat *fs);

/* Forgets it as a crash does. */
void fat_abandon(struct fat *fs);

extern const struct fs_ops fat_ops; /* fs is a struct fat */

/* ---- super.c ---- */

void fat_say(struct fat *fs, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Tells of damage and gives EUCLEAN. */
void fat_damage(struct fat *fs, const char *what, uint64_t number);
static inline int fat_damaged(struct fat *fs, const char *what, uint64_t number)
{
    fat_damage(fs, what, number);
    return EUCLEAN;
}
/* Before the first change: EROFS, or the disk is marked as not clean. */
int fat_modify(struct fat *fs);
int fat_sync_all(struct fat *fs, int mark_clean);
uint32_t fat_now(const struct fat *fs);

/* ---- table.c ---- */

static inline uint64_t cluster_offset(const struct fat *fs, uint32_t cluster)
{
    return fs->data_offset + ((uint64_t)(cluster - CLUSTER_FIRST) << fs->cluster_shift);
}
static inline int cluster_is_valid(const struct fat *fs, uint32_t cluster)
{
    return cluster >= CLUSTER_FIRST && cluster - CLUSTER_FIRST < fs->clusters;
}
/* What the table says: CLUSTER_... or the number of the next one, which may be impossible. */
int table_get(struct fat *fs, uint32_t cluster, uint32_t *value);
int table_set(struct fat *fs, uint32_t cluster, uint32_t value);
/* The table's entry 1 tells of a clean disk. */
int table_mark(struct fat *fs, int clean);
/* Counts free clusters if that was not done. */
int table_count(struct fat *fs);
/* What was freed before now may be used again: that it is free is on the disk. */
int freed_begin(struct fat *fs);
void freed_forget(struct fat *fs);
/* Makes the other tables like the active one. */
int tables_copy(struct fat *fs);
/* A free cluster, if possible behind goal; it is its chain's last now. */
int cluster_allocate(struct fat *fs, uint32_t goal, uint32_t *cluster);
/* Frees the chain from cluster on, as far as it is sane. */
int chain_free(struct fat *fs, uint32_t cluster);

/* The cluster with this index of the node's chain. ENOENT: the chain ends before. */
int chain_find(struct fat *fs, struct node *node, uint32_t index, uint32_t *cluster);
/* The same, but the chain is made as long as it takes; *fresh says that this one is new. */
int chain_make(struct fat *fs, struct node *node, uint32_t index, uint32_t *cluster, int *fresh);
/* Forgets what is known about the chain, which is another from index on. */
void chain_forget(struct node *node, uint32_t index);
/* Ends the chain before index. */
int chain_cut(struct fat *fs, struct node *node, uint32_t index);

/* ---- name.c ---- */

struct name {
    uint16_t unit[LONG_UNITS_MAX + 1]; /* UTF-16 */
    uint32_t units;
};
/* UTF-8 to a name: EILSEQ, ENAMETOOLONG, EINVAL (characters that FAT forbids). */
int name_parse(const char *text, struct name *name);
/* The other way; 0 when it cannot be: not UTF-16, too long, or not to be shown. */
int name_print(const struct name *name, char text[FS_NAME_MAX + 1]);
int name_equal(const struct name *a, const struct name *b); /* whatever the case */
uint32_t name_hash(const struct name *name);                /* the same for equal names */
/* What a short name means, with the bits of D_CASE. */
void name_from_short(const unsigned char bytes[SHORT_BYTES], uint32_t bits, struct name *name);
/* The short name without a number. 1: it says all, no long name is needed; 0: it needs a number and
   a long name; 2: a long name for its case only. */
enum short_kind { SHORT_LOSSY, SHORT_EXACT, SHORT_CASE };
enum short_kind name_to_short(const struct name *name, unsigned char bytes[SHORT_BYTES]);
/* "~number" at the end of the first eight bytes. */
void short_number(unsigned char bytes[SHORT_BYTES], uint32_t number);
/* The number that bytes have if they are made from base that way; else 0. */
uint32_t short_number_of(const unsigned char bytes[SHORT_BYTES],
                         const unsigned char base[SHORT_BYTES]);
unsigned char short_checksum(const unsigned char bytes[SHORT_BYTES]);

/* ---- folder.c ---- */

struct entry {
    uint32_t first_slot, last_slot; /* byte offsets in the folder */
    uint64_t place;                 /* byte offset of the last slot on the device */
    unsigned char slot[SLOT_BYTES]; /* the last one */
    struct name name;
};
/* Where offset of the folder is on the device. ENOENT: behind its end. */
int folder_place(struct fat *fs, struct node *folder, uint32_t offset, uint64_t *place);
/* The first entry at or behind offset but "." and "..". ENOENT: none. */
int folder_next(struct fat *fs, struct node *folder, uint32_t offset, struct entry *entry);
int folder_find(struct fat *fs, struct node *folder, const struct name *name, struct entry *entry);
/* slot: all but the short name, which is made here. entry says where it is now. */
int folder_add(struct fat *fs, struct node *folder, const struct name *name,
               const unsigned char slot[SLOT_BYTES], struct entry *entry);
/* Frees the slots; first gets their first bytes, to take it back. */
int folder_remove(struct fat *fs, struct node *folder, uint32_t first_slot, uint32_t last_slot,
                  unsigned char first[LONG_SLOTS_MAX + 1]);
int folder_restore(struct fat *fs, struct node *folder, uint32_t first_slot, uint32_t last_slot,
                   const unsigned char first[LONG_SLOTS_MAX + 1]);
/* Frees the slots from one to below the other that are parts of long names. */
int folder_clean(struct fat *fs, struct node *folder, uint32_t from, uint32_t to);
/* "." and ".." into a new folder of one cluster. */
int folder_begin(struct fat *fs, uint32_t cluster, uint32_t parent);
int folder_empty(struct fat *fs, struct node *folder);

/* ---- recover.c ---- */

/* After a crash: repairs what the crash can have left. */
int fat_recover(struct fat *fs);

/* ---- node.c ---- */

struct node *node_find(struct fat *fs, uint64_t number);
/* The node of an entry of the folder, with one more user. */
int node_get(struct fat *fs, struct node *parent, const struct entry *entry, struct node **node);
int node_root(struct fat *fs, struct node **node);
/* One user less; the last one of a removed file takes its clusters back. */
void node_put(struct fat *fs, struct node *node);
/* Writes size, first cluster, attributes and time to its slot. */
int node_store(struct fat *fs, const struct node *node);
void node_slot(const struct node *node, uint32_t now, unsigned char slot[SLOT_BYTES]);
/* The moved folder's "..". */
int parent_store(struct fat *fs, struct node *node, const struct node *parent);
uint32_t slot_cluster(const struct fat *fs, const unsigned char slot[SLOT_BYTES]);
/* It has another entry now, or none (NULL). */
void node_move(struct fat *fs, struct node *node, struct node *parent, const struct entry *entry);
static inline int node_is_folder(const struct node *node)
{
    return (node->attributes & ATTRIBUTE_FOLDER) != 0;
}

/* Seconds since 1970 and FAT's time and date. */
uint32_t time_from_slot(uint32_t date, uint32_t time);
void time_to_slot(uint32_t seconds, uint32_t *date, uint32_t *time);

/* ---- data.c ---- */

int data_read(struct fat *fs, struct node *node, uint64_t offset, void *to, uint32_t bytes,
              uint32_t *done);
int data_write(struct fat *fs, struct node *node, uint64_t offset, const void *from, uint32_t bytes,
               uint32_t *done);
int data_resize(struct fat *fs, struct node *node, uint64_t size);

#endif
