/* SPDX-License-Identifier: MIT */
/*
 * Endpoints: where threads meet. An endpoint is a slot of its owner process's endpoint page and lives until it, or the
 * process, is destroyed; handles to it die with it. Its queue holds either threads that wait to send or threads that
 * wait to receive, never both; events holds bits nobody has received yet.
 */
#ifndef CORE_ENDPOINT_H
#define CORE_ENDPOINT_H

#include "core/thread.h"

/* 1 while e is the endpoint that had this generation. */
/*@ requires 0 < e < FRAMES_MAX * SLOTS;
    assigns \nothing;
    ensures bool: \result == 0 || \result == 1;
    ensures live: \result == 1 <==>
        frame_kind[e / SLOTS] == FRAME_ENDPOINTS && endpoint_at[e].generation == generation; */
static inline bool endpoint_is_live(endpoint_t e, uint64_t generation)
{
    if (frame_kind[e / SLOTS] != FRAME_ENDPOINTS)
        return false;
    return endpoint_at[E(e)].generation == generation;
}

/* A new endpoint of process p, which has a free slot. */
/*@ requires kernel_wf && is_process(p) && process_at[p].endpoint_free > 0;
    ensures kernel_wf;
    ensures is_queue(\result) && \result / SLOTS == process_at[p].endpoint_page; */
INDEX_GUARD endpoint_t endpoint_create(pfn_t p)
{
    uint32_t top = process_at[P(p)].endpoint_free - 1;
    process_at[P(p)].endpoint_free = top;
    uint32_t slot = (process_at[P(p)].endpoint_stack[top] + ENDPOINTS_MAX - 1 - top) % ENDPOINTS_MAX;
    endpoint_t e = process_at[P(p)].endpoint_page * SLOTS + slot;
    endpoint_at[E(e)].generation = frame_birth();
    endpoint_at[E(e)].events = 0;
    endpoint_at[E(e)].mode = MODE_IDLE;
    return e;
}

/*@ predicate is_endpoint{L}(integer e) = 0 < e < FRAMES_MAX * SLOTS && frame_kind[e / SLOTS] == FRAME_ENDPOINTS;
    predicate is_born{L}(integer e) = SLOTS <= e && is_endpoint(e) && endpoint_at[e].generation != 0;
    // t received these event bits.
    predicate has_event{L}(integer t, integer bits) = is_thread(t) && thread_at[t].reg[REG_RSI] == TAG_EVENT &&
        thread_at[t].reg[REG_RDX] == bits;
    predicate threads_same{K,L} = \forall integer u; thread_same{K,L}(u) && thread_due_same{K,L}(u) &&
        \at(thread_at[u].heap_index,K) == \at(thread_at[u].heap_index,L);
*/

/* Nobody waits in e any more, if that is so: its mode says it. */
/*@ requires queues_wf && is_endpoint(e);
    assigns endpoint_at[e].mode;
    ensures wf: queues_wf;
    ensures ready_wf: \old(ready_wf) ==> ready_wf;
    ensures mode: endpoint_at[e].mode == (endpoint_at[e].first == 0 && \old(endpoint_at[e].mode) != MODE_DEAD ?
        MODE_IDLE : \old(endpoint_at[e].mode));
    ensures places_but: \forall integer x; \old(places_but(x)) ==> places_but(x); */
INDEX_GUARD void endpoint_settle(endpoint_t e)
{
    if (endpoint_at[E(e)].first == 0 && endpoint_at[E(e)].mode != MODE_DEAD)
        endpoint_at[E(e)].mode = MODE_IDLE;
}

/* The longest waiting thread leaves the queue of its endpoint. */
/*@ requires waits: is_endpoint(e) && t != 0 && t == endpoint_at[e].first;
    requires queues_wf && runs_wf;
    assigns queue_of[t], queue_next[0 .. FRAMES_MAX - 1], queue_prev[0 .. FRAMES_MAX - 1], endpoint_at[e].first,
            endpoint_at[e].last;
    ensures wf: queues_wf;
    ensures off: is_thread(t) && queue_of[t] == 0;
    ensures others: queue_others{Pre,Post}(t);
    ensures ready_wf: \old(ready_wf) ==> ready_wf;
    ensures places_but: \old(places_but(0)) ==> places_but(t); */
