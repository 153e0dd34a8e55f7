/* SPDX-License-Identifier: MIT */
/*
 * Which block of the disk holds a block of a file: twelve numbers in the inode, then trees of one,
 * two and three levels of blocks full of numbers. 0 is a hole. Trees on a damaged disk may share
 * blocks or hold themselves: walks are as deep as the tree's level and no deeper, and freeing stops
 * at the first block that is free already.
 */
#include "servers/ext2/ext2.h"
#include "lib/little.h"
#include <errno.h>

#define DEPTH_MAX 4u

static uint32_t numbers_shift(const struct ext2 *fs) { return fs->block_shift - 2; }

uint64_t map_bytes_max(const struct ext2 *fs)
{
    uint32_t shift = numbers_shift(fs);
    uint64_t blocks = DIRECT_BLOCKS + (1ull << shift) + (1ull << 2 * shift) + (1ull << 3 * shift);
    uint64_t by_sectors = (uint64_t)(UINT32_MAX - 1) / (fs->block_bytes / BLOCK_SECTOR);
    uint64_t limit = (blocks < by_sectors ? blocks : by_sectors) << fs->block_shift;
    return fs->revision == 0 && limit > INT32_MAX ? INT32_MAX : limit;
}

/* The places to look at, first in the inode, then in one block after the other; gives how many, 0
   when no tree reaches as far. */
static uint32_t map_path(const struct ext2 *fs, uint64_t index, uint32_t path[DEPTH_MAX])
{
    uint32_t shift = numbers_shift(fs), mask = (1u << shift) - 1;
    if (index < DIRECT_BLOCKS) {
        path[0] = (uint32_t)index;
        return 1;
    }
    index -= DIRECT_BLOCKS;
    for (uint32_t level = 1; level <= 3; level++) {
        if (index >> level * shift == 0) {
            path[0] = DIRECT_BLOCKS + level - 1;
            for (uint32_t i = 1; i <= level; i++)
                path[i] = (uint32_t)(index >> (level - i) * shift) & mask;
            return level + 1;
        }
        index -= 1ull << level * shift;
    }
    return 0;
}

/* Behind the block of the file that comes before; else in the inode's group. */
static uint32_t goal_for(struct ext2 *fs, struct node *node, uint64_t index)
{
    uint32_t before = 0;
    if (index > 0 && map_block(fs, node, index - 1, 0, &before, NULL) == 0 && before != 0)
        return before + 1;
    return group_first_block(fs, (node->number - 1) / fs->inodes_per_group);
}

/* Takes a block of the file back. */
static int block_give(struct ext2 *fs, struct node *node, uint32_t block)
{
    uint32_t sectors = fs->block_bytes / BLOCK_SECTOR;
    int error = block_free(fs, block);
    if (error == 0)
        node->sectors -= node->sectors >= sectors ? sectors : node->sectors;
    return error;
}

/* A new block for the file. One that will hold numbers is cleared, and is so on the disk before
   anything names it: what it held before would be taken for numbers after a crash. */
static int block_new(struct ext2 *fs, struct node *node, uint32_t goal, int numbers, uint32_t *block)
{
    unsigned char *data;
    uint32_t sectors = fs->block_bytes / BLOCK_SECTOR;
    if (node->sectors > UINT32_MAX - sectors)
        return EFBIG;
    int error = block_allocate(fs, goal, block);
    if (error != 0)
        return error;
    if (numbers && (error = block_get(fs, *block, CACHE_FRESH, &data)) == 0)
        error = cache_push(&fs->cache, block_offset(fs, *block), fs->block_bytes);
    if (error != 0) {
        (void)block_free(fs, *block);
        return error;
    }
    node->sectors += sectors;
    return 0;
}

/* Creates what path[depth] of the block in, or of the inode when in is 0, is to name. */
static int number_new(struct ext2 *fs, struct node *node, uint32_t in, uint32_t place,
                      uint32_t goal, int numbers, uint32_t *block)
{
    unsigned char *data;
    int error = block_new(fs, node, goal, numbers, block);
    if (error != 0)
        return error;
    if (in == 0) {
        node->block[place] = *block;
        return 0;
    }
    error = block_get(fs, in, CACHE_WRITE, &data);
    if (error == 0)
        little_put32(data + 4 * place, *block);
    else
        (void)block_give(fs, node, *block);
    return error;
}

