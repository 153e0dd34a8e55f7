/* SPDX-License-Identifier: MIT */
/*
 * Blocks, items, buckets, and the list by last use. Block 0 is never used, so that 0 can mean none.
 */
#include "store.h"
#include <string.h>

/* A block of a chain but for the first. */
struct block {
    uint32_t next; /* of the chain, or of the free blocks; 0: the last */
    unsigned char data[STORE_BLOCK - 4u];
};

/* The first block: key and value follow one another behind this, and go on in the blocks after it. */
struct item {
    uint32_t next;
    uint32_t last;         /* block of the chain */
    uint32_t end;          /* bytes of that block that are used */
    uint32_t chain;        /* next item of the bucket */
    uint32_t newer, older; /* by last use */
    uint32_t hash;
    uint32_t flags;
    uint64_t cas;
    uint32_t expires; /* 0: never */
    uint32_t bytes;   /* of the value */
    uint32_t blocks;
    uint16_t pins;
    uint8_t key_bytes;
    uint8_t linked;
    unsigned char data[STORE_BLOCK - 56u];
};
#define ITEM_HEAD 56u /* bytes before the key */
#define BLOCK_HEAD 4u /* bytes before what goes on in another block */

_Static_assert(sizeof(struct block) == STORE_BLOCK, "a block is as large as it says");
_Static_assert(offsetof(struct item, data) == ITEM_HEAD, "the key begins behind the head");
_Static_assert(sizeof(struct item) == STORE_BLOCK, "an item's head is one block");

static struct {
    struct store_memory memory;
    uint64_t seed;
    uint32_t free;           /* first free block */
    uint32_t unused;         /* first block never used */
    uint32_t limit;          /* blocks below this one may be used */
    uint32_t newest, oldest; /* linked items by last use */
    uint32_t pinned;         /* items with pins */
    uint32_t now;
    uint32_t flush_at; /* 0: no flush is to come */
    uint64_t cas;      /* last one given */
    uint64_t flushed;  /* items with this cas number or a lower one are gone */
    struct store_count count;
} store;

static struct block *block_at(uint32_t number)
{
    return (struct block *)store.memory.base + number;
}

static struct item *item_at(uint32_t number) { return (struct item *)store.memory.base + number; }

void store_setup(const struct store_memory *memory, uint64_t seed)
{
    memset(&store, 0, sizeof store);
    store.memory = *memory;
    store.seed = seed;
    store.unused = 1;
    store.limit = (uint32_t)(memory->bytes / STORE_BLOCK);
    store.count.blocks_max = memory->bytes_max / STORE_BLOCK;
    memset(memory->buckets, 0, memory->bucket_count * sizeof memory->buckets[0]);
}

uint32_t store_now(void) { return store.now; }

struct store_count store_count(void) { return store.count; }

void store_flush(void) { store.flushed = store.cas; }

void store_flush_at(uint32_t seconds) { store.flush_at = seconds; }

void store_time(uint32_t seconds)
{
    store.now = seconds;
    if (store.flush_at != 0 && store.flush_at <= seconds) {
        store.flush_at = 0;
        store_flush();
    }
}

/* ---- the list by last use, and the buckets ---- */

static void use_remove(uint32_t number)
{
    struct item *i = item_at(number);
    if (i->newer != 0)
        item_at(i->newer)->older = i->older;
    else
        store.newest = i->older;
    if (i->older != 0)
        item_at(i->older)->newer = i->newer;
    else
        store.oldest = i->newer;
}

static void use_add(uint32_t number)
{
    struct item *i = item_at(number);
    i->newer = 0;
    i->older = store.newest;
    if (store.newest != 0)
        item_at(store.newest)->newer = number;
    else
        store.oldest = number;
    store.newest = number;
}

/* A keyed hash, so that clients cannot choose keys that meet in one bucket. */
static uint32_t key_hash(const unsigned char *key, size_t bytes)
{
    uint64_t h = store.seed ^ (bytes * 0x9e3779b97f4a7c15u);
    for (size_t i = 0; i < bytes; i += 8) {
        uint64_t word = 0;
        memcpy(&word, key + i, bytes - i < 8 ? bytes - i : 8);
        h = (h ^ word) * 0xff51afd7ed558ccdu;
        h ^= h >> 32 ^ store.seed >> (i % 32);
    }
    h *= 0xc4ceb9fe1a85ec53u;
    return (uint32_t)(h >> 32 ^ h);
}

static uint32_t *bucket_of(uint32_t hash)
{
    return &store.memory.buckets[hash & (store.memory.bucket_count - 1)];
}

