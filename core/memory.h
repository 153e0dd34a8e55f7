/* SPDX-License-Identifier: MIT */
/*
 * User memory: what the kernel reads and writes of it, and the one-page steps of the memory calls. The kernel never
 * dereferences a user address: it walks the page table and touches the frame through page_at. A mapping charges its
 * size to the container of the process that has it; each table charges one page.
 */
#ifndef CORE_MEMORY_H
#define CORE_MEMORY_H

#include "core/kernel.h"

/* 1 if [va, va + pages * 4096) is user memory. */
/*@ assigns \nothing;
    ensures \result == 0 || \result == 1;
    ensures \result == 1 <==> USER_BASE <= va && va <= USER_TOP && pages * PAGE_SIZE <= USER_TOP - va; */
bool user_range(uint64_t va, uint64_t pages);

/* 4 KiB pages a page of these flags has: 1, 512 or 262,144. */
/*@ logic integer span_of(integer flags) =
        flags / PAGE_SIZE_2M % 16 == 1 ? PAGES_2M : flags / PAGE_SIZE_2M % 16 == 2 ? PAGES_1G : 1;
    logic integer level_of(integer flags) =
        flags / PAGE_SIZE_2M % 16 == 1 ? 2 : flags / PAGE_SIZE_2M % 16 == 2 ? 3 : 1; */
/*@ assigns \nothing;
    ensures \result == span_of(flags);
    ensures \result == 1 || \result == PAGES_2M || \result == PAGES_1G; */
uint32_t page_span(uint32_t flags);

/*@ // What is wrong with flags a caller gives.
    logic integer flags_error(integer f) =
        f >= 2 * PAGE_MAX_EXECUTE || f % 2 == 0 || f / 8 % 2 == 1 || f / PAGE_SIZE_2M % 16 > 2 ? ERR_ARGUMENT :
        f / PAGE_WRITE % 4 == 3 ? ERR_PERM : ERR_NONE;
    // The most rights that permissions asked for imply: what they are, and what they say they may become.
    logic integer either(integer a, integer b) = a == 1 || b == 1 ? 1 : 0;
    logic integer most_of(integer f) =
        either(f / PAGE_WRITE % 2, f / PAGE_MAX_WRITE % 2) * PAGE_MAX_WRITE +
        either(f / PAGE_EXECUTE % 2, f / PAGE_MAX_EXECUTE % 2) * PAGE_MAX_EXECUTE;
    // A mapping that may be given the rights may must not be given most.
    predicate beyond(integer most, integer may) =
        most / PAGE_MAX_WRITE % 2 > may / PAGE_MAX_WRITE % 2 ||
        most / PAGE_MAX_EXECUTE % 2 > may / PAGE_MAX_EXECUTE % 2;
    // The most rights a leaf entry's page may be given.
    logic integer may_of(integer e) = e / PTE_MAX_WRITE % 4 * PAGE_MAX_WRITE;
    predicate device_entry(integer e) = e / PTE_DEVICE % 2 == 1;
    // 4 KiB pages a leaf entry maps.
    logic integer entry_span(integer e) =
        e / PTE_SUPER % 2 == 0 ? 1 : e / PTE_GIGA % 2 == 0 ? PAGES_2M : PAGES_1G;
    // The level of the table where the walk to an address ends.
    logic integer walk_level{L}(integer r, integer va) = table_level[deepest(r, ix4(va), ix3(va), ix2(va))];
*/

/* The frame that holds user address va in an address space; 0: none, or without the permission need (PAGE_WRITE or 0),
   or device memory. */
/*@ requires tables_wf && mappings_wf && is_root(root) && (need == 0 || need == PAGE_WRITE);
    assigns \nothing;
    behavior outside:
        assumes va < USER_BASE || va >= USER_TOP;
        ensures \result == 0;
    behavior none:
        assumes USER_BASE <= va < USER_TOP;
        assumes resolve(root, va) == 0 || device_entry(resolve(root, va)) ||
            need != 0 && resolve(root, va) / PTE_WRITE % 2 == 0;
        ensures \result == 0;
    behavior some:
        assumes USER_BASE <= va < USER_TOP;
        assumes resolve(root, va) != 0 && !device_entry(resolve(root, va)) &&
            (need == 0 || resolve(root, va) / PTE_WRITE % 2 == 1);
        ensures frame: \result == entry_pfn(resolve(root, va)) + va / PAGE_SIZE % entry_span(resolve(root, va));
        ensures page: is_user(entry_pfn(resolve(root, va)));
    complete behaviors;
    disjoint behaviors; */
