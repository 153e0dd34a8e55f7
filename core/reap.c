/* SPDX-License-Identifier: MIT */
/*
 * The destruction of a process, in bounded pieces; see process.h. Its stages run in order: threads, handles, endpoints,
 * mappings and tables, the superpage it was zeroing, itself. Nothing can be added to it meanwhile, because dying is set
 * and every call that adds looks at that.
 *
 * A step of a stage says how much it did, in units of about a hundred instructions; 0: nothing of that stage is left. A
 * piece is steps until they come to a limit.
 */
#define TABLE_PARENT_FACTS
#include "core/container.h"
#include "core/endpoint.h"
#include "core/memory.h"
#include "core/process.h"
#include "core/thread.h"

#define REAP_UNITS 40u   /* units after which a call that destroys stops */
#define CLOSE_UNITS 1u   /* closing is one step: any entry of the kernel may have to do it */
#define REAP_LEAVES 32u  /* mappings one step removes */
#define UNITS_RELEASE 6u /* of a thread that is destroyed, or told that nobody will answer */
#define UNITS_FRAME 2u
#define UNITS_PRUNE 20u /* of tables found empty, which are looked through once more */
#define UNITS_WALK 20u
#define SLOTS_A_UNIT 16u

/* One thread. */
/*@ requires kernel_wf && is_process(p);
    ensures kernel_wf; */
static uint32_t reap_thread(pfn_t p)
{
    if (own_last[p] == 0)
        return 0;
    thread_destroy(own_last[p]);
    return UNITS_RELEASE;
}

/* Gives up the calls that handles of a page from slot number reap_cursor on could answer, RELEASE_PIECE of them at most;
   slots from used on were never open. Says how many; reap_cursor is where it stopped. */
/*@ requires kernel_wf && is_process(p) && is_kind(page, FRAME_HANDLES) && used <= SLOTS;
    ensures kernel_wf; */
static uint32_t reap_handles(pfn_t p, pfn_t page, uint32_t used)
{
    uint32_t given_up = 0;
    uint32_t slot;
    /*@ loop invariant given_up <= RELEASE_PIECE && kernel_wf;
        loop variant SLOTS - slot; */
    for (slot = (uint32_t)process_at[P(p)].reap_cursor; slot < used && given_up < RELEASE_PIECE;
         slot++) {
        if (handle_at[H(page * SLOTS + slot)].kind != KIND_REPLY)
            continue;
        handle_abandon(page * SLOTS + slot);
        given_up++;
    }
    process_at[P(p)].reap_cursor = slot;
    return given_up;
}

/* The last page of handles, or part of it. */
/*@ requires kernel_wf && is_process(p);
    ensures kernel_wf; */
static uint32_t reap_handle_page(pfn_t p)
{
    uint32_t pages = process_at[P(p)].handle_pages;
    if (pages == 0)
        return 0;
    pfn_t page = process_at[P(p)].handle_page[pages - 1];
    uint32_t used = SLOTS - process_at[P(p)].handle_fresh;
    uint32_t given_up = reap_handles(p, page, used);
    uint32_t units = given_up * UNITS_RELEASE + used / SLOTS_A_UNIT;
    if (process_at[P(p)].reap_cursor < used)
        return units;
    process_at[P(p)].handle_free = 0;
    process_at[P(p)].handle_fresh = 0;
    process_at[P(p)].handle_page[pages - 1] = 0;
    process_at[P(p)].handle_pages = pages - 1;
    process_at[P(p)].reap_cursor = 0;
    frame_destroy(page);
    process_uncharge(p, 1);
    return units + UNITS_FRAME;
}

/* Endpoint slots up to the first in which somebody waits; reap_cursor counts slots. Says whether all are done. */
/*@ requires kernel_wf && is_process(p);
    ensures kernel_wf; */
static bool reap_slots(pfn_t p, pfn_t page)
{
    uint32_t slot;
    /*@ loop invariant 0 <= slot <= SLOTS;
        loop variant SLOTS - slot; */
    for (slot = (uint32_t)process_at[P(p)].reap_cursor; slot < SLOTS; slot++) {
        endpoint_t e = page * SLOTS + slot;
        if (endpoint_at[E(e)].generation == 0)
            continue;
        bool waited = endpoint_at[E(e)].first != 0;
        if (!waited || endpoint_drain(e))
            endpoint_end(e);
        if (waited)
            break;
    }
    process_at[P(p)].reap_cursor = slot;
    return slot == SLOTS;
}

