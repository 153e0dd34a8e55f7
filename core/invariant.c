/* SPDX-License-Identifier: MIT */
/* The invariants as code; see invariant.h. Each check looks at one frame; a false answer names the invariant. */
#include "core/invariant.h"
#include "core/transfer.h"
#include "core/memory.h"
#include "core/container.h"
#include "core/deadline.h"
#include "core/endpoint.h"
#include "core/process.h"
#include "core/sched.h"
#include "core/table.h"

pfn_t invariant_culprit;

/* Frames beyond the last region do not exist. */
/*@ assigns \nothing; */
static bool exists(pfn_t p) { return p != 0 && p < alloc_regions * PAGES_2M; }

/*@ assigns \nothing; */
static bool kind_is(pfn_t p, uint8_t kind) { return exists(p) && frame_kind[p] == kind; }

/* Birth numbers: an object has one, nothing else does. */
/*@ requires is_frame(p); assigns \nothing; */
static bool frame_ok(pfn_t p)
{
    bool object = frame_kind[p] != FRAME_FREE && frame_kind[p] != FRAME_RESERVED;
    return frame_kind[p] < FRAME_KINDS && object == (frame_generation[p] != 0) &&
           (frame_kind[p] == FRAME_USER || frame_maps[p] == 0);
}

/* Whether the allocator has frame p to give. */
/*@ requires is_frame(p); assigns \nothing; */
static bool frame_is_free(pfn_t p)
{
    uint32_t r = p / PAGES_2M;
    return giga_free[r / PAGES_2M] != BLOCK_TAKEN && region_free[r] != BLOCK_TAKEN &&
           free_pos[p] % PAGES_2M < region_free[r];
}

/* The permutation of a region's frames, and free frames are no objects. */
/*@ requires is_frame(p); assigns \nothing; */
static bool alloc_ok(pfn_t p)
{
    uint32_t j = free_pos[p];
    if (j / PAGES_2M != p / PAGES_2M || free_slot[j] != p)
        return false;
    return !frame_is_free(p) || frame_kind[p] == FRAME_FREE;
}

/* A region's place in its giga and among the partly free ones. */
/*@ requires r < REGIONS_MAX; assigns \nothing; */
static bool region_ok(uint32_t r)
{
    uint32_t g = r / PAGES_2M;
    if (big_pos[r] / PAGES_2M != g || big_slot[big_pos[r]] != r || partial_slot[partial_pos[r]] != r)
        return false;
    bool partial = region_free[r] > 0 && region_free[r] < PAGES_2M;
    if (partial != (partial_pos[r] < partial_count))
        return false;
    if (giga_free[g] == BLOCK_TAKEN)
        return region_free[r] == PAGES_2M;
    return (region_free[r] == PAGES_2M) == (big_pos[r] % PAGES_2M < giga_free[g]);
}

/* List links of owners: neighbours agree, the owner is of the right kind. */
/*@ requires is_frame(p); assigns \nothing; */
static bool owner_ok(pfn_t p)
{
    pfn_t owner = frame_owner[p];
    if (own_first[p] != 0 && (frame_owner[own_first[p]] != p || own_prev[own_first[p]] != 0))
        return false;
    if (own_last[p] != 0 && (frame_owner[own_last[p]] != p || own_next[own_last[p]] != 0))
        return false;
    if ((own_first[p] == 0) != (own_last[p] == 0))
        return false;
    if (frame_kind[p] == FRAME_THREAD && !kind_is(owner, FRAME_PROCESS))
        return false;
    if (frame_kind[p] == FRAME_PROCESS && !kind_is(owner, FRAME_CONTAINER))
        return false;
    if (frame_kind[p] == FRAME_CONTAINER && container_at[C(p)].depth != 0 &&
        !kind_is(owner, FRAME_CONTAINER))
        return false;
    if (owner == 0)
        return true;
    if (own_next[p] == 0 ? own_last[owner] != p : own_prev[own_next[p]] != p)
        return false;
    return own_prev[p] == 0 ? own_first[owner] == p : own_next[own_prev[p]] == p;
}

