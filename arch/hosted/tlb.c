/* SPDX-License-Identifier: MIT */
/*
 * What each stub has mapped is its TLB. For every page mapped we remember the permissions it was mapped with, in chunks of
 * 512 pages found by hash, so that an invalidation of pages that were never touched costs no host call, and a fault is
 * known to be a real one when the page is mapped with all that the page table allows. Invariant: the stub maps a page
 * only if its chunk says so, or it is in a pending range; pending ranges are unmapped before the stub runs again.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "arch/hosted/native.h"
#include "core/table.h"

#define CHUNK_PAGES 512u
#define FILL_PAGES 32u     /* pages one fault maps at most */
#define CHANGES_MAX 20000u /* host mappings are limited (vm.max_map_count): start anew in time */
#define CHUNK_OF(va) ((va) / PAGE_SIZE / CHUNK_PAGES)
#define PLACE_OF(va) ((va) / PAGE_SIZE % CHUNK_PAGES)

struct tlb_chunk {
    struct tlb_chunk *next;
    uint64_t number;
    uint8_t prot[CHUNK_PAGES]; /* PROT_ bits; 0: not mapped */
};

int page_look(pfn_t root, uint64_t va, pfn_t *frame)
{
    pfn_t table;
    uint32_t level;
    uint64_t entry, at;

    if (va >= USER_TOP) {
        return 0;
    }
    table = table_find(root, va);
    level = table_level[table];
    entry = table_at[PT(table)].entry[table_index(va, level)];
    if (entry % 2 == 0) {
        return 0;
    }
    at = entry_frame(entry) + (level == 1 ? 0 : va / PAGE_SIZE % (level == 2 ? PAGES_2M : PAGES_1G));
    if (at >= hosted_frames() || (entry & PTE_DEVICE) != 0) {
        return 0;
    }
    *frame = (pfn_t)at;
    return PROT_READ | ((entry & PTE_WRITE) != 0 ? PROT_WRITE : 0) |
           ((entry & PTE_NX) == 0 ? PROT_EXEC : 0);
}

static struct tlb_chunk *chunk_find(const struct tlb *tlb, uint64_t va)
{
    struct tlb_chunk *chunk = tlb->bucket[CHUNK_OF(va) % TLB_BUCKETS];

    while (chunk != NULL && chunk->number != CHUNK_OF(va)) {
        chunk = chunk->next;
    }
    return chunk;
}

static struct tlb_chunk *chunk_get(struct tlb *tlb, uint64_t va)
{
    struct tlb_chunk *chunk = chunk_find(tlb, va);

    if (chunk != NULL) {
        return chunk;
    }
    chunk = calloc(1, sizeof *chunk);
    if (chunk == NULL) {
        arch_panic("the host has no memory for a TLB chunk", va, 0);
    }
    chunk->number = CHUNK_OF(va);
    chunk->next = tlb->bucket[chunk->number % TLB_BUCKETS];
    tlb->bucket[chunk->number % TLB_BUCKETS] = chunk;
    return chunk;
}

static int prot_mapped(const struct tlb *tlb, uint64_t va)
{
    const struct tlb_chunk *chunk = chunk_find(tlb, va);

    return chunk == NULL ? 0 : chunk->prot[PLACE_OF(va)];
}

void tlb_forget(struct tlb *tlb)
{
    for (uint32_t i = 0; i < TLB_BUCKETS; i++) {
        while (tlb->bucket[i] != NULL) {
            struct tlb_chunk *chunk = tlb->bucket[i];

            tlb->bucket[i] = chunk->next;
            free(chunk);
        }
    }
    memset(tlb, 0, sizeof *tlb);
}

static void pending_all(struct tlb *tlb)
{
    tlb_forget(tlb);
    tlb->pending[0].va = 0;
    tlb->pending[0].end = USER_TOP;
    tlb->pending_count = 1;
}

static void pending_add(struct tlb *tlb, uint64_t va, uint64_t end)
{
    for (uint32_t i = 0; i < tlb->pending_count; i++) {
        if (va <= tlb->pending[i].end && end >= tlb->pending[i].va) {
            tlb->pending[i].va = va < tlb->pending[i].va ? va : tlb->pending[i].va;
            tlb->pending[i].end = end > tlb->pending[i].end ? end : tlb->pending[i].end;
            return;
        }
    }
    if (tlb->pending_count == TLB_PENDING) {
        pending_all(tlb);
        return;
    }
    tlb->pending[tlb->pending_count].va = va;
    tlb->pending[tlb->pending_count].end = end;
    tlb->pending_count++;
}

