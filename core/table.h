/* SPDX-License-Identifier: MIT */
/*
 * Page tables: four levels of 512 entries in x86-64's format, which every machine uses. A root is level 4; an entry of
 * a table of level 2, 3 or 4 points to a table one level lower, an entry of level 1 maps 4 KiB, and an entry with
 * PTE_SUPER at level 2 or 3 maps 2 MiB or 1 GiB. Only a root's first 256 entries are user space; the others belong to
 * the machine (arch_root_init) and nothing here reads them.
 *
 * tables_wf is flat: every entry that points to a table agrees with what that table says of itself (its level, its
 * parent, its slot), and every table but a root is pointed to from where it says. That these are trees, and that
 * changing one entry changes the meaning of one address in one address space only, follows (table_place_unique).
 * table_used is a hint when a table is worth scanning; no proof rests on it, but invariant.c counts it.
 *
 * Nothing here knows what a mapped frame is, counts mappings or charges quota: that is its callers' (sys_memory.c).
 * All entries are made with the accessed and dirty bits set, so that no machine ever writes into a table by itself.
 */
#ifndef CORE_TABLE_H
#define CORE_TABLE_H

#include "core/alloc.h"
#include "core/arch.h"
#include "core/frame.h"
#include "core/window.h"

#define PTE_PRESENT 0x1u
#define PTE_WRITE 0x2u
#define PTE_USER 0x4u
#define PTE_UNCACHED 0x18u /* PCD and PWT */
#define PTE_ACCESSED 0x20u
#define PTE_DIRTY 0x40u
#define PTE_SUPER 0x80u
#define PTE_MAX_WRITE 0x200u /* this and the next two: ours, ignored by hardware */
#define PTE_MAX_EXECUTE 0x400u
#define PTE_DEVICE 0x800u
#define PTE_GIGA 0x10000000000000u /* beside PTE_SUPER: 1 GiB. Ours, too */
#define PTE_LEAF 0x65u             /* present, user, accessed, dirty: in every leaf */
#define PTE_NX 0x8000000000000000u
#define PTE_FRAMES 0x10000000000u /* frame numbers in entries are smaller */

#define TABLE_ROOT_LEVEL 4u
#define TABLE_USER_ENTRIES 256u /* of a root */

#define SPAN_4K 0x1000u /* bytes one entry of a table of level 1, 2, 3, 4 spans */
#define SPAN_2M 0x200000u
#define SPAN_1G 0x40000000u
#define SPAN_512G 0x8000000000u

/* ---- what entries mean ---- */

/*@ predicate entry_present(integer e) = e % 2 == 1;
    predicate entry_super(integer e) = (e / 128) % 2 == 1;
    predicate entry_table(integer e) = e % 2 == 1 && (e / 128) % 2 == 0;
    logic integer entry_pfn(integer e) = (e / 4096) % PTE_FRAMES;
    predicate page_flags(integer f) = 0 <= f < 2048 && f % 2 == 1 && f / 16 % 16 < 3 && f / 8 % 2 == 0;
*/

/* ---- what tables mean: a user address is four indices, its page offset plays no part ---- */

