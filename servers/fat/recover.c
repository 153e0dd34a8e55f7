/* SPDX-License-Identifier: MIT */
/*
 * After a crash: repairs what it can have left. The disk then has some pages from before the last
 * changes and some from after, and nothing that was freed had a second user yet (table.c). So there
 * are chains that lead into free clusters, sizes that do not fit chains, second names of a file or
 * folder (half a rename), the same name twice (one was removed), parts of long names, chains without
 * a name, and tables that differ. Which of two names stays does not matter, as neither was synced.
 */
#include "servers/fat/fat.h"
#include "lib/little.h"
#include "lib/set.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define DEPTH_MAX 100u /* of folders that are looked into */

static unsigned char *seen; /* a bit a cluster: it has an owner */

static int see(uint32_t cluster)
{
    uint32_t bit = cluster - CLUSTER_FIRST;
    int before = seen[bit / 8] >> bit % 8 & 1;
    seen[bit / 8] = (unsigned char)(seen[bit / 8] | 1u << bit % 8);
    return before;
}

static int is_seen(uint32_t cluster)
{
    uint32_t bit = cluster - CLUSTER_FIRST;
    return seen[bit / 8] >> bit % 8 & 1;
}

/* The chain from cluster on is somebody's, for most clusters; it ends there, or where it stops
   making sense. *count says how long it is. */
static int chain_claim(struct fat *fs, uint32_t cluster, uint32_t most, uint32_t *count)
{
    uint32_t next;
    for (*count = 1;; (*count)++, cluster = next) {
        int error = table_get(fs, cluster, &next);
        if (error != 0)
            return error;
        (void)see(cluster);
        if (next == CLUSTER_LAST)
            return 0;
        if (*count == most || !cluster_is_valid(fs, next) || is_seen(next))
            return table_set(fs, cluster, CLUSTER_LAST);
    }
}

static int slot_store(struct fat *fs, struct entry *entry, uint32_t cluster, uint32_t size)
{
    little_put16(entry->slot + D_CLUSTER, cluster);
    if (fs->bits == 32)
        little_put16(entry->slot + D_CLUSTER_HIGH, cluster >> 16);
    little_put32(entry->slot + D_SIZE, size);
    return cache_write(&fs->cache, entry->place, entry->slot, SLOT_BYTES);
}

static int file_recover(struct fat *fs, struct entry *entry, uint32_t cluster)
{
    uint32_t size = little_get32(entry->slot + D_SIZE), count = 0;
    uint64_t need = ((uint64_t)size + fs->cluster_bytes - 1) >> fs->cluster_shift;
    if (size == 0 || !cluster_is_valid(fs, cluster))
        return size == 0 && cluster == 0 ? 0 : slot_store(fs, entry, 0, 0);
    int error = chain_claim(fs, cluster, (uint32_t)need, &count);
    if (error == 0 && count < need)
        error = slot_store(fs, entry, cluster, count << fs->cluster_shift);
    return error;
}

/* Whether the name, or the short one, was there before. */
static int is_repeated(struct fat *fs, struct node *folder, const struct entry *entry,
                       struct set *set)
{
    struct entry first;
    struct name name;
    name_from_short(entry->slot, 0, &name);
    int once = set_add(set, name_hash(&entry->name)), twice = 0;
    if (!name_equal(&entry->name, &name))
        twice = set_add(set, name_hash(&name));
    if (once && folder_find(fs, folder, &entry->name, &first) == 0 && first.place != entry->place)
        return 1;
    return twice && folder_find(fs, folder, &name, &first) == 0 && first.place != entry->place;
}

static int folder_recover(struct fat *fs, struct node *folder, uint32_t depth);

/* A folder's entry. ENOENT: it must go. */
static int child_recover(struct fat *fs, struct node *folder, uint32_t cluster, uint32_t depth)
{
    struct node child = {.parent = folder, .attributes = ATTRIBUTE_FOLDER, .cluster = cluster};
    uint32_t count;
    if (!cluster_is_valid(fs, cluster))
        return ENOENT;
    int error = chain_claim(fs, cluster, FOLDER_BYTES_MAX >> fs->cluster_shift, &count);
    if (error == 0)
        error = parent_store(fs, &child, folder);
    return error == 0 ? folder_recover(fs, &child, depth + 1) : error;
}

static int entry_recover(struct fat *fs, struct node *folder, struct entry *entry, uint32_t depth)
{
    uint32_t cluster = slot_cluster(fs, entry->slot);
    if (cluster_is_valid(fs, cluster) && is_seen(cluster))
        return ENOENT;
    if (entry->slot[D_ATTRIBUTES] & ATTRIBUTE_FOLDER)
        return child_recover(fs, folder, cluster, depth);
    return file_recover(fs, entry, cluster);
}

static int folder_recover(struct fat *fs, struct node *folder, uint32_t depth)
{
    unsigned char first[LONG_SLOTS_MAX + 1];
    struct set set = {0};
    uint32_t offset = 0;
    int error = depth < DEPTH_MAX ? 0 : EUCLEAN;
    while (error == 0) {
        struct entry entry;
        if ((error = folder_next(fs, folder, offset, &entry)) != 0)
            break;
        error = folder_clean(fs, folder, offset, entry.first_slot);
        if (error == 0)
            error = is_repeated(fs, folder, &entry, &set) ? ENOENT
                                                          : entry_recover(fs, folder, &entry, depth);
        if (error == ENOENT)
            error = folder_remove(fs, folder, entry.first_slot, entry.last_slot, first);
        offset = entry.last_slot + SLOT_BYTES;
    }
    set_end(&set);
    return error == ENOENT ? folder_clean(fs, folder, offset, FOLDER_BYTES_MAX) : error;
}

/* Clusters that nobody has are free, and all are counted. */
static int lost_free(struct fat *fs)
{
    uint32_t value;
    fs->free = 0;
    for (uint32_t i = 0; i < fs->clusters; i++) {
        int error = table_get(fs, i + CLUSTER_FIRST, &value);
        if (error == 0 && value != CLUSTER_BAD && value != CLUSTER_FREE &&
            !is_seen(i + CLUSTER_FIRST)) {
            error = table_set(fs, i + CLUSTER_FIRST, CLUSTER_FREE);
            value = CLUSTER_FREE;
        }
        if (error != 0)
            return error;
        fs->free += value == CLUSTER_FREE;
    }
    fs->free_known = 1;
    return 0;
}

static int recover(struct fat *fs)
{
    struct node root = {.attributes = ATTRIBUTE_FOLDER, .cluster = fs->root_cluster};
    uint32_t count;
    int error = 0;
    if (fs->root_bytes == 0)
        error = chain_claim(fs, root.cluster, FOLDER_BYTES_MAX >> fs->cluster_shift, &count);
    if (error == 0)
        error = folder_recover(fs, &root, 0);
    if (error == 0)
        error = lost_free(fs);
    return error == 0 ? tables_copy(fs) : error;
}

int fat_recover(struct fat *fs)
{
    seen = calloc(1, fs->clusters / 8 + 1);
    int error = seen == NULL ? ENOMEM : recover(fs);
    free(seen);
    if (error == 0) /* before anything that is free now is used */
        error = fat_sync_all(fs, 0);
    if (error != 0) {
        fat_say(fs, "it was not cleanly unmounted and is read-only; run fsck.fat on it");
        fs->read_only = 1;
        return 0;
    }
    fat_say(fs, "it was not cleanly unmounted, and was repaired");
    fs->unclean_mount = 0;
    return 0;
}
