/* SPDX-License-Identifier: MIT */
/*
 * System calls on memory. Each handles up to a piece of pages, stops before the first it cannot handle, and says how many
 * are done; an error says that none was.
 */
#include "core/sys.h"

/* A range a call works on, as checked. */
struct range {
    status_t status;
    uint32_t flags;
    uint32_t pages; /* of the size in flags, at most a piece */
    uint64_t bytes; /* from one to the next */
};

/* Checks address, count and size: ARGUMENT, ALIGN, RANGE. */
/*@ assigns \nothing;
    ensures \result.status == ERR_NONE ==> 1 <= \result.pages <= piece; */
static struct range range_check(uint64_t va, uint64_t count, uint64_t flags, uint32_t piece)
{
    struct range r;
    uint64_t span = page_span((uint32_t)(flags % 64));
    r.flags = (uint32_t)(flags % 0x10000);
    r.bytes = span * PAGE_SIZE;
    r.pages = count < piece ? (uint32_t)count : piece;
    r.status = ERR_NONE;
    if (count == 0 || count > USER_TOP / PAGE_SIZE)
        r.status = ERR_ARGUMENT;
    else if (va % r.bytes != 0)
        r.status = ERR_ALIGN;
    else if (!user_range(va, count * span))
        r.status = ERR_RANGE;
    return r;
}

/* Flags of calls that look at the size only. */
/*@ assigns \nothing; */
static status_t size_flags_check(uint64_t flags)
{
    return page_flags_check(flags | PAGE_READ) == ERR_ARGUMENT ? ERR_ARGUMENT : ERR_NONE;
}

/* The call's answer after done pages and the status that stopped it. */
/*@ requires is_thread(t);
    assigns thread_at[t].reg[ARG0]; */
static status_t range_done(pfn_t t, uint32_t done, status_t status)
{
    if (done == 0)
        return status;
    reg_set(t, ARG0, done);
    return ERR_NONE;
}

status_t sys_map(pfn_t t)
{
    struct found p = find_process(t, reg_get(t, ARG0), RIGHT_WRITE);
    if (p.status != ERR_NONE)
        return p.status;
    status_t status = page_flags_check(reg_get(t, ARG3));
    if (status != ERR_NONE)
        return status;
    uint64_t va = reg_get(t, ARG1);
    struct range r = range_check(va, reg_get(t, ARG2), reg_get(t, ARG3), MAP_PIECE);
    if (r.status != ERR_NONE)
        return r.status;
    if (process_at[P(p.object)].dying != 0)
        return ERR_DYING;
    if (page_span(r.flags) != 1)
        r.pages = 1; /* a superpage takes many calls already */
    uint32_t i;
    /*@ loop invariant 0 <= i <= r.pages && kernel_wf;
        loop variant MAP_PIECE - i; */
    for (i = 0; i < r.pages; i++) {
        status = memory_map(p.object, va + i * r.bytes, r.flags);
        if (status != ERR_NONE)
            break;
    }
    return range_done(t, i, status);
}

status_t sys_unmap(pfn_t t)
{
    struct found p = find_process(t, reg_get(t, ARG0), RIGHT_WRITE);
    if (p.status != ERR_NONE)
        return p.status;
    status_t status = size_flags_check(reg_get(t, ARG3));
    if (status != ERR_NONE)
        return status;
    uint64_t va = reg_get(t, ARG1);
    struct range r = range_check(va, reg_get(t, ARG2), reg_get(t, ARG3), PAGE_PIECE);
    if (r.status != ERR_NONE)
        return r.status;
    if (process_at[P(p.object)].dying != 0)
        return ERR_DYING;
    uint32_t i;
    /*@ loop invariant 0 <= i <= r.pages && kernel_wf;
        loop variant PAGE_PIECE - i; */
    for (i = 0; i < r.pages; i++) {
        status = memory_unmap(p.object, va + i * r.bytes, r.flags);
        if (status != ERR_NONE)
            break;
    }
    return range_done(t, i, status);
}