/*@ requires kernel_wf && is_process(p);
    ensures kernel_wf; */
static uint32_t reap_endpoints(pfn_t p)
{
    pfn_t page = process_at[P(p)].endpoint_page;
    if (page == 0)
        return 0;
    bool none = process_at[P(p)].endpoint_free == ENDPOINTS_MAX;
    if (!none && !reap_slots(p, page))
        return RELEASE_PIECE * UNITS_RELEASE;
    process_at[P(p)].endpoint_page = 0;
    frame_destroy(page);
    process_uncharge(p, 1);
    /* Nothing of p runs again: no translation to chase when its mappings go. */
    arch_root_release(process_at[P(p)].root);
    return none ? UNITS_FRAME : 2 * UNITS_WALK;
}

/*@ // The lowest address that entry k of table t maps: t's entries span one, and so do those that lead to t.
    logic integer table_va{L}(integer t, integer k) =
        table_level[t] == 4 ? k * SPAN_512G :
        table_level[t] == 3 ? k * SPAN_1G + table_slot[t] * SPAN_512G :
        table_level[t] == 2 ? k * SPAN_2M + table_slot[t] * SPAN_1G + table_slot[table_parent[t]] * SPAN_512G :
        k * SPAN_4K + table_slot[t] * SPAN_2M + table_slot[table_parent[t]] * SPAN_1G +
            table_slot[table_parent[table_parent[t]]] * SPAN_512G;
    logic integer level_span(integer level) = level == 1 ? SPAN_4K : level == 2 ? SPAN_2M : level == 3 ? SPAN_1G :
        level == 4 ? SPAN_512G : TABLE_ENTRIES * SPAN_512G; */

/* The lowest address that entry k of table t maps. */
/*@ requires tables_wf && is_table(t) && k < limit_of(t);
    assigns \nothing;
    ensures \result == table_va(t, k);
    ensures \result < TABLE_USER_ENTRIES * SPAN_512G; */
static uint64_t table_address(pfn_t t, uint32_t k)
{
    uint64_t span = SPAN_4K;
    uint64_t va = 0;
    uint32_t level;
    /*@ loop invariant range: 1 <= level <= TABLE_LEVELS + 1;
        loop invariant span: span == level_span(level);
        loop invariant below: level <= table_level[\at(t,Pre)] ==> t == \at(t,Pre) && k == \at(k,Pre) && va == 0;
        loop invariant here: level <= TABLE_LEVELS ==> is_table(t) && table_level[t] >= level && k < limit_of(t);
        loop invariant above: table_level[\at(t,Pre)] < level <= TABLE_LEVELS ==> table_level[t] == level && va < span;
        loop invariant sum: level <= TABLE_LEVELS ==> va + table_va(t, k) == table_va(\at(t,Pre), \at(k,Pre));
        loop invariant all: level > TABLE_LEVELS ==> va == table_va(\at(t,Pre), \at(k,Pre)) &&
            va < TABLE_USER_ENTRIES * SPAN_512G;
        loop assigns level, span, va, t, k;
        loop variant TABLE_LEVELS + 1 - level; */
    for (level = 1; level <= TABLE_LEVELS; level++) {
        //@ assert down: level >= table_level[t] ==> table_level[t] == level;
        //@ assert span1: level == 1 ==> span == SPAN_4K;
        //@ assert span2: level == 2 ==> span == SPAN_2M;
        //@ assert span3: level == 3 ==> span == SPAN_1G;
        //@ assert span4: level == 4 ==> span == SPAN_512G;
        //@ assert times1: span == SPAN_4K ==> k * span == k * SPAN_4K;
        //@ assert times2: span == SPAN_2M ==> k * span == k * SPAN_2M;
        //@ assert times3: span == SPAN_1G ==> k * span == k * SPAN_1G;
        //@ assert times4: span == SPAN_512G ==> k * span == k * SPAN_512G;
        //@ assert entry1: level == 1 ==> span == SPAN_4K && k * span == k * SPAN_4K;
        //@ assert entry2: level == 2 ==> span == SPAN_2M && k * span == k * SPAN_2M;
        //@ assert entry3: level == 3 ==> span == SPAN_1G && k * span == k * SPAN_1G;
        //@ assert entry4: level == 4 ==> span == SPAN_512G && k * span == k * SPAN_512G;
        /*@ assert part: table_level[t] == level && level < 4 ==>
                table_va(t, k) == k * span + table_va(table_parent[t], table_slot[t]); */
        //@ assert top: table_level[t] == level && level == 4 ==> table_va(t, k) == k * span;
        if (level >= table_level[t]) {
            va += k * span;
            k = table_slot[t];
            t = table_parent[t];
        }
        span *= TABLE_ENTRIES;
    }
    return va;
}

