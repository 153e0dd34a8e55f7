/* SPDX-License-Identifier: MIT */
/* Endpoints; see endpoint.h. */
#include "core/endpoint.h"
#include "core/process.h"
#include "core/thread.h"

/* A waiting thread leaves the queue of its endpoint, which is no run queue. */
/*@ requires waits: is_thread(t) && is_endpoint(queue_of[t]);
    requires queues_wf && runs_wf;
    assigns queue_of[t], queue_next[0 .. FRAMES_MAX - 1], queue_prev[0 .. FRAMES_MAX - 1],
            endpoint_at[queue_of[t]].first, endpoint_at[queue_of[t]].last;
    ensures wf: queues_wf;
    ensures off: queue_of[t] == 0;
    ensures others: queue_others{Pre,Post}(t);
    ensures ready_wf: \old(ready_wf) ==> ready_wf; */
static inline void endpoint_queue_leave(pfn_t t) { queue_remove(t); }

RARE void endpoint_leave(pfn_t t)
{
    endpoint_t e = queue_of[t];
    //@ assert place: thread_place_ok(t) && endpoint_at[e].first != 0;
    endpoint_queue_leave(t);
    endpoint_settle(e);
}

RARE pfn_t endpoint_pop(endpoint_t e) { return endpoint_shift(e); }

/* endpoint_receiver, where the one that waits longest is of an ended process. */
/*@ requires endpoint: is_endpoint(e);
    KERNEL_NEED(0)
    assigns deadline_count, deadline_heap[0 .. FRAMES_MAX - 1], thread_at[0 .. FRAMES_MAX - 1],
            queue_of[0 .. FRAMES_MAX - 1], queue_next[0 .. FRAMES_MAX - 1], queue_prev[0 .. FRAMES_MAX - 1],
            queue_key[0 .. FRAMES_MAX - 1], queue_clock, endpoint_at[0 .. FRAMES_MAX * SLOTS - 1],
            cpu_at[0 .. CPUS_MAX - 1];
    KERNEL_WF(0)
    ensures found: \result != 0 ==> \result == endpoint_at[e].first && endpoint_at[e].mode == MODE_RECEIVE &&
        is_thread(\result) && \old(queue_of[\result]) == e && process_at[frame_owner[\result]].dying == 0;
    ensures events: endpoint_at[e].events == \old(endpoint_at[e].events); */
static RARE pfn_t receiver_of_many(endpoint_t e)
{
    uint32_t n;
    /*@ loop invariant range: 0 <= n <= DRAIN_PIECE;
        loop invariant events: endpoint_at[e].events == \at(endpoint_at[e].events,Pre);
        loop invariant waited: \forall integer u; is_frame(u) && queue_of[u] == e ==> \at(queue_of[u],Pre) == e;
        KERNEL_LOOP(0)
        loop assigns n, deadline_count, deadline_heap[0 .. FRAMES_MAX - 1], thread_at[0 .. FRAMES_MAX - 1],
            queue_of[0 .. FRAMES_MAX - 1], queue_next[0 .. FRAMES_MAX - 1], queue_prev[0 .. FRAMES_MAX - 1],
            queue_key[0 .. FRAMES_MAX - 1], queue_clock, endpoint_at[0 .. FRAMES_MAX * SLOTS - 1],
            cpu_at[0 .. CPUS_MAX - 1];
        loop variant DRAIN_PIECE - n; */
    for (n = 0; n < DRAIN_PIECE && endpoint_at[E(e)].mode == MODE_RECEIVE; n++) {
        pfn_t t = endpoint_at[E(e)].first;
        //@ assert first: t != 0 && is_thread(t) && queue_of[t] == e;
        if (process_at[P(frame_owner[t])].dying == 0)
            return t;
        (void)endpoint_pop(e);
        thread_wake(t, ERR_PEER); /* it does not run again */
    }
    return 0;
}

pfn_t endpoint_receiver(endpoint_t e)
{
    if (endpoint_at[E(e)].mode != MODE_RECEIVE)
        return 0;
    pfn_t t = endpoint_at[E(e)].first;
    //@ assert first: t != 0 && is_thread(t) && queue_of[t] == e;
    if (process_at[P(frame_owner[t])].dying == 0)
        return t;
    return receiver_of_many(e);
}

/* The longest waiting thread of e, a receiver, gets event bits and goes on. */
/*@ requires endpoint: is_endpoint(e) && endpoint_at[e].first != 0;
    KERNEL_NEED(0)
    assigns deadline_count, deadline_heap[0 .. FRAMES_MAX - 1], thread_at[0 .. FRAMES_MAX - 1],
            queue_of[endpoint_at[e].first], queue_next[0 .. FRAMES_MAX - 1], queue_prev[0 .. FRAMES_MAX - 1],
            queue_key[endpoint_at[e].first], queue_clock, endpoint_at[0 .. FRAMES_MAX * SLOTS - 1],
            cpu_at[0 .. CPUS_MAX - 1];
    KERNEL_WF(0)
    ensures event: has_event(\old(endpoint_at[e].first), bits); */
static inline void endpoint_deliver(endpoint_t e, uint64_t bits)
{
    pfn_t t = endpoint_shift(e);
    thread_set_event(t, bits);
    thread_wake(t, ERR_NONE);
}

RARE void endpoint_signal_rest(endpoint_t e, uint64_t bits)
{
    if (receiver_of_many(e) == 0)
        endpoint_pend(e, bits);
    else
        endpoint_deliver(e, bits);
}

RARE void endpoint_signal(endpoint_t e, uint64_t bits) { endpoint_signal_soon(e, bits); }

RARE bool endpoint_drain(endpoint_t e)
{
    uint32_t n;
    endpoint_at[E(e)].mode = MODE_DEAD;
    /*@ loop invariant 0 <= n <= RELEASE_PIECE;
        loop variant RELEASE_PIECE - n; */
    for (n = 0; n < RELEASE_PIECE && endpoint_at[E(e)].first != 0; n++) {
        pfn_t t = endpoint_at[E(e)].first;
        queue_pop(e, t);
        thread_fail(t, ERR_PEER);
    }
    return endpoint_at[E(e)].first == 0;
}

pfn_t endpoint_owner(endpoint_t e) { return table_parent[e / SLOTS]; }

void endpoint_free(pfn_t p, endpoint_t e)
{
    uint32_t top = process_at[P(p)].endpoint_free;
    process_at[P(p)].endpoint_stack[top] = (uint8_t)((e + 1 + top) % ENDPOINTS_MAX);
    process_at[P(p)].endpoint_free = top + 1;
}
