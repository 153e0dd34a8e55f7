/* SPDX-License-Identifier: MIT */
/*
 * The store: items (key, flags, expiry, value) in an arena of 128-byte blocks. An item is a chain of
 * blocks, so the arena never fragments, there are no size classes to balance, and any block
 * that is free serves any item. All items are on one list by last use; when no block is free the
 * least recently used item goes. Every step is O(1) but for the bytes copied: hash chains are short
 * because there is a bucket for every second block.
 *
 * An item is named by the number of its first block; 0 is none. It is freed when it is neither
 * linked (found by its key) nor pinned (someone reads or writes it). The time is whole seconds.
 */
#ifndef MEMCACHED_STORE_H
#define MEMCACHED_STORE_H

#include <stddef.h>
#include <stdint.h>

#define STORE_BLOCK 128u
#define STORE_KEY_MAX 250u
#define STORE_VALUE_MAX 1048576u
#define STORE_FOR_EVER 0u /* expires: never */

struct store_count {
    uint64_t items, items_ever, evictions, expired;
    uint64_t blocks_used, blocks_max; /* of STORE_BLOCK bytes */
};

/* What a program gives the store. */
struct store_memory {
    void *base;            /* zeroed, aligned to 64; grows towards bytes_max */
    uint64_t bytes;        /* that may be used now */
    uint64_t bytes_max;    /* at most 2^38 */
    uint32_t *buckets;     /* zeroed */
    uint32_t bucket_count; /* a power of two */
    /* Makes the arena longer: by how many bytes; 0: no more. NULL: it does not grow. */
    uint64_t (*grow)(uint64_t at);
};

void store_setup(const struct store_memory *memory, uint64_t seed);

/* The time is seconds from now on; a flush that was due is done. */
void store_time(uint32_t seconds);
uint32_t store_now(void);
struct store_count store_count(void);

/* The item of a key, which is now the most recently used; 0: there is none, or it has expired. */
uint32_t store_find(const void *key, size_t bytes);

/* All items stored so far are gone, at once or at a time to come (seconds; it replaces another). */
void store_flush(void);
void store_flush_at(uint32_t seconds);

/* A new item with a key and no value yet, pinned; 0: no memory. */
uint32_t item_new(const void *key, size_t bytes, uint32_t flags, uint32_t expires);

/* Adds to the value of an item that is not linked; 0: no memory (the item is to be given up). */
int item_add(uint32_t item, const void *from, size_t bytes);

/* Adds the whole value of another item, which is pinned. */
int item_add_item(uint32_t item, uint32_t other);

/* The item is found by its key from now on, instead of any other; its cas number is new. */
void item_link(uint32_t item);
void item_unlink(uint32_t item); /* is found no more */
void item_pin(uint32_t item);
void item_unpin(uint32_t item);

uint32_t item_flags(uint32_t item);
uint32_t item_bytes(uint32_t item); /* of the value */
uint64_t item_cas(uint32_t item);
void item_expire(uint32_t item, uint32_t expires);
uint32_t item_expires(uint32_t item);
size_t item_key(uint32_t item, char key[STORE_KEY_MAX]);

/* A place in a pinned item's value. */
struct item_place {
    uint32_t block;
    uint32_t at; /* in the block */
    uint32_t left;
};
struct item_place item_begin(uint32_t item);
/* Copies the next bytes out; gives how many, 0 at the end. */
size_t item_read(struct item_place *place, void *to, size_t bytes);

/* 1 if all is as it must be: every block is free, unused, or part of one item, and counts agree.
   items_pinned: how many items are pinned and not linked. For tests. */
int store_is_well(uint32_t items_pinned);

#endif
