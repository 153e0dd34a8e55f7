/* SPDX-License-Identifier: MIT */
/* The deadline heap; see deadline.h. */
#include "core/deadline.h"

uint32_t deadline_count;

/*@ requires 1 <= i < FRAMES_MAX && is_thread(t);
    assigns deadline_heap[i], thread_at[t].heap_index;
    ensures deadline_heap[i] == t && thread_at[t].heap_index == i; */
static void heap_put(uint32_t i, pfn_t t)
{
    deadline_heap[i] = t;
    thread_at[T(t)].heap_index = i;
}

/* Moves t up from place i, which is free, until its parent is earlier. */
/*@ requires 1 <= i <= deadline_count < FRAMES_MAX && is_thread(t);
    assigns deadline_heap[0 .. FRAMES_MAX - 1], thread_at[0 .. FRAMES_MAX - 1].heap_index; */
static void heap_up(uint32_t i, pfn_t t)
{
    uint32_t steps;
    /*@ loop invariant 0 <= steps <= HEAP_STEPS && 1 <= i <= deadline_count;
        loop assigns i, steps, deadline_heap[0 .. FRAMES_MAX - 1], thread_at[0 .. FRAMES_MAX - 1].heap_index;
        loop variant HEAP_STEPS - steps; */
    for (steps = 0; steps < HEAP_STEPS && i > 1; steps++) {
        pfn_t parent = deadline_heap[i / 2];
        if (thread_at[T(parent)].deadline <= thread_at[T(t)].deadline) break;
        heap_put(i, parent);
        i = i / 2;
    }
    heap_put(i, t);
}

/* Moves t down from place i, which is free, until both children are later. */
/*@ requires 1 <= i <= deadline_count < FRAMES_MAX && is_thread(t);
    assigns deadline_heap[0 .. FRAMES_MAX - 1], thread_at[0 .. FRAMES_MAX - 1].heap_index; */
static void heap_down(uint32_t i, pfn_t t)
{
    uint32_t steps;
    /*@ loop invariant 0 <= steps <= HEAP_STEPS && 1 <= i <= deadline_count;
        loop assigns i, steps, deadline_heap[0 .. FRAMES_MAX - 1], thread_at[0 .. FRAMES_MAX - 1].heap_index;
        loop variant HEAP_STEPS - steps; */
    for (steps = 0; steps < HEAP_STEPS && i * 2 <= deadline_count; steps++) {
        uint32_t child = i * 2;
        if (child < deadline_count && thread_at[T(deadline_heap[child + 1])].deadline <
                                          thread_at[T(deadline_heap[child])].deadline)
            child++;
        if (thread_at[T(t)].deadline <= thread_at[T(deadline_heap[child])].deadline) break;
        heap_put(i, deadline_heap[child]);
        i = child;
    }
    heap_put(i, t);
}

void deadline_insert(pfn_t t, uint64_t time)
{
    thread_at[T(t)].deadline = time;
    deadline_count++;
    heap_up(deadline_count, t);
}

void deadline_remove(pfn_t t)
{
    uint32_t i = thread_at[T(t)].heap_index;
    if (i == 0) return;
    pfn_t last = deadline_heap[deadline_count];
    deadline_heap[deadline_count] = 0;
    deadline_count--;
    thread_at[T(t)].heap_index = 0;
    if (last == t) return;
    if (i > 1 && thread_at[T(last)].deadline < thread_at[T(deadline_heap[i / 2])].deadline)
        heap_up(i, last);
    else
        heap_down(i, last);
}

pfn_t deadline_first(void)
{
    return deadline_count == 0 ? 0 : deadline_heap[1];
}
