/* SPDX-License-Identifier: MIT */
/*
 * Pages of a disk kept in memory. A page is 4 KiB of the device, numbered from its start; it lives
 * in the device's own buffer (lib/block.h), so the disk reads and writes it without a copy. Writes
 * stay in memory until cache_sync, or until clean pages run short. One thread, one cache a device.
 *
 * A pointer that cache_get gave stays good for the next CACHE_HELD - 1 calls of any function here
 * that may read; whoever needs it for longer gets it again.
 *
 * A page whose write failed stays, changed, and is written again next time: a caller is told EIO,
 * and nothing is lost while the program lives. Errors are those of lib/include/errno.h.
 */
#ifndef LIB_CACHE_H
#define LIB_CACHE_H

#include "lib/block.h"
#include <stdint.h>

#define CACHE_PAGE 4096u
#define CACHE_PAGE_SECTORS (CACHE_PAGE / BLOCK_SECTOR)
#define CACHE_BATCH BLOCK_BATCH /* pages in one transfer, at most */
#define CACHE_HELD 8u           /* pages that the next calls leave in place */
#define CACHE_PAGES_MIN 64u     /* cache_open refuses a smaller buffer */

enum cache_use {
    CACHE_READ,  /* its content */
    CACHE_WRITE, /* its content, and the caller changes it now */
    CACHE_FRESH, /* zeros, not read: the caller gives all of it new content */
};

struct cache_slot;

struct cache {
    struct block_device *device;
    struct cache_slot *slot; /* one a page of the buffer */
    uint32_t *bucket;        /* hash of page numbers: first slot, or CACHE_NONE */
    uint64_t *order;         /* room to sort what is written */
    uint64_t pages;          /* of the device; the last may be a part of one */
    uint32_t slots, buckets;
    uint32_t most;           /* slots there may be: what the buffer may grow to */
    uint32_t newest, oldest; /* ends of the list in order of use */
    uint32_t free;           /* first of the list of slots without a page */
    uint32_t dirty;          /* slots that the disk does not have yet */
    uint32_t unflushed;      /* written since the last flush */
    uint64_t uses;           /* counts cache_get */
    uint64_t reads, writes;  /* pages moved from and to the disk, for figures */
};

/* Makes an empty cache of device->pages pages, which grows with what is read, to device->pages_most as
   long as there is memory. EINVAL: too few; ENOMEM. */
int cache_open(struct cache *c, struct block_device *device);

/* Forgets everything, without writing. */
void cache_close(struct cache *c);

/* Where page is now. EIO: outside the device, or the disk failed; EROFS: writing to a read-only
   device. */
int cache_get(struct cache *c, uint64_t page, enum cache_use use, unsigned char **data);

/* Bytes at any place of the device, over as many pages as it takes. cache_write does not read a page
   that it covers. */
int cache_read(struct cache *c, uint64_t offset, void *to, uint32_t bytes);
int cache_write(struct cache *c, uint64_t offset, const void *from, uint32_t bytes);
int cache_zero(struct cache *c, uint64_t offset, uint32_t bytes);

/* Reads those of the pages that are not there, in one batch; at most CACHE_BATCH count. A failure
   shows at the page's cache_get. */
void cache_prefetch(struct cache *c, const uint64_t *page, uint32_t count);

/* Writes the pages of these bytes now, if they changed, before anything that is written later. */
int cache_push(struct cache *c, uint64_t offset, uint32_t bytes);

/* The page's content means nothing any more: changes to it need not reach the disk. */
void cache_drop(struct cache *c, uint64_t page);

/* Writes all that changed, sorted, in batches, and flushes the device. */
int cache_sync(struct cache *c);

#endif
