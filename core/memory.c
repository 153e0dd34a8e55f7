/* SPDX-License-Identifier: MIT */
/* User memory; see memory.h. */
#include "core/memory.h"
#include "core/container.h"
#include "core/process.h"

#define ZERO_PIECE 16u /* frames of a superpage one call zeroes */
#define PERMISSIONS (PAGE_READ | PAGE_WRITE | PAGE_EXECUTE)
#define MOST (PAGE_MAX_WRITE | PAGE_MAX_EXECUTE)
#define SIZES (PAGE_SIZE_2M | PAGE_SIZE_1G)

bool user_range(uint64_t va, uint64_t pages)
{
    return va >= USER_BASE && va <= USER_TOP && pages <= (USER_TOP - va) / PAGE_SIZE;
}

uint32_t page_span(uint32_t flags)
{
    uint32_t size = flags / PAGE_SIZE_2M % 16u;
    if (size == 1)
        return PAGES_2M;
    return size == 2 ? PAGES_1G : 1;
}

/* The level of table whose entries map pages of these flags; also 1 + enum block_size. */
/*@ assigns \nothing;
    ensures \result == level_of(flags); */
static uint32_t page_level(uint32_t flags)
{
    uint32_t size = flags / PAGE_SIZE_2M % 16u;
    return size == 1 ? 2 : size == 2 ? 3 : 1;
}

status_t page_flags_check(uint64_t flags)
{
    if ((flags & ~(uint64_t)(PERMISSIONS | SIZES | MOST)) != 0)
        return ERR_ARGUMENT;
    if ((flags & SIZES) == SIZES || (flags & PAGE_READ) == 0)
        return ERR_ARGUMENT;
    if ((flags & PAGE_WRITE) != 0 && (flags & PAGE_EXECUTE) != 0)
        return ERR_PERM;
    return ERR_NONE;
}

/* The most rights that permissions asked for imply: what they are, and what they say they may become. */
/*@ assigns \nothing; */
static uint32_t flags_most(uint32_t flags)
{
    uint32_t most = flags & MOST;
    if ((flags & PAGE_WRITE) != 0)
        most |= PAGE_MAX_WRITE;
    if ((flags & PAGE_EXECUTE) != 0)
        most |= PAGE_MAX_EXECUTE;
    return most;
}

uint64_t memory_entry(pfn_t p, uint64_t va)
{
    pfn_t t = table_find(process_at[P(p)].root, va);
    uint64_t e = table_at[PT(t)].entry[table_index(va, table_level[t])];
    return e % 2 == 1 ? e : 0;
}

pfn_t user_frame(pfn_t root, uint64_t va, uint32_t need)
{
    if (va < USER_BASE || va >= USER_TOP)
        return 0;
    pfn_t t = table_find(root, va);
    uint32_t level = table_level[t];
    uint64_t e = table_at[PT(t)].entry[table_index(va, level)];
    if (e % 2 == 0)
        return 0;
    uint32_t flags = entry_flags(e);
    if ((flags & PAGE_DEVICE) != 0 || (flags & need) != need)
        return 0;
    return (pfn_t)(entry_frame(e) + va / PAGE_SIZE % page_span(flags));
}

/* Why nothing of this size can be mapped at va: something is there, or a superpage or table is in the way. */
/*@ requires kernel_wf && is_process(p) && va < USER_TOP && 1 <= level <= 3;
    assigns \nothing; */
static status_t place_check(pfn_t p, uint64_t va, uint32_t level)
{
    pfn_t t = table_find(process_at[P(p)].root, va);
    uint32_t at = table_level[t];
    if (at < level)
        return ERR_EXISTS; /* smaller pages were mapped here, their table is left */
    return table_at[PT(t)].entry[table_index(va, at)] % 2 == 1 ? ERR_EXISTS : ERR_NONE;
}

/* Maps a frame where place_check found room, makes the tables, and charges pages for it and them. */
/*@ requires kernel_wf && is_process(p) && va < USER_TOP && 1 <= level <= 3;
    ensures kernel_wf; */
static void place(pfn_t p, uint64_t va, uint32_t level, uint64_t entry, uint64_t pages)
{
    pfn_t root = process_at[P(p)].root;
    process_charge(p, pages + table_missing(root, va, level));
    pfn_t t = table_make(root, va, level);
    table_set(t, table_index(va, level), entry);
}

