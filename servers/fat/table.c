/* SPDX-License-Identifier: MIT */
/*
 * The tables that say of each cluster which one follows, and the chains they make. All copies of the
 * table are changed together; the active one is read. A node remembers where in its chain it was
 * last, so that going on from there does not begin at the start again.
 *
 * What was freed is not used again before the next sync: until then the disk may still have the
 * file or folder that had it, and after a crash that would share it with the new one. If there is
 * no other room, a sync makes it.
 */
#include "servers/fat/fat.h"
#include "lib/little.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define PIECE_CLUSTERS 32768u /* whose freed bits are in one piece of memory */

static uint64_t entry_offset(const struct fat *fs, uint32_t table, uint32_t cluster)
{
    uint64_t at = fs->bits == 12 ? cluster + cluster / 2 : (uint64_t)cluster * (fs->bits / 8);
    return fs->tables_offset + table * fs->table_bytes + at;
}

/* What the bytes at data mean. */
static uint32_t entry_value(const struct fat *fs, const unsigned char *data, uint32_t cluster)
{
    uint32_t value, last;
    if (fs->bits == 32) {
        value = little_get32(data) & 0xfffffff;
        last = 0xffffff8;
    } else if (fs->bits == 16) {
        value = little_get16(data);
        last = 0xfff8;
    } else {
        value = little_get16(data);
        value = cluster % 2 != 0 ? value >> 4 : value & 0xfff;
        last = 0xff8;
    }
    if (cluster < CLUSTER_FIRST || value < last - 1)
        return value;
    return value < last ? CLUSTER_BAD : CLUSTER_LAST;
}

int table_get(struct fat *fs, uint32_t cluster, uint32_t *value)
{
    uint64_t at = entry_offset(fs, fs->active, cluster);
    unsigned char *data, two[2];
    int error;
    if (fs->bits == 12) { /* may lie across two pages */
        error = cache_read(&fs->cache, at, two, sizeof two);
        data = two;
    } else {
        error = cache_get(&fs->cache, at / CACHE_PAGE, CACHE_READ, &data);
        data += error == 0 ? at % CACHE_PAGE : 0;
    }
    if (error == 0)
        *value = entry_value(fs, data, cluster);
    return error;
}

static int entry_set(struct fat *fs, uint32_t table, uint32_t cluster, uint32_t value)
{
    uint64_t at = entry_offset(fs, table, cluster);
    unsigned char bytes[4];
    uint32_t width = fs->bits == 32 ? 4 : 2, old;
    int error = fs->bits == 16 ? 0 : cache_read(&fs->cache, at, bytes, width);
    if (error != 0)
        return error;
    if (fs->bits == 32) { /* the high four bits are not ours */
        little_put32(bytes, (little_get32(bytes) & 0xf0000000) | (value & 0xfffffff));
    } else if (fs->bits == 16) {
        little_put16(bytes, value);
    } else {
        old = little_get16(bytes);
        little_put16(bytes, cluster % 2 != 0 ? (old & 0xf) | (value & 0xfff) << 4
                                             : (old & 0xf000) | (value & 0xfff));
    }
    return cache_write(&fs->cache, at, bytes, width);
}

static int entries_set(struct fat *fs, uint32_t cluster, uint32_t value)
{
    int error = 0;
    for (uint32_t i = 0; i < fs->tables && error == 0; i++)
        error = entry_set(fs, fs->active + i, cluster, value);
    return error;
}

int table_set(struct fat *fs, uint32_t cluster, uint32_t value)
{
    return entries_set(fs, cluster, value);
}

int table_mark(struct fat *fs, int clean)
{
    uint32_t bit = fs->bits == 16 ? 0x8000u : 0x8000000u, value = 0;
    int error = table_get(fs, 1, &value);
    if (error != 0)
        return error;
    return entries_set(fs, 1, clean ? value | bit : value & ~bit);
}

int tables_copy(struct fat *fs)
{
    unsigned char from[512], to[512];
    for (uint64_t at = 0; at < fs->table_bytes; at += sizeof from) {
        int error = cache_read(&fs->cache, fs->tables_offset + fs->active * fs->table_bytes + at,
                               from, sizeof from);
        for (uint32_t i = 1; i < fs->tables && error == 0; i++) {
            uint64_t other = fs->tables_offset + (fs->active + i) * fs->table_bytes + at;
            error = cache_read(&fs->cache, other, to, sizeof to);
            if (error == 0 && memcmp(from, to, sizeof to) != 0)
                error = cache_write(&fs->cache, other, from, sizeof from);
        }
        if (error != 0)
            return error;
    }
    return 0;
}

/* ---- what was freed since the last sync ---- */

int freed_begin(struct fat *fs)
{
    fs->freed = calloc(fs->clusters / PIECE_CLUSTERS + 1, sizeof *fs->freed);
    return fs->freed == NULL ? ENOMEM : 0;
}

