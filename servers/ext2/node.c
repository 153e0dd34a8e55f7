/* SPDX-License-Identifier: MIT */
/*
 * Nodes: the inodes in use, each once in memory, counted. A node's fields and its inode on the disk
 * agree whenever a function of fs_ops returns: who changes a node stores it. Fields of the inode
 * that are not known here keep their value.
 */
#include "servers/ext2/ext2.h"
#include "lib/little.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct node *node_find(struct ext2 *fs, uint64_t number)
{
    struct node *node = fs->bucket[number % NODE_BUCKETS];
    while (node != NULL && node->number != number)
        node = node->next;
    return node;
}

/* The inode's bytes on the disk. */
static int inode_bytes(struct ext2 *fs, uint32_t number, enum cache_use use, unsigned char **data)
{
    struct group group;
    uint32_t which = (number - 1) / fs->inodes_per_group,
             index = (number - 1) % fs->inodes_per_group;
    int error = group_get(fs, which, &group);
    if (error != 0)
        return error;
    uint64_t at = block_offset(fs, group.inode_table) + (uint64_t)index * fs->inode_bytes;
    if ((error = cache_get(&fs->cache, at / CACHE_PAGE, use, data)) == 0)
        *data += at % CACHE_PAGE;
    return error;
}

int node_peek(struct ext2 *fs, uint32_t number, uint32_t *mode, uint32_t *links)
{
    unsigned char *inode;
    int error = inode_bytes(fs, number, CACHE_READ, &inode);
    if (error != 0)
        return error;
    *mode = little_get16(inode + I_MODE);
    *links = little_get16(inode + I_LINKS);
    return 0;
}

static void node_parse(struct node *node, const unsigned char *inode)
{
    node->mode = little_get16(inode + I_MODE);
    node->size = little_get32(inode + I_SIZE);
    if (S_ISREG(node->mode))
        node->size |= (uint64_t)little_get32(inode + I_SIZE_HIGH) << 32;
    node->atime = little_get32(inode + I_ATIME);
    node->ctime = little_get32(inode + I_CTIME);
    node->mtime = little_get32(inode + I_MTIME);
    node->dtime = little_get32(inode + I_DTIME);
    node->links = little_get16(inode + I_LINKS);
    node->sectors = little_get32(inode + I_SECTORS);
    node->flags = little_get32(inode + I_FLAGS);
    node->generation = little_get32(inode + I_GENERATION);
    node->attributes = little_get32(inode + I_ATTRIBUTES);
    for (uint32_t i = 0; i < INODE_BLOCKS; i++)
        node->block[i] = little_get32(inode + I_BLOCK + 4 * i);
}

int node_store(struct ext2 *fs, const struct node *node)
{
    unsigned char *inode;
    int error = inode_bytes(fs, node->number, CACHE_WRITE, &inode);
    if (error != 0)
        return error;
    little_put16(inode + I_MODE, node->mode);
    little_put32(inode + I_SIZE, (uint32_t)node->size);
    if (S_ISREG(node->mode))
        little_put32(inode + I_SIZE_HIGH, (uint32_t)(node->size >> 32));
    little_put32(inode + I_ATIME, node->atime);
    little_put32(inode + I_CTIME, node->ctime);
    little_put32(inode + I_MTIME, node->mtime);
    little_put32(inode + I_DTIME, node->dtime);
    little_put16(inode + I_LINKS, node->links);
    little_put32(inode + I_SECTORS, node->sectors);
    little_put32(inode + I_FLAGS, node->flags);
    little_put32(inode + I_GENERATION, node->generation);
    little_put32(inode + I_ATTRIBUTES, node->attributes);
    for (uint32_t i = 0; i < INODE_BLOCKS; i++)
        little_put32(inode + I_BLOCK + 4 * i, node->block[i]);
    return 0;
}

static int node_check(struct ext2 *fs, const struct node *node)
{
    if (node->links == 0)
        return ext2_damaged(fs, 0, "a name of a file that was removed", node->number);
    if (node->flags & FLAG_EXTENTS)
        return ext2_damaged(fs, 0, "a file of ext4", node->number);
    if (S_ISDIR(node->mode) && (node->size > block_offset(fs, fs->blocks) ||
                                node->size % fs->block_bytes != 0 || node->size == 0))
        return ext2_damaged(fs, 0, "a folder of impossible size", node->number);
    return 0;
}

static void node_insert(struct ext2 *fs, struct node *node)
{
    struct node **bucket = &fs->bucket[node->number % NODE_BUCKETS];
    node->next = *bucket;
    *bucket = node;
    node->users = 1;
    fs->nodes++;
}