INDEX_GUARD void endpoint_queue_pop(endpoint_t e, pfn_t t) { queue_pop(e, t); }

/* endpoint_pop, to be compiled into what calls it. */
/*@ requires endpoint: is_endpoint(e) && endpoint_at[e].first != 0;
    KERNEL_NEED(0)
    assigns queue_of[endpoint_at[e].first], queue_next[0 .. FRAMES_MAX - 1], queue_prev[0 .. FRAMES_MAX - 1],
            endpoint_at[e].first, endpoint_at[e].last, endpoint_at[e].mode;
    KERNEL_WF(\old(endpoint_at[e].first))
    ensures first: \result == \old(endpoint_at[e].first) && is_thread(\result);
    ensures out: queue_of[\result] == 0 && cpu_at[thread_at[\result].cpu].current != \result;
    ensures waited: \old(queue_of[endpoint_at[e].first]) == e && thread_at[\result].call_id == 0;
    ensures others: queue_others{Pre,Post}(\result);
    ensures mode: endpoint_at[e].mode == (endpoint_at[e].first == 0 && \old(endpoint_at[e].mode) != MODE_DEAD ?
        MODE_IDLE : \old(endpoint_at[e].mode)); */
INDEX_GUARD pfn_t endpoint_shift(endpoint_t e)
{
    pfn_t t = endpoint_at[E(e)].first;
    //@ assert place: is_thread(t) && queue_of[t] == e && thread_place_ok(t);
    endpoint_queue_pop(e, t);
    endpoint_settle(e);
    return t;
}

/* More bits are pending. */
/*@ requires is_endpoint(e);
    assigns endpoint_at[e].events;
    ensures endpoint_at[e].events == (\old(endpoint_at[e].events) | bits);
    KERNEL_KEPT(0) */
INDEX_GUARD void endpoint_pend(endpoint_t e, uint64_t bits) { endpoint_at[E(e)].events |= bits; }

/* Delivers bits: to the longest waiting receiver, else they stay pending. */
/*@ requires endpoint: is_endpoint(e);
    KERNEL_NEED(0)
    assigns deadline_count, deadline_heap[0 .. FRAMES_MAX - 1], thread_at[0 .. FRAMES_MAX - 1],
            queue_of[0 .. FRAMES_MAX - 1], queue_next[0 .. FRAMES_MAX - 1], queue_prev[0 .. FRAMES_MAX - 1],
            queue_key[0 .. FRAMES_MAX - 1], queue_clock, endpoint_at[0 .. FRAMES_MAX * SLOTS - 1],
            cpu_at[0 .. CPUS_MAX - 1];
    KERNEL_WF(0)
    ensures pending: \old(endpoint_at[e].mode) != MODE_RECEIVE ==>
        endpoint_at[e].events == (\old(endpoint_at[e].events) | bits) && threads_same{Pre,Post};
    ensures pends: \old(endpoint_at[e].mode) != MODE_RECEIVE ==>
        endpoint_at[e].mode == \old(endpoint_at[e].mode) && \forall integer u; is_frame(u) ==>
        queue_of[u] == \old(queue_of[u]);
    ensures done: endpoint_at[e].events == (\old(endpoint_at[e].events) | bits) ||
        \exists integer t; has_event(t, bits) && \old(queue_of[t]) == e; */
void endpoint_signal(endpoint_t e, uint64_t bits);

