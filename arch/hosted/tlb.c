/* SPDX-License-Identifier: MIT */
/*
 * What each stub has mapped is its TLB. For every page mapped we remember the permissions it was mapped with, in chunks of
 * 512 pages found by hash, so that an invalidation of pages that were never touched costs no host call, and a fault is
 * known to be a real one when the page is mapped with all that the page table allows. Invariant: the stub maps a page
 * only if its chunk says so, or it is in a pending range; pending ranges are unmapped before the stub runs again.
 * A stop costs more than ten mappings, so one stop makes as many as fit: all of a chunk at its first fault, all of a new
 * stub, and what is in the place of what was unmapped.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "arch/hosted/native.h"
#include "arch/hosted/stub_layout.h"
#include "core/table.h"

#define CHUNK_PAGES 512u
#define CHANGES_MAX 20000u /* host mappings are limited (vm.max_map_count): start anew in time */
#define CHUNK_OF(va) ((va) / PAGE_SIZE / CHUNK_PAGES)
#define CHUNK_END(va) ((CHUNK_OF(va) + 1) * CHUNK_PAGES * PAGE_SIZE)
#define PLACE_OF(va) ((va) / PAGE_SIZE % CHUNK_PAGES)

struct tlb_chunk {
    struct tlb_chunk *next;
    uint64_t number;
    uint8_t prot[CHUNK_PAGES]; /* PROT_ bits; 0: not mapped */
};

/* What page_look tells, of an address whose lowest table is this one. */
static int table_look(pfn_t table, uint64_t va, pfn_t *frame)
{
    uint32_t level = table_level[table];
    uint64_t entry = table_at[PT(table)].entry[table_index(va, level)], at;

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

int page_look(pfn_t root, uint64_t va, pfn_t *frame)
{
    return va >= USER_TOP ? 0 : table_look(table_find(root, va), va, frame);
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
        uint64_t next = CHUNK_END(va) > end ? end : CHUNK_END(va);

        chunk_invalidate(tlb, va, next);
        va = next;
    }
}

/* ---- calls of the stub, made together ---- */

struct batch {
    struct stub *stub;
    uint32_t count;
    struct stub_call call[STUB_CALLS_MAX];
};

static void batch_run(struct batch *b)
{
    struct stub *s = b->stub;
    uint64_t result = 0;
    uint32_t done = b->count == 0 || s->dead ? 0 : stub_calls(s, b->call, b->count, &result);

    if (done < b->count && !s->dead) {
        arch_panic("a stub could not map or unmap: va, result", b->call[done].argument[0], result);
    }
    s->tlb.changes += done;
    b->count = 0;
}

static bool batch_is_full(const struct batch *b) { return b->count == STUB_CALLS_MAX; }

static void batch_add(struct batch *b, struct stub_call call)
{
    if (batch_is_full(b)) {
        batch_run(b);
    }
    b->call[b->count++] = call;
}

/* Pages from va on that the table allows more of than the stub has mapped: those that are alike and follow each other in
   memory, before end. 0: none. */
static uint64_t run_length(struct batch *b, pfn_t table, uint64_t va, uint64_t end, pfn_t *frame)
{
    int prot = table_look(table, va, frame);
    uint64_t pages = 0;
    pfn_t next = *frame;

    while (va < end && prot != 0 && (prot & ~prot_mapped(&b->stub->tlb, va)) != 0 &&
           table_look(table, va, &next) == prot && next == *frame + pages) {
        pages++;
        va += PAGE_SIZE;
    }
    return pages;
}

/* What is not to be written was, and is there to be read; of what is to be written, much never is. */
static void run_map(struct batch *b, uint64_t va, pfn_t frame, uint64_t pages, int prot)
{
    uint64_t flags = MAP_SHARED | MAP_FIXED | ((prot & PROT_WRITE) != 0 ? 0 : MAP_POPULATE);
    const struct stub_call call = {SYS_mmap,
                                   {va, pages * PAGE_SIZE, (uint64_t)prot, flags,
                                    0 /* the stub's only file */, (uint64_t)frame * PAGE_SIZE},
                                   va};

    batch_add(b, call);
    memset(chunk_get(&b->stub->tlb, va)->prot + PLACE_OF(va), prot, pages);
}

/* Maps what there is in [va, end), a part of one chunk, until the batch is full. */
static void range_fill(struct batch *b, uint64_t va, uint64_t end)
{
    pfn_t table = table_find(b->stub->root, va);

    while (va < end && !batch_is_full(b)) {
        pfn_t frame = 0;
        uint64_t pages = run_length(b, table, va, end, &frame);

        if (pages > 0) {
            run_map(b, va, frame, pages, table_look(table, va, &frame));
        }
        va += (pages > 0 ? pages : 1) * PAGE_SIZE;
    }
}

/* Unmaps a range; what the page table has there by now is mapped at once. */
static void range_settle(struct batch *b, uint64_t va, uint64_t end)
{
    batch_add(b, (struct stub_call){SYS_munmap, {va, end - va}, 0});
    if (end <= CHUNK_END(va)) {
        range_fill(b, va, end);
    }
}

bool tlb_settle(struct stub *s)
{
    struct tlb *tlb = &s->tlb;
    struct batch batch = {.stub = s};

    if (tlb->changes > CHANGES_MAX) {
        pending_all(tlb);
    }
    for (uint32_t i = 0; i < tlb->pending_count; i++) {
        range_settle(&batch, tlb->pending[i].va, tlb->pending[i].end);
    }
    batch_run(&batch);
    tlb->pending_count = 0;
    return !s->dead;
}

bool tlb_fill(struct stub *s, uint64_t va)
{
    struct batch batch = {.stub = s};
    pfn_t frame;
    int prot = page_look(s->root, va, &frame);

    if (prot == 0 || (prot & ~prot_mapped(&s->tlb, va)) == 0) {
        return false;
    }
    if (s->tlb.changes > CHANGES_MAX) {
        pending_all(&s->tlb);
        (void)tlb_settle(s);
    }
    va -= va % PAGE_SIZE;
    range_fill(&batch, va, CHUNK_END(va));
    range_fill(&batch, CHUNK_OF(va) * CHUNK_PAGES * PAGE_SIZE, va);
    batch_run(&batch);
    return true;
}

/* From one present entry of the lowest tables to the next. */
void tlb_begin(struct stub *s)
{
    struct batch batch = {.stub = s};
    uint64_t va = 0;

    while (va < USER_TOP && !batch_is_full(&batch)) {
        pfn_t table = table_find(s->root, va);
        uint32_t level = table_level[table];
        uint64_t span = (uint64_t)PAGE_SIZE << 9 * (level - 1);
        uint32_t place = table_index(va, level);
        uint32_t present = table_next(table, place);

        if (present == place) {
            range_fill(&batch, va, CHUNK_END(va));
            va = level == 1 ? CHUNK_END(va) : va + span;
        } else {
            va = (va / span + present - place) * span;
        }
    }
    batch_run(&batch);
}
