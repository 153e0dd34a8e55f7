/* SPDX-License-Identifier: MIT */
/*
 * Slot n stands for page n of the device's buffer. A slot that holds a page is in one bucket's
 * chain and on the list in order of use; one that does not is on the free list. So getting a page,
 * using it and taking the oldest are O(1); only writing back sorts. Writing back takes all changed
 * pages at once: one sorted sweep over the disk instead of many single writes, and it happens when
 * three quarters are dirty or a page to be reused is.
 */
#include "lib/cache.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define NONE UINT32_MAX
#define SLOT_BITS 20u /* of a sort key; the rest is the page number */
#define GROW 32u      /* pages the buffer grows by */

struct cache_slot {
    uint64_t page;
    uint64_t used;           /* c->uses at the last cache_get */
    uint32_t chain;          /* next slot of the bucket, or of the free list */
    uint32_t newer, older;   /* list in order of use */
    uint16_t present, dirty; /* holds a page; and the disk's is older */
};

static uint32_t *bucket_of(struct cache *c, uint64_t page)
{
    return &c->bucket[(page * 0x9e3779b97f4a7c15u >> 32) & (c->buckets - 1)];
}

static unsigned char *slot_data(struct cache *c, uint32_t s)
{
    return c->device->buffer + (size_t)s * CACHE_PAGE;
}

/* Slots of new pages of the buffer: the first of them is the next to be used. */
static void slots_add(struct cache *c, uint32_t slots)
{
    for (uint32_t s = slots; s-- > c->slots;) {
        c->slot[s].chain = c->free;
        c->free = s;
    }
    c->slots = slots;
}

int cache_open(struct cache *c, struct block_device *device)
{
    *c = (struct cache){.device = device, .buckets = 1, .free = NONE};
    c->pages = device->sectors / CACHE_PAGE_SECTORS + (device->sectors % CACHE_PAGE_SECTORS != 0);
    c->most = device->pages_most > device->pages ? device->pages_most : device->pages;
    if (device->pages < CACHE_PAGES_MIN || c->most > 1u << SLOT_BITS ||
        c->pages >> (64 - SLOT_BITS) != 0)
        return EINVAL;
    while (c->buckets < c->most)
        c->buckets *= 2;
    c->slot = calloc(c->most, sizeof *c->slot);
    c->bucket = malloc(c->buckets * sizeof *c->bucket);
    c->order = malloc(c->most * sizeof *c->order);
    if (c->slot == NULL || c->bucket == NULL || c->order == NULL) {
        cache_close(c);
        return ENOMEM;
    }
    for (uint32_t i = 0; i < c->buckets; i++)
        c->bucket[i] = NONE;
    slots_add(c, device->pages);
    c->newest = c->oldest = NONE;
    return 0;
}

void cache_close(struct cache *c)
{
    free(c->slot);
    free(c->bucket);
    free(c->order);
    c->slot = NULL;
    c->bucket = NULL;
    c->order = NULL;
}

/* ---- the list in order of use ---- */

static void list_remove(struct cache *c, uint32_t s)
{
    struct cache_slot *slot = &c->slot[s];
    if (slot->newer == NONE)
        c->newest = slot->older;
    else
        c->slot[slot->newer].older = slot->older;
    if (slot->older == NONE)
        c->oldest = slot->newer;
    else
        c->slot[slot->older].newer = slot->newer;
}

static void list_add(struct cache *c, uint32_t s)
{
    c->slot[s].newer = NONE;
    c->slot[s].older = c->newest;
    if (c->newest == NONE)
        c->oldest = s;
    else
        c->slot[c->newest].newer = s;
    c->newest = s;
}

/* ---- slots and pages ---- */

static uint32_t slot_find(struct cache *c, uint64_t page)
{
    uint32_t s = *bucket_of(c, page);
    while (s != NONE && c->slot[s].page != page)
        s = c->slot[s].chain;
    return s;
}

static void slot_clean(struct cache *c, uint32_t s)
{
    c->dirty -= c->slot[s].dirty;
    c->slot[s].dirty = 0;
}

static void slot_release(struct cache *c, uint32_t s)
{
    uint32_t *link = bucket_of(c, c->slot[s].page);
    while (*link != s)
        link = &c->slot[*link].chain;
    *link = c->slot[s].chain;
    list_remove(c, s);
    slot_clean(c, s);
    c->slot[s].present = 0;
    c->slot[s].chain = c->free;
    c->free = s;
}

static void slot_take(struct cache *c, uint32_t s, uint64_t page)
{
    uint32_t *bucket = bucket_of(c, page);
    c->free = c->slot[s].chain;
    c->slot[s] = (struct cache_slot){.page = page, .chain = *bucket, .present = 1};
    c->slot[s].used = c->uses;
    *bucket = s;
    list_add(c, s);
}

