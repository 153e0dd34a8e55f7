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
static int64_t last_error;

int64_t heap_error(void) { return last_error; }

/* 1: so many pages more are mapped. */
static int pages_map(uint64_t va, uint64_t pages)
{
    int64_t status = memory_map(0, va, pages, PAGE_READ | PAGE_WRITE);
    if (status != 0)
        last_error = status;
    return status == 0;
}

void *heap_grow(uint64_t bytes, uint64_t *grown)
{
    uint64_t need = (bytes + PAGE_SIZE - 1) / PAGE_SIZE;
    uint64_t wish = heap_pages / 2 < GROW_PAGES_MAX ? heap_pages / 2 : GROW_PAGES_MAX;
    uint64_t pages = need > GROW_PAGES ? need : GROW_PAGES;
    uint64_t va = HEAP_VA + heap_pages * PAGE_SIZE;
    if (wish > pages && pages_map(va, wish))
        pages = wish;
    else if (!pages_map(va, pages))
        return NULL;
    heap_pages += pages;
    *grown = pages * PAGE_SIZE;
    return (void *)(uintptr_t)va;
}
