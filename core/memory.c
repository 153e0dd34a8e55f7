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

/* Where va is in the address space of p. */
/*@ requires tables_wf && is_process(p) && is_root(process_at[p].root) && va < USER_TOP;
    assigns \nothing;
    ensures table: is_table(\result.table) && \result.index < limit_of(\result.table);
    ensures level: \result.level == table_level[\result.table] && 1 <= \result.level <= 4;
    ensures here: \result.entry == entry_of(\result.table, \result.index);
    ensures entry: \result.entry == resolve(process_at[p].root, va);
    ensures ends: is_leaf(\result.table, \result.index) || \result.entry == 0; */
INDEX_GUARD struct table_spot spot_of(pfn_t p, uint64_t va)
{
    return table_walk_deep(process_at[P(p)].root, va);
}

uint64_t memory_entry(pfn_t p, uint64_t va) { return table_walk(process_at[P(p)].root, va).entry; }

RARE pfn_t user_frame(pfn_t root, uint64_t va, uint32_t need)
{
    if (va < USER_BASE || va >= USER_TOP)
        return 0;
    struct table_spot at = table_walk(root, va);
    if (at.entry == 0)
        return 0;
    uint32_t flags = entry_flags(at.entry);
    if ((flags & PAGE_DEVICE) != 0 || (flags & need) != need)
        return 0;
    return (pfn_t)(entry_frame(at.entry) + va / PAGE_SIZE % page_span(flags));
}

/* Why nothing can be mapped there by an entry of a table of this level: something is, or a superpage or table is in the
   way. */
/*@ assigns \nothing;
    ensures \result == (at.level < level || at.entry != 0 ? ERR_EXISTS : ERR_NONE); */
static inline status_t spot_free(struct table_spot at, uint32_t level)
{
    if (at.level < level)
        return ERR_EXISTS; /* smaller pages were mapped here, their table is left */
    return at.entry != 0 ? ERR_EXISTS : ERR_NONE;
}

/* Whether exactly one page of that level is mapped there: UNMAPPED, SIZE. */
/*@ assigns \nothing;
    ensures \result == (at.entry == 0 ? ERR_UNMAPPED : at.level != level ? ERR_SIZE : ERR_NONE); */
static inline status_t spot_check(struct table_spot at, uint32_t level)
{
    if (at.entry == 0)
        return ERR_UNMAPPED;
    return at.level != level ? ERR_SIZE : ERR_NONE;
}

/* Where the next page is, whose address is va; without a walk if the same table has it. */
/*@ requires tables_wf && is_process(p) && is_root(process_at[p].root) && va < USER_TOP;
    assigns \nothing;
    ensures is_table(\result.table) && \result.index < limit_of(\result.table); */
static inline struct table_spot spot_next(struct table_spot at, pfn_t p, uint64_t va)
{
    if (at.level != 1 || at.index + 1 == TABLE_ENTRIES)
        return table_walk(process_at[P(p)].root, va);
    at.index++;
    at.entry = table_at[PT(at.table)].entry[at.index];
    return at;
}

/* The table of that level for va, made, and charged with what it takes; there is one of level found. */
/*@ requires kernel_wf && is_process(p) && va < USER_TOP && 1 <= level <= 3 && level < found;
    ensures kernel_wf;
    ensures is_table(\result) && table_level[\result] == level; */
static pfn_t spot_make(pfn_t p, uint64_t va, uint32_t level, uint32_t found)
{
    process_charge(p, found - level);
    return table_make(process_at[P(p)].root, va, level);
}

/* Maps an entry where spot_free said so, makes the tables, and charges pages for it and them. Says where it is. */
/*@ requires kernel_wf && is_process(p) && va < USER_TOP && 1 <= level <= 3 && level <= at.level;
    ensures kernel_wf; */
INDEX_GUARD struct table_spot place_now(struct table_spot at, pfn_t p, uint64_t va, uint32_t level,
                                        uint64_t entry, uint64_t pages)
{
    if (at.level != level) {
        at.table = spot_make(p, va, level, at.level);
        at.level = (uint16_t)level;
        at.index = (uint16_t)table_index(va, level);
    }
    process_charge(p, pages);
    table_set(at.table, at.index, entry);
    return at;
}