/*@ logic integer ix4(integer va) = va / SPAN_512G % 512;
    logic integer ix3(integer va) = va / SPAN_1G % 512;
    logic integer ix2(integer va) = va / SPAN_2M % 512;
    logic integer ix1(integer va) = va / SPAN_4K % 512;
    predicate path_ok(integer a, integer b, integer c, integer d) =
        0 <= a < 256 && 0 <= b < 512 && 0 <= c < 512 && 0 <= d < 512;

    logic integer entry_of{L}(integer t, integer k) = table_at[t].entry[k];
    logic integer limit_of{L}(integer t) = table_level[t] == 4 ? 256 : 512;
    // the table an entry points to; 0: none
    logic integer down{L}(integer t, integer k) =
        t != 0 && table_at[t].entry[k] % 2 == 1 && (table_at[t].entry[k] / 128) % 2 == 0 ?
            entry_pfn(table_at[t].entry[k]) : 0;
    logic integer path3{L}(integer r, integer a) = down(r, a);
    logic integer path2{L}(integer r, integer a, integer b) = down(down(r, a), b);
    logic integer path1{L}(integer r, integer a, integer b, integer c) = down(down(down(r, a), b), c);
    // the deepest table on the way
    logic integer deepest{L}(integer r, integer a, integer b, integer c) =
        path3(r, a) == 0 ? r : path2(r, a, b) == 0 ? path3(r, a) :
        path1(r, a, b, c) == 0 ? path2(r, a, b) : path1(r, a, b, c);
    // the entry that maps the address: 4 KiB or superpage; 0: nothing does
    logic integer leaf{L}(integer r, integer a, integer b, integer c, integer d) =
        path3(r, a) == 0 ? entry_of(r, a) : path2(r, a, b) == 0 ? entry_of(path3(r, a), b) :
        path1(r, a, b, c) == 0 ? entry_of(path2(r, a, b), c) : entry_of(path1(r, a, b, c), d);
    // of a path's four indices, the one for table t
    logic integer slot_at{L}(integer t, integer a, integer b, integer c, integer d) =
        table_level[t] == 4 ? a : table_level[t] == 3 ? b : table_level[t] == 2 ? c : d;
    logic integer resolve{L}(integer r, integer va) = leaf(r, ix4(va), ix3(va), ix2(va), ix1(va));

    predicate is_root{L}(integer r) = is_table(r) && table_level[r] == 4;
    predicate is_leaf{L}(integer t, integer k) =
        entry_present(entry_of(t, k)) && (table_level[t] == 1 || entry_super(entry_of(t, k)));
    predicate leaf_value(integer level, integer e) = entry_present(e) && (entry_super(e) <==> level > 1);
*/

/* ---- invariants ---- */

#ifdef TABLE_PROOF
#define TABLE_FACT lemma
/*@ predicate tables_levels{L} = \forall integer t; is_table(t) ==> 1 <= table_level[t] <= 4;
    predicate tables_down{L} = \forall integer t, k; is_table(t) && 0 <= k < limit_of(t) &&
        table_level[t] > 1 && entry_table(entry_of(t, k)) ==>
        is_table(entry_pfn(entry_of(t, k))) && table_level[entry_pfn(entry_of(t, k))] == table_level[t] - 1 &&
        table_parent[entry_pfn(entry_of(t, k))] == t && table_slot[entry_pfn(entry_of(t, k))] == k;
    predicate tables_up{L} = \forall integer t; is_table(t) && table_level[t] < 4 ==>
        is_table(table_parent[t]) && table_level[table_parent[t]] == table_level[t] + 1 &&
        table_slot[t] < limit_of(table_parent[t]) && down(table_parent[t], table_slot[t]) == t;
    predicate tables_empty{L} = \forall integer t, k; is_table(t) && 0 <= k < limit_of(t) &&
        !entry_present(entry_of(t, k)) ==> entry_of(t, k) == 0;
    predicate tables_wf{L} = tables_levels && tables_down && tables_up && tables_empty;
*/
/* clang-format off */
#define TABLES_ENSURES                                                                             \
    ensures levels: tables_levels; ensures downs: tables_down; ensures ups: tables_up;             \
    ensures empties: tables_empty;
/* clang-format on */
#else
#define TABLE_FACT axiom
#define TABLES_ENSURES ensures wf : tables_wf;
/*@ axiomatic tables {
    predicate tables_wf{L} reads frame_kind[0 .. FRAMES_MAX - 1], table_level[0 .. FRAMES_MAX - 1],
        table_parent[0 .. FRAMES_MAX - 1], table_slot[0 .. FRAMES_MAX - 1], table_at[0 .. FRAMES_MAX - 1];
} */
#endif