void freed_forget(struct fat *fs)
{
    for (uint32_t i = 0; i <= fs->clusters / PIECE_CLUSTERS && fs->freed_pieces > 0; i++)
        if (fs->freed[i] != NULL) {
            free(fs->freed[i]);
            fs->freed[i] = NULL;
            fs->freed_pieces--;
        }
}

static int is_freed(const struct fat *fs, uint32_t cluster)
{
    uint32_t bit = cluster - CLUSTER_FIRST;
    const unsigned char *piece = fs->freed[bit / PIECE_CLUSTERS];
    return piece != NULL && (piece[bit % PIECE_CLUSTERS / 8] >> bit % 8 & 1);
}

static int freed_add(struct fat *fs, uint32_t cluster)
{
    uint32_t bit = cluster - CLUSTER_FIRST;
    unsigned char **piece = &fs->freed[bit / PIECE_CLUSTERS];
    if (*piece == NULL) {
        if ((*piece = calloc(1, PIECE_CLUSTERS / 8)) == NULL)
            return ENOMEM;
        fs->freed_pieces++;
    }
    unsigned char *byte = *piece + bit % PIECE_CLUSTERS / 8;
    *byte = (unsigned char)(*byte | 1u << bit % 8);
    return 0;
}

/* ---- free clusters ---- */

int table_count(struct fat *fs)
{
    uint32_t free = 0, value;
    uint64_t page[CACHE_BATCH];
    if (fs->free_known)
        return 0;
    for (uint32_t i = 0; i < fs->clusters; i++) {
        uint64_t at = entry_offset(fs, fs->active, i + CLUSTER_FIRST) / CACHE_PAGE;
        if (i == 0 || at > page[CACHE_BATCH - 1]) {
            for (uint32_t p = 0; p < CACHE_BATCH; p++)
                page[p] = at + p;
            cache_prefetch(&fs->cache, page, CACHE_BATCH);
        }
        int error = table_get(fs, i + CLUSTER_FIRST, &value);
        if (error != 0)
            return error;
        free += value == CLUSTER_FREE;
    }
    fs->free = free;
    fs->free_known = 1;
    return 0;
}

/* Looks through all clusters, from goal on. ENOSPC: none is free that may be used. */
static int cluster_search(struct fat *fs, uint32_t goal, uint32_t *cluster)
{
    uint32_t value;
    for (uint32_t i = 0; i < fs->clusters; i++) {
        int error = table_get(fs, goal, &value);
        if (error != 0)
            return error;
        if (value == CLUSTER_FREE && !is_freed(fs, goal)) {
            *cluster = goal;
            return 0;
        }
        goal = goal - CLUSTER_FIRST + 1 < fs->clusters ? goal + 1 : CLUSTER_FIRST;
    }
    return ENOSPC;
}

int cluster_allocate(struct fat *fs, uint32_t goal, uint32_t *cluster)
{
    int error = table_count(fs);
    if (error != 0)
        return error;
    if (fs->free == 0)
        return ENOSPC;
    if (!cluster_is_valid(fs, goal))
        goal = cluster_is_valid(fs, fs->next_free) ? fs->next_free : CLUSTER_FIRST;
    error = cluster_search(fs, goal, cluster);
    if (error == ENOSPC && fs->freed_pieces > 0 && (error = fat_sync_all(fs, 0)) == 0)
        error = cluster_search(fs, goal, cluster);
    if (error == ENOSPC)
        fs->free = 0; /* the count was wrong */
    if (error == 0)
        error = table_set(fs, *cluster, CLUSTER_LAST);
    if (error != 0)
        return error;
    fs->free--;
    fs->next_free = *cluster;
    return 0;
}

int chain_free(struct fat *fs, uint32_t cluster)
{
    uint32_t next;
    while (cluster != CLUSTER_LAST) {
        if (!cluster_is_valid(fs, cluster))
            return fat_damaged(fs, "a chain leads outside", cluster);
        int error = table_get(fs, cluster, &next);
        if (error != 0)
            return error;
        if (next == CLUSTER_FREE)
            return fat_damaged(fs, "a chain leads into a free cluster", cluster);
        if ((error = freed_add(fs, cluster)) != 0 ||
            (error = table_set(fs, cluster, CLUSTER_FREE)) != 0)
            return error;
        fs->free += fs->free_known;
        cluster = next;
    }
    return 0;
}

/* ---- a node's chain ---- */

void chain_forget(struct node *node, uint32_t index)
{
    node->run_bytes = 0;
    if (node->at_index >= index)
        node->at_cluster = 0;
    while (node->marks > 0 && (node->marks - 1) * node->mark_step >= index)
        node->marks--;
}

/* Remembers a cluster if it is the next to be marked; when there is no room, every second mark
   goes. */