status_t sys_protect(pfn_t t)
{
    struct found p = find_process(t, reg_get(t, ARG0), RIGHT_WRITE);
    if (p.status != ERR_NONE)
        return p.status;
    status_t status = page_flags_check(reg_get(t, ARG3));
    if (status != ERR_NONE)
        return status;
    uint64_t va = reg_get(t, ARG1);
    struct range r = range_check(va, reg_get(t, ARG2), reg_get(t, ARG3), PAGE_PIECE);
    if (r.status != ERR_NONE)
        return r.status;
    if (process_at[P(p.object)].dying != 0)
        return ERR_DYING;
    uint32_t i;
    /*@ loop invariant 0 <= i <= r.pages && kernel_wf;
        loop variant PAGE_PIECE - i; */
    for (i = 0; i < r.pages; i++) {
        status = memory_protect(p.object, va + i * r.bytes, r.flags);
        if (status != ERR_NONE)
            break;
    }
    return range_done(t, i, status);
}

/* The right to `from` that sharing with these flags takes: to write what it has is to change it. */
/*@ assigns \nothing; */
static uint8_t share_right(uint64_t flags)
{
    return (flags & (PAGE_WRITE | PAGE_MAX_WRITE)) != 0 ? RIGHT_WRITE : RIGHT_READ;
}

status_t sys_share(pfn_t t)
{
    uint64_t flags = reg_get(t, ARG5);
    struct found from = find_process(t, reg_get(t, ARG0), share_right(flags));
    if (from.status != ERR_NONE)
        return from.status;
    struct found to = find_process(t, reg_get(t, ARG2), RIGHT_WRITE);
    if (to.status != ERR_NONE)
        return to.status;
    status_t status = page_flags_check(flags);
    if (status != ERR_NONE)
        return status;
    uint64_t source = reg_get(t, ARG1);
    uint64_t target = reg_get(t, ARG3);
    struct range r = range_check(source, reg_get(t, ARG4), flags, PAGE_PIECE);
    if (r.status != ERR_NONE)
        return r.status;
    r = range_check(target, reg_get(t, ARG4), flags, PAGE_PIECE);
    if (r.status != ERR_NONE)
        return r.status;
    if (process_at[P(from.object)].dying + process_at[P(to.object)].dying != 0)
        return ERR_DYING;
    uint32_t i;
    /*@ loop invariant 0 <= i <= r.pages && kernel_wf;
        loop variant PAGE_PIECE - i; */
    for (i = 0; i < r.pages; i++) {
        status = memory_share(from.object, source + i * r.bytes, to.object, target + i * r.bytes,
                              r.flags);
        if (status != ERR_NONE)
            break;
    }
    return range_done(t, i, status);
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
    slot_t slot = handle_slot(frame_owner[t], reg_get(t, ARG0));
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
    struct range r = range_check(va, reg_get(t, ARG4), flags, PAGE_PIECE);
    if (r.status != ERR_NONE)
        return r.status;
    uint64_t first = reg_get(t, ARG3);
    uint64_t pages = handle_at[H(slot)].generation;
    if (first >= pages || reg_get(t, ARG4) > pages - first)
        return ERR_ARGUMENT;
    first += handle_at[H(slot)].badge;
    if (arch_is_device_memory(first, reg_get(t, ARG4)) == 0)
        return ERR_ARGUMENT;
    if (process_at[P(p.object)].dying != 0)
        return ERR_DYING;
    uint32_t i;
    /*@ loop invariant 0 <= i <= r.pages && kernel_wf;
        loop variant PAGE_PIECE - i; */
    for (i = 0; i < r.pages; i++) {
        status = memory_device(p.object, va + i * r.bytes, first + i, r.flags);
        if (status != ERR_NONE)
            break;
    }
    return range_done(t, i, status);
}
