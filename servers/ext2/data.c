/* SPDX-License-Identifier: MIT */
/*
 * The content of files. Blocks that follow each other on the disk are moved together, so that
 * whole pages are written without being read first. A file read in sequence is read ahead, twice as
 * far each time, up to what one transfer of the disk holds.
 */
#include "servers/ext2/ext2.h"
#include "lib/little.h"
#include <errno.h>
#include <string.h>

#define WINDOW_FIRST 8u /* pages */

/* How many blocks from index on follow each other on the disk, or are holes together; at most
   most. */
static int run_find(struct ext2 *fs, struct node *node, uint64_t index, uint32_t most,
                    uint32_t *block, uint32_t *count)
{
    uint32_t next;
    if (index - node->run_index < node->run_count) { /* known */
        uint32_t from = (uint32_t)index - node->run_index, left = node->run_count - from;
        *block = node->run_block + from;
        *count = left < most ? left : most;
        return 0;
    }
    int error = map_block(fs, node, index, 0, block, NULL);
    if (error != 0)
        return error;
    for (*count = 1; *count < most; (*count)++) {
        if ((error = map_block(fs, node, index + *count, 0, &next, NULL)) != 0)
            return error;
        if (next != (*block == 0 ? 0 : *block + *count))
            break;
    }
    if (*block != 0 && index + *count <= UINT32_MAX) {
        node->run_index = (uint32_t)index;
        node->run_block = *block;
        node->run_count = *count;
    }
    return 0;
}

/* Gets the pages of the file's blocks first .. end - 1 into the cache, as far as one transfer
   reaches. */
static void prefetch(struct ext2 *fs, struct node *node, uint64_t first, uint64_t end)
{
    uint64_t page[CACHE_BATCH];
    uint32_t pages = 0, block, count, most = CACHE_BATCH * CACHE_PAGE >> fs->block_shift;
    end = end - first < most ? end : first + most;
    for (uint64_t index = first; index < end; index += count) {
        if (run_find(fs, node, index, (uint32_t)(end - index), &block, &count) != 0)
            break;
        uint64_t at = block_offset(fs, block) / CACHE_PAGE;
        uint64_t last = (block_offset(fs, block + count) - 1) / CACHE_PAGE;
        for (; block != 0 && at <= last && pages < CACHE_BATCH; at++)
            if (pages == 0 || page[pages - 1] != at)
                page[pages++] = at;
    }
    node->ahead_end = end << fs->block_shift;
    cache_prefetch(&fs->cache, page, pages);
}

/* Before bytes from offset on are read. */
static void read_ahead(struct ext2 *fs, struct node *node, uint64_t offset, uint32_t bytes)
{
    uint64_t end = offset + bytes, last = node->size;
    if (offset == node->read_next && offset != 0)
        node->window = node->window == 0 ? WINDOW_FIRST : node->window * 2;
    else
        node->window = 0;
    if (node->window > CACHE_BATCH)
        node->window = CACHE_BATCH;
    if (node->window == 0)
        node->ahead_end = 0;
    node->read_next = end;
    if (end <= node->ahead_end || (node->window == 0 && bytes <= CACHE_PAGE))
        return;
    end += (uint64_t)node->window * CACHE_PAGE;
    if (node->window > 0 && node->ahead_end > offset) /* what lies before is there */
        offset = node->ahead_end;
    prefetch(fs, node, offset >> fs->block_shift,
             ((end < last ? end : last) + fs->block_bytes - 1) >> fs->block_shift);
}

int data_read(struct ext2 *fs, struct node *node, uint64_t offset, void *to, uint32_t bytes,
              uint32_t *done)
{
    unsigned char *out = to;
    *done = 0;
    if (offset >= node->size)
        return 0;
    bytes = bytes < node->size - offset ? bytes : (uint32_t)(node->size - offset);
    read_ahead(fs, node, offset, bytes);
    while (*done < bytes) {
        uint32_t block = 0, count = 0, inside = (uint32_t)(offset & (fs->block_bytes - 1));
        uint32_t left = bytes - *done, most = (inside + left - 1) / fs->block_bytes + 1;
        int error = run_find(fs, node, offset >> fs->block_shift, most, &block, &count);
        uint32_t piece = error == 0 ? (count << fs->block_shift) - inside : 0;
        piece = piece < left ? piece : left;
        if (error == 0 && block != 0)
            error = cache_read(&fs->cache, block_offset(fs, block) + inside, out, piece);
        else if (error == 0)
            memset(out, 0, piece);
        if (error != 0)
            return *done > 0 ? 0 : error;
        *done += piece;
        offset += piece;
        out += piece;
    }
    return 0;
}