/* Queue links: a waiting thread's neighbours agree with it. */
/*@ requires is_frame(p); assigns \nothing; */
static bool queue_ok(pfn_t p)
{
    endpoint_t q = queue_of[p];
    if (q == 0)
        return true;
    if (frame_kind[p] != FRAME_THREAD)
        return false;
    if (!kind_is(q / SLOTS, FRAME_ENDPOINTS) && !kind_is(q / SLOTS, FRAME_RUNQUEUE))
        return false;
    if (queue_next[p] == 0 ? endpoint_at[E(q)].last != p : queue_prev[queue_next[p]] != p)
        return false;
    return queue_prev[p] == 0 ? endpoint_at[E(q)].first == p : queue_next[queue_prev[p]] == p;
}

/* The queue thread t must be in, by its state. */
/*@ requires is_thread(t); assigns \nothing; */
static bool thread_queue_ok(pfn_t t)
{
    endpoint_t q = queue_of[t];
    uint32_t state = thread_at[T(t)].state;
    uint8_t cpu = thread_at[T(t)].cpu;
    if (state == THREAD_READY)
        return q == cpu_at[cpu].run + thread_at[T(t)].priority;
    if (state == THREAD_SENDING || state == THREAD_RECEIVING)
        return kind_is(q / SLOTS, FRAME_ENDPOINTS) && endpoint_at[E(q)].generation != 0 &&
               (endpoint_at[E(q)].mode == MODE_DEAD ||
                endpoint_at[E(q)].mode == (state == THREAD_SENDING ? MODE_SEND : MODE_RECEIVE));
    return q == 0 && (state == THREAD_RUNNING) == (cpu_at[cpu].current == t);
}

/*@ requires is_thread(t); assigns \nothing; */
static bool thread_ok(pfn_t t)
{
    uint32_t state = thread_at[T(t)].state;
    bool answers = state == THREAD_CALLING || state == THREAD_FAULTED;
    uint32_t i = thread_at[T(t)].heap_index;
    if (state >= THREAD_STATES || thread_at[T(t)].priority >= PRIORITIES)
        return false;
    if (thread_at[T(t)].cpu >= CPUS_MAX || cpu_at[thread_at[T(t)].cpu].run == 0)
        return false;
    if (answers != (thread_at[T(t)].call_id != 0))
        return false;
    if (state == THREAD_FAULTED && thread_at[T(t)].fault_kind == 0)
        return false;
    if (i != 0 && (i > deadline_count || deadline_heap[i] != t))
        return false;
    if (i != 0 && !(answers || state == THREAD_SENDING || state == THREAD_RECEIVING))
        return false;
    if (thread_at[T(t)].reply_id != 0 && !exists(thread_at[T(t)].reply_to))
        return false;
    return thread_queue_ok(t);
}

/* The heap's order, and that its places point back. */
/*@ requires 1 <= i < FRAMES_MAX; assigns \nothing; */
static bool deadline_ok(uint32_t i)
{
    pfn_t t = deadline_heap[i];
    if (!kind_is(t, FRAME_THREAD) || thread_at[T(t)].heap_index != i)
        return false;
    return i == 1 || thread_at[T(deadline_heap[i / 2])].deadline <= thread_at[T(t)].deadline;
}

/* An endpoint page: modes agree with queues, and its process knows it. */
/*@ requires is_frame(page); assigns \nothing; */
static bool endpoints_ok(pfn_t page)
{
    for (endpoint_t e = page * SLOTS; e < page * SLOTS + SLOTS; e++) {
        bool empty = endpoint_at[E(e)].first == 0;
        if (empty != (endpoint_at[E(e)].last == 0))
            return false;
        if (!empty && (!kind_is(endpoint_at[E(e)].first, FRAME_THREAD) ||
                       queue_of[endpoint_at[E(e)].first] != e))
            return false;
        if (endpoint_at[E(e)].mode == MODE_RUN || endpoint_at[E(e)].mode > MODE_DEAD)
            return false;
        if (endpoint_at[E(e)].mode != MODE_DEAD && empty != (endpoint_at[E(e)].mode == MODE_IDLE))
            return false;
        if (endpoint_at[E(e)].generation == 0 && !empty)
            return false;
    }
    return kind_is(table_parent[page], FRAME_PROCESS) &&
           process_at[P(table_parent[page])].endpoint_page == page;
}