/*@ // No frame became a table or stopped being one, and no table changed.
    predicate tables_kept{K,L} = \forall integer t; is_frame(t) ==>
        (\at(frame_kind[t],K) == FRAME_TABLE <==> \at(frame_kind[t],L) == FRAME_TABLE) &&
        (\at(frame_kind[t],K) == FRAME_TABLE ==> \at(table_level[t],K) == \at(table_level[t],L) &&
            \at(table_parent[t],K) == \at(table_parent[t],L) && \at(table_slot[t],K) == \at(table_slot[t],L) &&
            \forall integer k; 0 <= k < 512 ==> entry_of{K}(t, k) == entry_of{L}(t, k));

axiomatic tables_facts {
TABLE_FACT tables_paths{L}: tables_wf{L} ==> \forall integer r, a, b, c; is_root(r) && path_ok(a, b, c, 0) ==>
    (path3(r, a) != 0 ==> is_table(path3(r, a)) && table_level[path3(r, a)] == 3 &&
        table_parent[path3(r, a)] == r && table_slot[path3(r, a)] == a) &&
    (path2(r, a, b) != 0 ==> path3(r, a) != 0 && is_table(path2(r, a, b)) && table_level[path2(r, a, b)] == 2 &&
        table_parent[path2(r, a, b)] == path3(r, a) && table_slot[path2(r, a, b)] == b) &&
    (path1(r, a, b, c) != 0 ==> path2(r, a, b) != 0 && is_table(path1(r, a, b, c)) &&
        table_level[path1(r, a, b, c)] == 1 &&
        table_parent[path1(r, a, b, c)] == path2(r, a, b) && table_slot[path1(r, a, b, c)] == c);
TABLE_FACT tables_range{L}: tables_wf{L} ==> \forall integer t; is_table(t) ==> 1 <= table_level[t] <= 4;
TABLE_FACT tables_keep{K,L}: tables_wf{K} ==> tables_kept{K,L} ==> tables_wf{L};
// A table is on the way to addresses of one space only, and to one range of them only.
TABLE_FACT table_place_unique{L}: tables_wf{L} ==> \forall integer r, a, b, c, s, i, j, k;
    is_root(r) && is_root(s) && path_ok(a, b, c, 0) && path_ok(i, j, k, 0) &&
    deepest(r, a, b, c) == deepest(s, i, j, k) ==>
    r == s && (table_level[deepest(r, a, b, c)] < 4 ==> a == i) &&
    (table_level[deepest(r, a, b, c)] < 3 ==> b == j) && (table_level[deepest(r, a, b, c)] < 2 ==> c == k);
}
*/
#ifdef TABLE_PARENT_FACTS /* for who goes from tables to their parents, and table_facts.c */
/*@ axiomatic tables_parents {
TABLE_FACT tables_parent{L}: tables_wf{L} ==> \forall integer t; is_table(t) && table_level[t] < 4 ==>
    is_table(table_parent[t]) && table_level[table_parent[t]] == table_level[t] + 1 &&
    table_slot[t] < limit_of(table_parent[t]) && down(table_parent[t], table_slot[t]) == t;
}
*/
#endif
#undef TABLE_FACT

/* ---- two states ---- */

/*@ predicate leaves_same{L1,L2} = \forall integer r, a, b, c, d; is_root{L1}(r) && path_ok(a, b, c, d) ==>
        leaf{L1}(r, a, b, c, d) == leaf{L2}(r, a, b, c, d);
    // entry k of table t alone changed, to e: so do exactly the addresses it maps, and nothing else
    predicate leaves_changed{L1,L2}(integer t, integer k, integer e) =
        \forall integer r, a, b, c, d; is_root{L1}(r) && path_ok(a, b, c, d) ==>
        leaf{L2}(r, a, b, c, d) ==
            (deepest{L1}(r, a, b, c) == t && slot_at{L1}(t, a, b, c, d) == k ? e : leaf{L1}(r, a, b, c, d));
    predicate paths_same{L1,L2} = \forall integer r, a, b, c, d; is_root{L1}(r) && path_ok(a, b, c, d) ==>
        deepest{L1}(r, a, b, c) == deepest{L2}(r, a, b, c);
*/

/* ---- entries ---- */

