/* SPDX-License-Identifier: MIT */
/*
 * The pages of a file: a tree of tables of 512 pointers that grows at the top, so that a small file
 * has no table at all and a page at any offset takes four tables at most.
 */
#include "servers/ramfs/node.h"
#include <string.h>

#define FAN 512u
#define FAN_BITS 9u

struct table {
    void *child[FAN];
};

/* Pages a tree of so many levels reaches. */
static uint64_t reach(uint32_t levels) { return 1ul << (levels * FAN_BITS); }

static void **child(void *table, uint64_t page, uint32_t level)
{
    return &((struct table *)table)->child[page >> ((level - 1) * FAN_BITS) & (FAN - 1)];
}

static unsigned char *page_find(const struct ramfs_node *n, uint64_t page)
{
    void *at = page < reach(n->levels) ? n->tree : NULL;
    for (uint32_t level = n->levels; level > 0 && at != NULL; level--)
        at = *child(at, page, level);
    return at;
}

/* The tree gets levels until it reaches the page; 0: no memory. */
static int tree_raise(struct ramfs *fs, struct ramfs_node *n, uint64_t page)
{
    while (page >= reach(n->levels)) {
        if (n->tree != NULL) {
            struct table *top = ramfs_take(fs, sizeof *top);
            if (top == NULL)
                return 0;
            top->child[0] = n->tree;
            n->tree = top;
        }
        n->levels++;
    }
    return 1;
}

static unsigned char *page_make(struct ramfs *fs, struct ramfs_node *n, uint64_t page)
{
    void **at = &n->tree;
    if (!tree_raise(fs, n, page))
        return NULL;
    for (uint32_t level = n->levels;; level--) {
        if (*at == NULL) {
            *at = ramfs_take(fs, level == 0 ? PAGES_BYTES : sizeof(struct table));
            n->pages += *at != NULL && level == 0;
        }
        if (*at == NULL || level == 0)
            return *at;
        at = child(*at, page, level);
    }
}

/* Takes the pages from first on out of a subtree; 1: it is empty, and was let go. */
static int tree_cut(struct ramfs *fs, struct ramfs_node *n, void *tree, uint32_t level,
                    uint64_t first)
{
    int empty = 1;
    if (level == 0) {
        if (first > 0)
            return 0;
        n->pages--;
        ramfs_give(fs, tree, PAGES_BYTES);
        return 1;
    }
    uint64_t each = reach(level - 1);
    struct table *table = tree;
    for (uint64_t i = 0; i < FAN; i++) {
        uint64_t from = i * each;
        if (table->child[i] == NULL)
            continue;
        if (from + each > first &&
            tree_cut(fs, n, table->child[i], level - 1, first > from ? first - from : 0))
            table->child[i] = NULL;
        else
            empty = 0;
    }
    if (empty)
        ramfs_give(fs, table, sizeof *table);
    return empty;
}

void pages_cut(struct ramfs *fs, struct ramfs_node *n, uint64_t size)
{
    uint64_t first = (size + PAGES_BYTES - 1) / PAGES_BYTES;
    if (n->tree != NULL && tree_cut(fs, n, n->tree, n->levels, first))
        n->tree = NULL;
    if (n->tree == NULL)
        n->levels = 0;
    unsigned char *last = size % PAGES_BYTES == 0 ? NULL : page_find(n, size / PAGES_BYTES);
    if (last != NULL)
        memset(last + size % PAGES_BYTES, 0, PAGES_BYTES - size % PAGES_BYTES);
}

void pages_read(const struct ramfs_node *n, uint64_t offset, void *to, uint32_t bytes)
{
    unsigned char *at = to;
    while (bytes > 0) {
        const unsigned char *page = page_find(n, offset / PAGES_BYTES);
        uint32_t within = (uint32_t)(offset % PAGES_BYTES);
        uint32_t piece = bytes < PAGES_BYTES - within ? bytes : PAGES_BYTES - within;
        if (page == NULL)
            memset(at, 0, piece);
        else
            memcpy(at, page + within, piece);
        at += piece;
        offset += piece;
        bytes -= piece;
    }
}

uint32_t pages_write(struct ramfs *fs, struct ramfs_node *n, uint64_t offset, const void *from,
                     uint32_t bytes)
{
    const unsigned char *at = from;
    uint32_t done = 0;
    while (done < bytes) {
        unsigned char *page = page_make(fs, n, offset / PAGES_BYTES);
        uint32_t within = (uint32_t)(offset % PAGES_BYTES);
        uint32_t room = PAGES_BYTES - within;
        uint32_t piece = bytes - done < room ? bytes - done : room;
        if (page == NULL)
            return done;
        memcpy(page + within, at + done, piece);
        offset += piece;
        done += piece;
    }
    return done;
}
