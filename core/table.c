/* SPDX-License-Identifier: MIT */
/*
 * Page tables: making, pruning and changing them. See table.h for the invariants and what each function promises.
 * Called by the memory system calls, IPC with pages, and the destruction of processes.
 */
#include "core/table.h"

#define TABLE_POINTER 0x27u /* entry that points to a table: present, writable, user, accessed */

uint32_t table_missing(pfn_t root, uint64_t va, uint32_t level)
{
    uint32_t found = table_level[table_find(root, va)];
    return found > level ? found - level : 0;
}

uint32_t table_next(pfn_t t, uint32_t from)
{
    uint32_t limit = table_limit(t);
    uint32_t k = from;
    /*@ loop invariant range: from <= k <= limit;
        loop invariant absent: \forall integer j; from <= j < k ==> entry_of(t, j) == 0;
        loop assigns k;
        loop variant limit - k; */
    while (k < limit && table_at[PT(t)].entry[k] % 2u == 0)
        k++;
    return k;
}

void table_set(pfn_t t, uint32_t k, uint64_t entry)
{
    table_at[PT(t)].entry[k] = entry;
    table_used[t] = (uint16_t)(table_used[t] + 1);
}

uint64_t table_clear(pfn_t t, uint32_t k)
{
    uint64_t entry = table_at[PT(t)].entry[k];
    table_at[PT(t)].entry[k] = 0;
    table_used[t] = (uint16_t)(table_used[t] - 1);
    return entry;
}

void table_change(pfn_t t, uint32_t k, uint64_t entry) { table_at[PT(t)].entry[k] = entry; }

/* The table below entry k of t, made if the entry is absent; 0: a superpage is there, or there is no frame. */
static pfn_t table_enter(pfn_t t, uint32_t k)
{
    pfn_t below = table_down(t, k);
    if (below != 0)
        return below;
    if (table_at[PT(t)].entry[k] % 2u == 1)
        return 0;
    below = frame_create(FRAME_TABLE);
    if (below == 0)
        return 0;
    table_level[below] = (uint8_t)(table_level[t] - 1);
    table_parent[below] = t;
    table_slot[below] = (uint16_t)k;
    table_used[below] = 0;
    table_at[PT(t)].entry[k] = (uint64_t)below * PAGE_SIZE + TABLE_POINTER;
    table_used[t] = (uint16_t)(table_used[t] + 1);
    return below;
}

pfn_t table_make(pfn_t root, uint64_t va, uint32_t level)
{
    pfn_t t = table_enter(root, table_index(va, 4));
    if (t == 0 || level == 3)
        return t;
    t = table_enter(t, table_index(va, 3));
    if (t == 0 || level == 2)
        return t;
    return table_enter(t, table_index(va, 2));
}

/* Makes every CPU forget that t is a table: it is no longer linked, but still says where it was. */
static void table_forget(pfn_t t)
{
    uint64_t va = 0;
    uint64_t span = table_level[t] == 1 ? SPAN_2M : table_level[t] == 2 ? SPAN_1G : SPAN_512G;
    uint32_t level = table_level[t];
    while (level < TABLE_ROOT_LEVEL) {
        va += table_slot[t] * span;
        span *= TABLE_ENTRIES;
        t = table_parent[t];
        level++;
    }
    arch_tlb_invalidate(t, va, 1);
}

/* Frees a table if it is empty and no root; returns its parent, 0 if it stays. */
static pfn_t table_drop(pfn_t t)
{
    if (table_level[t] == TABLE_ROOT_LEVEL || table_used[t] != 0)
        return 0;
    if (table_next(t, 0) != TABLE_ENTRIES)
        return 0;
    pfn_t parent = table_parent[t];
    table_at[PT(parent)].entry[table_slot[t]] = 0;
    table_used[parent] = (uint16_t)(table_used[parent] - 1);
    table_forget(t);
    table_level[t] = 0;
    frame_destroy(t);
    return parent;
}

uint32_t table_prune(pfn_t t)
{
    uint32_t freed = 0;
    while (freed < 3) {
        t = table_drop(t);
        if (t == 0)
            return freed;
        freed++;
    }
    return freed;
}

pfn_t table_create_root(void)
{
    pfn_t root = frame_create(FRAME_TABLE);
    if (root == 0)
        return 0;
    table_level[root] = TABLE_ROOT_LEVEL;
    table_parent[root] = 0;
    table_slot[root] = 0;
    table_used[root] = 0;
    arch_root_init(root);
    return root;
}

void table_destroy_root(pfn_t root)
{
    table_level[root] = 0;
    frame_destroy(root);
}