pfn_t user_frame(pfn_t root, uint64_t va, uint32_t need);

/* Bytes such a page has. */
/*@ assigns \nothing;
    ensures \result == span_of(flags) * PAGE_SIZE; */
static inline uint64_t page_bytes(uint32_t flags) { return (uint64_t)page_span(flags) * PAGE_SIZE; }

/* Whether flags are ones a caller may give: known bits, a size, never write and execute together. ERR_ARGUMENT, ERR_PERM. */
/*@ assigns \nothing;
    ensures \result == flags_error(flags); */
MUST_USE status_t page_flags_check(uint64_t flags);

/* How far a call on several pages came: done of them, and the status that stopped it; ERR_NONE: all. */
struct progress {
    uint32_t done;
    status_t status;
};

/*@ // Why the page of an entry in a table of level l is not one that a table of that level maps; why nothing can be mapped.
    logic integer spot_error(integer e, integer l, integer level) = e == 0 ? ERR_UNMAPPED : l != level ? ERR_SIZE : ERR_NONE;
    logic integer free_error(integer e, integer l, integer level) = l < level || e != 0 ? ERR_EXISTS : ERR_NONE;
    // Two leaf entries map the same page, and let it be given the same rights.
    predicate same_page(integer e, integer f) = entry_present(f) && entry_pfn(e) == entry_pfn(f) &&
        e / PTE_MAX_WRITE % 8 == f / PTE_MAX_WRITE % 8;
    // A leaf entry that gives the permissions of these flags.
    predicate permits(integer e, integer flags) = entry_present(e) && e / PTE_USER % 2 == 1 &&
        e / PTE_WRITE % 2 == flags / PAGE_WRITE % 2 && e / PTE_NX == 1 - flags / PAGE_EXECUTE % 2;
    predicate pages_permit{L}(integer root, integer va, integer count, integer flags) =
        \forall integer i; 0 <= i < count ==> permits(resolve(root, va + i * (span_of(flags) * PAGE_SIZE)), flags);
    // What was mapped is, and no space but root's changed, where nothing but permissions did, to those of flags.
    predicate leaves_permit{K,L}(integer root, integer flags) =
        \forall integer r, a, b, c, d; is_root{K}(r) && path_ok(a, b, c, d) ==>
        leaf{L}(r, a, b, c, d) == leaf{K}(r, a, b, c, d) ||
        (r == root && leaf{K}(r, a, b, c, d) != 0 && same_page(leaf{K}(r, a, b, c, d), leaf{L}(r, a, b, c, d)) &&
            permits(leaf{L}(r, a, b, c, d), flags));
    logic integer protect_error(integer e, integer l, integer flags) =
        spot_error(e, l, level_of(flags)) != ERR_NONE ? spot_error(e, l, level_of(flags)) :
        most_of(flags) / PAGE_MAX_WRITE % 2 > may_of(e) / PAGE_MAX_WRITE % 2 ||
            most_of(flags) / PAGE_MAX_EXECUTE % 2 > may_of(e) / PAGE_MAX_EXECUTE % 2 ? ERR_PERM : ERR_NONE;
*/

/* Each works on up to count (not 0) pages of the size in flags, the first at va: a user address aligned to that size, and
   all of them are user memory. It stops before the first it cannot handle. */
/* Fresh zeroed pages; of superpages one. AGAIN: it is being zeroed, call again. */
/*@ requires kernel_wf && is_process(p) && count > 0;
    ensures kernel_wf && \result.done <= count; */
struct progress memory_map_pages(pfn_t p, uint64_t va, uint32_t count, uint32_t flags);

/* Mappings go; a page too if it was the last one. */
/*@ requires kernel_wf && is_process(p) && count > 0;
    ensures kernel_wf && \result.done <= count; */
struct progress memory_unmap_pages(pfn_t p, uint64_t va, uint32_t count, uint32_t flags);

/* Other permissions, within the most a mapping may have. */
/*@ requires range: is_process(p) && count > 0 && va + count * (span_of(flags) * PAGE_SIZE) <= USER_TOP;
    requires flags: flags_error(flags) == ERR_NONE;
    KERNEL_NEED(0)
    assigns table_at[0 .. FRAMES_MAX - 1], process_at[p].mapping_birth, frame_next_birth, ghost_machine;
    KERNEL_WF(0)
    ensures done: \result.done <= count && (\result.done == count <==> \result.status == ERR_NONE);
    ensures why: \result.done < count ==> \let next = va + \result.done * (span_of(flags) * PAGE_SIZE);
        \result.status == protect_error(resolve(process_at[p].root, next), walk_level(process_at[p].root, next), flags);
    ensures pages: pages_permit(process_at[p].root, va, \result.done, flags);
    ensures others: leaves_permit{Pre,Post}(process_at[p].root, flags);
    ensures none: \result.done == 0 ==> leaves_same{Pre,Post};
    ensures paths: paths_same{Pre,Post}; */