static void node_drop(struct ext2 *fs, struct node *node)
{
    struct node **link = &fs->bucket[node->number % NODE_BUCKETS];
    while (*link != node)
        link = &(*link)->next;
    *link = node->next;
    fs->nodes--;
    free(node);
}

static struct node *node_make(struct ext2 *fs, uint32_t number)
{
    struct node *node = fs->nodes < EXT2_NODES_MAX ? calloc(1, sizeof *node) : NULL;
    if (node != NULL)
        node->number = number;
    return node;
}

int node_get(struct ext2 *fs, uint32_t number, struct node **result)
{
    unsigned char *inode;
    struct node *node = node_find(fs, number);
    *result = node;
    if (node != NULL) {
        node->users++;
        return 0;
    }
    if (number == 0 || number > fs->inodes || (number < fs->first_inode && number != INODE_ROOT))
        return ext2_damaged(fs, 0, "impossible inode number", number);
    int error = inode_bytes(fs, number, CACHE_READ, &inode);
    if (error != 0)
        return error;
    if ((node = node_make(fs, number)) == NULL)
        return ENFILE;
    node_parse(node, inode);
    if ((error = node_check(fs, node)) != 0) {
        free(node);
        return error;
    }
    node_insert(fs, node);
    *result = node;
    return 0;
}

int node_has_blocks(const struct ext2 *fs, const struct node *node)
{
    uint32_t attributes = node->attributes != 0 ? fs->block_bytes / BLOCK_SECTOR : 0;
    if ((node->mode & S_IFMT) == S_IFLNK) /* a short target lies where the block numbers are */
        return node->sectors != attributes;
    return S_ISREG(node->mode) || S_ISDIR(node->mode);
}

/* Attributes that several files share are counted in their block. */
static int attributes_free(struct ext2 *fs, struct node *node)
{
    unsigned char *data;
    if (node->attributes == 0)
        return 0;
    int error = block_get(fs, node->attributes, CACHE_READ, &data);
    if (error != 0)
        return error;
    if (little_get32(data) != ATTRIBUTES_MAGIC)
        return ext2_damaged(fs, 0, "impossible attributes of file", node->number);
    uint32_t users = little_get32(data + ATTRIBUTES_USERS);
    if (users > 1) {
        if ((error = block_get(fs, node->attributes, CACHE_WRITE, &data)) == 0)
            little_put32(data + ATTRIBUTES_USERS, users - 1);
    } else {
        error = block_free(fs, node->attributes);
    }
    node->sectors -= error == 0 ? fs->block_bytes / BLOCK_SECTOR : 0;
    node->attributes = error == 0 ? 0 : node->attributes;
    return error;
}

/* A file without name and user. Damage found in it leaves blocks lost, which e2fsck finds. */
static void node_delete(struct ext2 *fs, struct node *node)
{
    if (ext2_modify(fs) != 0)
        return;
    int error = attributes_free(fs, node);
    if (error == 0 && node_has_blocks(fs, node))
        error = map_truncate(fs, node, 0);
    node->dtime = ext2_now(fs);
    node->size = error == 0 ? 0 : node->size;
    if (error == 0)
        error = node_store(fs, node);
    if (error == 0)
        (void)inode_free(fs, node->number, S_ISDIR(node->mode));
}

void node_put(struct ext2 *fs, struct node *node)
{
    if (--node->users > 0)
        return;
    if (node->links == 0)
        node_delete(fs, node);
    node_drop(fs, node);
}

int node_create(struct ext2 *fs, uint32_t parent, uint32_t mode, struct node **result)
{
    unsigned char *inode;
    uint32_t number = 0;
    struct node *node = node_make(fs, 0);
    if (node == NULL)
        return ENFILE;
    int error = inode_allocate(fs, parent, S_ISDIR(mode), &number);
    if (error == 0 && (node_find(fs, number) != NULL || number < fs->first_inode))
        error = ext2_damaged(fs, 1, "an inode in use is marked as free", number);
    if (error == 0 && (error = inode_bytes(fs, number, CACHE_WRITE, &inode)) == 0) {
        uint32_t generation = little_get32(inode + I_GENERATION);
        memset(inode, 0, fs->inode_bytes);
        node->number = number;
        node->mode = mode;
        node->generation = generation + 1;
        node->links = 1;
        node->mtime = node->ctime = node->atime = ext2_now(fs);
        error = node_store(fs, node);
    }
    if (error != 0) {
        free(node);
        return error;
    }
    node_insert(fs, node);
    *result = node;
    return 0;
}