/* A file over 2 GiB is something that old systems must know of. */
static int large_file(struct ext2 *fs, uint64_t size)
{
    unsigned char *super;
    if (size <= INT32_MAX)
        return 0;
    int error = cache_get(&fs->cache, SUPER_OFFSET / CACHE_PAGE, CACHE_READ, &super);
    if (error != 0)
        return error;
    uint32_t flags = little_get32(super + SUPER_OFFSET + S_READ_ONLY);
    if (flags & READ_ONLY_LARGE_FILE)
        return 0;
    if ((error = cache_get(&fs->cache, SUPER_OFFSET / CACHE_PAGE, CACHE_WRITE, &super)) != 0)
        return error;
    little_put32(super + SUPER_OFFSET + S_READ_ONLY, flags | READ_ONLY_LARGE_FILE);
    return 0;
}

/* The blocks for bytes from offset on that follow each other on the disk, made where there are
   none. What is new and will not be covered is cleared. *piece says how many bytes they take. */
static int run_make(struct ext2 *fs, struct node *node, uint64_t offset, uint32_t bytes,
                    uint32_t *first, uint32_t *piece)
{
    uint32_t inside = (uint32_t)(offset & (fs->block_bytes - 1)), block = 0, count = 0;
    uint64_t index = offset >> fs->block_shift;
    uint32_t most = (inside + bytes - 1) / fs->block_bytes + 1;
    *piece = 0;
    for (; count < most; count++) {
        int fresh = 0;
        int error = map_block(fs, node, index + count, 1, &block, &fresh);
        uint32_t head = count == 0 ? inside : 0;
        uint32_t room = fs->block_bytes - head, use = bytes - *piece < room ? bytes - *piece : room;
        if (error == 0 && fresh && use < fs->block_bytes)
            error = cache_zero(&fs->cache, block_offset(fs, block), fs->block_bytes);
        if (error != 0)
            return count > 0 ? 0 : error;
        if (count == 0)
            *first = block;
        else if (block != *first + count) /* fresh or not, the next run finds it */
            return fresh ? cache_zero(&fs->cache, block_offset(fs, block), fs->block_bytes) : 0;
        *piece += use;
    }
    return 0;
}

/* The file is about to get longer, with a gap: behind its end there may be anything, after a crash. */
static int tail_zero(struct ext2 *fs, struct node *node)
{
    uint32_t inside = (uint32_t)(node->size & (fs->block_bytes - 1)), block = 0;
    int error =
        inside == 0 ? 0 : map_block(fs, node, node->size >> fs->block_shift, 0, &block, NULL);
    if (error != 0 || block == 0)
        return error;
    return cache_zero(&fs->cache, block_offset(fs, block) + inside, fs->block_bytes - inside);
}

int data_write(struct ext2 *fs, struct node *node, uint64_t offset, const void *from,
               uint32_t bytes, uint32_t *done)
{
    const unsigned char *in = from;
    uint64_t most = map_bytes_max(fs);
    int error = 0;
    *done = 0;
    if (bytes == 0)
        return 0;
    if (offset >= most)
        return EFBIG;
    bytes = bytes < most - offset ? bytes : (uint32_t)(most - offset);
    if (offset > node->size)
        error = tail_zero(fs, node);
    while (*done < bytes && error == 0) {
        uint32_t block = 0, piece;
        error = run_make(fs, node, offset, bytes - *done, &block, &piece);
        if (error == 0)
            error =
                cache_write(&fs->cache, block_offset(fs, block) + (offset & (fs->block_bytes - 1)),
                            in + *done, piece);
        if (error == 0) {
            *done += piece;
            offset += piece;
        }
    }
    if (*done > 0 && offset > node->size) {
        int flagged = large_file(fs, offset);
        error = flagged != 0 ? flagged : error;
        node->size = flagged == 0 ? offset : node->size;
    }
    if (error != 0) /* what was made for bytes that did not come */
        (void)map_truncate(fs, node, (node->size + fs->block_bytes - 1) >> fs->block_shift);
    node->mtime = node->ctime = ext2_now(fs);
    int stored = node_store(fs, node);
    if (*done > 0)
        return stored;
    return error != 0 ? error : stored;
}

int data_resize(struct ext2 *fs, struct node *node, uint64_t size)
{
    int error, shorter = size < node->size;
    if (size > map_bytes_max(fs))
        return EFBIG;
    if (shorter)
        node->size = size;
    error = tail_zero(fs, node);
    if (error == 0 && shorter)
        error = map_truncate(fs, node, (size + fs->block_bytes - 1) >> fs->block_shift);
    else if (error == 0 && (error = large_file(fs, size)) == 0)
        node->size = size;
    node->mtime = node->ctime = ext2_now(fs);
    node->ahead_end = 0;
    int stored = node_store(fs, node);
    return error != 0 ? error : stored;
}