/* Pages charged for the superpage p is making; 0: none. */
/*@ requires is_process(p);
    assigns \nothing; */
static uint32_t block_span(pfn_t p)
{
    if (process_at[P(p)].block == 0)
        return 0;
    return process_at[P(p)].block_size == BLOCK_2M ? PAGES_2M : PAGES_1G;
}

/* Zeroes the next piece of the superpage p has begun to make. 1: all of it is zero. */
/*@ requires kernel_wf && is_process(p) && process_at[p].block != 0;
    ensures kernel_wf; */
static bool block_zero(pfn_t p)
{
    uint32_t done = process_at[P(p)].block_done;
    uint32_t span = block_span(p);
    uint32_t n;
    /*@ loop invariant 0 <= n <= ZERO_PIECE;
        loop variant ZERO_PIECE - n; */
    for (n = 0; n < ZERO_PIECE && done + n < span; n++)
        arch_frame_clear(process_at[P(p)].block + done + n);
    process_at[P(p)].block_done = done + n;
    return done + n == span;
}

/* p begins to make a superpage; one of another size that it had begun is given up. */
/*@ requires kernel_wf && is_process(p) && (size == BLOCK_2M || size == BLOCK_1G);
    ensures kernel_wf; */
static status_t block_begin(pfn_t p, uint8_t size, uint32_t span, uint32_t missing)
{
    if (span + missing > container_left(frame_owner[p]) + block_span(p))
        return ERR_QUOTA;
    pfn_t b = block_alloc(size);
    if (b == 0)
        return ERR_MEMORY;
    memory_block_drop(p);
    process_charge(p, span);
    process_at[P(p)].block = b;
    process_at[P(p)].block_size = size;
    process_at[P(p)].block_done = 0;
    return ERR_NONE;
}

/* A superpage is made in pieces: charged and allocated first, then zeroed, kept in the process until it is mapped. */
/*@ requires kernel_wf && is_process(p) && va < USER_TOP;
    ensures kernel_wf; */
static status_t memory_map_super(pfn_t p, uint64_t va, uint32_t flags)
{
    uint32_t span = page_span(flags);
    uint32_t missing = table_missing(process_at[P(p)].root, va, page_level(flags));
    if (block_span(p) != span) {
        status_t status = block_begin(p, (uint8_t)(page_level(flags) - 1), span, missing);
        if (status != ERR_NONE)
            return status;
    }
    if (!process_fits(p, missing))
        return ERR_QUOTA;
    if (!block_zero(p))
        return ERR_AGAIN;
    pfn_t b = process_at[P(p)].block;
    process_at[P(p)].block = 0;
    frame_become_user(b);
    page_map(b);
    place(p, va, page_level(flags), entry_make(b, flags | MOST), 0);
    return ERR_NONE;
}

void memory_block_drop(pfn_t p)
{
    uint32_t span = block_span(p);
    if (span == 0)
        return;
    block_free(process_at[P(p)].block, process_at[P(p)].block_size);
    process_at[P(p)].block = 0;
    process_uncharge(p, span);
}

status_t memory_map(pfn_t p, uint64_t va, uint32_t flags)
{
    status_t status = place_check(p, va, page_level(flags));
    if (status != ERR_NONE)
        return status;
    if (page_level(flags) != 1)
        return memory_map_super(p, va, flags);
    if (!process_fits(p, 1 + table_missing(process_at[P(p)].root, va, 1)))
        return ERR_QUOTA;
    pfn_t f = frame_create(FRAME_USER);
    if (f == 0)
        return ERR_MEMORY;
    page_map(f);
    place(p, va, 1, entry_make(f, flags | MOST), 1);
    return ERR_NONE;
}

/* Whether exactly one page of these flags' size is mapped at va. */
/*@ assigns \nothing; */
static status_t entry_check(uint64_t entry, uint32_t flags)
{
    if (entry == 0)
        return ERR_UNMAPPED;
    if (page_level(entry_flags(entry)) != page_level(flags))
        return ERR_SIZE;
    return ERR_NONE;
}