/* Where the lowest mapping of p is, or a table without entries, for which index is its limit. Nothing is mapped below
   reap_cursor any more. */
/*@ requires kernel_wf && is_process(p);
    assigns \nothing;
    ensures is_table(\result.table); */
static struct table_spot reap_find(pfn_t p)
{
    struct table_spot at = {0, process_at[P(p)].root, 0, TABLE_ROOT_LEVEL};
    uint64_t from = process_at[P(p)].reap_cursor;
    /*@ loop invariant is_table(at.table) && 1 <= at.level <= TABLE_LEVELS;
        loop assigns at, from;
        loop variant at.level; */
    for (;;) {
        uint32_t first = table_index(from, at.level);
        uint32_t k = table_next(at.table, first);
        at.index = (uint16_t)k;
        if (k == table_limit(at.table) || at.level == 1)
            return at;
        pfn_t below = table_down(at.table, k);
        if (below == 0)
            return at;
        if (k != first)
            from = 0; /* all of the table below is above the cursor */
        at.table = below;
        at.level--;
    }
}

/* Some mappings of one table, and the table when it is empty. */
/*@ requires kernel_wf && is_process(p);
    ensures kernel_wf; */
static uint32_t reap_memory(pfn_t p)
{
    pfn_t root = process_at[P(p)].root;
    if (table_used[root] == 0)
        return 0;
    struct table_spot at = reap_find(p);
    pfn_t t = at.table;
    uint32_t k = at.index;
    uint32_t n;
    uint64_t va = k < table_limit(t) ? table_address(t, k) : process_at[P(p)].reap_cursor;
    /*@ loop invariant 0 <= n <= REAP_LEAVES;
        loop variant REAP_LEAVES - n; */
    for (n = 0; n < REAP_LEAVES && k < table_limit(t); n++) {
        if (at.level > 1 && table_down(t, k) != 0)
            break; /* a table, for the next step */
        va = table_address(t, k);
        memory_entry_drop(p, t, k, va);
        k = table_next(t, k + 1);
    }
    process_at[P(p)].reap_cursor = va;
    if (table_used[t] != 0)
        return UNITS_WALK + n;
    process_uncharge(p, table_prune(t));
    return UNITS_WALK + n + UNITS_PRUNE;
}

/* The superpage it was zeroing. */
/*@ requires kernel_wf && is_process(p);
    ensures kernel_wf; */
static uint32_t reap_block(pfn_t p)
{
    if (process_at[P(p)].block == 0)
        return 0;
    memory_block_drop(p);
    return UNITS_FRAME;
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

/* One step of the stage that p is in. */
/*@ requires kernel_wf && is_process(p);
    ensures kernel_wf; */
static uint32_t reap_step(pfn_t p)
{
    switch (process_at[P(p)].reap_stage) {
    case REAP_THREADS:
        return reap_thread(p);
    case REAP_HANDLES:
        return reap_handle_page(p);
    case REAP_ENDPOINTS:
        return reap_endpoints(p);
    case REAP_MEMORY:
        return reap_memory(p);
    default:
        return reap_block(p);
    }
}

/* Steps until they come to that many units, or p is in stage end. */
/*@ requires kernel_wf && is_process(p) && end <= REAP_DONE;
    ensures kernel_wf; */
static void reap_piece(pfn_t p, uint8_t end, uint32_t limit)
{
    uint32_t units = 0;
    /*@ loop invariant kernel_wf && is_process(p);
        loop variant limit + REAP_DONE - process_at[p].reap_stage - units; */
    while (units < limit && process_at[P(p)].reap_stage < end) {
        uint32_t done = reap_step(p);
        units += done;
        if (done == 0) {
            process_at[P(p)].reap_stage++;
            process_at[P(p)].reap_cursor = 0;
        }
    }
}

bool process_reap(pfn_t p)
{
    reap_piece(p, REAP_DONE, REAP_UNITS);
    if (process_at[P(p)].reap_stage < REAP_DONE)
        return false;
    process_destroy(p);
    return true;
}

RARE void process_close_next(void)
{
    pfn_t p = dead_first;
    reap_piece(p, REAP_MEMORY, CLOSE_UNITS);
    if (process_at[P(p)].reap_stage >= REAP_MEMORY)
        process_closed(p);
}