/* ---- blocks ---- */

static void item_free(uint32_t number)
{
    struct item *i = item_at(number);
    store.count.blocks_used -= i->blocks;
    block_at(i->last)->next = store.free;
    store.free = number;
}

/* Frees the least recently used item that nobody reads; 0: there is none. */
static int item_evict(void)
{
    for (uint32_t tries = store.pinned + 1; tries > 0 && store.oldest != 0; tries--) {
        uint32_t number = store.oldest;
        if (item_at(number)->pins == 0) {
            item_unlink(number);
            store.count.evictions++;
            return 1;
        }
        use_remove(number); /* it is in use right now */
        use_add(number);
    }
    return 0;
}

static uint32_t block_take(void)
{
    uint64_t end = (uint64_t)store.limit * STORE_BLOCK;
    if (store.free == 0 && store.unused >= store.limit && end < store.memory.bytes_max &&
        store.memory.grow != NULL)
        store.limit += (uint32_t)(store.memory.grow(end) / STORE_BLOCK);
    if (store.free == 0 && store.unused < store.limit) {
        store.count.blocks_used++;
        return store.unused++;
    }
    if (store.free == 0 && !item_evict())
        return 0;
    uint32_t number = store.free;
    store.free = block_at(number)->next;
    store.count.blocks_used++;
    return number;
}

/* ---- items ---- */

uint32_t item_flags(uint32_t item) { return item_at(item)->flags; }

uint32_t item_bytes(uint32_t item) { return item_at(item)->bytes; }

uint64_t item_cas(uint32_t item) { return item_at(item)->cas; }

uint32_t item_expires(uint32_t item) { return item_at(item)->expires; }

void item_expire(uint32_t item, uint32_t expires) { item_at(item)->expires = expires; }

void item_pin(uint32_t item)
{
    if (item_at(item)->pins++ == 0)
        store.pinned++;
}

void item_unpin(uint32_t item)
{
    struct item *i = item_at(item);
    if (--i->pins != 0)
        return;
    store.pinned--;
    if (!i->linked)
        item_free(item);
}

/* Adds a block to an item's chain; 0: no memory. */
static int item_lengthen(uint32_t item)
{
    uint32_t block = block_take();
    struct item *i = item_at(item);
    if (block == 0)
        return 0;
    block_at(block)->next = 0;
    block_at(i->last)->next = block;
    i->last = block;
    i->end = BLOCK_HEAD;
    i->blocks++;
    return 1;
}

/* Writes behind what an item has. */
static int item_write(uint32_t item, const unsigned char *from, size_t bytes)
{
    struct item *i = item_at(item);
    while (bytes > 0) {
        size_t room = STORE_BLOCK - i->end;
        size_t piece = bytes < room ? bytes : room;
        if (piece == 0) {
            if (!item_lengthen(item))
                return 0;
            continue;
        }
        memcpy((unsigned char *)block_at(i->last) + i->end, from, piece);
        i->end += (uint32_t)piece;
        from += piece;
        bytes -= piece;
    }
    return 1;
}

size_t item_read(struct item_place *p, void *to, size_t bytes)
{
    size_t done = 0;
    while (done < bytes && p->left > 0) {
        size_t piece = STORE_BLOCK - p->at;
        piece = piece < p->left ? piece : p->left;
        piece = piece < bytes - done ? piece : bytes - done;
        if (p->at == STORE_BLOCK) {
            p->block = block_at(p->block)->next;
            p->at = BLOCK_HEAD;
            continue;
        }
        memcpy((unsigned char *)to + done, (unsigned char *)block_at(p->block) + p->at, piece);
        done += piece;
        p->left -= (uint32_t)piece;
        p->at += (uint32_t)piece;
    }
    return done;
}

uint32_t item_new(const void *key, size_t bytes, uint32_t flags, uint32_t expires)
{
    uint32_t number = block_take();
    if (number == 0)
        return 0;
    struct item *i = item_at(number);
    memset(i, 0, sizeof *i);
    i->last = number;
    i->blocks = 1;
    i->flags = flags;
    i->expires = expires;
    i->hash = key_hash(key, bytes);
    item_pin(number);
    i->end = ITEM_HEAD;
    if (!item_write(number, key, bytes)) {
        item_unpin(number);
        return 0;
    }
    item_at(number)->key_bytes = (uint8_t)bytes;
    return number;
}

int item_add(uint32_t item, const void *from, size_t bytes)
{
    struct item *i = item_at(item);
    if (!item_write(item, from, bytes))
        return 0;
    i->bytes += (uint32_t)bytes;
    return 1;
}

