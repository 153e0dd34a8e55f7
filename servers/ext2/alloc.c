/* SPDX-License-Identifier: MIT */
/*
 * Free blocks and inodes: the bitmaps, one block of each a group, and the counts that go with them.
 * A set bit is in use. A search begins where the caller wants it, goes on through that group and
 * then through the others. A count that says "none" is believed; one that says "some" while the
 * bitmap has none is passed over, as the bitmap is what counts.
 *
 * What was freed is not used again before the next sync: until then the disk may still have the
 * file or folder that had it, and after a crash that would share it with the new one. So whatever
 * mixture of older and newer pages a crash leaves, nothing belongs to two. If there is no other room,
 * a sync makes it.
 */
#include "servers/ext2/ext2.h"
#include "lib/little.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

int block_get(struct ext2 *fs, uint32_t block, enum cache_use use, unsigned char **data)
{
    uint64_t at = block_offset(fs, block);
    int clear = use == CACHE_FRESH && fs->block_bytes < CACHE_PAGE;
    if (block <= fs->first_block || block >= fs->blocks)
        return ext2_damaged(fs, 0, "block outside the disk", block);
    int error = cache_get(&fs->cache, at / CACHE_PAGE, clear ? CACHE_WRITE : use, data);
    if (error != 0)
        return error;
    *data += at % CACHE_PAGE;
    if (clear)
        memset(*data, 0, fs->block_bytes);
    return 0;
}

/* ---- bitmaps ---- */

static int bit_is_set(const unsigned char *map, uint32_t bit)
{
    return map[bit / 8] >> bit % 8 & 1;
}

static void bit_flip(unsigned char *map, uint32_t bit)
{
    map[bit / 8] = (unsigned char)(map[bit / 8] ^ 1u << bit % 8);
}

static uint64_t word_at(const unsigned char *map, uint32_t bit)
{
    uint64_t word;
    memcpy(&word, map + bit / 8, sizeof word);
    return word;
}

/* The first bit of bits from on that is clear, also in freed if that is not NULL; bits: there is
   none. */
static uint32_t bit_find(const unsigned char *map, const unsigned char *freed, uint32_t from,
                         uint32_t bits)
{
    for (uint32_t bit = from; bit < bits;) {
        if (bit % 64 == 0 && bits - bit >= 64 &&
            (word_at(map, bit) | (freed == NULL ? 0 : word_at(freed, bit))) == UINT64_MAX) {
            bit += 64;
            continue;
        }
        if (!bit_is_set(map, bit) && (freed == NULL || !bit_is_set(freed, bit)))
            return bit;
        bit++;
    }
    return bits;
}

/* ---- what was freed since the last sync ---- */

void freed_forget(struct ext2 *fs)
{
    for (uint32_t i = 0; i < fs->groups && fs->freed_groups > 0; i++)
        if (fs->freed[i] != NULL) {
            free(fs->freed[i]);
            fs->freed[i] = NULL;
            fs->freed_groups--;
        }
}

/* The group's bits, made if they are not there. */
static int freed_get(struct ext2 *fs, uint32_t group, unsigned char **bits)
{
    if (fs->freed[group] == NULL) {
        if ((fs->freed[group] = calloc(2, fs->block_bytes)) == NULL)
            return ENOMEM;
        fs->freed_groups++;
    }
    *bits = fs->freed[group];
    return 0;
}

static const unsigned char *freed_blocks(const struct ext2 *fs, uint32_t group)
{
    return fs->freed[group];
}

static const unsigned char *freed_inodes(const struct ext2 *fs, uint32_t group)
{
    return fs->freed[group] == NULL ? NULL : fs->freed[group] + fs->block_bytes;
}

static void bit_set(unsigned char *map, uint32_t bit)
{
    map[bit / 8] = (unsigned char)(map[bit / 8] | 1u << bit % 8);
}

/* ---- blocks ---- */

uint32_t group_first_block(const struct ext2 *fs, uint32_t group)
{
    return fs->first_block + group * fs->blocks_per_group;
}

static uint32_t group_blocks(const struct ext2 *fs, uint32_t group)
{
    uint32_t left = fs->blocks - group_first_block(fs, group);
    return left < fs->blocks_per_group ? left : fs->blocks_per_group;
}

