/* SPDX-License-Identifier: MIT */
/*
 * Nodes: files and folders in use, each once in memory, counted. FAT has no inodes: what a file is
 * lies in its slot, so a node is found by its slot's place on the device, and moves when it is
 * renamed. A node keeps its parent in use, so that ".." and its slot are at hand. A removed file's
 * node has no place any more; its chain goes with its last user.
 */
#include "servers/fat/fat.h"
#include "lib/little.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* ---- times ---- */

uint32_t time_from_slot(uint32_t date, uint32_t time)
{
    uint32_t month = date >> 5 & 15, day = date & 31;
    struct tm when = {.tm_year = 80 + (int)(date >> 9),
                      .tm_mon = month < 1 || month > 12 ? 0 : (int)month - 1,
                      .tm_mday = day > 0 ? (int)day : 1,
                      .tm_hour = (int)(time >> 11),
                      .tm_min = (int)(time >> 5 & 63),
                      .tm_sec = (int)(time & 31) * 2};
    time_t seconds = timegm(&when);
    return seconds < UINT32_MAX ? (uint32_t)seconds : UINT32_MAX; /* 2106: FAT goes on to 2107 */
}

void time_to_slot(uint32_t seconds, uint32_t *date, uint32_t *time)
{
    time_t from = seconds;
    struct tm when;
    *date = 1 << 5 | 1; /* 1980: nothing is earlier */
    *time = 0;
    if (gmtime_r(&from, &when) == NULL || when.tm_year < 80)
        return;
    *date = (uint32_t)((when.tm_year - 80) << 9 | (when.tm_mon + 1) << 5 | when.tm_mday);
    *time = (uint32_t)(when.tm_hour << 11 | when.tm_min << 5 | when.tm_sec / 2);
}

/* ---- the table of nodes ---- */

struct node *node_find(struct fat *fs, uint64_t number)
{
    struct node *node = fs->bucket[number % NODE_BUCKETS];
    while (node != NULL && node->number != number)
        node = node->next;
    return node;
}

static struct node **place_bucket(struct fat *fs, uint64_t place)
{
    return &fs->place[place / SLOT_BYTES % NODE_BUCKETS];
}

static void place_insert(struct fat *fs, struct node *node, uint64_t place)
{
    struct node **bucket = place_bucket(fs, place);
    node->place = place;
    node->next_place = *bucket;
    *bucket = node;
}

static void place_remove(struct fat *fs, struct node *node)
{
    struct node **link = place_bucket(fs, node->place);
    while (*link != NULL && *link != node)
        link = &(*link)->next_place;
    if (*link != NULL)
        *link = node->next_place;
    node->place = 0;
}

static struct node *node_make(struct fat *fs)
{
    struct node *node = fs->nodes < FAT_NODES_MAX ? calloc(1, sizeof *node) : NULL;
    if (node == NULL)
        return NULL;
    node->number = ++fs->numbers;
    node->users = 1;
    node->next = fs->bucket[node->number % NODE_BUCKETS];
    fs->bucket[node->number % NODE_BUCKETS] = node;
    fs->nodes++;
    return node;
}

static void node_drop(struct fat *fs, struct node *node)
{
    struct node **link = &fs->bucket[node->number % NODE_BUCKETS];
    while (*link != node)
        link = &(*link)->next;
    *link = node->next;
    if (!node->removed)
        place_remove(fs, node);
    fs->nodes--;
    free(node);
}

int node_root(struct fat *fs, struct node **root)
{
    for (struct node *node = *place_bucket(fs, 0); node != NULL; node = node->next_place)
        if (node->place == 0 && node->parent == NULL) {
            node->users++;
            *root = node;
            return 0;
        }
    if ((*root = node_make(fs)) == NULL)
        return ENFILE;
    (*root)->attributes = ATTRIBUTE_FOLDER;
    (*root)->cluster = fs->root_cluster;
    place_insert(fs, *root, 0);
    return 0;
}

uint32_t slot_cluster(const struct fat *fs, const unsigned char slot[SLOT_BYTES])
{
    uint32_t high = fs->bits == 32 ? little_get16(slot + D_CLUSTER_HIGH) : 0u;
    return high << 16 | little_get16(slot + D_CLUSTER);
}