/* The same, where there is nobody to deliver to, or a thread that can go on at once. 0: nothing has happened. */
/*@ requires endpoint: is_endpoint(e);
    KERNEL_NEED(0)
    assigns thread_at[0 .. FRAMES_MAX - 1], queue_of[0 .. FRAMES_MAX - 1], queue_next[0 .. FRAMES_MAX - 1],
            queue_prev[0 .. FRAMES_MAX - 1], queue_key[0 .. FRAMES_MAX - 1], queue_clock,
            endpoint_at[0 .. FRAMES_MAX * SLOTS - 1], cpu_at[0 .. CPUS_MAX - 1];
    KERNEL_WF(0)
    ensures bool: \result == 0 || \result == 1;
    ensures pending: \result == 1 && \old(endpoint_at[e].mode) != MODE_RECEIVE ==>
        endpoint_at[e].events == (\old(endpoint_at[e].events) | bits) && threads_same{Pre,Post};
    ensures pends: \result == 1 && \old(endpoint_at[e].mode) != MODE_RECEIVE ==>
        endpoint_at[e].mode == \old(endpoint_at[e].mode) && \forall integer u; is_frame(u) ==>
        queue_of[u] == \old(queue_of[u]);
    ensures done: \result == 1 ==> endpoint_at[e].events == (\old(endpoint_at[e].events) | bits) ||
        \exists integer t; has_event(t, bits) && \old(queue_of[t]) == e;
    ensures idle: \old(endpoint_at[e].mode) != MODE_RECEIVE ==> \result == 1;
    ensures none: \result == 0 ==> endpoint_at[e].events == \old(endpoint_at[e].events) &&
        endpoint_at[e].mode == \old(endpoint_at[e].mode) &&
        \forall integer u; is_frame(u) ==> queue_of[u] == \old(queue_of[u]); */
INDEX_GUARD bool endpoint_signal_now(endpoint_t e, uint64_t bits)
{
    if (endpoint_at[E(e)].mode != MODE_RECEIVE) {
        endpoint_pend(e, bits);
        return true;
    }
    pfn_t t = endpoint_at[E(e)].first;
    //@ assert first: t != 0 && is_thread(t) && queue_of[t] == e;
    if (!thread_may_run(t) || thread_at[T(t)].heap_index != 0)
        return false;
    (void)endpoint_shift(e);
    thread_set_event(t, bits);
    thread_set_status(t, ERR_NONE);
    sched_enqueue(t);
    return true;
}

/* endpoint_signal, where the receiver that waits longest cannot just go on. */
/*@ requires endpoint: is_endpoint(e) && endpoint_at[e].mode == MODE_RECEIVE;
    KERNEL_NEED(0)
    assigns deadline_count, deadline_heap[0 .. FRAMES_MAX - 1], thread_at[0 .. FRAMES_MAX - 1],
            queue_of[0 .. FRAMES_MAX - 1], queue_next[0 .. FRAMES_MAX - 1], queue_prev[0 .. FRAMES_MAX - 1],
            queue_key[0 .. FRAMES_MAX - 1], queue_clock, endpoint_at[0 .. FRAMES_MAX * SLOTS - 1],
            cpu_at[0 .. CPUS_MAX - 1];
    KERNEL_WF(0)
    ensures done: endpoint_at[e].events == (\old(endpoint_at[e].events) | bits) ||
        \exists integer t; has_event(t, bits) && \old(queue_of[t]) == e; */
void endpoint_signal_rest(endpoint_t e, uint64_t bits);

/* endpoint_signal, to be compiled into what calls it. */
/*@ requires endpoint: is_endpoint(e);
    KERNEL_NEED(0)
    assigns deadline_count, deadline_heap[0 .. FRAMES_MAX - 1], thread_at[0 .. FRAMES_MAX - 1],
            queue_of[0 .. FRAMES_MAX - 1], queue_next[0 .. FRAMES_MAX - 1], queue_prev[0 .. FRAMES_MAX - 1],
            queue_key[0 .. FRAMES_MAX - 1], queue_clock, endpoint_at[0 .. FRAMES_MAX * SLOTS - 1],
            cpu_at[0 .. CPUS_MAX - 1];
    KERNEL_WF(0)
    ensures pending: \old(endpoint_at[e].mode) != MODE_RECEIVE ==>
        endpoint_at[e].events == (\old(endpoint_at[e].events) | bits) && threads_same{Pre,Post};
    ensures pends: \old(endpoint_at[e].mode) != MODE_RECEIVE ==>
        endpoint_at[e].mode == \old(endpoint_at[e].mode) && \forall integer u; is_frame(u) ==>
        queue_of[u] == \old(queue_of[u]);
    ensures done: endpoint_at[e].events == (\old(endpoint_at[e].events) | bits) ||
        \exists integer t; has_event(t, bits) && \old(queue_of[t]) == e; */