/* Takes a block of the group, from bit on if there is one, else from its start. ENOSPC: none. */
static int block_take(struct ext2 *fs, uint32_t number, uint32_t bit, uint32_t *block)
{
    struct group group;
    unsigned char *map;
    uint32_t bits = group_blocks(fs, number);
    int error = group_get(fs, number, &group);
    if (error != 0)
        return error;
    if (group.blocks_free == 0)
        return ENOSPC;
    if ((error = block_get(fs, group.block_bitmap, CACHE_READ, &map)) != 0)
        return error;
    const unsigned char *freed = freed_blocks(fs, number);
    uint32_t found = bit_find(map, freed, bit, bits);
    if (found == bits && (found = bit_find(map, freed, 0, bit)) == bit)
        return ENOSPC;
    if ((error = block_get(fs, group.block_bitmap, CACHE_WRITE, &map)) != 0)
        return error;
    bit_flip(map, found);
    group.blocks_free--;
    fs->blocks_free -= fs->blocks_free > 0;
    *block = group_first_block(fs, number) + found;
    if (*block <= fs->first_block)
        return ext2_damaged(fs, 1, "the superblock is marked as free", *block);
    return group_put(fs, number, &group);
}

static int block_search(struct ext2 *fs, uint32_t goal, uint32_t *block)
{
    if (goal <= fs->first_block || goal >= fs->blocks)
        goal = fs->first_block;
    uint32_t first = (goal - fs->first_block) / fs->blocks_per_group;
    uint32_t bit = (goal - fs->first_block) % fs->blocks_per_group;
    for (uint32_t i = 0; i < fs->groups; i++) {
        uint32_t group = i < fs->groups - first ? first + i : first + i - fs->groups;
        int error = block_take(fs, group, i == 0 ? bit : 0, block);
        if (error != ENOSPC)
            return error;
    }
    return ENOSPC;
}

int block_allocate(struct ext2 *fs, uint32_t goal, uint32_t *block)
{
    int error = block_search(fs, goal, block);
    if (error == ENOSPC && fs->freed_groups > 0 && (error = ext2_sync_all(fs, 0)) == 0)
        error = block_search(fs, goal, block);
    return error;
}

/* Whether the group keeps its own bitmaps and inodes there. */
static int block_is_reserved(const struct ext2 *fs, const struct group *group, uint32_t block)
{
    uint32_t table =
        (fs->inodes_per_group * fs->inode_bytes + fs->block_bytes - 1) >> fs->block_shift;
    return block == group->block_bitmap || block == group->inode_bitmap ||
           block - group->inode_table < table;
}

int block_free(struct ext2 *fs, uint32_t block)
{
    struct group group;
    unsigned char *map, *freed;
    if (block <= fs->first_block || block >= fs->blocks)
        return ext2_damaged(fs, 0, "a file has a block outside the disk", block);
    uint32_t number = (block - fs->first_block) / fs->blocks_per_group;
    uint32_t bit = (block - fs->first_block) % fs->blocks_per_group;
    int error = group_get(fs, number, &group);
    if (error != 0)
        return error;
    if (block_is_reserved(fs, &group, block))
        return ext2_damaged(fs, 1, "a file has a block of the file system's own", block);
    if ((error = freed_get(fs, number, &freed)) != 0)
        return error;
    if ((error = block_get(fs, group.block_bitmap, CACHE_WRITE, &map)) != 0)
        return error;
    if (!bit_is_set(map, bit))
        return ext2_damaged(fs, 1, "a file's block is marked as free", block);
    bit_flip(map, bit);
    bit_set(freed, bit);
    group.blocks_free++;
    fs->blocks_free++;
    if (fs->block_bytes == CACHE_PAGE)
        cache_drop(&fs->cache, block);
    return group_put(fs, number, &group);
}

/* ---- inodes ---- */

/* Takes an inode of the group. ENOSPC: none. */
static int inode_take(struct ext2 *fs, uint32_t number, int folder, uint32_t *inode)
{
    struct group group;
    unsigned char *map;
    uint32_t reserved = number == 0 ? fs->first_inode - 1 : 0;
    int error = group_get(fs, number, &group);
    if (error != 0)
        return error;
    if (group.inodes_free == 0 || reserved >= fs->inodes_per_group)
        return ENOSPC;
    if ((error = block_get(fs, group.inode_bitmap, CACHE_READ, &map)) != 0)
        return error;
    uint32_t bit = bit_find(map, freed_inodes(fs, number), reserved, fs->inodes_per_group);
    if (bit == fs->inodes_per_group)
        return ENOSPC;
    if ((error = block_get(fs, group.inode_bitmap, CACHE_WRITE, &map)) != 0)
        return error;
    bit_flip(map, bit);
    group.inodes_free--;
    group.folders += folder != 0;
    fs->inodes_free -= fs->inodes_free > 0;
    *inode = number * fs->inodes_per_group + bit + 1;
    return group_put(fs, number, &group);
}

