/* SPDX-License-Identifier: MIT */
/*
 * The content of files. Clusters that follow each other on the disk are moved together. FAT has no
 * holes: a gap is filled with zeros, and when the disk has no room for that nothing is changed.
 */
#include "servers/fat/fat.h"
#include <errno.h>
#include <string.h>

#define WINDOW_FIRST 8u /* pages */
#define FILE_BYTES_MAX UINT32_MAX
#define FILL_BYTES 0x10000000u /* of zeros at once */

/* How many bytes from offset on, up to bytes, lie together on the device, and where. */
static int run_find(struct fat *fs, struct node *node, uint32_t offset, uint32_t bytes,
                    uint64_t *place, uint32_t *run)
{
    uint32_t cluster, next, index = offset >> fs->cluster_shift;
    uint32_t inside = offset & (fs->cluster_bytes - 1);
    if (offset - node->run_offset < node->run_bytes) { /* known */
        uint32_t left = node->run_bytes - (offset - node->run_offset);
        *place = node->run_place + (offset - node->run_offset);
        *run = left < bytes ? left : bytes;
        return 0;
    }
    int error = chain_find(fs, node, index, &cluster);
    if (error != 0)
        return error == ENOENT ? fat_damaged(fs, "a file's chain is too short", node->number)
                               : error;
    *place = cluster_offset(fs, cluster) + inside;
    for (*run = fs->cluster_bytes - inside; *run < bytes; *run += fs->cluster_bytes)
        if (chain_find(fs, node, ++index, &next) != 0 || next != ++cluster)
            break;
    node->run_offset = offset;
    node->run_bytes = *run;
    node->run_place = *place;
    *run = *run < bytes ? *run : bytes;
    return 0;
}

/* Gets the pages of the file's bytes from offset to end into the cache, as far as one transfer
   reaches. */
static void prefetch(struct fat *fs, struct node *node, uint32_t offset, uint64_t end)
{
    uint64_t page[CACHE_BATCH], place;
    uint32_t count = 0, run, at_index = node->at_index, at_cluster = node->at_cluster;
    while (offset < end && count < CACHE_BATCH &&
           run_find(fs, node, offset, (uint32_t)(end - offset), &place, &run) == 0) {
        uint64_t last = (place + run - 1) / CACHE_PAGE, at = place / CACHE_PAGE;
        for (; at <= last && count < CACHE_BATCH; at++)
            if (count == 0 || page[count - 1] != at)
                page[count++] = at;
        if (at <= last) /* full before the run's end */
            run = (uint32_t)(at * CACHE_PAGE - place);
        offset += run;
    }
    node->ahead_end = offset;
    node->at_index = at_index; /* the reader goes on from there, not from here */
    node->at_cluster = at_cluster;
    cache_prefetch(&fs->cache, page, count);
}

/* Before bytes from offset on are read. */
static void read_ahead(struct fat *fs, struct node *node, uint32_t offset, uint32_t bytes)
{
    uint64_t end = (uint64_t)offset + bytes;
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
        offset = (uint32_t)node->ahead_end;
    prefetch(fs, node, offset, end < node->size ? end : node->size);
}

int data_read(struct fat *fs, struct node *node, uint64_t offset, void *to, uint32_t bytes,
              uint32_t *done)
{
    unsigned char *out = to;
    *done = 0;
    if (offset >= node->size)
        return 0;
    bytes = bytes < node->size - offset ? bytes : (uint32_t)(node->size - offset);
    read_ahead(fs, node, (uint32_t)offset, bytes);
    while (*done < bytes) {
        uint64_t place = 0;
        uint32_t run = 0;
        int error = run_find(fs, node, (uint32_t)offset, bytes - *done, &place, &run);
        if (error == 0)
            error = cache_read(&fs->cache, place, out + *done, run);
        if (error != 0)
            return *done > 0 ? 0 : error;
        *done += run;
        offset += run;
    }
    return 0;
}

/* Whether the disk has clusters for a file of that size. */
static int room_check(struct fat *fs, const struct node *node, uint64_t size)
{
    int error = table_count(fs);
    uint64_t have = ((uint64_t)node->size + fs->cluster_bytes - 1) >> fs->cluster_shift;
    uint64_t need = (size + fs->cluster_bytes - 1) >> fs->cluster_shift;
    if (error != 0)
        return error;
    return need > have && need - have > fs->free ? ENOSPC : 0;
}