/* ---- moving pages ---- */

static struct block_request request_for(struct cache *c, uint32_t s, uint32_t write)
{
    uint64_t sector = c->slot[s].page * CACHE_PAGE_SECTORS;
    uint64_t left = c->device->sectors - sector;
    return (struct block_request){.sector = sector,
                                  .sectors = left < CACHE_PAGE_SECTORS ? (uint32_t)left
                                                                       : CACHE_PAGE_SECTORS,
                                  .write = write,
                                  .page = s,
                                  .status = EIO};
}

/* Writes count dirty slots, the low bits of key; those that arrived are clean afterwards. */
static int batch_write(struct cache *c, const uint64_t *key, uint32_t count)
{
    struct block_request request[CACHE_BATCH];
    int failed = 0;
    for (uint32_t i = 0; i < count; i++)
        request[i] = request_for(c, (uint32_t)(key[i] & ((1u << SLOT_BITS) - 1)), 1);
    (void)c->device->transfer(c->device, request, count); /* each request has its own status */
    for (uint32_t i = 0; i < count; i++) {
        if (request[i].status != 0) {
            failed = EIO;
            continue;
        }
        slot_clean(c, request[i].page);
        c->unflushed++;
        c->writes++;
    }
    return failed;
}

static int key_compare(const void *a, const void *b)
{
    uint64_t x, y;
    memcpy(&x, a, sizeof x);
    memcpy(&y, b, sizeof y);
    return x < y ? -1 : x > y;
}

/* Writes every dirty page in the order of the disk. All are tried, whatever fails. */
static int write_back(struct cache *c)
{
    uint32_t count = 0;
    int failed = 0;
    for (uint32_t s = 0; s < c->slots; s++)
        if (c->slot[s].dirty)
            c->order[count++] = c->slot[s].page << SLOT_BITS | s;
    qsort(c->order, count, sizeof *c->order, key_compare);
    for (uint32_t i = 0; i < count; i += CACHE_BATCH) {
        int error = batch_write(c, c->order + i, count - i < CACHE_BATCH ? count - i : CACHE_BATCH);
        if (error != 0)
            failed = error;
    }
    return failed;
}

/* The oldest slot that nobody holds a pointer into and that is clean; NONE: there is none. */
static uint32_t slot_oldest_clean(struct cache *c)
{
    for (uint32_t s = c->oldest; s != NONE; s = c->slot[s].newer)
        if (!c->slot[s].dirty && c->uses - c->slot[s].used >= CACHE_HELD)
            return s;
    return NONE;
}

/* Gets slots by a larger buffer. Without memory for that the cache stays as it is, for good. */
static void cache_grow(struct cache *c)
{
    uint32_t pages = c->most - c->slots < GROW ? c->most : c->slots + GROW;
    int error = c->device->grow(c->device, pages);
    if (error == 0)
        slots_add(c, pages);
    else if (error == ENOMEM)
        c->most = c->slots;
}

/* Makes c->free name a slot. */
static int slot_make(struct cache *c)
{
    int error = 0;
    if (c->free == NONE && c->slots < c->most)
        cache_grow(c);
    if (c->free != NONE)
        return 0;
    if (c->slot[c->oldest].dirty || c->dirty > c->slots / 4 * 3)
        error = write_back(c);
    uint32_t s = slot_oldest_clean(c);
    if (s == NONE)
        return error != 0 ? error : EIO;
    slot_release(c, s);
    return 0;
}

/* Reads up to CACHE_BATCH slots that were taken just now; those that fail are given back. */
static int batch_read(struct cache *c, const uint32_t *slot, uint32_t count)
{
    struct block_request request[CACHE_BATCH];
    int failed = 0;
    for (uint32_t i = 0; i < count; i++)
        request[i] = request_for(c, slot[i], 0);
    (void)c->device->transfer(c->device, request, count); /* each request has its own status */
    for (uint32_t i = 0; i < count; i++) {
        uint32_t have = request[i].sectors * BLOCK_SECTOR;
        if (request[i].status != 0) {
            slot_release(c, slot[i]);
            failed = EIO;
            continue;
        }
        c->reads++;
        if (have < CACHE_PAGE)
            memset(slot_data(c, slot[i]) + have, 0, CACHE_PAGE - have);
    }
    return failed;
}

/* ---- what callers use ---- */

static void slot_touch(struct cache *c, uint32_t s)
{
    c->slot[s].used = c->uses;
    if (c->newest == s)
        return;
    list_remove(c, s);
    list_add(c, s);
}