/* The same where it need not be fast. */
/*@ requires kernel_wf && is_process(p) && va < USER_TOP && 1 <= level <= 3 && level <= at.level;
    ensures kernel_wf; */
static RARE struct table_spot place(struct table_spot at, pfn_t p, uint64_t va, uint32_t level,
                                    uint64_t entry, uint64_t pages)
{
    return place_now(at, p, va, level, entry, pages);
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
static RARE bool block_zero(pfn_t p)
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
static RARE status_t block_begin(pfn_t p, uint8_t size, uint32_t span, uint32_t missing)
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
/*@ requires kernel_wf && is_process(p) && va < USER_TOP && level_of(flags) > 1;
    ensures kernel_wf; */
static RARE status_t memory_map_super(pfn_t p, uint64_t va, uint32_t flags)
{
    uint32_t level = page_level(flags);
    uint32_t span = page_span(flags);
    struct table_spot at = table_walk(process_at[P(p)].root, va);
    status_t status = spot_free(at, level);
    if (status != ERR_NONE)
        return status;
    uint32_t missing = at.level - level;
    if (block_span(p) != span) {
        status = block_begin(p, (uint8_t)(level - 1), span, missing);
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
    (void)place(at, p, va, level, entry_make(b, flags | MOST), 0);
    return ERR_NONE;
}

RARE void memory_block_drop(pfn_t p)
{
    uint32_t span = block_span(p);
    if (span == 0)
        return;
    block_free(process_at[P(p)].block, process_at[P(p)].block_size);
    process_at[P(p)].block = 0;
    process_uncharge(p, span);
}

/* A fresh zeroed page of 4 KiB. */
/*@ requires kernel_wf && is_process(p) && va < USER_TOP && \valid(at);
    ensures kernel_wf; */
static inline status_t map_one(struct table_spot *at, pfn_t p, uint64_t va, uint32_t flags)
{
    status_t status = spot_free(*at, 1);
    if (status != ERR_NONE)
        return status;
    if (!process_fits(p, at->level))
        return ERR_QUOTA;
    pfn_t f = frame_create(FRAME_USER);
    if (f == 0)
        return ERR_MEMORY;
    page_map(f);
    *at = place(*at, p, va, 1, entry_make(f, flags | MOST), 1);
    return ERR_NONE;
}

RARE struct progress memory_map_pages(pfn_t p, uint64_t va, uint32_t count, uint32_t flags)
{
    struct progress so_far = {0, ERR_NONE};
    if (page_level(flags) != 1) {
        so_far.status = memory_map_super(p, va, flags);
        so_far.done = so_far.status == ERR_NONE;
        return so_far;
    }
    struct table_spot at = spot_of(p, va);
    /*@ loop invariant so_far.done < count;
        loop variant count - so_far.done; */
    for (;;) {
        so_far.status = map_one(&at, p, va, flags);
        if (so_far.status != ERR_NONE || ++so_far.done == count)
            return so_far;
        va += PAGE_SIZE;
        at = spot_next(at, p, va);
    }
}

/* A mapping of p changed: what threads noted of their message pages is no longer to be relied on. */
/*@ requires kernel_wf && is_process(p);
    assigns process_at[p].mapping_birth, frame_next_birth; */
static inline void mapping_changed(pfn_t p) { process_at[P(p)].mapping_birth = frame_birth(); }

/* Takes away the leaf entry at a place, which maps va in p; says how many pages are charged to p for nothing now. */
/*@ requires kernel_wf && is_process(p) && is_table(at.table) && at.index < limit_of(at.table) && is_leaf(at.table, at.index);
    ensures \result <= PAGES_1G; */
static inline uint32_t entry_drop(struct table_spot at, pfn_t p, uint64_t va)
{
    uint32_t pages = at.level == 1 ? 1 : at.level == 2 ? PAGES_2M : PAGES_1G;
    uint64_t e = table_clear(at.table, at.index);
    mapping_changed(p);
    arch_tlb_invalidate(process_at[P(p)].root, va, pages);
    if (e / PTE_DEVICE % 2u == 1)
        return 0;
    (void)page_unmap((pfn_t)entry_frame(e), (uint8_t)(at.level - 1));
    return pages;
}

status_t memory_unmap(pfn_t p, uint64_t va)
{
    struct table_spot at = spot_of(p, va);
    status_t status = spot_check(at, 1);
    if (status != ERR_NONE)
        return status;
    uint32_t pages = entry_drop(at, p, va);
    if (table_used[at.table] == 0)
        pages += table_prune(at.table);
    process_uncharge(p, pages);
    return ERR_NONE;
}

RARE struct progress memory_unmap_pages(pfn_t p, uint64_t va, uint32_t count, uint32_t flags)
{
    uint32_t level = page_level(flags);
    uint64_t bytes = page_bytes(flags);
    uint64_t pages = 0;
    struct progress so_far = {0, ERR_NONE};
    struct table_spot at = table_walk(process_at[P(p)].root, va);
    /*@ loop invariant so_far.done < count;
        loop variant count - so_far.done; */
    for (;;) {
        so_far.status = spot_check(at, level);
        if (so_far.status != ERR_NONE)
            break;
        pages += entry_drop(at, p, va);
        if (table_used[at.table] == 0) {
            pages += table_prune(at.table);
            at.level = TABLE_ROOT_LEVEL; /* the table may be gone: the next page takes a walk */
        }
        if (++so_far.done == count)
            break;
        va += bytes;
        at = spot_next(at, p, va);
    }
    process_uncharge(p, pages);
    return so_far;
}

RARE void memory_entry_drop(pfn_t p, pfn_t t, uint32_t k, uint64_t va)
{
    struct table_spot at = {0, t, (uint16_t)k, table_level[t]};
    process_uncharge(p, entry_drop(at, p, va));
}

/* Other permissions, within the most the mapping may have. */
/*@ requires kernel_wf && is_process(p) && is_table(at.table) && at.index < limit_of(at.table);
    ensures kernel_wf; */
static inline status_t protect_one(struct table_spot at, pfn_t p, uint64_t va, uint32_t flags)
{
    status_t status = spot_check(at, page_level(flags));
    if (status != ERR_NONE)
        return status;
    uint32_t old = entry_flags(at.entry);
    if ((flags_most(flags) & ~old) != 0)
        return ERR_PERM;
    uint32_t keep = old & (SIZES | PAGE_DEVICE | MOST);
    table_change(at.table, at.index,
                 entry_make(entry_frame(at.entry), (flags & PERMISSIONS) | keep));
    mapping_changed(p);
    arch_tlb_invalidate(process_at[P(p)].root, va, page_span(old));
    return ERR_NONE;
}

RARE struct progress memory_protect_pages(pfn_t p, uint64_t va, uint32_t count, uint32_t flags)
{
    uint64_t bytes = page_bytes(flags);
    struct progress so_far = {0, ERR_NONE};
    struct table_spot at = table_walk(process_at[P(p)].root, va);
    /*@ loop invariant so_far.done < count;
        loop variant count - so_far.done; */
    for (;;) {
        so_far.status = protect_one(at, p, va, flags);
        if (so_far.status != ERR_NONE || ++so_far.done == count)
            return so_far;
        va += bytes;
        at = spot_next(at, p, va);
    }
}

/* Whether the page at one place may be shared at another, with those rights at most: UNMAPPED, SIZE, PERM, EXISTS. */
/*@ requires 1 <= level <= 3;
    assigns \nothing;
    ensures \result == ERR_NONE ==> from.entry != 0 && from.level == level <= to.level && to.entry == 0; */
static inline status_t share_check(struct table_spot from, struct table_spot to, uint32_t level,
                                   uint32_t most)
{
    status_t status = spot_check(from, level);
    if (status != ERR_NONE)
        return status;
    uint64_t may = from.entry / PTE_MAX_WRITE % 8u * PAGE_MAX_WRITE;
    if ((may & PAGE_DEVICE) != 0 || (most & ~may) != 0)
        return ERR_PERM;
    return spot_free(to, level);
}

RARE struct share_plan memory_share_plan(pfn_t from, uint64_t source, pfn_t to, uint64_t target,
                                         uint32_t flags)
{
    uint32_t level = page_level(flags);
    struct table_spot there = table_walk(process_at[P(to)].root, target);
    struct share_plan plan = {
        share_check(table_walk(process_at[P(from)].root, source), there, level, flags_most(flags)),
        0};
    if (plan.status == ERR_NONE)
        plan.need = page_span(flags) + there.level - level;
    return plan;
}

/* Only tables need frames here: the page exists. */
/*@ requires kernel_wf && is_process(p);
    assigns \nothing; */
static inline bool share_fits(pfn_t p, uint32_t need)
{
    return need <= container_left(frame_owner[p]) && alloc_free_frames() >= TABLE_LEVELS;
}

/* Shares the page at `here` where `there` is, with the rights of blank, an entry without a frame. */
/*@ requires kernel_wf && is_process(to) && target < USER_TOP && 1 <= level <= 3 && \valid(there);
    ensures kernel_wf; */
INDEX_GUARD status_t share_one(struct table_spot here, struct table_spot *there, pfn_t to,
                               uint64_t target, uint32_t level, uint64_t blank)
{
    uint32_t span = level == 1 ? 1 : level == 2 ? PAGES_2M : PAGES_1G;
    uint32_t most = (uint32_t)(blank / PTE_MAX_WRITE % 4u * PAGE_MAX_WRITE);
    status_t status = share_check(here, *there, level, most);
    if (status != ERR_NONE)
        return status;
    if (!share_fits(to, span + there->level - level))
        return ERR_QUOTA;
    uint64_t f = entry_frame(here.entry);
    page_map((pfn_t)f);
    uint64_t entry = blank + f * PAGE_SIZE;
    *there = level == 1 && span == 1 ? place_now(*there, to, target, level, entry, span)
                                     : place(*there, to, target, level, entry, span);
    return ERR_NONE;
}

/* The entry without a frame for pages that are shared with these flags. */
/*@ requires page_flags(flags);
    assigns \nothing;
    ensures entry_present(\result) && entry_pfn(\result) == 0; */
static inline uint64_t share_blank(uint32_t flags)
{
    return entry_make(0, (flags & (PERMISSIONS | SIZES)) | flags_most(flags));
}

RARE struct progress memory_share_pages(pfn_t from, uint64_t source, pfn_t to, uint64_t target,
                                        uint32_t count, uint32_t flags)
{
    uint32_t level = page_level(flags);
    uint64_t bytes = page_bytes(flags);
    uint64_t blank = share_blank(flags);
    struct progress so_far = {0, ERR_NONE};
    struct table_spot here = table_walk(process_at[P(from)].root, source);
    struct table_spot there = table_walk(process_at[P(to)].root, target);
    /*@ loop invariant so_far.done < count;
        loop variant count - so_far.done; */
    for (;;) {
        so_far.status = share_one(here, &there, to, target, level, blank);
        if (so_far.status != ERR_NONE || ++so_far.done == count)
            return so_far;
        source += bytes;
        target += bytes;
        here = spot_next(here, from, source);
        there = spot_next(there, to, target);
    }
}

status_t memory_share(pfn_t from, uint64_t source, pfn_t to, uint64_t target, uint32_t flags)
{
    struct table_spot here = spot_of(from, source), there = spot_of(to, target);
    return share_one(here, &there, to, target, 1, share_blank(flags & ~(uint32_t)SIZES));
}

/* One page of device memory. */
/*@ requires kernel_wf && is_process(p) && va < USER_TOP && \valid(at);
    ensures kernel_wf; */
static inline status_t device_one(struct table_spot *at, pfn_t p, uint64_t va, uint64_t frame,
                                  uint32_t flags)
{
    status_t status = spot_free(*at, 1);
    if (status != ERR_NONE)
        return status;
    if (!process_fits(p, at->level - 1))
        return ERR_QUOTA;
    uint32_t all = (flags & PERMISSIONS) | flags_most(flags) | PAGE_DEVICE;
    *at = place(*at, p, va, 1, entry_make(frame, all), 0);
    return ERR_NONE;
}

RARE struct progress memory_device_pages(pfn_t p, uint64_t va, uint32_t count, uint64_t frame,
                                         uint32_t flags)
{
    struct progress so_far = {0, ERR_NONE};
    struct table_spot at = table_walk(process_at[P(p)].root, va);
    /*@ loop invariant so_far.done < count;
        loop variant count - so_far.done; */
    for (;;) {
        so_far.status = device_one(&at, p, va, frame + so_far.done, flags);
        if (so_far.status != ERR_NONE || ++so_far.done == count)
            return so_far;
        va += PAGE_SIZE;
        at = spot_next(at, p, va);
    }
}