/* The index of va in a table of that level. */
/*@ requires 1 <= level <= 4;
    assigns \nothing;
    ensures range: \result < 512;
    ensures level1: level == 1 ==> \result == ix1(va);
    ensures level2: level == 2 ==> \result == ix2(va);
    ensures level3: level == 3 ==> \result == ix3(va);
    ensures level4: level == 4 ==> \result == ix4(va);
    ensures user: level == 4 && va < USER_TOP ==> \result < TABLE_USER_ENTRIES;
*/
static inline uint32_t table_index(uint64_t va, uint32_t level)
{
    if (level == 1)
        return (uint32_t)(va / SPAN_4K % TABLE_ENTRIES);
    if (level == 2)
        return (uint32_t)(va / SPAN_2M % TABLE_ENTRIES);
    if (level == 3)
        return (uint32_t)(va / SPAN_1G % TABLE_ENTRIES);
    return (uint32_t)(va / SPAN_512G % TABLE_ENTRIES);
}

/* A leaf entry from its parts: hold is 1 if it may not be executed, size an enum block_size. */
/*@ requires frame < PTE_FRAMES && write < 2 && hold < 2 && size < 3 && most < 8;
    assigns \nothing;
    ensures present: entry_present(\result);
    ensures frame: entry_pfn(\result) == frame;
    ensures size: entry_super(\result) <==> size != 0;
    ensures write: \result / PTE_WRITE % 2 == write;
    ensures execute: \result / PTE_NX == hold;
    ensures user: \result / PTE_USER % 2 == 1;
    ensures most: \result / PTE_MAX_WRITE % 8 == most;
    ensures giga: \result / PTE_GIGA % 2 == size / 2;
*/
static inline uint64_t entry_pack(uint64_t frame, uint64_t write, uint64_t hold, uint64_t size,
                                  uint64_t most)
{
    uint64_t device = most / 4u, super = (size + 1u) / 2u, giga = size / 2u;
    //@ assert bits: 0 <= device < 2 && 0 <= super < 2 && 0 <= giga < 2 && (super == 0 <==> size == 0);
    uint64_t low = PTE_LEAF + write * PTE_WRITE + super * PTE_SUPER + device * PTE_UNCACHED +
                   most * PTE_MAX_WRITE;
    uint64_t high = frame + giga * (PTE_GIGA / PAGE_SIZE) + hold * (PTE_NX / PAGE_SIZE);
    uint64_t e = high * PAGE_SIZE + low;
    //@ assert low: low < PAGE_SIZE;
    //@ assert bit1: e / 2 == high * 2048 + 0x32 + write + super * 64 + device * 12 + most * 256;
    //@ assert bit2: e / 4 == high * 1024 + 0x19 + super * 32 + device * 6 + most * 128;
    //@ assert bit7: e / 128 == high * 32 + super + most * 4;
    //@ assert bit9: e / 512 == high * 8 + most;
    return e;
}

/* A leaf entry that maps a frame with the PAGE_ flags given; PAGE_READ is always implied. */
/*@ requires frame < PTE_FRAMES && page_flags(flags);
    assigns \nothing;
    ensures present: entry_present(\result);
    ensures frame: entry_pfn(\result) == frame;
    ensures size: entry_super(\result) <==> flags / 16 % 16 != 0;
    ensures write: \result / PTE_WRITE % 2 == flags / PAGE_WRITE % 2;
    ensures execute: \result / PTE_NX == 1 - flags / PAGE_EXECUTE % 2;
    ensures user: \result / PTE_USER % 2 == 1;
    ensures most: \result / PTE_MAX_WRITE % 8 == flags / PAGE_MAX_WRITE % 8;
    ensures giga: \result / PTE_GIGA % 2 == flags / 16 % 16 / 2;
*/
static inline uint64_t entry_make(uint64_t frame, uint32_t flags)
{
    uint32_t size = flags / PAGE_SIZE_2M % 16u;
    uint32_t hold = 1u - flags / PAGE_EXECUTE % 2u;
    return entry_pack(frame, flags / PAGE_WRITE % 2u, hold, size, flags / PAGE_MAX_WRITE % 8u);
}