INDEX_GUARD void endpoint_signal_soon(endpoint_t e, uint64_t bits)
{
    if (!endpoint_signal_now(e, bits))
        endpoint_signal_rest(e, bits);
}

/* Takes the longest waiting thread out of e's queue, which holds one. */
/*@ requires endpoint: is_endpoint(e) && endpoint_at[e].first != 0;
    KERNEL_NEED(0)
    assigns queue_of[endpoint_at[e].first], queue_next[0 .. FRAMES_MAX - 1], queue_prev[0 .. FRAMES_MAX - 1],
            endpoint_at[e].first, endpoint_at[e].last, endpoint_at[e].mode;
    KERNEL_WF(\old(endpoint_at[e].first))
    ensures first: \result == \old(endpoint_at[e].first) && is_thread(\result);
    ensures out: queue_of[\result] == 0 && cpu_at[thread_at[\result].cpu].current != \result;
    ensures waited: \old(queue_of[endpoint_at[e].first]) == e && thread_at[\result].call_id == 0;
    ensures others: queue_others{Pre,Post}(\result);
    ensures mode: endpoint_at[e].mode == (endpoint_at[e].first == 0 && \old(endpoint_at[e].mode) != MODE_DEAD ?
        MODE_IDLE : \old(endpoint_at[e].mode)); */
pfn_t endpoint_pop(endpoint_t e);

/* The longest waiting receiver whose process has not ended; up to DRAIN_PIECE others before it are set aside.
   0: none waits, or (mode still MODE_RECEIVE) there were more to set aside. */
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
pfn_t endpoint_receiver(endpoint_t e);

/* Takes a waiting thread out of the endpoint queue it is in. */
/*@ requires waits: is_thread(t) && is_endpoint(queue_of[t]);
    KERNEL_NEED(0)
    assigns queue_of[t], queue_next[0 .. FRAMES_MAX - 1], queue_prev[0 .. FRAMES_MAX - 1],
            endpoint_at[queue_of[t]].first, endpoint_at[queue_of[t]].last, endpoint_at[queue_of[t]].mode;
    KERNEL_WF(t)
    ensures out: queue_of[t] == 0 && cpu_at[thread_at[t].cpu].current != t; */
void endpoint_leave(pfn_t t);

/* Releases up to RELEASE_PIECE waiting threads with the error PEER; nobody joins them any more. 1: nobody waits. */
/*@ requires kernel_wf && is_queue(e) && frame_kind[e / SLOTS] == FRAME_ENDPOINTS;
    ensures kernel_wf;
    ensures \result == 1 ==> endpoint_at[e].first == 0; */
bool endpoint_drain(endpoint_t e);

/* e, in which nobody waits, is no endpoint any more. */
/*@ requires kernel_wf && is_queue(e) && frame_kind[e / SLOTS] == FRAME_ENDPOINTS && endpoint_at[e].first == 0;
    ensures kernel_wf && endpoint_at[e].generation == 0; */
INDEX_GUARD void endpoint_end(endpoint_t e)
{
    endpoint_at[E(e)].generation = 0;
    endpoint_at[E(e)].events = 0;
    endpoint_at[E(e)].mode = MODE_IDLE;
}

/* The process that owns endpoint e. */
/*@ requires kernel_wf && is_queue(e) && frame_kind[e / SLOTS] == FRAME_ENDPOINTS;
    assigns \nothing;
    ensures is_process(\result); */
pfn_t endpoint_owner(endpoint_t e);

/* Gives the slot of drained endpoint e back to its process p. */
/*@ requires kernel_wf && is_process(p) && is_queue(e) && process_at[p].endpoint_page == e / SLOTS;
    ensures kernel_wf; */
void endpoint_free(pfn_t p, endpoint_t e);

#endif
