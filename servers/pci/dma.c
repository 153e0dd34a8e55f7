/* SPDX-License-Identifier: MIT */
/*
 * DMA memory; see dma.h. Each device has a range of addresses in the keeper, an arena; page i of it is in use
 * when record i holds the address at which the owner got it. Records are mapped as they are needed.
 */
#include "dma.h"
#include "config.h"
#include "lib/memory.h"
#include "lib/pci.h"
#include "lib/startup.h"

#define ARENA_VA 0x500000000000u
#define FRESH_VA 0x570000000000u /* pages on their way to their place */
#define RECORDS_VA 0x580000000000u
#define RECORDS_PAGE (PAGE_SIZE / 8)
#define RECORDS_BYTES ((uint64_t)DMA_PAGES_MAX * 8)

static uint64_t keeper; /* handle */
static struct {
    uint32_t top;  /* records below were used at some time, and are mapped */
    uint32_t used; /* pages in use */
} arena[FUNCTIONS_MAX];

static uint64_t arena_va(uint32_t n, uint32_t i)
{
    return ARENA_VA + ((uint64_t)n * DMA_PAGES_MAX + i) * PAGE_SIZE;
}

static uint64_t *record(uint32_t n, uint32_t i)
{
    return (uint64_t *)(uintptr_t)(RECORDS_VA + n * RECORDS_BYTES + (uint64_t)i * 8);
}

int dma_start(void)
{
    keeper = startup_handle("dma");
    return keeper != 0;
}

uint64_t dma_used(uint32_t n) { return arena[n].used; }

/* Makes records below `to` usable. */
static int64_t records_grow(uint32_t n, uint32_t to)
{
    while (arena[n].top < to) {
        if (arena[n].top % RECORDS_PAGE == 0) {
            int64_t status =
                memory_map(0, (uintptr_t)record(n, arena[n].top), 1, PAGE_READ | PAGE_WRITE);
            if (status != 0)
                return status;
        }
        *record(n, arena[n].top) = 0;
        arena[n].top++;
    }
    return 0;
}

/* The first of `pages` free places in a row; DMA_PAGES_MAX: there are none. */
static uint32_t run_find(uint32_t n, uint32_t pages)
{
    uint32_t run = 0;
    for (uint32_t i = 0; i < arena[n].top; i++) {
        run = *record(n, i) == 0 ? run + 1 : 0;
        if (run == pages)
            return i + 1 - pages;
    }
    uint32_t first = arena[n].top - run;
    if (first + pages > DMA_PAGES_MAX || records_grow(n, first + pages) != 0)
        return DMA_PAGES_MAX;
    return first;
}

/* Unmaps what of a range is mapped. */
static void pages_drop(uint64_t process, uint64_t va, uint64_t pages)
{
    for (uint64_t i = 0; i < pages;) {
        struct atm_result r = atm_unmap(process, va + i * PAGE_SIZE, pages - i, PAGE_SIZE_4K);
        if (r.status == -ERR_DEAD)
            return;
        i += r.status == 0 && r.r[0] > 0 ? r.r[0] : 1;
    }
}

/* Shares the fresh pages with the keeper, then with the owner. */
static int64_t pages_share(uint64_t kept_va, struct dma_range r)
{
    const struct memory_range fresh = {0, FRESH_VA};
    int64_t status = memory_share(fresh, (struct memory_range){keeper, kept_va}, r.pages,
                                  PAGE_READ | PAGE_WRITE);
    if (status != 0)
        return status;
    status = memory_share(fresh, (struct memory_range){r.process, r.va}, r.pages,
                          PAGE_READ | PAGE_WRITE);
    if (status != 0)
        pages_drop(keeper, kept_va, r.pages);
    return status;
}

static int64_t pages_give(uint32_t n, uint32_t first, struct dma_range r, uint64_t *physical)
{
    int64_t status = memory_map(0, FRESH_VA, r.pages, PAGE_READ | PAGE_WRITE);
    if (status != 0)
        return status;
    for (uint64_t i = 0; status == 0 && i < r.pages; i++) {
        struct atm_result a = atm_dma_address(config_memory(), FRESH_VA + i * PAGE_SIZE);
        status = a.status;
        physical[i] = a.r[0];
    }
    if (status == 0)
        status = pages_share(arena_va(n, first), r);
    pages_drop(0, FRESH_VA, r.pages);
    return status;
}

uint64_t dma_alloc(uint32_t n, struct dma_range r, uint64_t *physical)
{
    if (r.pages == 0 || r.pages > PCI_DMA_PIECE || r.va == 0 || r.va % PAGE_SIZE != 0)
        return PCI_BAD_REQUEST;
    uint32_t first = run_find(n, (uint32_t)r.pages);
    if (first == DMA_PAGES_MAX)
        return PCI_NO_MEMORY;
    int64_t status = pages_give(n, first, r, physical);
    if (status != 0)
        return (uint64_t)-status;
    for (uint32_t i = 0; i < r.pages; i++)
        *record(n, first + i) = r.va + (uint64_t)i * PAGE_SIZE;
    arena[n].used += (uint32_t)r.pages;
    return 0;
}

/* The place of the page that the owner got at va, looked for from `from` on; DMA_PAGES_MAX: none. */
static uint32_t place_find(uint32_t n, uint64_t va, uint32_t from)
{
    for (uint32_t k = 0; k < arena[n].top; k++) {
        uint32_t i = (from + k) % arena[n].top;
        if (*record(n, i) == va)
            return i;
    }
    return DMA_PAGES_MAX;
}

uint64_t dma_free(uint32_t n, uint64_t va, uint64_t pages)
{
    uint32_t at = 0, run = 0; /* pages before place at that are to be dropped */
    if (pages == 0 || pages > PCI_DMA_PIECE || va == 0 || va % PAGE_SIZE != 0)
        return PCI_BAD_REQUEST;
    for (uint64_t i = 0; i < pages; i++) {
        uint32_t place = place_find(n, va + i * PAGE_SIZE, at);
        if (place != at) {
            pages_drop(keeper, arena_va(n, at - run), run);
            run = 0;
        }
        if (place == DMA_PAGES_MAX)
            return PCI_BAD_REQUEST;
        *record(n, place) = 0;
        arena[n].used--;
        run++;
        at = place + 1;
    }
    pages_drop(keeper, arena_va(n, at - run), run);
    return 0;
}

void dma_drop(uint32_t n)
{
    pages_drop(keeper, arena_va(n, 0), arena[n].top);
    pages_drop(0, (uintptr_t)record(n, 0), (arena[n].top + RECORDS_PAGE - 1) / RECORDS_PAGE);
    arena[n].top = arena[n].used = 0;
}
