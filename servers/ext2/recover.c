/* SPDX-License-Identifier: MIT */
/*
 * After a crash: what must be right before anything is changed again, although e2fsck has not run.
 * The disk then has some pages from before the last changes and some from after. As nothing that was
 * freed had a second user yet (alloc.c), three things can be wrong that would do harm: something in
 * use may be marked as free, and be handed out again; a name may be of an inode that was never
 * written, or is free, and become one of somebody else's file; and half a rename may have left two
 * names, of which a file would go with the first and a folder may have one only; or two of the same
 * name, as one was removed. Those are put right. What is merely lost
 * (space, files without a name) stays for e2fsck, and so does the mark that the disk is not clean.
 */
#include "servers/ext2/ext2.h"
#include "lib/set.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define NAMED 0x8000u /* in the count of a folder's names: one that is not "." or ".." */

/* Gets the page with this inode and those behind it into the cache. */
static void inodes_prefetch(struct ext2 *fs, uint32_t number)
{
    struct group group;
    uint64_t page[CACHE_BATCH];
    uint32_t index = (number - 1) % fs->inodes_per_group;
    if (index * fs->inode_bytes % (CACHE_BATCH * CACHE_PAGE) != 0 ||
        group_get(fs, (number - 1) / fs->inodes_per_group, &group) != 0)
        return;
    uint64_t at = block_offset(fs, group.inode_table) + (uint64_t)index * fs->inode_bytes;
    for (uint32_t i = 0; i < CACHE_BATCH; i++)
        page[i] = at / CACHE_PAGE + i;
    cache_prefetch(&fs->cache, page, CACHE_BATCH);
}

/* Whether this is the root or one of the files and folders that people made. */
static int is_used(struct ext2 *fs, uint32_t number, uint32_t *mode)
{
    uint32_t links = 0;
    if (number != INODE_ROOT && number < fs->first_inode)
        return 0;
    return node_peek(fs, number, mode, &links) == 0 && links > 0 && *mode != 0;
}

static uint32_t claimed; /* blocks of one file */

static int block_count(struct ext2 *fs, uint32_t block)
{
    claimed++;
    return block_claim(fs, block);
}

/* What the inode is and has is in use. Blocks behind a file's end were never counted in. */
static int node_claim(struct ext2 *fs, uint32_t number)
{
    struct node *node;
    int error = inode_claim(fs, number);
    if (error != 0 || node_get(fs, number, &node) != 0)
        return error; /* a damaged one is nobody's */
    claimed = 0;
    if (node->attributes > fs->first_block && node->attributes < fs->blocks)
        error = block_count(fs, node->attributes);
    if (error == 0 && node_has_blocks(fs, node))
        error = map_visit(fs, node, block_count);
    uint32_t sectors = claimed * (fs->block_bytes / BLOCK_SECTOR), before = node->sectors;
    if (node_has_blocks(fs, node))
        node->sectors = sectors;
    if (error == 0 && S_ISREG(node->mode))
        (void)map_truncate(fs, node, (node->size + fs->block_bytes - 1) >> fs->block_shift);
    if (error == 0 && node->sectors != before)
        error = node_store(fs, node);
    node_put(fs, node);
    return error;
}

/* A folder is in the one where it was found. */
static int parent_claim(struct ext2 *fs, uint32_t number, const struct node *parent)
{
    struct entry up;
    struct node *folder;
    if (node_get(fs, number, &folder) != 0)
        return 0;
    int error = folder_find(fs, folder, "..", &up);
    if (error == 0 && up.inode != parent->number)
        error = folder_replace(fs, folder, &up, parent);
    node_put(fs, folder);
    return error;
}

/* Counts a name; 0: it must go. */
static int name_claim(struct ext2 *fs, const struct node *folder, const struct entry *entry,
                      uint16_t *names)
{
    uint16_t *count = &names[entry->inode];
    uint32_t mode;
    int dots = strcmp(entry->name, ".") == 0 || strcmp(entry->name, "..") == 0;
    if (!is_used(fs, entry->inode, &mode))
        return dots;
    if (S_ISDIR(mode) && !dots) {
        if (*count & NAMED)
            return 0;
        *count |= NAMED;
        (void)parent_claim(fs, entry->inode, folder);
    }
    *count = (uint16_t)(*count + ((*count & ~NAMED) < LINKS_MAX));
    return 1;
}

/* Whether the folder has the entry's name before, too. set: of names seen so far. */
static int is_repeated(struct ext2 *fs, struct node *folder, const struct entry *entry,
                       struct set *set)
{
    struct entry first;
    return set_add(set, set_hash(entry->name, entry->name_bytes)) &&
           folder_find(fs, folder, entry->name, &first) == 0 && first.at != entry->at;
}

static void folder_claim(struct ext2 *fs, uint32_t number, uint16_t *names)
{
    struct entry entry = {.next = 0};
    struct set set = {0};
    struct node *folder;
    if (node_get(fs, number, &folder) != 0)
        return;
    while (folder_next(fs, folder, entry.next, &entry) == 0) {
        int stays = !is_repeated(fs, folder, &entry, &set) && name_claim(fs, folder, &entry, names);
        if (!stays && folder_remove(fs, folder, &entry) != 0)
            break;
    }
    set_end(&set);
    node_put(fs, folder);
}

/* More names than it counts: it counts them now. */
static int links_claim(struct ext2 *fs, uint32_t number, uint32_t names)
{
    struct node *node;
    if (names == 0 || node_get(fs, number, &node) != 0)
        return 0;
    int error = 0;
    if (node->links < names) {
        node->links = names;
        error = node_store(fs, node);
    }
    node_put(fs, node);
    return error;
}

static int recover(struct ext2 *fs, uint16_t *names)
{
    uint32_t mode = 0, folders = 0;
    int error = 0;
    for (uint32_t i = 1; i <= fs->inodes && error == 0; i++) {
        inodes_prefetch(fs, i);
        if (is_used(fs, i, &mode)) {
            folders += S_ISDIR(mode);
            error = node_claim(fs, i);
        }
        if (i % fs->inodes_per_group == 0) {
            if (error == 0)
                error = group_count(fs, (i - 1) / fs->inodes_per_group, folders);
            folders = 0;
        }
    }
    for (uint32_t i = 1; i <= fs->inodes && error == 0; i++)
        if (is_used(fs, i, &mode) && S_ISDIR(mode))
            folder_claim(fs, i, names);
    for (uint32_t i = 1; i <= fs->inodes && error == 0; i++)
        error = links_claim(fs, i, names[i] & ~NAMED);
    return error;
}

int ext2_recover(struct ext2 *fs)
{
    uint16_t *names = calloc((size_t)fs->inodes + 1, sizeof *names);
    int error = names == NULL ? ENOMEM : recover(fs, names);
    free(names);
    if (error == 0) /* before anything that is free now is used */
        error = ext2_sync_all(fs, 0);
    if (error != 0) {
        ext2_say(fs, "it cannot be made safe to write to, and is read-only; run e2fsck on it");
        fs->read_only = 1;
    }
    return 0;
}