int node_get(struct fat *fs, struct node *parent, const struct entry *entry, struct node **result)
{
    struct node *node = *place_bucket(fs, entry->place);
    const unsigned char *slot = entry->slot;
    while (node != NULL && node->place != entry->place)
        node = node->next_place;
    if (node == NULL) {
        if ((node = node_make(fs)) == NULL)
            return ENFILE;
        node->users = 0;
        node->parent = parent;
        parent->users++;
        node->first_slot = entry->first_slot;
        node->last_slot = entry->last_slot;
        node->attributes = slot[D_ATTRIBUTES];
        node->cluster = slot_cluster(fs, slot);
        node->size = little_get32(slot + D_SIZE);
        node->mtime = time_from_slot(little_get16(slot + D_DATE), little_get16(slot + D_TIME));
        place_insert(fs, node, entry->place);
    }
    node->users++;
    *result = node;
    return 0;
}

void node_put(struct fat *fs, struct node *node)
{
    while (node != NULL && --node->users == 0) {
        struct node *parent = node->parent;
        if (node->removed && node->cluster != 0 && fat_modify(fs) == 0)
            (void)chain_free(fs, node->cluster);
        node_drop(fs, node);
        node = parent;
    }
}

void node_move(struct fat *fs, struct node *node, struct node *parent, const struct entry *entry)
{
    struct node *before = node->parent;
    place_remove(fs, node);
    if (entry == NULL) {
        node->removed = 1;
        return;
    }
    node->parent = parent;
    parent->users++;
    node->first_slot = entry->first_slot;
    node->last_slot = entry->last_slot;
    place_insert(fs, node, entry->place);
    node_put(fs, before);
}

/* ---- slots ---- */

void node_slot(const struct node *node, uint32_t now, unsigned char slot[SLOT_BYTES])
{
    uint32_t date, time;
    memset(slot, 0, SLOT_BYTES);
    time_to_slot(now, &date, &time);
    little_put16(slot + D_CREATED_DATE, date);
    little_put16(slot + D_CREATED_TIME, time);
    little_put16(slot + D_ACCESSED_DATE, date);
    time_to_slot(node->mtime, &date, &time);
    little_put16(slot + D_DATE, date);
    little_put16(slot + D_TIME, time);
    slot[D_ATTRIBUTES] = (unsigned char)node->attributes;
    little_put16(slot + D_CLUSTER, node->cluster);
    little_put16(slot + D_CLUSTER_HIGH, node->cluster >> 16);
    little_put32(slot + D_SIZE, node_is_folder(node) ? 0 : node->size);
}

int node_store(struct fat *fs, const struct node *node)
{
    unsigned char fresh[SLOT_BYTES], *slot;
    if (node->removed || node->parent == NULL)
        return 0;
    int error = cache_get(&fs->cache, node->place / CACHE_PAGE, CACHE_WRITE, &slot);
    if (error != 0)
        return error;
    slot += node->place % CACHE_PAGE;
    node_slot(node, node->mtime, fresh);
    slot[D_ATTRIBUTES] = fresh[D_ATTRIBUTES];
    memcpy(slot + D_TIME, fresh + D_TIME, SLOT_BYTES - D_TIME);
    if (fs->bits == 32) /* elsewhere these two bytes are not ours */
        memcpy(slot + D_CLUSTER_HIGH, fresh + D_CLUSTER_HIGH, 2);
    return 0;
}

int parent_store(struct fat *fs, struct node *node, const struct node *parent)
{
    struct node above = {.attributes = ATTRIBUTE_FOLDER, .mtime = node->mtime};
    unsigned char slot[SLOT_BYTES];
    uint64_t place;
    above.cluster = parent->parent == NULL ? 0 : parent->cluster;
    node_slot(&above, node->mtime, slot);
    memset(slot, ' ', SHORT_BYTES);
    slot[0] = slot[1] = '.';
    int error = folder_place(fs, node, SLOT_BYTES, &place);
    return error == 0 ? cache_write(&fs->cache, place, slot, SLOT_BYTES) : error;
}
