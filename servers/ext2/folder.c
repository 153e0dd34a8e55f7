/* SPDX-License-Identifier: MIT */
/*
 * Folders: files full of entries. An entry is the inode's number (0: unused), the bytes to the next
 * entry, the name's length, the kind, the name; entries fill each block exactly. Removing one gives
 * its bytes to the one before. A folder with a hash index is read like any other, as the index lies
 * in entries that look unused; a change takes the index flag away, so that nobody trusts an index
 * that was not kept up.
 */
#include "servers/ext2/ext2.h"
#include "lib/little.h"
#include <errno.h>
#include <string.h>

struct place {
    uint32_t block;  /* of the disk */
    uint32_t offset; /* in it */
    uint32_t before; /* offset of the entry before; offset itself: there is none */
};

static uint32_t entry_bytes(uint32_t name_bytes) { return (ENTRY_HEAD + name_bytes + 3) & ~3u; }

/* The entry at offset of a block, checked. */
static int entry_parse(struct ext2 *fs, const struct node *folder, const unsigned char *data,
                       uint32_t offset, struct entry *entry)
{
    const unsigned char *at = data + offset;
    uint32_t room = fs->block_bytes - offset;
    if (room < ENTRY_MIN)
        return ext2_damaged(fs, 0, "impossible entry in folder", folder->number);
    entry->inode = little_get32(at + E_INODE);
    entry->bytes = little_get16(at + E_BYTES);
    entry->name_bytes = at[E_NAME_BYTES];
    entry->kind = fs->incompatible & INCOMPATIBLE_FILETYPE ? at[E_KIND] : KIND_UNKNOWN;
    if (entry->bytes < ENTRY_MIN || entry->bytes % 4 != 0 || entry->bytes > room ||
        entry_bytes(entry->name_bytes) > entry->bytes || entry->inode > fs->inodes)
        return ext2_damaged(fs, 0, "impossible entry in folder", folder->number);
    return 0;
}

/* The disk's block of the folder at offset. A folder has no holes. */
static int folder_block(struct ext2 *fs, struct node *folder, uint64_t offset, enum cache_use use,
                        uint32_t *block, unsigned char **data)
{
    int error = map_block(fs, folder, offset >> fs->block_shift, 0, block, NULL);
    if (error != 0)
        return error;
    if (*block == 0)
        return ext2_damaged(fs, 0, "a hole in folder", folder->number);
    return block_get(fs, *block, use, data);
}

/* Whether a used entry is one that a name can reach. */
static int name_is_sane(const unsigned char *name, uint32_t bytes)
{
    return bytes > 0 && memchr(name, '/', bytes) == NULL && memchr(name, 0, bytes) == NULL;
}

int folder_next(struct ext2 *fs, struct node *folder, uint64_t offset, struct entry *entry)
{
    uint64_t start = offset & ~(uint64_t)(fs->block_bytes - 1);
    for (; start < folder->size; start += fs->block_bytes) {
        unsigned char *data;
        uint32_t block;
        int error = folder_block(fs, folder, start, CACHE_READ, &block, &data);
        for (uint32_t at = 0; error == 0 && at < fs->block_bytes; at += entry->bytes) {
            if ((error = entry_parse(fs, folder, data, at, entry)) != 0)
                return error;
            const unsigned char *name = data + at + E_NAME;
            if (start + at < offset || entry->inode == 0 || !name_is_sane(name, entry->name_bytes))
                continue;
            memcpy(entry->name, name, entry->name_bytes);
            entry->name[entry->name_bytes] = 0;
            entry->at = start + at;
            entry->next = entry->at + entry->bytes;
            return 0;
        }
        if (error != 0)
            return error;
    }
    return ENOENT;
}

int folder_find(struct ext2 *fs, struct node *folder, const char *name, struct entry *entry)
{
    uint32_t bytes = (uint32_t)strnlen(name, FS_NAME_MAX + 1);
    if (bytes > FS_NAME_MAX)
        return ENAMETOOLONG;
    for (uint64_t start = 0; start < folder->size; start += fs->block_bytes) {
        unsigned char *data;
        uint32_t block;
        int error = folder_block(fs, folder, start, CACHE_READ, &block, &data);
        for (uint32_t at = 0; error == 0 && at < fs->block_bytes; at += entry->bytes) {
            if ((error = entry_parse(fs, folder, data, at, entry)) != 0)
                return error;
            if (entry->inode == 0 || entry->name_bytes != bytes ||
                memcmp(data + at + E_NAME, name, bytes) != 0)
                continue;
            entry->at = start + at;
            entry->next = entry->at + entry->bytes;
            return 0;
        }
        if (error != 0)
            return error;
    }
    return ENOENT;
}

/* ---- changes ---- */

static uint32_t kind_of(uint32_t mode)
{
    static const unsigned char kind[16] = {
        [1] = 5, [2] = 3, [4] = KIND_FOLDER, [6] = 4, [8] = KIND_FILE, [10] = KIND_LINK, [12] = 6};
    return kind[mode >> 12 & 15];
}

static void entry_put(const struct ext2 *fs, unsigned char *at, uint32_t bytes, const char *name,
                      uint32_t name_bytes, const struct node *node)
{
    little_put32(at + E_INODE, node->number);
    little_put16(at + E_BYTES, bytes);
    at[E_NAME_BYTES] = (unsigned char)name_bytes;
    at[E_KIND] = fs->incompatible & INCOMPATIBLE_FILETYPE ? (unsigned char)kind_of(node->mode) : 0;
    memcpy(at + E_NAME, name, name_bytes);
}