/* The frame an entry maps or points to. */
/*@ assigns \nothing;
    ensures \result == entry_pfn(e);
    ensures \result < PTE_FRAMES; */
static inline uint64_t entry_frame(uint64_t e) { return e / PAGE_SIZE % PTE_FRAMES; }

/* The PAGE_ flags a leaf entry was made with. */
/*@ assigns \nothing;
    ensures range: \result < 2048;
    ensures read: \result % 2 == 1;
    ensures write: \result / PAGE_WRITE % 2 == e / PTE_WRITE % 2;
    ensures execute: \result / PAGE_EXECUTE % 2 == 1 - e / PTE_NX;
    ensures size2m: \result / 16 % 16 == 0 <==> !entry_super(e);
    ensures size: entry_super(e) ==> \result / 16 % 16 == 1 + e / PTE_GIGA % 2;
    ensures most: \result / PAGE_MAX_WRITE % 8 == e / PTE_MAX_WRITE % 8;
*/
static inline uint32_t entry_flags(uint64_t e)
{
    uint64_t super = e / PTE_SUPER % 2u;
    uint64_t giga = e / PTE_GIGA % 2u;
    uint64_t size = super == 0 ? 0 : (1u + giga) * PAGE_SIZE_2M;
    uint64_t most = e / PTE_MAX_WRITE % 8u * PAGE_MAX_WRITE;
    //@ ghost uint64_t low = PAGE_READ + e / PTE_WRITE % 2u * PAGE_WRITE + (1u - e / PTE_NX) * PAGE_EXECUTE;
    //@ assert low: low < 8 && (size == 0 || size == 16 || size == 32) && most % 256 == 0 && most < 2048;
    //@ assert size: (low + size + most) / 16 % 16 == size / 16;
    return (uint32_t)(PAGE_READ + e / PTE_WRITE % 2u * PAGE_WRITE +
                      (1u - e / PTE_NX) * PAGE_EXECUTE + size + most);
}

/* ---- looking ---- */

/* How many entries of a table are ours. */
/*@ requires is_table(t);
    assigns \nothing;
    ensures \result == limit_of(t); */
static inline uint32_t table_limit(pfn_t t)
{
    return table_level[t] == TABLE_ROOT_LEVEL ? TABLE_USER_ENTRIES : TABLE_ENTRIES;
}

/* The table an entry points to; 0: it points to none. */
/*@ requires tables_wf && is_table(t) && k < limit_of(t) && table_level[t] > 1;
    assigns \nothing;
    ensures down: \result == down(t, k);
    ensures table: \result != 0 ==> is_table(\result) && table_level[\result] == table_level[t] - 1;
*/
static inline pfn_t table_down(pfn_t t, uint32_t k)
{
    uint64_t e = table_at[PT(t)].entry[k];
    if (e % 2u == 0 || e / PTE_SUPER % 2u == 1)
        return 0;
    return (pfn_t)entry_frame(e);
}

/* The deepest table on the way to va, at least root itself: its entry for va is the leaf, a superpage's, or absent. */
/*@ requires tables_wf && is_root(root) && va < USER_TOP;
    assigns \nothing;
    ensures table: is_table(\result);
    ensures deepest: \result == deepest(root, ix4(va), ix3(va), ix2(va));
    ensures entry: entry_of(\result, slot_at(\result, ix4(va), ix3(va), ix2(va), ix1(va))) == resolve(root, va);
    ensures ends: is_leaf(\result, slot_at(\result, ix4(va), ix3(va), ix2(va), ix1(va))) || resolve(root, va) == 0;
*/
static inline pfn_t table_find(pfn_t root, uint64_t va)
{
    pfn_t t3 = table_down(root, table_index(va, 4));
    if (t3 == 0)
        return root;
    pfn_t t2 = table_down(t3, table_index(va, 3));
    if (t2 == 0)
        return t3;
    pfn_t t1 = table_down(t2, table_index(va, 2));
    return t1 == 0 ? t2 : t1;
}

