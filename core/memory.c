/* SPDX-License-Identifier: MIT */
/* User memory; see memory.h. */
#include "core/memory.h"
#include "core/container.h"
#include "core/process.h"

#define ZERO_PIECE 16u /* frames of a superpage one call zeroes */
#define PERMISSIONS (PAGE_READ | PAGE_WRITE | PAGE_EXECUTE)
#define MOST (PAGE_MAX_WRITE | PAGE_MAX_EXECUTE)
#define FLAGS_END (2u * PAGE_MAX_EXECUTE)
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
    if (flags >= FLAGS_END || flags / PAGE_SIZE_2M % 16u > 2 || flags / 8u % 2u == 1 ||
        flags % 2u == 0)
        return ERR_ARGUMENT;
    return flags / PAGE_WRITE % 4u == 3 ? ERR_PERM : ERR_NONE;
}

/*@ predicate is_most(integer m) = m == 0 || m == 256 || m == 512 || m == 768;
    lemma most_write: \forall integer m; is_most(m) ==>
        m / PAGE_MAX_WRITE % 2 == (m == 256 || m == 768 ? 1 : 0);
    lemma most_execute: \forall integer m; is_most(m) ==>
        m / PAGE_MAX_EXECUTE % 2 == (m == 512 || m == 768 ? 1 : 0);
*/

/* One of them more. */
/*@ requires is_most(most) && (flag == PAGE_MAX_WRITE || flag == PAGE_MAX_EXECUTE);
    assigns \nothing;
    ensures write: flag == PAGE_MAX_WRITE ==> \result == (most < PAGE_MAX_EXECUTE ? 256 : 768);
    ensures execute: flag == PAGE_MAX_EXECUTE ==> \result == (most == 0 || most == 512 ? 512 : 768); */
INDEX_GUARD uint32_t most_with(uint32_t most, uint32_t flag)
{
    uint32_t sum = most | flag;
    //@ assert w0: most == 0 && flag == 256 ==> sum == 256;
    //@ assert w1: most == 256 && flag == 256 ==> sum == 256;
    //@ assert w2: most == 512 && flag == 256 ==> sum == 768;
    //@ assert w3: most == 768 && flag == 256 ==> sum == 768;
    //@ assert x0: most == 0 && flag == 512 ==> sum == 512;
    //@ assert x1: most == 256 && flag == 512 ==> sum == 768;
    //@ assert x2: most == 512 && flag == 512 ==> sum == 512;
    //@ assert x3: most == 768 && flag == 512 ==> sum == 768;
    return sum;
}

/* The most rights that permissions asked for imply: what they are, and what they say they may become. */
/*@ assigns \nothing;
    ensures most: is_most(\result);
    ensures \result == most_of(flags); */
INDEX_GUARD uint32_t flags_most(uint32_t flags)
{
    uint32_t most = flags / PAGE_MAX_WRITE % 4u * PAGE_MAX_WRITE;
    //@ ghost uint32_t two = flags / PAGE_MAX_WRITE % 4u;
    //@ assert two: two < 4 && most == two * 256;
    //@ assert half: flags / PAGE_MAX_EXECUTE == flags / PAGE_MAX_WRITE / 2;
    //@ assert write: flags / PAGE_MAX_WRITE % 2 == two % 2;
    //@ assert execute: flags / PAGE_MAX_EXECUTE % 2 == two / 2;
    //@ assert cases: two == 0 || two == 1 || two == 2 || two == 3;
    if (flags / PAGE_WRITE % 2u != 0)
        most = most_with(most, PAGE_MAX_WRITE);
    if (flags / PAGE_EXECUTE % 2u != 0)
        most = most_with(most, PAGE_MAX_EXECUTE);
    return most;
}

/* Whether rights are more than what a mapping may have. */
/*@ requires is_most(most) && is_most(may);
    assigns \nothing;
    ensures \result == 0 || \result == 1;
    ensures \result == 1 <==> beyond(most, may); */
