/* SPDX-License-Identifier: MIT */
/*
 * Page tables: making, pruning and changing them. See table.h for the invariants and what each function promises.
 * Called by the memory system calls, IPC with pages, and the destruction of processes.
 */
#define TABLE_PROOF
#include "core/table.h"

/*@ // Tables of K are in L what they were.
    predicate tables_untouched{K,L} = \forall integer t, k; is_table{K}(t) && 0 <= k < 512 ==>
        entry_of{L}(t, k) == entry_of{K}(t, k);
    // ... but for entry k of t, which was absent and points to the empty table c.
    predicate table_hung{K,L}(integer t, integer k, integer c) = is_table{K}(t) && 0 <= k < 512 &&
        \at(table_level[t],K) > 1 && entry_of{K}(t, k) == 0 && down{L}(t, k) == c && c != t && is_root{K}(c) &&
        (\forall integer j; 0 <= j < 512 ==> entry_of{K}(c, j) == 0) &&
        (\forall integer j; 0 <= j < 512 ==> entry_of{L}(c, j) == 0) &&
        (\forall integer p, j; is_table{K}(p) && 0 <= j < 512 && !(p == t && j == k) ==>
            entry_of{L}(p, j) == entry_of{K}(p, j));
    predicate roots_kept{K,L} = \forall integer r; is_root{K}(r) ==> is_root{L}(r);
    lemma leaves_chain{A,B,C}: leaves_same{A,B} ==> roots_kept{A,B} ==> leaves_same{B,C} ==> leaves_same{A,C};
    lemma levels_chain{A,B,C}: levels_same{A,B} ==> tables_more{A,B} ==> levels_same{B,C} ==> levels_same{A,C};
    lemma leaves_untouched{K,L}: tables_wf{K} ==> tables_untouched{K,L} ==> leaves_same{K,L};
    lemma hung_steps{K,L}: \forall integer t, k, c; table_hung{K,L}(t, k, c) ==>
        (\forall integer p, j; is_table{K}(p) && 0 <= j < 512 ==>
            down{L}(p, j) == (p == t && j == k ? c : down{K}(p, j))) &&
        (\forall integer j; 0 <= j < 512 ==> down{L}(c, j) == 0) && down{K}(t, k) == 0;
    lemma hung_path3{K,L}: \forall integer t, k, c, r, x, y, z; tables_wf{K} ==> table_hung{K,L}(t, k, c) ==>
        is_root{K}(r) && r != c && path_ok(x, y, z, 0) ==>
        path3{L}(r, x) == (r == t && x == k ? c : path3{K}(r, x));
    lemma hung_path2{K,L}: \forall integer t, k, c, r, x, y, z; tables_wf{K} ==> table_hung{K,L}(t, k, c) ==>
        is_root{K}(r) && r != c && path_ok(x, y, z, 0) ==>
        path2{L}(r, x, y) == (path3{K}(r, x) == t && y == k ? c : path2{K}(r, x, y));
    lemma hung_path1{K,L}: \forall integer t, k, c, r, x, y, z; tables_wf{K} ==> table_hung{K,L}(t, k, c) ==>
        is_root{K}(r) && r != c && path_ok(x, y, z, 0) ==>
        path1{L}(r, x, y, z) == (path2{K}(r, x, y) == t && z == k ? c : path1{K}(r, x, y, z));
    lemma hung_leaf0{K,L}: \forall integer t, k, c, x, y, z, w; tables_wf{K} ==> table_hung{K,L}(t, k, c) ==>
        path_ok(x, y, z, w) ==> leaf{K}(c, x, y, z, w) == 0 && leaf{L}(c, x, y, z, w) == 0;
    lemma hung_leaf4{K,L}: \forall integer t, k, c, r, x, y, z, w; tables_wf{K} ==> table_hung{K,L}(t, k, c) ==>
        is_root{K}(r) && r != c ==> path_ok(x, y, z, w) ==>
        path3{K}(r, x) == 0 ==>
        leaf{K}(r, x, y, z, w) == leaf{L}(r, x, y, z, w);
    lemma hung_leaf3{K,L}: \forall integer t, k, c, r, x, y, z, w; tables_wf{K} ==> table_hung{K,L}(t, k, c) ==>
        is_root{K}(r) && r != c ==> path_ok(x, y, z, w) ==>
        path3{K}(r, x) != 0 && path2{K}(r, x, y) == 0 ==>
        leaf{K}(r, x, y, z, w) == leaf{L}(r, x, y, z, w);
    lemma hung_leaf2{K,L}: \forall integer t, k, c, r, x, y, z, w; tables_wf{K} ==> table_hung{K,L}(t, k, c) ==>
        is_root{K}(r) && r != c ==> path_ok(x, y, z, w) ==>
        path3{K}(r, x) != 0 && path2{K}(r, x, y) != 0 && path1{K}(r, x, y, z) == 0 ==>
        leaf{K}(r, x, y, z, w) == leaf{L}(r, x, y, z, w);
    lemma hung_leaf1{K,L}: \forall integer t, k, c, r, x, y, z, w; tables_wf{K} ==> table_hung{K,L}(t, k, c) ==>
        is_root{K}(r) && r != c ==> path_ok(x, y, z, w) ==>
        path3{K}(r, x) != 0 && path2{K}(r, x, y) != 0 && path1{K}(r, x, y, z) != 0 ==>
        leaf{K}(r, x, y, z, w) == leaf{L}(r, x, y, z, w);
    // c says of itself that it is there, and all other tables say what they said.
    predicate table_joined{K,L}(integer t, integer k, integer c) = k < \at(limit_of(t),K) && is_table{L}(c) &&
        \at(table_level[c],L) == \at(table_level[t],K) - 1 && \at(table_parent[c],L) == t && \at(table_slot[c],L) == k &&
        \forall integer p; is_frame(p) && p != c ==> (is_table{K}(p) <==> is_table{L}(p)) &&
            (is_table{K}(p) ==> \at(table_level[p],L) == \at(table_level[p],K) &&
                \at(table_parent[p],L) == \at(table_parent[p],K) && \at(table_slot[p],L) == \at(table_slot[p],K));
    lemma joined_levels{K,L}: \forall integer t, k, c; tables_wf{K} ==> table_hung{K,L}(t, k, c) ==>
        table_joined{K,L}(t, k, c) ==> tables_levels{L};
    lemma joined_down{K,L}: \forall integer t, k, c; tables_wf{K} ==> table_hung{K,L}(t, k, c) ==>
        table_joined{K,L}(t, k, c) ==> tables_down{L};
    lemma joined_up{K,L}: \forall integer t, k, c; tables_wf{K} ==> table_hung{K,L}(t, k, c) ==>
        table_joined{K,L}(t, k, c) ==> tables_up{L};
    lemma joined_empty{K,L}: \forall integer t, k, c; tables_wf{K} ==> table_hung{K,L}(t, k, c) ==>
        table_joined{K,L}(t, k, c) ==> tables_empty{L};
    lemma leaves_hung{K,L}: \forall integer t, k, c; tables_wf{K} ==> table_hung{K,L}(t, k, c) ==> leaves_same{K,L};
    // The other way round: c was there in K, empty, and is gone in L.
    lemma parted_levels{K,L}: \forall integer t, k, c; tables_wf{K} ==> table_hung{L,K}(t, k, c) ==>
        table_joined{L,K}(t, k, c) ==> tables_levels{L};
    lemma parted_down{K,L}: \forall integer t, k, c; tables_wf{K} ==> table_hung{L,K}(t, k, c) ==>
        table_joined{L,K}(t, k, c) ==> tables_down{L};
    lemma parted_up{K,L}: \forall integer t, k, c; tables_wf{K} ==> table_hung{L,K}(t, k, c) ==>
        table_joined{L,K}(t, k, c) ==> tables_up{L};
    lemma parted_empty{K,L}: \forall integer t, k, c; tables_wf{K} ==> table_hung{L,K}(t, k, c) ==>
        table_joined{L,K}(t, k, c) ==> tables_empty{L};
    lemma leaves_parted{K,L}: \forall integer t, k, c; tables_wf{L} ==> table_hung{L,K}(t, k, c) ==>
        table_joined{L,K}(t, k, c) ==> leaves_same{K,L};
    // r is a new empty root, all other tables are what they were.
    predicate root_added{K,L}(integer r) = is_frame(r) && !is_table{K}(r) && is_root{L}(r) &&
        (\forall integer k; 0 <= k < 256 ==> entry_of{L}(r, k) == 0) && tables_untouched{K,L} &&
        \forall integer p; is_frame(p) && p != r ==> (is_table{K}(p) <==> is_table{L}(p)) &&
            (is_table{K}(p) ==> \at(table_level[p],L) == \at(table_level[p],K) &&
                \at(table_parent[p],L) == \at(table_parent[p],K) && \at(table_slot[p],L) == \at(table_slot[p],K));
    lemma added_down{K,L}: \forall integer r; tables_wf{K} ==> root_added{K,L}(r) ==> tables_down{L};
    lemma added_up{K,L}: \forall integer r; tables_wf{K} ==> root_added{K,L}(r) ==> tables_up{L};
*/