/* cache_get, but what CACHE_FRESH gives is not cleared. */
static int page_get(struct cache *c, uint64_t page, enum cache_use use, unsigned char **data)
{
    if (page >= c->pages)
        return EIO;
    if (use != CACHE_READ && c->device->read_only)
        return EROFS;
    c->uses++;
    uint32_t s = slot_find(c, page);
    if (s == NONE) {
        int error = slot_make(c);
        if (error != 0)
            return error;
        s = c->free;
        slot_take(c, s, page);
        if (use != CACHE_FRESH && (error = batch_read(c, &s, 1)) != 0)
            return error;
    } else {
        slot_touch(c, s);
    }
    if (use != CACHE_READ && !c->slot[s].dirty) {
        c->slot[s].dirty = 1;
        c->dirty++;
    }
    *data = slot_data(c, s);
    return 0;
}

int cache_get(struct cache *c, uint64_t page, enum cache_use use, unsigned char **data)
{
    int error = page_get(c, page, use, data);
    if (error == 0 && use == CACHE_FRESH)
        memset(*data, 0, CACHE_PAGE);
    return error;
}

/* How much of the bytes from offset lies in offset's page. */
static uint32_t piece_of(uint64_t offset, uint32_t bytes)
{
    uint32_t room = CACHE_PAGE - (uint32_t)(offset % CACHE_PAGE);
    return bytes < room ? bytes : room;
}

int cache_read(struct cache *c, uint64_t offset, void *to, uint32_t bytes)
{
    unsigned char *out = to, *data;
    while (bytes > 0) {
        uint32_t piece = piece_of(offset, bytes);
        int error = cache_get(c, offset / CACHE_PAGE, CACHE_READ, &data);
        if (error != 0)
            return error;
        memcpy(out, data + offset % CACHE_PAGE, piece);
        out += piece;
        offset += piece;
        bytes -= piece;
    }
    return 0;
}

/* Copies from, or zeros where it is NULL. */
static int put(struct cache *c, uint64_t offset, const unsigned char *from, uint32_t bytes)
{
    unsigned char *data;
    while (bytes > 0) {
        uint32_t piece = piece_of(offset, bytes);
        enum cache_use use = piece == CACHE_PAGE ? CACHE_FRESH : CACHE_WRITE;
        int error = page_get(c, offset / CACHE_PAGE, use, &data);
        if (error != 0)
            return error;
        if (from == NULL)
            memset(data + offset % CACHE_PAGE, 0, piece);
        else
            memcpy(data + offset % CACHE_PAGE, from, piece);
        from = from == NULL ? NULL : from + piece;
        offset += piece;
        bytes -= piece;
    }
    return 0;
}

int cache_write(struct cache *c, uint64_t offset, const void *from, uint32_t bytes)
{
    return put(c, offset, from, bytes);
}

int cache_zero(struct cache *c, uint64_t offset, uint32_t bytes)
{
    return put(c, offset, NULL, bytes);
}

void cache_prefetch(struct cache *c, const uint64_t *page, uint32_t count)
{
    uint32_t slot[CACHE_BATCH], taken = 0;
    for (uint32_t i = 0; i < count && taken < CACHE_BATCH; i++) {
        if (page[i] >= c->pages || slot_find(c, page[i]) != NONE)
            continue;
        if (slot_make(c) != 0)
            break;
        slot[taken] = c->free;
        slot_take(c, slot[taken++], page[i]);
    }
    if (taken > 0)
        (void)batch_read(c, slot, taken);
}

int cache_push(struct cache *c, uint64_t offset, uint32_t bytes)
{
    uint64_t key[CACHE_BATCH];
    uint32_t count = 0;
    int failed = 0;
    if (bytes == 0)
        return 0;
    for (uint64_t page = offset / CACHE_PAGE; page <= (offset + bytes - 1) / CACHE_PAGE; page++) {
        uint32_t s = slot_find(c, page);
        if (s == NONE || !c->slot[s].dirty)
            continue;
        key[count++] = s;
        if (count == CACHE_BATCH) {
            failed |= batch_write(c, key, count);
            count = 0;
        }
    }
    return count > 0 ? failed | batch_write(c, key, count) : failed;
}

void cache_drop(struct cache *c, uint64_t page)
{
    uint32_t s = slot_find(c, page);
    if (s != NONE)
        slot_release(c, s);
}

int cache_sync(struct cache *c)
{
    int error = c->dirty > 0 ? write_back(c) : 0;
    if (c->unflushed > 0 && c->device->can_flush && c->device->flush(c->device) != 0)
        return EIO;
    if (error == 0)
        c->unflushed = 0;
    return error;
}
