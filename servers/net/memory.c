/* SPDX-License-Identifier: MIT */
/*
 * Memory for lwIP: free lists by size, filled from the heap as needed and bounded in all. Taking and
 * giving back is a few instructions. What is beyond the bound, or the container's quota, is
 * refused; lwIP then drops a packet or takes the memory of the oldest closed connection.
 */
#include "lwip/arch.h"
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define LIMIT (10u << 20) /* bytes */
#define OTHERS                                                                                     \
    (LIMIT / 4 *                                                                                   \
     3) /* of these for all but received packets: there is always room for some, and so for
                                     acknowledgements that free what is sent */
#define PACKETS 7u /* class of received packets */
#define SLAB 16384u
#define CLASSES 9u
#define LARGE CLASSES

/* Bytes a block has, with its header; whole packets fit into the one before the last. */
static const uint16_t class_bytes[CLASSES] = {48, 80, 144, 272, 400, 656, 1168, 1712, 4096};

struct block {
    uint64_t class;     /* in use: index, or LARGE and bytes << 8 */
    struct block *next; /* free: the next one; in use the first bytes */
};
#define HEADER offsetof(struct block, next)

static struct block *free_list[CLASSES];
static size_t total;

size_t net_memory_total(void) { return total; }

static int class_fill(size_t class)
{
    size_t bytes = class_bytes[class];
    size_t most = class == PACKETS ? LIMIT : OTHERS;
    unsigned char *slab = total + SLAB <= most ? malloc(SLAB) : NULL;
    if (slab == NULL)
        return 0;
    total += SLAB;
    for (size_t at = 0; at + bytes <= SLAB; at += bytes) {
        struct block *b = (struct block *)(void *)(slab + at);
        b->class = class;
        b->next = free_list[class];
        free_list[class] = b;
    }
    return 1;
}

static void *large_get(size_t bytes)
{
    struct block *b = total + bytes <= OTHERS ? malloc(bytes) : NULL;
    if (b == NULL)
        return NULL;
    total += bytes;
    b->class = LARGE | (uint64_t)bytes << 8;
    return &b->next;
}

void *net_memory_get(size_t bytes)
{
    size_t class = 0;
    bytes += HEADER;
    while (class < CLASSES && class_bytes[class] < bytes)
        class ++;
    if (class == CLASSES)
        return large_get(bytes);
    if (free_list[class] == NULL && !class_fill(class))
        return NULL;
    struct block *b = free_list[class];
    free_list[class] = b->next;
    return &b->next;
}

void *net_memory_get_zeroed(size_t count, size_t bytes)
{
    if (bytes != 0 && count > LIMIT / bytes)
        return NULL;
    void *block = net_memory_get(count * bytes);
    if (block != NULL)
        memset(block, 0, count * bytes);
    return block;
}

void net_memory_give(void *block)
{
    struct block *b = (struct block *)(void *)((unsigned char *)block - HEADER);
    size_t class = b->class & 0xff;
    if (class == LARGE) {
        total -= b->class >> 8;
        free(b);
        return;
    }
    b->next = free_list[class];
    free_list[class] = b;
}