struct progress memory_protect_pages(pfn_t p, uint64_t va, uint32_t count, uint32_t flags);

/* The pages from source on of process from are mapped from target on of process to as well, with at most their rights. */
/*@ requires kernel_wf && is_process(from) && is_process(to) && count > 0;
    ensures kernel_wf && \result.done <= count; */
struct progress memory_share_pages(pfn_t from, uint64_t source, pfn_t to, uint64_t target,
                                   uint32_t count, uint32_t flags);

/* Pages of device memory: frame is the first. */
/*@ requires kernel_wf && is_process(p) && count > 0;
    ensures kernel_wf && \result.done <= count; */
struct progress memory_device_pages(pfn_t p, uint64_t va, uint32_t count, uint64_t frame,
                                    uint32_t flags);

/* The same for one page of 4 KiB, which takes half the time. */
/*@ requires kernel_wf && is_process(from) && is_process(to) && source < USER_TOP && target < USER_TOP;
    ensures kernel_wf; */
MUST_USE status_t memory_share(pfn_t from, uint64_t source, pfn_t to, uint64_t target,
                               uint32_t flags);
/*@ // Why the page of one entry cannot be mapped at the other as well, with the rights most.
    logic integer share_error(integer e, integer l, integer to, integer to_l, integer level, integer most) =
        spot_error(e, l, level) != ERR_NONE ? spot_error(e, l, level) :
        e / PTE_DEVICE % 2 == 1 || most / PAGE_MAX_WRITE % 2 > may_of(e) / PAGE_MAX_WRITE % 2 ||
            most / PAGE_MAX_EXECUTE % 2 > may_of(e) / PAGE_MAX_EXECUTE % 2 ? ERR_PERM :
        free_error(to, to_l, level);
    logic integer plan_error{L}(integer f, integer source, integer t, integer target, integer flags) =
        share_error(resolve(f, source), walk_level(f, source), resolve(t, target), walk_level(t, target),
            level_of(flags), most_of(flags));
*/

/* What memory_share would answer for one page, and the pages it would charge to `to`. */
struct share_plan {
    status_t status;
    uint32_t need;
};
/*@ requires tables_wf && processes_wf && is_process(from) && is_process(to) && source < USER_TOP && target < USER_TOP;
    assigns \nothing;
    ensures status: \result.status ==
        plan_error(process_at[from].root, source, process_at[to].root, target, flags);
    ensures need: \result.status == ERR_NONE ==>
        \result.need == span_of(flags) + walk_level(process_at[to].root, target) - level_of(flags);
    ensures nothing: \result.status != ERR_NONE ==> \result.need == 0; */
struct share_plan memory_share_plan(pfn_t from, uint64_t source, pfn_t to, uint64_t target,
                                    uint32_t flags);

/*@ // A leaf entry that maps frame f, which is no device memory.
    predicate maps_frame{L}(integer t, integer k, integer f) = is_table(t) && 0 <= k < limit_of(t) && is_leaf(t, k) &&
        !device_entry(entry_of(t, k)) && entry_pfn(entry_of(t, k)) == f;
    // What is counted of the page that entry k of table t maps: at least this mapping, this one alone if it is one.
    predicate page_counted{L}(integer t, integer k) = \let f = entry_pfn(entry_of(t, k));
        !device_entry(entry_of(t, k)) ==>
        0 < frame_maps[f] && block_size_of(f) == table_level[t] - 1 &&
        (frame_maps[f] == 1 ==> \forall integer s, i; maps_frame(s, i, f) ==> s == t && i == k);
    // Pages charged for the mapping.
    logic integer page_charge(integer e, integer level) =
        e / PTE_DEVICE % 2 == 1 ? 0 : level == 1 ? 1 : level == 2 ? PAGES_2M : PAGES_1G;
    // A mapping of e is gone: with the last one its page is free.
    predicate page_left{K,L}(integer e) = !device_entry(e) ==>
        (\at(frame_maps[entry_pfn(e)],K) == 1 ==> \at(frame_kind[entry_pfn(e)],L) == FRAME_FREE) &&
        (\at(frame_maps[entry_pfn(e)],K) > 1 ==> is_user{L}(entry_pfn(e))) &&
        \at(frame_maps[entry_pfn(e)],L) == \at(frame_maps[entry_pfn(e)],K) - 1;
*/
/* clang-format off */
#define ENTRY_DROP_ASSIGNS(t, k)                                                                   \
    table_at[t].entry[k], table_used[t], frame_kind[entry_pfn(entry_of(t, k))],                    \
        frame_generation[entry_pfn(entry_of(t, k))], frame_maps[entry_pfn(entry_of(t, k))],         \
        ALLOC_STATE, frame_next_birth, ghost_machine