int item_add_item(uint32_t item, uint32_t other)
{
    unsigned char piece[STORE_BLOCK];
    size_t n;
    struct item_place p = item_begin(other);
    while ((n = item_read(&p, piece, sizeof piece)) > 0)
        if (!item_add(item, piece, n))
            return 0;
    return 1;
}

/* Where byte at of key and value lies; a key's first block at most is passed on the way. */
struct item_place item_begin(uint32_t item)
{
    const struct item *i = item_at(item);
    struct item_place p = {item, ITEM_HEAD, i->bytes};
    size_t skip = i->key_bytes;
    while (skip > STORE_BLOCK - p.at) {
        skip -= STORE_BLOCK - p.at;
        p.block = block_at(p.block)->next;
        p.at = BLOCK_HEAD;
    }
    p.at += (uint32_t)skip;
    return p;
}

size_t item_key(uint32_t item, char key[STORE_KEY_MAX])
{
    struct item_place p = {item, ITEM_HEAD, item_at(item)->key_bytes};
    return item_read(&p, key, STORE_KEY_MAX);
}

static int key_is(uint32_t item, const void *key, size_t bytes)
{
    const struct item *i = item_at(item);
    unsigned char have[STORE_KEY_MAX];
    if (i->key_bytes != bytes)
        return 0;
    if (bytes <= sizeof i->data)
        return memcmp(i->data, key, bytes) == 0;
    struct item_place p = {item, ITEM_HEAD, (uint32_t)bytes};
    return item_read(&p, have, bytes) == bytes && memcmp(have, key, bytes) == 0;
}

/* ---- finding ---- */

void item_unlink(uint32_t item)
{
    struct item *i = item_at(item);
    if (!i->linked)
        return;
    uint32_t *link = bucket_of(i->hash);
    while (*link != item)
        link = &item_at(*link)->chain;
    *link = i->chain;
    use_remove(item);
    i->linked = 0;
    store.count.items--;
    if (i->pins == 0)
        item_free(item);
}

/* The linked item of a key, be it as old as it may. */
static uint32_t bucket_find(uint32_t hash, const void *key, size_t bytes)
{
    uint32_t number = *bucket_of(hash);
    while (number != 0 && (item_at(number)->hash != hash || !key_is(number, key, bytes)))
        number = item_at(number)->chain;
    return number;
}

uint32_t store_find(const void *key, size_t bytes)
{
    uint32_t number = bucket_find(key_hash(key, bytes), key, bytes);
    if (number == 0)
        return 0;
    const struct item *i = item_at(number);
    int over = i->expires != STORE_FOR_EVER && i->expires <= store.now;
    if (over || i->cas <= store.flushed) {
        store.count.expired += (uint64_t)over;
        item_unlink(number);
        return 0;
    }
    if (store.newest != number) {
        use_remove(number);
        use_add(number);
    }
    return number;
}

void item_link(uint32_t item)
{
    char key[STORE_KEY_MAX];
    struct item *i = item_at(item);
    size_t bytes = item_key(item, key);
    uint32_t old = bucket_find(i->hash, key, bytes);
    if (old != 0)
        item_unlink(old);
    uint32_t *bucket = bucket_of(i->hash);
    i->chain = *bucket;
    *bucket = item;
    i->linked = 1;
    i->cas = ++store.cas;
    use_add(item);
    store.count.items++;
    store.count.items_ever++;
}

/* ---- for tests ---- */

static int item_is_well(uint32_t number, uint64_t *blocks)
{
    const struct item *i = item_at(number);
    uint64_t n = 1;
    uint32_t block = number;
    for (; block_at(block)->next != 0 && block != i->last; n++)
        block = block_at(block)->next;
    *blocks += n;
    return block == i->last && n == i->blocks && i->linked == 1;
}

int store_is_well(uint32_t items_pinned)
{
    uint64_t linked = 0, items = 0, free = 0, before = 0;
    int well = 1;
    for (uint32_t n = store.oldest; n != 0 && well; n = item_at(n)->newer, items++) {
        well = item_is_well(n, &linked) && item_at(n)->older == before;
        before = n;
    }
    for (uint32_t n = store.free; n != 0 && free <= store.unused; n = block_at(n)->next)
        free++;
    well = well && items == store.count.items && before == store.newest;
    well = well && store.count.blocks_used + free + 1 == store.unused;
    return well && (items_pinned > 0 ? linked <= store.count.blocks_used
                                     : linked == store.count.blocks_used);
}
