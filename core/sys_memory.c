/* SPDX-License-Identifier: MIT */
/*
 * System calls on memory. Each handles up to a piece of pages, stops before the first it cannot handle, and says how many
 * are done; an error says that none was.
 */
#include "core/sys.h"

/* Checks address, count and size: ARGUMENT, ALIGN, RANGE. */
/*@ requires span == 1 || span == PAGES_2M || span == PAGES_1G;
    assigns \nothing;
    ensures \result == ERR_NONE ==> 1 <= count <= USER_TOP / PAGE_SIZE && va % (span * PAGE_SIZE) == 0 &&
        USER_BASE <= va && va + count * span * PAGE_SIZE <= USER_TOP; */
static inline status_t range_check(uint64_t va, uint64_t count, uint64_t span)
{
    if (count == 0 || count > USER_TOP / PAGE_SIZE)
        return ERR_ARGUMENT;
    if ((va & (span * PAGE_SIZE - 1)) != 0)
        return ERR_ALIGN;
    return user_range(va, count * span) ? ERR_NONE : ERR_RANGE;
}

/* 1 if a page of 4 KiB at va is user memory. */
/*@ assigns \nothing;
    ensures \result == 1 <==> va % PAGE_SIZE == 0 && USER_BASE <= va < USER_TOP; */
static inline bool page_is_fine(uint64_t va)
{
    return va % PAGE_SIZE == 0 && va >= USER_BASE && va < USER_TOP;
}

/* How many of count pages one call handles. */
/*@ requires count > 0;
    assigns \nothing;
    ensures 1 <= \result <= piece || piece == 0;
    ensures \result <= count; */
static inline uint32_t pages_now(uint64_t count, uint32_t piece)
{
    return count < piece ? (uint32_t)count : piece;
}

/* The flags that stay when they are known to be right. */
/*@ assigns \nothing; */
static inline uint32_t flags_of(pfn_t t, uint32_t argument)
{
    return (uint32_t)(reg_get(t, argument) % 0x10000u);
}

/* Flags of calls that look at the size only. */
/*@ assigns \nothing; */
static inline status_t size_flags_check(uint64_t flags)
{
    return page_flags_check(flags | PAGE_READ) == ERR_ARGUMENT ? ERR_ARGUMENT : ERR_NONE;
}

/* The call's answer after done pages and the status that stopped it. */
/*@ requires is_thread(t);
    assigns thread_at[t].reg[ARG0]; */
static inline status_t range_done(pfn_t t, struct progress so_far)
{
    if (so_far.done == 0)
        return so_far.status;
    reg_set(t, ARG0, so_far.done);
    return ERR_NONE;
}

/* The same for a call on one page. */
/*@ requires is_thread(t);
    assigns thread_at[t].reg[ARG0];
    ensures \result == status; */
static inline status_t page_done(pfn_t t, status_t status)
{
    if (status == ERR_NONE)
        reg_set(t, ARG0, 1);
    return status;
}

/* What map, unmap and protect have in common: the process is found, flags are checked, the range and the process are. */
/*@ requires kernel_wf && is_thread(t);
    assigns \nothing;
    ensures \result == ERR_NONE ==> is_process(p.object) && process_at[p.object].dying == 0; */
static __attribute__((noinline)) status_t pages_check(pfn_t t, struct found p, status_t flags_status)
{
    if (p.status != ERR_NONE)
        return p.status;
    if (flags_status != ERR_NONE)
        return flags_status;
    status_t status = range_check(reg_get(t, ARG1), reg_get(t, ARG2), page_span(flags_of(t, ARG3)));
    if (status != ERR_NONE)
        return status;
    return process_at[P(p.object)].dying != 0 ? ERR_DYING : ERR_NONE;
}

status_t sys_map(pfn_t t)
{
    struct found p = find_process(t, reg_get(t, ARG0), RIGHT_WRITE);
    status_t status = pages_check(t, p, page_flags_check(reg_get(t, ARG3)));
    if (status != ERR_NONE)
        return status;
    uint32_t count = pages_now(reg_get(t, ARG2), MAP_PIECE);
    return range_done(t, memory_map_pages(p.object, reg_get(t, ARG1), count, flags_of(t, ARG3)));
}

/* sys_unmap, whatever is asked. */
/*@ requires kernel_wf && runs(t);
    ensures kernel_wf; */
static RARE status_t unmap_any(pfn_t t)
{
    struct found p = find_process(t, reg_get(t, ARG0), RIGHT_WRITE);
    status_t status = pages_check(t, p, size_flags_check(reg_get(t, ARG3)));
    if (status != ERR_NONE)
        return status;
    uint32_t count = pages_now(reg_get(t, ARG2), PAGE_PIECE);
    return range_done(t, memory_unmap_pages(p.object, reg_get(t, ARG1), count, flags_of(t, ARG3)));
}

status_t sys_unmap(pfn_t t)
{
    struct found p = find_process(t, reg_get(t, ARG0), RIGHT_WRITE);
    if (p.status == ERR_NONE && reg_get(t, ARG3) == 0 && reg_get(t, ARG2) == 1 &&
        page_is_fine(reg_get(t, ARG1)) && process_at[P(p.object)].dying == 0)
        return page_done(t, memory_unmap(p.object, reg_get(t, ARG1)));
    return unmap_any(t);
}