static int folder_touch(struct ext2 *fs, struct node *folder)
{
    folder->mtime = folder->ctime = ext2_now(fs);
    folder->flags &= ~FLAG_INDEX;
    return node_store(fs, folder);
}

/* Puts the entry where the block has room. ENOSPC: nowhere. */
static int block_add(struct ext2 *fs, struct node *folder, uint64_t start, const char *name,
                     const struct node *node)
{
    unsigned char *data;
    struct entry entry;
    uint32_t block, name_bytes = (uint32_t)strlen(name), need = entry_bytes(name_bytes);
    int error = folder_block(fs, folder, start, CACHE_READ, &block, &data);
    for (uint32_t at = 0; error == 0 && at < fs->block_bytes; at += entry.bytes) {
        if ((error = entry_parse(fs, folder, data, at, &entry)) != 0)
            break;
        uint32_t taken = entry.inode == 0 ? 0 : entry_bytes(entry.name_bytes);
        if (entry.bytes - taken < need)
            continue;
        if ((error = block_get(fs, block, CACHE_WRITE, &data)) != 0)
            break;
        if (taken > 0)
            little_put16(data + at + E_BYTES, taken);
        entry_put(fs, data + at + taken, entry.bytes - taken, name, name_bytes, node);
        return 0;
    }
    return error != 0 ? error : ENOSPC;
}

/* One more block with nothing but the entry. It is on the disk before the folder has it. */
static int folder_grow(struct ext2 *fs, struct node *folder, const char *name,
                       const struct node *node)
{
    unsigned char *data;
    uint32_t block;
    int fresh = 0;
    uint64_t end = folder->size;
    if (end + fs->block_bytes > UINT32_MAX)
        return ENOSPC;
    int error = map_block(fs, folder, end >> fs->block_shift, 1, &block, &fresh);
    if (error == 0)
        error = block_get(fs, block, CACHE_FRESH, &data);
    if (error != 0)
        return error;
    entry_put(fs, data, fs->block_bytes, name, (uint32_t)strlen(name), node);
    if ((error = cache_push(&fs->cache, block_offset(fs, block), fs->block_bytes)) == 0)
        folder->size += fs->block_bytes;
    return error;
}

int folder_add(struct ext2 *fs, struct node *folder, const char *name, const struct node *node)
{
    int error = ENOSPC;
    if (strlen(name) > FS_NAME_MAX)
        return ENAMETOOLONG;
    uint64_t start = block_offset(fs, folder->search);
    for (; start < folder->size && error == ENOSPC; start += fs->block_bytes)
        error = block_add(fs, folder, start, name, node);
    if (error == ENOSPC)
        error = folder_grow(fs, folder, name, node);
    else if (error == 0) /* what lies before had no room, for this name at least */
        folder->search = (uint32_t)((start >> fs->block_shift) - 1);
    if (error != 0) {
        (void)node_store(fs, folder);
        return error;
    }
    return folder_touch(fs, folder);
}

int folder_remove(struct ext2 *fs, struct node *folder, const struct entry *entry)
{
    unsigned char *data;
    struct entry other;
    uint32_t block, before = 0, target = (uint32_t)(entry->at & (fs->block_bytes - 1));
    int error = folder_block(fs, folder, entry->at, CACHE_WRITE, &block, &data);
    for (uint32_t at = 0; error == 0 && at < target; at += other.bytes) {
        error = entry_parse(fs, folder, data, at, &other);
        before = at;
    }
    if (error != 0)
        return error;
    if (target == 0)
        little_put32(data + E_INODE, 0);
    else
        little_put16(data + before + E_BYTES, target - before + entry->bytes);
    if (folder->search > entry->at >> fs->block_shift)
        folder->search = (uint32_t)(entry->at >> fs->block_shift);
    return folder_touch(fs, folder);
}

int folder_replace(struct ext2 *fs, struct node *folder, const struct entry *entry,
                   const struct node *node)
{
    unsigned char *data;
    uint32_t block;
    int error = folder_block(fs, folder, entry->at, CACHE_WRITE, &block, &data);
    if (error != 0)
        return error;
    data += entry->at & (fs->block_bytes - 1);
    little_put32(data + E_INODE, node->number);
    if (fs->incompatible & INCOMPATIBLE_FILETYPE)
        data[E_KIND] = (unsigned char)kind_of(node->mode);
    return folder_touch(fs, folder);
}

int folder_begin(struct ext2 *fs, struct node *folder, uint32_t parent)
{
    const struct node above = {.number = parent, .mode = S_IFDIR};
    unsigned char *data;
    uint32_t block, first = entry_bytes(1);
    int error = map_block(fs, folder, 0, 1, &block, NULL);
    if (error == 0)
        error = block_get(fs, block, CACHE_FRESH, &data);
    if (error != 0)
        return error;
    entry_put(fs, data, first, ".", 1, folder);
    entry_put(fs, data + first, fs->block_bytes - first, "..", 2, &above);
    folder->size = fs->block_bytes;
    if ((error = node_store(fs, folder)) != 0)
        return error;
    return cache_push(&fs->cache, block_offset(fs, block), fs->block_bytes);
}

int folder_empty(struct ext2 *fs, struct node *folder)
{
    struct entry entry;
    int error = folder_next(fs, folder, 0, &entry);
    while (error == 0 && (strcmp(entry.name, ".") == 0 || strcmp(entry.name, "..") == 0))
        error = folder_next(fs, folder, entry.next, &entry);
    if (error == ENOENT)
        return 0;
    return error == 0 ? ENOTEMPTY : error;
}