INDEX_GUARD bool exceeds(uint32_t most, uint32_t may)
{
    uint32_t lacks = most & ~may;
    //@ assert none: most == 0 ==> lacks == 0;
    //@ assert w0: most == 256 && may == 0 ==> lacks == 256;
    //@ assert w1: most == 256 && may == 256 ==> lacks == 0;
    //@ assert w2: most == 256 && may == 512 ==> lacks == 256;
    //@ assert w3: most == 256 && may == 768 ==> lacks == 0;
    //@ assert x0: most == 512 && may == 0 ==> lacks == 512;
    //@ assert x1: most == 512 && may == 256 ==> lacks == 512;
    //@ assert x2: most == 512 && may == 512 ==> lacks == 0;
    //@ assert x3: most == 512 && may == 768 ==> lacks == 0;
    //@ assert b0: most == 768 && may == 0 ==> lacks == 768;
    //@ assert b1: most == 768 && may == 256 ==> lacks == 512;
    //@ assert b2: most == 768 && may == 512 ==> lacks == 256;
    //@ assert b3: most == 768 && may == 768 ==> lacks == 0;
    //@ assert bits: lacks != 0 <==> (most == 256 || most == 768) && (may == 0 || may == 512) || most >= 512 && may < 512;
    return lacks != 0;
}

/*@ // A walk to va ends there; the entry may have changed since.
    predicate walk_ends{L}(struct table_spot at, integer root, integer va) =
        at.table == deepest(root, ix4(va), ix3(va), ix2(va)) && is_table(at.table) &&
        at.level == table_level[at.table] && 1 <= at.level <= 4 &&
        at.index == slot_at(at.table, ix4(va), ix3(va), ix2(va), ix1(va)) && at.index < limit_of(at.table);
    // and has that entry.
    predicate spot_at{L}(struct table_spot at, integer root, integer va) =
        walk_ends(at, root, va) && at.entry == entry_of(at.table, at.index) && at.entry == resolve(root, va) &&
        (is_leaf(at.table, at.index) || at.entry == 0);
*/

/* Where va is in the address space of p. */
/*@ requires tables_wf && is_process(p) && is_root(process_at[p].root) && va < USER_TOP;
    assigns \nothing;
    ensures spot: spot_at(\result, process_at[p].root, va); */
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
    //@ assert most: flags / PAGE_DEVICE % 2 == flags / PAGE_MAX_WRITE % 8 / 4;
    //@ ghost uint64_t bits = at.entry / PTE_MAX_WRITE;
    //@ assert quarter: at.entry / PTE_DEVICE == bits / 4;
    //@ assert bits: bits / 4 % 2 == bits % 8 / 4;
    //@ assert device: flags / PAGE_DEVICE % 2 == at.entry / PTE_DEVICE % 2;
    //@ assert span: span_of(flags) == entry_span(at.entry);
    if (flags / PAGE_DEVICE % 2u == 1 || (need != 0 && flags / PAGE_WRITE % 2u == 0))
        return 0;
    return (pfn_t)(entry_frame(at.entry) + va / PAGE_SIZE % page_span(flags));
}

/* Why nothing can be mapped there by an entry of a table of this level: something is, or a superpage or table is in the
   way. */
/*@ assigns \nothing;
    ensures \result == free_error(at.entry, at.level, level); */
static inline status_t spot_free(struct table_spot at, uint32_t level)
{
    if (at.level < level)
        return ERR_EXISTS; /* smaller pages were mapped here, their table is left */
    return at.entry != 0 ? ERR_EXISTS : ERR_NONE;
}

/* Whether exactly one page of that level is mapped there: UNMAPPED, SIZE. */
/*@ assigns \nothing;
    ensures \result == spot_error(at.entry, at.level, level); */
static inline status_t spot_check(struct table_spot at, uint32_t level)
{
    if (at.entry == 0)
        return ERR_UNMAPPED;
    return at.level != level ? ERR_SIZE : ERR_NONE;
}

/* Where the next page is, whose address is va; without a walk if the same table has it. */
/*@ requires tables_wf && is_process(p) && is_root(process_at[p].root) && va < USER_TOP;
    requires last: at.level == 1 ==> va >= PAGE_SIZE && walk_ends(at, process_at[p].root, va - PAGE_SIZE);
    assigns \nothing;
    ensures spot: spot_at(\result, process_at[p].root, va); */
