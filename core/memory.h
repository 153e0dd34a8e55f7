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

/* Whether flags are ones a caller may give: known bits, a size, never write and execute together. ERR_ARGUMENT, ERR_PERM. */
/*@ assigns \nothing; */
MUST_USE status_t page_flags_check(uint64_t flags);

/* One step each; va is a user address aligned to the size in flags. */
/* A fresh zeroed page. AGAIN: a superpage is being zeroed, call again. */
/*@ requires kernel_wf && is_process(p);
    ensures kernel_wf; */
MUST_USE status_t memory_map(pfn_t p, uint64_t va, uint32_t flags);

/* The mapping goes; its page too if it was the last one. */
/*@ requires kernel_wf && is_process(p);
    ensures kernel_wf; */
MUST_USE status_t memory_unmap(pfn_t p, uint64_t va, uint32_t flags);

/* Other permissions, within the most the mapping may have. */
/*@ requires kernel_wf && is_process(p);
    ensures kernel_wf; */
MUST_USE status_t memory_protect(pfn_t p, uint64_t va, uint32_t flags);

/* The page at source of process from is mapped at target of process to as well, with at most its rights. */
/*@ requires kernel_wf && is_process(from) && is_process(to);
    ensures kernel_wf; */
MUST_USE status_t memory_share(pfn_t from, uint64_t source, pfn_t to, uint64_t target,
                               uint32_t flags);

/* One page of device memory. */
/*@ requires kernel_wf && is_process(p);
    ensures kernel_wf; */
MUST_USE status_t memory_device(pfn_t p, uint64_t va, uint64_t frame, uint32_t flags);

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