/* 1 if an entry points to a table: present, and no superpage. */
/*@ assigns \nothing;
    ensures \result == 1 <==> entry_table(e);
    ensures \result == 0 || \result == 1; */
static inline bool entry_points(uint64_t e) { return e % 2u == 1 && e / PTE_SUPER % 2u == 0; }

/* Where the walk to an address ends. */
struct table_spot {
    uint64_t entry; /* a leaf; 0: nothing is mapped there */
    pfn_t table;    /* the deepest table on the way, which has it, */
    uint16_t index; /* where in the table, */
    uint16_t level; /* and its level */
};

/* One step of a walk: to the entry for va in a table of that level. */
/*@ requires is_table(table) && 1 <= level <= 4;
    assigns \nothing;
    ensures table: \result.table == table && \result.level == level;
    ensures index: \result.index < 512;
    ensures index4: level == 4 ==> \result.index == ix4(va);
    ensures index3: level == 3 ==> \result.index == ix3(va);
    ensures index2: level == 2 ==> \result.index == ix2(va);
    ensures index1: level == 1 ==> \result.index == ix1(va);
    ensures entry: \result.entry == entry_of(table, \result.index); */
INDEX_GUARD struct table_spot table_step(pfn_t table, uint32_t level, uint64_t va)
{
    struct table_spot at;
    uint32_t k = table_index(va, level);
    at.table = table;
    at.level = (uint16_t)level;
    at.index = (uint16_t)k;
    at.entry = table_at[PT(table)].entry[k];
    return at;
}

/*@ requires tables_wf && is_root(root) && va < USER_TOP;
    assigns \nothing;
    ensures table: is_table(\result.table) && \result.table == deepest(root, ix4(va), ix3(va), ix2(va));
    ensures level: \result.level == table_level[\result.table] && 1 <= \result.level <= 4;
    ensures index: \result.index == slot_at(\result.table, ix4(va), ix3(va), ix2(va), ix1(va));
    ensures limit: \result.index < limit_of(\result.table);
    ensures here: \result.entry == entry_of(\result.table, \result.index);
    ensures entry: \result.entry == resolve(root, va);
    ensures ends: is_leaf(\result.table, \result.index) || \result.entry == 0;
*/
struct table_spot table_walk(pfn_t root, uint64_t va);

/* The frame of the table that an entry points to. */
/*@ requires entry_table(e) && entry_pfn(e) < FRAMES_MAX;
    assigns \nothing;
    ensures \result == entry_pfn(e); */
INDEX_GUARD pfn_t entry_below(uint64_t e) { return (pfn_t)entry_frame(e); }

/* The same, quicker where 4 KiB pages are mapped. */
/*@ requires tables_wf && is_root(root) && va < USER_TOP;
    assigns \nothing;
    ensures table: is_table(\result.table) && \result.table == deepest(root, ix4(va), ix3(va), ix2(va));
    ensures level: \result.level == table_level[\result.table] && 1 <= \result.level <= 4;
    ensures index: \result.index == slot_at(\result.table, ix4(va), ix3(va), ix2(va), ix1(va));
    ensures limit: \result.index < limit_of(\result.table);
    ensures here: \result.entry == entry_of(\result.table, \result.index);
    ensures entry: \result.entry == resolve(root, va);
    ensures ends: is_leaf(\result.table, \result.index) || \result.entry == 0;
*/
INDEX_GUARD struct table_spot table_walk_deep(pfn_t root, uint64_t va)
{
    uint64_t e = table_step(root, TABLE_ROOT_LEVEL, va).entry;
    if (!entry_points(e))
        return table_walk(root, va);
    e = table_step(entry_below(e), 3, va).entry;
    if (!entry_points(e))
        return table_walk(root, va);
    e = table_step(entry_below(e), 2, va).entry;
    if (!entry_points(e))
        return table_walk(root, va);
    return table_step(entry_below(e), 1, va);
}

