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

/* Moves t up from place i, which is free, until its parent is earlier; i halves, so in HEAP_STEPS steps at most. */
/*@ requires 1 <= i <= deadline_count < FRAMES_MAX && is_thread(t);
    requires outside: thread_at[t].heap_index == 0 || thread_at[t].heap_index > deadline_count;
    requires heap_filled(i) && heap_inverse(i, t) && heap_ordered(i) && heap_bridged(i);
    requires children: \forall integer j; 2 <= j <= deadline_count && j / 2 == i ==> thread_at[t].deadline <= due(j);
    assigns deadline_heap[0 .. FRAMES_MAX - 1], thread_at[0 .. FRAMES_MAX - 1];
    ensures filled: heap_filled(0);
    ensures inverse: heap_inverse(0, 0);
    ensures ordered: heap_ordered(0);
    ensures in: thread_at[t].heap_index != 0;
    ensures rest: heap_rest{Pre,Post};
    ensures others: heap_others{Pre,Post}(t); */
static void heap_up(uint32_t i, pfn_t t)
{
    /*@ loop invariant range: 1 <= i <= deadline_count;
        loop invariant outside: thread_at[t].heap_index == 0 || thread_at[t].heap_index > deadline_count;
        loop invariant filled: heap_filled(i);
        loop invariant inverse: heap_inverse(i, t);
        loop invariant ordered: heap_ordered(i);
        loop invariant bridged: heap_bridged(i);
        loop invariant children: \forall integer j; 2 <= j <= deadline_count && j / 2 == i ==>
            thread_at[t].deadline <= due(j);
        loop invariant rest: heap_rest{Pre,Here};
        loop invariant others: heap_others{Pre,Here}(t);
        loop assigns i, deadline_heap[0 .. FRAMES_MAX - 1], thread_at[0 .. FRAMES_MAX - 1];
        loop variant i; */
    while (i > 1) {
        pfn_t parent = deadline_heap[i / 2];
        if (thread_at[T(parent)].deadline <= thread_at[T(t)].deadline)
            break;
        heap_put(i, parent);
        i = i / 2;
    }
    heap_put(i, t);
}

/* The earlier child of place i, which has one. */
/*@ requires 1 <= i && 2 * i <= deadline_count < FRAMES_MAX && heap_filled(i);
    assigns \nothing;
    ensures child: \result / 2 == i && \result <= deadline_count;
    ensures earlier: \forall integer j; 2 <= j <= deadline_count && j / 2 == i ==> due(\result) <= due(j); */
static uint32_t heap_child(uint32_t i)
{
    uint32_t child = i * 2;
    if (child == deadline_count)
        return child;
    return thread_at[T(deadline_heap[child + 1])].deadline <
                   thread_at[T(deadline_heap[child])].deadline
               ? child + 1
               : child;
}

/* Moves t down from place i, which is free, until both children are later; i doubles, so in HEAP_STEPS steps at most. */
/*@ requires 1 <= i <= deadline_count < FRAMES_MAX && is_thread(t);
    requires outside: thread_at[t].heap_index == 0 || thread_at[t].heap_index > deadline_count;
    requires heap_filled(i) && heap_inverse(i, t) && heap_ordered(i) && heap_bridged(i);
    requires parent: i / 2 >= 1 ==> due(i / 2) <= thread_at[t].deadline;
    assigns deadline_heap[0 .. FRAMES_MAX - 1], thread_at[0 .. FRAMES_MAX - 1];
    ensures filled: heap_filled(0);
    ensures inverse: heap_inverse(0, 0);
    ensures ordered: heap_ordered(0);
    ensures in: thread_at[t].heap_index != 0;
    ensures rest: heap_rest{Pre,Post};
    ensures others: heap_others{Pre,Post}(t); */
static void heap_down(uint32_t i, pfn_t t)
{
    /*@ loop invariant range: 1 <= i <= deadline_count;
        loop invariant outside: thread_at[t].heap_index == 0 || thread_at[t].heap_index > deadline_count;
        loop invariant filled: heap_filled(i);
        loop invariant inverse: heap_inverse(i, t);
        loop invariant ordered: heap_ordered(i);
        loop invariant bridged: heap_bridged(i);
        loop invariant parent: i / 2 >= 1 ==> due(i / 2) <= thread_at[t].deadline;
        loop invariant rest: heap_rest{Pre,Here};
        loop invariant others: heap_others{Pre,Here}(t);
        loop assigns i, deadline_heap[0 .. FRAMES_MAX - 1], thread_at[0 .. FRAMES_MAX - 1];
        loop variant deadline_count - i; */
    while (i * 2 <= deadline_count) {
        uint32_t child = heap_child(i);
        if (thread_at[T(t)].deadline <= thread_at[T(deadline_heap[child])].deadline)
            break;
        heap_put(i, deadline_heap[child]);
        i = child;
    }
    heap_put(i, t);
}

RARE void deadline_insert(pfn_t t, uint64_t time)
{
    thread_at[T(t)].deadline = time;
    deadline_count++;
    heap_up(deadline_count, t);
}

RARE void deadline_remove(pfn_t t)
{
    uint32_t i = thread_at[T(t)].heap_index;
    if (i == 0)
        return;
    pfn_t last = deadline_heap[deadline_count];
    deadline_heap[deadline_count] = 0;
    deadline_count--;
    thread_at[T(t)].heap_index = 0;
    if (last == t)
        return;
    if (i > 1 && thread_at[T(last)].deadline < thread_at[T(deadline_heap[i / 2])].deadline)
        heap_up(i, last);
    else
        heap_down(i, last);
}

pfn_t deadline_first(void) { return deadline_count == 0 ? 0 : deadline_heap[1]; }