/* Ready bits say which run queues are not empty. */
/*@ requires cpu < CPUS_MAX; assigns \nothing; */
static bool cpu_ok(cpu_t cpu)
{
    pfn_t t = cpu_at[cpu].current;
    if (t != 0 && (!kind_is(t, FRAME_THREAD) || thread_at[T(t)].state != THREAD_RUNNING))
        return false;
    if (t != 0 && (process_at[P(frame_owner[t])].dying != 0 || thread_at[T(t)].cpu != cpu))
        return false;
    if (cpu_at[cpu].run % SLOTS != 0 ||
        (cpu_at[cpu].run != 0 && !kind_is(cpu_at[cpu].run / SLOTS, FRAME_RUNQUEUE)))
        return false;
    for (uint32_t p = 0; p < PRIORITIES && cpu_at[cpu].run != 0; p++)
        if ((endpoint_at[E(cpu_at[cpu].run + p)].first != 0) != ((cpu_at[cpu].ready >> p) % 2 == 1))
            return false;
    return true;
}

/* What an open handle of a kind names: a number in range, and an object of that kind while it lives. */
/*@ requires is_slot(h); assigns \nothing; */
static bool handle_ok(slot_t h)
{
    uint32_t object = handle_at[H(h)].object;
    switch (handle_at[H(h)].kind) {
    case KIND_CONTAINER:
        return exists(object) && (!handle_live(h) || frame_kind[object] == FRAME_CONTAINER);
    case KIND_PROCESS:
        return exists(object) && (!handle_live(h) || frame_kind[object] == FRAME_PROCESS);
    case KIND_THREAD:
        return exists(object) && (!handle_live(h) || frame_kind[object] == FRAME_THREAD);
    case KIND_ENDPOINT:
        return exists(object / SLOTS) && handle_at[H(h)].generation != 0;
    case KIND_REPLY:
        return exists(object) && handle_at[H(h)].generation != 0;
    default:
        return handle_at[H(h)].kind < KIND_LAST;
    }
}

/* What a thread notes of its message page, while nothing of its process's mappings changed, is what its tables say. */
/*@ requires is_thread(t); assigns \nothing; */
static bool message_ok(pfn_t t)
{
    pfn_t p = frame_owner[t];
    pfn_t noted = kind_is(p, FRAME_PROCESS) ? message_noted(t, p) : 0;
    return noted == 0 ||
           noted == user_frame(process_at[P(p)].root, thread_at[T(t)].message_va, PAGE_WRITE);
}

/* Its root is one, and the endpoints it names by number exist. */
/*@ requires is_process(p); assigns \nothing; */
static bool process_ok(pfn_t p)
{
    endpoint_t death = process_at[P(p)].death_endpoint;
    endpoint_t fault = process_at[P(p)].fault_endpoint;
    return kind_is(process_at[P(p)].root, FRAME_TABLE) &&
           table_level[process_at[P(p)].root] == TABLE_LEVELS &&
           (death == 0 || exists(death / SLOTS)) && (fault == 0 || exists(fault / SLOTS));
}