/* How many tables table_make would have to create to reach a table of that level, if no superpage is in the way. */
/*@ requires tables_wf && is_root(root) && va < USER_TOP && 1 <= level <= 3;
    assigns \nothing;
    ensures most: \result <= 4 - level;
    ensures exact: \let t = deepest(root, ix4(va), ix3(va), ix2(va));
        \result == (table_level[t] > level ? table_level[t] - level : 0);
*/
uint32_t table_missing(pfn_t root, uint64_t va, uint32_t level);

/* The first index >= from with a present entry, the table's limit if there is none: to tear an address space down. */
/*@ requires tables_wf && is_table(t) && from <= limit_of(t);
    assigns \nothing;
    ensures range: from <= \result <= limit_of(t);
    ensures absent: \forall integer k; from <= k < \result ==> entry_of(t, k) == 0;
    ensures present: \result < limit_of(t) ==> entry_present(entry_of(t, \result));
*/
uint32_t table_next(pfn_t t, uint32_t from);

/* ---- changing leaves ---- */

/* Absent to leaf. */
/*@ requires tables_wf && is_table(t) && k < limit_of(t);
    requires absent: !entry_present(entry_of(t, k));
    requires value: leaf_value(table_level[t], entry);
    assigns table_at[t].entry[k], table_used[t];
    TABLES_ENSURES
    ensures done: entry_of(t, k) == entry;
    ensures used: table_used[t] == (uint16_t)(\old(table_used[t]) + 1);
    ensures paths: paths_same{Pre,Post};
    ensures exactly: leaves_changed{Pre,Post}(t, k, entry);
*/
void table_set(pfn_t t, uint32_t k, uint64_t entry);

/* Leaf to absent; returns what it was. Translations of it may live on until arch_tlb_invalidate. */
/*@ requires tables_wf && is_table(t) && k < limit_of(t);
    requires leaf: is_leaf(t, k);
    assigns table_at[t].entry[k], table_used[t];
    TABLES_ENSURES
    ensures was: \result == \old(entry_of(t, k));
    ensures done: entry_of(t, k) == 0;
    ensures paths: paths_same{Pre,Post};
    ensures exactly: leaves_changed{Pre,Post}(t, k, 0);
*/
uint64_t table_clear(pfn_t t, uint32_t k);

/* Leaf to leaf: other permissions. Translations of the old one may live on until arch_tlb_invalidate. */
/*@ requires tables_wf && is_table(t) && k < limit_of(t);
    requires leaf: is_leaf(t, k);
    requires value: leaf_value(table_level[t], entry);
    assigns table_at[t].entry[k];
    TABLES_ENSURES
    ensures done: entry_of(t, k) == entry;
    ensures paths: paths_same{Pre,Post};
    ensures exactly: leaves_changed{Pre,Post}(t, k, entry);
*/
void table_change(pfn_t t, uint32_t k, uint64_t entry);

/* ---- making and freeing tables ---- */

/* clang-format off */
#define TABLE_FREE_ASSIGNS                                                                         \
    frame_kind[0 .. FRAMES_MAX - 1], frame_generation[0 .. FRAMES_MAX - 1], ALLOC_STATE,           \
    table_at[0 .. FRAMES_MAX - 1], table_level[0 .. FRAMES_MAX - 1],                               \
    table_used[0 .. FRAMES_MAX - 1], table_parent[0 .. FRAMES_MAX - 1],                             \
    table_slot[0 .. FRAMES_MAX - 1], ghost_machine
#define TABLE_MAKE_ASSIGNS                                                                         \
    FRAME_CREATE_ASSIGNS, ghost_machine, table_level[0 .. FRAMES_MAX - 1],                         \
    table_used[0 .. FRAMES_MAX - 1], table_parent[0 .. FRAMES_MAX - 1], table_slot[0 .. FRAMES_MAX - 1]
/* clang-format on */

/*@ // What making and freeing tables keeps: every kind of frame but that of tables, the levels of tables, all addresses.
    predicate tables_more{L1,L2} = \forall integer p; is_frame(p) ==>
        \at(frame_kind[p],L1) == \at(frame_kind[p],L2) ||
        (\at(frame_kind[p],L1) == FRAME_FREE && \at(frame_kind[p],L2) == FRAME_TABLE);
    predicate tables_fewer{L1,L2} = tables_more{L2,L1};
    predicate levels_same{L1,L2} = \forall integer p; is_table{L1}(p) && is_table{L2}(p) ==>
        \at(table_level[p],L1) == \at(table_level[p],L2);
*/

