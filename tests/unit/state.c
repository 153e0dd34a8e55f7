/* SPDX-License-Identifier: MIT */
/* Kernel state as a number; see state.h. */
#include "tests/unit/state.h"

#include <string.h>

#include "arch/hosted/hosted.h"
#include "core/alloc.h"
#include "core/deadline.h"

static uint64_t mix(uint64_t hash, uint64_t value)
{
    hash ^= value;
    hash *= 0x9E3779B97F4A7C15u;
    return hash ^ (hash >> 29);
}

__attribute__((no_sanitize("address", "undefined"))) static uint64_t frame_hash(uint64_t hash,
                                                                                pfn_t p)
{
    const uint64_t *word = (const uint64_t *)&page_at[p];
    for (uint32_t i = 0; i < 512; i++)
        hash = (hash ^ word[i]) * 0x9E3779B97F4A7C15u;
    return mix(hash, hash >> 32);
}

/* A thread without what the scheduler may change, and, for the caller, without what a failing call may. */
static uint64_t thread_hash(uint64_t hash, pfn_t p, bool caller)
{
    static struct thread copy;
    copy = thread_at[T(p)];
    bool runs = copy.state == THREAD_RUNNING || copy.state == THREAD_READY;
    if (runs) {
        copy.state = THREAD_READY;
        copy.slice = 0;
        copy.badge = copy.calls = copy.grants = 0; /* meaningful only while it sends */
    } else {
        copy.grants = copy.grants != 0;
        hash = mix(hash, queue_of[p]);
        hash = mix(hash, (uint64_t)queue_next[p] << 32 | queue_prev[p]);
    }
    if (copy.heap_index == 0)
        copy.deadline = 0; /* meaningful only while it is set */
    else
        copy.heap_index = 1; /* where in the heap is nobody's business */
    if (caller) {
        copy.reg[REG_RAX] = copy.reg[REG_RCX] = copy.reg[REG_R11] = 0;
        copy.syscalls = 0;
    }
    const uint8_t *byte = (const uint8_t *)&copy;
    for (uint32_t i = 0; i < 1024; i += 8) {
        uint64_t value;
        memcpy(&value, byte + i, 8);
        hash = mix(hash, value);
    }
    return hash;
}

static uint64_t links_hash(uint64_t hash, pfn_t p)
{
    hash = mix(hash, frame_generation[p]);
    hash = mix(hash, (uint64_t)frame_kind[p] << 32 | frame_maps[p]);
    hash = mix(hash, (uint64_t)frame_owner[p] << 32 | own_next[p]);
    hash = mix(hash, (uint64_t)own_prev[p] << 32 | own_first[p]);
    hash = mix(hash, own_last[p]);
    if (frame_kind[p] == FRAME_TABLE) {
        hash = mix(hash, (uint64_t)table_parent[p] << 32 | table_slot[p]);
        hash = mix(hash, (uint64_t)table_used[p] << 32 | table_level[p]);
    }
    return hash;
}

uint64_t state_hash(pfn_t t)
{
    uint64_t hash = mix(1, alloc_free_frames());
    for (pfn_t p = 1; p < hosted_frames(); p++) {
        if (frame_kind[p] == FRAME_FREE || frame_kind[p] == FRAME_RESERVED ||
            frame_kind[p] == FRAME_RUNQUEUE)
            continue;
        hash = links_hash(mix(hash, p), p);
        hash = frame_kind[p] == FRAME_THREAD ? thread_hash(hash, p, p == t) : frame_hash(hash, p);
    }
    uint64_t deadlines =
        0; /* as a set: a deadline set and taken back may leave the others in another order */
    for (uint32_t i = 1; i <= deadline_count; i++)
        deadlines += mix(1, deadline_heap[i]);
    hash = mix(hash, deadlines);
    for (uint32_t i = 0; i < IRQS_MAX; i++)
        hash = mix(hash, hosted_direct.irq_open[i]);
    hash = mix(hash, hosted_direct.port_outs);
    return mix(hash, hosted_direct.log_used);
}
