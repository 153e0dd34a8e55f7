/* SPDX-License-Identifier: MIT */
/*
 * Queues of waiting threads, first come first served: one for each endpoint and each run queue. A thread is in at most
 * one queue; queue_of says which. All operations take constant time. Called by the scheduler and by IPC.
 *
 * Invariant queues_wf: queue_of[t] != 0 only for threads t; the threads with queue_of[t] == q are exactly those on the
 * chain endpoint_at[q].first .. endpoint_at[q].last by queue_next, queue_prev is its inverse, the ends' outer links
 * and the links of threads in no queue are 0.
 */
#ifndef CORE_QUEUE_H
#define CORE_QUEUE_H

#include "core/window.h"

/* Puts thread t, which is in no queue, at the end of queue q. */
/*@ requires is_queue(q) && is_thread(t) && queue_of[t] == 0;
    assigns queue_next[0 .. FRAMES_MAX - 1], queue_prev[t], queue_of[t], endpoint_at[q].first, endpoint_at[q].last;
    ensures queue_of[t] == q; */
static inline void queue_push(endpoint_t q, pfn_t t);

/* Takes thread t out of the queue it is in. */
/*@ requires is_thread(t) && is_queue(queue_of[t]);
    assigns queue_next[0 .. FRAMES_MAX - 1], queue_prev[0 .. FRAMES_MAX - 1], queue_of[t],
            endpoint_at[queue_of[t]].first, endpoint_at[queue_of[t]].last;
    ensures queue_of[t] == 0; */
static inline void queue_remove(pfn_t t);

/* Takes the thread that waits longest out of queue q; 0: nobody waits. */
/*@ requires is_queue(q);
    assigns queue_next[0 .. FRAMES_MAX - 1], queue_prev[0 .. FRAMES_MAX - 1], queue_of[0 .. FRAMES_MAX - 1],
            endpoint_at[q].first, endpoint_at[q].last;
    ensures \result != 0 ==> is_thread(\result) && queue_of[\result] == 0 && \old(queue_of[\result]) == q; */
static inline pfn_t queue_pop(endpoint_t q);

#define LIST_SCOPE static inline
#define LIST_ADD queue_push
#define LIST_REMOVE queue_remove
#define LIST_HEAD_T endpoint_t
#define LIST_OF queue_of
#define LIST_NEXT queue_next
#define LIST_PREV queue_prev
#define LIST_FIRST(q) endpoint_at[E(q)].first
#define LIST_LAST(q) endpoint_at[E(q)].last
#include "core/list_template.h"

static inline pfn_t queue_pop(endpoint_t q)
{
    pfn_t t = endpoint_at[E(q)].first;
    if (t != 0)
        queue_remove(t);
    return t;
}

#endif
