/* SPDX-License-Identifier: MIT */
/*
 * The heap's pages: mapped at HEAP_VA upwards, more at a time as it grows, never given back before
 * the program ends.
 */
#include "lib/heap.h"
#include "lib/memory.h"
#include "lib/startup.h"
#include <stddef.h>

#define GROW_PAGES 4u      /* at least */
#define GROW_PAGES_MAX 64u /* more than asked for, at most */

static uint64_t heap_pages;

void *heap_grow(uint64_t bytes, uint64_t *grown)
{
    uint64_t need = (bytes + PAGE_SIZE - 1) / PAGE_SIZE;
    uint64_t wish = heap_pages / 2 < GROW_PAGES_MAX ? heap_pages / 2 : GROW_PAGES_MAX;
    uint64_t pages = need > GROW_PAGES ? need : GROW_PAGES;
    uint64_t va = HEAP_VA + heap_pages * PAGE_SIZE;
    if (wish > pages && memory_map(0, va, wish, PAGE_READ | PAGE_WRITE) == 0)
        pages = wish;
    else if (memory_map(0, va, pages, PAGE_READ | PAGE_WRITE) != 0)
        return NULL;
    heap_pages += pages;
    *grown = pages * PAGE_SIZE;
    return (void *)(uintptr_t)va;
}