/* The free numbers of a process are closed, all others of its pages are open. */
/*@ requires is_process(p); assigns \nothing; */
static bool handles_ok(pfn_t p)
{
    uint32_t open = 0;
    uint32_t pages = process_at[P(p)].handle_pages;
    if (pages > HANDLE_PAGES)
        return false;
    if (process_at[P(p)].reap_stage >= REAP_HANDLES)
        return true; /* being taken apart */
    for (uint32_t n = 0; n < pages * SLOTS; n++) {
        pfn_t page = process_at[P(p)].handle_page[n / SLOTS];
        if (!kind_is(page, FRAME_HANDLES))
            return false;
        if (!handle_ok(page * SLOTS + n % SLOTS))
            return false;
        open += handle_at[H(page * SLOTS + n % SLOTS)].kind != KIND_NONE;
    }
    uint32_t fresh = process_at[P(p)].handle_fresh;
    if (fresh > process_at[P(p)].handle_free)
        return false;
    for (uint32_t i = 0; i < process_at[P(p)].handle_free; i++)
        if (handle_slot(p, i < fresh ? pages * SLOTS - 1 - i : process_at[P(p)].handle_stack[i]) != 0)
            return false;
    return open + process_at[P(p)].handle_free + 1 == pages * SLOTS; /* number 0 is neither */
}

/* The list of ended processes: links agree, and a process that ended without being closed is on it. */
/*@ requires is_process(p); assigns \nothing; */
static bool dead_ok(pfn_t p)
{
    pfn_t next = process_at[P(p)].dead_next;
    pfn_t prev = process_at[P(p)].dead_prev;
    bool listed = prev != 0 || dead_first == p;
    if (next != 0 && (!kind_is(next, FRAME_PROCESS) || process_at[P(next)].dead_prev != p))
        return false;
    if (prev != 0 && (!kind_is(prev, FRAME_PROCESS) || process_at[P(prev)].dead_next != p))
        return false;
    return listed || process_at[P(p)].dying == 0 || process_at[P(p)].reap_stage >= REAP_MEMORY;
}

/* What the leaves of one table map, in pages; UINT64_MAX: one maps what it must not. */
/*@ requires is_table(t); assigns \nothing; */
static uint64_t table_pages(pfn_t t)
{
    uint64_t pages = 0;
    uint32_t used = 0;
    for (uint32_t k = 0; k < table_limit(t); k++) {
        uint64_t e = table_at[PT(t)].entry[k];
        if (e % 2 == 0)
            continue;
        used++;
        if (table_level[t] > 1 && table_down(t, k) != 0) {
            pfn_t below = table_down(t, k);
            if (!kind_is(below, FRAME_TABLE) || table_parent[below] != t ||
                table_slot[below] != k || table_level[below] + 1 != table_level[t])
                return UINT64_MAX;
            continue;
        }
        uint32_t flags = entry_flags(e);
        if ((flags & PAGE_WRITE) != 0 && (flags & PAGE_EXECUTE) != 0)
            return UINT64_MAX;
        if ((flags & PAGE_DEVICE) != 0)
            continue;
        if (!kind_is((pfn_t)entry_frame(e), FRAME_USER) || frame_maps[entry_frame(e)] == 0)
            return UINT64_MAX;
        pages += table_level[t] == 1 ? 1 : table_level[t] == 2 ? PAGES_2M : PAGES_1G;
    }
    return used == table_used[t] ? pages : UINT64_MAX;
}

/* The root of the tree a table is in; 0: its links lead nowhere. */
/*@ requires is_table(t); assigns \nothing; */
static pfn_t table_root(pfn_t t)
{
    for (uint32_t n = 0; n < TABLE_LEVELS && table_level[t] < TABLE_LEVELS; n++) {
        if (!kind_is(table_parent[t], FRAME_TABLE))
            return 0;
        t = table_parent[t];
    }
    return t;
}

/* Everything charged to process p, counted. */
/*@ requires is_process(p); assigns \nothing; */
static uint64_t process_sum(pfn_t p)
{
    uint64_t sum = 2 + process_at[P(p)].handle_pages + process_at[P(p)].threads;
    if (process_at[P(p)].endpoint_page != 0)
        sum++;
    if (process_at[P(p)].block != 0)
        sum += process_at[P(p)].block_size == BLOCK_2M ? PAGES_2M : PAGES_1G;
    return sum;
}