#define TABLE_POINTER 0x27u /* entry that points to a table: present, writable, user, accessed */

RARE uint32_t table_missing(pfn_t root, uint64_t va, uint32_t level)
{
    uint32_t found = table_level[table_find(root, va)];
    return found > level ? found - level : 0;
}

RARE struct table_spot table_walk(pfn_t root, uint64_t va)
{
    struct table_spot at = table_step(root, TABLE_ROOT_LEVEL, va);
    if (!entry_points(at.entry))
        return at;
    at = table_step(entry_below(at.entry), 3, va);
    if (!entry_points(at.entry))
        return at;
    at = table_step(entry_below(at.entry), 2, va);
    if (!entry_points(at.entry))
        return at;
    return table_step(entry_below(at.entry), 1, va);
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
    //@ assert downs: \forall integer s, j; is_table(s) && table_level[s] > 1 && 0 <= j < limit_of(s) ==> down(s, j) == \at(down(s, j),Pre);
}

uint64_t table_clear(pfn_t t, uint32_t k)
{
    uint64_t entry = table_at[PT(t)].entry[k];
    table_at[PT(t)].entry[k] = 0;
    table_used[t] = (uint16_t)(table_used[t] - 1);
    //@ assert downs: \forall integer s, j; is_table(s) && table_level[s] > 1 && 0 <= j < limit_of(s) ==> down(s, j) == \at(down(s, j),Pre);
    return entry;
}