/* Pages of one chunk: [va, end). Only from the first to the last that are mapped. A page between that is unmapped
   without need fills again. */
static void chunk_invalidate(struct tlb *tlb, uint64_t va, uint64_t end)
{
    struct tlb_chunk *chunk = chunk_find(tlb, va);
    uint64_t first = end, last = va;

    if (chunk == NULL) {
        return;
    }
    for (uint64_t at = va; at < end; at += PAGE_SIZE) {
        if (chunk->prot[PLACE_OF(at)] != 0) {
            chunk->prot[PLACE_OF(at)] = 0;
            first = at < first ? at : first;
            last = at + PAGE_SIZE;
        }
    }
    if (first < last) {
        pending_add(tlb, first, last);
    }
}

void tlb_invalidate(struct tlb *tlb, uint64_t va, uint64_t pages)
{
    uint64_t end;

    va -= va % PAGE_SIZE;
    if (va >= USER_TOP || pages > USER_TOP / PAGE_SIZE) {
        return;
    }
    end = va + pages * PAGE_SIZE;
    end = end > USER_TOP ? USER_TOP : end;
    while (va < end) {
        uint64_t next = (CHUNK_OF(va) + 1) * CHUNK_PAGES * PAGE_SIZE;

        next = next > end ? end : next;
        chunk_invalidate(tlb, va, next);
        va = next;
    }
}

bool tlb_settle(struct stub *s)
{
    struct tlb *tlb = &s->tlb;

    if (tlb->changes > CHANGES_MAX) {
        pending_all(tlb);
    }
    for (uint32_t i = 0; i < tlb->pending_count; i++) {
        uint64_t bytes = tlb->pending[i].end - tlb->pending[i].va;
        const uint64_t call[7] = {SYS_munmap, tlb->pending[i].va, bytes, 0, 0, 0, 0};
        long result = stub_call(s, call);

        tlb->changes++;
        if (result != 0 && !s->dead) {
            arch_panic("a stub could not unmap: va, result", tlb->pending[i].va, (uint64_t)result);
        }
    }
    tlb->pending_count = 0;
    return !s->dead;
}

/* How many pages on from va, in steps of `step`, map with the same permissions what lies next in memory, and are not
   mapped by the stub so far. */
static uint64_t run_length(const struct stub *s, uint64_t va, pfn_t frame, int prot, int64_t step)
{
    uint64_t pages = 0;
    pfn_t next;

    while (pages < FILL_PAGES / 2) {
        int64_t off = step * (int64_t)(pages + 1);
        uint64_t at = va + (uint64_t)off * PAGE_SIZE;

        if (CHUNK_OF(at) != CHUNK_OF(va) || page_look(s->root, at, &next) != prot ||
            (int64_t)next != (int64_t)frame + off || prot_mapped(&s->tlb, at) != 0) {
            break;
        }
        pages++;
    }
    return pages;
}

static void fill_map(struct stub *s, uint64_t va, pfn_t frame, uint64_t pages, int prot)
{
    const uint64_t call[7] = {SYS_mmap,
                              va,
                              pages * PAGE_SIZE,
                              (uint64_t)prot,
                              MAP_SHARED | MAP_FIXED,
                              0, /* the stub's only file */
                              (uint64_t)frame * PAGE_SIZE};
    long result = stub_call(s, call);

    s->tlb.changes++;
    if (s->dead) {
        return;
    }
    if (result != (long)va) {
        arch_panic("a stub could not map: va, result", va, (uint64_t)result);
    }
    for (uint64_t i = 0; i < pages; i++) {
        chunk_get(&s->tlb, va)->prot[PLACE_OF(va) + i] = (uint8_t)prot;
    }
}

bool tlb_fill(struct stub *s, uint64_t va)
{
    pfn_t frame = 0;
    int prot = page_look(s->root, va, &frame);
    uint64_t before, after;

    va -= va % PAGE_SIZE;
    if (prot == 0 || (prot & ~prot_mapped(&s->tlb, va)) == 0) {
        return false;
    }
    if (s->tlb.changes > CHANGES_MAX) {
        pending_all(&s->tlb);
        (void)tlb_settle(s);
    }
    before = run_length(s, va, frame, prot, -1);
    after = run_length(s, va, frame, prot, 1);
    fill_map(s, va - before * PAGE_SIZE, frame - (pfn_t)before, before + 1 + after, prot);
    return true;
}