/*
 * The table of that level on the way to va; makes it and those above it that are missing. 0: a superpage is in the way,
 * or there is no frame; then tables made on the way stay, empty, and table_prune(table_find(root, va)) frees them.
 */
/*@ requires tables_wf && frames_wf && alloc_wf;
    requires is_root(root) && va < USER_TOP && 1 <= level <= 3;
    assigns TABLE_MAKE_ASSIGNS;
    TABLES_ENSURES
    ensures frames: frames_wf;
    ensures alloc: alloc_wf;
    ensures leaves: leaves_same{Pre,Post};
    ensures kinds: tables_more{Pre,Post};
    ensures same: levels_same{Pre,Post};
    ensures table: \result != 0 ==> is_table(\result) && table_level[\result] == level;
    ensures path3: \result != 0 && level == 3 ==> \result == path3(root, ix4(va));
    ensures path2: \result != 0 && level == 2 ==> \result == path2(root, ix4(va), ix3(va));
    ensures path1: \result != 0 && level == 1 ==> \result == path1(root, ix4(va), ix3(va), ix2(va));
*/
pfn_t table_make(pfn_t root, uint64_t va, uint32_t level);

/*
 * Frees t and its ancestors as long as each is empty, never the root; returns how many (0 .. 3). No CPU remembers a
 * table when its frame is freed.
 */
/*@ requires tables_wf && frames_wf && alloc_wf && is_table(t);
    assigns TABLE_FREE_ASSIGNS;
    TABLES_ENSURES
    ensures frames: frames_wf;
    ensures alloc: alloc_wf;
    ensures leaves: leaves_same{Pre,Post};
    ensures kinds: tables_fewer{Pre,Post};
    ensures same: levels_same{Pre,Post};
    ensures count: \result <= 3;
    ensures none: \result == 0 ==> is_table(t);
    ensures some: \result != 0 ==> frame_kind[t] == FRAME_FREE;
    ensures roots: \forall integer r; is_root{Pre}(r) ==> is_root(r);
*/
uint32_t table_prune(pfn_t t);

/* A root without user mappings. 0: no frame. */
/*@ requires tables_wf && frames_wf && alloc_wf;
    assigns TABLE_MAKE_ASSIGNS;
    TABLES_ENSURES
    ensures frames: frames_wf;
    ensures alloc: alloc_wf;
    ensures leaves: leaves_same{Pre,Post};
    ensures kinds: tables_more{Pre,Post};
    ensures same: levels_same{Pre,Post};
    ensures fresh: \result != 0 ==> is_root(\result) && \old(frame_kind[\result]) == FRAME_FREE;
    ensures blank: \result != 0 ==> \forall integer a, b, c, d; path_ok(a, b, c, d) ==> leaf(\result, a, b, c, d) == 0;
*/
pfn_t table_create_root(void);

/* Frees a root whose user half is empty and that no CPU uses (arch_root_release). */
/*@ requires tables_wf && frames_wf && alloc_wf && is_root(root);
    requires blank: \forall integer k; 0 <= k < 256 ==> entry_of(root, k) == 0;
    assigns frame_kind[root], frame_generation[root], table_level[root], ALLOC_STATE;
    TABLES_ENSURES
    ensures frames: frames_wf;
    ensures alloc: alloc_wf;
    ensures others: \forall integer p; is_frame(p) && p != root ==> frame_kind[p] == \old(frame_kind[p]);
    ensures freed: frame_kind[root] == FRAME_FREE;
    ensures leaves: \forall integer r, a, b, c, d; is_root(r) && path_ok(a, b, c, d) ==>
        leaf(r, a, b, c, d) == leaf{Pre}(r, a, b, c, d);
*/
void table_destroy_root(pfn_t root);

#endif