int map_block(struct ext2 *fs, struct node *node, uint64_t index, int create, uint32_t *block,
              int *fresh)
{
    uint32_t path[DEPTH_MAX], depth = map_path(fs, index, path), in = 0, goal = 0;
    unsigned char *data;
    int error;
    *block = 0;
    if (depth == 0)
        return create ? EFBIG : 0;
    for (uint32_t i = 0; i < depth; i++) {
        uint32_t found = node->block[path[0]];
        if (i > 0) {
            if ((error = block_get(fs, in, CACHE_READ, &data)) != 0)
                return error;
            found = little_get32(data + 4 * path[i]);
        }
        if (found == 0 && !create)
            return 0;
        if (found == 0) {
            goal = goal == 0 ? goal_for(fs, node, index) : goal + 1;
            error = number_new(fs, node, in, path[i], goal, i + 1 < depth, &found);
            if (error != 0)
                return error;
            goal = found;
            if (fresh != NULL)
                *fresh = i + 1 == depth;
        }
        if (found <= fs->first_block || found >= fs->blocks)
            return ext2_damaged(fs, 0, "block outside the disk in file", node->number);
        in = found;
    }
    *block = in;
    return 0;
}

/* ---- giving back ---- */

/* Frees the blocks from the first'th on of the tree of that level under block. *block becomes 0
   when all of it is gone. level 0: the block itself is data. */
static int tree_free(struct ext2 *fs, struct node *node, uint32_t *block, uint32_t level,
                     uint64_t first)
{
    uint32_t shift = numbers_shift(fs);
    unsigned char *data;
    if (*block == 0)
        return 0;
    if (level > 0) {
        uint64_t each = 1ull << (level - 1) * shift;
        for (uint64_t i = first / each; i < 1ull << shift; i++) {
            int error = block_get(fs, *block, CACHE_READ, &data);
            if (error != 0)
                return error;
            uint32_t under = little_get32(data + 4 * i), was = under;
            if (under == 0)
                continue;
            error = tree_free(fs, node, &under, level - 1, i == first / each ? first % each : 0);
            if (under != was) {
                int stored = block_get(fs, *block, CACHE_WRITE, &data);
                if (stored != 0)
                    return stored;
                little_put32(data + 4 * i, under);
            }
            if (error != 0)
                return error;
        }
    }
    if (first > 0)
        return 0;
    int error = block_give(fs, node, *block);
    *block = error == 0 ? 0 : *block;
    return error;
}

int map_truncate(struct ext2 *fs, struct node *node, uint64_t index)
{
    uint64_t start = DIRECT_BLOCKS;
    int error;
    node->run_count = 0;
    for (uint64_t i = index; i < DIRECT_BLOCKS; i++)
        if ((error = tree_free(fs, node, &node->block[i], 0, 0)) != 0)
            return error;
    for (uint32_t level = 1; level <= 3; level++) {
        uint64_t blocks = 1ull << level * numbers_shift(fs);
        if (index < start + blocks) {
            uint64_t first = index > start ? index - start : 0;
            error = tree_free(fs, node, &node->block[DIRECT_BLOCKS + level - 1], level, first);
            if (error != 0)
                return error;
        }
        start += blocks;
    }
    return 0;
}

/* ---- going through ---- */

struct visit {
    int (*visit)(struct ext2 *, uint32_t block);
    uint32_t left; /* blocks that may come */
};

static int tree_visit(struct ext2 *fs, struct visit *v, uint32_t block, uint32_t level)
{
    unsigned char *data;
    if (block <= fs->first_block || block >= fs->blocks || v->left == 0)
        return 0;
    v->left--;
    int error = v->visit(fs, block);
    for (uint32_t i = 0; level > 0 && error == 0 && i < 1u << numbers_shift(fs); i++) {
        if ((error = block_get(fs, block, CACHE_READ, &data)) == 0)
            error = tree_visit(fs, v, little_get32(data + 4 * i), level - 1);
    }
    return error;
}

int map_visit(struct ext2 *fs, struct node *node, int (*visit)(struct ext2 *, uint32_t block))
{
    struct visit v = {visit, fs->blocks};
    int error = 0;
    for (uint32_t i = 0; i < INODE_BLOCKS && error == 0; i++)
        error = tree_visit(fs, &v, node->block[i], i < DIRECT_BLOCKS ? 0 : i - DIRECT_BLOCKS + 1);
    return error;
}