static void mark_add(struct node *node, uint32_t index, uint32_t cluster)
{
    if (node->marks == 0)
        node->mark_step = 1;
    if (index != node->marks * node->mark_step)
        return;
    if (node->marks == CHAIN_MARKS) {
        for (uint32_t i = 0; i < CHAIN_MARKS / 2; i++)
            node->mark[i] = node->mark[2 * i];
        node->marks = CHAIN_MARKS / 2;
        node->mark_step *= 2;
    }
    node->mark[node->marks++] = cluster;
}

/* The known cluster of the chain that is nearest before index. */
static uint32_t walk_start(const struct node *node, uint32_t index, uint32_t *cluster)
{
    uint32_t at = 0;
    *cluster = node->cluster;
    if (node->marks > 0) {
        at = index / node->mark_step;
        at = at < node->marks ? at : node->marks - 1;
        *cluster = node->mark[at];
        at *= node->mark_step;
    }
    if (node->at_cluster != 0 && node->at_index <= index && node->at_index > at) {
        at = node->at_index;
        *cluster = node->at_cluster;
    }
    return at;
}

/* The table's page that was looked at last. */
struct glance {
    uint64_t page;
    const unsigned char *data; /* NULL: none yet */
};

/* table_get, many times in a row without anything else of the cache between. */
static int table_glance(struct fat *fs, struct glance *g, uint32_t cluster, uint32_t *value)
{
    uint64_t at = entry_offset(fs, fs->active, cluster);
    unsigned char *data;
    if (fs->bits == 12)
        return table_get(fs, cluster, value);
    if (g->data == NULL || at / CACHE_PAGE != g->page) {
        int error = cache_get(&fs->cache, at / CACHE_PAGE, CACHE_READ, &data);
        if (error != 0)
            return error;
        *g = (struct glance){at / CACHE_PAGE, data};
    }
    *value = entry_value(fs, g->data + at % CACHE_PAGE, cluster);
    return 0;
}

/* The chain's cluster index, or as far as it goes: *index says how far that was. A chain without
   clusters gives cluster 0. */
static int chain_walk(struct fat *fs, struct node *node, uint32_t *index, uint32_t *cluster)
{
    struct glance glance = {0, NULL};
    uint32_t next, here = node->cluster;
    *cluster = 0;
    if (here == 0) {
        *index = 0;
        return 0;
    }
    for (uint32_t at = walk_start(node, *index, &here);; at++, here = next) {
        if (!cluster_is_valid(fs, here))
            return fat_damaged(fs, "a chain leads outside", here);
        if (at >= fs->clusters)
            return fat_damaged(fs, "a chain without end", node->cluster);
        mark_add(node, at, here);
        node->at_index = at;
        node->at_cluster = here;
        *cluster = here;
        if (at == *index)
            return 0;
        int error = table_glance(fs, &glance, here, &next);
        if (error != 0)
            return error;
        if (next == CLUSTER_FREE || next == CLUSTER_BAD)
            return fat_damaged(fs, "a chain leads into a free or bad cluster", here);
        if (next == CLUSTER_LAST) {
            *index = at;
            return 0;
        }
    }
}

int chain_find(struct fat *fs, struct node *node, uint32_t index, uint32_t *cluster)
{
    uint32_t reached = index;
    int error = chain_walk(fs, node, &reached, cluster);
    if (error != 0)
        return error;
    return *cluster == 0 || reached < index ? ENOENT : 0;
}

int chain_make(struct fat *fs, struct node *node, uint32_t index, uint32_t *cluster, int *fresh)
{
    *fresh = 0;
    for (;;) {
        uint32_t reached = index, last, added;
        int error = chain_walk(fs, node, &reached, &last);
        if (error != 0)
            return error;
        if (last != 0 && reached == index) {
            *cluster = last;
            return 0;
        }
        if ((error = cluster_allocate(fs, last == 0 ? 0 : last + 1, &added)) != 0)
            return error;
        if (last == 0) {
            node->cluster = added;
        } else if ((error = table_set(fs, last, added)) != 0) {
            (void)chain_free(fs, added);
            return error;
        }
        *fresh = 1;
    }
}

int chain_cut(struct fat *fs, struct node *node, uint32_t index)
{
    uint32_t last, next;
    int error;
    chain_forget(node, index);
    if (node->cluster == 0)
        return 0;
    if (index == 0) {
        next = node->cluster;
        node->cluster = 0;
        return chain_free(fs, next);
    }
    if ((error = chain_find(fs, node, index - 1, &last)) != 0)
        return error == ENOENT ? 0 : error; /* it is shorter than that */
    if ((error = table_get(fs, last, &next)) != 0 || next == CLUSTER_LAST)
        return error;
    if ((error = table_set(fs, last, CLUSTER_LAST)) != 0)
        return error;
    return chain_free(fs, next);
}