void table_change(pfn_t t, uint32_t k, uint64_t entry) { table_at[PT(t)].entry[k] = entry; }

/* The entry that points to table p. */
/*@ requires is_frame(p);
    assigns \nothing;
    ensures table: entry_table(\result);
    ensures frame: entry_pfn(\result) == p;
*/
static uint64_t entry_pointer(pfn_t p) { return (uint64_t)p * PAGE_SIZE + TABLE_POINTER; }

/* A frame for a table: what frame_create promises, in the words of this file. 0: there is none. */
/*@ requires frames_wf && alloc_wf;
    assigns FRAME_CREATE_ASSIGNS;
    ensures frames: frames_wf;
    ensures alloc: alloc_wf;
    ensures fresh: \result != 0 ==> is_table(\result) && !is_table{Pre}(\result) &&
        \old(frame_kind[\result]) == FRAME_FREE;
    ensures blank: \result != 0 ==> \forall integer k; 0 <= k < 512 ==> table_at[\result].entry[k] == 0;
    ensures others: \forall integer p; is_frame(p) && p != \result ==> frame_kind[p] == \old(frame_kind[p]);
    ensures tables: \forall integer p, k; is_frame(p) && p != \result && 0 <= k < 512 ==>
        table_at[p].entry[k] == \old(table_at[p].entry[k]);
*/
static pfn_t table_fresh(void) { return frame_create(FRAME_TABLE); }

/* A table's frame is free again. */
/*@ requires frames_wf && alloc_wf && is_table(t);
    assigns frame_kind[t], frame_generation[t], table_level[t], ALLOC_STATE;
    ensures frames: frames_wf;
    ensures alloc: alloc_wf;
    ensures free: frame_kind[t] == FRAME_FREE;
*/
static void table_release(pfn_t t)
{
    //@ assert small: kind_placed(t);
    table_level[t] = 0;
    frame_destroy(t);
}