/* clang-format on */

/* Takes away the leaf entry k of table t, which maps va in p: no CPU has it when this returns; the page goes with its
   last mapping, and its charge with it. */
/*@ requires leaf: is_process(p) && is_table(t) && k < limit_of(t) && is_leaf(t, k) && table_level[t] <= 3;
    requires counted: page_counted(t, k);
    requires charged: \let n = page_charge(entry_of(t, k), table_level[t]);
        n <= process_at[p].charged && n <= container_at[frame_owner[p]].used;
    KERNEL_NEED(0)
    assigns ENTRY_DROP_ASSIGNS(t, k), process_at[p].mapping_birth, process_at[p].charged,
        container_at[frame_owner[p]].used;
    KERNEL_WF(0)
    ensures exactly: leaves_changed{Pre,Post}(t, k, 0);
    ensures paths: paths_same{Pre,Post};
    ensures page: page_left{Pre,Post}(\old(entry_of(t, k)));
    ensures charged: process_at[p].charged ==
        \old(process_at[p].charged) - \old(page_charge(entry_of(t, k), table_level[t])); */
void memory_entry_drop(pfn_t p, pfn_t t, uint32_t k, uint64_t va);

/*@ // The entry that maps an address, and what is counted of its page.
    logic integer entry_slot{L}(integer r, integer va) =
        slot_at(deepest(r, ix4(va), ix3(va), ix2(va)), ix4(va), ix3(va), ix2(va), ix1(va));
    predicate va_counted{L}(integer r, integer va) = resolve(r, va) != 0 ==>
        page_counted(deepest(r, ix4(va), ix3(va), ix2(va)), entry_slot(r, va));
*/

/* The mapping of one page of 4 KiB goes, and tables that are empty then. */
/*@ requires page: is_process(p) && va < USER_TOP;
    requires counted: va_counted(process_at[p].root, va);
    requires charged: 4 <= process_at[p].charged && 4 <= container_at[frame_owner[p]].used;
    KERNEL_NEED(0)
    assigns TABLE_FREE_ASSIGNS, frame_maps[0 .. FRAMES_MAX - 1], frame_next_birth, process_at[p].mapping_birth,
        process_at[p].charged, container_at[frame_owner[p]].used;
    KERNEL_WF(0)
    ensures status: \result ==
        \old(spot_error(resolve(process_at[p].root, va), walk_level(process_at[p].root, va), 1));
    ensures refused: \result != ERR_NONE ==> leaves_same{Pre,Post} && process_at[p].charged == \old(process_at[p].charged);
    ensures exactly: \result == ERR_NONE ==> \let r = process_at[p].root;
        leaves_changed{Pre,Post}(deepest{Pre}(r, ix4(va), ix3(va), ix2(va)), entry_slot{Pre}(r, va), 0);
    ensures page: \result == ERR_NONE ==> page_left{Pre,Post}(\old(resolve(process_at[p].root, va)));
    ensures charged: \result == ERR_NONE ==> \let left = \old(process_at[p].charged - page_charge(resolve(process_at[p].root, va), 1));
        left - 3 <= process_at[p].charged <= left; */
MUST_USE status_t memory_unmap(pfn_t p, uint64_t va);

/* Gives back the superpage p had begun to zero, if any. */
/*@ requires kernel_wf && is_process(p);
    ensures kernel_wf && process_at[p].block == 0; */
void memory_block_drop(pfn_t p);

/* The leaf entry that maps va; 0: none. */
/*@ requires tables_wf && is_process(p) && is_root(process_at[p].root) && va < USER_TOP;
    assigns \nothing;
    ensures entry: \result == resolve(process_at[p].root, va);
    ensures page: mappings_wf && \result != 0 && \result / PTE_DEVICE % 2 == 0 ==> is_user(entry_pfn(\result)); */
uint64_t memory_entry(pfn_t p, uint64_t va);

#endif