static inline struct table_spot spot_next(struct table_spot at, pfn_t p, uint64_t va)
{
    if (at.level != 1 || at.index + 1 == TABLE_ENTRIES)
        return table_walk(process_at[P(p)].root, va);
    //@ ghost uint64_t last = va / SPAN_4K - 1;
    //@ assert last: (va - PAGE_SIZE) / SPAN_4K == last && va / SPAN_4K == last + 1 && last % 512 == at.index;
    //@ assert next: (last + 1) / 512 == last / 512 && (last + 1) % 512 == last % 512 + 1;
    //@ assert ix2: va / SPAN_2M == (last + 1) / 512 && (va - PAGE_SIZE) / SPAN_2M == last / 512;
    //@ assert ix3: va / SPAN_1G == va / SPAN_2M / 512 && (va - PAGE_SIZE) / SPAN_1G == (va - PAGE_SIZE) / SPAN_2M / 512;
    //@ assert ix4: va / SPAN_512G == va / SPAN_1G / 512 && (va - PAGE_SIZE) / SPAN_512G == (va - PAGE_SIZE) / SPAN_1G / 512;
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
/*@ logic integer block_charged{L}(integer p) = process_at[p].block == 0 ? 0 :
        process_at[p].block_size == BLOCK_2M ? PAGES_2M : PAGES_1G; */
/*@ requires is_process(p);
    assigns \nothing;
    ensures \result == block_charged(p); */
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
/*@ requires frames_wf && is_process(p);
    assigns process_at[p].mapping_birth, frame_next_birth;
    ensures birth: process_at[p].mapping_birth == \old(frame_next_birth) < frame_next_birth;
    KERNEL_KEPT(0) */
static inline void mapping_changed(pfn_t p) { process_at[P(p)].mapping_birth = frame_birth(); }

/* A leaf entry goes. */
/*@ requires tables_wf && is_table(t) && k < limit_of(t);
    requires leaf: is_leaf(t, k);
    assigns table_at[t].entry[k], table_used[t];
    ensures was: \result == \old(entry_of(t, k));
    ensures done: entry_of(t, k) == 0;
    ensures paths: paths_same{Pre,Post};
    ensures exactly: leaves_changed{Pre,Post}(t, k, 0);
    KERNEL_KEPT(0) */
INDEX_GUARD uint64_t entry_clear(pfn_t t, uint32_t k) { return table_clear(t, k); }

/* A mapping of page f is gone, and f too if it was the last. */
/*@ requires page: is_user(f) && 0 < frame_maps[f] && size < BLOCK_SIZES && block_size_of(f) == size;
    requires last: frame_maps[f] == 1 ==> \forall integer s, i; !maps_frame(s, i, f);
    KERNEL_NEED(0)
    assigns ALLOC_STATE, frame_kind[f], frame_generation[f], frame_maps[f];
    KERNEL_WF(0)
    ensures maps: frame_maps[f] == \old(frame_maps[f]) - 1;
    ensures page: frame_kind[f] == (\old(frame_maps[f]) == 1 ? FRAME_FREE : FRAME_USER);
    ensures tables: tables_kept{Pre,Post}; */
INDEX_GUARD void page_drop(pfn_t f, uint8_t size)
{
    (void)page_unmap(f, size);
    //@ assert kind: frame_kind[f] == FRAME_FREE || frame_kind[f] == FRAME_USER;
    //@ assert tables: tables_kept{Pre,Here};
    //@ assert queues: queue_same{Pre,Here} && owner_same{Pre,Here};
}

/* Takes away the leaf entry at a place, which maps va in p; says how many pages are charged to p for nothing now. */
/*@ requires leaf: is_process(p) && is_table(at.table) && at.index < limit_of(at.table) && is_leaf(at.table, at.index);
    requires level: at.level == table_level[at.table] && at.level <= 3;
    requires counted: page_counted(at.table, at.index);
    KERNEL_NEED(0)
    assigns ENTRY_DROP_ASSIGNS(at.table, at.index), process_at[p].mapping_birth;
    KERNEL_WF(0)
    ensures pages: \result == page_charge(\old(entry_of(at.table, at.index)), at.level);
    ensures gone: entry_of(at.table, at.index) == 0;
    ensures exactly: leaves_changed{Pre,Post}(at.table, at.index, 0);
    ensures paths: paths_same{Pre,Post};
    ensures page: page_left{Pre,Post}(\old(entry_of(at.table, at.index))); */
static inline uint32_t entry_drop(struct table_spot at, pfn_t p, uint64_t va)
{
    uint32_t pages = at.level == 1 ? 1 : at.level == 2 ? PAGES_2M : PAGES_1G;
    uint64_t e = entry_clear(at.table, at.index);
    mapping_changed(p);
    arch_tlb_invalidate(process_at[P(p)].root, va, pages);
    if (e / PTE_DEVICE % 2u == 1)
        return 0;
    page_drop((pfn_t)entry_frame(e), (uint8_t)(at.level - 1));
    return pages;
}

/* table_prune, as part of the whole. */
/*@ requires table: is_table(t);
    KERNEL_NEED(0)
    assigns TABLE_FREE_ASSIGNS;
    KERNEL_WF(0)
    ensures leaves: leaves_same{Pre,Post};
    ensures kinds: tables_fewer{Pre,Post};
    ensures count: \result <= 3; */
INDEX_GUARD uint32_t spot_prune(pfn_t t)
{
    uint32_t freed = table_prune(t);
    //@ assert queues: queue_same{Pre,Here} && owner_same{Pre,Here};
    return freed;
}

status_t memory_unmap(pfn_t p, uint64_t va)
{
    struct table_spot at = spot_of(p, va);
    status_t status = spot_check(at, 1);
    if (status != ERR_NONE)
        return status;
    uint32_t pages = entry_drop(at, p, va);
    if (table_used[at.table] == 0)
        pages += spot_prune(at.table);
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

/* A leaf entry becomes another for the same page. */
/*@ requires tables_wf && is_table(t) && k < limit_of(t);
    requires leaf: is_leaf(t, k);
    requires value: leaf_value(table_level[t], entry);
    requires page: same_page(entry_of(t, k), entry);
    assigns table_at[t].entry[k];
    ensures done: entry_of(t, k) == entry;
    ensures paths: paths_same{Pre,Post};
    ensures exactly: leaves_changed{Pre,Post}(t, k, entry);
    KERNEL_KEPT(0) */
INDEX_GUARD void entry_change(pfn_t t, uint32_t k, uint64_t entry) { table_change(t, k, entry); }

/* The entry of one page with other permissions. */
/*@ requires flags_error(flags) == ERR_NONE;
    assigns \nothing;
    ensures value: leaf_value(level_of(flags), \result);
    ensures page: same_page(e, \result);
    ensures permits: permits(\result, flags); */
INDEX_GUARD uint64_t entry_permit(uint64_t e, uint32_t flags)
{
    uint32_t most = entry_flags(e) / PAGE_MAX_WRITE % 8u;
    uint32_t all = flags % 64u + most * PAGE_MAX_WRITE;
    //@ assert most: most == e / PTE_MAX_WRITE % 8;
    //@ assert all: all == flags % 64 + most * 256 && most < 8 && flags % 64 < 48;
    //@ assert high: all / PAGE_MAX_WRITE == most;
    //@ assert size: all / PAGE_SIZE_2M % 16 == flags / PAGE_SIZE_2M % 16;
    //@ assert low: all % 16 == flags % 16;
    return entry_make(entry_frame(e), all);
}

/* Other permissions, within the most the mapping may have. */
/*@ requires walk: is_process(p) && va < USER_TOP && spot_at(at, process_at[p].root, va);
    requires flags: flags_error(flags) == ERR_NONE;
    KERNEL_NEED(0)
    assigns table_at[at.table].entry[at.index], process_at[p].mapping_birth, frame_next_birth, ghost_machine;
    KERNEL_WF(0)
    ensures status: \result == protect_error(at.entry, at.level, flags);
    ensures refused: \result != ERR_NONE ==> entry_of(at.table, at.index) == at.entry && leaves_same{Pre,Post};
    ensures page: \result == ERR_NONE ==> same_page(at.entry, entry_of(at.table, at.index)) &&
        permits(entry_of(at.table, at.index), flags);
    ensures exactly: leaves_changed{Pre,Post}(at.table, at.index, entry_of(at.table, at.index));
    ensures paths: paths_same{Pre,Post}; */
static inline status_t protect_one(struct table_spot at, pfn_t p, uint64_t va, uint32_t flags)
{
    status_t status = spot_check(at, page_level(flags));
    if (status != ERR_NONE)
        return status;
    uint32_t old = entry_flags(at.entry);
    //@ assert may: old / PAGE_MAX_WRITE % 4 == at.entry / PTE_MAX_WRITE % 4;
    if (exceeds(flags_most(flags), old / PAGE_MAX_WRITE % 4u * PAGE_MAX_WRITE))
        return ERR_PERM;
    entry_change(at.table, at.index, entry_permit(at.entry, flags));
    mapping_changed(p);
    arch_tlb_invalidate(process_at[P(p)].root, va, page_span(old));
    return ERR_NONE;
}

RARE struct progress memory_protect_pages(pfn_t p, uint64_t va, uint32_t count, uint32_t flags)
{
    uint64_t bytes = page_bytes(flags);
    struct progress so_far = {0, ERR_NONE};
    struct table_spot at = table_walk(process_at[P(p)].root, va);
    //@ ghost uint64_t first = va;
    /*@ loop invariant done: so_far.done < count && va == first + so_far.done * bytes;
        loop invariant room: va + (count - so_far.done) * bytes <= USER_TOP;
        loop invariant spot: spot_at(at, process_at[p].root, va);
        KERNEL_LOOP(0)
        loop invariant pages: pages_permit(process_at[p].root, first, so_far.done, flags);
        loop invariant others: leaves_permit{Pre,Here}(process_at[p].root, flags);
        loop invariant none: so_far.done == 0 ==> leaves_same{Pre,Here};
        loop invariant paths: paths_same{Pre,Here};
        loop assigns so_far, va, at, table_at[0 .. FRAMES_MAX - 1], process_at[p].mapping_birth, frame_next_birth,
            ghost_machine;
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
/*@ requires is_most(most);
    assigns \nothing;
    ensures \result == share_error(from.entry, from.level, to.entry, to.level, level, most); */
static inline status_t share_check(struct table_spot from, struct table_spot to, uint32_t level,
                                   uint32_t most)
{
    status_t status = spot_check(from, level);
    if (status != ERR_NONE)
        return status;
    uint64_t may = from.entry / PTE_MAX_WRITE % 8u * PAGE_MAX_WRITE;
    //@ assert eight: may / PAGE_MAX_WRITE == from.entry / PTE_MAX_WRITE % 8 && may % PAGE_MAX_WRITE == 0;
    //@ assert device: may / PAGE_DEVICE == from.entry / PTE_DEVICE % 2;
    //@ assert may: may < PAGE_DEVICE ==> may == may_of(from.entry);
    if (may / PAGE_DEVICE != 0 || exceeds(most, (uint32_t)(may % PAGE_DEVICE)))
        return ERR_PERM;
    return spot_free(to, level);
}

RARE struct share_plan memory_share_plan(pfn_t from, uint64_t source, pfn_t to, uint64_t target,
                                         uint32_t flags)
{
    uint32_t level = page_level(flags);
    struct table_spot there = table_walk(process_at[P(to)].root, target);
    struct table_spot here = table_walk(process_at[P(from)].root, source);
    struct share_plan plan = {share_check(here, there, level, flags_most(flags)), 0};
    if (plan.status == ERR_NONE)
        plan.need = page_span(flags) + there.level - level;
    return plan;
}

/* Only tables need frames here: the page exists. */
/*@ requires is_process(p) && is_container(frame_owner[p]) && quota_wf;
    assigns \nothing;
    ensures \result == 0 || \result == 1;
    ensures \result == 1 <==> need <= left_of(frame_owner[p]) && free_frames >= TABLE_LEVELS; */
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
/*@ requires flags_error(flags) == ERR_NONE;
    assigns \nothing;
    ensures present: entry_present(\result) && \result / PTE_USER % 2 == 1;
    ensures frame: entry_pfn(\result) == 0;
    ensures size: (entry_super(\result) <==> level_of(flags) > 1) && (\result / PTE_GIGA % 2 == 1 <==> level_of(flags) == 3);
    ensures write: \result / PTE_WRITE % 2 == flags / PAGE_WRITE % 2;
    ensures execute: \result / PTE_NX == 1 - flags / PAGE_EXECUTE % 2;
    ensures most: may_of(\result) == most_of(flags) && !device_entry(\result); */
static inline uint64_t share_blank(uint32_t flags)
{
    uint32_t most = flags_most(flags);
    uint32_t all = flags % 64u + most;
    //@ assert all: flags % 64 < 48 && most % 256 == 0;
    //@ assert high: all / PAGE_MAX_WRITE == most / 256 && most / 256 < 4;
    //@ assert size: all / PAGE_SIZE_2M % 16 == flags / PAGE_SIZE_2M % 16;
    //@ assert low: all % 16 == flags % 16;
    return entry_make(0, all);
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