/* Folders begin where most blocks are free, among groups with no fewer inodes than most. */
static int group_for_folder(struct ext2 *fs, uint32_t *best)
{
    uint32_t most = 0, average = fs->inodes_free / fs->groups;
    struct group group;
    for (uint32_t i = 0; i < fs->groups; i++) {
        int error = group_get(fs, i, &group);
        if (error != 0)
            return error;
        if (group.inodes_free > 0 && group.inodes_free >= average && group.blocks_free > most) {
            most = group.blocks_free;
            *best = i;
        }
    }
    return 0;
}

static int inode_search(struct ext2 *fs, uint32_t parent, int folder, uint32_t *number)
{
    uint32_t first = (parent - 1) / fs->inodes_per_group;
    int error = folder ? group_for_folder(fs, &first) : 0;
    if (error != 0)
        return error;
    for (uint32_t i = 0; i < fs->groups; i++) {
        uint32_t group = i < fs->groups - first ? first + i : first + i - fs->groups;
        error = inode_take(fs, group, folder, number);
        if (error != ENOSPC)
            return error;
    }
    return ENOSPC;
}

int inode_allocate(struct ext2 *fs, uint32_t parent, int folder, uint32_t *number)
{
    int error = inode_search(fs, parent, folder, number);
    if (error == ENOSPC && fs->freed_groups > 0 && (error = ext2_sync_all(fs, 0)) == 0)
        error = inode_search(fs, parent, folder, number);
    return error;
}

int inode_free(struct ext2 *fs, uint32_t number, int folder)
{
    struct group group;
    unsigned char *map, *freed;
    uint32_t which = (number - 1) / fs->inodes_per_group, bit = (number - 1) % fs->inodes_per_group;
    int error = group_get(fs, which, &group);
    if (error != 0)
        return error;
    if ((error = freed_get(fs, which, &freed)) != 0)
        return error;
    if ((error = block_get(fs, group.inode_bitmap, CACHE_WRITE, &map)) != 0)
        return error;
    if (!bit_is_set(map, bit))
        return ext2_damaged(fs, 1, "an inode in use is marked as free", number);
    bit_flip(map, bit);
    bit_set(freed + fs->block_bytes, bit);
    group.inodes_free++;
    group.folders -= folder && group.folders > 0;
    fs->inodes_free++;
    return group_put(fs, which, &group);
}

/* ---- after a crash ---- */

static int bit_claim(struct ext2 *fs, uint32_t bitmap, uint32_t bit)
{
    unsigned char *map;
    int error = block_get(fs, bitmap, CACHE_READ, &map);
    if (error != 0 || bit_is_set(map, bit))
        return error;
    if ((error = block_get(fs, bitmap, CACHE_WRITE, &map)) == 0)
        bit_set(map, bit);
    return error;
}

int block_claim(struct ext2 *fs, uint32_t block)
{
    struct group group;
    int error = group_get(fs, (block - fs->first_block) / fs->blocks_per_group, &group);
    if (error != 0)
        return error;
    return bit_claim(fs, group.block_bitmap, (block - fs->first_block) % fs->blocks_per_group);
}

int inode_claim(struct ext2 *fs, uint32_t number)
{
    struct group group;
    int error = group_get(fs, (number - 1) / fs->inodes_per_group, &group);
    if (error != 0)
        return error;
    return bit_claim(fs, group.inode_bitmap, (number - 1) % fs->inodes_per_group);
}

static int bits_count(struct ext2 *fs, uint32_t bitmap, uint32_t bits, uint32_t *clear)
{
    unsigned char *map;
    int error = block_get(fs, bitmap, CACHE_READ, &map);
    *clear = 0;
    for (uint32_t bit = 0; error == 0 && bit < bits; bit++)
        *clear += !bit_is_set(map, bit);
    return error;
}

int group_count(struct ext2 *fs, uint32_t number, uint32_t folders)
{
    struct group group;
    uint32_t blocks = 0, inodes = 0;
    int error = group_get(fs, number, &group);
    if (error == 0)
        error = bits_count(fs, group.block_bitmap, group_blocks(fs, number), &blocks);
    if (error == 0)
        error = bits_count(fs, group.inode_bitmap, fs->inodes_per_group, &inodes);
    if (error != 0)
        return error;
    fs->blocks_free += blocks - group.blocks_free;
    fs->inodes_free += inodes - group.inodes_free;
    group.blocks_free = blocks;
    group.inodes_free = inodes;
    group.folders = folders;
    return group_put(fs, number, &group);
}
