/* SPDX-License-Identifier: MIT */
/*
 * Back to a remembered state in microseconds, for fuzzers. What the core can write is frames (whichever window they are
 * written through) and frame arrays, numbered in pages of 4 KiB; and ranges of ordinary memory that were registered (the
 * core's own variables, the harness's), which are few and copied whole. Whoever writes to a page says so with
 * hosted_mark_dirty; a fuzzer's store callbacks do (snapshot_trace.c). hosted_reset copies back only pages written since.
 */
#ifndef HOSTED_SNAPSHOT_H
#define HOSTED_SNAPSHOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/window.h"

#define HOSTED_RANGES_MAX 64u

/* Registers memory outside windows and arrays. Before hosted_snapshot. hosted_direct is known
   already, and so are the core's variables where core/ was compiled with globals.h. */
void hosted_snapshot_add(void *start, size_t bytes);

/* Remembers all state as it is now. hosted_memory_init was called before. */
void hosted_snapshot(void);

/* Back to the state remembered; returns how many pages had to be copied. */
uint32_t hosted_reset(void);

/* The same by looking at every page: for builds whose stores are not traced, and to check hosted_reset. */
uint32_t hosted_reset_all(void);

/* NULL when every page is as remembered (after hosted_reset), else the first address that differs. */
const void *hosted_snapshot_difference(void);

/* Forgets the snapshot and the registered ranges. */
void hosted_snapshot_done(void);

/* ---- the fast path, inline for the callbacks ---- */

struct hosted_dirty {
    uint8_t *flag;                           /* one a page; NULL: no snapshot */
    uint32_t *list;                          /* pages flagged */
    uint32_t used;                           /* entries of list */
    uint32_t pages;                          /* pages numbered */
    uint32_t frames;                         /* pages 0 .. frames-1 */
    uint32_t array_first[FRAME_ARRAY_COUNT]; /* number of each array's first page */
};
extern struct hosted_dirty hosted_dirty;

static inline void hosted_mark_page(uint64_t page)
{
    if (page < hosted_dirty.pages && hosted_dirty.flag[page] == 0) {
        hosted_dirty.flag[page] = 1;
        hosted_dirty.list[hosted_dirty.used++] = (uint32_t)page;
    }
}

/* Marks the page that holds this byte; nothing when it is none of ours (a stack). */
static inline void hosted_mark_dirty(const void *address)
{
    uintptr_t at = (uintptr_t)address;

    if (hosted_dirty.flag == NULL) {
        return;
    }
    if (at - HOSTED_WINDOW_BASE < (uintptr_t)WINDOWS << HOSTED_WINDOW_SHIFT) {
        at &= ((uintptr_t)1 << HOSTED_WINDOW_SHIFT) - 1;
        hosted_mark_page(at / PAGE_SIZE);
    } else if (at - HOSTED_ARRAY_BASE < (uintptr_t)FRAME_ARRAY_COUNT << HOSTED_ARRAY_SHIFT) {
        uintptr_t slot = (at - HOSTED_ARRAY_BASE) >> HOSTED_ARRAY_SHIFT;

        hosted_mark_page(hosted_dirty.array_first[slot] +
                         (at - HOSTED_ARRAY_ADDRESS(slot)) / PAGE_SIZE);
    }
}

/* Marks every page of a range. */
static inline void hosted_mark_range(const void *start, size_t bytes)
{
    if (bytes == 0) {
        return;
    }
    for (size_t at = 0; at < bytes; at += PAGE_SIZE) {
        hosted_mark_dirty((const char *)start + at);
    }
    hosted_mark_dirty((const char *)start + bytes - 1);
}

#endif