/* A new table without entries that stands for itself, as a root does. 0: there is no frame. */
/*@ requires tables_wf && frames_wf && alloc_wf;
    assigns TABLE_MAKE_ASSIGNS;
    TABLES_ENSURES
    ensures frames: frames_wf;
    ensures alloc: alloc_wf;
    ensures leaves: leaves_same{Pre,Post};
    ensures kinds: tables_more{Pre,Post};
    ensures same: levels_same{Pre,Post};
    ensures entries: tables_untouched{Pre,Post};
    ensures fresh: \result != 0 ==> is_root(\result) && \old(frame_kind[\result]) == FRAME_FREE;
    ensures blank: \result != 0 ==> \forall integer k; 0 <= k < 512 ==> entry_of(\result, k) == 0;
    ensures added: \result != 0 ==> root_added{Pre,Post}(\result);
*/
static pfn_t table_begin(void)
{
    pfn_t root = table_fresh();
    if (root == 0) {
        //@ assert kept: tables_kept{Pre,Here};
        //@ assert wf: tables_wf;
        //@ assert untouched: tables_untouched{Pre,Here};
        //@ assert leaves: leaves_same{Pre,Here};
        return 0;
    }
    table_level[root] = TABLE_ROOT_LEVEL;
    table_parent[root] = 0;
    table_slot[root] = 0;
    table_used[root] = 0;
    //@ assert untouched: tables_untouched{Pre,Here};
    //@ assert leaves: leaves_same{Pre,Here};
    //@ assert added: root_added{Pre,Here}(root);
    //@ assert downs: tables_down;
    //@ assert ups: tables_up;
    return root;
}

/* Hangs table c, without entries and on no other, below the absent entry k of t. */
/*@ requires tables_wf && is_table(t) && k < limit_of(t) && table_level[t] > 1 && entry_of(t, k) == 0;
    requires is_root(c) && c != t && \forall integer j; 0 <= j < 512 ==> entry_of(c, j) == 0;
    assigns table_at[t].entry[k], table_used[t], table_level[c], table_parent[c], table_slot[c];
    TABLES_ENSURES
    ensures leaves: leaves_same{Pre,Post};
    ensures level: table_level[c] == table_level[t] - 1;
    ensures path: down(t, k) == c;
*/
static void table_hang(pfn_t t, uint32_t k, pfn_t c)
{
    table_level[c] = (uint8_t)(table_level[t] - 1);
    table_parent[c] = t;
    table_slot[c] = (uint16_t)k;
    table_at[PT(t)].entry[k] = entry_pointer(c);
    table_used[t] = (uint16_t)(table_used[t] + 1);
    //@ assert hung: table_hung{Pre,Here}(t, k, c);
    //@ assert joined: table_joined{Pre,Here}(t, k, c);
}

/* Makes a table below the absent entry k of t; 0: there is no frame. */
/*@ requires tables_wf && frames_wf && alloc_wf;
    requires is_table(t) && k < limit_of(t) && table_level[t] > 1 && entry_of(t, k) == 0;
    assigns TABLE_MAKE_ASSIGNS;
    TABLES_ENSURES
    ensures frames: frames_wf;
    ensures alloc: alloc_wf;
    ensures leaves: leaves_same{Pre,Post};
    ensures kinds: tables_more{Pre,Post};
    ensures same: levels_same{Pre,Post};
    ensures roots: roots_kept{Pre,Post};
    ensures table: \result != 0 ==> is_table(\result) && table_level[\result] == table_level[t] - 1;
    ensures path: \result != 0 ==> \result == down(t, k);
    ensures entries: \forall integer p, j; is_table{Pre}(p) && 0 <= j < 512 && !(p == t && j == k) ==>
        entry_of(p, j) == entry_of{Pre}(p, j);
*/
static pfn_t table_grow(pfn_t t, uint32_t k)
{
    pfn_t below = table_begin();
    if (below == 0)
        return 0;
    //@ assert roots: roots_kept{Pre,Here};
    table_hang(t, k, below);
    //@ assert leaves: leaves_same{Pre,Here};
    return below;
}

/* The table below entry k of t, made if the entry is absent; 0: a superpage is there, or there is no frame. */
/*@ requires tables_wf && frames_wf && alloc_wf;
    requires is_table(t) && k < limit_of(t) && table_level[t] > 1;
    assigns TABLE_MAKE_ASSIGNS;
    TABLES_ENSURES
    ensures frames: frames_wf;
    ensures alloc: alloc_wf;
    ensures leaves: leaves_same{Pre,Post};
    ensures kinds: tables_more{Pre,Post};
    ensures same: levels_same{Pre,Post};
    ensures roots: roots_kept{Pre,Post};
    ensures table: \result != 0 ==> is_table(\result) && table_level[\result] == table_level[t] - 1;
    ensures path: \result != 0 ==> \result == down(t, k);
    ensures entries: \forall integer p, j; is_table{Pre}(p) && 0 <= j < 512 && !(p == t && j == k) ==>
        entry_of(p, j) == entry_of{Pre}(p, j);
*/
static pfn_t table_enter(pfn_t t, uint32_t k)
{
    pfn_t below = table_down(t, k);
    if (below != 0)
        return below;
    if (table_at[PT(t)].entry[k] % 2u == 1)
        return 0;
    return table_grow(t, k);
}

