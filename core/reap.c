/* SPDX-License-Identifier: MIT */
/*
 * The destruction of a process, in bounded pieces; see process.h. Its stages run in order: threads, handles, endpoints,
 * mappings and tables, the superpage it was zeroing, itself. Nothing can be added to it meanwhile, because dying is set
 * and every call that adds looks at that.
 */
#include "core/container.h"
#include "core/endpoint.h"
#include "core/memory.h"
#include "core/process.h"
#include "core/thread.h"

#define REAP_LEAVES 32u /* mappings one piece removes */

/*@ requires is_process(p) && process_at[p].reap_stage < REAP_DONE;
    assigns process_at[p].reap_stage, process_at[p].reap_cursor; */
static void reap_advance(pfn_t p)
{
    process_at[P(p)].reap_stage++;
    process_at[P(p)].reap_cursor = 0;
}

/* One thread. */
/*@ requires kernel_wf && is_process(p);
    ensures kernel_wf; */
static void reap_thread(pfn_t p)
{
    if (own_last[p] != 0)
        thread_destroy(own_last[p]);
    else
        reap_advance(p);
}

/* One page of handles: calls that only a handle in it could answer are given up. */
/*@ requires kernel_wf && is_process(p);
    ensures kernel_wf; */
static void reap_handle_page(pfn_t p)
{
    uint32_t pages = process_at[P(p)].handle_pages;
    process_at[P(p)].handle_free = 0;
    if (pages == 0) {
        reap_advance(p);
        return;
    }
    pfn_t page = process_at[P(p)].handle_page[pages - 1];
    slot_t h;
    /*@ loop invariant page * SLOTS <= h <= page * SLOTS + SLOTS;
        loop variant page * SLOTS + SLOTS - h; */
    for (h = page * SLOTS; h < page * SLOTS + SLOTS; h++)
        handle_abandon(h);
    process_at[P(p)].handle_page[pages - 1] = 0;
    process_at[P(p)].handle_pages = pages - 1;
    frame_destroy(page);
    process_uncharge(p, 1);
}

/* Endpoint slots up to the first that takes more than one piece; reap_cursor counts slots. */
/*@ requires kernel_wf && is_process(p);
    ensures kernel_wf; */
static void reap_endpoints(pfn_t p)
{
    pfn_t page = process_at[P(p)].endpoint_page;
    uint32_t slot = (uint32_t)process_at[P(p)].reap_cursor;
    /*@ loop invariant 0 <= slot <= SLOTS;
        loop variant SLOTS - slot; */
    for (; slot < SLOTS; slot++) {
        endpoint_t e = page * SLOTS + slot;
        if (endpoint_at[E(e)].generation == 0)
            continue;
        process_at[P(p)].reap_cursor = slot;
        if (endpoint_at[E(e)].first != 0) { /* a piece of its own */
            (void)endpoint_drain(e);
            return;
        }
        (void)endpoint_drain(e);
    }
    process_at[P(p)].endpoint_page = 0;
    frame_destroy(page);
    process_uncharge(p, 1);
    arch_root_release(
        process_at[P(p)].root); /* nothing of p runs again: no translation to chase below */
    reap_advance(p);
}

/* The lowest table of p with nothing below it but leaves, on the way of the lowest mapped address. */
/*@ requires kernel_wf && is_process(p);
    assigns \nothing;
    ensures is_table(\result); */
static pfn_t reap_table(pfn_t p)
{
    pfn_t t = process_at[P(p)].root;
    uint32_t n;
    /*@ loop invariant 0 <= n < TABLE_LEVELS && is_table(t);
        loop assigns n, t;
        loop variant TABLE_LEVELS - 1 - n; */
    for (n = 0; n < TABLE_LEVELS - 1 && table_level[t] > 1; n++) {
        uint32_t k = table_next(t, 0);
        pfn_t below = k < table_limit(t) ? table_down(t, k) : 0;
        if (below == 0)
            return t;
        t = below;
    }
    return t;
}

/* The lowest address that entry k of table t maps. */
/*@ requires kernel_wf && is_table(t) && k < limit_of(t);
    assigns \nothing;
    ensures \result < USER_TOP; */
static uint64_t table_address(pfn_t t, uint32_t k)
{
    uint64_t span = SPAN_4K;
    uint64_t va = 0;
    uint32_t level;
    /*@ loop invariant 1 <= level <= TABLE_LEVELS + 1;
        loop assigns level, span, va, t, k;
        loop variant TABLE_LEVELS + 1 - level; */
    for (level = 1; level <= TABLE_LEVELS; level++) {
        if (level >= table_level[t]) {
            va += k * span;
            k = table_slot[t];
            t = table_parent[t];
        }
        span *= TABLE_ENTRIES;
    }
    return va;
}

/* Some mappings of one table, and the table when it is empty. */
/*@ requires kernel_wf && is_process(p);
    ensures kernel_wf; */
static void reap_memory(pfn_t p)
{
    pfn_t t = reap_table(p);
    uint32_t k = table_next(t, 0);
    uint32_t n;
    if (k == table_limit(t) && t == process_at[P(p)].root) {
        reap_advance(p);
        return;
    }
    /*@ loop invariant 0 <= n <= REAP_LEAVES;
        loop variant REAP_LEAVES - n; */
    for (n = 0; n < REAP_LEAVES && k < table_limit(t); n++) {
        if (table_level[t] > 1 && table_down(t, k) != 0)
            return; /* a table, for the next piece */
        memory_entry_drop(p, t, k, table_address(t, k));
        k = table_next(t, k);
    }
    if (k == table_limit(t))
        process_uncharge(p, table_prune(t));
}

/* Nothing is left but the process itself. */
/*@ requires kernel_wf && is_process(p) && process_at[p].reap_stage == REAP_DONE;
    ensures frame_kind[p] == FRAME_FREE; */
static void process_destroy(pfn_t p)
{
    pfn_t root = process_at[P(p)].root;
    pfn_t c = frame_owner[p];
    process_closed(p);
    table_destroy_root(root);
    process_uncharge(p, 2); /* the root and the process */
    container_at[C(c)].children--;
    owner_remove(p);
    frame_destroy(p);
}

bool process_reap(pfn_t p)
{
    switch (process_at[P(p)].reap_stage) {
    case REAP_THREADS:
        reap_thread(p);
        return false;
    case REAP_HANDLES:
        reap_handle_page(p);
        return false;
    case REAP_ENDPOINTS:
        reap_endpoints(p);
        return false;
    case REAP_MEMORY:
        reap_memory(p);
        return false;
    case REAP_BLOCK:
        memory_block_drop(p);
        reap_advance(p);
        return false;
    default:
        process_destroy(p);
        return true;
    }
}
