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

/* The frame that holds user address va in an address space; 0: none, or without the permission need (PAGE_WRITE or 0),
   or device memory. */
/*@ requires tables_wf && mappings_wf && is_root(root) && (need == 0 || need == PAGE_WRITE);
    assigns \nothing;
    ensures \result < FRAMES_MAX; */
pfn_t user_frame(pfn_t root, uint64_t va, uint32_t need);

/* 4 KiB pages a page of these flags has: 1, 512 or 262,144. */
/*@ logic integer span_of(integer flags) =
        flags / PAGE_SIZE_2M % 16 == 1 ? PAGES_2M : flags / PAGE_SIZE_2M % 16 == 2 ? PAGES_1G : 1;
    logic integer level_of(integer flags) =
        flags / PAGE_SIZE_2M % 16 == 1 ? 2 : flags / PAGE_SIZE_2M % 16 == 2 ? 3 : 1; */
/*@ assigns \nothing;
    ensures \result == span_of(flags);
    ensures \result == 1 || \result == PAGES_2M || \result == PAGES_1G; */
uint32_t page_span(uint32_t flags);

/* Bytes such a page has. */
/*@ assigns \nothing;
    ensures \result == span_of(flags) * PAGE_SIZE; */
static inline uint64_t page_bytes(uint32_t flags) { return (uint64_t)page_span(flags) * PAGE_SIZE; }

/* Whether flags are ones a caller may give: known bits, a size, never write and execute together. ERR_ARGUMENT, ERR_PERM. */
/*@ assigns \nothing; */
MUST_USE status_t page_flags_check(uint64_t flags);

/* How far a call on several pages came: done of them, and the status that stopped it; ERR_NONE: all. */
struct progress {
    uint32_t done;
    status_t status;
};

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
/*@ requires kernel_wf && is_process(p) && count > 0;
    ensures kernel_wf && \result.done <= count; */
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
/*@ requires kernel_wf && is_process(p) && va < USER_TOP;
    ensures kernel_wf; */
MUST_USE status_t memory_unmap(pfn_t p, uint64_t va);

/* What memory_share would answer for one 4 KiB page, and the pages it would charge to `to`. */
struct share_plan {
    status_t status;
    uint32_t need;
};
/*@ requires kernel_wf && is_process(from) && is_process(to);
    assigns \nothing; */
struct share_plan memory_share_plan(pfn_t from, uint64_t source, pfn_t to, uint64_t target,
                                    uint32_t flags);

/* Takes away the leaf entry k of table t, which maps va in p: no CPU has it when this returns; the page goes with its
   last mapping, and its charge with it. */
/*@ requires kernel_wf && is_process(p) && is_table(t) && k < limit_of(t) && is_leaf(t, k);
    ensures kernel_wf; */
void memory_entry_drop(pfn_t p, pfn_t t, uint32_t k, uint64_t va);

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