/* charged of every process, less what process_sum says, is what its tables and leaves hold: compared as one total. */
/*@ assigns invariant_culprit; */
static bool charges_ok(void)
{
    uint64_t charged = 0;
    uint64_t sum = 0;
    for (pfn_t p = 1; p < alloc_regions * PAGES_2M; p++) {
        invariant_culprit = p;
        if (frame_kind[p] == FRAME_PROCESS) {
            charged += process_at[P(p)].charged;
            sum += process_sum(p);
        }
        if (frame_kind[p] != FRAME_TABLE)
            continue;
        uint64_t pages = table_pages(p);
        if (pages == UINT64_MAX || table_root(p) == 0)
            return false;
        sum += pages + (table_level[p] < TABLE_LEVELS);
    }
    invariant_culprit = 0;
    return charged == sum;
}

/* used of a container is what its processes are charged and its child containers themselves; carved their totals. */
/*@ requires is_container(c); assigns \nothing; */
static bool container_ok(pfn_t c)
{
    uint64_t used = 0;
    uint64_t carved = 0;
    uint64_t children = 0;
    for (pfn_t x = own_first[c]; x != 0; x = own_next[x]) {
        bool process = frame_kind[x] == FRAME_PROCESS;
        used += process ? process_at[P(x)].charged : 1;
        carved += process ? 0 : container_at[C(x)].total;
        children++;
    }
    return used == container_at[C(c)].used && carved == container_at[C(c)].carved &&
           children == container_at[C(c)].children && used + carved <= container_at[C(c)].total;
}

/* The checks of one frame by its kind. */
/*@ requires is_frame(p); assigns \nothing; */
static const char *frame_broken(pfn_t p)
{
    if (!frame_ok(p))
        return "frames_wf";
    if (!alloc_ok(p))
        return "alloc_wf";
    if (!owner_ok(p))
        return "owners_wf";
    if (!queue_ok(p))
        return "queues_wf";
    if (frame_kind[p] == FRAME_THREAD && !thread_ok(p))
        return "threads_wf";
    if (frame_kind[p] == FRAME_THREAD && !message_ok(p))
        return "messages_wf";
    if (frame_kind[p] == FRAME_ENDPOINTS && !endpoints_ok(p))
        return "endpoints_wf";
    if (frame_kind[p] == FRAME_PROCESS && !process_ok(p))
        return "processes_wf";
    if (frame_kind[p] == FRAME_PROCESS && !handles_ok(p))
        return "handles_wf";
    if (frame_kind[p] == FRAME_PROCESS && !dead_ok(p))
        return "dead_wf";
    if (frame_kind[p] == FRAME_CONTAINER && !container_ok(p))
        return "quota_wf";
    return NULL;
}

const char *invariants_broken(void)
{
    uint64_t free = 0;
    invariant_culprit = 0;
    if (frame_kind[0] > FRAME_RESERVED)
        return "nobody_wf";
    for (pfn_t p = 1; p < alloc_regions * PAGES_2M; p++) {
        const char *broken = frame_broken(p);
        invariant_culprit = p;
        if (broken != NULL)
            return broken;
        free += frame_is_free(p);
    }
    for (uint32_t r = 0; r < alloc_regions; r++) {
        invariant_culprit = r * PAGES_2M;
        if (!region_ok(r))
            return "alloc_wf (regions)";
    }
    for (uint32_t i = 1; i <= deadline_count; i++) {
        invariant_culprit = deadline_heap[i];
        if (!deadline_ok(i))
            return "deadlines_wf";
    }
    for (cpu_t cpu = 0; cpu < CPUS_MAX; cpu++) {
        invariant_culprit = cpu_at[cpu].current;
        if (!cpu_ok(cpu))
            return "cpus_wf";
    }
    if (free != alloc_free_frames())
        return "alloc_wf (count)";
    return charges_ok() ? NULL : "quota_wf (sum)";
}
