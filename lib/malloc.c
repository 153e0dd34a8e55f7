/* SPDX-License-Identifier: MIT */
/*
 * The heap: one arena that grows by mapped pages, made of blocks that lie side by side. A block's
 * header holds its size and that of the block before it, so free() joins neighbours without a
 * search; free blocks are also on one doubly linked list, taken first fit. The arena ends in a
 * header of size 0. A damaged header ends the program at once (abort), as nothing after it can be
 * trusted.
 *
 * Where pages come from is heap_grow(), so that tests can run the same code on any machine.
 */
#include "lib/heap.h"
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define UNIT 16u          /* blocks are multiples of it, and so are their addresses */
#define USED 1u           /* bit 0 of size: not free */
#define BLOCK_MIN 48u     /* a header and two links */
#define CHECK 0xa7050000u /* mixed with the size, to notice damage */

struct block {
    uint64_t size;             /* with the header, and the bit USED */
    uint32_t check;            /* CHECK ^ low half of size */
    uint32_t before;           /* size of the block below in UNITs; 0: this is the first */
    struct block *next, *prev; /* free blocks only */
};

static struct block *arena;     /* first block; NULL: no heap yet */
static struct block *arena_end; /* the header of size 0 */
static struct block *free_list;

static uint64_t block_size(const struct block *b) { return b->size & ~(uint64_t)USED; }

static struct block *block_at(struct block *b, uint64_t offset)
{
    return (struct block *)(void *)((unsigned char *)b + offset);
}

static void block_set(struct block *b, uint64_t size, uint64_t used)
{
    b->size = size | used;
    b->check = CHECK ^ (uint32_t)b->size;
    block_at(b, size)->before = (uint32_t)(size / UNIT);
}

static void block_verify(const struct block *b)
{
    if (b->check != (CHECK ^ (uint32_t)b->size))
        abort();
}

static void list_add(struct block *b)
{
    b->prev = NULL;
    b->next = free_list;
    if (free_list != NULL)
        free_list->prev = b;
    free_list = b;
}

static void list_remove(struct block *b)
{
    if (b->prev != NULL)
        b->prev->next = b->next;
    else
        free_list = b->next;
    if (b->next != NULL)
        b->next->prev = b->prev;
}

/* The block becomes free; free neighbours become part of it. Gives the whole. */
static struct block *block_release(struct block *b)
{
    uint64_t size = block_size(b);
    struct block *after = block_at(b, size);
    if (after != arena_end && (after->size & USED) == 0) {
        block_verify(after);
        list_remove(after);
        size += block_size(after);
    }
    if (b->before != 0) {
        struct block *below = block_at(b, 0 - (uint64_t)b->before * UNIT);
        if ((below->size & USED) == 0) {
            block_verify(below);
            list_remove(below);
            size += block_size(below);
            b = below;
        }
    }
    block_set(b, size, 0);
    list_add(b);
    return b;
}

/* Makes the arena at least bytes longer; 0 when there is no memory. */
static int arena_grow(uint64_t bytes)
{
    uint64_t first = arena == NULL ? sizeof(struct block) : 0;
    uint64_t grown = 0;
    unsigned char *place = heap_grow(bytes + first, &grown);
    if (place == NULL)
        return 0;
    if (arena == NULL) {
        arena = (struct block *)(void *)place;
        arena->before = 0;
        arena_end = arena;
        grown -= sizeof(struct block);
    }
    struct block *b = arena_end;
    arena_end = block_at(b, grown);
    block_set(b, grown, USED);
    arena_end->size = USED;
    arena_end->check = CHECK ^ USED;
    block_release(b);
    return 1;
}

/* Cuts what is not needed off a block that is in use. */
static void block_trim(struct block *b, uint64_t size)
{
    uint64_t have = block_size(b);
    if (have - size < BLOCK_MIN)
        return;
    block_set(b, size, USED);
    struct block *rest = block_at(b, size);
    block_set(rest, have - size, USED);
    block_release(rest);
}

static struct block *block_find(uint64_t size)
{
    for (struct block *b = free_list; b != NULL; b = b->next)
        if (block_size(b) >= size)
            return b;
    return NULL;
}

static uint64_t size_for(size_t bytes)
{
    uint64_t size = (bytes + UNIT + UNIT - 1) / UNIT * UNIT;
    return size < BLOCK_MIN ? BLOCK_MIN : size;
}

void *malloc(size_t bytes)
{
    if (bytes > HEAP_BLOCK_MAX)
        return NULL;
    uint64_t size = size_for(bytes);
    struct block *b = block_find(size);
    if (b == NULL) {
        if (!arena_grow(size))
            return NULL;
        b = block_find(size);
    }
    block_verify(b);
    list_remove(b);
    block_set(b, block_size(b), USED);
    block_trim(b, size);
    return (unsigned char *)b + UNIT;
}

static struct block *block_of(void *p)
{
    struct block *b = (struct block *)(void *)((unsigned char *)p - UNIT);
    block_verify(b);
    if ((b->size & USED) == 0) /* freed twice */
        abort();
    return b;
}

void free(void *p)
{
    if (p != NULL)
        block_release(block_of(p));
}

void *calloc(size_t count, size_t bytes)
{
    if (bytes != 0 && count > HEAP_BLOCK_MAX / bytes)
        return NULL;
    void *p = malloc(count * bytes);
    if (p != NULL)
        memset(p, 0, count * bytes);
    return p;
}

void *realloc(void *old, size_t bytes)
{
    if (old == NULL)
        return malloc(bytes);
    if (bytes > HEAP_BLOCK_MAX)
        return NULL;
    struct block *b = block_of(old);
    uint64_t size = size_for(bytes);
    if (block_size(b) >= size) {
        block_trim(b, size);
        return old;
    }
    void *p = malloc(bytes);
    if (p == NULL)
        return NULL;
    memcpy(p, old, block_size(b) - UNIT);
    free(old);
    return p;
}

char *strdup(const char *s)
{
    size_t bytes = strlen(s) + 1;
    char *copy = malloc(bytes);
    return copy == NULL ? NULL : memcpy(copy, s, bytes);
}