status_t memory_unmap(pfn_t p, uint64_t va, uint32_t flags)
{
    pfn_t root = process_at[P(p)].root;
    pfn_t t = table_find(root, va);
    uint32_t k = table_index(va, table_level[t]);
    status_t status = entry_check(memory_entry(p, va), flags);
    if (status != ERR_NONE)
        return status;
    memory_entry_drop(p, t, k, va);
    process_uncharge(p, table_prune(t));
    return ERR_NONE;
}

/* A mapping of p changed: what threads noted of their message pages is no longer to be relied on. */
/*@ requires kernel_wf && is_process(p);
    assigns process_at[p].mapping_birth, frame_next_birth; */
static inline void mapping_changed(pfn_t p) { process_at[P(p)].mapping_birth = frame_birth(); }

void memory_entry_drop(pfn_t p, pfn_t t, uint32_t k, uint64_t va)
{
    uint64_t e = table_clear(t, k);
    uint32_t flags = entry_flags(e);
    mapping_changed(p);
    arch_tlb_invalidate(process_at[P(p)].root, va, page_span(flags));
    if ((flags & PAGE_DEVICE) != 0)
        return;
    (void)page_unmap((pfn_t)entry_frame(e), (uint8_t)(page_level(flags) - 1));
    process_uncharge(p, page_span(flags));
}

status_t memory_protect(pfn_t p, uint64_t va, uint32_t flags)
{
    uint64_t e = memory_entry(p, va);
    status_t status = entry_check(e, flags);
    if (status != ERR_NONE)
        return status;
    uint32_t old = entry_flags(e);
    uint32_t most = flags_most(flags);
    if ((most & ~old) != 0)
        return ERR_PERM;
    uint32_t keep = old & (SIZES | PAGE_DEVICE | MOST);
    pfn_t root = process_at[P(p)].root;
    pfn_t t = table_find(root, va);
    table_change(t, table_index(va, table_level[t]),
                 entry_make(entry_frame(e), (flags & PERMISSIONS) | keep));
    mapping_changed(p);
    arch_tlb_invalidate(root, va, page_span(old));
    return ERR_NONE;
}

struct share_plan memory_share_plan(pfn_t from, uint64_t source, pfn_t to, uint64_t target,
                                    uint32_t flags)
{
    struct share_plan plan = {ERR_NONE, 0};
    uint64_t e = memory_entry(from, source);
    plan.status = entry_check(e, flags);
    if (plan.status != ERR_NONE)
        return plan;
    uint32_t old = entry_flags(e);
    if ((old & PAGE_DEVICE) != 0 || (flags_most(flags) & ~old) != 0)
        plan.status = ERR_PERM;
    if (plan.status != ERR_NONE)
        return plan;
    plan.status = place_check(to, target, page_level(flags));
    if (plan.status == ERR_NONE)
        plan.need =
            page_span(flags) + table_missing(process_at[P(to)].root, target, page_level(flags));
    return plan;
}

/* Only tables need frames here: the page exists. */
/*@ requires kernel_wf && is_process(p);
    assigns \nothing; */
static bool share_fits(pfn_t p, uint32_t need)
{
    return need <= container_left(frame_owner[p]) && alloc_free_frames() >= TABLE_LEVELS;
}

status_t memory_share(pfn_t from, uint64_t source, pfn_t to, uint64_t target, uint32_t flags)
{
    struct share_plan plan = memory_share_plan(from, source, to, target, flags);
    if (plan.status != ERR_NONE)
        return plan.status;
    if (!share_fits(to, plan.need))
        return ERR_QUOTA;
    pfn_t f = (pfn_t)entry_frame(memory_entry(from, source));
    page_map(f);
    uint32_t all = (flags & (PERMISSIONS | SIZES)) | flags_most(flags);
    place(to, target, page_level(flags), entry_make(f, all), page_span(flags));
    return ERR_NONE;
}

status_t memory_device(pfn_t p, uint64_t va, uint64_t frame, uint32_t flags)
{
    status_t status = place_check(p, va, 1);
    if (status != ERR_NONE)
        return status;
    if (!process_fits(p, table_missing(process_at[P(p)].root, va, 1)))
        return ERR_QUOTA;
    uint32_t all = (flags & PERMISSIONS) | flags_most(flags) | PAGE_DEVICE;
    place(p, va, 1, entry_make(frame, all), 0);
    return ERR_NONE;
}