/* The page with the end of what is to be written need not be read if all of it is new. */
static int fresh_zero(struct fat *fs, uint32_t cluster, uint64_t end)
{
    uint64_t page = end - end % CACHE_PAGE, start = cluster_offset(fs, cluster);
    if (end % CACHE_PAGE == 0 || page < start || page + CACHE_PAGE > start + fs->cluster_bytes)
        return 0;
    return cache_zero(&fs->cache, page, CACHE_PAGE);
}

/* The place for bytes from offset on, as far as it is in one piece; what the chain lacks is made. */
static int run_make(struct fat *fs, struct node *node, uint32_t offset, uint32_t bytes,
                    uint64_t *place, uint32_t *run)
{
    uint32_t cluster, next, index = offset >> fs->cluster_shift;
    uint32_t inside = offset & (fs->cluster_bytes - 1);
    int fresh, more = 0;
    int error = chain_make(fs, node, index, &cluster, &fresh);
    if (error != 0)
        return error;
    *place = cluster_offset(fs, cluster) + inside;
    for (*run = fs->cluster_bytes - inside; *run < bytes; *run += fs->cluster_bytes) {
        if (chain_make(fs, node, ++index, &next, &more) != 0 || next != cluster + 1)
            break;
        cluster = next;
        fresh = more;
    }
    *run = *run < bytes ? *run : bytes;
    return fresh ? fresh_zero(fs, cluster, *place + *run) : 0;
}

/* Writes bytes, or zeros where from is NULL, from offset on. */
static int put(struct fat *fs, struct node *node, uint32_t offset, const unsigned char *from,
               uint32_t bytes, uint32_t *done)
{
    *done = 0;
    while (*done < bytes) {
        uint64_t place = 0;
        uint32_t run = 0;
        int error = run_make(fs, node, offset, bytes - *done, &place, &run);
        if (error == 0)
            error = from == NULL ? cache_zero(&fs->cache, place, run)
                                 : cache_write(&fs->cache, place, from + *done, run);
        if (error != 0)
            return error;
        *done += run;
        offset += run;
    }
    return 0;
}

/* Makes the file longer with zeros; all of it or nothing. */
static int grow(struct fat *fs, struct node *node, uint64_t size)
{
    uint32_t done, before = node->size;
    int error = size > FILE_BYTES_MAX ? EFBIG : room_check(fs, node, size);
    while (error == 0 && node->size < size) {
        uint64_t left = size - node->size;
        error =
            put(fs, node, node->size, NULL, left < FILL_BYTES ? (uint32_t)left : FILL_BYTES, &done);
        node->size += done;
    }
    if (error != 0)
        node->size = before;
    return error;
}

int data_write(struct fat *fs, struct node *node, uint64_t offset, const void *from, uint32_t bytes,
               uint32_t *done)
{
    *done = 0;
    if (bytes == 0)
        return 0;
    if (offset >= FILE_BYTES_MAX)
        return EFBIG;
    bytes = bytes < FILE_BYTES_MAX - offset ? bytes : (uint32_t)(FILE_BYTES_MAX - offset);
    int error = offset > node->size ? grow(fs, node, offset) : 0;
    if (error == 0)
        error = put(fs, node, (uint32_t)offset, from, bytes, done);
    if (offset + *done > node->size && *done > 0)
        node->size = (uint32_t)(offset + *done);
    if (error != 0) /* what was made for bytes that did not come */
        (void)chain_cut(
            fs, node,
            (uint32_t)(((uint64_t)node->size + fs->cluster_bytes - 1) >> fs->cluster_shift));
    node->mtime = fat_now(fs);
    node->attributes |= ATTRIBUTE_ARCHIVE;
    int stored = node_store(fs, node);
    if (*done > 0)
        return stored;
    return error != 0 ? error : stored;
}

int data_resize(struct fat *fs, struct node *node, uint64_t size)
{
    int error = 0;
    if (size > node->size)
        error = grow(fs, node, size);
    else
        node->size = (uint32_t)size;
    if (error == 0 || size > node->size)
        (void)chain_cut(
            fs, node,
            (uint32_t)(((uint64_t)node->size + fs->cluster_bytes - 1) >> fs->cluster_shift));
    node->mtime = fat_now(fs);
    node->attributes |= ATTRIBUTE_ARCHIVE;
    node->ahead_end = 0;
    int stored = node_store(fs, node);
    return error != 0 ? error : stored;
}