status_t sys_protect(pfn_t t)
{
    struct found p = find_process(t, reg_get(t, ARG0), RIGHT_WRITE);
    status_t status = pages_check(t, p, page_flags_check(reg_get(t, ARG3)));
    if (status != ERR_NONE)
        return status;
    uint32_t count = pages_now(reg_get(t, ARG2), PAGE_PIECE);
    return range_done(t, memory_protect_pages(p.object, reg_get(t, ARG1), count, flags_of(t, ARG3)));
}

/* The right to `from` that sharing with these flags takes: to write what it has is to change it. */
/*@ assigns \nothing; */
static inline uint8_t share_right(uint64_t flags)
{
    return (flags & (PAGE_WRITE | PAGE_MAX_WRITE)) != 0 ? RIGHT_WRITE : RIGHT_READ;
}

/* sys_share, whatever is asked. */
/*@ requires kernel_wf && runs(t);
    ensures kernel_wf; */
static RARE status_t share_any(pfn_t t)
{
    struct found from = find_process(t, reg_get(t, ARG0), share_right(reg_get(t, ARG5)));
    if (from.status != ERR_NONE)
        return from.status;
    struct found to = find_process(t, reg_get(t, ARG2), RIGHT_WRITE);
    if (to.status != ERR_NONE)
        return to.status;
    status_t status = page_flags_check(reg_get(t, ARG5));
    if (status != ERR_NONE)
        return status;
    uint32_t flags = flags_of(t, ARG5);
    uint64_t count = reg_get(t, ARG4);
    status = range_check(reg_get(t, ARG1), count, page_span(flags));
    if (status != ERR_NONE)
        return status;
    status = range_check(reg_get(t, ARG3), count, page_span(flags));
    if (status != ERR_NONE)
        return status;
    if (process_at[P(from.object)].dying + process_at[P(to.object)].dying != 0)
        return ERR_DYING;
    return range_done(t, memory_share_pages(from.object, reg_get(t, ARG1), to.object,
                                            reg_get(t, ARG3), pages_now(count, PAGE_PIECE), flags));
}

status_t sys_share(pfn_t t)
{
    struct found from = find_process(t, reg_get(t, ARG0), share_right(reg_get(t, ARG5)));
    struct found to = find_process(t, reg_get(t, ARG2), RIGHT_WRITE);
    uint32_t flags = flags_of(t, ARG5);
    if (from.status == ERR_NONE && to.status == ERR_NONE &&
        page_flags_check(reg_get(t, ARG5)) == ERR_NONE && reg_get(t, ARG4) == 1 &&
        page_span(flags) == 1 && page_is_fine(reg_get(t, ARG1)) && page_is_fine(reg_get(t, ARG3)) &&
        process_at[P(from.object)].dying + process_at[P(to.object)].dying == 0)
        return page_done(
            t, memory_share(from.object, reg_get(t, ARG1), to.object, reg_get(t, ARG3), flags));
    return share_any(t);
}

/* The first address of the page of these flags' size that va is in. */
/*@ assigns \nothing;
    ensures small: span_of(flags) == 1 ==> \result == va - va % SPAN_4K;
    ensures big: span_of(flags) == PAGES_2M ==> \result == va - va % SPAN_2M;
    ensures giga: span_of(flags) == PAGES_1G ==> \result == va - va % SPAN_1G; */
static uint64_t page_base(uint64_t va, uint32_t flags)
{
    uint32_t span = page_span(flags);
    if (span == 1)
        return va - va % SPAN_4K;
    return span == PAGES_2M ? va - va % SPAN_2M : va - va % SPAN_1G;
}

status_t sys_query(pfn_t t)
{
    struct found p = find_process(t, reg_get(t, ARG0), RIGHT_READ);
    if (p.status != ERR_NONE)
        return p.status;
    uint64_t va = reg_get(t, ARG1);
    if (va < USER_BASE || va >= USER_TOP)
        return ERR_RANGE;
    uint64_t e = memory_entry(p.object, va);
    if (e == 0)
        return ERR_UNMAPPED;
    uint32_t flags = entry_flags(e);
    reg_set(t, ARG0, flags);
    reg_set(t, ARG1, page_base(va, flags));
    reg_set(t, ARG2, e / PTE_DEVICE % 2u == 1 ? 1 : frame_maps[entry_frame(e)]);
    return ERR_NONE;
}

status_t sys_device_map(pfn_t t)
{
    slot_t slot = slot_of_thread(t, reg_get(t, ARG0));
    status_t status = slot_check(slot, KIND_MEMORY, RIGHT_WRITE);
    if (status != ERR_NONE)
        return status;
    struct found p = find_process(t, reg_get(t, ARG1), RIGHT_WRITE);
    if (p.status != ERR_NONE)
        return p.status;
    uint64_t flags = reg_get(t, ARG5);
    status = page_flags_check(flags);
    if (status != ERR_NONE)
        return status;
    if (page_span((uint32_t)(flags % 64)) != 1)
        return ERR_ARGUMENT;
    uint64_t va = reg_get(t, ARG2);
    uint64_t count = reg_get(t, ARG4);
    status = range_check(va, count, 1);
    if (status != ERR_NONE)
        return status;
    uint64_t first = reg_get(t, ARG3);
    uint64_t pages = handle_at[H(slot)].generation;
    if (first >= pages || count > pages - first)
        return ERR_ARGUMENT;
    first += handle_at[H(slot)].badge;
    if (arch_is_device_memory(first, count) == 0)
        return ERR_ARGUMENT;
    if (process_at[P(p.object)].dying != 0)
        return ERR_DYING;
    count = pages_now(count, PAGE_PIECE);
    return range_done(t,
                      memory_device_pages(p.object, va, (uint32_t)count, first, flags_of(t, ARG5)));
}