RARE pfn_t table_make(pfn_t root, uint64_t va, uint32_t level)
{
    pfn_t t3 = table_enter(root, table_index(va, 4));
    //@ assert first: t3 != 0 ==> is_table(t3) && table_level[t3] == 3;
    if (t3 == 0 || level == 3)
        return t3;
    //@ assert roots3: roots_kept{Pre,Here};
    //@ assert table3: is_table(t3) && table_level[t3] == 3;
    //@ assert step3: t3 == path3(root, ix4(va));
    pfn_t t2 = table_enter(t3, table_index(va, 3));
    //@ assert keep3: t3 == path3(root, ix4(va));
    //@ assert leaves2: leaves_same{Pre,Here};
    //@ assert more2: tables_more{Pre,Here};
    //@ assert same2: levels_same{Pre,Here};
    //@ assert second: t2 != 0 ==> is_table(t2) && table_level[t2] == 2;
    if (t2 == 0 || level == 2)
        return t2;
    //@ assert last: level == 1;
    //@ assert roots2: roots_kept{Pre,Here};
    //@ assert table2: is_table(t2) && table_level[t2] == 2;
    //@ assert step2: t2 == path2(root, ix4(va), ix3(va));
    pfn_t t1 = table_enter(t2, table_index(va, 2));
    //@ assert keep2: t2 == path2(root, ix4(va), ix3(va));
    //@ assert leaves1: leaves_same{Pre,Here};
    //@ assert more1: tables_more{Pre,Here};
    //@ assert same1: levels_same{Pre,Here};
    //@ assert table1: t1 != 0 ==> is_table(t1) && table_level[t1] == 1;
    return t1;
}

/* Makes every CPU forget that t was a table: nothing points to it any more, but it still says where it was. */
/*@ requires is_table(t) && 1 <= table_level[t] <= 4;
    requires chain: \forall integer p; is_table(p) && table_level[p] < 4 ==>
        is_table(table_parent[p]) && table_level[table_parent[p]] == table_level[p] + 1 && table_slot[p] < 512;
    assigns ghost_machine;
*/
static void table_forget(pfn_t t)
{
    uint64_t va = 0;
    uint64_t span = table_level[t] == 1 ? SPAN_2M : table_level[t] == 2 ? SPAN_1G : SPAN_512G;
    uint32_t level = table_level[t];
    /*@ loop invariant is_table(t) && 1 <= level <= 4 && table_level[t] == level;
        loop invariant span: span == SPAN_2M || span == SPAN_1G || span == SPAN_512G || span == SPAN_512G * 512;
        loop invariant spans: (level == 1 ==> span == SPAN_2M) && (level == 2 ==> span == SPAN_1G) &&
            (level == 3 ==> span == SPAN_512G);
        loop invariant va: 0 <= va <= (level - 1) * 512 * SPAN_512G;
        loop assigns va, span, t, level;
        loop variant 4 - level; */
    while (level < TABLE_ROOT_LEVEL) {
        va += table_slot[t] * span;
        span *= TABLE_ENTRIES;
        t = table_parent[t];
        level++;
    }
    arch_tlb_invalidate(t, va, 1);
}

/* Takes table t, which has no entries, off its parent: it stands for itself then, as a root does. */
/*@ requires tables_wf && is_table(t) && table_level[t] < 4;
    requires empty: \forall integer j; 0 <= j < 512 ==> entry_of(t, j) == 0;
    assigns table_at[table_parent[t]].entry[table_slot[t]], table_used[table_parent[t]],
            table_level[t], table_parent[t], table_slot[t], ghost_machine;
    TABLES_ENSURES
    ensures leaves: leaves_same{Pre,Post};
    ensures root: is_root(t);
    ensures empty: \forall integer j; 0 <= j < 512 ==> entry_of(t, j) == 0;
*/
static void table_unhang(pfn_t t)
{
    pfn_t parent = table_parent[t];
    uint32_t k = table_slot[t];
    table_at[PT(parent)].entry[k] = 0;
    table_used[parent] = (uint16_t)(table_used[parent] - 1);
    table_forget(t);
    table_level[t] = TABLE_ROOT_LEVEL;
    table_parent[t] = 0;
    table_slot[t] = 0;
    //@ assert hung: table_hung{Here,Pre}(parent, k, t);
    //@ assert joined: table_joined{Here,Pre}(parent, k, t);
    //@ assert wf: tables_wf;
    //@ assert leaves: leaves_same{Pre,Here};
}

/* Frees an empty table that is no root; returns its parent. */
/*@ requires tables_wf && frames_wf && alloc_wf && is_table(t) && table_level[t] < 4;
    requires empty: \forall integer k; 0 <= k < 512 ==> entry_of(t, k) == 0;
    assigns TABLE_FREE_ASSIGNS;
    TABLES_ENSURES
    ensures frames: frames_wf;
    ensures alloc: alloc_wf;
    ensures leaves: leaves_same{Pre,Post};
    ensures kinds: \forall integer p; is_frame(p) && p != t ==> frame_kind[p] == \old(frame_kind[p]);
    ensures same: levels_same{Pre,Post};
    ensures freed: frame_kind[t] == FRAME_FREE;
    ensures parent: is_table(\result) && table_level[\result] == \old(table_level[t]) + 1;
*/
static pfn_t table_part(pfn_t t)
{
    pfn_t parent = table_parent[t];
    //@ assert above: is_table(parent) && table_level[parent] == table_level[t] + 1 && parent != t;
    table_unhang(t);
    //@ assert roots: roots_kept{Pre,Here};
    table_destroy_root(t);
    //@ assert there: is_table(parent);
    //@ assert roots0: roots_kept{Pre,Here};
    //@ assert leaves: leaves_same{Pre,Here};
    return parent;
}

/* Frees a table if it is empty and no root; returns its parent, 0 if it stays. */
/*@ requires tables_wf && frames_wf && alloc_wf && is_table(t);
    assigns TABLE_FREE_ASSIGNS;
    TABLES_ENSURES
    ensures frames: frames_wf;
    ensures alloc: alloc_wf;
    ensures leaves: leaves_same{Pre,Post};
    ensures kinds: \forall integer p; is_frame(p) && p != t ==> frame_kind[p] == \old(frame_kind[p]);
    ensures same: levels_same{Pre,Post};
    ensures none: \result == 0 ==> frame_kind[t] == FRAME_TABLE;
    ensures some: \result != 0 ==> is_table(\result) && frame_kind[t] == FRAME_FREE &&
        \old(table_level[t]) < 4 && table_level[\result] == \old(table_level[t]) + 1;
*/
static pfn_t table_drop(pfn_t t)
{
    if (table_level[t] == TABLE_ROOT_LEVEL || table_used[t] != 0)
        return 0;
    if (table_next(t, 0) != TABLE_ENTRIES)
        return 0;
    return table_part(t);
}

RARE uint32_t table_prune(pfn_t t)
{
    uint32_t freed = 0;
    /*@ loop invariant wf: tables_wf && frames_wf && alloc_wf;
        loop invariant here: is_table(t) && freed < 4 && table_level[t] >= 1 + freed;
        loop invariant leaves: leaves_same{Pre,Here};
        loop invariant kinds: tables_fewer{Pre,Here};
        loop invariant same: levels_same{Pre,Here};
        loop invariant first: freed == 0 ? t == \at(t,Pre) : frame_kind[\at(t,Pre)] == FRAME_FREE;
        loop invariant roots: \forall integer r; is_root{Pre}(r) ==> is_root(r);
        loop assigns t, freed, TABLE_FREE_ASSIGNS;
        loop variant 3 - freed; */
    while (freed < 3) {
        t = table_drop(t);
        if (t == 0)
            return freed;
        freed++;
    }
    return freed;
}

RARE pfn_t table_create_root(void)
{
    pfn_t root = table_begin();
    if (root == 0)
        return 0;
    arch_root_init(root);
    //@ assert untouched: tables_untouched{Pre,Here};
    //@ assert added: root_added{Pre,Here}(root);
    return root;
}

RARE void table_destroy_root(pfn_t root) { table_release(root); }
